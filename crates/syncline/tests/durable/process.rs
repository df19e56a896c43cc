//! The command as a process that is stopped from outside.

use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

/// How often a process or the history is looked at: nothing tells another process that something happened there.
pub const LOOK: Duration = Duration::from_millis(20);

/// Starts the command in a folder, with none of the surroundings' settings. What it says goes to `said` there.
pub fn start(folder: &Path, arguments: &[&str], said: &str) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_syncline"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("SYNCLINE") || name == "XDG_CONFIG_HOME") {
        command.env_remove(name);
    }
    let said = std::fs::File::options().create(true).append(true).open(folder.join(said)).unwrap();
    command
        .env("HOME", folder)
        .env("USER", "tester")
        .env("NO_PROXY", "127.0.0.1")
        .current_dir(folder)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(said.try_clone().unwrap())
        .stderr(said);
    command.spawn().unwrap()
}

/// Sends a process a signal by its name: `STOP`, `CONT`, `TERM`.
pub fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status().unwrap();
    assert!(sent.success(), "`kill -{name}` failed");
}

/// Stops a process until it is thawed. A signal is only on its way when it was sent: on a busy machine, threads go on until the
/// one that gets it had its turn. Read from the proc file system.
pub fn freeze(child: &Child) {
    signal(child, "STOP");
    let is_stopped = |task: std::fs::DirEntry| {
        // The state is the first word behind the name, which stands in brackets; a thread that ended meanwhile is no matter.
        let Ok(stat) = std::fs::read_to_string(task.path().join("stat")) else { return true };
        stat.rsplit_once(')').is_some_and(|(_, rest)| rest.trim_start().starts_with('T'))
    };
    while !std::fs::read_dir(format!("/proc/{}/task", child.id())).unwrap().flatten().all(is_stopped) {
        std::thread::yield_now();
    }
}

/// Kills a process at once and waits for its end.
pub fn kill(child: &mut Child) -> ExitStatus {
    // It may have ended by itself just now.
    let _ = child.kill();
    child.wait().unwrap()
}

/// What the processes of a folder said, its end: for messages.
pub fn said(folder: &Path, name: &str) -> String {
    let text = std::fs::read_to_string(folder.join(name)).unwrap_or_default();
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(60)..].join("\n")
}
