//! Settings as they are typed, and what was typed as settings.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use syncline_core::settings::SecretRef;

use super::field::text_of;
use super::{Field, FieldKey, FieldKind, SettingsForm};
use crate::SettingProblem;

/// What stands in the fields of a form, by their keys.
///
/// A [`FieldKind::Flag`] is `on` or `off`. [`FieldKind::Lines`] are lines, or a JSON list where lines cannot say it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Texts {
    typed: BTreeMap<String, String>,
    /// Those that are nothing, instead of what counts when they are not set.
    emptied: Vec<String>,
}

/// Keys of settings for which a form has no field, or not one in which their value can stand: what a form makes has them no more.
pub type LeftOut = Vec<String>;

impl Texts {
    /// Puts a text into a field, instead of what was there. Lines end as this system ends them.
    pub fn set(&mut self, key: impl Into<String>, text: &str) {
        let text = text.replace("\r\n", "\n");
        self.typed.insert(key.into(), text);
    }

    /// Says that a field is nothing, instead of what counts when it is not set.
    pub fn set_empty(&mut self, key: impl Into<String>) {
        self.emptied.push(key.into());
    }

    /// What stands in a field; none when it is blank.
    pub fn of(&self, key: &FieldKey) -> Option<&str> {
        self.typed.get(&key.to_string()).map(String::as_str).filter(|text| !text.trim().is_empty())
    }

    /// Whether a field is nothing, instead of what counts when it is not set.
    pub fn is_emptied(&self, key: &FieldKey) -> bool {
        self.emptied.contains(&key.to_string())
    }

    /// Whether anything stands in a field, or in one of a group's. Flags that say what counts anyway say nothing.
    pub fn says(&self, field: &Field) -> bool {
        match &field.kind {
            FieldKind::Group(fields) => fields.iter().any(|field| self.says(field)),
            FieldKind::Flag => {
                let flag = self.of(&field.key).map(|text| Value::from(text == ON));
                flag.is_some() && flag != field.default
            }
            _ => self.of(&field.key).is_some() || self.is_emptied(&field.key),
        }
    }
}

/// What a flag sends that is ticked.
const ON: &str = "on";
const OFF: &str = "off";

impl SettingsForm {
    /// What stands in the form for settings, and what of them has no place in it.
    pub fn texts(&self, settings: &Value) -> (Texts, LeftOut) {
        let (mut texts, mut left_out) = (Texts::default(), LeftOut::new());
        fill(&self.fields, settings, "", &mut texts, &mut left_out);
        (texts, left_out)
    }

    /// The settings that were typed, without what is wrong, and that.
    pub fn settings(&self, texts: &Texts) -> (Value, Vec<SettingProblem>) {
        let mut problems = Vec::new();
        let settings = gather(&self.fields, texts, &mut problems);
        (Value::Object(settings), problems)
    }
}

fn fill(fields: &[Field], settings: &Value, around: &str, texts: &mut Texts, left_out: &mut LeftOut) {
    let Value::Object(settings) = settings else {
        if !settings.is_null() {
            left_out.push(around.to_owned());
        }
        return;
    };
    for name in settings.keys().filter(|name| !fields.iter().any(|field| field.key.name() == name.as_str())) {
        left_out.push(if around.is_empty() { name.clone() } else { format!("{around}.{name}") });
    }
    for field in fields {
        let Some(value) = settings.get(field.key.name()).filter(|value| !value.is_null()) else { continue };
        let key = field.key.to_string();
        if let FieldKind::Group(inner) = &field.kind {
            fill(inner, value, &key, texts, left_out);
            continue;
        }
        match typed(field, value) {
            Typed::Text(text) => texts.set(key, &text),
            Typed::Nothing => texts.set_empty(key),
            Typed::Default => {}
            Typed::Never => left_out.push(key),
        }
    }
}

/// How a value is typed.
enum Typed {
    Text(String),
    /// By saying that it is nothing.
    Nothing,
    /// By saying nothing.
    Default,
    /// Not at all.
    Never,
}

fn typed(field: &Field, value: &Value) -> Typed {
    let blank = |text: &str| text.trim().is_empty();
    match (&field.kind, value) {
        (FieldKind::Text, Value::String(text)) if text.is_empty() && field.can_be_emptied() => Typed::Nothing,
        (FieldKind::Lines, Value::Array(items)) if items.is_empty() && field.can_be_emptied() => Typed::Nothing,
        (FieldKind::Lines, Value::Array(items)) if items.is_empty() => Typed::Default,
        (FieldKind::Text, Value::String(text)) if text.is_empty() => Typed::Default,
        // Nobody sees blanks alone in a field.
        (FieldKind::Text, Value::String(text)) if blank(text) => Typed::Never,
        (FieldKind::Text | FieldKind::Number { .. }, Value::String(_) | Value::Number(_)) => {
            Typed::Text(text_of(value))
        }
        (FieldKind::Secret, Value::String(text)) if text.parse::<SecretRef>().is_ok() => Typed::Text(text.clone()),
        (FieldKind::Flag, Value::Bool(yes)) => Typed::Text(if *yes { ON } else { OFF }.to_owned()),
        (FieldKind::Choice(_), Value::String(_) | Value::Bool(_)) => Typed::Text(text_of(value)),
        (FieldKind::Lines, Value::Array(items)) => {
            fn plain(item: &Value) -> Option<&str> {
                let text = item.as_str()?;
                (!text.is_empty() && text.trim() == text && !text.contains(['\n', '\r'])).then_some(text)
            }
            let lines: Option<Vec<_>> = items.iter().map(plain).collect();
            // What begins like a JSON list is read as one.
            let lines = lines.filter(|lines| !lines.first().is_some_and(|first| first.starts_with('[')));
            Typed::Text(lines.map_or_else(|| pretty(value), |lines| lines.join("\n")))
        }
        (FieldKind::Json { .. }, value) => Typed::Text(pretty(value)),
        _ => Typed::Never,
    }
}

