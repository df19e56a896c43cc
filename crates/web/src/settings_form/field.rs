//! What a field is, by its schema.

use std::fmt;

use serde_json::{Map, Value};

/// Deeper tables are typed as JSON: nobody finds anything in a form of that depth.
const DEEPEST: usize = 6;
/// Words that people write in capitals.
const INITIALS: [&str; 11] = ["ca", "dns", "http", "id", "ip", "mac", "snmp", "tls", "url", "vlan", "vrf"];
/// How a schema marks a reference to a secret.
const SECRET: &str = "secret-reference";

/// Where a field is: the names of the tables around it and its own, from the outside in. No name has a dot in it.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldKey(Vec<String>);

/// A field of a form.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// Where it is.
    pub key: FieldKey,
    /// What it is called.
    pub label: String,
    /// What it is for; empty when the schema does not say.
    pub help: String,
    /// It has to be set.
    pub required: bool,
    /// What counts when it is not set; none where the schema does not say.
    pub default: Option<Value>,
    /// What it may look like.
    pub examples: Vec<String>,
    /// What stands in it.
    pub kind: FieldKind,
}

/// What stands in a field.
#[derive(Debug, Clone, PartialEq)]
pub enum FieldKind {
    /// A text.
    Text,
    /// A reference to a secret. What is no reference may be the secret itself, and is never shown.
    Secret,
    /// A number.
    Number {
        /// It has no fraction.
        whole: bool,
        /// The least that it may be.
        least: Option<serde_json::Number>,
        /// The most that it may be.
        most: Option<serde_json::Number>,
    },
    /// Yes or no.
    Flag,
    /// One of some values.
    Choice(Vec<Choice>),
    /// Texts, one on each line.
    Lines,
    /// Other fields.
    Group(Vec<Field>),
    /// Anything, as JSON.
    Json {
        /// What can stand in the tables of it.
        inside: Vec<Inside>,
        /// The texts that it may be, which need no quotes.
        words: Vec<String>,
        /// Its schema, where it can have references to secrets in it: see [`super::harmless`].
        secrets: Option<Value>,
    },
}

/// One of the values of a field.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// The value.
    pub value: Value,
    /// What it is called.
    pub label: String,
    /// What it means; empty when the schema does not say.
    pub help: String,
}

/// A key of a table that is typed as JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inside {
    /// The key.
    pub name: String,
    /// What it is for.
    pub help: String,
    /// It has to be there.
    pub required: bool,
}

impl FieldKey {
    fn below(&self, name: &str) -> Self {
        Self(self.0.iter().cloned().chain([name.to_owned()]).collect())
    }

    /// Its own name; empty for the whole.
    pub fn name(&self) -> &str {
        self.0.last().map_or("", String::as_str)
    }

    /// How many tables are around it.
    pub fn depth(&self) -> usize {
        self.0.len().saturating_sub(1)
    }

    /// Whether a path leads to it, or to what is in it.
    pub(super) fn is_around(&self, path: &[&str]) -> bool {
        path.len() >= self.0.len() && self.0.iter().zip(path).all(|(own, other)| own == other)
    }
}

impl fmt::Display for FieldKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("."))
    }
}

impl Choice {
    /// The value as it is sent.
    pub fn text(&self) -> String {
        text_of(&self.value)
    }
}

impl Field {
    /// Whether nothing is another thing than what counts when it is not set.
    pub fn can_be_emptied(&self) -> bool {
        match (&self.kind, &self.default) {
            (FieldKind::Text, Some(Value::String(text))) => !text.is_empty(),
            (FieldKind::Lines, Some(Value::Array(items))) => !items.is_empty(),
            _ => false,
        }
    }
}

/// A single value as it is typed: texts without quotes.
pub(super) fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The field of a schema.
pub(super) fn of(key: FieldKey, schema: &Value, required: bool) -> Field {
    let (inner, nullable) = without_null(schema);
    let said = |name: &str| schema.get(name).or_else(|| inner.get(name));
    let default = said("default").filter(|default| !default.is_null()).cloned();
    let text = |name: &str| said(name).and_then(Value::as_str).map(one_line);
    let examples = said("examples").and_then(Value::as_array).into_iter().flatten().map(text_of).collect();
    let kind = kind(&key, inner, default.as_ref(), required && !nullable);
    let label = text("title").unwrap_or_else(|| label(key.name()));
    Field { label, help: text("description").unwrap_or_default(), required, default, examples, kind, key }
}

fn kind(key: &FieldKey, schema: &Value, default: Option<&Value>, required: bool) -> FieldKind {
    if let Some(choices) = choices(schema) {
        return FieldKind::Choice(choices);
    }
    let types = types(schema);
    let whole = types == ["integer"];
    match types.as_slice() {
        // What takes a text takes every text, be it a number.
        ["string"] | ["string", "integer" | "number"] | ["integer" | "number", "string"] => {
            if is_secret(schema) {
                FieldKind::Secret
            } else {
                FieldKind::Text
            }
        }
        ["integer" | "number"] => {
            let limit = |name: &str| schema.get(name).and_then(Value::as_number).cloned();
            FieldKind::Number { whole, least: limit("minimum"), most: limit("maximum") }
        }
        ["boolean"] if required || default.is_some_and(Value::is_boolean) => FieldKind::Flag,
        ["boolean"] => FieldKind::Choice(
            [(true, "yes"), (false, "no")]
                .map(|(value, label)| Choice { value: value.into(), label: label.to_owned(), help: String::new() })
                .into(),
        ),
        ["array"] if schema.get("items").is_some_and(is_text) => FieldKind::Lines,
        ["object"] => group(key, schema).map_or_else(|| json(schema), FieldKind::Group),
        _ => json(schema),
    }
}

