//! `cargo xtask ci`: everything that a change must pass, each step with its time.

use std::cell::Cell;
use std::io;
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

struct Step {
    name: &'static str,
    took: Duration,
    result: anyhow::Result<Outcome>,
}

pub(crate) fn run(shell: &Shell, arguments: &Arguments) -> Outcome {
    let mut steps = Vec::new();
    let mut step = |name: &'static str, work: &dyn Fn() -> anyhow::Result<Outcome>| {
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

    step("fmt", &|| cargo(cmd!(shell, "cargo fmt --all --check")));
    step("tidy", &|| tidy::run(root()));
    step("deploy", &|| deploy::run(shell, root()));
    let with_postgres =
        |command: xshell::Cmd<'_>| cargo(if arguments.required { command.env(POSTGRES, "1") } else { command });
    let reports = root().join(matrix::REPORTS);
    // Tests wait for processes that they kill, for answers that never come and for time that a system asks for. Meanwhile others can do
    // their work: cargo lets them begin when the tests are compiled.
    let postgres = if arguments.required { &[(POSTGRES, "1")][..] } else { &[] };
    // Of the whole workspace, so that nothing is compiled again with other features.
    let durable = ["test", "--workspace", "--test", "durable", "--", "--nocapture"];
    let durable = Beside::start(&durable, &[DURABLE, postgres].concat());
    let lints = Beside::start(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"], &[]);
    step("test", &|| {
        matrix::forget(&reports)?;
        let command = cmd!(shell, "cargo test --workspace --no-fail-fast").env(FAULTS.0, FAULTS.1);
        with_postgres(command.env(matrix::WHERE, &reports))
    });
    step("durable, what was left of it", &|| durable.end());
    step("clippy, what was left of it", &|| lints.end());
    step("handbook matrix", &|| matrix::run(root(), &reports, true));
    step("handbook", &|| handbook::build(shell));
    step("new connector", &|| new_connector::prove(shell, root()));
    // Advisories are left out: their database is not everywhere to be had. `cargo deny check advisories` asks for it.
    match cmd!(shell, "cargo deny --version").quiet().ignore_stderr().read() {
        Ok(_) => step("deny", &|| cargo(cmd!(shell, "cargo deny check bans licenses sources"))),
        Err(_) => println!("\n==> deny\nSKIPPED: cargo-deny is not installed (`cargo install cargo-deny --locked`)"),
    }
    // Real Nautobots are installed and migrated while others are at work. Where their packages cannot be had, it says so.
    let nautobot = thread::spawn(|| anyhow::Ok(integration::run(&Shell::new()?, &integration::Arguments::nautobot())));
    step("integration clients", &|| Ok(integration::run(shell, &integration::Arguments::clients(arguments.required))));
    step("integration api", &|| Ok(integration::run(shell, &integration::Arguments::api(arguments.required))));
    step("integration browser", &|| Ok(integration::run(shell, &integration::Arguments::browser(arguments.required))));
    // Where Debian's packages can be had: elsewhere it says so, and the simulator has to do.
    step("integration zabbix", &|| Ok(integration::run(shell, &integration::Arguments::zabbix())));
    let nautobot = Cell::new(Some(nautobot));
    step("integration nautobot, what was left of it", &|| {
        let thread = nautobot.take().context("it was awaited before")?;
        thread.join().map_err(|_| anyhow!("the thread of the suite has panicked"))?
    });
    summary(&steps)
}

/// A command of cargo beside the steps. What it says is told where its end is awaited.
struct Beside(Cell<Option<JoinHandle<io::Result<Output>>>>);

impl Beside {
    fn start(arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut command = Command::new("cargo");
        command.args(arguments).envs(environment.iter().copied()).current_dir(root()).stdin(Stdio::null());
        Self(Cell::new(Some(thread::spawn(move || command.output()))))
    }

    fn end(&self) -> anyhow::Result<Outcome> {
        let thread = self.0.take().context("it was awaited before")?;
        let output = thread.join().map_err(|_| anyhow!("the thread that waited for cargo has panicked"))??;
        print!("{}", String::from_utf8_lossy(&output.stdout));
        eprint!("{}", String::from_utf8_lossy(&output.stderr));
        ensure!(output.status.success(), "cargo ended with {}", output.status);
        Ok(Outcome::Good)
    }
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
