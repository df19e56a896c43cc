//! Making runs when schedules ask for them.
//!
//! Any number of processes may do this at once: a tick's nominal time and what it is for are the key of its run, so that each has one, and where
//! a schedule stands is in the history, so that whoever is left goes on.

use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;

use super::book::{ConfiguredSync, SyncBook};
use super::{RunRequest, Runner};
use crate::history::{AFTER, BY_SCHEDULE, Purpose, RequestId, RunId, RunKind, Triggered};
use crate::schedule::Schedule;
use crate::{Error, ErrorKind, Result};

/// How long a scheduler sleeps at most: what was configured meanwhile counts after this long.
const LONGEST_SLEEP: Duration = Duration::from_secs(15);

/// Makes runs when schedules ask for them.
pub struct Scheduler<'a> {
    runner: &'a Runner,
    book: &'a dyn SyncBook,
}

/// Why a tick makes a run.
struct Why {
    by: String,
    reason: Option<String>,
    /// What whoever asked calls the request.
    request_id: Option<RequestId>,
}

impl<'a> Scheduler<'a> {
    /// A scheduler of the syncs in `book`.
    pub fn new(runner: &'a Runner, book: &'a dyn SyncBook) -> Self {
        Self { runner, book }
    }

    /// Works until `cancel`.
    pub async fn run(&self, cancel: &CancellationToken) {
        while !cancel.is_cancelled() {
            let now = Utc::now();
            let sleep = match self.pass(now).await {
                Ok(next) => next.and_then(|next| (next - Utc::now()).to_std().ok()).unwrap_or(LONGEST_SLEEP),
                Err(error) => {
                    tracing::error!(error = %error.report(), "the schedules could not be looked at; trying again");
                    LONGEST_SLEEP
                }
            };
            tokio::select! {
                () = cancel.cancelled() => {}
                () = tokio::time::sleep(sleep.min(LONGEST_SLEEP)) => {}
            }
        }
    }

