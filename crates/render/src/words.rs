//! What a plan knows of itself, in words: the same on every page and in the terminal.
//!
//! Names of settings stand between backticks, which every format shows in its own way.

use serde_json::Value;
use syncline_core::applied::Cause;
use syncline_core::change::{HoldRule, KeptField};
use syncline_core::event::Side;
use syncline_core::guard::{Demand, Guard};
use syncline_core::models::ModelMode;
use syncline_core::plan::{PlanHeader, PlanSummary};
use syncline_core::policy::FieldRule;
use syncline_core::snapshot::Rejected;

use crate::text::{clean, count};

/// Why a field differs; none where nobody knows.
pub fn cause(cause: Cause) -> Option<&'static str> {
    match cause {
        Cause::Unknown => None,
        Cause::SourceChanged => Some("the source changed"),
        Cause::TargetDrifted => Some("the target drifted"),
        Cause::Both => Some("both changed"),
    }
}

/// Why a field that differs stays as the target has it: because somebody wants it so, or by a rule.
pub fn kept_by(field: &KeptField) -> &str {
    field.ignored.as_deref().unwrap_or_else(|| kept(field.rule))
}

/// Why a rule keeps a field as the target has it.
pub fn kept(rule: FieldRule) -> &'static str {
    match rule {
        FieldRule::SourceWins => "it is left to the target",
        FieldRule::TargetWins => "the target owns it (`target_wins`)",
        FieldRule::OnlyIfEmpty => "the target has a value already (`only_if_empty`)",
        FieldRule::ReportOnly => "it is compared and never written (`report_only`)",
    }
}

/// A rule that holds changes back: its name.
pub fn hold(rule: HoldRule) -> &'static str {
    match rule {
        HoldRule::SourcePartial => "absence not proven",
        HoldRule::TargetPartial => "target not fully read",
        HoldRule::Parent => "waits with its parent",
        HoldRule::InUse => "in use",
        HoldRule::FirstRun => "first run",
        HoldRule::Shared => "shared",
        HoldRule::Policy => "no deletes",
        HoldRule::NotOurs => "not Syncline's",
        HoldRule::Quarantine => "quarantine",
        HoldRule::Ambiguous => "ambiguous",
        HoldRule::Guard => "guard",
        HoldRule::Moved => "changed since",
        HoldRule::Owner => "kept by the target",
        HoldRule::NameTaken => "name taken",
        HoldRule::Ignored => "left alone",
    }
}

/// Why a rule holds a change back, to be read behind the name of the rule: a reason that begins with it does not say it again.
pub fn because(rule: HoldRule, reason: &str) -> &str {
    let rest = reason.strip_prefix(hold(rule)).filter(|rest| rest.starts_with(' '));
    rest.map_or(reason, str::trim_start)
}

/// A rule that holds changes back: what becomes of them, and what a person can do.
pub fn remedy(rule: HoldRule) -> &'static str {
    match rule {
        HoldRule::SourcePartial => {
            "the source seems to lack them, but was not read to its end or has far less than usual; only a complete read proves \
             that they are gone"
        }
        HoldRule::TargetPartial => "they may be there already; they are created once the target is read to its end",
        HoldRule::Parent => "they stay as long as what they belong to, and go with it",
        HoldRule::InUse => "something that stays refers to them; change that in the source, or in the target by hand",
        HoldRule::FirstRun => {
            "the first run of a sync, and of a changed one, deletes nothing; the next run judges them"
        }
        HoldRule::Shared => {
            "others may use them too, so a source that stops mentioning them proves nothing; delete by hand what nobody needs"
        }
        HoldRule::Policy => "the sync holds deletes back (`policy.deletes = \"hold\"`), or its target takes none",
        HoldRule::NotOurs => {
            "Syncline did not create them and was not told to adopt them; `policy.only_own = false` deletes them all the same"
        }
        HoldRule::Quarantine => {
            "deleted when due, if still absent by then; `syncline quarantine` lists them, and keeps or releases them"
        }
        HoldRule::Ambiguous => "nobody can say which record is meant; merge or rename the ones that the reason names",
        HoldRule::Guard => "a person has to look at them first, and to approve the plan",
        HoldRule::Moved => "somebody changed them after the run that is taken back; look at them and decide by hand",
        HoldRule::Owner => "every field that differs is the target's own; `policy.fields` says which fields are",
        HoldRule::NameTaken => {
            "another record of the target still has the name; once that one has another one, the next run does the rest"
        }
        HoldRule::Ignored => {
            "somebody wants these differences left alone, until the day that each says; `syncline ignore list` has them, and ends them"
        }
    }
}

/// Rules by their names in plans, with how many changes each holds back: the name for people, and what can be done.
pub fn held<'a>(
    rules: impl IntoIterator<Item = (&'a String, &'a u64)>,
) -> impl Iterator<Item = (u64, String, &'static str)> {
    rules.into_iter().map(|(name, number)| match serde_json::from_value::<HoldRule>(Value::from(name.as_str())) {
        Ok(rule) => (*number, hold(rule).to_owned(), remedy(rule)),
        // A rule that this version does not know.
        Err(_) => (*number, clean(&name.replace('_', " ")).into_owned(), "each of them says why"),
    })
}

