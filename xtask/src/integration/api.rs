//! The API keeps what its OpenAPI document says: Schemathesis makes requests of it, good ones and bad ones, and looks at the answers.
//!
//! The server is the product's own, over the history of a demonstration, with simulated systems behind it.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, anyhow};
use xshell::{Shell, cmd};

use super::{Check, Problem};
use crate::python::Environment;
use crate::{cargo, root};

const PACKAGE: &str = "schemathesis==4.32.5";
const OLDEST_PYTHON: (u32, u32) = (3, 10);
/// What the demonstration says when everything is there.
const SHOWN: &str = "The simulated systems keep running";
/// What the server says when it can be asked, before its address.
const LISTENING: &str = "listening on ";

pub(super) fn run(shell: &Shell) -> Vec<Check> {
    vec![Check { name: PACKAGE.to_owned(), result: check(shell) }]
}

fn check(shell: &Shell) -> Result<String, Problem> {
    let target = root().join("target/integration");
    let environment = Environment::ensure(shell, &target.join("schemathesis"), &[PACKAGE], OLDEST_PYTHON..);
    let environment = environment.map_err(Problem::Missing)?;
    tried(shell, &environment, &target.join("api")).map_err(Problem::Failed)
}

fn tried(shell: &Shell, environment: &Environment, folder: &Path) -> anyhow::Result<String> {
    let syncline = cargo::host(shell)?;
    shell.remove_path(folder)?;
    shell.create_dir(folder)?;
    let demo = folder.join("demo");
    let demo = demo.to_string_lossy();
    let (_systems, _) =
        Speaker::start(&syncline, &["demo", "--devices", "40", "--folder", &demo, "--keep-serving"], SHOWN)?;
    let configuration = format!("{demo}/syncline.toml");
    let serve = ["serve", "--config", &configuration, "--listen", "127.0.0.1:0"];
    let (_server, said) = Speaker::start(&syncline, &serve, LISTENING)?;
    let address = said.split(LISTENING).nth(1).unwrap_or_default().trim();
    let (python, settings) = (&environment.python, root().join("xtask/clients/schemathesis.toml"));
    let document = format!("{address}/api/v1/openapi.json");
    let _folder = shell.push_dir(folder);
    let output = cmd!(shell, "{python} -m schemathesis.cli --config-file {settings} run {document} --no-color")
        .quiet()
        .ignore_status()
        .output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    if output.status.success() {
        let counts =
            |line: &&str| line.starts_with(|first: char| first.is_ascii_digit()) && line.contains(" generated");
        return Ok(said.lines().map(str::trim).find(counts).unwrap_or_default().to_owned());
    }
    Err(anyhow!("{}\n{}\n{}", output.status, said.trim(), String::from_utf8_lossy(&output.stderr).trim()))
}

/// A process that is killed when it is no longer needed.
struct Speaker(Child);

impl Speaker {
    /// Starts a program, and waits until it says something on its standard error output: that line.
    fn start(program: &Path, arguments: &[&str], until: &str) -> anyhow::Result<(Self, String)> {
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("`{}` did not start", program.display()))?;
        let errors = child.stderr.take().context("a process without its standard error output")?;
        let speaker = Self(child);
        let mut errors = BufReader::new(errors);
        let mut said = String::new();
        loop {
            let mut line = String::new();
            if errors.read_line(&mut line)? == 0 {
                return Err(anyhow!("`{}` ended:\n{}", arguments.join(" "), said.trim()));
            }
            if line.contains(until) {
                // What it says later goes nowhere, but it must be able to say it.
                std::thread::spawn(move || std::io::copy(&mut errors, &mut std::io::sink()));
                return Ok((speaker, line));
            }
            said.push_str(&line);
        }
    }
}

impl Drop for Speaker {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
