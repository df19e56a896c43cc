//! The Zabbix connector's own tests against real Zabbix servers.
//!
//! For each release: the frontend and its API from Debian packages, over a database in a private PostgreSQL. The server's
//! daemon, which polls hosts, has no part in the API and does not run.

mod database;
mod frontend;
mod packages;
mod programs;

use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::thread;

use anyhow::{Context, anyhow};
use serde_json::json;
use xshell::{Shell, cmd};

use self::database::Database;
use self::frontend::Frontend;
use self::packages::{RELEASES, Release};
use super::postgres::Server;
use super::{Check, Problem, count_passed, quietly};
use crate::cargo::Selection;
use crate::{cargo, root};

/// The folder of the package whose tests run here.
const CONNECTOR: &str = "connectors/zabbix";
/// The environment variables by which its tests find a server to use instead of the simulator: its address, a token for its
/// API, and a command line for a shell that puts it back to the shipped state, with the same token.
const URL: &str = "TEST_ZABBIX_URL";
const TOKEN: &str = "TEST_ZABBIX_TOKEN";
const RESET: &str = "TEST_ZABBIX_RESET";
/// The environment variable that asks for the measurement, and the test that measures.
const RATE: &str = "TEST_ZABBIX_RATE";
const MEASUREMENT: &str = "hosts_a_second";

/// One real Zabbix. The frontend comes first: it is stopped before its database goes.
struct Zabbix {
    frontend: Frontend,
    database: Database,
    /// What it says of itself: `6.0.14`.
    version: String,
}

/// Runs the tests against the server that the environment names, or against every release that can be had.
pub(super) fn run(shell: &Shell, selection: Selection) -> Vec<Check> {
    match std::env::var(URL) {
        Ok(url) if !url.is_empty() => {
            vec![Check { name: format!("zabbix at {url}"), result: on_named(shell, selection) }]
        }
        _ => match selection {
            // CI tries the kit with the simulated one alone.
            Selection::Workspace => on_each(shell, selection, Zabbix::pass),
            Selection::Package => on_each(shell, selection, Zabbix::pass_all),
        },
    }
}

/// Runs the tests against the server that the environment names, which they empty.
fn on_named(shell: &Shell, selection: Selection) -> Result<String, Problem> {
    let missing: Vec<_> =
        [TOKEN, RESET].into_iter().filter(|name| std::env::var_os(name).is_none_or(|value| value.is_empty())).collect();
    if !missing.is_empty() {
        let missing = missing.join("` and `");
        return Err(Problem::Missing(anyhow!(
            "`{URL}` is set, and `{missing}` is not: a token for its API, and a command line for a shell that puts the server back to \
             the shipped state, as the tests empty it. Without `{URL}`, servers are started"
        )));
    }
    let passed = || {
        let mut passed = 0;
        for program in cargo::tests(shell, CONNECTOR, selection)? {
            let reset = std::env::var(RESET)?;
            quietly(cmd!(shell, "sh -c {reset}")).with_context(|| format!("`{RESET}` failed"))?;
            let folder = root().join(CONNECTOR);
            let _within = shell.push_dir(&folder);
            let output =
                cmd!(shell, "{program}").env("CARGO_MANIFEST_DIR", &folder).quiet().ignore_status().output()?;
            let said = String::from_utf8_lossy(&output.stdout);
            anyhow::ensure!(output.status.success(), "{}\n{}", output.status, said.trim());
            passed += count_passed(&said);
        }
        anyhow::Ok(format!("{passed} tests"))
    };
    passed().map_err(Problem::Failed)
}

/// Runs the measurement against every release that can be had.
pub(super) fn measure(shell: &Shell) -> Vec<Check> {
    on_each(shell, Selection::Package, Zabbix::measure)
}

/// Does something with the test programs and a server of every release.
fn on_each(
    shell: &Shell,
    selection: Selection,
    work: fn(&Zabbix, &Shell, &[PathBuf]) -> anyhow::Result<String>,
) -> Vec<Check> {
    let check = |name: &str, result| Check { name: name.to_owned(), result };
    // Compiled before any server starts, and once for all of them.
    let tests = match cargo::tests(shell, CONNECTOR, selection) {
        Ok(tests) => tests,
        Err(reason) => return vec![check(CONNECTOR, Err(Problem::Failed(reason)))],
    };
    let server = match start_database(shell) {
        Ok(server) => server,
        Err(problem) => return vec![check("zabbix", Err(problem))],
    };
    let on = |release: &Release, shell: &Shell| {
        let worked = Zabbix::start(shell, &server, release)
            .and_then(|zabbix| work(&zabbix, shell, &tests).map_err(Problem::Failed));
        check(&format!("zabbix {}", release.version), worked)
    };
    // Side by side: tests wait for the frontend more than they work. Measured is one after the other.
    let mut checks: Vec<_> = match selection {
        Selection::Package => RELEASES.iter().map(|release| on(release, shell)).collect(),
        Selection::Workspace => thread::scope(|scope| {
            let shells = RELEASES.iter().map(|release| (release, shell.clone()));
            let beside: Vec<_> = shells.map(|(release, shell)| scope.spawn(move || on(release, &shell))).collect();
            beside.into_iter().map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic))).collect()
        }),
    };
    if let Err(reason) = server.stop() {
        checks.push(check("zabbix", Err(Problem::Failed(reason))));
    }
    checks
}

