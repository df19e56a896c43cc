//! What a run learns about absent records, and what it leaves of that in the history.
//!
//! While a plan is made, every absence is compared with what earlier runs left, and noted. Only when the plan is saved, and only by
//! a real run, is what was noted written down.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::Value;
use syncline_model::{AnyKey, DeletionClass, FieldKind, ModelSchema};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::reading::Prepared;
use super::work::Work;
use crate::bindings::hash;
use crate::change::{Change, FieldChange, Hold, HoldRule};
use crate::diff::RecordFields;
use crate::event::{Events, Level};
use crate::fields::ModelFields;
use crate::history::{Claim, Dismissed, History, MarkMade, MarkedField, Purpose, Quarantined, Sighted, SyncId};
use crate::models::ModelMode;
use crate::native::Native;
use crate::plan::{Spool, Unmark, UnmarkedField};
use crate::policy::{Mark, Quarantine};
use crate::quarantine::{Sighting, State, Streak};
use crate::snapshot::{Snapshot, SnapshotReader};
use crate::source::{Absence, DataSource};
use crate::target::DataTarget;
use crate::{Error, ErrorKind, Result};

/// How many records of a model a source is asked about at most.
const MOST_ASKED: usize = 10_000;
/// How many absences are written down at once.
const WRITTEN_AT_ONCE: usize = 2_000;
/// How many reappeared records are named in the log.
const NAMED: usize = 20;

/// The quarantine of one sync, as one run sees it.
pub struct Watch {
    history: History,
    runtime: Handle,
    source: Arc<dyn DataSource>,
    target: Arc<dyn DataTarget>,
    events: Events,
    cancel: CancellationToken,
    policy: Quarantine,
    /// What absent records get, by model.
    marks: BTreeMap<&'static str, Vec<Part>>,
    sync: SyncId,
    claim: Claim,
    /// Whether the run counts.
    counts: bool,
    now: DateTime<Utc>,
    seen: RefCell<Seen>,
}

/// A part of a mark: what one field gets.
struct Part {
    field: &'static str,
    /// The value, or the key of a tag that is added to the others.
    value: Value,
    /// Whether it is added to what is there.
    is_added: bool,
    /// What it refers to and the target lacks.
    lacks: Option<String>,
}

/// What the run has seen so far.
struct Seen {
    /// What is known of the records of the present look-ahead.
    known: HashMap<AnyKey, Quarantined>,
    /// Why those records are absent that the source was asked about.
    evidence: HashMap<AnyKey, Option<Absence>>,
    /// The marks of those that were asked for.
    marked: HashMap<AnyKey, MarkMade>,
    /// How long those records are absent that were asked for.
    streaks: HashMap<AnyKey, Streak>,
    /// How many records of each model the source was asked about.
    asked: BTreeMap<&'static str, usize>,
    /// Why a source could not say why records are absent, by model.
    unexplained: BTreeMap<&'static str, String>,
    sighted: Spool,
    marks: Vec<(String, AnyKey, MarkMade)>,
    /// Records that are back and have their mark still, as far as the comparison agrees.
    still_marked: HashSet<u128>,
    /// What is lacking for marks and was told.
    told_lacking: BTreeSet<String>,
    by_evidence: BTreeMap<Absence, u64>,
    by_state: BTreeMap<State, u64>,
}

impl Work<'_> {
    /// Begins to watch what is absent.
    pub(super) async fn watch(&self, prepared: &Prepared, target: &Snapshot) -> Result<Watch> {
        let history = &self.runner.history;
        let sync = history.sync(&self.sync.name).await?.ok_or_else(|| {
            Error::new(ErrorKind::Internal, format!("the history does not know the sync `{}`", self.sync.name))
        })?;
        let mut policy = self.sync.policy.quarantine.clone();
        if let Mark::Tag(slug) = &policy.mark
            && !has(target, "tag", &Value::Array(vec![slug.as_str().into()]))?
        {
            let text = format!(
                "the target has no tag `{slug}`, which `policy.quarantine.mark` names: nothing is marked; create it there"
            );
            self.events.message(Level::Warning, text);
            policy.mark = Mark::None;
        }
        let mut marks = BTreeMap::new();
        for (schema, _) in prepared.fields.iter() {
            let own = prepared.target.mark(schema.name);
            let by_policy = by_policy(&policy.mark, schema);
            // What the policy says of a field counts.
            let own = own.into_iter().filter(|(field, _)| by_policy.as_ref().is_none_or(|(other, _)| other != field));
            let parts =
                by_policy.iter().cloned().chain(own).map(|(field, value)| Part::new(schema, field, value, target));
            let mut parts = parts.collect::<Result<Vec<_>>>()?;
            parts.sort_by_key(|part| schema.position(part.field));
            marks.insert(schema.name, parts);
        }
        if self.run.is_part() {
            // What is marked is remembered by runs that count.
            marks.clear();
        }
        Ok(Watch {
            history: history.clone(),
            runtime: Handle::current(),
            source: Arc::clone(&prepared.source),
            target: Arc::clone(&prepared.target),
            marks,
            events: self.events.clone(),
            cancel: self.stop.token().clone(),
            policy,
            sync: sync.id,
            claim: self.claim,
            counts: !self.run.dry && self.run.purpose == Purpose::Sync,
            now: self.runner.now(),
            seen: RefCell::new(Seen::new(&self.snapshot_folder())?),
        })
    }
}

