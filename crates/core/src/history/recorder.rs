//! A buffer in front of the history.

use super::lease::Claim;
use super::record::Row;
use super::{History, RecordedChange};
use crate::Result;

/// Collects changes and records them many at a time.
///
/// What was pushed is in the history after [`ChangeRecorder::flush`]; it is lost when the recorder is dropped before.
#[derive(Debug)]
pub struct ChangeRecorder {
    history: History,
    claim: Claim,
    rows: Vec<Row>,
    bytes: usize,
}

impl ChangeRecorder {
    /// How many changes are recorded at once.
    const ROWS: usize = 10_000;

    /// How many bytes of changes are recorded at once: large records come in smaller numbers.
    const BYTES: usize = 8 << 20;

    /// A recorder of the changes of a run.
    pub fn new(history: History, claim: Claim) -> Self {
        Self { history, claim, rows: Vec::new(), bytes: 0 }
    }

    /// Takes a change; records what has collected when that is enough.
    pub async fn push(&mut self, change: &RecordedChange<'_>) -> Result<()> {
        let row = Row::of(change)?;
        self.bytes += row.size();
        self.rows.push(row);
        if self.rows.len() >= Self::ROWS || self.bytes >= Self::BYTES {
            self.flush().await?;
        }
        Ok(())
    }

    /// Records what has collected. Changes stay in the buffer when that fails.
    pub async fn flush(&mut self) -> Result<()> {
        self.settle(None).await
    }

    /// Records what has collected, and with it that a batch is settled.
    pub async fn settle(&mut self, batch: Option<u64>) -> Result<()> {
        self.history.settle_rows(self.claim, batch, &self.rows).await?;
        self.rows.clear();
        self.bytes = 0;
        Ok(())
    }
}
