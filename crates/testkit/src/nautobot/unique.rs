//! What may occur once.

use std::net::IpAddr;

use super::errors::{Errors, Refusal};
use super::input::Draft;
use super::schema::{Field, Kind, Part, UniqueError};
use super::state::{Store, unique_key};
use super::value::{Id, Object, Value};

/// Another object with the same key of a constraint.
pub(super) fn rival(store: &Store, kind: Kind, constraint: usize, object: &Object) -> Option<Id> {
    let key = unique_key(kind, &kind.def().unique[constraint], object)?;
    store.with_key(kind, constraint, &key).find(|id| *id != object.id)
}

fn label(field: &Field) -> String {
    if field.label.is_empty() { field.name.replace('_', " ") } else { field.label.to_owned() }
}

/// Single fields, where the body has them.
pub(super) fn fields(store: &Store, kind: Kind, draft: &Draft, errors: &mut Errors) {
    let def = kind.def();
    for (at, unique) in def.unique.iter().enumerate() {
        let ([Part::Value(name)], UniqueError::Field) = (unique.parts, unique.error) else { continue };
        if !draft.given.contains(name) || errors.has(name) || rival(store, kind, at, &draft.object).is_none() {
            continue;
        }
        let label = kind.position(name).map(|at| label(&def.fields[at])).unwrap_or_default();
        errors.add(name, format!("{} with this {label} already exists.", def.verbose));
    }
}

/// Several fields together.
pub(super) fn sets(store: &Store, kind: Kind, draft: &Draft) -> Result<(), Errors> {
    for (at, unique) in kind.def().unique.iter().enumerate() {
        let asked = match unique.error {
            UniqueError::Set => true,
            UniqueError::SetOrWords(_) => unique.parts.iter().all(|part| draft.given.contains(&part.field())),
            _ => false,
        };
        if asked && rival(store, kind, at, &draft.object).is_some() {
            let names: Vec<&str> = unique.parts.iter().map(|part| part.field()).collect();
            let text = format!("The fields {} must make a unique set.", names.join(", "));
            return Err(Errors::at("non_field_errors", text));
        }
    }
    Ok(())
}

/// What the model itself says.
pub(super) fn model(store: &Store, kind: Kind, object: &Object, errors: &mut Errors) {
    for (at, unique) in kind.def().unique.iter().enumerate() {
        if let UniqueError::Words(words) | UniqueError::SetOrWords(words) = unique.error
            && !words.is_empty()
            // What is wrong by itself is not compared.
            && !unique.parts.iter().any(|part| errors.has(part.field()))
            && rival(store, kind, at, object).is_some()
        {
            errors.add("__all__", words);
        }
    }
}

/// What the database says of an object that passed every check before, as another one of the same list took its place.
pub(super) fn database(store: &Store, kind: Kind, object: &Object) -> Result<(), Refusal> {
    for (at, unique) in kind.def().unique.iter().enumerate() {
        if unique.constraint.is_empty() || unique.error == UniqueError::Index {
            continue;
        }
        if rival(store, kind, at, object).is_none() {
            continue;
        }
        let (mut names, mut values) = (Vec::new(), Vec::new());
        for part in unique.parts {
            column(kind, object, part.field(), &mut names, &mut values);
        }
        return Err(Refusal::database(format!(
            "duplicate key value violates unique constraint \"{}\"\nDETAIL:  Key ({})=({}) already exists.\n",
            unique.constraint,
            names.join(", "),
            values.join(", ")
        )));
    }
    Ok(())
}

fn column(kind: Kind, object: &Object, field: &str, names: &mut Vec<String>, values: &mut Vec<String>) {
    match object.get(kind, field) {
        Value::Ref(id) => {
            names.push(format!("{field}_id"));
            values.push(id.to_string());
        }
        Value::Net(net) => {
            let digits = match net.host {
                IpAddr::V4(host) => format!("{:08x}", host.to_bits()),
                IpAddr::V6(host) => format!("{:032x}", host.to_bits()),
            };
            names.push(if kind == Kind::Prefix { "network, prefix_length" } else { "host" }.to_owned());
            let length = if kind == Kind::Prefix { format!(", {}", net.length) } else { String::new() };
            values.push(format!("\\x{digits}{length}"));
        }
        Value::Int(number) => {
            names.push(field.to_owned());
            values.push(number.to_string());
        }
        other => {
            names.push(field.to_owned());
            values.push(other.text().to_owned());
        }
    }
}
