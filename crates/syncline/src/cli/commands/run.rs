//! `syncline plan`, `run` and `apply`: one run each, followed and told.

use std::path::Path;

use chrono::{DateTime, Utc};
use serde::Serialize;
use syncline_core::change::Change;
use syncline_core::error::ErrorReport;
use syncline_core::event::Events;
use syncline_core::guard::{Demand, Verdict};
use syncline_core::history::{RequestId, RunId, RunSettings, RunStatus};
use syncline_core::plan::{PlanReader, PlanSummary};
use syncline_core::run::{ConfiguredSync, Consent, RunReport, RunRequest, Runner, SyncBook as _, SyncDefinition};
use syncline_core::snapshot::Rejected;
use syncline_core::{Error, ErrorKind, Result};
use syncline_render::Extent;
use tokio_util::sync::CancellationToken;

use crate::cli::args::{Request, RunArguments};
use crate::cli::console::{DIM, data_writer, paint};
use crate::cli::exit::Exit;
use crate::cli::failure::{Failure, error_text, exit_of};
use crate::cli::progress::Progress;
use crate::cli::requested;
use crate::cli::session::{Opened, Session};
use crate::cli::view;
use crate::cli::view::report::RunView;
use crate::recording::Recordings;

/// A run that has just ended, for programs: a run of the history, and what only its end knows.
#[derive(Debug, Serialize)]
struct Ended<'a> {
    exit_code: u8,
    /// The guards that object.
    verdicts: &'a [Verdict],
    /// Why it did not complete, with causes and remedy.
    failure: Option<ErrorReport>,
    /// The unfinished run of the same request that was gone on with: another one that was finished first, or this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    found: Option<RunId>,
    #[serde(flatten)]
    run: &'a RunView,
}

/// A plan that has just been made, for programs.
#[derive(Debug, Serialize)]
struct Planned<'a> {
    exit_code: u8,
    /// None of a plan that was made from recordings: no run is kept of it.
    run: Option<RunId>,
    /// When what was compared was recorded, where it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    replays: Option<DateTime<Utc>>,
    sync: &'a str,
    /// Where the plan is kept.
    plan: Option<String>,
    hash: Option<&'a str>,
    summary: &'a PlanSummary,
    /// The records that could not be taken over, by side and model.
    not_taken_over: Vec<Rejected<'a>>,
    failure: Option<ErrorReport>,
    /// The unfinished run of the same request that was gone on with: another one that was finished first, or this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    found: Option<RunId>,
    /// Every change, when everything was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    changes: Option<Vec<Change>>,
}

/// How a plan is shown, and where it is kept.
#[derive(Debug, Clone, Copy, Default)]
pub struct Shown<'a> {
    /// A file that it is kept in.
    pub out: Option<&'a Path>,
    /// Every change with every value.
    pub full: bool,
}

/// `syncline plan`.
pub async fn plan(
    session: &Session,
    name: &str,
    shown: Shown<'_>,
    request: RunRequest,
    record: Option<&Path>,
) -> Result<Exit, Failure> {
    let Opened { book, runner } = session.open().await?;
    let sync = book.sync(name).await?.definition;
    let (report, recorded) = recorded(session, &runner, &sync, request, record).await?;
    let exit = show_plan(session, name, &report, shown)?;
    tell_recorded(session, exit, recorded)
}

/// Runs a sync here and now, and records what is asked of its systems where that is wanted; then, what is said of the recordings.
async fn recorded(
    session: &Session,
    runner: &Runner,
    sync: &SyncDefinition,
    request: RunRequest,
    folder: Option<&Path>,
) -> Result<(RunReport, Option<Result<Vec<String>>>), Failure> {
    let recordings = folder.map(|folder| Recordings::begin(folder, runner.registry(), sync)).transpose()?;
    let events = recordings.as_ref().map_or_else(Events::new, Recordings::events);
    let ran =
        followed_on(session, events, |events, cancel| async move { runner.run(sync, request, &events, &cancel).await });
    match ran.await {
        // Also of a run that failed: that is what one wants to look at.
        Ok(report) => Ok((report, recordings.map(Recordings::finish))),
        // There was no run.
        Err(error) => {
            if let Some(recordings) = recordings {
                recordings.discard();
            }
            Err(error.into())
        }
    }
}

/// Says what was recorded. A recording that is not whole is an error, though the run is what it is.
fn tell_recorded(session: &Session, exit: Exit, told: Option<Result<Vec<String>>>) -> Result<Exit, Failure> {
    for line in told.transpose()?.unwrap_or_default() {
        session.console.note(&line);
    }
    Ok(exit)
}

