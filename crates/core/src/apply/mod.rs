//! Applying a plan: batches, bounded concurrency, refused batches taken apart, dependants skipped.
//!
//! The order is the plan's: creates and updates model by model, parents first; then the deferred fields; then deletes,
//! children first. Between two models everything under way is awaited, because the next one refers to the ids of the last.

mod batch;
mod journal;
mod wave;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use syncline_model::{AnyKey, FieldKind, ModelSchema};
use tokio_util::sync::CancellationToken;

use crate::bindings::{Bindings, hash};
use crate::change::{Action, Change, FieldChange};
use crate::event::{Event, Events};
use crate::fields::ModelFields;
use crate::outcome::Outcome;
use crate::plan::PlanReader;
use crate::target::{Capabilities, Pass, TargetWriter, Written};
use crate::{Error, ErrorKind, Result};

pub use journal::{Journal, JournalEntry, MemoryJournal};
use wave::Wave;

/// How many changes that are not tried are recorded at once.
const UNTRIED: usize = 1_000;

/// What an apply works with.
pub struct ApplyContext<'a> {
    plan: &'a PlanReader,
    fields: &'a ModelFields,
    capabilities: Capabilities,
    journal: &'a mut dyn Journal,
    events: Events,
    cancel: CancellationToken,
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
    /// Why it ended before the plan did: cancelled, or the target takes no writes any more. Every change that was not tried is
    /// skipped with that reason.
    pub interrupted: Option<Error>,
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
        cancel: CancellationToken,
    ) -> Self {
        Self { plan, fields, capabilities, journal, events, cancel }
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

    /// Cancelled when the run is: nothing more is sent then.
    pub fn cancel(&self) -> &CancellationToken {
        &self.cancel
    }
}

/// Applies a plan with a writer; see [`TargetWriter::execute_sync`].
///
/// An error means that the plan could not be read or the outcomes could not be recorded. Whatever the target does is an outcome.
pub async fn execute<W: TargetWriter + ?Sized>(writer: &W, context: &mut ApplyContext<'_>) -> Result<Applied> {
    let mut execution = Execution {
        writer,
        totals: totals(context.plan),
        deletes: context.plan.summary().models.iter().any(|model| model.delete > 0),
        done: BTreeMap::new(),
        bindings: Arc::new(Bindings::new()),
        released: Vec::new(),
        undone: HashMap::new(),
        unapplied: HashMap::new(),
        referred_by_undeleted: HashMap::new(),
        applied: Applied::default(),
        context,
    };
    let mut bindings = Bindings::new();
    for binding in execution.context.plan.bindings()? {
        let binding = binding?;
        bindings.bind(&binding.model, binding.key.as_str(), &binding.id);
    }
    execution.bindings = Arc::new(bindings);
    execution.first_pass(false).await?;
    execution.second_pass().await?;
    execution.first_pass(true).await?;
    Ok(execution.applied)
}

fn totals(plan: &PlanReader) -> BTreeMap<String, u64> {
    plan.summary().models.iter().map(|model| (model.model.clone(), model.to_apply())).collect()
}

/// The model of the next change; none when it cannot be read, which whoever takes it will find.
fn model_of(change: &Result<Change>) -> &str {
    change.as_ref().map_or("", |change| &change.model)
}

/// The state of one apply.
struct Execution<'a, 'c, W: TargetWriter + ?Sized> {
    writer: &'a W,
    context: &'a mut ApplyContext<'c>,
    bindings: Arc<Bindings>,
    /// Records that were deleted in the wave under way.
    released: Vec<AnyKey>,
    /// Creates and updates that did not go through, by hash of model and key: what refers to a missing record says so.
    undone: HashMap<u128, &'static str>,
    /// First outcomes of changes that have a second pass, by hash of model and key, as long as they are not `applied`.
    unapplied: HashMap<u128, Outcome>,
    /// Records that must stay because a record that refers to them was not deleted, with that record.
    referred_by_undeleted: HashMap<u128, String>,
    /// Whether the plan deletes anything that is not held.
    deletes: bool,
    applied: Applied,
    totals: BTreeMap<String, u64>,
    done: BTreeMap<&'static str, (u64, u64)>,
}

impl<W: TargetWriter + ?Sized> Execution<'_, '_, W> {
    /// Creates and updates, or deletes.
    async fn first_pass(&mut self, deletes: bool) -> Result<()> {
        let writer = self.writer;
        let mut changes = self.context.plan.changes()?.peekable();
        let mut sequence = 0_u64;
        while let Some(first) = changes.peek() {
            let model = model_of(first).to_owned();
            let schema = self.schema(&model);
            let mut wave = Wave::new(Pass::First, &self.context.capabilities, self.context.cancel.clone());
            let mut untried = Vec::new();
            while let Some(change) = changes.next_if(|change| change.is_err() || model_of(change) == model) {
                let change = change?;
                sequence += 1;
                if (change.action == Action::Delete) != deletes {
                    continue;
                }
                let schema = schema.ok_or_else(|| {
                    let message = format!(
                        "the plan changes the model `{model}`, which this sync does not handle; make a new plan"
                    );
                    Error::new(ErrorKind::Stale, message)
                })?;
                let entry = JournalEntry::planned(sequence, change);
                if let Some(outcome) = self.not_tried(schema, &entry.change) {
                    untried.push(entry.with(Written::not_written(outcome)));
                    if untried.len() >= UNTRIED {
                        self.settle(schema, std::mem::take(&mut untried)).await?;
                    }
                    continue;
                }
                let finished = wave.push(writer, schema, &self.bindings, entry).await;
                self.settle_all(schema, finished).await?;
            }
            if let Some(schema) = schema {
                self.settle(schema, std::mem::take(&mut untried)).await?;
                let finished = wave.finish(writer, schema, &self.bindings).await;
                self.settle_all(schema, finished).await?;
                self.bind(schema, wave.into_created())?;
            }
        }
        Ok(())
    }

