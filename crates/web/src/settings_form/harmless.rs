//! JSON as it was typed, without what may be a secret.
//!
//! A secret is kept elsewhere and referred to. Whoever types it itself is told so, and nobody is shown it again.

use serde_json::Value;
use syncline_core::settings::SecretRef;

use super::field::is_secret;

/// Where a schema has others that a value may have, or has as well.
const PARTS: [&str; 3] = ["anyOf", "oneOf", "allOf"];

/// A text that was typed as JSON of a schema that can have references to secrets in it, as it may be shown: without what stands in
/// the place of a reference and is none, and without texts in places of which the schema says nothing. Nothing is left of what is no JSON.
pub fn harmless(text: &str, words: &[String], schema: &Value) -> String {
    if words.iter().any(|word| word == text.trim()) {
        return text.to_owned();
    }
    let Ok(typed) = serde_json::from_str::<Value>(text) else { return String::new() };
    let mut shown = typed.clone();
    clear(&mut shown, &[schema]);
    if shown == typed { text.to_owned() } else { format!("{shown:#}") }
}

/// Clears what may be a secret, by the schemas of which one is that of the value.
fn clear(value: &mut Value, schemas: &[&Value]) {
    let schemas = all(schemas);
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let known = schemas.iter().filter_map(|schema| schema.get("properties")?.get(name));
                let known: Vec<_> = known.collect();
                let others = schemas.iter().filter_map(|schema| schema.get("additionalProperties"));
                clear(value, &if known.is_empty() { others.collect() } else { known });
            }
        }
        Value::Array(items) => {
            let inside: Vec<_> = schemas.iter().filter_map(|schema| schema.get("items")).collect();
            for item in items {
                clear(item, &inside);
            }
        }
        Value::Null | Value::Bool(_) => {}
        Value::Number(_) | Value::String(_) => {
            let is_reference = value.as_str().is_some_and(|text| text.parse::<SecretRef>().is_ok());
            let is_plain =
                schemas.iter().any(|schema| takes_it(schema)) && !schemas.iter().any(|schema| is_secret(schema));
            if !is_reference && !is_plain {
                *value = Value::String(String::new());
            }
        }
    }
}

/// Whether a schema says that a text or a number may stand there.
fn takes_it(schema: &Value) -> bool {
    let is_single = |name: &Value| ["string", "integer", "number"].iter().any(|single| name == single);
    schema.get("const").is_some()
        || schema.get("enum").is_some()
        || schema
            .get("type")
            .is_some_and(|types| is_single(types) || types.as_array().is_some_and(|types| types.iter().any(is_single)))
}

/// Schemas with their alternatives and theirs.
fn all<'a>(schemas: &[&'a Value]) -> Vec<&'a Value> {
    let mut all = schemas.to_vec();
    let mut at = 0;
    while let Some(schema) = all.get(at).copied() {
        all.extend(PARTS.into_iter().filter_map(|name| schema.get(name)?.as_array()).flatten());
        at += 1;
    }
    all
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_may_be_a_secret_is_not_there_and_the_rest_is() {
        let secret = json!({"type": ["string", "null"], "format": "secret-reference"});
        let macros = json!({"type": "array", "items": {"type": "object", "properties": {
            "name": {"type": "string"},
            "secret": secret,
            "either": {"anyOf": [{"type": "string"}, {"type": "object", "properties": {"secret": secret}}]},
            "all": {"type": "object", "additionalProperties": secret},
        }, "required": ["name"]}});
        let shown = |text: &str| harmless(text, &["none".to_owned()], &macros);
        for kept in [
            "none",
            "[ ]",
            r#"[{"name":"A",  "secret": "env:TOKEN"}]"#,
            r#"[{"name":"A", "secret": null, "either": "b", "all": {"x": "file:/run/x"}}]"#,
        ] {
            assert_eq!(shown(kept), kept);
        }
        for typed in [
            r#"[{"name": "A", "secret": "hunter2"}]"#,
            r#"[{"name": "A", "secret": 2222}]"#,
            r#"[{"name": "A", "either": {"secret": "hunter2"}}]"#,
            r#"[{"name": "A", "all": {"x": "hunter2"}}]"#,
            r#"[{"name": "A", "sceret": "hunter2"}]"#,
            r#"[{"name": "A", "secret": ["hunter2"]}]"#,
        ] {
            let shown = shown(typed);
            assert!(
                !shown.contains("hunter2") && !shown.contains("2222") && shown.contains("\"A\""),
                "{typed}: {shown}"
            );
        }
        assert_eq!(shown(r#"[{"name": "A", "secret": hunter2}]"#), "");
        assert_eq!(shown("\"hunter2\""), "\"\"");
    }
}
