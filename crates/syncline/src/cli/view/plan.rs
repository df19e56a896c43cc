//! A plan as a readable diff: grouped by model, counted, old -> new for every field.

use std::collections::HashMap;
use std::io::{self, Write};

use serde_json::Value;
use syncline_core::applied::Cause;
use syncline_core::change::{Action, Change, FieldChange, KeptField};
use syncline_core::guard::{Demand, Verdict};
use syncline_core::plan::{ModelSummary, PlanSummary};
use syncline_model::AnyKey;

use super::number::count;
use crate::cli::console::{BAD, DIM, GOOD, NAME, WARN, clean, paint};

/// How much of a plan is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// Enough to see what it is about: some changes of a kind stand for the others.
    Short,
    /// Every change with every value.
    Full,
}

/// Of changes that say the same, how many are shown.
const SAME: usize = 3;
/// Of the creates or deletes of a model, how many are shown.
const ALIKE: usize = 5;
/// Of the different updates of a model, how many are shown.
const DIFFERENT: usize = 20;
/// A longer value is cut when not everything is shown.
const VALUE_LENGTH: usize = 80;

/// Writes the changes of a plan, in the plan's order.
pub struct PlanView<'a, W> {
    out: W,
    detail: Detail,
    summary: &'a PlanSummary,
    group: Option<Group>,
}

/// The part of a model's changes that stands together: creates and updates, or deletes.
struct Group {
    model: String,
    deletes: bool,
    /// How many changes were shown, by what they say.
    shown: HashMap<String, usize>,
    updates_shown: usize,
    left_out: LeftOut,
}

#[derive(Default)]
struct LeftOut {
    create: u64,
    update: u64,
    delete: u64,
    held: u64,
}

impl<'a, W: Write> PlanView<'a, W> {
    /// A view that writes to `out`.
    pub fn new(out: W, detail: Detail, summary: &'a PlanSummary) -> Self {
        Self { out, detail, summary, group: None }
    }

    /// Writes a change, or counts it as like others.
    pub fn change(&mut self, change: &Change) -> io::Result<()> {
        let deletes = change.action == Action::Delete;
        if self.group.as_ref().is_none_or(|group| group.model != change.model || group.deletes != deletes) {
            self.end_group()?;
            self.begin_group(&change.model, deletes)?;
        }
        let Some(group) = &mut self.group else { return Ok(()) };
        if self.detail == Detail::Full || group.admits(change) {
            write_change(&mut self.out, change, self.detail)?;
        } else {
            group.left_out.count(change);
        }
        Ok(())
    }

    /// Writes what is left: the last group's end, the totals, the guards.
    pub fn finish(mut self) -> io::Result<()> {
        self.end_group()?;
        write_totals(&mut self.out, self.summary)?;
        write_verdicts(&mut self.out, &self.summary.verdicts)
    }

    fn begin_group(&mut self, model: &str, deletes: bool) -> io::Result<()> {
        let schema = syncline_model::models::ALL.iter().find(|schema| schema.name == model);
        let label = schema.map_or(model, |schema| schema.plural);
        let counts = self.summary.models.iter().find(|summary| summary.model == model);
        let counts = counts.map(|summary| group_counts(summary, deletes)).unwrap_or_default();
        writeln!(self.out, "{}{}", paint(NAME, &clean(label)), counts)?;
        self.group = Some(Group {
            model: model.to_owned(),
            deletes,
            shown: HashMap::new(),
            updates_shown: 0,
            left_out: LeftOut::default(),
        });
        Ok(())
    }

    fn end_group(&mut self) -> io::Result<()> {
        let Some(group) = self.group.take() else { return Ok(()) };
        if let Some(left_out) = group.left_out.text() {
            let line = format!("  … {left_out} (--full shows them)");
            writeln!(self.out, "{}", paint(DIM, &line))?;
        }
        writeln!(self.out)
    }
}

impl Group {
    /// Whether a change is shown when not everything is.
    fn admits(&mut self, change: &Change) -> bool {
        let (says, limit) = match (&change.hold, change.action) {
            (Some(hold), action) => (format!("{action} {}", hold.rule.as_str()), SAME),
            (None, Action::Create | Action::Delete) => (change.action.to_string(), ALIKE),
            (None, Action::Update) if self.updates_shown >= DIFFERENT => return false,
            (None, Action::Update) => (change.fields.iter().map(says).collect(), SAME),
        };
        let shown = self.shown.entry(says).or_default();
        if *shown >= limit {
            return false;
        }
        *shown += 1;
        self.updates_shown += usize::from(change.action == Action::Update);
        true
    }
}

