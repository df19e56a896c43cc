//! What other systems call when something happened there.
//!
//! A sync has a webhook when its settings have `webhook` with a secret. Who may call it is told in [`hook`]; nobody else learns from an
//! answer whether there is such a sync.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use chrono::Utc;
use syncline_core::ErrorKind;
use syncline_core::history::{AuditAction, BY_WEBHOOK, How, RunKind, Triggered};
use syncline_core::run::{ConfiguredSync, RunRequest, Webhook};

use super::trigger;
use crate::auth::{Origin, hook};
use crate::input::{Name, Raw};
use crate::problem::ProblemKind;
use crate::{ApiState, Problem};

/// `POST /hooks/{sync}`: 202 with what [asking for a run](trigger::trigger) answers, and the path of the run in `Location`. The body
/// is what the other system tells, at most [`MOST_BYTES`](crate::MOST_BYTES) long; of it nothing is read but its signature.
///
/// Many calls while a run waits are that one run. Once it reads, the next call makes another one, since what it tells of may have
/// happened after that was read. Outside of the sync's windows the run waits for the next one to open.
///
/// 401 when the signature or the secret is wrong, and alike when there is no such sync or it has no webhook; 409 for a sync that is paused,
/// 429 with `Retry-After` after too many calls from one address.
pub async fn call(
    State(state): State<ApiState>,
    Name(name): Name,
    origin: Origin,
    headers: HeaderMap,
    Raw(body): Raw,
) -> Result<impl IntoResponse, Problem> {
    let limits = state.auth.hooks();
    limits.call(origin.address).map_err(|wait| {
        Problem::new(ProblemKind::TooMany, "too many calls from this address: wait for as long as `Retry-After` says")
            .again_after(wait)
    })?;
    let found = found(&state, &name).await?;
    let secret = found.as_ref().and_then(|(sync, webhook)| match hook::secret(webhook) {
        Ok(secret) => Some(secret),
        Err(error) => {
            tracing::error!(sync = sync.definition.name, error = %error.report(), "the webhook lets nobody in");
            None
        }
    });
    let Some((sync, webhook)) = found.filter(|_| hook::knows(secret.as_ref(), &headers, &body)) else {
        return Err(refused(&state, &origin, &name).await?);
    };
    let automation = &sync.automation;
    if automation.paused {
        let detail = format!("the sync `{name}` is paused: `syncline sync unpause {name}` lets it go on");
        return Err(Problem::new(ProblemKind::Conflict, detail));
    }
    let closed = automation.windows.may_start(Utc::now(), false).err();
    if let Some(closed) = closed.as_ref().filter(|closed| closed.until.is_none()) {
        return Err(Problem::new(ProblemKind::Conflict, closed.to_string()));
    }
    let request = RunRequest {
        kind: RunKind::Webhook,
        by: BY_WEBHOOK.to_owned(),
        reason: closed.as_ref().map(ToString::to_string),
        request_id: origin.request_id.clone(),
        reads_anew: true,
        dry_run: webhook.dry_run,
        not_before: closed.and_then(|closed| closed.until),
        ..RunRequest::default()
    };
    let triggered = state.runner.trigger(&sync.definition, &request).await?;
    if let Triggered::Made(run) = triggered {
        let (actor, made) = (origin.actor(BY_WEBHOOK, How::Webhook), format!("run {run}"));
        state.auth.note(&actor, AuditAction::RunTrigger, &name, Some(&made)).await;
    }
    let asked = trigger::asked(&state, triggered).await?;
    let location = format!("../runs/{}", asked.run);
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, location)], Json(asked)))
}

/// The sync of a name, with its webhook; none where there is none.
async fn found(state: &ApiState, name: &str) -> Result<Option<(ConfiguredSync, Webhook)>, Problem> {
    match state.syncs.sync(name).await {
        Ok(sync) => Ok(sync.automation.webhook.clone().map(|webhook| (sync, webhook))),
        Err(error) if matches!(error.kind(), ErrorKind::Settings | ErrorKind::NotFound) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// What is answered to those who do not know the secret. What they called is noted, as long as they are not too many.
async fn refused(state: &ApiState, origin: &Origin, name: &str) -> Result<Problem, Problem> {
    if let Err(wait) = state.auth.hooks().refusal(origin.address) {
        let detail = "too many calls with a wrong secret: wait for as long as `Retry-After` says";
        return Ok(Problem::new(ProblemKind::TooMany, detail).again_after(wait));
    }
    let actor = origin.actor(BY_WEBHOOK, How::Webhook);
    state.auth.history().audit(&actor, AuditAction::HookRefused, Some(name), None).await?;
    let detail = "the signature or the secret is wrong, or the sync has no webhook: sign the body with `X-Hub-Signature-256` or \
                  `X-Hook-Signature`, or send `Authorization: Bearer` and the secret";
    Ok(Problem::new(ProblemKind::Unauthenticated, detail))
}
