//! Names that are passed on: one record loses a name, another one gets it.
//!
//! Whoever has the name in the target loses it first. Where that does not happen in the same plan, because it is held or because two
//! records have each other's names, nobody gets the name: there would be two of them.

use std::collections::{HashMap, HashSet};

use syncline_model::{AnyKey, ModelSchema};

use crate::change::{Change, Hold, HoldRule};

/// The changes of one model that a passed-on name is part of.
pub struct PassedOn {
    /// Who has a name in the target, by that name: the key by which the source knows that record.
    holders: HashMap<AnyKey, AnyKey>,
    /// The same records, by those keys.
    losing: HashSet<AnyKey>,
    /// Their changes, and those of the records that get the names, each with the site that the target has its record at.
    changes: Vec<(Change, Option<Box<str>>)>,
}

/// What becomes of such a change.
#[derive(Clone)]
enum Fate {
    /// It is part of the chain that is being followed.
    Followed,
    /// It goes, after so many others.
    Goes(usize),
    /// It is held, in the end for this reason.
    Held(String),
    /// It is held, because it waits for itself.
    InCircle(String),
}

impl PassedOn {
    /// Names of a model with the keys of the records that have them in the target.
    pub fn of(names: &[(AnyKey, AnyKey)]) -> Self {
        Self {
            holders: names.iter().cloned().collect(),
            losing: names.iter().map(|(_, holder)| holder.clone()).collect(),
            changes: Vec::new(),
        }
    }

    /// Whether the change of a record has to wait until all of them are known.
    pub fn concerns(&self, key: &AnyKey) -> bool {
        self.holders.contains_key(key) || self.losing.contains(key)
    }

    /// Keeps a change that is concerned.
    pub fn push(&mut self, change: Change, site: Option<&str>) {
        self.changes.push((change, site.map(Into::into)));
    }

    /// The changes, decided, each after the one that it waits for.
    pub fn decided(self, schema: &ModelSchema) -> Vec<(Change, Option<Box<str>>)> {
        let Self { holders, mut changes, .. } = self;
        let places: HashMap<AnyKey, usize> =
            changes.iter().enumerate().map(|(place, (change, _))| (change.key.clone(), place)).collect();
        let mut fates: Vec<Option<Fate>> = changes.iter().map(|_| None).collect();
        for start in 0..changes.len() {
            follow(schema, &holders, &places, &changes, &mut fates, start);
        }
        for ((change, _), fate) in changes.iter_mut().zip(&fates) {
            let holder = holders.get(&change.key);
            let reason = match (fate, holder) {
                (Some(Fate::Held(why)), Some(holder)) => taken(schema, change, holder, why),
                (Some(Fate::InCircle(reason)), _) => reason.clone(),
                _ => {
                    change.waits_for = holder.cloned();
                    continue;
                }
            };
            change.hold.get_or_insert(Hold { rule: HoldRule::NameTaken, reason });
        }
        let mut decided: Vec<_> = changes.into_iter().zip(fates).collect();
        decided.sort_by_key(|(_, fate)| match fate {
            Some(Fate::Goes(after)) => *after,
            _ => 0,
        });
        decided.into_iter().map(|(change, _)| change).collect()
    }
}

/// Decides a change, and with it those that it waits for.
fn follow(
    schema: &ModelSchema,
    holders: &HashMap<AnyKey, AnyKey>,
    places: &HashMap<AnyKey, usize>,
    changes: &[(Change, Option<Box<str>>)],
    fates: &mut [Option<Fate>],
    start: usize,
) {
    let mut chain: Vec<usize> = Vec::new();
    let mut next = Some(start);
    let mut fate = None;
    while let Some(place) = next {
        match &fates[place] {
            Some(Fate::Followed) => {
                // A name is had by one and wanted by one, so that whoever comes back to a chain comes back to its start.
                let names: Vec<_> = chain.iter().map(|at| format!("`{}`", changes[*at].0.key)).collect();
                let reason = format!(
                    "the {} {} have each other's names in the target, which is no single step: give one of them another name \
                     there, and the next run sets them right",
                    schema.plural,
                    names.join(" and ")
                );
                for place in chain.drain(..) {
                    fates[place] = Some(Fate::InCircle(reason.clone()));
                }
                break;
            }
            Some(known) => {
                fate = Some(known.clone());
                break;
            }
            None => {}
        }
        let (change, _) = &changes[place];
        if let Some(hold) = &change.hold {
            let held = Fate::Held(hold.reason.clone());
            fates[place] = Some(held.clone());
            fate = Some(held);
            break;
        }
        fates[place] = Some(Fate::Followed);
        chain.push(place);
        let Some(holder) = holders.get(&change.key) else { break };
        next = places.get(holder).copied();
        if next.is_none() {
            fate = Some(Fate::Held("no change of this plan gives it another one".to_owned()));
        }
    }
    // From the end of the chain to its start.
    while let Some(place) = chain.pop() {
        let (change, _) = &changes[place];
        let holding = holders.get(&change.key).and_then(|holder| places.get(holder)).map(|place| &changes[*place].0);
        let keeps = |holding: &Change| !schema.key_fields().any(|field| holding.after(field.name).is_some());
        let decided = match fate {
            Some(Fate::Held(reason) | Fate::InCircle(reason)) => Fate::Held(reason),
            Some(_) if holding.is_some_and(keeps) => {
                let ignored = holding.into_iter().flat_map(|change| &change.kept).find_map(|kept| {
                    let is_name = schema.key_fields().any(|field| field.name == kept.name);
                    kept.ignored.as_ref().filter(|_| is_name)
                });
                let policy = || "the sync's policy leaves it (`policy.fields`)".to_owned();
                Fate::Held(ignored.map_or_else(policy, |reason| format!("it is {reason}")))
            }
            Some(Fate::Goes(after)) => Fate::Goes(after + 1),
            Some(Fate::Followed) | None => Fate::Goes(0),
        };
        fates[place] = Some(decided.clone());
        fate = Some(decided);
    }
}

fn taken(schema: &ModelSchema, change: &Change, holder: &AnyKey, why: &str) -> String {
    let (label, name) = (schema.label, &change.key);
    format!(
        "in the target `{name}` is the name of the {label} that is `{holder}` in the source, and it keeps it: {why}"
    )
}
