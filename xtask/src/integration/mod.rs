//! `cargo xtask integration`: runs the project against programs that nobody here wrote.
//!
//! One suite per outside system. A suite says what it needs; where that is missing it is skipped, loudly, and with
//! `--required` that is a failure.

mod clients;

use clap::{Args, ValueEnum};
use xshell::Shell;

use crate::Outcome;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// What to run against; everything when left out
    #[arg(value_enum)]
    suites: Vec<Suite>,
    /// A suite that cannot run is a failure, not skipped
    #[arg(long)]
    required: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Suite {
    /// The simulators, driven by the vendors' and the field's own Python clients
    Clients,
}

impl Arguments {
    /// The simulators' clients alone.
    pub(crate) fn clients(required: bool) -> Self {
        Self { suites: vec![Suite::Clients], required }
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
        }
    }

    fn run(self, shell: &Shell) -> Vec<Check> {
        match self {
            Self::Clients => clients::run(shell),
        }
    }
}

pub(crate) fn run(shell: &Shell, arguments: &Arguments) -> Outcome {
    let suites = if arguments.suites.is_empty() { Suite::value_variants() } else { &arguments.suites };
    let mut outcome = Outcome::Good;
    for suite in suites {
        let name = suite.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned());
        println!("integration {name} (needs: {})", suite.needs());
        for Check { name, result } in suite.run(shell) {
            let (word, text) = match &result {
                Ok(text) => ("passed", text.clone()),
                Err(Problem::Missing(reason)) => ("SKIPPED", format!("{reason:#}")),
                Err(Problem::Failed(reason)) => ("FAILED", format!("{reason:#}")),
            };
            println!("  {word:<8} {name}: {text}");
            let tolerated = matches!(result, Err(Problem::Missing(_))) && !arguments.required;
            if result.is_err() && !tolerated {
                outcome = Outcome::Bad;
            }
        }
    }
    outcome
}
