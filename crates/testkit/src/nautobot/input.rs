//! Reading bodies: what each field takes, and what is said where it does not.

use serde_json::{Map, Value as Json};

use super::address::{Net, parse_mac};
use super::errors::Errors;
use super::lookup;
use super::schema::{Field, Kind, Type};
use super::state::Store;
use super::unique;
use super::value::{Id, Object, Value};
use crate::django::{Choice, python};

/// An object as a body would make it.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub object: Object,
    /// Names of the fields that the body has.
    pub given: Vec<&'static str>,
    /// What is not stored with the object itself.
    pub inputs: Vec<(&'static str, Value)>,
    /// Fields that the answer shows as they were written.
    pub echo: Map<String, Json>,
    /// What the fields themselves are only told by the model.
    pub late: Errors,
}

impl Draft {
    /// What the body has for a field that is stored elsewhere.
    pub fn input(&self, name: &str) -> Option<&Value> {
        self.inputs.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }
}

/// Reads a body over `base`, which is a blank object for a POST.
pub(super) fn read(store: &Store, kind: Kind, base: &Object, body: &Json, partial: bool) -> Result<Draft, Errors> {
    let Json::Object(body) = body else {
        let text = format!("Invalid data. Expected a dictionary, but got {}.", python::type_name(body));
        return Err(Errors::at("non_field_errors", text));
    };
    let mut draft = Draft {
        object: base.clone(),
        given: Vec::new(),
        inputs: Vec::new(),
        echo: Map::new(),
        late: Errors::default(),
    };
    let mut errors = Errors::default();
    if !partial {
        read_id(body, &mut draft, &mut errors);
    }
    let def = kind.def();
    for (at, field) in def.fields.iter().enumerate() {
        if !field.writable || field.since > store.version {
            continue;
        }
        let Some(given) = body.get(field.name) else {
            if field.required && !partial {
                errors.add(field.name, "This field is required.");
            }
            continue;
        };
        match value(store, kind, field, given) {
            Ok(value) => {
                late(field, given, &value, &mut draft);
                draft.object.values[at] = value;
                draft.given.push(field.name);
            }
            Err(texts) => texts.into_iter().for_each(|text| errors.add(field.name, text)),
        }
    }
    for field in def.inputs {
        let Some(given) = body.get(field.name) else { continue };
        match value(store, kind, field, given) {
            Ok(value) => {
                draft.inputs.push((field.name, value));
                draft.given.push(field.name);
            }
            Err(texts) => texts.into_iter().for_each(|text| errors.add(field.name, text)),
        }
    }
    unique::fields(store, kind, &draft, &mut errors);
    errors.or_ok()?;
    unique::sets(store, kind, &draft)?;
    Ok(draft)
}

fn read_id(body: &Map<String, Json>, draft: &mut Draft, errors: &mut Errors) {
    match body.get("id") {
        None => {}
        Some(Json::String(text)) if Id::parse(text).is_some() => {
            draft.object.id = Id::parse(text).unwrap_or(draft.object.id);
        }
        Some(Json::Null) => errors.add("id", "This field may not be null."),
        Some(_) => errors.add("id", "Must be a valid UUID."),
    }
}

/// What comes to light only when the model looks at the value.
fn late(field: &Field, given: &Json, value: &Value, draft: &mut Draft) {
    if !matches!(field.ty, Type::Mac) {
        return;
    }
    let text = value.text();
    draft.echo.insert(field.name.to_owned(), if given.is_null() { Json::Null } else { Json::from(text) });
    if !text.is_empty() && parse_mac(text).is_none() {
        draft.late.add(field.name, format!("Invalid MAC address format: {text}"));
    }
}

type Read = Result<Value, Vec<String>>;

fn refuse(text: impl Into<String>) -> Read {
    Err(vec![text.into()])
}

