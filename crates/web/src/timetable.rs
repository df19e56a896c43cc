//! When the runs of syncs begin by themselves, as far ahead as somebody wants to look.

use std::num::NonZeroU32;

use chrono::{DateTime, TimeDelta, Utc};
use schemars::JsonSchema;
use serde::Serialize;
use syncline_core::history::{History, Purpose, Ticks};
use syncline_core::run::{Automation, ConfiguredSync};
use syncline_core::schedule::{CatchUp, Schedule, Window, Windows};
use syncline_core::{Error, ErrorKind, Result};

use crate::ApiState;

/// How far ahead somebody looks.
#[derive(Debug, Clone, Copy)]
pub struct Horizon {
    /// From when on.
    pub from: DateTime<Utc>,
    /// For how many days.
    pub days: u8,
    /// How many times of each schedule are told at most.
    pub most: usize,
}

/// When a sync runs by itself.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Timetable {
    /// The name of the sync.
    pub sync: String,
    /// Its schedules rest, and so does its webhook.
    pub paused: bool,
    /// When it runs; null when no schedule says so.
    pub runs: Option<Times>,
    /// When it looks for drift; null when no schedule says so.
    pub drift: Option<Times>,
    /// The sync after whose completed runs it runs.
    pub after: Option<String>,
    /// Another system can call it.
    pub webhook: bool,
    /// The times in which its runs may write, or may not; none for always.
    pub windows: Vec<Window>,
    /// A run that is under way when its window closes may finish.
    pub overrun: bool,
    /// After how many minutes of writing a run pauses.
    pub max_minutes: Option<NonZeroU32>,
    /// What becomes of times that passed while nothing ran.
    pub catch_up: CatchUp,
    /// Why it cannot run; then nothing else is known of it.
    pub error: Option<String>,
}

/// The times of a schedule.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Times {
    /// The schedule as it is configured.
    pub schedule: Schedule,
    /// The same in words.
    pub words: String,
    /// The last time that is settled: it has its run, or was left out.
    pub last: Option<DateTime<Utc>>,
    /// The next ones, none for a sync that is paused.
    pub next: Vec<Tick>,
    /// There are more of them in the days that were asked for.
    pub more: bool,
}

/// A time at which a run begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Tick {
    /// The time.
    pub at: DateTime<Utc>,
    /// What it waits for: its windows are closed until then; null when they are open.
    pub waits_until: Option<DateTime<Utc>>,
    /// Its windows are closed, and no opening is in sight: there will be no run.
    pub never: bool,
}

impl Horizon {
    /// Until when.
    pub fn until(&self) -> DateTime<Utc> {
        self.from + TimeDelta::days(i64::from(self.days))
    }
}

/// The timetables of all syncs, or of one, by name.
pub async fn timetables(state: &ApiState, sync: Option<&str>, horizon: Horizon) -> Result<Vec<Timetable>> {
    let mut found = Vec::new();
    for (name, configured) in state.syncs.syncs().await? {
        if sync.is_none_or(|wanted| wanted == name) {
            let stand = stand(state.runner.history(), &name).await?;
            found.push((name, configured, stand));
        }
    }
    found.sort_by(|(one, ..), (other, ..)| one.cmp(other));
    // A year of minutes takes its time to count.
    let counted = tokio::task::spawn_blocking(move || {
        found.into_iter().map(|(name, configured, stand)| Timetable::of(name, configured, &stand, horizon)).collect()
    });
    counted.await.map_err(|cause| Error::new(ErrorKind::Internal, "the times were not counted").caused_by(cause))
}

/// Where the schedules of a sync stand.
async fn stand(history: &History, sync: &str) -> Result<Vec<(Purpose, Ticks)>> {
    match history.sync(sync).await? {
        Some(stored) => history.schedules(stored.id).await,
        None => Ok(Vec::new()),
    }
}

impl Timetable {
    fn of(sync: String, configured: Result<ConfiguredSync>, stand: &[(Purpose, Ticks)], horizon: Horizon) -> Self {
        let (automation, error) = match configured {
            Ok(configured) => (configured.automation, None),
            Err(error) => (Automation::default(), Some(error.report())),
        };
        let Automation { schedule, after, drift, catch_up, windows, max_minutes, webhook, paused } = automation;
        let open = Windows::default();
        let times = |schedule: Schedule, purpose, windows| {
            let stand = stand.iter().find(|(of, _)| *of == purpose).map(|(_, ticks)| ticks);
            Times::of(schedule, stand, windows, paused, horizon)
        };
        Self {
            runs: times(schedule, Purpose::Sync, &windows).filter(|_| after.is_none()),
            // What writes nothing waits for no window.
            drift: times(drift, Purpose::Drift, &open),
            sync,
            paused,
            after,
            webhook: webhook.is_some(),
            overrun: windows.overrun,
            windows: windows.windows,
            max_minutes,
            catch_up,
            error,
        }
    }
}

