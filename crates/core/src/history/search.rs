//! The changes and the log lines of all runs: of the newest run first, and of each run the last first.
//!
//! How much there is of what in which run was counted when it was recorded, and where it stands within a run is told by an index. So
//! a rare change is found among millions without a look at the others. Only a text has to be looked for row by row: then a page
//! looks at a bounded number of rows, and says where it stopped.

use std::collections::{BTreeMap, HashSet};

use schemars::JsonSchema;
use sea_orm::sea_query::{Expr, ExprTrait, Order, Query, SelectStatement, UnionType};
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QueryResult};
use serde::Serialize;

use super::change::{OutcomeKind, StoredChange, TimelineCursor, TimelineEntry};
use super::change_read::Origin;
use super::entity::{change, run_log};
use super::log::StoredLogLine;
use super::matching::Wording;
use super::{History, RunId, text};
use crate::Result;
use crate::change::Action;
use crate::event::Level;

/// How many rows a page looks at in search of a text.
pub const LOOKED_AT: u64 = 20_000;
/// How much one page looks at.
const PAGE: Reach = Reach { rows: LOOKED_AT, runs: 1_000 };
/// How many stretches one statement asks for: SQLite takes 500, and a run has a stretch for every model, action and outcome.
const STRETCHES: usize = 100;
/// Of how many runs one statement fetches rows.
const FETCHED_RUNS: usize = 200;

/// Which changes of all runs are wanted. An empty filter wants all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SyncLogFilter {
    /// Of the runs of this sync.
    pub sync: Option<String>,
    /// Of this run.
    pub run: Option<RunId>,
    /// Of this model.
    pub model: Option<String>,
    /// With this action.
    pub action: Option<Action>,
    /// With one of these outcomes; none for any.
    pub outcome: Vec<OutcomeKind>,
    /// With this text in their key, a field, or the reason why they came to nothing.
    pub text: Option<String>,
}

/// Which log lines of all runs are wanted. An empty filter wants all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JobLogFilter {
    /// Of the runs of this sync.
    pub sync: Option<String>,
    /// Of this run.
    pub run: Option<RunId>,
    /// With one of these levels; none for any.
    pub level: Vec<Level>,
    /// With this text in them.
    pub text: Option<String>,
}

/// A log line with its run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct LogEntry {
    /// The run.
    pub run: RunId,
    /// The name of its sync.
    pub sync: String,
    /// Under which id the run is traced, where there is a collector of traces.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
    /// The line.
    #[serde(flatten)]
    pub line: StoredLogLine,
}

/// What was found of all runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Found<T> {
    /// The items.
    pub items: Vec<T>,
    /// Where to go on looking; none when all was looked through.
    pub next: Option<TimelineCursor>,
    /// There are fewer items than were asked for, or none, because so many rows or runs were looked at already. What is behind
    /// `next` was not looked at.
    pub cut_short: bool,
}

/// Rows of one run that an index has in the order of their places.
#[derive(Debug, Clone)]
struct Stretch {
    run: i64,
    /// What tells its rows apart from others of the run.
    kind: Condition,
    /// How many there are at most.
    rows: u64,
}

/// How much is looked at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reach {
    /// How many rows in search of a text.
    pub(super) rows: u64,
    /// How many runs.
    pub(super) runs: u64,
}

/// A table that has rows of runs, and what is looked for in it.
struct Search {
    table: &'static str,
    /// What has to be looked for row by row.
    text: Option<Condition>,
    reach: Reach,
}

/// Where rows were found.
#[derive(Debug)]
struct Places {
    /// By run and place, newest first.
    found: Vec<(i64, i64)>,
    next: Option<TimelineCursor>,
    cut_short: bool,
}

impl History {
    /// Changes of all runs: those before the place `before`, the newest run first, and of each the last change first.
    pub async fn all_changes(
        &self,
        filter: &SyncLogFilter,
        before: Option<TimelineCursor>,
        limit: u64,
    ) -> Result<Found<TimelineEntry>> {
        self.some_changes(filter, before, limit, PAGE).await
    }

    /// Log lines of all runs: those before the place `before`, the newest run first, and of each the last line first.
    pub async fn all_lines(
        &self,
        filter: &JobLogFilter,
        before: Option<TimelineCursor>,
        limit: u64,
    ) -> Result<Found<LogEntry>> {
        self.some_lines(filter, before, limit, PAGE).await
    }

