//! A connector in a repository of its own, with a host that links it.

use std::fmt::Write as _;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, ensure};
use xshell::{Shell, cmd};

use super::marks::WORD;
use super::name::Name;
use super::template::{self, Made};
use super::{Shape, host, simulator, told};

const README: &str = include_str!("template/outside/README.md");
const MAIN: &str = include_str!("template/outside/main.rs");
const HOST: &str = include_str!("template/outside/host.toml");
const CI: &str = include_str!("template/outside/ci.yaml");
/// What the template of the host links. The handbook shows it as it is.
const LINKED: &str = "syncline_connector_acme";
const IGNORED: &str = "/target\n/syncline-data\n";

/// Where Syncline's own packages are taken from.
enum Origin<'a> {
    Folder(&'a Path),
    Git { url: &'a str, commit: String },
}

/// Where the repository is to be, from the root: a folder in no workspace of cargo's, which would take the packages of both for its own.
pub(super) fn place(folder: &Path, name: &Name) -> anyhow::Result<PathBuf> {
    let folder = std::path::absolute(folder).with_context(|| format!("`{}` is no folder", folder.display()))?;
    let folder = real(&folder);
    for above in folder.ancestors().skip(1) {
        let manifest = std::fs::read_to_string(above.join("Cargo.toml")).unwrap_or_default();
        ensure!(
            !manifest.parse::<toml::Table>().is_ok_and(|manifest| manifest.contains_key("workspace")),
            "`{}` is inside of the cargo workspace `{}`, and one workspace cannot be in another; name a folder outside of it, such as `{}`",
            folder.display(),
            above.display(),
            above.with_file_name(format!("syncline-{name}")).display()
        );
    }
    Ok(folder)
}

/// An absolute path without links and `..`, as far as it is there.
fn real(path: &Path) -> PathBuf {
    let known = path.ancestors().find_map(|above| Some((above, above.canonicalize().ok()?)));
    let (above, mut real) = known.unwrap_or((path, path.to_owned()));
    for part in path.strip_prefix(above).unwrap_or(path).components() {
        match part {
            Component::ParentDir => {
                real.pop();
            }
            part => real.push(part),
        }
    }
    real
}

/// Writes the repository into a folder that is not there yet. What is left to do, for people.
pub(super) fn write(
    shell: &Shell,
    root: &Path,
    folder: &Path,
    git: Option<&str>,
    name: &Name,
    shape: Shape,
) -> anyhow::Result<String> {
    let is_free = !folder.exists() || folder.read_dir().is_ok_and(|mut entries| entries.next().is_none());
    ensure!(is_free, "`{}` is there already; name a folder that is not", folder.display());
    let origin = match git {
        Some(url) => Origin::Git { url, commit: cmd!(shell, "git -C {root} rev-parse HEAD").quiet().read()? },
        None => Origin::Folder(root),
    };
    let workspace = std::fs::read_to_string(root.join(host::ROOT)).with_context(|| format!("`{}`", host::ROOT))?;
    let mut files: Vec<_> = template::files(name, shape)
        .into_iter()
        // Under which licence it is, its authors say.
        .map(|made| Made { text: made.text.replace("license.workspace = true\n", ""), ..made })
        .map(|made| Made { path: format!("connectors/{name}/{}", made.path), ..made })
        .collect();
    let fill = |text: &str| {
        let text = text.replace("{id}", name.id()).replace("{package}", &name.package());
        text.replace("{label}", &name.label()).replace("{variable}", &name.variable()).replace("{mark}", WORD)
    };
    let manifest = manifest(&workspace, &origin, name, &files)?;
    for (path, text) in [
        ("Cargo.toml", manifest),
        ("README.md", fill(README)),
        ("host/Cargo.toml", fill(HOST)),
        ("host/src/main.rs", MAIN.replace(LINKED, &name.krate())),
        (".github/workflows/ci.yaml", CI.to_owned()),
        (".gitignore", IGNORED.to_owned()),
    ] {
        files.push(Made { path: path.to_owned(), text });
    }
    // It begins with the versions that Syncline is tested with, and is formatted as Syncline is.
    for path in ["Cargo.lock", "rustfmt.toml"] {
        let text = std::fs::read_to_string(root.join(path)).with_context(|| format!("`{path}` cannot be read"))?;
        files.push(Made { path: path.to_owned(), text });
    }
    for made in &files {
        shell.write_file(folder.join(&made.path), &made.text)?;
        println!("wrote {}", made.path);
    }
    let _within = shell.push_dir(folder);
    let mut next = Vec::new();
    if cmd!(shell, "cargo fmt").quiet().ignore_stderr().run().is_err() {
        next.push(("cargo fmt".to_owned(), "it could not be run here"));
    }
    next.push(("cargo test --workspace".to_owned(), "the connector proves itself over a simulated system"));
    next.push((format!("cargo run -- connectors {name}"), "the host links it"));
    next.push((simulator(name), "the simulated system by itself, to try syncs with"));
    next.push((format!("grep -rn {WORD} connectors"), "what to turn into your system, place by place"));
    Ok(told(&folder.display().to_string(), &next))
}

/// The manifest of the new workspace: Syncline's own where it is about versions, lints and profiles.
fn manifest(workspace: &str, origin: &Origin<'_>, name: &Name, files: &[Made]) -> anyhow::Result<String> {
    let mut text = String::from(
        "[workspace]\nresolver = \"3\"\nmembers = [\"connectors/*\", \"host\"]\ndefault-members = [\"host\"]\n\n",
    );
    let package = section(workspace, "[workspace.package]")?;
    let kept: Vec<_> = package.lines().filter(|line| !line.starts_with("license")).collect();
    let _ = write!(text, "{}\n\n", kept.join("\n").trim_end());
    for lints in ["[workspace.lints.rust]", "[workspace.lints.clippy]"] {
        let _ = write!(text, "{}\n\n", section(workspace, lints)?.trim_end());
    }
    text.push_str("[workspace.dependencies]\n# Syncline: all of it from one place and of one version.\n");
    let dependencies = section(workspace, "[workspace.dependencies]")?;
    let mut used = used(files)?;
    used.retain(|used| *used != name.package());
    let line = |package: &str| {
        let mut lines =
            dependencies.lines().filter(|line| line.split_once(" = ").is_some_and(|(key, _)| key == package));
        let line = lines.next().with_context(|| format!("the workspace has no dependency `{package}`"))?;
        anyhow::Ok(line.split(" #").next().unwrap_or(line).trim_end())
    };
    let (ours, others): (Vec<_>, Vec<_>) = used.iter().partition(|package| package.starts_with("syncline"));
    text.push_str("# The connectors that the host links beside those of this repository are its features.\n");
    let syncline = located(line("syncline")?, origin)?;
    let features =
        "default-features = false, features = [\"connector-files\", \"connector-netbox\", \"otlp\", \"oidc\"] }";
    let _ = writeln!(text, "{}, {features}", syncline.trim_end_matches(" }"));
    for package in ours {
        let _ = writeln!(text, "{}", located(line(package)?, origin)?);
    }
    let _ = write!(text, "\n{} = {{ path = \"connectors/{name}\" }}\n\n", name.package());
    for package in others {
        let _ = writeln!(text, "{}", line(package)?);
    }
    // The engine is compiled as Syncline does it, for what it spends its time in.
    for profile in ["[profile.dev]", "[profile.dev.package.\"*\"]", "[profile.dev.package]"] {
        let _ = write!(text, "\n{}\n", section(workspace, profile)?.trim_end());
    }
    Ok(text)
}

/// A section of a manifest with its head, without the comments that stand above the next one.
fn section<'a>(manifest: &'a str, head: &str) -> anyhow::Result<&'a str> {
    let start = manifest.find(&format!("{head}\n")).with_context(|| format!("`Cargo.toml` has no `{head}`"))?;
    let rest = &manifest[start..];
    let section = rest.find("\n[").map_or(rest, |end| &rest[..=end]);
    Ok(match section.rsplit_once("\n\n") {
        Some((kept, last)) if last.lines().all(|line| line.starts_with('#')) => kept,
        _ => section,
    })
}

