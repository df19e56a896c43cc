//! The HTTP side: common headers, faults, records.

use std::sync::{Arc, Mutex, PoisonError, RwLock};

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{Response, header};
use serde_json::{Value as Json, json};

use super::NautobotOptions;
use super::errors::Refusal;
use super::faults::Faults;
use super::rest::Reply;
use super::route::{self, Call};
use super::schema::Kind;
use super::state::Store;
use super::value::{Id, Value};
use crate::django::DEADLOCK;
use crate::django::server::{Answer, Front, Incoming, MAX_BODY};
use crate::http::{lock, watched};
use crate::transaction::Database as _;

/// Where GraphQL is.
const GRAPHQL: &str = "/api/graphql/";

/// Numbers from which ids of requests are made: far from those of objects.
const REQUESTS: u64 = 1 << 60;

/// Everything that the server and its handle share.
pub(super) struct Shared {
    pub base: String,
    pub options: NautobotOptions,
    pub store: RwLock<Store>,
    pub faults: Mutex<Faults>,
    pub front: Front,
}

impl Shared {
    pub fn new(base: String, options: NautobotOptions, store: Store) -> Self {
        Self { base, options, store: RwLock::new(store), faults: Mutex::default(), front: Front::default() }
    }
}

/// What a browser would see of an address that is not there.
pub(super) fn no_page() -> Answer {
    Answer::html(404, "<!DOCTYPE html>\n<html><head><title>Page Not Found - Nautobot</title></head></html>")
}

/// The answer to a request that is done or refused.
pub(super) fn answer(done: Result<Reply, Refusal>, version: &str) -> Answer {
    match done {
        Ok(reply) => {
            let body = reply.body.map(|body| body.to_string()).unwrap_or_default();
            Answer { written: reply.written, ..Answer::json(reply.status, body) }
        }
        Err(refusal) => {
            let (status, body) = refusal.answer(version);
            Answer::json(status, body.to_string())
        }
    }
}

/// Answers one request.
pub(super) async fn handle(State(shared): State<Arc<Shared>>, request: Request) -> Response<Body> {
    let work = |parts, body| answer_request(Arc::clone(&shared), parts, body);
    watched(&shared.front.watch, request, MAX_BODY, work).await
}

async fn answer_request(shared: Arc<Shared>, parts: Parts, body: Bytes) -> Response<Body> {
    let request_id = Id::numbered(REQUESTS + shared.front.number());
    let request = Incoming::new(parts, body, GRAPHQL);
    let fate = {
        let mut faults = lock(&shared.faults);
        let latency = faults.latency;
        request.meet(&mut faults.requests, latency)
    };
    let record = request.record(request_id.to_string());
    shared.front.hold(&fate, &record).await;
    let call = Call { shared: &shared, request: &request, request_id };
    let answer = fate.instead(|| deadlocked(&shared.options.version)).unwrap_or_else(|| {
        if fate.overtakes() {
            overtake(&call);
        }
        route::route(&call)
    });
    let answer = shared.front.close(&fate, record, answer);
    let mut parts = shared.options.version.split('.');
    let version = format!("{}.{}", parts.next().unwrap_or("3"), parts.next().unwrap_or("2"));
    let head = Response::builder()
        .header("API-Version", version)
        .header(header::VARY, "Accept, Cookie, origin")
        .header(header::ALLOW, "GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS");
    answer.respond(head, &fate)
}

fn deadlocked(version: &str) -> Answer {
    answer(Err(Refusal::Crash { exception: "OperationalError", error: DEADLOCK.to_owned() }), version)
}

/// Somebody else changes the objects of the body first.
fn overtake(call: &Call<'_>) {
    let Some((kind, id)) = call.list() else { return };
    let ids: Vec<String> = match (id, &call.request.json) {
        (Some(id), _) => vec![id.to_owned()],
        (None, Some(Json::Array(items))) => {
            items.iter().filter_map(|item| item.get("id").and_then(Json::as_str)).map(str::to_owned).collect()
        }
        _ => Vec::new(),
    };
    let mut store = call.shared.store.write().unwrap_or_else(PoisonError::into_inner);
    for id in ids.iter().filter_map(|id| Id::parse(id)) {
        let Some(mut object) = store.get(kind, id).map(|object| object.as_ref().clone()) else { continue };
        object.set(kind, "description", Value::from("changed by somebody else"));
        object.updated = store.now();
        store.put(kind, object);
    }
    store.commit();
}

/// What `/api/status/` says.
pub(super) fn status(version: &str) -> Json {
    json!({
        "django-version": "5.2.19",
        "installed-apps": {"nautobot.dcim": null, "nautobot.extras": null, "nautobot.ipam": null},
        "nautobot-version": version,
        "nautobot-apps": {},
        "plugins": {},
        "python-version": "3.11.2",
        "celery-workers-running": 1,
    })
}

/// The kinds whose pages are shortened.
pub(super) fn shortened(shared: &Shared) -> Vec<Kind> {
    lock(&shared.faults).shortened.iter().filter_map(|list| Kind::from_path(list)).collect()
}