    pub(super) async fn some_changes(
        &self,
        filter: &SyncLogFilter,
        before: Option<TimelineCursor>,
        limit: u64,
        reach: Reach,
    ) -> Result<Found<TimelineEntry>> {
        let window = self.window("last_change", (filter.sync.as_deref(), filter.run), before, reach.runs).await?;
        let is_kind = filter.model.is_some() || filter.action.is_some() || !filter.outcome.is_empty();
        let stretches = if is_kind { self.stretches_of_kinds(filter, &window).await? } else { window.whole() };
        let text = filter
            .text
            .as_deref()
            .map(|text| Wording(text).within(self.store.backend(), &["reason", "native_id"], &["key", "fields"]));
        let search = Search { table: "change", text, reach };
        let places = self.places_in(&search, stretches, &window, before, limit).await?;
        let mut rows = BTreeMap::new();
        for some in of_runs(&places.found) {
            let wanted = wanted(some, change::Column::RunId, change::Column::Seq);
            let some = change::Entity::find().filter(wanted).all(self.store.db()).await;
            let some = some.map_err(|error| self.store.read_error(error))?;
            rows.extend(some.into_iter().map(|row| ((row.run_id, row.seq), row)));
        }
        let runs = self.origins(places.found.iter().map(|(run, _)| *run).collect()).await?;
        let entries: Result<Vec<_>> = places
            .found
            .iter()
            .filter_map(|place| rows.remove(place))
            .map(|row| {
                let run = RunId(row.run_id);
                let Origin { sync, instance, .. } = runs.get(&row.run_id).cloned().unwrap_or_default();
                Ok(TimelineEntry { run, sync, instance, change: StoredChange::try_from(row)? })
            })
            .collect();
        Ok(Found { items: entries?, next: places.next, cut_short: places.cut_short })
    }

    pub(super) async fn some_lines(
        &self,
        filter: &JobLogFilter,
        before: Option<TimelineCursor>,
        limit: u64,
        reach: Reach,
    ) -> Result<Found<LogEntry>> {
        let window = self.window("last_line", (filter.sync.as_deref(), filter.run), before, reach.runs).await?;
        // Most lines are information, and an index has the others.
        let is_loud = !filter.level.is_empty() && !filter.level.contains(&Level::Info);
        let stretches = if is_loud { self.stretches_of_levels(filter, &window).await? } else { window.whole() };
        let quiet = !filter.level.is_empty() && !is_loud;
        let stretches = stretches.into_iter().map(|stretch| {
            let levels = quiet.then(|| of_levels(&filter.level));
            Stretch { kind: stretch.kind.add_option(levels), ..stretch }
        });
        let text = filter.text.as_deref().map(|text| Wording(text).within(self.store.backend(), &["text"], &[]));
        let search = Search { table: "run_log", text, reach };
        let places = self.places_in(&search, stretches.collect(), &window, before, limit).await?;
        let mut rows = BTreeMap::new();
        for some in of_runs(&places.found) {
            let wanted = wanted(some, run_log::Column::RunId, run_log::Column::Seq);
            let some = run_log::Entity::find().filter(wanted).order_by_asc(run_log::Column::Seq);
            let some = some.all(self.store.db()).await.map_err(|error| self.store.read_error(error))?;
            rows.extend(some.into_iter().map(|row| ((row.run_id, row.seq), row)));
        }
        let runs = self.origins(places.found.iter().map(|(run, _)| *run).collect()).await?;
        let entries: Result<Vec<_>> = places
            .found
            .iter()
            .filter_map(|place| rows.remove(place))
            .map(|row| {
                let run = RunId(row.run_id);
                let Origin { sync, trace_id, .. } = runs.get(&row.run_id).cloned().unwrap_or_default();
                Ok(LogEntry { run, sync, trace_id, line: StoredLogLine::try_from(row)? })
            })
            .collect();
        Ok(Found { items: entries?, next: places.next, cut_short: places.cut_short })
    }