fn says(field: &FieldChange) -> String {
    format!("{}\u{0}{}\u{0}{}\u{0}", field.name, field.before, field.after)
}

impl LeftOut {
    fn count(&mut self, change: &Change) {
        let counter = match (&change.hold, change.action) {
            (Some(_), _) => &mut self.held,
            (None, Action::Create) => &mut self.create,
            (None, Action::Update) => &mut self.update,
            (None, Action::Delete) => &mut self.delete,
        };
        *counter += 1;
    }

    fn text(&self) -> Option<String> {
        let parts =
            [(self.create, "to create"), (self.update, "to update"), (self.delete, "to delete"), (self.held, "held")];
        let parts = parts.into_iter().filter(|(number, _)| *number > 0);
        let parts: Vec<_> = parts.map(|(number, what)| format!("{} more {what}", count(number))).collect();
        (!parts.is_empty()).then(|| parts.join(", "))
    }
}

fn group_counts(summary: &ModelSummary, deletes: bool) -> String {
    let found = &summary.found;
    let parts = if deletes {
        vec![(summary.delete, "to delete"), (found.delete.saturating_sub(summary.delete), "held")]
    } else {
        let held = (found.create + found.update + found.ambiguous).saturating_sub(summary.create + summary.update);
        vec![
            (summary.create, "to create"),
            (summary.update, "to update"),
            (summary.release, "to release first"),
            (held, "held"),
            (found.unchanged, "equal"),
        ]
    };
    let parts = parts.into_iter().filter(|(number, _)| *number > 0);
    let parts: Vec<_> = parts.map(|(number, what)| format!("{} {what}", count(number))).collect();
    if parts.is_empty() { String::new() } else { format!(": {}", parts.join(", ")) }
}

/// Writes one change with its fields.
pub fn write_change(out: &mut impl Write, change: &Change, detail: Detail) -> io::Result<()> {
    let key = change.key.to_string();
    let key = clean(&key);
    if let Some(hold) = &change.hold {
        let reason = paint(DIM, &format!("{} held: {}", change.action, clean(&hold.reason)));
        writeln!(out, "  {} {key}  {reason}", paint(WARN, "!"))?;
    } else {
        let mark = match change.action {
            Action::Create => paint(GOOD, "+"),
            Action::Update => paint(WARN, "~"),
            Action::Delete => paint(BAD, "-"),
        };
        writeln!(out, "  {mark} {key}")?;
    }
    let with_fields = match change.action {
        Action::Update => true,
        Action::Create | Action::Delete => detail == Detail::Full,
    };
    if with_fields {
        for field in &change.fields {
            write_field(out, change.action, field, detail)?;
        }
        for field in &change.kept {
            write_kept(out, field, detail)?;
        }
    }
    Ok(())
}

fn write_field(out: &mut impl Write, action: Action, field: &FieldChange, detail: Detail) -> io::Result<()> {
    let (before, after) = (shown(&field.before, detail), shown(&field.after, detail));
    let name = clean(&field.name);
    match action {
        Action::Create if field.after.is_null() => Ok(()),
        Action::Delete if field.before.is_null() => Ok(()),
        Action::Create => writeln!(out, "      {name}: {}", paint(GOOD, &after)),
        Action::Delete => writeln!(out, "      {name}: {}", paint(BAD, &before)),
        Action::Update => {
            let cause = cause_text(field.cause).map(|cause| paint(DIM, &format!("  ({cause})"))).unwrap_or_default();
            writeln!(out, "      {name}: {} -> {}{cause}", paint(BAD, &before), paint(GOOD, &after))
        }
    }
}

/// A field that differs and stays as the target has it.
fn write_kept(out: &mut impl Write, field: &KeptField, detail: Detail) -> io::Result<()> {
    let cause = cause_text(field.cause).map(|cause| format!("; {cause}")).unwrap_or_default();
    let text = format!("  kept ({}{cause}); the source says {}", field.rule.as_str(), shown(&field.source, detail));
    writeln!(out, "      {}: {}{}", clean(&field.name), shown(&field.target, detail), paint(DIM, &text))
}

