//! Faults on demand: what a server, a proxy or a colleague at the keyboard may do to a run.

use std::time::Duration;

use super::schema::Kind;
pub use crate::django::{Effect, Fault};

/// Objects that NetBox refuses because one field has one value.
pub type Refuse = crate::django::Refuse<Kind>;

/// All faults that are set. Change them at run time with [`NetBoxSim::faults`](super::NetBoxSim::faults).
#[derive(Clone, Debug, Default)]
pub struct Faults {
    /// Faults of requests. All that meet a request take effect together.
    pub requests: Vec<Fault>,
    /// Objects that are refused with a field error.
    pub refuse: Vec<Refuse>,
    /// Lists of writes that run at the same time and touch the same parents in opposite orders fail with a
    /// deadlock, as PostgreSQL ends it. The time is how long a list is under way.
    pub deadlocks: Option<Duration>,
    /// Every answer comes after this time.
    pub latency: Option<Duration>,
    /// Branches fail while they are made ready, with this sentence in the job.
    pub provisioning: Option<String>,
    /// Branches fail while they are merged, with this sentence in the job.
    pub merging: Option<String>,
    /// No worker takes jobs: branches stay as they are.
    pub idle: bool,
}

impl Faults {
    /// Adds a fault of requests.
    pub fn add(&mut self, fault: Fault) -> &mut Self {
        self.requests.push(fault);
        self
    }

    /// Refuses objects of `kind` whose `field` has this value.
    pub fn refuse(&mut self, kind: Kind, field: &str, value: &str, message: &str) -> &mut Self {
        self.refuse.push(Refuse::new(kind, field, value, message));
        self
    }

    /// Takes all faults away.
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}
