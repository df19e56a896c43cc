//! Approving a part of a plan: what is meant, and what has to go with it.

use std::collections::{HashMap, HashSet, VecDeque};
use std::fmt;
use std::str::FromStr;

use serde_json::Value;
use syncline_model::{AnyKey, FieldKind, ModelSchema, models};

use super::PlanReader;
use crate::bindings::hash;
use crate::change::{Action, Change};
use crate::places::Places;
use crate::scope::no_model;
use crate::{Error, ErrorKind, Result};

/// Which changes of a plan a person means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// These, what they need, and what needs what they create.
    Only(Vec<Selector>),
    /// All but these and what needs them.
    Except(Vec<Selector>),
}

/// What a person names: a model, one record, or one change by its id. Written `device`, `device:["site","name"]`, `#1f0c…`. The parts
/// of a key are in line or nested as in the plan, `device:[["site"],"name"]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selector {
    /// Every change of a model.
    Model(String),
    /// The change of a record.
    Record(String, AnyKey),
    /// The change with this id, or the only one whose id begins so.
    Change(String),
}

/// How much of a change's id has to be given.
const SHORTEST: usize = 4;
/// How many changes are named that somebody may have meant.
const CANDIDATES: usize = 5;

impl FromStr for Selector {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let refused = |message: String| Error::new(ErrorKind::Settings, message);
        if let Some(id) = text.strip_prefix('#') {
            if id.len() < SHORTEST {
                let message = format!("`{text}` is too short: give {SHORTEST} characters of a change's id at least");
                return Err(refused(message));
            }
            return Ok(Self::Change(id.to_owned()));
        }
        let (model, key) = text.split_once(':').map_or((text, None), |(model, key)| (model, Some(key)));
        let Some(schema) = models::by_name(model) else {
            return Err(refused(no_model(model)));
        };
        let Some(key) = key else { return Ok(Self::Model(model.to_owned())) };
        let value: Value = serde_json::from_str(key).map_err(|error| {
            refused(format!("`{key}` is no key: write it as the plan does, `{model}:[\"part\",…]`")).caused_by(error)
        })?;
        let Value::Array(parts) = value else { return Err(refused(format!("`{key}` is no key: it is no list"))) };
        let mut parts = VecDeque::from(parts);
        let nested = nested(schema, &mut parts).filter(|_| parts.is_empty()).and_then(|key| AnyKey::from_value(&key));
        let key = nested.ok_or_else(|| {
            let names: Vec<_> = schema.fields.iter().filter(|field| field.key).map(|field| field.name).collect();
            refused(format!("`{key}` is no key of a {}: its parts are {}", schema.label, names.join(", ")))
        })?;
        Ok(Self::Record(model.to_owned(), key))
    }
}

/// The next parts as a key of a model, with the keys that it refers to inside of it. They may stand there already, or in line:
/// `["site","name"]` is `[["site"],"name"]`.
fn nested(schema: &ModelSchema, parts: &mut VecDeque<Value>) -> Option<Value> {
    let mut key = Vec::new();
    for field in schema.fields.iter().filter(|field| field.key) {
        let part = parts.pop_front()?;
        key.push(match (field.kind.referenced_model(), part) {
            (Some(model), Value::Array(inner)) => {
                let mut inner = VecDeque::from(inner);
                nested(models::by_name(model)?, &mut inner).filter(|_| inner.is_empty())?
            }
            (Some(model), part) if !part.is_null() => {
                parts.push_front(part);
                nested(models::by_name(model)?, parts)?
            }
            (_, part) => part,
        });
    }
    Some(Value::Array(key))
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Model(model) => f.write_str(model),
            Self::Record(model, key) => write!(f, "{model}:{}", key.as_str()),
            Self::Change(id) => write!(f, "#{id}"),
        }
    }
}

impl Selector {
    fn means(&self, change: &Change) -> bool {
        match self {
            Self::Model(model) => change.model == *model,
            Self::Record(model, key) => change.model == *model && change.key == *key,
            Self::Change(id) => change.id.starts_with(id.as_str()),
        }
    }
}

