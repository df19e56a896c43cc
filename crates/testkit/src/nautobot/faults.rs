//! Faults on demand: what a server, a proxy or a colleague at the keyboard may do to a run.

use std::time::Duration;

pub use crate::django::{Effect, Fault};

/// Objects that Nautobot refuses because one field has one value, by their list, such as `dcim/devices`.
pub type Refuse = crate::django::Refuse<String>;

/// All faults that are set. Change them at run time with [`NautobotSim::faults`](super::NautobotSim::faults).
#[derive(Clone, Debug, Default)]
pub struct Faults {
    /// Faults of requests. All that meet a request take effect together.
    pub requests: Vec<Fault>,
    /// Objects that are refused with a field error.
    pub refuse: Vec<Refuse>,
    /// Lists whose first page in GraphQL lacks its last record, while REST counts it.
    pub shortened: Vec<String>,
    /// Every answer comes after this time.
    pub latency: Option<Duration>,
}

impl Faults {
    /// Adds a fault of requests.
    pub fn add(&mut self, fault: Fault) -> &mut Self {
        self.requests.push(fault);
        self
    }

    /// Refuses objects of `list` whose `field` has this value.
    pub fn refuse(&mut self, list: &str, field: &str, value: &str, message: &str) -> &mut Self {
        self.refuse.push(Refuse::new(list.to_owned(), field, value, message));
        self
    }

    /// Takes all faults away.
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}
