//! What people want of runs that are not over. Each answers `{"run", "status"}`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use syncline_core::history::{RunId, RunStatus, Stop, StopRequest};

use crate::auth::Who;
use crate::input::{Body, Nothing, Number};
use crate::problem::ProblemKind;
use crate::{ApiState, Problem};

/// Why a run shall stop.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Why {
    /// Why; kept with the run.
    pub reason: String,
}

/// Where a run is now.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Told {
    /// The run.
    pub run: RunId,
    /// Where it is.
    pub status: RunStatus,
}

/// `POST /runs/{id}/cancel` `{"reason": ""}`: ends a run for good. 202 when it ends after the batches under way, 200 when it is
/// over, 409 when it was over before and not cancelled.
pub async fn cancel(
    State(state): State<ApiState>,
    who: Who,
    Number(id): Number,
    Body(why): Body<Why>,
) -> Result<(StatusCode, Json<Told>), Problem> {
    let status = stop(&state, who, id, Stop::Cancel, why).await?;
    match status {
        RunStatus::Completed | RunStatus::Failed => Err(over(id, status)),
        _ => Ok(told(id, status)),
    }
}

/// `POST /runs/{id}/pause` `{"reason": ""}`: lets it wait until it is resumed. 202 when it stops after the batches under way, 200
/// when it waits, 409 when it is over or waits for approval.
pub async fn pause(
    State(state): State<ApiState>,
    who: Who,
    Number(id): Number,
    Body(why): Body<Why>,
) -> Result<(StatusCode, Json<Told>), Problem> {
    let status = stop(&state, who, id, Stop::Pause, why).await?;
    match status {
        status if status.is_final() => Err(over(id, status)),
        RunStatus::AwaitingReview => {
            let detail = format!("run {id} waits for approval already: approve, reject or cancel it");
            Err(Problem::new(ProblemKind::Conflict, detail))
        }
        _ => Ok(told(id, status)),
    }
}

/// `POST /runs/{id}/resume`: lets a run go on that was paused, or that waits for its time. 409 when it does neither.
pub async fn resume(
    State(state): State<ApiState>,
    Number(id): Number,
    Body(Nothing {}): Body<Nothing>,
) -> Result<Json<Told>, Problem> {
    state.runner.history().resume(id).await?;
    let status = super::run(&state, id).await?.status;
    Ok(Json(Told { run: id, status }))
}

async fn stop(state: &ApiState, who: Who, run: RunId, stop: Stop, why: Why) -> Result<RunStatus, Problem> {
    let request = StopRequest { stop, by: who.name, reason: why.reason };
    Ok(state.runner.history().request_stop(run, &request).await?)
}

fn told(run: RunId, status: RunStatus) -> (StatusCode, Json<Told>) {
    let code = if status == RunStatus::Syncing { StatusCode::ACCEPTED } else { StatusCode::OK };
    (code, Json(Told { run, status }))
}

fn over(run: RunId, status: RunStatus) -> Problem {
    Problem::new(ProblemKind::Conflict, format!("run {run} is over already: it is `{status}`"))
}
