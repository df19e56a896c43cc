//! The strict kind of validation: by path, in the words of the frontend.

use std::collections::HashSet;

use serde_json::Value as Json;

use super::php::{self, Object};
use super::refusal::Refusal;

/// What a property must be.
#[derive(Clone, Copy, Debug)]
pub(super) enum Rule {
    Any,
    /// A text of at most so many characters.
    Text(usize),
    /// A text that is not empty, of at most so many characters.
    Name(usize),
    Id,
    /// One of some integers.
    OneOf(&'static [i64]),
    /// An integer from … to.
    Range(i64, i64),
    /// Seconds since 1970.
    Time,
    /// A user macro.
    Macro,
    /// A list of objects.
    Objects(&'static Shape),
    /// A list of ids.
    Ids,
    /// A list of objects whose content is looked at elsewhere.
    Anything,
}

/// One property of an object.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field {
    name: &'static str,
    rule: Rule,
    required: bool,
}

/// A list of objects.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub fields: &'static [Field],
    /// Properties that together differ in all objects.
    pub unique: &'static [&'static str],
    pub not_empty: bool,
    /// Unknown properties are passed over.
    pub open: bool,
}

pub(super) const fn must(name: &'static str, rule: Rule) -> Field {
    Field { name, rule, required: true }
}

pub(super) const fn may(name: &'static str, rule: Rule) -> Field {
    Field { name, rule, required: false }
}

/// A path below another one.
pub(super) fn below(path: &str, part: impl std::fmt::Display) -> String {
    format!("{}/{part}", path.trim_end_matches('/'))
}

/// A list of objects; one object stands for a list of it.
pub(super) fn objects(value: &Json, path: &str, shape: &Shape) -> Result<Vec<Object>, Refusal> {
    if !matches!(value, Json::Array(_) | Json::Object(_)) {
        return Err(Refusal::invalid(path, "an array is expected"));
    }
    let entries = php::list(value);
    if shape.not_empty && entries.is_empty() {
        return Err(Refusal::invalid(path, "cannot be empty"));
    }
    let mut objects = Vec::with_capacity(entries.len());
    for (number, entry) in entries.into_iter().enumerate() {
        objects.push(object(entry, &below(path, number + 1), shape.fields, shape.open)?);
    }
    unique(&objects, path, shape.unique)?;
    Ok(objects)
}

/// One object.
pub(super) fn object(value: &Json, path: &str, fields: &[Field], open: bool) -> Result<Object, Refusal> {
    let empty = Object::new();
    let object = match value {
        Json::Object(object) => object,
        Json::Array(entries) if entries.is_empty() => &empty,
        _ => return Err(Refusal::invalid(path, "an array is expected")),
    };
    if !open && let Some(name) = object.keys().find(|name| fields.iter().all(|field| field.name != name.as_str())) {
        return Err(Refusal::invalid(path, &format!("unexpected parameter \"{name}\"")));
    }
    for field in fields {
        match object.get(field.name) {
            Some(value) => check(value, &below(path, field.name), field.rule)?,
            None if field.required => return Err(missing(path, field.name)),
            None => {}
        }
    }
    Ok(object.clone())
}

pub(super) fn missing(path: &str, name: &str) -> Refusal {
    Refusal::invalid(path, &format!("the parameter \"{name}\" is missing"))
}

/// A list of ids that differ.
pub(super) fn ids(value: &Json, path: &str, not_empty: bool) -> Result<Vec<u64>, Refusal> {
    if !matches!(value, Json::Array(_) | Json::Object(_)) {
        return Err(Refusal::invalid(path, "an array is expected"));
    }
    // An object counts by its values: `{"hostid": "1"}` is the list of 1.
    let entries: Vec<&Json> = match value {
        Json::Object(object) => object.values().collect(),
        other => php::list(other),
    };
    if not_empty && entries.is_empty() {
        return Err(Refusal::invalid(path, "cannot be empty"));
    }
    let mut ids = Vec::with_capacity(entries.len());
    for (number, entry) in entries.iter().enumerate() {
        let path = below(path, number + 1);
        let id = php::id(entry).ok_or_else(|| Refusal::invalid(&path, "a number is expected"))?;
        ids.push(id);
    }
    let mut seen = HashSet::new();
    if let Some(number) = ids.iter().position(|id| !seen.insert(*id)) {
        return Err(Refusal::invalid(&below(path, number + 1), &format!("value ({}) already exists", ids[number])));
    }
    Ok(ids)
}

