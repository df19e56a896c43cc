//! From a body to field values: types, limits, choices and references, with the messages of NetBox's serializers.

use std::net::IpAddr;

use ipnet::IpNet;
use serde_json::{Map, Value as Json};

use super::errors::{Errors, python};
use super::schema::{Default, Field, Kind, Type, UniqueError};
use super::state::{Object, Store, Value, unique_key};
use crate::django::python::type_name;

/// Which fields an answer shows. NetBox reads bodies through the same choice: a field left out of the answer is
/// silently left out of the write too.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum Select {
    /// Every field.
    #[default]
    All,
    /// Only these.
    Fields(Vec<String>),
    /// All but these.
    Omit(Vec<String>),
}

impl Select {
    pub fn has(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Fields(names) => names.iter().any(|known| known == name),
            Self::Omit(names) => !names.iter().any(|known| known == name),
        }
    }
}

/// An object as the body wants it.
pub(super) struct Draft {
    pub object: Object,
    /// `changelog_message` of the body.
    pub message: String,
}

/// Reads a body over `base`: a fresh object for a creation, the present one for a change. `partial` is false for POST
/// and PUT, which need their required fields.
pub(super) fn read(
    store: &Store,
    kind: Kind,
    base: &Object,
    body: &Json,
    partial: bool,
    select: &Select,
) -> Result<Draft, Errors> {
    let Json::Object(body) = body else {
        let got = match body {
            Json::Array(_) => "list",
            Json::String(_) => "str",
            Json::Number(_) => "int",
            Json::Bool(_) => "bool",
            _ => "NoneType",
        };
        let message = format!("Invalid data. Expected a dictionary, but got {got}.");
        return Err(Errors::at("non_field_errors", message));
    };
    let def = kind.def();
    let mut object = base.clone();
    let mut errors = Errors::new();
    for (at, field) in def.fields.iter().enumerate() {
        if field.name == "custom_fields" && select.has("custom_fields") {
            read_custom_fields(store, kind, body, &mut object, &mut errors);
        }
        if !field.writable() || !select.has(field.name) {
            continue;
        }
        let Some(given) = body.get(field.name) else {
            if field.required && !partial {
                errors.add(field.name, "This field is required.");
            }
            continue;
        };
        match value(store, field, given) {
            // Blank text in a field that may be null and must be unique is null, lest two of them clash.
            Ok(Value::Text(text)) if text.is_empty() && matches!(field.name, "asset_tag" | "rd") => {
                object.values[at] = Value::Null;
            }
            Ok(value) => object.values[at] = value,
            Err(found) => found.into_iter().for_each(|message| errors.add(field.name, message)),
        }
        if !errors.has(field.name) {
            check_single_unique(store, kind, &object, field.name, &mut errors);
        }
    }
    read_tag_changes(store, kind, body, &mut object, &mut errors);
    if !errors.is_empty() {
        return Err(errors);
    }
    if !partial {
        let missing = unselected(kind, &object, select);
        if !missing.is_empty() {
            return Err(missing);
        }
    }
    let message = body.get("changelog_message").and_then(Json::as_str).unwrap_or_default().to_owned();
    Ok(Draft { object, message })
}

/// The values of an object of which nothing is known yet.
pub(super) fn fresh(kind: Kind) -> Vec<Value> {
    let defaults = kind.def().fields.iter().map(|field| match (field.ty, field.default) {
        (Type::Refs { .. }, _) => Value::Refs(Vec::new()),
        (Type::Models, _) => Value::Json(Json::Array(Vec::new())),
        (_, Default::Null) => Value::Null,
        (_, Default::Text(text)) => Value::Text(text.to_owned()),
        (_, Default::Bool(on)) => Value::Bool(on),
        (_, Default::Int(number)) => Value::Int(number),
        (_, Default::Decimal(number)) => Value::Decimal(number),
    });
    defaults.collect()
}

/// Required fields that `fields=` or `omit=` kept out of the write.
fn unselected(kind: Kind, object: &Object, select: &Select) -> Errors {
    let mut errors = Errors::new();
    for (at, field) in kind.def().fields.iter().enumerate() {
        if !field.required || select.has(field.name) {
            continue;
        }
        match object.values[at] {
            Value::Null => errors.add(field.name, "This field cannot be null."),
            _ => errors.add(field.name, "This field cannot be blank."),
        }
    }
    errors
}

