//! The changes of one model on their way: gathered into batches, several under way at once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use syncline_model::{AnyKey, ModelSchema};
use tokio_util::sync::CancellationToken;

use super::{JournalEntry, batch};
use crate::Error;
use crate::bindings::Bindings;
use crate::change::Action;
use crate::outcome::Outcome;
use crate::target::{Capabilities, Pass, TargetWriter, Written};

/// How many batches' worth of changes may be gathered over all lanes.
const GATHERED_BATCHES: usize = 64;

/// Batches of one model in one pass.
pub struct Wave<'w> {
    pass: Pass,
    batch_size: usize,
    concurrency: usize,
    gathering: BTreeMap<(Option<String>, Action), Vec<JournalEntry>>,
    under_way: FuturesUnordered<BoxFuture<'w, Finished>>,
    busy: BTreeSet<String>,
    created: Vec<(AnyKey, Box<str>)>,
    gathered: usize,
    cancel: CancellationToken,
    /// Why nothing more is sent.
    stopped: Option<String>,
}

/// A batch with its outcomes.
pub struct Finished {
    /// The changes with their outcomes.
    pub entries: Vec<JournalEntry>,
    /// The error that ended all writing.
    pub fatal: Option<Error>,
    lane: Option<String>,
}

impl<'w> Wave<'w> {
    /// A wave without changes.
    pub fn new(pass: Pass, capabilities: &Capabilities, cancel: CancellationToken) -> Self {
        Self {
            pass,
            batch_size: capabilities.batch_size.max(1),
            concurrency: capabilities.concurrency.max(1),
            gathering: BTreeMap::new(),
            under_way: FuturesUnordered::new(),
            busy: BTreeSet::new(),
            created: Vec::new(),
            gathered: 0,
            cancel,
            stopped: None,
        }
    }

    /// Adds a change. A batch that is full is sent, which may wait for others: those that ended meanwhile are returned.
    pub async fn push<W: TargetWriter + ?Sized>(
        &mut self,
        writer: &'w W,
        model: &'static ModelSchema,
        bindings: &Arc<Bindings>,
        entry: JournalEntry,
    ) -> Vec<Finished> {
        let place = (writer.lane(&entry.change), entry.change.action);
        let gathered = self.gathering.entry(place.clone()).or_default();
        gathered.push(entry);
        self.gathered += 1;
        let full = gathered.len() >= self.batch_size;
        // With many lanes nothing may be full for long; the fullest goes before too much has gathered.
        let place = match full {
            true => Some(place),
            false if self.gathered >= self.batch_size * GATHERED_BATCHES => {
                self.gathering.iter().max_by_key(|(_, entries)| entries.len()).map(|(place, _)| place.clone())
            }
            false => None,
        };
        let Some(place) = place else { return Vec::new() };
        let entries = self.gathering.remove(&place).unwrap_or_default();
        self.gathered -= entries.len();
        self.send(writer, model, bindings, place.0, entries).await
    }

    /// Sends what is gathered and waits for everything.
    pub async fn finish<W: TargetWriter + ?Sized>(
        &mut self,
        writer: &'w W,
        model: &'static ModelSchema,
        bindings: &Arc<Bindings>,
    ) -> Vec<Finished> {
        let mut finished = Vec::new();
        self.gathered = 0;
        for ((lane, _), entries) in std::mem::take(&mut self.gathering) {
            if !entries.is_empty() {
                finished.extend(self.send(writer, model, bindings, lane, entries).await);
            }
        }
        while let Some(batch) = self.next_finished().await {
            finished.push(batch);
        }
        finished
    }

    /// The records that were created, with their ids.
    pub fn into_created(self) -> Vec<(AnyKey, Box<str>)> {
        self.created
    }

    async fn send<W: TargetWriter + ?Sized>(
        &mut self,
        writer: &'w W,
        model: &'static ModelSchema,
        bindings: &Arc<Bindings>,
        lane: Option<String>,
        entries: Vec<JournalEntry>,
    ) -> Vec<Finished> {
        let mut finished = Vec::new();
        let is_busy = |wave: &Self| {
            wave.under_way.len() >= wave.concurrency || lane.as_ref().is_some_and(|lane| wave.busy.contains(lane))
        };
        while is_busy(self) {
            match self.next_finished().await {
                Some(batch) => finished.push(batch),
                None => break,
            }
        }
        let cancelled = || self.cancel.is_cancelled().then(|| "the run was cancelled before it".to_owned());
        if let Some(reason) = self.stopped.clone().or_else(cancelled) {
            let outcome = Outcome::Skipped { reason };
            let entries = entries.into_iter().map(|entry| entry.with(Written::not_written(outcome.clone()))).collect();
            finished.push(Finished { entries, fatal: None, lane: None });
            return finished;
        }
        self.busy.extend(lane.clone());
        let (pass, bindings) = (self.pass, Arc::clone(bindings));
        self.under_way.push(Box::pin(async move {
            let (written, fatal) = batch::write(writer, model, pass, &bindings, &entries).await;
            let entries = entries.into_iter().zip(written).map(|(entry, written)| entry.with(written)).collect();
            Finished { entries, fatal, lane }
        }));
        finished
    }

    async fn next_finished(&mut self) -> Option<Finished> {
        let batch = self.under_way.next().await?;
        if let Some(lane) = &batch.lane {
            self.busy.remove(lane);
        }
        if let Some(error) = &batch.fatal {
            self.stopped = Some(format!("the run ended before it: {}", error.report()));
        }
        if self.pass == Pass::First {
            for entry in batch.entries.iter().filter(|entry| entry.change.action == Action::Create) {
                // Also one that came out other than it was sent: it exists, and others may refer to it.
                if let Some(native) = &entry.written.native {
                    self.created.push((entry.change.key.clone(), native.id.clone()));
                }
            }
        }
        Some(batch)
    }
}
