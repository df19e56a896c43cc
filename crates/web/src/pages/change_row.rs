//! A change as it stands on a page: what it does to which record, old beside new, and what came of it.

use std::collections::HashMap;

use syncline_core::change::{Action, Change, Hold, HoldRule};
use syncline_core::history::{OutcomeKind, StoredChange};
use syncline_render::{ChangeRow, FieldRow, Limits, words};

use super::object::object_href;
use super::show::{Icon, Prose, clean};

/// How much of a change a list shows. A page of a hundred is bounded by it, whatever the values are.
pub const SHORT: Limits =
    Limits { fields: Some(12), value: Some(200), name: Some(200), reason: Some(500), ..Limits::NONE };
/// How much of a change the page of its object shows.
pub const LONG: Limits =
    Limits { fields: Some(100), value: Some(2_000), name: Some(400), reason: Some(2_000), ..Limits::NONE };

/// A change.
#[derive(Debug)]
pub struct Row {
    /// Its id in the plan.
    pub id: String,
    /// What is done to the record.
    pub action: Action,
    /// The symbol for that.
    pub icon: Icon,
    /// The model.
    pub model: String,
    /// The record.
    pub key: String,
    /// The page of the record.
    pub href: String,
    /// What came of it.
    pub outcome: Outcome,
    /// The rule that holds it, for people.
    pub rule: Option<&'static str>,
    /// Why it is held, or came to nothing.
    pub reason: Option<Prose>,
    /// The field that the target refused.
    pub field: Option<String>,
    /// Why the target would refuse it as things are.
    pub refusal: Option<Prose>,
    /// Its fields.
    pub fields: Vec<Field>,
    /// How many fields are not shown.
    pub more_fields: usize,
    /// The others that say the same, where equal ones are folded.
    pub same: Vec<Same>,
}

/// Another record that is changed in the same way.
#[derive(Debug)]
pub struct Same {
    /// The id of its change.
    pub id: String,
    /// The record.
    pub key: String,
    /// The page of the record.
    pub href: String,
}

/// What came of a change, or will.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome(pub OutcomeKind);

/// One field of a change.
#[derive(Debug, Clone)]
pub struct Field {
    /// The field.
    pub name: String,
    /// What the target has, and what it gets.
    pub before: Option<Marked>,
    /// What the target gets; what the source says, where that is not written.
    pub after: Option<Marked>,
    /// What becomes of a field that is not written, and why.
    pub kept: Option<Prose>,
    /// What else is to be said of it.
    pub note: Option<String>,
}

/// A value of which the part that differs from the other side's is marked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marked {
    /// What both sides begin with.
    pub head: String,
    /// What differs.
    pub differs: String,
    /// What both sides end with.
    pub tail: String,
}

impl Outcome {
    /// The name, which is the class as well.
    pub fn name(self) -> &'static str {
        self.0.as_str()
    }

    /// The symbol.
    pub fn icon(self) -> Icon {
        Icon(match self.0 {
            OutcomeKind::Planned => "waiting",
            OutcomeKind::Applied | OutcomeKind::Unchanged => "clean",
            OutcomeKind::Skipped => "cancelled",
            OutcomeKind::Held => "held",
            OutcomeKind::Failed => "failed",
            OutcomeKind::Stale => "partial",
        })
    }
}

impl Row {
    /// A change that waits in its plan.
    pub fn planned(change: &Change, limits: &Limits) -> Self {
        let outcome = if change.hold.is_some() { OutcomeKind::Held } else { OutcomeKind::Planned };
        Self::of(change, outcome, change.hold.as_ref().map(|hold| hold.reason.as_str()), None, limits)
    }

    /// A change with what came of it.
    pub fn stored(change: &StoredChange, limits: &Limits) -> Self {
        let hold = |rule: HoldRule| Hold { rule, reason: change.reason.clone().unwrap_or_default() };
        let as_planned = Change {
            id: change.change_id.clone(),
            hold: change.rule.map(hold),
            kept: change.kept.clone(),
            ..Change::new(&change.model, change.key.clone(), change.action, None, change.fields.clone())
        };
        Self::of(&as_planned, change.outcome, change.reason.as_deref(), change.field.as_deref(), limits)
    }

    fn of(change: &Change, outcome: OutcomeKind, reason: Option<&str>, field: Option<&str>, limits: &Limits) -> Self {
        let row = ChangeRow::of(change, limits);
        let because = |reason| change.hold.as_ref().map_or(reason, |hold| words::because(hold.rule, reason));
        Self {
            id: change.id.clone(),
            action: change.action,
            icon: Icon(change.action.as_str()),
            model: change.model.clone(),
            href: object_href(&change.model, &change.key),
            key: row.key,
            outcome: Outcome(outcome),
            rule: row.hold.map(|hold| hold.rule),
            reason: reason.map(|reason| Prose::of(&cut(because(reason), limits))),
            field: field.map(clean),
            refusal: row.refusal.as_deref().map(Prose::of),
            fields: row.fields.iter().map(|field| Field::of(change.action, field)).collect(),
            more_fields: row.more_fields,
            same: Vec::new(),
        }
    }

