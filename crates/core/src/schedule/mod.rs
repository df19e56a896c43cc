//! When a sync runs by itself, and when it may not: schedules, missed ticks and sync windows.
//!
//! Everything here is pure. The time is a parameter, nothing is stored, and the same question has the same answer on
//! every machine: any number of schedulers may ask it, because a tick's nominal time is the key of its run, and a key is
//! taken once.

mod cron;
mod due;
mod length;
mod window;

use std::fmt::Write as _;
use std::num::NonZeroU32;

use chrono::{DateTime, SubsecRound, TimeDelta, Timelike, Utc};
use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

pub use self::cron::{Cron, Zone};
pub use self::due::{CatchUp, Due, MOST_COUNTED, ON_TIME};
pub use self::length::WindowLength;
pub use self::window::{Closed, Window, WindowKind, Windows};
use crate::settings::Problem;

/// When a sync runs by itself. Nothing set: only when someone starts it.
///
/// | set | runs |
/// |---|---|
/// | nothing | by hand only |
/// | `schedule_at` | once, then |
/// | `recurs_every` | from the moment the schedule was made, then at that interval |
/// | `schedule_at`, `recurs_every` | from then on at that interval |
/// | `cron` | whenever the wall clock shows what it names |
/// | `cron`, `schedule_at` | likewise, from then on |
///
/// Ticks fall on whole seconds, so that they are the same whatever precision a database keeps; and no tick is older than
/// the schedule, so that nothing that lies before it counts as missed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Schedule {
    /// The time of the first run, as RFC 3339: `2026-11-20T08:00:00Z`.
    #[serde(deserialize_with = "read_time")]
    pub schedule_at: Option<DateTime<Utc>>,
    /// The minutes from one run to the next.
    #[serde(deserialize_with = "read_minutes")]
    pub recurs_every: Option<NonZeroU32>,
    /// When to run, as minute, hour, day of month, month and day of week: `0 3 * * *` is every night at three.
    pub cron: Option<Cron>,
    /// The time zone that `cron` is read in, by its IANA name: `Europe/Berlin`. Default: UTC.
    pub time_zone: Option<Zone>,
}

impl Schedule {
    /// What does not go together. What is wrong with a value by itself shows when it is read.
    pub fn validate(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if self.cron.is_some() && self.recurs_every.is_some() {
            problems.push(Problem::new(
                "recurs_every",
                "does not go with `cron`, which says itself when to run again; remove one of them",
            ));
        }
        if self.cron.is_none() && self.time_zone.is_some() {
            problems.push(Problem::new(
                "time_zone",
                "has no effect without `cron`; remove it, and write the offset into `schedule_at`, such as \
                 `2026-11-20T08:00:00+01:00`",
            ));
        }
        problems
    }

    /// Whether the sync runs only when someone starts it.
    pub fn is_manual(&self) -> bool {
        self.schedule_at.is_none() && self.recurs_every.is_none() && self.cron.is_none()
    }

    /// The first tick after a moment, of a schedule that was made at a time; none when there is no further one.
    ///
    /// Ticks of an interval are counted from its first one and do not drift. What the clock's changes do to cron is said at
    /// [`Cron`]; when both are set, which is a [problem](Self::validate), cron decides.
    pub fn next_after(&self, made_at: DateTime<Utc>, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        if self.is_manual() {
            return None;
        }
        let made_at = made_at.trunc_subsecs(0);
        let first = self.schedule_at.map_or(made_at, |at| at.trunc_subsecs(0));
        let earliest = first.max(made_at);
        let before = earliest.checked_sub_signed(TimeDelta::seconds(1)).unwrap_or(earliest);
        let after = after.trunc_subsecs(0).max(before);

        match (&self.cron, self.recurs_every) {
            (Some(cron), _) => cron.next_after(self.time_zone.unwrap_or_default(), after),
            (None, Some(minutes)) => {
                let interval = i64::from(minutes.get()) * 60;
                let number = (after - first).num_seconds().checked_add(interval)? / interval;
                first.checked_add_signed(TimeDelta::try_seconds(number.checked_mul(interval)?)?)
            }
            (None, None) => (first > after).then_some(first),
        }
    }

    /// The schedule in words.
    pub fn describe(&self) -> String {
        let mut words = match (&self.cron, self.recurs_every, self.schedule_at) {
            (Some(cron), ..) => format!("cron `{cron}` ({})", self.time_zone.unwrap_or_default()),
            (None, Some(minutes), _) => match minutes.get() {
                1 => "every minute".to_owned(),
                60 => "every hour".to_owned(),
                1440 => "every day".to_owned(),
                minutes if minutes.is_multiple_of(1440) => format!("every {} days", minutes / 1440),
                minutes if minutes.is_multiple_of(60) => format!("every {} hours", minutes / 60),
                minutes => format!("every {minutes} minutes"),
            },
            (None, None, Some(at)) => return format!("once at {}", moment(at)),
            (None, None, None) => return "manual only".to_owned(),
        };
        if let Some(at) = self.schedule_at {
            write!(words, " from {}", moment(at)).expect("a text can be written to");
        }
        words
    }
}

fn read_time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<DateTime<Utc>>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
    let time = DateTime::parse_from_rfc3339(&text).map_err(|_| {
        let remedy = "write date, time and offset, such as `2026-11-20T08:00:00Z` or `2026-11-20T09:00:00+01:00`";
        D::Error::custom(format!("`{text}` is no time; {remedy}"))
    })?;
    Ok(Some(time.to_utc()))
}

fn read_minutes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<NonZeroU32>, D::Error> {
    let Some(minutes) = Option::<u32>::deserialize(deserializer)? else { return Ok(None) };
    let too_few = || D::Error::custom("`0` is no interval; write at least 1 minute, or leave it out");
    NonZeroU32::new(minutes).ok_or_else(too_few).map(Some)
}

/// A moment for people, to the minute where it falls on one.
fn moment(time: DateTime<Utc>) -> impl std::fmt::Display {
    time.format(if time.second() == 0 { "%Y-%m-%d %H:%M UTC" } else { "%Y-%m-%d %H:%M:%S UTC" })
}

#[cfg(test)]
mod tests;