fn value(store: &Store, kind: Kind, field: &Field, given: &Json) -> Read {
    if given.is_null() {
        return match field.ty {
            _ if field.null => Ok(Value::Null),
            Type::Choice { blank: true, .. } | Type::Mac => Ok(Value::from("")),
            Type::Choice { .. } => refuse("This field may not be blank."),
            _ => refuse("This field may not be null."),
        };
    }
    match field.ty {
        Type::Text { max, blank } => text(given, max, blank),
        Type::Dns => dns(given),
        Type::Mac => text(given, 0, true),
        Type::Color => color(given),
        Type::Int { min, max } => int(given, min, max),
        Type::Decimal { digits, places } => decimal(given, digits, places),
        Type::Bool => bool(given),
        Type::Choice { options, blank } => choice(given, options, blank),
        Type::PlainChoice { options } => {
            let text = python::plain(given);
            match options.iter().any(|(value, _)| *value == text) {
                true => Ok(Value::from(text.as_str())),
                false => refuse(format!("\"{text}\" is not a valid choice.")),
            }
        }
        Type::Ref { to, .. } => lookup::resolve(store, kind, to, given).map(Value::Ref).map_err(|text| vec![text]),
        Type::Refs { to } => references(store, kind, to, given),
        Type::Models { allowed } => models(given, allowed),
        Type::Network => net(given, Net::network),
        Type::Address => net(given, |net| net),
        Type::TimeZone => zone(given),
        Type::Json => Ok(Value::from(given.to_string().as_str())),
    }
}

fn text(given: &Json, max: usize, blank: bool) -> Read {
    let text = match given {
        Json::String(text) => text.trim().to_owned(),
        Json::Number(number) => number.to_string(),
        _ => return refuse("Not a valid string."),
    };
    if text.is_empty() && !blank {
        return refuse("This field may not be blank.");
    }
    if text.contains('\0') {
        return refuse("Null characters are not allowed.");
    }
    if max > 0 && text.chars().count() > max {
        return refuse(format!("Ensure this field has no more than {max} characters."));
    }
    Ok(Value::from(text.as_str()))
}

fn dns(given: &Json) -> Read {
    let value = text(given, 255, true)?;
    let text = value.text();
    let label =
        |label: &str| !label.is_empty() && label.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
    let fits = text.is_empty() || text.strip_suffix('.').unwrap_or(text).split('.').all(label);
    match fits {
        true => Ok(Value::from(text.to_lowercase().as_str())),
        false => refuse("Only alphanumeric characters, hyphens, periods, and underscores are allowed in DNS names"),
    }
}

fn color(given: &Json) -> Read {
    let value = text(given, 0, false)?;
    let text = value.text();
    let mut texts = Vec::new();
    if text.len() != 6 || !text.bytes().all(|digit| digit.is_ascii_digit() || (b'a'..=b'f').contains(&digit)) {
        texts.push("Enter a valid hexadecimal RGB color code.".to_owned());
    }
    if text.chars().count() > 6 {
        texts.push("Ensure this field has no more than 6 characters.".to_owned());
    }
    if texts.is_empty() { Ok(value) } else { Err(texts) }
}

fn int(given: &Json, min: i64, max: i64) -> Read {
    let text = match given {
        Json::String(text) => text.trim().to_owned(),
        Json::Number(number) => number.to_string(),
        _ => return refuse("A valid integer is required."),
    };
    let whole = text
        .split_once('.')
        .map_or(text.as_str(), |(whole, rest)| if rest.bytes().all(|digit| digit == b'0') { whole } else { "" });
    let Ok(number) = whole.parse::<i128>() else { return refuse("A valid integer is required.") };
    if number > i128::from(max) {
        return refuse(format!("Ensure this value is less than or equal to {max}."));
    }
    if number < i128::from(min) {
        return refuse(format!("Ensure this value is greater than or equal to {min}."));
    }
    Ok(i64::try_from(number).map_or(Value::Null, Value::Int))
}

