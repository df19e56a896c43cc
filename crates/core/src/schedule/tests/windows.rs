//! Windows by example, and against a look at every minute.

use chrono_tz::Tz;
use proptest::prelude::*;

use super::oracle::{Expression, SPAN, before_a_change, expression, minutes};
use super::*;

fn windows(value: Value) -> Windows {
    crate::settings::parse(value).unwrap()
}

/// What windows say at a moment: to a run that starts by itself, then to one that a person starts.
fn said(value: &Value, now: &str) -> String {
    let windows = windows(json!({"windows": value}));
    let say = |is_manual| match windows.may_start(at(now), is_manual) {
        Ok(()) => {
            let closes = windows.closes_at(at(now), is_manual);
            format!("open, closes {}", closes.map_or("never".to_owned(), |time| moment(time).to_string()))
        }
        Err(closed) => closed.to_string(),
    };
    format!("{now}\n  {}\n  manual: {}\n", say(false), say(true))
}

#[test]
fn windows_say_why_and_until_when() {
    let night = json!({"kind": "allow", "cron": "0 22 * * *", "duration": "8h", "time_zone": "Europe/Berlin"});
    let lunch = json!({"kind": "allow", "cron": "0 12 * * *", "duration": 60, "manual": false});
    let backup = json!({"kind": "deny", "cron": "0 23 * * fri", "duration": "1h30m", "reason": "backup of the target"});
    let freeze = json!({"kind": "deny", "cron": "* * * * *", "duration": "1d", "manual": false, "reason": "audit"});
    let texts = [
        said(&json!([]), "2026-11-20T12:00"),
        said(&json!([night]), "2026-11-20T12:00"),
        said(&json!([night]), "2026-11-20T21:00"),
        said(&json!([night]), "2026-11-21T05:00"),
        said(&json!([night, lunch]), "2026-11-20T13:00"),
        said(&json!([night, lunch]), "2026-11-20T12:30"),
        said(&json!([night, backup]), "2026-11-20T22:30"),
        said(&json!([night, backup]), "2026-11-20T23:00"),
        said(&json!([freeze, night]), "2026-11-20T23:00"),
        // The night in which the clock goes forward is an hour shorter on it, and the window as long as ever.
        said(&json!([night]), "2026-03-29T00:00"),
    ];
    insta::assert_snapshot!(texts.concat(), @r#"
2026-11-20T12:00
  open, closes never
  manual: open, closes never
2026-11-20T12:00
  the sync windows are closed: outside the allow window `0 22 * * *` for 8h (Europe/Berlin); they open at 2026-11-20 21:00 UTC
  manual: open, closes never
2026-11-20T21:00
  open, closes 2026-11-21 05:00 UTC
  manual: open, closes never
2026-11-21T05:00
  the sync windows are closed: outside the allow window `0 22 * * *` for 8h (Europe/Berlin); they open at 2026-11-21 21:00 UTC
  manual: open, closes never
2026-11-20T13:00
  the sync windows are closed: outside all 2 allow windows; they open at 2026-11-20 21:00 UTC
  manual: the sync windows are closed: outside the allow window `0 12 * * *` for 1h (UTC); they open at 2026-11-20 21:00 UTC
2026-11-20T12:30
  open, closes 2026-11-20 13:00 UTC
  manual: open, closes 2026-11-20 13:00 UTC
2026-11-20T22:30
  open, closes 2026-11-20 23:00 UTC
  manual: open, closes never
2026-11-20T23:00
  the sync windows are closed: within the deny window `0 23 * * fri` for 1h30m (UTC): backup of the target; they open at 2026-11-21 00:30 UTC
  manual: open, closes never
2026-11-20T23:00
  the sync windows are closed: within the deny window `* * * * *` for 1d (UTC): audit; no opening is in sight
  manual: the sync windows are closed: within the deny window `* * * * *` for 1d (UTC): audit; no opening is in sight
2026-03-29T00:00
  open, closes 2026-03-29 05:00 UTC
  manual: open, closes never
"#);
}

#[test]
fn what_cannot_be_read_says_what_to_write() {
    let window = |key: &str, value: Value| {
        let mut window = json!({"kind": "deny", "cron": "0 8 * * *", "duration": 60});
        window[key] = value;
        crate::settings::parse::<Windows>(json!({"windows": [window]})).unwrap_err().to_string()
    };
    let problems = [
        window("kind", json!("forbid")),
        window("cron", json!("* 25 * * *")),
        window("duration", json!(0)),
        window("duration", json!("")),
        window("duration", json!("8 hours")),
        window("duration", json!("30m8h")),
        window("duration", json!("500d")),
        window("duration", json!(-5)),
        window("time_zone", json!("europe/berlin")),
        window("until", json!("08:00")),
    ];
    insta::assert_snapshot!(problems.join("\n"), @r#"
`windows[0].kind`: unknown variant `forbid`, expected `allow` or `deny`
`windows[0].cron`: `* 25 * * *` is no cron expression: it has `25` as hour; write a number from 0 to 23, a range `a-b`, a list `a,b`, a step `*/n`, or `*` for every one
`windows[0].duration`: a window stays open for a minute at least and 366 days at most
`windows[0].duration`: `` is no length; write minutes, or days, hours and minutes such as `8h30m`
`windows[0].duration`: `8 hours` is no length; write minutes, or days, hours and minutes such as `8h30m`
`windows[0].duration`: `30m8h` is no length; write minutes, or days, hours and minutes such as `8h30m`
`windows[0].duration`: a window stays open for a minute at least and 366 days at most
`windows[0].duration`: expected minutes as a number, or a text such as `8h30m`
`windows[0].time_zone`: there is no time zone `europe/berlin`; did you mean `Europe/Berlin`?
`windows[0].until`: unknown field `until`, expected one of `kind`, `cron`, `duration`, `time_zone`, `manual`, `reason`
"#);
}

#[test]
fn a_length_is_read_back_as_it_was_written() {
    for (text, minutes) in [("8h30m", 510), ("90m", 90), ("1d", 1440), ("1d1m", 1441), ("36h", 2160)] {
        let length: WindowLength = text.parse().unwrap();
        assert_eq!(length, WindowLength::from_minutes(minutes).unwrap(), "{text}");
        assert_eq!(length.to_string().parse(), Ok(length));
    }
}

/// A window, and the same for the look at every minute.
#[derive(Debug, Clone)]
struct Drawn {
    cron: Expression,
    kind: WindowKind,
    minutes: i64,
    manual: bool,
}

fn drawn() -> impl Strategy<Value = Drawn> {
    let kind = prop_oneof![Just(WindowKind::Allow), Just(WindowKind::Deny)];
    let minutes = prop_oneof![1..120_i64, 60..2000_i64];
    (expression(), kind, minutes, any::<bool>()).prop_map(|(cron, kind, minutes, manual)| Drawn {
        cron,
        kind,
        minutes,
        manual,
    })
}

/// For every minute of a stretch, whether the window is open.
fn open_minutes(window: &Drawn, zone: Tz, start: DateTime<Utc>, end: DateTime<Utc>) -> Vec<bool> {
    let length = TimeDelta::minutes(window.minutes);
    let openings = window.cron.ticks(zone, start - length, end);
    let is_open = |now| openings.iter().any(|opening| *opening <= now && now < *opening + length);
    minutes(start).take_while(|now| *now < end).map(is_open).collect()
}

fn check(drawn: &[Drawn], zone: Tz, start: DateTime<Utc>, is_manual: bool) -> Result<(), TestCaseError> {
    let end = start + SPAN;
    let open: Vec<_> = drawn.iter().map(|window| open_minutes(window, zone, start, end)).collect();
    let may: Vec<bool> = (0..open.first().map_or(0, Vec::len))
        .map(|minute| {
            let counts = |window: &Drawn| !(is_manual && window.manual);
            let mut all = drawn.iter().zip(&open).map(|(window, open)| (window, open[minute]));
            let denied = all.clone().any(|(w, open)| open && w.kind == WindowKind::Deny && counts(w));
            let allowed = all.clone().any(|(w, open)| open && w.kind == WindowKind::Allow);
            !denied && (allowed || !all.any(|(w, _)| w.kind == WindowKind::Allow && counts(w)))
        })
        .collect();

    let windows = Windows {
        windows: drawn
            .iter()
            .map(|window| Window {
                kind: window.kind,
                cron: window.cron.to_string().parse().unwrap(),
                duration: WindowLength::from_minutes(window.minutes.unsigned_abs()).unwrap(),
                time_zone: zone.name().parse().unwrap(),
                manual: window.manual,
                reason: None,
            })
            .collect(),
        overrun: true,
    };
    for (minute, now) in minutes(start).take(may.len()).enumerate().step_by(61) {
        // Within the minute it is as at its beginning.
        let now = now + TimeDelta::milliseconds(59_999 * i64::from(minute % 2 == 0));
        let said = windows.may_start(now, is_manual);
        prop_assert_eq!(said.is_ok(), may[minute], "at {}", now);
        let within_a_day = |time: &DateTime<Utc>| *time < end.min(now + TimeDelta::days(1));
        let change = may[minute..].iter().position(|may| *may != said.is_ok());
        let change = change.and_then(|after| minutes(start).nth(minute + after));
        let said_change = match said {
            Ok(()) => windows.closes_at(now, is_manual),
            Err(closed) => {
                prop_assert_eq!(windows.closes_at(now, is_manual), Some(now));
                closed.until
            }
        };
        prop_assert_eq!(said_change.filter(within_a_day), change.filter(within_a_day), "at {}", now);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn windows_are_what_a_look_at_every_minute_says(
        drawn in proptest::collection::vec(drawn(), 1..4),
        (zone, start) in before_a_change(),
        is_manual in any::<bool>(),
    ) {
        check(&drawn, zone, start, is_manual)?;
    }
}
