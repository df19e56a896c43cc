//! What the runs in the queue wait for.

use chrono::{DateTime, Utc};
use serde::Serialize;
use syncline_core::Result;
use syncline_core::history::{History, Run, RunFilter, RunId, RunStatus};

/// More runs under way are not looked at.
const MOST_UNDER_WAY: u64 = 10_000;

/// A run that waits, with its place.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Waiting {
    /// The run.
    #[serde(flatten)]
    pub run: Run,
    /// Its place in the queue, from 1; null while it does not stand in line.
    pub position: Option<u64>,
    /// What it waits for.
    pub waits_for: WaitsFor,
}

/// What a run waits for. In JSON `{"what": "worker"}`, `{"what": "run", "run": 4, "why": "same_target"}`,
/// `{"what": "person", "reason": …}`, `{"what": "time", "until": …}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum WaitsFor {
    /// A worker that is free.
    Worker,
    /// The end of another run.
    Run {
        /// The other one.
        run: RunId,
        /// Why both cannot run at once.
        why: InTheWay,
    },
    /// A person who lets it go on: it was paused.
    Person {
        /// Why it was.
        reason: String,
    },
    /// Its time.
    Time {
        /// When that is.
        until: DateTime<Utc>,
    },
}

/// Why two runs cannot run at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum InTheWay {
    /// They are of one sync.
    SameSync,
    /// Both write to one system.
    SameTarget,
}

/// The queue of a history, in the order in which runs get their turn.
pub async fn queue(history: &History) -> Result<Vec<Waiting>> {
    // The queue first: a run that begins in between is then in both, and not in none.
    let waiting = history.queue().await?;
    let filter = RunFilter { status: vec![RunStatus::Syncing], ..RunFilter::default() };
    let under_way = history.runs(&filter, None, MOST_UNDER_WAY).await?.items;
    Ok(line(&under_way, waiting, Utc::now()))
}

/// Puts runs in line, by the rules by which the history hands them out.
fn line(under_way: &[Run], waiting: Vec<Run>, now: DateTime<Utc>) -> Vec<Waiting> {
    let mut taken: Vec<Taken> = under_way.iter().map(Taken::from).collect();
    let mut position = 0;
    let waiting = waiting.into_iter().filter(|run| under_way.iter().all(|begun| begun.id != run.id));
    let place = |run: Run| {
        let until = run.not_before.filter(|until| *until > now);
        let waits_for = match (&run.paused, until) {
            (Some(reason), _) => WaitsFor::Person { reason: reason.clone() },
            (None, Some(until)) => WaitsFor::Time { until },
            (None, None) => match taken.iter().find_map(|taken| taken.in_the_way(&run)) {
                Some((run, why)) => WaitsFor::Run { run, why },
                None => {
                    taken.push(Taken::from(&run));
                    WaitsFor::Worker
                }
            },
        };
        let stands_in_line = matches!(waits_for, WaitsFor::Worker | WaitsFor::Run { .. });
        position += u64::from(stands_in_line);
        Waiting { run, position: stands_in_line.then_some(position), waits_for }
    };
    waiting.map(place).collect()
}

/// A run that has its turn, or gets it next.
struct Taken {
    run: RunId,
    sync: String,
    target: String,
    writes: bool,
}

impl From<&Run> for Taken {
    fn from(run: &Run) -> Self {
        Self { run: run.id, sync: run.sync.clone(), target: run.target.instance.clone(), writes: !run.dry }
    }
}

impl Taken {
    fn in_the_way(&self, other: &Run) -> Option<(RunId, InTheWay)> {
        if self.sync == other.sync {
            return Some((self.run, InTheWay::SameSync));
        }
        let both_write = self.writes && !other.dry && self.target == other.target.instance;
        both_write.then_some((self.run, InTheWay::SameTarget))
    }
}
