//! What all runs said, and what they changed: a line for each, the newest run first.

use askama::Template;
use axum::extract::State;
use axum::response::Html;
use chrono::{DateTime, Utc};
use syncline_core::Result;
use syncline_core::change::Action;
use syncline_core::event::Level;
use syncline_core::history::{
    History, JobLogFilter, LOOKED_AT, LogEntry, OutcomeKind, RunId, SyncLogFilter, TimelineCursor, TimelineEntry,
};
use syncline_model::models;
use syncline_render::{Limits, words};

use super::PageProblem;
use super::change_row::Row;
use super::exchange::Exchanged;
use super::form::Fields;
use super::frame::{Command, Frame, Pager, Section, Visit, html};
use super::overview::Link;
use super::pick::Select;
use super::run_line::sync_href;
use super::show::{Count, Icon, Prose, When, clean};
use crate::ApiState;
use crate::auth::Who;
use crate::input::SearchText;

/// Where the pages are.
const LINES: &str = "/logs";
const CHANGES: &str = "/logs/changes";
/// How many rows a page has.
const PAGE: u64 = 100;
/// How much of a change is shown of it.
const SHORT: Limits = Limits { fields: Some(4), value: Some(100), name: Some(200), reason: Some(300), ..Limits::NONE };

/// What all runs said.
#[derive(Template)]
#[template(path = "logs.html")]
struct LinesPage {
    frame: Frame,
    tab: Tab,
    form: FilterForm,
    lines: Vec<Line>,
    /// Under which id the run is traced whose lines these are; none where they are of several runs.
    trace_id: Option<String>,
    behind: Behind,
}

/// What all runs changed.
#[derive(Template)]
#[template(path = "changes.html")]
struct ChangesPage {
    frame: Frame,
    tab: Tab,
    form: FilterForm,
    changes: Vec<ChangeLine>,
    behind: Behind,
}

/// Which of the pages it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tab {
    Lines,
    Changes,
}

/// What is asked for.
struct FilterForm {
    path: &'static str,
    selects: Vec<Select>,
    run: String,
    text: String,
    is_filtered: bool,
    /// The same as a file.
    export: String,
}

/// What comes behind the rows of a page.
struct Behind {
    pager: Pager,
    /// The run down to which was looked, where the page ended before it was full.
    looked_to: Option<i64>,
    looked_at: Count,
    /// The command that tells the same, where there is one: of one run.
    command: Option<Command>,
}

/// A line of a log.
#[derive(Debug)]
struct Line {
    at: When,
    time: String,
    run: i64,
    sync: Link,
    class: &'static str,
    icon: Option<Icon>,
    word: &'static str,
    text: Prose,
    exchange: Option<Exchanged>,
}

/// What a run did to an object.
#[derive(Debug)]
struct ChangeLine {
    time: String,
    at: When,
    run: i64,
    sync: Link,
    row: Row,
    model: String,
}

/// `GET /logs?sync=lab&run=17&level=warning,error&text=time-out&before=17-200`.
pub async fn lines(
    State(state): State<ApiState>,
    visit: Visit,
    who: Who,
    fields: Fields,
) -> Result<Html<String>, PageProblem> {
    let (text, before, now) = (text(&fields)?, cursor(&fields)?, Utc::now());
    let filter = JobLogFilter {
        sync: fields.text("sync").map(str::to_owned),
        run: fields.parsed("run")?.map(RunId::new),
        level: fields.names::<Level>("level")?,
        text,
    };
    let history = state.runner.history();
    let found = history.all_lines(&filter, before, PAGE).await?;
    let chosen = |name: &str| fields.text(name).unwrap_or_default().to_owned();
    let levels = [
        ("warning,error", "warnings and errors"),
        ("error", "errors"),
        ("warning", "warnings"),
        ("info", "information"),
    ];
    let levels = levels.map(|(name, word)| (name.to_owned(), word.to_owned()));
    html(&LinesPage {
        frame: visit.frame("Logs", Section::Logs),
        tab: Tab::Lines,
        form: FilterForm {
            path: LINES,
            selects: vec![
                of_syncs(history, &who, &chosen("sync")).await?,
                Select::new("level", "Level", levels, &chosen("level")),
            ],
            run: chosen("run"),
            text: chosen("text"),
            is_filtered: filter != JobLogFilter::default(),
            export: fields.with("/api/v1/log/export", "before", None, &[]),
        },
        trace_id: found.items.first().filter(|_| filter.run.is_some()).and_then(|entry| entry.trace_id.clone()),
        lines: found.items.into_iter().map(|entry| Line::of(entry, now)).collect(),
        behind: Behind::of(
            LINES,
            &fields,
            found.next,
            found.cut_short,
            filter.run.map(|run| format!("syncline show {run}")),
        ),
    })
}

