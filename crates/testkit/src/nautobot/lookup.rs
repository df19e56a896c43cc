//! Finding the object that a body refers to: by id, by a dictionary of attributes, by name.

use serde_json::Value as Json;

use super::ordering::target_kind;
use super::schema::{Kind, Type};
use super::state::Store;
use super::value::{Id, Object, Value};
use crate::django::python;

/// The object of kind `to` that is meant, for an object of kind `from`. The error is Nautobot's sentence.
pub(super) fn resolve(store: &Store, from: Kind, to: Kind, given: &Json) -> Result<Id, String> {
    let attributes = match given {
        Json::Object(entries) => match (entries.get("url"), entries.get("id")) {
            (Some(value), _) | (None, Some(value)) => return by_id(store, from, to, value),
            (None, None) => flatten(entries, ""),
        },
        Json::String(text) if Id::parse(text).is_none() && !text.starts_with("http") => match natural(to) {
            // A name stands for the dictionary.
            Some(fields) => fields.iter().map(|field| (*field).to_owned()).zip(natural_values(text)).collect(),
            None => return by_id(store, from, to, given),
        },
        // The first of a list is looked for, but not by its name.
        Json::Array(items) if items.first().is_some_and(Json::is_string) => return by_id(store, from, to, &items[0]),
        other => return by_id(store, from, to, other),
    };
    if let Some((name, _)) = attributes.iter().find(|(name, _)| !known(to, name)) {
        let mut fields: Vec<&str> = to.def().fields.iter().map(|field| field.name).collect();
        fields.sort_unstable();
        let name = name.split("__").next().unwrap_or(name);
        return Err(format!("Cannot resolve keyword '{name}' into field. Choices are: {}", fields.join(", ")));
    }
    let shown = Json::Object(attributes.iter().cloned().collect());
    let mut found = candidates(store, to, &attributes)
        .into_iter()
        .filter(|id| {
            store
                .get(to, *id)
                .is_some_and(|object| attributes.iter().all(|(name, wanted)| matches(store, to, object, name, wanted)))
        })
        .filter(|id| meant_for(store, from, to, *id));
    match (found.next(), found.next()) {
        (Some(id), None) => Ok(id),
        (None, _) => Err(format!("Related object not found using the provided attributes: {}", python::repr(&shown))),
        (Some(_), Some(_)) => Err(format!("Multiple objects match the provided attributes: {}", python::repr(&shown))),
    }
}

fn by_id(store: &Store, from: Kind, to: Kind, given: &Json) -> Result<Id, String> {
    let text = python::plain(given);
    let last = text.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let Some(id) = Id::parse(if text.starts_with("http") { last } else { &text }) else {
        return Err(format!(
            "Related objects must be referenced by ID or by dictionary of attributes. Received an unrecognized value: {text}"
        ));
    };
    if store.get(to, id).is_some() && meant_for(store, from, to, id) {
        return Ok(id);
    }
    Err(format!("Related object not found using the provided attributes: {{'pk': UUID('{id}')}}"))
}

/// Whether an object may be referred to: a status, role or tag must be meant for this kind.
fn meant_for(store: &Store, from: Kind, to: Kind, id: Id) -> bool {
    if !store.access.sees(to, id) {
        return false;
    }
    if !matches!(to, Kind::Status | Kind::Role | Kind::Tag) {
        return true;
    }
    store.get(to, id).is_some_and(|object| object.get(to, "content_types").names().contains(&from.def().model))
}

/// The fields that make up a name of a kind.
fn natural(kind: Kind) -> Option<&'static [&'static str]> {
    match kind {
        Kind::DeviceType => Some(&["manufacturer__name", "model"]),
        Kind::Vlan | Kind::Interface | Kind::Prefix | Kind::IpAddress | Kind::Vrf => None,
        kind => kind.position("name").map(|_| &["name"] as &[&str]),
    }
}

fn natural_values(text: &str) -> impl Iterator<Item = Json> + '_ {
    text.split(';').map(|part| Json::String(part.to_owned()))
}

fn flatten(entries: &serde_json::Map<String, Json>, prefix: &str) -> Vec<(String, Json)> {
    let mut flat = Vec::new();
    for (name, value) in entries {
        let name = format!("{prefix}{name}");
        match value {
            Json::Object(inner) => flat.extend(flatten(inner, &format!("{name}__"))),
            value => flat.push((name, value.clone())),
        }
    }
    flat
}

fn known(kind: Kind, name: &str) -> bool {
    let (first, rest) = name.split_once("__").map_or((name, None), |(first, rest)| (first, Some(rest)));
    match (first, rest) {
        ("id" | "pk" | "object_type" | "url" | "display" | "natural_slug" | "host", _) => true,
        (first, None) => kind.position(first).is_some(),
        (first, Some(rest)) => {
            kind.position(first).is_some()
                && (matches!(rest, "in" | "iexact" | "isnull" | "exact")
                    || target_kind(kind, first).is_some_and(|to| known(to, rest)))
        }
    }
}

fn candidates(store: &Store, kind: Kind, attributes: &[(String, Json)]) -> Vec<Id> {
    let indexed = attributes.iter().find_map(|(name, value)| match (name.as_str(), value) {
        ("id" | "pk", Json::String(text)) => Some(Id::parse(text).into_iter().collect()),
        (name, Json::String(text)) => store.with_text(kind, name, text),
        _ => None,
    });
    indexed.unwrap_or_else(|| store.ordered(kind).map(|object| object.id).collect())
}

fn matches(store: &Store, kind: Kind, object: &Object, name: &str, wanted: &Json) -> bool {
    let (first, rest) = name.split_once("__").map_or((name, ""), |(first, rest)| (first, rest));
    if matches!(first, "id" | "pk") {
        return wanted.as_str().and_then(Id::parse) == Some(object.id);
    }
    if first == "host" {
        let net = object.get(kind, "address").net();
        return net.is_some_and(|net| Some(net.host.to_string().as_str()) == wanted.as_str());
    }
    // What is shown of every object narrows nothing.
    let Some(at) = kind.position(first) else { return true };
    let value = &object.values[at];
    match rest {
        "in" => wanted.as_array().is_some_and(|any| any.iter().any(|wanted| same(value, wanted))),
        "isnull" => (*value == Value::Null) == (wanted == &Json::Bool(true)),
        "iexact" => wanted.as_str().is_some_and(|wanted| wanted.to_lowercase() == value.text().to_lowercase()),
        "" | "exact" => same(value, wanted),
        rest => match (value, kind.def().fields[at].ty) {
            (Value::Ref(id), Type::Ref { to, .. }) => {
                store.get(to, *id).is_some_and(|target| matches(store, to, target, rest, wanted))
            }
            _ => false,
        },
    }
}

fn same(value: &Value, wanted: &Json) -> bool {
    match (value, wanted) {
        (Value::Null, wanted) => wanted.is_null(),
        (Value::Bool(value), wanted) => wanted == value,
        (Value::Int(value), wanted) => python::plain(wanted) == value.to_string(),
        (Value::Text(value), Json::String(wanted)) => **value == **wanted,
        (Value::Ref(value), Json::String(wanted)) => Id::parse(wanted) == Some(*value),
        (Value::Refs(ids), Json::String(wanted)) => Id::parse(wanted).is_some_and(|wanted| ids.contains(&wanted)),
        (Value::Names(names), Json::String(wanted)) => names.contains(&wanted.as_str()),
        (Value::Net(value), Json::String(wanted)) => value.to_string() == *wanted,
        _ => false,
    }
}