fn check_single_unique(store: &Store, kind: Kind, object: &Object, name: &str, errors: &mut Errors) {
    let def = kind.def();
    for (at, unique) in def.unique.iter().enumerate() {
        let UniqueError::Field(label) = unique.error else { continue };
        if unique.parts[0].field() != name {
            continue;
        }
        let Some(key) = unique_key(kind, unique, object) else { continue };
        if store.with_key(kind, at, &key).any(|id| id != object.id) {
            errors.add(name, format!("{} with this {label} already exists.", def.verbose));
        }
    }
}

fn read_custom_fields(store: &Store, kind: Kind, body: &Map<String, Json>, object: &mut Object, errors: &mut Errors) {
    let Some(given) = body.get("custom_fields") else { return };
    let Json::Object(given) = given else {
        errors.add("custom_fields", "Invalid data format. Custom field data must be passed as a dictionary mapping field names to their values.");
        return;
    };
    let known = custom_fields(store, kind);
    for (name, value) in given {
        if !known.contains(name) {
            let mut error = Map::new();
            let text = format!("Custom field '{name}' does not exist for this object type.");
            error.insert(name.clone(), Json::String(text));
            errors.add_json("custom_fields", Json::Object(error));
            return;
        }
        object.custom.insert(name.clone(), value.clone());
    }
}

/// Names of the custom fields that the kind has, in order.
pub(super) fn custom_fields(store: &Store, kind: Kind) -> Vec<String> {
    let wanted = kind.content_type();
    let fields = store.ordered(Kind::CustomField).filter(|field| {
        matches!(field.get(Kind::CustomField, "object_types"),
            Value::Json(Json::Array(types)) if types.iter().any(|name| name.as_str() == Some(&wanted)))
    });
    fields.map(|field| field.text(Kind::CustomField, "name").to_owned()).collect()
}

/// `add_tags` and `remove_tags`.
fn read_tag_changes(store: &Store, kind: Kind, body: &Map<String, Json>, object: &mut Object, errors: &mut Errors) {
    let Some(at) = kind.def().position("tags") else { return };
    let changes =
        ["add_tags", "remove_tags"].map(|key| body.get(key).map(|given| (key, references(store, Kind::Tag, given))));
    if changes.iter().flatten().next().is_some() && body.get("tags").is_some_and(|tags| *tags != Json::Array(vec![])) {
        errors.add("tags", "Cannot specify \"tags\" together with \"add_tags\" or \"remove_tags\".");
        return;
    }
    let Value::Refs(tags) = &mut object.values[at] else { return };
    for (key, found) in changes.into_iter().flatten() {
        match found {
            Err(messages) => messages.into_iter().for_each(|message| errors.add(key, message)),
            Ok(ids) if key == "add_tags" => {
                for id in ids {
                    if !tags.contains(&id) {
                        tags.push(id);
                    }
                }
            }
            Ok(ids) => tags.retain(|id| !ids.contains(id)),
        }
    }
}

type Messages = Vec<String>;

fn refuse<T>(message: impl Into<String>) -> Result<T, Messages> {
    Err(vec![message.into()])
}

fn value(store: &Store, field: &Field, given: &Json) -> Result<Value, Messages> {
    if given.is_null() {
        return match field.ty {
            _ if field.null => Ok(Value::Null),
            Type::Choice { blank: true, .. } => Ok(Value::Text(String::new())),
            Type::Choice { .. } => refuse("This field may not be blank."),
            _ => refuse("This field may not be null."),
        };
    }
    match field.ty {
        Type::Text { max, blank } => text(given, max, blank).map(Value::Text),
        Type::Slug => slug(given).map(Value::Text),
        Type::Color => color(given).map(Value::Text),
        Type::Int { min, max } => integer(given, min, max).map(Value::Int),
        Type::Decimal { .. } => decimal(given).map(Value::Decimal),
        Type::Bool => boolean(given).map(Value::Bool),
        Type::Choice { options, blank } => choice(given, options, blank),
        Type::Ref { to, .. } => reference(store, to, given).map(Value::Ref),
        Type::Refs { to } => match to {
            Kind::Tag => references(store, to, given).map(Value::Refs),
            _ => ids(store, to, given).map(Value::Refs),
        },
        Type::Model { allowed } => content_type(given, allowed).map(Value::Text),
        Type::ObjectId { .. } => {
            integer(given, 0, i64::MAX).map(|id| Value::Ref(u64::try_from(id).unwrap_or_default()))
        }
        Type::Address | Type::Network if given.as_str().is_some_and(|text| text.trim().is_empty()) => {
            refuse("This field may not be blank.")
        }
        Type::Address => network(given, "IP address").map(|(host, len)| Value::Text(format!("{host}/{len}"))),
        Type::Network => network(given, "IP prefix").map(|(host, len)| Value::Text(format!("{host}/{len}"))),
        Type::Mac => mac(given).map(Value::Text),
        Type::Json => Ok(Value::Json(given.clone())),
        Type::Models => match given {
            Json::Array(_) => Ok(Value::Json(given.clone())),
            _ => refuse(format!("Expected a list of items but got type \"{}\".", type_name(given))),
        },
        Type::Computed(_) => Ok(Value::Null),
    }
}

