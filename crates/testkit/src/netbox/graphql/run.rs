//! Carrying a request out.

use std::sync::Arc;

use serde_json::Value as Json;

use super::super::access::Access;
use super::super::input::custom_fields;
use super::super::ordering::interface_name;
use super::super::render::{config_context, depth, display, family, generic, offset_timestamp, prefix_relatives};
use super::super::schema::Kind;
use super::super::state::{Object, Store, Value};
use super::super::text::push;
use super::condition::{self, Condition};
use super::plan::{Source, Step, plan, type_name};
use super::{Limits, MAX_ALIASES, Problem};
use crate::graphql::{Document, Entry, Field, Input, InputValue, Operation, Place, Selection, parse};

/// Carries a request out and returns its `data`.
pub(super) fn run(
    store: &Store,
    access: &Access,
    text: &str,
    variables: Option<&Json>,
    operation: Option<&str>,
    limits: Limits,
) -> Result<String, Vec<Problem>> {
    let document = parse(text).map_err(|error| vec![Problem::new(error.message, error.place)])?;
    let chosen = match operation {
        Some(name) => document.operations.iter().find(|found| found.name.as_deref() == Some(name)),
        None => document.operations.first(),
    };
    let Some(operation) = chosen else {
        let message = format!("Unknown operation named \"{}\".", operation.unwrap_or_default());
        return Err(vec![Problem::new(message, Place::default())]);
    };
    if operation.verb != "query" {
        let message = format!("Schema is not configured to execute {} operation.", operation.verb);
        return Err(vec![Problem::new(message, operation.place)]);
    }
    let aliases = document.operations.iter().map(|found| aliases(&found.selection)).sum::<usize>()
        + document.fragments.iter().map(|found| aliases(&found.selection)).sum::<usize>();
    if aliases > MAX_ALIASES {
        let message = format!("{aliases} aliases found. Allowed: {MAX_ALIASES}");
        return Err(vec![Problem::new(message, Place::default())]);
    }
    let mut problems = Vec::new();
    let calls: Vec<Call> = operation
        .selection
        .iter()
        .filter_map(|part| match part {
            Selection::Field(field) => call(&document, operation, field, variables, limits, &mut problems),
            _ => None,
        })
        .collect();
    if !problems.is_empty() {
        return Err(problems);
    }
    let runner = Runner { store, access, limits };
    let mut out = String::from("{");
    for (at, call) in calls.iter().enumerate() {
        if at > 0 {
            out.push_str(", ");
        }
        push(&mut out, format_args!("\"{}\": ", call.key));
        runner.call(call, &mut out).map_err(|problem| vec![problem])?;
    }
    out.push('}');
    Ok(out)
}

fn aliases(selection: &[Selection]) -> usize {
    let count = |part: &Selection| match part {
        Selection::Field(field) => usize::from(field.alias.is_some()) + aliases(&field.selection),
        Selection::Inline { selection, .. } => aliases(selection),
        Selection::Spread { .. } => 0,
    };
    selection.iter().map(count).sum()
}

/// One top-level field, ready to run.
struct Call {
    key: String,
    kind: Kind,
    place: Place,
    target: Target,
    steps: Vec<Step>,
}

enum Target {
    One(u64),
    List { condition: Condition, start: Option<i64>, offset: usize, limit: Option<usize> },
    Typename,
}

