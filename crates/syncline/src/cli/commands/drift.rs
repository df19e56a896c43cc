//! `syncline drift`: whether the target is as the source says.

use serde::Serialize;
use serde_json::Value;
use syncline_core::history::{Finding, FindingFilter, FindingKind, FindingState, RunId};
use syncline_core::run::{Drift, DriftVerdict, RunReport, RunRequest, SyncBook as _};

use super::run::{followed, tell_error};
use crate::cli::console::{DIM, GOOD, NAME, WARN, clean, paint};
use crate::cli::exit::Exit;
use crate::cli::failure::{Failure, error_json, exit_of};
use crate::cli::session::{Opened, Session};
use crate::cli::view::finding::{difference, place};
use crate::cli::view::number::{count, things};

/// How many differences are shown when not all are.
const SHOWN: usize = 40;
/// How many are fetched at once.
const PAGE: u64 = 1000;

/// What a drift check came to, for programs.
#[derive(Debug, Serialize)]
struct Checked<'a> {
    exit_code: u8,
    run: RunId,
    sync: &'a str,
    /// None when the check did not come to its end.
    verdict: Option<DriftVerdict>,
    /// What was compared and what not, and how the differences changed since the last check.
    #[serde(flatten)]
    drift: Option<&'a Drift>,
    /// Every difference.
    differences: &'a [Finding],
    failure: Option<Value>,
}

/// Runs the command: `{"exit_code", "run", "sync", "verdict", "compared", "not_compared", "records", "news", "differences", "failure"}`.
pub async fn run(session: &Session, name: &str, full: bool) -> Result<Exit, Failure> {
    let Opened { book, runner } = session.open().await?;
    let sync = book.sync(name).await?.definition;
    let running = &runner;
    let report =
        followed(
            session,
            |events, cancel| async move { running.run(&sync, RunRequest::drift(), &events, &cancel).await },
        )
        .await?;
    let mut differences = Vec::new();
    if report.drift.is_some() {
        differences = of_sync(runner.history(), name).await?;
    }
    let exit = exit(&report);
    let checked = Checked {
        exit_code: exit as u8,
        run: report.run,
        sync: name,
        verdict: report.drift.as_ref().map(Drift::verdict),
        drift: report.drift.as_ref(),
        differences: &differences,
        failure: report.error.as_ref().map(error_json),
    };
    session.console.show(&checked, |checked| text(checked, full))?;
    tell_error(session, &report);
    Ok(exit)
}

/// Nobody knows whether there is drift where nothing was compared: that is not "none".
fn exit(report: &RunReport) -> Exit {
    match (&report.error, report.drift.as_ref().map(Drift::verdict)) {
        (Some(error), _) => exit_of(error),
        (None, Some(DriftVerdict::Converged)) => Exit::Done,
        (None, Some(DriftVerdict::Differs)) => Exit::Pending,
        (None, Some(DriftVerdict::NotMeasured) | None) => Exit::Error,
    }
}

/// The differences that are there now, by model and record.
async fn of_sync(history: &syncline_core::history::History, sync: &str) -> syncline_core::Result<Vec<Finding>> {
    let filter = FindingFilter {
        sync: Some(sync.to_owned()),
        kind: Some(FindingKind::Drift),
        state: vec![FindingState::Open, FindingState::Acknowledged],
        ..FindingFilter::default()
    };
    let (mut all, mut before) = (Vec::new(), None);
    loop {
        let page = history.findings(&filter, before, PAGE).await?;
        all.extend(page.items);
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    let place = |model: &str| syncline_model::models::ALL.iter().position(|schema| schema.name == model);
    all.sort_by(|one, other| {
        let key = |finding: &Finding| (place(&finding.model), finding.key.as_str().to_owned(), finding.field.clone());
        key(one).cmp(&key(other))
    });
    Ok(all)
}

fn text(checked: &Checked<'_>, full: bool) -> String {
    let Some(drift) = checked.drift else { return String::new() };
    let mut text = String::new();
    let shown = if full { checked.differences.len() } else { SHOWN };
    let mut model = "";
    for finding in checked.differences.iter().take(shown) {
        if finding.model != model {
            model = &finding.model;
            let schema = syncline_model::models::by_name(model);
            text += &format!("{}\n", paint(NAME, &clean(schema.map_or(model, |schema| schema.plural))));
        }
        let new = if finding.since_run == checked.run { paint(WARN, " (new)") } else { String::new() };
        let seen = finding.acknowledged.as_ref().map(|seen| format!(" (acknowledged by {}: {})", seen.by, seen.reason));
        let seen = paint(DIM, &clean(&seen.unwrap_or_default()));
        text += &format!("  #{} {}: {}{new}{seen}\n", finding.id.number(), place(finding), difference(finding));
    }
    let more = checked.differences.len().saturating_sub(shown);
    if more > 0 {
        text += &paint(DIM, &format!("  … {} more (--full shows them)\n", count(more as u64)));
    }
    if !checked.differences.is_empty() {
        text.push('\n');
    }
    let verdict = match drift.verdict() {
        DriftVerdict::Converged => paint(GOOD, "No drift"),
        DriftVerdict::NotMeasured => paint(WARN, "Not measured: nothing was compared"),
        DriftVerdict::Differs => paint(WARN, &format!("Drift: {}", differences(drift))),
    };
    text += &format!("{verdict}\n");
    let models = format!("{} of {} models", drift.compared.len(), drift.compared.len() + drift.not_compared.len());
    text += &format!("  compared {models}, {}\n", things(drift.records, "record", "records"));
    for (model, reason) in &drift.not_compared {
        text += &paint(DIM, &format!("  not compared: {model}: {}\n", clean(reason)));
    }
    text
}

fn differences(drift: &Drift) -> String {
    let news = drift.news;
    let text = things(news.standing, "difference", "differences");
    let changes = [(news.new, "new"), (news.gone, "gone")].into_iter().filter(|(number, _)| *number > 0);
    let changes: Vec<_> = changes.map(|(number, what)| format!("{} {what}", count(number))).collect();
    if changes.is_empty() { text } else { format!("{text} ({})", changes.join(", ")) }
}
