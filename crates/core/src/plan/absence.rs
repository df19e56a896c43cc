//! What the absence of a record from the source proves.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use serde_json::Value;
use syncline_model::{AnyKey, DeletionClass, FieldKind, ModelSchema};

use super::Memory;
use super::whole::{left_alone, wholes, wholes_of};
use crate::Result;
use crate::bindings::hash;
use crate::change::{Change, Hold, HoldRule};
use crate::diff::RecordFields;
use crate::fields::ModelFields;
use crate::ignore::Ignored;
use crate::mapping::Keys;
use crate::models::ModelMode;
use crate::native::Native;
use crate::policy::{Deletes, Policy};
use crate::snapshot::{ModelSnapshot, Snapshot, SnapshotReader};
use crate::{Error, ErrorKind};

/// What is known about the reads when deletes are decided.
#[derive(Debug, Default)]
pub struct Evidence {
    /// Why this run deletes nothing at all: the first run, or the first after the mapping or the scope changed.
    pub first_run: Option<String>,
    /// Why this target takes no deletes.
    pub no_deletes: Option<String>,
    /// Why the source proves no absence of anything: it lacks what it must have, or most of what it had.
    pub doubt: Option<String>,
    /// Models whose source shrank too much to prove absence, with the reason.
    pub shrunk: BTreeMap<String, String>,
    /// How mapping rules call what they leave out: the source has it, so that its absence proves nothing.
    pub left_out: Arc<Keys>,
    /// The plan takes back what a run did: that the run created a record is all the evidence that its delete needs. Whose the
    /// record is, and who uses it, still counts.
    pub undoes: bool,
}

/// Decides which deletes are held, parents first: what belongs to a held record is held with it.
pub struct AbsenceRules<'a> {
    policy: &'a Policy,
    evidence: &'a Evidence,
    fields: &'a ModelFields,
    doubts: BTreeMap<&'static str, String>,
    held: HashSet<u128>,
    going: HashSet<u128>,
    /// The target's ids of records whose sources mapping rules leave out, by model, once somebody asked.
    linked: RefCell<HashMap<&'static str, HashSet<Box<str>>>>,
    /// What people want left alone; none where that does not count.
    ignored: Option<&'a Ignored>,
}

impl<'a> AbsenceRules<'a> {
    pub fn new(policy: &'a Policy, evidence: &'a Evidence, source: &Snapshot, fields: &'a ModelFields) -> Self {
        let doubts =
            fields.iter().filter_map(|(schema, _)| Some((schema.name, doubt(schema, source, fields, evidence)?)));
        let (held, going) = (HashSet::new(), HashSet::new());
        let linked = RefCell::default();
        Self { policy, evidence, fields, doubts: doubts.collect(), held, going, linked, ignored: None }
    }

    /// Holds what belongs to a record that people want left alone, whether that is absent or not.
    pub fn leaving(self, ignored: Option<&'a Ignored>) -> Self {
        Self { ignored, ..self }
    }

    /// Decides which of some deletes of a model are held, and why.
    pub fn judge(&mut self, schema: &'static ModelSchema, deletes: &mut [Change], memory: &dyn Memory) -> Result<()> {
        let is_proven = self.unproven(schema).is_none() && self.evidence.first_run.is_none();
        memory.look_ahead(schema, deletes, is_proven)?;
        for change in deletes {
            if change.hold.is_none() {
                change.hold = match self.left_with(schema, change) {
                    Some(hold) => Some(hold),
                    None => self.rule(schema, change, memory)?,
                };
            }
            let own = hash(schema.name, change.key.as_str());
            if change.hold.is_some() {
                self.held.insert(own)
            } else {
                self.going.insert(own)
            };
        }
        Ok(())
    }

    /// The records that go as far as these rules know.
    pub fn going(self) -> HashSet<u128> {
        self.going
    }

    /// Why no record of a model is deleted, whatever is known of it.
    fn unproven(&self, schema: &'static ModelSchema) -> Option<Hold> {
        let hold = |rule, reason: String| Some(Hold { rule, reason });
        if self.evidence.undoes {
            return self.evidence.no_deletes.clone().and_then(|reason| hold(HoldRule::Policy, reason));
        }
        if schema.deletion == DeletionClass::Shared {
            let reason = format!("a {} is never deleted because a source stopped mentioning it", schema.label);
            return hold(HoldRule::Shared, reason);
        }
        if let Some(reason) = &self.evidence.no_deletes {
            return hold(HoldRule::Policy, reason.clone());
        }
        let doubt = self.doubts.get(schema.name)?;
        hold(HoldRule::SourcePartial, format!("absence is not proven: {doubt}"))
    }

