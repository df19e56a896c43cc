//! Rules about `Cargo.toml` files.

use std::collections::BTreeSet;

use toml::{Table, Value};

use super::{Finding, Tree};

const ROOT: &str = "Cargo.toml";
const HOST: &str = "crates/syncline/Cargo.toml";
const LINKED: &str = "crates/syncline/src/connectors.rs";

/// Who may build on whom among our own packages, tests aside. A connector may build on what `syncline-connector-*` may.
const ARROWS: [(&str, &[&str]); 12] = [
    ("syncline-derive", &[]),
    ("syncline-model", &["syncline-derive"]),
    ("syncline-core", &["syncline-model"]),
    ("syncline-http", &["syncline-core"]),
    ("syncline-testkit", &["syncline-core", "syncline-http", "syncline-model"]),
    ("syncline-conformance", &["syncline-core", "syncline-model", "syncline-testkit"]),
    ("syncline-connector-*", &["syncline-core", "syncline-http", "syncline-model"]),
    ("syncline-render", &["syncline-core", "syncline-model"]),
    ("syncline-web", &["syncline-core", "syncline-model", "syncline-render"]),
    (
        "syncline",
        &[
            "syncline-core",
            "syncline-http",
            "syncline-model",
            "syncline-render",
            "syncline-testkit",
            "syncline-web",
            "syncline-connector-*",
        ],
    ),
    ("syncline-tests", &[]),
    ("xtask", &[]),
];

/// A connector registers itself, but only if the host has a feature for it and a line that keeps the linker from
/// dropping it.
pub(super) fn connectors_are_linked(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    let features = manifest(tree, HOST).and_then(|host| host.get("features")?.as_table().cloned()).unwrap_or_default();
    let linked = tree.text(LINKED).unwrap_or_default();
    for path in tree.files.iter().map(|file| file.path.as_str()) {
        let parts: Vec<&str> = path.split('/').collect();
        let ["connectors", name, "Cargo.toml"] = parts[..] else { continue };
        let package = format!("syncline-connector-{name}");
        let feature = format!("connector-{name}");
        if manifest(tree, path).is_none_or(|manifest| name_of(&manifest) != package) {
            findings.push(Finding::new(path, None, format!("the package is not called `{package}`")));
        }
        if !features.contains_key(&feature) {
            findings.push(Finding::new(HOST, None, format!("no feature `{feature}`")));
        }
        let line = format!("use {} as _;", package.replace('-', "_"));
        if !linked.lines().any(|text| text.trim() == line) {
            findings.push(Finding::new(LINKED, None, format!("no line `{line}`")));
        }
    }
    findings
}

/// A member takes every dependency from the workspace, where its version stands once.
pub(super) fn versions_stand_in_one_place(tree: &Tree) -> Vec<Finding> {
    let inherited = |value: &Value| value.get("workspace").and_then(Value::as_bool) == Some(true);
    let mut findings = Vec::new();
    for (path, manifest) in members(tree) {
        for (kind, name, value) in dependencies(&manifest) {
            if !inherited(&value) {
                let what =
                    format!("`{name}` in {kind} is not `workspace = true`; its version belongs in the root's list");
                findings.push(Finding::new(path, None, what));
            }
        }
    }
    findings
}

/// What the workspace lists, some member uses.
pub(super) fn every_dependency_is_used(tree: &Tree) -> Vec<Finding> {
    let root = manifest(tree, ROOT).unwrap_or_default();
    let listed = root.get("workspace").and_then(|workspace| workspace.get("dependencies")).and_then(Value::as_table);
    let mut used = BTreeSet::new();
    for (_, manifest) in members(tree) {
        used.extend(dependencies(&manifest).into_iter().map(|(_, name, _)| name));
    }
    let unused = listed.into_iter().flat_map(Table::keys).filter(|name| !used.contains(*name));
    unused.map(|name| Finding::new(ROOT, None, format!("no member uses the dependency `{name}`"))).collect()
}

/// The lints of the workspace hold in every member.
pub(super) fn lints_are_inherited(tree: &Tree) -> Vec<Finding> {
    let inherited = |manifest: &Table| manifest.get("lints")?.get("workspace")?.as_bool();
    let without = members(tree).filter(|(_, manifest)| inherited(manifest) != Some(true));
    without.map(|(path, _)| Finding::new(path, None, "no `[lints] workspace = true`")).collect()
}

