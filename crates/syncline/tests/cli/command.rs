//! Starts the binary.

use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

use serde_json::Value;

/// How a command ended.
#[derive(Debug)]
pub struct Ended {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Ended {
    /// The standard output as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}\n{}\n{}", self.out, self.err))
    }

    /// Fails with both outputs unless the exit code is this one.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "standard output:\n{}\nstandard error:\n{}", self.out, self.err);
        self
    }

    /// Exit code and both outputs, for a snapshot.
    pub fn transcript(&self) -> String {
        format!("exit code {}\n── standard output\n{}── standard error\n{}", self.code, self.out, self.err)
    }
}

/// The binary in a folder, with these variables and none of the surroundings' settings.
pub fn command(folder: &Path, variables: &[(&str, &str)], arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_syncline"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("SYNCLINE") || name == "XDG_CONFIG_HOME") {
        command.env_remove(name);
    }
    // Somewhere without a configuration of the person who runs the tests, and with a name that snapshots can have.
    command.env("HOME", folder).env("USER", "tester").env("NO_PROXY", "127.0.0.1").env_remove("CLICOLOR_FORCE");
    command.envs(variables.iter().copied()).current_dir(folder).args(arguments);
    command
}

/// Runs the binary in a folder with these variables.
pub fn syncline_with(folder: &Path, variables: &[(&str, &str)], arguments: &[&str]) -> Ended {
    let output = command(folder, variables, arguments).output().unwrap();
    ended(output.status, output.stdout, String::from_utf8(output.stderr).unwrap())
}

fn ended(status: ExitStatus, out: Vec<u8>, err: String) -> Ended {
    Ended { code: status.code().unwrap_or(-1), out: String::from_utf8(out).unwrap(), err }
}

/// Starts a command and interrupts it once it says something on its standard error output.
#[cfg(unix)]
pub fn interrupt(mut command: Command, says: &str) -> Ended {
    use std::io::{BufRead as _, BufReader, Read as _};

    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap());
    let mut err = String::new();
    while !err.contains(says) {
        assert!(lines.read_line(&mut err).unwrap() > 0, "it never said `{says}`:\n{err}");
    }
    let signalled = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(signalled.success());
    lines.read_to_string(&mut err).unwrap();
    let output = child.wait_with_output().unwrap();
    ended(output.status, output.stdout, err)
}

/// Runs the binary in a folder.
pub fn syncline(folder: &Path, arguments: &[&str]) -> Ended {
    syncline_with(folder, &[], arguments)
}
