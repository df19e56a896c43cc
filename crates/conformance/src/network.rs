//! The records that are written: a small network.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use syncline_model::{AnyKey, AnyRecord, DeletionClass, FieldKind, FieldSchema, FieldSet, ModelSchema, Slug, models};

use crate::lab::BoxError;

/// Records by model, as JSON.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Network {
    /// The records by the names of their models.
    pub records: BTreeMap<String, Vec<Map<String, Value>>>,
    /// Changes of single fields, each of which makes a network that is right too.
    pub edits: Vec<Edit>,
}

/// A change of one field of one record.
#[derive(Debug, Clone, PartialEq)]
pub struct Edit {
    /// The model.
    pub model: String,
    /// The record's key.
    pub key: Value,
    /// The field.
    pub field: String,
    /// What it becomes.
    pub value: Value,
}

impl Network {
    /// Two sites with a stack, links, VLANs, a VRF with the same addresses, and names that begin alike, have signs in them, or differ
    /// in their first zeros.
    pub fn sample() -> Self {
        // Both are checked by a test: what is wrong with them shows there.
        let records = serde_json::from_str(include_str!("../network.json")).unwrap_or_default();
        let edits: Vec<(String, Value, String, Value)> =
            serde_json::from_str(include_str!("../edits.json")).unwrap_or_default();
        let edits = edits.into_iter().map(|(model, key, field, value)| Edit { model, key, field, value });
        Self { records, edits: edits.collect() }
    }

    /// The network for a system that keeps no short names: those of the records are the ones that their names make. Names of what goes by
    /// its own are not edited, as that would be another record.
    pub fn called_by_name(mut self) -> Self {
        let mut slugs = BTreeMap::new();
        for (model, record) in
            self.records.iter().flat_map(|(model, records)| records.iter().map(move |one| (model, one)))
        {
            let name = record.get("name").or_else(|| record.get("model")).and_then(Value::as_str);
            if let (Some(Value::String(slug)), Some(made)) = (record.get("slug"), name.and_then(Slug::from_name)) {
                slugs.insert((model.clone(), slug.clone()), made.as_str().to_owned());
            }
        }
        for (model, records) in &mut self.records {
            let Some(schema) = models::by_name(model) else { continue };
            for (name, value) in records.iter_mut().flatten() {
                schema.field(name).into_iter().for_each(|field| respell(schema, field, value, &slugs));
            }
        }
        let is_name = |edit: &Edit| ["name", "model"].contains(&&*edit.field);
        self.edits.retain(|edit| !(is_name(edit) && slugs.keys().any(|(model, _)| *model == edit.model)));
        for edit in &mut self.edits {
            let Some(schema) = models::by_name(&edit.model) else { continue };
            respell_key(schema.name, &mut edit.key, &slugs);
            schema.field(&edit.field).into_iter().for_each(|field| respell(schema, field, &mut edit.value, &slugs));
        }
        self
    }

    /// The network with one field changed.
    pub fn with(&self, edit: &Edit) -> Result<Self, BoxError> {
        let mut edited = self.clone();
        let schema = models::by_name(&edit.model).ok_or_else(|| format!("there is no model `{}`", edit.model))?;
        let key = schema.key_from_json(&edit.key)?;
        let records = edited.records.get_mut(&edit.model).into_iter().flatten();
        let mut same = records.filter(|record| key_of(schema, record).is_some_and(|found| found == key));
        let record = same.next().ok_or_else(|| format!("there is no {} {key}", edit.model))?;
        record.insert(edit.field.clone(), edit.value.clone());
        drop(same);
        Ok(edited)
    }

    /// The network with one record more.
    pub fn and(mut self, model: &str, record: &Value) -> Self {
        self.records.entry(model.to_owned()).or_default().extend(record.as_object().cloned());
        self
    }

