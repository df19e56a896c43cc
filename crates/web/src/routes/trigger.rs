//! Asking for a run.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use syncline_core::history::{RequestId, RunId, RunKind, RunStatus, Triggered, Waiting, WaitsFor};
use syncline_core::run::RunRequest;
use syncline_core::scope::Scope;

use super::syncs::view;
use crate::auth::Who;
use crate::input::{Body, IdempotencyKey, Name, Number};
use crate::{ApiState, Problem};

/// How a run of a sync is asked for.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Wish {
    /// Stop at the saved plan.
    pub dry_run: bool,
    /// Only tell how the target differs from the source, and keep that as findings; nothing is written.
    pub drift: bool,
    /// Why; kept with the run.
    pub reason: Option<String>,
    /// What the asking system calls the request; kept with the run.
    pub request_id: Option<RequestId>,
    /// The part of the sync that the run is about: a run about a part reads both sides whole, writes what is in the scope and what that
    /// needs, and is no complete run: it counts no absences and settles no findings. Null for all of it. Not for a drift check.
    pub scope: Option<Scope>,
}

/// How a run that is about another one is asked for.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AgainWish {
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

/// `POST /syncs/{name}/runs` `{"dry_run": false, "drift": false, "reason": null, "request_id": null, "scope": null}`: 202, with the path of the run in `Location`.
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
/// With a scope, `{"models": ["device"], "sites": ["atlanta-dc1"], "records": [{"model": "device", "key": [["boston"], "sw1"]}]}`, the
/// run is about the devices at that site, and besides about the one device of another; its `purpose` is `part` and its `options` have
/// the scope. Another scope is another request. 422 where it names a model that there is not, 409 where it names one that the sync does not sync; a run that finds a named site or
/// record on neither side fails.
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
    view(&state, &name).await?;
    if let Some(message) = wish.scope.as_ref().and_then(Scope::unknown_model) {
        return Err(Problem::value("scope.models", message));
    }
    let request = match (wish.drift, wish.scope) {
        (true, Some(_)) => {
            return Err(Problem::value("scope", "is for runs that sync: a drift check is about everything"));
        }
        (true, None) => RunRequest::drift(),
        (false, Some(scope)) => RunRequest::part(scope),
        (false, None) => RunRequest::default(),
    };
    let request = RunRequest {
        by: who.name,
        reason: wish.reason,
        request_id: wish.request_id,
        dry_run: wish.dry_run || wish.drift,
        ..request
    };
    let asked = ask(&state, &name, key, request).await?;
    let location = format!("../../runs/{}", asked.run);
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, location)], Json(asked)))
}

/// `POST /runs/{id}/undo` `{"dry_run": false, "reason": null, "request_id": null}`: 202, with the path of the run in `Location` that takes
/// back what this one wrote, as far as nobody has touched it since. 409 where there is nothing to take back. See [`trigger`].
pub async fn undo(
    state: State<ApiState>,
    who: Who,
    number: Number,
    key: IdempotencyKey,
    wish: Body<AgainWish>,
) -> Result<impl IntoResponse, Problem> {
    again(state, who, number, key, wish, RunRequest::undo).await
}

/// `POST /runs/{id}/rerun` `{"dry_run": false, "reason": null, "request_id": null}`: 202, with the path of the run in `Location` that tries
/// again what this one did not get done. 409 where there is nothing to try. See [`trigger`].
pub async fn rerun(
    state: State<ApiState>,
    who: Who,
    number: Number,
    key: IdempotencyKey,
    wish: Body<AgainWish>,
) -> Result<impl IntoResponse, Problem> {
    again(state, who, number, key, wish, RunRequest::rerun).await
}

async fn again(
    State(state): State<ApiState>,
    who: Who,
    Number(id): Number,
    IdempotencyKey(key): IdempotencyKey,
    Body(wish): Body<AgainWish>,
    about: fn(RunId) -> RunRequest,
) -> Result<impl IntoResponse, Problem> {
    let subject = super::run(&state, id).await?;
    let request = RunRequest {
        by: who.name,
        reason: wish.reason,
        request_id: wish.request_id,
        dry_run: wish.dry_run,
        ..about(id)
    };
    // What cannot be is told, and leaves no failed run in the history.
    let sync = state.syncs.sync(&subject.sync).await?;
    state.runner.subject(&sync.definition, &request).await?;
    let asked = ask(&state, &subject.sync, key, request).await?;
    let location = format!("../{}", asked.run);
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, location)], Json(asked)))
}

/// Makes the run that a program asks for, or finds the one that does the same.
async fn ask(state: &ApiState, sync: &str, key: Option<RequestId>, request: RunRequest) -> Result<Asked, Problem> {
    if key.is_some() && request.request_id.is_some() && key != request.request_id {
        return Err(Problem::value(
            "request_id",
            "is another one than `Idempotency-Key`: give one of them, or the same twice",
        ));
    }
    let sync = state.syncs.sync(sync).await?;
    let once = key.is_some();
    let request = RunRequest { kind: RunKind::Webhook, once, request_id: key.or(request.request_id), ..request };
    let triggered = state.runner.trigger(&sync.definition, &request).await?;
    asked(state, triggered).await
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
