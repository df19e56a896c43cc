//! Settings as lines: what is nested by its path, lists in one line. What is secret was hidden before.

use serde_json::Value;

use super::show::clean;

/// A setting with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// Its path: `http.retry.attempts`.
    pub key: String,
    /// Its value; empty for what is set to nothing.
    pub value: String,
}

/// The settings in a value, by their paths.
pub fn settings(value: &Value) -> Vec<Setting> {
    let mut settings = Vec::new();
    collect(value, "", &mut settings);
    settings
}

fn collect(value: &Value, path: &str, settings: &mut Vec<Setting>) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (name, value) in members {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                collect(value, &path, settings);
            }
        }
        // What is not set says nothing.
        Value::Null => {}
        Value::Object(_) if path.is_empty() => {}
        value => settings.push(Setting { key: clean(path), value: clean(&text(value)) }),
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(members) if members.is_empty() => "none".to_owned(),
        Value::Object(members) if members.is_empty() => "none".to_owned(),
        Value::Array(members) if !members.iter().any(|member| member.is_object() || member.is_array()) => {
            members.iter().map(text).collect::<Vec<_>>().join(", ")
        }
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        value => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn settings_are_lines() {
        let nested = json!({"url": "https://x", "http": {"retry": {"attempts": 3}}, "sites": ["a", "b"], "none": null, "no": []});
        let lines: Vec<_> = settings(&nested).iter().map(|line| format!("{}: {}", line.key, line.value)).collect();
        assert_eq!(lines, ["http.retry.attempts: 3", "no: none", "sites: a, b", "url: https://x"]);
        assert_eq!(settings(&json!({})), []);
    }
}