impl Times {
    fn of(schedule: Schedule, stand: Option<&Ticks>, windows: &Windows, paused: bool, look: Horizon) -> Option<Self> {
        if schedule.is_manual() {
            return None;
        }
        let made_at = stand.map_or(look.from, |ticks| ticks.made_at);
        let until = look.until();
        let following = |after| schedule.next_after(made_at, after).filter(|at| *at < until);
        let mut times = std::iter::successors(following(look.from), |at| following(*at)).filter(|_| !paused);
        let mut next: Vec<Tick> = Vec::new();
        for at in times.by_ref().take(look.most) {
            let tick = match next.last() {
                // Who waits for the same opening is not looked for again.
                Some(before) if before.never || before.waits_until.is_some_and(|opens| at < opens) => {
                    Tick { at, ..*before }
                }
                _ => match windows.may_start(at, false) {
                    Ok(()) => Tick { at, waits_until: None, never: false },
                    Err(closed) => Tick { at, waits_until: closed.until, never: closed.until.is_none() },
                },
            };
            next.push(tick);
        }
        let (words, more) = (schedule.describe(), times.next().is_some());
        Some(Self { schedule, words, last: stand.and_then(|ticks| ticks.last), next, more })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const FROM: &str = "2026-11-20T12:00:30Z";

    fn times(schedule: serde_json::Value, windows: serde_json::Value, days: u8, most: usize) -> Times {
        let (schedule, windows) = (serde_json::from_value(schedule).unwrap(), serde_json::from_value(windows).unwrap());
        let look = Horizon { from: FROM.parse().unwrap(), days, most };
        Times::of(schedule, None, &windows, false, look).unwrap()
    }

    fn told(times: &Times) -> Vec<String> {
        let minute = |at: DateTime<Utc>| at.format("%d %H:%M").to_string();
        let tick = |tick: &Tick| match tick.waits_until {
            Some(opens) => format!("{} waits until {}", minute(tick.at), minute(opens)),
            None if tick.never => format!("{} never", minute(tick.at)),
            None => minute(tick.at),
        };
        times.next.iter().map(tick).collect()
    }

    #[test]
    fn times_follow_the_clock_on_the_wall() {
        let nightly = times(json!({"cron": "0 3 * * *", "time_zone": "Europe/Berlin"}), json!({}), 3, 10);
        assert_eq!(
            (told(&nightly), nightly.more),
            (["21 02:00", "22 02:00", "23 02:00"].map(str::to_owned).to_vec(), false)
        );
        assert_eq!(nightly.words, "cron `0 3 * * *` (Europe/Berlin)");
    }

    #[test]
    fn there_is_an_end() {
        let often = times(json!({"cron": "* * * * *"}), json!({}), 31, 3);
        assert_eq!(
            (told(&often), often.more),
            (["20 12:01", "20 12:02", "20 12:03"].map(str::to_owned).to_vec(), true)
        );
        let manual = Times::of(
            Schedule::default(),
            None,
            &Windows::default(),
            false,
            Horizon { from: FROM.parse().unwrap(), days: 1, most: 1 },
        );
        assert!(manual.is_none());
    }

    #[test]
    fn closed_windows_are_waited_for() {
        let windows = json!({"windows": [{"kind": "allow", "cron": "0 14 * * *", "duration": "90m"}], "overrun": true});
        let hourly = times(json!({"cron": "0 * * * *"}), windows, 1, 4);
        let expected = ["20 13:00 waits until 20 14:00", "20 14:00", "20 15:00", "20 16:00 waits until 21 14:00"];
        assert_eq!(told(&hourly), expected);
        let windows = json!({"windows": [{"kind": "deny", "cron": "* * * * *", "duration": "1h"}], "overrun": true});
        assert_eq!(told(&times(json!({"cron": "0 * * * *"}), windows, 1, 2)), ["20 13:00 never", "20 14:00 never"]);
    }
}
