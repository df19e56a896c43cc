//! A plan as a readable diff in the terminal: grouped by model, counted, old -> new for every field.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{self, Write};

use syncline_core::change::{Action, Change};
use syncline_core::guard::{Demand, Verdict};
use syncline_core::plan::{ModelSummary, PlanReader, PlanSummary};
use syncline_render::{
    ChangeRow, Extent, FieldRow, Group, GroupKind, LeftOut, Limits, Outline, Page, RenderError, Says, ambiguous, words,
};

use super::number::count;
use super::rejected;
use crate::cli::console::{BAD, DIM, GOOD, NAME, WARN, clean, paint};

/// Enough to see what the plan is about.
const LIMITS: Limits = Limits {
    same: 3,
    alike: 5,
    different: 20,
    fields: None,
    fields_of_whole_records: false,
    value: Some(80),
    name: None,
    reason: None,
    bytes: None,
};

/// Writes a plan in its own order, and behind it what it amounts to: that stands where the eye is when a command has ended.
pub fn write_plan(plan: &PlanReader, extent: Extent, out: &mut dyn Write) -> Result<(), RenderError> {
    write_plan_with(plan, extent, "`--full` shows every change with every value", out)
}

/// As [`write_plan`]. `more` says what shows the changes that are left out.
pub fn write_plan_with(plan: &PlanReader, extent: Extent, more: &str, out: &mut dyn Write) -> Result<(), RenderError> {
    let mut terminal = Terminal { equal: HashMap::new(), left_out: false, more };
    syncline_render::write(plan, extent, &LIMITS, &mut terminal, out)
}

/// Writes one change with all its fields.
pub fn write_change(out: &mut dyn Write, change: &Change) -> io::Result<()> {
    write_row(out, &ChangeRow::of(change, &Limits::NONE))
}

/// A plan as a page for the terminal.
struct Terminal<'a> {
    /// The records of models that are equal on both sides, until they are told.
    equal: HashMap<String, u64>,
    left_out: bool,
    /// What shows what is left out.
    more: &'a str,
}

impl Page for Terminal<'_> {
    fn begin(&mut self, plan: &Outline<'_>, out: &mut dyn Write) -> io::Result<()> {
        self.equal = plan.summary.models.iter().map(|model| (model.model.clone(), model.found.unchanged)).collect();
        match words::purpose(plan.header) {
            Some(purpose) => {
                let title = format!("{}`{}`:", words::title(plan.header), clean(&plan.header.sync));
                writeln!(out, "{} {purpose}\n", paint(NAME, &title))
            }
            None => Ok(()),
        }
    }

    fn begin_group(&mut self, _: usize, group: &Group, out: &mut dyn Write) -> io::Result<()> {
        let mut text = group.words();
        if group.kind == GroupKind::Writes
            && let Some(equal) = self.equal.remove(&group.model).filter(|equal| *equal > 0)
        {
            let _ = write!(text, ", {} equal", count(equal));
        }
        writeln!(out, "{}: {text}", paint(NAME, &group.label()))?;
        match group.kind {
            GroupKind::Releases => writeln!(out, "  {}", paint(DIM, words::RELEASES)),
            GroupKind::Writes | GroupKind::Deletes => Ok(()),
        }
    }

    fn change(&mut self, change: &ChangeRow, out: &mut dyn Write) -> io::Result<()> {
        write_row(out, change)
    }

    fn left_out(&mut self, left_out: &LeftOut, out: &mut dyn Write) -> io::Result<()> {
        self.left_out = true;
        for (number, what) in left_out.counts.parts() {
            let mut line = format!("  … {} more {what}", count(number));
            match &left_out.says {
                Says::Nothing => {}
                Says::Rule(rule) => {
                    let _ = write!(line, ": {rule}");
                }
                Says::Fields(fields) => {
                    let more = (fields.more > 0).then(|| format!("{} more fields", fields.more));
                    let names: Vec<_> = fields.names.iter().cloned().chain(more).collect();
                    let _ = write!(line, ": {}, each with values of its own", names.join(", "));
                }
                Says::Values(fields) => {
                    let fields: Vec<_> = fields.iter().map(said).collect();
                    let _ = write!(line, ": {}", fields.join(", "));
                }
            }
            writeln!(out, "{}", paint(DIM, &line))?;
        }
        Ok(())
    }

    fn end_changes(&mut self, _: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }

    fn end_group(&mut self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out)
    }

    fn only_counted(&mut self, _: usize, group: &Group, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{}: {}, not shown here\n", paint(NAME, &group.label()), group.words())
    }

    fn end(&mut self, plan: &Outline<'_>, out: &mut dyn Write) -> io::Result<()> {
        if self.left_out {
            writeln!(out, "{}\n", paint(DIM, self.more))?;
        }
        write_held(out, plan.summary)?;
        out.write_all(rejected::text(plan.header.rejected()).as_bytes())?;
        write_adoption(out, plan)?;
        write_totals(out, plan.summary)?;
        if let Some(refused) = words::refused(plan.summary) {
            writeln!(out, "{} {refused}", paint(BAD, "Foreseen:"))?;
        }
        if let Some(overwrites) = words::overwrites(plan.overwrites) {
            writeln!(out, "{} {overwrites}", paint(WARN, "Overwrites:"))?;
        }
        if let Some(keeps) = words::keeps(plan.keeps) {
            writeln!(out, "{} {keeps}", paint(NAME, "Kept:"))?;
        }
        if let Some(partial) = &plan.header.partial {
            writeln!(out, "{} {}", paint(BAD, "Partial:"), clean(partial))?;
        }
        write_verdicts(out, &plan.summary.verdicts)
    }
}

