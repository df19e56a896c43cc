//! References that are cleared before what they refer to can change.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::Value;
use syncline_model::{AnyKey, FieldKind, FieldSchema, ModelSchema};

use super::Memory;
use super::spool::Spool;
use crate::bindings::hash;
use crate::change::{Action, Change, FieldChange};
use crate::diff::RecordFields;
use crate::fields::ModelFields;
use crate::ignore::Ignored;
use crate::native::Native;
use crate::policy::{FieldRule, Policy};
use crate::snapshot::{Ambiguities, Snapshot, SnapshotReader};
use crate::target::Release;
use crate::{Error, ErrorKind, Result};

/// Finds what is to be released.
pub struct Releases<'a> {
    pub rules: &'static [Release],
    pub fields: &'a ModelFields,
    pub policy: &'a Policy,
    pub source: &'a Snapshot,
    pub target: &'a Snapshot,
    pub memory: &'a dyn Memory,
    pub ambiguous: Option<&'a Ambiguities>,
    /// What people want left alone: what refers to something there keeps its reference.
    pub ignored: Option<&'a Ignored>,
    /// Updates that are held, by hash of model and key: what is let go there gets nothing in its place.
    pub held: &'a HashSet<u128>,
    /// Whether references to records that go are parted otherwise, after everything else (`plan/circles`).
    pub only_moved: bool,
}

/// A record that refers to something that is to change.
struct Candidate {
    key: String,
    native: Native,
    value: Vec<u8>,
    in_source: bool,
    /// What the source has in the field, where it is initial: nothing else would bring it.
    refill: Option<Vec<u8>>,
}

/// What is let go, and what comes in its place.
pub struct Released {
    /// The updates that clear references.
    pub releases: Vec<Change>,
    /// Updates that give a cleared field what the source has. Only of initial fields: others differ, and are updated anyway.
    pub refills: Vec<Change>,
}

impl Releases<'_> {
    /// The updates that clear references: those of the target to records that `moved`, by the rule that they would break, or that
    /// are `going`, where the source does not say them.
    pub fn find(&self, moved: &BTreeMap<usize, HashSet<u128>>, going: &HashSet<u128>) -> Result<Released> {
        let mut found: Vec<Change> = Vec::new();
        let mut refills: Vec<Change> = Vec::new();
        for (number, rule) in self.rules.iter().enumerate() {
            let moved = moved.get(&number);
            let holds_delete = rule.holds_delete && !self.only_moved;
            if moved.is_none() && (going.is_empty() || !holds_delete) {
                continue;
            }
            let Some(schema) = self.fields.schema(rule.model) else { continue };
            let Some(position) = schema.position(rule.field).filter(|p| self.fields.of(rule.model).contains(*p)) else {
                continue;
            };
            let FieldKind::Reference(referred) = schema.fields[position].kind else { continue };
            if self.policy.rule_of(rule.model, rule.field) != FieldRule::SourceWins {
                continue;
            }
            let changes = |value: &[u8]| {
                let hash = hash(referred, &String::from_utf8_lossy(value));
                moved.is_some_and(|moved| moved.contains(&hash)) || (holds_delete && going.contains(&hash))
            };
            let mut candidates = self.referring(schema, rule.field, changes)?;
            if candidates.is_empty() {
                continue;
            }
            self.ask_source(schema, rule.field, &mut candidates)?;
            let mut candidates: Vec<_> = candidates.into_values().collect();
            candidates.sort_by(|a, b| a.key.cmp(&b.key));
            for mut candidate in candidates {
                let own = hash(schema.name, &candidate.key);
                let ignored = self.ignored.and_then(|ignored| ignored.of(schema.name, &candidate.key));
                if self.held.contains(&own) || ignored.is_some_and(|ignored| ignored.keeps(rule.field)) {
                    continue;
                }
                let goes = going.contains(&own);
                let known = candidate.in_source || goes;
                let refill = candidate.refill.take();
                let change = cleared(schema, rule.field, candidate)?;
                if self.ambiguous.is_some_and(|ambiguous| ambiguous.get(schema.name, &change.key).is_some()) {
                    continue;
                }
                // Somebody else's record is left as it is, and whatever needs it released says so.
                if known || self.memory.owns(&change)? {
                    if let Some(refill) = refill {
                        add(&mut refills, given(&schema.fields[position], &change, &refill)?);
                    }
                    add(&mut found, change);
                }
            }
        }
        Ok(Released { releases: found, refills })
    }

    /// The records of the target whose field refers to something that changes.
    fn referring(
        &self,
        schema: &'static ModelSchema,
        field: &str,
        changes: impl Fn(&[u8]) -> bool,
    ) -> Result<HashMap<u128, Candidate>> {
        let mut found = HashMap::new();
        let Some(snapshot) = self.target.models.get(schema.name) else { return Ok(found) };
        let mut reader = SnapshotReader::open(snapshot)?;
        while let Some(line) = reader.next_line()? {
            let value = RecordFields::of(line.record).find(|(name, _)| *name == field.as_bytes());
            let Some((_, value)) = value.filter(|(_, value)| changes(value)) else { continue };
            let Some(native) = line.native else { continue };
            let key = String::from_utf8_lossy(line.key).into_owned();
            let native = serde_json::from_slice(native).map_err(damaged)?;
            let candidate = Candidate { native, value: value.to_owned(), in_source: false, refill: None, key };
            found.insert(hash(schema.name, &candidate.key), candidate);
        }
        Ok(found)
    }

    /// Drops what the source itself says, and keeps what it says in its place.
    fn ask_source(&self, schema: &ModelSchema, field: &str, candidates: &mut HashMap<u128, Candidate>) -> Result<()> {
        let Some(snapshot) = self.source.models.get(schema.name) else { return Ok(()) };
        let position = schema.position(field);
        let is_initial = position.is_some_and(|at| self.fields.initial_of(schema.name).contains(at));
        let mut reader = SnapshotReader::open(snapshot)?;
        while let Some(line) = reader.next_line()? {
            let own = hash(schema.name, &String::from_utf8_lossy(line.key));
            let Some(candidate) = candidates.get_mut(&own) else { continue };
            candidate.in_source = true;
            let said =
                RecordFields::of(line.record).find(|(name, _)| *name == field.as_bytes()).map(|(_, value)| value);
            if said == Some(&*candidate.value) {
                candidates.remove(&own);
            } else if is_initial {
                candidate.refill = said.filter(|said| *said != b"null").map(<[u8]>::to_vec);
            }
        }
        Ok(())
    }
}

