//! The databases of Nautobot servers: one as Nautobot's migrations leave it, with a token, and a copy for each server.

use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, anyhow};
use xshell::{Shell, cmd};

use super::super::postgres::Server;
use super::super::{program, quietly};
use super::redis::Redis;
use super::release::Installed;
use super::settings::{self, Settings};

/// The database that the others are copies of.
const MIGRATED: &str = "nautobot_migrated";
/// What makes it, as a program of Python.
const PREPARE: &str = include_str!("prepare.py");
/// The database of Redis that this is done with.
const REDIS: u8 = 0;

/// The database of one server.
#[derive(Debug)]
pub(super) struct Copy {
    pub(super) settings: Settings,
    /// What puts it back to what the migrations left, and the token: a command line for a shell.
    pub(super) reset: String,
}

/// Makes the database that the others are copies of, of what an earlier run left of it or by the migrations.
///
/// What is told is the token of a superuser. Copies have it, too.
pub(super) fn migrated(shell: &Shell, server: &Server, redis: &Redis, installed: &Installed) -> anyhow::Result<String> {
    server.create(shell, MIGRATED)?;
    let (dump, stamp) = (installed.file("migrated.sql"), installed.file("migrated.txt"));
    let made_of = [&installed.version, settings::CONFIGURATION, PREPARE].join("\n");
    if shell.read_file(&stamp).is_ok_and(|stamp| stamp == made_of) && dump.exists() {
        server.load(shell, MIGRATED, &dump)?;
    } else {
        println!("  migrate  Nautobot {}", installed.version);
        shell.remove_path(&stamp)?;
        let settings = Settings { database: MIGRATED.to_owned(), database_port: server.port, redis: redis.url(REDIS) };
        prepare(installed, &settings)?;
        server.dump(shell, MIGRATED, &dump)?;
        shell.write_file(&stamp, made_of)?;
    }
    server.ask(shell, MIGRATED, "analyze")?;
    let token = server.ask(shell, MIGRATED, "select key from users_token")?;
    anyhow::ensure!(!token.is_empty(), "there is no token in `{}`; remove it", dump.display());
    Ok(token)
}

impl Copy {
    /// Makes a copy with this name, and has what belongs to it kept in this database of Redis.
    pub(super) fn make(shell: &Shell, server: &Server, redis: &Redis, name: &str, number: u8) -> anyhow::Result<Self> {
        let database = format!("nautobot_{name}");
        let reset = format!("{} && {}", server.copying(MIGRATED, &database), redis.emptying(number));
        quietly(cmd!(shell, "sh -c {reset}"))?;
        let settings = Settings { database, database_port: server.port, redis: redis.url(number) };
        Ok(Self { settings, reset })
    }
}

/// Makes an empty database one of Nautobot.
fn prepare(installed: &Installed, settings: &Settings) -> anyhow::Result<()> {
    let (script, log) = (installed.file("prepare.py"), installed.file("prepare.log"));
    std::fs::write(&script, PREPARE)?;
    let output = File::create(&log)?;
    let mut command = Command::new(installed.python());
    settings.tell(&mut command, installed);
    command.arg(script).arg(installed.configuration());
    command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
    let status = command.status().context("the Python of the virtual environment did not start")?;
    if status.success() { Ok(()) } else { Err(failed(&status.to_string(), &log)) }
}

fn failed(status: &str, log: &Path) -> anyhow::Error {
    let (log, end) = (log.display(), program::last_lines(log));
    anyhow!("Nautobot's migrations ended with {status} (all they said is in `{log}`):\n{end}")
}
