//! A small inventory to try connectors with: a real HTTP server that keeps sites and VLANs.
//!
//! It is nobody's product, but has what products have: tokens, pages, ids, versions, references by id.
//!
//! | request | answer |
//! |---|---|
//! | `GET /sites?offset=0&limit=100` | `{"total": 2, "items": [{"id": 1, "version": 7, "slug": "atl", …}]}`, in the order of ids |
//!
//! `/vlans` is the same; `site` of a VLAN is the id of a site or null. Every request carries `Authorization: Bearer TOKEN`.

// ANCHOR: own
// The tests of each new connector begin with a copy of this (`cargo xtask new-connector`). The anchors say what a source has no use for.
// ANCHOR_END: own

// ANCHOR: writes
mod write;
// ANCHOR_END: writes

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::{Path, Query, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio_util::sync::{CancellationToken, DropGuard};

// ANCHOR: writes
pub use write::REFUSED;
// ANCHOR_END: writes

/// A running shelf. It stops when it is dropped.
#[derive(Debug)]
pub struct ShelfSim {
    url: String,
    shelf: Arc<Mutex<Shelf>>,
    _running: DropGuard,
}

#[derive(Debug, Default)]
struct Shelf {
    objects: BTreeMap<Kind, BTreeMap<u64, Map<String, Value>>>,
    last_id: u64,
    last_version: u64,
    shortened: bool,
}

/// What a shelf keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Sites: `slug`, `name`, `status`, `address`.
    Sites,
    /// VLANs: `site`, `vid`, `name`, `status`.
    Vlans,
}

/// The token that it knows.
pub const TOKEN: &str = "shelf-token-5c1d";

impl ShelfSim {
    /// Starts an empty shelf on a free port of 127.0.0.1. Needs a Tokio runtime that lives as long as the shelf does.
    pub async fn start() -> io::Result<Self> {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let shelf = Arc::<Mutex<Shelf>>::default();
        let app = Router::new().route("/{kind}", get(list));
        // ANCHOR: writes
        let app = app.merge(write::routes());
        // ANCHOR_END: writes
        let app = app.layer(middleware::from_fn(known)).with_state(Arc::clone(&shelf));
        let running = CancellationToken::new();
        let stop = running.clone();
        tokio::spawn(async move { stop.run_until_cancelled(axum::serve(listener, app).into_future()).await });
        Ok(Self { url, shelf, _running: running.drop_guard() })
    }

    /// Where it listens.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Puts an object in, as nobody's request: its id.
    pub fn put(&self, kind: Kind, object: &Value) -> u64 {
        locked(&self.shelf).insert(kind, object.as_object().cloned().unwrap_or_default())
    }

    /// From now on every list lacks its first object, although the total counts it: a page that got lost.
    pub fn shorten(&self) {
        locked(&self.shelf).shortened = true;
    }
}

fn locked(shelf: &Mutex<Shelf>) -> MutexGuard<'_, Shelf> {
    shelf.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shelf {
    fn of(&mut self, kind: Kind) -> &mut BTreeMap<u64, Map<String, Value>> {
        self.objects.entry(kind).or_default()
    }

    fn insert(&mut self, kind: Kind, object: Map<String, Value>) -> u64 {
        self.last_id += 1;
        let id = self.last_id;
        self.of(kind).insert(id, Map::from_iter([("id".to_owned(), id.into())]));
        self.change(kind, id, object);
        id
    }

    fn change(&mut self, kind: Kind, id: u64, change: Map<String, Value>) -> Option<Value> {
        self.last_version += 1;
        let version = self.last_version;
        let object = self.of(kind).get_mut(&id)?;
        object.extend(change);
        object.insert("version".to_owned(), version.into());
        Some(Value::Object(object.clone()))
    }
}

// ANCHOR: answers
async fn known(request: Request, next: Next) -> Response {
    let token = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    if token == Some(&format!("Bearer {TOKEN}")) {
        return next.run(request).await;
    }
    (StatusCode::UNAUTHORIZED, Json(json!({"message": "who are you?"}))).into_response()
}

#[derive(Deserialize)]
#[serde(default)]
struct Page {
    offset: usize,
    limit: usize,
}

impl Default for Page {
    fn default() -> Self {
        Self { offset: 0, limit: 100 }
    }
}

async fn list(State(shelf): State<Arc<Mutex<Shelf>>>, Path(kind): Path<Kind>, Query(page): Query<Page>) -> Json<Value> {
    let mut shelf = locked(&shelf);
    let lost = usize::from(shelf.shortened && page.offset == 0);
    let all = shelf.of(kind);
    let items: Vec<_> = all.values().skip(page.offset).take(page.limit).skip(lost).collect();
    Json(json!({"total": all.len(), "items": items}))
}
// ANCHOR_END: answers