/// Shows the plan of a dry run, and keeps it where it is wanted.
pub fn show_plan(session: &Session, sync: &str, report: &RunReport, shown: Shown<'_>) -> Result<Exit, Failure> {
    let Shown { out, full } = shown;
    let plan = match (&report.plan, out) {
        (Some(plan), Some(out)) => {
            std::fs::copy(plan, out).map_err(|error| {
                Error::new(ErrorKind::Storage, format!("cannot write the plan to `{}`", out.display())).caused_by(error)
            })?;
            Some(out.to_owned())
        }
        (plan, _) => plan.clone(),
    };
    let exit = exit(report);
    let reader = report.plan.as_deref().map(PlanReader::open).transpose()?;
    let replays = reader.as_ref().and_then(|reader| reader.header().replays);
    // What is in the folder of a replay is gone with it.
    let plan = if replays.is_some() { out.map(Path::to_owned) } else { plan };
    if session.console.is_json() {
        let changes = match &reader {
            Some(reader) if full => Some(reader.changes()?.collect::<Result<Vec<_>>>()?),
            _ => None,
        };
        session.console.json(&Planned {
            exit_code: exit as u8,
            run: Some(report.run).filter(|_| replays.is_none()),
            replays,
            sync,
            plan: plan.as_ref().map(|plan| plan.display().to_string()),
            hash: report.plan_hash.as_deref(),
            summary: &report.summary,
            not_taken_over: report.rejections().collect(),
            failure: report.error.as_ref().map(Error::in_full),
            found: report.found,
            changes,
        })?;
        return Ok(exit);
    }
    if let Some(found) = found(report) {
        session.console.note(found.trim_end());
    }
    if let Some(reader) = &reader {
        write_plan(reader, full)?;
    }
    tell_error(session, report);
    if let Some(plan) = plan.filter(|_| replays.is_none() && report.summary.to_apply() > 0 && report.error.is_none()) {
        let approval = if exit == Exit::NeedsApproval { " --approve REASON" } else { "" };
        let line = format!("`syncline apply {}{approval}` applies exactly this plan", plan.display());
        session.console.note(&paint(DIM, &line));
    }
    Ok(exit)
}

/// Writes a plan as a diff.
pub fn write_plan(reader: &PlanReader, full: bool) -> Result<(), Failure> {
    let extent = if full { Extent::Full } else { Extent::Short };
    view::plan::write_plan(reader, extent, &mut data_writer())?;
    Ok(())
}

/// `syncline run`.
pub async fn run(session: &Session, options: RunArguments) -> Result<Exit, Failure> {
    let RunArguments { sync, dry_run, max_duration, reason, scope, request: Request { request_id }, record_to } =
        options;
    let asked = requested(scope)?;
    let Opened { book, runner } = session.open().await?;
    let sync = book.sync(&sync).await?;
    if !dry_run {
        ensure_open(&sync)?;
    }
    let sync = sync.definition;
    let max_duration_s = max_duration.and_then(|limit| u64::try_from(limit.duration().num_seconds()).ok());
    let settings = RunSettings { max_duration_s, ..asked.settings };
    let request = RunRequest { dry_run, settings, reason, request_id, ..asked };
    let (report, recorded) = recorded(session, &runner, &sync, request, record_to.as_deref()).await?;
    let exit = show_run(session, &runner, &report).await?;
    tell_recorded(session, exit, recorded)
}

/// `syncline apply`.
pub async fn apply(
    session: &Session,
    plan: &Path,
    consent: Option<Consent>,
    request_id: Option<RequestId>,
) -> Result<Exit, Failure> {
    if consent.as_ref().is_some_and(|consent| consent.reason.trim().is_empty()) {
        return Err(Failure::argument("an approval wants its reason: it is kept in the history"));
    }
    let name = PlanReader::open(plan)?.header().sync.clone();
    let Opened { book, runner } = session.open().await?;
    let sync = book.sync(&name).await?;
    ensure_open(&sync)?;
    let (running, sync) = (&runner, sync.definition);
    let request = RunRequest { request_id, ..RunRequest::default() };
    let report = followed(session, |events, cancel| async move {
        running.apply(&sync, plan, consent, request, &events, &cancel).await
    })
    .await?;
    show_run(session, &runner, &report).await
}

/// Refuses to write for a person while a window is closed that lets no person's runs through (`manual = false`).
pub fn ensure_open(sync: &ConfiguredSync) -> Result<()> {
    sync.automation.windows.may_start(Utc::now(), true).map_err(|closed| {
        let name = &sync.definition.name;
        let message = format!(
            "`{name}` writes nothing now: {closed}; `syncline trigger {name}` queues a run that waits for that, and `manual = true` \
             of a window lets runs through that a person starts"
        );
        Error::new(ErrorKind::Refused, message)
    })
}

