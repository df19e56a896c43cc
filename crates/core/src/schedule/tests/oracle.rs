//! The same questions answered by looking at every minute: slow, and too simple to be wrong.

use chrono::{DateTime, Datelike, NaiveDateTime, TimeDelta, TimeZone, Timelike, Utc};
use chrono_tz::Tz;
use proptest::prelude::*;
use proptest::sample::select;

use super::at;

pub(super) const MINUTE: TimeDelta = TimeDelta::minutes(1);

/// How long the time is that a test looks at: three days around a change of the clock.
pub(super) const SPAN: TimeDelta = TimeDelta::days(3);

/// A field of a cron expression.
#[derive(Debug, Clone, Copy)]
enum Field {
    Any,
    One(u32),
    Two(u32, u32),
    Range(u32, u32),
    Step(u32),
}

/// A cron expression of minute, hour and day of week.
#[derive(Debug, Clone, Copy)]
pub(super) struct Expression {
    minute: Field,
    hour: Field,
    weekday: Field,
}

impl Field {
    fn names(self, value: u32) -> bool {
        match self {
            Self::Any => true,
            Self::One(only) => value == only,
            Self::Two(one, other) => value == one || value == other,
            Self::Range(first, last) => (first..=last).contains(&value),
            Self::Step(step) => value.is_multiple_of(step),
        }
    }
}

impl std::fmt::Display for Field {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Any => write!(f, "*"),
            Self::One(only) => write!(f, "{only}"),
            Self::Two(one, other) => write!(f, "{one},{other}"),
            Self::Range(first, last) => write!(f, "{first}-{last}"),
            Self::Step(step) => write!(f, "*/{step}"),
        }
    }
}

impl Expression {
    fn names(self, clock: NaiveDateTime) -> bool {
        self.minute.names(clock.minute())
            && self.hour.names(clock.hour())
            && self.weekday.names(clock.weekday().num_days_from_sunday())
    }

    /// The ticks from a full minute to another, the end left out.
    pub(super) fn ticks(self, zone: Tz, start: DateTime<Utc>, end: DateTime<Utc>) -> Vec<DateTime<Utc>> {
        let is_fixed = matches!((self.minute, self.hour), (Field::One(_), Field::One(_)));
        let clock = |time: DateTime<Utc>| time.with_timezone(&zone).naive_local();
        let ticks = |time: &DateTime<Utc>| {
            let shown = clock(*time);
            if !is_fixed {
                return self.names(shown);
            }
            // Skipped is what the clock would have shown between the minute before and now.
            let skipped = minutes(clock(*time - MINUTE) + MINUTE).take_while(|skipped| *skipped < shown);
            let is_first = || zone.from_local_datetime(&shown).earliest().is_some_and(|first| first == *time);
            skipped.into_iter().any(|skipped| self.names(skipped)) || self.names(shown) && is_first()
        };
        minutes(start).take_while(|time| *time < end).filter(ticks).collect()
    }
}

impl std::fmt::Display for Expression {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} * * {}", self.minute, self.hour, self.weekday)
    }
}

/// Every minute from one on.
pub(super) fn minutes<T: Copy + std::ops::Add<TimeDelta, Output = T>>(start: T) -> impl Iterator<Item = T> {
    std::iter::successors(Some(start), |time| Some(*time + MINUTE))
}

fn field(most: u32, steps: &'static [u32]) -> impl Strategy<Value = Field> {
    prop_oneof![
        1 => Just(Field::Any),
        4 => (0..=most).prop_map(Field::One),
        1 => (0..most, 1..=most).prop_map(move |(one, more)| Field::Two(one, (one + more).min(most))),
        1 => (0..most, 1..=most).prop_map(move |(first, more)| Field::Range(first, (first + more).min(most))),
        1 => select(steps).prop_map(Field::Step),
    ]
}

/// Expressions, many of them in the hours in which clocks change.
pub(super) fn expression() -> impl Strategy<Value = Expression> {
    let hour = prop_oneof![field(23, &[2, 3, 6]), (0_u32..4).prop_map(Field::One)];
    let weekday = prop_oneof![4 => Just(Field::Any), 1 => field(6, &[2])];
    (field(59, &[5, 7, 15, 30]), hour, weekday).prop_map(|(minute, hour, weekday)| Expression { minute, hour, weekday })
}

/// A time zone, and a full minute up to a day and a half before its clock changes.
pub(super) fn before_a_change() -> impl Strategy<Value = (Tz, DateTime<Utc>)> {
    let changes = [
        (Tz::UTC, "2026-03-29T00:00"),
        (Tz::Europe__Berlin, "2026-03-29T01:00"),
        (Tz::Europe__Berlin, "2026-10-25T01:00"),
        (Tz::America__New_York, "2026-03-08T07:00"),
        (Tz::America__New_York, "2026-11-01T06:00"),
        // Half an hour.
        (Tz::Australia__Lord_Howe, "2026-10-03T15:30"),
        (Tz::Australia__Lord_Howe, "2026-04-04T15:00"),
        // At midnight.
        (Tz::Africa__Cairo, "2026-04-23T22:00"),
        (Tz::Africa__Cairo, "2026-10-29T21:00"),
    ];
    (select(changes.to_vec()), 0..2160_i32).prop_map(|((zone, change), before)| (zone, at(change) - MINUTE * before))
}
