//! As much of JSON schema as the chart's needs; a word that is not known here is an error, not ignored.

use serde_json::Value;

/// What the schema objects to in a value.
pub(super) fn judge(value: &Value, schema: &Value) -> Vec<String> {
    let mut found = Vec::new();
    below("values", value, schema, &mut found);
    found
}

fn below(path: &str, value: &Value, schema: &Value, found: &mut Vec<String>) {
    let Some(rules) = schema.as_object() else {
        found.push(format!("{path}: its schema is no object"));
        return;
    };
    let mut object = |what: String| found.push(format!("{path}: {what}"));
    for (word, rule) in rules {
        match word.as_str() {
            "$schema" | "title" | "description" | "properties" | "additionalProperties" | "items" => {}
            "type" => {
                let types: Vec<_> = rule.as_array().map_or(vec![rule], |types| types.iter().collect());
                if !types.iter().any(|name| is(value, name.as_str().unwrap_or_default())) {
                    object(format!("is not of the type {rule}"));
                }
            }
            "enum" if rule.as_array().is_some_and(|choices| choices.contains(value)) => {}
            "enum" => object(format!("is none of {rule}")),
            "const" if rule == value => {}
            "const" => object(format!("is not {rule}")),
            "not" => {
                let mut objections = Vec::new();
                below(path, value, rule, &mut objections);
                if objections.is_empty() {
                    object(format!("is {rule}"));
                }
            }
            "required" => {
                let names = rule.as_array().into_iter().flatten().filter_map(Value::as_str);
                let missing = names.filter(|name| value.is_object() && value.get(name).is_none());
                missing.for_each(|name| object(format!("`{name}` is missing")));
            }
            "minimum" if value.as_f64() >= rule.as_f64() => {}
            "maximum" if value.as_f64() <= rule.as_f64() => {}
            "minLength" if value.as_str().map(|text| text.len() as u64) >= rule.as_u64() => {}
            "minItems" if value.as_array().map(|items| items.len() as u64) >= rule.as_u64() => {}
            "minimum" | "maximum" | "minLength" | "minItems" => object(format!("is beyond `{word}` {rule}")),
            "pattern" => match rule.as_str().map(regex::Regex::new) {
                Some(Ok(pattern)) if value.as_str().is_none_or(|text| pattern.is_match(text)) => {}
                Some(Ok(_)) => object(format!("does not match {rule}")),
                _ => object(format!("{rule} is no pattern")),
            },
            other => object(format!("its schema says `{other}`, which this check does not know")),
        }
    }
    if let Some(fields) = value.as_object() {
        for (name, field) in fields {
            let path = format!("{path}.{name}");
            let known = rules.get("properties").and_then(|properties| properties.get(name));
            match known.or_else(|| rules.get("additionalProperties")) {
                None | Some(Value::Bool(true)) => {}
                Some(Value::Bool(false)) => found.push(format!("{path}: its schema does not know it")),
                Some(schema) => below(&path, field, schema, found),
            }
        }
    }
    if let (Some(items), Some(schema)) = (value.as_array(), rules.get("items")) {
        for (at, item) in items.iter().enumerate() {
            below(&format!("{path}.{at}"), item, schema, found);
        }
    }
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
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_wrong_is_found() {
        let schema = json!({
            "type": "object", "required": ["a", "b"], "additionalProperties": false,
            "properties": {
                "a": {"type": "integer", "minimum": 1},
                "c": {"enum": ["x"]},
                "d": {"type": "array", "items": {"type": "string", "pattern": "^k"}},
                "e": {"not": {"const": "latest"}},
                "f": {"odd": 1},
            },
        });
        assert_eq!(judge(&json!({"a": 1, "b": 2}), &json!({"type": "object"})), [""; 0]);
        let value = json!({"a": 0, "c": "y", "d": ["k", "l", 3], "e": "latest", "f": 1, "g": 1});
        assert_eq!(
            judge(&value, &schema),
            [
                "values: `b` is missing",
                "values.a: is beyond `minimum` 1",
                "values.c: is none of [\"x\"]",
                "values.d.1: does not match \"^k\"",
                "values.d.2: is not of the type \"string\"",
                "values.e: is {\"const\":\"latest\"}",
                "values.f: its schema says `odd`, which this check does not know",
                "values.g: its schema does not know it",
            ]
        );
    }
}
