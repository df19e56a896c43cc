//! From a document to what is to be done: names are looked up, arguments understood, errors collected.

use serde_json::Value as Json;

use super::Problem;
use super::schema::{self, Member, Root, Shape, Source, Takes};
use super::suggest::did_you_mean;
use crate::graphql::{Document, Entry, Field, Fragment, Input, InputValue, Operation, Place, Selection};
use crate::nautobot::filter::Given;
use crate::nautobot::schema::Kind;

/// One field of the answer.
#[derive(Clone)]
pub(super) struct Pick {
    /// Its name in the answer.
    pub key: String,
    pub place: Place,
    pub what: What,
}

/// What goes there.
#[derive(Clone)]
pub(super) enum What {
    /// A top-level list.
    List { shape: Shape, arguments: Arguments, picks: Vec<Pick> },
    /// A top-level object by its id.
    One { kind: Kind, id: Option<String>, picks: Vec<Pick> },
    /// A field of an object.
    Member { source: Source, list: bool, arguments: Arguments, picks: Vec<Pick> },
    /// Something about the schema.
    Fixed(Json),
}

/// The arguments of a list.
#[derive(Clone, Default)]
pub(super) struct Arguments {
    pub limit: Option<i64>,
    pub offset: Option<i64>,
    pub filters: Vec<Given>,
}

/// Makes plans.
pub(super) struct Planner<'a> {
    fragments: &'a [Fragment],
    operation: &'a Operation,
    variables: Option<&'a Json>,
    version: u32,
    problems: Vec<Problem>,
}

impl<'a> Planner<'a> {
    pub fn new(document: &'a Document, operation: &'a Operation, variables: Option<&'a Json>, version: u32) -> Self {
        Self { fragments: &document.fragments, operation, variables, version, problems: Vec::new() }
    }

    pub fn plan(mut self) -> Result<Vec<Pick>, Vec<Problem>> {
        let fields = self.fields(&self.operation.selection, "Query");
        let picks = fields.iter().filter_map(|field| self.root(field)).collect();
        if self.problems.is_empty() { Ok(picks) } else { Err(self.problems) }
    }

    fn wrong(&mut self, message: String, place: Place) {
        self.problems.push(Problem::new(message, place));
    }

    /// The fields of a selection with its fragments, each name of the answer once.
    fn fields(&mut self, selection: &[Selection], on: &str) -> Vec<Field> {
        let mut fields: Vec<Field> = Vec::new();
        self.collect(selection, on, &mut fields, 0);
        fields
    }

    fn collect(&mut self, selection: &[Selection], on: &str, fields: &mut Vec<Field>, depth: usize) {
        if depth > 20 {
            return;
        }
        for item in selection {
            match item {
                Selection::Field(field) => self.merge(field, fields),
                Selection::Inline { selection, .. } => self.collect(selection, on, fields, depth + 1),
                Selection::Spread { name, place } => {
                    let found = self.fragments.iter().find(|fragment| fragment.name == *name);
                    match found {
                        None => self.wrong(format!("Unknown fragment '{name}'."), *place),
                        Some(fragment) if fragment.on != on => {
                            let text = format!(
                                "Fragment '{name}' cannot be spread here as objects of type '{on}' can never be of type '{}'.",
                                fragment.on
                            );
                            self.wrong(text, *place);
                        }
                        Some(fragment) => self.collect(&fragment.selection, on, fields, depth + 1),
                    }
                }
            }
        }
    }

    fn merge(&mut self, field: &Field, fields: &mut Vec<Field>) {
        let key = field.alias.as_ref().unwrap_or(&field.name);
        let same = fields.iter_mut().find(|known| known.alias.as_ref().unwrap_or(&known.name) == key);
        match same {
            None => fields.push(field.clone()),
            Some(known) if known.name == field.name => known.selection.extend(field.selection.iter().cloned()),
            Some(known) => {
                let message = format!(
                    "Fields '{key}' conflict because '{}' and '{}' are different fields. Use different aliases on the fields \
                     to fetch both if this was intentional.",
                    known.name, field.name
                );
                let places = vec![known.place, field.place];
                self.problems.push(Problem { message, places, path: Vec::new() });
            }
        }
    }

