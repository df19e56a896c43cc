//! What earlier attempts at a plan did, as far as the next one needs it.

use std::collections::{HashMap, HashSet};

use super::{EarlierBatch, Journal};
use crate::Result;
use crate::bindings::Bindings;
use crate::change::Action;
use crate::outcome::Outcome;
use crate::places::Places;
use crate::target::Pass;

/// What earlier attempts did. A byte for each change of the plan, as most have the same two outcomes.
#[derive(Debug, Default)]
pub struct Earlier {
    /// By place in the plan.
    outcomes: Vec<Known>,
    /// Outcomes that have something to say, by place.
    others: HashMap<u64, Outcome>,
    /// Batches that may or may not have been written.
    doubtful: Vec<EarlierBatch>,
    /// Changes whose outcome was taken over by this attempt before its first pass.
    noted: HashSet<u64>,
    /// Changes whose deferred fields are dealt with.
    second: Places,
    next_batch: u64,
}

/// What is known of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    Nothing,
    Applied,
    Unchanged,
    Other,
}

impl Earlier {
    /// Reads the journal. Records that were created are bound, records that were deleted are released.
    pub async fn read(journal: &mut dyn Journal, bindings: &mut Bindings) -> Result<Self> {
        let batches = journal.earlier_batches().await?;
        let mut earlier = Self {
            next_batch: batches.iter().map(|batch| batch.number + 1).max().unwrap_or_default(),
            second: batches
                .iter()
                .filter(|batch| batch.settled && batch.pass == Pass::Second)
                .flat_map(|batch| batch.places.iter())
                .collect(),
            doubtful: batches.into_iter().filter(|batch| !batch.settled).collect(),
            ..Self::default()
        };
        let mut after = 0;
        loop {
            let page = journal.earlier_changes(after).await?;
            let Some(last) = page.last() else { return Ok(earlier) };
            after = last.number;
            for change in page {
                match (change.action, &change.native_id) {
                    (Action::Create, Some(id)) => bindings.bind(&change.model, change.key.as_str(), id),
                    (Action::Delete, _) if change.outcome.is_done() => {
                        bindings.release(&change.model, change.key.as_str());
                    }
                    _ => {}
                }
                earlier.keep(change.sequence, change.outcome);
            }
        }
    }

    fn keep(&mut self, sequence: u64, outcome: Outcome) {
        let place = usize::try_from(sequence).unwrap_or(usize::MAX);
        if place >= self.outcomes.len() {
            self.outcomes.resize(place + 1, Known::Nothing);
        }
        self.outcomes[place] = match outcome {
            Outcome::Applied { .. } => Known::Applied,
            Outcome::Unchanged => Known::Unchanged,
            other => {
                self.others.insert(sequence, other);
                Known::Other
            }
        };
    }

    /// Whether there were any.
    pub fn knows_any(&self) -> bool {
        !self.outcomes.is_empty()
    }

    /// The number of the first batch of this attempt.
    pub fn next_batch(&self) -> u64 {
        self.next_batch
    }

    /// What became of a change; none when no earlier attempt dealt with it.
    pub fn outcome(&self, sequence: u64) -> Option<Outcome> {
        let known = self.outcomes.get(usize::try_from(sequence).ok()?)?;
        match known {
            Known::Nothing => None,
            Known::Applied => Some(Outcome::Applied { request_id: None }),
            Known::Unchanged => Some(Outcome::Unchanged),
            Known::Other => self.others.get(&sequence).cloned(),
        }
    }

    /// The batches of a pass of which nobody knows whether they were written.
    pub fn take_doubtful(&mut self, pass: Pass) -> Vec<EarlierBatch> {
        let (taken, kept) = std::mem::take(&mut self.doubtful).into_iter().partition(|batch| batch.pass == pass);
        self.doubtful = kept;
        taken
    }

    /// Notes that this attempt has dealt with a change before its first pass.
    pub fn note(&mut self, sequence: u64) {
        self.noted.insert(sequence);
    }

    /// Whether this attempt has dealt with a change before its first pass.
    pub fn is_noted(&self, sequence: u64) -> bool {
        self.noted.contains(&sequence)
    }

    /// Notes that the deferred fields of changes are dealt with.
    pub fn note_second(&mut self, places: &Places) {
        self.second = self.second.iter().chain(places.iter()).collect();
    }

    /// Whether the deferred fields of a change are dealt with.
    pub fn is_done_in_second(&self, sequence: u64) -> bool {
        self.second.contains(sequence)
    }
}
