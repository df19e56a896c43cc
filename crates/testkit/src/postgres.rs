//! A PostgreSQL server for tests: the one that `TEST_DATABASE_URL` names, or one of our own.
//!
//! The private server lives in a temporary folder, listens on a free port of the loopback interface, trusts everybody and
//! does not care for its disk. It ends with the process that started it, however that ends: a shell waits beside it for
//! the end of a pipe.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

/// The environment variable that names a server to use instead: `postgres://user@host/database`. Its user must be allowed
/// to create schemas, databases and roles.
pub const VARIABLE: &str = "TEST_DATABASE_URL";
/// The environment variable that makes a test fail that finds no server, whatever its value: without it, the test is skipped.
pub const REQUIRED: &str = "TEST_DATABASE_REQUIRED";

/// Why there is no server to test with.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The server's programs are not installed.
    #[error("no PostgreSQL server is installed (looked for `initdb` beside `pg_config` and in /usr/lib/postgresql)")]
    NotInstalled,
    /// The server's programs refuse to work for root, and there is nobody else.
    #[error("PostgreSQL does not run as root, and neither `postgres` nor `nobody` can be used through `setpriv`")]
    NobodyToRunAs,
    /// A program could not be run.
    #[error("`{program}` could not be run")]
    Run {
        /// The program.
        program: String,
        /// Why.
        source: std::io::Error,
    },
    /// The server did not start.
    #[error("PostgreSQL did not start: {0}")]
    NotStarted(String),
}

/// A private server.
#[derive(Debug)]
pub struct Server {
    url: String,
    /// The shell beside the server. Its standard input is the pipe whose end it waits for.
    shell: Child,
}

/// The address of a server, the same one for the whole process.
///
/// None when there is no server to be had: then it says on standard error that `what` is skipped.
///
/// # Panics
///
/// When there is none and [`REQUIRED`] is set: a test that was to run must not pass unseen.
pub fn url(what: &str) -> Option<&'static str> {
    static URL: OnceLock<Result<(String, Option<Server>), Error>> = OnceLock::new();
    let url = URL.get_or_init(|| {
        if let Some(url) = std::env::var(VARIABLE).ok().filter(|url| !url.is_empty()) {
            return Ok((url, None));
        }
        let server = Server::start()?;
        Ok((server.url().to_owned(), Some(server)))
    });
    match url {
        Ok((url, _)) => Some(url),
        Err(error) => {
            assert!(std::env::var_os(REQUIRED).is_none(), "{what} needs PostgreSQL, and `{REQUIRED}` is set: {error}");
            // Not by a macro for printing: the test harness would keep it to itself.
            let _ = writeln!(std::io::stderr(), "SKIPPED: {what}: {error}; install it, or set `{VARIABLE}`");
            None
        }
    }
}

impl Server {
    /// Starts a server with an empty database `postgres`.
    pub fn start() -> Result<Self, Error> {
        let programs = programs().ok_or(Error::NotInstalled)?;
        let port = free_port()?;
        let mut shell = as_ordinary_user()?
            .args(["sh", "-c", SCRIPT, "sh"])
            .arg(programs)
            .arg(port.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .current_dir("/")
            .spawn()
            .map_err(|source| Error::Run { program: "sh".to_owned(), source })?;

        let mut said = String::new();
        if let Some(output) = shell.stdout.take() {
            // The end of the output without the word means the same as no output at all.
            let _ = BufReader::new(output).read_line(&mut said);
        }
        if said.trim() != "ready" {
            let mut reason = String::new();
            drop(shell.stdin.take());
            if let Some(mut errors) = shell.stderr.take() {
                let _ = errors.read_to_string(&mut reason);
            }
            let _ = shell.wait();
            return Err(Error::NotStarted(reason.trim().to_owned()));
        }
        Ok(Self { url: format!("postgres://postgres@127.0.0.1:{port}/postgres"), shell })
    }

    /// Its address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Stops it, and waits until nothing is left of it. One that is dropped goes the same way, with nobody waiting.
    pub fn stop(mut self) -> std::io::Result<()> {
        // Waiting ends the standard input first.
        self.shell.wait().map(|_| ())
    }
}

/// Makes a server, says so, waits until its standard input ends, and tidies up. Arguments: the folder of the programs, a
/// port. The interrupt key, and what ends the process group, also reach this shell, which must live on to tidy up.
const SCRIPT: &str = r#"
trap '' INT TERM
programs=$1 port=$2
folder=$(mktemp -d "${TMPDIR:-/tmp}/syncline-postgres.XXXXXX") || exit 1
if "$programs/initdb" -D "$folder/data" -U postgres -A trust -E UTF8 --locale=C --no-sync >"$folder/log" 2>&1 &&
   "$programs/pg_ctl" -D "$folder/data" -l "$folder/log" -w start \
       -o "-h 127.0.0.1 -p $port -k $folder -c fsync=off -c full_page_writes=off -c synchronous_commit=off" >/dev/null 2>&1
then
    echo ready
    cat >/dev/null
    "$programs/pg_ctl" -D "$folder/data" -m immediate -w stop >/dev/null 2>&1
else
    tail -n 5 "$folder/log" >&2
fi
rm -rf "$folder"
"#;

/// The folder with the server's programs, of the newest version that is installed.
fn programs() -> Option<PathBuf> {
    let configured = Command::new("pg_config").arg("--bindir").output().ok();
    let configured = configured.and_then(|output| String::from_utf8(output.stdout).ok());
    let configured = configured.map(|text| PathBuf::from(text.trim()));
    let mut installed: Vec<_> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let version: u32 = entry.as_ref().ok()?.file_name().to_str()?.parse().ok()?;
            Some((version, entry.ok()?.path().join("bin")))
        })
        .collect();
    installed.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
    let folders = configured.into_iter().chain(installed.into_iter().map(|(_, folder)| folder));
    folders.into_iter().find(|folder| folder.join("initdb").is_file())
}

/// A port that nobody uses now.
fn free_port() -> Result<u16, Error> {
    let address = TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr());
    address.map(|address| address.port()).map_err(|error| Error::NotStarted(error.to_string()))
}

/// `env`, as somebody who is not root: the command to run follows as its arguments.
fn as_ordinary_user() -> Result<Command, Error> {
    let is_root = Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n");
    if !is_root {
        return Ok(Command::new("env"));
    }
    let become_user = |user: &str| {
        let mut command = Command::new("setpriv");
        command.args(["--reuid", user, "--regid", user, "--clear-groups", "env", "-u", "TMPDIR"]);
        command
    };
    // The number of `nobody` is also that of its group, whose name differs between systems.
    let users = ["postgres", "65534"];
    let usable = users.into_iter().find(|user| {
        let mut command = become_user(user);
        command.arg("true").stdout(Stdio::null()).stderr(Stdio::null());
        command.current_dir(Path::new("/")).status().is_ok_and(|status| status.success())
    });
    usable.map(become_user).ok_or(Error::NobodyToRunAs)
}
