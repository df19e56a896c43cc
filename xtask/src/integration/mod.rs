//! `cargo xtask integration`: runs the project against programs that nobody here wrote.
//!
//! One suite per outside system. A suite says what it needs; where that is missing it is skipped, loudly, and with
//! `--required` that is a failure.

mod api;
mod browser;
mod clients;
mod debian;
mod zabbix;

use anyhow::anyhow;
use clap::{Args, ValueEnum};
use xshell::{Cmd, Shell};

use crate::Outcome;
use crate::cargo::Selection;

#[derive(Debug, Default, Args)]
pub(crate) struct Arguments {
    /// What to run against; everything when left out
    #[arg(value_enum)]
    suites: Vec<Suite>,
    /// A suite that cannot run is a failure, not skipped
    #[arg(long)]
    required: bool,
    /// Only with `zabbix`: start the servers, say where they are, and leave them running until Ctrl-C
    #[arg(long)]
    keep: bool,
    /// How tests are compiled.
    #[arg(skip)]
    selection: Selection,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Suite {
    /// The simulators, driven by the vendors' and the field's own Python clients
    Clients,
    /// The API, driven by requests that are made of its OpenAPI document
    Api,
    /// The dashboard, walked through and looked at in a headless Chromium
    Browser,
    /// The Zabbix connector's tests, against real Zabbix servers
    Zabbix,
}

impl Arguments {
    /// The simulators' clients alone.
    pub(crate) fn clients(required: bool) -> Self {
        Self { suites: vec![Suite::Clients], required, ..Self::default() }
    }

    /// The API alone.
    pub(crate) fn api(required: bool) -> Self {
        Self { suites: vec![Suite::Api], required, ..Self::default() }
    }

    /// The dashboard alone.
    pub(crate) fn browser(required: bool) -> Self {
        Self { suites: vec![Suite::Browser], required, ..Self::default() }
    }

    /// Real Zabbix servers alone, after `cargo test --workspace`, where their packages can be had.
    pub(crate) fn zabbix() -> Self {
        Self { suites: vec![Suite::Zabbix], selection: Selection::Workspace, ..Self::default() }
    }
}

/// What one check came to.
#[derive(Debug)]
struct Check {
    name: String,
    result: Result<String, Problem>,
}

#[derive(Debug)]
enum Problem {
    /// Something that the check needs is not here.
    Missing(anyhow::Error),
    /// It ran, and something was not as it should be.
    Failed(anyhow::Error),
}

impl Suite {
    fn needs(self) -> &'static str {
        match self {
            Self::Clients => "Python 3.11 or newer with venv, and the way to PyPI on the first run",
            Self::Api => "Python 3.10 or newer with venv, and the way to PyPI on the first run",
            Self::Browser => "Chromium; installs it from Debian's packages when it is root",
            Self::Zabbix => "Debian's apt, PHP and PostgreSQL; installs PHP and PostgreSQL itself when it is root",
        }
    }

    fn run(self, shell: &Shell, arguments: &Arguments) -> Vec<Check> {
        match self {
            Self::Clients => clients::run(shell),
            Self::Api => api::run(shell),
            Self::Browser => browser::run(shell),
            Self::Zabbix if arguments.keep => zabbix::keep(shell),
            Self::Zabbix => zabbix::run(shell, arguments.selection),
        }
    }
}

pub(crate) fn run(shell: &Shell, arguments: &Arguments) -> Outcome {
    let suites = if arguments.suites.is_empty() { Suite::value_variants() } else { &arguments.suites };
    if arguments.keep && arguments.suites != [Suite::Zabbix] {
        eprintln!("error: `--keep` is for `cargo xtask integration zabbix` alone");
        return Outcome::Bad;
    }
    let mut outcome = Outcome::Good;
    for suite in suites {
        let name = suite.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned());
        println!("integration {name} (needs: {})", suite.needs());
        if tell(suite.run(shell, arguments), arguments.required) == Outcome::Bad {
            outcome = Outcome::Bad;
        }
    }
    outcome
}

/// Measures how fast real Zabbix servers are filled.
pub(crate) fn measure_zabbix(shell: &Shell) -> Outcome {
    println!("bench zabbix (needs: {})", Suite::Zabbix.needs());
    tell(zabbix::measure(shell), true)
}

fn tell(checks: Vec<Check>, required: bool) -> Outcome {
    let mut outcome = Outcome::Good;
    for Check { name, result } in checks {
        let (word, text) = match &result {
            Ok(text) => ("passed", text.clone()),
            Err(Problem::Missing(reason)) => ("SKIPPED", format!("{reason:#}")),
            Err(Problem::Failed(reason)) => ("FAILED", format!("{reason:#}")),
        };
        println!("  {word:<8} {name}: {text}");
        let tolerated = matches!(result, Err(Problem::Missing(_))) && !required;
        if result.is_err() && !tolerated {
            outcome = Outcome::Bad;
        }
    }
    outcome
}

/// Runs a command that says nothing of interest unless it fails; otherwise what it said is in the error.
fn quietly(command: Cmd<'_>) -> anyhow::Result<String> {
    let output = command.quiet().ignore_status().output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    if output.status.success() {
        return Ok(said.trim().to_owned());
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    Err(anyhow!("{} ({})", errors.trim(), output.status))
}
