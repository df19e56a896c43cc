//! `syncline trigger`, `queue`, `cancel`, `pause`, `resume`: runs that workers do.

use serde::Serialize;
use syncline_core::history::{Run, RunId, RunStatus, Stop, StopRequest, Triggered};
use syncline_core::run::{RunRequest, SyncBook as _};

use super::history::find;
use super::run::{followed, show_run};
use crate::cli::console::{DIM, paint};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::session::{Opened, Session};
use crate::cli::view::report::run_table;

/// What came of asking for a run, for programs.
#[derive(Debug, Serialize)]
struct Asked {
    run: RunId,
    /// A run of the sync was under way or queued already: that one.
    already_running: bool,
    /// How many runs wait before it.
    before: usize,
}

/// `syncline trigger`: `{"run", "already_running", "before"}`.
pub async fn trigger(session: &Session, name: &str, request: RunRequest) -> Result<Exit, Failure> {
    let Opened { book, runner } = session.open().await?;
    book.provision().await?;
    let sync = book.sync(name).await?;
    let triggered = runner.trigger(&sync.definition, &request).await?;
    let run = triggered.run();
    let queue = runner.history().queue().await?;
    let before = queue.iter().take_while(|waiting| waiting.id != run).count();
    let asked = Asked { run, already_running: matches!(triggered, Triggered::AlreadyRunning(_)), before };
    session.console.show(&asked, |asked| match (asked.already_running, asked.before) {
        (true, _) => format!("run {run} of `{name}` is there already\n"),
        (false, 0) => format!("run {run} waits for a worker\n"),
        (false, before) => format!("run {run} waits for a worker, {before} runs before it\n"),
    })?;
    Ok(Exit::Done)
}

/// `syncline queue`: `[run, …]` for programs, the next one first.
pub async fn list(session: &Session) -> Result<Exit, Failure> {
    let Opened { runner, .. } = session.open().await?;
    let queue = runner.history().queue().await?;
    if queue.is_empty() && !session.console.is_json() {
        session.console.note("no run is waiting");
        return Ok(Exit::Done);
    }
    session.console.show(&queue, |queue| {
        let mut text = run_table(queue);
        for run in queue {
            if let Some(why) = waiting_for(run) {
                text.push_str(&paint(DIM, &format!("run {}: {why}\n", run.id)));
            }
        }
        text
    })?;
    Ok(Exit::Done)
}

/// What a run waits for besides a worker.
fn waiting_for(run: &Run) -> Option<String> {
    match (&run.paused, run.not_before) {
        (Some(reason), _) => Some(format!("{reason}; `syncline resume {}` lets it go on", run.id)),
        (None, Some(time)) => {
            let why = run.waiting.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
            Some(format!("not before {}{why}", time.format("%Y-%m-%d %H:%M:%S UTC")))
        }
        (None, None) => None,
    }
}

/// `syncline cancel` and `syncline pause`: `{"run", "status"}`.
pub async fn stop(session: &Session, wanted: &str, stop: Stop, reason: String) -> Result<Exit, Failure> {
    let Opened { runner, .. } = session.open().await?;
    let history = runner.history();
    let run = find(history, wanted).await?;
    let request = StopRequest { stop, by: RunRequest::default().by, reason };
    let status = history.request_stop(run.id, &request).await?;
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
    runner.history().resume(run.id).await?;
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