fn shown(value: &Value, detail: Detail) -> String {
    let text = value_text(value);
    if detail == Detail::Short && text.chars().count() > VALUE_LENGTH {
        let cut: String = text.chars().take(VALUE_LENGTH).collect();
        return format!("{cut}…");
    }
    text
}

fn cause_text(cause: Cause) -> Option<&'static str> {
    match cause {
        Cause::Unknown => None,
        Cause::SourceChanged => Some("the source changed"),
        Cause::TargetDrifted => Some("the target drifted"),
        Cause::Both => Some("both changed"),
    }
}

/// A value for people: texts as they are, unless that would mislead; references as their keys; null as `-`.
pub fn value_text(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => {
            let misleads = text.is_empty() || text == "-" || text.trim() != text || text.contains(" -> ");
            if misleads || text.chars().any(char::is_control) {
                return clean(&Value::from(text.as_str()).to_string()).into_owned();
            }
            clean(text).into_owned()
        }
        // A set of references: arrays within an array. A single one: the parts of its key.
        Value::Array(members) if members.iter().all(Value::is_array) && !members.is_empty() => {
            let members: Vec<_> = members.iter().map(value_text).collect();
            members.join(", ")
        }
        Value::Array(parts) if parts.is_empty() => "none".to_owned(),
        Value::Array(_) => {
            let key = AnyKey::from_value(value).map(|key| key.to_string()).unwrap_or_default();
            clean(&key).into_owned()
        }
        other => clean(&other.to_string()).into_owned(),
    }
}

/// Writes what a plan amounts to, in one line.
pub fn write_totals(out: &mut impl Write, summary: &PlanSummary) -> io::Result<()> {
    let sum = |of: fn(&ModelSummary) -> u64| summary.models.iter().map(of).sum::<u64>();
    let unchanged = sum(|model| model.found.unchanged);
    write_adoption(out, summary)?;
    if summary.to_apply() == 0 && summary.held() == 0 {
        return writeln!(out, "{} {} records are equal on both sides", paint(GOOD, "Nothing to do:"), count(unchanged));
    }
    writeln!(
        out,
        "{} {} to create, {} to update, {} to delete, {} held, {} equal",
        paint(NAME, "Plan:"),
        count(sum(|model| model.create)),
        count(sum(|model| model.update + model.release)),
        count(sum(|model| model.delete)),
        count(summary.held()),
        count(unchanged),
    )
}

/// Writes, of a target that was full before, what is Syncline's to adopt, to create, and unclear.
fn write_adoption(out: &mut impl Write, summary: &PlanSummary) -> io::Result<()> {
    if summary.to_adopt() == 0 {
        return Ok(());
    }
    let ambiguous = |model: &ModelSummary| model.held.get("ambiguous").copied().unwrap_or_default();
    let numbers = |adopt: u64, create: u64, ambiguous: u64| {
        let parts = [(adopt, "to adopt"), (create, "to create"), (ambiguous, "ambiguous")];
        let parts = parts.into_iter().filter(|(number, _)| *number > 0);
        parts.map(|(number, what)| format!("{} {what}", count(number))).collect::<Vec<_>>().join(", ")
    };
    let sum = |of: &dyn Fn(&ModelSummary) -> u64| summary.models.iter().map(of).sum::<u64>();
    let all = numbers(summary.to_adopt(), sum(&|model| model.create), sum(&ambiguous));
    writeln!(out, "{} {all}", paint(NAME, "In the target already:"))?;
    for model in summary.models.iter().filter(|model| model.adopt > 0) {
        writeln!(out, "  {}: {}", clean(&model.model), numbers(model.adopt, model.create, ambiguous(model)))?;
    }
    Ok(())
}