fn decimal(given: &Json, most: usize, places: usize) -> Read {
    let text = match given {
        Json::String(text) => text.trim().to_owned(),
        Json::Number(number) => number.to_string(),
        _ => return refuse("A valid number is required."),
    };
    if text.parse::<f64>().is_err() {
        return refuse("A valid number is required.");
    }
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let whole_digits = whole.trim_start_matches(['-', '+']).trim_start_matches('0').len();
    if whole_digits + fraction.len() > most {
        return refuse(format!("Ensure that there are no more than {most} digits in total."));
    }
    if fraction.len() > places {
        return refuse(format!("Ensure that there are no more than {places} decimal places."));
    }
    if whole_digits > most - places {
        let before = most - places;
        return refuse(format!("Ensure that there are no more than {before} digits before the decimal point."));
    }
    Ok(Value::from(format!("{whole}.{fraction:0<places$}").as_str()))
}

fn bool(given: &Json) -> Read {
    let word = python::plain(given).to_lowercase();
    match word.as_str() {
        "true" | "t" | "yes" | "y" | "on" | "1" => Ok(Value::Bool(true)),
        "false" | "f" | "no" | "n" | "off" | "0" => Ok(Value::Bool(false)),
        _ => refuse("Must be a valid boolean."),
    }
}

fn choice(given: &Json, options: &[Choice], blank: bool) -> Read {
    let given = match given {
        Json::Object(entries) => match entries.get("value") {
            Some(value) => value,
            None => {
                return refuse(
                    "Value must be passed directly (e.g. \"foo\": 123) or as a dict with key \"value\" (e.g. \"foo\": \
                     {\"value\": 123}).",
                );
            }
        },
        Json::Array(_) => {
            return refuse("Value must be passed directly (e.g. \"foo\": 123); do not use a list.");
        }
        other => other,
    };
    let text = python::plain(given);
    if text.is_empty() {
        return if blank { Ok(Value::from("")) } else { refuse("This field may not be blank.") };
    }
    match options.iter().any(|(value, _)| *value == text) {
        true => Ok(Value::from(text.as_str())),
        false => refuse(format!("{text} is not a valid choice.")),
    }
}

fn list(given: &Json) -> Result<&[Json], Vec<String>> {
    match given {
        Json::Array(items) => Ok(items),
        other => Err(vec![format!("Expected a list of items but got type \"{}\".", python::type_name(other))]),
    }
}

fn references(store: &Store, kind: Kind, to: Kind, given: &Json) -> Read {
    let mut ids: Vec<Id> = Vec::new();
    for item in list(given)? {
        let id = lookup::resolve(store, kind, to, item).map_err(|text| vec![text])?;
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    Ok(Value::Refs(ids.into()))
}

fn models(given: &Json, allowed: &'static [&'static str]) -> Read {
    let mut names = Vec::new();
    for item in list(given)? {
        let Some((text, [_, _])) = item
            .as_str()
            .map(|text| (text, text.split('.').collect::<Vec<_>>()))
            .and_then(|(text, parts)| <[&str; 2]>::try_from(parts).ok().map(|parts| (text, parts)))
        else {
            return refuse("Invalid value. Specify a content type as '<app_label>.<model_name>'.");
        };
        match allowed.iter().find(|known| **known == text) {
            Some(known) if names.contains(known) => {}
            Some(known) => names.push(*known),
            None => return refuse(format!("Invalid content type: {text}")),
        }
    }
    Ok(Value::Names(names.into()))
}

fn net(given: &Json, shape: impl Fn(Net) -> Net) -> Read {
    let text = python::plain(given);
    if text.trim().is_empty() {
        return refuse("This field may not be blank.");
    }
    match Net::parse(text.trim()) {
        Some(net) => Ok(Value::Net(shape(net))),
        None => refuse(format!("Invalid IP address: {text}")),
    }
}

fn zone(given: &Json) -> Read {
    let text = python::plain(given);
    let known = matches!(text.as_str(), "UTC" | "GMT" | "EST" | "MST" | "HST")
        || text.split_once('/').is_some_and(|(area, city)| {
            area.chars().all(|c| c.is_ascii_alphabetic()) && city.chars().all(|c| c.is_ascii_graphic())
        });
    if known { Ok(Value::from(text.as_str())) } else { refuse("A valid timezone is required.") }
}
