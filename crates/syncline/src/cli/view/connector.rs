//! A connector's settings as a table.

use serde::Serialize;
use serde_json::Value;

use super::table::Columns;

/// A setting, as its schema describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Setting {
    /// The key, as a path: `http.retry.attempts`.
    pub key: String,
    /// What the value is, for people.
    pub kind: String,
    /// Whether it must be given.
    pub required: bool,
    /// The value when it is not given; none when there is none to speak of.
    pub default: Option<Value>,
    /// What it is for.
    pub description: String,
}

/// The settings that a schema describes, nested ones by their path.
pub fn settings(schema: &Value) -> Vec<Setting> {
    let mut settings = Vec::new();
    collect(schema, "", &mut settings);
    // What must be given comes first, then what stands alone, then the groups.
    settings.sort_by_key(|setting| (!setting.required, setting.key.contains('.')));
    settings
}

fn collect(schema: &Value, prefix: &str, settings: &mut Vec<Setting>) {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return };
    let required: Vec<_> = schema.get("required").and_then(Value::as_array).into_iter().flatten().collect();
    for (name, property) in properties {
        let key = format!("{prefix}{name}");
        let inner = branches(property).find(|branch| branch.get("properties").is_some());
        if let Some(inner) = inner.filter(|_| property.get("oneOf").is_none()) {
            collect(inner, &format!("{key}."), settings);
            continue;
        }
        let description = property.get("description").and_then(Value::as_str).unwrap_or_default();
        let first = description.split("\n\n").next().unwrap_or_default();
        let default = property.get("default").filter(|value| !value.is_null() && !is_empty(value));
        settings.push(Setting {
            key,
            kind: kind(property),
            required: required.iter().any(|required| *required == name),
            default: default.cloned(),
            description: first.split_whitespace().collect::<Vec<_>>().join(" "),
        });
    }
}

fn is_empty(value: &Value) -> bool {
    value.as_object().is_some_and(serde_json::Map::is_empty) || value.as_array().is_some_and(Vec::is_empty)
}

/// A schema and its alternatives.
pub fn branches(schema: &Value) -> impl Iterator<Item = &Value> {
    let alternatives = ["anyOf", "oneOf"].into_iter().filter_map(|name| schema.get(name)?.as_array()).flatten();
    std::iter::once(schema).chain(alternatives)
}

/// What a value is, for people.
pub fn kind(schema: &Value) -> String {
    if let Some(choices) = crate::config::choices(schema) {
        return choices.join(" | ");
    }
    let mut kinds: Vec<String> = Vec::new();
    for branch in branches(schema) {
        let is_secret = branch.get("format").is_some_and(|format| format == "secret-reference");
        let types = match branch.get("type") {
            Some(Value::String(name)) => vec![name.as_str()],
            Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        kinds.extend(types.into_iter().filter(|name| *name != "null").map(|name| match name {
            "string" if is_secret => "secret reference".to_owned(),
            "string" => "text".to_owned(),
            "integer" => "whole number".to_owned(),
            "boolean" => "true | false".to_owned(),
            "array" => format!("list of {}", branch.get("items").map_or_else(|| "anything".to_owned(), kind)),
            "object" => "table".to_owned(),
            other => other.to_owned(),
        }));
    }
    kinds.dedup();
    if kinds.is_empty() { "anything".to_owned() } else { kinds.join(" or ") }
}

/// The settings as a table.
pub fn settings_table(settings: &[Setting]) -> String {
    let mut columns = Columns::new(&["setting", "value", "default", "what it is for"]);
    for setting in settings {
        let default = match &setting.default {
            Some(Value::String(text)) => text.clone(),
            Some(value) => value.to_string(),
            None if setting.required => "required".to_owned(),
            None => String::new(),
        };
        columns.row(&[setting.key.clone(), setting.kind.clone(), default, setting.description.clone()]);
    }
    columns.text()
}

#[cfg(test)]
mod tests {
    use super::*;
    use syncline_core::policy::Policy;
    use syncline_core::settings::{SecretRef, schema};

    #[derive(schemars::JsonSchema)]
    #[expect(dead_code, reason = "only its schema is used")]
    struct Sample {
        /// The token.
        ///
        /// More about the token.
        token: SecretRef,
        /// Which sites.
        #[serde(default)]
        sites: Vec<String>,
        #[serde(default)]
        limit: Option<u32>,
        #[serde(default)]
        policy: Policy,
    }

    #[test]
    fn settings_are_told_from_their_schema() {
        insta::assert_snapshot!(anstream::adapter::strip_str(&settings_table(&settings(&schema::<Sample>()))));
    }
}
