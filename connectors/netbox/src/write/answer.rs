//! What NetBox kept against what was sent. It drops fields and ids that it does not know without a word.

use serde_json::{Map, Value};
use syncline_core::native::Native;

use super::payload::{Body, our_field};
use crate::tables::Table;

/// Fields of a body that are no fields of the object.
const INSTRUCTIONS: &[&str] = &["id", "changelog_message", "add_tags"];

/// An object as REST answers it.
pub(super) type Object = Map<String, Value>;

/// What a list may hold in an object beyond what was sent.
#[derive(Debug, Clone, Copy)]
pub(super) enum Beyond<'t> {
    /// Whatever it is: a new object may have come with more, and what was there before is not taken from it.
    Anything,
    /// Of tags these, which the settings put on every object; else nothing. A removal is a list that lacks something.
    Tags(&'t [u64]),
}

impl Beyond<'_> {
    /// Whether a list holds nothing that it may not.
    fn allows(self, name: &str, sent: &Value, kept: &Value) -> bool {
        let (Self::Tags(tags), Value::Array(sent), Value::Array(kept)) = (self, sent, kept) else { return true };
        kept.iter().all(|member| {
            let is_ours = || name == "tags" && plain(member).as_u64().is_some_and(|id| tags.contains(&id));
            sent.iter().any(|sent| is_same(sent, member)) || is_ours()
        })
    }
}

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
        Some(text) => native.changed_at(text),
        None => native,
    })
}

/// The fields of a body that an object has otherwise.
pub(super) fn differing<'b>(
    body: &'b Body,
    object: &'b Object,
    beyond: Beyond<'b>,
) -> impl Iterator<Item = (&'b String, &'b Value)> {
    let instructions = |name: &str| INSTRUCTIONS.contains(&name);
    let is_kept = move |name: &str, sent: &Value| {
        object.get(name).is_some_and(|kept| is_same(sent, kept) && beyond.allows(name, sent, kept))
    };
    body.iter().filter(move |(name, sent)| !instructions(name) && !is_kept(name, sent))
}

/// The first field of a body that NetBox keeps otherwise than it was sent.
pub(super) fn difference(table: &Table, body: &Body, object: &Object, beyond: Beyond<'_>) -> Option<Difference> {
    let (name, sent) = differing(body, object, beyond).next()?;
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
        difference(tables::by_name("interface").unwrap(), &sent, &kept, Beyond::Tags(&[4]))
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

    #[test]
    fn a_tag_that_was_to_go_and_stayed_is_a_difference() {
        let kept = json!({"tags": [{"id": 4}, {"id": 5}], "tagged_vlans": [{"id": 8}]});
        assert_eq!(told(json!({"tags": [5]}), kept.clone()), None, "the settings ask for 4");
        insta::assert_snapshot!(told(json!({"tags": [4]}), kept.clone()).unwrap(), @r#"tags: [4] was sent, but NetBox kept [{"id":4},{"id":5}]"#);
        // Only tags come from the settings.
        assert!(told(json!({"tagged_vlans": []}), json!({"tagged_vlans": [{"id": 4}]})).is_some());
        let (Value::Object(sent), Value::Object(kept)) = (json!({"tags": []}), kept) else { panic!("objects") };
        assert_eq!(differing(&sent, &kept, Beyond::Anything).count(), 0, "a new object may have come with tags");
    }
}
