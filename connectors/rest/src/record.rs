//! An object of an API as a record.

use std::collections::{BTreeMap, HashMap};

use minijinja::value::Serde;
use serde_json::{Map, Value};
use syncline_core::expression::Expressions;
use syncline_core::mapping::value_of;
use syncline_core::similar;
use syncline_model::{AnyRecord, FieldKind, FieldSchema, FieldSet, ModelSchema};

use crate::settings::List;

/// What objects are called by others, with the keys of the records that became of them, by model.
#[derive(Debug, Default)]
pub(crate) struct Ids(BTreeMap<&'static str, HashMap<String, Value>>);

/// What becomes of the objects of a list.
#[derive(Debug)]
pub(crate) struct Recipe<'l> {
    pub schema: &'static ModelSchema,
    list: &'l List,
    expressions: Expressions,
}

/// What became of an object.
#[derive(Debug)]
pub(crate) enum Made {
    /// A record of these fields.
    Record(AnyRecord),
    /// The condition does not hold for it.
    LeftOut,
    /// It is no record: the field, and why.
    Rejected(String, String),
}

impl<'l> Recipe<'l> {
    pub fn of(schema: &'static ModelSchema, list: &'l List) -> Self {
        // Of which form an object is, nobody knows before it comes.
        Self { schema, list, expressions: Expressions::about(Value::Null).printing_texts() }
    }

    /// What is wrong with what is said of a list, by the setting.
    pub fn problems(schema: &'static ModelSchema, list: &List) -> Vec<(String, String)> {
        let expressions = Expressions::about(Value::Null);
        let mut problems = Vec::new();
        let mut check = |setting: String, checked: Result<(), syncline_core::expression::Unsaid>| {
            problems.extend(checked.err().map(|unsaid| (setting, unsaid.problem)));
        };
        check(".id".to_owned(), expressions.check_text("id", &list.id));
        check(".when".to_owned(), expressions.check_condition("when", &list.when));
        for (field, template) in &list.fields {
            check(format!(".fields.{field}"), expressions.check_text(field, template));
        }
        for field in list.fields.keys().filter(|field| schema.position(field).is_none()) {
            let known: Vec<_> = schema.fields.iter().map(|field| field.name).collect();
            let message = format!("`{}` has no such field; {}", schema.name, similar::remedy(field, known));
            problems.push((format!(".fields.{field}"), message));
        }
        problems
    }

    /// The fields that it gives.
    pub fn fields(&self) -> FieldSet {
        self.list.fields.keys().filter_map(|field| self.schema.position(field)).collect()
    }

    /// What people call an object that becomes no record: what others call it, or its key.
    pub fn name(&self, object: &Value) -> String {
        let facts = facts(object);
        let key = self.schema.key_fields().filter_map(|field| self.list.fields.get(field.name));
        let said =
            |template: &String| self.expressions.say("name", template, &facts).ok().filter(|said| !said.is_empty());
        let id = Some(&self.list.id).filter(|id| !id.is_empty()).and_then(said);
        let name = id.unwrap_or_else(|| key.filter_map(said).collect::<Vec<_>>().join(", "));
        if name.is_empty() { beginning(object) } else { name }
    }

    /// Makes a record of an object, with the fields of `wanted`.
    pub fn make(&self, object: &Value, wanted: FieldSet, ids: &mut Ids) -> Made {
        if !object.is_object() {
            return Made::Rejected(String::new(), format!("`{}` is no JSON object", beginning(object)));
        }
        let facts = facts(object);
        match self.expressions.holds("when", &self.list.when, &facts) {
            Ok(true) => {}
            Ok(false) => return Made::LeftOut,
            Err(unsaid) => return Made::Rejected("when".to_owned(), unsaid.problem),
        }
        let mut fields = Map::new();
        for (name, template) in &self.list.fields {
            let Some(position) = self.schema.position(name) else { continue };
            if !wanted.contains(position) && !self.schema.fields[position].key {
                continue;
            }
            let said = self.expressions.say(name, template, &facts).map_err(|unsaid| unsaid.problem);
            let value = said.and_then(|said| {
                ids.resolved(self.schema, &self.schema.fields[position], value_of(self.schema, position, &said))
            });
            match value {
                Ok(value) => fields.insert(name.clone(), value),
                Err(problem) => return Made::Rejected(name.clone(), problem),
            };
        }
        let record = match AnyRecord::from_json(self.schema, &fields, wanted) {
            Ok(record) => record,
            Err(error) => return Made::Rejected(error.field().to_owned(), error.to_string()),
        };
        if !self.list.id.is_empty() {
            match self.expressions.say("id", &self.list.id, &facts) {
                Ok(id) => {
                    let known = ids.0.entry(self.schema.name).or_default();
                    let key = record.key().to_value();
                    if known.insert(id.clone(), key.clone()).is_some_and(|other| other != key) {
                        return Made::Rejected("id".to_owned(), format!("another object has the id `{id}` too"));
                    }
                }
                Err(unsaid) => return Made::Rejected("id".to_owned(), unsaid.problem),
            }
        }
        Made::Record(record)
    }
}

impl Ids {
    /// From now on, references to a model are looked up.
    pub fn expect(&mut self, model: &'static str) {
        self.0.entry(model).or_default();
    }

    /// A value whose references are keys. The error says what is referred to and was not there.
    fn resolved(&self, schema: &ModelSchema, field: &FieldSchema, value: Value) -> Result<Value, String> {
        let model = looked_up(schema, field);
        let Some((model, known)) = model.and_then(|model| self.0.get_key_value(model)) else { return Ok(value) };
        let one = |id: &Value| {
            let text = id.as_str().map_or_else(|| id.to_string(), str::to_owned);
            known
                .get(&text)
                .cloned()
                .ok_or_else(|| format!("refers to the {model} `{text}`, which is not among those that came"))
        };
        match (field.kind, value) {
            (_, Value::Null) => Ok(Value::Null),
            (FieldKind::References(_), Value::Array(ids)) => ids.iter().map(one).collect(),
            (FieldKind::References(_), id) => Ok(Value::Array(vec![one(&id)?])),
            (_, id) => one(&id),
        }
    }
}

/// The model whose records a field names by their `id`. What is of the same list, or comes after it, is named by its key.
pub(crate) fn looked_up(schema: &ModelSchema, field: &FieldSchema) -> Option<&'static str> {
    field.kind.referenced_model().filter(|model| !field.deferred && *model != schema.name)
}

/// What templates see of an object: its members, and the whole for those whose names are no names of the language.
fn facts(object: &Value) -> minijinja::Value {
    let mut facts = object.as_object().cloned().unwrap_or_default();
    facts.entry("object").or_insert_with(|| object.clone());
    minijinja::Value::from(Serde(facts))
}

/// The beginning of a value, as people recognise it.
pub(crate) fn beginning(value: &Value) -> String {
    const SHOWN: usize = 60;
    let text = value.to_string();
    match text.char_indices().nth(SHOWN) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}
