//! Runs, followed while they work: [their events](crate::routes::events) as server-sent events, and how far they are.
//!
//! # Where events come from
//!
//! From the history: the runner writes what happens there four times a second, whichever process it is in, and whoever approves,
//! pauses or cancels writes that. So it does not matter which process is asked, and nothing is lost when one ends. Each run has
//! one reader in this process, however many follow it.
//!
//! # What an event looks like
//!
//! An object with `seq`, `at` and `event`, its kind, and with what belongs to the kind. What is said to be absent has no key then.
//!
//! ```json
//! {"seq": 1, "at": "2026-11-21T04:00:00.000123Z", "event": "status", "status": "new", "stage": "begun", "attempt": 0}
//! ```
//!
//! `seq` counts from 1 within the run. While a run is not over there are no gaps; of a run that has been over for an hour only the
//! last progress of each model is left, and no messages (`GET /runs/{id}/log` has those). Events stand in the order in which they
//! were written. `at` is when they happened: a `status` is written at once, other events up to a quarter of a second later.
//!
//! | `event` | with | what happened |
//! |---|---|---|
//! | `status` | `status`, `stage`, `attempt`; `paused`, `waiting`, `not_before`, `stop`, `error` or absent | the run stands otherwise; the first event of a run, and the last |
//! | `phase_started` | `phase` | a phase began, at `at` |
//! | `phase_finished` | `phase`, `started`, `duration_ms`; `memory_final`, `memory_peak`, `streams` or absent | it ended, well or not; `streams` (`model`, `started`, `ended`) is when each model was read or written in it |
//! | `read` | `side`, `model`, `records`; `expected`, `began` or absent | so many records of a model were read so far; `began` is since when |
//! | `read_finished` | `side`, `model`, `records`; `partial`, `began` or absent | the read of a model ended; `partial` is why it is not complete |
//! | `compared` | `model`, `create`, `update`, `delete`, `unchanged`, `to_apply` | a model was compared; `to_apply` changes would be applied, the others are held |
//! | `applied` | `model`, `done`, `total`, `failed`; `began` or absent | so many changes of a model have an outcome so far; `began` is when this attempt was about to send the first of them |
//! | `requests` | `source`, `target`, each with `sent`, `retries`, `throttled`, `waited_ms`, `span_ms` | so much was asked of either system so far: how often something was sent, of these how often once more and how often answered with 429, how long requests waited, and from the first to the last |
//! | `message` | `level`, `text` | something worth a line; the log of the run has it too |
//!
//! - `status` is one of `new`, `queued`, `syncing`, `awaiting_review`, `completed`, `failed`, `cancelled`; the last three are ends.
//!   `stage` is `begun`, `planned`, `applying` or `staged`. `attempt` counts how often a runner took the run. `paused` and
//!   `waiting` are why it waits, `not_before` is until when, `stop` is what somebody wants of it (`{"stop": "cancel" or "pause", "by",
//!   "reason"}`), `error` is why it did not complete (`{"kind", "message"}`). What is absent does not hold any more.
//! - `phase` is `prepare`, `load_source`, `load_target`, `calculate_diff` or `execute_sync`. Both loads are under way at once.
//! - `side` is `source` or `target`; `level` is `info`, `warning` or `error`.
//! - `read`, `read_finished` and `applied` are running totals: of two about the same side and model the newer one tells all, so
//!   they come a few times a second at most, however fast the run is. So is `requests`, which comes once a second at most.
//! - Events and phases of runs from before `began` and `streams` were told have neither.
//! - A runner that goes on with a run after another one died tells behind what is there: `status` with the next `attempt`, then
//!   the phases that it goes through, some of them for the second time, with totals that may begin anew.
//!
//! # How far a run is
//!
//! [`Progress`] folds the events of a run into what a page shows: [`ProgressView`]. Where to go on is its `seq`: a page asks for
//! `GET /runs/{id}/progress` once, draws it, and then follows the events behind it.

