//! Which fields of two records with the same key differ.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde_json::Value;
use syncline_model::{FieldKind, FieldSet, ModelSchema};

use super::{RecordFields, parse, parse_as};
use crate::Result;
use crate::change::FieldChange;

/// Which differences count.
#[derive(Debug, Clone, Copy)]
pub struct Compared {
    /// The fields that are compared.
    pub fields: FieldSet,
    /// Fields that are only good for a start: they differ only where the target has nothing.
    pub initial: FieldSet,
    /// Sets of references are to be the same, not only to have the source's members.
    pub exact: bool,
}

/// The fields in which the target's record must change to become what the source wants.
///
/// - A field that the source does not have is not said, and stays.
/// - A field that the target does not have is null there.
/// - Of a set of references, the source's members must be in the target's; others stay, unless the sets or the field are to be `exact`.
/// - An initial field of which the target has anything stays.
pub fn differing(schema: &ModelSchema, compared: Compared, wanted: &[u8], found: &[u8]) -> Result<Vec<FieldChange>> {
    let Compared { fields, initial, exact } = compared;
    let mut found = RecordFields::of(found).peekable();
    let mut changes = Vec::new();
    for (name, wanted) in RecordFields::of(wanted) {
        let Some(position) = schema.fields.iter().position(|field| field.name.as_bytes() == name) else { continue };
        if !fields.contains(position) {
            continue;
        }
        // Both sides have the fields in the schema's order.
        while found.next_if(|(other, _)| schema_position(schema, other).is_none_or(|other| other < position)).is_some()
        {
        }
        let found = found.next_if(|(other, _)| *other == name).map(|(_, value)| value);
        if found == Some(wanted) || (initial.contains(position) && !found.is_none_or(is_nothing)) {
            continue;
        }
        let field = &schema.fields[position];
        let before = found.map_or(Ok(Value::Null), parse)?;
        let after = match field.kind {
            FieldKind::References(_) if !exact && !field.exact => match union(wanted, found)? {
                Some(union) => union,
                None => continue,
            },
            _ => parse(wanted)?,
        };
        if before == after {
            continue;
        }
        changes.push(FieldChange { deferred: field.deferred, ..FieldChange::new(field.name, before, after) });
    }
    Ok(changes)
}

/// The fields that the target has and of which the source says nothing, where null in the source clears nothing; as they would be
/// cleared.
pub fn unsaid(schema: &ModelSchema, fields: FieldSet, wanted: &[u8], found: &[u8]) -> Result<Vec<FieldChange>> {
    let mut unsaid = Vec::new();
    for (name, value) in RecordFields::of(found) {
        let Some(position) = schema_position(schema, name) else { continue };
        let field = &schema.fields[position];
        let is_candidate = field.preserve && !field.key && fields.contains(position) && value != b"null";
        if !is_candidate || RecordFields::of(wanted).any(|(other, _)| other == name) {
            continue;
        }
        unsaid
            .push(FieldChange { deferred: field.deferred, ..FieldChange::new(field.name, parse(value)?, Value::Null) });
    }
    Ok(unsaid)
}

/// The fields that tell records of one key apart, with the values that they have there, as JSON.
pub fn apart<'r>(
    schema: &'r ModelSchema,
    records: &'r [&'r [u8]],
) -> impl Iterator<Item = (&'static str, Vec<Cow<'r, str>>)> {
    let value = |record: &'r [u8], field: &str| {
        let found = RecordFields::of(record).find(|(name, _)| *name == field.as_bytes());
        found.map_or(Cow::Borrowed("null"), |(_, value)| String::from_utf8_lossy(value))
    };
    schema.fields.iter().filter_map(move |field| {
        let values: BTreeSet<_> = records.iter().map(|record| value(record, field.name)).collect();
        (values.len() > 1).then(|| (field.name, values.into_iter().collect()))
    })
}

fn schema_position(schema: &ModelSchema, name: &[u8]) -> Option<usize> {
    schema.fields.iter().position(|field| field.name.as_bytes() == name)
}

fn is_nothing(value: &[u8]) -> bool {
    matches!(value, b"null" | b"[]")
}

/// Both sets together; none when the target has every wanted member already.
fn union(wanted: &[u8], found: Option<&[u8]>) -> Result<Option<Value>> {
    let members = |json: &[u8]| -> Result<BTreeSet<String>> {
        Ok(parse_as::<Vec<Value>>(json)?.iter().map(ToString::to_string).collect())
    };
    let wanted = members(wanted)?;
    let found = found.map_or(Ok(BTreeSet::new()), members)?;
    if wanted.is_subset(&found) {
        return Ok(None);
    }
    wanted.union(&found).map(|member| parse(member.as_bytes())).collect::<Result<_>>().map(Value::Array).map(Some)
}
