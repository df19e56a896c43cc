//! The changes of one model on their way: gathered into batches, several under way at once.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::pin::pin;
use std::sync::Arc;

use futures::StreamExt;
use futures::future::{BoxFuture, Either, select};
use futures::stream::FuturesUnordered;
use syncline_model::{AnyKey, ModelSchema};
use tracing::Instrument as _;

use super::{Journal, JournalEntry, batch};
use crate::bindings::{Bindings, hash};
use crate::change::{Action, Change};
use crate::outcome::Outcome;
use crate::stop::StopSignal;
use crate::target::{Capabilities, Pass, TargetWriter, Written};
use crate::{Error, ErrorKind, Result};

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
    /// The records of all that is gathered or under way, by hash of model and key.
    on_the_way: HashSet<u128>,
    created: Vec<(AnyKey, Box<str>)>,
    gathered: usize,
    stop: StopSignal,
    /// The number of the next batch.
    number: u64,
    /// How many changes were taken and left without an outcome.
    left: u64,
    /// Why nothing more is sent.
    stopped: Option<String>,
}

/// A batch with its outcomes.
pub struct Finished {
    /// The changes with their outcomes.
    pub entries: Vec<JournalEntry>,
    /// The error that ended all writing.
    pub fatal: Option<Error>,
    /// The number of the batch; none when nothing was sent.
    pub batch: Option<u64>,
    lane: Option<String>,
}

impl<'w> Wave<'w> {
    /// A wave without changes, whose first batch gets the number `number`.
    pub fn new(pass: Pass, capabilities: &Capabilities, stop: StopSignal, number: u64) -> Self {
        Self {
            pass,
            batch_size: capabilities.batch_size.max(1),
            concurrency: capabilities.concurrency.max(1),
            gathering: BTreeMap::new(),
            under_way: FuturesUnordered::new(),
            busy: BTreeSet::new(),
            on_the_way: HashSet::new(),
            created: Vec::new(),
            gathered: 0,
            stop,
            number,
            left: 0,
            stopped: None,
        }
    }

    /// Adds a change. A batch that is full is noted in the journal and sent, which may wait for others: those that ended meanwhile
    /// are added to `finished`.
    pub async fn push<W: TargetWriter + ?Sized>(
        &mut self,
        writer: &'w W,
        model: &'static ModelSchema,
        bindings: &Arc<Bindings>,
        journal: &mut dyn Journal,
        entry: JournalEntry,
        finished: &mut Vec<Finished>,
    ) -> Result<()> {
        let place = (writer.lane(&entry.change), entry.change.action);
        self.on_the_way.insert(record(&entry));
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
        let Some(place) = place else { return Ok(()) };
        let entries = self.gathering.remove(&place).unwrap_or_default();
        self.gathered -= entries.len();
        self.send(writer, model, bindings, journal, place.0, entries, finished).await
    }

    /// Sends what is gathered. What is under way then is left to [`Wave::drain`].
    pub async fn flush<W: TargetWriter + ?Sized>(
        &mut self,
        writer: &'w W,
        model: &'static ModelSchema,
        bindings: &Arc<Bindings>,
        journal: &mut dyn Journal,
        finished: &mut Vec<Finished>,
    ) -> Result<()> {
        self.gathered = 0;
        for ((lane, _), entries) in std::mem::take(&mut self.gathering) {
            if !entries.is_empty() {
                self.send(writer, model, bindings, journal, lane, entries, finished).await?;
            }
        }
        Ok(())
    }

    /// Whether a change of a record was taken whose outcome is not known yet. Another one of the same record has to wait for it: side
    /// by side, and all the more in one batch, nobody could say which of them counts.
    pub fn has(&self, change: &Change) -> bool {
        self.on_the_way.contains(&hash(&change.model, change.key.as_str()))
    }

    /// Waits for what is under way.
    pub async fn drain(&mut self) -> Vec<Finished> {
        let mut finished = Vec::new();
        while let Some(batch) = self.next_finished().await {
            finished.push(batch);
        }
        finished
    }

    /// How many changes were taken and left without an outcome, because the run is to go on later.
    pub fn left(&self) -> u64 {
        self.left
    }

    /// The number that the next batch gets.
    pub fn next_number(&self) -> u64 {
        self.number
    }

    /// The records that were created, with their ids.
    pub fn into_created(self) -> Vec<(AnyKey, Box<str>)> {
        self.created
    }

