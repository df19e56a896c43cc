//! Findings as a person sees them.

use std::fmt::Write as _;

use syncline_core::change::Action;
use syncline_core::history::{Finding, FindingKind, FindingState};

use super::number::things;
use crate::cli::console::{DIM, NAME, WARN, clean, paint};

/// A longer value is cut; programs get all of it.
const VALUE_LENGTH: usize = 200;

/// Findings by kind, each kind with what it means.
pub fn list(findings: &[Finding]) -> String {
    let mut text = String::new();
    for kind in FindingKind::ALL {
        let mut of_kind = findings.iter().filter(|finding| finding.kind == kind).peekable();
        if of_kind.peek().is_none() {
            continue;
        }
        if !text.is_empty() {
            text.push('\n');
        }
        let (title, meaning) = words(kind);
        let _ = writeln!(text, "{} {}", paint(NAME, title), paint(DIM, meaning));
        for finding in of_kind {
            text += &one(finding);
        }
    }
    text
}

/// One finding with its story.
pub fn one(finding: &Finding) -> String {
    let label = clean(&finding.model).into_owned();
    let mut text = format!("  #{} {label} {}: {}\n", finding.id.number(), place(finding), difference(finding));
    let since =
        format!("of `{}`, in {} since run {}", finding.sync, things(finding.count, "run", "runs"), finding.since_run);
    let last = finding.last.format("%Y-%m-%d %H:%M:%S UTC");
    let mut story = format!("{since}, last in run {} ({last})", finding.last_run);
    if finding.state == FindingState::Resolved {
        story = format!("resolved: {story}");
    }
    let _ = writeln!(text, "      {}", paint(DIM, &clean(&story)));
    if let Some(seen) = &finding.acknowledged {
        let at = seen.at.format("%Y-%m-%d %H:%M:%S UTC");
        let line = format!("acknowledged by {} ({at}): {}", seen.by, seen.reason);
        let _ = writeln!(text, "      {}", paint(DIM, &clean(&line)));
    }
    text
}

/// The record that a finding is about, and its field.
pub fn place(finding: &Finding) -> String {
    let key = paint(NAME, &clean(&finding.key.to_string()));
    finding.field.as_ref().map_or_else(|| key.clone(), |field| format!("{key}  {}", clean(field)))
}

/// What differs, with both values as they were compared.
pub fn difference(finding: &Finding) -> String {
    let detail = finding.detail.as_deref().map(clean);
    let whole = match (finding.kind, finding.field.is_some(), finding.action) {
        (FindingKind::Ambiguous, ..) => return detail.map_or_else(|| "ambiguous".to_owned(), String::from),
        (_, true, _) => {
            format!("the target has {}, the source says {}", value(&finding.target), value(&finding.source))
        }
        (FindingKind::Flapping, false, Action::Create) => "it is created again and again".to_owned(),
        (FindingKind::Flapping, false, Action::Delete) => "it is deleted again and again".to_owned(),
        (_, false, Action::Create) => "the target does not have it".to_owned(),
        (_, false, Action::Delete) => "the source does not have it".to_owned(),
        (_, false, Action::Update) => "it differs".to_owned(),
    };
    detail.map_or_else(|| whole.clone(), |detail| format!("{whole}; {detail}"))
}

/// A value as it was compared: as JSON, which tells a text from a number.
fn value(value: &serde_json::Value) -> String {
    let text = value.to_string();
    let mut cut: String = text.chars().take(VALUE_LENGTH).collect();
    if cut.len() < text.len() {
        cut.push('…');
    }
    paint(WARN, &clean(&cut))
}

fn words(kind: FindingKind) -> (&'static str, &'static str) {
    match kind {
        FindingKind::Flapping => ("Flapping", "each run makes the same change again: something undoes it in between"),
        FindingKind::Ambiguous => ("Ambiguous", "several records answer to one key, so none of them is touched"),
        FindingKind::Drift => ("Drift", "the target differs from the source"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};
    use syncline_core::history::{Acknowledged, FindingId, RunId};
    use syncline_model::AnyKey;

    fn finding(id: i64, kind: FindingKind, field: Option<&str>, action: Action, values: [Value; 2]) -> Finding {
        let at = |hour: u32| format!("2026-08-25T{hour:02}:00:00Z").parse().unwrap();
        let [target, source] = values;
        Finding {
            id: FindingId::new(id),
            sync: "lab".to_owned(),
            kind,
            model: "device".to_owned(),
            key: AnyKey::from_value(&json!([["atlanta-dc1"], "core\u{7}-1"])).unwrap(),
            field: field.map(str::to_owned),
            action,
            target,
            source,
            detail: None,
            state: FindingState::Open,
            first_run: RunId::new(2),
            since_run: RunId::new(4),
            last_run: RunId::new(6),
            resolved_run: None,
            count: 3,
            first: at(8),
            last: at(10),
            acknowledged: None,
        }
    }

    #[test]
    fn findings_are_told_with_both_values() {
        let none = || [Value::Null, Value::Null];
        let flapping = finding(1, FindingKind::Flapping, Some("serial"), Action::Update, [json!("1 "), json!(1)]);
        let mut long =
            finding(2, FindingKind::Drift, Some("tags"), Action::Update, [json!([]), json!(["x".repeat(300)])]);
        long.state = FindingState::Acknowledged;
        long.acknowledged =
            Some(Acknowledged { by: "kim".to_owned(), at: long.last, reason: "the vendor knows".to_owned() });
        let mut gone = finding(3, FindingKind::Drift, None, Action::Delete, none());
        gone.detail = Some("it has waited for 1 of 3 runs".to_owned());
        let mut back = finding(4, FindingKind::Drift, None, Action::Create, none());
        (back.state, back.count) = (FindingState::Resolved, 1);
        let mut many = finding(5, FindingKind::Ambiguous, None, Action::Update, none());
        many.detail = Some("3 records of the target answer to it".to_owned());
        let text = list(&[flapping, long, gone, back, many]);
        insta::assert_snapshot!(anstream::adapter::strip_str(&text).to_string(), @r#"
Flapping each run makes the same change again: something undoes it in between
  #1 device atlanta-dc1 / core\u{7}-1  serial: the target has "1 ", the source says 1
      of `lab`, in 3 runs since run 4, last in run 6 (2026-08-25 10:00:00 UTC)

Ambiguous several records answer to one key, so none of them is touched
  #5 device atlanta-dc1 / core\u{7}-1: 3 records of the target answer to it
      of `lab`, in 3 runs since run 4, last in run 6 (2026-08-25 10:00:00 UTC)

Drift the target differs from the source
  #2 device atlanta-dc1 / core\u{7}-1  tags: the target has [], the source says ["xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…
      of `lab`, in 3 runs since run 4, last in run 6 (2026-08-25 10:00:00 UTC)
      acknowledged by kim (2026-08-25 10:00:00 UTC): the vendor knows
  #3 device atlanta-dc1 / core\u{7}-1: the source does not have it; it has waited for 1 of 3 runs
      of `lab`, in 3 runs since run 4, last in run 6 (2026-08-25 10:00:00 UTC)
  #4 device atlanta-dc1 / core\u{7}-1: the target does not have it
      resolved: of `lab`, in 1 run since run 4, last in run 6 (2026-08-25 10:00:00 UTC)
"#);
    }
}
