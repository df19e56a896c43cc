//! The syncs that there are.
//!
//! A sync is
//!
//! ```json
//! {
//!   "name": "lab", "owner": "stored", "paused": false,
//!   "schedule": "every 60 minutes", "next": "2026-11-20T17:00:00Z",
//!   "settings": {"source": "forward", "target": "netbox"},
//!   "error": null
//! }
//! ```
//!
//! `owner` is `file` for those that a configuration file keeps: they are changed there, and refused here (409). `error` says
//! why it cannot run. `settings` are as in the configuration file.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::input::{Body, Name, Nothing};
use crate::problem::ProblemKind;
use crate::{ApiState, List, Problem, SyncView};

/// A sync that is to be made.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSync {
    /// Its name.
    #[schemars(regex(pattern = "^[A-Za-z0-9_-]+$"))]
    pub name: String,
    /// What is configured.
    pub settings: Map<String, Value>,
}

/// What becomes of a sync.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SyncChange {
    /// What is configured, instead of what was.
    pub settings: Map<String, Value>,
}

/// A sync that was made or changed.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Kept {
    /// The sync.
    #[serde(flatten)]
    pub sync: SyncView,
    /// What is odd about it.
    pub warnings: Vec<String>,
}

/// `GET /syncs`: `{"items": [sync, …], "next": null}`, by name.
pub async fn list(State(state): State<ApiState>) -> Result<Json<List<SyncView>>, Problem> {
    Ok(Json(List::whole(state.syncs.list().await?)))
}

/// `POST /syncs` `{"name", "settings"}`: 201 and the sync with `"warnings": [text, …]`; 409 when the name is taken, 422 with
/// every problem of the settings.
pub async fn create(State(state): State<ApiState>, Body(new): Body<NewSync>) -> Result<impl IntoResponse, Problem> {
    let warnings = state.syncs.create(&new.name, &Value::Object(new.settings)).await?;
    let sync = view(&state, &new.name).await?;
    // A name has no letters that would have to be written otherwise in a URL. Relative to the list.
    let location = format!("syncs/{}", sync.name);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(Kept { sync, warnings })))
}

/// `GET /syncs/{name}`: the sync.
pub async fn show(State(state): State<ApiState>, Name(name): Name) -> Result<Json<SyncView>, Problem> {
    Ok(Json(view(&state, &name).await?))
}

/// `PUT /syncs/{name}` `{"settings"}`: replaces its settings. Gives the sync with `"warnings": [text, …]`.
pub async fn change(
    State(state): State<ApiState>,
    Name(name): Name,
    Body(change): Body<SyncChange>,
) -> Result<Json<Kept>, Problem> {
    view(&state, &name).await?;
    let warnings = state.syncs.change(&name, &Value::Object(change.settings)).await?;
    Ok(Json(Kept { sync: view(&state, &name).await?, warnings }))
}

/// `DELETE /syncs/{name}`: 204. What it did stays in the history.
pub async fn remove(State(state): State<ApiState>, Name(name): Name) -> Result<StatusCode, Problem> {
    view(&state, &name).await?;
    state.syncs.remove(&name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /syncs/{name}/pause`: lets its schedules rest. Gives the sync. Also for those of a file.
pub async fn pause(
    State(state): State<ApiState>,
    Name(name): Name,
    Body(Nothing {}): Body<Nothing>,
) -> Result<Json<SyncView>, Problem> {
    set_paused(&state, &name, true).await
}

/// `POST /syncs/{name}/unpause`: lets its schedules go on. Gives the sync. Also for those of a file.
pub async fn unpause(
    State(state): State<ApiState>,
    Name(name): Name,
    Body(Nothing {}): Body<Nothing>,
) -> Result<Json<SyncView>, Problem> {
    set_paused(&state, &name, false).await
}

async fn set_paused(state: &ApiState, name: &str, paused: bool) -> Result<Json<SyncView>, Problem> {
    view(state, name).await?;
    state.syncs.pause(name, paused).await?;
    Ok(Json(view(state, name).await?))
}

/// A sync; a problem when there is none with this name.
pub(crate) async fn view(state: &ApiState, name: &str) -> Result<SyncView, Problem> {
    if let Some(sync) = state.syncs.get(name).await? {
        return Ok(sync);
    }
    // The error of whoever knows them names those that there are.
    let detail = state.syncs.sync(name).await.err().map(|error| error.to_string());
    let detail = detail.unwrap_or_else(|| format!("there is no sync `{name}`"));
    Err(Problem::new(ProblemKind::NotFound, detail))
}