    /// What the reads, the policy and earlier runs say.
    fn rule(&self, schema: &'static ModelSchema, change: &Change, memory: &dyn Memory) -> Result<Option<Hold>> {
        if let Some(hold) = self.unproven(schema) {
            return Ok(Some(hold));
        }
        let hold = |rule, reason: String| Some(Hold { rule, reason });
        if self.evidence.undoes {
            return self.undone(schema, change, memory);
        }
        if self.is_left_out(schema, change, memory)? {
            return Ok(hold(HoldRule::SourcePartial, "the source has it, and a mapping rule leaves it out".to_owned()));
        }
        let parent = self.whole(schema, change, &self.held);
        let parent = parent.map(|(whole, key)| held_with(whole, &key, self.evidence.undoes));
        if let Some(reason) = &self.evidence.first_run {
            return Ok(parent.or_else(|| hold(HoldRule::FirstRun, reason.clone())));
        }
        // A part waits with what it belongs to, and goes with it. Everything else waits on its own, whatever else holds it: a
        // device does not begin to wait when its site has gone.
        let follows = parent.is_some() || self.whole(schema, change, &self.going).is_some();
        let mut waits = None;
        let mut foreign = None;
        if !(follows && (parent.is_some() || self.policy.deletes == Deletes::Hold)) {
            let is_ours = !self.policy.only_own || memory.is_ours(change)?;
            if !is_ours {
                let reason =
                    "Syncline did not create it (`policy.only_own = false` deletes it all the same)".to_owned();
                foreign = hold(HoldRule::NotOurs, reason);
            } else if !follows && schema.deletion != DeletionClass::Passing {
                waits = memory.absent(schema, change)?;
            }
        }
        if parent.is_some() {
            return Ok(parent);
        }
        // What is not ours would stay whatever the policy says of deletes.
        if self.policy.deletes == Deletes::Hold && foreign.is_none() {
            let reason = "the sync's policy holds deletes back (`policy.deletes = \"apply\"` applies them)".to_owned();
            return Ok(hold(HoldRule::Policy, reason));
        }
        Ok(foreign.or(waits))
    }

    /// Whether a mapping rule leaves the change's record out: by its key, or by what the source calls the record that it was made of.
    fn is_left_out(&self, schema: &'static ModelSchema, change: &Change, memory: &dyn Memory) -> Result<bool> {
        if self.evidence.left_out.is_out_of_scope(schema.name, &change.key) {
            return Ok(true);
        }
        let Some(natives) = self.evidence.left_out.natives_left_out(schema.name).filter(|natives| !natives.is_empty())
        else {
            return Ok(false);
        };
        let mut linked = self.linked.borrow_mut();
        if !linked.contains_key(schema.name) {
            let links = memory.links(schema.name)?.into_iter();
            let left_out = links.filter(|(source, _)| natives.contains(source)).map(|(_, target)| target);
            linked.insert(schema.name, left_out.collect());
        }
        let is_linked = |native: &Native| linked.get(schema.name).is_some_and(|ids| ids.contains(&native.id));
        Ok(change.native.as_ref().is_some_and(is_linked))
    }

    /// The hold of what belongs to a record that people want left alone.
    fn left_with(&self, schema: &'static ModelSchema, change: &Change) -> Option<Hold> {
        let ignored = self.ignored.filter(|ignored| !ignored.is_empty())?;
        left_alone(wholes_of(schema, change, self.fields), self.fields, ignored).map(ignored_with)
    }

    /// What holds the delete of a record that a run created which is being taken back.
    fn undone(&self, schema: &'static ModelSchema, change: &Change, memory: &dyn Memory) -> Result<Option<Hold>> {
        if let Some((whole, key)) = self.whole(schema, change, &self.held) {
            return Ok(Some(held_with(whole, &key, true)));
        }
        let is_ours = !self.policy.only_own || memory.is_ours(change)?;
        Ok((!is_ours).then(|| {
            let reason = "it is not the one that Syncline created (`policy.only_own = false` deletes it all the same)";
            Hold { rule: HoldRule::NotOurs, reason: reason.to_owned() }
        }))
    }

