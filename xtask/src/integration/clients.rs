//! The simulators are faithful: clients that nobody here wrote work with them.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, anyhow};
use serde::Deserialize;
use xshell::{Shell, cmd};

use super::{Check, Problem};
use crate::python::Environment;
use crate::{cargo, root};

/// A client, and the simulator that it drives.
struct Client {
    /// Package and version on PyPI.
    package: &'static str,
    oldest_python: (u32, u32),
    /// The program below `xtask/clients/`.
    script: &'static str,
    /// What the simulators' program calls the system, and the version that it is to be.
    simulator: &'static [&'static str],
    /// What of the simulator's first line the program takes as arguments.
    arguments: fn(Announced) -> Vec<String>,
}

/// The first line of a simulator; which credentials it holds depends on the system.
#[derive(Debug, Deserialize)]
struct Announced {
    url: String,
    #[serde(default)]
    access_key: String,
    #[serde(default)]
    secret: String,
    #[serde(default)]
    v1_token: String,
    #[serde(default)]
    token: String,
}

/// The same checks with one version of Zabbix.
const fn zabbix(simulator: &'static [&'static str]) -> Client {
    Client {
        package: "zabbix-utils==2.0.4",
        oldest_python: (3, 8),
        script: "zabbix_check.py",
        simulator,
        arguments: |server| vec![server.url, server.token],
    }
}

const CLIENTS: [Client; 5] = [
    Client {
        package: "forward-sdk==0.1.26",
        oldest_python: (3, 11),
        script: "forward_sdk_check.py",
        simulator: &["forward"],
        arguments: |server| vec![server.url, server.access_key, server.secret],
    },
    Client {
        package: "pynetbox==7.8.0",
        oldest_python: (3, 10),
        script: "pynetbox_check.py",
        simulator: &["netbox"],
        arguments: |server| vec![server.url, server.v1_token],
    },
    zabbix(&["zabbix", "6.0.14"]),
    zabbix(&["zabbix", "7.0.22"]),
    zabbix(&["zabbix", "7.4.1"]),
];

pub(super) fn run(shell: &Shell) -> Vec<Check> {
    match cargo::build(shell, "simulators", &["build", "--workspace", "--example", "simulators"]) {
        Ok(simulators) => CLIENTS
            .iter()
            .map(|client| {
                let name = format!("{} with {}", client.package, client.simulator.join(" "));
                Check { name, result: check(shell, &simulators, client) }
            })
            .collect(),
        Err(reason) => vec![Check { name: "simulators".to_owned(), result: Err(Problem::Failed(reason)) }],
    }
}

fn check(shell: &Shell, simulators: &Path, client: &Client) -> Result<String, Problem> {
    let name = client.package.split("==").next().unwrap_or(client.package);
    let folder = root().join("target/integration").join(name);
    let environment =
        Environment::ensure(shell, &folder, &[client.package], client.oldest_python..).map_err(Problem::Missing)?;
    let (simulator, announced) = Simulator::start(simulators, client.simulator).map_err(Problem::Failed)?;
    let (python, script) = (&environment.python, root().join("xtask/clients").join(client.script));
    let arguments = (client.arguments)(announced);
    let output = cmd!(shell, "{python} {script} {arguments...}")
        .quiet()
        .ignore_status()
        .output()
        .map_err(|error| Problem::Failed(error.into()))?;
    simulator.stop().map_err(Problem::Failed)?;
    let said = String::from_utf8_lossy(&output.stdout);
    if output.status.success() {
        return Ok(said.trim().lines().last().unwrap_or_default().to_owned());
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    Err(Problem::Failed(anyhow!("{}\n{}\n{}", output.status, said.trim(), errors.trim())))
}

/// A simulator in a process of its own. It runs until its standard input ends, so it never outlives this program.
struct Simulator(Child);

impl Simulator {
    fn start(simulators: &Path, system: &[&str]) -> anyhow::Result<(Self, Announced)> {
        let mut child = Command::new(simulators)
            .args(system)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("`{}` did not start", simulators.display()))?;
        let mut line = String::new();
        if let Some(output) = child.stdout.take() {
            BufReader::new(output).read_line(&mut line)?;
        }
        let simulator = Self(child);
        let announced = serde_json::from_str(&line)
            .with_context(|| format!("the simulator of `{}` announced `{}`", system.join(" "), line.trim()))?;
        Ok((simulator, announced))
    }

    /// Ends its input and waits for it.
    fn stop(mut self) -> anyhow::Result<()> {
        drop(self.0.stdin.take());
        let status = self.0.wait()?;
        anyhow::ensure!(status.success(), "the simulator ended with {status}");
        Ok(())
    }
}
