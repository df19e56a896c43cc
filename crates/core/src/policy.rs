//! What a sync may do without asking.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
    /// A change that so many runs in a row had to make is reported as flapping. 0 and 1 report none.
    pub flapping_runs: u32,
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

/// The limits at which a plan needs a person. Percentages are of the target's records of the model that the sync manages.
/// Deletes of records that carry others, such as devices and sites, always need one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Guards {
    /// Up to this many deletes of a model pass, whatever share they are.
    pub deletes_always_allowed: u64,
    /// A larger share of deletes needs approval.
    pub deletes_need_approval_percent: u64,
    /// A larger share of deletes is refused.
    pub deletes_refused_percent: u64,
    /// Up to this many updates of a model pass, whatever share they are.
    pub updates_always_allowed: u64,
    /// A larger share of updates needs approval.
    pub updates_need_approval_percent: u64,
    /// A larger share of records whose one field gets one same value needs approval: the mark of a default gone astray.
    pub same_value_needs_approval_percent: u64,
    /// A source that lost a larger share of a model's records, against the median of its last five complete runs, proves no
    /// absence, and the plan needs approval.
    pub source_shrank_percent: u64,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            deletes: Deletes::Hold,
            only_own: true,
            partial_read: PartialRead::Stop,
            plan_valid_hours: 24,
            guards: Guards::default(),
            flapping_runs: 3,
        }
    }
}

impl Default for Guards {
    fn default() -> Self {
        Self {
            deletes_always_allowed: 10,
            deletes_need_approval_percent: 5,
            deletes_refused_percent: 30,
            updates_always_allowed: 50,
            updates_need_approval_percent: 30,
            same_value_needs_approval_percent: 20,
            source_shrank_percent: 30,
        }
    }
}
