//! Looking at runs.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use syncline_core::Result;
use syncline_core::change::{Action, HoldRule};
use syncline_core::history::{
    AuditAction, ChangeCount, ChangeFilter, Comment, Decision, ModelRecord, OutcomeCounts, OutcomeKind, PhaseRecord,
    Purpose, RequestId, Run, RunFilter, RunId, RunKind, RunOutcome, RunStatus, RunSummary, StoredChange, StoredLogLine,
};

use super::run_table;
use crate::auth::Who;
use crate::export::{self, Format};
use crate::input::{Limit, Number, SearchText, Wanted, names};
use crate::problem::ProblemKind;
use crate::{ApiState, List, Problem};

/// Which runs are wanted.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RunQuery {
    sync: Option<String>,
    #[serde(default, deserialize_with = "names")]
    status: Vec<RunStatus>,
    kind: Option<RunKind>,
    purpose: Option<Purpose>,
    request_id: Option<RequestId>,
    dry: Option<bool>,
    /// Of which one of these came.
    #[serde(default, deserialize_with = "names")]
    outcome: Vec<RunOutcome>,
    /// That read by this connection.
    source: Option<String>,
    /// That wrote by this connection.
    target: Option<String>,
    /// Made at this time or later.
    since: Option<DateTime<Utc>>,
    /// Made before this time.
    until: Option<DateTime<Utc>>,
    /// With this text in who asked for it, in why, in the id of the request, or in the error that ended it.
    text: Option<SearchText>,
    before: Option<i64>,
    #[serde(default)]
    limit: Limit,
}

/// Which runs are wanted, all of them, and how they are written.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RunExport {
    sync: Option<String>,
    #[serde(default, deserialize_with = "names")]
    status: Vec<RunStatus>,
    kind: Option<RunKind>,
    purpose: Option<Purpose>,
    request_id: Option<RequestId>,
    dry: Option<bool>,
    /// Of which one of these came.
    #[serde(default, deserialize_with = "names")]
    outcome: Vec<RunOutcome>,
    /// That read by this connection.
    source: Option<String>,
    /// That wrote by this connection.
    target: Option<String>,
    /// Made at this time or later.
    since: Option<DateTime<Utc>>,
    /// Made before this time.
    until: Option<DateTime<Utc>>,
    /// With this text in who asked for it, in why, in the id of the request, or in the error that ended it.
    text: Option<SearchText>,
    /// How they are written.
    #[serde(default)]
    format: Format,
}

/// Which changes are wanted.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeQuery {
    model: Option<String>,
    action: Option<Action>,
    #[serde(default, deserialize_with = "names")]
    outcome: Vec<OutcomeKind>,
    /// Held back by this rule.
    rule: Option<HoldRule>,
    after: Option<u64>,
    #[serde(default)]
    limit: Limit,
}

/// Which lines are wanted.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LogQuery {
    after: Option<u64>,
    #[serde(default)]
    limit: Limit,
}

/// A run with what is known of it, its changes and its log aside.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RunDetail {
    /// The run itself: status, times, counts, error.
    #[serde(flatten)]
    pub run: Run,
    /// What it came to, in four words.
    pub summary: RunSummary,
    /// How long each phase took.
    pub phases: Vec<PhaseRecord>,
    /// What was read and found, and what became of it, by model.
    pub models: Vec<ModelDetail>,
    /// What was decided about its plan, newest first.
    pub decisions: Vec<Decision>,
    /// What was said about its plan, in order.
    pub comments: Vec<Comment>,
}

/// A model in a run.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ModelDetail {
    /// What was read and found.
    #[serde(flatten)]
    pub record: ModelRecord,
    /// What became of the changes.
    pub outcomes: OutcomeCounts,
}

/// `GET /runs?sync=lab&status=queued,syncing&kind=scheduled&purpose=sync&request_id=CHG0042&dry=false&outcome=partial,failed&source=fwd&target=netbox&since=2026-11-20T00:00:00Z&text=kim&before=17&limit=100`:
/// `{"items": [run, …], "next": 5}`, newest first; `next` is the next page's `before`. A run is what `syncline history --json` prints.
pub async fn list(
    State(state): State<ApiState>,
    Wanted(wanted): Wanted<RunQuery>,
) -> Result<Json<List<Run, RunId>>, Problem> {
    let RunQuery { sync, status, kind, purpose, request_id, dry, outcome, source, target, since, until, .. } = wanted;
    let text = wanted.text.map(|text| text.0);
    let filter =
        RunFilter { sync, status, kind, purpose, request_id, dry, outcome, source, target, text, since, until };
    let page = state.runner.history().runs(&filter, wanted.before.map(RunId::new), wanted.limit.get()).await?;
    Ok(Json(page.into()))
}

