//! `cargo xtask new-connector`: a connector that compiles, registers itself and proves itself over a simulated system of its own, to be
//! turned into another one piece by piece.
//!
//! In the workspace it is a folder in `connectors/`, and the host's list of connectors names it. With `--outside` it is a repository of
//! its own, with a host that links it.

mod host;
mod marks;
mod name;
mod outside;
mod prove;
mod template;

use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use clap::Args;
use xshell::{Shell, cmd};

use self::marks::WORD;
use self::name::Name;
use crate::{Outcome, root};

pub(crate) use self::prove::prove;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// What other programs call it, like `acme-ipam`
    #[arg(required_unless_present = "prove")]
    name: Option<String>,
    /// It is read as truth. Without `--source` and `--target` it is both
    #[arg(long)]
    source: bool,
    /// It can be made to agree
    #[arg(long)]
    target: bool,
    /// Make a repository of its own in this folder, with a host that links the connector
    #[arg(long, value_name = "FOLDER")]
    outside: Option<PathBuf>,
    /// With `--outside`: take Syncline from this git repository, as it is at the commit that is checked out here, and not from this folder
    #[arg(long, value_name = "URL", requires = "outside")]
    git: Option<String>,
    /// Make one of each kind in a copy of the workspace and in a repository of its own, and try them: a step of `cargo xtask ci`
    #[arg(long, conflicts_with_all = ["name", "source", "target", "outside"])]
    prove: bool,
}

/// What a connector can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Shape {
    source: bool,
    target: bool,
}

impl Shape {
    const SOURCE: Self = Self { source: true, target: false };
    const TARGET: Self = Self { source: false, target: true };
    const BOTH: Self = Self { source: true, target: true };

    fn of(arguments: &Arguments) -> Self {
        match (arguments.source, arguments.target) {
            (false, false) => Self::BOTH,
            (source, target) => Self { source, target },
        }
    }

    /// Whether it has what the examples put between anchors of this name.
    fn has(self, anchor: &str) -> bool {
        match anchor {
            "own" => false,
            "source" => self.source,
            "writes" => self.target,
            _ => true,
        }
    }

    fn words(self) -> &'static str {
        match (self.source, self.target) {
            (true, true) => "a data source and a data target",
            (true, false) => "a data source",
            (false, _) => "a data target",
        }
    }
}

pub(crate) fn run(shell: &Shell, arguments: &Arguments) -> anyhow::Result<Outcome> {
    let Some(name) = &arguments.name else { return prove(shell, root()) };
    let (name, shape) = (Name::parse(name)?, Shape::of(arguments));
    let next = match &arguments.outside {
        Some(folder) => {
            let own = root().join("connectors").join(name.id());
            ensure!(
                !own.exists(),
                "Syncline has a connector `{name}` itself, and a host links only one of a name: take another one"
            );
            let folder = outside::place(folder, &name)?;
            outside::write(shell, root(), &folder, arguments.git.as_deref(), &name, shape)?
        }
        None => inside(shell, root(), &name, shape)?,
    };
    println!("{next}");
    Ok(Outcome::Good)
}

