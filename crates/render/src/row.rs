//! One change as texts, cut where not everything is shown.

use serde_json::Value;
use syncline_core::change::{Action, Change, FieldChange, KeptField};

use crate::pick::Limits;
use crate::{text, words};

/// One change.
#[derive(Debug, PartialEq, Eq)]
pub struct ChangeRow {
    /// What is done to the record.
    pub action: Action,
    /// The record.
    pub key: String,
    /// Why it is held back; none when it is applied.
    pub hold: Option<HoldRow>,
    /// The fields that are written, then those that are kept.
    pub fields: Vec<FieldRow>,
    /// How many fields are left out.
    pub more_fields: usize,
}

/// Why a change is held back.
#[derive(Debug, PartialEq, Eq)]
pub struct HoldRow {
    /// The rule's name, for people.
    pub rule: &'static str,
    /// The rule applied to this change.
    pub reason: String,
}

/// One field of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldRow {
    /// The field.
    pub name: String,
    /// What the target has.
    pub before: Option<String>,
    /// What the source says: what the target gets, unless the field is kept.
    pub after: Option<String>,
    /// What becomes of a field that is not written, and why: `stays: the target owns it`; none when it is written.
    pub kept: Option<String>,
    /// What else is to be said of it: why it differs, when it is written.
    pub note: Option<String>,
}

impl ChangeRow {
    /// The texts of a change.
    pub fn of(change: &Change, limits: &Limits) -> Self {
        // A create has no value before, a delete none after: what is null on the other side says nothing.
        let says = |field: &&FieldChange| match change.action {
            Action::Create => !field.after.is_null(),
            Action::Update => true,
            Action::Delete => !field.before.is_null(),
        };
        let shown = change.action == Action::Update || limits.fields_of_whole_records;
        let limit = if shown { limits.fields.unwrap_or(usize::MAX) } else { 0 };
        let written = change.fields.iter().filter(says).map(|field| FieldRow::written(field, limits));
        let kept = change.kept.iter().map(|field| FieldRow::kept(field, limits));
        let fields: Vec<_> = written.chain(kept).take(limit).collect();
        let all = change.fields.iter().filter(says).count() + change.kept.len();
        let more_fields = if shown { all - fields.len() } else { 0 };
        let hold = change
            .hold
            .as_ref()
            .map(|hold| HoldRow { rule: words::hold(hold.rule), reason: text::line(&hold.reason, limits.reason) });
        Self { action: change.action, key: text::key(&change.key, limits.name), hold, fields, more_fields }
    }
}

impl FieldRow {
    fn written(field: &FieldChange, limits: &Limits) -> Self {
        let last = field.deferred.then_some("written last, when every record is there");
        let notes: Vec<_> = words::cause(field.cause).into_iter().chain(last).collect();
        Self {
            name: text::line(&field.name, limits.name),
            before: cut(&field.before, limits),
            after: cut(&field.after, limits),
            kept: None,
            note: (!notes.is_empty()).then(|| notes.join("; ")),
        }
    }

    fn kept(field: &KeptField, limits: &Limits) -> Self {
        let stays = if field.target.is_null() { "stays empty" } else { "stays" };
        Self {
            name: text::line(&field.name, limits.name),
            before: cut(&field.target, limits),
            after: cut(&field.source, limits),
            kept: Some(format!("{stays}: {}", words::kept(field.rule))),
            note: words::cause(field.cause).map(str::to_owned),
        }
    }
}

fn cut(value: &Value, limits: &Limits) -> Option<String> {
    text::value(value).map(|text| text::cut(&text, limits.value))
}
