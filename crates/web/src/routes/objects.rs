//! What happened to one object, in all runs of all syncs.

use axum::Json;
use axum::extract::State;
use schemars::JsonSchema;
use serde::Deserialize;
use syncline_core::history::{TimelineCursor, TimelineEntry};
use syncline_model::AnyKey;

use crate::cursor::Cursor;
use crate::input::{Limit, Wanted};
use crate::{ApiState, List, Problem};

/// Which object is meant.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ObjectQuery {
    /// Its model.
    model: String,
    /// Its key, as a JSON list: `["atlanta","core-1"]`.
    key: String,
    /// `next` of the page before.
    before: Option<Cursor<TimelineCursor>>,
    /// How many at most.
    #[serde(default)]
    limit: Limit,
}

/// `GET /objects?model=device&key=["atlanta","core-1"]&before=…&limit=100`: `{"items": [{"run", "sync", "instance", "change"}, …], "next": text}`,
/// newest first. An object that nothing happened to has an empty list.
pub async fn timeline(
    State(state): State<ApiState>,
    Wanted(wanted): Wanted<ObjectQuery>,
) -> Result<Json<List<TimelineEntry, Cursor<TimelineCursor>>>, Problem> {
    let ObjectQuery { model, key, before, limit } = wanted;
    let key = AnyKey::parse(&key)
        .map_err(|_| Problem::value("key", "is no JSON list: write it as `[\"atlanta\",\"core-1\"]`"))?;
    let page = state.runner.history().timeline(&model, &key, before.map(|before| before.0), limit.get()).await?;
    Ok(Json(List { items: page.items, next: page.next.map(Cursor) }))
}
