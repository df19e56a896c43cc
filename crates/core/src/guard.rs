//! Guards: checks on a plan that can demand approval or refuse.
//!
//! They look at the plan alone, so a dry run shows what a run would meet.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use syncline_model::{DeletionClass, ModelSchema};

use crate::bindings::hash;
use crate::change::{Action, Change};
use crate::diff::DiffCounts;
use crate::policy::Guards;

/// What a guard says of a model's part of a plan. Only guards that object are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// The guard.
    pub guard: Guard,
    /// The model.
    pub model: String,
    /// What it demands.
    pub demand: Demand,
    /// What it saw and what its limit is, with the setting that holds the limit.
    pub reason: String,
}

/// The guards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Guard {
    /// Too many deletes.
    Deletes,
    /// Too many updates.
    Updates,
    /// One field gets one same value on many records.
    SameValue,
    /// The source has far fewer records than it used to.
    SourceShrank,
}

/// What a guard demands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Demand {
    /// A person looks at the plan and approves it.
    Approval,
    /// The plan is not applied at all.
    Refusal,
}

/// Counts what the guards judge while a model's changes go by.
#[derive(Debug, Default)]
pub struct GuardCounter {
    updates: u64,
    deletes: u64,
    /// How often a field gets a value, by their hash.
    same_values: HashMap<u128, u64>,
    /// The most frequent of them.
    most: Option<SameValue>,
}

#[derive(Debug)]
struct SameValue {
    field: String,
    value: String,
    records: u64,
}

impl GuardCounter {
    /// Looks at a change that will be applied.
    pub fn count(&mut self, change: &Change) {
        match change.action {
            Action::Create => {}
            Action::Delete => self.deletes += 1,
            Action::Update => {
                self.updates += 1;
                for field in &change.fields {
                    let value = field.after.to_string();
                    let records = self.same_values.entry(hash(&field.name, &value)).or_default();
                    *records += 1;
                    if self.most.as_ref().is_none_or(|most| *records > most.records) {
                        self.most = Some(SameValue { field: field.name.clone(), value, records: *records });
                    }
                }
            }
        }
    }

    /// The objections for a model with these counts. Starts over for the next model.
    pub fn judge(&mut self, schema: &ModelSchema, counts: &DiffCounts, limits: &Guards) -> Vec<Verdict> {
        let counted = std::mem::take(self);
        let model = schema.name;
        // What the sync manages: foreign records of the target, which are absent and held, would thin every share.
        let total = counts.unchanged + counts.update + counted.deletes;
        let mut verdicts = Vec::new();
        let mut object = |guard, demand, reason| {
            verdicts.push(Verdict { guard, model: model.to_owned(), demand, reason });
        };

        if counted.deletes > 0 && schema.deletion == DeletionClass::Standalone {
            let reason = format!("{} {} would be deleted, and what hangs on them", counted.deletes, schema.plural);
            object(Guard::Deletes, Demand::Approval, reason);
        }
        if counted.deletes > limits.deletes_always_allowed {
            let reason = |limit, setting| {
                let deletes = counted.deletes;
                format!("{deletes} of {total} records would be deleted; the limit is {limit} % (`guards.{setting}`)")
            };
            if exceeds(counted.deletes, total, limits.deletes_refused_percent) {
                let reason = reason(limits.deletes_refused_percent, "deletes_refused_percent");
                object(Guard::Deletes, Demand::Refusal, reason);
            } else if exceeds(counted.deletes, total, limits.deletes_need_approval_percent) {
                let reason = reason(limits.deletes_need_approval_percent, "deletes_need_approval_percent");
                object(Guard::Deletes, Demand::Approval, reason);
            }
        }
        if counted.updates > limits.updates_always_allowed {
            if exceeds(counted.updates, total, limits.updates_need_approval_percent) {
                let reason = format!(
                    "{} of {total} records would be updated; the limit is {} % (`guards.updates_need_approval_percent`)",
                    counted.updates, limits.updates_need_approval_percent
                );
                object(Guard::Updates, Demand::Approval, reason);
            }
            if let Some(most) = counted.most
                && most.records > limits.updates_always_allowed
                && exceeds(most.records, total, limits.same_value_needs_approval_percent)
            {
                let reason = format!(
                    "`{}` would become {} on {} of {total} records; the limit is {} % \
                     (`guards.same_value_needs_approval_percent`)",
                    most.field, most.value, most.records, limits.same_value_needs_approval_percent
                );
                object(Guard::SameValue, Demand::Approval, reason);
            }
        }
        verdicts
    }
}

