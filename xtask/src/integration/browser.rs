//! People's way through the dashboard, in a headless Chromium, and a look at every page.
//!
//! What is done there is in `tests/examples/browser`; here are the programs that it needs.

use std::path::PathBuf;
use std::process::Command;

use anyhow::anyhow;
use xshell::Shell;

use super::{Check, Problem, debian};
use crate::{cargo, root};

/// The names under which the browser is looked for.
const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
/// The package that brings it.
const PACKAGE: &str = "chromium";

pub(super) fn run(shell: &Shell) -> Vec<Check> {
    vec![Check { name: "browser".to_owned(), result: check(shell) }]
}

fn check(shell: &Shell) -> Result<String, Problem> {
    let chromium = ensure(shell).map_err(Problem::Missing)?;
    walked(shell, &chromium).map_err(Problem::Failed)
}

/// The browser, installed as root where there is none.
fn ensure(shell: &Shell) -> anyhow::Result<PathBuf> {
    let found = || NAMES.into_iter().find(|name| debian::has(shell, name)).map(PathBuf::from);
    if let Some(program) = found() {
        return Ok(program);
    }
    debian::install(shell, &[PACKAGE])?;
    found().ok_or_else(|| anyhow!("`{PACKAGE}` is installed, and there is none of {}", NAMES.join(", ")))
}

fn walked(shell: &Shell, chromium: &PathBuf) -> anyhow::Result<String> {
    let walk = cargo::build(shell, "browser", &["build", "--workspace", "--example", "browser"])?;
    let syncline = cargo::host(shell)?;
    let folder = root().join("target/integration/browser");
    shell.remove_path(&folder)?;
    shell.create_dir(&folder)?;
    let output = Command::new(walk).args([&syncline, chromium, &folder]).env("RUST_BACKTRACE", "0").output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    if output.status.success() {
        let parts = said.lines().collect::<Vec<_>>().join(", ");
        return Ok(format!("{parts}; the pictures are in {}", folder.join("pictures").display()));
    }
    Err(anyhow!("{}\n{}\n{}", output.status, said.trim(), String::from_utf8_lossy(&output.stderr).trim()))
}
