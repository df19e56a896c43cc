//! Schedules by example, and the words that people read. What holds for all of them is in [`ticks`] and [`windows`].

mod oracle;
mod ticks;
mod windows;

use serde_json::{Value, json};

use super::*;

/// A moment: `2026-11-20T08:00:00Z`, or without its `:00Z`.
fn at(text: &str) -> DateTime<Utc> {
    let text = if text.ends_with('Z') { text.to_owned() } else { format!("{text}:00Z") };
    text.parse().unwrap()
}

fn schedule(value: Value) -> Schedule {
    crate::settings::parse(value).unwrap()
}

/// The first ticks of a schedule that was made on 2026-11-20 at 07:50:30, without their year and zone.
fn first_ticks(value: Value) -> String {
    let made_at = at("2026-11-20T07:50:30Z");
    let schedule = schedule(value);
    let first = schedule.next_after(made_at, DateTime::<Utc>::MIN_UTC);
    let ticks = std::iter::successors(first, |tick| schedule.next_after(made_at, *tick)).take(3);
    ticks.map(|tick| tick.format("%m-%d %H:%M:%S").to_string()).collect::<Vec<_>>().join(", ")
}

#[test]
fn every_kind_ticks_as_its_table_says() {
    let eight = "2026-11-20T08:00:00Z";
    let past = "2026-11-20T07:00:00Z";
    let cases = [
        (json!({}), ""),
        (json!({"schedule_at": eight}), "11-20 08:00:00"),
        (json!({"schedule_at": past}), ""),
        (json!({"recurs_every": 15}), "11-20 07:50:30, 11-20 08:05:30, 11-20 08:20:30"),
        (json!({"schedule_at": eight, "recurs_every": 15}), "11-20 08:00:00, 11-20 08:15:00, 11-20 08:30:00"),
        (json!({"schedule_at": past, "recurs_every": 15}), "11-20 08:00:00, 11-20 08:15:00, 11-20 08:30:00"),
        (json!({"cron": "0 8 * * *"}), "11-20 08:00:00, 11-21 08:00:00, 11-22 08:00:00"),
        (json!({"cron": "0 8 * * *", "schedule_at": eight}), "11-20 08:00:00, 11-21 08:00:00, 11-22 08:00:00"),
        (
            json!({"cron": "0 8 * * *", "schedule_at": "2026-11-20T08:00:01Z"}),
            "11-21 08:00:00, 11-22 08:00:00, 11-23 08:00:00",
        ),
        (
            json!({"cron": "0 3 * * mon-fri", "time_zone": "Europe/Berlin"}),
            "11-23 02:00:00, 11-24 02:00:00, 11-25 02:00:00",
        ),
    ];
    for (value, expected) in cases {
        assert_eq!(first_ticks(value.clone()), expected, "{value}");
    }
}

#[test]
fn ticks_are_the_same_whatever_precision_a_database_keeps() {
    let schedule = schedule(json!({"recurs_every": 1}));
    let now = at("2026-11-20T08:00");
    for made_at in ["2026-11-20T07:50:30.123456789Z", "2026-11-20T07:50:30.123456Z", "2026-11-20T07:50:30Z"] {
        assert_eq!(schedule.next_after(at(made_at), now), Some(at("2026-11-20T08:00:30Z")), "{made_at}");
    }
}