fn call(
    document: &Document,
    operation: &Operation,
    field: &Field,
    variables: Option<&Json>,
    limits: Limits,
    problems: &mut Vec<Problem>,
) -> Option<Call> {
    let key = field.alias.clone().unwrap_or_else(|| field.name.clone());
    if field.name == "__typename" {
        return Some(Call { key, kind: Kind::Site, place: field.place, target: Target::Typename, steps: Vec::new() });
    }
    let find = |name: &str| Kind::ALL.into_iter().find(|kind| kind.def().graphql == name);
    let (kind, is_list) = match (find(&field.name), field.name.strip_suffix("_list").and_then(find)) {
        (Some(kind), _) => (kind, false),
        (None, Some(kind)) => (kind, true),
        (None, None) => {
            let message = format!("Cannot query field '{}' on type 'Query'.", field.name);
            problems.push(Problem::new(message, field.place));
            return None;
        }
    };
    if field.selection.is_empty() {
        let of = if is_list { format!("[{}!]!", type_name(kind)) } else { format!("{}!", type_name(kind)) };
        let name = &field.name;
        let message = format!(
            "Field '{name}' of type '{of}' must have a selection of subfields. Did you mean '{name} {{ ... }}'?"
        );
        problems.push(Problem::new(message, field.place));
        return None;
    }
    let allowed: &[&str] = if is_list { &["filters", "pagination"] } else { &["id"] };
    let mut arguments = Vec::new();
    for argument in &field.arguments {
        if !allowed.contains(&argument.name.as_str()) {
            let message = format!("Unknown argument '{}' on field 'Query.{}'.", argument.name, field.name);
            problems.push(Problem::new(message, argument.place));
            continue;
        }
        match filled(operation, &argument.input, variables) {
            Ok(input) => arguments.push((argument.name.as_str(), input)),
            Err(problem) => problems.push(problem),
        }
    }
    let steps = plan(document, kind, &field.selection, problems);
    let given = |name: &str| arguments.iter().find(|(known, _)| *known == name).map(|(_, input)| input);
    let target = if is_list {
        list_target(kind, given("filters"), given("pagination"), limits)
    } else {
        match given("id").map(|input| &input.value) {
            Some(InputValue::Int(id)) => Ok(Target::One(u64::try_from(*id).unwrap_or_default())),
            Some(InputValue::Text(id) | InputValue::Given(id)) => Ok(Target::One(id.parse().unwrap_or_default())),
            _ => {
                let message =
                    format!("Field '{}' argument 'id' of type 'ID!' is required, but it was not provided.", field.name);
                Err(Problem::new(message, field.place))
            }
        }
    };
    match target {
        Ok(target) => Some(Call { key, kind, place: field.place, target, steps }),
        Err(problem) => {
            problems.push(problem);
            None
        }
    }
}

fn list_target(
    kind: Kind,
    filters: Option<&Input>,
    pagination: Option<&Input>,
    limits: Limits,
) -> Result<Target, Problem> {
    let condition = match filters {
        Some(filters) => condition::read(kind, filters)?,
        None => Condition::All(Vec::new()),
    };
    let (mut start, mut offset, mut limit) = (None, 0, None);
    let entries: &[Entry] = match pagination.map(|input| &input.value) {
        Some(InputValue::Object(entries)) => entries,
        _ => &[],
    };
    for entry in entries {
        let known = matches!(entry.name.as_str(), "offset" | "limit") || (entry.name == "start" && limits.has_start);
        if !known {
            let message = format!("Field '{}' is not defined by type 'OffsetPaginationInput'.", entry.name);
            return Err(Problem::new(message, entry.place));
        }
        if matches!(entry.input.value, InputValue::Null) {
            continue;
        }
        let InputValue::Int(number) = entry.input.value else {
            condition::number(&entry.input)?;
            continue;
        };
        match entry.name.as_str() {
            "start" => start = Some(number),
            "offset" => offset = usize::try_from(number).unwrap_or(0),
            _ => limit = usize::try_from(number).ok().filter(|limit| *limit > 0),
        }
    }
    Ok(Target::List { condition, start, offset, limit })
}