    /// The next runs that have rows, with how many.
    async fn window(
        &self,
        counter: &'static str,
        (sync, run): (Option<&str>, Option<RunId>),
        before: Option<TimelineCursor>,
        most: u64,
    ) -> Result<Window> {
        let mut query = Query::select();
        query.column("id").expr_as(Expr::col(counter), "rows").from("run").and_where(Expr::col(counter).gt(0));
        let mut sync_id = None;
        if let Some(sync) = sync {
            let Some(sync) = self.sync(sync).await? else { return Ok(Window::default()) };
            query.and_where(Expr::col("sync_id").eq(sync.id.0));
            sync_id = Some(sync.id.0);
        }
        if let Some(run) = run {
            query.and_where(Expr::col("id").eq(run.0));
        }
        if let Some(before) = before {
            // Nothing of a run is before its first place.
            let is_left = before.seq > 1;
            query.and_where(if is_left { Expr::col("id").lte(before.run.0) } else { Expr::col("id").lt(before.run.0) });
        }
        query.order_by("id", Order::Desc).limit(most + 1);
        let rows = self.store.db().query_all(&query).await.map_err(|error| self.store.read_error(error))?;
        let read = |row: &QueryResult| Ok((row.try_get("", "id")?, text::count(row.try_get("", "rows")?)));
        let runs: Result<Vec<(i64, u64)>, _> = rows.iter().map(read).collect();
        let mut runs = runs.map_err(|error| self.store.read_error(error))?;
        let goes_on = runs.len() as u64 > most;
        if goes_on {
            runs.pop();
        }
        Ok(Window { runs, goes_on, sync: sync_id })
    }

    /// Where the changes of some runs are that a filter wants, by what was counted of them.
    async fn stretches_of_kinds(&self, filter: &SyncLogFilter, window: &Window) -> Result<Vec<Stretch>> {
        let Some((oldest, newest)) = window.ends() else { return Ok(Vec::new()) };
        let equals = |column: &'static str, value: Option<&str>| value.map(|value| Expr::col(column).eq(value));
        let outcomes = filter.outcome.iter().map(|outcome| outcome.as_str());
        let of_outcome = (!filter.outcome.is_empty()).then(|| Expr::col("outcome").is_in(outcomes));
        let wanted = Condition::all()
            .add(Expr::col("run_id").between(oldest, newest))
            .add_option(window.of_sync())
            .add(Expr::col("count").gt(0))
            .add_option(equals("model", filter.model.as_deref()))
            .add_option(equals("action", filter.action.map(Action::as_str)))
            .add_option(of_outcome);
        let query = Query::select()
            .columns(["run_id", "model", "action", "outcome", "count"])
            .from("run_outcome")
            .cond_where(wanted)
            .order_by("run_id", Order::Desc)
            .to_owned();
        let rows = self.store.db().query_all(&query).await.map_err(|error| self.store.read_error(error))?;
        let read = |row: &QueryResult| {
            let texts: [String; 3] =
                [row.try_get("", "model")?, row.try_get("", "action")?, row.try_get("", "outcome")?];
            let [model, action, outcome] = texts;
            let kind = Condition::all()
                .add(Expr::col("model").eq(model))
                .add(Expr::col("action").eq(action))
                .add(Expr::col("outcome").eq(outcome));
            Ok(Stretch { run: row.try_get("", "run_id")?, kind, rows: text::count(row.try_get("", "count")?) })
        };
        let stretches: Result<Vec<_>, _> = rows.iter().map(read).collect();
        Ok(window.only(stretches.map_err(|error| self.store.read_error(error))?))
    }

    /// Where the lines of some runs are that are more than information.
    async fn stretches_of_levels(&self, filter: &JobLogFilter, window: &Window) -> Result<Vec<Stretch>> {
        let Some((oldest, newest)) = window.ends() else { return Ok(Vec::new()) };
        let query = Query::select()
            .column("run_id")
            .expr_as(Expr::col("seq").count(), "rows")
            .from("run_log")
            .cond_where(
                of_levels(&filter.level)
                    .add(loud())
                    .add(Expr::col("run_id").between(oldest, newest))
                    .add_option(window.of_sync()),
            )
            .group_by_col("run_id")
            .order_by("run_id", Order::Desc)
            .to_owned();
        let rows = self.store.db().query_all(&query).await.map_err(|error| self.store.read_error(error))?;
        let read = |row: &QueryResult| {
            let kind = of_levels(&filter.level).add(loud());
            Ok(Stretch { run: row.try_get("", "run_id")?, kind, rows: text::count(row.try_get("", "rows")?) })
        };
        let stretches: Result<Vec<_>, _> = rows.iter().map(read).collect();
        Ok(window.only(stretches.map_err(|error| self.store.read_error(error))?))
    }

