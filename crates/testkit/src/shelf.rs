//! A small inventory to try connectors with: a real HTTP server that keeps sites and VLANs.
//!
//! It is nobody's product, but has what products have: tokens, pages, ids, versions, references by id, and refusals that name the field.
//!
//! | request | answer |
//! |---|---|
//! | `GET /sites?offset=0&limit=100` | `{"total": 2, "items": [{"id": 1, "version": 7, "slug": "atl", …}]}`, in the order of ids |
//! | `POST /sites` | 201 with the object; 409 when the slug is taken |
//! | `PATCH /sites/1` with `If-Match: 7` | the object; 412 when it has another version by now |
//! | `DELETE /sites/1` with `If-Match: 7` | 204; 409 as long as a VLAN refers to it |
//!
//! `/vlans` is the same; `site` of a VLAN is the id of a site or null. What is refused is 422 `{"field": "name", "message": "…"}`.
//! Every request carries `Authorization: Bearer TOKEN`.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, patch};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio_util::sync::{CancellationToken, DropGuard};

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
/// The name that it refuses.
pub const REFUSED: &str = "unwanted";

type Answer = Result<Response, Refusal>;

/// Why a request is not carried out.
struct Refusal {
    status: StatusCode,
    field: Option<String>,
    message: &'static str,
}

impl Refusal {
    fn new(status: StatusCode, message: &'static str) -> Self {
        Self { status, field: None, message }
    }

    fn of(status: StatusCode, field: &str, message: &'static str) -> Self {
        Self { field: Some(field.to_owned()), ..Self::new(status, message) }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.status, Json(json!({"field": self.field, "message": self.message}))).into_response()
    }
}

impl ShelfSim {
    /// Starts an empty shelf on a free port of 127.0.0.1. Needs a Tokio runtime that lives as long as the shelf does.
    pub async fn start() -> io::Result<Self> {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let shelf = Arc::<Mutex<Shelf>>::default();
        let app = Router::new()
            .route("/{kind}", get(list).post(create))
            .route("/{kind}/{id}", patch(update).delete(delete))
            .layer(middleware::from_fn(known))
            .with_state(Arc::clone(&shelf));
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

    /// The objects of a kind, in the order of ids.
    pub fn objects(&self, kind: Kind) -> Vec<Value> {
        locked(&self.shelf).of(kind).values().cloned().map(Value::Object).collect()
    }

    /// Changes a field of an object, as somebody else would. Whether there is one.
    pub fn edit(&self, kind: Kind, id: u64, field: &str, value: Value) -> bool {
        let mut shelf = locked(&self.shelf);
        let change = Map::from_iter([(field.to_owned(), value)]);
        shelf.change(kind, id, change).is_some()
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

    /// What is wrong with an object that is to be there beside the others.
    fn check(&mut self, kind: Kind, id: Option<u64>, object: &Map<String, Value>) -> Result<(), Refusal> {
        let refuse = |field: &str, message| Err(Refusal::of(StatusCode::UNPROCESSABLE_ENTITY, field, message));
        let (fields, same): (&[&str], &[&str]) = match kind {
            Kind::Sites => (&["slug", "name", "status", "address"], &["slug"]),
            Kind::Vlans => (&["site", "vid", "name", "status"], &["site", "vid"]),
        };
        if let Some(unknown) =
            object.keys().find(|name| !fields.contains(&name.as_str()) && !["id", "version"].contains(&name.as_str()))
        {
            return refuse(unknown, "is no field");
        }
        if object.get("name").and_then(Value::as_str).is_none_or(|name| name == REFUSED) {
            return refuse("name", "is not wanted here");
        }
        let site = object.get("site").and_then(Value::as_u64);
        if kind == Kind::Vlans && site.is_some_and(|site| !self.of(Kind::Sites).contains_key(&site)) {
            return refuse("site", "there is no such site");
        }
        let is_same = |other: &Map<String, Value>| same.iter().all(|field| other.get(*field) == object.get(*field));
        if self.of(kind).iter().any(|(other, known)| Some(*other) != id && is_same(known)) {
            return Err(Refusal::of(StatusCode::CONFLICT, same[same.len() - 1], "is taken"));
        }
        Ok(())
    }

    /// The object of an id, if it has the version that is asked for.
    fn current(&mut self, kind: Kind, id: u64, headers: &HeaderMap) -> Result<Map<String, Value>, Refusal> {
        let object =
            self.of(kind).get(&id).cloned().ok_or_else(|| Refusal::new(StatusCode::NOT_FOUND, "is not there"))?;
        let wanted = headers.get(header::IF_MATCH).and_then(|wanted| wanted.to_str().ok());
        if wanted
            .is_some_and(|wanted| object.get("version").is_some_and(|version| wanted.parse().ok() != version.as_u64()))
        {
            return Err(Refusal::new(StatusCode::PRECONDITION_FAILED, "has another version"));
        }
        Ok(object)
    }
}

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

async fn create(
    State(shelf): State<Arc<Mutex<Shelf>>>,
    Path(kind): Path<Kind>,
    Json(object): Json<Map<String, Value>>,
) -> Answer {
    let mut shelf = locked(&shelf);
    shelf.check(kind, None, &object)?;
    let id = shelf.insert(kind, object);
    let created = shelf.of(kind).get(&id).cloned();
    Ok((StatusCode::CREATED, Json(created)).into_response())
}

async fn update(
    State(shelf): State<Arc<Mutex<Shelf>>>,
    Path((kind, id)): Path<(Kind, u64)>,
    headers: HeaderMap,
    Json(change): Json<Map<String, Value>>,
) -> Answer {
    let mut shelf = locked(&shelf);
    let mut object = shelf.current(kind, id, &headers)?;
    object.extend(change.clone());
    shelf.check(kind, Some(id), &object)?;
    Ok(Json(shelf.change(kind, id, change)).into_response())
}

async fn delete(
    State(shelf): State<Arc<Mutex<Shelf>>>,
    Path((kind, id)): Path<(Kind, u64)>,
    headers: HeaderMap,
) -> Answer {
    let mut shelf = locked(&shelf);
    shelf.current(kind, id, &headers)?;
    if kind == Kind::Sites && shelf.of(Kind::Vlans).values().any(|vlan| vlan.get("site") == Some(&id.into())) {
        return Err(Refusal::new(StatusCode::CONFLICT, "VLANs refer to it"));
    }
    shelf.of(kind).remove(&id);
    Ok(StatusCode::NO_CONTENT.into_response())
}