impl Selection {
    /// The places of the changes that are meant, as far as they can be applied: the plan holds others back. A selector that means no
    /// change of the plan, or only such that are held, is an error: it is a slip. So is the beginning of several ids.
    pub fn of(&self, plan: &PlanReader) -> Result<Places> {
        let needs = Needs::of(plan)?;
        let (Self::Only(selectors) | Self::Except(selectors)) = self;
        let named = named(selectors, plan, matches!(self, Self::Only(_)))?;
        Ok(match self {
            Self::Only(_) => needs.with_what_goes_along(named),
            Self::Except(_) => {
                let out = needs.with_what_needs(named);
                needs.places.iter().copied().filter(|place| !out.contains(place)).collect()
            }
        })
    }
}

/// What a selector means in a plan.
#[derive(Debug, Default)]
struct Meant {
    /// Why the plan holds back the first of the changes that it holds.
    held: Option<String>,
    /// The places of the others.
    places: Vec<u64>,
    /// The first changes that an id may mean.
    candidates: Vec<String>,
    /// How many these are in all.
    count: u64,
    /// One has the very id.
    exact: bool,
}

impl Meant {
    fn add(&mut self, place: u64, change: &Change, selector: &Selector) {
        let is_exact = matches!(selector, Selector::Change(id) if *id == change.id);
        if is_exact {
            *self = Self { exact: true, ..Self::default() };
        } else if self.exact {
            return;
        }
        self.count += 1;
        if self.candidates.len() < CANDIDATES {
            self.candidates.push(format!("`#{}` ({} {} {})", change.id, change.action, change.model, change.key));
        }
        match &change.hold {
            Some(hold) => drop(self.held.get_or_insert_with(|| hold.reason.clone())),
            None => self.places.push(place),
        }
    }

    /// The places, unless the selector is a slip.
    fn places(self, selector: &Selector, to_apply: bool) -> Result<Vec<u64>> {
        let Self { held, places, candidates, count, .. } = self;
        if matches!(selector, Selector::Change(_)) && count > 1 {
            let more = if count > candidates.len() as u64 { ", …" } else { "" };
            let candidates = candidates.join(", ");
            let message =
                format!("`{selector}` begins the ids of {count} changes: {candidates}{more}; give more of one");
            return Err(Error::new(ErrorKind::Settings, message));
        }
        match held {
            Some(reason) if places.is_empty() && to_apply => {
                let message = format!("the plan holds back what `{selector}` means: {reason}");
                Err(Error::new(ErrorKind::Refused, message))
            }
            None if places.is_empty() => {
                Err(Error::new(ErrorKind::NotFound, format!("the plan changes nothing that `{selector}` means")))
            }
            _ => Ok(places),
        }
    }
}

/// The places of the changes that selectors mean and the plan does not hold; `to_apply` when they are to be applied.
fn named(selectors: &[Selector], plan: &PlanReader, to_apply: bool) -> Result<HashSet<u64>> {
    let mut meant: Vec<Meant> = selectors.iter().map(|_| Meant::default()).collect();
    for (place, change) in (1..).zip(plan.changes()?) {
        let change = change?;
        for (selector, meant) in selectors.iter().zip(&mut meant) {
            if selector.means(&change) {
                meant.add(place, &change, selector);
            }
        }
    }
    let places: Result<Vec<_>> =
        selectors.iter().zip(meant).map(|(selector, meant)| meant.places(selector, to_apply)).collect();
    Ok(places?.into_iter().flatten().collect())
}

/// Which changes of a plan need which others.
#[derive(Debug, Default)]
struct Needs {
    /// The changes that are not held.
    places: Vec<u64>,
    /// What a change needs: the creates of records that it refers to; for a delete, the deletes of what refers to it; what
    /// lets its record go first; and what gives its name up.
    prerequisites: HashMap<u64, Vec<u64>>,
    /// Updates that only let their records, or what those refer to, change.
    releases: Vec<u64>,
    /// The creates and updates that need a create.
    followers: HashMap<u64, Vec<u64>>,
}

