//! Which models a sync handles, and how: synced, looked up, or left alone.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use syncline_model::ModelSchema;

use crate::fields::ModelFields;
use crate::{Error, ErrorKind, Result};

/// What a sync does with a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ModelMode {
    /// Read, compared and written.
    Sync,
    /// Read for the references of others, never written.
    Lookup,
    /// Not read. Becomes `lookup` when a synced model cannot do without it.
    Off,
}

/// What the sync does with each model, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ModelChoice {
    /// The model.
    pub model: &'static str,
    /// What was asked for.
    pub asked: ModelMode,
    /// What is done.
    pub mode: ModelMode,
    /// Why it differs from what was asked: the models that refer to it.
    pub needed_by: BTreeSet<&'static str>,
}

impl ModelChoice {
    /// A model that is read so that those of `target`, which keeps other things, can be made of it.
    pub fn looked_up(schema: &'static ModelSchema, target: &ModelFields) -> Self {
        let needed_by = target.iter().map(|(schema, _)| schema.name).collect();
        Self { model: schema.name, asked: ModelMode::Lookup, mode: ModelMode::Lookup, needed_by }
    }
}

/// Computes what is read: every model that a read model refers to is read too.
///
/// `contract` is what both sides can speak of. A reference that is written in the second pass (a device's primary address)
/// does not pull its model in; when that model is off, the field is not managed: it is taken out of the contract that is
/// returned.
pub fn closure(contract: &ModelFields, asked: &BTreeMap<String, ModelMode>) -> Result<(Vec<ModelChoice>, ModelFields)> {
    if let Some(unknown) = asked.keys().find(|model| !contract.has(model)) {
        let known: Vec<_> = contract.iter().map(|(schema, _)| schema.name).collect();
        let message = format!("`{unknown}` is no model that both sides know (known: {})", known.join(", "));
        return Err(Error::new(ErrorKind::Settings, message));
    }
    let asked_for = |model: &str| asked.get(model).copied().unwrap_or(ModelMode::Sync);
    let mut modes: BTreeMap<_, _> = contract.iter().map(|(schema, _)| (schema.name, asked_for(schema.name))).collect();
    let mut needed_by: BTreeMap<&'static str, BTreeSet<&'static str>> = BTreeMap::new();

    let mut pending: Vec<_> =
        modes.iter().filter(|(_, mode)| **mode != ModelMode::Off).map(|(model, _)| *model).collect();
    while let Some(model) = pending.pop() {
        let Some(schema) = contract.schema(model) else { continue };
        for target in firm_references(schema, contract) {
            if target == model {
                continue;
            }
            match modes.get_mut(target) {
                Some(mode @ ModelMode::Off) => {
                    *mode = ModelMode::Lookup;
                    needed_by.entry(target).or_default().insert(model);
                    pending.push(target);
                }
                Some(_) if asked_for(target) == ModelMode::Off => {
                    needed_by.entry(target).or_default().insert(model);
                }
                _ => {}
            }
        }
    }

    let choices = modes.iter().map(|(model, mode)| ModelChoice {
        model,
        asked: asked_for(model),
        mode: *mode,
        needed_by: needed_by.remove(model).unwrap_or_default(),
    });
    let choices: Vec<_> = choices.collect();
    for (schema, _) in contract.iter().filter(|(schema, _)| modes.get(schema.name) != Some(&ModelMode::Off)) {
        let missing =
            schema.key_fields().find_map(|field| field.kind.referenced_model().filter(|model| !contract.has(model)));
        if let Some(missing) = missing {
            let message = format!(
                "`{}` is known by its `{missing}`, which only one side knows; turn `{}` off, or use a connector that has both",
                schema.name, schema.name
            );
            return Err(Error::new(ErrorKind::Settings, message));
        }
    }
    let is_read = |model: &str| modes.get(model).is_some_and(|mode| *mode != ModelMode::Off);
    let mut managed = ModelFields::new().with_initial_of(contract);
    for (schema, fields) in contract.iter().filter(|(schema, _)| is_read(schema.name)) {
        let kept = (0..schema.fields.len()).filter(|&position| {
            let target = schema.fields[position].kind.referenced_model();
            fields.contains(position) && target.is_none_or(is_read)
        });
        managed = managed.insert(schema, kept.collect());
    }
    Ok((choices, managed))
}

