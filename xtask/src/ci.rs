//! `cargo xtask ci`: everything that a change must pass, each step with its time.

use std::io::{self, BufRead as _, BufReader};
use std::process::{Command, Output, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow, ensure};
use clap::Args;
use xshell::{Shell, cmd};

use crate::handbook::matrix;
use crate::{Outcome, deploy, handbook, integration, new_connector, root, tidy};

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// What needs an outside program (PostgreSQL, Python clients, real servers) and cannot run is a failure, not skipped
    #[arg(long)]
    required: bool,
}

/// How many requests go through the bad network of the tests; by default fewer.
const FAULTS: (&str, &str) = ("SYNCLINE_FAULT_REQUESTS", "10000");
/// Tests that need PostgreSQL fail without it.
const POSTGRES: &str = "TEST_DATABASE_REQUIRED";
/// How much the tests of kills, of many workers and of memory do here; by default they are quick.
const DURABLE: &[(&str, &str)] =
    &[("DURABLE_KILLS", "105"), ("DURABLE_SYNCS", "100"), ("DURABLE_TICKS", "3"), ("DURABLE_CHANGES", "100000")];
/// They are run by themselves; among the others they do nothing.
const NOT_DURABLE: &[(&str, &str)] = &[("DURABLE_KILLS", "0"), ("DURABLE_SYNCS", "0"), ("DURABLE_TICKS", "0")];

struct Step {
    name: &'static str,
    took: Duration,
    result: anyhow::Result<Outcome>,
}

pub(crate) fn run(shell: &Shell, arguments: &Arguments) -> Outcome {
    let mut steps = Vec::new();
    let mut step = |name: &'static str, work: &mut dyn FnMut() -> anyhow::Result<Outcome>| {
        println!("\n==> {name}");
        let start = Instant::now();
        let result = work();
        if let Err(error) = &result {
            eprintln!("error: {error:#}");
        }
        steps.push(Step { name, took: start.elapsed(), result });
    };
    let cargo = |command: xshell::Cmd<'_>| {
        command.run()?;
        Ok(Outcome::Good)
    };

    step("fmt", &mut || cargo(cmd!(shell, "cargo fmt --all --check")));
    step("tidy", &mut || tidy::run(root()));
    step("deploy", &mut || deploy::run(shell, root()));
    let reports = root().join(matrix::REPORTS);
    // Tests wait for processes that they kill, for answers that never come and for time that a system asks for. Meanwhile others can do
    // their work: cargo lets them begin when it has compiled what is compiled before them.
    let postgres = if arguments.required { &[(POSTGRES, "1")][..] } else { &[] };
    // Of the whole workspace, so that nothing is compiled again with other features.
    let durable = ["test", "--workspace", "--test", "durable", "--", "--nocapture"];
    let mut durable = command_beside("cargo", &durable, &[DURABLE, postgres].concat());
    let lint = ["-n", "19", "cargo", "clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];
    let mut lints = None;
    step("test", &mut || {
        matrix::forget(&reports)?;
        let mut command = Command::new("cargo");
        command.args(["test", "--workspace", "--no-fail-fast"]).current_dir(root());
        command.envs(NOT_DURABLE.iter().chain(postgres).copied()).env(FAULTS.0, FAULTS.1).env(matrix::WHERE, &reports);
        // Not before all is compiled: cargo compiles for one command at a time, and tests leave more of the machine to others. What they
        // need of it they have first: some of them wait for leases that end.
        when_it_says(&mut command, " Running ", || {
            lints = Some(command_beside("nice", &lint, &[]));
        })
    });
    // Real servers are installed and migrated while others are at work. Where their packages cannot be had, it says so, and the
    // simulators have to do.
    let mut zabbix = suite_beside(integration::Arguments::zabbix());
    let mut nautobot = suite_beside(integration::Arguments::nautobot());
    step("durable, what was left of it", &mut || told(durable.end()?));
    step("clippy, what was left of it", &mut || told(lints.as_mut().context("the tests were not compiled")?.end()?));
    step("handbook matrix", &mut || matrix::run(root(), &reports, true));
    step("handbook", &mut || handbook::build(shell));
    step("new connector", &mut || new_connector::prove(shell, root()));
    // Advisories are left out: their database is not everywhere to be had. `cargo deny check advisories` asks for it.
    match cmd!(shell, "cargo deny --version").quiet().ignore_stderr().read() {
        Ok(_) => step("deny", &mut || cargo(cmd!(shell, "cargo deny check bans licenses sources"))),
        Err(_) => println!("\n==> deny\nSKIPPED: cargo-deny is not installed (`cargo install cargo-deny --locked`)"),
    }
    step("integration clients", &mut || {
        Ok(integration::run(shell, &integration::Arguments::clients(arguments.required)))
    });
    step("integration api", &mut || Ok(integration::run(shell, &integration::Arguments::api(arguments.required))));
    step("integration browser", &mut || {
        Ok(integration::run(shell, &integration::Arguments::browser(arguments.required)))
    });
    step("integration nautobot, what was left of it", &mut || nautobot.end()?);
    step("integration zabbix, what was left of it", &mut || zabbix.end()?);
    summary(&steps)
}