    fn root(&mut self, field: &Field) -> Option<Pick> {
        let key = field.alias.clone().unwrap_or_else(|| field.name.clone());
        let pick = |what| Some(Pick { key, place: field.place, what });
        match field.name.as_str() {
            "__typename" => return pick(What::Fixed(Json::from("Query"))),
            "__schema" => {
                let schema = serde_json::json!({
                    "queryType": {"name": "Query"}, "mutationType": null, "subscriptionType": null,
                });
                return pick(What::Fixed(self.project(&schema, &field.selection)));
            }
            "__type" => {
                let name = field.arguments.iter().find(|argument| argument.name == "name");
                let name = name.and_then(|argument| self.texts(&argument.input).into_iter().next());
                let described = schema::describe(&name.unwrap_or_default(), self.version);
                return pick(What::Fixed(self.project(&described, &field.selection)));
            }
            _ => {}
        }
        let Some(root) = schema::root(&field.name) else {
            let near = did_you_mean(&field.name, schema::roots());
            self.wrong(format!("Cannot query field '{}' on type 'Query'.{near}", field.name), field.place);
            return None;
        };
        match root {
            Root::List(shape) => {
                let arguments = self.arguments(shape, &field.arguments, "Query", &field.name);
                let picks = self.below(field, shape, &format!("[{}]", schema::type_name(shape)))?;
                pick(What::List { shape, arguments, picks })
            }
            Root::One(kind) => {
                let mut id = None;
                for argument in &field.arguments {
                    if argument.name == "id" {
                        id = self.texts(&argument.input).into_iter().next();
                        continue;
                    }
                    let text = format!("Unknown argument '{}' on field 'Query.{}'.", argument.name, field.name);
                    self.wrong(text, argument.place);
                }
                let picks = self.below(field, Shape::Kind(kind), kind.def().type_name)?;
                pick(What::One { kind, id, picks })
            }
        }
    }

    /// The fields below a field.
    fn below(&mut self, field: &Field, shape: Shape, ty: &str) -> Option<Vec<Pick>> {
        if field.selection.is_empty() {
            let name = &field.name;
            let text = format!(
                "Field '{name}' of type '{ty}' must have a selection of subfields. Did you mean '{name} {{ ... }}'?"
            );
            self.wrong(text, field.place);
            return None;
        }
        if shape == Shape::Absent {
            return Some(Vec::new());
        }
        let on = schema::type_name(shape);
        let fields = self.fields(&field.selection, on);
        Some(fields.iter().filter_map(|field| self.member(field, shape, on)).collect())
    }

    fn member(&mut self, field: &Field, shape: Shape, on: &str) -> Option<Pick> {
        let Some(Member { shape: to, list, ty, source }) = schema::member(shape, &field.name, self.version) else {
            let names = schema::members(shape, self.version).into_iter().map(|(name, _)| name.to_owned());
            let near = did_you_mean(&field.name, names);
            self.wrong(format!("Cannot query field '{}' on type '{on}'.{near}", field.name), field.place);
            return None;
        };
        let key = field.alias.clone().unwrap_or_else(|| field.name.clone());
        if to == Shape::Scalar {
            if !field.selection.is_empty() {
                let text =
                    format!("Field '{}' must not have a selection since type '{ty}' has no subfields.", field.name);
                self.wrong(text, field.below);
                return None;
            }
            let (arguments, picks) = (Arguments::default(), Vec::new());
            return Some(Pick { key, place: field.place, what: What::Member { source, list, arguments, picks } });
        }
        let arguments = match (list, to) {
            (true, Shape::Kind(_)) => self.arguments(to, &field.arguments, on, &field.name),
            _ => Arguments::default(),
        };
        let picks = self.below(field, to, &ty)?;
        Some(Pick { key, place: field.place, what: What::Member { source, list, arguments, picks } })
    }