fn text(given: &Json, max: usize, blank: bool) -> Result<String, Messages> {
    let text = match given {
        Json::String(text) => text.trim().to_owned(),
        Json::Number(number) => number.to_string(),
        _ => return refuse("Not a valid string."),
    };
    if text.is_empty() && !blank {
        return refuse("This field may not be blank.");
    }
    if text.chars().count() > max {
        return refuse(format!("Ensure this field has no more than {max} characters."));
    }
    Ok(text)
}

fn slug(given: &Json) -> Result<String, Messages> {
    const INVALID: &str = "Enter a valid \"slug\" consisting of letters, numbers, underscores or hyphens.";
    if matches!(given, Json::Array(_) | Json::Object(_)) {
        return refuse(INVALID);
    }
    let slug = text(given, usize::MAX, false)?;
    let mut messages = Messages::new();
    if slug.chars().count() > 100 {
        messages.push("Ensure this field has no more than 100 characters.".to_owned());
    }
    if !slug.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_') {
        messages.push(INVALID.to_owned());
    }
    if messages.is_empty() { Ok(slug) } else { Err(messages) }
}

fn color(given: &Json) -> Result<String, Messages> {
    let color = text(given, 6, false)?;
    if color.len() == 6 && color.chars().all(|c| c.is_ascii_digit() || ('a'..='f').contains(&c)) {
        Ok(color)
    } else {
        refuse("Enter a valid hexadecimal RGB color code.")
    }
}

