//! Which process works on a run, and whether it still lives.

use std::sync::LazyLock;

/// Names a process so that neither a restart of the machine nor a process id that is used again can be mistaken for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Process {
    /// The name of the machine, or of the container.
    pub(super) host: String,
    /// Process id, start (clock ticks since the machine started), start of the machine, and the space in which the id is counted: a
    /// container has one of its own. Only the id where the system does not tell.
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
        let own = identity(std::process::id())?;
        let (id, place) = split(identity_then)?;
        // A process that is counted elsewhere cannot be looked up here: machines and containers may share a name.
        (split(&own)?.1 == place).then_some(())?;
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
    let space = std::fs::read_link("/proc/self/ns/pid").ok()?;
    Some(format!("{id} {start} {} {}", boot.trim(), space.to_str()?))
}

/// The process id of an identity, and where it is counted: start of the machine and space.
fn split(identity: &str) -> Option<(&str, &str)> {
    let (id, rest) = identity.split_once(' ')?;
    let (_, place) = rest.split_once(' ')?;
    Some((id, place))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_not_mistaken_for_another_with_its_id() {
        let own = &Process::current().identity;
        assert_eq!(Process::has_ended(own), Some(false));
        let (id, rest) = own.split_once(' ').unwrap();
        let (_, place) = rest.split_once(' ').unwrap();
        assert_eq!(Process::has_ended(&format!("{id} 0 {place}")), Some(true));
        assert_eq!(Process::has_ended(&format!("4294967295 {rest}")), Some(true));
        assert_eq!(Process::has_ended("17"), None);
    }

    /// A container of the same name on the same machine, or on another one, counts its processes by itself: only the lease tells.
    #[test]
    fn nothing_is_said_of_a_process_that_is_counted_elsewhere() {
        let (boot, space) = split(&Process::current().identity).unwrap().1.split_once(' ').unwrap();
        assert!(space.starts_with("pid:["), "{space}");
        assert_eq!(Process::has_ended(&format!("4294967295 1 {boot} pid:[1]")), None);
        assert_eq!(Process::has_ended(&format!("4294967295 1 another-start {space}")), None);
        // As earlier versions wrote it.
        assert_eq!(Process::has_ended(&format!("4294967295 1 {boot}")), None);
    }
}
