//! A batch on its way to a system that takes lists.

use std::borrow::Cow;
use std::collections::HashMap;

use serde_json::{Map, Value};

use super::lists::Refused;
use super::{Batch, Pass, Written};
use crate::bindings::Bindings;
use crate::change::{Action, Change, FieldChange};
use crate::native::Native;
use crate::outcome::Outcome;

/// The changes of a batch, each with what is sent for it and what became of it: for writers whose system takes lists.
///
/// A writer makes them ([`Items::of`]), settles those that need no sending, sends the bodies of the [open](Items::open) ones, and settles
/// these by the answer. What is open at the [end](Items::finish) was left out of the answer.
#[derive(Debug)]
pub struct Items<'c>(Vec<Item<'c>>);

/// One change of a batch.
#[derive(Debug)]
pub struct Item<'c> {
    /// The change.
    pub change: &'c Change,
    /// The handle of its record; none for a create, unless an object that is there is to become it.
    pub native: Option<Native>,
    /// What is sent.
    pub body: Map<String, Value>,
    done: Option<Written>,
    waits: bool,
}

/// How a batch is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writing {
    /// As new records.
    Create,
    /// As changes of records: also in a second pass, whose records are there by then.
    Update,
    /// By removing them.
    Delete,
}

impl Batch<'_> {
    /// How this batch is written.
    pub fn writing(&self) -> Writing {
        match (self.changes.first().map(|change| change.action), self.pass) {
            (Some(Action::Delete), _) => Writing::Delete,
            (Some(Action::Create), Pass::First) => Writing::Create,
            _ => Writing::Update,
        }
    }
}

impl<'c> Items<'c> {
    /// The changes with their bodies, which are made of the fields that the batch writes. A field that cannot be written fails its
    /// change; a change that writes nothing is settled.
    pub fn of(
        batch: &Batch<'c>,
        bindings: &Bindings,
        body: impl Fn(&FieldChange, &mut Map<String, Value>) -> Result<(), String>,
    ) -> Self {
        let writing = batch.writing();
        let item = |change: &'c Change| {
            let native =
                (writing != Writing::Create).then(|| batch.native(change, bindings).map(Cow::into_owned)).flatten();
            let mut item = Item { change, native, body: Map::new(), done: None, waits: false };
            if writing != Writing::Create && item.native.is_none() {
                item.fail(None, "the target does not have it");
            }
            if writing == Writing::Delete {
                return item;
            }
            for field in batch.fields(change) {
                if let Err(reason) = body(field, &mut item.body) {
                    item.fail(Some(field.name.clone()), reason);
                }
            }
            if item.is_open() && item.body.is_empty() {
                item.settle(Outcome::Unchanged);
            }
            item
        };
        Self(batch.changes.iter().map(|change| item(change)).collect())
    }

    /// Those that are not settled.
    pub fn open(&self) -> impl Iterator<Item = &Item<'c>> {
        self.0.iter().filter(|item| item.is_open())
    }

    /// Those that are not settled, to be settled.
    pub fn open_mut(&mut self) -> impl Iterator<Item = &mut Item<'c>> {
        self.0.iter_mut().filter(|item| item.is_open())
    }

    /// Leaves all but some out of what is open, until [`all`](Self::all).
    pub fn only(&mut self, now: impl Fn(&Item<'_>) -> bool) {
        self.0.iter_mut().for_each(|item| item.waits = !now(item));
    }

    /// Ends [`only`](Self::only).
    pub fn all(&mut self) {
        self.only(|_| true);
    }

    /// Every one.
    pub fn iter(&self) -> impl Iterator<Item = &Item<'c>> {
        self.0.iter()
    }

    /// Every one, for good.
    pub(super) fn into_iter(self) -> impl Iterator<Item = Item<'c>> {
        self.0.into_iter()
    }

    /// Whether nothing is left to be sent.
    pub fn are_settled(&self) -> bool {
        self.open().next().is_none()
    }

    /// The ids of those that are not settled.
    pub fn ids(&self) -> Vec<Value> {
        self.open().filter_map(|item| item.native.as_ref()).map(|native| (*native.id).into()).collect()
    }

    /// Settles what moved since it was read, by what the system has now: handles by id. What is gone is deleted already.
    pub fn check_versions(&mut self, writing: Writing, now: &HashMap<Box<str>, Native>) {
        for item in self.open_mut() {
            let Some(native) = &item.native else { continue };
            let moved = match now.get(&native.id) {
                None if writing == Writing::Delete => Some(Outcome::Unchanged),
                None => Some(Outcome::Stale { reason: "it was deleted after it was read".to_owned() }),
                Some(now) if native.version.is_some() && native.version != now.version => {
                    let text = |native: &Native| native.version.as_deref().unwrap_or("-").to_owned();
                    let (then, now) = (text(native), text(now));
                    let reason =
                        format!("it was changed after it was read: at {now}, while the plan knows it as of {then}");
                    Some(Outcome::Stale { reason })
                }
                Some(_) => None,
            };
            if let Some(outcome) = moved {
                item.settle(outcome);
            }
        }
    }

    /// Settles those that the system refuses, by what it says of each body that was sent. Whether it refuses any: what is open then can be
    /// sent again.
    pub fn refuse(&mut self, each: Vec<Option<Refused>>) -> bool {
        let mut refused = false;
        for (item, refusal) in self.open_mut().zip(each) {
            if let Some(Refused { field, words }) = refusal {
                item.fail(field, words);
                refused = true;
            }
        }
        refused
    }

    /// What became of each change, in the order of the batch. One that is still open was left out of the system's answer.
    pub fn finish(self) -> Vec<Written> {
        let unanswered = || {
            let reason = "the system answered without this object".to_owned();
            Written::not_written(Outcome::Failed { field: None, reason })
        };
        self.0.into_iter().map(|item| item.done.unwrap_or_else(unanswered)).collect()
    }
}