/// `GET /runs/export?sync=lab&format=csv`: every such run, one JSON object a line, or as a table for spreadsheets.
pub async fn export(State(state): State<ApiState>, Wanted(wanted): Wanted<RunExport>) -> Result<Response, Problem> {
    let RunExport { sync, status, kind, purpose, request_id, dry, outcome, source, target, since, until, .. } = wanted;
    let (text, format) = (wanted.text.map(|text| text.0), wanted.format);
    let filter =
        RunFilter { sync, status, kind, purpose, request_id, dry, outcome, source, target, text, since, until };
    let (history, filter) = (state.runner.history().clone(), Arc::new(filter));
    let pages = move |before: Option<RunId>| {
        let (history, filter) = (history.clone(), Arc::clone(&filter));
        async move {
            let found = history.runs(&filter, before, export::PAGE).await?;
            let written = match format {
                Format::Ndjson => export::ndjson(&found.items)?,
                Format::Csv => run_table::written(&found.items, before.is_none()),
            };
            Ok((written, found.next))
        }
    };
    export::answer("runs", format, pages).await
}

/// `GET /runs/{id}`: the run, with `"summary": {"total", "updated", "failed", "message"}`, `"phases"`, `"models"` as `syncline show --json` has them, and `"decisions": [{"plan_hash",
/// "verdict", "by", "reason", "selection", "overrides_guards", "at"}, …]`, `"comments"` as `GET /runs/{id}/comments` has them. `"requests"` tells what was asked of either side, `"trace_id"` under which id it is traced.
pub async fn show(State(state): State<ApiState>, Number(id): Number) -> Result<Json<RunDetail>, Problem> {
    let run = super::run(&state, id).await?;
    Ok(Json(detail(&state, run).await?))
}

/// A run with what is known of it.
pub(super) async fn detail(state: &ApiState, run: Run) -> Result<RunDetail, Problem> {
    let history = state.runner.history();
    Ok(RunDetail {
        phases: history.phases(run.id).await?,
        models: models(history.models(run.id).await?, &history.change_counts(run.id).await?),
        decisions: history.decisions(run.id).await?,
        comments: history.comments(run.id).await?,
        summary: run.summary(),
        run,
    })
}

/// `GET /runs/{id}/changes?model=device&action=create&outcome=failed,stale&rule=quarantine&after=100&limit=100`: `{"items": [change, …],
/// "next": 200}`, in the order they were recorded; `next` is the next page's `after`. A change is what `syncline show --changes
/// --json` prints.
pub async fn changes(
    State(state): State<ApiState>,
    Number(id): Number,
    Wanted(wanted): Wanted<ChangeQuery>,
) -> Result<Json<List<StoredChange, u64>>, Problem> {
    super::run(&state, id).await?;
    let ChangeQuery { model, action, outcome, rule, after, limit } = wanted;
    let filter = ChangeFilter { model, action, outcome, rule };
    Ok(Json(state.runner.history().changes(id, &filter, after, limit.get()).await?.into()))
}

/// `GET /runs/{id}/log?after=100&limit=100`: `{"items": [{"seq", "at", "level", "text"}, …], "next": 200}`, in order; `next` is the
/// next page's `after`.
pub async fn log(
    State(state): State<ApiState>,
    Number(id): Number,
    Wanted(wanted): Wanted<LogQuery>,
) -> Result<Json<List<StoredLogLine, u64>>, Problem> {
    super::run(&state, id).await?;
    Ok(Json(state.runner.history().log(id, wanted.after, wanted.limit.get()).await?.into()))
}

fn models(records: Vec<ModelRecord>, counts: &[ChangeCount]) -> Vec<ModelDetail> {
    let detail = |record: ModelRecord| {
        let mut outcomes = OutcomeCounts::default();
        for count in counts.iter().filter(|count| count.model == record.model) {
            outcomes.add(count.outcome, count.count);
        }
        ModelDetail { record, outcomes }
    };
    records.into_iter().map(detail).collect()
}

/// `DELETE /runs/{id}`: takes a run out of the history, with its changes, its log and its plan. 204; 409 when it is not over, or later
/// runs need it.
pub async fn remove(State(state): State<ApiState>, who: Who, Number(id): Number) -> Result<StatusCode, Problem> {
    super::run(&state, id).await?;
    match remove_all(&state, &who, &[id]).await?.as_slice() {
        [] => {
            let message = format!("run {id} stays: it is not over, or others are compared with it or refer to it");
            Err(Problem::new(ProblemKind::Conflict, message))
        }
        _ => Ok(StatusCode::NO_CONTENT),
    }
}

/// Removes what may go of some runs, and notes who did it. Gives those that are gone.
pub(crate) async fn remove_all(state: &ApiState, who: &Who, runs: &[RunId]) -> Result<Vec<RunId>> {
    let removed: Vec<_> =
        state.runner.history().remove_runs(runs).await?.into_iter().map(|run| (run.run, run.sync)).collect();
    for (run, sync) in &removed {
        let (object, detail) = (format!("run {run}"), format!("of {sync}"));
        state.auth.note(&who.actor(), AuditAction::RunRemove, &object, Some(&detail)).await;
    }
    Ok(removed.into_iter().map(|(run, _)| run).collect())
}
