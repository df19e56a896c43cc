//! When syncs run by themselves, as a calendar.

use askama::Template;
use axum::extract::State;
use axum::response::Html;
use chrono::{DateTime, TimeDelta, Timelike as _, Utc};
use syncline_core::schedule::{WindowKind, Windows};

use super::PageProblem;
use super::form::{Fields, link};
use super::frame::{Command, Frame, Section, Visit, html};
use super::openness::Openness;
use super::overview::Link;
use super::run_line::sync_href;
use super::show::{Icon, Prose, When, clean};
use crate::ApiState;
use crate::timetable::{Horizon, Tick, Times, Timetable, timetables};

/// Where the page is.
const PATH: &str = "/schedules";
/// How many times of one schedule are counted: one every five minutes for a week.
const MOST: usize = 2_500;
/// How many runs of one schedule are listed one by one: what comes every minute is not to crowd out the others.
const LISTED: usize = 5;

#[derive(Template)]
#[template(path = "schedules.html")]
struct SchedulesPage {
    frame: Frame,
    /// A day by hours, or a week by days.
    is_day: bool,
    other: String,
    /// The beginnings of the columns.
    columns: Vec<String>,
    lines: Vec<Line>,
    coming: Vec<Coming>,
    /// A sync has windows.
    has_windows: bool,
    command: Command,
}

/// What a sync does by itself: its runs, or its drift checks.
#[derive(Debug)]
struct Line {
    sync: Link,
    what: &'static str,
    /// When, in words.
    when: Prose,
    /// What else there is to say.
    notes: Vec<Prose>,
    paused: bool,
    error: Option<String>,
    cells: Vec<Cell>,
}

/// How often something begins in one column.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Cell {
    number: usize,
    /// So many that the rest was not counted.
    is_cut: bool,
    /// Whether the windows let runs start; none where there are no windows.
    openness: Option<Openness>,
}

/// A run to come.
#[derive(Debug)]
struct Coming {
    tick: Tick,
    at: When,
    opens: Option<When>,
    sync: Link,
    what: &'static str,
}

/// `GET /schedules?days=7`: the next 24 hours by the hour, or the next seven days by the day.
pub async fn page(State(state): State<ApiState>, visit: Visit, fields: Fields) -> Result<Html<String>, PageProblem> {
    let is_day = match fields.text("days") {
        None | Some("1") => true,
        Some("7") => false,
        Some(_) => return Err(PageProblem::value("days", "is 1 or 7")),
    };
    let (now, sync) = (Utc::now(), fields.text("sync"));
    let horizon = Horizon { from: now, days: if is_day { 1 } else { 7 }, most: MOST };
    let timetables = timetables(&state, sync, horizon).await?;
    let grid = Grid::new(now, is_day);
    let lines = timetables.iter().flat_map(|timetable| lines(timetable, &grid)).collect();
    let chosen = sync.map(|sync| ("sync", sync));
    let other = if is_day { "7" } else { "1" };
    html(&SchedulesPage {
        frame: visit.frame("Schedules", Section::Syncs),
        is_day,
        other: link(PATH, chosen.into_iter().chain([("days", other)])),
        columns: grid.columns(),
        lines,
        coming: coming(&timetables, now),
        has_windows: timetables.iter().any(|timetable| !timetable.windows.is_empty()),
        command: Command("syncline sync list".to_owned()),
    })
}

/// The columns: hours, or days.
struct Grid {
    first: DateTime<Utc>,
    step: TimeDelta,
    number: usize,
}

impl Grid {
    fn new(now: DateTime<Utc>, is_day: bool) -> Self {
        let hour = now - TimeDelta::seconds(i64::from(now.minute() * 60 + now.second()));
        let day = hour - TimeDelta::hours(i64::from(now.hour()));
        // What has begun is a column too, so that the last one is whole.
        if is_day {
            Self { first: hour, step: TimeDelta::hours(1), number: 25 }
        } else {
            Self { first: day, step: TimeDelta::days(1), number: 8 }
        }
    }

    fn columns(&self) -> Vec<String> {
        let format = if self.step < TimeDelta::days(1) { "%H" } else { "%a %-d" };
        let begins = std::iter::successors(Some(self.first), |begins| Some(*begins + self.step));
        begins.take(self.number).map(|begins| begins.format(format).to_string()).collect()
    }

