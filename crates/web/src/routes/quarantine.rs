//! Records that the source no longer has, and what people decide about them.

use axum::Json;
use axum::extract::State;
use chrono::Utc;
use schemars::JsonSchema;
use serde::Deserialize;
use syncline_core::history::{AuditAction, QuarantineCursor, QuarantineFilter, Quarantined};
use syncline_core::plan::Selector;
use syncline_core::quarantine::{self, Decision, Verdict};
use syncline_model::AnyKey;

use super::syncs::view;
use crate::auth::Who;
use crate::cursor::Cursor;
use crate::input::{Body, Limit, Wanted};
use crate::reason::Reason;
use crate::{ApiState, List, Problem};

/// Which absent records are wanted.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct QuarantineQuery {
    /// Of this sync.
    sync: Option<String>,
    /// Of this model.
    model: Option<String>,
    /// Where they are.
    state: Option<quarantine::State>,
    /// `next` of the page before.
    after: Option<Cursor<QuarantineCursor>>,
    /// How many at most.
    #[serde(default)]
    limit: Limit,
}

/// What is to become of an absent record.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "QuarantineWish")]
pub struct Wish {
    /// The sync that does not find it.
    pub sync: String,
    /// Its model.
    pub model: String,
    /// Its key.
    #[schemars(with = "Vec<serde_json::Value>")]
    pub key: AnyKey,
    /// What.
    pub verdict: Verdict,
    /// Why; kept with it.
    pub reason: Reason,
}

/// `GET /quarantine?sync=lab&model=device&state=due&after=…&limit=100`: `{"items": [record, …], "next": text}`, by sync, model and key.
pub async fn list(
    State(state): State<ApiState>,
    Wanted(wanted): Wanted<QuarantineQuery>,
) -> Result<Json<List<Quarantined, Cursor<QuarantineCursor>>>, Problem> {
    let QuarantineQuery { sync, model, state: absent, after, limit } = wanted;
    let filter = QuarantineFilter { sync, model, state: absent };
    let page = state.runner.history().quarantine(&filter, after.map(|after| after.0), limit.get()).await?;
    Ok(Json(List { items: page.items, next: page.next.map(Cursor) }))
}

/// `POST /quarantine` `{"sync", "model", "key", "verdict", "reason"}`: the record as it is now. 404 when it is not absent, 409 when it is
/// back.
pub async fn decide(
    State(state): State<ApiState>,
    who: Who,
    Body(wish): Body<Wish>,
) -> Result<Json<Quarantined>, Problem> {
    who.ensure_sync(Some(&wish.sync))?;
    let Wish { sync, model, key, verdict, reason } = wish;
    view(&state, &sync).await?;
    let decision = Decision { verdict, by: who.name.clone(), reason: reason.into_string(), at: Utc::now() };
    let decided = state.runner.history().decide_absent(&sync, &model, &key, &decision).await?;
    let object = Selector::Record(model, key).to_string();
    let detail = format!("{}: {}", sync, decision.reason);
    state.auth.note(&who.actor(), AuditAction::QuarantineDecide, &object, Some(&detail)).await;
    Ok(Json(decided))
}
