//! What NetBox kept against what was sent. It drops fields and ids that it does not know without a word.

use serde_json::{Map, Value};
use syncline_core::native::Native;

use super::payload::{Body, our_field};
use crate::stamp;
use crate::tables::Table;

/// Fields of a body that are no fields of the object.
const INSTRUCTIONS: &[&str] = &["id", "changelog_message", "add_tags"];

/// An object as REST answers it.
pub(super) type Object = Map<String, Value>;

/// A field that is not as it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Difference {
    /// Our field.
    pub field: String,
    /// Both values, for people.
    pub words: String,
}

/// The id of an object.
pub(super) fn id_of(object: &Object) -> Option<u64> {
    object.get("id").and_then(Value::as_u64)
}

/// The handle of an object.
pub(super) fn native_of(object: &Object) -> Option<Native> {
    let native = Native::new(id_of(object)?);
    Some(match object.get("last_updated").and_then(Value::as_str) {
        Some(text) => native.at_version(stamp::normalised(text)),
        None => native,
    })
}

/// The fields of a body that an object has otherwise.
pub(super) fn differing<'b>(body: &'b Body, object: &'b Object) -> impl Iterator<Item = (&'b String, &'b Value)> {
    let instructions = |name: &str| INSTRUCTIONS.contains(&name);
    body.iter()
        .filter(move |(name, sent)| !instructions(name) && !object.get(*name).is_some_and(|kept| is_same(sent, kept)))
}

/// The first field of a body that NetBox keeps otherwise than it was sent.
pub(super) fn difference(table: &Table, body: &Body, object: &Object) -> Option<Difference> {
    let (name, sent) = differing(body, object).next()?;
    let words = match object.get(name) {
        Some(kept) => format!("{sent} was sent, but NetBox kept {}", plain(kept)),
        None => format!("{sent} was sent, but NetBox knows no field `{name}`"),
    };
    Some(Difference { field: our_field(table, name), words })
}

/// Whether a value as it is sent is the value as it is answered.
pub(super) fn is_same(sent: &Value, kept: &Value) -> bool {
    match (sent, kept) {
        (Value::Null, Value::Null) => true,
        // An unset choice is null or the empty text.
        (Value::Null, Value::String(kept)) => kept.is_empty(),
        (Value::String(sent), Value::Null) => sent.is_empty(),
        (Value::Array(sent), Value::Array(kept)) => {
            sent.iter().all(|member| kept.iter().any(|other| is_same(member, other)))
        }
        (sent, Value::Object(_)) => plain(kept) == sent,
        (sent, kept) => sent == kept,
    }
}

/// The id of a nested object, the value of a choice, or the value itself.
fn plain(value: &Value) -> &Value {
    let Value::Object(fields) = value else { return value };
    fields.get("id").or_else(|| fields.get("value")).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tables;
    use serde_json::json;

    fn told(sent: Value, kept: Value) -> Option<String> {
        let (Value::Object(sent), Value::Object(kept)) = (sent, kept) else { panic!("objects") };
        difference(tables::by_name("interface").unwrap(), &sent, &kept)
            .map(|Difference { field, words }| format!("{field}: {words}"))
    }

    #[test]
    fn what_was_kept_is_compared_in_both_spellings() {
        let kept = json!({
            "id": 3, "device": {"id": 1, "name": "sw1"}, "type": {"value": "lag", "label": "LAG"}, "mode": null,
            "mtu": null, "tags": [{"id": 4}, {"id": 5}], "enabled": true,
        });
        let sent = json!({
            "device": 1, "type": "lag", "mode": null, "mtu": null, "tags": [5], "enabled": true, "changelog_message": "x",
        });
        assert_eq!(told(sent, kept.clone()), None);
        insta::assert_snapshot!(
            told(json!({"type": "virtual"}), kept.clone()).unwrap(),
            @r#"type: "virtual" was sent, but NetBox kept "lag""#
        );
        insta::assert_snapshot!(
            told(json!({"assigned_object_id": 3}), kept).unwrap(),
            @"assigned_object_id: 3 was sent, but NetBox knows no field `assigned_object_id`"
        );
    }
}
