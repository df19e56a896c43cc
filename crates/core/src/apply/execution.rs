//! One apply on its way through its passes.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use syncline_model::{AnyKey, FieldKind, ModelSchema};

use super::earlier::Earlier;
use super::stays::Stays;
use super::wave::{Finished, Wave};
use super::{Applied, ApplyContext, JournalEntry, batch};
use crate::bindings::{Bindings, hash};
use crate::change::{Action, Change, FieldChange};
use crate::event::Event;
use crate::outcome::Outcome;
use crate::plan::PlanReader;
use crate::target::{Pass, TargetWriter, Written};
use crate::{Error, ErrorKind, Result};

/// How many changes that are not tried are recorded at once.
const UNTRIED: usize = 1_000;

/// The state of one apply.
pub struct Execution<'a, 'c, W: TargetWriter + ?Sized> {
    writer: &'a W,
    context: &'a mut ApplyContext<'c>,
    bindings: Arc<Bindings>,
    /// What earlier attempts did.
    earlier: Earlier,
    /// The number of the next batch.
    next_batch: u64,
    /// Records that were deleted in the wave under way.
    released: Vec<AnyKey>,
    /// Creates and updates that did not go through, by hash of model and key: what refers to a missing record says so, and later
    /// changes of the record are not tried.
    undone: HashMap<u128, &'static str>,
    /// Changes with a second pass whose first pass did not go through, by place.
    without_second: HashSet<u64>,
    /// Records that lost their former names, by hash of model and key.
    renamed: HashSet<u128>,
    /// First outcomes of changes that have a second pass, by place, as long as they are not `applied`.
    unapplied: HashMap<u64, Outcome>,
    /// Records that must stay because a record that refers to them was not deleted, with that record.
    referred_by_undeleted: HashMap<u128, String>,
    /// Whether the plan deletes anything that is not held.
    deletes: bool,
    /// What it deletes and what stays all the same.
    stays: Stays,
    applied: Applied,
    totals: BTreeMap<String, u64>,
    done: BTreeMap<&'static str, (u64, u64)>,
    /// When the first change of a model was about to be sent.
    began: BTreeMap<&'static str, DateTime<Utc>>,
}

/// What is to be done with a change.
enum Fate {
    /// It is sent.
    Try,
    /// It is not sent, and this is its outcome.
    Outcome(Outcome),
    /// It is not sent, and has no outcome yet: the run is to go on later.
    Leave,
}

/// The changes of a plan, read one by one, with their places.
struct Changes<I: Iterator<Item = Result<Change>>> {
    changes: std::iter::Peekable<I>,
    sequence: u64,
}

impl<I: Iterator<Item = Result<Change>>> Changes<I> {
    /// The model of the next change; none at the end. A change that cannot be read is the error.
    fn next_model(&mut self) -> Result<Option<String>> {
        if let Some(Err(_)) = self.changes.peek() {
            return self.changes.next().transpose().map(|_| None);
        }
        Ok(self.changes.peek().and_then(|change| change.as_ref().ok()).map(|change| change.model.clone()))
    }

    /// The next change, if it is of the model.
    fn next_of(&mut self, model: &str) -> Result<Option<(u64, Change)>> {
        let is_next = |change: &Result<Change>| change.as_ref().map_or(true, |change| change.model == model);
        let Some(change) = self.changes.next_if(is_next) else { return Ok(None) };
        self.sequence += 1;
        Ok(Some((self.sequence, change?)))
    }
}

