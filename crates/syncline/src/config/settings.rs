//! Judges settings by their JSON schema before their type does: the type's reader stops at its first problem, this tells
//! all of them, and knows what the keys are called.
//!
//! Of JSON schema it knows what `schemars` writes for settings; what it does not know it leaves to the type's reader.

use std::sync::LazyLock;

use serde_json::{Map, Value};
use syncline_core::similar;

/// Something wrong with a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// The key, below the value that was judged.
    pub(super) key: Vec<String>,
    /// What is wrong.
    pub(super) message: String,
    /// What to do about it.
    pub(super) remedy: Option<String>,
}

/// Everything that the schema finds wrong, and the value without it.
pub(super) fn judge(value: &Value, schema: &Value) -> (Value, Vec<Found>) {
    let mut judge = Judge { key: Vec::new(), found: Vec::new(), around: Vec::new() };
    let clean = judge.value(value, schema).unwrap_or_else(|| Value::Object(Map::new()));
    (clean, judge.found)
}

struct Judge<'s> {
    key: Vec<String>,
    found: Vec<Found>,
    /// The tables around the value, outermost first: how many names their own key has, and what can stand in them.
    around: Vec<(usize, &'s Map<String, Value>)>,
}

impl<'s> Judge<'s> {
    fn add(&mut self, message: impl Into<String>, remedy: Option<String>) {
        self.found.push(Found { key: self.key.clone(), message: message.into(), remedy });
    }

    /// The value without what is wrong with it; none when it is wrong as a whole.
    fn value(&mut self, value: &Value, schema: &'s Value) -> Option<Value> {
        if let Some(choices) = choices(schema).filter(|_| value.is_string()) {
            let text = value.as_str().unwrap_or_default();
            if choices.contains(&text) {
                return Some(value.clone());
            }
            self.add(format!("`{text}` is none of its values"), Some(similar::remedy(text, choices)));
            return None;
        }
        let types = types(schema);
        if !types.is_empty() && !types.iter().any(|name| is(value, name)) {
            let expected: Vec<_> = types.iter().filter(|name| **name != "null").map(|name| article(name)).collect();
            self.add(format!("expects {}, not {}", expected.join(" or "), describe(value)), None);
            return None;
        }
        match value {
            Value::Object(fields) => Some(Value::Object(self.object(fields, object_schema(schema)))),
            Value::Array(items) => {
                let of_items = items_schema(schema).unwrap_or(&Value::Null);
                let mut clean = Vec::with_capacity(items.len());
                for (at, item) in items.iter().enumerate() {
                    self.key.push(at.to_string());
                    clean.extend(self.value(item, of_items));
                    self.key.pop();
                }
                Some(Value::Array(clean))
            }
            Value::Number(number) => self.number(number, schema).then(|| value.clone()),
            _ => Some(value.clone()),
        }
    }

    fn object(&mut self, fields: &Map<String, Value>, schema: &'s Value) -> Map<String, Value> {
        static EMPTY: LazyLock<Map<String, Value>> = LazyLock::new(Map::new);
        let properties = schema.get("properties").and_then(Value::as_object).unwrap_or(&EMPTY);
        let depth = self.key.len();
        let closed = schema.get("additionalProperties") == Some(&Value::Bool(false));
        let mut clean = Map::new();
        for (name, value) in fields {
            self.key.push(name.clone());
            let of_field = properties.get(name).or_else(|| schema.get("additionalProperties").filter(|_| !closed));
            match of_field {
                None if closed => {
                    let missing = properties.keys().filter(|known| !fields.contains_key(*known));
                    let remedy = similar::closest(name, missing.map(String::as_str));
                    let remedy = remedy.map(|known| format!("did you mean `{known}`?"));
                    let all = || {
                        if properties.is_empty() {
                            return "remove it: nothing can be set here".to_owned();
                        }
                        similar::remedy("", properties.keys().map(String::as_str).collect::<Vec<_>>())
                    };
                    let elsewhere = self.outside(name).or_else(|| inside(name, properties));
                    self.add("unknown key", Some(elsewhere.or(remedy).unwrap_or_else(all)));
                }
                of_field => {
                    self.around.push((depth, properties));
                    let value = self.value(value, of_field.unwrap_or(&Value::Null));
                    self.around.pop();
                    clean.extend(value.map(|value| (name.clone(), value)));
                }
            }
            self.key.pop();
        }
        let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
        for name in required.filter_map(Value::as_str).filter(|name| !fields.contains_key(*name)) {
            self.key.push(name.to_owned());
            self.add("is missing", properties.get(name).and_then(hint));
            self.key.pop();
        }
        clean
    }

