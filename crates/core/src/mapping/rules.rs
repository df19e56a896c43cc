//! What was understood of mapping rules.

use std::collections::{BTreeMap, BTreeSet};

use minijinja::value::Serde;
use serde_json::{Map, Value};
use syncline_model::models::{ALL, by_name};
use syncline_model::{FieldKind, ModelSchema};

use super::{Rule, plain};
use crate::expression::{Expressions, Unsaid};
use crate::fields::ModelFields;
use crate::similar;

/// Rules that were understood, by model.
#[derive(Debug, Default)]
pub struct Rules {
    models: BTreeMap<&'static str, OfModel>,
}

/// What is wrong with a rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`mapping[{rule}].{key}`: {problem}")]
pub struct Misfit {
    /// The position of the rule, from 0.
    pub rule: usize,
    /// The setting of the rule.
    pub key: &'static str,
    /// What is wrong with it, and what would be right.
    pub problem: String,
}

/// The rules of one model.
#[derive(Debug)]
pub(super) struct OfModel {
    expressions: Expressions,
    steps: Vec<Step>,
}

#[derive(Debug)]
struct Step {
    /// The position of the rule among all.
    rule: usize,
    when: String,
    does: Does,
}

#[derive(Debug)]
enum Does {
    LeaveOut,
    Set { position: usize, how: How },
}

#[derive(Debug)]
enum How {
    Value(Value),
    From(&'static str),
    Template(String),
    Lookup { from: &'static str, table: BTreeMap<String, Value>, otherwise: Option<Value> },
}

/// What the rules make of a record.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Said {
    /// It is left out.
    pub is_left_out: bool,
    /// The fields that rules set, by their position.
    pub set: BTreeMap<usize, Value>,
}

impl Rules {
    pub(super) fn of(rules: &[Rule]) -> Result<Self, Vec<Misfit>> {
        let (mut understood, mut misfits) = (Self::default(), Vec::new());
        for (at, rule) in rules.iter().enumerate() {
            let misfit = |(key, problem)| Misfit { rule: at, key, problem };
            let Some(schema) = by_name(&rule.model) else {
                let known: Vec<_> = ALL.iter().map(|schema| schema.name).collect();
                let problem = format!("there is no model `{}`; {}", rule.model, similar::remedy(&rule.model, known));
                misfits.push(misfit(("model", problem)));
                continue;
            };
            let of_model = understood.models.entry(schema.name).or_insert_with(|| OfModel::of(schema));
            match of_model.step(schema, at, rule) {
                Ok(step) => of_model.steps.push(step),
                Err(wrong) => misfits.push(misfit(wrong)),
            }
        }
        if misfits.is_empty() { Ok(understood) } else { Err(misfits) }
    }

    /// Whether a rule makes the key of a model, or of what is a part of it: then the source knows its records by others.
    pub fn rekeys(&self, schema: &'static ModelSchema) -> bool {
        let sets_key = |rules: &OfModel| rules.sets().any(|position| schema.fields[position].key);
        let mut parts = schema.key_fields().filter_map(|field| by_name(field.kind.referenced_model()?));
        self.model(schema.name).is_some_and(sets_key) || parts.any(|part| part != schema && self.rekeys(part))
    }

    pub(super) fn model(&self, model: &str) -> Option<&OfModel> {
        self.models.get(model)
    }

    /// What a source can tell of, with the fields that rules set of its models.
    pub fn extended(&self, knows: &ModelFields) -> ModelFields {
        knows.iter().fold(ModelFields::new().with_initial_of(knows), |extended, (schema, fields)| {
            let set = self.models.get(schema.name).into_iter().flat_map(OfModel::sets);
            extended.insert(schema, fields.union(set.collect()))
        })
    }

