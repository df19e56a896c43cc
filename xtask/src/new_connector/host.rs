//! The edits outside the folder of a new connector: where the host names its connectors, and the handbook's list of pages.
//!
//! Each is a line among its like, in their order, so that nothing else of a file changes.

use anyhow::{Context, ensure};

use super::name::Name;

pub(super) const ROOT: &str = "Cargo.toml";
pub(super) const HOST: &str = "crates/syncline/Cargo.toml";
pub(super) const LINKED: &str = "crates/syncline/src/connectors.rs";
pub(super) const SUMMARY: &str = "docs/src/SUMMARY.md";
const MATRIX: &str = "docs/src/connectors/matrix.md";

/// The workspace's list of dependencies with the connector.
pub(super) fn root(text: &str, name: &Name) -> anyhow::Result<String> {
    let package = name.package();
    let line = format!("{package} = {{ path = \"connectors/{name}\" }}");
    among(text, "syncline-connector-", &line).with_context(|| format!("`{ROOT}`"))
}

/// The host's manifest with the feature, which is a default one, and the dependency.
pub(super) fn host(text: &str, name: &Name) -> anyhow::Result<String> {
    let (feature, package) = (name.feature(), name.package());
    let edited = || {
        let text = among(text, "connector-", &format!("{feature} = [\"dep:{package}\"]"))?;
        let text =
            among(&text, "syncline-connector-", &format!("{package} = {{ workspace = true, optional = true }}"))?;
        let defaults =
            text.lines().find(|line| line.starts_with("default = [")).context("no line begins with `default = [`")?;
        let quoted = format!("\"{feature}\"");
        let mut items: Vec<_> = defaults.trim_start_matches("default = [").trim_end_matches(']').split(", ").collect();
        let is_like = |item: &&str| item.starts_with("\"connector-");
        let last = items.iter().rposition(is_like).context("no connector is among the default features")?;
        let place = items.iter().position(|item| is_like(item) && **item > *quoted).unwrap_or(last + 1);
        items.insert(place, &quoted);
        anyhow::Ok(text.replacen(defaults, &format!("default = [{}]", items.join(", ")), 1))
    };
    edited().with_context(|| format!("`{HOST}`"))
}

/// The host's list of connectors that it links, with this one: a line of code, and its id among those that have to be there.
pub(super) fn linked(text: &str, name: &Name) -> anyhow::Result<String> {
    let condition = format!("#[cfg(feature = \"{}\")]", name.feature());
    let edited = || {
        let text =
            below_conditions(text, "use syncline_connector_", &condition, &format!("use {} as _;", name.krate()))?;
        below_conditions(&text, "    \"", &format!("    {condition}"), &format!("    \"{name}\","))
    };
    edited().with_context(|| format!("`{LINKED}`"))
}

/// The handbook's list of pages with the connector's, behind those of the others.
pub(super) fn summary(text: &str, name: &Name) -> anyhow::Result<String> {
    let is_page = |line: &str| line.trim_start().starts_with("- [") && line.contains("](connectors/");
    let last = text.lines().rfind(|line| is_page(line));
    let last = last.with_context(|| format!("`{SUMMARY}` lists no page in `connectors/`"))?;
    let indent = &last[..last.len() - last.trim_start().len()];
    let line = format!("{indent}- [{}](connectors/{name}.md)", name.label());
    Ok(text.replacen(last, &format!("{last}\n{line}"), 1))
}

/// The pages of the handbook that are the connector's alone.
pub(super) fn pages(name: &Name) -> [String; 2] {
    ["", "-settings"].map(|ending| format!("docs/src/connectors/{name}{ending}.md"))
}

/// The commands that take a connector back of which nothing is committed: what has lines of it becomes as it was, what is its own is removed.
///
/// Among the first is what is written later on: the versions that cargo locks, and the table of what connectors have proved.
pub(super) fn taken_back(name: &Name, has_handbook: bool) -> [String; 2] {
    let (mut edited, mut own) = (vec![ROOT, "Cargo.lock", HOST, LINKED], vec![format!("connectors/{name}")]);
    if has_handbook {
        edited.extend([SUMMARY, MATRIX]);
        own.extend(pages(name));
    }
    [format!("git restore {}", edited.join(" ")), format!("git clean -fd {}", own.join(" "))]
}

/// A text with a line more, among those that begin alike and in their order.
pub(super) fn among(text: &str, beginning: &str, line: &str) -> anyhow::Result<String> {
    let mut lines: Vec<_> = text.lines().collect();
    let is_like = |line: &&str| line.starts_with(beginning);
    ensure!(!lines.contains(&line), "the line `{line}` is there already");
    let last = lines.iter().rposition(is_like).with_context(|| format!("no line begins with `{beginning}`"))?;
    let place = lines.iter().position(|other| is_like(other) && *other > line).unwrap_or(last + 1);
    lines.insert(place, line);
    Ok(lines.join("\n") + "\n")
}

