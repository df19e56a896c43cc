//! Trying again what another run did not get done, and nothing else. And what a plan about some records needs of others.

use std::collections::{BTreeMap, HashSet};

use syncline_model::{AnyKey, FieldKind, ModelSchema};

use super::RunReport;
use super::undo::subject_of;
use super::work::Work;
use crate::bindings::hash;
use crate::change::{Action, Change, Hold, HoldRule};
use crate::diff::{DiffCounts, DiffOutput};
use crate::fields::ModelFields;
use crate::history::{ChangeFilter, OutcomeKind};
use crate::plan::wholes_of;
use crate::{Error, ErrorKind, Result};

/// How many changes are read from the history at once.
const PAGE: u64 = 10_000;

/// The records that a plan is about, by hash of model and key.
pub type Wanted = HashSet<u128>;

impl Work<'_> {
    /// The records whose changes failed, went stale or were skipped in the run that is tried again.
    pub(super) async fn wanted(&self, report: &mut RunReport) -> Result<Wanted> {
        let history = &self.runner.history;
        let subject = subject_of(history, self.sync, self.run.purpose, self.run.subject).await?;
        report.notes.insert("reruns".to_owned(), subject.id.to_string());
        let outcome = vec![OutcomeKind::Failed, OutcomeKind::Stale, OutcomeKind::Skipped];
        let filter = ChangeFilter { outcome, ..ChangeFilter::default() };
        let mut wanted = Wanted::new();
        let mut after = None;
        loop {
            let page = history.changes(subject.id, &filter, after, PAGE).await?;
            wanted.extend(page.items.iter().map(|change| hash(&change.model, change.key.as_str())));
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(wanted),
            }
        }
    }
}

/// Adds to the wanted records those that they need and that are to be created too, and the parts of those that are to be deleted, which
/// go with them. `compare` makes the comparison, each time from its beginning, as often as it takes: records are found level by level.
///
/// Gives the records that are absent too, are not wanted, and have parts that are: whether those may go is for them to say.
pub fn add_needed(
    wanted: &mut Wanted,
    fields: &ModelFields,
    compare: impl Fn(&mut dyn DiffOutput) -> Result<()>,
) -> Result<HashSet<u128>> {
    let (mut referred, mut going, mut wholes) = (HashSet::new(), HashSet::new(), HashSet::new());
    loop {
        let (referred, going, wholes) = (&mut referred, &mut going, &mut wholes);
        let mut needs = Needs { wanted, fields, referred, going, wholes, beside: HashSet::new(), found: 0 };
        compare(&mut needs)?;
        if needs.found == 0 {
            return Ok(needs.beside);
        }
    }
}

/// Finds what wanted records refer to, and takes the creates among that for wanted too; and what belongs to wanted records that are to
/// be deleted.
struct Needs<'a> {
    wanted: &'a mut Wanted,
    fields: &'a ModelFields,
    referred: &'a mut HashSet<u128>,
    /// Those that are to be deleted.
    going: &'a mut HashSet<u128>,
    /// What those belong to.
    wholes: &'a mut HashSet<u128>,
    /// Of these, what is to be deleted and is not wanted.
    beside: HashSet<u128>,
    found: u64,
}