fn write_row(out: &mut dyn Write, change: &ChangeRow) -> io::Result<()> {
    let key = clean(&change.key);
    if let Some(hold) = &change.hold {
        let reason = format!("{} held ({}): {}", change.action, hold.rule, clean(&hold.reason));
        writeln!(out, "  {} {key}  {}", paint(WARN, "!"), paint(DIM, &reason))?;
    } else {
        let mark = match change.action {
            Action::Create => paint(GOOD, "+"),
            Action::Update => paint(WARN, "~"),
            Action::Delete => paint(BAD, "-"),
        };
        writeln!(out, "  {mark} {key}")?;
    }
    if let Some(refusal) = &change.refusal {
        writeln!(out, "      {} {}", paint(BAD, "would be refused:"), clean(refusal))?;
    }
    for field in &change.fields {
        write_field(out, change.action, field)?;
    }
    if change.more_fields > 0 {
        writeln!(out, "      {}", paint(DIM, &format!("… and {} more fields", change.more_fields)))?;
    }
    Ok(())
}

fn write_field(out: &mut dyn Write, action: Action, field: &FieldRow) -> io::Result<()> {
    let (name, before, after) = (clean(&field.name), value(field.before.as_deref()), value(field.after.as_deref()));
    let note = field.note.as_ref().map(|note| paint(DIM, &format!("  ({note})"))).unwrap_or_default();
    match (&field.kept, action) {
        (Some(kept), _) => {
            let source = field.after.as_ref().map_or("has no value".to_owned(), |_| format!("says {after}"));
            let text = format!("  {kept}; the source {source}");
            writeln!(out, "      {name}: {before}{}{note}", paint(DIM, &text))
        }
        (None, Action::Create) => writeln!(out, "      {name}: {}{note}", paint(GOOD, &after)),
        (None, Action::Delete) => writeln!(out, "      {name}: {}{note}", paint(BAD, &before)),
        (None, Action::Update) => {
            writeln!(out, "      {name}: {} -> {}{note}", paint(BAD, &before), paint(GOOD, &after))
        }
    }
}

/// A field with its values, in a line.
fn said(field: &FieldRow) -> String {
    let (name, before, after) = (clean(&field.name), value(field.before.as_deref()), value(field.after.as_deref()));
    let note = field.note.as_ref().map(|note| format!(" ({note})")).unwrap_or_default();
    match &field.kept {
        Some(_) if field.in_part => format!("{name} is written in part{note}"),
        Some(_) => format!("{name} {before} stays{note}"),
        None => format!("{name} {before} -> {after}{note}"),
    }
}

/// A value for people: as it is, unless that would mislead; none as `-`.
fn value(value: Option<&str>) -> Cow<'_, str> {
    match value {
        None => Cow::Borrowed("-"),
        Some(text) if text == "-" || text.contains(" -> ") => Cow::Owned(format!("\"{}\"", clean(text))),
        Some(text) => clean(text),
    }
}

