//! What holds for every schedule and every downtime.

use proptest::prelude::*;

use super::oracle::{Expression, MINUTE, SPAN, before_a_change, expression, minutes};
use super::*;
use crate::schedule::{CatchUp, MOST_COUNTED, ON_TIME};

/// Any schedule, made at a time, with all its ticks of three days.
fn any_schedule() -> impl Strategy<Value = (Schedule, DateTime<Utc>, Vec<DateTime<Utc>>)> {
    let offset = -3_000..3_000_i64;
    let when = (proptest::option::of(offset), proptest::option::of(1..2_000_u32));
    (before_a_change(), when, proptest::option::of(expression())).prop_map(
        |((zone, made_at), (offset, every), cron)| {
            let schedule = Schedule {
                schedule_at: offset.map(|minutes| made_at + TimeDelta::minutes(minutes)),
                recurs_every: every.filter(|_| cron.is_none()).and_then(NonZeroU32::new),
                cron: cron.map(|cron| cron.to_string().parse().unwrap()),
                time_zone: cron.map(|_| zone.name().parse().unwrap()),
            };
            let start = schedule.schedule_at.unwrap_or(made_at);
            let end = made_at + SPAN;
            let mut ticks: Vec<_> = match (cron, every) {
                (Some(cron), _) => cron.ticks(zone, made_at, end),
                (None, Some(every)) => minutes(start).step_by(every as usize).take_while(|tick| *tick < end).collect(),
                (None, None) => schedule.schedule_at.into_iter().filter(|tick| *tick < end).collect(),
            };
            ticks.retain(|tick| *tick >= made_at && *tick >= start);
            (schedule, made_at, ticks)
        },
    )
}

fn check_cron(cron: Expression, zone: chrono_tz::Tz, start: DateTime<Utc>) -> Result<(), TestCaseError> {
    let end = start + SPAN;
    let expected = cron.ticks(zone, start, end);
    let (cron, zone): (Cron, Zone) = (cron.to_string().parse().unwrap(), zone.name().parse().unwrap());
    let first = cron.next_after(zone, start - TimeDelta::nanoseconds(1));
    let ticks = std::iter::successors(first, |tick| cron.next_after(zone, *tick));
    prop_assert_eq!(ticks.take_while(|tick| *tick < end).collect::<Vec<_>>(), expected.clone());
    for tick in &expected {
        prop_assert_eq!(cron.next_after(zone, *tick - TimeDelta::seconds(1)), Some(*tick));
    }
    let first = expected.first().copied().unwrap_or(end);
    for time in minutes(start).step_by(11).take_while(|time| *time < end).filter(|time| *time >= first) {
        let passed = expected.partition_point(|tick| *tick <= time);
        prop_assert_eq!(cron.last_until(zone, time), Some(expected[passed - 1]), "at {}", time);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(80))]

    /// Forwards and backwards, cron ticks when the wall clock says so, whatever the clock does.
    #[test]
    fn cron_ticks_as_a_look_at_every_minute_says(cron in expression(), (zone, start) in before_a_change()) {
        check_cron(cron, zone, start)?;
    }

    /// No tick is skipped, none comes twice.
    #[test]
    fn one_tick_after_the_other_is_all_ticks((schedule, made_at, expected) in any_schedule()) {
        let end = made_at + SPAN;
        let first = schedule.next_after(made_at, DateTime::<Utc>::MIN_UTC);
        let ticks = std::iter::successors(first, |tick| schedule.next_after(made_at, *tick));
        prop_assert_eq!(ticks.take_while(|tick| *tick < end).collect::<Vec<_>>(), expected);
    }

    /// The next tick is strictly after the moment asked for, and the first such tick.
    #[test]
    fn the_next_tick_is_the_first_one_after(
        (schedule, made_at, expected) in any_schedule(),
        moments in proptest::collection::vec(-60_000..259_000_000_i64, 20),
    ) {
        let anywhere = moments.into_iter().map(|moment| made_at + TimeDelta::milliseconds(moment));
        let just_before = expected.iter().take(100).flat_map(|tick| [1, 1_000].map(|ms| *tick - TimeDelta::milliseconds(ms)));
        for moment in anywhere.chain(just_before) {
            let next = schedule.next_after(made_at, moment);
            prop_assert!(next.is_none_or(|next| next > moment));
            let first = expected.iter().copied().find(|tick| *tick > moment);
            prop_assert_eq!(next.filter(|next| *next < made_at + SPAN), first);
        }
    }

    /// However long nobody looked, and however often: every tick is settled once, by one run or as missed.
    #[test]
    fn every_tick_is_settled_once(
        (schedule, made_at, expected) in any_schedule(),
        downtimes in proptest::collection::vec(prop_oneof![0..120_i64, 0..40_000_i64], 1..40),
        catch_up in prop_oneof![Just(CatchUp::Once), Just(CatchUp::Skip)],
    ) {
        let (mut now, mut last_tick, mut settled) = (made_at, None, 0);
        for downtime in downtimes {
            now = (now + TimeDelta::seconds(downtime)).min(made_at + SPAN - MINUTE);
            let due = schedule.due(made_at, last_tick, now, catch_up);
            let passed: Vec<_> = expected.iter().copied().filter(|tick| Some(*tick) > last_tick && *tick <= now).collect();
            let latest = passed.last().copied();
            let runs = |tick: &DateTime<Utc>| catch_up == CatchUp::Once || now - *tick <= ON_TIME;
            prop_assert_eq!(due.run, latest.filter(runs));
            prop_assert_eq!(due.missed + u64::from(due.run.is_some()), passed.len() as u64);
            prop_assert_eq!(due.next, schedule.next_after(made_at, now));
            last_tick = due.last_tick;
            settled += passed.len();
            // Asked again, there is nothing to do.
            let again = schedule.due(made_at, last_tick, now, catch_up);
            prop_assert_eq!((again.run, again.missed, again.last_tick, again.next), (None, 0, last_tick, due.next));
        }
        prop_assert_eq!(settled, expected.iter().filter(|tick| **tick <= now).count());
    }
}

#[test]
fn a_year_of_missed_minutes_is_one_run() {
    let (made_at, now) = (at("2025-11-20T08:00"), at("2026-11-20T08:00:20Z"));
    let each_minute = [json!({"recurs_every": 1}), json!({"cron": "* * * * *", "time_zone": "Europe/Berlin"})];
    for schedule in each_minute.map(schedule) {
        let due = schedule.due(made_at, None, now, CatchUp::Once);
        let latest = Some(at("2026-11-20T08:00"));
        assert_eq!((due.run, due.last_tick, due.next), (latest, latest, Some(at("2026-11-20T08:01"))));
        assert_eq!(due.missed, MOST_COUNTED - 1);
    }
}

#[test]
fn a_clock_that_went_back_runs_nothing_twice() {
    let schedule = schedule(json!({"recurs_every": 10, "schedule_at": "2026-11-20T08:00:00Z"}));
    let last_tick = Some(at("2026-11-20T09:00"));
    let due = schedule.due(at("2026-11-20T07:00"), last_tick, at("2026-11-20T08:31"), CatchUp::Once);
    assert_eq!((due.run, due.missed, due.last_tick, due.next), (None, 0, last_tick, Some(at("2026-11-20T09:10"))));
}
