//! The systemd units.

use std::path::Path;

use anyhow::ensure;
use xshell::{Shell, cmd};

use super::{Verdict, documents, is_installed, read};

/// Where the units expect the program.
const PROGRAM: &str = "/usr/bin/syncline";

/// What systemd says of the units, with a program that exists in the place of ours.
pub(super) fn by_systemd(shell: &Shell, folder: &Path) -> anyhow::Result<Verdict> {
    if !is_installed(shell, "systemd-analyze", &["--version"]) {
        return Ok(Verdict::Skipped("systemd-analyze is not installed".to_owned()));
    }
    let copies = shell.create_temp_dir()?;
    let mut units = Vec::new();
    for path in documents::files(&folder.join("systemd"))? {
        let Some(name) = path.file_name().filter(|_| path.extension().is_some_and(|extension| extension == "service"))
        else {
            continue;
        };
        let copy = copies.path().join(name);
        shell.write_file(&copy, read(&path)?.replace(PROGRAM, "/bin/true"))?;
        units.push(copy);
    }
    ensure!(!units.is_empty(), "there are no units");
    let output = cmd!(shell, "systemd-analyze verify --man=no {units...}").quiet().ignore_status().output()?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    // A setting that it does not know is told and is no failure for it. What it tells of the machine's own units is not ours.
    let mut findings: Vec<_> = said.lines().filter(|line| line.contains("syncline")).map(str::to_owned).collect();
    if findings.is_empty() && !output.status.success() {
        findings = said.lines().map(str::to_owned).collect();
    }
    Ok(Verdict::of(findings))
}
