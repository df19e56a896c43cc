//! What one process of an installation does beside its work: it tells the metrics what only the history knows, and removes what is
//! not kept. `serve` is that process. Two of them tell the same and find nothing left to remove.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use syncline_core::history::{FindingKind, FindingState, History, Retention, Run, RunFilter, RunId, RunStatus};
use syncline_core::queue::ApalisQueue;
use syncline_core::run::{Runner, measure};
use syncline_core::{Result, metrics};
use syncline_web::auth::session::IDLE;
use tokio_util::sync::CancellationToken;

use crate::Book;

/// How often the metrics are told what the history knows.
const TELL: Duration = Duration::from_secs(15);
/// How often what is not kept is removed.
const TIDY: Duration = Duration::from_hours(1);
/// For how long the queue remembers deliveries that are done, and workers that are gone.
const QUEUE_KEPT: Duration = Duration::from_hours(24);
/// More runs that wait for approval are not counted.
const MOST_WAITING: u64 = 1000;
/// Among so many runs of a sync the newest one is looked for that compared everything.
const LOOKED_AT: u64 = 10;

/// Tells until `cancel` what only the history knows. One process does, or each would tell its own.
pub async fn tell(book: &Book, history: &History, cancel: &CancellationToken) {
    let mut told = Told::default();
    while !cancel.is_cancelled() {
        if let Err(error) = told.tell(book, history).await {
            tracing::warn!(error = %error.report(), "the metrics could not be told what the history knows; trying again");
        }
        tokio::select! {
            () = cancel.cancelled() => {}
            () = tokio::time::sleep(TELL) => {}
        }
    }
}

/// What was told before.
#[derive(Debug, Default)]
struct Told {
    /// The syncs whose runs are counted.
    syncs: BTreeSet<String>,
    /// The run whose deletes were counted, by sync: that is done once, as it looks at every one of them.
    held: BTreeMap<String, RunId>,
}

impl Told {
    async fn tell(&mut self, book: &Book, history: &History) -> Result<()> {
        metrics::runs_queued(history.queue().await?.len() as u64);
        let waiting = RunFilter { status: vec![RunStatus::AwaitingReview], ..RunFilter::default() };
        metrics::awaiting_review(history.runs(&waiting, None, MOST_WAITING).await?.items.len() as u64);
        metrics::history_bytes(history.bytes().await?);
        let counts = history.finding_counts(None).await?;
        for kind in FindingKind::ALL {
            let open = counts.iter().filter(|count| count.kind == kind && count.state == FindingState::Open);
            metrics::findings_open(kind.as_str(), open.map(|count| count.count).sum());
        }
        for sync in book.stored().await? {
            self.tell_sync(&sync.name, history).await?;
        }
        Ok(())
    }

    async fn tell_sync(&mut self, sync: &str, history: &History) -> Result<()> {
        if self.syncs.insert(sync.to_owned()) {
            measure::known(sync);
        }
        if let Some((_, at)) = history.last_completed_whole(sync).await? {
            metrics::last_success(sync, at.into());
        }
        for (state, number) in history.quarantine_counts(sync).await? {
            metrics::quarantined(sync, state.as_str(), number);
        }
        let over = RunFilter {
            sync: Some(sync.to_owned()),
            status: vec![RunStatus::Completed, RunStatus::Failed],
            ..RunFilter::default()
        };
        let newest = history.runs(&over, None, LOOKED_AT).await?.items.into_iter().find(Run::compared_everything);
        if let Some(run) = newest.filter(|run| self.held.get(sync) != Some(&run.id)) {
            metrics::held_deletes(sync, history.held_deletes(run.id).await?);
            self.held.insert(sync.to_owned(), run.id);
        }
        Ok(())
    }
}

/// Removes until `cancel` what is not kept: runs over the limits, files that belong to none, what the queue is done with, sessions
/// that are over.
pub async fn tidy(runner: &Runner, queue: &ApalisQueue, limits: &Retention, cancel: &CancellationToken) {
    while !cancel.is_cancelled() {
        tokio::select! {
            () = cancel.cancelled() => return,
            () = tidy_once(runner, queue, limits) => {}
        }
        tokio::select! {
            () = cancel.cancelled() => {}
            () = tokio::time::sleep(TIDY) => {}
        }
    }
}

async fn tidy_once(runner: &Runner, queue: &ApalisQueue, limits: &Retention) {
    if let Err(error) = runner.history().expire_sessions(IDLE).await {
        tracing::error!(error = %error.report(), "sessions that are over could not be forgotten; trying again in an hour");
    }
    match runner.tidy(limits).await {
        Ok(tidied) if tidied.runs.is_empty() && tidied.files == 0 => {}
        Ok(tidied) => tracing::info!(
            runs = tidied.runs.len(),
            files = tidied.files,
            bytes = tidied.bytes,
            "removed runs and files that are not kept any more (`data.retention`)"
        ),
        Err(error) => {
            tracing::error!(error = %error.report(), "what is not kept could not be removed; trying again in an hour");
        }
    }
    match queue.tidy(QUEUE_KEPT).await {
        Ok(tidied) if tidied.jobs == 0 && tidied.workers == 0 => {}
        Ok(tidied) => {
            tracing::info!(jobs = tidied.jobs, workers = tidied.workers, "removed what the queue is done with");
        }
        Err(error) => {
            tracing::error!(error = %error.report(), "the queue could not be tidied; trying again in an hour");
        }
    }
}
