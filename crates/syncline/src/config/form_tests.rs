//! The forms of syncs between the real connectors: what is set is in the form, and what is in the form is set.

use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::Union;
use serde_json::{Map, Value, json};
use syncline_web::settings_form::{Field, FieldKind, SettingsForm};

use super::sync_schema;

/// The forms that there can be: of the host's own settings, and of every side of every connector; connections too, which have the
/// rarer schemas.
fn forms() -> Vec<(String, SettingsForm)> {
    let mut schemas = vec![("a sync".to_owned(), sync_schema())];
    for connector in crate::registry().expect("no two connectors have one name").iter() {
        schemas.push((format!("{} connection", connector.id), (connector.connection_schema)()));
        if let Some(side) = &connector.source {
            schemas.push((format!("{} source", connector.id), (side.parameters_schema)()));
        }
        if let Some(side) = &connector.target {
            schemas.push((format!("{} target", connector.id), (side.parameters_schema)()));
        }
    }
    schemas.into_iter().map(|(name, schema)| (name, SettingsForm::of(&schema))).collect()
}

/// A text that people could set. Blanks alone are nothing in a form.
fn text() -> impl Strategy<Value = String> {
    "[ -~äß\\n]{0,12}[!-~]".prop_map(|text| text)
}

/// A value of a field; none where it is not set.
fn value(field: &Field) -> BoxedStrategy<Option<Value>> {
    let set = match &field.kind {
        FieldKind::Text if field.can_be_emptied() => {
            Union::new([text().boxed(), Just(String::new()).boxed()]).prop_map(Value::from).boxed()
        }
        FieldKind::Text => text().prop_map(Value::from).boxed(),
        FieldKind::Secret => "(env|file):[A-Za-z_/]{1,8}".prop_map(Value::from).boxed(),
        FieldKind::Number { least, most, .. } => {
            let limit = |limit: &Option<serde_json::Number>| limit.as_ref().and_then(serde_json::Number::as_u64);
            (limit(least).unwrap_or(0)..=limit(most).unwrap_or(u64::MAX)).prop_map(Value::from).boxed()
        }
        FieldKind::Flag => any::<bool>().prop_map(Value::from).boxed(),
        FieldKind::Choice(choices) => {
            select(choices.iter().map(|choice| choice.value.clone()).collect::<Vec<_>>()).boxed()
        }
        FieldKind::Lines => {
            let line = Union::new([text().boxed(), "\\[[a-z]".boxed(), Just(String::new()).boxed()]);
            let least = usize::from(!field.can_be_emptied());
            proptest::collection::vec(line, least..4).prop_map(Value::from).boxed()
        }
        FieldKind::Json { words, .. } => {
            let free = (text(), any::<i32>()).prop_map(|(text, number)| json!([{text: [number, null]}, true])).boxed();
            let words = words.iter().map(|word| Just(Value::from(word.as_str())).boxed());
            Union::new(std::iter::once(free).chain(words)).boxed()
        }
        FieldKind::Group(fields) => table(fields),
    };
    if field.required { set.prop_map(Some).boxed() } else { proptest::option::of(set).boxed() }
}

fn table(fields: &[Field]) -> BoxedStrategy<Value> {
    let fields: Vec<_> = fields
        .iter()
        .map(|field| {
            let (name, field) = (field.key.name().to_owned(), field.clone());
            value(&field).prop_map(move |value| (name.clone(), shortest(&field, value)))
        })
        .collect();
    let some = |(name, value): (String, Option<Value>)| Some((name, value?));
    fields.prop_map(move |fields| Value::Object(fields.into_iter().filter_map(some).collect::<Map<_, _>>())).boxed()
}

/// What a form says in the shortest way: a box cannot tell yes from yes by itself, nor an empty table from none.
fn shortest(field: &Field, value: Option<Value>) -> Option<Value> {
    let says_nothing = |value: &Value| match &field.kind {
        FieldKind::Flag => field.default.as_ref() == Some(value),
        FieldKind::Group(_) => !field.required && value.as_object().is_some_and(Map::is_empty),
        _ => false,
    };
    value.filter(|value| !says_nothing(value))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
    #[test]
    fn what_is_set_is_kept(settings in {
        let tables: Vec<_> = forms().into_iter().enumerate().map(|(at, (_, form))| {
            table(&form.fields).prop_map(move |settings| (at, settings)).boxed()
        }).collect();
        Union::new(tables)
    }) {
        let (at, settings) = settings;
        let (name, form) = &forms()[at];
        let (texts, left_out) = form.texts(&settings);
        prop_assert_eq!(&left_out, &Vec::<String>::new(), "{}", name);
        let (again, problems) = form.settings(&texts);
        prop_assert_eq!(&problems, &Vec::new(), "{}", name);
        prop_assert_eq!(&again, &settings, "{}", name);
        prop_assert_eq!(form.texts(&again).0, texts, "{}", name);
    }
}

/// What each form has, for people to look over.
#[test]
fn fields_are_found_in_every_schema() {
    fn tell(fields: &[Field], lines: &mut Vec<String>) {
        for field in fields {
            let kind = match &field.kind {
                FieldKind::Text => "text".to_owned(),
                FieldKind::Secret => "secret".to_owned(),
                FieldKind::Number { .. } => "number".to_owned(),
                FieldKind::Flag => "flag".to_owned(),
                FieldKind::Choice(choices) => {
                    choices.iter().map(syncline_web::settings_form::Choice::text).collect::<Vec<_>>().join("|")
                }
                FieldKind::Lines => "lines".to_owned(),
                FieldKind::Group(_) => "group".to_owned(),
                FieldKind::Json { inside, words, secrets } => {
                    let inside: Vec<_> = inside.iter().map(|inside| inside.name.as_str()).collect();
                    let secret = if secrets.is_some() { ", with secrets" } else { "" };
                    format!("json [{}] {{{}}}{secret}", words.join("|"), inside.join(", "))
                }
            };
            let required = if field.required { "required " } else { "" };
            let default = field.default.as_ref().filter(|_| !matches!(field.kind, FieldKind::Group(_)));
            let default = default.map(|default| format!(" = {default}")).unwrap_or_default();
            let depth = "  ".repeat(field.key.depth() + 1);
            lines.push(format!("{depth}{}: {required}{kind}{default}", field.key.name()));
            if let FieldKind::Group(inner) = &field.kind {
                tell(inner, lines);
            }
        }
    }
    // A connector that is new is nobody's business but its own.
    let ours = ["a", "files", "forward", "nautobot", "netbox", "rest", "zabbix"];
    let is_ours = |name: &str| name.split(' ').next().is_some_and(|first| ours.contains(&first));
    let mut lines = Vec::new();
    for (name, form) in forms().into_iter().filter(|(name, _)| is_ours(name)) {
        lines.push(name);
        tell(&form.fields, &mut lines);
    }
    insta::assert_snapshot!(lines.join("\n"));
}
