//! One change as texts, cut where not everything is shown.

use serde_json::Value;
use syncline_core::change::{Action, Change};

use crate::pick::Limits;
use crate::text;

/// One change.
#[derive(Debug, PartialEq, Eq)]
pub struct ChangeRow {
    pub action: Action,
    pub key: String,
    /// Why it is held back; none when it is applied.
    pub hold: Option<HoldRow>,
    pub fields: Vec<FieldRow>,
    /// How many fields are left out.
    pub more_fields: usize,
}

/// Why a change is held back.
#[derive(Debug, PartialEq, Eq)]
pub struct HoldRow {
    pub rule: &'static str,
    pub reason: String,
}

/// One field of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldRow {
    pub name: String,
    pub before: Option<String>,
    pub after: Option<String>,
    /// What else is to be said of it.
    pub note: Option<&'static str>,
}

impl ChangeRow {
    /// The texts of a change.
    pub fn of(change: &Change, limits: &Limits) -> Self {
        let cut = |value: &Value| text::value(value).map(|text| text::cut(&text, limits.value));
        // A create has no value before, a delete none after: what is null on the other side says nothing.
        let says = |field: &&syncline_core::change::FieldChange| match change.action {
            Action::Create => !field.after.is_null(),
            Action::Update => true,
            Action::Delete => !field.before.is_null(),
        };
        let shown = change.action == Action::Update || limits.fields_of_whole_records;
        let limit = if shown { limits.fields.unwrap_or(usize::MAX) } else { 0 };
        let fields = change.fields.iter().filter(says).take(limit).map(|field| FieldRow {
            name: text::line(&field.name, limits.name),
            before: cut(&field.before),
            after: cut(&field.after),
            note: field.deferred.then_some("in the second pass"),
        });
        let fields: Vec<_> = fields.collect();
        let more_fields = if shown { change.fields.iter().filter(says).count() - fields.len() } else { 0 };
        let hold = change
            .hold
            .as_ref()
            .map(|hold| HoldRow { rule: hold.rule.as_str(), reason: text::line(&hold.reason, limits.reason) });
        Self { action: change.action, key: text::key(&change.key, limits.name), hold, fields, more_fields }
    }
}