/// The fields of a table whose keys are all known, required ones first, tables last; none of another one.
fn group(key: &FieldKey, schema: &Value) -> Option<Vec<Field>> {
    let closed = schema.get("additionalProperties") == Some(&Value::Bool(false));
    let none = Map::new();
    let properties = schema.get("properties").and_then(Value::as_object).unwrap_or(&none);
    let open = !closed && (properties.is_empty() || schema.get("additionalProperties").is_some());
    if open || key.0.len() > DEEPEST || properties.keys().any(|name| name.contains(['.', '['])) {
        return None;
    }
    let required = required(schema);
    let mut fields: Vec<_> = properties
        .iter()
        .map(|(name, schema)| of(key.below(name), schema, required.contains(&name.as_str())))
        .collect();
    fields.sort_by_key(|field| {
        let size = match field.kind {
            FieldKind::Group(_) => 2,
            FieldKind::Json { .. } => 1,
            _ => 0,
        };
        (!field.required, size)
    });
    Some(fields)
}

fn json(schema: &Value) -> FieldKind {
    let mut inside: Vec<Inside> = Vec::new();
    for table in tables(schema, 0) {
        let required = required(table);
        for (name, schema) in table.get("properties").and_then(Value::as_object).into_iter().flatten() {
            if !inside.iter().any(|known| known.name == *name) {
                let help = schema.get("description").and_then(Value::as_str).map(one_line).unwrap_or_default();
                inside.push(Inside { name: name.clone(), help, required: required.contains(&name.as_str()) });
            }
        }
    }
    inside.sort_by_key(|inside| !inside.required);
    let words = branches(schema).filter_map(|schema| schema.get("const")?.as_str()).map(str::to_owned);
    FieldKind::Json { inside, words: words.collect(), secrets: has_secret(schema).then(|| schema.clone()) }
}

/// The tables that a value is made of, those within them left out.
fn tables(schema: &Value, depth: usize) -> Vec<&Value> {
    if depth > DEEPEST {
        return Vec::new();
    }
    if schema.get("properties").is_some() {
        return vec![schema];
    }
    let parts = ["items", "additionalProperties"].into_iter().filter_map(|name| schema.get(name));
    let parts = parts.chain(branches(schema).filter(|branch| !std::ptr::eq(*branch, schema)));
    parts.flat_map(|part| tables(part, depth + 1)).collect()
}

/// Whether a schema is that of a reference to a secret.
pub(super) fn is_secret(schema: &Value) -> bool {
    schema.get("format").is_some_and(|format| format == SECRET) || schema.get("writeOnly") == Some(&Value::Bool(true))
}

fn has_secret(schema: &Value) -> bool {
    match schema {
        Value::Object(fields) => is_secret(schema) || fields.values().any(has_secret),
        Value::Array(items) => items.iter().any(has_secret),
        _ => false,
    }
}

fn required(schema: &Value) -> Vec<&str> {
    schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
}

/// The schema that is left when a value is there, and whether it may be null.
fn without_null(schema: &Value) -> (&Value, bool) {
    let is_null = |schema: &Value| types(schema) == ["null"];
    for name in ["anyOf", "oneOf"] {
        let Some(parts) = schema.get(name).and_then(Value::as_array) else { continue };
        if let ([only], true) = (&parts.iter().filter(|part| !is_null(part)).collect::<Vec<_>>()[..], parts.len() == 2)
        {
            return (only, true);
        }
    }
    let listed = schema.get("type").and_then(Value::as_array);
    (schema, listed.is_some_and(|types| types.iter().any(|name| name == "null")))
}

/// The types that a schema itself names, null left out where there are others.
fn types(schema: &Value) -> Vec<&str> {
    match schema.get("type") {
        Some(Value::String(name)) => vec![name],
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).filter(|name| *name != "null").collect(),
        _ => Vec::new(),
    }
}

fn is_text(schema: &Value) -> bool {
    let is_secret = has_secret(schema);
    !is_secret && (types(schema) == ["string"] || choices(schema).is_some())
}

/// A schema and its alternatives.
fn branches(schema: &Value) -> impl Iterator<Item = &Value> {
    let parts = ["anyOf", "oneOf"].into_iter().filter_map(|name| schema.get(name)?.as_array());
    std::iter::once(schema).chain(parts.flatten())
}

/// The texts that a value may be, when the schema lists all of them.
fn choices(schema: &Value) -> Option<Vec<Choice>> {
    let alternatives: Vec<_> = branches(schema).skip(1).collect();
    let listed = if alternatives.is_empty() { vec![schema] } else { alternatives };
    let mut choices = Vec::new();
    for schema in listed {
        let help = schema.get("description").filter(|_| schema.get("const").is_some());
        let help = help.and_then(Value::as_str).map(one_line).unwrap_or_default();
        let choice = |value: &Value| {
            let label = value.as_str()?.to_owned();
            Some(Choice { label, value: value.clone(), help: help.clone() })
        };
        match (schema.get("const"), schema.get("enum").and_then(Value::as_array)) {
            (Some(only), _) => choices.push(choice(only)?),
            (None, Some(several)) => {
                for value in several.iter().filter(|value| !value.is_null()) {
                    choices.push(choice(value)?);
                }
            }
            (None, None) => return None,
        }
    }
    Some(choices)
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// `plan_valid_hours` as people write it.
pub(crate) fn label(name: &str) -> String {
    let words =
        name.split(['_', '-']).map(|word| if INITIALS.contains(&word) { word.to_uppercase() } else { word.to_owned() });
    let words = words.collect::<Vec<_>>().join(" ");
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
