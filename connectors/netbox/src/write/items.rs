//! A batch on its way: what is sent for each change, and what became of it.

use std::collections::HashMap;

use serde_json::{Value, json};
use syncline_core::bindings::Bindings;
use syncline_core::change::{Action, Change};
use syncline_core::outcome::Outcome;
use syncline_core::target::{Batch, Pass, Written};

use super::answer::{self, Beyond, Object};
use super::form::Form;
use super::payload::{self, Body};
use crate::rows::{BareRow, Relation, Row as _};
use crate::tables::{Kind, Table};

/// One change of a batch.
pub(super) struct Item<'c> {
    pub change: &'c Change,
    /// The object's id; none for a create.
    pub id: Option<u64>,
    /// The version that the plan was made against; none when nothing is to be compared.
    pub version: Option<Box<str>>,
    /// What is sent.
    pub body: Body,
    /// What else is sent, from the image of an object that is restored.
    pub extra: Body,
    /// Fields of it that lead to objects which are not there yet: by list and former id.
    pub waiting: Vec<(String, (String, u64))>,
    /// What became of it; none while it is to be sent.
    pub done: Option<Written>,
}

impl Item<'_> {
    /// Settles the change without sending it.
    pub fn settle(&mut self, outcome: Outcome) {
        self.done = Some(Written::not_written(outcome));
    }

    /// Settles the change by the object that NetBox answered.
    pub fn confirm(&mut self, table: &Table, object: &Object, beyond: Beyond<'_>, request_id: Option<&str>) {
        let native = answer::native_of(object);
        let outcome = match answer::difference(table, &self.body, object, beyond) {
            None => Outcome::Applied { request_id: request_id.map(str::to_owned) },
            Some(difference) => Outcome::Failed { field: Some(difference.field), reason: difference.words },
        };
        self.done = Some(Written { native, ..Written::not_written(outcome) });
    }
}

/// What is written, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kindof {
    Create,
    Update,
    Delete,
}

impl Kindof {
    /// How a batch is written: a second pass updates what the first created.
    pub fn of(batch: &Batch<'_>) -> Self {
        match (batch.changes.first().map(|change| change.action), batch.pass) {
            (Some(Action::Delete), _) => Self::Delete,
            (Some(Action::Create), Pass::First) => Self::Create,
            _ => Self::Update,
        }
    }
}

/// Makes the bodies; changes that cannot be written are settled at once.
pub(super) fn prepare<'c>(table: &'static Table, form: &Form, batch: &Batch<'c>, bindings: &Bindings) -> Vec<Item<'c>> {
    let kind = Kindof::of(batch);
    let right = match kind {
        Kindof::Create => form.may_create,
        Kindof::Update => form.may_change,
        Kindof::Delete => None,
    };
    let item = |change: &'c Change| {
        let mut item = Item {
            change,
            id: None,
            version: None,
            body: Body::new(),
            extra: Body::new(),
            waiting: Vec::new(),
            done: None,
        };
        if right == Some(false) {
            let reason = format!("the token may not write {}", table.schema.plural);
            item.settle(Outcome::Failed { field: None, reason });
            return item;
        }
        if kind != Kindof::Create {
            let native = batch.native(change, bindings);
            item.id = native.as_ref().and_then(|native| native.id.parse().ok());
            item.version = native.and_then(|native| native.version.clone());
            if item.id.is_none() {
                let reason = format!("NetBox has no {} `{}`", table.schema.label, change.key);
                item.settle(Outcome::Failed { field: None, reason });
                return item;
            }
        }
        if kind == Kindof::Delete {
            return item;
        }
        match payload::body(table, form, batch.fields(change), bindings) {
            Ok(body) if body.is_empty() => item.settle(Outcome::Unchanged),
            Ok(body) => item.body = body,
            Err(outcome) => item.settle(outcome),
        }
        item
    };
    batch.changes.iter().map(|change| item(change)).collect()
}

/// Compares every change with the object as it is now.
pub(super) fn check_preconditions(table: &'static Table, kind: Kindof, items: &mut [Item<'_>], rows: Vec<BareRow>) {
    let rows: HashMap<u64, BareRow> = rows.into_iter().map(|row| (row.id.0, row)).collect();
    for item in items.iter_mut().filter(|item| item.done.is_none()) {
        let row = item.id.and_then(|id| rows.get(&id));
        let Some(row) = row else {
            item.settle(match kind {
                Kindof::Delete => Outcome::Unchanged,
                _ => Outcome::Stale { reason: "it was deleted after it was read".to_owned() },
            });
            continue;
        };
        let now = row.native().version;
        if item.version.is_some() && item.version != now {
            let (then, now) = (item.version.as_deref().unwrap_or("-"), now.as_deref().unwrap_or("-"));
            let reason = format!("it was changed after it was read: at {now}, while the plan knows it as of {then}");
            item.settle(Outcome::Stale { reason });
            continue;
        }
        if kind == Kindof::Update
            && let Some(reason) = taken_by_others(table, item.change, row)
        {
            item.settle(Outcome::Skipped { reason });
        }
    }
}

/// An assignment or a scope that no field of ours expresses was read as null; it is somebody's, and stays.
fn taken_by_others(table: &'static Table, change: &Change, row: &BareRow) -> Option<String> {
    for field in change.fields.iter().filter(|field| field.before.is_null()) {
        let (relation, what) = match table.column(&field.name)?.kind {
            Kind::AssignedInterface => (row.assigned(), "is assigned to"),
            Kind::SiteScope => (row.scope(), "belongs to"),
            _ => continue,
        };
        let other = match relation {
            Relation::None => continue,
            Relation::To(id) => format!("the {} with id {id}, which Syncline leaves out", field.name),
            Relation::Foreign(kind) => format!("a `{kind}`"),
        };
        return Some(format!("in NetBox it {what} {other}, and stays so"));
    }
    None
}

/// The bodies of the changes that are left, with what every one of them carries, and their positions.
pub(super) fn outgoing(items: &[Item<'_>], message: Option<&str>) -> (Vec<usize>, Vec<Value>) {
    let mut positions = Vec::new();
    let mut bodies = Vec::new();
    for (position, item) in items.iter().enumerate().filter(|(_, item)| item.done.is_none()) {
        let mut body = item.body.clone();
        for (name, value) in &item.extra {
            match (body.get_mut(name), value) {
                // Tags that the settings ask for come to those that it had.
                (Some(Value::Array(said)), Value::Array(more)) => {
                    let more: Vec<_> = more.iter().filter(|member| !said.contains(member)).cloned().collect();
                    said.extend(more);
                }
                (Some(_), _) => {}
                (None, value) => drop(body.insert(name.clone(), value.clone())),
            }
        }
        if let Some(id) = item.id {
            body.insert("id".to_owned(), json!(id));
        }
        if let Some(message) = message {
            body.insert("changelog_message".to_owned(), json!(message));
        }
        positions.push(position);
        bodies.push(Value::Object(body));
    }
    (positions, bodies)
}
