//! A worker: takes runs from the queue, and sees to it that none is forgotten.

use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use futures::FutureExt;
use tokio_util::sync::CancellationToken;

use super::Runner;
use super::book::SyncBook;
use super::limits::is_manual;
use crate::event::{Event, Events, Level};
use crate::history::{Abandoned, Claim, Claimed, RunId, RunStatus, Stop};
use crate::queue::{Delivery, RunQueue, WorkerOptions};
use crate::stop::StopSignal;
use crate::{ErrorKind, Result};

/// How often somebody looks for runs that no runner was told of, and for those whose runners died.
const SWEEP: Duration = Duration::from_secs(1);
/// After how long a runner that was told of a run and did not take it is taken for dead.
const PATIENCE: Duration = Duration::from_secs(5);
/// How many sweeps there are to one look for plans that nobody decided about.
const REVIEW_SWEEPS: u32 = 60;

/// Takes runs from a queue and works on them.
pub struct Worker {
    runner: Arc<Runner>,
    book: Arc<dyn SyncBook>,
    queue: Arc<dyn RunQueue>,
    follow: Option<Follower>,
}

/// Who wants to see the events of a worker's runs: called when one begins.
pub type Follower = Arc<dyn Fn(RunId, &Events) + Send + Sync>;

impl Worker {
    /// A worker for the syncs in `book`.
    pub fn new(runner: Arc<Runner>, book: Arc<dyn SyncBook>, queue: Arc<dyn RunQueue>) -> Self {
        Self { runner, book, queue, follow: None }
    }

    /// Shows the events of its runs to `follower`.
    pub fn with_follower(self, follower: Follower) -> Self {
        Self { follow: Some(follower), ..self }
    }

    /// Works until `cancel`. Runs under way are stopped after the batches under way, and left to other workers.
    pub async fn serve(self: Arc<Self>, options: WorkerOptions, cancel: &CancellationToken) -> Result<()> {
        let (worker, ending) = (Arc::clone(&self), cancel.clone());
        let handler = Arc::new(move |run| {
            let (worker, ending) = (Arc::clone(&worker), ending.clone());
            async move { worker.take(run, &ending).await }.boxed()
        });
        let sweeping = self.sweep_until(cancel);
        let serving = self.queue.serve(options, cancel.clone(), handler);
        let (served, ()) = futures::future::join(serving, sweeping).await;
        served
    }

    /// Tells runners of what they could take, and puts back what dead ones left. Any number of processes may do so.
    pub async fn sweep(&self) -> Result<()> {
        for abandoned in self.runner.put_back_abandoned().await? {
            match abandoned {
                Abandoned::Requeued(run) => tracing::warn!(%run, "its runner died; another one goes on with it"),
                Abandoned::Paused(run) => {
                    tracing::error!(%run, "it was taken too often to no end, with changes in doubt: it waits for a person");
                }
                Abandoned::Failed(run) => tracing::error!(%run, "it was taken too often to no end, and failed"),
            }
        }
        for ready in self.runner.history().take_ready(PATIENCE).await? {
            self.queue.push(Delivery { run: ready.run, number: ready.delivery }).await?;
        }
        Ok(())
    }

    async fn sweep_until(&self, cancel: &CancellationToken) {
        let mut sweeps = 0_u32;
        while !cancel.is_cancelled() {
            if let Err(error) = self.sweep().await {
                tracing::warn!(error = %error.report(), "the queue could not be looked after; trying again");
            }
            if sweeps.is_multiple_of(REVIEW_SWEEPS) {
                match self.runner.history().expire_reviews().await {
                    Ok(expired) => {
                        for run in expired {
                            tracing::warn!(%run, "nobody decided about its plan in time");
                        }
                    }
                    Err(error) => tracing::warn!(error = %error.report(), "waiting plans could not be looked at"),
                }
            }
            sweeps = sweeps.wrapping_add(1);
            tokio::select! {
                () = cancel.cancelled() => {}
                () = tokio::time::sleep(SWEEP) => {}
            }
        }
    }

    /// Takes a run, if it is to be had, and works on it.
    async fn take(&self, run: RunId, ending: &CancellationToken) {
        match self.runner.claim(run).await {
            Ok(Claimed::Granted(claim)) => match Box::pin(self.work(claim, ending)).await {
                Ok(status) => tracing::info!(%run, %status, "the run left this worker"),
                Err(error) => tracing::error!(%run, error = %error.report(), "the run could not be recorded"),
            },
            // Whoever has it, or is in its way, leaves it to the next sweep.
            Ok(Claimed::Busy(_) | Claimed::NotReady) => {}
            Err(error) => tracing::warn!(%run, error = %error.report(), "the run could not be taken"),
        }
        // What waited for this run need not wait for the next sweep.
        if let Err(error) = self.sweep().await {
            tracing::debug!(error = %error.report(), "the queue could not be looked after");
        }
    }

    async fn work(&self, claim: Claim, ending: &CancellationToken) -> Result<RunStatus> {
        let history = self.runner.history();
        let Some(run) = history.run(claim.run).await? else { return Ok(RunStatus::Failed) };
        let sync = match self.book.sync(&run.sync).await {
            Ok(sync) => sync,
            Err(error) => {
                return Box::pin(self.runner.leave_without_sync(claim, &run, error)).await;
            }
        };
        if let Err(closed) = sync.automation.windows.may_start(Utc::now(), is_manual(&run))
            && !run.dry
            // One that is to end only asks what became of what it sent.
            && run.stop.as_ref().is_none_or(|request| request.stop != Stop::Cancel)
        {
            tracing::info!(run = %run.id, "{closed}");
            let paused = closed.until.is_none().then(|| closed.to_string());
            history.put_back(claim, closed.until, paused.as_deref()).await?;
            return Ok(RunStatus::Queued);
        }
        let events = Events::new();
        tell(run.id, &run.sync, &events);
        if let Some(follow) = &self.follow {
            follow(run.id, &events);
        }
        let stop = StopSignal::new();
        let working = self.runner.work_within(claim, &run, (&sync.definition, &sync.automation), &events, &stop);
        tokio::pin!(working);
        let report = tokio::select! {
            // What ends the run is heard before it takes its next step.
            biased;
            () = ending.cancelled() => {
                stop.hand_over(None);
                working.await?
            }
            report = &mut working => report?,
        };
        match &report.error {
            Some(error) if error.kind() == ErrorKind::LeaseLost => Ok(RunStatus::Syncing),
            _ => Ok(report.status),
        }
    }
}

/// Puts what a run says into the log of the process.
fn tell(run: RunId, sync: &str, events: &Events) {
    let (mut events, sync) = (events.follow(), sync.to_owned());
    tokio::spawn(async move {
        loop {
            match events.recv().await {
                Ok(event) => match &*event {
                    Event::Message { level: Level::Info, text, .. } => tracing::info!(%run, sync, "{text}"),
                    Event::Message { level: Level::Warning, text, .. } => tracing::warn!(%run, sync, "{text}"),
                    Event::Message { level: Level::Error, text, .. } => tracing::error!(%run, sync, "{text}"),
                    Event::PhaseFinished { phase, duration_ms, .. } => {
                        tracing::info!(%run, sync, phase = phase.as_str(), duration_ms, "phase ended");
                    }
                    _ => {}
                },
                Err(tokio::sync::broadcast::error::RecvError::Lagged(_)) => {}
                Err(tokio::sync::broadcast::error::RecvError::Closed) => return,
            }
        }
    });
}