    /// The ids of the change and of those that are folded into it, as a form sends them.
    pub fn ids(&self) -> String {
        let others = self.same.iter().map(|same| same.id.as_str());
        std::iter::once(self.id.as_str()).chain(others).collect::<Vec<_>>().join(" ")
    }
}

impl Field {
    fn of(action: Action, field: &FieldRow) -> Self {
        let (before, after) = match (&field.before, &field.after) {
            (Some(before), Some(after)) if action == Action::Update && field.kept.is_none() => {
                let (before, after) = Marked::both(before, after);
                (Some(before), Some(after))
            }
            (before, after) => (before.as_deref().map(Marked::whole), after.as_deref().map(Marked::whole)),
        };
        Self {
            name: field.name.clone(),
            before,
            after,
            kept: field.kept.as_deref().map(Prose::of),
            note: field.note.clone(),
        }
    }
}

impl Marked {
    /// A value with nothing beside it.
    fn whole(text: &str) -> Self {
        Self { head: text.to_owned(), differs: String::new(), tail: String::new() }
    }

    /// Two values of which what they do not have in common is marked. Nothing is, where that would be all.
    fn both(one: &str, other: &str) -> (Self, Self) {
        let head: usize = one.chars().zip(other.chars()).take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum();
        let (one_rest, other_rest) = (&one[head..], &other[head..]);
        let ends = one_rest.chars().rev().zip(other_rest.chars().rev());
        let tail: usize = ends.take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum();
        if head + tail == 0 {
            return (Self::whole(one), Self::whole(other));
        }
        let mark = |text: &str, rest: &str| Self {
            head: text[..head].to_owned(),
            differs: rest[..rest.len() - tail].to_owned(),
            tail: rest[rest.len() - tail..].to_owned(),
        };
        (mark(one, one_rest), mark(other, other_rest))
    }
}

/// Folds changes that say the same into the first of them: of one model, with one action, outcome and rule, and equal fields and
/// values. Whole records are never equal, so creates and deletes stay apart. Ends before there are more than `most` rows, and
/// gives how many changes those stand for.
pub fn fold<'a>(rows: Vec<Row>, says: impl Iterator<Item = Says<'a>>, most: usize) -> (Vec<Row>, usize) {
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut folded: Vec<Row> = Vec::new();
    let mut taken = 0;
    for (row, says) in rows.into_iter().zip(says) {
        let place = *places.entry(says.text()).or_insert(folded.len());
        if place < folded.len() {
            let Row { id, key, href, .. } = row;
            folded[place].same.push(Same { id, key, href });
        } else if folded.len() < most {
            folded.push(row);
        } else {
            break;
        }
        taken += 1;
    }
    (folded, taken)
}

/// What a change says, its record aside.
#[derive(Debug, Clone, Copy)]
pub struct Says<'a> {
    /// The model.
    pub model: &'a str,
    /// What is done.
    pub action: Action,
    /// What came of it.
    pub outcome: OutcomeKind,
    /// The rule that holds it.
    pub rule: Option<HoldRule>,
    /// The values.
    pub fields: &'a [syncline_core::change::FieldChange],
    /// The fields that stay.
    pub kept: &'a [syncline_core::change::KeptField],
}

impl<'a> Says<'a> {
    /// What a change says that waits in its plan.
    pub fn planned(change: &'a Change) -> Self {
        let outcome = if change.hold.is_some() { OutcomeKind::Held } else { OutcomeKind::Planned };
        let Change { model, action, fields, kept, hold, .. } = change;
        Self { model, action: *action, outcome, rule: hold.as_ref().map(|hold| hold.rule), fields, kept }
    }

    /// What a change says that is in the history.
    pub fn stored(change: &'a StoredChange) -> Self {
        let StoredChange { model, action, outcome, rule, fields, kept, .. } = change;
        Self { model, action: *action, outcome: *outcome, rule: *rule, fields, kept }
    }

    /// One text for one thing that is said.
    fn text(&self) -> String {
        let Self { model, action, outcome, rule, fields, kept } = self;
        let rule = rule.map(HoldRule::as_str);
        serde_json::to_string(&(model, action, outcome, rule, fields, kept)).unwrap_or_default()
    }
}

fn cut(text: &str, limits: &Limits) -> String {
    let end = limits.reason.and_then(|limit| text.char_indices().nth(limit));
    end.map_or_else(|| text.to_owned(), |(end, _)| format!("{}…", &text[..end]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_marked() {
        let marked = |one: &str, other: &str| {
            let (one, other) = Marked::both(one, other);
            let text = |marked: Marked| format!("{}[{}]{}", marked.head, marked.differs, marked.tail);
            format!("{} -> {}", text(one), text(other))
        };
        assert_eq!(marked("FOC123A", "FOC987A"), "FOC[123]A -> FOC[987]A");
        assert_eq!(marked("aa", "aaa"), "aa[] -> aa[a]");
        assert_eq!(marked("über", "übel"), "übe[r] -> übe[l]");
        assert_eq!(marked("1400", "9000"), "[14]00 -> [90]00");
        assert_eq!(marked("a", "b"), "a[] -> b[]");
    }
}
