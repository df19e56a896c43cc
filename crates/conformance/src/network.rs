//! The records that are written: a small network.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use syncline_model::{AnyKey, AnyRecord, DeletionClass, FieldSet, ModelSchema, models};

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
}
