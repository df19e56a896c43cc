//! Where batches and their outcomes are kept, so that an apply that was killed can be gone on with.

use std::collections::{BTreeMap, HashMap};

use async_trait::async_trait;
use serde_json::Value;
use syncline_model::AnyKey;

use crate::Result;
use crate::change::{Action, Change};
use crate::outcome::Outcome;
use crate::places::Places;
use crate::target::{Pass, Written};

/// A change with what became of it.
#[derive(Debug, Clone)]
pub struct JournalEntry {
    /// Position in the plan, from 1.
    pub sequence: u64,
    /// The change.
    pub change: Change,
    /// What became of it.
    pub written: Written,
}

/// A change that an earlier attempt at the same plan dealt with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EarlierChange {
    /// Where the journal has it: later ones have greater numbers.
    pub number: u64,
    /// Position in the plan, from 1.
    pub sequence: u64,
    /// The model.
    pub model: String,
    /// The record.
    pub key: AnyKey,
    /// What was done.
    pub action: Action,
    /// What became of it.
    pub outcome: Outcome,
    /// The record's id in the target.
    pub native_id: Option<String>,
}

/// A batch that an earlier attempt at the same plan sent, or was about to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EarlierBatch {
    /// Its number.
    pub number: u64,
    /// Which part of the changes it writes.
    pub pass: Pass,
    /// The changes.
    pub places: Places,
    /// Whether what became of it is known.
    pub settled: bool,
    /// What the records that it deletes were before, by place.
    pub images: BTreeMap<u64, Value>,
}

impl JournalEntry {
    /// A change that is still to be tried.
    pub(crate) fn planned(sequence: u64, change: Change) -> Self {
        let written = Written::not_written(Outcome::Unchanged);
        Self { sequence, change, written }
    }

    /// The change with its outcome.
    #[must_use]
    pub(crate) fn with(mut self, written: Written) -> Self {
        let image = self.written.image.take();
        self.written = written;
        // What is known of a record that is gone was asked before.
        if matches!(self.written.outcome, Outcome::Applied { .. }) && self.written.image.is_none() {
            self.written.image = image;
        }
        self
    }
}

/// The images of changes on their way, by place.
pub(crate) fn images_of(entries: &[JournalEntry]) -> BTreeMap<u64, Value> {
    let images = entries.iter().filter_map(|entry| Some((entry.sequence, entry.written.image.clone()?)));
    images.collect()
}

/// Keeps what an apply does: a batch before it is sent, and its outcomes before the next one is forgotten.
#[async_trait]
pub trait Journal: Send {
    /// The batches of earlier attempts at the same plan.
    async fn earlier_batches(&mut self) -> Result<Vec<EarlierBatch>>;

    /// The changes that earlier attempts dealt with, after the one with the number `after`, in order; a page of them, empty at the
    /// end.
    async fn earlier_changes(&mut self, after: u64) -> Result<Vec<EarlierChange>>;

    /// Notes a batch that is about to be sent, with the images of what it deletes. When that fails it is not sent.
    async fn intend(&mut self, batch: u64, pass: Pass, entries: &[JournalEntry]) -> Result<()>;

    /// Keeps the outcomes of a batch, or of changes that were not tried.
    async fn record(&mut self, batch: Option<u64>, entries: Vec<JournalEntry>) -> Result<()>;

    /// Replaces the outcome of a change that the second pass changed.
    async fn amend(&mut self, entry: &JournalEntry, outcome: &Outcome) -> Result<()>;

    /// Notes that a batch of the second pass is settled.
    async fn settled(&mut self, batch: u64) -> Result<()>;

    /// Why records of a model that `deletes` of the plan are about are to stay after all: what was decided about them, or seen of
    /// them, since the plan was made. Those that may go are not in the answer.
    async fn objections(&mut self, model: &str, deletes: &[Change]) -> Result<HashMap<AnyKey, String>>;
}

/// A journal in memory, for tests and for runs without a history.
#[derive(Debug, Default)]
pub struct MemoryJournal {
    /// The entries as they came.
    pub entries: Vec<JournalEntry>,
    /// The batches as they were noted.
    pub batches: Vec<EarlierBatch>,
    /// Records that are not to be deleted, with the reasons.
    pub stays: HashMap<AnyKey, String>,
}

#[async_trait]
impl Journal for MemoryJournal {
    async fn earlier_batches(&mut self) -> Result<Vec<EarlierBatch>> {
        Ok(self.batches.clone())
    }

    async fn earlier_changes(&mut self, after: u64) -> Result<Vec<EarlierChange>> {
        let after = usize::try_from(after).unwrap_or(usize::MAX);
        let rest = self.entries.iter().enumerate().skip(after);
        let earlier = rest.map(|(at, entry)| EarlierChange {
            number: at as u64 + 1,
            sequence: entry.sequence,
            model: entry.change.model.clone(),
            key: entry.change.key.clone(),
            action: entry.change.action,
            outcome: entry.written.outcome.clone(),
            native_id: entry.written.native.as_ref().map(|native| native.id.to_string()),
        });
        Ok(earlier.collect())
    }

    async fn intend(&mut self, batch: u64, pass: Pass, entries: &[JournalEntry]) -> Result<()> {
        let places = entries.iter().map(|entry| entry.sequence).collect();
        self.batches.push(EarlierBatch { number: batch, pass, places, settled: false, images: images_of(entries) });
        Ok(())
    }

    async fn record(&mut self, batch: Option<u64>, entries: Vec<JournalEntry>) -> Result<()> {
        self.entries.extend(entries);
        match batch {
            Some(batch) => self.settled(batch).await,
            None => Ok(()),
        }
    }

    async fn amend(&mut self, entry: &JournalEntry, outcome: &Outcome) -> Result<()> {
        if let Some(kept) = self.entries.iter_mut().find(|kept| kept.sequence == entry.sequence) {
            kept.written.outcome = outcome.clone();
        }
        Ok(())
    }

    async fn settled(&mut self, batch: u64) -> Result<()> {
        for kept in self.batches.iter_mut().filter(|kept| kept.number == batch) {
            kept.settled = true;
        }
        Ok(())
    }

    async fn objections(&mut self, _: &str, deletes: &[Change]) -> Result<HashMap<AnyKey, String>> {
        let stays =
            deletes.iter().filter_map(|change| Some((change.key.clone(), self.stays.get(&change.key)?.clone())));
        Ok(stays.collect())
    }
}