/// The input with its variables replaced.
fn filled(operation: &Operation, input: &Input, variables: Option<&Json>) -> Result<Input, Problem> {
    let place = input.place;
    let value = match &input.value {
        InputValue::Variable(name) => {
            let Some(variable) = operation.variables.iter().find(|known| known.name == *name) else {
                let message = format!("Variable '${name}' is not defined.");
                return Err(Problem::new(message, place));
            };
            let given = variables.and_then(|variables| variables.get(name));
            match (given, &variable.default) {
                (Some(given), _) => {
                    check_variable(name, &variable.ty, given, variable.place)?;
                    from_json(given, place)
                }
                (None, Some(default)) => default.value.clone(),
                (None, None) if variable.ty.ends_with('!') => {
                    let message = format!("Variable '${name}' of required type '{}' was not provided.", variable.ty);
                    return Err(Problem::new(message, variable.place));
                }
                (None, None) => InputValue::Null,
            }
        }
        InputValue::List(items) => {
            let items: Result<_, _> = items.iter().map(|item| filled(operation, item, variables)).collect();
            InputValue::List(items?)
        }
        InputValue::Object(entries) => {
            let fill = |entry: &Entry| -> Result<Entry, Problem> {
                Ok(Entry { input: filled(operation, &entry.input, variables)?, ..entry.clone() })
            };
            InputValue::Object(entries.iter().map(fill).collect::<Result<_, _>>()?)
        }
        other => other.clone(),
    };
    Ok(Input { value, place })
}

fn check_variable(name: &str, ty: &str, given: &Json, place: Place) -> Result<(), Problem> {
    let shown = super::super::errors::python(given);
    let wrong =
        |text: String| Err(Problem::new(format!("Variable '${name}' got invalid value {shown}; {text}"), place));
    match (ty.trim_end_matches('!'), given) {
        (_, Json::Null) if ty.ends_with('!') => {
            Err(Problem::new(format!("Variable '${name}' of non-null type '{ty}' must not be null."), place))
        }
        (_, Json::Null) => Ok(()),
        ("Int", given) if given.as_i64().is_none() => wrong(format!("Int cannot represent non-integer value: {shown}")),
        ("String", given) if !given.is_string() => {
            wrong(format!("String cannot represent a non string value: {shown}"))
        }
        _ => Ok(()),
    }
}

fn from_json(json: &Json, place: Place) -> InputValue {
    match json {
        Json::Null => InputValue::Null,
        Json::Bool(on) => InputValue::Bool(*on),
        Json::Number(number) => {
            number.as_i64().map_or_else(|| InputValue::Float(number.as_f64().unwrap_or(0.0)), InputValue::Int)
        }
        Json::String(text) => InputValue::Given(text.clone()),
        Json::Array(items) => {
            InputValue::List(items.iter().map(|item| Input { value: from_json(item, place), place }).collect())
        }
        Json::Object(entries) => {
            let entry = |(name, value): (&String, &Json)| Entry {
                name: name.clone(),
                input: Input { value: from_json(value, place), place },
                place,
            };
            InputValue::Object(entries.iter().map(entry).collect())
        }
    }
}

struct Runner<'a> {
    store: &'a Store,
    access: &'a Access,
    limits: Limits,
}

