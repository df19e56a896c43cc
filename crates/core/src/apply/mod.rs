//! Applying a plan: batches, bounded concurrency, refused batches taken apart, dependants skipped.
//!
//! The order is the plan's: creates and updates model by model, parents first; then the deferred fields; then deletes,
//! children first. Between two models everything under way is awaited, because the next one refers to the ids of the last.

mod batch;
mod earlier;
mod execution;
mod journal;
mod stays;
mod wave;

use std::collections::BTreeMap;

use crate::event::Events;
use crate::fields::ModelFields;
use crate::outcome::Outcome;
use crate::places::Places;
use crate::plan::PlanReader;
use crate::stop::StopSignal;
use crate::target::{Capabilities, TargetWriter};
use crate::{Error, Result};
use serde::{Deserialize, Serialize};

use execution::Execution;
#[cfg(feature = "runtime")]
pub(crate) use journal::images_of;
pub use journal::{EarlierBatch, EarlierChange, Journal, JournalEntry, MemoryJournal};
#[cfg(feature = "runtime")]
pub(crate) use stays::Stays;

/// What an apply works with.
pub struct ApplyContext<'a> {
    plan: &'a PlanReader,
    fields: &'a ModelFields,
    capabilities: Capabilities,
    journal: &'a mut dyn Journal,
    events: Events,
    stop: StopSignal,
    selection: Option<Places>,
    /// Why nothing more is written; none when the plan is applied.
    pub(super) ends: Option<String>,
}

/// Numbers of changes by outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutcomeCounts {
    /// Written.
    pub applied: u64,
    /// Found as wanted.
    pub unchanged: u64,
    /// Not tried, for a reason that is no failure.
    pub skipped: u64,
    /// Held back by the plan.
    pub held: u64,
    /// Refused.
    pub failed: u64,
    /// Moved since they were read.
    pub stale: u64,
}

/// What an apply did.
#[derive(Debug, Default)]
pub struct Applied {
    /// Outcomes by model.
    pub models: BTreeMap<String, OutcomeCounts>,
    /// Why it ended before the plan did: the target takes no writes any more. Every change that was not tried is skipped with that
    /// reason.
    pub interrupted: Option<Error>,
    /// How many changes were left without an outcome, because the run is to go on later.
    pub left: u64,
}

impl OutcomeCounts {
    /// Counts an outcome.
    pub fn count(&mut self, outcome: &Outcome) {
        *self.of(outcome) += 1;
    }

    fn recount(&mut self, before: &Outcome, after: &Outcome) {
        *self.of(before) -= 1;
        *self.of(after) += 1;
    }

    fn of(&mut self, outcome: &Outcome) -> &mut u64 {
        match outcome {
            Outcome::Applied { .. } => &mut self.applied,
            Outcome::Unchanged => &mut self.unchanged,
            Outcome::Skipped { .. } => &mut self.skipped,
            Outcome::Held { .. } => &mut self.held,
            Outcome::Failed { .. } => &mut self.failed,
            Outcome::Stale { .. } => &mut self.stale,
        }
    }

    /// Every change.
    pub fn total(&self) -> u64 {
        self.applied + self.unchanged + self.skipped + self.held + self.failed + self.stale
    }

    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            applied: self.applied + other.applied,
            unchanged: self.unchanged + other.unchanged,
            skipped: self.skipped + other.skipped,
            held: self.held + other.held,
            failed: self.failed + other.failed,
            stale: self.stale + other.stale,
        }
    }
}

impl Applied {
    /// Outcomes over all models.
    pub fn total(&self) -> OutcomeCounts {
        self.models.values().fold(OutcomeCounts::default(), |sum, counts| sum.plus(*counts))
    }
}

impl<'a> ApplyContext<'a> {
    /// What is needed to apply `plan`.
    pub fn new(
        plan: &'a PlanReader,
        fields: &'a ModelFields,
        capabilities: Capabilities,
        journal: &'a mut dyn Journal,
        events: Events,
        stop: StopSignal,
    ) -> Self {
        Self { plan, fields, capabilities, journal, events, stop, selection: None, ends: None }
    }

    /// Limits the apply to changes that a person selected, by their places in the plan; all others are held.
    pub fn only(mut self, selection: Option<Places>) -> Self {
        self.selection = selection;
        self
    }

    /// Writes nothing any more, for this reason: it is only found out what became of what was sent.
    pub fn ending(mut self, reason: Option<String>) -> Self {
        self.ends = reason;
        self
    }

    /// The plan.
    pub fn plan(&self) -> &'a PlanReader {
        self.plan
    }

    /// The models and fields that the target holds.
    pub fn fields(&self) -> &'a ModelFields {
        self.fields
    }

    /// How the target wants to be written to.
    pub fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    /// Where outcomes go.
    pub fn journal(&mut self) -> &mut dyn Journal {
        self.journal
    }

    /// The stream of the run's events.
    pub fn events(&self) -> &Events {
        &self.events
    }

    /// Given when the run is to stop: nothing more is sent then.
    pub fn stop(&self) -> &StopSignal {
        &self.stop
    }
}

/// Applies a plan with a writer; see [`TargetWriter::execute_sync`]. A plan that an earlier attempt began to apply is gone on
/// with: what has an outcome is left alone, and what may have been sent is read again first.
///
/// An error means that the plan could not be read or the journal could not be written. Whatever the target does is an outcome.
pub async fn execute<W: TargetWriter + ?Sized>(writer: &W, context: &mut ApplyContext<'_>) -> Result<Applied> {
    Execution::begin(writer, context).await?.run().await
}

#[cfg(test)]
mod tests;
