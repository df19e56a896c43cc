//! Which fields of which models a side knows, and what both sides can speak of.

use std::collections::BTreeMap;

use syncline_model::{FieldSet, Model, ModelSchema};

use crate::similar;

/// Fields by model: what a source knows, what a target holds, or what a sync compares.
#[derive(Debug, Clone, Default)]
pub struct ModelFields {
    models: BTreeMap<&'static str, (&'static ModelSchema, FieldSet)>,
    /// Fields that are only good for a start.
    initial: BTreeMap<&'static str, FieldSet>,
}

impl ModelFields {
    /// No model.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds every field of a model.
    pub fn all<M: Model>(self) -> Self {
        self.insert(M::SCHEMA, FieldSet::ALL)
    }

    /// Adds the named fields of a model. The key's fields always belong to it.
    ///
    /// # Panics
    ///
    /// When the model has no field of a name: a slip in the connector's own code.
    pub fn only<M: Model>(self, fields: &[&str]) -> Self {
        self.insert(M::SCHEMA, positions(M::SCHEMA, fields).union(M::SCHEMA.key_set()))
    }

    /// Adds every field of a model but the named ones.
    ///
    /// # Panics
    ///
    /// When the model has no field of a name: a slip in the connector's own code.
    pub fn except<M: Model>(self, fields: &[&str]) -> Self {
        self.insert(M::SCHEMA, FieldSet::ALL.minus(positions(M::SCHEMA, fields)).union(M::SCHEMA.key_set()))
    }

    /// Says that fields of a model are only good for a start: a create sets them, and an update only where the target has nothing
    /// (null, or an empty set). For what a source can only guess, such as a port's form from its speed, and what people know better.
    ///
    /// What Syncline gave such a field and is gone again without its doing is not given twice: somebody took it away, or the target
    /// cannot hold it. What Syncline itself took away, because something else needed that, comes back when the source has it.
    ///
    /// # Panics
    ///
    /// When the model has no field of a name: a slip in the connector's own code.
    pub fn initial<M: Model>(mut self, fields: &[&str]) -> Self {
        self.initial.insert(M::NAME, positions(M::SCHEMA, fields));
        self
    }

    /// The fields of a model that are only good for a start.
    pub fn initial_of(&self, model: &str) -> FieldSet {
        self.initial.get(model).copied().unwrap_or_default()
    }

    /// The same fields, of which those that `other` calls initial are initial.
    pub fn with_initial_of(mut self, other: &Self) -> Self {
        self.initial.clone_from(&other.initial);
        self
    }

    /// Adds or replaces the fields of a model.
    pub fn insert(mut self, schema: &'static ModelSchema, fields: FieldSet) -> Self {
        let existing: FieldSet = (0..schema.fields.len()).collect();
        self.models.insert(schema.name, (schema, fields.intersection(existing)));
        self
    }

    /// The fields of a model; empty when the side does not know the model.
    pub fn of(&self, model: &str) -> FieldSet {
        self.models.get(model).map_or(FieldSet::EMPTY, |(_, fields)| *fields)
    }

    /// Whether the side knows the model.
    pub fn has(&self, model: &str) -> bool {
        self.models.contains_key(model)
    }

    /// The description of a model that the side knows.
    pub fn schema(&self, model: &str) -> Option<&'static ModelSchema> {
        self.models.get(model).map(|(schema, _)| *schema)
    }

    /// The models with their fields, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&'static ModelSchema, FieldSet)> {
        self.models.values().copied()
    }

    /// The models and fields that both sides have: what they can speak of.
    pub fn shared_with(&self, other: &Self) -> Self {
        let models = self.models.iter().filter_map(|(name, (schema, fields))| {
            other.models.get(name).map(|(_, others)| (*name, (*schema, fields.intersection(*others))))
        });
        let mut initial = self.initial.clone();
        for (model, fields) in &other.initial {
            let both = initial.entry(model).or_default();
            *both = both.union(*fields);
        }
        Self { models: models.collect(), initial }
    }
}

fn positions(schema: &'static ModelSchema, fields: &[&str]) -> FieldSet {
    let position = |field: &&str| {
        schema.position(field).unwrap_or_else(|| {
            let known: Vec<_> = schema.fields.iter().map(|field| field.name).collect();
            panic!("the model `{}` has no field `{field}`; {}", schema.name, similar::remedy(field, known))
        })
    };
    fields.iter().map(position).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use syncline_model::models::{Device, Site};

    #[test]
    fn the_contract_is_what_both_sides_have() {
        let source = ModelFields::new().only::<Site>(&["name", "status"]).all::<Device>();
        let target = ModelFields::new().except::<Site>(&["status"]);
        let contract = source.shared_with(&target);
        let names: Vec<_> = contract.iter().map(|(schema, _)| schema.name).collect();
        assert_eq!(names, ["site"]);
        let fields = contract.of("site");
        let names: Vec<_> = Site::SCHEMA
            .fields
            .iter()
            .enumerate()
            .filter(|(at, _)| fields.contains(*at))
            .map(|(_, f)| f.name)
            .collect();
        assert_eq!(names, ["slug", "name"]);
    }
}
