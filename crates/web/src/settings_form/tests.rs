//! A schema with everything that settings say, as `schemars` writes it.

use serde_json::{Value, json};

use super::{FieldKind, SettingsForm, Texts};
use crate::pages::settings_view;

pub fn schema() -> Value {
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["url", "count"],
        "properties": {
            "url": {"type": "string", "format": "uri", "description": "Where it is,\nlike `https://a.example`."},
            "token": {"description": "How to get in.", "anyOf": [
                {"type": "string", "format": "secret-reference", "pattern": "^(env|file):.+$", "examples": ["env:API_TOKEN"]},
                {"type": "null"},
            ]},
            "count": {"type": "integer", "minimum": 1, "maximum": 9},
            "share": {"type": ["number", "null"], "default": null},
            "rule": {"type": "string", "default": "{{ name }}"},
            "verify": {"type": "boolean", "default": true},
            "maybe": {"type": ["boolean", "null"]},
            "mode": {"default": "fast", "oneOf": [
                {"const": "fast", "type": "string", "description": "Soon."},
                {"const": "slow", "type": "string", "description": "Later."},
            ]},
            "level": {"type": "string", "enum": ["low", "high"]},
            "sites": {"type": "array", "items": {"type": "string"}, "default": ["hq"]},
            "mark": {"default": "none", "oneOf": [
                {"const": "none", "type": "string"},
                {"type": "object", "properties": {"tag": {"type": "string", "description": "A tag."}}, "required": ["tag"]},
            ]},
            "macros": {"type": "array", "items": {"type": "object", "properties": {
                "name": {"type": "string"},
                "secret": {"type": ["string", "null"], "format": "secret-reference"},
            }, "required": ["name"]}},
            "limits": {"type": "object", "additionalProperties": false, "required": ["least"], "properties": {
                "least": {"type": "integer", "minimum": 0},
                "most": {"type": "integer"},
            }},
            "free": {"type": "object", "additionalProperties": {"type": "string"}},
        },
    })
}

fn texts(typed: &[(&str, &str)]) -> Texts {
    let mut texts = Texts::default();
    for (key, text) in typed {
        texts.set(*key, text);
    }
    texts
}

fn told(typed: &[(&str, &str)]) -> Vec<String> {
    let (_, problems) = SettingsForm::of(&schema()).settings(&texts(typed));
    problems.iter().map(|problem| format!("{}: {}", problem.key, settings_view::told(problem))).collect()
}

#[test]
fn what_is_typed_becomes_settings() {
    let form = SettingsForm::of(&schema());
    let mut typed = texts(&[
        ("url", "https://a.example"),
        ("token", " file:/run/t "),
        ("count", " 7 "),
        ("share", "0.5"),
        ("verify", "off"),
        ("maybe", "true"),
        ("mode", "slow"),
        ("mark", "none"),
        ("macros", "[{\"name\": \"A\"}]"),
        ("limits.least", "0"),
        ("free", "{\"a.b\": \"c\"}"),
    ]);
    typed.set_empty("sites");
    typed.set_empty("rule");
    let (settings, problems) = form.settings(&typed);
    assert_eq!(problems, []);
    let expected = json!({
        "url": "https://a.example", "token": "file:/run/t", "count": 7, "share": 0.5, "rule": "", "verify": false, "maybe": true,
        "mode": "slow", "sites": [], "mark": "none", "macros": [{"name": "A"}], "limits": {"least": 0}, "free": {"a.b": "c"},
    });
    assert_eq!(settings, expected);
    let (again, left_out) = form.texts(&settings);
    assert_eq!(left_out, [""; 0]);
    assert_eq!(form.settings(&again).0, expected);

    // Nothing else is set than what was said, and a box that says what counts anyway says nothing.
    let (least, _) = form.settings(&texts(&[("url", "u"), ("count", "1"), ("verify", "on"), ("sites", " \n\t")]));
    assert_eq!(least, json!({"url": "u", "count": 1}));
}

#[test]
fn everything_that_is_wrong_is_told() {
    let wrong = told(&[
        ("count", "10"),
        ("token", "hunter2"),
        ("share", "half"),
        ("level", "middle"),
        ("sites", "[1, 2]"),
        ("mark", "nothing"),
        ("macros", "[{\"secret\": hunter2}]"),
        ("limits.most", "1.5"),
    ]);
    insta::assert_snapshot!(wrong.join("\n"));
    assert!(!wrong.iter().any(|line| line.contains("hunter2")), "what may be a secret is not repeated");
    // What is missing in a table that is not there is not missing.
    assert_eq!(told(&[("url", "u"), ("count", "3")]), [""; 0]);
    assert_eq!(told(&[("url", "u"), ("count", "3"), ("limits.most", "3")]), ["limits.least: is missing"]);
}

#[test]
fn what_has_no_place_is_told() {
    let form = SettingsForm::of(&schema());
    let odd = json!({"url": 5, "token": "hunter2", "limits": {"odd": 1, "least": [1]}, "verify": "yes", "extra": null, "sites": "hq"});
    let (texts, left_out) = form.texts(&odd);
    assert_eq!(left_out, ["extra", "sites", "token", "verify", "limits.odd", "limits.least"]);
    assert_eq!(texts.of(&form.field_of("url").unwrap().key), Some("5"));
    assert_eq!(texts.of(&form.field_of("token").unwrap().key), None);
}

#[test]
fn a_problem_is_about_the_innermost_field_around_its_key() {
    let form = SettingsForm::of(&schema());
    let about = |key: &str| form.field_of(key).map(|field| field.key.to_string()).unwrap_or_default();
    assert_eq!(about("limits.least"), "limits.least");
    assert_eq!(about("limits.lest"), "limits");
    assert_eq!(about("sites[3]"), "sites");
    assert_eq!(about("macros.0.secret"), "macros");
    assert_eq!([about("site"), about(""), about("limitsx.least")], [""; 3]);
    assert!(matches!(form.field_of("limits").unwrap().kind, FieldKind::Group(_)));
}
