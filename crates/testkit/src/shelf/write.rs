//! What is written to a shelf, and what it refuses.
//!
//! | request | answer |
//! |---|---|
//! | `POST /sites` | 201 with the object; 409 when the slug is taken |
//! | `PATCH /sites/1` with `If-Match: 7` | the object; 412 when it has another version by now |
//! | `DELETE /sites/1` with `If-Match: 7` | 204; 409 as long as a VLAN refers to it |
//!
//! What is refused is 422 `{"field": "name", "message": "…"}`.

use std::sync::{Arc, Mutex};

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{patch, post};
use axum::{Json, Router};
use serde_json::{Map, Value, json};

use super::{Kind, Shelf, ShelfSim, locked};

/// The name that it refuses.
pub const REFUSED: &str = "unwanted";

type Answer = Result<Response, Refusal>;

/// The requests that write.
pub(super) fn routes() -> Router<Arc<Mutex<Shelf>>> {
    Router::new().route("/{kind}", post(create)).route("/{kind}/{id}", patch(update).delete(delete))
}

impl ShelfSim {
    /// Changes a field of an object, as somebody else would. Whether there is one.
    pub fn edit(&self, kind: Kind, id: u64, field: &str, value: Value) -> bool {
        let mut shelf = locked(&self.shelf);
        let change = Map::from_iter([(field.to_owned(), value)]);
        shelf.change(kind, id, change).is_some()
    }
}

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

impl Shelf {
    // ANCHOR: refusals
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
    // ANCHOR_END: refusals

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

// ANCHOR: answers
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
// ANCHOR_END: answers
