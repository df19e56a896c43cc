//! How the command ends.

use std::process::ExitCode;

/// What the exit code says. Documented in the help and in the README: scripts rely on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Nothing to do, or done.
    Done = 0,
    /// An error.
    Error = 1,
    /// Changes are pending.
    Pending = 2,
    /// The plan needs a person's approval.
    NeedsApproval = 3,
    /// A guard refused the plan.
    Refused = 4,
    /// Some changes failed, or some records of the source could not be taken over; the others are done.
    SomeFailed = 5,
    /// The plan is stale.
    Stale = 6,
    /// The run was paused and can go on.
    Paused = 7,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