/// Does what makes a run while its events are shown and Ctrl-C cancels it.
pub async fn followed<F, R>(session: &Session, run: F) -> Result<RunReport>
where
    F: FnOnce(Events, CancellationToken) -> R,
    R: Future<Output = Result<RunReport>>,
{
    followed_on(session, Events::new(), run).await
}

/// The same on a stream that is there.
pub async fn followed_on<F, R>(session: &Session, events: Events, run: F) -> Result<RunReport>
where
    F: FnOnce(Events, CancellationToken) -> R,
    R: Future<Output = Result<RunReport>>,
{
    let cancel = session.cancel();
    let progress = Progress::follow(&session.console, &events);
    let ended = run(events, cancel).await;
    progress.finish().await;
    ended
}

/// Shows how a run ended.
pub async fn show_run(session: &Session, runner: &Runner, report: &RunReport) -> Result<Exit, Failure> {
    let history = runner.history();
    let stored = history.run(report.run).await?;
    let mut stored =
        stored.ok_or_else(|| Error::new(ErrorKind::Storage, format!("the history lost run {}", report.run)))?;
    let exit = exit(report);
    if !session.console.is_json() {
        // It is told below, with causes and remedy.
        stored.error = None;
    }
    let view = RunView::load(history, stored).await?;
    let ended = Ended {
        exit_code: exit as u8,
        verdicts: &report.summary.verdicts,
        failure: report.error.as_ref().map(Error::in_full),
        found: report.found,
        run: &view,
    };
    session.console.show(&ended, |ended| {
        let mut text = found(report).unwrap_or_default().into_bytes();
        text.extend(ended.run.text(true).into_bytes());
        // Writing to memory does not fail.
        let _ = view::plan::write_verdicts(&mut text, ended.verdicts);
        String::from_utf8_lossy(&text).into_owned()
    })?;
    tell_error(session, report);
    if report.status == RunStatus::AwaitingReview {
        let run = report.run;
        session.console.note(&format!(
            "`syncline show {run}` shows what it would do; `syncline approve {run} --reason … --here` applies it, `syncline reject {run} --reason …` ends it"
        ));
    } else if let (Exit::NeedsApproval, Some(plan)) = (exit, &report.plan) {
        let plan = plan.display();
        session.console.note(&format!("look at the plan, then `syncline apply {plan} --approve REASON`"));
    }
    if let (Exit::Paused, Some(reason), Some(time)) = (exit, &report.waiting, &report.not_before) {
        let time = time.format("%H:%M:%S UTC");
        session.console.note(&format!("the run goes on after {time}, or when it is asked for again: {reason}"));
    }
    if let (Exit::Paused, Some(reason)) = (exit, &report.paused) {
        let run = report.run;
        session.console.note(&format!("the run waits ({reason}); `syncline resume {run}` lets it go on"));
    }
    Ok(exit)
}

/// What is said of an unfinished run that was gone on with.
fn found(report: &RunReport) -> Option<String> {
    let RunReport { run, found, .. } = report;
    Some(match (*found)? {
        found if found == *run => format!("run {run} was asked for earlier and not finished: this is its result\n\n"),
        found => format!("run {found} was not finished and was finished first; run {run} followed\n\n"),
    })
}

/// Tells why a run did not complete, where that is not a part of the data.
pub fn tell_error(session: &Session, report: &RunReport) {
    if let Some(error) = report.error.as_ref().filter(|_| !session.console.is_json()) {
        session.console.error(&error_text(error));
    }
}

/// What the exit code says of a run.
pub fn exit(report: &RunReport) -> Exit {
    if let Some(error) = &report.error {
        return exit_of(error);
    }
    match report.status {
        RunStatus::AwaitingReview => return Exit::NeedsApproval,
        RunStatus::Queued => return Exit::Paused,
        _ => {}
    }
    if report.dry_run {
        return match report.summary.demand() {
            Some(Demand::Refusal) => Exit::Refused,
            Some(Demand::Approval) => Exit::NeedsApproval,
            None if report.summary.to_apply() > 0 => Exit::Pending,
            // A record that is missing is not "nothing to do".
            None if report.rejected() > 0 => Exit::SomeFailed,
            None => Exit::Done,
        };
    }
    let total = report.total();
    if total.failed > 0 || report.rejected() > 0 {
        Exit::SomeFailed
    } else if total.stale > 0 {
        Exit::Stale
    } else {
        Exit::Done
    }
}