    /// The deferred fields of creates and updates that went through.
    async fn second_pass(&mut self) -> Result<()> {
        let writer = self.writer;
        let mut changes = self.context.plan.changes()?.peekable();
        let mut sequence = 0_u64;
        while let Some(first) = changes.peek() {
            let model = model_of(first).to_owned();
            let schema = self.schema(&model);
            let mut wave = Wave::new(Pass::Second, &self.context.capabilities, self.context.cancel.clone());
            while let Some(change) = changes.next_if(|change| change.is_err() || model_of(change) == model) {
                let change = change?;
                sequence += 1;
                let Some(schema) = schema else { continue };
                let wanted =
                    change.action != Action::Delete && change.hold.is_none() && change.deferred().next().is_some();
                if !wanted || self.undone.contains_key(&hash(&model, change.key.as_str())) {
                    continue;
                }
                let entry = JournalEntry::planned(sequence, change);
                let missing = self.missing_reference(schema, entry.change.deferred());
                if let Some(outcome) = self.stopped().or(missing) {
                    self.amend(schema, vec![entry.with(Written::not_written(outcome))]).await?;
                    continue;
                }
                let finished = wave.push(writer, schema, &self.bindings, entry).await;
                self.amend_all(schema, finished).await?;
            }
            if let Some(schema) = schema {
                let finished = wave.finish(writer, schema, &self.bindings).await;
                self.amend_all(schema, finished).await?;
            }
        }
        Ok(())
    }