/// The ticks of an expression on a day, in UTC; clocks in Berlin go from 2:00 to 3:00 at 1:00 UTC in March, and from 3:00 to 2:00
/// at 1:00 UTC in October.
fn berlin(cron: &str, day: &str) -> String {
    let (cron, zone): (Cron, Zone) = (cron.parse().unwrap(), "Europe/Berlin".parse().unwrap());
    let start = at(&format!("{day}T00:00"));
    let first = cron.next_after(zone, start - TimeDelta::seconds(1));
    let ticks = std::iter::successors(first, |tick| cron.next_after(zone, *tick));
    let ticks = ticks.take_while(|tick| *tick < start + TimeDelta::hours(4));
    ticks.map(|tick| tick.format("%H:%M").to_string()).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_time_that_the_clock_skips_ticks_at_the_end_of_the_gap() {
    assert_eq!(berlin("30 2 * * *", "2026-03-28"), "01:30");
    assert_eq!(berlin("30 2 * * *", "2026-03-29"), "01:00");
    assert_eq!(berlin("30 2 * * *", "2026-03-30"), "00:30");
    assert_eq!(berlin("0,30 2,4 * * *", "2026-03-29"), "02:00 02:30");
}

#[test]
fn a_time_that_comes_twice_ticks_once_unless_it_recurs() {
    assert_eq!(berlin("30 2 * * *", "2026-10-25"), "00:30");
    assert_eq!(berlin("*/30 2 * * *", "2026-10-25"), "00:00 00:30 01:00 01:30");
    assert_eq!(berlin("30 2,4 * * *", "2026-10-25"), "00:30 01:30 03:30");
}

#[test]
fn a_schedule_says_what_it_does() {
    let cases = [
        json!({}),
        json!({"schedule_at": "2026-11-20T09:00:05+01:00"}),
        json!({"recurs_every": 1}),
        json!({"recurs_every": 15, "schedule_at": "2026-11-20T08:00:00Z"}),
        json!({"recurs_every": 60}),
        json!({"recurs_every": 90}),
        json!({"recurs_every": 720}),
        json!({"recurs_every": 1440}),
        json!({"recurs_every": 10080}),
        json!({"cron": " 0  3 * * *"}),
        json!({"cron": "0 3 * * *", "time_zone": "Europe/Berlin", "schedule_at": "2026-11-20T08:00:00Z"}),
    ];
    let words = cases.map(|value| schedule(value).describe()).join("\n");
    insta::assert_snapshot!(words, @r#"
manual only
once at 2026-11-20 08:00:05 UTC
every minute
every 15 minutes from 2026-11-20 08:00 UTC
every hour
every 90 minutes
every 12 hours
every day
every 7 days
cron `0 3 * * *` (UTC)
cron `0 3 * * *` (Europe/Berlin) from 2026-11-20 08:00 UTC
"#);
}

#[test]
fn what_cannot_be_read_says_what_to_write() {
    let cases = [
        json!({"recurs_every": 0}),
        json!({"recurs_evry": 5}),
        json!({"schedule_at": "tomorrow"}),
        json!({"schedule_at": "2026-11-20T08:00:00"}),
        json!({"cron": ""}),
        json!({"cron": "@daily"}),
        json!({"cron": "0 0 3 * * *"}),
        json!({"cron": "61 * * * *"}),
        json!({"cron": "0 3 * * funday"}),
        json!({"cron": "0 3 mon * *"}),
        json!({"cron": "0/5 * * * *"}),
        json!({"cron": "0 0 30 feb *"}),
        json!({"cron": "0 3 * * *", "time_zone": "berlin"}),
        json!({"cron": "0 3 * * *", "time_zone": "new york"}),
        json!({"cron": "0 3 * * *", "time_zone": "Mars"}),
    ];
    let problems = cases.map(|value| crate::settings::parse::<Schedule>(value).unwrap_err().to_string());
    insta::assert_snapshot!(problems.join("\n"), @r#"
`recurs_every`: `0` is no interval; write at least 1 minute, or leave it out
`recurs_evry`: unknown field `recurs_evry`, expected one of `schedule_at`, `recurs_every`, `cron`, `time_zone`
`schedule_at`: `tomorrow` is no time; write date, time and offset, such as `2026-11-20T08:00:00Z` or `2026-11-20T09:00:00+01:00`
`schedule_at`: `2026-11-20T08:00:00` is no time; write date, time and offset, such as `2026-11-20T08:00:00Z` or `2026-11-20T09:00:00+01:00`
`cron`: `` is no cron expression: it has 0 instead of 5 fields; write minute, hour, day of month, month and day of week, such as `0 3 * * *` for every night at three
`cron`: `@daily` is no cron expression: it has 1 instead of 5 fields; write minute, hour, day of month, month and day of week, such as `0 3 * * *` for every night at three
`cron`: `0 0 3 * * *` is no cron expression: it has 6 instead of 5 fields; write minute, hour, day of month, month and day of week, such as `0 3 * * *` for every night at three
`cron`: `61 * * * *` is no cron expression: it has `61` as minute; write a number from 0 to 59, a range `a-b`, a list `a,b`, a step `*/n`, or `*` for every one
`cron`: `0 3 * * funday` is no cron expression: it has `funday` as day of week; write a number from 0 to 7 (0 and 7 are Sunday), a name such as `mon`, a range `a-b`, a list `a,b`, a step `*/n`, or `*` for every one
`cron`: `0 3 mon * *` is no cron expression: it has `mon` as day of month; write a number from 1 to 31, `L` for the last, a range `a-b`, a list `a,b`, a step `*/n`, or `*` for every one
`cron`: `0/5 * * * *` is no cron expression: it has `0/5` as minute; write a number from 0 to 59, a range `a-b`, a list `a,b`, a step `*/n`, or `*` for every one
`cron`: `0 0 30 feb *` never ticks: no month that it names has such a day; name another day
`time_zone`: there is no time zone `berlin`; did you mean `Europe/Berlin`?
`time_zone`: there is no time zone `new york`; did you mean `America/New_York`?
`time_zone`: there is no time zone `Mars`; write a name such as `Europe/Berlin` or `UTC`
"#);
}

#[test]
fn what_does_not_go_together_is_found_at_once() {
    let problems = schedule(json!({"cron": "0 3 * * *", "recurs_every": 5})).validate();
    let more = schedule(json!({"recurs_every": 5, "time_zone": "UTC"})).validate();
    let problems: Vec<_> = problems.iter().chain(&more).map(ToString::to_string).collect();
    insta::assert_snapshot!(problems.join("\n"), @r#"
`recurs_every`: does not go with `cron`, which says itself when to run again; remove one of them
`time_zone`: has no effect without `cron`; remove it, and write the offset into `schedule_at`, such as `2026-11-20T08:00:00+01:00`
"#);
    let fine = json!({"cron": "0 3 * * *", "time_zone": "UTC", "schedule_at": "2026-11-20T08:00:00Z"});
    assert_eq!(schedule(fine).validate(), []);
}

#[test]
fn names_and_days_that_cron_knows_are_read() {
    for text in [
        "0 3 * jan-mar,DEC mon-fri",
        "0 3 L * *",
        "0 3 15W * *",
        "0 3 * * fri#L",
        "0 3 1-7 * +mon",
        "*/5 8-17/2 1,15 * 7",
    ] {
        assert_eq!(text.parse::<Cron>().map(|cron| cron.to_string()), Ok(text.to_owned()));
    }
}

#[test]
fn a_schedule_is_read_back_as_it_was_written() {
    let full = schedule(json!({
        "schedule_at": "2026-11-20T08:00:00Z", "recurs_every": 5, "cron": "0 3 * * MON", "time_zone": "Asia/Kolkata",
    }));
    for schedule in [full, Schedule::default()] {
        let written = serde_json::to_value(&schedule).unwrap();
        assert_eq!(crate::settings::parse::<Schedule>(written).unwrap(), schedule);
    }
}

#[test]
fn the_schema_is_what_a_form_needs() {
    let schema = crate::settings::schema::<(Schedule, CatchUp, Windows)>();
    insta::assert_snapshot!(serde_json::to_string_pretty(&schema["prefixItems"]).unwrap());
}
