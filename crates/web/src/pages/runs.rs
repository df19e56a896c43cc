//! The list of runs.

use askama::Template;
use axum::extract::State;
use axum::response::Html;
use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use syncline_core::Result;
use syncline_core::history::{Purpose, Role, RunFilter, RunId, RunKind, RunOutcome, RunStatus};

use super::PageProblem;
use super::form::{self, Fields};
use super::frame::{Command, Frame, Pager, Section, Visit, html};
use super::pick::{Select, quoted};
use super::run_line::{self, NUMBERS, RunLine};
use crate::ApiState;
use crate::auth::Who;
use crate::input::SearchText;

/// How many runs a page has.
const PAGE: u64 = 50;

/// The list of runs.
#[derive(Template)]
#[template(path = "runs.html")]
struct RunsPage {
    frame: Frame,
    selects: Vec<Select>,
    request_id: String,
    text: String,
    since: String,
    until: String,
    is_filtered: bool,
    /// The same as files: a name and a link.
    exports: Vec<(&'static str, String)>,
    runs: Vec<RunLine>,
    /// What is left out, as classes of the table.
    columns: String,
    all_columns: Vec<Column>,
    pager: Pager,
    command: Command,
}

/// A column that can be left out.
struct Column {
    name: &'static str,
    hidden: bool,
}

/// The columns that can be left out beside the numbers, by their names.
const COLUMNS: [&str; 4] = ["sync", "kind", "began", "time"];

/// `GET /runs?sync=lab&source=fwd&target=netbox&outcome=partial,failed&status=queued,syncing&kind=scheduled&purpose=drift&dry=false&request_id=CHG0042&text=kim&since=2026-11-20&hide=kind&before=17`.
pub async fn page(
    State(state): State<ApiState>,
    visit: Visit,
    who: Who,
    fields: Fields,
) -> Result<Html<String>, PageProblem> {
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
        outcome: fields.names::<RunOutcome>("outcome")?,
        source: fields.text("source").map(str::to_owned),
        target: fields.text("target").map(str::to_owned),
        text: fields.parsed::<SearchText>("text")?.map(|text| text.0),
        since: day("since")?,
        until: day("until")?,
    };
    let before = fields.parsed("before")?.map(RunId::new);
    let (history, now) = (state.runner.history(), Utc::now());
    let found = history.runs(&filter, before, PAGE).await?;
    let runs = run_line::lines(history, &found.items, now).await?;
    let next = found.next.map(|next| fields.with("/runs", "before", Some(&next.to_string()), &[]));
    let first = before.map(|_| fields.with("/runs", "before", None, &[]));
    let syncs = history.syncs().await?.into_iter().map(|sync| sync.name);
    let mut syncs: Vec<_> = syncs.filter(|sync| who.sees(sync)).collect();
    syncs.sort();
    let sides = sides(&state, &who).await?;
    let text = |name: &str| fields.text(name).unwrap_or_default().to_owned();
    let all_columns = columns(&fields);
    let hidden = all_columns
        .iter()
        .filter(|column| column.hidden)
        .fold(String::new(), |classes, column| classes + " hide-" + column.name);
    html(&RunsPage {
        frame: visit.frame("Runs", Section::Runs),
        selects: selects(&fields, &syncs, &sides),
        text: text("text"),
        exports: exports(&fields, &filter),
        request_id: text("request_id"),
        since: text("since"),
        until: text("until"),
        is_filtered: filter != RunFilter::default(),
        runs,
        columns: hidden,
        all_columns,
        pager: Pager { first, next, word: "Older" },
        command: Command(command(&filter)),
    })
}

/// The columns that can be left out, with those that are: `hide=kind,began`. What is no column is nothing.
fn columns(fields: &Fields) -> Vec<Column> {
    let hidden: Vec<&str> = fields.all("hide").flat_map(|names| names.split(',')).map(str::trim).collect();
    let all = COLUMNS.into_iter().chain(NUMBERS);
    all.map(|name| Column { name, hidden: hidden.contains(&name) }).collect()
}

/// The names of the connections that syncs read by, and of those that they write by.
async fn sides(state: &ApiState, who: &Who) -> Result<[Vec<String>; 2]> {
    let (mut sources, mut targets) = (Vec::new(), Vec::new());
    for (_, sync) in state.syncs.syncs().await?.into_iter().filter(|(name, _)| who.sees(name)) {
        // One that cannot be read has no sides to tell.
        let Ok(sync) = sync else { continue };
        sources.push(sync.definition.source.connection_name);
        targets.push(sync.definition.target.connection_name);
    }
    Ok([sources, targets].map(|mut names| {
        names.sort();
        names.dedup();
        names
    }))
}

/// The links to these runs as files. Days are written there as times.
fn exports(fields: &Fields, filter: &RunFilter) -> Vec<(&'static str, String)> {
    let time = |at: Option<DateTime<Utc>>| at.map(|at| at.to_rfc3339_opts(SecondsFormat::Secs, true));
    let times = [("since", time(filter.since)), ("until", time(filter.until))];
    let formats = [("NDJSON", "ndjson"), ("CSV", "csv")];
    let link = |(name, format): (&'static str, &'static str)| {
        let kept =
            fields.pairs().filter(|(name, _)| !matches!(*name, "before" | "since" | "until" | "format" | "hide"));
        let times = times.iter().filter_map(|(name, at)| Some((*name, at.as_deref()?)));
        (name, form::link("/api/v1/runs/export", kept.chain(times).chain([("format", format)])))
    };
    formats.map(link).into()
}

fn selects(fields: &Fields, syncs: &[String], [sources, targets]: &[Vec<String>; 2]) -> Vec<Select> {
    let chosen = |name: &str| fields.text(name).unwrap_or_default().to_owned();
    let named = |name: &str| (name.to_owned(), name.replace('_', " "));
    let same = |names: &[String]| names.iter().map(|name| (name.clone(), name.clone())).collect::<Vec<_>>();
    let outcomes = RunOutcome::ALL.map(|outcome| (outcome.as_str().to_owned(), outcome.word().to_owned()));
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
    let purposes = [Purpose::Sync, Purpose::Apply, Purpose::Drift, Purpose::Undo, Purpose::Rerun, Purpose::Part];
    let dry = [("true".to_owned(), "dry runs".to_owned()), ("false".to_owned(), "real runs".to_owned())];
    vec![
        Select::new("sync", "Sync", same(syncs), &chosen("sync")),
        Select::new("source", "Source", same(sources), &chosen("source")),
        Select::new("target", "Target", same(targets), &chosen("target")),
        Select::new("outcome", "Outcome", outcomes, &chosen("outcome")),
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