    /// Makes the runs that are due at `now`. Tells when the next one will be.
    pub async fn pass(&self, now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>> {
        let mut next = None;
        for (name, sync) in self.book.syncs().await? {
            // One sync that cannot be scheduled does not keep the others from it.
            let seen = match sync {
                Ok(sync) => self.of_sync(&sync, now).await,
                Err(error) => Err(error),
            };
            match seen {
                Ok(tick) => next = [next, tick].into_iter().flatten().min(),
                Err(error) => tracing::error!(sync = name, error = %error.report(), "the sync cannot be scheduled"),
            }
        }
        Ok(next)
    }

    async fn of_sync(&self, sync: &ConfiguredSync, now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>> {
        if sync.automation.paused {
            return Ok(None);
        }
        let runs = match &sync.automation.after {
            Some(first) => {
                self.after(sync, first, now).await?;
                None
            }
            None => self.of_schedule(sync, Purpose::Sync, &sync.automation.schedule, now).await?,
        };
        let drift = self.of_schedule(sync, Purpose::Drift, &sync.automation.drift, now).await?;
        Ok([runs, drift].into_iter().flatten().min())
    }

    /// Makes a run when another sync has completed one since that was about all of it: its end is the tick, so that however many look,
    /// one run follows. Who runs a part has that part in mind, and no more.
    async fn after(&self, sync: &ConfiguredSync, first: &str, now: DateTime<Utc>) -> Result<()> {
        let history = self.runner.history();
        let id = self.runner.know(&sync.definition).await?;
        // What was completed before anybody wanted this is none of its business: since when it is wanted is noted before the first run of
        // the other one, or nothing would follow that.
        let ticks = history.ticks(id, Purpose::Sync, &format!("after {first}"), now).await?;
        let Some((run, ended)) = history.last_completed_whole(first).await? else { return Ok(()) };
        if ended <= ticks.last.unwrap_or(ticks.made_at) {
            return Ok(());
        }
        let why = Why {
            by: format!("{AFTER}{first}"),
            reason: Some(format!("run {run} of {first} completed")),
            // Whoever asked for the one asked for both.
            request_id: history.run(run).await?.and_then(|run| run.request_id),
        };
        self.trigger(sync, Purpose::Sync, ended, why, now).await?;
        history.settle_tick(id, Purpose::Sync, Some(ended), None).await
    }

    async fn of_schedule(
        &self,
        sync: &ConfiguredSync,
        purpose: Purpose,
        schedule: &Schedule,
        now: DateTime<Utc>,
    ) -> Result<Option<DateTime<Utc>>> {
        if schedule.is_manual() {
            return Ok(None);
        }
        let history = self.runner.history();
        let id = self.runner.know(&sync.definition).await?;
        let made_of = serde_json::to_string(schedule)
            .map_err(|error| Error::new(ErrorKind::Internal, "a schedule cannot be written").caused_by(error))?;
        let ticks = history.ticks(id, purpose, &made_of, now).await?;
        let due = schedule.due(ticks.made_at, ticks.last, now, sync.automation.catch_up);
        if let Some(tick) = due.run {
            let missed = (due.missed > 0).then(|| format!("{} earlier ticks were missed", due.missed));
            let why = Why { by: BY_SCHEDULE.to_owned(), reason: missed, request_id: None };
            self.trigger(sync, purpose, tick, why, now).await?;
        }
        if due.last_tick != ticks.last || due.next != ticks.next {
            history.settle_tick(id, purpose, due.last_tick, due.next).await?;
        }
        Ok(due.next)
    }

    /// Lets a run go on that an earlier tick or a person made, and that paused because its time was over: what is left of it is what
    /// this tick asks for. One that a person paused waits for a person.
    async fn goes_on(&self, run: RunId, tick: DateTime<Utc>) -> Result<bool> {
        let history = self.runner.history();
        let found = history.run(run).await?;
        if !found.is_some_and(|found| found.is_out_of_time() && found.tick != Some(tick)) {
            return Ok(false);
        }
        match history.resume(run).await {
            Ok(()) => Ok(true),
            // Somebody was faster.
            Err(error) if error.kind() == ErrorKind::Refused => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn trigger(
        &self,
        sync: &ConfiguredSync,
        purpose: Purpose,
        tick: DateTime<Utc>,
        why: Why,
        now: DateTime<Utc>,
    ) -> Result<()> {
        let name = &sync.definition.name;
        // Drift checks write nothing, so that no window is in their way.
        let closed = sync.automation.windows.may_start(now, false).err().filter(|_| purpose == Purpose::Sync);
        let not_before = match &closed {
            None => None,
            Some(closed) if closed.until.is_some() => closed.until,
            Some(closed) => {
                tracing::warn!(sync = name, %tick, "no run: {closed}");
                return Ok(());
            }
        };
        let reason = why.reason.or_else(|| closed.as_ref().map(ToString::to_string));
        let request = RunRequest {
            kind: RunKind::Scheduled,
            by: why.by,
            reason,
            request_id: why.request_id,
            purpose,
            dry_run: purpose == Purpose::Drift,
            tick: Some(tick),
            not_before,
            ..RunRequest::default()
        };
        if purpose == Purpose::Sync {
            // What paused on behalf of another request is in the way of this one until it is done.
            for run in self.runner.waiting_to_write(name).await? {
                if run.purpose != purpose && self.goes_on(run.id, tick).await? {
                    tracing::info!(sync = name, run = %run.id, %tick, "the schedule lets a run go on whose time was over");
                }
            }
        }
        match self.runner.trigger(&sync.definition, &request).await? {
            Triggered::Made(run) => tracing::info!(sync = name, %run, %tick, "the schedule made a run"),
            Triggered::AlreadyRunning(run) if self.goes_on(run, tick).await? => {
                tracing::info!(sync = name, %run, %tick, "the schedule lets a run go on whose time was over");
            }
            Triggered::AlreadyRunning(run) => {
                tracing::info!(sync = name, %run, %tick, "the tick of the schedule made no run: one is there");
            }
        }
        Ok(())
    }
}
