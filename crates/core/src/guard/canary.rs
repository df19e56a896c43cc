//! Canaries: records that a source always has. A source without one is not the source that it claims to be, or was not read
//! to its end, whatever it says.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use syncline_model::{AnyKey, FieldKind, FieldSchema, ModelSchema};

use super::{Demand, Guard, Guards, Verdict};
use crate::Result;
use crate::fields::ModelFields;
use crate::snapshot::{ModelSnapshot, Snapshot, SnapshotReader};

/// A record that must be in the source.
///
/// Only the source is asked for it: a target without it is a target that has yet to get it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Canary {
    /// The model.
    pub model: String,
    /// The record's key, as in a plan or flat: `[["atlanta-dc1"], "atl-core-1"]` or `["atlanta-dc1", "atl-core-1"]`.
    pub key: Vec<Value>,
}

/// What is wrong with a canary.
#[derive(Debug)]
pub(super) struct BadCanary {
    /// The setting that is at fault.
    pub(super) field: &'static str,
    /// What is wrong.
    pub(super) message: String,
}

impl Canary {
    /// The canary's key in canonical form. `schema` gives a model by name.
    pub(super) fn resolve(
        &self,
        schema: &dyn Fn(&str) -> Option<&'static ModelSchema>,
    ) -> std::result::Result<AnyKey, BadCanary> {
        let Some(own) = schema(&self.model) else {
            return Err(BadCanary { field: "model", message: format!("there is no model `{}`", self.model) });
        };
        let mut parts = self.key.iter();
        let key = shaped(own, &mut parts, schema, 8).filter(|_| parts.next().is_none());
        key.and_then(|key| AnyKey::from_value(&key)).ok_or_else(|| {
            let names: Vec<_> = key_names(own, schema, 8);
            let message = format!("is no key of the model `{}`; its parts are {}", own.name, names.join(", "));
            BadCanary { field: "key", message }
        })
    }
}

/// Takes the parts of a model's key, a reference nested or flat.
fn shaped(
    model: &ModelSchema,
    parts: &mut std::slice::Iter<'_, Value>,
    schema: &dyn Fn(&str) -> Option<&'static ModelSchema>,
    deepest: usize,
) -> Option<Value> {
    let deepest = deepest.checked_sub(1)?;
    model.key_fields().map(|field| part(field, parts, schema, deepest)).collect::<Option<Vec<_>>>().map(Value::Array)
}

fn part(
    field: &FieldSchema,
    parts: &mut std::slice::Iter<'_, Value>,
    schema: &dyn Fn(&str) -> Option<&'static ModelSchema>,
    deepest: usize,
) -> Option<Value> {
    let next = parts.as_slice().first()?;
    if next.is_null() {
        return field.nullable.then(|| parts.next().cloned()).flatten();
    }
    let fits = match field.kind {
        FieldKind::Reference(model) => {
            let model = schema(model)?;
            let Value::Array(nested) = next else { return shaped(model, parts, schema, deepest) };
            parts.next();
            let mut nested = nested.iter();
            return shaped(model, &mut nested, schema, deepest).filter(|_| nested.next().is_none());
        }
        FieldKind::Text | FieldKind::Choice(_) => next.is_string(),
        FieldKind::Integer => next.is_i64() || next.is_u64(),
        FieldKind::Boolean => next.is_boolean(),
        FieldKind::References(_) | FieldKind::Texts | FieldKind::Pairs | FieldKind::Json => false,
    };
    fits.then(|| parts.next().cloned()).flatten()
}

/// The parts of a model's key by name, references written out: `site.slug`, `name`.
fn key_names(
    model: &ModelSchema,
    schema: &dyn Fn(&str) -> Option<&'static ModelSchema>,
    deepest: usize,
) -> Vec<String> {
    let Some(deepest) = deepest.checked_sub(1) else { return Vec::new() };
    let names = model.key_fields().flat_map(|field| match field.kind.referenced_model().and_then(schema) {
        Some(inner) => {
            let inner = key_names(inner, schema, deepest).into_iter();
            inner.map(|name| format!("`{}.{}", field.name, name.trim_start_matches('`'))).collect()
        }
        None => vec![format!("`{}`", field.name)],
    });
    names.collect()
}

/// An objection for every canary that the source does not have.
pub fn missing_canaries(guards: &Guards, fields: &ModelFields, source: &Snapshot) -> Result<Vec<Verdict>> {
    let mut verdicts = Vec::new();
    let mut wanted: BTreeMap<&str, Vec<AnyKey>> = BTreeMap::new();
    let mut object = |model: &str, reason: String| {
        let reason = format!("{reason} (`guards.canaries`)");
        verdicts.push(Verdict { guard: Guard::Canary, model: model.to_owned(), demand: Demand::Refusal, reason });
    };
    for canary in &guards.canaries {
        if !source.models.contains_key(canary.model.as_str()) {
            let reason =
                format!("the canary `{}` cannot be looked for: the sync does not read its model", shown(canary));
            object(&canary.model, reason);
            continue;
        }
        match canary.resolve(&|model| fields.schema(model)) {
            Ok(key) => wanted.entry(&canary.model).or_default().push(key),
            Err(error) => object(&canary.model, format!("the canary `{}` {}", shown(canary), error.message)),
        }
    }
    for (model, keys) in wanted {
        for key in absent(&source.models[model], keys)? {
            let reason = format!("the canary `{key}` is not in the source, so nobody knows what else is missing");
            object(model, reason);
        }
    }
    Ok(verdicts)
}

/// A canary as it is configured, in words.
fn shown(canary: &Canary) -> String {
    AnyKey::from_value(&Value::Array(canary.key.clone())).map(|key| key.to_string()).unwrap_or_default()
}

/// Those of the keys that a read does not have. Case is no difference: people write names as they see them, and keys are
/// folded where the model does not tell case.
fn absent(snapshot: &ModelSnapshot, mut keys: Vec<AnyKey>) -> Result<Vec<AnyKey>> {
    let mut reader = SnapshotReader::open(snapshot)?;
    let folded = |key: &AnyKey| key.as_str().to_lowercase();
    let mut texts: Vec<_> = keys.iter().map(folded).collect();
    while let Some(line) = reader.next_line()? {
        while let Some(at) = texts.iter().position(|text| text.as_bytes().eq_ignore_ascii_case(line.key)) {
            texts.swap_remove(at);
            keys.swap_remove(at);
        }
        if keys.is_empty() {
            break;
        }
    }
    Ok(keys)
}