/// Writes the rules that hold changes back, each with what can be done.
fn write_held(out: &mut dyn Write, summary: &PlanSummary) -> io::Result<()> {
    let rules = words::all_held(summary);
    if rules.is_empty() {
        return Ok(());
    }
    writeln!(out, "{}", paint(NAME, "Held back:"))?;
    let rules: Vec<_> = rules.iter().map(|(number, rule, remedy)| (count(*number), clean(rule), remedy)).collect();
    let (mut digits, mut letters) = (0, 0);
    for (number, rule, _) in &rules {
        (digits, letters) = (digits.max(number.len()), letters.max(rule.chars().count()));
    }
    for (number, rule, remedy) in rules {
        writeln!(out, "  {number:>digits$} {rule:<letters$}  {}", paint(DIM, remedy))?;
    }
    Ok(())
}

/// Writes what a plan amounts to, in one line.
pub fn write_totals(out: &mut dyn Write, summary: &PlanSummary) -> io::Result<()> {
    let sum = |of: fn(&ModelSummary) -> u64| summary.models.iter().map(of).sum::<u64>();
    let unchanged = sum(|model| model.found.unchanged);
    if summary.to_apply() == 0 && summary.held() == 0 {
        return writeln!(out, "{} {}", paint(GOOD, "Nothing to do:"), words::equal(unchanged));
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
fn write_adoption(out: &mut dyn Write, plan: &Outline<'_>) -> io::Result<()> {
    let Some(all) = plan.adoption() else { return Ok(()) };
    let adopts = plan.header.adopts;
    writeln!(out, "{} {all}", paint(NAME, "In the target already:"))?;
    for model in &plan.summary.models {
        if let Some(numbers) = words::adoption(model.adopt, model.create, ambiguous(model), adopts) {
            writeln!(out, "  {}: {numbers}", words::plural_of(&model.model))?;
        }
    }
    writeln!(out, "  {}", paint(DIM, words::adopting(adopts)))
}

/// Writes the guards that object.
pub fn write_verdicts(out: &mut dyn Write, verdicts: &[Verdict]) -> io::Result<()> {
    for verdict in verdicts {
        let demand = match verdict.demand {
            Demand::Approval => paint(WARN, "Needs approval:"),
            Demand::Refusal => paint(BAD, "Refused:"),
        };
        writeln!(out, "{demand} {}: {}", words::plural_of(&verdict.model), clean(&verdict.reason))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};
    use syncline_core::diff::DiffCounts;

    /// What a plan with these parts looks like.
    fn rendered(header: Value, changes: &[Value], summary: &Value, extent: Extent) -> String {
        let side = |name: &str| json!({"connector": name, "connection": name, "reads": {}});
        let mut whole = json!({
            "sync": "lab", "definition": "d", "run": 12, "source": side("forward"), "target": side("netbox"), "models": {},
            "created_at": "2026-01-02T03:04:05Z", "valid_until": "2026-01-03T03:04:05Z",
        });
        whole.as_object_mut().unwrap().extend(header.as_object().unwrap().clone());
        let changes: Vec<_> = changes.iter().map(Value::to_string).collect();
        let changes = if changes.is_empty() { String::new() } else { changes.join(",\n") + "\n" };
        let text = format!(
            "{{\"format\":\"syncline.plan/1\",\n\"header\":{whole},\n\"bindings\":[\n],\n\"changes\":[\n{changes}],\n\"summary\":{summary},\n"
        );
        let hash = blake3::hash(text.as_bytes()).to_hex();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plan.json");
        std::fs::write(&path, format!("{text}\"hash\":\"blake3:{hash}\"}}\n")).unwrap();
        let mut out = Vec::new();
        write_plan(&PlanReader::open(&path).unwrap(), extent, &mut out).unwrap();
        anstream::adapter::strip_str(&String::from_utf8(out).unwrap()).to_string()
    }

    #[test]
    fn a_list_that_is_written_in_part_does_not_stay() {
        let row = |in_part| FieldRow {
            name: "hosts".to_owned(),
            before: Some("sw1".to_owned()),
            after: Some("sw1, sw2".to_owned()),
            kept: Some("is told".to_owned()),
            in_part,
            note: None,
        };
        assert_eq!([said(&row(true)), said(&row(false))], ["hosts is written in part", "hosts sw1 stays"]);
    }

    fn change(model: &str, key: &Value, action: &str, fields: &Value) -> Value {
        json!({"id": "c0ffee", "model": model, "key": key, "action": action, "fields": fields})
    }

    fn held(mut change: Value, rule: &str, reason: &str) -> Value {
        change["hold"] = json!({"rule": rule, "reason": reason});
        change
    }

    fn model(name: &str, found: &Value, counts: [u64; 3], held: &Value) -> Value {
        let mut all = serde_json::to_value(DiffCounts::default()).unwrap();
        all.as_object_mut().unwrap().extend(found.as_object().unwrap().clone());
        json!({"model": name, "found": all, "create": counts[0], "update": counts[1], "delete": counts[2], "held": held})
    }

    /// Every kind of change, and everything that is known of one.
    fn sample(extent: Extent) -> String {
        let device = |name: &str| json!([["atlanta-dc1"], name]);
        let interface = |name: &str| json!([["atlanta-dc1", "atl-7"], name]);
        let fields = json!([{"name": "primary_ip4", "before": [null, "10.0.0.7"]}]);
        let mut changes = vec![change("device", &device("atl-9"), "update", &fields)];
        let fields = json!([{"name": "name", "after": "Atlanta DC1"}, {"name": "physical_address"}]);
        changes.push(change("site", &json!(["atlanta-dc1"]), "create", &fields));
        for number in 1..=6 {
            let fields = json!([{"name": "platform", "before": null, "after": ["ios"], "cause": "source_changed"}]);
            changes.push(change("device", &device(&format!("atl-{number}")), "update", &fields));
        }
        let fields = json!([
            {"name": "serial", "before": "", "after": "FOC\u{1b}[31m2"},
            {"name": "tags", "before": [], "after": [["core"], ["lab"]]},
            {"name": "description", "before": "-", "after": "a -> b"},
        ]);
        changes.push(change("device", &device("atl-7"), "update", &fields));
        let fields = json!([{"name": "serial", "before": "A", "after": "B", "cause": "target_drifted"}]);
        let mut drifted = change("device", &device("atl-8"), "update", &fields);
        drifted["kept"] =
            json!([{"name": "asset_tag", "source": "lab", "target": "mine", "rule": "target_wins", "cause": "both"}]);
        changes.push(drifted);
        let mut kept = change("device", &device("atl-9"), "update", &json!([]));
        kept["kept"] = json!([{"name": "comments", "source": "x", "target": "y", "rule": "only_if_empty"}]);
        changes.push(held(kept, "owner", "the target keeps its own `comments` (`policy.fields`)"));
        let twin = change("device", &device("atl-twin"), "update", &json!([]));
        changes.push(held(twin, "ambiguous", "the target has 2 records with this key: ids 12, 97"));
        for number in 0..30 {
            let fields = json!([{"name": "mtu", "before": 1500, "after": 9000 + number}]);
            changes.push(change("interface", &interface(&format!("Gi1/{number}")), "update", &fields));
        }
        changes.push(change("interface", &interface("Gi0/1"), "delete", &json!([{"name": "mtu", "before": 1500}])));
        for number in 2..=6 {
            let gone = change("interface", &interface(&format!("Gi0/{number}")), "delete", &json!([]));
            let reason = "absent since 2025-11-20 (2 of 3 runs, 31 of 72 hours), due 2025-11-23 at the earliest: the \
                          source no longer has it";
            changes.push(held(gone, "quarantine", reason));
        }
        let mut devices = model(
            "device",
            &json!({"update": 9, "ambiguous": 1, "unchanged": 1293}),
            [0, 8, 0],
            &json!({"ambiguous": 1, "owner": 1}),
        );
        devices["adopt"] = json!(812);
        devices["release"] = json!(1);
        let interfaces = model(
            "interface",
            &json!({"update": 30, "delete": 6, "unchanged": 20_000}),
            [0, 30, 1],
            &json!({"quarantine": 5}),
        );
        let verdict = json!({
            "guard": "same_value", "model": "device", "demand": "approval",
            "reason": "`platform` would become [\"ios\"] on 6 of 1300 records",
        });
        let sites = model("site", &json!({"create": 1}), [1, 0, 0], &json!({}));
        let summary = json!({"models": [sites, devices, interfaces], "verdicts": [verdict]});
        rendered(json!({"adopts": true}), &changes, &summary, extent)
    }

    #[test]
    fn a_plan_is_grouped_counted_and_collapsed() {
        insta::assert_snapshot!(sample(Extent::Short));
    }

    #[test]
    fn records_that_could_not_be_taken_over_are_named_in_a_plan() {
        let rejections =
            json!([{"record": "fra1-acc-05", "field": "groups[0].name", "message": "`oops` is not defined"}]);
        let read = json!({"digest": "d", "records": 61, "rejected": 1, "rejections": rejections});
        let source = json!({"connector": "netbox", "connection": "netbox", "reads": {"host": read}});
        let summary =
            json!({"models": [model("host", &json!({"unchanged": 1}), [0, 0, 0], &json!({}))], "verdicts": []});
        insta::assert_snapshot!(rendered(json!({"source": source}), &[], &summary, Extent::Short));
    }

    #[test]
    fn a_full_plan_leaves_nothing_out() {
        insta::assert_snapshot!(sample(Extent::Full));
    }

    #[test]
    fn an_empty_plan_says_so() {
        let summary =
            json!({"models": [model("site", &json!({"unchanged": 1234}), [0, 0, 0], &json!({}))], "verdicts": []});
        let text = rendered(json!({}), &[], &summary, Extent::Short);
        assert_eq!(text, "Nothing to do: 1,234 records are equal on both sides\n");
    }

    #[test]
    fn what_would_be_refused_is_told_with_its_reason() {
        let refused = |name: &str, reason: &str| {
            let mut change = change("host", &json!([name]), "create", &json!([{"name": "name", "after": name}]));
            change["refusal"] = json!({"field": "templates", "reason": reason});
            change
        };
        let good = (0..7).map(|number| change("host", &json!([format!("sw{number}")]), "create", &json!([])));
        let bad = (7..9).map(|number| refused(&format!("sw{number}"), "the template `Cisco` is missing in Zabbix"));
        let changes: Vec<_> = good.chain(bad).collect();
        let mut hosts = model("host", &json!({"create": 9}), [9, 0, 0], &json!({}));
        hosts["refused"] = json!(2);
        let summary = json!({"models": [hosts], "verdicts": []});
        insta::assert_snapshot!(rendered(json!({}), &changes, &summary, Extent::Short));
    }

    #[test]
    fn what_a_plan_is_for_comes_first() {
        let gone = change("site", &json!(["atlanta-dc1"]), "delete", &json!([]));
        let gone = held(gone, "moved", "it was changed after the run: `name` is \"B\" now, and the run left \"A\"");
        let sites = model("site", &json!({"delete": 1}), [0, 0, 0], &json!({"moved": 1}));
        let summary = json!({"models": [sites], "verdicts": []});
        let text = |header: Value| rendered(header, std::slice::from_ref(&gone), &summary, Extent::Short);
        insta::assert_snapshot!(text(json!({"undoes": 7})), @r#"
Undo of run 7 of `lab`: takes back what run 7 changed. The source was not asked, and what somebody changed since then stays as it is

sites: 1 held
  ! atlanta-dc1  delete held (changed since): it was changed after the run: `name` is "B" now, and the run left "A"

Held back:
  1 changed since  somebody changed them after the run that is taken back; look at them and decide by hand
Plan: 0 to create, 0 to update, 0 to delete, 1 held, 0 equal
"#);
        let first = |header: Value| text(header).lines().next().unwrap_or_default().to_owned();
        insta::assert_snapshot!(first(json!({"reruns": 7})), @"Rerun of run 7 of `lab`: only what run 7 did not get done, and what that needs");
        let scope = json!({"models": ["device"], "sites": ["atlanta-dc1"]});
        insta::assert_snapshot!(first(json!({"scope": scope})), @"Plan of a part of `lab`: covers only devices at atlanta-dc1, and what that needs");
        insta::assert_snapshot!(first(json!({"drift": true})), @"Drift check of `lab`: shows how the target differs from the source; the check itself writes nothing");
    }
}