/// Writes the guards that object.
pub fn write_verdicts(out: &mut impl Write, verdicts: &[Verdict]) -> io::Result<()> {
    for verdict in verdicts {
        let demand = match verdict.demand {
            Demand::Approval => paint(WARN, "Needs approval:"),
            Demand::Refusal => paint(BAD, "Refused:"),
        };
        writeln!(out, "{demand} {}: {}", clean(&verdict.model), clean(&verdict.reason))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use syncline_core::change::{Hold, HoldRule};
    use syncline_core::diff::DiffCounts;
    use syncline_core::guard::Guard;

    fn change(model: &str, key: &Value, action: Action, fields: Value) -> Change {
        let key = AnyKey::from_value(key).unwrap();
        let fields: Vec<FieldChange> = serde_json::from_value(fields).unwrap();
        let id = Change::id_of(model, &key, action, &fields);
        Change {
            id,
            model: model.to_owned(),
            key,
            action,
            native: None,
            fields,
            hold: None,
            kept: Vec::new(),
            source_id: None,
            image: None,
        }
    }

    fn held(mut change: Change, rule: HoldRule, reason: &str) -> Change {
        change.hold = Some(Hold { rule, reason: reason.to_owned() });
        change
    }

    fn sample() -> (PlanSummary, Vec<Change>) {
        let mut changes = vec![change(
            "site",
            &json!(["atlanta-dc1"]),
            Action::Create,
            json!([{"name": "name", "after": "Atlanta DC1"}, {"name": "physical_address"}]),
        )];
        for number in 1..=6 {
            let fields = json!([{"name": "platform", "before": null, "after": ["ios"]}]);
            changes.push(change("device", &json!([["atlanta-dc1"], format!("atl-{number}")]), Action::Update, fields));
        }
        let fields = json!([
            {"name": "serial", "before": "", "after": "FOC\u{1b}[31m2"},
            {"name": "tags", "before": [], "after": [["core"], ["lab"]]},
        ]);
        changes.push(change("device", &json!([["atlanta-dc1"], "atl-7"]), Action::Update, fields));
        changes.push(change("interface", &json!([[["atlanta-dc1"], "atl-7"], "Gi0/1"]), Action::Delete, json!([])));
        let gone = change("interface", &json!([[["atlanta-dc1"], "atl-7"], "Gi0/2"]), Action::Delete, json!([]));
        changes.push(held(gone, HoldRule::NotOurs, "Syncline did not create it"));
        let drifted = json!([{"name": "serial", "before": "A", "after": "B", "cause": "target_drifted"}]);
        let mut kept = change("virtual_chassis", &json!(["stack"]), Action::Update, drifted);
        let said = json!({"name": "domain", "source": "lab", "target": "mine", "rule": "target_wins", "cause": "both"});
        kept.kept.push(serde_json::from_value(said).unwrap());
        changes.push(kept);

        let model =
            |name: &str, found: DiffCounts| ModelSummary { model: name.to_owned(), found, ..ModelSummary::default() };
        let mut site = model("site", DiffCounts { create: 1, ..DiffCounts::default() });
        site.create = 1;
        let mut device = model("device", DiffCounts { update: 7, unchanged: 1293, ..DiffCounts::default() });
        device.update = 7;
        device.adopt = 812;
        device.release = 1;
        device.held.insert("ambiguous".to_owned(), 4);
        let mut interface = model("interface", DiffCounts { delete: 2, ..DiffCounts::default() });
        interface.delete = 1;
        interface.held.insert("not_ours".to_owned(), 1);
        let verdict = Verdict {
            guard: Guard::SameValue,
            model: "device".to_owned(),
            demand: Demand::Approval,
            reason: "`platform` would become [\"ios\"] on 6 of 1300 records".to_owned(),
        };
        (PlanSummary { models: vec![site, device, interface], verdicts: vec![verdict] }, changes)
    }

    fn rendered(detail: Detail) -> String {
        let (summary, changes) = sample();
        let mut out = Vec::new();
        let mut view = PlanView::new(&mut out, detail, &summary);
        for change in &changes {
            view.change(change).unwrap();
        }
        view.finish().unwrap();
        anstream::adapter::strip_str(&String::from_utf8(out).unwrap()).to_string()
    }

    #[test]
    fn a_plan_is_grouped_counted_and_collapsed() {
        insta::assert_snapshot!(rendered(Detail::Short));
    }

    #[test]
    fn a_full_plan_leaves_nothing_out() {
        insta::assert_snapshot!(rendered(Detail::Full));
    }

    #[test]
    fn an_empty_plan_says_so() {
        let found = DiffCounts { unchanged: 1234, ..DiffCounts::default() };
        let model = ModelSummary { model: "site".to_owned(), found, ..ModelSummary::default() };
        let mut out = Vec::new();
        write_totals(&mut out, &PlanSummary { models: vec![model], verdicts: Vec::new() }).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(
            anstream::adapter::strip_str(&text).to_string(),
            "Nothing to do: 1,234 records are equal on both sides\n"
        );
    }
}
