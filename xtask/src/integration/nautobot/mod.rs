//! The Nautobot connector against real Nautobot servers: the conformance kit with one, and whole syncs between two.
//!
//! Nautobot comes from PyPI, into a virtual environment; PostgreSQL and Redis are Debian's. Its worker, which does what takes
//! long, has no part in the API and does not run.

mod database;
mod redis;
mod release;
mod servers;
mod settings;
mod systems;
mod web;

use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use xshell::{Shell, cmd};

pub(crate) use self::release::Release;
use self::servers::Servers;
use self::systems::Systems;
use super::kit::Kit;
use super::{Check, Problem, count_passed, quietly};
use crate::cargo::Selection;
use crate::{cargo, root};

const KIT: Kit =
    Kit { connector: "nautobot", prefix: systems::PREFIX, needs: &["TOKEN"], remedy: systems::REMEDY, writing: None };

/// The folder of the package with the whole-sync tests, and the target that they are.
const TESTS: (&str, &str) = ("tests", "nautobot");

/// Runs the tests against the servers that the environment names, or against two of our own.
pub(super) fn run(shell: &Shell, release: &Release, selection: Selection) -> Vec<Check> {
    let mut checks = Vec::new();
    let mut check = |name: &str, result| checks.push(Check { name: format!("nautobot {name}"), result });
    let mut compiled =
        |program: anyhow::Result<PathBuf>| program.map_err(|reason| check("tests", Err(Problem::Failed(reason)))).ok();
    // Compiled before any server starts. CI tries the kit with the simulated one alone: with a real one it takes minutes.
    let kit = match selection {
        Selection::Package => compiled(KIT.program(shell, selection)),
        Selection::Workspace => None,
    };
    let whole = compiled(cargo::test(shell, TESTS.0, TESTS.1, selection));
    if let Some(kit) = &kit {
        check("simulated", KIT.simulated(shell, kit).map_err(Problem::Failed));
    }
    if kit.is_none() && whole.is_none() {
        return checks;
    }
    let (servers, systems) = match Systems::named(|name| std::env::var(name).ok()) {
        Some(systems) => (None, systems),
        None => match Servers::start(shell, release) {
            Ok(servers) => {
                let systems = servers.systems();
                (Some(servers), systems)
            }
            Err(problem) => {
                check("real", Err(problem));
                return checks;
            }
        },
    };
    let version = servers.as_ref().map_or_else(String::new, |servers| format!("{} ", servers.version));
    let requests = || servers.as_ref().map(Servers::requests);
    if let Some(kit) = kit {
        let work = || with_kit(shell, &kit, &systems);
        check(&format!("{version}real"), counted(requests, work));
    }
    if let Some(whole) = whole {
        let work = || in_whole(shell, &whole, &systems);
        check(&format!("{version}whole syncs"), counted(requests, work));
    }
    if let Some(Err(reason)) = servers.map(Servers::stop) {
        check("servers", Err(Problem::Failed(reason)));
    }
    checks
}

/// Leaves two servers running until the interrupt key. Returns only when they cannot.
pub(super) fn keep(shell: &Shell, release: &Release) -> Vec<Check> {
    let servers = match Servers::start(shell, release) {
        Ok(servers) => servers,
        Err(problem) => return vec![Check { name: "nautobot".to_owned(), result: Err(problem) }],
    };
    println!("  running  nautobot {}, twice", servers.version);
    for (name, value) in servers.systems().all() {
        let quote = if value.contains(' ') { "\"" } else { "" };
        println!("           {}{name}={quote}{value}{quote}", systems::PREFIX);
    }
    println!("  stop with Ctrl-C");
    loop {
        // Whatever ends this program ends what it started.
        std::thread::park();
    }
}

/// Puts systems that may be written to back to what they were.
fn reset(shell: &Shell, systems: &Systems) -> Result<(), Problem> {
    if systems.may_write != systems.url {
        return Ok(());
    }
    for reset in systems.resets() {
        quietly(cmd!(shell, "sh -c {reset}")).with_context(|| format!("`{reset}` failed")).map_err(Problem::Failed)?;
    }
    Ok(())
}

/// Does something with the servers, and says how many requests they answered meanwhile.
fn counted(
    requests: impl Fn() -> Option<u64>,
    work: impl FnOnce() -> Result<String, Problem>,
) -> Result<String, Problem> {
    let before = requests();
    let said = work()?;
    let (Some(before), Some(after)) = (before, requests()) else { return Ok(said) };
    // Tests that find no server may have nothing to do: that must not count for a real one.
    if after <= before {
        return Err(Problem::Failed(anyhow!("{said}, and nobody asked the servers; are their variables still read?")));
    }
    let (first, rest) =
        said.split_once('\n').map_or((&*said, String::new()), |(first, rest)| (first, format!("\n{rest}")));
    Ok(format!("{first}, {} requests{rest}", after - before))
}

/// Runs the conformance kit.
fn with_kit(shell: &Shell, program: &Path, systems: &Systems) -> Result<String, Problem> {
    reset(shell, systems)?;
    KIT.real(shell, program, |name| systems.get(name))
}

/// Runs the whole-sync tests.
fn in_whole(shell: &Shell, program: &Path, systems: &Systems) -> Result<String, Problem> {
    let variables = systems.for_whole_syncs()?;
    reset(shell, systems)?;
    let folder = root().join(TESTS.0);
    let _within = shell.push_dir(&folder);
    let command = variables.iter().fold(cmd!(shell, "{program}"), |command, (name, value)| command.env(name, value));
    // As `cargo test` has it; here it is inherited, and another's.
    let command = command.env("CARGO_MANIFEST_DIR", &folder);
    let output = command.quiet().ignore_status().output().map_err(|error| Problem::Failed(error.into()))?;
    let said = String::from_utf8_lossy(&output.stdout);
    if output.status.success() {
        return Ok(format!("{} tests", count_passed(&said)));
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    Err(Problem::Failed(anyhow!("{}\n{}\n{}", output.status, said.trim(), errors.trim())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_told_and_must_be_there() {
        let told = |before: u64, after: u64, said: &str| {
            let answered = std::cell::Cell::new(before);
            let work = || {
                answered.set(after);
                Ok(said.to_owned())
            };
            match counted(|| Some(answered.get()), work) {
                Ok(said) => said,
                Err(Problem::Failed(reason) | Problem::Missing(reason)) => reason.to_string(),
            }
        };
        assert_eq!(told(3, 45, "14 promises kept\nSKIPPED K3: so"), "14 promises kept, 42 requests\nSKIPPED K3: so");
        assert!(told(3, 3, "2 tests").starts_with("2 tests, and nobody asked the servers"));
        let unknown = counted(|| None, || Ok("2 tests".to_owned())).ok();
        assert_eq!(unknown.as_deref(), Some("2 tests"));
    }
}