    /// What is asked of a source that knows `knows` so that `given` can be made of it: also the fields that rules look at. The error is
    /// a field that a rule looks at and that the source, or this sync, does not have.
    pub fn asked(&self, knows: &ModelFields, given: &ModelFields) -> Result<ModelFields, String> {
        let mut asked = ModelFields::new().with_initial_of(given);
        for (schema, fields) in given.iter() {
            let known = knows.of(schema.name);
            let mut wanted = fields.intersection(known);
            for name in self.models.get(schema.name).map(OfModel::looks_at).unwrap_or_default() {
                let Some(position) = schema.position(&name) else { continue };
                if !known.contains(position) {
                    return Err(format!(
                        "a mapping rule of `{}` looks at `{name}`, which this source does not tell",
                        schema.name
                    ));
                }
                if let Some(model) = schema.fields[position].kind.referenced_model().filter(|model| !given.has(model)) {
                    return Err(format!(
                        "a mapping rule of `{}` looks at `{name}`, and this sync does not read `{model}`, which it refers to",
                        schema.name
                    ));
                }
                wanted = wanted.with(position);
            }
            asked = asked.insert(schema, wanted);
        }
        Ok(asked)
    }

    /// The fields that rules set and that are not in `given`, as `device.tenant`: the target does not keep them.
    pub fn set_in_vain(&self, given: &ModelFields) -> Vec<String> {
        let mut vain = Vec::new();
        for (model, rules) in &self.models {
            let Some(schema) = by_name(model) else { continue };
            let lost = rules.sets().filter(|position| !given.of(model).contains(*position));
            vain.extend(lost.map(|position| format!("{model}.{}", schema.fields[position].name)));
        }
        vain.sort();
        vain.dedup();
        vain
    }
}

impl OfModel {
    fn of(schema: &'static ModelSchema) -> Self {
        // Of which form a value is depends on the field: all that is checked is that there is one of the name.
        let facts = schema.fields.iter().map(|field| (field.name.to_owned(), Value::Null)).collect();
        Self { expressions: Expressions::about(Value::Object(facts)), steps: Vec::new() }
    }

