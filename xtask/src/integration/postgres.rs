//! PostgreSQL for the servers of a suite: the testkit's private one, and what is done with its databases.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, anyhow};
use serde::Deserialize;
use xshell::{Cmd, Shell, cmd};

use super::{Problem, debian, quietly};
use crate::cargo;

/// A running PostgreSQL. It ends with this program, however that ends.
#[derive(Debug)]
pub(super) struct Server {
    process: Child,
    /// `postgres://user@host:port/`, without the name of a database.
    url: String,
    pub(super) port: u16,
}

/// The program's first line.
#[derive(Debug, Deserialize)]
struct Announced {
    url: String,
}

/// Nothing of the user's own settings, and an end at the first error.
const OPTIONS: [&str; 3] = ["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1"];

/// The Debian package that has to be installed, if any. That of the server brings the client, too.
pub(super) fn missing(shell: &Shell) -> Option<&'static str> {
    let found = debian::has(shell, "psql") && debian::has(shell, "pg_dump");
    (!found).then_some("postgresql")
}

impl Server {
    /// Starts it, with an empty database `postgres`.
    pub(super) fn start(shell: &Shell) -> Result<Self, Problem> {
        let program = cargo::build(shell, "postgres", &["build", "--workspace", "--example", "postgres"]);
        Self::run(&program.map_err(Problem::Failed)?).map_err(Problem::Missing)
    }

    /// Starts it by this program of the testkit.
    fn run(program: &Path) -> anyhow::Result<Self> {
        let mut process = Command::new(program)
            // What ends this program and its group is not for the shell in there: that has to tidy up.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("`{}` did not start", program.display()))?;
        let mut line = String::new();
        if let Some(output) = process.stdout.take() {
            BufReader::new(output).read_line(&mut line)?;
        }
        let Ok(Announced { url }) = serde_json::from_str(&line) else {
            let mut said = String::new();
            if let Some(mut errors) = process.stderr.take() {
                errors.read_to_string(&mut said)?;
            }
            process.wait()?;
            return Err(anyhow!("no PostgreSQL: {}", said.trim()));
        };
        let (server, _) = url.rsplit_once('/').context("no database in the address of PostgreSQL")?;
        let (_, port) = server.rsplit_once(':').context("no port in the address of PostgreSQL")?;
        Ok(Self { port: port.parse()?, url: format!("{server}/"), process })
    }

    /// Makes an empty database.
    pub(super) fn create(&self, shell: &Shell, database: &str) -> anyhow::Result<()> {
        self.ask(shell, "postgres", &format!("create database {database}")).map(|_| ())
    }

    /// Runs a statement; the answer is what it says.
    pub(super) fn ask(&self, shell: &Shell, database: &str, statement: &str) -> anyhow::Result<String> {
        quietly(self.psql(shell, database).args(["--tuples-only", "--no-align", "--command", statement]))
    }

    /// Runs a file of statements.
    pub(super) fn load(&self, shell: &Shell, database: &str, file: &Path) -> anyhow::Result<()> {
        quietly(self.psql(shell, database).arg("--file").arg(file))
            .map(|_| ())
            .with_context(|| format!("`{}` is not loaded", file.display()))
    }

    /// Writes a file of statements that make the database once more. It is there when it is whole.
    pub(super) fn dump(&self, shell: &Shell, database: &str, file: &Path) -> anyhow::Result<()> {
        let unfinished = file.with_extension("unfinished");
        let url = self.address(database);
        quietly(cmd!(shell, "pg_dump --dbname {url} --file {unfinished}"))?;
        std::fs::rename(unfinished, file)?;
        Ok(())
    }

    /// What makes a database a copy of another one, whatever it was: a command line for a shell. Connections to it are closed.
    pub(super) fn copying(&self, original: &str, database: &str) -> String {
        format!(
            "psql {} --dbname={} --command='drop database if exists {database} with (force)' \
             --command='create database {database} template {original}'",
            OPTIONS.join(" "),
            self.address("postgres")
        )
    }

    /// Stops it, and waits until nothing is left of it.
    pub(super) fn stop(mut self) -> anyhow::Result<()> {
        // Waiting ends its standard input first.
        let status = self.process.wait()?;
        anyhow::ensure!(status.success(), "PostgreSQL ended with {status}");
        Ok(())
    }

    fn address(&self, database: &str) -> String {
        format!("{}{database}", self.url)
    }

    fn psql<'a>(&self, shell: &'a Shell, database: &str) -> Cmd<'a> {
        let url = self.address(database);
        cmd!(shell, "psql {OPTIONS...} --dbname={url}")
    }
}
