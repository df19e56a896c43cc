//! What a run came to.

use std::collections::BTreeMap;
use std::path::PathBuf;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::Drift;
use crate::Error;
use crate::apply::OutcomeCounts;
use crate::event::Side;
use crate::history::{PhaseRecord, RunId, RunStatus};
use crate::models::ModelChoice;
use crate::plan::PlanSummary;
use crate::requests::SideRequests;
use crate::snapshot::{Filled, Rejected, Rejection, Snapshot};

/// What was read of one model on one side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReadSummary {
    /// Records with different keys.
    pub records: u64,
    /// Why the read proves no absence; none when it is complete.
    pub doubt: Option<String>,
    /// Known harmless input that was left out, by rule.
    pub skipped: BTreeMap<&'static str, u64>,
    /// Records that could not be taken over; of what the target makes of the source's, those that it could not make.
    pub rejected: u64,
    /// The first of them, up to 100.
    pub rejections: Vec<Rejection>,
    /// Keys that more than one record has.
    pub duplicates: u64,
    /// In how many records which field has a value; none when this run did not read it itself.
    pub filled: Option<Filled>,
}

/// What a run came to.
#[derive(Debug)]
pub struct RunReport {
    /// The run's number in the history.
    pub run: RunId,
    /// How it ended.
    pub status: RunStatus,
    /// Nothing was to be written.
    pub dry_run: bool,
    /// What was done with each model, and why.
    pub models: Vec<ModelChoice>,
    /// What was read from the source, by model, and what the target makes of it, where it keeps other models.
    pub source: BTreeMap<&'static str, ReadSummary>,
    /// How many of the source's records the target is to keep, by model; empty while nobody knows.
    pub desired: BTreeMap<&'static str, u64>,
    /// What was read from the target, by model.
    pub target: BTreeMap<&'static str, ReadSummary>,
    /// Facts about the reads: the Forward snapshot, versions.
    pub notes: BTreeMap<String, String>,
    /// Where the plan is, if the run came that far.
    pub plan: Option<PathBuf>,
    /// The plan's hash.
    pub plan_hash: Option<String>,
    /// What the plan amounts to.
    pub summary: PlanSummary,
    /// What became of the changes, by model.
    pub outcomes: BTreeMap<String, OutcomeCounts>,
    /// What a drift check measured.
    pub drift: Option<Drift>,
    /// How much was asked of the systems, by this and earlier attempts.
    pub requests: SideRequests,
    /// How long each phase took.
    pub phases: Vec<PhaseRecord>,
    /// Why the run did not complete.
    pub error: Option<Error>,
    /// Why the run was put back, when it waits for a person to let it go on.
    pub paused: Option<String>,
    /// When a run that was put back goes on by itself.
    pub not_before: Option<DateTime<Utc>>,
    /// Why it goes on only then, where that has a reason.
    pub waiting: Option<String>,
    /// The unfinished run of the same request that was found and gone on with: another one that was finished first, or this one.
    pub found: Option<RunId>,
    /// The run that took back what this one did, as a part of it failed and the sync does all or nothing.
    pub taken_back_by: Option<RunId>,
}

impl RunReport {
    /// Outcomes over all models.
    pub fn total(&self) -> OutcomeCounts {
        self.outcomes.values().fold(OutcomeCounts::default(), |sum, counts| sum.plus(*counts))
    }

    /// How many records of the source did not become records for the target: those that could not be taken over, of every model that
    /// was read, and those that the target could not make of what was. Each is counted once.
    pub fn rejected(&self) -> u64 {
        self.source.values().map(|read| read.rejected).sum()
    }

    /// The records that could not be taken over, by side and model.
    pub fn rejections(&self) -> impl Iterator<Item = Rejected<'_>> {
        let sides = [(Side::Source, &self.source), (Side::Target, &self.target)];
        sides.into_iter().flat_map(|(side, reads)| {
            reads.iter().filter_map(move |(model, read)| Rejected::of(side, model, read.rejected, &read.rejections))
        })
    }
}

/// What was read, by model.
pub(super) fn reads(snapshot: &Snapshot) -> BTreeMap<&'static str, ReadSummary> {
    let summary = |model: &crate::snapshot::ModelSnapshot| ReadSummary {
        records: model.records,
        doubt: model.doubt(),
        skipped: model.skipped.clone(),
        rejected: model.rejected,
        rejections: model.rejections.clone(),
        duplicates: model.duplicates,
        filled: Some(model.filled.clone()),
    };
    snapshot.models.iter().map(|(name, model)| (*name, summary(model))).collect()
}
