//! Taking a canonical record apart without parsing it.

/// The members of a canonical JSON object as slices: name without quotes, value as it stands.
///
/// Made for text that this crate wrote: compact, and with field names that need no escaping. On other text it ends early.
#[derive(Debug, Clone)]
pub struct RecordFields<'a> {
    rest: &'a [u8],
}

impl<'a> RecordFields<'a> {
    /// The members of an object.
    pub fn of(record: &'a [u8]) -> Self {
        Self { rest: record.strip_prefix(b"{").unwrap_or_default() }
    }
}

impl<'a> Iterator for RecordFields<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let text = self.rest.strip_prefix(b",").unwrap_or(self.rest).strip_prefix(b"\"")?;
        let name_end = memchr::memchr(b'"', text)?;
        let (name, text) = text.split_at(name_end);
        let value = text.strip_prefix(b"\":")?;
        let end = value_end(value)?;
        let (value, rest) = value.split_at(end);
        self.rest = rest;
        Some((name, value))
    }
}

/// Where the value at the start of `text` ends: at the comma or brace that belongs to the object around it.
fn value_end(text: &[u8]) -> Option<usize> {
    let mut depth = 0_usize;
    let mut position = 0;
    while let Some(&byte) = text.get(position) {
        match byte {
            b'"' => position = string_end(text, position + 1)?,
            b'[' | b'{' => depth += 1,
            b']' | b'}' if depth > 0 => depth -= 1,
            b',' | b'}' if depth == 0 => return Some(position),
            _ => {}
        }
        position += 1;
    }
    None
}

/// The closing quote of the string that begins at `start`.
fn string_end(text: &[u8], start: usize) -> Option<usize> {
    let mut position = start;
    loop {
        position += memchr::memchr2(b'"', b'\\', text.get(position..)?)?;
        if text[position] == b'"' {
            return Some(position);
        }
        position += 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Map, Value, json};

    fn members(record: &str) -> Vec<(String, String)> {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        RecordFields::of(record.as_bytes()).map(|(name, value)| (text(name), text(value))).collect()
    }

    #[test]
    fn nested_values_stay_whole() {
        let record = r#"{"a":[["x,}"],"\"\\"],"b":null,"c":{"d":1}}"#;
        let expected = [("a", r#"[["x,}"],"\"\\"]"#), ("b", "null"), ("c", r#"{"d":1}"#)];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(members(record), expected);
        assert!(members("{}").is_empty());
    }

    proptest! {
        #[test]
        fn members_are_those_that_serde_json_finds(texts in proptest::collection::vec(any::<String>(), 0..6)) {
            let object: Map<String, Value> = texts.iter().enumerate()
                .map(|(at, text)| (format!("f{at}"), json!([text, {"n": at}])))
                .collect();
            let found: Map<String, Value> = members(&Value::Object(object.clone()).to_string())
                .into_iter()
                .map(|(name, value)| (name, serde_json::from_str(&value).unwrap()))
                .collect();
            prop_assert_eq!(found, object);
        }

        #[test]
        fn any_bytes_are_taken_apart_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = RecordFields::of(&bytes).count();
        }
    }
}
