//! Redis, in which Nautobot keeps its cache and what is to be done later.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use anyhow::anyhow;
use xshell::Shell;

use super::super::debian;
use super::super::program::{self, Program, Says};

/// The program's name.
const PROGRAM: &str = "redis-server";
/// The Debian package with the client. It has the server, too, under the name of a program that checks files, and goes by the
/// name that it is called by; the package of the server adds a link, and a service that would run from then on.
const PACKAGE: &str = "redis-tools";
const BY_ANOTHER_NAME: &str = "/usr/bin/redis-check-rdb";

/// A running Redis that keeps nothing. It ends with this program, however that ends.
#[derive(Debug)]
pub(super) struct Redis {
    _program: Program,
    port: u16,
}

/// The Debian package that has to be installed, if any.
pub(super) fn missing(shell: &Shell) -> Option<&'static str> {
    let has_server = debian::has(shell, PROGRAM) || Path::new(BY_ANOTHER_NAME).exists();
    (!has_server || !debian::has(shell, "redis-cli")).then_some(PACKAGE)
}

impl Redis {
    /// Starts it; what it leaves behind is in `folder`.
    pub(super) fn start(shell: &Shell, folder: &Path) -> anyhow::Result<Self> {
        let port = program::free_port()?;
        let mut command = program::command(server(shell, folder)?);
        command
            .args(["--bind", &Ipv4Addr::LOCALHOST.to_string(), "--port", &port.to_string()])
            .args(["--save", "", "--appendonly", "no", "--dir"])
            .arg(folder);
        let log = folder.join("redis.log");
        let says = Says { name: "Redis", ready: "Ready to accept connections", counted: None, log };
        Ok(Self { _program: Program::start(command, says)?, port })
    }

    /// The address of one of its databases.
    pub(super) fn url(&self, database: u8) -> String {
        format!("redis://{}:{}/{database}", Ipv4Addr::LOCALHOST, self.port)
    }

    /// What empties one of its databases: a command line for a shell.
    pub(super) fn emptying(&self, database: u8) -> String {
        format!("redis-cli -u {} flushdb >/dev/null", self.url(database))
    }
}

/// The server's program.
fn server(shell: &Shell, folder: &Path) -> anyhow::Result<PathBuf> {
    if debian::has(shell, PROGRAM) {
        return Ok(PathBuf::from(PROGRAM));
    }
    let link = folder.join(PROGRAM);
    shell.remove_path(&link)?;
    std::os::unix::fs::symlink(BY_ANOTHER_NAME, &link)?;
    if debian::has(shell, &link.to_string_lossy()) {
        return Ok(link);
    }
    Err(anyhow!("`{PACKAGE}` is installed, and there is no `{PROGRAM}` in it: install that program"))
}