fn unique(objects: &[Object], path: &str, names: &[&str]) -> Result<(), Refusal> {
    if names.is_empty() {
        return Ok(());
    }
    let mut seen = HashSet::new();
    for (number, object) in objects.iter().enumerate() {
        if names.len() == 1 && !object.contains_key(names[0]) {
            continue;
        }
        let values: Vec<String> = names.iter().map(|name| php::get_text(object, name).unwrap_or_default()).collect();
        let key: Vec<String> = values.iter().map(|value| canonical_macro(value)).collect();
        if !seen.insert(key) {
            let problem = format!("value ({})=({}) already exists", names.join(", "), values.join(", "));
            return Err(Refusal::invalid(&below(path, number + 1), &problem));
        }
    }
    Ok(())
}

fn check(value: &Json, path: &str, rule: Rule) -> Result<(), Refusal> {
    match rule {
        Rule::Any => Ok(()),
        Rule::Text(length) => text(value, path, length, false),
        Rule::Name(length) => text(value, path, length, true),
        Rule::Id => php::id(value).map(|_| ()).ok_or_else(|| Refusal::invalid(path, "a number is expected")),
        Rule::OneOf(values) => {
            let number = integer(value, path)?;
            if values.contains(&number) {
                return Ok(());
            }
            let known: Vec<String> = values.iter().map(i64::to_string).collect();
            let one_of = if known.len() == 1 { "" } else { "one of " };
            Err(Refusal::invalid(path, &format!("value must be {one_of}{}", known.join(", "))))
        }
        Rule::Range(from, to) => {
            let number = integer(value, path)?;
            if (from..=to).contains(&number) {
                return Ok(());
            }
            Err(Refusal::invalid(path, &format!("value must be one of {from}-{to}")))
        }
        Rule::Time => match integer(value, path) {
            Ok(0..=2_147_483_647) => Ok(()),
            Ok(_) => Err(Refusal::invalid(path, "a timestamp is too large")),
            Err(_) => Err(Refusal::invalid(path, "an unsigned integer is expected")),
        },
        Rule::Macro => {
            text(value, path, 255, true)?;
            let problem = macro_problem(value.as_str().unwrap_or_default());
            problem.map_or(Ok(()), |problem| Err(Refusal::invalid(path, &problem)))
        }
        Rule::Objects(shape) => objects(value, path, shape).map(|_| ()),
        Rule::Ids => ids(value, path, false).map(|_| ()),
        Rule::Anything if matches!(value, Json::Array(_) | Json::Object(_)) => Ok(()),
        Rule::Anything => Err(Refusal::invalid(path, "an array is expected")),
    }
}

fn integer(value: &Json, path: &str) -> Result<i64, Refusal> {
    let number = match value {
        Json::Number(number) => number.as_i64(),
        Json::String(text) => text.parse().ok(),
        _ => None,
    };
    number.ok_or_else(|| Refusal::invalid(path, "an integer is expected"))
}

/// A text of at most so many characters.
pub(super) fn text(value: &Json, path: &str, length: usize, not_empty: bool) -> Result<(), Refusal> {
    let Json::String(text) = value else {
        return Err(Refusal::invalid(path, "a character string is expected"));
    };
    if not_empty && text.is_empty() {
        return Err(Refusal::invalid(path, "cannot be empty"));
    }
    if text.chars().count() > length {
        return Err(Refusal::invalid(path, "value is too long"));
    }
    Ok(())
}