    /// Adds where windows are open.
    fn with_windows(&self, windows: &Windows, cells: Vec<Cell>) -> Vec<Cell> {
        if windows.windows.is_empty() {
            return cells;
        }
        let cells = if cells.is_empty() { vec![Cell::default(); self.number] } else { cells };
        let openness = Openness::of(windows, self.first, self.step, self.number);
        cells.into_iter().zip(openness).map(|(cell, openness)| Cell { openness: Some(openness), ..cell }).collect()
    }

    fn cells(&self, times: &Times) -> Vec<Cell> {
        let mut cells = vec![Cell::default(); self.number];
        let column = |at: DateTime<Utc>| usize::try_from((at - self.first).num_seconds() / self.step.num_seconds());
        for tick in &times.next {
            if let Some(cell) = column(tick.at).ok().and_then(|column| cells.get_mut(column)) {
                cell.number += 1;
            }
        }
        // Whatever is behind the last one that was counted.
        let counted = times.next.last().and_then(|tick| column(tick.at).ok()).filter(|_| times.more);
        for cell in counted.into_iter().flat_map(|counted| counted..self.number) {
            cells[cell].is_cut = true;
        }
        cells
    }
}

fn lines(timetable: &Timetable, grid: &Grid) -> Vec<Line> {
    let sync = Link { name: clean(&timetable.sync), href: sync_href(&timetable.sync) };
    let line = |what, when: String, cells| Line {
        sync: sync.clone(),
        what,
        when: Prose::of(&when),
        notes: Vec::new(),
        paused: timetable.paused,
        error: None,
        cells,
    };
    if let Some(error) = &timetable.error {
        return vec![Line { error: Some(clean(error)), ..line("Runs", String::new(), Vec::new()) }];
    }
    let scheduled = |what, times: &Times| line(what, times.words.clone(), grid.cells(times));
    let mut first = match (&timetable.runs, &timetable.after) {
        (Some(times), _) => scheduled("Runs", times),
        (None, Some(first)) => line("Runs", format!("after {first}"), Vec::new()),
        (None, None) => line("Runs", "when somebody asks".to_owned(), Vec::new()),
    };
    first.notes.extend(timetable.webhook.then(|| Prose::of("webhook")));
    let windows = Windows { windows: timetable.windows.clone(), overrun: timetable.overrun };
    first.notes.extend(windows.windows.iter().map(|window| {
        let does = match window.kind {
            WindowKind::Allow => "writes within",
            WindowKind::Deny => "writes nothing within",
        };
        Prose::of(&format!("{does} {window}"))
    }));
    first.notes.extend(
        (!windows.windows.is_empty()).then(|| {
            Prose::of(if windows.overrun { "may overrun its windows" } else { "stops when its windows close" })
        }),
    );
    first.cells = grid.with_windows(&windows, std::mem::take(&mut first.cells));
    first.notes.extend(timetable.max_minutes.map(|minutes| Prose::of(&format!("writes for {minutes} min at most"))));
    let drift = timetable.drift.as_ref().map(|times| scheduled("Drift checks", times));
    [Some(first), drift].into_iter().flatten().collect()
}

/// The next runs of all, in their order.
fn coming(timetables: &[Timetable], now: DateTime<Utc>) -> Vec<Coming> {
    let mut coming = Vec::new();
    for timetable in timetables {
        let kinds = [("run", &timetable.runs), ("drift check", &timetable.drift)];
        for (what, times) in kinds.into_iter().filter_map(|(what, times)| Some((what, times.as_ref()?))) {
            coming.extend(times.next.iter().take(LISTED).map(|tick| Coming {
                tick: *tick,
                at: When::new(tick.at, now),
                opens: tick.waits_until.map(|opens| When::new(opens, now)),
                sync: Link { name: clean(&timetable.sync), href: sync_href(&timetable.sync) },
                what,
            }));
        }
    }
    coming.sort_by(|one, other| (one.tick.at, &one.sync.name).cmp(&(other.tick.at, &other.sync.name)));
    coming
}
