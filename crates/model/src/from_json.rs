//! Values from JSON: what files, generic interfaces and people write, taken for the types that models are made of.
//!
//! It is generous where nothing can be misunderstood: a number in quotes is a number, a blank text is no value, and a reference to what has
//! a key of one part may be that part alone. Whatever comes of it is the same canonical value that a connector's own code makes.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{AnyKey, FieldType, Key, Model, ModelSchema, Pair, ParseError, Text};

/// Reads a value of a field's type from JSON and appends its canonical form: whether there is a value, or else what is wrong with it.
pub type ReadJson = fn(&Value, &mut Vec<u8>) -> Result<bool, ParseError>;

/// The [`ReadJson`] of a type.
pub fn read_json<T: FieldType>(value: &Value, out: &mut Vec<u8>) -> Result<bool, ParseError> {
    let value = T::from_json(value)?;
    value.write(out);
    Ok(!value.is_null())
}

/// The error of a value that is something else.
pub(crate) fn unexpected(value: &Value, expected: &'static str) -> ParseError {
    match value {
        Value::String(text) => ParseError::new(text, expected),
        other => ParseError::new(&other.to_string(), expected),
    }
}

/// A value that has a text form: the text, or a number as it is written.
pub(crate) fn parsed<T: std::str::FromStr<Err = ParseError>>(
    value: &Value,
    expected: &'static str,
) -> Result<T, ParseError> {
    match value {
        Value::String(text) => text.parse(),
        Value::Number(number) => number.to_string().parse(),
        _ => Err(unexpected(value, expected)),
    }
}

/// Whether a value says nothing: null, a text of blanks, or an object without members.
pub(crate) fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    }
}

/// A whole number, also one in quotes.
pub(crate) fn integer<T: TryFrom<u64>>(value: &Value) -> Result<T, ParseError> {
    let number = match value {
        Value::String(text) => text.trim().parse().ok(),
        other => other.as_u64(),
    };
    let fitting = number.and_then(|number| T::try_from(number).ok());
    fitting.ok_or_else(|| unexpected(value, "a whole number in the range of the field"))
}

/// True or false, also as a text.
pub(crate) fn boolean(value: &Value) -> Result<bool, ParseError> {
    match value {
        Value::Bool(value) => Ok(*value),
        Value::String(text) if text.trim().eq_ignore_ascii_case("true") => Ok(true),
        Value::String(text) if text.trim().eq_ignore_ascii_case("false") => Ok(false),
        _ => Err(unexpected(value, "`true` or `false`")),
    }
}

/// The elements of a set: those of an array, or a value that stands alone. Nothing is the empty set.
pub(crate) fn elements<T: Ord>(
    value: &Value,
    element: impl Fn(&Value) -> Result<T, ParseError>,
) -> Result<BTreeSet<T>, ParseError> {
    match value {
        Value::Array(items) => items.iter().map(element).collect(),
        value if is_nothing(value) => Ok(BTreeSet::new()),
        value => element(value).map(|element| BTreeSet::from([element])),
    }
}

/// Named texts: an array of pairs of name and value, or an object of them.
pub(crate) fn pairs(value: &Value) -> Result<BTreeSet<Pair>, ParseError> {
    const EXPECTED: &str = "names with their values, such as `[[\"site\",\"atlanta\"]]` or `{\"site\": \"atlanta\"}`";
    let pair = |name: &str, value: &Value| {
        let name = Text::new(name).ok_or_else(|| unexpected(value, EXPECTED))?;
        let text = value.as_str().ok_or_else(|| unexpected(value, EXPECTED))?;
        Ok(Pair::new(name, text))
    };
    match value {
        Value::Object(members) => members.iter().map(|(name, value)| pair(name, value)).collect(),
        Value::Array(items) => {
            let items = items.iter().map(|item| match item.as_array().map(Vec::as_slice) {
                Some([Value::String(name), value]) => pair(name, value),
                _ => Err(unexpected(item, EXPECTED)),
            });
            items.collect()
        }
        value if is_nothing(value) => Ok(BTreeSet::new()),
        value => Err(unexpected(value, EXPECTED)),
    }
}

impl<M: Model> Key<M> {
    pub(crate) fn read(value: &Value) -> Result<Self, ParseError> {
        let mut out = Vec::with_capacity(64);
        M::SCHEMA.read_key(value, &mut out)?;
        Ok(Self::from_canonical_bytes(&out))
    }
}

impl ModelSchema {
    /// Reads a key from JSON: the array of its parts, or the part alone where it has one. Parts come out as records have them in their
    /// keys: the name of a device without regard to case.
    pub fn key_from_json(&self, value: &Value) -> Result<AnyKey, ParseError> {
        let mut out = Vec::with_capacity(64);
        self.read_key(value, &mut out)?;
        Ok(AnyKey::from_canonical(&String::from_utf8_lossy(&out)))
    }