    fn arguments(&mut self, shape: Shape, entries: &[Entry], on: &str, field: &str) -> Arguments {
        let known = schema::arguments(shape, self.version);
        let mut arguments = Arguments::default();
        for entry in entries {
            let Some((_, takes)) = known.iter().find(|(name, _)| *name == entry.name) else {
                let near = did_you_mean(&entry.name, known.iter().map(|(name, _)| name.clone()));
                self.wrong(format!("Unknown argument '{}' on field '{on}.{field}'.{near}", entry.name), entry.place);
                continue;
            };
            let Some(values) = self.values(*takes, &entry.input) else { continue };
            let number = values.first().and_then(|value| value.parse().ok());
            match entry.name.as_str() {
                "limit" => arguments.limit = number,
                "offset" => arguments.offset = number,
                _ if values.is_empty() => {}
                name => arguments.filters.push(Given { name: name.to_owned(), values }),
            }
        }
        arguments
    }

    /// The values of an argument as text; `None` where there is none, or a wrong one.
    fn values(&mut self, takes: Takes, input: &Input) -> Option<Vec<String>> {
        let given;
        let value = match &input.value {
            InputValue::Variable(name) => {
                let default = self.operation.variables.iter().find(|variable| variable.name == *name);
                let default = default.and_then(|variable| variable.default.as_ref());
                match self.variables.and_then(|variables| variables.get(name)) {
                    Some(json) => {
                        given = from_json(json, input.place);
                        &given.value
                    }
                    None => &default?.value,
                }
            }
            value => value,
        };
        let items = match value {
            InputValue::Null => return None,
            InputValue::List(items) => items.as_slice(),
            value => &[Input { value: value.clone(), place: input.place }],
        };
        let mut values = Vec::new();
        for item in items {
            match (takes, &item.value) {
                (_, InputValue::Null) => {}
                (Takes::Text | Takes::Texts, InputValue::Text(text)) => values.push(text.clone()),
                (Takes::Int | Takes::Ints, InputValue::Int(number)) => values.push(number.to_string()),
                (Takes::Bool, InputValue::Bool(flag)) => values.push(flag.to_string()),
                (takes, value) => {
                    let shown = literal(value);
                    let text = match takes {
                        Takes::Text | Takes::Texts => format!("String cannot represent a non string value: {shown}"),
                        Takes::Int | Takes::Ints => format!("Int cannot represent non-integer value: {shown}"),
                        Takes::Bool => format!("Boolean cannot represent a non boolean value: {shown}"),
                    };
                    self.wrong(text, item.place);
                    return None;
                }
            }
        }
        Some(values)
    }

    fn texts(&mut self, input: &Input) -> Vec<String> {
        self.values(Takes::Texts, input).unwrap_or_default()
    }

    /// The parts of a value that are asked for.
    fn project(&mut self, value: &Json, selection: &[Selection]) -> Json {
        match value {
            Json::Array(items) => items.iter().map(|item| self.project(item, selection)).collect(),
            Json::Object(entries) if !selection.is_empty() => {
                let fields = self.fields(selection, "");
                let picked = fields.iter().map(|field| {
                    let key = field.alias.clone().unwrap_or_else(|| field.name.clone());
                    let inner = entries.get(&field.name).cloned().unwrap_or_default();
                    (key, self.project(&inner, &field.selection))
                });
                Json::Object(picked.collect())
            }
            other => other.clone(),
        }
    }
}

fn from_json(json: &Json, place: Place) -> Input {
    let value = match json {
        Json::Null => InputValue::Null,
        Json::Bool(flag) => InputValue::Bool(*flag),
        Json::Number(number) => match number.as_i64() {
            Some(number) => InputValue::Int(number),
            None => InputValue::Float(number.as_f64().unwrap_or_default()),
        },
        Json::String(text) => InputValue::Text(text.clone()),
        Json::Array(items) => InputValue::List(items.iter().map(|item| from_json(item, place)).collect()),
        Json::Object(_) => InputValue::Object(Vec::new()),
    };
    Input { value, place }
}

fn literal(value: &InputValue) -> String {
    match value {
        InputValue::Null => "null".to_owned(),
        InputValue::Int(number) => number.to_string(),
        InputValue::Float(number) => number.to_string(),
        InputValue::Bool(flag) => flag.to_string(),
        InputValue::Text(text) | InputValue::Given(text) => Json::from(text.as_str()).to_string(),
        InputValue::Word(word) => word.clone(),
        InputValue::Variable(name) => format!("${name}"),
        InputValue::List(_) => "[...]".to_owned(),
        InputValue::Object(_) => "{...}".to_owned(),
    }
}