impl Seen {
    fn new(folder: &Path) -> Result<Self> {
        Ok(Self {
            known: HashMap::new(),
            evidence: HashMap::new(),
            marked: HashMap::new(),
            streaks: HashMap::new(),
            asked: BTreeMap::new(),
            unexplained: BTreeMap::new(),
            sighted: Spool::create_in(folder)?,
            marks: Vec::new(),
            still_marked: HashSet::new(),
            told_lacking: BTreeSet::new(),
            by_evidence: BTreeMap::new(),
            by_state: BTreeMap::new(),
        })
    }

    /// Notes that records of the last look-ahead are absent about which nothing was proven.
    fn leave(&mut self) -> Result<()> {
        self.evidence.clear();
        self.marked.clear();
        self.streaks.clear();
        for (key, known) in self.known.drain() {
            self.sighted.push(&Sighted { model: known.model, key, native_id: known.native_id, evidence: None })?;
        }
        Ok(())
    }
}

impl Watch {
    /// Looks up what is known of records, and asks the source why those are absent whose absence counts: `ours`.
    pub fn look_ahead(
        &self,
        schema: &'static ModelSchema,
        deletes: &[Change],
        ours: impl Fn(&Change) -> bool,
        is_proven: bool,
    ) -> Result<()> {
        let mut seen = self.seen.borrow_mut();
        seen.leave()?;
        // What is never deleted and what passes do not wait.
        if matches!(schema.deletion, DeletionClass::Shared | DeletionClass::Passing) {
            return Ok(());
        }
        let keys = deletes.iter().map(|change| &change.key);
        let mut known = self.runtime.block_on(self.history.absent(self.sync, schema.name, keys))?;
        // Another id is another object.
        for change in deletes {
            if known.get(&change.key).is_some_and(|known| known.native_id != native_id(change)) {
                known.remove(&change.key);
            }
        }
        seen.known = known;
        if !is_proven || schema.deletion != DeletionClass::Standalone {
            return Ok(());
        }
        let asked: Vec<_> = deletes
            .iter()
            .filter(|change| change.hold.is_none() && ours(change))
            .map(|change| change.key.clone())
            .collect();
        if asked.is_empty() {
            return Ok(());
        }
        let before = seen.asked.entry(schema.name).or_default();
        *before += asked.len();
        let answers = if *before > MOST_ASKED {
            Err(format!("the source is asked about {MOST_ASKED} {} at most", schema.plural))
        } else {
            self.ask(schema, &asked)?
        };
        let answers = match answers {
            Ok(answers) => answers.into_iter().map(Some).collect(),
            Err(reason) => {
                if !seen.unexplained.contains_key(schema.name) {
                    let text = format!("why {} are absent is not known, so it does not count: {reason}", schema.plural);
                    self.events.message(Level::Warning, text);
                }
                seen.unexplained.insert(schema.name, reason);
                vec![None; asked.len()]
            }
        };
        seen.evidence = asked.into_iter().zip(answers).collect();
        Ok(())
    }

    /// Asks the source; the inner error is a reason that concerns nothing else.
    fn ask(&self, schema: &ModelSchema, keys: &[AnyKey]) -> Result<Result<Vec<Absence>, String>> {
        // Of what the target makes of other records, a source knows nothing.
        if !self.source.knows().has(schema.name) {
            return Ok(Ok(self.target.explain_absence(schema.name, keys)));
        }
        let answer = self.runtime.block_on(async {
            tokio::select! {
                biased;
                () = self.cancel.cancelled() => Err(Error::new(ErrorKind::Cancelled, "the run was cancelled")),
                answer = self.source.explain_absence(schema.name, keys) => answer,
            }
        });
        match answer {
            Ok(answers) if answers.len() == keys.len() => Ok(Ok(answers)),
            Ok(answers) => Ok(Err(format!("{} answers to {} questions", answers.len(), keys.len()))),
            Err(error) if error.kind() == ErrorKind::Cancelled => Err(error),
            Err(error) => Ok(Err(error.report())),
        }
    }