impl Needs {
    fn of(plan: &PlanReader) -> Result<Self> {
        let mut needs = Self::default();
        let mut created: HashMap<u128, u64> = HashMap::new();
        let mut renamed: HashMap<u128, u64> = HashMap::new();
        // Deletes come children first, so that the records they refer to are known later.
        let mut deleted_below: HashMap<u128, Vec<u64>> = HashMap::new();
        let mut released: HashMap<u128, Vec<u64>> = HashMap::new();
        // Updates that clear a reference, by their records.
        let mut cleared: HashMap<u128, Vec<u64>> = HashMap::new();
        for (place, change) in (1..).zip(plan.changes()?) {
            let change = change?;
            let Some(schema) = models::ALL.iter().copied().find(|schema| schema.name == change.model) else { continue };
            if change.hold.is_some() {
                continue;
            }
            needs.places.push(place);
            let own = hash(schema.name, change.key.as_str());
            let mut releases = released.get(&own).cloned().unwrap_or_default();
            // A record is only let go for what is done with it then: the one is not without the other.
            for earlier in cleared.get(&own).into_iter().flatten() {
                needs.prerequisites.entry(*earlier).or_default().push(place);
                releases.push(*earlier);
            }
            for (model, field) in change.lets_go(schema) {
                released.entry(hash(model, &field.before.to_string())).or_default().push(place);
            }
            if change.lets_go(schema).next().is_some() {
                needs.releases.push(place);
            }
            if clears_a_reference(schema, &change) {
                cleared.entry(own).or_default().push(place);
            }
            if change.action == Action::Delete {
                let mut needed = deleted_below.remove(&own).unwrap_or_default();
                needed.extend(releases);
                needs.prerequisites.insert(place, needed);
                for parent in references(schema, &change) {
                    deleted_below.entry(parent).or_default().push(place);
                }
                continue;
            }
            let needed: Vec<_> =
                references(schema, &change).into_iter().filter_map(|record| created.get(&record).copied()).collect();
            for parent in &needed {
                needs.followers.entry(*parent).or_default().push(place);
            }
            let name = change.waits_for.as_ref().and_then(|holder| renamed.get(&hash(schema.name, holder.as_str())));
            needs.prerequisites.insert(place, needed.into_iter().chain(releases).chain(name.copied()).collect());
            match change.action {
                Action::Create => drop(created.insert(own, place)),
                _ if schema.key_fields().any(|field| change.after(field.name).is_some()) => {
                    renamed.insert(own, place);
                }
                _ => {}
            }
        }
        Ok(needs)
    }

    /// Changes with what they need, and what needs what they create.
    fn with_what_goes_along(&self, named: HashSet<u64>) -> Places {
        let mut taken = HashSet::new();
        let mut pending: Vec<(u64, bool)> = named.into_iter().map(|place| (place, true)).collect();
        let mut followed = HashSet::new();
        while let Some((place, follow)) = pending.pop() {
            if taken.insert(place) {
                pending.extend(self.prerequisites.get(&place).into_iter().flatten().map(|place| (*place, false)));
            }
            if follow && followed.insert(place) {
                pending.extend(self.followers.get(&place).into_iter().flatten().map(|place| (*place, true)));
            }
        }
        taken.into_iter().collect()
    }

    /// Changes with what needs them, however indirectly, and with the releases that nothing is left for.
    fn with_what_needs(&self, named: HashSet<u64>) -> HashSet<u64> {
        let mut needed_by: HashMap<u64, Vec<u64>> = HashMap::new();
        for (place, needs) in &self.prerequisites {
            for needed in needs {
                needed_by.entry(*needed).or_default().push(*place);
            }
        }
        let mut out = HashSet::new();
        let mut pending: Vec<_> = named.into_iter().collect();
        while let Some(place) = pending.pop() {
            if out.insert(place) {
                pending.extend(needed_by.get(&place).into_iter().flatten());
            }
        }
        let is_for_nothing =
            |release: &&u64| needed_by.get(release).is_some_and(|users| users.iter().all(|user| out.contains(user)));
        let for_nothing: Vec<_> = self.releases.iter().filter(is_for_nothing).copied().collect();
        out.extend(for_nothing);
        out
    }
}