    /// A record that the change's record belongs to and that is one of `these`.
    fn whole(
        &self,
        schema: &'static ModelSchema,
        change: &Change,
        these: &HashSet<u128>,
    ) -> Option<(&'static ModelSchema, AnyKey)> {
        let mut wholes = wholes_of(schema, change, self.fields);
        wholes.find(|(whole, key)| these.contains(&hash(whole.name, key.as_str())))
    }
}

/// The hold of what belongs to a record that stays.
fn held_with(whole: &ModelSchema, key: &AnyKey, undoes: bool) -> Hold {
    // For an undo nothing is absent: it takes back what is there.
    let stays = if undoes { "stays" } else { "is absent too, and held" };
    Hold { rule: HoldRule::Parent, reason: format!("its {} `{key}` {stays}", whole.label) }
}

/// The hold of what hangs on a record that people want left alone.
pub(super) fn ignored_with(left: String) -> Hold {
    Hold { rule: HoldRule::Ignored, reason: format!("its {left}") }
}

/// Why absence from the source's read of a model proves nothing. The reads of the models that it refers to count too: without
/// the device its interfaces cannot be known, and without the interface its addresses.
pub(super) fn doubt(
    schema: &'static ModelSchema,
    source: &Snapshot,
    fields: &ModelFields,
    evidence: &Evidence,
) -> Option<String> {
    if let Some(reason) = evidence.doubt.as_ref().or_else(|| evidence.shrunk.get(schema.name)) {
        return Some(reason.clone());
    }
    let Some(snapshot) = source.models.get(schema.name) else {
        return Some(format!("the source's {} were not read", schema.plural));
    };
    if let Some(reason) = snapshot.doubt() {
        return Some(format!("the read of {} is not complete: {reason}", schema.plural));
    }
    let parents =
        schema.fields.iter().filter(|field| !field.deferred).filter_map(|field| field.kind.referenced_model());
    let parents = parents.filter(|parent| *parent != schema.name).filter_map(|parent| fields.schema(parent));
    parents.into_iter().find_map(|parent| doubt(parent, source, fields, evidence))
}