impl<'a, 'c, W: TargetWriter + ?Sized> Execution<'a, 'c, W> {
    /// What an apply begins with.
    pub async fn begin(writer: &'a W, context: &'a mut ApplyContext<'c>) -> Result<Self> {
        let mut bindings = Bindings::new();
        for binding in context.plan.bindings()? {
            let binding = binding?;
            bindings.bind(&binding.model, binding.key.as_str(), &binding.id);
        }
        let earlier = Earlier::read(context.journal, &mut bindings).await?;
        let summary = context.plan.summary();
        Ok(Self {
            writer,
            totals: summary.models.iter().map(|model| (model.model.clone(), model.to_apply())).collect(),
            deletes: summary.models.iter().any(|model| model.delete > 0),
            done: BTreeMap::new(),
            began: BTreeMap::new(),
            bindings: Arc::new(bindings),
            released: Vec::new(),
            undone: HashMap::new(),
            without_second: HashSet::new(),
            stays: Stays::default(),
            renamed: HashSet::new(),
            unapplied: HashMap::new(),
            referred_by_undeleted: HashMap::new(),
            applied: Applied::default(),
            next_batch: earlier.next_batch(),
            earlier,
            context,
        })
    }

    /// Creates and updates, then the deferred fields, then deletes.
    pub async fn run(mut self) -> Result<Applied> {
        self.ask_again().await?;
        self.recall()?;
        self.settle_doubts(Pass::First).await?;
        self.first_pass(false).await?;
        self.settle_doubts(Pass::Second).await?;
        self.second_pass().await?;
        // Creates and updates can take hours.
        self.ask_again().await?;
        self.first_pass(true).await?;
        Ok(self.applied)
    }

    /// Tells the writer what earlier attempts created.
    fn recall(&mut self) -> Result<()> {
        if !self.earlier.knows_any() {
            return Ok(());
        }
        let mut changes = changes_of(self.context.plan)?;
        while let Some(model) = changes.next_model()? {
            let schema = self.known(&model)?;
            let mut created = Vec::new();
            while let Some((sequence, change)) = changes.next_of(&model)? {
                // Also what came out other than it was sent.
                let outcome = self.earlier.outcome(sequence).filter(|_| change.action == Action::Create);
                if matches!(outcome, Some(Outcome::Applied { .. } | Outcome::Failed { .. }))
                    && let Some(id) = self.bindings.id(schema.name, change.key.as_str())
                {
                    created.push((change, id.clone()));
                }
                if created.len() >= UNTRIED {
                    tell_created(self.writer, schema, &std::mem::take(&mut created));
                }
            }
            tell_created(self.writer, schema, &created);
        }
        Ok(())
    }

    /// Asks what was decided about the records of deletes since the plan was made.
    async fn ask_again(&mut self) -> Result<()> {
        if self.deletes {
            self.stays = Stays::ask(self.context.plan, self.context.fields, self.context.journal).await?;
        }
        Ok(())
    }

    /// Brings the batches to their end that an earlier attempt may have sent, before anything else is.
    async fn settle_doubts(&mut self, pass: Pass) -> Result<()> {
        let mut doubtful = self.earlier.take_doubtful(pass);
        if doubtful.is_empty() {
            return Ok(());
        }
        let mut changes = changes_of(self.context.plan)?;
        let mut entries: BTreeMap<u64, Vec<JournalEntry>> = BTreeMap::new();
        while let Some(model) = changes.next_model()? {
            while let Some((sequence, change)) = changes.next_of(&model)? {
                let batch = doubtful.iter().find(|batch| batch.places.contains(sequence));
                if let Some(batch) = batch.filter(|_| pass == Pass::Second || self.earlier.outcome(sequence).is_none())
                {
                    let mut entry = JournalEntry::planned(sequence, change);
                    entry.written.image = batch.images.get(&sequence).cloned();
                    entries.entry(batch.number).or_default().push(entry);
                }
            }
        }
        for batch in doubtful.drain(..) {
            if self.context.stop.leaves_the_rest() {
                return Ok(());
            }
            let entries = entries.remove(&batch.number).unwrap_or_default();
            let Some(first) = entries.first() else {
                self.context.journal.settled(batch.number).await?;
                continue;
            };
            let schema = self.known(&first.change.model)?;
            let entries = self.resume(schema, pass, entries).await?;
            match pass {
                Pass::First => {
                    let created = entries.iter().filter(|entry| entry.change.action == Action::Create);
                    let created = created.filter_map(|entry| {
                        Some((entry.change.key.clone(), entry.written.native.as_ref()?.id.clone()))
                    });
                    let created: Vec<_> = created.collect();
                    for entry in &entries {
                        self.earlier.note(entry.sequence);
                    }
                    self.settle(schema, Some(batch.number), entries).await?;
                    self.bind(schema, created)?;
                }
                Pass::Second => {
                    self.earlier.note_second(&batch.places);
                    self.amend(schema, Some(batch.number), entries).await?;
                }
            }
        }
        Ok(())
    }

