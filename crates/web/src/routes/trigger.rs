//! Asking for a run.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use syncline_core::history::{RequestId, RunId, RunKind, RunStatus, Triggered, Waiting, WaitsFor};
use syncline_core::run::RunRequest;

use super::syncs::view;
use crate::auth::Who;
use crate::input::{Body, IdempotencyKey, Name};
use crate::{ApiState, Problem};

/// How a run is asked for.
#[derive(Debug, Default, Deserialize, JsonSchema)]
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
#[derive(Debug, Serialize, JsonSchema)]
pub struct Asked {
    /// The run.
    pub run: RunId,
    /// It was there already: under way, queued, or made for the same `Idempotency-Key`.
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
///
/// With the header `Idempotency-Key`, which is kept as the request id, the run that was made for this key is the answer as long as the
/// history has it, also when it is over. 409 when the key was used for something else.
pub async fn trigger(
    State(state): State<ApiState>,
    who: Who,
    Name(name): Name,
    IdempotencyKey(key): IdempotencyKey,
    Body(wish): Body<Wish>,
) -> Result<impl IntoResponse, Problem> {
    if key.is_some() && wish.request_id.is_some() && key != wish.request_id {
        return Err(Problem::value(
            "request_id",
            "is another one than `Idempotency-Key`: give one of them, or the same twice",
        ));
    }
    view(&state, &name).await?;
    let sync = state.syncs.sync(&name).await?;
    let request = RunRequest {
        kind: RunKind::Webhook,
        by: who.name,
        reason: wish.reason,
        once: key.is_some(),
        request_id: key.or(wish.request_id),
        dry_run: wish.dry_run,
        ..RunRequest::default()
    };
    let triggered = state.runner.trigger(&sync.definition, &request).await?;
    let asked = asked(&state, triggered).await?;
    let location = format!("../../runs/{}", asked.run);
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, location)], Json(asked)))
}

/// What came of asking, and where the run is in the line.
pub(super) async fn asked(state: &ApiState, triggered: Triggered) -> Result<Asked, Problem> {
    let run = super::run(state, triggered.run()).await?;
    let waiting = state.runner.history().waiting().await?;
    let place = waiting.iter().find(|waiting| waiting.run.id == run.id);
    let before = place.and_then(|place: &Waiting| place.position).map_or(0, |position| position - 1);
    Ok(Asked {
        run: run.id,
        already_running: matches!(triggered, Triggered::AlreadyRunning(_)),
        request_id: run.request_id,
        dry_run: run.dry,
        status: run.status,
        before,
        waits_for: place.map(|place| place.waits_for.clone()),
    })
}