    fn step(&self, schema: &'static ModelSchema, rule: usize, said: &Rule) -> Result<Step, (&'static str, String)> {
        let unsaid = |key: &'static str| move |unsaid: Unsaid| (key, unsaid.problem);
        self.expressions.check_condition("when", &said.when).map_err(unsaid("when"))?;
        let position = |key: &'static str, name: &str| {
            schema.position(name).ok_or_else(|| {
                let known: Vec<_> = schema.fields.iter().map(|field| field.name).collect();
                (key, format!("`{}` has no field `{name}`; {}", schema.name, similar::remedy(name, known)))
            })
        };
        let ways = [
            said.value.is_some(),
            said.template.is_some(),
            !said.lookup.is_empty(),
            said.from.is_some() && said.lookup.is_empty(),
        ];
        let ways = ways.into_iter().filter(|way| *way).count();
        let Some(field) = &said.field else {
            return match (said.leave_out, ways) {
                (true, 0) => Ok(Step { rule, when: said.when.clone(), does: Does::LeaveOut }),
                (true, _) => Err(("leave_out", "a rule leaves records out or sets a field: make two of it".to_owned())),
                (false, _) => Err(("field", "name the field that is set, or say `leave_out = true`".to_owned())),
            };
        };
        if said.leave_out {
            return Err(("leave_out", "a rule leaves records out or sets a field: make two of it".to_owned()));
        }
        if ways != 1 {
            let problem = format!("say by one of `value`, `from`, `template` and `lookup` what `{field}` becomes");
            return Err(("field", problem));
        }
        let at = position("field", field)?;
        if said.otherwise.is_some() && said.lookup.is_empty() {
            return Err(("otherwise", "it is for what is not in a `lookup`, and there is none".to_owned()));
        }
        // What is written down is tried now: a slip would reject every record.
        let fitting = |key: &'static str, text: &str| {
            let value = value_of(schema, at, text);
            let mut canonical = Vec::new();
            match (schema.fields[at].from_json)(&value, &mut canonical) {
                Ok(_) => Ok(value),
                Err(error) if value.is_null() => Err((key, format!("`{field}` must have a value: {error}"))),
                Err(error) => Err((key, error.to_string())),
            }
        };
        let from = said.from.as_deref().map(|name| position("from", name)).transpose()?.unwrap_or(at);
        let from = schema.fields[from].name;
        let how = if let Some(text) = &said.value {
            How::Value(fitting("value", text)?)
        } else if let Some(template) = &said.template {
            self.expressions.check_text("template", template).map_err(unsaid("template"))?;
            How::Template(template.clone())
        } else if said.lookup.is_empty() {
            How::From(from)
        } else {
            let entry = |(from, to): (&String, &String)| Ok((from.clone(), fitting("lookup", to)?));
            let table = said.lookup.iter().map(entry).collect::<Result<_, _>>()?;
            let otherwise = said.otherwise.as_deref().map(|text| fitting("otherwise", text)).transpose()?;
            How::Lookup { from, table, otherwise }
        };
        Ok(Step { rule, when: said.when.clone(), does: Does::Set { position: at, how } })
    }

    /// The positions of the fields that are set.
    pub fn sets(&self) -> impl Iterator<Item = usize> {
        self.steps.iter().filter_map(|step| match step.does {
            Does::LeaveOut => None,
            Does::Set { position, .. } => Some(position),
        })
    }

    /// Whether records are left out.
    pub fn leaves_out(&self) -> bool {
        self.steps.iter().any(|step| matches!(step.does, Does::LeaveOut))
    }

    /// The fields that are looked at.
    fn looks_at(&self) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        for step in &self.steps {
            names.extend(self.expressions.speaks_of(&step.when));
            match &step.does {
                Does::Set { how: How::Template(text), .. } => names.extend(self.expressions.speaks_of(text)),
                Does::Set { how: How::From(from) | How::Lookup { from, .. }, .. } => {
                    names.insert((*from).to_owned());
                }
                Does::Set { how: How::Value(_), .. } | Does::LeaveOut => {}
            }
        }
        names
    }

    /// What the rules make of a record, in their order: each sees what those before it set.
    pub fn say(&self, schema: &'static ModelSchema, fields: &Map<String, Value>) -> Result<Said, (usize, String)> {
        let mut said = Said::default();
        let mut facts: Map<String, Value> = schema
            .fields
            .iter()
            .map(|field| (field.name.to_owned(), plain(fields.get(field.name).cloned().unwrap_or_default())))
            .collect();
        for step in &self.steps {
            let error = |unsaid: Unsaid| (step.rule, unsaid.to_string());
            let seen = || minijinja::Value::from(Serde(facts.clone()));
            if !step.when.trim().is_empty() && !self.expressions.holds("when", &step.when, &seen()).map_err(error)? {
                continue;
            }
            let Does::Set { position, how } = &step.does else {
                said.is_left_out = true;
                continue;
            };
            let value = match how {
                How::Value(value) => value.clone(),
                How::From(name) => facts.get(*name).cloned().unwrap_or_default(),
                How::Template(text) => {
                    value_of(schema, *position, &self.expressions.say("template", text, &seen()).map_err(error)?)
                }
                How::Lookup { from, table, otherwise } => {
                    let found = facts.get(*from).map(text_of).and_then(|text| table.get(&text));
                    match found.or(otherwise.as_ref()) {
                        Some(value) => value.clone(),
                        // It stays as it is, and follows what it refers to.
                        None if *from == schema.fields[*position].name => continue,
                        None => facts.get(*from).cloned().unwrap_or_default(),
                    }
                }
            };
            facts.insert(schema.fields[*position].name.to_owned(), plain(value.clone()));
            said.set.insert(*position, value);
        }
        Ok(said)
    }
}

/// What a text is as the value of a field: JSON where a reference has several parts or where there are many, and nothing where it is empty.
pub fn value_of(schema: &'static ModelSchema, position: usize, text: &str) -> Value {
    let is_compound = matches!(
        schema.fields[position].kind,
        FieldKind::Reference(_) | FieldKind::References(_) | FieldKind::Texts | FieldKind::Pairs | FieldKind::Json
    );
    if text.trim().is_empty() {
        return Value::Null;
    }
    let parsed = if is_compound { serde_json::from_str(text).ok() } else { None };
    parsed.filter(|value: &Value| value.is_array() || value.is_object()).unwrap_or_else(|| text.into())
}

/// A value as it stands in a table.
fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}
