//! How the frontend takes JSON: numbers for texts, one object for a list, an empty list for an empty object.

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json};

/// A JSON object.
pub(super) type Object = Map<String, Json>;

/// A scalar as text; `None` for null, lists and objects.
pub(super) fn text(value: &Json) -> Option<String> {
    match value {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        Json::Bool(true) => Some("1".to_owned()),
        Json::Bool(false) => Some(String::new()),
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    }
}

/// The text of a property; `None` when it is missing or null.
pub(super) fn get_text(object: &Object, name: &str) -> Option<String> {
    object.get(name).and_then(text)
}

/// The entries of a list; one object stands for a list of it, an empty one for an empty list.
pub(super) fn list(value: &Json) -> Vec<&Json> {
    match value {
        Json::Array(entries) => entries.iter().collect(),
        Json::Object(object) if object.is_empty() => Vec::new(),
        Json::Null => Vec::new(),
        one => vec![one],
    }
}

/// A number above zero in digits, as text or number.
pub(super) fn id(value: &Json) -> Option<u64> {
    match value {
        Json::Number(number) => number.as_u64(),
        Json::String(text) if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse().ok(),
        _ => None,
    }
}

/// The id in a property; 0, which is nobody's, for what is no id.
pub(super) fn get_id(object: &Object, name: &str) -> u64 {
    object.get(name).and_then(id).unwrap_or(0)
}

/// The ids in an option such as `hostids`; `None` when it is missing or null, which is no restriction.
pub(super) fn id_set(options: &Object, name: &str) -> Option<BTreeSet<u64>> {
    match options.get(name)? {
        Json::Null => None,
        // An object counts by its values. One value that is no id spoils the query.
        Json::Object(object) => Some(object.values().map(id).collect::<Option<_>>().unwrap_or_default()),
        value => Some(list(value).into_iter().map(id).collect::<Option<_>>().unwrap_or_default()),
    }
}

/// Whether an option is switched on.
pub(super) fn flag(options: &Object, name: &str) -> bool {
    match options.get(name) {
        None | Some(Json::Null) => false,
        Some(Json::Bool(on)) => *on,
        Some(Json::String(text)) => !text.is_empty() && text != "0",
        Some(Json::Number(number)) => number.as_f64() != Some(0.0),
        Some(Json::Array(entries)) => !entries.is_empty(),
        Some(Json::Object(object)) => !object.is_empty(),
    }
}

/// Whether PHP takes the value for empty: null, `""`, `[]`, `{}`.
pub(super) fn is_empty(value: &Json) -> bool {
    match value {
        Json::Null => true,
        Json::String(text) => text.is_empty(),
        Json::Array(entries) => entries.is_empty(),
        Json::Object(object) => object.is_empty(),
        Json::Bool(on) => !on,
        Json::Number(_) => false,
    }
}

/// An object, or `[]` if it is empty.
pub(super) fn object_or_list(object: Object) -> Json {
    if object.is_empty() { Json::Array(Vec::new()) } else { Json::Object(object) }
}

/// Ids as the API shows them.
pub(super) fn id_list(ids: impl IntoIterator<Item = u64>) -> Json {
    ids.into_iter().map(|id| Json::String(id.to_string())).collect()
}
