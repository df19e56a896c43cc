//! The tables of settings in the handbook are made of the schemas.
//!
//! `UPDATE_HANDBOOK=1 cargo test -p syncline handbook` writes them anew.

use std::fmt::Write as _;

use serde_json::Value;

use super::holds;
use crate::cli::view::connector::{branches, kind};
use crate::config;

/// So many tables beside each other that are made alike are told of once.
const ALIKE: usize = 3;

/// A setting, as a row of a table.
#[derive(Debug, PartialEq, Eq)]
struct Row {
    key: String,
    kind: String,
    default: String,
    description: String,
}

/// The settings of a schema, those in a table behind the table.
fn collect(schema: &Value, prefix: &str, rows: &mut Vec<Row>) {
    let required = |name: &str| {
        let required = schema.get("required").and_then(Value::as_array);
        required.into_iter().flatten().any(|required| required == name)
    };
    let mut settings: Vec<(Vec<&str>, &Value)> = Vec::new();
    for (name, setting) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        let twin = table(setting).and_then(|own| settings.iter_mut().find(|(_, other)| table(other) == Some(own)));
        match twin {
            Some((names, _)) => names.push(name),
            None => settings.push((vec![name], setting)),
        }
    }
    // What must be given comes first, then what stands alone, then the tables.
    settings.sort_by_key(|(names, setting)| (!required(names[0]), within(setting).is_some()));
    for (names, setting) in settings {
        if names.len() < ALIKE {
            for name in names {
                add(setting, &format!("{prefix}{name}"), required(name), rows);
            }
            continue;
        }
        let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
        let description = format!("{} `NAME` is one of {}.", description(setting), names.join(", "));
        rows.push(Row { description, ..row(setting, &format!("{prefix}NAME"), false) });
        collect(table(setting).unwrap_or(setting), &format!("{prefix}NAME."), rows);
    }
}

fn add(setting: &Value, key: &str, required: bool, rows: &mut Vec<Row>) {
    // A table is told of by what is in it.
    if table(setting).is_none() || !description(setting).is_empty() {
        rows.push(row(setting, key, required));
    }
    if let Some((inner, mark)) = within(setting) {
        collect(inner, &format!("{key}{mark}."), rows);
    }
}

fn row(setting: &Value, key: &str, required: bool) -> Row {
    let default = setting.get("default").filter(|default| !is_nothing(default));
    let default = match default {
        _ if required => "required".to_owned(),
        // The defaults of what is in a table stand there.
        _ if table(setting).is_some() => String::new(),
        Some(Value::String(text)) => format!("`{text}`"),
        Some(value) => format!("`{value}`"),
        None => String::new(),
    };
    Row { key: key.to_owned(), kind: values(setting), default, description: description(setting) }
}

/// What the value is, for people; where it is a word or a table, each of them.
fn values(setting: &Value) -> String {
    let alternatives: Vec<_> = branches(setting).skip(1).filter_map(alternative).collect();
    let one_is_a_table = alternatives.iter().any(|one| one.starts_with('{'));
    if one_is_a_table {
        alternatives.iter().map(|one| format!("`{one}`")).collect::<Vec<_>>().join(" | ")
    } else {
        kind(setting)
    }
}