/// Whether `part` is more than `percent` of `total`.
fn exceeds(part: u64, total: u64, percent: u64) -> bool {
    u128::from(part) * 100 > u128::from(total) * u128::from(percent)
}

/// Compares the records of a source with those of earlier complete runs, newest first: an objection when too many are gone.
pub fn shrinkage(model: &str, records: u64, earlier: &[u64], limits: &Guards) -> Option<Verdict> {
    let mut earlier = earlier.to_vec();
    earlier.sort_unstable();
    let usual = *earlier.get(earlier.len() / 2)?;
    let lost = usual.saturating_sub(records);
    // A handful of records may go without anybody asking, but never all of them.
    let collapsed = records == 0 && usual > 0;
    let shrank = lost > limits.deletes_always_allowed && exceeds(lost, usual, limits.source_shrank_percent);
    (collapsed || shrank).then(|| Verdict {
        guard: Guard::SourceShrank,
        model: model.to_owned(),
        demand: Demand::Approval,
        reason: format!(
            "the source has {records} records where complete runs had {usual}; the limit is a loss of {} % \
             (`guards.source_shrank_percent`)",
            limits.source_shrank_percent
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::FieldChange;
    use serde_json::json;
    use syncline_model::models::Interface;
    use syncline_model::{AnyKey, Model as _};

    fn change(action: Action, number: usize, after: serde_json::Value) -> Change {
        let fields = vec![FieldChange { name: "mtu".into(), before: json!(1), after, deferred: false }];
        let key = AnyKey::from_value(&json!([number])).unwrap();
        let id = Change::id_of("interface", &key, action, &fields);
        Change { id, model: "interface".into(), key, action, native: None, fields, hold: None, image: None }
    }

    fn judged(changes: impl Iterator<Item = Change>, managed: u64) -> Vec<(Guard, Demand)> {
        let mut counter = GuardCounter::default();
        changes.for_each(|change| counter.count(&change));
        let counts = DiffCounts {
            unchanged: managed - counter.updates - counter.deletes,
            update: counter.updates,
            ..DiffCounts::default()
        };
        let verdicts = counter.judge(Interface::SCHEMA, &counts, &Guards::default());
        verdicts.into_iter().map(|verdict| (verdict.guard, verdict.demand)).collect()
    }

    #[test]
    fn few_deletes_pass_more_need_approval_many_are_refused() {
        let deletes = |count| (0..count).map(|number| change(Action::Delete, number, json!(null)));
        assert_eq!(judged(deletes(10), 12), []);
        assert_eq!(judged(deletes(11), 300), []);
        assert_eq!(judged(deletes(11), 200), [(Guard::Deletes, Demand::Approval)]);
        assert_eq!(judged(deletes(40), 100), [(Guard::Deletes, Demand::Refusal)]);
    }

    #[test]
    fn one_value_on_many_records_needs_approval() {
        let same = (0..60).map(|number| change(Action::Update, number, json!(1500)));
        assert_eq!(judged(same, 250), [(Guard::SameValue, Demand::Approval)]);
        let different = (0..60).map(|number| change(Action::Update, number, json!(number)));
        assert_eq!(judged(different, 250), []);
    }

    #[test]
    fn a_source_is_compared_with_the_median_of_its_good_runs() {
        let shrank = |records, earlier: &[u64]| shrinkage("device", records, earlier, &Guards::default()).is_some();
        assert!(!shrank(0, &[]));
        assert!(shrank(0, &[3]));
        assert!(!shrank(70, &[100, 100, 100]));
        assert!(shrank(69, &[100, 100, 100]));
        // One odd run does not move the median.
        assert!(shrank(60, &[10, 100, 100]));
    }
}
