//! A drift check as a person sees it.

use std::fmt::Write as _;

use syncline_core::history::{Finding, RunId};
use syncline_core::run::{Drift, DriftVerdict};
use syncline_core::snapshot::Rejected;

use super::finding::{difference, place};
use super::number::{count, things};
use super::rejected;
use crate::cli::console::{DIM, GOOD, NAME, WARN, clean, paint};

/// How many differences are shown when not all are.
const SHOWN: usize = 40;

/// The differences, by model and record as they come; what they amount to; what was compared and what not, and which records could not
/// be taken over.
pub fn text<'a>(
    drift: &Drift,
    run: RunId,
    differences: &[Finding],
    rejected: impl IntoIterator<Item = Rejected<'a>>,
    full: bool,
) -> String {
    let mut text = String::new();
    let shown = if full { differences.len() } else { SHOWN };
    let mut model = "";
    for finding in differences.iter().take(shown) {
        if finding.model != model {
            model = &finding.model;
            let schema = syncline_model::models::by_name(model);
            let label = schema.map_or(model, |schema| schema.plural);
            let _ = writeln!(text, "{}", paint(NAME, &clean(label)));
        }
        let new = if finding.since_run == run { paint(WARN, " (new)") } else { String::new() };
        let seen = finding.acknowledged.as_ref().map(|seen| format!(" (acknowledged by {}: {})", seen.by, seen.reason));
        let seen = seen.map(|seen| paint(DIM, &clean(&seen))).unwrap_or_default();
        let _ = writeln!(text, "  #{} {}: {}{new}{seen}", finding.id.number(), place(finding), difference(finding));
    }
    let more = differences.len().saturating_sub(shown);
    if more > 0 {
        let line = format!("  … {} more (--full shows them)", count(more as u64));
        let _ = writeln!(text, "{}", paint(DIM, &line));
    }
    if !differences.is_empty() {
        text.push('\n');
    }
    let verdict = match drift.verdict() {
        DriftVerdict::Converged => paint(GOOD, "No drift"),
        DriftVerdict::NotMeasured => paint(WARN, "Not measured: nothing was compared"),
        DriftVerdict::Differs => paint(WARN, &format!("Drift: {}", amount(drift))),
    };
    let all = drift.compared.len() + drift.not_compared.len();
    let records = things(drift.records, "record", "records");
    let _ = writeln!(text, "{verdict}\n  compared {} of {all} models, {records}", drift.compared.len());
    for (model, reason) in &drift.not_compared {
        let line = format!("  not compared: {model}: {reason}");
        let _ = writeln!(text, "{}", paint(DIM, &clean(&line)));
    }
    if drift.left_alone > 0 {
        let line =
            format!("  left alone: {} of what differs; `syncline ignore list` has them", count(drift.left_alone));
        let _ = writeln!(text, "{}", paint(DIM, &line));
    }
    text += &rejected::text(rejected);
    text
}

fn amount(drift: &Drift) -> String {
    let news = drift.news;
    let text = things(news.standing, "difference", "differences");
    let changes = [(news.new, "new"), (news.gone, "gone")].into_iter().filter(|(number, _)| *number > 0);
    let changes: Vec<_> = changes.map(|(number, what)| format!("{} {what}", count(number))).collect();
    if changes.is_empty() { text } else { format!("{text} ({})", changes.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use syncline_core::change::Action;
    use syncline_core::history::{Acknowledged, FindingId, FindingKind, FindingState, News};
    use syncline_model::AnyKey;

    fn finding(id: i64, model: &str, since: i64) -> Finding {
        let at = "2026-08-25T10:00:00Z".parse().unwrap();
        Finding {
            id: FindingId::new(id),
            sync: "lab".to_owned(),
            kind: FindingKind::Drift,
            model: model.to_owned(),
            key: AnyKey::from_value(&json!([format!("r{id}")])).unwrap(),
            field: Some("serial".to_owned()),
            action: Action::Update,
            target: json!("A"),
            source: json!("B"),
            detail: None,
            state: FindingState::Open,
            first_run: RunId::new(since),
            since_run: RunId::new(since),
            last_run: RunId::new(9),
            resolved_run: None,
            count: 1,
            first: at,
            last: at,
            acknowledged: None,
        }
    }

    fn plain(drift: &Drift, differences: &[Finding], full: bool) -> String {
        anstream::adapter::strip_str(&text(drift, RunId::new(9), differences, [], full)).to_string()
    }

    #[test]
    fn drift_is_told_with_what_was_not_compared() {
        let not_compared = [("vlan".to_owned(), "the source does not know it".to_owned())].into();
        let news = News { new: 1, gone: 2, standing: 45 };
        let compared = vec!["site".to_owned(), "device".to_owned()];
        let mut drift = Drift { compared, not_compared, records: 22_024, news, left_alone: 0 };
        let mut differences = vec![finding(1, "site", 4)];
        differences[0].acknowledged =
            Some(Acknowledged { by: "kim".to_owned(), at: differences[0].last, reason: "we know".to_owned() });
        differences.extend((2..=45).map(|id| finding(id, "device", if id == 2 { 9 } else { 5 })));
        let short = plain(&drift, &differences, false);
        // Those between the fourth and the last one shown read alike.
        let alike = |line: &&str| (5..=39).any(|id| line.starts_with(&format!("  #{id} ")));
        let few: Vec<_> = short.lines().filter(|line| !alike(line)).collect();
        insta::assert_snapshot!(few.join("\n"), @r#"
sites
  #1 r1  serial: the target has "A", the source says "B" (acknowledged by kim: we know)
devices
  #2 r2  serial: the target has "A", the source says "B" (new)
  #3 r3  serial: the target has "A", the source says "B"
  #4 r4  serial: the target has "A", the source says "B"
  #40 r40  serial: the target has "A", the source says "B"
  … 5 more (--full shows them)

Drift: 45 differences (1 new, 2 gone)
  compared 2 of 3 models, 22,024 records
  not compared: vlan: the source does not know it
"#);
        assert_eq!(plain(&drift, &differences, true).lines().count(), short.lines().count() + 4);

        drift.news = News::default();
        insta::assert_snapshot!(plain(&drift, &[], false), @r#"
No drift
  compared 2 of 3 models, 22,024 records
  not compared: vlan: the source does not know it
"#);
        drift.compared.clear();
        insta::assert_snapshot!(plain(&drift, &[], false), @r#"
Not measured: nothing was compared
  compared 0 of 1 models, 22,024 records
  not compared: vlan: the source does not know it
"#);
    }
}