    /// Where an unknown key belongs, if to a table around the one that it stands in.
    fn outside(&self, name: &str) -> Option<String> {
        let (depth, _) = self.around.iter().rev().find(|(_, properties)| properties.contains_key(name))?;
        let beside = self.key.get(*depth)?;
        Some(format!("it belongs beside `{beside}`, not in it: write it above `{beside}`"))
    }

    fn number(&mut self, number: &serde_json::Number, schema: &Value) -> bool {
        let Some(number) = number.as_f64() else { return true };
        let limit = |name| branches(schema).into_iter().find_map(|schema| schema.get(name)?.as_f64());
        let (least, most) = (limit("minimum"), limit("maximum"));
        let fits = least.is_none_or(|least| number >= least) && most.is_none_or(|most| number <= most);
        if !fits {
            let message = match (least, most) {
                (Some(least), Some(most)) => format!("expects a number from {least} to {most}"),
                (Some(least), None) => format!("expects a number of at least {least}"),
                (None, most) => format!("expects a number of at most {}", most.unwrap_or_default()),
            };
            self.add(message, None);
        }
        fits
    }
}

/// Gives a text from the environment the type that its key has: `"5"` becomes 5 where a number is expected.
///
/// `is_variable` tells whether the environment gave the key, as a path below `value`.
pub(super) fn coerce(
    value: &mut Value,
    schema: &Value,
    key: &mut Vec<String>,
    is_variable: &dyn Fn(&[String]) -> bool,
) {
    match value {
        Value::Object(fields) => {
            let schema = object_schema(schema);
            for (name, value) in fields {
                let of_field = schema.get("properties").and_then(|properties| properties.get(name));
                let of_field = of_field.or_else(|| schema.get("additionalProperties")).unwrap_or(&Value::Null);
                key.push(name.clone());
                coerce(value, of_field, key, is_variable);
                key.pop();
            }
        }
        Value::String(text) if is_variable(key) => {
            let types = types(schema);
            if types.is_empty() || types.contains(&"string") {
                return;
            }
            if let Ok(parsed) = serde_json::from_str(text) {
                *value = parsed;
            }
        }
        _ => {}
    }
}

/// Takes a text out of a value when its schema knows of a form that texts have there. False when there is none.
pub(super) fn take_text(value: &mut Value, schema: &Value, path: &str) -> bool {
    let Some((first, rest)) = path.split_once('.').or((!path.is_empty()).then_some((path, ""))) else { return false };
    let of_field = object_schema(schema).get("properties").and_then(|properties| properties.get(first));
    let (Some(fields), Some(of_field)) = (value.as_object_mut(), of_field) else { return false };
    if !rest.is_empty() {
        return fields.get_mut(first).is_some_and(|value| take_text(value, of_field, rest));
    }
    let has_form =
        branches(of_field).into_iter().any(|schema| schema.get("format").or(schema.get("pattern")).is_some());
    has_form && fields.get(first).is_some_and(Value::is_string) && fields.remove(first).is_some()
}

/// A schema and the alternatives that it is made of.
fn branches(schema: &Value) -> Vec<&Value> {
    let mut all = vec![schema];
    for name in ["anyOf", "oneOf", "allOf"] {
        let parts = schema.get(name).and_then(Value::as_array).into_iter().flatten();
        all.extend(parts.flat_map(branches));
    }
    all
}

/// The types that a value may have; empty when the schema does not say.
fn types(schema: &Value) -> Vec<&str> {
    let mut names = Vec::new();
    for schema in branches(schema) {
        match schema.get("type") {
            Some(Value::String(name)) => names.push(name.as_str()),
            Some(Value::Array(several)) => names.extend(several.iter().filter_map(Value::as_str)),
            _ => {}
        }
    }
    names.dedup();
    names
}

/// Where an unknown key belongs, if to a table that can stand beside it.
fn inside(name: &str, properties: &Map<String, Value>) -> Option<String> {
    let has_it = |schema: &Value| {
        let schema = items_schema(schema).unwrap_or(schema);
        object_schema(schema).get("properties").is_some_and(|properties| properties.get(name).is_some())
    };
    let tables = properties.iter().filter(|(_, schema)| has_it(schema));
    let names: Vec<_> = tables.map(|(table, _)| format!("`{table}`")).collect();
    (!names.is_empty()).then(|| format!("it belongs in {}", names.join(" or ")))
}

