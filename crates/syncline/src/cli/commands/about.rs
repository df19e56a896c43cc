//! `syncline undo` and `syncline rerun`: runs that are about other runs.

use syncline_core::history::{History, Run, RunId, RunStatus};
use syncline_core::run::{Consent, RunRequest, SyncBook as _};
use syncline_core::{Error, ErrorKind, Result as CoreResult};

use super::history::find;
use super::review::ensure_words;
use super::run::{Shown, ensure_open, followed, show_plan, show_run};
use crate::cli::args::About;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::session::{Opened, Session};

/// `syncline undo`: what `run` gives, or with `--dry-run` what `plan` gives.
pub async fn undo(session: &Session, options: &About) -> Result<Exit, Failure> {
    Box::pin(run(session, options, RunRequest::undo)).await
}

/// `syncline rerun`: what `run` gives, or with `--dry-run` what `plan` gives.
pub async fn rerun(session: &Session, options: &About) -> Result<Exit, Failure> {
    Box::pin(run(session, options, RunRequest::rerun)).await
}

async fn run(session: &Session, options: &About, request: fn(RunId) -> RunRequest) -> Result<Exit, Failure> {
    if let Some(reason) = &options.approve {
        ensure_words("--approve", reason)?;
    }
    let Opened { book, runner } = session.open().await?;
    let subject = find(runner.history(), &options.run).await?;
    let sync = book.sync(&subject.sync).await?;
    if !options.dry_run {
        ensure_open(&sync)?;
    }
    let sync = &sync.definition;
    let request_id = options.request.request_id.clone();
    let request = RunRequest { dry_run: options.dry_run, request_id, ..request(subject.id) };
    // A slip is told, and leaves no failed run in the history.
    runner.subject(sync, &request).await?;
    let (running, request_made) = (&runner, request.clone());
    let report =
        followed(session, |events, cancel| async move { running.run(sync, request, &events, &cancel).await }).await?;
    if options.dry_run {
        let shown = Shown { out: options.out.as_deref(), full: options.full };
        return show_plan(session, &sync.name, &report, shown);
    }
    let waits = report.status == RunStatus::AwaitingReview;
    if waits {
        // The consent is for what was asked, and for nothing else.
        ensure_asked_for(&known(runner.history(), report.run).await?, &request_made)?;
    }
    let (Some(reason), Some(plan)) = (options.approve.as_deref().filter(|_| waits), &report.plan) else {
        return show_run(session, &runner, &report).await;
    };
    let consent = Some(Consent::from(reason));
    let applied = followed(session, |events, cancel| async move {
        running.apply(sync, plan, consent, RunRequest::default(), &events, &cancel).await
    })
    .await?;
    show_run(session, &runner, &applied).await
}

async fn known(history: &History, run: RunId) -> CoreResult<Run> {
    let known = history.run(run).await?;
    known.ok_or_else(|| Error::new(ErrorKind::Storage, format!("the history lost run {run}")))
}

/// Refuses a run that is about something else than was asked.
fn ensure_asked_for(run: &Run, request: &RunRequest) -> CoreResult<()> {
    if (run.purpose, run.subject, run.dry) == (request.purpose, request.subject, request.dry_run) {
        return Ok(());
    }
    let message = format!("run {} is none that was asked for; `syncline show {}` tells what it is", run.id, run.id);
    Err(Error::new(ErrorKind::Busy, message))
}
