//! Marks on absent records: the updates that set them and take them back.

use std::collections::HashMap;

use serde_json::Value;
use syncline_model::{AnyKey, ModelSchema};

use crate::bindings::hash;
use crate::change::{Action, Change, FieldChange};
use crate::native::Native;

/// A mark that is taken back from a record, which has it still.
#[derive(Debug, Clone, PartialEq)]
pub struct Unmark {
    /// The model.
    pub model: &'static str,
    /// The record.
    pub key: AnyKey,
    /// The target's record.
    pub native: Option<Native>,
    /// The fields that have it still.
    pub fields: Vec<UnmarkedField>,
}

/// A field that loses its part of a mark.
#[derive(Debug, Clone, PartialEq)]
pub struct UnmarkedField {
    /// What becomes of it.
    pub field: FieldChange,
    /// The key of the tag, when the mark is one.
    pub tag: Option<Value>,
}

impl Unmark {
    /// Takes the mark back with an update that the record gets anyway.
    pub fn join(self, change: &mut Change) {
        for UnmarkedField { field: unmarked, tag } in self.fields {
            match change.fields.iter_mut().find(|field| field.name == unmarked.name) {
                // The comparison keeps every tag that is there, the mark included.
                Some(field) => {
                    if let (Some(tag), Some(tags)) = (tag, field.after.as_array_mut()) {
                        tags.retain(|other| *other != tag);
                    }
                }
                None => change.fields.push(unmarked),
            }
        }
        change.id = Change::id_of(&change.model, &change.key, change.action, &change.fields);
    }

    /// The update that takes nothing but the mark.
    pub fn alone(self, schema: &ModelSchema) -> Change {
        update(schema, self.key, self.native, self.fields.into_iter().map(|unmarked| unmarked.field).collect())
    }
}

/// An update of a record.
pub fn update(schema: &ModelSchema, key: AnyKey, native: Option<Native>, fields: Vec<FieldChange>) -> Change {
    Change::new(schema.name, key, Action::Update, native, fields)
}

/// The marks by the hashes of their records.
pub fn by_record(marks: Vec<Unmark>) -> HashMap<u128, Unmark> {
    marks.into_iter().map(|mark| (hash(mark.model, mark.key.as_str()), mark)).collect()
}

/// Takes the marks of a model, in the order of their records.
pub fn of_model(marks: &mut HashMap<u128, Unmark>, model: &str) -> Vec<Unmark> {
    let mut found: Vec<_> = marks.extract_if(|_, mark| mark.model == model).map(|(_, mark)| mark).collect();
    found.sort_by(|a, b| a.key.as_str().cmp(b.key.as_str()));
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use syncline_model::Model;
    use syncline_model::models::Device;

    fn unmark() -> Unmark {
        let (before, after) = (json!([["absent"], ["core"]]), json!([["core"]]));
        Unmark {
            model: "device",
            key: AnyKey::from_value(&json!([["a"], "sw1"])).unwrap(),
            native: Some(Native::new(7)),
            fields: vec![UnmarkedField {
                field: FieldChange::new("tags", before, after),
                tag: Some(json!(["absent"])),
            }],
        }
    }

    #[test]
    fn a_mark_goes_with_the_update_that_is_there_anyway() {
        let field = |name: &str, after| FieldChange::new(name, json!(1), after);
        let mut tagged =
            update(Device::SCHEMA, unmark().key, None, vec![field("tags", json!([["absent"], ["core"], ["new"]]))]);
        let before = tagged.id.clone();
        unmark().join(&mut tagged);
        assert_eq!(tagged.after("tags"), Some(&json!([["core"], ["new"]])));
        assert_ne!(tagged.id, before);

        let mut other = update(Device::SCHEMA, unmark().key, None, vec![field("serial", json!("S1"))]);
        unmark().join(&mut other);
        assert_eq!(other.after("tags"), Some(&json!([["core"]])));
        assert_eq!(unmark().alone(Device::SCHEMA).fields, [unmark().fields[0].field.clone()]);
    }
}
