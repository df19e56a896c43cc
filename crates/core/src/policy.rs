//! What a sync may do without asking.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use crate::guard::{Canary, Guards, ModelLimits, SiteLimits};

/// What a sync may do without asking, and what makes it stop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// What happens to records that the source no longer has.
    pub deletes: Deletes,
    /// Delete only records that Syncline created.
    pub only_own: bool,
    /// What a run does when a read is not complete.
    pub partial_read: PartialRead,
    /// For how many hours a saved plan may be applied.
    pub plan_valid_hours: u32,
    /// The limits at which a plan needs a person.
    pub guards: Guards,
}

/// What happens to records that the source no longer has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Deletes {
    /// They are shown in the plan, and held back.
    Hold,
    /// They are deleted, if the evidence holds and the guards agree.
    Apply,
}

/// What a run does when a read is not complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PartialRead {
    /// It fails before it writes anything.
    Stop,
    /// It goes on with what was read, deletes nothing of that model, and ends as failed.
    Continue,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            deletes: Deletes::Hold,
            only_own: true,
            partial_read: PartialRead::Stop,
            plan_valid_hours: 24,
            guards: Guards::default(),
        }
    }
}
