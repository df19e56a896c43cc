//! Which process works on a run, and whether it still lives.

use std::sync::LazyLock;

/// Names a process so that neither a restart of the machine nor a process id that is used again can be mistaken for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Process {
    /// The name of the machine, or of the container.
    pub(super) host: String,
    /// Process id, start (clock ticks since the machine started) and start of the machine; only the id where the system does not tell.
    pub(super) identity: String,
}

static CURRENT: LazyLock<Process> = LazyLock::new(|| Process {
    host: host(),
    identity: identity(std::process::id()).unwrap_or_else(|| std::process::id().to_string()),
});

impl Process {
    /// This process.
    pub(super) fn current() -> &'static Self {
        &CURRENT
    }

    /// Whether a process of this host has ended; none when the system does not tell.
    pub(super) fn has_ended(identity_then: &str) -> Option<bool> {
        // Without an identity of our own the system has no answers about others either.
        identity(std::process::id())?;
        let (id, _) = identity_then.split_once(' ')?;
        Some(identity(id.parse().ok()?).as_deref() != Some(identity_then))
    }
}

fn host() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .ok()
        .or_else(|| std::env::var("HOSTNAME").ok())
        .or_else(|| std::env::var("COMPUTERNAME").ok())
        .map_or_else(|| "localhost".to_owned(), |name| name.trim().to_owned())
}

/// Read from the proc file system: Linux only. Other systems wait for the leases of runs.
fn identity(id: u32) -> Option<String> {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let status = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The name of the program stands in parentheses and may hold anything; the fields after it are plain. The start is
    // field 22 of all, the state is field 3.
    let (_, fields) = status.rsplit_once(") ")?;
    let start = fields.split(' ').nth(22 - 3)?;
    Some(format!("{id} {start} {}", boot.trim()))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_not_mistaken_for_another_with_its_id() {
        let own = &Process::current().identity;
        assert_eq!(Process::has_ended(own), Some(false));
        let (id, rest) = own.split_once(' ').unwrap();
        let (_, boot) = rest.split_once(' ').unwrap();
        assert_eq!(Process::has_ended(&format!("{id} 0 {boot}")), Some(true));
        assert_eq!(Process::has_ended(&format!("4294967295 {rest}")), Some(true));
        assert_eq!(Process::has_ended("17"), None);
    }
}