    /// Finds out what became of a batch, and writes what is missing of it, but for what is to stay. A run that is to end writes
    /// nothing more.
    async fn resume(
        &mut self,
        schema: &'static ModelSchema,
        pass: Pass,
        entries: Vec<JournalEntry>,
    ) -> Result<Vec<JournalEntry>> {
        self.begins(schema);
        let stopped = self.stopped();
        let stays = |entry: &JournalEntry| {
            let stays = self.stays.outcome(schema, &entry.change).filter(|_| pass == Pass::First);
            stays.or_else(|| stopped.clone())
        };
        let (staying, mut resumed): (Vec<_>, Vec<_>) = entries.into_iter().partition(|entry| stays(entry).is_some());
        let mut fatal = None;
        if !resumed.is_empty() {
            let (written, error) = batch::resume(self.writer, schema, pass, &self.bindings, &resumed).await;
            fatal = error;
            resumed = resumed.into_iter().zip(written).map(|(entry, written)| entry.with(written)).collect();
        }
        if !staying.is_empty() {
            let (found, unknown) = match batch::look(self.writer, schema, pass, &self.bindings, &staying).await {
                Ok(found) => (found, None),
                Err(error) => (vec![None; staying.len()], Some(error)),
            };
            for (entry, found) in staying.into_iter().zip(found) {
                let outcome = match &unknown {
                    Some(error) => Some(Outcome::failed(error)),
                    None => stays(&entry),
                };
                let written = found.unwrap_or_else(|| Written::not_written(outcome.unwrap_or(Outcome::Unchanged)));
                resumed.push(entry.with(written));
            }
            fatal = fatal.or(unknown);
        }
        self.interrupt(fatal)?;
        Ok(resumed)
    }

    /// Creates and updates, or deletes.
    async fn first_pass(&mut self, deletes: bool) -> Result<()> {
        let mut changes = changes_of(self.context.plan)?;
        while let Some(model) = changes.next_model()? {
            let schema = self.known(&model)?;
            let mut wave = self.wave(Pass::First);
            let sent = self.send_first(schema, deletes, &mut changes, &mut wave).await;
            // Whatever ended the sending: what is under way gets an outcome, and it is kept if that is possible.
            let rest = wave.drain().await;
            let settled = self.settle_all(schema, rest).await;
            self.next_batch = wave.next_number();
            self.applied.left += wave.left();
            sent?;
            settled?;
            self.bind(schema, wave.into_created())?;
        }
        Ok(())
    }

    async fn send_first(
        &mut self,
        schema: &'static ModelSchema,
        deletes: bool,
        changes: &mut Changes<impl Iterator<Item = Result<Change>> + Send>,
        wave: &mut Wave<'a>,
    ) -> Result<()> {
        let (mut untried, mut after_releases) = (Vec::new(), false);
        while let Some((sequence, change)) = changes.next_of(schema.name)? {
            if (change.action == Action::Delete) != deletes || self.earlier.is_noted(sequence) {
                continue;
            }
            if let Some(outcome) = self.earlier.outcome(sequence) {
                self.remember(schema, sequence, &change, &outcome);
                continue;
            }
            let releases = change.lets_go(schema).next().is_some();
            let waits_for_name = change.waits_for.as_ref().is_some_and(|holder| !self.is_known(schema, holder));
            if waits_for_name || wave.has(&change) || (after_releases && !releases) {
                // What it waits for may be under way.
                self.settle(schema, None, std::mem::take(&mut untried)).await?;
                self.send_gathered(schema, wave).await?;
                let rest = wave.drain().await;
                self.settle_all(schema, rest).await?;
            }
            after_releases = releases;
            let entry = JournalEntry::planned(sequence, change);
            match self.fate(schema, &entry) {
                Fate::Leave => self.applied.left += 1,
                Fate::Outcome(outcome) => {
                    untried.push(entry.with(Written::not_written(outcome)));
                    if untried.len() >= UNTRIED {
                        self.settle(schema, None, std::mem::take(&mut untried)).await?;
                    }
                }
                Fate::Try => {
                    self.begins(schema);
                    let mut finished = Vec::new();
                    let journal = &mut *self.context.journal;
                    let sent = wave.push(self.writer, schema, &self.bindings, journal, entry, &mut finished).await;
                    self.settle_all(schema, finished).await?;
                    sent?;
                }
            }
        }
        self.settle(schema, None, untried).await?;
        self.send_gathered(schema, wave).await
    }