/// Finds which of the records to be deleted must stay, because of what the target keeps: a target that deletes an interface
/// deletes its addresses with it.
///
/// A record stays if one that stays refers to it, by itself or in a set, or if nobody knows what refers to it; and what belongs to
/// a record that stays stays with it. `deletes` are hashes of model and key, and lose those that stay.
pub fn in_use(
    deletes: &mut HashSet<u128>,
    models: &[&'static ModelSchema],
    within: &Within<'_>,
) -> Result<HashMap<u128, Hold>> {
    let Within { target, fields, modes, undoes, released } = within;
    let mut holds = HashMap::new();
    let referring = |model: &str| {
        let refers =
            move |schema: &&'static ModelSchema, model: &str| schema.references().any(|(_, other)| other == model);
        let model = model.to_owned();
        syncline_model::models::ALL.iter().copied().filter(move |schema| refers(schema, &model))
    };
    let asked: BTreeSet<&'static str> = models.iter().map(|schema| schema.name).collect();
    let mut scanned: BTreeSet<&'static str> = BTreeSet::new();
    for schema in models {
        // Parts go with what they belong to, so a model of parts that is not looked at hides what would go along.
        let unknown = referring(schema.name).filter(|part| part.deletion == DeletionClass::Part).find_map(|part| {
            if part.name == schema.name {
                return None;
            }
            // What an undo only looks up is read all the same.
            let looked_at =
                if *undoes { modes.get(part.name).is_some() } else { modes.get(part.name) == Some(&ModelMode::Sync) };
            if !looked_at {
                return Some(format!("{} are not synced", part.plural));
            }
            let doubt = target.models.get(part.name).and_then(ModelSnapshot::doubt);
            doubt.map(|doubt| format!("the read of the target's {} is not complete: {doubt}", part.plural))
        });
        if let Some(unknown) = unknown {
            hold_all(schema, target, deletes, &mut holds, &format!("what hangs on it is not known: {unknown}"))?;
        }
        let others = fields.iter().map(|(other, _)| other);
        scanned
            .extend(others.filter(|other| other.references().any(|(_, m)| m == schema.name)).map(|other| other.name));
    }
    loop {
        let before = holds.len();
        for schema in scanned.iter().filter_map(|model| fields.schema(model)) {
            let Some(snapshot) = target.models.get(schema.name) else { continue };
            let mut reader = SnapshotReader::open(snapshot)?;
            while let Some(line) = reader.next_line()? {
                let key = String::from_utf8_lossy(line.key);
                let own = hash(schema.name, &key);
                let goes = deletes.contains(&own);
                for (name, value) in RecordFields::of(line.record) {
                    let field = schema.fields.iter().find(|field| field.name.as_bytes() == name);
                    let Some(field) =
                        field.filter(|field| field.kind.referenced_model().is_some_and(|m| asked.contains(m)))
                    else {
                        continue;
                    };
                    if !goes {
                        for_each_referred(field.kind, value, |model, referred| {
                            let hash = hash(model, referred);
                            if deletes.contains(&hash)
                                && !released.contains(&reference(schema.name, &key, field.name, referred))
                            {
                                deletes.remove(&hash);
                                let user = AnyKey::from_canonical(&key);
                                let reason = format!("{} `{user}`, which stays, refers to it", schema.label);
                                holds.insert(hash, Hold { rule: HoldRule::InUse, reason });
                            }
                        })?;
                        continue;
                    }
                    let Some((_, whole)) = wholes(schema, fields).find(|(part_of, _)| part_of.name == field.name)
                    else {
                        continue;
                    };
                    let referred = String::from_utf8_lossy(value);
                    if holds.contains_key(&hash(whole.name, &referred)) && deletes.remove(&own) {
                        holds.insert(own, held_with(whole, &AnyKey::from_canonical(&referred), *undoes));
                    }
                }
            }
        }
        if holds.len() == before {
            return Ok(holds);
        }
    }
}

/// What [`in_use`] looks through.
pub struct Within<'a> {
    /// What the target has.
    pub target: &'a Snapshot,
    /// The models that were read.
    pub fields: &'a ModelFields,
    /// What is done with each of them.
    pub modes: &'a BTreeMap<String, ModelMode>,
    /// The plan takes back what a run did.
    pub undoes: bool,
    /// References that updates of the plan take away, alone or out of a set, by [`reference`]. An update that does not go through keeps what it refers to
    /// when the plan is applied.
    pub released: &'a HashSet<u128>,
}

/// Names a reference: a field of a record, and what it refers to.
pub fn reference(model: &str, key: &str, field: &str, referred: &str) -> u128 {
    hash(model, &format!("{key}.{field}.{referred}"))
}

/// Tells the model and the key of each record that a value of a field refers to.
fn for_each_referred(kind: FieldKind, value: &[u8], mut tell: impl FnMut(&'static str, &str)) -> Result<()> {
    match kind {
        FieldKind::Reference(model) => tell(model, &String::from_utf8_lossy(value)),
        FieldKind::References(model) => {
            let members: Vec<Value> = serde_json::from_slice(value).map_err(|error| {
                Error::new(ErrorKind::Storage, "a snapshot holds a record that cannot be read").caused_by(error)
            })?;
            for member in &members {
                tell(model, &member.to_string());
            }
        }
        FieldKind::Text
        | FieldKind::Integer
        | FieldKind::Boolean
        | FieldKind::Choice(_)
        | FieldKind::Texts
        | FieldKind::Pairs
        | FieldKind::Json => {}
    }
    Ok(())
}

/// Holds every record of a model that was to be deleted.
fn hold_all(
    schema: &'static ModelSchema,
    target: &Snapshot,
    deletes: &mut HashSet<u128>,
    holds: &mut HashMap<u128, Hold>,
    reason: &str,
) -> Result<()> {
    let Some(snapshot) = target.models.get(schema.name) else { return Ok(()) };
    let mut reader = SnapshotReader::open(snapshot)?;
    while let Some(line) = reader.next_line()? {
        let own = hash(schema.name, &String::from_utf8_lossy(line.key));
        if deletes.remove(&own) {
            holds.insert(own, Hold { rule: HoldRule::InUse, reason: reason.to_owned() });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
