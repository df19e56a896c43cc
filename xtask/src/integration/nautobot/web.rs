//! A Nautobot server: its web application in uWSGI, which comes with it.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, anyhow};
use serde_json::Value;

use super::super::program::{self, Program, Says};
use super::database::Copy;
use super::release::Installed;

/// Settings of uWSGI.
const SETTINGS: [&str; 9] = [
    "--master",
    // How many requests are answered at once.
    "--processes=2",
    "--enable-threads",
    "--die-on-term",
    "--worker-reload-mercy=3",
    // Heads and bodies of requests as large as a proxy in front of it would let through.
    "--buffer-size=65535",
    "--post-buffering=65536",
    // It closes the connection after each answer: without a word a client would use it once more.
    "--add-header=Connection: close",
    // What GraphQL answers with is made once, and not by each process at its first question.
    "--shared-import=nautobot.core.graphql.schema_init",
];
/// What uWSGI says when the application is loaded, and of each request that it has answered.
const STARTED: &str = "spawned uWSGI worker 1 ";
const ANSWERED: &str = "[pid: ";
/// What tells how a Nautobot does.
const STATUS: &str = "/api/status/";
/// How many requests come from here.
const OWN: u64 = 1;
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// A running Nautobot. It ends with this program, however that ends.
#[derive(Debug)]
pub(super) struct Web {
    uwsgi: Program,
    port: u16,
    /// What puts it back to what the migrations left: a command line for a shell.
    pub(super) reset: String,
}

impl Web {
    /// Starts a server over this database, and waits until it has answered.
    pub(super) fn start(installed: &Installed, copy: &Copy, token: &str) -> anyhow::Result<Self> {
        let port = program::free_port()?;
        let mut command = program::command(installed.command());
        copy.settings.tell(&mut command, installed);
        command.args(["start", &format!("--http-socket={}:{port}", Ipv4Addr::LOCALHOST)]).args(SETTINGS);
        let says = Says { name: "Nautobot", ready: STARTED, counted: Some(ANSWERED), log: log(installed, copy) };
        let log = says.log.clone();
        let web = Self { uwsgi: Program::start(command, says)?, port, reset: copy.reset.clone() };
        web.answers(token, &installed.version)
            .with_context(|| format!("Nautobot says in `{}`:\n{}", log.display(), program::last_lines(&log)))?;
        Ok(web)
    }

    /// Its address.
    pub(super) fn url(&self) -> String {
        format!("http://{}:{}", Ipv4Addr::LOCALHOST, self.port)
    }

    /// How many requests of others have been answered. The last ones may not be in the log yet.
    pub(super) fn requests(&self) -> u64 {
        self.uwsgi.counted().saturating_sub(OWN)
    }

    /// Whether the token is good, and the server what it is meant to be.
    fn answers(&self, token: &str, version: &str) -> anyhow::Result<()> {
        let status = self.get(STATUS, token).with_context(|| format!("`{STATUS}` was not answered"))?;
        let runs = &status["nautobot-version"];
        anyhow::ensure!(runs == version, "`{STATUS}` says that Nautobot {runs} runs, and not {version}");
        Ok(())
    }

    /// One request in the protocol's oldest form, in which the connection's end is the answer's end.
    fn get(&self, path: &str, token: &str) -> anyhow::Result<Value> {
        let request =
            format!("GET {path} HTTP/1.0\r\nAccept: application/json\r\nAuthorization: Token {token}\r\n\r\n");
        let mut connection = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
        connection.set_read_timeout(Some(PATIENCE))?;
        connection.write_all(request.as_bytes())?;
        let mut answer = String::new();
        connection.read_to_string(&mut answer)?;
        body(&answer)
    }
}

fn log(installed: &Installed, copy: &Copy) -> PathBuf {
    installed.file(&format!("{}.log", copy.settings.database))
}

/// The document of a good answer.
fn body(answer: &str) -> anyhow::Result<Value> {
    let (head, body) = answer.split_once("\r\n\r\n").context("no answer")?;
    let status = head.lines().next().unwrap_or_default();
    if status.split(' ').nth(1) != Some("200") {
        return Err(anyhow!("{status}: {body}"));
    }
    serde_json::from_str(body).with_context(|| format!("no JSON: {body}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_good_or_tells_why_not() {
        let good = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{\"nautobot-version\": \"3.2.7\"}";
        assert_eq!(body(good).unwrap()["nautobot-version"], "3.2.7");
        let told = |answer: &str| body(answer).unwrap_err().to_string();
        let refused = "HTTP/1.1 403 Forbidden\r\n\r\n{\"detail\":\"Invalid token\"}";
        assert_eq!(told(refused), "HTTP/1.1 403 Forbidden: {\"detail\":\"Invalid token\"}");
        assert_eq!(told(""), "no answer");
        assert_eq!(told("HTTP/1.1 200 OK\r\n\r\n<html>"), "no JSON: <html>");
    }
}
