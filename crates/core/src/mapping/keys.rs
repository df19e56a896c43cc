//! How records are called before and after a mapping.

use std::collections::{HashMap, HashSet};

use serde_json::Value;
use syncline_model::models::by_name;
use syncline_model::{AnyKey, ModelSchema};

use crate::bindings::hash;
use crate::native::Native;

/// Which records go by another key after a mapping, and which are left out. It holds what rules changed, and nothing for what only
/// refers to that.
#[derive(Debug, Default)]
pub struct Keys {
    /// The new keys by the old ones, of records whose own rules changed them.
    renamed: HashMap<&'static str, HashMap<AnyKey, AnyKey>>,
    /// The old keys by the new ones.
    names: HashMap<&'static str, HashMap<AnyKey, AnyKey>>,
    /// Records that are left out, by their old keys.
    left_out: HashSet<u128>,
    /// The same by the keys that they would have and that they had, with those that became one with another.
    out_of_scope: HashSet<u128>,
    /// What the source calls the records that are left out, by model.
    natives: HashMap<&'static str, HashSet<Box<str>>>,
    /// Models of which records are left out, by rules or with what they belong to.
    models_left_out: HashSet<&'static str>,
    /// Records whose new key another record has, by their old keys.
    merged: HashSet<u128>,
    /// Models whose rules set a part of the key.
    rekeyed: HashSet<&'static str>,
}

/// A key after a mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Followed {
    pub key: Value,
    /// What it names is left out, or belongs to what is.
    pub is_left_out: bool,
}

impl Keys {
    /// The key of a record, or of what a reference names, after the mapping.
    pub(super) fn follow(&self, model: &str, key: &Value) -> Followed {
        let Some(schema) = by_name(model) else { return Followed { key: key.clone(), is_left_out: false } };
        let own = AnyKey::from_value(key);
        let is_left_out = self.models_left_out.contains(schema.name)
            && own.as_ref().is_some_and(|own| self.left_out.contains(&hash(schema.name, own.as_str())));
        let new = own.and_then(|own| self.renamed.get(schema.name)?.get(&own));
        match new {
            Some(new) => Followed { key: new.to_value(), is_left_out },
            None => {
                let followed = self.follow_parts(schema, key);
                Followed { is_left_out: is_left_out || followed.is_left_out, ..followed }
            }
        }
    }

    /// A key whose parts follow what they name.
    pub(super) fn follow_parts(&self, schema: &ModelSchema, key: &Value) -> Followed {
        let mut is_left_out = false;
        let key = parts(schema, key, |model, part| {
            let part = self.follow(model, part);
            is_left_out |= part.is_left_out;
            part.key
        });
        Followed { key, is_left_out }
    }

    /// How a record was called before the mapping; none where nobody knows.
    pub fn original(&self, model: &str, key: &AnyKey) -> Option<AnyKey> {
        let schema = by_name(model)?;
        if let Some(old) = self.names.get(schema.name).and_then(|names| names.get(key)) {
            return Some(old.clone());
        }
        if self.rekeyed.contains(schema.name) {
            return None;
        }
        let mut is_known = true;
        let old = parts(schema, &key.to_value(), |model, part| {
            let old = AnyKey::from_value(part).and_then(|part| self.original(model, &part));
            is_known &= old.is_some();
            old.map(|old| old.to_value()).unwrap_or_default()
        });
        AnyKey::from_value(&old).filter(|_| is_known)
    }

    /// Whether the source has a record of this key, as it would be after the mapping, and a rule leaves it out.
    pub fn is_out_of_scope(&self, model: &str, key: &AnyKey) -> bool {
        self.out_of_scope.contains(&hash(model, key.as_str()))
    }

    /// What the source calls the records of a model that are left out; none where it tells no ids, or none is left out.
    pub fn natives_left_out(&self, model: &str) -> Option<&HashSet<Box<str>>> {
        self.natives.get(model)
    }

    /// How many records are left out.
    pub fn left_out(&self) -> usize {
        self.left_out.len()
    }

    /// Whether records of a model are left out, by themselves or with what a part of their key names.
    pub fn loses(&self, schema: &'static ModelSchema) -> bool {
        let mut parts = schema.key_fields().filter_map(|field| by_name(field.kind.referenced_model()?));
        self.models_left_out.contains(schema.name) || parts.any(|part| part != schema && self.loses(part))
    }

    /// Whether the keys of a model may be others than they were, or references to it lead nowhere.
    pub(super) fn has_moved(&self, schema: &'static ModelSchema) -> bool {
        let own = |model: &str| {
            self.renamed.get(model).is_some_and(|renamed| !renamed.is_empty()) || self.models_left_out.contains(model)
        };
        let by_parts = || {
            let mut referred = schema.key_fields().filter_map(|field| by_name(field.kind.referenced_model()?));
            referred.any(|other| other != schema && self.has_moved(other))
        };
        own(schema.name) || by_parts()
    }

    pub(super) fn is_merged(&self, model: &str, key: &AnyKey) -> bool {
        self.merged.contains(&hash(model, key.as_str()))
    }

    pub(super) fn rekeys(&mut self, model: &'static str) {
        self.rekeyed.insert(model);
    }

    /// A record is left out, which would have this key. The target may know it by the key that it had before there was a rule, or by
    /// one that another rule made of it: then by what the source calls it.
    pub(super) fn leave_out(&mut self, model: &'static str, old: &AnyKey, new: &AnyKey, native: Option<Native>) {
        self.models_left_out.insert(model);
        self.left_out.insert(hash(model, old.as_str()));
        self.out_of_scope.extend([hash(model, old.as_str()), hash(model, new.as_str())]);
        self.natives.entry(model).or_default().extend(native.map(|native| native.id));
    }

    /// A record becomes one with another.
    fn merge(&mut self, model: &'static str, old: &AnyKey) {
        self.merged.insert(hash(model, old.as_str()));
        self.out_of_scope.insert(hash(model, old.as_str()));
    }

    /// The rules of a record gave it another key. Of several that get the same, the first is kept.
    pub(super) fn rename(&mut self, model: &'static str, old: AnyKey, new: AnyKey) {
        let first = self.names.entry(model).or_default().entry(new.clone()).or_insert_with(|| old.clone());
        if *first != old {
            self.merge(model, &old);
        }
        self.renamed.entry(model).or_default().insert(old, new);
    }

    /// Whether a record got this key from its rules.
    pub(super) fn is_new(&self, model: &str, key: &AnyKey) -> bool {
        self.names.get(model).is_some_and(|names| names.contains_key(key))
    }

    /// A record has this key without a rule: the one that got it becomes one with it.
    pub(super) fn has_already(&mut self, model: &'static str, key: &AnyKey) {
        if let Some(old) = self.names.get_mut(model).and_then(|names| names.remove(key)) {
            self.merge(model, &old);
        }
    }
}

/// A key with the parts that are references replaced.
fn parts(schema: &ModelSchema, key: &Value, mut replace: impl FnMut(&'static str, &Value) -> Value) -> Value {
    let parts = key.as_array().map(Vec::as_slice).unwrap_or_default();
    let replaced = schema.key_fields().zip(parts).map(|(field, part)| match field.kind.referenced_model() {
        Some(model) if part.is_array() => replace(model, part),
        _ => part.clone(),
    });
    replaced.collect()
}