fn integer(given: &Json, min: i64, max: i64) -> Result<i64, Messages> {
    let number = match given {
        Json::Number(number) => number.as_i64().or_else(|| whole(number.as_f64()?)),
        Json::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    match number {
        None => refuse("A valid integer is required."),
        Some(number) if number < min => refuse(format!("Ensure this value is greater than or equal to {min}.")),
        Some(number) if number > max => refuse(format!("Ensure this value is less than or equal to {max}.")),
        Some(number) => Ok(number),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "only whole numbers within the exact range of a double")]
fn whole(number: f64) -> Option<i64> {
    (number.fract() == 0.0 && number.abs() < 9e15).then_some(number as i64)
}

fn decimal(given: &Json) -> Result<f64, Messages> {
    let number = match given {
        Json::Number(number) => number.as_f64(),
        Json::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number.ok_or_else(|| vec!["A valid number is required.".to_owned()])
}

fn boolean(given: &Json) -> Result<bool, Messages> {
    let on = match given {
        Json::Bool(on) => Some(*on),
        Json::Number(number) if number.as_i64() == Some(1) => Some(true),
        Json::Number(number) if number.as_i64() == Some(0) => Some(false),
        Json::String(text) => match text.to_lowercase().as_str() {
            "true" | "t" | "yes" | "y" | "on" | "1" => Some(true),
            "false" | "f" | "no" | "n" | "off" | "0" => Some(false),
            _ => None,
        },
        _ => None,
    };
    on.ok_or_else(|| vec!["Must be a valid boolean.".to_owned()])
}

fn choice(given: &Json, options: &[(&str, &str)], blank: bool) -> Result<Value, Messages> {
    match given {
        Json::String(text) if text.is_empty() && blank => Ok(Value::Text(String::new())),
        Json::String(text) if text.is_empty() => refuse("This field may not be blank."),
        Json::Array(_) | Json::Object(_) => {
            refuse("Value must be passed directly (e.g. \"foo\": 123); do not use a dictionary or list.")
        }
        Json::String(text) if options.iter().any(|(value, _)| value == text) => Ok(Value::Text(text.clone())),
        Json::String(text) => refuse(format!("{text} is not a valid choice.")),
        other => refuse(format!("{} is not a valid choice.", python(other))),
    }
}

fn content_type(given: &Json, allowed: &[&str]) -> Result<String, Messages> {
    match given.as_str() {
        Some(name) if allowed.contains(&name) => Ok(name.to_owned()),
        Some(name) if name.split('.').count() == 2 => refuse(format!("Invalid content type: {name}")),
        _ => refuse("Invalid value. Specify a content type as '<app_label>.<model_name>'."),
    }
}

/// Host and mask length; a missing mask is that of a single host.
fn network(given: &Json, what: &str) -> Result<(IpAddr, u8), Messages> {
    let text = match given {
        Json::String(text) => text.trim().to_owned(),
        other => python(other),
    };
    let parsed = match text.parse::<IpNet>() {
        Ok(net) => Some((net.addr(), net.prefix_len())),
        Err(_) => text.parse::<IpAddr>().ok().map(|host| (host, if host.is_ipv4() { 32 } else { 128 })),
    };
    match parsed {
        Some(parsed) => Ok(parsed),
        None => refuse(match text.split_once('/') {
            _ if what == "IP address" => format!("Invalid IP address format: {text}"),
            _ => format!("Invalid IP prefix format: {text}"),
        }),
    }
}

fn mac(given: &Json) -> Result<String, Messages> {
    let text = match given {
        Json::String(text) => text.clone(),
        other => python(other),
    };
    let digits: String = text.chars().filter(char::is_ascii_hexdigit).collect();
    let form = text.chars().all(|c| c.is_ascii_hexdigit() || matches!(c, ':' | '-' | '.' | ' '));
    if digits.len() != 12 || !form {
        return refuse(format!("Invalid MAC address format: {text}"));
    }
    let digits = digits.to_uppercase();
    let pairs: Vec<&str> = (0..6).map(|at| &digits[at * 2..at * 2 + 2]).collect();
    Ok(pairs.join(":"))
}

/// Ids of a many-to-many field that takes numbers only.
fn ids(store: &Store, to: Kind, given: &Json) -> Result<Vec<u64>, Messages> {
    let Json::Array(items) = given else {
        return refuse(format!("Expected a list of items but got type \"{}\".", type_name(given)));
    };
    let mut found = Vec::new();
    for item in items {
        let id = match item {
            Json::Number(number) => number.as_u64(),
            Json::String(text) => text.parse().ok(),
            Json::Object(attributes) => attributes.get("id").and_then(Json::as_u64),
            _ => None,
        };
        let Some(id) = id else {
            return refuse(format!("Incorrect type. Expected pk value, received {}.", type_name(item)));
        };
        if store.get(to, id).is_none() {
            return refuse(format!("Invalid pk \"{id}\" - object does not exist."));
        }
        if !found.contains(&id) {
            found.push(id);
        }
    }
    Ok(found)
}

fn references(store: &Store, to: Kind, given: &Json) -> Result<Vec<u64>, Messages> {
    let Json::Array(items) = given else {
        return refuse(format!("Expected a list of items but got type \"{}\".", type_name(given)));
    };
    let mut found = Vec::new();
    for item in items {
        let id = reference(store, to, item)?;
        if !found.contains(&id) {
            found.push(id);
        }
    }
    Ok(found)
}

/// One object, named by its id or by attributes that only it has.
pub(super) fn reference(store: &Store, to: Kind, given: &Json) -> Result<u64, Messages> {
    let id = match given {
        Json::Object(attributes) => return by_attributes(store, to, attributes),
        Json::Number(number) => number.as_i64().or_else(|| whole(number.as_f64()?)),
        Json::String(text) => text.trim().parse().ok(),
        Json::Bool(on) => Some(i64::from(*on)),
        _ => None,
    };
    let Some(id) = id else {
        let sent = match given {
            Json::String(text) => text.clone(),
            other => python(other),
        };
        return refuse(format!(
            "Related objects must be referenced by numeric ID or by dictionary of attributes. Received an \
             unrecognized value: {sent}"
        ));
    };
    match u64::try_from(id).ok().filter(|id| store.get(to, *id).is_some()) {
        Some(id) => Ok(id),
        None => refuse(format!("Related object not found using the provided numeric ID: {id}")),
    }
}

fn by_attributes(store: &Store, to: Kind, attributes: &Map<String, Json>) -> Result<u64, Messages> {
    let mut flat = Vec::new();
    flatten("", attributes, &mut flat);
    for (path, _) in &flat {
        check_path(to, path)?;
    }
    let matches = |id: u64| flat.iter().all(|(path, wanted)| path_matches(store, to, id, path, wanted));
    let indexed = flat.iter().find_map(|(path, wanted)| {
        let at = to.def().position(path).filter(|at| to.def().fields[*at].indexed)?;
        Some((at, wanted.as_str()?.to_owned()))
    });
    let found: Vec<u64> = match (indexed, flat.iter().find(|(path, _)| path == "id")) {
        (_, Some((_, id))) => id.as_u64().into_iter().filter(|id| matches(*id)).collect(),
        (Some((at, wanted)), None) => store.with_text(to, at, &wanted).filter(|id| matches(*id)).take(2).collect(),
        (None, None) => store.by_id(to, 0).map(|object| object.id).filter(|id| matches(*id)).take(2).collect(),
    };
    let sent = || {
        let entries: Vec<String> = flat.iter().map(|(path, value)| format!("'{path}': {}", python(value))).collect();
        format!("{{{}}}", entries.join(", "))
    };
    match found.as_slice() {
        [id] => Ok(*id),
        [] => refuse(format!("Related object not found using the provided attributes: {}", sent())),
        _ => refuse(format!("Multiple objects match the provided attributes: {}", sent())),
    }
}

fn flatten(prefix: &str, attributes: &Map<String, Json>, flat: &mut Vec<(String, Json)>) {
    for (name, value) in attributes {
        let path = format!("{prefix}{name}");
        match value {
            Json::Object(inner) => flatten(&format!("{path}__"), inner, flat),
            other => flat.push((path, other.clone())),
        }
    }
}

fn check_path(kind: Kind, path: &str) -> Result<(), Messages> {
    let (first, rest) = path.split_once("__").map_or((path, None), |(first, rest)| (first, Some(rest)));
    let def = kind.def();
    let field = def.fields.iter().find(|field| field.name == first && (field.writable() || first == "id"));
    let Some(field) = field else {
        let mut names: Vec<&str> = def.fields.iter().map(|field| field.name).collect();
        names.retain(|name| !matches!(*name, "url" | "display" | "display_url"));
        names.sort_unstable();
        let choices = names.join(", ");
        return refuse(format!("Cannot resolve keyword '{first}' into field. Choices are: {choices}"));
    };
    match (field.ty, rest) {
        (Type::Ref { to, .. }, Some(rest)) => check_path(to, rest),
        _ => Ok(()),
    }
}

/// Whether the value at a path such as `manufacturer__slug` is the wanted one.
pub(super) fn path_matches(store: &Store, kind: Kind, id: u64, path: &str, wanted: &Json) -> bool {
    let Some(object) = store.get(kind, id) else { return false };
    let (first, rest) = path.split_once("__").map_or((path, None), |(first, rest)| (first, Some(rest)));
    if first == "id" {
        return wanted.as_u64() == Some(id) || wanted.as_str() == Some(&id.to_string());
    }
    let Some(at) = kind.def().position(first) else { return false };
    match (kind.def().fields[at].ty, &object.values[at], rest) {
        (Type::Ref { to, .. }, Value::Ref(target), Some(rest)) => path_matches(store, to, *target, rest, wanted),
        (_, Value::Text(text), None) => match wanted {
            Json::String(wanted) => wanted == text,
            Json::Number(wanted) => wanted.to_string() == *text,
            _ => false,
        },
        (_, Value::Int(number), None) => {
            wanted.as_i64() == Some(*number) || wanted.as_str() == Some(&number.to_string())
        }
        (_, Value::Ref(target), None) => {
            wanted.as_u64() == Some(*target) || wanted.as_str() == Some(&target.to_string())
        }
        (_, Value::Bool(on), None) => wanted.as_bool() == Some(*on),
        (_, Value::Null, None) => wanted.is_null(),
        _ => false,
    }
}
