//! Values, names and numbers as plain texts. Nothing here is escaped for a format yet.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use serde_json::Value;
use syncline_model::{AnyKey, FieldKind};

/// A number with its thousands apart: `12,345`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy).collect();
    groups.join(",")
}

/// A time to the minute.
pub fn time(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%d %H:%M UTC").to_string()
}

/// A key for people, cut to `limit` characters.
pub fn key(key: &AnyKey, limit: Option<usize>) -> String {
    cut(&clean(&key.to_string()), limit)
}

/// A text from outside on one line, cut to `limit` characters.
pub fn line(text: &str, limit: Option<usize>) -> String {
    cut(&clean(text), limit)
}

/// A value for people on one line: texts as they are, unless that would mislead; references as their keys. None where
/// there is no value.
pub fn value(value: &Value) -> Option<String> {
    Some(match value {
        Value::Null => return None,
        Value::String(text) => {
            let misleads = text.is_empty() || text.trim() != text || text.chars().any(char::is_control);
            if misleads { clean(&value.to_string()).into_owned() } else { clean(text).into_owned() }
        }
        // A set of references: arrays within an array. A single one: the parts of its key.
        Value::Array(members) if members.is_empty() => "none".to_owned(),
        Value::Array(members) if members.iter().all(Value::is_array) => {
            members.iter().filter_map(self::value).collect::<Vec<_>>().join(", ")
        }
        Value::Array(_) => {
            let key = AnyKey::from_value(value).map(|key| key.to_string()).unwrap_or_default();
            clean(&key).into_owned()
        }
        other => clean(&other.to_string()).into_owned(),
    })
}

/// A value of a kind for people on one line, as [`value`] shows it; named texts with their names: `site=bern, role=switch`.
pub fn value_of(kind: Option<FieldKind>, value: &Value) -> Option<String> {
    let members = value.as_array().filter(|members| !members.is_empty());
    match (kind, members) {
        (Some(FieldKind::Pairs), Some(members)) => {
            let pair = |pair: &Value| {
                let [name, value] = &pair.as_array()?[..] else { return None };
                Some(format!("{}={}", self::value(name)?, self::value(value)?))
            };
            Some(members.iter().filter_map(pair).collect::<Vec<_>>().join(", "))
        }
        (Some(FieldKind::Texts), Some(members)) => {
            Some(members.iter().filter_map(self::value).collect::<Vec<_>>().join(", "))
        }
        _ => self::value(value),
    }
}

/// A text in parts: what stands between backticks, and what stands around it. A backtick without another is a letter.
pub fn parts(text: &str) -> impl Iterator<Item = (bool, &str)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let inner = rest.strip_prefix('`').and_then(|rest| rest.split_once('`')).filter(|(inner, _)| !inner.is_empty());
        if let Some((inner, after)) = inner {
            rest = after;
            return Some((true, inner));
        }
        // From the next letter on: a backtick at the beginning begins no code.
        let start = rest.chars().next().map_or(0, char::len_utf8);
        let end = rest[start..].find('`').map_or(rest.len(), |at| start + at);
        let (plain, after) = rest.split_at(end);
        rest = after;
        Some((false, plain))
    })
}

/// The beginning of a text, with a sign that it goes on.
pub fn cut(text: &str, limit: Option<usize>) -> String {
    let end = limit.and_then(|limit| text.char_indices().nth(limit));
    end.map_or_else(|| text.to_owned(), |(end, _)| format!("{}…", &text[..end]))
}

/// A text with what cannot be seen, and what turns the order of other letters around, written out.
pub fn clean(text: &str) -> Cow<'_, str> {
    let hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    if !text.contains(hidden) {
        return Cow::Borrowed(text);
    }
    let written = text.chars().map(|c| if hidden(c) { c.escape_default().to_string() } else { c.to_string() });
    Cow::Owned(written.collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn sets_of_texts_read_well() {
        let pairs = json!([["role", "switch"], ["site", ""]]);
        assert_eq!(value_of(Some(FieldKind::Pairs), &pairs).unwrap(), "role=switch, site=\"\"");
        assert_eq!(value_of(Some(FieldKind::Texts), &json!(["a b", "c"])).unwrap(), "a b, c");
        assert_eq!(value_of(Some(FieldKind::Pairs), &json!([])).unwrap(), "none");
        assert_eq!(value_of(None, &json!(["atl", "core-1"])).unwrap(), "atl / core-1");
    }

    #[test]
    fn numbers_and_values_read_well() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
        let shown = |value: Value| super::value(&value).unwrap_or_else(|| "-".to_owned());
        let values = [
            json!(null),
            json!(""),
            json!(" x"),
            json!("two\nlines"),
            json!(["atl", "core-1"]),
            json!([["a"], ["b"]]),
            json!([]),
            json!(1500),
            json!("left\u{202e}right"),
        ];
        insta::assert_debug_snapshot!(values.map(shown), @r#"
[
    "-",
    "\"\"",
    "\" x\"",
    "\"two\\nlines\"",
    "atl / core-1",
    "a, b",
    "none",
    "1500",
    "left\\u{202e}right",
]
"#);
        assert_eq!(cut("äöü", Some(2)), "äö…");
        assert_eq!(cut("äö", Some(2)), "äö");
    }
}
