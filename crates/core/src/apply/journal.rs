//! Where outcomes go, batch by batch.

use async_trait::async_trait;

use crate::Result;
use crate::change::Change;
use crate::outcome::Outcome;
use crate::target::Written;

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

impl JournalEntry {
    /// A change that is still to be tried.
    pub(super) fn planned(sequence: u64, change: Change) -> Self {
        let written = Written::not_written(Outcome::Unchanged);
        Self { sequence, change, written }
    }

    /// The change with its outcome.
    #[must_use]
    pub(super) fn with(mut self, written: Written) -> Self {
        self.written = written;
        self
    }
}

/// Keeps the outcomes of an apply. The next batch is not forgotten before the last one is kept.
#[async_trait]
pub trait Journal: Send {
    /// Keeps the outcomes of a batch.
    async fn record(&mut self, entries: Vec<JournalEntry>) -> Result<()>;

    /// Replaces the outcome of a change that the second pass changed.
    async fn amend(&mut self, entry: &JournalEntry, outcome: &Outcome) -> Result<()>;
}

/// A journal in memory, for tests and for runs without a history.
#[derive(Debug, Default)]
pub struct MemoryJournal {
    /// The entries as they came.
    pub entries: Vec<JournalEntry>,
}

#[async_trait]
impl Journal for MemoryJournal {
    async fn record(&mut self, entries: Vec<JournalEntry>) -> Result<()> {
        self.entries.extend(entries);
        Ok(())
    }

    async fn amend(&mut self, entry: &JournalEntry, outcome: &Outcome) -> Result<()> {
        if let Some(kept) = self.entries.iter_mut().find(|kept| kept.sequence == entry.sequence) {
            kept.written.outcome = outcome.clone();
        }
        Ok(())
    }
}
