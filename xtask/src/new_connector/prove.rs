//! Every shape of a new connector is made, compiled and tried, in a copy of the workspace and in a repository of its own.
//!
//! Both compile into the workspace's `target`: a copy whose files are as old as those that they are copies of is as good as compiled.

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use serde_json::Value;
use xshell::{Shell, cmd};

use super::name::Name;
use super::{Shape, inside, outside};
use crate::{Outcome, cargo, tidy};

const TARGET: &str = "CARGO_TARGET_DIR";

/// The folder below `target` in which all of it happens.
const FOLDER: &str = "target/new-connector";

/// The host and the kits at once: what they are built on is then compiled with the same features, those of `cargo test --workspace`.
const BUILD: &[&str] = &["build", "--workspace", "--bin", "syncline", "--test", "conformance"];

const SHAPES: [(&str, Shape); 3] =
    [("tried-source", Shape::SOURCE), ("tried-target", Shape::TARGET), ("tried-both", Shape::BOTH)];

pub(crate) fn prove(shell: &Shell, root: &Path) -> anyhow::Result<Outcome> {
    let folder = root.join(FOLDER);
    shell.remove_path(&folder)?;
    let _target = shell.push_env(TARGET, root.join("target"));
    in_the_workspace(shell, root, &folder.join("workspace"))?;
    outside_of_it(shell, root, &folder.join("outside"))
}

fn in_the_workspace(shell: &Shell, root: &Path, copy: &Path) -> anyhow::Result<Outcome> {
    let files = cmd!(shell, "git -C {root} ls-files -z --cached --others --exclude-standard").quiet().read()?;
    for path in files.split('\0').filter(|path| root.join(path).is_file()) {
        copied(&root.join(path), &copy.join(path)).with_context(|| format!("`{path}` was not copied"))?;
    }
    let _within = shell.push_dir(copy);
    for (name, shape) in SHAPES {
        inside(shell, copy, &Name::parse(name)?, shape)?;
    }
    cmd!(shell, "cargo fmt --check").quiet().run().context("what is made is not formatted")?;
    // The rules are about the files that git knows.
    cmd!(shell, "git init --quiet").quiet().run()?;
    ensure!(tidy::run(copy)? == Outcome::Good, "a new connector breaks the workspace's own rules");
    let built = cargo::messages(shell, BUILD)?;
    for (name, _) in SHAPES {
        tried(shell, &built, &copy.join("connectors").join(name))?;
    }
    linked(shell, &cargo::program(&built, "syncline")?, &SHAPES.map(|(name, _)| name))?;
    cmd!(shell, "cargo clippy --workspace --lib --test conformance --example tried-*-simulator -- -D warnings")
        .run()?;
    Ok(Outcome::Good)
}

fn outside_of_it(shell: &Shell, root: &Path, folder: &Path) -> anyhow::Result<Outcome> {
    let name = Name::parse("tried-outside")?;
    outside::write(shell, root, folder, None, &name, Shape::BOTH)?;
    let _within = shell.push_dir(folder);
    cmd!(shell, "cargo fmt --check").quiet().run().context("what is made is not formatted")?;
    // Everything of Syncline is compiled here once more: quickly rather than well.
    let quick = ["core", "model", "testkit"].map(|part| format!("profile.dev.package.syncline-{part}.opt-level=0"));
    let quick: Vec<_> = quick.iter().flat_map(|setting| ["--config", setting]).collect();
    let built = cargo::messages(shell, &[BUILD, quick.as_slice()].concat())?;
    tried(shell, &built, &folder.join("connectors").join(name.id()))?;
    linked(shell, &cargo::program(&built, "syncline")?, &[name.id(), "files", "netbox"])?;
    Ok(Outcome::Good)
}

/// A copy that is as old as the file itself: then cargo takes it for compiled where that is.
fn copied(from: &Path, to: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(to.parent().context("a file is in a folder")?)?;
    std::fs::copy(from, to)?;
    File::options().write(true).open(to)?.set_modified(from.metadata()?.modified()?)?;
    Ok(())
}

/// That the connector in a folder keeps what it promises.
fn tried(shell: &Shell, built: &[Value], folder: &Path) -> anyhow::Result<()> {
    let programs: Vec<PathBuf> = cargo::test_programs(built, &folder.join("Cargo.toml"));
    ensure!(programs.len() == 1, "cargo built {} kits of `{}`", programs.len(), folder.display());
    let program = &programs[0];
    let _within = shell.push_dir(folder);
    let said = cmd!(shell, "{program}").quiet().ignore_status().output()?;
    let text = String::from_utf8_lossy(&said.stdout);
    let whole = text.contains("test result: ok. 15 passed");
    ensure!(said.status.success() && whole, "`{}` does not keep its promises:\n{text}", folder.display());
    println!("{} keeps its promises", folder.display());
    Ok(())
}

/// That a host links these connectors.
fn linked(shell: &Shell, syncline: &Path, names: &[&str]) -> anyhow::Result<()> {
    let said = cmd!(shell, "{syncline} connectors --json").quiet().read()?;
    let listed: Vec<Value> = serde_json::from_str(&said).context("`syncline connectors --json` is no list")?;
    for name in names {
        ensure!(listed.iter().any(|connector| connector["id"] == *name), "the host does not link `{name}`:\n{said}");
    }
    println!("{} lists {}", syncline.display(), names.join(", "));
    Ok(())
}