/// Nothing points at a connector but the host, nothing at the host, and a connector takes the engine without its database.
pub(super) fn arrows_point_one_way(tree: &Tree) -> Vec<Finding> {
    let matches = |pattern: &str, name: &str| match pattern.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => name == pattern,
    };
    let mut findings = Vec::new();
    for (path, manifest) in members(tree) {
        let package = name_of(&manifest);
        let Some((_, allowed)) = ARROWS.iter().find(|(pattern, _)| matches(pattern, package)) else {
            findings.push(Finding::new(
                path,
                None,
                format!("the tidy rule does not know what `{package}` may build on"),
            ));
            continue;
        };
        for (kind, name, value) in dependencies(&manifest) {
            let ours = name.starts_with("syncline");
            if kind != "dev-dependencies" && ours && !allowed.iter().any(|pattern| matches(pattern, &name)) {
                findings.push(Finding::new(path, None, format!("`{package}` may not build on `{name}`")));
            }
            let features = value.get("features").and_then(Value::as_array);
            let runtime = ["runtime", "default"].map(Value::from);
            // Its own tests may run whole syncs.
            if package.starts_with("syncline-connector-")
                && kind != "dev-dependencies"
                && name == "syncline-core"
                && features.is_some_and(|features| features.iter().any(|feature| runtime.contains(feature)))
            {
                let what = "a connector takes `syncline-core` without its runtime, so that it compiles no database";
                findings.push(Finding::new(path, None, what));
            }
        }
    }
    findings
}

fn manifest(tree: &Tree, path: &str) -> Option<Table> {
    tree.text(path)?.parse().ok()
}

/// Every package of the workspace. A `Cargo.toml` that is no package, or no TOML, is cargo's to complain about.
fn members(tree: &Tree) -> impl Iterator<Item = (&str, Table)> {
    let manifests = tree.texts("/Cargo.toml").filter_map(|(path, text)| Some((path, text.parse::<Table>().ok()?)));
    manifests.filter(|(_, manifest)| manifest.contains_key("package"))
}

fn name_of(manifest: &Table) -> &str {
    let name = manifest.get("package").and_then(|package| package.get("name"));
    name.and_then(Value::as_str).unwrap_or_default()
}

/// All dependencies with the name of their section, those of single platforms included.
fn dependencies(manifest: &Table) -> Vec<(&'static str, String, Value)> {
    let platforms = manifest.get("target").and_then(Value::as_table);
    let platforms = platforms.into_iter().flat_map(Table::values).filter_map(Value::as_table);
    let mut all = Vec::new();
    for table in std::iter::once(manifest).chain(platforms) {
        for kind in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let section = table.get(kind).and_then(Value::as_table).into_iter().flatten();
            all.extend(section.map(|(name, value)| (kind, name.clone(), value.clone())));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::super::tests::says;
    use super::*;

    #[test]
    fn a_connector_without_feature_and_line_is_found() {
        let files = [
            ("connectors/zabbix/Cargo.toml", "[package]\nname = \"zabbix\""),
            (HOST, "[features]\nconnector-netbox = []"),
            (LINKED, "use syncline_connector_netbox as _;\n"),
        ];
        assert_eq!(
            says(connectors_are_linked, &files),
            [
                "connectors/zabbix/Cargo.toml: the package is not called `syncline-connector-zabbix`",
                "crates/syncline/Cargo.toml: no feature `connector-zabbix`",
                "crates/syncline/src/connectors.rs: no line `use syncline_connector_zabbix as _;`",
            ]
        );
    }

    #[test]
    fn a_version_of_its_own_is_found() {
        let text = "[package]\nname = \"a\"\n[dependencies]\nserde = \"1\"\nurl.workspace = true\n\
                    [target.'cfg(unix)'.dev-dependencies]\nlibc = { version = \"1\" }\n";
        let root = "[workspace.dependencies]\nurl = \"2\"\nidle = \"1\"\n";
        let files = [("Cargo.toml", root), ("crates/a/Cargo.toml", text)];
        assert_eq!(says(versions_stand_in_one_place, &files).len(), 2);
        assert_eq!(says(every_dependency_is_used, &files), ["Cargo.toml: no member uses the dependency `idle`"]);
        assert_eq!(says(lints_are_inherited, &files), ["crates/a/Cargo.toml: no `[lints] workspace = true`"]);
    }

    #[test]
    fn an_arrow_against_the_stream_is_found() {
        let core = "[package]\nname = \"syncline-core\"\n[dependencies]\nsyncline-http.workspace = true\n\
                    [dev-dependencies]\nsyncline-testkit.workspace = true\n";
        let connector = "[package]\nname = \"syncline-connector-a\"\n[dependencies]\n\
                         syncline-core = { workspace = true, features = [\"runtime\"] }\n";
        let files = [("crates/core/Cargo.toml", core), ("connectors/a/Cargo.toml", connector)];
        assert_eq!(
            says(arrows_point_one_way, &files),
            [
                "crates/core/Cargo.toml: `syncline-core` may not build on `syncline-http`",
                "connectors/a/Cargo.toml: a connector takes `syncline-core` without its runtime, so that it compiles no \
                 database",
            ]
        );
    }
}
