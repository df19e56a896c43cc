//! What a record belongs to.

use syncline_model::{AnyKey, DeletionClass, FieldKind, FieldSchema, ModelSchema, models};

use crate::change::{Change, FieldChange};
use crate::fields::ModelFields;
use crate::ignore::{Ignored, IgnoredRecord};

/// The fields in which records of a model say what they belong to, with the models of that.
///
/// Only parts belong to something: an interface to its device, an address to its interface. A device does not belong to its site,
/// its chassis or its type: it comes and goes for reasons of its own. Nor does anything belong to what is shared by many, or to
/// what it refers to in the second pass, such as an interface to its aggregate.
pub fn wholes<'a>(
    schema: &ModelSchema,
    fields: &'a ModelFields,
) -> impl Iterator<Item = (&'static FieldSchema, &'static ModelSchema)> + use<'a> {
    let own: &'static [FieldSchema] = if schema.deletion == DeletionClass::Part { schema.fields } else { &[] };
    own.iter().filter(|field| !field.deferred).filter_map(|field| {
        let FieldKind::Reference(model) = field.kind else { return None };
        let whole = fields.schema(model).filter(|whole| whole.deletion != DeletionClass::Shared)?;
        Some((field, whole))
    })
}

/// The records that the record of a change belongs to, as it was before the change.
pub fn wholes_of<'a>(
    schema: &ModelSchema,
    change: &'a Change,
    fields: &'a ModelFields,
) -> impl Iterator<Item = (&'static ModelSchema, AnyKey)> + use<'a> {
    wholes(schema, fields).filter_map(|(field, whole)| {
        let said = change.fields.iter().find(|said| said.name == field.name)?;
        Some((whole, AnyKey::from_value(&said.before)?))
    })
}

/// The record that is left alone, with the reason, among `wholes` and what those belong to in turn, as far as their keys tell.
pub fn left_alone(
    mut wholes: impl Iterator<Item = (&'static ModelSchema, AnyKey)>,
    fields: &ModelFields,
    ignored: &Ignored,
) -> Option<String> {
    wholes.find_map(|(whole, key)| {
        let reason = ignored.of(whole.name, key.as_str()).and_then(IgnoredRecord::whole);
        match reason {
            Some(reason) => Some(named(whole, &key, reason)),
            None => left_alone(wholes_in_key(whole, &key, fields).into_iter(), fields, ignored),
        }
    })
}

/// What belongs to records, as far as single keys and changes tell.
#[derive(Clone, Copy)]
pub struct Belonging<'a> {
    /// The fields that tell.
    pub fields: &'a ModelFields,
    /// The records.
    pub whole: &'a Ignored,
}

impl Belonging<'_> {
    /// The models of what can belong to records of a model, directly or as part of a part.
    pub fn models(&self, whole: &str) -> Vec<&'static str> {
        let mut found: Vec<&'static str> = Vec::new();
        loop {
            let belongs = |schema: &&'static ModelSchema| {
                let mut wholes = wholes(schema, self.fields);
                !found.contains(&schema.name) && wholes.any(|(_, of)| of.name == whole || found.contains(&of.name))
            };
            match models::ALL.iter().copied().find(belongs) {
                Some(schema) => found.push(schema.name),
                None => return found,
            }
        }
    }

    /// Whether the keys of a model tell all that its records belong to.
    pub fn is_told_by_key(&self, model: &str) -> bool {
        self.fields.schema(model).is_some_and(|schema| wholes(schema, self.fields).all(|(field, _)| field.key))
    }

    /// Whether a record belongs to one of them by its key.
    pub fn by_key(&self, model: &str, key: &str) -> bool {
        let Some(schema) = self.fields.schema(model) else { return false };
        let wholes = wholes_in_key(schema, &AnyKey::from_canonical(key), self.fields);
        left_alone(wholes.into_iter(), self.fields, self.whole).is_some()
    }

    /// Whether a record belongs to one of them by the fields that it comes or goes with.
    pub fn by_fields(&self, model: &str, changed: &[FieldChange]) -> bool {
        let Some(schema) = self.fields.schema(model) else { return false };
        let wholes = wholes(schema, self.fields).flat_map(|(field, whole)| {
            let said = changed.iter().filter(move |said| said.name == field.name);
            said.flat_map(|said| [&said.before, &said.after])
                .filter_map(move |key| Some((whole, AnyKey::from_value(key)?)))
        });
        left_alone(wholes, self.fields, self.whole).is_some()
    }
}

/// A record that is left alone, in words: what the hold of whatever hangs on it says.
pub fn named(schema: &ModelSchema, key: &AnyKey, reason: &str) -> String {
    format!("{} `{key}` is {reason}", schema.label)
}

/// What a record belongs to by its key.
fn wholes_in_key(
    schema: &'static ModelSchema,
    key: &AnyKey,
    fields: &ModelFields,
) -> Vec<(&'static ModelSchema, AnyKey)> {
    let Ok(serde_json::Value::Array(parts)) = serde_json::from_str(key.as_str()) else { return Vec::new() };
    let part = |name: &str| parts.get(schema.key_fields().position(|field| field.name == name)?);
    let found =
        wholes(schema, fields).filter_map(|(field, whole)| Some((whole, AnyKey::from_value(part(field.name)?)?)));
    found.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write as _;
    use syncline_model::FieldSet;
    use syncline_model::models::ALL;

    #[test]
    fn keys_tell_what_all_but_addresses_belong_to() {
        let fields = ALL.iter().fold(ModelFields::new(), |all, schema| all.insert(schema, FieldSet::ALL));
        let belonging = Belonging { fields: &fields, whole: &Ignored::default() };
        let told = belonging.models("device").into_iter().map(|model| (model, belonging.is_told_by_key(model)));
        let told: std::collections::BTreeMap<_, _> = told.collect();
        assert_eq!(told, [("interface", true), ("ip_address", false), ("mac_address", true)].into());
    }

    #[test]
    fn only_parts_belong_to_something() {
        let fields = ALL.iter().fold(ModelFields::new(), |all, schema| all.insert(schema, FieldSet::ALL));
        let mut told = String::new();
        for schema in ALL {
            for (field, whole) in wholes(schema, &fields) {
                writeln!(told, "{}.{} -> {}", schema.name, field.name, whole.name).unwrap();
            }
        }
        insta::assert_snapshot!(told, @r"
        interface.device -> device
        mac_address.interface -> interface
        ip_address.interface -> interface
        ");
    }
}