/// Adds a release. One of a record that is released already joins that one: the second would find the record moved by the first.
fn add(found: &mut Vec<Change>, release: Change) {
    match found.iter_mut().find(|known| known.model == release.model && known.key == release.key) {
        None => found.push(release),
        Some(known) => join(known, release),
    }
}

fn join(known: &mut Change, other: Change) {
    known.fields.extend(other.fields);
    known.id = Change::id_of(&known.model, &known.key, known.action, &known.fields);
}

/// Joins updates with those of the same records that wait already, into `joined`. Those that found none follow the others, and are
/// returned.
pub fn refilled(upserts: Spool, mut refills: Vec<Change>, joined: &mut Spool) -> Result<Vec<Change>> {
    for change in upserts.items()? {
        let mut change: Change = change?;
        let is_update = change.action == Action::Update && change.hold.is_none();
        let same = |refill: &Change| refill.model == change.model && refill.key == change.key;
        if let Some(at) = refills.iter().position(|refill| is_update && same(refill)) {
            join(&mut change, refills.swap_remove(at));
        }
        joined.push(&change)?;
    }
    for refill in &refills {
        joined.push(refill)?;
    }
    Ok(refills)
}

/// The update that gives a released field what the source has.
fn given(field: &FieldSchema, release: &Change, value: &[u8]) -> Result<Change> {
    let before = release.fields.first().map(|field| field.before.clone()).unwrap_or_default();
    let after: Value = serde_json::from_slice(value).map_err(damaged)?;
    let given = FieldChange { deferred: field.deferred, ..FieldChange::new(field.name, before, after) };
    Ok(Change::new(&release.model, release.key.clone(), Action::Update, release.native.clone(), vec![given]))
}

fn cleared(schema: &ModelSchema, field: &str, candidate: Candidate) -> Result<Change> {
    let before: Value = serde_json::from_slice(&candidate.value).map_err(damaged)?;
    let key = AnyKey::from_canonical(&candidate.key);
    let fields = vec![FieldChange::new(field, before, Value::Null)];
    Ok(Change::new(schema.name, key, Action::Update, Some(candidate.native), fields))
}

fn damaged(error: serde_json::Error) -> Error {
    Error::new(ErrorKind::Storage, "a snapshot holds a record that cannot be read").caused_by(error)
}
