//! mdBook: found, or built by cargo, and asked to make the book.

use std::path::PathBuf;

use anyhow::Context;
use xshell::{Shell, cmd};

use crate::root;

/// The version that the book is written for.
const VERSION: &str = "0.5.4";

/// The program: the one that is installed where its version fits, else one of our own below `target`, built at the first need.
pub(super) fn get(shell: &Shell) -> anyhow::Result<PathBuf> {
    let tools = root().join("target/tools");
    let own = tools.join("bin").join(format!("mdbook{}", std::env::consts::EXE_SUFFIX));
    for program in [PathBuf::from("mdbook"), own.clone()] {
        let said = cmd!(shell, "{program} --version").quiet().ignore_stderr().read();
        if said.is_ok_and(|said| fits(&said)) {
            return Ok(program);
        }
    }
    // Only what makes a book: neither a server nor a watcher of files. Unoptimised it is a minute of computing, and makes the book in one second.
    cmd!(shell, "cargo install mdbook --locked --version {VERSION} --no-default-features --features search --debug --root {tools}")
        .run()
        .context("mdBook is not installed and cannot be built (`cargo install mdbook --locked`)")?;
    Ok(own)
}

/// Whether `mdbook v0.5.4` has the series that the book is written for.
fn fits(said: &str) -> bool {
    let series = |version: &str| version.rsplit_once('.').map(|(series, _)| series.to_owned());
    let version = said.split_whitespace().last().unwrap_or_default().trim_start_matches('v');
    series(version) == series(VERSION)
}

/// Makes the book, and gives what mdBook complains of: it goes on after most of it.
pub(super) fn build(shell: &Shell, program: &PathBuf) -> anyhow::Result<Vec<String>> {
    let output = cmd!(shell, "{program} build docs").ignore_status().output()?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    let complaints = complaints(&said);
    anyhow::ensure!(output.status.success() || !complaints.is_empty(), "mdBook failed:\n{said}");
    Ok(complaints)
}

/// Of the lines of the log, the warnings and errors, with what belongs to them.
fn complaints(log: &str) -> Vec<String> {
    let mut complaints: Vec<String> = Vec::new();
    let mut goes_on = false;
    for line in log.lines().filter(|line| !line.trim().is_empty()) {
        let level = |names: &[&str]| names.iter().any(|name| line.split_whitespace().any(|word| word == *name));
        if level(&["WARN", "ERROR", "[WARN]", "[ERROR]"]) || line.starts_with("error") {
            complaints.push(line.trim().to_owned());
            goes_on = true;
        } else if level(&["INFO", "[INFO]", "DEBUG", "TRACE"]) {
            goes_on = false;
        } else if let Some(last) = complaints.last_mut().filter(|_| goes_on) {
            last.push('\n');
            last.push_str(line);
        }
    }
    complaints
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_series_does_not_fit() {
        assert!(fits(&format!("mdbook v{VERSION}")) && fits("mdbook v0.5.99"));
        assert!(!fits("mdbook v0.4.52") && !fits(""));
    }

    #[test]
    fn complaints_are_told_from_progress() {
        let log = " INFO Book building has started\n WARN unclosed tag\n  in a.md\nERROR no such file\n INFO Running the html backend\nmore\n";
        assert_eq!(complaints(log), ["WARN unclosed tag\n  in a.md", "ERROR no such file"]);
    }
}