/// The dependencies of the packages among files, by their names.
fn used(files: &[Made]) -> anyhow::Result<Vec<String>> {
    let mut used = Vec::new();
    for made in files.iter().filter(|made| made.path.ends_with("Cargo.toml")) {
        let manifest: toml::Table = made.text.parse().with_context(|| format!("`{}`", made.path))?;
        for section in ["dependencies", "dev-dependencies"] {
            used.extend(
                manifest.get(section).and_then(toml::Value::as_table).into_iter().flat_map(toml::Table::keys).cloned(),
            );
        }
    }
    used.sort();
    used.dedup();
    Ok(used)
}

/// A dependency on one of Syncline's packages, from where that is.
fn located(line: &str, origin: &Origin<'_>) -> anyhow::Result<String> {
    let (before, rest) = line.split_once("path = \"").with_context(|| format!("`{line}` names no path"))?;
    let (path, after) = rest.split_once('"').with_context(|| format!("`{line}` names no path"))?;
    let place = match origin {
        Origin::Folder(root) => format!("path = {:?}", root.join(path).display().to_string()),
        Origin::Git { url, commit } => format!("git = {url:?}, rev = \"{commit}\""),
    };
    Ok(format!("{before}{place}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(origin: &Origin<'_>) -> toml::Table {
        let name = Name::parse("acme").unwrap();
        let workspace = std::fs::read_to_string(crate::root().join(host::ROOT)).unwrap();
        manifest(&workspace, origin, &name, &template::files(&name, Shape::BOTH)).unwrap().parse().unwrap()
    }

    #[test]
    fn syncline_is_taken_from_one_place() {
        let here = made(&Origin::Folder(Path::new("/syncline")));
        let dependencies = here["workspace"]["dependencies"].as_table().unwrap();
        assert_eq!(dependencies["syncline-core"]["path"].as_str(), Some("/syncline/crates/core"));
        assert_eq!(dependencies["syncline-core"]["default-features"].as_bool(), Some(false));
        assert_eq!(dependencies["syncline-connector-acme"]["path"].as_str(), Some("connectors/acme"));
        let there = made(&Origin::Git { url: "https://git.example/syncline", commit: "0123abc".to_owned() });
        for (name, value) in there["workspace"]["dependencies"].as_table().unwrap() {
            if name.starts_with("syncline") && name != "syncline-connector-acme" {
                assert_eq!(value["git"].as_str(), Some("https://git.example/syncline"), "{name}");
                assert_eq!(value["rev"].as_str(), Some("0123abc"), "{name}");
                assert_eq!(value.get("path"), None, "{name}");
            }
        }
    }

    #[test]
    fn the_rest_is_as_in_syncline() {
        let here = made(&Origin::Folder(Path::new("/syncline")));
        let ours: toml::Table = std::fs::read_to_string(crate::root().join(host::ROOT)).unwrap().parse().unwrap();
        assert_eq!(here["workspace"]["lints"], ours["workspace"]["lints"]);
        assert_eq!(here["profile"]["dev"], ours["profile"]["dev"]);
        for name in ["tokio", "serde", "axum"] {
            assert_eq!(here["workspace"]["dependencies"][name], ours["workspace"]["dependencies"][name]);
        }
        assert_eq!(here["workspace"]["package"].get("license"), None, "its authors say under which licence it is");
    }

    #[test]
    fn a_folder_in_a_workspace_is_refused() {
        let name = Name::parse("acme").unwrap();
        let root = crate::root().canonicalize().unwrap();
        let beside = root.with_file_name("syncline-acme");
        for inner in ["connectors/acme", "acme", "target/not/there", "docs/../acme", "../not-there/../ROOT/acme"] {
            let inner = root.join(inner.replace("ROOT", &root.file_name().unwrap().to_string_lossy()));
            let refused = place(&inner, &name).unwrap_err().to_string();
            assert!(refused.contains(&format!("is inside of the cargo workspace `{}`", root.display())), "{refused}");
            assert!(refused.ends_with(&format!("outside of it, such as `{}`", beside.display())), "{refused}");
        }
        let folder = std::env::temp_dir().join(format!("new-connector-outside-{}", std::process::id()));
        let other = folder.join("other");
        std::fs::create_dir_all(other.join("inner")).unwrap();
        std::fs::write(other.join("Cargo.toml"), "[workspace]\nmembers = []\n").unwrap();
        // A package alone takes nobody for a member.
        std::fs::write(folder.join("Cargo.toml"), "[package]\nname = \"alone\"\n").unwrap();
        let refused = place(&other.join("inner/acme"), &name).unwrap_err().to_string();
        let good = [place(&folder.join("acme"), &name), place(&other.join("inner/../../acme"), &name)];
        let plain = folder.canonicalize().unwrap().join("acme");
        std::fs::remove_dir_all(&folder).unwrap();
        assert!(refused.contains("other`, and one workspace"), "{refused}");
        assert_eq!(good.map(Result::unwrap), [plain.clone(), plain]);
        assert!(place(&beside, &name).unwrap().is_absolute());
    }

    #[test]
    fn a_folder_that_is_there_is_left_alone() {
        let error = write(
            &Shell::new().unwrap(),
            crate::root(),
            crate::root(),
            None,
            &Name::parse("acme").unwrap(),
            Shape::BOTH,
        );
        assert!(error.unwrap_err().to_string().contains("is there already"));
    }
}
