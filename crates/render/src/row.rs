//! One change as texts, cut where not everything is shown.

use serde_json::Value;
use syncline_core::change::{Action, Change, FieldChange, KeptField};
use syncline_model::{FieldKind, models};

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
    /// Why the target would refuse it as things are, with the field at fault; none when it would not.
    pub refusal: Option<String>,
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
    /// What becomes of a field that is not written, or not all of it, and why: `stays: the target owns it`; none when it is written.
    pub kept: Option<String>,
    /// Kept is only a part of it; the rest is written, and has a row of its own.
    pub in_part: bool,
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
        let schema = models::by_name(&change.model);
        let kind = |field: &str| Some(schema?.field(field)?.kind);
        let written =
            change.fields.iter().filter(says).map(|field| FieldRow::written(field, kind(&field.name), limits));
        let in_part = |kept: &KeptField| change.fields.iter().any(|field| field.name == kept.name);
        let kept = change.kept.iter().map(|field| FieldRow::kept(field, in_part(field), kind(&field.name), limits));
        let fields: Vec<_> = written.chain(kept).take(limit).collect();
        let all = change.fields.iter().filter(says).count() + change.kept.len();
        let more_fields = if shown { all - fields.len() } else { 0 };
        let hold = change.hold.as_ref().map(|hold| {
            let reason = words::because(hold.rule, &hold.reason);
            HoldRow { rule: words::hold(hold.rule), reason: text::line(reason, limits.reason) }
        });
        let refusal = change.refusal.as_ref().map(|refusal| {
            let field = refusal.field.as_ref().map(|field| format!("`{field}`: ")).unwrap_or_default();
            text::line(&format!("{field}{}", refusal.reason), limits.reason)
        });
        Self { action: change.action, key: text::key(&change.key, limits.name), hold, refusal, fields, more_fields }
    }
}

impl FieldRow {
    fn written(field: &FieldChange, kind: Option<FieldKind>, limits: &Limits) -> Self {
        let last = field.deferred.then_some("written last, when every record is there");
        let apart = Apart::of(&field.before, &field.after);
        let (before, after) = apart.as_ref().map_or((&field.before, &field.after), |apart| (&apart.gone, &apart.new));
        let stay = apart.as_ref().map(|apart| apart.stay).filter(|stay| *stay > 0);
        let stay = stay.map(|stay| if stay == 1 { "1 other stays".to_owned() } else { format!("{stay} others stay") });
        let notes: Vec<_> = words::cause(field.cause).into_iter().chain(last).map(str::to_owned).chain(stay).collect();
        Self {
            name: text::line(&field.name, limits.name),
            before: cut(before, kind, limits),
            after: cut(after, kind, limits),
            kept: None,
            in_part: false,
            note: (!notes.is_empty()).then(|| notes.join("; ")),
        }
    }

    fn kept(field: &KeptField, in_part: bool, kind: Option<FieldKind>, limits: &Limits) -> Self {
        let stays = match (in_part, &field.target) {
            (true, _) => "is written in part",
            (false, Value::Null) => "stays empty",
            (false, _) => "stays",
        };
        Self {
            name: text::line(&field.name, limits.name),
            before: cut(&field.target, kind, limits),
            after: cut(&field.source, kind, limits),
            kept: Some(format!("{stays}: {}", words::kept_by(field))),
            in_part,
            note: words::cause(field.cause).map(str::to_owned),
        }
    }
}

/// What two sets do not have in common. Of a host with twenty tags, one that comes is what people look for.
struct Apart {
    gone: Value,
    new: Value,
    stay: usize,
}

impl Apart {
    fn of(before: &Value, after: &Value) -> Option<Self> {
        let (Value::Array(before), Value::Array(after)) = (before, after) else { return None };
        // A reference is an array too: of texts and numbers, not of members.
        let is_set = |members: &[Value]| members.iter().all(Value::is_array);
        if before.is_empty() || after.is_empty() || !is_set(before) || !is_set(after) {
            return None;
        }
        let without = |members: &[Value], others: &[Value]| -> Vec<Value> {
            members.iter().filter(|member| !others.contains(member)).cloned().collect()
        };
        let (gone, new) = (without(before, after), without(after, before));
        let stay = after.len() - new.len();
        (stay > 0).then(|| Self { gone: gone.into(), new: new.into(), stay })
    }
}

fn cut(value: &Value, kind: Option<FieldKind>, limits: &Limits) -> Option<String> {
    text::value_of(kind, value).map(|text| text::cut(&text, limits.value))
}