impl Runner<'_> {
    fn sees(&self, kind: Kind, id: u64) -> bool {
        !self.access.denied.contains(&kind) && self.access.sees(kind, id)
    }

    fn call(&self, call: &Call, out: &mut String) -> Result<(), Problem> {
        let fail = |message: String| Problem { message, place: call.place, path: Some(call.key.clone()) };
        match &call.target {
            Target::Typename => out.push_str("\"Query\""),
            Target::One(id) => match self.store.get(call.kind, *id).filter(|_| self.sees(call.kind, *id)) {
                Some(object) => self.object(call.kind, object, &call.steps, out),
                None => return Err(fail(format!("{} matching query does not exist.", call.kind.def().class))),
            },
            Target::List { condition, start, offset, limit } => {
                if start.is_some() && *offset > 0 {
                    return Err(fail("Cannot specify both `start` and `offset` in pagination.".to_owned()));
                }
                if start.is_some_and(|start| start < 0) {
                    return Err(fail("`start` must be greater than or equal to zero.".to_owned()));
                }
                let max_page = self.limits.max_page;
                let limit = limit.unwrap_or(max_page).min(max_page);
                let start = start.and_then(|start| u64::try_from(start).ok());
                let rows = self.rows(call.kind, condition, start);
                out.push('[');
                for (at, object) in rows.skip(*offset).take(limit).enumerate() {
                    if at > 0 {
                        out.push_str(", ");
                    }
                    self.object(call.kind, object, &call.steps, out);
                }
                out.push(']');
            }
        }
        Ok(())
    }

    fn rows<'b>(
        &'b self,
        kind: Kind,
        condition: &'b Condition,
        start: Option<u64>,
    ) -> Box<dyn Iterator<Item = &'b Arc<Object>> + 'b> {
        let store = self.store;
        let passes = move |object: &&Arc<Object>| self.sees(kind, object.id) && condition.holds(store, kind, object);
        let (low, high) = condition.id_range();
        if let Some(mut ids) = condition.candidates(store, kind) {
            ids.retain(|id| *id >= start.unwrap_or(0));
            ids.sort_unstable();
            ids.dedup();
            if start.is_none() {
                store.sort(kind, &mut ids);
            }
            return Box::new(ids.into_iter().filter_map(move |id| store.get(kind, id)).filter(passes));
        }
        match start {
            Some(start) => {
                let rows = store.by_id(kind, start.max(low)).take_while(move |object| object.id <= high);
                Box::new(rows.filter(passes))
            }
            None if low > 0 || high < u64::MAX => {
                let mut ids: Vec<u64> =
                    store.by_id(kind, low).map(|object| object.id).take_while(|id| *id <= high).collect();
                store.sort(kind, &mut ids);
                Box::new(ids.into_iter().filter_map(move |id| store.get(kind, id)).filter(passes))
            }
            None => Box::new(store.ordered(kind).filter(passes)),
        }
    }

    fn object(&self, kind: Kind, object: &Object, steps: &[Step], out: &mut String) {
        out.push('{');
        for (at, step) in steps.iter().enumerate() {
            if at > 0 {
                out.push_str(", ");
            }
            out.push('"');
            out.push_str(&step.key);
            out.push_str("\": ");
            self.value(kind, object, &step.source, out);
        }
        out.push('}');
    }

    fn one(&self, kind: Kind, id: Option<u64>, steps: &[Step], out: &mut String) {
        match id.and_then(|id| self.store.get(kind, id)) {
            Some(object) => self.object(kind, object, steps, out),
            None => out.push_str("null"),
        }
    }

    fn many(&self, kind: Kind, mut ids: Vec<u64>, steps: &[Step], out: &mut String) {
        ids.retain(|id| self.sees(kind, *id));
        self.store.sort(kind, &mut ids);
        // A nested list ends at a page, without a word.
        ids.truncate(self.limits.max_page);
        out.push('[');
        for (at, object) in ids.iter().filter_map(|id| self.store.get(kind, *id)).enumerate() {
            if at > 0 {
                out.push_str(", ");
            }
            self.object(kind, object, steps, out);
        }
        out.push(']');
    }

    fn value(&self, kind: Kind, object: &Object, source: &Source, out: &mut String) {
        let store = self.store;
        match source {
            Source::Typename => string(&type_name(kind), out),
            Source::Id => push(out, format_args!("\"{}\"", object.id)),
            Source::Display => string(&display(store, kind, object.id), out),
            Source::ClassType => string(kind.def().class, out),
            Source::CustomFields => {
                let names = custom_fields(store, kind);
                let value = |name: &String| object.custom.get(name).cloned().unwrap_or(Json::Null);
                let entries: Vec<String> =
                    names.iter().map(|name| format!("{}: {}", Json::from(name.as_str()), value(name))).collect();
                push(out, format_args!("{{{}}}", entries.join(", ")));
            }
            Source::Created => string(&offset_timestamp(object.created), out),
            Source::Updated => string(&offset_timestamp(object.updated), out),
            Source::Value(at) => scalar(&object.values[*at], out),
            Source::One { at, kind, steps } => self.one(*kind, object.values[*at].target(), steps, out),
            Source::Many { at, kind, steps } => {
                let ids = match &object.values[*at] {
                    Value::Refs(ids) => ids.clone(),
                    _ => Vec::new(),
                };
                self.many(*kind, ids, steps, out);
            }
            Source::Reverse { kind: other, field, steps } => {
                self.many(*other, store.referring(*other, field, kind, object.id).collect(), steps, out);
            }
            Source::ReverseOne { kind: other, field, steps } => {
                let first = store.referring(*other, field, kind, object.id).next();
                self.one(*other, first, steps, out);
            }
            Source::Union { id_field, plans } => {
                let found = generic(store, kind, object, id_field);
                let plan = found
                    .and_then(|(of, id)| plans.iter().find(|(kind, _)| *kind == of).map(|(_, steps)| (of, id, steps)));
                match plan {
                    Some((of, id, steps)) => self.one(of, Some(id), steps, out),
                    None => out.push_str("null"),
                }
            }
            Source::Family(fields) => {
                let family = family(kind, object);
                let shown = |(name, is_label): &(String, bool)| match (*is_label, name.as_str()) {
                    (true, _) => format!("\"{name}\": \"IPv{family}\""),
                    (_, "__typename") => "\"__typename\": \"IPAddressFamilyType\"".to_owned(),
                    _ => format!("\"{name}\": {family}"),
                };
                let fields: Vec<String> = fields.iter().map(shown).collect();
                push(out, format_args!("{{{}}}", fields.join(", ")));
            }
            Source::InterfaceName => string(&interface_name(object.text(kind, "name")), out),
            Source::Decimal(at, places) => match object.values[*at] {
                // Decimals are text, so that no digit is lost.
                Value::Decimal(number) => string(&format!("{number:.places$}"), out),
                _ => out.push_str("null"),
            },
            Source::Types(at, parts) => {
                let Value::Json(Json::Array(types)) = &object.values[*at] else {
                    out.push_str("[]");
                    return;
                };
                let types = types.iter().filter_map(Json::as_str).filter_map(|name| name.split_once('.'));
                let shown = types.map(|(app, model)| {
                    let entries = parts.iter().map(|(alias, name)| {
                        let value = match name.as_str() {
                            "app_label" => app.to_owned(),
                            "model" => model.to_owned(),
                            _ => "1".to_owned(),
                        };
                        format!("\"{}\": \"{value}\"", alias.as_ref().unwrap_or(name))
                    });
                    format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
                });
                push(out, format_args!("[{}]", shown.collect::<Vec<_>>().join(", ")));
            }
            Source::Count { kind: other, field } => {
                out.push_str(&store.count_referring(*other, field, kind, object.id).to_string());
            }
            Source::ConfigContext => out.push_str(&config_context(kind, object).to_string()),
            Source::Depth => out.push_str(&prefix_relatives(store, object, false).to_string()),
            Source::Children => out.push_str(&prefix_relatives(store, object, true).to_string()),
            Source::TreeDepth => out.push_str(&depth(store, kind, object).to_string()),
            Source::Constant(text) => out.push_str(text),
        }
    }
}

fn string(text: &str, out: &mut String) {
    out.push_str(&Json::from(text).to_string());
}

fn scalar(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(on) => out.push_str(if *on { "true" } else { "false" }),
        Value::Int(number) => out.push_str(&number.to_string()),
        Value::Decimal(number) => out.push_str(&number.to_string()),
        Value::Text(text) => string(text, out),
        Value::Ref(id) => out.push_str(&id.to_string()),
        Value::Refs(_) => out.push_str("[]"),
        Value::Json(json) => out.push_str(&json.to_string()),
    }
}
