//! `cargo xtask integration`: runs the project against programs that nobody here wrote.
//!
//! One suite per outside system. A suite says what it needs; where that is missing it is skipped, loudly, and with
//! `--required` that is a failure.

mod api;
mod browser;
mod clients;
mod debian;
mod kit;
mod nautobot;
mod postgres;
mod program;
mod zabbix;

use anyhow::anyhow;
use clap::{Args, ValueEnum};
use xshell::{Cmd, Shell};

use self::kit::{Kit, Writing};
use self::nautobot::Release;
use crate::Outcome;
use crate::cargo::Selection;

#[derive(Debug, Default, Args)]
pub(crate) struct Arguments {
    /// What to run against; `all` when left out
    #[arg(value_enum)]
    suites: Vec<Suite>,
    /// A suite that cannot run is a failure, not skipped
    #[arg(long)]
    required: bool,
    /// Only with `zabbix` or `nautobot`: start the servers, say where they are, and leave them running until Ctrl-C
    #[arg(long)]
    keep: bool,
    /// The release of Nautobot, like `3.2.7`, or like `2.4` for the newest of that line; when left out, the one that CI takes
    #[arg(long, value_name = "VERSION")]
    nautobot: Option<Release>,
    /// How tests are compiled.
    #[arg(skip)]
    selection: Selection,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Suite {
    /// The conformance kit of the Forward connector, against a real Forward Enterprise and the simulated one
    Forward,
    /// The conformance kit of the NetBox connector, against a real NetBox and the simulated one
    Netbox,
    /// The simulators, driven by the vendors' and the field's own Python clients
    Clients,
    /// The API, driven by requests that are made of its OpenAPI document
    Api,
    /// The dashboard, walked through and looked at in a headless Chromium
    Browser,
    /// The Zabbix connector's tests, against real Zabbix servers
    Zabbix,
    /// The conformance kit of the Nautobot connector, and whole syncs, with real Nautobot servers
    Nautobot,
    /// Every other one, and a summary
    All,
}

const FORWARD: Kit = Kit {
    connector: "forward",
    prefix: "TEST_FORWARD_",
    needs: &["ACCESS_KEY", "SECRET", "NETWORK"],
    remedy: "There is no server to be had for nothing: name one of your own, or an account at fwd.app, with an API token that may read a small network.",
    writing: None,
};

const NETBOX: Kit = Kit {
    connector: "netbox",
    prefix: "TEST_NETBOX_",
    needs: &["TOKEN"],
    remedy: "NetBox is free: start one from its containers (netbox-community/netbox-docker), and make a token for a superuser.",
    writing: Some(Writing { url: "SYNCLINE_NETBOX_URL", token: "SYNCLINE_NETBOX_TOKEN", filter: "tests::real::" }),
};

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

    /// Real Nautobot servers alone, after `cargo test --workspace`, where PyPI can be had.
    pub(crate) fn nautobot() -> Self {
        Self { suites: vec![Suite::Nautobot], selection: Selection::Workspace, ..Self::default() }
    }

    fn release(&self) -> Release {
        self.nautobot.clone().unwrap_or_default()
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
            Self::Forward => {
                "TEST_FORWARD_URL, _ACCESS_KEY, _SECRET and _NETWORK for a real one, which is only read; nothing for the simulated one"
            }
            Self::Netbox => {
                "TEST_NETBOX_URL and _TOKEN for a real one, which is only read unless TEST_NETBOX_MAY_WRITE says its URL once more; nothing for the simulated one"
            }
            Self::All => "what each of them says",
            Self::Clients => "Python 3.11 or newer with venv, and the way to PyPI on the first run",
            Self::Api => "Python 3.10 or newer with venv, and the way to PyPI on the first run",
            Self::Browser => "Chromium; installs it from Debian's packages when it is root",
            Self::Zabbix => {
                "TEST_ZABBIX_URL, _TOKEN and _RESET for a server of one's own, which is emptied; without them Debian's apt, PHP and PostgreSQL, which it installs itself when it is root"
            }
            Self::Nautobot => {
                "TEST_NAUTOBOT_URL and _TOKEN for a server of one's own, which is only read unless TEST_NAUTOBOT_MAY_WRITE says its URL once more, and for whole syncs _RESET, _SECOND_URL and _SECOND_RESET; without them Python 3.10 or newer with venv, the way to PyPI on the first run, and PostgreSQL and Redis, which it installs from Debian's packages when it is root"
            }
        }
    }

    fn run(self, shell: &Shell, arguments: &Arguments) -> Vec<Check> {
        match self {
            Self::All => Vec::new(),
            Self::Forward => FORWARD.run(shell),
            Self::Netbox => NETBOX.run(shell),
            Self::Clients => clients::run(shell),
            Self::Api => api::run(shell),
            Self::Browser => browser::run(shell),
            Self::Zabbix if arguments.keep => zabbix::keep(shell),
            Self::Zabbix => zabbix::run(shell, arguments.selection),
            Self::Nautobot if arguments.keep => nautobot::keep(shell, &arguments.release()),
            Self::Nautobot => nautobot::run(shell, &arguments.release(), arguments.selection),
        }
    }
}

/// The suites that are asked for, each once.
fn asked_for(suites: &[Suite]) -> Vec<Suite> {
    let is_all = suites.is_empty() || suites.contains(&Suite::All);
    let each = Suite::value_variants().iter().copied().filter(|suite| *suite != Suite::All);
    each.filter(|suite| is_all || suites.contains(suite)).collect()
}