    /// Notes a record whose absence is proven; why it has to wait.
    pub fn absent(&self, change: &Change) -> Result<Option<Hold>> {
        let mut seen = self.seen.borrow_mut();
        // What belongs to something that is there is not asked about.
        let evidence = seen.evidence.get(&change.key).copied().unwrap_or(Some(Absence::Unknown));
        let known = seen.known.remove(&change.key);
        let before = known.as_ref().map(|known| known.streak.clone());
        let sighting = Sighting { run: self.claim.run.number(), at: self.now, evidence, counts: self.counts };
        let streak = Streak::absent(before.clone(), sighting, &self.policy);
        let state = streak.state(&self.policy, self.now);
        if let Some(evidence) = evidence {
            *seen.by_evidence.entry(evidence).or_default() += 1;
        }
        *seen.by_state.entry(state).or_default() += 1;
        let (model, key) = (change.model.clone(), change.key.clone());
        seen.sighted.push(&Sighted { model, key, native_id: native_id(change), evidence })?;
        let hold = |reason: String| Some(Hold { rule: HoldRule::Quarantine, reason });
        let hold = match (state, evidence) {
            (State::Kept, _) => {
                let why = streak.decision.as_ref().map(|decision| format!("{}: {}", decision.by, decision.reason));
                hold(format!("kept by {}", why.unwrap_or_default()))
            }
            (_, None) => {
                let reason = seen.unexplained.get(change.model.as_str()).map_or("", String::as_str);
                hold(format!("why it is absent is not known: {reason}"))
            }
            (State::Due | State::Released, Some(_)) => None,
            (State::Waiting | State::Returned, Some(_)) => {
                let mut text = streak.words(&self.policy, self.now);
                let next = Streak::absent(before, Sighting { counts: true, ..sighting }, &self.policy);
                if !self.counts && next.state(&self.policy, self.now) == State::Due {
                    text.push_str("; the next run deletes it");
                }
                hold(text)
            }
        };
        seen.streaks.insert(change.key.clone(), streak);
        if let Some(mark) = known.and_then(|known| known.mark) {
            seen.marked.insert(change.key.clone(), mark);
        }
        Ok(hold)
    }

    /// The mark that a record gets whose absence was noted: the fields that do not have it yet.
    pub fn mark(&self, change: &Change, has_field: &dyn Fn(&str) -> bool) -> Result<Vec<FieldChange>> {
        let mut seen = self.seen.borrow_mut();
        let seen = &mut *seen;
        let Some(streak) = seen.streaks.get(&change.key) else { return Ok(Vec::new()) };
        if !streak.is_to_be_marked(&self.policy) {
            return Ok(Vec::new());
        }
        let earlier = seen.marked.get(&change.key);
        let mut was_made = None;
        let mut found: Vec<(FieldChange, MarkedField)> = Vec::new();
        for part in self.marks.get(change.model.as_str()).into_iter().flatten().filter(|part| has_field(part.field)) {
            let before = change.fields.iter().find(|field| field.name == part.field);
            let before = before.map_or(Value::Null, |field| field.before.clone());
            if bears(&before, &part.value) {
                continue;
            }
            if let Some(mark) = earlier
                && mark.of(part.field).is_some()
            {
                let was_written = match was_made {
                    Some(known) => known,
                    None => self.runtime.block_on(self.history.updated_by(mark.run, &change.model, &change.key))?,
                };
                was_made = Some(was_written);
                if was_written {
                    // It had its mark, and somebody took it away.
                    continue;
                }
            }
            if let Some(lacks) = &part.lacks {
                if seen.told_lacking.insert(lacks.clone()) {
                    let text = format!(
                        "the target has no {lacks}, which absent records get while they wait: they get it when it is there"
                    );
                    self.events.message(Level::Warning, text);
                }
                continue;
            }
            let (after, replaced) = part.given_to(&before);
            let marked = MarkedField { field: part.field.to_owned(), value: part.value.clone(), replaced };
            found.push((FieldChange::new(part.field, before, after), marked));
        }
        let (fields, mut marked): (Vec<_>, Vec<_>) = found.into_iter().unzip();
        if self.counts && !fields.is_empty() {
            let kept = earlier.into_iter().flat_map(|mark| &mark.fields);
            marked.extend(kept.filter(|kept| fields.iter().all(|field| field.name != kept.field)).cloned());
            let made = MarkMade { run: self.claim.run, at: self.now, fields: marked };
            seen.marks.push((change.model.clone(), change.key.clone(), made));
        }
        Ok(fields)
    }