    fn schema(&self, model: &str) -> Option<&'static ModelSchema> {
        self.context.fields.schema(model)
    }

    /// The outcome of a change that is not to be tried; none when it is.
    fn not_tried(&self, schema: &'static ModelSchema, change: &Change) -> Option<Outcome> {
        if let Some(hold) = &change.hold {
            return Some(Outcome::Held { reason: hold.reason.clone() });
        }
        if let Some(stopped) = self.stopped() {
            return Some(stopped);
        }
        if change.action == Action::Delete {
            let user = self.referred_by_undeleted.get(&hash(schema.name, change.key.as_str()))?;
            return Some(Outcome::Skipped {
                reason: format!("still referred to by {user}, whose change did not go through"),
            });
        }
        if change.immediate().next().is_none() && change.action == Action::Update {
            // Everything it has to say is said in the second pass.
            return Some(Outcome::Unchanged);
        }
        self.missing_reference(schema, change.immediate())
    }

    fn stopped(&self) -> Option<Outcome> {
        if let Some(error) = &self.applied.interrupted {
            return Some(Outcome::Skipped { reason: format!("the run ended before it: {}", error.report()) });
        }
        let cancelled = self.context.cancel.is_cancelled();
        cancelled.then(|| Outcome::Skipped { reason: "the run was cancelled before it".to_owned() })
    }

    /// Names the record that a change refers to and that the target does not have.
    fn missing_reference<'f>(
        &self,
        schema: &'static ModelSchema,
        fields: impl Iterator<Item = &'f FieldChange>,
    ) -> Option<Outcome> {
        for field in fields {
            let keys: Vec<&serde_json::Value> = match schema.field(&field.name)?.kind {
                FieldKind::Reference(_) => vec![&field.after],
                FieldKind::References(_) => field.after.as_array().into_iter().flatten().collect(),
                FieldKind::Text | FieldKind::Integer | FieldKind::Boolean | FieldKind::Choice(_) => continue,
            };
            let model = schema.field(&field.name)?.kind.referenced_model()?;
            for key in keys.into_iter().filter_map(AnyKey::from_value) {
                if self.bindings.has(model, key.as_str()) {
                    continue;
                }
                let label = self.schema(model).map_or(model, |schema| schema.label);
                let why = match self.undone.get(&hash(model, key.as_str())) {
                    Some(outcome) => format!("which is {outcome}"),
                    None => "which the target does not have, or has more than once".to_owned(),
                };
                return Some(Outcome::Skipped {
                    reason: format!("waiting on {label} `{key}` ({}), {why}", field.name),
                });
            }
        }
        None
    }

    /// Takes over what a wave created and deleted, once nothing of it is under way any more.
    fn bind(&mut self, schema: &'static ModelSchema, created: Vec<(AnyKey, Box<str>)>) -> Result<()> {
        let released = std::mem::take(&mut self.released);
        let bindings = Arc::get_mut(&mut self.bindings)
            .ok_or_else(|| Error::new(ErrorKind::Internal, "a batch is still under way after its wave has ended"))?;
        for key in &released {
            bindings.release(schema.name, key.as_str());
        }
        for (key, id) in &created {
            bindings.bind(schema.name, key.as_str(), id);
        }
        Ok(())
    }

    async fn settle_all(&mut self, schema: &'static ModelSchema, finished: Vec<wave::Finished>) -> Result<()> {
        for batch in finished {
            self.interrupt(batch.fatal);
            self.settle(schema, batch.entries).await?;
        }
        Ok(())
    }

    async fn amend_all(&mut self, schema: &'static ModelSchema, finished: Vec<wave::Finished>) -> Result<()> {
        for batch in finished {
            self.interrupt(batch.fatal);
            self.amend(schema, batch.entries).await?;
        }
        Ok(())
    }

    fn interrupt(&mut self, fatal: Option<Error>) {
        if let Some(error) = fatal
            && self.applied.interrupted.is_none()
        {
            self.applied.interrupted = Some(error);
        }
    }

    /// Takes over the outcomes of the first pass.
    async fn settle(&mut self, schema: &'static ModelSchema, entries: Vec<JournalEntry>) -> Result<()> {
        if entries.is_empty() {
            return Ok(());
        }
        for entry in &entries {
            let (change, outcome) = (&entry.change, &entry.written.outcome);
            self.applied.models.entry(change.model.clone()).or_default().count(outcome);
            if change.deferred().next().is_some() && !matches!(outcome, Outcome::Applied { .. }) {
                self.unapplied.insert(hash(schema.name, change.key.as_str()), outcome.clone());
            }
            if !outcome.is_done() {
                self.remember_undone(schema, change, outcome);
            } else if change.action == Action::Delete {
                self.released.push(change.key.clone());
            }
            if !matches!(outcome, Outcome::Held { .. }) {
                let (done, failed) = self.done.entry(schema.name).or_default();
                *done += 1;
                *failed += u64::from(matches!(outcome, Outcome::Failed { .. }));
            }
        }
        self.progress(schema);
        self.context.journal.record(entries).await
    }

    /// A second pass that did not go through makes the whole change a failure that says what was done.
    async fn amend(&mut self, schema: &'static ModelSchema, entries: Vec<JournalEntry>) -> Result<()> {
        for entry in entries {
            let JournalEntry { change, written, .. } = &entry;
            let fields: Vec<_> = change.deferred().map(|field| field.name.as_str()).collect();
            let first = self.unapplied.remove(&hash(schema.name, change.key.as_str()));
            let first = first.unwrap_or(Outcome::Applied { request_id: None });
            if !written.outcome.is_done() {
                self.remember_undone(schema, change, &written.outcome);
            }
            let outcome = match &written.outcome {
                Outcome::Unchanged => continue,
                Outcome::Applied { .. } if matches!(first, Outcome::Applied { .. }) => continue,
                outcome @ Outcome::Applied { .. } => outcome.clone(),
                outcome if !matches!(first, Outcome::Applied { .. }) => outcome.clone(),
                outcome => Outcome::Failed {
                    field: fields.first().map(|field| (*field).to_owned()),
                    reason: format!(
                        "the rest was applied, but not {}: {}",
                        fields.join(", "),
                        outcome.reason().unwrap_or_default()
                    ),
                },
            };
            self.applied.models.entry(change.model.clone()).or_default().recount(&first, &outcome);
            if matches!(outcome, Outcome::Failed { .. }) {
                self.done.entry(schema.name).or_default().1 += 1;
            }
            self.context.journal.amend(&entry, &outcome).await?;
        }
        self.progress(schema);
        Ok(())
    }

    fn remember_undone(&mut self, schema: &'static ModelSchema, change: &Change, outcome: &Outcome) {
        if change.action != Action::Delete {
            self.undone.insert(hash(schema.name, change.key.as_str()), outcome.as_str());
        }
        self.protect_referred(schema, change);
    }

    /// What a change refers to must not be deleted when the change did not go through: the target may delete along with it what
    /// still refers to it.
    fn protect_referred(&mut self, schema: &'static ModelSchema, change: &Change) {
        if !self.deletes {
            return;
        }
        let user = format!("{} `{}`", schema.label, change.key);
        for field in &change.fields {
            let Some(FieldKind::Reference(model)) = schema.field(&field.name).map(|field| field.kind) else { continue };
            if let Some(key) = AnyKey::from_value(&field.before) {
                self.referred_by_undeleted.entry(hash(model, key.as_str())).or_insert_with(|| user.clone());
            }
        }
    }

    fn progress(&self, schema: &'static ModelSchema) {
        let (done, failed) = self.done.get(schema.name).copied().unwrap_or_default();
        let total = self.totals.get(schema.name).copied().unwrap_or(done);
        self.context.events.emit(Event::Applied { model: schema.name, done, total, failed });
    }
}

#[cfg(test)]
mod tests;
