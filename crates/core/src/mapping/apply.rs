//! Rules applied to what was read.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value};
use syncline_model::models::by_name;
use syncline_model::{AnyKey, AnyRecord, FieldKind, FieldSet, ModelSchema};

use super::keys::Keys;
use super::rules::{OfModel, Rules, Said};
use crate::fields::ModelFields;
use crate::snapshot::{Line, ModelSnapshot, Rejection, Remade, Snapshot, SnapshotReader};
use crate::{Result, models};

/// Under which rule records are counted that rules leave out.
const LEFT_OUT: &str = "left out by a mapping rule";
/// Under which rule records are counted that belong to those.
const WITH_LEFT_OUT: &str = "refers to what a mapping rule leaves out";
/// Under which rule records are counted that became one with another.
const MERGED: &str = "the mapping makes it one with another record";

/// What rules made of a read.
#[derive(Debug)]
pub struct Mapped {
    /// The records.
    pub snapshot: Snapshot,
    /// How they were called before.
    pub keys: Keys,
}

/// What becomes of a record.
enum Fate {
    Kept {
        key: AnyKey,
        fields: Map<String, Value>,
        is_renamed: bool,
    },
    /// Left out by a rule of its own, or with what it refers to; the key that it would have.
    LeftOut {
        key: AnyKey,
        by_rule: bool,
    },
    Rejected(Rejection),
}

impl Rules {
    /// Makes of a read what the rules say, with the fields of `given`. Models that no rule concerns stay as they are.
    ///
    /// What is made is written to `folder`. What rules rename or leave out is held in memory; the records are not.
    pub fn apply(&self, read: &Snapshot, given: &ModelFields, folder: &Path) -> Result<Mapped> {
        let schemas: Vec<_> = given.iter().map(|(schema, _)| schema).collect();
        let mut keys = Keys::default();
        // What others refer to comes before them, so that they can follow. Where references close a circle, what is left out is found
        // by going round again.
        let ordered = models::order(&schemas)?;
        loop {
            let before = keys.left_out();
            for schema in &ordered {
                if let Some(snapshot) = read.models.get(schema.name) {
                    self.find_keys(schema, snapshot, &mut keys)?;
                }
            }
            if keys.left_out() == before {
                break;
            }
        }
        let mut snapshot = read.clone();
        for (schema, fields) in given.iter() {
            let Some(model) = snapshot.models.get_mut(schema.name) else { continue };
            let refers =
                || schema.references().any(|(_, other)| given.schema(other).is_some_and(|it| keys.has_moved(it)));
            if self.model(schema.name).is_some() || keys.has_moved(schema) || refers() {
                *model = self.remake(schema, fields, model, &keys, folder)?;
            }
        }
        Ok(Mapped { snapshot, keys })
    }

    /// Finds which records of a model get other keys, and which are left out.
    fn find_keys(&self, schema: &'static ModelSchema, snapshot: &ModelSnapshot, keys: &mut Keys) -> Result<()> {
        let rules = self.model(schema.name);
        let sets_key = rules.is_some_and(|rules| rules.sets().any(|position| schema.fields[position].key));
        if sets_key {
            keys.rekeys(schema.name);
        }
        let mut firm = schema.fields.iter().filter(|field| !field.preserve).filter_map(|field| match field.kind {
            FieldKind::Reference(model) => by_name(model),
            _ => None,
        });
        let may_lose = rules.is_some_and(OfModel::leaves_out) || firm.any(|other| keys.loses(other));
        if !sets_key && !may_lose {
            return Ok(());
        }
        let mut reader = SnapshotReader::open(snapshot)?;
        while let Some(line) = reader.next_line()? {
            let old = old_key(&line);
            match fate(schema, rules, &line, keys)? {
                Fate::LeftOut { key, .. } => keys.leave_out(schema.name, &old, &key, line.handle()?),
                Fate::Kept { key, is_renamed: true, .. } => keys.rename(schema.name, old, key),
                Fate::Kept { .. } | Fate::Rejected(_) => {}
            }
        }
        if !sets_key {
            return Ok(());
        }
        // A record that has such a key by itself keeps it.
        let mut reader = SnapshotReader::open(snapshot)?;
        while let Some(line) = reader.next_line()? {
            let old = old_key(&line);
            let is_candidate = AnyKey::from_value(&keys.follow(schema.name, &old.to_value()).key)
                .is_some_and(|key| keys.is_new(schema.name, &key));
            if is_candidate && let Fate::Kept { key, is_renamed: false, .. } = fate(schema, rules, &line, keys)? {
                keys.has_already(schema.name, &key);
            }
        }
        Ok(())
    }

