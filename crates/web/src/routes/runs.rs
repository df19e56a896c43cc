//! Looking at runs.

use axum::Json;
use axum::extract::State;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use syncline_core::change::Action;
use syncline_core::history::{
    ChangeCount, ChangeFilter, Decision, ModelRecord, OutcomeCounts, OutcomeKind, PhaseRecord, RequestId, Run,
    RunFilter, RunId, RunKind, RunStatus, RunSummary, StoredChange, StoredLogLine,
};

use crate::input::{Limit, Number, Wanted, names};
use crate::{ApiState, List, Problem};

/// Which runs are wanted.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RunQuery {
    sync: Option<String>,
    #[serde(default, deserialize_with = "names")]
    status: Vec<RunStatus>,
    kind: Option<RunKind>,
    request_id: Option<RequestId>,
    dry: Option<bool>,
    before: Option<i64>,
    #[serde(default)]
    limit: Limit,
}

/// Which changes are wanted.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeQuery {
    model: Option<String>,
    action: Option<Action>,
    #[serde(default, deserialize_with = "names")]
    outcome: Vec<OutcomeKind>,
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

/// `GET /runs?sync=lab&status=queued,syncing&kind=scheduled&request_id=CHG0042&dry=false&before=17&limit=100`: `{"items": [run, …], "next": 5}`,
/// newest first; `next` is the next page's `before`. A run is what `syncline history --json` prints.
pub async fn list(
    State(state): State<ApiState>,
    Wanted(wanted): Wanted<RunQuery>,
) -> Result<Json<List<Run, RunId>>, Problem> {
    let RunQuery { sync, status, kind, request_id, dry, before, limit } = wanted;
    let filter = RunFilter { sync, status, kind, request_id, dry, ..RunFilter::default() };
    let page = state.runner.history().runs(&filter, before.map(RunId::new), limit.get()).await?;
    Ok(Json(page.into()))
}

/// `GET /runs/{id}`: the run, with `"summary": {"total", "updated", "failed", "message"}`, `"phases"`, `"models"` as `syncline show --json` has them, and `"decisions": [{"plan_hash",
/// "verdict", "by", "reason", "selection", "overrides_guards", "at"}, …]`.
pub async fn show(State(state): State<ApiState>, Number(id): Number) -> Result<Json<RunDetail>, Problem> {
    let run = super::run(&state, id).await?;
    let history = state.runner.history();
    Ok(Json(RunDetail {
        phases: history.phases(id).await?,
        models: models(history.models(id).await?, &history.change_counts(id).await?),
        decisions: history.decisions(id).await?,
        summary: run.summary(),
        run,
    }))
}

/// `GET /runs/{id}/changes?model=device&action=create&outcome=failed,stale&after=100&limit=100`: `{"items": [change, …],
/// "next": 200}`, in the order they were recorded; `next` is the next page's `after`. A change is what `syncline show --changes
/// --json` prints.
pub async fn changes(
    State(state): State<ApiState>,
    Number(id): Number,
    Wanted(wanted): Wanted<ChangeQuery>,
) -> Result<Json<List<StoredChange, u64>>, Problem> {
    super::run(&state, id).await?;
    let ChangeQuery { model, action, outcome, after, limit } = wanted;
    let filter = ChangeFilter { model, action, outcome };
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