/// The models that records of `schema` cannot do without.
fn firm_references(schema: &'static ModelSchema, contract: &ModelFields) -> impl Iterator<Item = &'static str> {
    let fields = contract.of(schema.name);
    let firm = schema.fields.iter().enumerate().filter(move |(at, field)| fields.contains(*at) && !field.deferred);
    firm.filter_map(|(_, field)| field.kind.referenced_model())
}

/// Orders models so that every model comes after those that it refers to, and those that its schema names; second-pass references do
/// not count.
///
/// Creates and updates follow this order, deletes its reverse.
pub fn order(schemas: &[&'static ModelSchema]) -> Result<Vec<&'static ModelSchema>> {
    let mut remaining: Vec<_> = schemas.to_vec();
    remaining.sort_by_key(|schema| schema.name);
    let mut ordered: Vec<&'static ModelSchema> = Vec::with_capacity(remaining.len());
    while !remaining.is_empty() {
        let waiting: BTreeSet<_> = remaining.iter().map(|schema| schema.name).collect();
        let free = remaining.iter().position(|schema| {
            let firm = schema.fields.iter().filter(|field| !field.deferred).filter_map(|f| f.kind.referenced_model());
            let mut firm = firm.chain(schema.after.iter().copied());
            !firm.any(|target| target != schema.name && waiting.contains(target))
        });
        let Some(free) = free else {
            let circle: Vec<_> = waiting.into_iter().collect();
            let message = format!(
                "the models {} refer to each other in a circle; mark one reference `deferred`",
                circle.join(", ")
            );
            return Err(Error::new(ErrorKind::Internal, message));
        };
        ordered.push(remaining.remove(free));
    }
    Ok(ordered)
}

#[cfg(test)]
mod tests {
    use super::*;
    use syncline_model::models::ALL;

    fn everything() -> ModelFields {
        ALL.iter().fold(ModelFields::new(), |fields, schema| fields.insert(schema, syncline_model::FieldSet::ALL))
    }

    /// Everything off but one model: what is read for it.
    fn read_for(model: &str) -> Vec<&'static str> {
        let mut asked: BTreeMap<_, _> = ALL.iter().map(|schema| (schema.name.to_owned(), ModelMode::Off)).collect();
        asked.insert(model.to_owned(), ModelMode::Sync);
        let (choices, _) = closure(&everything(), &asked).unwrap();
        choices.into_iter().filter(|choice| choice.mode == ModelMode::Lookup).map(|choice| choice.model).collect()
    }

    #[test]
    fn a_device_is_read_for_whatever_hangs_on_it() {
        for model in ["interface", "mac_address", "ip_address", "virtual_chassis"] {
            let read = read_for(model);
            assert_eq!(read.contains(&"device"), model != "virtual_chassis", "{model}: {read:?}");
        }
        for model in ["mac_address", "ip_address"] {
            assert!(read_for(model).contains(&"interface"), "{model}");
        }
    }

    #[test]
    fn catalogues_need_nothing() {
        for model in ["site", "manufacturer", "device_role", "vrf", "tag"] {
            assert!(read_for(model).is_empty(), "{model}");
        }
        assert_eq!(read_for("device_type"), ["manufacturer"]);
        assert_eq!(read_for("prefix"), ["site", "vrf"]);
    }

    #[test]
    fn a_second_pass_reference_to_a_model_that_is_off_is_not_managed() {
        let asked = BTreeMap::from([("ip_address".to_owned(), ModelMode::Off)]);
        let (_, managed) = closure(&everything(), &asked).unwrap();
        let device = managed.schema("device").unwrap();
        assert!(!managed.of("device").contains(device.position("primary_ip4").unwrap()));
        assert!(managed.of("device").contains(device.position("serial").unwrap()));
    }

    #[test]
    fn an_unknown_model_is_named() {
        let asked = BTreeMap::from([("devize".to_owned(), ModelMode::Sync)]);
        let error = closure(&everything(), &asked).unwrap_err();
        assert!(
            error.to_string().starts_with("`devize` is no model that both sides know (known: cluster, "),
            "{error}"
        );
    }

    #[test]
    fn parents_come_first() {
        let names: Vec<_> = order(ALL).unwrap().iter().map(|schema| schema.name).collect();
        let at = |name| names.iter().position(|other| *other == name).unwrap();
        for schema in ALL {
            for (field, target) in
                schema.references().filter(|(field, target)| !field.deferred && *target != schema.name)
            {
                assert!(at(target) < at(schema.name), "{}.{}", schema.name, field.name);
            }
            for first in schema.after {
                assert!(at(first) < at(schema.name), "{} after {first}", schema.name);
            }
        }
    }
}