    /// Reads a key from as many parts as it has.
    pub(crate) fn key_from_parts<'v>(&self, parts: impl Iterator<Item = &'v Value>) -> Result<AnyKey, ParseError> {
        let mut out = Vec::with_capacity(64);
        self.read_parts(parts, &mut out)?;
        Ok(AnyKey::from_canonical(&String::from_utf8_lossy(&out)))
    }

    fn read_key(&self, value: &Value, out: &mut Vec<u8>) -> Result<(), ParseError> {
        const EXPECTED: &str = "a key with as many parts as its model has key fields, such as `[\"atlanta-dc1\"]`";
        let parts = match value {
            Value::Array(parts) => parts.as_slice(),
            part => std::slice::from_ref(part),
        };
        if parts.len() != self.key_fields().count() {
            return Err(unexpected(value, EXPECTED));
        }
        self.read_parts(parts.iter(), out)
    }

    fn read_parts<'v>(&self, parts: impl Iterator<Item = &'v Value>, out: &mut Vec<u8>) -> Result<(), ParseError> {
        out.push(b'[');
        for (position, (field, part)) in self.key_fields().zip(parts).enumerate() {
            if position > 0 {
                out.push(b',');
            }
            (field.key_from_json)(part, out)?;
        }
        out.push(b']');
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::models::{Device, Interface, InterfaceType, Prefix, Site};
    use crate::{IpHost, Json, MacAddress, Slug, VlanId};

    #[track_caller]
    fn reads<T: FieldType>(value: &Value) -> String {
        let mut out = Vec::new();
        read_json::<T>(value, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn refuses<T: FieldType>(value: &Value) -> String {
        read_json::<T>(value, &mut Vec::new()).unwrap_err().to_string()
    }

    #[test]
    fn values_are_normalised_as_they_are_in_code() {
        assert_eq!(reads::<Text>(&json!(" Atlanta ")), "\"Atlanta\"");
        assert_eq!(reads::<Option<Text>>(&json!("  ")), "null");
        assert_eq!(reads::<MacAddress>(&json!("aabb.cc00.1122")), "\"AA:BB:CC:00:11:22\"");
        assert_eq!(reads::<IpHost>(&json!("2001:0DB8::1/64")), "\"2001:db8::1/64\"");
        assert_eq!(reads::<VlanId>(&json!("20")), "20");
        assert_eq!(reads::<u32>(&json!(9000)), "9000");
        assert_eq!(reads::<bool>(&json!("TRUE")), "true");
        assert_eq!(reads::<InterfaceType>(&json!("1000base-t")), "\"1000base-t\"");
        assert_eq!(reads::<BTreeSet<Text>>(&json!(["b", "a", "b"])), r#"["a","b"]"#);
        assert_eq!(reads::<BTreeSet<Pair>>(&json!({"site": "atlanta"})), r#"[["site","atlanta"]]"#);
        assert_eq!(reads::<Option<Json>>(&json!({})), "null");
        // A name that looks like a number is one in spreadsheets.
        assert_eq!(reads::<Text>(&json!(1001)), "\"1001\"");
    }

    #[test]
    fn references_are_keys_as_records_have_them() {
        assert_eq!(reads::<Key<Site>>(&json!("atlanta")), r#"["atlanta"]"#);
        assert_eq!(reads::<Key<Device>>(&json!(["atlanta", "ATL-Core-1"])), r#"[["atlanta"],"atl-core-1"]"#);
        let interface = json!([[["atlanta"], "ATL-Core-1"], "Ethernet1/1"]);
        assert_eq!(reads::<Key<Interface>>(&interface), r#"[[["atlanta"],"atl-core-1"],"Ethernet1/1"]"#);
        assert_eq!(reads::<Key<Prefix>>(&json!([null, "10.0.0.1/8"])), r#"[null,"10.0.0.0/8"]"#);
        assert_eq!(reads::<BTreeSet<Key<Site>>>(&json!(["b", ["a"]])), r#"[["a"],["b"]]"#);
    }

    #[test]
    fn what_is_something_else_is_refused_with_what_was_expected() {
        insta::assert_snapshot!(
            [
                refuses::<Slug>(&json!("Atlanta DC1")),
                refuses::<Text>(&json!(null)),
                refuses::<VlanId>(&json!(4095)),
                refuses::<u8>(&json!(256)),
                refuses::<bool>(&json!("yes")),
                refuses::<Key<Device>>(&json!("atl-core-1")),
                refuses::<BTreeSet<Pair>>(&json!([["site"]])),
            ]
            .join("\n"),
            @r#"
        `Atlanta DC1` is not a slug of letters, digits, `-` and `_`, such as `atlanta-dc1`
        `null` is not a text
        `4095` is not a VLAN id from 1 to 4094
        `256` is not a whole number in the range of the field
        `yes` is not `true` or `false`
        `atl-core-1` is not a key with as many parts as its model has key fields, such as `["atlanta-dc1"]`
        `["site"]` is not names with their values, such as `[["site","atlanta"]]` or `{"site": "atlanta"}`
        "#
        );
    }
}
