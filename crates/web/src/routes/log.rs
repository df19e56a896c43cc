//! What all runs changed and said.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use schemars::JsonSchema;
use serde::Deserialize;
use syncline_core::change::Action;
use syncline_core::event::Level;
use syncline_core::history::{
    Found, JobLogFilter, LogEntry, OutcomeKind, RunId, SyncLogFilter, TimelineCursor, TimelineEntry,
};

use crate::cursor::Cursor;
use crate::export::{self, Format};
use crate::input::{Limit, SearchText, Wanted, names};
use crate::list::Part;
use crate::{ApiState, Problem};

/// Which lines are wanted.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JobLogQuery {
    /// Of the runs of this sync.
    sync: Option<String>,
    /// Of this run.
    run: Option<i64>,
    /// With one of these levels.
    #[serde(default, deserialize_with = "names")]
    level: Vec<Level>,
    /// With this text in them.
    text: Option<SearchText>,
    /// `next` of the page before.
    before: Option<Cursor<TimelineCursor>>,
    /// How many at most.
    #[serde(default)]
    limit: Limit,
}

/// Which lines are wanted, all of them.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JobLogExport {
    /// Of the runs of this sync.
    sync: Option<String>,
    /// Of this run.
    run: Option<i64>,
    /// With one of these levels.
    #[serde(default, deserialize_with = "names")]
    level: Vec<Level>,
    /// With this text in them.
    text: Option<SearchText>,
}

/// Which changes are wanted.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SyncLogQuery {
    /// Of the runs of this sync.
    sync: Option<String>,
    /// Of this run.
    run: Option<i64>,
    /// Of this model.
    model: Option<String>,
    /// With this action.
    action: Option<Action>,
    /// With one of these outcomes.
    #[serde(default, deserialize_with = "names")]
    outcome: Vec<OutcomeKind>,
    /// With this text in the key, in a field, or in the reason why it came to nothing.
    text: Option<SearchText>,
    /// `next` of the page before.
    before: Option<Cursor<TimelineCursor>>,
    /// How many at most.
    #[serde(default)]
    limit: Limit,
}

/// Which changes are wanted, all of them.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SyncLogExport {
    /// Of the runs of this sync.
    sync: Option<String>,
    /// Of this run.
    run: Option<i64>,
    /// Of this model.
    model: Option<String>,
    /// With this action.
    action: Option<Action>,
    /// With one of these outcomes.
    #[serde(default, deserialize_with = "names")]
    outcome: Vec<OutcomeKind>,
    /// With this text in the key, in a field, or in the reason why it came to nothing.
    text: Option<SearchText>,
}

/// `GET /log?sync=lab&run=17&level=warning,error&text=time-out&before=…&limit=100`: `{"items": [{"run", "sync", "seq", "at", "level", "text"}, …],
/// "next": text, "cut_short": false}`: the newest run first, and of each the last line first.
///
/// A text is looked for line by line, in either case. A page looks at 20,000 lines and 1,000 runs at most; where it ended because of
/// that, `cut_short` is true, there may be nothing in it, and `next` goes on behind what was looked at.
pub async fn lines(
    State(state): State<ApiState>,
    Wanted(wanted): Wanted<JobLogQuery>,
) -> Result<Json<Part<LogEntry, Cursor<TimelineCursor>>>, Problem> {
    let JobLogQuery { sync, run, level, text, before, limit } = wanted;
    let filter = JobLogFilter { sync, run: run.map(RunId::new), level, text: text.map(|text| text.0) };
    let found = state.runner.history().all_lines(&filter, before.map(|before| before.0), limit.get()).await?;
    Ok(Json(part(found)))
}

/// `GET /changes?sync=lab&run=17&model=device&action=update&outcome=failed,stale&text=core-1&before=…&limit=100`: `{"items": [{"run", "sync", "instance",
/// "change"}, …], "next": text, "cut_short": false}`: the newest run first, and of each the last change first.
///
/// A text is looked for change by change, in its key, its fields as JSON, and its reason, in either case. See [`lines`] for what a page
/// looks at.
pub async fn changes(
    State(state): State<ApiState>,
    Wanted(wanted): Wanted<SyncLogQuery>,
) -> Result<Json<Part<TimelineEntry, Cursor<TimelineCursor>>>, Problem> {
    let SyncLogQuery { sync, run, model, action, outcome, text, before, limit } = wanted;
    let (run, text) = (run.map(RunId::new), text.map(|text| text.0));
    let filter = SyncLogFilter { sync, run, model, action, outcome, text };
    let found = state.runner.history().all_changes(&filter, before.map(|before| before.0), limit.get()).await?;
    Ok(Json(part(found)))
}

/// `GET /log/export?sync=lab&run=17&level=error&text=…`: every such line, one JSON object a line.
pub async fn export_lines(
    State(state): State<ApiState>,
    Wanted(wanted): Wanted<JobLogExport>,
) -> Result<Response, Problem> {
    let JobLogExport { sync, run, level, text } = wanted;
    let filter = JobLogFilter { sync, run: run.map(RunId::new), level, text: text.map(|text| text.0) };
    let (history, filter) = (state.runner.history().clone(), Arc::new(filter));
    let pages = move |before| {
        let (history, filter) = (history.clone(), Arc::clone(&filter));
        async move {
            let found = history.all_lines(&filter, before, export::PAGE).await?;
            Ok((export::ndjson(&found.items)?, found.next))
        }
    };
    export::answer("log", Format::Ndjson, pages).await
}

/// `GET /changes/export?sync=lab&model=device&…`: every such change, one JSON object a line.
pub async fn export_changes(
    State(state): State<ApiState>,
    Wanted(wanted): Wanted<SyncLogExport>,
) -> Result<Response, Problem> {
    let SyncLogExport { sync, run, model, action, outcome, text } = wanted;
    let (run, text) = (run.map(RunId::new), text.map(|text| text.0));
    let filter = SyncLogFilter { sync, run, model, action, outcome, text };
    let (history, filter) = (state.runner.history().clone(), Arc::new(filter));
    let pages = move |before| {
        let (history, filter) = (history.clone(), Arc::clone(&filter));
        async move {
            let found = history.all_changes(&filter, before, export::PAGE).await?;
            Ok((export::ndjson(&found.items)?, found.next))
        }
    };
    export::answer("changes", Format::Ndjson, pages).await
}

fn part<T>(found: Found<T>) -> Part<T, Cursor<TimelineCursor>> {
    Part { items: found.items, next: found.next.map(Cursor), cut_short: found.cut_short }
}