impl DiffOutput for Needs<'_> {
    fn change(&mut self, change: Change) -> Result<()> {
        let own = hash(&change.model, change.key.as_str());
        if change.action == Action::Create && self.referred.contains(&own) {
            self.found += u64::from(self.wanted.insert(own));
        }
        let schema = self.fields.schema(&change.model);
        let schema =
            schema.ok_or_else(|| Error::new(ErrorKind::Internal, "a change of a model that is not compared"))?;
        if change.action == Action::Delete {
            let mut wholes = wholes_of(schema, &change, self.fields);
            if wholes.any(|(whole, key)| self.going.contains(&hash(whole.name, key.as_str()))) {
                self.found += u64::from(self.wanted.insert(own));
            }
            if self.wanted.contains(&own) {
                self.going.insert(own);
                for (whole, key) in wholes_of(schema, &change, self.fields) {
                    self.found += u64::from(self.wholes.insert(hash(whole.name, key.as_str())));
                }
            } else if self.wholes.contains(&own) {
                self.beside.insert(own);
            }
            return Ok(());
        }
        if !self.wanted.contains(&own) {
            return Ok(());
        }
        for field in &change.fields {
            let mut refer_to = |model: &str, key: &serde_json::Value| {
                if let Some(key) = AnyKey::from_value(key) {
                    self.found += u64::from(self.referred.insert(hash(model, key.as_str())));
                }
            };
            match schema.field(&field.name).map(|field| field.kind) {
                Some(FieldKind::Reference(model)) => refer_to(model, &field.after),
                Some(FieldKind::References(model)) => {
                    field.after.as_array().into_iter().flatten().for_each(|key| refer_to(model, key));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn counted(&mut self, _: &'static ModelSchema, _: DiffCounts) -> Result<()> {
        Ok(())
    }
}

/// Hands on the changes of wanted records.
pub struct Only<'a> {
    wanted: &'a Wanted,
    fields: &'a ModelFields,
    beside: &'a HashSet<u128>,
    output: &'a mut dyn DiffOutput,
    kept: DiffCounts,
    equal: Equal,
}

/// The records that a plan about some of them is about and that are equal on both sides.
pub enum Equal {
    /// Those of the wanted records that are, of the current model so far.
    Wanted(u64),
    /// So many, by model.
    Known(BTreeMap<&'static str, u64>),
}

impl<'a> Only<'a> {
    /// Hands the changes of `wanted` records to `output`. What belongs to one of `beside`, which is absent too and not wanted, is held:
    /// it goes with that, and what holds that is not looked at here.
    pub fn new(
        wanted: &'a Wanted,
        fields: &'a ModelFields,
        beside: &'a HashSet<u128>,
        equal: Equal,
        output: &'a mut dyn DiffOutput,
    ) -> Self {
        Self { wanted, fields, beside, output, kept: DiffCounts::default(), equal }
    }

    /// The hold of what is to be deleted without what it belongs to.
    fn without_whole(&self, change: &Change) -> Option<Hold> {
        if self.beside.is_empty() || (change.action, &change.hold) != (Action::Delete, &None) {
            return None;
        }
        let schema = self.fields.schema(&change.model)?;
        let mut wholes = wholes_of(schema, change, self.fields);
        let (whole, key) = wholes.find(|(whole, key)| self.beside.contains(&hash(whole.name, key.as_str())))?;
        let reason = format!(
            "its {} `{key}` is absent too, and is no part of what this run is about: it goes with that, or stays with it",
            whole.label
        );
        Some(Hold { rule: HoldRule::Parent, reason })
    }
}

impl DiffOutput for Only<'_> {
    fn change(&mut self, change: Change) -> Result<()> {
        self.change_at(change, None)
    }

    fn unsaid(&mut self, update: Change, site: Option<&str>) -> Result<()> {
        let is_wanted = self.wanted.contains(&hash(&update.model, update.key.as_str()));
        if is_wanted { self.output.unsaid(update, site) } else { Ok(()) }
    }

    fn counted_at(&mut self, model: &'static ModelSchema, site: &str, in_both: u64) -> Result<()> {
        self.output.counted_at(model, site, in_both)
    }

    fn change_at(&mut self, mut change: Change, site: Option<&str>) -> Result<()> {
        if !self.wanted.contains(&hash(&change.model, change.key.as_str())) {
            return Ok(());
        }
        match change.action {
            // What answers to more than one record is counted as that.
            _ if change.hold.is_some() => self.kept.ambiguous += 1,
            Action::Create => self.kept.create += 1,
            Action::Update => {
                self.kept.update += 1;
                if let Equal::Wanted(equal) = &mut self.equal {
                    *equal = equal.saturating_sub(1);
                }
            }
            Action::Delete => self.kept.delete += 1,
        }
        let hold = self.without_whole(&change);
        self.output.change_at(Change { hold: hold.or(change.hold.take()), ..change }, site)
    }

    /// Those that differ are taken out when their update comes.
    fn matched(&mut self, schema: &'static ModelSchema, key: &[u8], _: &[u8]) -> Result<()> {
        if let Equal::Wanted(equal) = &mut self.equal {
            *equal += u64::from(self.wanted.contains(&hash(schema.name, &String::from_utf8_lossy(key))));
        }
        Ok(())
    }

    /// What was found and is not wanted is not counted: it is none of this plan's business. What is equal is counted by the guards,
    /// whose limits are parts of all that there is.
    fn counted(&mut self, model: &'static ModelSchema, counts: DiffCounts) -> Result<()> {
        let equal = match &mut self.equal {
            Equal::Wanted(equal) => std::mem::take(equal),
            Equal::Known(equal) => equal.get(model.name).copied().unwrap_or_default(),
        };
        self.output.beside(model, counts.unchanged.saturating_sub(equal))?;
        let DiffCounts { create, update, delete, ambiguous, .. } = std::mem::take(&mut self.kept);
        self.output.counted(model, DiffCounts { create, update, delete, ambiguous, ..counts })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::FieldChange;
    use serde_json::{Value, json};
    use syncline_model::models;

    fn create(model: &str, key: &Value, references: &[(&str, Value)]) -> Change {
        let fields = references.iter().map(|(name, after)| FieldChange::new(name, Value::Null, after.clone()));
        let (key, fields) = (AnyKey::from_value(key).unwrap(), fields.collect::<Vec<_>>());
        Change::new(model, key, Action::Create, None, fields)
    }

    #[derive(Default)]
    struct Kept(Vec<String>, DiffCounts, u64);

    impl DiffOutput for Kept {
        fn change(&mut self, change: Change) -> Result<()> {
            self.0.push(format!("{} {}", change.model, change.key));
            Ok(())
        }

        fn counted(&mut self, _: &'static ModelSchema, counts: DiffCounts) -> Result<()> {
            self.1 = counts;
            Ok(())
        }

        fn beside(&mut self, _: &'static ModelSchema, unchanged: u64) -> Result<()> {
            self.2 = unchanged;
            Ok(())
        }
    }

    #[test]
    fn a_record_brings_along_what_it_needs_and_nothing_else() {
        let changes = [
            create("manufacturer", &json!(["cisco"]), &[]),
            create("manufacturer", &json!(["juniper"]), &[]),
            create("device_type", &json!([["cisco"], "c9300"]), &[("manufacturer", json!(["cisco"]))]),
            create(
                "device",
                &json!(["atl", "sw1"]),
                &[("device_type", json!([["cisco"], "c9300"])), ("site", json!(["atl"]))],
            ),
            create("device", &json!(["atl", "sw2"]), &[("device_type", json!([["cisco"], "c9300"]))]),
        ];
        let compare = |output: &mut dyn DiffOutput| {
            let device = models::by_name("device").unwrap();
            output.matched(device, br#"["atl","sw1"]"#, b"")?;
            output.matched(device, br#"["atl","sw3"]"#, b"")?;
            changes.iter().cloned().try_for_each(|change| output.change(change))?;
            output.counted(device, DiffCounts { create: 5, unchanged: 7, ..DiffCounts::default() })
        };
        let all = models::ALL.iter();
        let fields =
            all.fold(ModelFields::new(), |fields, schema| fields.insert(schema, syncline_model::FieldSet::ALL));
        let mut wanted = Wanted::from([hash("device", r#"["atl","sw1"]"#)]);
        let beside = add_needed(&mut wanted, &fields, compare).unwrap();
        let mut kept = Kept::default();
        compare(&mut Only::new(&wanted, &fields, &beside, Equal::Wanted(0), &mut kept)).unwrap();
        assert_eq!(kept.0, ["manufacturer cisco", "device_type cisco / c9300", "device atl / sw1"]);
        assert_eq!((kept.1.create, kept.1.unchanged, kept.2), (3, 7, 6), "of what is equal, one is wanted");
    }
}