    /// The marks in the target that were made for absent records, and are there still. Whether those records are still absent is
    /// for the comparison to say.
    pub fn marks_in(&self, target: &Snapshot, fields: &ModelFields) -> Result<Vec<Unmark>> {
        let mut by_model: BTreeMap<String, HashMap<AnyKey, (MarkMade, Option<String>)>> = BTreeMap::new();
        for row in self.runtime.block_on(self.history.marked(self.sync))? {
            let Some(mark) = row.mark else { continue };
            by_model.entry(row.model).or_default().insert(row.key, (mark, row.native_id));
        }
        let mut found = Vec::new();
        for (model, marks) in by_model {
            let (Some(schema), Some(snapshot)) = (fields.schema(&model), target.models.get(model.as_str())) else {
                continue;
            };
            let mut reader = SnapshotReader::open(snapshot)?;
            while let Some(line) = reader.next_line()? {
                let key = AnyKey::from_canonical(&String::from_utf8_lossy(line.key));
                let Some((mark, id)) = marks.get(&key) else { continue };
                let native: Option<Native> = line.native.and_then(|native| serde_json::from_slice(native).ok());
                if native.as_ref().map(|native| native.id.to_string()) != *id {
                    continue;
                }
                let fields: Vec<_> = mark.fields.iter().filter_map(|marked| unmarked(marked, line.record)).collect();
                if !fields.is_empty() {
                    found.push(Unmark { model: schema.name, key, native, fields });
                }
            }
        }
        self.seen.borrow_mut().still_marked =
            found.iter().map(|unmark| hash(unmark.model, unmark.key.as_str())).collect();
        Ok(found)
    }

    /// What is to be remembered of the run for people.
    pub fn notes(&self) -> BTreeMap<String, String> {
        let seen = self.seen.borrow();
        let evidence = seen.by_evidence.iter().map(|(evidence, count)| (evidence.as_str(), count));
        let states = seen.by_state.iter().map(|(state, count)| (state.as_str(), count));
        evidence
            .map(|(name, count)| (format!("absent.{name}"), count.to_string()))
            .chain(states.map(|(name, count)| (format!("quarantine.{name}"), count.to_string())))
            .collect()
    }

    /// Writes down what was seen, if the run counts. `looked_at` are the models of which the whole target was compared.
    pub async fn write_down(self, looked_at: BTreeSet<&'static str>) -> Result<()> {
        if !self.counts {
            return Ok(());
        }
        let Self { history, policy, sync, claim, now, events, seen, .. } = self;
        let mut seen = seen.into_inner();
        seen.leave()?;
        let mut sighted = seen.sighted.items::<Sighted>()?;
        loop {
            let some = sighted.by_ref().take(WRITTEN_AT_ONCE).collect::<Result<Vec<_>>>()?;
            if some.is_empty() {
                break;
            }
            history.note_absent(claim, sync, &some, now, &policy).await?;
        }
        history.note_marks(claim, sync, &seen.marks).await?;
        let mut told = 0;
        for model in looked_at {
            while let Some(dismissed) =
                history.dismiss_from_quarantine(claim, sync, model, now, &seen.still_marked).await?
            {
                for dismissed in &dismissed {
                    told += 1;
                    if told <= NAMED || dismissed.streak.decision.is_some() {
                        events.message(Level::Info, farewell(dismissed));
                    }
                }
            }
        }
        if told > NAMED {
            events.message(Level::Info, format!("{told} records are absent no more"));
        }
        Ok(())
    }
}

