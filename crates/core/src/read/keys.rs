//! How the references of a system become those of records.

use std::collections::HashMap;
use std::hash::Hash;

use serde_json::{Map, Value};
use syncline_model::{AnyKey, ModelSchema};

/// Keys by the system's own ids, of what was read so far.
#[derive(Debug)]
pub struct KeysById<Id>(HashMap<&'static str, HashMap<Id, Option<AnyKey>>>);

/// What is known of an id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Referred {
    /// The record.
    To(AnyKey),
    /// An object that is left out: what is a part of it is left out too, and elsewhere it is as good as none.
    LeftOut,
    /// Nothing: it was not read.
    Unknown,
}

impl<Id> Default for KeysById<Id> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<Id: Hash + Eq> KeysById<Id> {
    /// Notes a record by the fields of its key, which may be named with others. Its key; none if it is not one.
    pub fn insert(&mut self, schema: &'static ModelSchema, id: Id, record: &Map<String, Value>) -> Option<AnyKey> {
        let part = |name: &str| record.get(name).cloned().unwrap_or_default();
        let parts: Value = schema.key_fields().map(|field| part(field.name)).collect();
        let key = schema.key_from_json(&parts).ok()?;
        self.0.entry(schema.name).or_default().insert(id, Some(key.clone()));
        Some(key)
    }

    /// Notes an object that is left out.
    pub fn leave_out(&mut self, schema: &'static ModelSchema, id: Id) {
        self.0.entry(schema.name).or_default().insert(id, None);
    }

    /// What an id leads to.
    pub fn get(&self, model: &str, id: &Id) -> Referred {
        match self.0.get(model).and_then(|keys| keys.get(id)) {
            Some(Some(key)) => Referred::To(key.clone()),
            Some(None) => Referred::LeftOut,
            None => Referred::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use syncline_model::Model as _;
    use syncline_model::models::{Interface, Site};

    use super::*;

    #[test]
    fn an_id_leads_to_the_key_of_its_record() {
        let mut keys = KeysById::default();
        let record = |value: Value| value.as_object().cloned().unwrap();
        keys.insert(Site::SCHEMA, 1, &record(json!({"slug": "atl", "name": "Atlanta"}))).unwrap();
        assert!(keys.insert(Site::SCHEMA, 2, &record(json!({"name": "no slug"}))).is_none());
        keys.leave_out(Site::SCHEMA, 3);
        assert_eq!(keys.get(Site::NAME, &1), Referred::To(AnyKey::parse(r#"["atl"]"#).unwrap()));
        assert_eq!(keys.get(Site::NAME, &2), Referred::Unknown);
        assert_eq!(keys.get(Site::NAME, &3), Referred::LeftOut);
        assert_eq!(keys.get(Interface::NAME, &1), Referred::Unknown);
    }
}
