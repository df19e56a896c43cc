//! What runs wait for: the one rule by which they get their turn, for those who hand them out and those who look on.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use serde::Serialize;

use super::entity::run;
use super::{History, Run, RunId, RunStage, RunStatus, lease, text};
use crate::Result;

/// A run that waits, with its place.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
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
/// `{"what": "person", "reason": …}`, `{"what": "time", "until": …, "reason": …}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
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
        /// Why it waits until then, where that has a reason.
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
}

/// Why two runs cannot run at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum InTheWay {
    /// They are of one sync.
    SameSync,
    /// Both write to one system.
    SameTarget,
}

impl History {
    /// The runs that wait for a runner, in the order in which they get their turn, with what each waits for.
    pub async fn waiting(&self) -> Result<Vec<Waiting>> {
        let (rows, waits_for): (Vec<_>, Vec<_>) = self.line().await?.into_iter().unzip();
        let mut position = 0;
        let runs = self.named(rows).await?.into_iter().zip(waits_for);
        let placed = runs.map(|(run, waits_for)| {
            let stands_in_line = matches!(waits_for, WaitsFor::Worker | WaitsFor::Run { .. });
            position += u64::from(stands_in_line);
            Waiting { run, position: stands_in_line.then_some(position), waits_for }
        });
        Ok(placed.collect())
    }

    /// The rows of the runs that wait, oldest first, with what each waits for.
    pub(super) async fn line(&self) -> Result<Vec<(run::Model, WaitsFor)>> {
        let now = lease::now(self.store.db()).await?;
        // In one look: a run that is put back between two of them would be in neither, and a younger one would go before it.
        let open = [RunStatus::New, RunStatus::Queued, RunStatus::Syncing].map(RunStatus::as_str);
        let open = run::Entity::find()
            .filter(run::Column::Status.is_in(open))
            .order_by_asc(run::Column::Id)
            .all(self.store.db())
            .await
            .map_err(|error| self.store.read_error(error))?;
        Ok(line(open, now))
    }
}

/// Puts runs that are not over in line. Whoever gets a turn is in the way of those behind it, as are those that work already.
fn line(open: Vec<run::Model>, now: i64) -> Vec<(run::Model, WaitsFor)> {
    let is_working = |row: &run::Model| row.status == RunStatus::Syncing.as_str();
    let (working, waiting): (Vec<_>, Vec<_>) = open.into_iter().partition(is_working);
    let mut turns: Vec<Turn> = working.iter().map(Turn::of).collect();
    // What has written a part, and waits for a person or its time, is to be gone on with before its sync writes anything else.
    let halfway: Vec<Turn> = waiting.iter().map(Turn::of).filter(|turn| turn.is_half_done).collect();
    let place = |row: run::Model| {
        let turn = Turn::of(&row);
        let waits_for = match (&row.paused, row.not_before.filter(|until| *until > now)) {
            (Some(reason), _) => WaitsFor::Person { reason: reason.clone() },
            (None, Some(until)) => WaitsFor::Time { until: text::time(until), reason: row.waiting.clone() },
            (None, None) => match in_the_way(&turns, &halfway, &turn) {
                Some((run, why)) => WaitsFor::Run { run, why },
                None => {
                    turns.push(turn);
                    WaitsFor::Worker
                }
            },
        };
        (row, waits_for)
    };
    waiting.into_iter().map(place).collect()
}

/// The run that another one has to wait for.
fn in_the_way(turns: &[Turn], halfway: &[Turn], turn: &Turn) -> Option<(RunId, InTheWay)> {
    let before = turns.iter().find_map(|other| Some((other.run, other.is_in_the_way(turn)?)));
    before.or_else(|| {
        // Of two that are half done the older one goes first, or each would wait for the other.
        let goes_first = |other: &&Turn| if turn.is_half_done { other.run < turn.run } else { other.run != turn.run };
        let other = halfway.iter().find(|other| other.sync == turn.sync && turn.writes && goes_first(other))?;
        Some((other.run, InTheWay::SameSync))
    })
}

/// What matters of a run to others that want to work.
#[derive(Debug)]
pub(super) struct Turn {
    /// The run.
    pub(super) run: RunId,
    sync: i64,
    target: String,
    writes: bool,
    is_half_done: bool,
}

impl Turn {
    /// The turn of a run.
    pub(super) fn of(row: &run::Model) -> Self {
        Self {
            run: RunId(row.id),
            sync: row.sync_id,
            target: row.target_instance.clone(),
            writes: !row.dry,
            is_half_done: !row.dry && row.stage == RunStage::Applying.as_str(),
        }
    }

    /// Whether a run that has this turn is in the way of another one, and why. The unique indexes over the runs that work say the
    /// same.
    pub(super) fn is_in_the_way(&self, other: &Self) -> Option<InTheWay> {
        if self.sync == other.sync {
            return Some(InTheWay::SameSync);
        }
        (self.writes && other.writes && self.target == other.target).then_some(InTheWay::SameTarget)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Leases keep it from happening; if it did, each must not wait for the other.
    #[test]
    fn of_two_runs_that_are_half_done_the_older_one_goes_first() {
        let half_done =
            |run| Turn { run: RunId(run), sync: 1, target: "t".to_owned(), writes: true, is_half_done: true };
        let halfway = [half_done(1), half_done(2)];
        assert_eq!(in_the_way(&[], &halfway, &halfway[0]), None);
        assert_eq!(in_the_way(&[], &halfway, &halfway[1]), Some((RunId(1), InTheWay::SameSync)));
    }
}
