//! What happened to one object, in all runs of all syncs, and where people see it in the systems themselves.

use axum::Json;
use axum::extract::State;
use schemars::JsonSchema;
use serde::Deserialize;
use syncline_core::Result;
use syncline_core::history::{History, TimelineCursor, TimelineEntry};
use syncline_core::native::Native;
use syncline_core::run::{LookedUp, SyncDefinition};
use syncline_model::AnyKey;

use super::syncs::view;
use crate::cursor::Cursor;
use crate::input::{Limit, Name, Wanted};
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

/// Which record of a sync is meant.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordQuery {
    /// Its model.
    model: String,
    /// Its key, as a JSON list: `["atlanta","core-1"]`.
    key: String,
}

/// `GET /objects?model=device&key=["atlanta","core-1"]&before=…&limit=100`: `{"items": [{"run", "sync", "instance", "change"}, …], "next": text}`,
/// newest first. An object that nothing happened to has an empty list.
pub async fn timeline(
    State(state): State<ApiState>,
    Wanted(wanted): Wanted<ObjectQuery>,
) -> Result<Json<List<TimelineEntry, Cursor<TimelineCursor>>>, Problem> {
    let ObjectQuery { model, key, before, limit } = wanted;
    let key = parsed(&key)?;
    let page = state.runner.history().timeline(&model, &key, before.map(|before| before.0), limit.get()).await?;
    Ok(Json(List { items: page.items, next: page.next.map(Cursor) }))
}

/// `GET /syncs/{name}/objects?model=device&key=["atlanta","core-1"]`: `{"items": [{"side", "connection", "link": {"label", "url"}, "error"}, …],
/// "next": null}`: where the source and the target show the record to people. Both are connected to for that.
pub async fn look_up(
    State(state): State<ApiState>,
    Name(name): Name,
    Wanted(wanted): Wanted<RecordQuery>,
) -> Result<Json<List<LookedUp>>, Problem> {
    let key = parsed(&wanted.key)?;
    view(&state, &name).await?;
    let sync = state.syncs.sync(&name).await?.definition;
    let native = native(state.runner.history(), &sync, &wanted.model, &key).await?;
    let looked = LookedUp::both(state.runner.registry(), &sync, &wanted.model, &key, native.as_ref()).await;
    Ok(Json(List::whole(looked.into())))
}

/// What the target calls a record, if that was noted in one of the latest things that happened to it there.
pub(crate) async fn native(
    history: &History,
    sync: &SyncDefinition,
    model: &str,
    key: &AnyKey,
) -> Result<Option<Native>> {
    /// How far back is looked.
    const LATEST: u64 = 50;
    let instance = sync.target.instance();
    let latest = history.timeline(model, key, None, LATEST).await?.items;
    let mut there = latest.into_iter().filter(|entry| entry.instance == instance);
    // Whatever was deleted has another id if it is back.
    let known = there.find(|entry| entry.change.native_id.is_some() || entry.change.is_deleted());
    Ok(known.filter(|entry| !entry.change.is_deleted()).and_then(|entry| entry.change.native_id).map(Native::new))
}

fn parsed(key: &str) -> Result<AnyKey, Problem> {
    AnyKey::parse(key).map_err(|_| Problem::value("key", "is no JSON list: write it as `[\"atlanta\",\"core-1\"]`"))
}
