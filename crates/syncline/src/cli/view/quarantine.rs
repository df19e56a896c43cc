//! Absent records as a person sees them.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use syncline_core::history::Quarantined;
use syncline_core::plan::Selector;
use syncline_core::quarantine::{State, Verdict};
use syncline_core::source::Absence;

use super::number::things;
use crate::cli::console::{BAD, DIM, GOOD, NAME, WARN, clean, paint};

/// A record as commands take it: `device:["site","name"]`.
pub fn record(absent: &Quarantined) -> String {
    Selector::Record(absent.model.clone(), absent.key.clone()).to_string()
}

/// Absent records, sync by sync.
pub fn list(absent: &[Quarantined]) -> String {
    let mut text = String::new();
    let mut sync = None;
    for one in absent {
        if sync != Some(&one.sync) {
            let _ = writeln!(text, "{}{}", if sync.is_some() { "\n" } else { "" }, paint(NAME, &clean(&one.sync)));
            sync = Some(&one.sync);
        }
        text += &row(one);
    }
    text
}

/// What came of a decision.
pub fn decided(absent: &Quarantined, verdict: Verdict) -> String {
    let what = match verdict {
        Verdict::Keep => "it is kept as long as it is absent",
        Verdict::DeleteNow => "the next run may delete it, if the policy, the guards and what refers to it let it",
        Verdict::Restore => "what was counted is forgotten; it waits from now on",
    };
    format!("{} of {}: {what}\n", paint(NAME, &clean(&record(absent))), clean(&absent.sync))
}

fn row(absent: &Quarantined) -> String {
    let streak = &absent.streak;
    let (style, state) = match absent.state {
        State::Waiting => (DIM, "waits"),
        State::Due => (BAD, "may be deleted"),
        State::Kept => (GOOD, "is kept"),
        State::Released => (BAD, "is to be deleted"),
        State::Returned => (GOOD, "is back; its mark is being taken back"),
    };
    let mut text = format!("  {}  {}\n", paint(NAME, &clean(&record(absent))), paint(style, state));
    let why = match streak.evidence {
        Absence::Gone => "the source no longer has it",
        Absence::OutOfScope => "the source has it, outside of what the sync reads",
        Absence::Filtered => "the source has it, of a kind that is not read",
        Absence::Stale => "the source has it, but could not collect it",
        Absence::Unknown => "the source does not tell why",
    };
    let _ = writeln!(text, "      absent since {}: {why}", time(streak.since));
    if absent.state != State::Returned {
        let counted = format!("{} of {}", streak.runs, things(absent.needs_runs, "run", "runs"));
        let due = match absent.state {
            State::Waiting if streak.runs == 0 => ": it does not count so far".to_owned(),
            State::Waiting | State::Due => format!(", due {}", time(absent.due_at)),
            State::Kept | State::Released | State::Returned => String::new(),
        };
        let _ = writeln!(text, "      counted by {counted}{due}; last seen absent by run {}", absent.seen_by);
    }
    if let Some(decision) = &streak.decision {
        let verdict = match decision.verdict {
            Verdict::Keep => "kept",
            Verdict::DeleteNow => "to be deleted, says",
            Verdict::Restore => "counted anew, says",
        };
        let by = if decision.verdict == Verdict::Keep { "by " } else { "" };
        let line = format!("{verdict} {by}{} ({}): {}", decision.by, time(decision.at), decision.reason);
        let _ = writeln!(text, "      {}", paint(WARN, &clean(&line)));
    }
    if let Some(mark) = &absent.mark {
        let fields: Vec<_> =
            mark.fields.iter().map(|marked| format!("`{}` is {}", marked.field, marked.value)).collect();
        let line = format!("marked in the target by run {}: {}", mark.run, fields.join(", "));
        let _ = writeln!(text, "      {}", paint(DIM, &clean(&line)));
    }
    text
}

/// A time for people: UTC, to the minute.
fn time(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%d %H:%M UTC").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use syncline_core::history::{MarkMade, MarkedField, RunId};
    use syncline_core::quarantine::{Decision, Streak};
    use syncline_model::AnyKey;

    fn at(day: u32) -> DateTime<Utc> {
        format!("2026-08-{day:02}T10:00:00Z").parse().unwrap()
    }

    fn absent(name: &str, state: State, evidence: Absence, runs: u32, verdict: Option<Verdict>) -> Quarantined {
        let decision =
            verdict.map(|verdict| Decision { verdict, by: "kim".to_owned(), reason: "we know".to_owned(), at: at(22) });
        let counted_by = (runs > 0).then_some(9);
        Quarantined {
            sync: "lab".to_owned(),
            model: "device".to_owned(),
            key: AnyKey::from_value(&json!([["atl"], name])).unwrap(),
            native_id: Some("7".to_owned()),
            state,
            streak: Streak { since: at(21), runs, counted_by, evidence, decision, returned: state == State::Returned },
            needs_runs: 3,
            due_at: at(24),
            seen_by: RunId::new(9),
            seen_at: at(23),
            mark: None,
        }
    }

    #[test]
    fn absent_records_are_told_with_all_that_decides_about_them() {
        let mut due = absent("due", State::Due, Absence::Unknown, 3, Some(Verdict::Restore));
        let marked = MarkedField { field: "tags".into(), value: json!(["absent"]), replaced: json!(null) };
        due.mark = Some(MarkMade { run: RunId::new(8), at: at(22), fields: vec![marked] });
        let mut other = absent("back", State::Returned, Absence::Gone, 0, None);
        other.sync = "other".to_owned();
        let text = list(&[
            absent("sw\u{7}", State::Waiting, Absence::Gone, 1, None),
            absent("uncollected", State::Waiting, Absence::Stale, 0, None),
            due,
            absent("kept", State::Kept, Absence::OutOfScope, 1, Some(Verdict::Keep)),
            absent("released", State::Released, Absence::Gone, 1, Some(Verdict::DeleteNow)),
            other,
        ]);
        insta::assert_snapshot!(anstream::adapter::strip_str(&text).to_string(), @r#"
lab
  device:[["atl"],"sw\u0007"]  waits
      absent since 2026-08-21 10:00 UTC: the source no longer has it
      counted by 1 of 3 runs, due 2026-08-24 10:00 UTC; last seen absent by run 9
  device:[["atl"],"uncollected"]  waits
      absent since 2026-08-21 10:00 UTC: the source has it, but could not collect it
      counted by 0 of 3 runs: it does not count so far; last seen absent by run 9
  device:[["atl"],"due"]  may be deleted
      absent since 2026-08-21 10:00 UTC: the source does not tell why
      counted by 3 of 3 runs, due 2026-08-24 10:00 UTC; last seen absent by run 9
      counted anew, says kim (2026-08-22 10:00 UTC): we know
      marked in the target by run 8: `tags` is ["absent"]
  device:[["atl"],"kept"]  is kept
      absent since 2026-08-21 10:00 UTC: the source has it, outside of what the sync reads
      counted by 1 of 3 runs; last seen absent by run 9
      kept by kim (2026-08-22 10:00 UTC): we know
  device:[["atl"],"released"]  is to be deleted
      absent since 2026-08-21 10:00 UTC: the source no longer has it
      counted by 1 of 3 runs; last seen absent by run 9
      to be deleted, says kim (2026-08-22 10:00 UTC): we know

other
  device:[["atl"],"back"]  is back; its mark is being taken back
      absent since 2026-08-21 10:00 UTC: the source no longer has it
"#);
    }
}