/// Whether an update takes away a reference of the second pass, so that the record, or what it refers to, can change.
fn clears_a_reference(schema: &ModelSchema, change: &Change) -> bool {
    let clears = |name: &str| schema.field(name).is_some_and(|known| known.deferred);
    change.action == Action::Update
        && change.fields.iter().any(|field| field.after.is_null() && !field.before.is_null() && clears(&field.name))
}

/// The records that a change refers to: those that a create or an update needs, or those that a deleted one belonged to. Deferred
/// references are no need: without them the record is there all the same.
fn references(schema: &ModelSchema, change: &Change) -> Vec<u128> {
    let mut records = Vec::new();
    for field in change.fields.iter().filter(|field| !field.deferred) {
        let value = if change.action == Action::Delete { &field.before } else { &field.after };
        match schema.field(&field.name).map(|field| field.kind) {
            Some(FieldKind::Reference(model)) => records.extend(key_hash(model, value)),
            Some(FieldKind::References(model)) => {
                records.extend(value.as_array().into_iter().flatten().filter_map(|value| key_hash(model, value)));
            }
            _ => {}
        }
    }
    records
}

fn key_hash(model: &str, value: &Value) -> Option<u128> {
    AnyKey::from_value(value).map(|key| hash(model, key.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first characters of an id may be those of others too.
    #[test]
    fn the_beginning_of_several_ids_is_refused_with_what_it_may_mean() {
        let change = |id: &str| Change {
            id: id.to_owned(),
            model: "site".to_owned(),
            key: AnyKey::from_value(&serde_json::json!([id])).unwrap(),
            action: Action::Delete,
            site: None,
            native: None,
            fields: Vec::new(),
            hold: None,
            kept: Vec::new(),
            source_id: None,
            waits_for: None,
            refusal: None,
            image: None,
        };
        let ids = ["abcd", "abcdef", "abcd01", "abcd02", "abcd03", "abcd04"];
        let places = |selector: &str| {
            let selector: Selector = selector.parse().unwrap();
            let mut meant = Meant::default();
            for (place, change) in (1..).zip(ids.map(change)) {
                if selector.means(&change) {
                    meant.add(place, &change, &selector);
                }
            }
            meant.places(&selector, true)
        };
        assert_eq!(places("#abcd").unwrap(), [1], "the very id of one is no beginning");
        assert_eq!(places("#abcde").unwrap(), [2]);
        insta::assert_snapshot!(places("#abcd0").unwrap_err(), @"`#abcd0` begins the ids of 4 changes: `#abcd01` (delete site abcd01), `#abcd02` (delete site abcd02), `#abcd03` (delete site abcd03), `#abcd04` (delete site abcd04); give more of one");
    }

    #[test]
    fn what_people_write_is_understood_or_explained() {
        let nested = r#"interface:[[["atl"],"core-1"],"Gi0/1"]"#;
        for text in ["device", nested, r#"ip_address:[null,"10.0.0.1"]"#, "#1f0c"] {
            assert_eq!(text.parse::<Selector>().unwrap().to_string(), text);
        }
        for text in [r#"interface:["atl","core-1","Gi0/1"]"#, r#"interface:[["atl","core-1"],"Gi0/1"]"#] {
            assert_eq!(text.parse::<Selector>().unwrap().to_string(), nested);
        }
        let refused = |text: &str| text.parse::<Selector>().unwrap_err().to_string();
        insta::assert_snapshot!(refused("devize"), @"`devize` is no model; did you mean `device`?");
        insta::assert_snapshot!(refused("device:core-1"), @r#"`core-1` is no key: write it as the plan does, `device:["part",…]`"#);
        insta::assert_snapshot!(refused("device:1"), @"`1` is no key: it is no list");
        insta::assert_snapshot!(refused(r#"device:["atl"]"#), @r#"`["atl"]` is no key of a device: its parts are site, name"#);
        insta::assert_snapshot!(refused(r#"device:[["atl","x"],"core-1"]"#), @r#"`[["atl","x"],"core-1"]` is no key of a device: its parts are site, name"#);
    }
}
