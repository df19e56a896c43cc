//! Getting one batch through: tried again, settled, or taken apart until the bad records stand alone.

use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use syncline_model::ModelSchema;

use super::JournalEntry;
use crate::bindings::Bindings;
use crate::outcome::Outcome;
use crate::target::{Batch, BatchError, Pass, TargetWriter, Written};
use crate::{Error, ErrorKind};

/// How often a batch that may go through later is tried.
const TRIES: u32 = 4;
/// How long to wait before the second try; each further wait is twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(100);
/// What is said when nobody knows what became of a batch.
const LOST: &str = "the answer was lost, and reading again did not tell whether it was written";

/// Writes a batch: an outcome for every entry, and the error that ended all writing if there was one. After one of the kind
/// [`ErrorKind::InDoubt`] the outcomes are not to be taken for true.
pub async fn write<W: TargetWriter + ?Sized>(
    writer: &W,
    model: &'static ModelSchema,
    pass: Pass,
    bindings: &Bindings,
    entries: &[JournalEntry],
) -> (Vec<Written>, Option<Error>) {
    Attempt { writer, model, pass, bindings }.write(entries, 1).await
}

/// Brings a batch to its end that an earlier attempt may have sent: what the target has of it is read, the rest is written.
pub async fn resume<W: TargetWriter + ?Sized>(
    writer: &W,
    model: &'static ModelSchema,
    pass: Pass,
    bindings: &Bindings,
    entries: &[JournalEntry],
) -> (Vec<Written>, Option<Error>) {
    let lost = Error::new(ErrorKind::Remote, "the runner that sent the batch ended before the answer came").temporary();
    Attempt { writer, model, pass, bindings }.settle(entries, 1, lost).await
}

/// Reads what the target has of a batch that an earlier attempt may have sent, and writes nothing: none for what it does not have.
pub async fn look<W: TargetWriter + ?Sized>(
    writer: &W,
    model: &'static ModelSchema,
    pass: Pass,
    bindings: &Bindings,
    entries: &[JournalEntry],
) -> Result<Vec<Option<Written>>, Error> {
    let attempt = Attempt { writer, model, pass, bindings };
    attempt.read_again(entries, 1).await.ok_or_else(|| Error::new(ErrorKind::InDoubt, LOST))
}

/// Asks what the records are that a batch is about to delete. A writer that cannot say so now says it with the outcome, or refuses.
pub async fn take_images<W: TargetWriter + ?Sized>(
    writer: &W,
    model: &'static ModelSchema,
    bindings: &Bindings,
    entries: &mut [JournalEntry],
) {
    let attempt = Attempt { writer, model, pass: Pass::First, bindings };
    let images = writer.images(&attempt.batch(entries), bindings).await;
    match images {
        Ok(images) => {
            for (entry, image) in entries.iter_mut().zip(images) {
                entry.written.image = image;
            }
        }
        Err(error) => tracing::debug!(model = model.name, error = %error.report(), "images were not taken ahead"),
    }
}

struct Attempt<'a, W: TargetWriter + ?Sized> {
    writer: &'a W,
    model: &'static ModelSchema,
    pass: Pass,
    bindings: &'a Bindings,
}

impl<W: TargetWriter + ?Sized> Attempt<'_, W> {
    fn write<'s>(&'s self, entries: &'s [JournalEntry], tries: u32) -> BoxFuture<'s, (Vec<Written>, Option<Error>)> {
        async move {
            let batch = self.batch(entries);
            match self.writer.write(&batch, self.bindings).await {
                Ok(written) if written.len() == entries.len() => (written, None),
                Ok(written) => {
                    let message =
                        format!("the connector gave {} outcomes for {} changes", written.len(), entries.len());
                    let error = Error::new(ErrorKind::Internal, message);
                    (all(entries, &Outcome::failed(&error)), Some(error))
                }
                Err(BatchError::Refused { field, error }) if entries.len() == 1 => {
                    (all(entries, &Outcome::Failed { field, reason: error.report() }), None)
                }
                Err(BatchError::Refused { .. }) => self.halves(entries).await,
                Err(BatchError::Again(_)) if tries < TRIES => {
                    tokio::time::sleep(FIRST_WAIT * 2_u32.pow(tries - 1)).await;
                    self.write(entries, tries + 1).await
                }
                Err(BatchError::Again(error)) => (all(entries, &Outcome::failed(&error.persistent())), None),
                Err(BatchError::InDoubt(error)) => self.settle(entries, tries, error).await,
                Err(BatchError::Fatal(error)) => (all(entries, &Outcome::failed(&error)), Some(error)),
            }
        }
        .boxed()
    }

    fn batch<'e>(&self, entries: &'e [JournalEntry]) -> Batch<'e> {
        Batch { model: self.model, pass: self.pass, changes: entries.iter().map(|entry| &entry.change).collect() }
    }

    /// Each half by itself, one after the other: the first may hold what the second needs.
    async fn halves(&self, entries: &[JournalEntry]) -> (Vec<Written>, Option<Error>) {
        let (left, right) = entries.split_at(entries.len() / 2);
        let (mut written, fatal) = self.write(left, 1).await;
        if let Some(error) = fatal {
            written.extend(all(right, &Outcome::failed(&error)));
            return (written, Some(error));
        }
        let (rest, fatal) = self.write(right, 1).await;
        written.extend(rest);
        (written, fatal)
    }

    /// Reads again what an interrupted batch may have written, and writes the rest.
    async fn settle(&self, entries: &[JournalEntry], tries: u32, lost: Error) -> (Vec<Written>, Option<Error>) {
        let Some(settled) = self.read_again(entries, tries).await else {
            let error = Error::new(ErrorKind::InDoubt, LOST).caused_by(lost);
            return (all(entries, &Outcome::failed(&error)), Some(error));
        };
        let missing: Vec<_> = entries
            .iter()
            .zip(&settled)
            .filter(|(_, settled)| settled.is_none())
            .map(|(entry, _)| entry.clone())
            .collect();
        if missing.is_empty() {
            return (settled.into_iter().flatten().collect(), None);
        }
        let (rest, fatal) = if tries < TRIES {
            self.write(&missing, tries + 1).await
        } else {
            (all(&missing, &Outcome::failed(&lost.persistent())), None)
        };
        let mut rest = rest.into_iter();
        let written = settled.into_iter().filter_map(|settled| settled.or_else(|| rest.next())).collect();
        (written, fatal)
    }

    /// What the target has of a batch that it may have been sent; none when it does not tell.
    async fn read_again(&self, entries: &[JournalEntry], tries: u32) -> Option<Vec<Option<Written>>> {
        // The target may still be at work on what it was sent: what is not there now may be there in a moment, so only what is
        // missing twice is missing.
        let mut settled = Vec::new();
        for wait in [FIRST_WAIT, FIRST_WAIT * 10] {
            tokio::time::sleep(wait * 2_u32.pow(tries - 1)).await;
            let read = self.writer.settle(&self.batch(entries), self.bindings).await;
            settled = read.ok().filter(|settled| settled.len() == entries.len())?;
            if settled.iter().all(Option::is_some) {
                break;
            }
        }
        Some(settled)
    }
}

fn all(entries: &[JournalEntry], outcome: &Outcome) -> Vec<Written> {
    entries.iter().map(|_| Written::not_written(outcome.clone())).collect()
}