fn pretty(value: &Value) -> String {
    format!("{value:#}")
}

fn gather(fields: &[Field], texts: &Texts, problems: &mut Vec<SettingProblem>) -> Map<String, Value> {
    let mut settings = Map::new();
    for field in fields {
        let value = if let FieldKind::Group(inner) = &field.kind {
            let mut found = Vec::new();
            let group = gather(inner, texts, &mut found);
            // What is missing in a table that is not there is not missing.
            let is_there = field.required || !group.is_empty() || texts.says(field);
            if is_there {
                problems.append(&mut found);
            }
            (field.required || !group.is_empty()).then_some(Value::Object(group))
        } else {
            read(field, texts).unwrap_or_else(|Wrong { message, remedy }| {
                problems.push(SettingProblem { key: field.key.to_string(), message, remedy });
                None
            })
        };
        settings.extend(value.map(|value| (field.key.name().to_owned(), value)));
    }
    settings
}

/// Why a text is no value.
struct Wrong {
    message: String,
    remedy: Option<String>,
}

impl Wrong {
    fn new(message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { message: message.into(), remedy: Some(remedy.into()) }
    }
}

/// The value that was typed; none when nothing was.
fn read(field: &Field, texts: &Texts) -> Result<Option<Value>, Wrong> {
    if texts.is_emptied(&field.key) {
        if let Some(text) = texts.of(&field.key) {
            let message = format!("is to be empty, and says `{}`", text.lines().next().unwrap_or_default());
            return Err(Wrong::new(message, "remove either"));
        }
        return Ok(Some(if field.kind == FieldKind::Lines { Value::Array(Vec::new()) } else { "".into() }));
    }
    let Some(text) = texts.of(&field.key) else {
        let message = "is missing".to_owned();
        return if field.required && field.default.is_none() { Err(Wrong { message, remedy: None }) } else { Ok(None) };
    };
    let value = match &field.kind {
        FieldKind::Text => text.into(),
        FieldKind::Secret => {
            let text = text.trim();
            text.parse::<SecretRef>().map_err(|message| Wrong { message, remedy: None })?;
            text.into()
        }
        FieldKind::Number { whole, least, most } => number(text.trim(), *whole, least.as_ref(), most.as_ref())?,
        FieldKind::Flag => {
            let value = Value::from(text == ON);
            // A box cannot say whether it was ticked for this sync or is by itself.
            return Ok((field.default.as_ref() != Some(&value)).then_some(value));
        }
        FieldKind::Choice(choices) => {
            let found = choices.iter().find(|choice| choice.text() == text.trim());
            let known = || choices.iter().map(|choice| format!("`{}`", choice.text())).collect::<Vec<_>>().join(", ");
            let wrong = || Wrong::new(format!("`{text}` is none of its values"), format!("choose one of {}", known()));
            found.map(|choice| choice.value.clone()).ok_or_else(wrong)?
        }
        FieldKind::Lines if text.trim_start().starts_with('[') => {
            let list = serde_json::from_str::<Vec<String>>(text);
            let wrong = |error| {
                Wrong::new(
                    format!("begins like a JSON list of texts, and is none: {error}"),
                    "mend it, or write one text on each line",
                )
            };
            list.map_err(wrong)?.into()
        }
        FieldKind::Lines => text.lines().map(str::trim).filter(|line| !line.is_empty()).collect(),
        FieldKind::Json { words, secrets, .. } => {
            let trimmed = text.trim();
            if words.iter().any(|word| word == trimmed) {
                return Ok(Some(trimmed.into()));
            }
            serde_json::from_str(trimmed).map_err(|error| {
                // The message of the reader may repeat what it read.
                let (line, column) = (error.line(), error.column());
                let why = if secrets.is_some() { String::new() } else { format!(": {error}") };
                let message = if secrets.is_some() {
                    format!("is no JSON, at line {line} column {column}")
                } else {
                    format!("is no JSON{why}")
                };
                Wrong::new(
                    message,
                    "texts and keys have double quotes, and nothing stands after the last one of a list or table",
                )
            })?
        }
        FieldKind::Group(_) => return Ok(None),
    };
    Ok(Some(value))
}

fn number(
    text: &str,
    whole: bool,
    least: Option<&serde_json::Number>,
    most: Option<&serde_json::Number>,
) -> Result<Value, Wrong> {
    let expected = if whole { "a whole number" } else { "a number" };
    let range = match (least, most) {
        (Some(least), Some(most)) => format!("{expected} from {least} to {most}"),
        (Some(least), None) => format!("{expected} of at least {least}"),
        (None, Some(most)) => format!("{expected} of at most {most}"),
        (None, None) => expected.to_owned(),
    };
    let wrong = || Wrong { message: format!("expects {range}, not `{text}`"), remedy: None };
    let number: serde_json::Number = text.parse().map_err(|_| wrong())?;
    let value = number.as_f64().ok_or_else(wrong)?;
    let limit = |limit: Option<&serde_json::Number>| limit.and_then(serde_json::Number::as_f64);
    let fits = limit(least).is_none_or(|least| value >= least) && limit(most).is_none_or(|most| value <= most);
    if !fits || (whole && !number.is_i64() && !number.is_u64()) {
        return Err(wrong());
    }
    Ok(number.into())
}