/// Work beside the steps, whose end is awaited once.
struct Beside<T>(Option<JoinHandle<T>>);

impl<T: Send + 'static> Beside<T> {
    fn start(work: impl FnOnce() -> T + Send + 'static) -> Self {
        Self(Some(thread::spawn(work)))
    }

    fn end(&mut self) -> anyhow::Result<T> {
        let thread = self.0.take().context("it was awaited before")?;
        thread.join().map_err(|_| anyhow!("the thread that was at work beside the steps has panicked"))
    }
}

/// A command. What it says is told where its end is awaited.
fn command_beside(program: &str, arguments: &[&str], environment: &[(&str, &str)]) -> Beside<io::Result<Output>> {
    let mut command = Command::new(program);
    command.args(arguments).envs(environment.iter().copied()).current_dir(root()).stdin(Stdio::null());
    Beside::start(move || command.output())
}

/// Runs a command, and does something when a word first stands in its errors, which are passed on.
fn when_it_says(command: &mut Command, word: &str, act: impl FnOnce()) -> anyhow::Result<Outcome> {
    let mut child = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn()?;
    let mut act = Some(act);
    for line in BufReader::new(child.stderr.take().context("its errors are piped")?).lines() {
        let line = line?;
        eprintln!("{line}");
        if line.contains(word)
            && let Some(act) = act.take()
        {
            act();
        }
    }
    let status = child.wait()?;
    ensure!(status.success(), "cargo ended with {status}");
    Ok(Outcome::Good)
}

fn told(output: io::Result<Output>) -> anyhow::Result<Outcome> {
    let output = output?;
    print!("{}", String::from_utf8_lossy(&output.stdout));
    eprint!("{}", String::from_utf8_lossy(&output.stderr));
    ensure!(output.status.success(), "cargo ended with {}", output.status);
    Ok(Outcome::Good)
}

/// A suite of the integration tests, which tells what it does while others do.
fn suite_beside(arguments: integration::Arguments) -> Beside<anyhow::Result<Outcome>> {
    Beside::start(move || Ok(integration::run(&Shell::new()?, &arguments)))
}

fn summary(steps: &[Step]) -> Outcome {
    println!("\n==> summary");
    let mut outcome = Outcome::Good;
    for Step { name, took, result } in steps {
        let good = matches!(result, Ok(Outcome::Good));
        println!("{:<7} {:>5.0} s  {name}", if good { "passed" } else { "FAILED" }, took.as_secs_f64());
        if !good {
            outcome = Outcome::Bad;
        }
    }
    outcome
}