/// The schema of the items of a list; none when it is no list.
fn items_schema(schema: &Value) -> Option<&Value> {
    branches(schema).into_iter().find_map(|schema| schema.get("items"))
}

/// The schema of an object; one that says nothing when there is no single one.
fn object_schema(schema: &Value) -> &Value {
    static OPEN: Value = Value::Null;
    let is_object = |schema: &&Value| schema.get("properties").or(schema.get("additionalProperties")).is_some();
    let mut objects = branches(schema).into_iter().filter(is_object);
    match (objects.next(), objects.next()) {
        (Some(only), None) => only,
        _ => &OPEN,
    }
}

/// The texts that a value may be, when the schema lists all of them.
pub(crate) fn choices(schema: &Value) -> Option<Vec<&str>> {
    let mut choices = Vec::new();
    for schema in branches(schema) {
        let listed = schema.get("enum").and_then(Value::as_array);
        choices.extend(listed.into_iter().flatten().filter_map(Value::as_str));
        choices.extend(schema.get("const").and_then(Value::as_str));
        let free = schema.get("type").is_some_and(|name| name == "string")
            && schema.get("enum").is_none()
            && schema.get("const").is_none();
        if free {
            return None;
        }
    }
    (!choices.is_empty()).then_some(choices)
}

fn is(value: &Value, name: &str) -> bool {
    match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "null" => value.is_null(),
        _ => true,
    }
}

fn article(name: &str) -> &str {
    match name {
        "object" => "a table",
        "array" => "a list",
        "string" => "a text",
        "boolean" => "true or false",
        "integer" => "a whole number",
        "number" => "a number",
        other => other,
    }
}

/// What a value is; not the value, which may be a secret in the wrong place.
fn describe(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a table",
    }
}

/// What a missing key is for: the first sentence of its description.
fn hint(schema: &Value) -> Option<String> {
    let description = schema.get("description").and_then(Value::as_str)?;
    let words = description.split_whitespace().collect::<Vec<_>>().join(" ");
    let sentence = words.split_inclusive(". ").next().unwrap_or_default().trim();
    Some(format!("set it: {sentence}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[derive(schemars::JsonSchema)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its schema is used")]
    struct Sample {
        /// Where the system is.
        url: String,
        #[serde(default)]
        page_size: Option<u16>,
        #[serde(default)]
        mode: Option<syncline_core::models::ModelMode>,
        #[serde(default)]
        sites: Vec<String>,
        #[serde(default)]
        inner: Option<Inner>,
    }

    #[derive(schemars::JsonSchema)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its schema is used")]
    struct Inner {
        #[schemars(range(min = 1, max = 9))]
        attempts: u8,
        verify: bool,
    }

    fn found(value: &Value) -> Vec<String> {
        let (_, found) = judge(value, &syncline_core::settings::schema::<Sample>());
        let text = |f: Found| format!("{}: {}; {}", f.key.join("."), f.message, f.remedy.unwrap_or_default());
        found.into_iter().map(text).collect()
    }

    #[test]
    fn what_is_right_passes() {
        let right = json!({
            "url": "u", "page_size": 5, "mode": "lookup", "sites": ["a"], "inner": {"attempts": 2, "verify": true},
        });
        assert_eq!(found(&right), [""; 0]);
        assert_eq!(found(&json!({"url": "u", "page_size": null, "inner": null})), [""; 0]);
    }

    #[test]
    fn every_problem_is_found_at_once() {
        let wrong = json!({
            "pagesize": 5,
            "page_size": "five",
            "mode": "sinc",
            "sites": ["a", 3],
            "inner": {"attempts": 0, "verfy": true},
            "nonsense": 1,
        });
        insta::assert_snapshot!(found(&wrong).join("\n"));
    }

    #[test]
    fn texts_of_the_environment_get_their_type() {
        let mut value =
            json!({"url": "5", "page_size": "5", "inner": {"attempts": "2", "verify": "true"}, "sites": "[\"a\"]"});
        coerce(&mut value, &syncline_core::settings::schema::<Sample>(), &mut Vec::new(), &|_| true);
        let expected = json!({"url": "5", "page_size": 5, "inner": {"attempts": 2, "verify": true}, "sites": ["a"]});
        assert_eq!(value, expected);
    }
}
