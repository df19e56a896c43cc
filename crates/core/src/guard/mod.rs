//! Guards: checks on a plan that can demand approval or refuse.
//!
//! They look at what was read and planned alone, so a dry run shows what a run would meet.

mod canary;
mod counter;
mod limits;
mod shrink;
#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Result;
use crate::plan::Evidence;
use crate::snapshot::{Snapshot, SnapshotReader};

pub use canary::{Canary, missing_canaries};
pub use counter::{GuardCounter, Judged, Others, SiteShares};
pub use limits::{Guards, ModelLimits, SiteLimits};
pub use shrink::{EARLIER_RUNS, scope_collapse, shrinkage};

/// What [`Verdict::model`] says when an objection is to the plan as a whole.
pub const ALL_MODELS: &str = "all models";

/// What a guard says of a model's part of a plan. Only guards that object are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Verdict {
    /// The guard.
    pub guard: Guard,
    /// The model, or [`ALL_MODELS`].
    pub model: String,
    /// What it demands.
    pub demand: Demand,
    /// What it saw and what its limit is, with the setting that holds the limit.
    pub reason: String,
}

/// The guards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Guard {
    /// Too many deletes.
    Deletes,
    /// Too many updates.
    Updates,
    /// One field gets one same value on many records.
    SameValue,
    /// Many records lose a value.
    Nulled,
    /// The source has far fewer records of a model than it used to.
    SourceShrank,
    /// The source has far fewer records of all models together than it used to.
    ScopeCollapsed,
    /// A record that must be in the source is not.
    Canary,
    /// The target would refuse changes, as things are, and the sync does all or nothing.
    RefusedChanges,
}

/// What a guard demands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Demand {
    /// A person looks at the plan and approves it.
    Approval,
    /// The plan is not applied at all.
    Refusal,
}

impl Evidence {
    /// Takes into account what the guards say of the reads: what shrank proves no absence, and without a canary or most of the
    /// scope nothing does.
    pub fn doubted_by(&mut self, verdicts: &[Verdict]) {
        for verdict in verdicts {
            match verdict.guard {
                Guard::SourceShrank => {
                    self.shrunk.insert(verdict.model.clone(), verdict.reason.clone());
                }
                Guard::ScopeCollapsed | Guard::Canary => {
                    self.doubt.get_or_insert_with(|| verdict.reason.clone());
                }
                Guard::Deletes | Guard::Updates | Guard::SameValue | Guard::Nulled | Guard::RefusedChanges => {}
            }
        }
    }
}

/// The sites that have limits of their own, but that neither side has: a slip of the pen, and what it should hold is not held.
pub fn unknown_sites<'a>(guards: &'a Guards, source: &Snapshot, target: &Snapshot) -> Result<Vec<&'a str>> {
    let mut unknown: Vec<_> =
        guards.sites.keys().map(|slug| (&**slug, format!("[{}]", serde_json::json!(slug)))).collect();
    for snapshot in [source, target].into_iter().filter_map(|side| side.models.get("site")) {
        if unknown.is_empty() {
            break;
        }
        let mut reader = SnapshotReader::open(snapshot)?;
        while let Some(line) = reader.next_line()? {
            unknown.retain(|(_, key)| key.as_bytes() != line.key);
        }
    }
    Ok(unknown.into_iter().map(|(slug, _)| slug).collect())
}

/// Whether `part` is more than `percent` of `total`.
fn exceeds(part: u64, total: u64, percent: u64) -> bool {
    u128::from(part) * 100 > u128::from(total) * u128::from(percent)
}