/// Leaves every release that can be had running until the interrupt key. Returns only when none can.
pub(super) fn keep(shell: &Shell) -> Vec<Check> {
    let server = match start_database(shell) {
        Ok(server) => server,
        Err(problem) => return vec![Check { name: "zabbix".to_owned(), result: Err(problem) }],
    };
    let mut running = Vec::new();
    let mut problems = Vec::new();
    for release in &RELEASES {
        match Zabbix::start(shell, &server, release) {
            Ok(zabbix) => running.push(zabbix),
            Err(problem) => {
                problems.push(Check { name: format!("zabbix {}", release.version), result: Err(problem) });
            }
        }
    }
    if running.is_empty() {
        return problems;
    }
    for Check { name, result } in problems {
        if let Err(Problem::Missing(reason) | Problem::Failed(reason)) = result {
            println!("  MISSING  {name}: {reason:#}");
        }
    }
    for Zabbix { frontend, database, version } in &running {
        println!("  running  zabbix {version} (user `Admin`, password `zabbix`)");
        println!("           {URL}={}", frontend.url());
        println!("           {TOKEN}={}", database.token);
        println!("           {RESET}=\"{}\"", database.reset);
    }
    println!("  stop with Ctrl-C");
    loop {
        // Whatever ends this program ends what it started.
        thread::park();
    }
}

fn start_database(shell: &Shell) -> Result<Server, Problem> {
    programs::ensure(shell).map_err(Problem::Missing)?;
    Server::start(shell)
}

impl Zabbix {
    fn start(shell: &Shell, server: &Server, release: &Release) -> Result<Self, Problem> {
        let unpacked = release.ensure(shell).map_err(Problem::Missing)?;
        let start = || {
            let database = Database::create(shell, server, release.version, &unpacked)?;
            let frontend = Frontend::start(&unpacked, &database.name, server.port)?;
            let version = frontend.call("apiinfo.version", &json!([]), None)?;
            let version = version.as_str().context("the version is no text")?.to_owned();
            // Whether the token is good.
            frontend.call("host.get", &json!({ "countOutput": true }), Some(&database.token))?;
            Ok(Self { frontend, database, version })
        };
        start().map_err(Problem::Failed)
    }

    /// Runs a test program on the server as it was shipped; what it said.
    fn ask(
        &self,
        shell: &Shell,
        program: &Path,
        arguments: &[&str],
        environment: &[(&str, &str)],
    ) -> anyhow::Result<String> {
        let folder = root().join(CONNECTOR);
        self.database.reset(shell)?;
        let within = shell.push_dir(&folder);
        let command = environment
            .iter()
            .fold(cmd!(shell, "{program} {arguments...}"), |command, (name, value)| command.env(name, value));
        let output = command
            .env(URL, self.frontend.url())
            .env(TOKEN, &self.database.token)
            .env(RESET, &self.database.reset)
            // As `cargo test` has it; here it is inherited, and another's.
            .env("CARGO_MANIFEST_DIR", &folder)
            .quiet()
            .ignore_status()
            .output()?;
        drop(within);
        let said = String::from_utf8_lossy(&output.stdout);
        if !output.status.success() {
            let errors = String::from_utf8_lossy(&output.stderr);
            return Err(anyhow!("{}\n{}\n{}", self.version, said.trim(), errors.trim()));
        }
        Ok(said.into_owned())
    }

    /// Runs the measurement alone.
    fn measure(&self, shell: &Shell, tests: &[PathBuf]) -> anyhow::Result<String> {
        let mut lines = vec![self.version.clone()];
        for program in tests {
            let said = self.ask(shell, program, &["--nocapture", MEASUREMENT], &[(RATE, "1")])?;
            let ours = said.lines().skip_while(|line| !line.contains("first run")).take_while(|line| !line.is_empty());
            // The first line begins with the name of the test.
            lines.extend(ours.map(|line| format!("           {}", line.rsplit("... ").next().unwrap_or(line))));
        }
        Ok(lines.join("\n"))
    }

    /// Runs test programs, each on a server as it was shipped; the conformance kit's with a simulated one.
    fn pass(&self, shell: &Shell, tests: &[PathBuf]) -> anyhow::Result<String> {
        self.pass_with(shell, tests, &[])
    }

    /// The same, and the conformance kit is at the real one too. That takes minutes.
    fn pass_all(&self, shell: &Shell, tests: &[PathBuf]) -> anyhow::Result<String> {
        let url = self.frontend.url();
        let kit = [
            ("CONFORMANCE_ZABBIX_URL", &*url),
            ("CONFORMANCE_ZABBIX_MAY_WRITE", &*url),
            ("CONFORMANCE_ZABBIX_TOKEN", &*self.database.token),
            ("CONFORMANCE_ZABBIX_RESET", &*self.database.reset),
        ];
        self.pass_with(shell, tests, &kit)
    }

    fn pass_with(&self, shell: &Shell, tests: &[PathBuf], kit: &[(&str, &str)]) -> anyhow::Result<String> {
        let mut passed = 0;
        for program in tests {
            passed += count_passed(&self.ask(shell, program, &[], kit)?);
        }
        let requests = self.frontend.requests();
        // The tests use a simulator where they find no server: that must not count for a real one.
        anyhow::ensure!(
            requests > 0,
            "{passed} tests passed, and none of them asked the server; is `{URL}` still read?"
        );
        Ok(format!("{}: {passed} tests, {requests} requests", self.version))
    }
}