    fn remake(
        &self,
        schema: &'static ModelSchema,
        fields: FieldSet,
        snapshot: &ModelSnapshot,
        keys: &Keys,
        folder: &Path,
    ) -> Result<ModelSnapshot> {
        let rules = self.model(schema.name);
        let mut remade = Remade::of(schema, fields, snapshot, folder);
        let mut skipped: BTreeMap<&'static str, u64> = BTreeMap::new();
        let mut reader = SnapshotReader::open(snapshot)?;
        while let Some(line) = reader.next_line()? {
            let mut skip = |rule| *skipped.entry(rule).or_default() += 1;
            match fate(schema, rules, &line, keys)? {
                Fate::LeftOut { by_rule: true, .. } => skip(LEFT_OUT),
                Fate::LeftOut { by_rule: false, .. } => skip(WITH_LEFT_OUT),
                Fate::Kept { .. } if keys.is_merged(schema.name, &old_key(&line)) => skip(MERGED),
                Fate::Rejected(rejection) => remade.reject(rejection),
                Fate::Kept { fields, .. } => match AnyRecord::from_json(schema, &fields, FieldSet::EMPTY) {
                    Ok(record) => remade.push(&record, line.native)?,
                    Err(error) => remade.reject(Rejection {
                        record: format!("{} `{}`", schema.label, old_key(&line)),
                        field: error.field().to_owned(),
                        message: error.to_string(),
                    }),
                },
            }
        }
        remade.finish(skipped)
    }
}

/// What rules make of a record.
fn fate(schema: &'static ModelSchema, rules: Option<&OfModel>, line: &Line<'_>, keys: &Keys) -> Result<Fate> {
    let old = old_key(line);
    let mut fields = line.fields()?;
    let rejected = |field: &str, message: String| {
        let record = format!("{} `{old}`", schema.label);
        Ok(Fate::Rejected(Rejection { record, field: field.to_owned(), message }))
    };
    let said = match rules.map(|rules| rules.say(schema, &fields)).transpose() {
        Ok(said) => said.unwrap_or_default(),
        Err((rule, problem)) => return rejected(&format!("mapping[{rule}]"), problem),
    };
    let Said { is_left_out: by_rule, set } = said;
    let mut is_left_out = by_rule;
    for (position, field) in schema.fields.iter().enumerate() {
        if let Some(value) = set.get(&position) {
            fields.insert(field.name.to_owned(), value.clone());
            continue;
        }
        let Some(value) = fields.get_mut(field.name) else { continue };
        match field.kind {
            FieldKind::Reference(model) if value.is_array() => {
                let followed = keys.follow(model, value);
                *value = followed.key;
                // Nothing said is said of what is left out: the target keeps what it has. Where null would say that there is nothing,
                // nothing is said of the record either.
                match followed.is_left_out {
                    true if field.preserve => *value = Value::Null,
                    true => is_left_out = true,
                    false => {}
                }
            }
            FieldKind::References(model) => {
                let members = value.as_array_mut().map(std::mem::take).unwrap_or_default();
                let followed = members.iter().map(|member| keys.follow(model, member));
                *value = followed.filter(|member| !member.is_left_out).map(|member| member.key).collect();
            }
            _ => {}
        }
    }
    let parts: Value = schema.key_fields().map(|field| fields.get(field.name).cloned().unwrap_or_default()).collect();
    let key = match schema.key_from_json(&parts) {
        Ok(key) => key,
        Err(error) => {
            let field = schema.key_fields().next().map_or("", |field| field.name);
            return rejected(field, error.to_string());
        }
    };
    if is_left_out {
        return Ok(Fate::LeftOut { key, by_rule });
    }
    let sets_key = set.keys().any(|position| schema.fields[*position].key);
    let is_renamed = sets_key && keys.follow_parts(schema, &old.to_value()).key != key.to_value();
    Ok(Fate::Kept { key, fields, is_renamed })
}

fn old_key(line: &Line<'_>) -> AnyKey {
    AnyKey::from_canonical(&String::from_utf8_lossy(line.key))
}
