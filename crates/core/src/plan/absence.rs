//! What the absence of a record from the source proves.

use std::collections::{BTreeMap, HashSet};

use syncline_model::{DeletionClass, FieldKind, ModelSchema};

use crate::bindings::hash;
use crate::change::{Change, Hold, HoldRule};
use crate::fields::ModelFields;
use crate::policy::{Deletes, Policy};
use crate::snapshot::Snapshot;

/// What is known about the reads when deletes are decided.
#[derive(Debug, Default)]
pub struct Evidence {
    /// Why this run deletes nothing at all: the first run, or the first after the mapping or the scope changed.
    pub first_run: Option<String>,
    /// Models whose source shrank too much to prove absence, with the reason.
    pub shrunk: BTreeMap<String, String>,
}

/// Decides which deletes are held, parents first: what hangs on a held record is held with it.
pub struct AbsenceRules<'a> {
    policy: &'a Policy,
    evidence: &'a Evidence,
    doubts: BTreeMap<&'static str, String>,
    held: HashSet<u128>,
}

impl<'a> AbsenceRules<'a> {
    pub fn new(policy: &'a Policy, evidence: &'a Evidence, source: &Snapshot, fields: &ModelFields) -> Self {
        let doubts =
            fields.iter().filter_map(|(schema, _)| Some((schema.name, doubt(schema, source, fields, evidence)?)));
        Self { policy, evidence, doubts: doubts.collect(), held: HashSet::new() }
    }

    /// Why a delete is held; none when it may go on. `is_ours` says whether Syncline created the record.
    pub fn judge(
        &mut self,
        schema: &'static ModelSchema,
        change: &Change,
        is_ours: impl FnOnce() -> bool,
    ) -> Option<Hold> {
        let hold = change.hold.clone().or_else(|| self.rule(schema, change, is_ours));
        if hold.is_some() {
            self.held.insert(hash(schema.name, change.key.as_str()));
        }
        hold
    }

    fn rule(&self, schema: &'static ModelSchema, change: &Change, is_ours: impl FnOnce() -> bool) -> Option<Hold> {
        let hold = |rule, reason: String| Some(Hold { rule, reason });
        if schema.deletion == DeletionClass::Shared {
            let reason = format!("a {} is never deleted because a source stopped mentioning it", schema.label);
            return hold(HoldRule::Shared, reason);
        }
        if let Some(doubt) = self.doubts.get(schema.name) {
            return hold(HoldRule::SourcePartial, format!("absence is not proven: {doubt}"));
        }
        if let Some((model, parent)) = self.held_parent(schema, change) {
            return hold(HoldRule::Parent, format!("its {model} `{parent}` is absent too, and held"));
        }
        if let Some(reason) = &self.evidence.first_run {
            return hold(HoldRule::FirstRun, reason.clone());
        }
        if self.policy.deletes == Deletes::Hold {
            let reason = "the sync's policy holds deletes back (`policy.deletes = \"apply\"` applies them)".to_owned();
            return hold(HoldRule::Policy, reason);
        }
        if self.policy.only_own && !is_ours() {
            let reason = "Syncline did not create it (`policy.only_own = false` deletes it all the same)".to_owned();
            return hold(HoldRule::NotOurs, reason);
        }
        None
    }

    /// A record that the change's record refers to and that is absent and held.
    fn held_parent(&self, schema: &'static ModelSchema, change: &Change) -> Option<(&'static str, String)> {
        change.fields.iter().find_map(|field| {
            let FieldKind::Reference(model) = schema.field(&field.name)?.kind else { return None };
            let key = syncline_model::AnyKey::from_value(&field.before)?;
            self.held.contains(&hash(model, key.as_str())).then(|| (model, key.to_string()))
        })
    }
}

/// Why absence from the source's read of a model proves nothing. The reads of the models in its key count too: without the
/// device, its interfaces cannot be known.
fn doubt(schema: &'static ModelSchema, source: &Snapshot, fields: &ModelFields, evidence: &Evidence) -> Option<String> {
    if let Some(reason) = evidence.shrunk.get(schema.name) {
        return Some(reason.clone());
    }
    let Some(snapshot) = source.models.get(schema.name) else {
        return Some(format!("the source's {} were not read", schema.plural));
    };
    if let Some(reason) = snapshot.doubt() {
        return Some(format!("the read of {} is not complete: {reason}", schema.plural));
    }
    let parents = schema.key_fields().filter_map(|field| field.kind.referenced_model());
    parents.filter_map(|parent| fields.schema(parent)).find_map(|parent| doubt(parent, source, fields, evidence))
}
