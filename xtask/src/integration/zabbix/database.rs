//! The databases of Zabbix servers, in a PostgreSQL of our own.
//!
//! A server has two: one as shipped, with a token for the API in it, and a copy of that one to work with.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, anyhow};
use serde::Deserialize;
use xshell::{Cmd, Shell, cmd};

use super::packages::Unpacked;
use super::quietly;

/// A running PostgreSQL. It ends with this program, however that ends.
#[derive(Debug)]
pub(super) struct Server {
    process: Child,
    /// `postgres://user@host:port/`, without the name of a database.
    url: String,
    pub(super) port: u16,
}

/// The database of one Zabbix server.
#[derive(Debug)]
pub(super) struct Database {
    pub(super) name: String,
    /// A token of the user `Admin`, who may do everything. It is as good after a reset.
    pub(super) token: String,
    /// What puts it back to the shipped state, and the token: a command line for a shell.
    pub(super) reset: String,
}

/// The program's first line.
#[derive(Debug, Deserialize)]
struct Announced {
    url: String,
}

/// Nothing of the user's own settings, and an end at the first error.
const OPTIONS: [&str; 3] = ["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1"];

/// Writes a token as Zabbix keeps it, and says what it is.
const TOKEN: &str = "
    with secret as (
        select encode(sha256(convert_to(gen_random_uuid()::text || gen_random_uuid()::text, 'UTF8')), 'hex') as token
    ), kept as (
        insert into token (tokenid, name, userid, token, created_at, creator_userid)
        select 1, 'integration', userid, encode(sha512(convert_to(secret.token, 'UTF8')), 'hex'),
               extract(epoch from now())::int, userid
        from secret, users where username = 'Admin'
    )
    select token from secret";

impl Server {
    /// Starts the testkit's private PostgreSQL by this program of it.
    pub(super) fn start(program: &Path) -> anyhow::Result<Self> {
        let mut process = Command::new(program)
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

    /// Makes the databases of a release.
    pub(super) fn create(&self, shell: &Shell, version: &str, unpacked: &Unpacked) -> anyhow::Result<Database> {
        let name = format!("zabbix{}", version.replace('.', ""));
        let shipped = format!("{name}_shipped");
        self.ask(shell, "postgres", &format!("create database {shipped}"))?;
        let (schema, dump) = (unpacked.schema(), unpacked.dump());
        let load = if dump.exists() { &dump } else { &schema };
        quietly(self.psql(shell, &shipped).arg("--file").arg(load))
            .with_context(|| format!("`{}` is not loaded", load.display()))?;
        if !dump.exists() {
            let unfinished = dump.with_extension("unfinished");
            let url = format!("{}{shipped}", self.url);
            quietly(cmd!(shell, "pg_dump --dbname {url} --file {unfinished}"))?;
            std::fs::rename(unfinished, dump)?;
        }
        let token = self.ask(shell, &shipped, TOKEN)?;
        self.ask(shell, &shipped, "vacuum analyze")?;
        let reset = format!(
            "psql {} --dbname={}postgres --command='drop database if exists {name} with (force)' \
             --command='create database {name} template {shipped}'",
            OPTIONS.join(" "),
            self.url
        );
        let database = Database { name, token, reset };
        database.reset(shell)?;
        Ok(database)
    }

    /// Stops it, and waits until nothing is left of it.
    pub(super) fn stop(mut self) -> anyhow::Result<()> {
        // Waiting ends its standard input first.
        let status = self.process.wait()?;
        anyhow::ensure!(status.success(), "PostgreSQL ended with {status}");
        Ok(())
    }

    /// Runs a statement; the answer is what it says.
    fn ask(&self, shell: &Shell, database: &str, statement: &str) -> anyhow::Result<String> {
        quietly(self.psql(shell, database).args(["--tuples-only", "--no-align", "--command", statement]))
    }

    fn psql<'a>(&self, shell: &'a Shell, database: &str) -> Cmd<'a> {
        let url = format!("{}{database}", self.url);
        cmd!(shell, "psql {OPTIONS...} --dbname={url}")
    }
}

impl Database {
    /// Puts it back to the shipped state.
    pub(super) fn reset(&self, shell: &Shell) -> anyhow::Result<()> {
        let reset = &self.reset;
        quietly(cmd!(shell, "sh -c {reset}")).map(|_| ())
    }
}
