//! Which tick is due, and what becomes of those that passed while nobody looked.

use chrono::{DateTime, TimeDelta, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Schedule;

/// How late a tick may be seen and still not count as missed: more than a scheduler takes to wake up or to restart.
pub const ON_TIME: TimeDelta = TimeDelta::minutes(1);

/// Beyond so many ticks that passed unseen nobody wants to know the number.
pub const MOST_COUNTED: u64 = 10_000;

/// What happens when ticks were missed: Syncline did not run, or the sync was paused.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CatchUp {
    /// One run at once, however many were missed.
    #[default]
    Once,
    /// No run before the next tick. A schedule of a single time that was missed does not run.
    Skip,
}

/// What a schedule asks for at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// The tick to run now, by its nominal time: with the sync and the purpose, the key of the run. The latest, when several wait.
    pub run: Option<DateTime<Utc>>,
    /// How many other ticks have passed since the last one, and get no run of their own; counted to [`MOST_COUNTED`].
    pub missed: u64,
    /// The last tick that is settled with this answer: the `last_tick` of the next question.
    pub last_tick: Option<DateTime<Utc>>,
    /// The first tick that lies ahead: when to ask again.
    pub next: Option<DateTime<Utc>>,
}

impl Schedule {
    /// What is due now, of a schedule that was made at a time and whose last settled tick is known.
    pub fn due(
        &self,
        made_at: DateTime<Utc>,
        last_tick: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
        catch_up: CatchUp,
    ) -> Due {
        let mut waiting = 0;
        let mut latest = None;
        let mut next = self.next_after(made_at, last_tick.unwrap_or(DateTime::<Utc>::MIN_UTC));
        while let Some(mut tick) = next.filter(|tick| *tick <= now) {
            waiting += 1;
            if waiting == MOST_COUNTED {
                tick = self.latest(made_at, tick, now);
            }
            latest = Some(tick);
            next = self.next_after(made_at, tick);
        }
        let run = latest.filter(|tick| catch_up == CatchUp::Once || now - *tick <= ON_TIME);
        Due { run, missed: waiting - u64::from(run.is_some()), last_tick: latest.or(last_tick), next }
    }

    /// The last tick up to now, found from an earlier one by halving the time between.
    fn latest(&self, made_at: DateTime<Utc>, mut tick: DateTime<Utc>, now: DateTime<Utc>) -> DateTime<Utc> {
        let mut end = now;
        while tick < end {
            let middle = tick + (end - tick) / 2;
            match self.next_after(made_at, middle).filter(|later| *later <= now) {
                Some(later) => tick = later,
                None => end = middle,
            }
        }
        tick
    }
}