impl Item<'_> {
    /// What became of it, once it is settled.
    pub fn done(&self) -> Option<&Written> {
        self.done.as_ref()
    }

    fn is_open(&self) -> bool {
        self.done.is_none() && !self.waits
    }

    /// Settles the change, which was not written.
    pub fn settle(&mut self, outcome: Outcome) {
        self.done = Some(Written::not_written(outcome));
    }

    /// Settles the change as refused, with the field at fault if there is one.
    pub fn fail(&mut self, field: Option<String>, reason: impl Into<String>) {
        self.settle(Outcome::Failed { field, reason: reason.into() });
    }

    /// Settles the change as written.
    pub fn wrote(&mut self, written: Written) {
        self.done = Some(written);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use syncline_model::models::Site;
    use syncline_model::{AnyKey, Model as _};

    use super::*;

    fn change(action: Action, slug: &str, fields: &[(&str, Value)], native: Option<Native>) -> Change {
        let fields = fields.iter().map(|(name, after)| FieldChange::new(name, Value::Null, after.clone())).collect();
        Change::new("site", AnyKey::from_value(&json!([slug])).unwrap(), action, native, fields)
    }

    fn items<'c>(changes: &[&'c Change]) -> Items<'c> {
        let batch = Batch { model: Site::SCHEMA, pass: Pass::First, changes: changes.to_vec() };
        Items::of(&batch, &Bindings::new(), |field, body| {
            if field.after == "x" {
                return Err("is no name".to_owned());
            }
            body.insert(field.name.clone(), field.after.clone());
            Ok(())
        })
    }

    fn told(items: Items<'_>) -> Vec<String> {
        let told =
            |written: Written| format!("{} {}", written.outcome.as_str(), written.outcome.reason().unwrap_or_default());
        items.finish().into_iter().map(told).collect()
    }

    #[test]
    fn what_cannot_be_written_is_settled_before_anything_is_sent() {
        let good = change(Action::Create, "a", &[("name", json!("A"))], None);
        let bad = change(Action::Create, "b", &[("name", json!("x"))], None);
        let mut items = items(&[&good, &bad]);
        assert_eq!(items.open().count(), 1);
        items.open_mut().for_each(|item| item.wrote(Written::applied(Native::new(1), None)));
        assert_eq!(told(items), ["applied ", "failed is no name"]);
    }

    #[test]
    fn what_moved_is_not_overwritten_and_what_is_gone_is_gone() {
        let native = |id: u32| Some(Native::new(id).at_version("1"));
        let updates: Vec<_> =
            (1..=3).map(|id| change(Action::Update, "a", &[("name", json!("A"))], native(id))).collect();
        let now =
            HashMap::from([("1".into(), Native::new(1).at_version("1")), ("2".into(), Native::new(2).at_version("2"))]);
        let mut items = items(&updates.iter().collect::<Vec<_>>());
        items.check_versions(Writing::Update, &now);
        assert_eq!(items.ids(), ["1"]);
        assert_eq!(
            told(items),
            [
                "failed the system answered without this object",
                "stale it was changed after it was read: at 2, while the plan knows it as of 1",
                "stale it was deleted after it was read",
            ]
        );
        let delete = change(Action::Delete, "a", &[], native(3));
        let mut items = self::items(&[&delete]);
        items.check_versions(Writing::Delete, &now);
        assert!(items.are_settled());
        assert_eq!(told(items), ["unchanged "]);
    }
}
