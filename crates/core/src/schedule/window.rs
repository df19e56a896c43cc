//! Sync windows: times in which runs may start, and times in which they may not.

use std::fmt;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Cron, WindowLength, Zone, moment};

/// The times in which a sync may run. None set: always.
///
/// An open `deny` window keeps runs out, whatever else is open. Where there is an `allow` window, one must be open.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Windows {
    /// The windows.
    pub windows: Vec<Window>,
    /// A run that is under way when its window closes may finish. Otherwise it stops at the end of the batch in flight.
    pub overrun: bool,
}

/// A stretch of time that comes again and again. Its opening is part of it, its end is not.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// What the window does to runs: `allow` or `deny`.
    pub kind: WindowKind,
    /// When it opens, as minute, hour, day of month, month and day of week: `0 22 * * mon-fri`.
    pub cron: Cron,
    /// How long it stays open: minutes, or a text such as `8h30m`.
    pub duration: WindowLength,
    /// The time zone that `cron` is read in, by its IANA name: `Europe/Berlin`. Default: UTC.
    #[serde(default)]
    pub time_zone: Zone,
    /// Runs that a person starts are let through. Otherwise commands that write here and now are refused too.
    #[serde(default = "yes")]
    pub manual: bool,
    /// Why the window is there, for those whom it stops.
    #[serde(default)]
    pub reason: Option<String>,
}

/// What a window does to runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WindowKind {
    /// Runs start only while it, or another one that allows, is open.
    Allow,
    /// No run starts while it is open.
    Deny,
}

/// Why a run may not start now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the sync windows are closed: {why}; {}", opening(*.until))]
pub struct Closed {
    /// When a run may start next; none when that is not in sight.
    pub until: Option<DateTime<Utc>>,
    /// The window that is in the way, with its reason.
    pub why: String,
}

/// How many windows in a row are looked at before the end of a stretch is out of sight: years of those that open daily, a day
/// of such that open every minute.
const IN_SIGHT: usize = 1_500;

fn yes() -> bool {
    true
}

fn opening(until: Option<DateTime<Utc>>) -> String {
    until.map_or_else(|| "no opening is in sight".to_owned(), |until| format!("they open at {}", moment(until)))
}

impl Default for Windows {
    fn default() -> Self {
        Self { windows: Vec::new(), overrun: true }
    }
}

impl Windows {
    /// Whether a run may start now.
    pub fn may_start(&self, now: DateTime<Utc>, is_manual: bool) -> Result<(), Closed> {
        match self.obstacle(now, is_manual) {
            None => Ok(()),
            Some(obstacle) => Err(Closed { until: self.opens_at(now, is_manual), why: obstacle.to_string() }),
        }
    }

    /// When the present permission ends, for a run that must not go on beyond it: now, if there is none; none, if it does
    /// not end within sight.
    pub fn closes_at(&self, now: DateTime<Utc>, is_manual: bool) -> Option<DateTime<Utc>> {
        let mut time = now;
        for _ in 0..IN_SIGHT {
            if self.obstacle(time, is_manual).is_some() {
                return Some(time);
            }
            let denied = self.binding(WindowKind::Deny, is_manual).filter_map(|window| window.next_opening(time)).min();
            let needs_one = self.binding(WindowKind::Allow, is_manual).next().is_some();
            let allowed = self.of_kind(WindowKind::Allow).filter_map(|window| window.open_until(time)).max();
            time = denied.into_iter().chain(allowed.filter(|_| needs_one)).min()?;
        }
        None
    }

    /// When a run may start, from now on; none when that is not in sight.
    fn opens_at(&self, now: DateTime<Utc>, is_manual: bool) -> Option<DateTime<Utc>> {
        let mut time = now;
        for _ in 0..IN_SIGHT {
            time = match self.obstacle(time, is_manual) {
                None => return Some(time),
                Some(Obstacle::Inside(window)) => window.open_until(time)?,
                Some(Obstacle::Outside(_)) => {
                    self.of_kind(WindowKind::Allow).filter_map(|window| window.next_opening(time)).min()?
                }
            };
        }
        None
    }

    /// What keeps a run from starting at a moment.
    fn obstacle(&self, now: DateTime<Utc>, is_manual: bool) -> Option<Obstacle<'_>> {
        let is_open = |window: &&Window| window.open_until(now).is_some();
        if let Some(window) = self.binding(WindowKind::Deny, is_manual).find(is_open) {
            return Some(Obstacle::Inside(window));
        }
        let needed: Vec<_> = self.binding(WindowKind::Allow, is_manual).collect();
        let is_outside = !needed.is_empty() && !self.of_kind(WindowKind::Allow).any(|window| is_open(&window));
        is_outside.then_some(Obstacle::Outside(needed))
    }

    fn of_kind(&self, kind: WindowKind) -> impl Iterator<Item = &Window> {
        self.windows.iter().filter(move |window| window.kind == kind)
    }

    /// The windows of a kind that stop such a run.
    fn binding(&self, kind: WindowKind, is_manual: bool) -> impl Iterator<Item = &Window> {
        self.of_kind(kind).filter(move |window| !(is_manual && window.manual))
    }
}

impl Window {
    /// Until when the window is open at least, if it is.
    fn open_until(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let end = self.cron.last_until(self.time_zone, now)?.checked_add_signed(self.duration.duration())?;
        (end > now).then_some(end)
    }

    fn next_opening(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.cron.next_after(self.time_zone, after)
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` for {} ({})", self.cron, self.duration, self.time_zone)?;
        self.reason.as_ref().map_or(Ok(()), |reason| write!(f, ": {reason}"))
    }
}

/// What keeps a run from starting.
enum Obstacle<'a> {
    Inside(&'a Window),
    /// None of these is open.
    Outside(Vec<&'a Window>),
}

impl fmt::Display for Obstacle<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inside(window) => write!(f, "within the deny window {window}"),
            Self::Outside(windows) => match windows[..] {
                [only] => write!(f, "outside the allow window {only}"),
                _ => write!(f, "outside all {} allow windows", windows.len()),
            },
        }
    }
}
