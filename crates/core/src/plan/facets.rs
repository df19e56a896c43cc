//! How many changes of a plan there are at which site, and how many updates of which field.

use std::collections::{BTreeMap, HashMap};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use syncline_model::AnyKey;

use super::{PlanSummary, is_zero};
use crate::change::{Action, Change};

/// How many sites a plan tells of by name.
const MOST: usize = 200;

/// What a plan amounts to at one site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SiteSummary {
    /// The key of the site.
    #[schemars(with = "Vec<serde_json::Value>")]
    pub site: AnyKey,
    /// Its changes by model.
    pub models: BTreeMap<String, SiteCounts>,
}

/// How many changes of one model there are at a site.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SiteCounts {
    /// To be created.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub create: u64,
    /// To be updated, those included that only clear a reference.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub update: u64,
    /// To be deleted.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub delete: u64,
    /// Held back.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub held: u64,
    /// Held back, by action. Nothing in plans from before that was counted.
    #[serde(default, skip_serializing_if = "HeldCounts::is_empty")]
    pub held_actions: HeldCounts,
}

/// How many changes are held back, by action.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HeldCounts {
    /// That would create.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub create: u64,
    /// That would update.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub update: u64,
    /// That would delete.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub delete: u64,
}

/// Counts changes while they are decided. It grows with the number of sites and fields, not with that of changes.
#[derive(Debug, Default)]
pub(super) struct FacetCounter {
    sites: HashMap<AnyKey, SiteTally>,
    /// The models with changes at sites, in the order met; tallies know them by their place here.
    models: Vec<String>,
    fields: BTreeMap<String, BTreeMap<String, u64>>,
}

/// What was counted at one site: small, as there may be as many sites as changes.
#[derive(Debug, Default)]
struct SiteTally {
    total: u64,
    models: Vec<(usize, SiteCounts)>,
}

impl FacetCounter {
    /// Counts a change that goes into the plan.
    pub fn count(&mut self, change: &Change) {
        if change.action == Action::Update {
            self.count_fields(change);
        }
        let Some(site) = &change.site else { return };
        let model = self.model(&change.model);
        let tally = match self.sites.get_mut(site) {
            Some(tally) => tally,
            None => self.sites.entry(site.clone()).or_default(),
        };
        tally.total += 1;
        let counts = tally.counts(model);
        match (&change.hold, change.action) {
            (Some(_), action) => {
                counts.held += 1;
                counts.held_actions.count(action);
            }
            (None, Action::Create) => counts.create += 1,
            (None, Action::Update) => counts.update += 1,
            (None, Action::Delete) => counts.delete += 1,
        }
    }

    fn count_fields(&mut self, change: &Change) {
        let fields = match self.fields.get_mut(&change.model) {
            Some(fields) => fields,
            None => self.fields.entry(change.model.clone()).or_default(),
        };
        for field in &change.fields {
            match fields.get_mut(&field.name) {
                Some(count) => *count += 1,
                None => drop(fields.insert(field.name.clone(), 1)),
            }
        }
    }

    /// The place of a model; looked for from the end, as changes come by model.
    fn model(&mut self, name: &str) -> usize {
        self.models.iter().rposition(|model| model == name).unwrap_or_else(|| {
            self.models.push(name.to_owned());
            self.models.len() - 1
        })
    }

    /// Tells what was counted: of the sites those with the most changes, most first, and how many there are beside them.
    pub fn tell(self, summary: &mut PlanSummary) {
        type Site = (AnyKey, SiteTally);
        let order =
            |(a, left): &Site, (b, right): &Site| right.total.cmp(&left.total).then_with(|| a.as_str().cmp(b.as_str()));
        let mut sites: Vec<Site> = self.sites.into_iter().collect();
        summary.more_sites = sites.len().saturating_sub(MOST) as u64;
        if summary.more_sites > 0 {
            sites.select_nth_unstable_by(MOST, order);
            sites.truncate(MOST);
        }
        sites.sort_unstable_by(order);
        let named = |models: Vec<(usize, SiteCounts)>| {
            models.into_iter().filter_map(|(place, counts)| Some((self.models.get(place)?.clone(), counts))).collect()
        };
        summary.sites =
            sites.into_iter().map(|(site, tally)| SiteSummary { site, models: named(tally.models) }).collect();
        summary.fields = self.fields;
        summary.fields.retain(|_, fields| !fields.is_empty());
    }
}

impl SiteTally {
    fn counts(&mut self, model: usize) -> &mut SiteCounts {
        let at = self.models.iter().position(|(place, _)| *place == model).unwrap_or_else(|| {
            self.models.push((model, SiteCounts::default()));
            self.models.len() - 1
        });
        &mut self.models[at].1
    }
}

impl HeldCounts {
    /// Those with an action.
    pub fn of(&self, action: Action) -> u64 {
        match action {
            Action::Create => self.create,
            Action::Update => self.update,
            Action::Delete => self.delete,
        }
    }

    /// All of them.
    pub fn total(&self) -> u64 {
        self.create + self.update + self.delete
    }

    pub(super) fn count(&mut self, action: Action) {
        match action {
            Action::Create => self.create += 1,
            Action::Update => self.update += 1,
            Action::Delete => self.delete += 1,
        }
    }

    fn is_empty(&self) -> bool {
        self.total() == 0
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::change::{Hold, HoldRule};

    #[test]
    fn only_so_many_sites_are_told_of_and_none_is_forgotten() {
        let mut counter = FacetCounter::default();
        let site = |number: usize| AnyKey::from_value(&json!([format!("site-{number:03}")])).unwrap();
        for number in 0..MOST + 2 {
            let key = AnyKey::from_value(&json!([[format!("site-{number:03}")], "core-1"])).unwrap();
            let mut change = Change::new("device", key, Action::Create, None, Vec::new());
            change.site = Some(site(number));
            counter.count(&change);
            if number == 150 {
                change.hold = Some(Hold { rule: HoldRule::Policy, reason: String::new() });
                counter.count(&change);
            }
        }
        counter.count(&Change::new(
            "tag",
            AnyKey::from_value(&json!(["a"])).unwrap(),
            Action::Create,
            None,
            Vec::new(),
        ));
        let mut summary = PlanSummary::default();
        counter.tell(&mut summary);
        let PlanSummary { sites, more_sites, .. } = summary;
        assert_eq!((sites.len(), more_sites), (MOST, 2));
        let first = &sites[0];
        assert_eq!(first.site, site(150), "it has two changes");
        let held_actions = HeldCounts { create: 1, ..HeldCounts::default() };
        assert_eq!(first.models["device"], SiteCounts { create: 1, held: 1, held_actions, ..SiteCounts::default() });
        assert_eq!(sites[1].site, site(0));
    }
}