/// One of several things that a value can be: a word, or a table with these keys.
fn alternative(branch: &Value) -> Option<String> {
    if let Some(word) = branch.get("const").and_then(Value::as_str) {
        return Some(word.to_owned());
    }
    let keys = branch.get("properties")?.as_object()?.keys();
    let keys: Vec<_> = keys.map(|key| format!("{key} = …")).collect();
    Some(format!("{{ {} }}", keys.join(", ")))
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// The schema of a table whose keys are known.
fn table(setting: &Value) -> Option<&Value> {
    let inner = branches(setting).find(|branch| branch.get("properties").is_some())?;
    setting.get("oneOf").is_none().then_some(inner)
}

/// The schema of what is in a setting, and how its key says that: a table, a list of tables, tables by names.
fn within(setting: &Value) -> Option<(&Value, &'static str)> {
    let listed = || branches(setting).find_map(|branch| table(branch.get("items")?));
    let named = || branches(setting).find_map(|branch| table(branch.get("additionalProperties")?));
    table(setting).map(|inner| (inner, "")).or_else(|| Some((listed()?, "[]"))).or_else(|| Some((named()?, ".NAME")))
}

/// What a setting is for, and what each of its values means.
fn description(setting: &Value) -> String {
    let said = |schema: &Value| {
        let text = schema.get("description").and_then(Value::as_str).unwrap_or_default();
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let mut text = said(setting);
    for branch in branches(setting).skip(1) {
        let meaning = said(branch);
        // `MD5`: MD5.
        let says_more = |choice: &String| !meaning.trim_end_matches('.').eq_ignore_ascii_case(choice);
        if let Some(choice) = alternative(branch).filter(says_more).filter(|_| !meaning.is_empty()) {
            let _ = write!(text, " `{choice}`: {meaning}");
        }
    }
    text.trim().to_owned()
}

/// A table of Markdown; nothing where there is nothing to set.
fn markdown(title: &str, schema: &Value) -> String {
    let mut rows = Vec::new();
    collect(schema, "", &mut rows);
    if rows.is_empty() {
        return String::new();
    }
    let mut text = format!("\n### {title}\n\n| setting | value | default | what it is for |\n|---|---|---|---|\n");
    for row in rows {
        let cells = [format!("`{}`", row.key), row.kind, row.default, row.description];
        let _ = writeln!(text, "| {} |", cells.map(|cell| cell.replace('|', "\\|")).join(" | "));
    }
    text
}

#[test]
fn each_connector_has_its_table_of_settings() {
    for connector in crate::registry().unwrap().iter() {
        let mut text = markdown("The connection", &(connector.connection_schema)());
        if let Some(source) = &connector.source {
            text += &markdown("As a source: `source_parameters`", &(source.parameters_schema)());
        }
        if let Some(target) = &connector.target {
            text += &markdown("As a target: `target_parameters`", &(target.parameters_schema)());
        }
        holds(&format!("connectors/{}-settings.md", connector.id), &text);
    }
}

#[test]
fn the_configuration_has_its_tables() {
    let schema = config::schema(&crate::registry().unwrap());
    let part = |name: &str| &schema["properties"][name];
    let mut sync = part("syncs")["additionalProperties"].clone();
    // What is asked of the systems is on the pages of their connectors.
    for side in ["source_parameters", "target_parameters"] {
        sync["properties"][side]["anyOf"].take();
    }
    let text = [
        markdown("`[data]`", part("data")),
        markdown("`[syncs.NAME]`", &sync),
        markdown("`[notify.NAME]`", &part("notify")["additionalProperties"]),
        markdown("`[web]`", part("web")),
    ];
    holds("configuration-settings.md", &text.concat());
}

/// Settings are never written, so that their schemas know no defaults of words by themselves.
#[test]
fn a_word_that_need_not_be_said_has_a_default() {
    let registry = crate::registry().unwrap();
    let mut schemas = vec![("the configuration", config::schema(&registry))];
    for connector in registry.iter() {
        schemas.push((connector.id, (connector.connection_schema)()));
        schemas.extend(connector.source.as_ref().map(|side| (connector.id, (side.parameters_schema)())));
        schemas.extend(connector.target.as_ref().map(|side| (connector.id, (side.parameters_schema)())));
    }
    let mut silent = Vec::new();
    for (what, schema) in &schemas {
        find_silent(schema, &mut |name| silent.push(format!("{what}: {name}")));
    }
    assert!(silent.is_empty(), "say the default by `#[schemars(extend(\"default\" = …))]`: {silent:#?}");
}

/// Tells of the settings in a schema that are one of some words, need not be there, and do not say what they are then.
fn find_silent(schema: &Value, found: &mut dyn FnMut(&str)) {
    let required = schema.get("required").and_then(Value::as_array);
    for (name, setting) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        let must_be = required.is_some_and(|required| required.iter().any(|required| required == name));
        // What can be null is nothing when it is left out.
        let can_be_nothing = branches(setting).any(|branch| match branch.get("type") {
            Some(Value::Array(types)) => types.iter().any(|name| name == "null"),
            Some(name) => name == "null",
            None => false,
        });
        if !must_be && !can_be_nothing && setting.get("default").is_none() && config::choices(setting).is_some() {
            found(name);
        }
    }
    match schema {
        Value::Object(fields) => fields.values().for_each(|inner| find_silent(inner, found)),
        Value::Array(items) => items.iter().for_each(|inner| find_silent(inner, found)),
        _ => {}
    }
}

#[test]
fn a_schema_becomes_a_table() {
    let query =
        serde_json::json!({"type": "object", "description": "A query.", "properties": {"path": {"type": "string"}}});
    let schema = serde_json::json!({"properties": {
        "tags": {"type": "array", "items": {"type": "object", "properties": {"tag": {"type": "string", "default": "a|b"}}, "required": ["tag"]}},
        "mode": {"description": "How.", "default": "fast", "oneOf": [
            {"const": "fast", "description": "At once."}, {"const": "slow", "description": "Later."}
        ]},
        "url": {"type": "string", "description": "Where\nit is."},
        "queries": {"properties": {"a": query, "b": query, "c": query}},
        "limits": {"type": "object", "additionalProperties": {"properties": {"most": {"type": ["integer", "null"]}}}},
    }, "required": ["url"]});
    insta::assert_snapshot!(markdown("All", &schema), @r"

    ### All

    | setting | value | default | what it is for |
    |---|---|---|---|
    | `url` | text | required | Where it is. |
    | `mode` | fast \| slow | `fast` | How. `fast`: At once. `slow`: Later. |
    | `limits` | table |  |  |
    | `limits.NAME.most` | whole number |  |  |
    | `queries.NAME` | table |  | A query. `NAME` is one of `a`, `b`, `c`. |
    | `queries.NAME.path` | text |  |  |
    | `tags` | list of table |  |  |
    | `tags[].tag` | text | required |  |
    ");
}
