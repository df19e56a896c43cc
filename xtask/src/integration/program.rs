//! A program of somebody else's that runs while a suite does.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, anyhow};

/// Runs a command, and ends it and all that it started once standard input ends: they are a process group, and what a program
/// started need not end with it. Nothing but the command holds standard error, so that its end can be seen.
const SCRIPT: &str = r#"
"$@" </dev/null >&2 &
exec 2>/dev/null
cat >/dev/null
trap '' TERM
kill -s TERM 0
wait
kill -s KILL 0
"#;

/// How long a program may take to be ready.
const PATIENCE: Duration = Duration::from_mins(3);
/// How many of its last words are told when it is not.
const LAST_LINES: usize = 20;

/// A running program. It ends with this one, however that ends, and with it all that it started.
#[derive(Debug)]
pub(super) struct Program {
    shell: Child,
    counted: Arc<AtomicU64>,
    /// Reads what is said, until nobody is left who could say something.
    reader: Option<JoinHandle<()>>,
}

/// How a program is understood by what it says.
#[derive(Debug, Clone)]
pub(super) struct Says {
    /// What it is called.
    pub name: &'static str,
    /// What a line contains that says that it can be used.
    pub ready: &'static str,
    /// What a line contains for each thing that is to be counted.
    pub counted: Option<&'static str>,
    /// Where all lines are kept.
    pub log: PathBuf,
}

/// A program that is not started yet: arguments and environment can be added.
pub(super) fn command(program: impl AsRef<Path>) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", SCRIPT, "sh"]).arg(program.as_ref());
    command
}

/// A port of the loopback interface that nobody uses now.
pub(super) fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

impl Program {
    /// Starts what [`command`] made, and waits until it says that it can be used.
    pub(super) fn start(mut command: Command, says: Says) -> anyhow::Result<Self> {
        let mut log = File::create(&says.log).with_context(|| format!("`{}`", says.log.display()))?;
        let mut shell = command
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .context("`sh` did not start")?;
        let output = shell.stderr.take().with_context(|| format!("{} says nothing", says.name))?;
        let mut program = Self { shell, counted: Arc::default(), reader: None };

        let counted = Arc::clone(&program.counted);
        let (ready, is_ready) = mpsc::channel();
        let Says { name, log: path, .. } = says.clone();
        program.reader = Some(std::thread::spawn(move || {
            for line in lines(output) {
                if says.counted.is_some_and(|mark| line.contains(mark)) {
                    counted.fetch_add(1, Ordering::Relaxed);
                }
                // A log that cannot be written is no reason to let the program wait for its reader.
                let _ = writeln!(log, "{line}");
                if line.contains(says.ready) {
                    // Nobody listens any more when it says so again.
                    let _ = ready.send(());
                }
            }
        }));
        match is_ready.recv_timeout(PATIENCE) {
            Ok(()) => Ok(program),
            Err(reason) => {
                let what = match reason {
                    RecvTimeoutError::Timeout => format!("was not ready in {} s", PATIENCE.as_secs()),
                    RecvTimeoutError::Disconnected => "did not start".to_owned(),
                };
                Err(anyhow!("{name} {what} (all it said is in `{}`):\n{}", path.display(), last_lines(&path)))
            }
        }
    }

    /// How many lines were to be counted. The last ones may not have been read yet.
    pub(super) fn counted(&self) -> u64 {
        self.counted.load(Ordering::Relaxed)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Waiting ends the shell's standard input first.
        let _ = self.shell.wait();
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
    }
}

/// What it says, whether it is text or not.
fn lines(output: ChildStderr) -> impl Iterator<Item = String> {
    let lines = BufReader::new(output).split(b'\n').map_while(Result::ok);
    lines.map(|line| String::from_utf8_lossy(&line).into_owned())
}

/// The end of a log.
pub(super) fn last_lines(log: &Path) -> String {
    let text = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let mut last: Vec<_> = text.lines().rev().take(LAST_LINES).collect();
    last.reverse();
    last.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn started(test: &str, script: &str) -> anyhow::Result<Program> {
        let mut command = command("sh");
        command.args(["-c", script]);
        // Next to the program of the tests: a folder that cargo made.
        let log = std::env::current_exe().unwrap().with_extension(format!("{test}.log"));
        Program::start(command, Says { name: "the program", ready: "at your service", counted: Some("request"), log })
    }

    #[test]
    fn a_program_is_ready_when_it_says_so_and_ends_with_all_that_it_started() {
        let script = "echo request 1; sleep 1000 & echo request 2 >&2; echo at your service; wait";
        let program = started("ready", script).unwrap();
        assert_eq!(program.counted(), 2);
        // This waits for what the program started, too: a thousand seconds, if it were left alone.
        drop(program);
    }

    #[test]
    fn one_that_ends_is_told_with_its_last_words() {
        let error = started("ended", "seq 30; echo the port is taken >&2; exit 1").unwrap_err().to_string();
        assert!(error.starts_with("the program did not start (all it said is in `"), "{error}");
        assert!(error.ends_with("\n30\nthe port is taken"), "{error}");
        assert!(!error.contains("\n11\n"), "{error}");
    }
}
