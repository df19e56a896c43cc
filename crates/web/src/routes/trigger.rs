//! Asking for a run.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use syncline_core::history::{RequestId, RunId, RunKind, RunStatus, Triggered, Waiting, WaitsFor};
use syncline_core::run::RunRequest;

use super::syncs::view;
use crate::auth::Who;
use crate::input::{Body, Name};
use crate::{ApiState, Problem};

/// How a run is asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Wish {
    /// Stop at the saved plan.
    pub dry_run: bool,
    /// Why; kept with the run.
    pub reason: Option<String>,
    /// What the asking system calls the request; kept with the run.
    pub request_id: Option<RequestId>,
}

/// What came of asking for a run.
#[derive(Debug, Serialize)]
pub struct Asked {
    /// The run.
    pub run: RunId,
    /// It was asked to do the same, and was under way or queued already.
    pub already_running: bool,
    /// Under which id it was asked for first; null when it was given none.
    pub request_id: Option<RequestId>,
    /// Whether it stops at its saved plan.
    pub dry_run: bool,
    /// Where it is.
    pub status: RunStatus,
    /// How many runs are in line before it.
    pub before: u64,
    /// What it waits for; null when it waits for nothing any more.
    pub waits_for: Option<WaitsFor>,
}

/// `POST /syncs/{name}/runs` `{"dry_run": false, "reason": null, "request_id": null}`: 202, with the path of the run in `Location`.
///
/// ```json
/// {
///   "run": 17, "already_running": false, "request_id": null, "dry_run": false, "status": "new",
///   "before": 1, "waits_for": {"what": "run", "run": 16, "why": "same_target"}
/// }
/// ```
///
/// Asking twice is asking once: while a run of the sync that was asked to do the same is under way or queued, the answer is that run with
/// `"already_running": true`, and is 202 too, so that whoever repeats blindly has no error to repeat for. A dry run is no answer to
/// who asks for a real one: that one is made, and waits for its turn.
pub async fn trigger(
    State(state): State<ApiState>,
    who: Who,
    Name(name): Name,
    Body(wish): Body<Wish>,
) -> Result<impl IntoResponse, Problem> {
    view(&state, &name).await?;
    let sync = state.syncs.sync(&name).await?;
    let request = RunRequest {
        kind: RunKind::Webhook,
        by: who.name,
        reason: wish.reason,
        request_id: wish.request_id,
        dry_run: wish.dry_run,
        ..RunRequest::default()
    };
    let triggered = state.runner.trigger(&sync.definition, &request).await?;
    let run = super::run(&state, triggered.run()).await?;
    let waiting = state.runner.history().waiting().await?;
    let place = waiting.iter().find(|waiting| waiting.run.id == run.id);
    let before = place.and_then(|place: &Waiting| place.position).map_or(0, |position| position - 1);
    let asked = Asked {
        run: run.id,
        already_running: matches!(triggered, Triggered::AlreadyRunning(_)),
        request_id: run.request_id,
        dry_run: run.dry,
        status: run.status,
        before,
        waits_for: place.map(|place| place.waits_for.clone()),
    };
    let location = format!("../../runs/{}", run.id);
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, location)], Json(asked)))
}