/// Whether the options are for these suites.
fn fit(suites: &[Suite], arguments: &Arguments) -> anyhow::Result<()> {
    anyhow::ensure!(
        !arguments.keep || matches!(suites, [Suite::Zabbix | Suite::Nautobot]),
        "`--keep` is for `cargo xtask integration zabbix` or `nautobot`, and for one of them at a time"
    );
    anyhow::ensure!(
        arguments.nautobot.is_none() || suites.contains(&Suite::Nautobot),
        "`--nautobot` is for `cargo xtask integration nautobot`"
    );
    Ok(())
}

pub(crate) fn run(shell: &Shell, arguments: &Arguments) -> Outcome {
    let suites = asked_for(&arguments.suites);
    if let Err(reason) = fit(&suites, arguments) {
        eprintln!("error: {reason}");
        return Outcome::Bad;
    }
    let mut checks = Vec::new();
    let mut outcome = Outcome::Good;
    for suite in &suites {
        let name = suite.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned());
        println!("integration {name} (needs: {})", suite.needs());
        let of_suite = suite.run(shell, arguments);
        if tell(&of_suite, arguments.required) == Outcome::Bad {
            outcome = Outcome::Bad;
        }
        checks.extend(of_suite);
    }
    if suites.len() > 1 {
        println!("{}", summary(&checks));
    }
    outcome
}

/// How the checks of several suites turned out, with the names of those that did not pass.
fn summary(checks: &[Check]) -> String {
    let of = |word: &str| {
        checks.iter().filter(|check| check.word() == word).map(|check| check.name.as_str()).collect::<Vec<_>>()
    };
    let named = |word: &str| match of(word).as_slice() {
        [] => format!("0 {word}"),
        names => format!("{} {word} ({})", names.len(), names.join(", ")),
    };
    format!("{} passed, {}, {}", of(PASSED).len(), named(SKIPPED), named(FAILED))
}

/// Measures how fast real Zabbix servers are filled.
pub(crate) fn measure_zabbix(shell: &Shell) -> Outcome {
    println!("bench zabbix (needs: {})", Suite::Zabbix.needs());
    tell(&zabbix::measure(shell), true)
}

const PASSED: &str = "passed";
const SKIPPED: &str = "SKIPPED";
const FAILED: &str = "FAILED";

impl Check {
    fn word(&self) -> &'static str {
        match self.result {
            Ok(_) => PASSED,
            Err(Problem::Missing(_)) => SKIPPED,
            Err(Problem::Failed(_)) => FAILED,
        }
    }
}

fn tell(checks: &[Check], required: bool) -> Outcome {
    let mut outcome = Outcome::Good;
    for check in checks {
        let text = match &check.result {
            Ok(text) => text.clone(),
            Err(Problem::Missing(reason) | Problem::Failed(reason)) => format!("{reason:#}"),
        };
        println!("  {:<8} {}: {text}", check.word(), check.name);
        let tolerated = check.word() == SKIPPED && !required;
        if check.result.is_err() && !tolerated {
            outcome = Outcome::Bad;
        }
    }
    outcome
}

/// How many tests passed, by the last lines of test programs.
fn count_passed(said: &str) -> usize {
    let results = said.lines().filter_map(|line| line.strip_prefix("test result: ok. "));
    results.filter_map(|result| result.split(' ').next()?.parse::<usize>().ok()).sum()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passed_tests_are_counted() {
        let said = "running 3 tests\n...\ntest result: ok. 3 passed; 0 failed; 0 ignored; finished in 0.01s\n\
                    running 1 test\ntest result: ok. 1 passed; 0 failed; 0 ignored\n";
        assert_eq!(count_passed(said), 4);
        assert_eq!(count_passed("test result: FAILED. 1 passed; 1 failed"), 0);
    }

    #[test]
    fn all_is_each_of_them_once() {
        let every = asked_for(&[]);
        assert_eq!(every.len(), Suite::value_variants().len() - 1);
        assert!(!every.contains(&Suite::All));
        assert_eq!(asked_for(&[Suite::Api, Suite::All]), every);
        assert_eq!(asked_for(&[Suite::Api, Suite::Netbox, Suite::Api]), [Suite::Netbox, Suite::Api]);
    }

    #[test]
    fn options_are_for_the_suites_that_have_them() {
        let fits = |suites: &[Suite], keep: bool, nautobot: Option<&str>| {
            let nautobot = nautobot.map(|name| name.parse().unwrap());
            fit(&asked_for(suites), &Arguments { keep, nautobot, ..Arguments::default() }).is_ok()
        };
        assert!(fits(&[Suite::Zabbix], true, None) && fits(&[Suite::Nautobot], true, Some("2.4")));
        assert!(fits(&[], false, Some("2.4")));
        assert!(!fits(&[Suite::Zabbix, Suite::Nautobot], true, None) && !fits(&[Suite::Api], true, None));
        assert!(!fits(&[Suite::Zabbix], false, Some("2.4")));
    }

    #[test]
    fn what_did_not_pass_is_named_at_the_end() {
        let check = |name: &str, result| Check { name: name.to_owned(), result };
        let checks = [
            check("a", Ok(String::new())),
            check("b", Err(Problem::Missing(anyhow!("no b")))),
            check("c", Err(Problem::Failed(anyhow!("not c")))),
            check("d", Err(Problem::Missing(anyhow!("no d")))),
        ];
        assert_eq!(summary(&checks), "1 passed, 2 SKIPPED (b, d), 1 FAILED (c)");
        assert_eq!(summary(&checks[..1]), "1 passed, 0 SKIPPED, 0 FAILED");
        assert_eq!([tell(&checks[..2], false), tell(&checks[..2], true)], [Outcome::Good, Outcome::Bad]);
        assert_eq!(tell(&checks, false), Outcome::Bad);
    }
}