/// Every rule of a plan that holds changes back, over all models.
pub fn all_held(summary: &PlanSummary) -> Vec<(u64, String, &'static str)> {
    let mut rules = std::collections::BTreeMap::<String, u64>::new();
    for (rule, number) in summary.models.iter().flat_map(|model| &model.held) {
        *rules.entry(rule.clone()).or_default() += number;
    }
    held(&rules).collect()
}

/// What a plan is, before the name of its sync.
pub fn title(header: &PlanHeader) -> String {
    match (header.undoes, header.reruns) {
        (Some(run), _) => format!("Undo of run {run} of "),
        (_, Some(run)) => format!("Rerun of run {run} of "),
        _ if header.drift => "Drift check of ".to_owned(),
        _ if header.replays.is_some() => "Plan from a recording of ".to_owned(),
        _ if header.scope.is_some() => "Plan of a part of ".to_owned(),
        _ => "Plan of ".to_owned(),
    }
}

/// What is particular about a plan; none when it is like others.
pub fn purpose(header: &PlanHeader) -> Option<String> {
    match (header.undoes, header.reruns) {
        (Some(run), _) => Some(format!(
            "takes back what run {run} changed. The source was not asked, and what somebody changed since then stays as it is"
        )),
        (_, Some(run)) => Some(format!("only what run {run} did not get done, and what that needs")),
        _ if header.drift => {
            Some("shows how the target differs from the source; the check itself writes nothing".to_owned())
        }
        _ => {
            let replays = header.replays.map(|at| {
                let at = at.format("%Y-%m-%d %H:%M UTC");
                format!("was made from what was recorded at {at}, not from the systems, and cannot be applied")
            });
            let scope = header.scope.as_ref();
            let scope = scope.map(|scope| format!("covers only {}, and what that needs", clean(&scope.to_string())));
            let said: Vec<_> = replays.into_iter().chain(scope).collect();
            (!said.is_empty()).then(|| said.join("; it "))
        }
    }
}

/// What a plan says of a target that was full before: to be adopted, created, unclear. None when there is nothing of the kind.
pub fn adoption(adopt: u64, create: u64, ambiguous: u64, adopts: bool) -> Option<String> {
    if adopt == 0 {
        return None;
    }
    let matched = if adopts { "to adopt" } else { "matched, not adopted" };
    let parts = [(adopt, matched), (create, "to create"), (ambiguous, "ambiguous")];
    let parts = parts.map(|(number, what)| format!("{} {what}", count(number)));
    Some(parts.join(", "))
}

/// What adopting means.
pub fn adopting(adopts: bool) -> &'static str {
    if adopts {
        "records that both sides have become Syncline's own, which may delete them once the source no longer has them"
    } else {
        "records that both sides have are updated and never deleted; `policy.adopt = \"matched\"` makes them Syncline's own"
    }
}

/// Changes that write over what somebody changed in the target.
pub fn overwrites(changes: u64) -> Option<String> {
    match changes {
        0 => None,
        1 => Some("1 update writes over what somebody changed in the target since Syncline last wrote it".to_owned()),
        _ => Some(format!(
            "{} updates write over what somebody changed in the target since Syncline last wrote it",
            count(changes)
        )),
    }
}

/// Records that could not be taken over: the side and the model before them.
pub fn rejected(rejected: &Rejected<'_>) -> String {
    let Rejected { side, model, .. } = rejected;
    match side {
        Side::Source => plural_of(model),
        Side::Target => format!("the target's {}", plural_of(model)),
    }
}

/// Records that are the same on both sides.
pub fn equal(records: u64) -> String {
    match records {
        1 => "1 record is equal on both sides".to_owned(),
        _ => format!("{} records are equal on both sides", count(records)),
    }
}

/// Changes that the target would refuse, and what is done about them.
pub fn refused(plan: &PlanSummary) -> Option<String> {
    let is_stopped = plan.verdicts.iter().any(|verdict| verdict.guard == Guard::RefusedChanges);
    let (changes, tried) = match plan.refused() {
        0 => return None,
        1 => ("1 change".to_owned(), "it is tried all the same"),
        refused => (format!("{} changes", count(refused)), "they are tried all the same"),
    };
    let done = if is_stopped { "so none of the plan is written" } else { tried };
    Some(format!("{changes} would be refused as things are; {done}"))
}

/// Fields that stay as the target has them.
pub fn keeps(fields: u64) -> Option<String> {
    match fields {
        0 => None,
        1 => Some("1 field differs and stays as the target has it (`policy.fields`, or left alone)".to_owned()),
        _ => Some(format!(
            "{} fields differ and stay as the target has them (`policy.fields`, or left alone)",
            count(fields)
        )),
    }
}

/// Why some references are cleared before everything else.
pub const RELEASES: &str = "references that are cleared first, because this plan changes or deletes what they refer to";

/// A model's name for many of its records; a model that this version does not know keeps its own.
pub fn plural_of(model: &str) -> String {
    let schema = syncline_model::models::ALL.iter().find(|schema| schema.name == model);
    schema.map_or_else(|| clean(model).into_owned(), |schema| schema.plural.to_owned())
}

/// What a guard wants.
pub fn demand(demand: Demand) -> &'static str {
    match demand {
        Demand::Approval => "Needs approval",
        Demand::Refusal => "Refused",
    }
}

/// Models that are not written, and why they are in a plan.
pub fn mode(mode: ModelMode) -> Option<&'static str> {
    match mode {
        ModelMode::Sync => None,
        ModelMode::Lookup => Some("only looked up"),
        ModelMode::Off => Some("off"),
    }
}
