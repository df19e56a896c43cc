//! `syncline drift`: whether the target is as the source says.

use serde::Serialize;
use syncline_core::Error;
use syncline_core::error::ErrorReport;
use syncline_core::history::{Finding, FindingFilter, FindingKind, FindingState, RequestId, RunId};
use syncline_core::run::{Drift, DriftVerdict, RunReport, RunRequest, SyncBook as _};
use syncline_core::snapshot::Rejected;

use super::run::{followed, tell_error};
use crate::cli::exit::Exit;
use crate::cli::failure::{Failure, exit_of};
use crate::cli::session::{Opened, Session};
use crate::cli::view;

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
    /// The records that could not be taken over, by side and model.
    not_taken_over: Vec<Rejected<'a>>,
    failure: Option<ErrorReport>,
}

/// Runs the command: `{"exit_code", "run", "sync", "verdict", "compared", "not_compared", "records", "news", "differences",
/// "not_taken_over", "failure"}`.
pub async fn run(session: &Session, name: &str, full: bool, request_id: Option<RequestId>) -> Result<Exit, Failure> {
    let Opened { book, runner } = session.open().await?;
    let sync = book.sync(name).await?.definition;
    let (running, request) = (&runner, RunRequest { request_id, ..RunRequest::drift() });
    let report =
        followed(session, |events, cancel| async move { running.run(&sync, request, &events, &cancel).await }).await?;
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
        not_taken_over: report.rejections().collect(),
        failure: report.error.as_ref().map(Error::in_full),
    };
    session.console.show(&checked, |checked| {
        checked
            .drift
            .map(|drift| {
                let rejected = checked.not_taken_over.iter().copied();
                view::drift::text(drift, checked.run, checked.differences, rejected, full)
            })
            .unwrap_or_default()
    })?;
    tell_error(session, &report);
    Ok(exit)
}

/// Nobody knows whether there is drift where nothing was compared, nor of a record that could not be taken over: that is not "none".
fn exit(report: &RunReport) -> Exit {
    match (&report.error, report.drift.as_ref().map(Drift::verdict)) {
        (Some(error), _) => exit_of(error),
        (None, Some(DriftVerdict::Converged)) if report.rejected() > 0 => Exit::SomeFailed,
        (None, Some(DriftVerdict::Converged)) => Exit::Done,
        (None, Some(DriftVerdict::Differs)) => Exit::Pending,
        (None, Some(DriftVerdict::NotMeasured) | None) => Exit::Error,
    }
}

/// The differences that are there now, by model and record.
pub async fn of_sync(history: &syncline_core::history::History, sync: &str) -> syncline_core::Result<Vec<Finding>> {
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