    /// Sends what a wave has gathered.
    async fn send_gathered(&mut self, schema: &'static ModelSchema, wave: &mut Wave<'a>) -> Result<()> {
        let mut finished = Vec::new();
        let sent = wave.flush(self.writer, schema, &self.bindings, &mut *self.context.journal, &mut finished).await;
        self.settle_all(schema, finished).await?;
        sent
    }

    /// Whether it is known what became of the change that gives a record another name.
    fn is_known(&self, schema: &'static ModelSchema, holder: &AnyKey) -> bool {
        let holder = hash(schema.name, holder.as_str());
        self.renamed.contains(&holder) || self.undone.contains_key(&holder)
    }

    /// The deferred fields of creates and updates that went through.
    async fn second_pass(&mut self) -> Result<()> {
        let mut changes = changes_of(self.context.plan)?;
        while let Some(model) = changes.next_model()? {
            let schema = self.known(&model)?;
            let mut wave = self.wave(Pass::Second);
            let sent = self.send_second(schema, &mut changes, &mut wave).await;
            let rest = wave.drain().await;
            let settled = self.amend_all(schema, rest).await;
            self.next_batch = wave.next_number();
            self.applied.left += wave.left();
            sent?;
            settled?;
        }
        Ok(())
    }

    async fn send_second(
        &mut self,
        schema: &'static ModelSchema,
        changes: &mut Changes<impl Iterator<Item = Result<Change>> + Send>,
        wave: &mut Wave<'a>,
    ) -> Result<()> {
        while let Some((sequence, change)) = changes.next_of(schema.name)? {
            let wanted = change.action != Action::Delete && change.hold.is_none() && change.deferred().next().is_some();
            if !wanted || self.earlier.is_done_in_second(sequence) || self.without_second.contains(&sequence) {
                continue;
            }
            if self.context.stop.leaves_the_rest() {
                self.applied.left += 1;
                continue;
            }
            let entry = JournalEntry::planned(sequence, change);
            let missing = self.missing_reference(schema, entry.change.deferred());
            if let Some(outcome) = self.stopped().or(missing) {
                self.amend(schema, None, vec![entry.with(Written::not_written(outcome))]).await?;
                continue;
            }
            if wave.has(&entry.change) {
                let mut finished = Vec::new();
                let journal = &mut *self.context.journal;
                let sent = wave.flush(self.writer, schema, &self.bindings, journal, &mut finished).await;
                finished.extend(wave.drain().await);
                self.amend_all(schema, finished).await?;
                sent?;
            }
            self.begins(schema);
            let mut finished = Vec::new();
            let journal = &mut *self.context.journal;
            let sent = wave.push(self.writer, schema, &self.bindings, journal, entry, &mut finished).await;
            self.amend_all(schema, finished).await?;
            sent?;
        }
        let mut finished = Vec::new();
        let sent = wave.flush(self.writer, schema, &self.bindings, &mut *self.context.journal, &mut finished).await;
        self.amend_all(schema, finished).await?;
        sent
    }

