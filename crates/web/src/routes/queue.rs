//! The queue.

use axum::Json;
use axum::extract::State;
use syncline_core::history::Waiting;

use crate::{ApiState, List, Problem};

/// `GET /queue`: `{"items": [run with "position" and "waits_for", …], "next": null}`, the next one first. `position` counts from 1
/// and is null for runs that do not stand in line; `waits_for` is a [`WaitsFor`](syncline_core::history::WaitsFor).
pub async fn list(State(state): State<ApiState>) -> Result<Json<List<Waiting>>, Problem> {
    Ok(Json(List::whole(state.runner.history().waiting().await?)))
}
