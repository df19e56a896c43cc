//! `syncline trigger`, `queue`, `cancel`, `pause`, `resume`: runs that workers do.

use std::collections::BTreeMap;

use serde::Serialize;
use syncline_core::history::{AuditAction, RequestId, Run, RunId, RunStatus, Stop, StopRequest, Triggered, WaitsFor};
use syncline_core::run::{RunRequest, SyncBook as _};

use super::account::note;
use super::history::find;
use super::run::{ensure_open, followed, show_run};
use crate::cli::console::{DIM, clean, paint};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::session::{Opened, Session};
use crate::cli::view::report::{run_table, waits_for};

/// What came of asking for a run, for programs.
#[derive(Debug, Serialize)]
struct Asked {
    run: RunId,
    /// A run of the sync that was asked to do the same was under way or queued already: that one.
    already_running: bool,
    /// Under which id it was asked for first; null when it was given none.
    request_id: Option<RequestId>,
    /// How many runs wait before it.
    before: usize,
    /// What it waits for; null when it waits for nothing any more.
    waits_for: Option<WaitsFor>,
}

/// `syncline trigger`: `{"run", "already_running", "request_id", "before", "waits_for"}`.
pub async fn trigger(session: &Session, name: &str, request: RunRequest) -> Result<Exit, Failure> {
    let Opened { book, runner } = session.open().await?;
    book.provision().await?;
    let sync = book.sync(name).await?;
    let triggered = runner.trigger(&sync.definition, &request).await?;
    let run = triggered.run();
    note(runner.history(), AuditAction::RunTrigger, name, Some(&format!("run {run}"))).await?;
    let queue = runner.history().waiting().await?;
    let before = queue.iter().take_while(|waiting| waiting.run.id != run).count();
    let waits = queue.into_iter().find(|waiting| waiting.run.id == run).map(|waiting| waiting.waits_for);
    let already_running = matches!(triggered, Triggered::AlreadyRunning(_));
    let why = waits.as_ref().and_then(|waits| waits_for(run, waits));
    let request_id = runner.history().run(run).await?.and_then(|run| run.request_id);
    let asked = Asked { run, already_running, request_id, before, waits_for: waits };
    session.console.show(&asked, |asked| match (asked.already_running, &why, asked.before) {
        (true, Some(why), _) => format!("run {run} of `{name}` is there already: {}\n", clean(why)),
        (true, None, _) => format!("run {run} of `{name}` is there already\n"),
        (false, Some(why), _) => format!("run {run}: {}\n", clean(why)),
        (false, None, 0) => format!("run {run} waits for a worker\n"),
        (false, None, before) => format!("run {run} waits for a worker, {before} runs before it\n"),
    })?;
    Ok(Exit::Done)
}

/// `syncline queue`: `[{run…, "position", "waits_for"}, …]` for programs, the next one first.
pub async fn list(session: &Session) -> Result<Exit, Failure> {
    let Opened { runner, .. } = session.open().await?;
    let queue = runner.history().waiting().await?;
    if queue.is_empty() && !session.console.is_json() {
        session.console.note("no run is waiting");
        return Ok(Exit::Done);
    }
    session.console.show(&queue, |queue| {
        let runs: Vec<_> = queue.iter().map(|waiting| waiting.run.clone()).collect();
        let mut text = run_table(&runs, &BTreeMap::new());
        for waiting in queue {
            let run = waiting.run.id;
            if let Some(why) = waits_for(run, &waiting.waits_for) {
                text.push_str(&paint(DIM, &format!("run {run}: {}\n", clean(&why))));
            }
        }
        text
    })?;
    Ok(Exit::Done)
}

/// `syncline cancel` and `syncline pause`: `{"run", "status"}`.
pub async fn stop(session: &Session, wanted: &str, stop: Stop, reason: String) -> Result<Exit, Failure> {
    let Opened { runner, .. } = session.open().await?;
    let history = runner.history();
    let run = find(history, wanted).await?;
    let request = StopRequest { stop, by: RunRequest::default().by, reason };
    let status = history.request_stop(run.id, &request).await?;
    let action = match stop {
        Stop::Cancel => AuditAction::RunCancel,
        Stop::Pause => AuditAction::RunPause,
    };
    note(history, action, &format!("run {}", run.id), None).await?;
    let view = serde_json::json!({"run": run.id, "status": status});
    session.console.show(&view, |_| match status {
        RunStatus::Syncing => format!("run {} stops after the batches under way\n", run.id),
        RunStatus::AwaitingReview => {
            format!("run {} waits for approval; `syncline reject {}` or `cancel` ends it\n", run.id, run.id)
        }
        RunStatus::New | RunStatus::Queued if stop == Stop::Cancel => {
            format!("run {} ends when its next runner has found out what became of what it sent last\n", run.id)
        }
        RunStatus::New | RunStatus::Queued => format!("run {} is paused\n", run.id),
        status if run.status.is_final() => format!("run {} is over already (`{status}`)\n", run.id),
        status => format!("run {} is `{status}`\n", run.id),
    })?;
    Ok(Exit::Done)
}

/// `syncline resume`.
pub async fn resume(session: &Session, wanted: &str, here: bool) -> Result<Exit, Failure> {
    let Opened { book, runner } = session.open().await?;
    runner.put_back_abandoned().await?;
    let run = find(runner.history(), wanted).await?;
    if here && !run.dry {
        ensure_open(&book.sync(&run.sync).await?)?;
    }
    runner.history().resume(run.id).await?;
    note(runner.history(), AuditAction::RunResume, &format!("run {}", run.id), None).await?;
    if !here {
        let view = serde_json::json!({"run": run.id, "status": RunStatus::Queued});
        session
            .console
            .show(&view, |_| format!("run {} waits for a worker; with `--here` it goes on here\n", run.id))?;
        return Ok(Exit::Done);
    }
    go_on(session, &Opened { book, runner }, &run).await
}

/// Works on a run that waits, in this process.
pub async fn go_on(session: &Session, opened: &Opened, run: &Run) -> Result<Exit, Failure> {
    let sync = opened.book.sync(&run.sync).await?.definition;
    let (runner, id) = (&opened.runner, run.id);
    let report =
        followed(session, |events, cancel| async move { runner.go_on(id, &sync, &events, &cancel).await }).await?;
    show_run(session, runner, &report).await
}