/// `GET /logs/changes?sync=lab&run=17&model=device&action=update&outcome=failed,stale&text=core-1&before=17-200`.
pub async fn changes(
    State(state): State<ApiState>,
    visit: Visit,
    who: Who,
    fields: Fields,
) -> Result<Html<String>, PageProblem> {
    let (text, before, now) = (text(&fields)?, cursor(&fields)?, Utc::now());
    let filter = SyncLogFilter {
        sync: fields.text("sync").map(str::to_owned),
        run: fields.parsed("run")?.map(RunId::new),
        model: fields.text("model").map(str::to_owned),
        action: fields.named::<Action>("action")?,
        outcome: fields.names::<OutcomeKind>("outcome")?,
        text,
    };
    let history = state.runner.history();
    let found = history.all_changes(&filter, before, PAGE).await?;
    let chosen = |name: &str| fields.text(name).unwrap_or_default().to_owned();
    let models = models::ALL.iter().map(|schema| (schema.name.to_owned(), words::plural_of(schema.name)));
    let actions = [Action::Create, Action::Update, Action::Delete];
    let named = |name: &'static str| (name.to_owned(), name.to_owned());
    let actions = actions.map(|action| named(action.as_str()));
    let mut outcomes = vec![("failed,stale,skipped".to_owned(), "came to nothing".to_owned())];
    outcomes.extend(OutcomeKind::ALL.map(|outcome| named(outcome.as_str())));
    html(&ChangesPage {
        frame: visit.frame("Changes of all runs", Section::Logs),
        tab: Tab::Changes,
        form: FilterForm {
            path: CHANGES,
            selects: vec![
                of_syncs(history, &who, &chosen("sync")).await?,
                Select::new("model", "Model", models, &chosen("model")),
                Select::new("action", "Action", actions, &chosen("action")),
                Select::new("outcome", "Outcome", outcomes, &chosen("outcome")),
            ],
            run: chosen("run"),
            text: chosen("text"),
            is_filtered: filter != SyncLogFilter::default(),
            export: fields.with("/api/v1/changes/export", "before", None, &[]),
        },
        changes: found.items.into_iter().map(|entry| ChangeLine::of(&entry, now)).collect(),
        behind: Behind::of(
            CHANGES,
            &fields,
            found.next,
            found.cut_short,
            filter.run.map(|run| format!("syncline show {run} --changes")),
        ),
    })
}

/// The text that is looked for.
fn text(fields: &Fields) -> Result<Option<String>, PageProblem> {
    Ok(fields.parsed::<SearchText>("text")?.map(|text| text.0))
}

/// A place as the links of the pages have it: `17-200`.
fn cursor(fields: &Fields) -> Result<Option<TimelineCursor>, PageProblem> {
    let Some(text) = fields.text("before") else { return Ok(None) };
    let place = text
        .split_once('-')
        .and_then(|(run, seq)| Some(TimelineCursor { run: RunId::new(run.parse().ok()?), seq: seq.parse().ok()? }));
    place.map(Some).ok_or_else(|| PageProblem::no_place("before"))
}

async fn of_syncs(history: &History, who: &Who, chosen: &str) -> Result<Select> {
    let syncs = history.syncs().await?.into_iter().map(|sync| sync.name);
    let mut syncs: Vec<_> = syncs.filter(|sync| who.sees(sync)).collect();
    syncs.sort();
    Ok(Select::new("sync", "Sync", syncs.into_iter().map(|sync| (sync.clone(), sync)), chosen))
}

impl Behind {
    fn of(path: &str, fields: &Fields, next: Option<TimelineCursor>, cut_short: bool, command: Option<String>) -> Self {
        let told = next.map(|next| format!("{}-{}", next.run, next.seq));
        Self {
            pager: Pager {
                first: fields.text("before").map(|_| fields.with(path, "before", None, &[])),
                next: told.map(|next| fields.with(path, "before", Some(&next), &[])),
                word: if cut_short { "Look further back" } else { "Older" },
            },
            command: command.map(Command),
            looked_to: next.filter(|_| cut_short).map(|next| next.run.number()),
            looked_at: Count(LOOKED_AT),
        }
    }
}

/// A time of day with its day, as a column has it.
fn stamp(at: DateTime<Utc>) -> String {
    at.format("%m-%d %H:%M:%S").to_string()
}

/// How bad a line is: a class, a symbol and a word.
pub fn told(level: Level) -> (&'static str, Option<Icon>, &'static str) {
    match level {
        Level::Info => ("", None, ""),
        Level::Warning => ("warn", Some(Icon("partial")), "warning"),
        Level::Error => ("bad", Some(Icon("failed")), "error"),
    }
}

impl Line {
    fn of(entry: LogEntry, now: DateTime<Utc>) -> Self {
        let LogEntry { run, sync, line, .. } = entry;
        let (class, icon, word) = told(line.level);
        Self {
            at: When::new(line.at, now),
            time: stamp(line.at),
            run: run.number(),
            sync: Link { href: sync_href(&sync), name: clean(&sync) },
            class,
            icon,
            word,
            text: Prose::of(&line.text),
            exchange: line.exchange.as_ref().map(Exchanged::of),
        }
    }
}

impl ChangeLine {
    fn of(entry: &TimelineEntry, now: DateTime<Utc>) -> Self {
        Self {
            time: stamp(entry.change.at),
            at: When::new(entry.change.at, now),
            run: entry.run.number(),
            sync: Link { href: sync_href(&entry.sync), name: clean(&entry.sync) },
            model: words::plural_of(&entry.change.model),
            row: Row::stored(&entry.change, &SHORT),
        }
    }
}