    /// What is left when most of it goes: what is shared by many, which is never deleted for its absence, and of other models the last
    /// record, which therefore refers to no other that goes. A source that has nothing left of a model is not believed.
    pub fn remainder(&self) -> Self {
        let mut left = Self { edits: Vec::new(), ..self.clone() };
        for (model, records) in &mut left.records {
            if models::by_name(model).is_some_and(|schema| schema.deletion != DeletionClass::Shared) {
                records.drain(..records.len().saturating_sub(1));
            }
        }
        left
    }

    /// How many records there are.
    pub fn len(&self) -> usize {
        self.records.values().map(Vec::len).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Other short names by model and short name.
type Slugs = BTreeMap<(String, String), String>;

/// Puts other short names into a field of a record.
fn respell(schema: &ModelSchema, field: &FieldSchema, value: &mut Value, slugs: &Slugs) {
    match (field.kind.referenced_model(), &mut *value) {
        (Some(other), Value::Array(members)) if matches!(field.kind, FieldKind::References(_)) => {
            for member in members {
                respell_key(other, member, slugs);
            }
        }
        (Some(other), value) => respell_key(other, value, slugs),
        (None, Value::String(slug)) if field.name == "slug" => {
            if let Some(made) = slugs.get(&(schema.name.to_owned(), slug.clone())) {
                slug.clone_from(made);
            }
        }
        _ => {}
    }
}

/// Puts other short names into the key of a record.
fn respell_key(model: &str, key: &mut Value, slugs: &Slugs) {
    let Some(schema) = models::by_name(model) else { return };
    let mut fields = schema.key_fields();
    match key {
        Value::Array(parts) => {
            for (part, field) in parts.iter_mut().zip(fields) {
                respell(schema, field, part, slugs);
            }
        }
        // A key of one part may be written without its brackets.
        part => fields.next().into_iter().for_each(|field| respell(schema, field, part, slugs)),
    }
}

fn key_of(schema: &'static ModelSchema, record: &Map<String, Value>) -> Option<AnyKey> {
    AnyRecord::from_json(schema, record, FieldSet::EMPTY).ok().map(|record| record.key().clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_is_made_of_whole_records() {
        let sample = Network::sample();
        assert!(sample.len() > 40);
        for (model, records) in &sample.records {
            let schema = models::by_name(model).unwrap();
            for record in records {
                AnyRecord::from_json(schema, record, schema.key_set()).unwrap();
            }
        }
    }

    /// Every field that the sample has and that is no part of a key has an edit, but for those whose edits would be others.
    #[test]
    fn every_field_is_edited_alone() {
        let sample = Network::sample();
        let mut missing = Vec::new();
        for (model, records) in &sample.records {
            let schema = models::by_name(model).unwrap();
            let fields = schema
                .fields
                .iter()
                .filter(|field| !field.key && records.iter().any(|record| record.contains_key(field.name)));
            for field in fields {
                if !sample.edits.iter().any(|edit| edit.model == *model && edit.field == field.name) {
                    missing.push(format!("{model}.{}", field.name));
                }
            }
        }
        // A primary address is of the device's own interfaces, so that it changes with them; a stack is left together with a position.
        assert_eq!(missing, ["device.virtual_chassis", "device.primary_ip4", "device.primary_ip6"]);
        for edit in &sample.edits {
            assert_ne!(sample.with(edit).unwrap(), sample, "{edit:?} changes nothing");
        }
    }

    #[test]
    fn short_names_are_those_that_the_names_make() {
        let named = Network::sample().called_by_name();
        let atlanta = &named.records["device"][0];
        assert_eq!(atlanta["site"], "atlanta");
        assert_eq!(atlanta["tags"], serde_json::json!(["core"]));
        assert_eq!(named.records["interface"][0]["device"], serde_json::json!(["atlanta", "atl-core-1"]));
        assert_eq!(named.records["device_type"][2]["slug"], "x1");
        for edit in &named.edits {
            assert_ne!(named.with(edit).unwrap(), named, "{edit:?} changes nothing");
        }
        assert!(!named.edits.iter().any(|edit| edit.model == "site" && edit.field == "name"));
        assert!(named.edits.iter().any(|edit| edit.model == "vlan" && edit.field == "name"));
    }
}