    fn wave(&self, pass: Pass) -> Wave<'a> {
        Wave::new(pass, &self.context.capabilities, self.context.stop.clone(), self.next_batch)
    }

    fn schema(&self, model: &str) -> Option<&'static ModelSchema> {
        self.context.fields.schema(model)
    }

    /// A model of the plan, which the sync must handle.
    fn known(&self, model: &str) -> Result<&'static ModelSchema> {
        self.schema(model).ok_or_else(|| {
            let message =
                format!("the plan changes the model `{model}`, which this sync does not handle; make a new plan");
            Error::new(ErrorKind::Stale, message)
        })
    }

    fn fate(&self, schema: &'static ModelSchema, entry: &JournalEntry) -> Fate {
        let change = &entry.change;
        if let Some(hold) = &change.hold {
            return Fate::Outcome(Outcome::Held { reason: hold.reason.clone() });
        }
        if self.context.selection.as_ref().is_some_and(|selection| !selection.contains(entry.sequence)) {
            return Fate::Outcome(Outcome::Held { reason: "it was not approved".to_owned() });
        }
        if self.context.stop.leaves_the_rest() {
            return Fate::Leave;
        }
        if let Some(stopped) = self.stopped() {
            return Fate::Outcome(stopped);
        }
        if let Some(outcome) = self.stays.outcome(schema, change) {
            return Fate::Outcome(outcome);
        }
        if change.action != Action::Create
            && let Some(outcome) = self.undone.get(&hash(schema.name, change.key.as_str()))
        {
            let reason = format!("what should have released it first is {outcome}");
            return Fate::Outcome(Outcome::Skipped { reason });
        }
        if let Some(holder) = &change.waits_for {
            let hash = hash(schema.name, holder.as_str());
            if !self.renamed.contains(&hash) {
                let outcome = self.undone.get(&hash).map_or("not in the plan", |outcome| outcome);
                let reason = format!(
                    "waiting on {} `{holder}`, which has its name in the target, and whose change is {outcome}",
                    schema.label
                );
                return Fate::Outcome(Outcome::Skipped { reason });
            }
        }
        if change.action == Action::Delete {
            let user = self.referred_by_undeleted.get(&hash(schema.name, change.key.as_str()));
            return user.map_or(Fate::Try, |user| {
                let reason = format!("still referred to by {user}, whose change did not go through");
                Fate::Outcome(Outcome::Skipped { reason })
            });
        }
        if change.immediate().next().is_none() && change.action == Action::Update {
            // Everything it has to say is said in the second pass.
            return Fate::Outcome(Outcome::Unchanged);
        }
        self.missing_reference(schema, change.immediate()).map_or(Fate::Try, Fate::Outcome)
    }

    fn stopped(&self) -> Option<Outcome> {
        if let Some(reason) = &self.context.ends {
            return Some(Outcome::Skipped { reason: format!("the run ended before it: {reason}") });
        }
        if let Some(error) = &self.applied.interrupted {
            return Some(Outcome::Skipped { reason: format!("the run ended before it: {}", error.report()) });
        }
        let cancelled = self.context.stop.is_given();
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
                FieldKind::Text
                | FieldKind::Integer
                | FieldKind::Boolean
                | FieldKind::Choice(_)
                | FieldKind::Texts
                | FieldKind::Pairs
                | FieldKind::Json => continue,
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

    async fn settle_all(&mut self, schema: &'static ModelSchema, finished: Vec<Finished>) -> Result<()> {
        let mut ended = Ok(());
        for batch in finished {
            match self.interrupt(batch.fatal) {
                Ok(()) => self.settle(schema, batch.batch, batch.entries).await?,
                Err(error) => ended = Err(error),
            }
        }
        ended
    }

    async fn amend_all(&mut self, schema: &'static ModelSchema, finished: Vec<Finished>) -> Result<()> {
        let mut ended = Ok(());
        for batch in finished {
            match self.interrupt(batch.fatal) {
                Ok(()) => self.amend(schema, batch.batch, batch.entries).await?,
                Err(error) => ended = Err(error),
            }
        }
        ended
    }

    /// Ends the writing. What a runner did not send because it may not write any more, and what nobody knows whether it was
    /// written, is no failure, but left in doubt for the next one.
    fn interrupt(&mut self, fatal: Option<Error>) -> Result<()> {
        match fatal {
            Some(error) if error.kind() == ErrorKind::LeaseLost => {
                self.context.stop.lose_lease();
                Err(error)
            }
            Some(error) if error.kind() == ErrorKind::InDoubt => {
                self.context.stop.leave_in_doubt();
                Err(error)
            }
            Some(error) if self.applied.interrupted.is_none() => {
                self.applied.interrupted = Some(error);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Takes over the outcomes of the first pass.
    async fn settle(
        &mut self,
        schema: &'static ModelSchema,
        batch: Option<u64>,
        entries: Vec<JournalEntry>,
    ) -> Result<()> {
        if entries.is_empty() {
            return Ok(());
        }
        for entry in &entries {
            self.remember(schema, entry.sequence, &entry.change, &entry.written.outcome);
        }
        self.progress(schema);
        self.context.journal.record(batch, entries).await
    }

    /// What an outcome of the first pass means for all that follows.
    fn remember(&mut self, schema: &'static ModelSchema, sequence: u64, change: &Change, outcome: &Outcome) {
        self.applied.models.entry(change.model.clone()).or_default().count(outcome);
        if change.deferred().next().is_some() && !matches!(outcome, Outcome::Applied { .. }) {
            self.unapplied.insert(sequence, outcome.clone());
            if !outcome.is_done() {
                self.without_second.insert(sequence);
            }
        }
        if !outcome.is_done() {
            self.remember_undone(schema, change, outcome);
        } else if change.action == Action::Delete {
            self.released.push(change.key.clone());
        } else if change.action == Action::Update && schema.key_fields().any(|field| change.after(field.name).is_some())
        {
            self.renamed.insert(hash(schema.name, change.key.as_str()));
        }
        if !matches!(outcome, Outcome::Held { .. }) {
            let (done, failed) = self.done.entry(schema.name).or_default();
            *done += 1;
            *failed += u64::from(matches!(outcome, Outcome::Failed { .. }));
        }
    }

    /// A second pass that did not go through makes the whole change a failure that says what was done.
    async fn amend(
        &mut self,
        schema: &'static ModelSchema,
        batch: Option<u64>,
        entries: Vec<JournalEntry>,
    ) -> Result<()> {
        for entry in entries {
            let JournalEntry { sequence, change, written } = &entry;
            let fields: Vec<_> = change.deferred().map(|field| field.name.as_str()).collect();
            let first = self.unapplied.remove(sequence);
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
        match batch {
            Some(batch) => self.context.journal.settled(batch).await,
            None => Ok(()),
        }
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
            let kind = schema.field(&field.name).map(|field| field.kind);
            let (model, referred) = match kind {
                Some(FieldKind::Reference(model)) => (model, std::slice::from_ref(&field.before)),
                Some(FieldKind::References(model)) => (model, field.before.as_array().map_or(&[][..], Vec::as_slice)),
                _ => continue,
            };
            for key in referred.iter().filter_map(AnyKey::from_value) {
                self.referred_by_undeleted.entry(hash(model, key.as_str())).or_insert_with(|| user.clone());
            }
        }
    }

    fn progress(&self, schema: &'static ModelSchema) {
        let (done, failed) = self.done.get(schema.name).copied().unwrap_or_default();
        let total = self.totals.get(schema.name).copied().unwrap_or(done);
        let began = self.began.get(schema.name).copied();
        self.context.events.emit(Event::Applied { model: schema.name, done, total, failed, began });
    }

    /// Something of a model is about to be sent, or asked about.
    fn begins(&mut self, schema: &'static ModelSchema) {
        self.began.entry(schema.name).or_insert_with(Utc::now);
    }
}

fn tell_created<W: TargetWriter + ?Sized>(writer: &W, schema: &'static ModelSchema, created: &[(Change, String)]) {
    let created: Vec<_> = created.iter().map(|(change, id)| (change, id.as_str())).collect();
    writer.recall(schema, &created);
}

fn changes_of(plan: &PlanReader) -> Result<Changes<impl Iterator<Item = Result<Change>> + use<>>> {
    Ok(Changes { changes: plan.changes()?.peekable(), sequence: 0 })
}
