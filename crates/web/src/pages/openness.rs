//! In which columns of a calendar the windows of a sync are open.

use chrono::{DateTime, TimeDelta, Utc};
use syncline_core::schedule::Windows;

use super::show::Icon;

/// How many times windows may open and close before the rest is out of sight: once in ten minutes for a week.
const IN_SIGHT: usize = 1_000;

/// Whether scheduled runs may start in a stretch of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Openness {
    /// All the time.
    Open,
    /// For a part of it.
    Partly,
    /// Not at all.
    Closed,
}

impl Openness {
    /// That of so many columns, each a step long.
    pub fn of(windows: &Windows, first: DateTime<Utc>, step: TimeDelta, columns: usize) -> Vec<Self> {
        let begin = |column: usize| first + step * i32::try_from(column).unwrap_or(i32::MAX);
        let end = begin(columns);
        let (mut open, mut closed) = (vec![false; columns], vec![false; columns]);
        let mut time = first;
        for _ in 0..IN_SIGHT {
            if time >= end {
                break;
            }
            let (is_open, until) = match windows.may_start(time, false) {
                Ok(()) => (true, windows.closes_at(time, false)),
                Err(stands) => (false, stands.until),
            };
            // What does not move on has no end in sight.
            let until = until.filter(|until| *until > time).map_or(end, |until| until.min(end));
            for column in 0..columns {
                if begin(column) < until && time < begin(column + 1) {
                    let state = if is_open { &mut open } else { &mut closed };
                    state[column] = true;
                }
            }
            time = until;
        }
        // What was not looked at opens and closes too often to be told.
        for column in (0..columns).filter(|column| time < begin(column + 1)) {
            (open[column], closed[column]) = (true, true);
        }
        open.into_iter().zip(closed).map(|(open, closed)| Self::told(open, closed)).collect()
    }

    fn told(open: bool, closed: bool) -> Self {
        match (open, closed) {
            (_, false) => Self::Open,
            (true, true) => Self::Partly,
            (false, true) => Self::Closed,
        }
    }

    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Partly => "partly open",
            Self::Closed => "closed",
        }
    }

    /// The symbol; none for what needs none.
    pub fn icon(self) -> Option<Icon> {
        match self {
            Self::Open => None,
            Self::Partly => Some(Icon("waiting")),
            Self::Closed => Some(Icon("refused")),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(windows: serde_json::Value) -> String {
        let windows: Windows = serde_json::from_value(windows).unwrap();
        let first = "2026-11-20T12:00:00Z".parse().unwrap();
        let all = Openness::of(&windows, first, TimeDelta::hours(1), 5);
        all.iter().map(|openness| openness.word()).collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn columns_are_open_closed_or_both() {
        assert_eq!(told(json!({})), "open, open, open, open, open");
        let allow = json!({"kind": "allow", "cron": "30 13 * * *", "duration": "90m"});
        assert_eq!(told(json!({"windows": [allow.clone()]})), "closed, partly open, open, closed, closed");
        let deny = json!({"kind": "deny", "cron": "0 14 * * *", "duration": "1h"});
        assert_eq!(told(json!({"windows": [deny.clone()]})), "open, open, closed, open, open");
        assert_eq!(told(json!({"windows": [allow, deny]})), "closed, partly open, closed, closed, closed");
        let never = json!({"kind": "deny", "cron": "* * * * *", "duration": "1h"});
        assert_eq!(told(json!({"windows": [never]})), "closed, closed, closed, closed, closed");
        let often = json!({"kind": "deny", "cron": "*/2 * * * *", "duration": "1m"});
        assert_eq!(told(json!({"windows": [often]})), ["partly open"; 5].join(", "));
    }
}