/// What is wrong with a user macro such as `{$NAME}` or `{$NAME:context}`.
fn macro_problem(text: &str) -> Option<String> {
    let bad = |at: usize| match text.get(at..) {
        None | Some("") => Some("unexpected end of macro".to_owned()),
        Some(rest) => Some(format!("incorrect syntax near \"{rest}\"")),
    };
    let Some(name) = text.strip_prefix("{$") else { return bad(0) };
    let length = name.bytes().take_while(|byte| matches!(byte, b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'.')).count();
    let at = 2 + length;
    match text.as_bytes().get(at) {
        _ if length == 0 => bad(at),
        Some(b'}') if at + 1 == text.len() => None,
        Some(b'}') => bad(at + 1),
        Some(b':') => context_problem(text, at + 1, bad),
        _ => bad(at),
    }
}

fn context_problem(text: &str, start: usize, bad: impl Fn(usize) -> Option<String>) -> Option<String> {
    let bytes = text.as_bytes();
    let mut at = start;
    if text[at..].starts_with("regex:") {
        at += "regex:".len();
    }
    let mut quoted = bytes.get(at) == Some(&b'"');
    at += usize::from(quoted);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' if quoted && bytes.get(at + 1) == Some(&b'"') => at += 1,
            b'"' if quoted => quoted = false,
            b'}' if !quoted => return if at + 1 == text.len() { None } else { bad(at + 1) },
            _ => {}
        }
        at += 1;
    }
    bad(at)
}

/// A macro with its context in one form: `{$A:"x"}` and `{$A:x}` are the same.
pub(super) fn canonical_macro(text: &str) -> String {
    let parts =
        text.strip_prefix("{$").and_then(|rest| rest.strip_suffix("\"}")).and_then(|rest| rest.split_once(":\""));
    match parts {
        Some((name, context)) if !name.contains(':') => format!("{{${name}:{}}}", context.replace("\\\"", "\"")),
        _ => text.to_owned(),
    }
}

/// The rules of a list of objects for `select…` and `output`: which names are known.
pub(super) fn known_names(value: &Json, path: &str, known: &[&str], count: bool) -> Result<(), Refusal> {
    match value {
        Json::Null => Ok(()),
        Json::String(word) if word == "extend" || (count && word == "count") => Ok(()),
        Json::String(_) => {
            let words = if count { "\"extend\", \"count\"" } else { "\"extend\"" };
            let one_of = if count { "one of " } else { "" };
            Err(Refusal::invalid(path, &format!("value must be {one_of}{words}")))
        }
        Json::Array(names) => {
            for (number, name) in names.iter().enumerate() {
                let path = below(path, number + 1);
                text(name, &path, usize::MAX, false)?;
                if !name.as_str().is_some_and(|name| known.contains(&name)) {
                    let quoted: Vec<String> = known.iter().map(|name| format!("\"{name}\"")).collect();
                    return Err(Refusal::invalid(&path, &format!("value must be one of {}", quoted.join(", "))));
                }
            }
            Ok(())
        }
        _ => Err(Refusal::invalid(path, "an array or a character string is expected")),
    }
}

#[cfg(test)]
mod tests {
    use super::{canonical_macro, macro_problem};

    #[test]
    fn macros_are_read_as_the_frontend_reads_them() {
        for good in ["{$A}", "{$A.B_1}", "{$A:x}", "{$A:\"a}b\"}", "{$A:regex:\"^a\"}"] {
            assert_eq!(macro_problem(good), None, "{good}");
        }
        for (bad, near) in [("{$a}", "a}"), ("{$A-B}", "-B}"), ("A", "A"), ("{$A}x", "x"), ("{$}", "}")] {
            assert_eq!(macro_problem(bad), Some(format!("incorrect syntax near \"{near}\"")), "{bad}");
        }
        assert_eq!(canonical_macro("{$A:\"x\"}"), canonical_macro("{$A:x}"));
    }
}