    /// The first places that are wanted.
    async fn places_in(
        &self,
        search: &Search,
        stretches: Vec<Stretch>,
        window: &Window,
        before: Option<TimelineCursor>,
        limit: u64,
    ) -> Result<Places> {
        let most = usize::try_from(limit).unwrap_or(usize::MAX);
        let behind = |run: i64, seq: u64| Some(TimelineCursor { run: RunId(run), seq });
        let mut places: Vec<(i64, i64)> = Vec::new();
        let mut budget = search.reach.rows;
        let mut rest = stretches.as_slice();
        // Where was looked to the end: everything of a run, or of it what is behind a place.
        let mut reached = None;
        while places.len() <= most && !rest.is_empty() {
            let mut batch = next_run(rest);
            let rows = |batch: &[Stretch]| batch.iter().map(|stretch| stretch.rows).sum::<u64>();
            if search.text.is_some() && rows(batch) > budget {
                if budget < search.reach.rows {
                    break;
                }
                // A run with more rows than a page looks at: as much of it as that.
                let floor = self.floor(search, batch, before, budget).await?;
                places.extend(self.search(search, batch, before, floor, limit).await?);
                rest = &rest[batch.len()..];
                reached = match floor {
                    Some(floor) => behind(batch[0].run, text::count(floor.saturating_add(1))),
                    None => behind(batch[0].run, 0),
                };
                break;
            }
            // Runs with few rows are asked for together.
            loop {
                let more = next_run(&rest[batch.len()..]);
                let both = &rest[..batch.len() + more.len()];
                let is_enough = search.text.is_none() && rows(batch) > limit;
                let is_too_much = both.len() > STRETCHES || (search.text.is_some() && rows(both) > budget);
                if more.is_empty() || is_enough || is_too_much {
                    break;
                }
                batch = both;
            }
            places.extend(self.search(search, batch, before, None, limit).await?);
            budget = budget.saturating_sub(rows(batch));
            rest = &rest[batch.len()..];
            reached = batch.last().and_then(|stretch| behind(stretch.run, 0));
        }
        places.sort_unstable_by(|one, other| other.cmp(one));
        if places.len() > most {
            places.truncate(most);
            let next = places.last().and_then(|(run, seq)| behind(*run, text::count(*seq)));
            return Ok(Places { found: places, next, cut_short: false });
        }
        let is_whole = rest.is_empty() && reached.is_none_or(|reached| reached.seq == 0);
        let next = match (is_whole, window.goes_on) {
            (true, false) => None,
            (true, true) => window.ends().and_then(|(oldest, _)| behind(oldest, 0)),
            (false, _) => reached,
        };
        Ok(Places { cut_short: next.is_some(), found: places, next })
    }

    /// The place up to which one page looks through a run, from behind; none when it can look at all of it.
    async fn floor(
        &self,
        search: &Search,
        stretches: &[Stretch],
        before: Option<TimelineCursor>,
        budget: u64,
    ) -> Result<Option<i64>> {
        let share = Ord::max(budget / stretches.len() as u64, 1);
        let mut floor = None;
        for stretch in stretches {
            let mut query = stretch.rows_of(search.table, before);
            query.limit(1).offset(share);
            let row = self.store.db().query_one(&query).await.map_err(|error| self.store.read_error(error))?;
            let place: Option<i64> =
                row.map(|row| row.try_get("", "seq")).transpose().map_err(|error| self.store.read_error(error))?;
            floor = Ord::max(floor, place);
        }
        Ok(floor)
    }

