//! `cargo xtask deploy`: what can be known about `deploy/` without starting it.
//!
//! Everything here holds without a container engine. Where a tool is installed that knows more (helm, hadolint, promtool,
//! systemd-analyze, docker), it is asked too; where it is not, that is said.

mod chart;
mod compose;
mod documents;
mod image;
mod metrics;
mod promql;
mod schema;
mod units;

use std::path::Path;

use anyhow::Context;
use xshell::{Shell, cmd};

use crate::Outcome;

/// What a check came to.
enum Verdict {
    /// Nothing to object to.
    Holds,
    /// What is wrong, one line each.
    Broken(Vec<String>),
    /// Why it could not be checked.
    Skipped(String),
}

type Check = fn(&Shell, &Path) -> anyhow::Result<Verdict>;

/// Every check with its name.
const CHECKS: [(&str, Check); 13] = [
    ("YAML and JSON can be read", documents::can_be_read),
    ("metrics in dashboard and alerts exist", metrics::exist),
    ("alerts, by promtool", metrics::by_promtool),
    ("values keep their schema", chart::values_keep_their_schema),
    ("values are used, and exist where they are", chart::values_are_used),
    ("templates are whole", chart::templates_are_whole),
    ("chart, by helm", chart::by_helm),
    ("image is pinned and does not run as root", image::keeps_rules),
    ("image, by hadolint", image::by_hadolint),
    ("image, by docker", image::by_docker),
    ("compose file keeps its rules", compose::keeps_rules),
    ("compose file, by docker compose", compose::by_docker),
    ("units, by systemd-analyze", units::by_systemd),
];

pub(crate) fn run(shell: &Shell, root: &Path) -> anyhow::Result<Outcome> {
    let folder = root.join("deploy");
    let mut outcome = Outcome::Good;
    for (name, check) in CHECKS {
        match check(shell, &folder).with_context(|| name.to_owned())? {
            Verdict::Holds => println!("holds    {name}"),
            Verdict::Skipped(why) => println!("SKIPPED  {name}: {why}"),
            Verdict::Broken(findings) => {
                println!("BROKEN   {name}");
                for finding in findings {
                    println!("         {finding}");
                }
                outcome = Outcome::Bad;
            }
        }
    }
    Ok(outcome)
}

impl Verdict {
    fn of(findings: Vec<String>) -> Self {
        if findings.is_empty() { Self::Holds } else { Self::Broken(findings) }
    }
}

/// Whether a tool is installed: it answers when it is asked this.
fn is_installed(shell: &Shell, tool: &str, question: &[&str]) -> bool {
    cmd!(shell, "{tool} {question...}").quiet().ignore_stdout().ignore_stderr().run().is_ok()
}

/// Runs a tool; what it has to say when it is not content, line by line.
fn ask(command: xshell::Cmd<'_>) -> anyhow::Result<Vec<String>> {
    let output = command.quiet().ignore_status().output()?;
    if output.status.success() {
        return Ok(Vec::new());
    }
    let said = [output.stdout, output.stderr].concat();
    let said: Vec<_> = String::from_utf8_lossy(&said).lines().map(str::to_owned).collect();
    Ok(if said.is_empty() { vec![format!("it ended with {}", output.status)] } else { said })
}

fn read(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("`{}` cannot be read", path.display()))
}
