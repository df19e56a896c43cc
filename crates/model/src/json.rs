//! Data of any shape: what a system keeps for its users without knowing what it means.

use serde_json::Value;

use crate::{Canonical, FieldKind, FieldType, ParseError, from_json};

/// A JSON value, such as the custom fields of an object or its config context. Objects are compared without regard to the order of
/// their members.
#[derive(Debug, Clone, PartialEq)]
pub struct Json(Value);

impl Json {
    /// A value; none where there is nothing in it: null, or an empty object.
    pub fn of(value: Value) -> Option<Self> {
        let empty = value.is_null() || value.as_object().is_some_and(serde_json::Map::is_empty);
        (!empty).then_some(Self(value))
    }

    /// The value.
    pub fn value(&self) -> &Value {
        &self.0
    }
}

impl FieldType for Json {
    const KIND: FieldKind = FieldKind::Json;

    fn from_json(value: &Value) -> Result<Self, ParseError> {
        // Of an object without members nothing comes, as of null: only an `Option` of it may be that.
        Self::of(value.clone()).ok_or_else(|| from_json::unexpected(value, "data that is not empty"))
    }
}

impl Canonical for Json {
    fn write(&self, out: &mut Vec<u8>) {
        write(&self.0, out);
    }
}

/// Members of objects in the order of their names, whatever order a map keeps.
fn write(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => out.extend_from_slice(value.to_string().as_bytes()),
        Value::String(text) => text.write(out),
        Value::Array(items) => {
            out.push(b'[');
            for (position, item) in items.iter().enumerate() {
                if position > 0 {
                    out.push(b',');
                }
                write(item, out);
            }
            out.push(b']');
        }
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_unstable_by_key(|(name, _)| *name);
            out.push(b'{');
            for (position, (name, value)) in members.into_iter().enumerate() {
                if position > 0 {
                    out.push(b',');
                }
                name.write(out);
                out.push(b':');
                write(value, out);
            }
            out.push(b'}');
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn canonical(value: Value) -> String {
        let mut out = Vec::new();
        Json::of(value).unwrap().write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn members_have_one_order_and_items_keep_theirs() {
        let text = canonical(json!({"b": [2, 1], "a": {"z": null, "y": "ü\n"}}));
        assert_eq!(text, r#"{"a":{"y":"ü\n","z":null},"b":[2,1]}"#);
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap()["a"]["y"], "ü\n");
    }

    #[test]
    fn nothing_in_it_is_no_value() {
        assert_eq!(Json::of(Value::Null), None);
        assert_eq!(Json::of(json!({})), None);
        assert_eq!(Json::of(json!(false)).unwrap().value(), &json!(false));
    }
}