/// Writes a connector into a workspace: its folder, the host's list and the handbook's page. What is left to do, for people.
fn inside(shell: &Shell, root: &Path, name: &Name, shape: Shape) -> anyhow::Result<String> {
    ensure_free(root, name)?;
    // Everything is made before anything is written.
    let read =
        |path: &str| std::fs::read_to_string(root.join(path)).with_context(|| format!("`{path}` cannot be read"));
    let mut files = vec![
        (host::ROOT.to_owned(), host::root(&read(host::ROOT)?, name)?),
        (host::HOST.to_owned(), host::host(&read(host::HOST)?, name)?),
        (host::LINKED.to_owned(), host::linked(&read(host::LINKED)?, name)?),
    ];
    let made = template::files(name, shape);
    files.extend(made.into_iter().map(|made| (format!("connectors/{name}/{}", made.path), made.text)));
    let has_handbook = root.join(host::SUMMARY).is_file();
    if has_handbook {
        files.push((host::SUMMARY.to_owned(), host::summary(&read(host::SUMMARY)?, name)?));
        let page = format!(
            "# {}\n\n{{{{#include ../../../connectors/{name}/docs.md}}}}\n\n## Settings\n\n{{{{#include {name}-settings.md}}}}\n",
            name.label()
        );
        let [of_page, of_settings] = host::pages(name);
        files.push((of_page, page));
        let settings = "`UPDATE_HANDBOOK=1 cargo test -p syncline handbook` writes the tables of settings here.\n";
        files.push((of_settings, settings.to_owned()));
    }
    for (path, text) in &files {
        shell.write_file(root.join(path), text)?;
        println!("wrote {path}");
    }
    let package = name.package();
    let within = shell.push_dir(root);
    let is_formatted = cmd!(shell, "cargo fmt -p {package} -p syncline").quiet().ignore_stderr().run().is_ok();
    drop(within);
    let mut next = Vec::new();
    if !is_formatted {
        next.push(("cargo fmt --all".to_owned(), "it could not be run here"));
    }
    next.push((format!("cargo test -p {package}"), "it proves itself over a simulated system"));
    next.push((format!("cargo run -- connectors {name}"), "the host links it"));
    next.push((simulator(name), "the simulated system by itself, to try syncs with"));
    next.push((format!("grep -rn {WORD} connectors/{name}"), "what to turn into your system, place by place"));
    if has_handbook {
        next.push(("UPDATE_HANDBOOK=1 cargo test -p syncline handbook".to_owned(), "the tables of its settings"));
    } else {
        println!("there is no `{}`: its page is `connectors/{name}/docs.md` alone", host::SUMMARY);
    }
    let back = host::taken_back(name, has_handbook).join("\n  ");
    let next = told("the folder of the workspace", &next);
    Ok(format!(
        "{next}\n\nto take it back while nothing of it is committed, with whatever else changed in these files:\n  {back}"
    ))
}

/// The command that starts the simulated system by itself.
fn simulator(name: &Name) -> String {
    format!("cargo run -p {} --example {name}-simulator", name.package())
}

/// What is left to do, for people: commands, and what each is for.
fn told(from: &str, next: &[(String, &str)]) -> String {
    let width = next.iter().map(|(command, _)| command.len()).max().unwrap_or_default();
    let lines: Vec<_> = next.iter().map(|(command, what)| format!("  {command:<width$}   # {what}")).collect();
    format!("\nnext, from {from}:\n{}\nthe tutorial: docs/src/writing-a-connector.md", lines.join("\n"))
}

/// That nothing in a workspace has this name yet.
fn ensure_free(root: &Path, name: &Name) -> anyhow::Result<()> {
    let folder = root.join("connectors").join(name.id());
    let remedy = || {
        let back = host::taken_back(name, root.join(host::SUMMARY).is_file()).join("\n  ");
        format!("take another name; or, if nothing of that one is committed, take it back:\n  {back}")
    };
    ensure!(!folder.exists(), "there is a connector `{name}` already: `connectors/{name}`; {}", remedy());
    for page in host::pages(name) {
        ensure!(!root.join(&page).exists(), "there is a page `{page}` already; {}", remedy());
    }
    for parent in ["connectors", "crates", "examples"] {
        let entries = std::fs::read_dir(root.join(parent)).with_context(|| format!("`{parent}` cannot be listed"))?;
        for entry in entries {
            let manifest = entry?.path().join("Cargo.toml");
            let Ok(text) = std::fs::read_to_string(&manifest) else { continue };
            let manifest: toml::Table = text.parse().with_context(|| format!("`{}`", manifest.display()))?;
            let package = manifest.get("package").and_then(|package| package.get("name")).and_then(toml::Value::as_str);
            if package == Some(&name.package()) {
                bail!("there is a package `{}` already, in `{parent}`; take another name", name.package());
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_taken_are_refused() {
        let refused = |name| ensure_free(root(), &Name::parse(name).unwrap()).unwrap_err().to_string();
        let netbox = refused("netbox");
        assert!(netbox.contains("there is a connector `netbox` already"), "{netbox}");
        assert!(netbox.contains("  git clean -fd connectors/netbox docs/src/connectors/netbox.md "), "{netbox}");
        assert!(refused("matrix").contains("there is a page `docs/src/connectors/matrix.md` already"));
        assert!(refused("shelf-source").contains("there is a package `syncline-connector-shelf-source` already"));
        ensure_free(root(), &Name::parse("acme").unwrap()).unwrap();
    }

    #[test]
    fn a_connector_is_both_unless_one_side_is_asked_for() {
        let shape = |source, target| {
            Shape::of(&Arguments { name: None, source, target, outside: None, git: None, prove: false })
        };
        assert_eq!([shape(false, false), shape(true, true)], [Shape::BOTH; 2]);
        assert_eq!([shape(true, false), shape(false, true)], [Shape::SOURCE, Shape::TARGET]);
    }
}