    /// The last rows of each stretch that have what is looked for, behind the place `floor`.
    async fn search(
        &self,
        search: &Search,
        stretches: &[Stretch],
        before: Option<TimelineCursor>,
        floor: Option<i64>,
        limit: u64,
    ) -> Result<Vec<(i64, i64)>> {
        let mut all: Option<SelectStatement> = None;
        for stretch in stretches {
            let mut rows = stretch.rows_of(search.table, before);
            rows.cond_where(
                Condition::all()
                    .add_option(floor.map(|floor| Expr::col("seq").gt(floor)))
                    .add_option(search.text.clone()),
            );
            rows.limit(limit.saturating_add(1));
            let rows = Query::select().columns(["run_id", "seq"]).from_subquery(rows, "stretch").to_owned();
            match &mut all {
                None => all = Some(rows),
                Some(all) => {
                    all.union(UnionType::All, rows);
                }
            }
        }
        let Some(all) = all else { return Ok(Vec::new()) };
        let rows = self.store.db().query_all(&all).await.map_err(|error| self.store.read_error(error))?;
        let read = |row: &QueryResult| Ok((row.try_get("", "run_id")?, row.try_get("", "seq")?));
        let places: Result<Vec<_>, _> = rows.iter().map(read).collect();
        places.map_err(|error| self.store.read_error(error))
    }
}

/// Runs that have rows, newest first.
#[derive(Debug, Default)]
struct Window {
    runs: Vec<(i64, u64)>,
    /// There are older ones.
    goes_on: bool,
    /// The sync that all are of; none when they are of any.
    sync: Option<i64>,
}

impl Window {
    /// The oldest and the newest run.
    fn ends(&self) -> Option<(i64, i64)> {
        Some((self.runs.last()?.0, self.runs.first()?.0))
    }

    /// Keeps runs of other syncs away, of which there can be any number between two of one sync.
    fn of_sync(&self) -> Option<Expr> {
        let runs =
            |sync: i64| Query::select().column("id").from("run").and_where(Expr::col("sync_id").eq(sync)).to_owned();
        self.sync.map(|sync| Expr::col("run_id").in_subquery(runs(sync)))
    }

    /// Everything that there is of them.
    fn whole(&self) -> Vec<Stretch> {
        let stretch = |(run, rows): &(i64, u64)| Stretch { run: *run, kind: Condition::all(), rows: *rows };
        self.runs.iter().map(stretch).collect()
    }

    /// Those stretches that are of these runs.
    fn only(&self, stretches: Vec<Stretch>) -> Vec<Stretch> {
        let runs: HashSet<_> = self.runs.iter().map(|(run, _)| *run).collect();
        stretches.into_iter().filter(|stretch| runs.contains(&stretch.run)).collect()
    }
}

impl Stretch {
    /// Its rows, from behind.
    fn rows_of(&self, table: &'static str, before: Option<TimelineCursor>) -> SelectStatement {
        let earlier = before.filter(|before| before.run.0 == self.run);
        Query::select()
            .columns(["run_id", "seq"])
            .from(table)
            .and_where(Expr::col("run_id").eq(self.run))
            .cond_where(self.kind.clone())
            .cond_where(
                Condition::all().add_option(earlier.map(|before| Expr::col("seq").lt(text::stored(before.seq)))),
            )
            .order_by("seq", Order::Desc)
            .to_owned()
    }
}

/// The stretches of the first run.
fn next_run(stretches: &[Stretch]) -> &[Stretch] {
    let Some(first) = stretches.first() else { return &[] };
    let end = stretches.iter().position(|stretch| stretch.run != first.run).unwrap_or(stretches.len());
    &stretches[..end]
}

fn of_levels(levels: &[Level]) -> Condition {
    Condition::all().add(Expr::col("level").is_in(levels.iter().map(|level| text::level_name(*level))))
}

/// What the index over the other lines is asked by, word by word as its migration has it.
fn loud() -> Expr {
    Expr::cust(r#""level" <> 'info'"#)
}

/// Places in parts that one statement fetches, by run.
fn of_runs(places: &[(i64, i64)]) -> Vec<Vec<(i64, Vec<i64>)>> {
    let mut runs: Vec<(i64, Vec<i64>)> = Vec::new();
    for (run, seq) in places {
        match runs.last_mut() {
            Some((last, seqs)) if last == run => seqs.push(*seq),
            _ => runs.push((*run, vec![*seq])),
        }
    }
    runs.chunks(FETCHED_RUNS).map(<[_]>::to_vec).collect()
}

fn wanted(places: Vec<(i64, Vec<i64>)>, run: impl ColumnTrait, seq: impl ColumnTrait) -> Condition {
    places.into_iter().fold(Condition::any(), |any, (number, seqs)| {
        any.add(Condition::all().add(run.eq(number)).add(seq.is_in(seqs)))
    })
}