    #[expect(clippy::too_many_arguments, reason = "what a batch needs on its way")]
    async fn send<W: TargetWriter + ?Sized>(
        &mut self,
        writer: &'w W,
        model: &'static ModelSchema,
        bindings: &Arc<Bindings>,
        journal: &mut dyn Journal,
        lane: Option<String>,
        mut entries: Vec<JournalEntry>,
        finished: &mut Vec<Finished>,
    ) -> Result<()> {
        let is_busy = |wave: &Self| {
            wave.under_way.len() >= wave.concurrency || lane.as_ref().is_some_and(|lane| wave.busy.contains(lane))
        };
        while is_busy(self) {
            match self.next_finished().await {
                Some(batch) => finished.push(batch),
                None => break,
            }
        }
        let deletes = entries.first().is_some_and(|entry| entry.change.action == Action::Delete);
        if self.pass == Pass::First && deletes && self.stopped.is_none() && !self.stop.is_given() {
            self.take_images(writer, model, bindings, &mut entries, finished).await;
        }
        if self.stop.leaves_the_rest() {
            self.left += entries.len() as u64;
            self.forget(&entries);
            return Ok(());
        }
        let cancelled = || self.stop.is_given().then(|| "the run was cancelled before it".to_owned());
        if let Some(reason) = self.stopped.clone().or_else(cancelled) {
            let outcome = Outcome::Skipped { reason };
            self.forget(&entries);
            let entries = entries.into_iter().map(|entry| entry.with(Written::not_written(outcome.clone()))).collect();
            finished.push(Finished { entries, fatal: None, batch: None, lane: None });
            return Ok(());
        }
        let number = self.number;
        self.number += 1;
        journal.intend(number, self.pass, &entries).await?;
        self.busy.extend(lane.clone());
        let (pass, bindings) = (self.pass, Arc::clone(bindings));
        let action = entries.first().map(|entry| entry.change.action.as_str());
        let span = tracing::error_span!("batch", model = model.name, action, changes = entries.len());
        let batch = async move {
            let (written, fatal) = batch::write(writer, model, pass, &bindings, &entries).await;
            let entries = entries.into_iter().zip(written).map(|(entry, written)| entry.with(written)).collect();
            Finished { entries, fatal, batch: Some(number), lane }
        };
        self.under_way.push(Box::pin(batch.instrument(span)));
        Ok(())
    }

    /// Takes the images of a batch. What is under way goes on meanwhile: it may hold what the writer needs to look, such as the
    /// only connection.
    async fn take_images<W: TargetWriter + ?Sized>(
        &mut self,
        writer: &'w W,
        model: &'static ModelSchema,
        bindings: &Bindings,
        entries: &mut [JournalEntry],
        finished: &mut Vec<Finished>,
    ) {
        let mut images = pin!(batch::take_images(writer, model, bindings, entries));
        while !self.under_way.is_empty() {
            match select(images.as_mut(), pin!(self.next_finished())).await {
                Either::Left(((), _)) => return,
                Either::Right((batch, _)) => finished.extend(batch),
            }
        }
        images.await;
    }

    async fn next_finished(&mut self) -> Option<Finished> {
        let batch = self.under_way.next().await?;
        if let Some(lane) = &batch.lane {
            self.busy.remove(lane);
        }
        if let Some(error) = &batch.fatal {
            if error.kind() == ErrorKind::InDoubt {
                self.stop.leave_in_doubt();
            }
            self.stopped = Some(format!("the run ended before it: {}", error.report()));
        }
        self.forget(&batch.entries);
        self.note_created(&batch.entries);
        Some(batch)
    }

    fn forget(&mut self, entries: &[JournalEntry]) {
        for entry in entries {
            self.on_the_way.remove(&record(entry));
        }
    }

    /// Takes over the ids of created records.
    pub fn note_created(&mut self, entries: &[JournalEntry]) {
        if self.pass == Pass::Second {
            return;
        }
        for entry in entries.iter().filter(|entry| entry.change.action == Action::Create) {
            // Also one that came out other than it was sent: it exists, and others may refer to it.
            if let Some(native) = &entry.written.native {
                self.created.push((entry.change.key.clone(), native.id.clone()));
            }
        }
    }
}

fn record(entry: &JournalEntry) -> u128 {
    hash(&entry.change.model, entry.change.key.as_str())
}
