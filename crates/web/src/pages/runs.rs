//! The list of runs.

use askama::Template;
use axum::extract::State;
use axum::response::Html;
use chrono::{DateTime, NaiveDate, Utc};
use syncline_core::history::{Purpose, RunFilter, RunId, RunKind, RunStatus};

use super::PageProblem;
use super::form::Fields;
use super::frame::{Command, Frame, Pager, Section, Visit, html};
use super::pick::{Select, quoted};
use super::run_line::{self, NUMBERS, RunLine};
use crate::ApiState;

/// How many runs a page has.
const PAGE: u64 = 50;

/// The list of runs.
#[derive(Template)]
#[template(path = "runs.html")]
struct RunsPage {
    frame: Frame,
    selects: Vec<Select>,
    request_id: String,
    since: String,
    until: String,
    is_filtered: bool,
    runs: Vec<RunLine>,
    pager: Pager,
    command: Command,
}

/// `GET /runs?sync=lab&status=queued,syncing&kind=scheduled&purpose=drift&dry=false&request_id=CHG0042&since=2026-11-20&before=17`.
pub async fn page(State(state): State<ApiState>, visit: Visit, fields: Fields) -> Result<Html<String>, PageProblem> {
    let day = |name: &str| -> Result<Option<DateTime<Utc>>, PageProblem> {
        let day: Option<NaiveDate> = fields.parsed(name)?;
        Ok(day.and_then(|day| day.and_hms_opt(0, 0, 0)).map(|midnight| midnight.and_utc()))
    };
    let filter = RunFilter {
        sync: fields.text("sync").map(str::to_owned),
        status: fields.names::<RunStatus>("status")?,
        kind: fields.named::<RunKind>("kind")?,
        purpose: fields.named::<Purpose>("purpose")?,
        request_id: fields.parsed("request_id")?,
        dry: fields.parsed("dry")?,
        since: day("since")?,
        until: day("until")?,
    };
    let before = fields.parsed("before")?.map(RunId::new);
    let (history, now) = (state.runner.history(), Utc::now());
    let found = history.runs(&filter, before, PAGE).await?;
    let runs = run_line::lines(history, &found.items, now).await?;
    let next = found.next.map(|next| fields.with("/runs", "before", Some(&next.to_string()), &[]));
    let first = before.map(|_| fields.with("/runs", "before", None, &[]));
    let mut syncs: Vec<_> = history.syncs().await?.into_iter().map(|sync| sync.name).collect();
    syncs.sort();
    let text = |name: &str| fields.text(name).unwrap_or_default().to_owned();
    html(&RunsPage {
        frame: visit.frame("Runs", Section::Runs),
        selects: selects(&fields, &syncs),
        request_id: text("request_id"),
        since: text("since"),
        until: text("until"),
        is_filtered: filter != RunFilter::default(),
        runs,
        pager: Pager { first, next, word: "Older" },
        command: Command(command(&filter)),
    })
}

fn selects(fields: &Fields, syncs: &[String]) -> Vec<Select> {
    let chosen = |name: &str| fields.text(name).unwrap_or_default().to_owned();
    let named = |name: &str| (name.to_owned(), name.replace('_', " "));
    let statuses = [
        RunStatus::New,
        RunStatus::Queued,
        RunStatus::Syncing,
        RunStatus::AwaitingReview,
        RunStatus::Completed,
        RunStatus::Failed,
        RunStatus::Cancelled,
    ];
    let kinds = [RunKind::Adhoc, RunKind::Scheduled, RunKind::Webhook];
    let purposes = [Purpose::Sync, Purpose::Apply, Purpose::Drift, Purpose::Undo, Purpose::Rerun];
    let dry = [("true".to_owned(), "dry runs".to_owned()), ("false".to_owned(), "real runs".to_owned())];
    vec![
        Select::new("sync", "Sync", syncs.iter().map(|sync| (sync.clone(), sync.clone())), &chosen("sync")),
        Select::new("status", "Status", statuses.map(|status| named(status.as_str())), &chosen("status")),
        Select::new("kind", "Started by", kinds.map(|kind| named(kind.as_str())), &chosen("kind")),
        Select::new("purpose", "For", purposes.map(|purpose| named(purpose.as_str())), &chosen("purpose")),
        Select::new("dry", "Dry or real", dry, &chosen("dry")),
    ]
}

fn command(filter: &RunFilter) -> String {
    let sync = filter.sync.as_ref().map(|sync| format!(" --sync {}", quoted(sync))).unwrap_or_default();
    let request = filter.request_id.as_ref().map(|id| format!(" --request-id {id}")).unwrap_or_default();
    format!("syncline history{sync}{request}")
}
