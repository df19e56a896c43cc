//! How a worker works.

use std::time::Duration;

use crate::history::host;
use crate::{Error, ErrorKind, Result};

/// The shortest heartbeat: apalis counts in whole seconds.
const SHORTEST_HEARTBEAT: Duration = Duration::from_secs(1);

/// How a worker works. All workers of a queue should have the same heartbeat: each judges the others by its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerOptions {
    /// What people call it, by default the name of the machine. In the database the process and the start are added.
    pub name: String,
    /// How many runs are handled at a time, at least one.
    pub concurrency: usize,
    /// How often the worker says that it is alive, at least a second. After [`Self::MISSED_HEARTBEATS`] of them without a
    /// word its jobs are delivered to others.
    pub heartbeat: Duration,
    /// How often to look for jobs that nobody announced. SQLite announces those of the same process only; on PostgreSQL, which
    /// announces all, it is done ten times less often.
    pub poll: Duration,
}

impl Default for WorkerOptions {
    fn default() -> Self {
        Self {
            name: host().to_owned(),
            concurrency: 1,
            heartbeat: Duration::from_secs(15),
            poll: Duration::from_millis(500),
        }
    }
}

impl WorkerOptions {
    /// How many heartbeats a worker misses before others take it for dead.
    pub const MISSED_HEARTBEATS: u32 = 4;

    /// Refuses what cannot work.
    pub(super) fn validate(&self) -> Result<()> {
        let refused = |message: &str| Err(Error::new(ErrorKind::Settings, message).with("worker", &self.name));
        if self.concurrency == 0 {
            return refused("a worker with `concurrency` 0 would never handle a run: give at least 1");
        }
        if self.heartbeat < SHORTEST_HEARTBEAT {
            return refused("a worker's `heartbeat` is too short: give at least 1 second");
        }
        if self.poll.is_zero() {
            return refused("a worker with `poll` 0 would never rest: give for example 500 milliseconds");
        }
        Ok(())
    }

    /// A name that no other start of any worker has.
    pub(super) fn unique_name(&self) -> String {
        format!("{}-{}-{}", self.name, std::process::id(), uuid::Uuid::now_v7())
    }
}