/// The same for lines each of which has its condition above it.
fn below_conditions(text: &str, beginning: &str, condition: &str, line: &str) -> anyhow::Result<String> {
    let text = among(text, beginning, line)?;
    let mut lines: Vec<_> = text.lines().collect();
    let place = lines.iter().position(|other| *other == line).context("the line is not there")?;
    // It came between another line and that one's condition.
    let is_between = place > 0 && lines[place - 1].trim_start().starts_with("#[cfg(");
    if is_between {
        lines.swap(place - 1, place);
        lines.insert(place - 1, condition);
    } else {
        lines.insert(place, condition);
    }
    Ok(lines.join("\n") + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines that an edit adds to a file of this workspace.
    fn added(path: &str, edit: fn(&str, &Name) -> anyhow::Result<String>, name: &str) -> Vec<String> {
        let before = std::fs::read_to_string(crate::root().join(path)).unwrap();
        let after = edit(&before, &Name::parse(name).unwrap()).unwrap();
        let mut old = before.lines().peekable();
        let added = after.lines().filter(|line| old.next_if_eq(line).is_none()).map(str::to_owned).collect();
        assert_eq!(old.next(), None, "a line of `{path}` is gone:\n{after}");
        added
    }

    #[test]
    fn the_workspace_and_the_host_name_the_connector() {
        assert_eq!(added(ROOT, root, "acme"), ["syncline-connector-acme = { path = \"connectors/acme\" }"]);
        let text = std::fs::read_to_string(crate::root().join(HOST)).unwrap();
        for name in ["acme", "gamma", "zz"] {
            let name = Name::parse(name).unwrap();
            let before: toml::Table = text.parse().unwrap();
            let after: toml::Table = host(&text, &name).unwrap().parse().unwrap();
            let defaults = |host: &toml::Table| host["features"]["default"].as_array().unwrap().clone();
            let feature = toml::Value::from(name.feature());
            assert_eq!(defaults(&after).iter().filter(|other| **other == feature).count(), 1);
            let others: Vec<_> = defaults(&after).into_iter().filter(|other| *other != feature).collect();
            assert_eq!(others, defaults(&before));
            assert_eq!(
                after["features"][&name.feature()].as_array().unwrap(),
                &[format!("dep:{}", name.package()).into()]
            );
            assert_eq!(after["dependencies"][&name.package()]["optional"].as_bool(), Some(true));
        }
    }

    /// First, in the middle, last: each keeps the condition of the line behind it with that line.
    #[test]
    fn the_host_links_the_connector() {
        for name in ["acme", "gamma", "zz"] {
            let line = format!("use syncline_connector_{name} as _;");
            let (condition, id) = (format!("#[cfg(feature = \"connector-{name}\")]"), format!("    \"{name}\","));
            assert_eq!(added(LINKED, linked, name), [condition.clone(), line, format!("    {condition}"), id]);
        }
    }

    #[test]
    fn the_handbook_lists_the_connector_behind_the_others() {
        let text =
            "# Summary\n- [Overview](connectors/index.md)\n  - [Files](connectors/files.md)\n- [Other](other.md)\n";
        assert_eq!(
            summary(text, &Name::parse("acme").unwrap()).unwrap(),
            "# Summary\n- [Overview](connectors/index.md)\n  - [Files](connectors/files.md)\n  - [Acme](connectors/acme.md)\n\
             - [Other](other.md)\n"
        );
        assert!(summary("# Summary\n", &Name::parse("acme").unwrap()).is_err());
    }

    #[test]
    fn what_is_written_is_what_is_taken_back() {
        let name = Name::parse("acme").unwrap();
        assert_eq!(
            taken_back(&name, true),
            [
                "git restore Cargo.toml Cargo.lock crates/syncline/Cargo.toml crates/syncline/src/connectors.rs docs/src/SUMMARY.md \
                 docs/src/connectors/matrix.md",
                "git clean -fd connectors/acme docs/src/connectors/acme.md docs/src/connectors/acme-settings.md",
            ]
        );
        assert!(taken_back(&name, false).iter().all(|command| !command.contains("docs/")));
        // A file that is not there would stop `git restore`.
        for path in taken_back(&name, true)[0].split_whitespace().skip(2) {
            assert!(crate::root().join(path).is_file(), "{path}");
        }
    }

    #[test]
    fn a_file_of_another_form_is_not_edited() {
        let name = Name::parse("acme").unwrap();
        let error = root("[workspace]\n", &name).unwrap_err();
        assert_eq!(format!("{error:#}"), "`Cargo.toml`: no line begins with `syncline-connector-`");
        let twice = root(&root("syncline-connector-b = 1\n", &name).unwrap(), &name).unwrap_err();
        assert!(format!("{twice:#}").contains("is there already"), "{twice:#}");
    }
}