/// The models of which every record of the target was compared, so that what was not seen absent is not.
pub fn looked_at(target: &Snapshot, modes: &BTreeMap<&'static str, ModelMode>) -> BTreeSet<&'static str> {
    let synced = modes.iter().filter(|(_, mode)| **mode == ModelMode::Sync).map(|(model, _)| *model);
    synced.filter(|model| target.models.get(model).is_some_and(|read| read.doubt().is_none())).collect()
}

fn farewell(dismissed: &Dismissed) -> String {
    let Dismissed { model, key, streak } = dismissed;
    let label = syncline_model::models::by_name(model).map_or(model.as_str(), |schema| schema.label);
    let (since, runs) = (streak.since.format("%Y-%m-%d"), streak.runs);
    let text = format!("the {label} `{key}` is absent no more: it was since {since}, and {runs} runs counted it");
    let Some(decision) = &streak.decision else { return text };
    let verdict = decision.verdict.as_str();
    format!("{text}; what {} decided (`{verdict}`: {}) goes with that", decision.by, decision.reason)
}

fn native_id(change: &Change) -> Option<String> {
    change.native.as_ref().map(|native| native.id.to_string())
}

/// The field and the value of the policy's mark, where the model has them.
fn by_policy(mark: &Mark, schema: &ModelSchema) -> Option<(&'static str, Value)> {
    match mark {
        Mark::None => None,
        Mark::Tag(slug) => {
            let field = schema.field("tags")?;
            matches!(field.kind, FieldKind::References(_)).then(|| ("tags", Value::Array(vec![slug.as_str().into()])))
        }
        Mark::Status(status) => match schema.field("status")?.kind {
            FieldKind::Choice(values) => values.contains(&status.as_str()).then(|| ("status", status.as_str().into())),
            _ => None,
        },
    }
}

impl Part {
    fn new(schema: &ModelSchema, field: &'static str, value: Value, target: &Snapshot) -> Result<Self> {
        let known = schema.field(field);
        let is_added = known.is_some_and(|known| matches!(known.kind, FieldKind::References(_)) && !known.exact);
        let mut lacks = None;
        if let Some(model) = known.and_then(|known| known.kind.referenced_model()) {
            let many = matches!(known.map(|known| known.kind), Some(FieldKind::References(_))) && !is_added;
            let keys =
                if many { value.as_array().map_or(&[][..], Vec::as_slice) } else { std::slice::from_ref(&value) };
            for key in keys {
                if !has(target, model, key)? {
                    let label = syncline_model::models::by_name(model).map_or(model, |schema| schema.label);
                    let key = AnyKey::from_value(key).map_or_else(|| key.to_string(), |key| key.to_string());
                    lacks = Some(format!("{label} `{key}`"));
                }
            }
        }
        Ok(Self { field, value, is_added, lacks })
    }

    /// What a field becomes, and what of it is replaced.
    fn given_to(&self, before: &Value) -> (Value, Value) {
        if self.is_added {
            (with_tag(before.as_array().map_or(&[][..], Vec::as_slice), &self.value), Value::Null)
        } else {
            (self.value.clone(), before.clone())
        }
    }
}

/// What becomes of a field of a record when its part of a mark is taken back; none when it has it no more.
fn unmarked(marked: &MarkedField, record: &[u8]) -> Option<UnmarkedField> {
    let (_, value) = RecordFields::of(record).find(|(name, _)| *name == marked.field.as_bytes())?;
    let now: Value = serde_json::from_slice(value).ok()?;
    if !bears(&now, &marked.value) {
        return None;
    }
    let (after, tag) = match &now {
        Value::Array(tags) if now != marked.value => {
            let others = tags.iter().filter(|tag| **tag != marked.value).cloned().collect();
            (Value::Array(others), Some(marked.value.clone()))
        }
        _ => (marked.replaced.clone(), None),
    };
    Some(UnmarkedField { field: FieldChange::new(&marked.field, now, after), tag })
}

/// Whether a field has a mark: it is the value, or the tag is one of the tags.
fn bears(field: &Value, mark: &Value) -> bool {
    field == mark || field.as_array().is_some_and(|tags| tags.contains(mark))
}

/// The tags with one more, in canonical order.
fn with_tag(tags: &[Value], tag: &Value) -> Value {
    let mut tags: Vec<_> = tags.iter().chain([tag]).cloned().collect();
    tags.sort_by_key(ToString::to_string);
    Value::Array(tags)
}

/// Whether the target has a record.
fn has(target: &Snapshot, model: &str, key: &Value) -> Result<bool> {
    let Some(snapshot) = target.models.get(model) else { return Ok(false) };
    let wanted = key.to_string();
    let mut reader = SnapshotReader::open(snapshot)?;
    while let Some(line) = reader.next_line()? {
        if line.key == wanted.as_bytes() {
            return Ok(true);
        }
    }
    Ok(false)
}