mod feeds;
mod places;
mod progress;
mod tail;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::FromRef;
use syncline_core::Result;
use syncline_core::history::{History, RunId};
use tokio_util::sync::CancellationToken;

pub use feeds::{Line, RunFeed, StatusFeed};
pub use places::{NoPlace, Place, StreamLimits};
pub use progress::{
    AppliedProgress, ComparedProgress, ModelProgress, PhaseProgress, Progress, ProgressView, ReadProgress,
    StreamProgress,
};
pub use tail::{Feed, Follower, Told};

use self::places::Places;
use self::tail::Tails;
use crate::ApiState;

/// How many events are folded at once.
const PAGE: u64 = 1_000;
/// Of how many runs it is remembered how far they were.
const REMEMBERED: usize = 64;

/// What runs do, for whoever follows them. Cloning it gives another handle to the same.
#[derive(Clone)]
pub struct Live {
    shared: Arc<Shared>,
}

struct Shared {
    history: History,
    places: Places,
    runs: Arc<Tails<RunFeed>>,
    statuses: Arc<Tails<StatusFeed>>,
    /// What was folded already: a run that writes for hours has many events.
    folded: Mutex<BTreeMap<RunId, Progress>>,
}

impl Live {
    /// Follows what is in a history, until `stop`: then whoever follows is let go, so that a server can end.
    pub fn new(history: History, stop: CancellationToken) -> Self {
        Self::with_limits(history, stop, StreamLimits::default())
    }

    /// As [`Live::new`], for so many followers at once.
    pub fn with_limits(history: History, stop: CancellationToken, limits: StreamLimits) -> Self {
        let (runs, statuses) = (Tails::new(stop.clone()), Tails::new(stop));
        Self {
            shared: Arc::new(Shared { history, places: Places::new(limits), runs, statuses, folded: Mutex::default() }),
        }
    }

    /// The history.
    pub fn history(&self) -> &History {
        &self.shared.history
    }

    /// A place for a stream of somebody, who keeps it for as long as the stream is open.
    pub fn place(&self, who: &str) -> std::result::Result<Place, NoPlace> {
        self.shared.places.take(who)
    }

    /// How many streams may be open, and how often it is looked whether who follows may still.
    pub fn limits(&self) -> StreamLimits {
        self.shared.places.limits()
    }

    /// Follows a run from behind the event with a number; 0 for all.
    pub fn follow(&self, run: RunId, after: u64) -> Follower<RunFeed> {
        self.shared.runs.follow(RunFeed { history: self.shared.history.clone(), run }, after)
    }

    /// Follows how all runs stand, from behind the change with a number.
    pub fn follow_statuses(&self, after: u64) -> Follower<StatusFeed> {
        self.shared.statuses.follow(StatusFeed { history: self.shared.history.clone() }, after)
    }

    /// How far a run is.
    pub async fn progress(&self, run: RunId) -> Result<Progress> {
        let mut progress = self.folded(|folded| folded.get(&run).cloned()).unwrap_or_default();
        loop {
            let page = self.shared.history.events(run, progress.seq(), PAGE).await?;
            progress.extend(&page.items);
            if page.next.is_none() {
                break;
            }
        }
        self.folded(|folded| {
            if folded.get(&run).is_none_or(|known| known.seq() < progress.seq()) {
                folded.insert(run, progress.clone());
            }
            while folded.len() > REMEMBERED {
                folded.pop_first();
            }
        });
        Ok(progress)
    }

    /// How many lists are followed.
    #[cfg(test)]
    pub(crate) fn count(&self) -> usize {
        self.shared.runs.count() + self.shared.statuses.count()
    }

    fn folded<T>(&self, work: impl FnOnce(&mut BTreeMap<RunId, Progress>) -> T) -> T {
        work(&mut self.shared.folded.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl FromRef<ApiState> for Live {
    fn from_ref(state: &ApiState) -> Self {
        state.live.clone()
    }
}
