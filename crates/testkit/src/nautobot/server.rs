//! The HTTP side: tokens, common headers, faults.

use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, Response, header};
use serde_json::{Value as Json, json};
use tokio_util::sync::CancellationToken;

use super::NautobotOptions;
use super::errors::Refusal;
use super::faults::{Effect, Faults};
use super::graphql;
use super::rest::Reply;
use super::route::{self, Call};
use super::schema::Kind;
use super::state::Store;
use super::traffic::RequestRecord;
use super::value::Value;
use crate::http::{BAD_GATEWAY_PAGE, cut_body, lock};
use crate::transaction::Database as _;
use crate::watch::{self, Watch};

/// Largest body that is read, in bytes.
const MAX_BODY: usize = 256 << 20;

/// Everything that the server and its handle share.
pub(super) struct Shared {
    pub base: String,
    pub options: NautobotOptions,
    pub store: RwLock<Store>,
    pub faults: Mutex<Faults>,
    pub traffic: Mutex<Vec<RequestRecord>>,
    requests: AtomicU64,
    pub watch: Watch,
    /// Cancelled when the server must go away at once.
    pub server: CancellationToken,
}

impl Shared {
    pub fn new(base: String, options: NautobotOptions, store: Store) -> Self {
        Self {
            base,
            options,
            store: RwLock::new(store),
            faults: Mutex::default(),
            traffic: Mutex::default(),
            requests: AtomicU64::new(0),
            watch: Watch::default(),
            server: CancellationToken::new(),
        }
    }

    /// Number of a request, or of something else that is counted along with them.
    pub fn number(&self) -> u64 {
        self.requests.fetch_add(1, Ordering::Relaxed)
    }
}

/// An answer with its content type.
pub(super) struct Answer {
    content_type: &'static str,
    status: u16,
    body: String,
    written: usize,
}

const JSON: &str = "application/json";
const HTML: &str = "text/html; charset=utf-8";

impl Answer {
    fn html(status: u16, body: &str) -> Self {
        Self { content_type: HTML, status, body: body.to_owned(), written: 0 }
    }

    /// Text that is JSON already.
    pub fn json(status: u16, body: String) -> Self {
        Self { content_type: JSON, status, body, written: 0 }
    }

    /// What a browser would see of an address that is not there.
    pub fn no_page() -> Self {
        Self::html(404, "<!DOCTYPE html>\n<html><head><title>Page Not Found - Nautobot</title></head></html>")
    }

    /// The answer to a request that is done or refused.
    pub fn of(done: Result<Reply, Refusal>, version: &str) -> Self {
        match done {
            Ok(reply) => {
                let body = reply.body.map(|body| body.to_string()).unwrap_or_default();
                Self { content_type: JSON, status: reply.status, body, written: reply.written }
            }
            Err(refusal) => {
                let (status, body) = refusal.answer(version);
                Self::json(status, body.to_string())
            }
        }
    }
}

/// Answers one request.
pub(super) async fn handle(State(shared): State<Arc<Shared>>, request: Request) -> Result<Response<Body>, Infallible> {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, MAX_BODY).await.unwrap_or_default();
    let (method, url) = (parts.method.to_string(), parts.uri.to_string());
    let work = answer_request(Arc::clone(&shared), parts, body);
    Ok(watch::carry_out(|moment| shared.watch.tell(moment, &method, &url), work).await)
}

async fn answer_request(shared: Arc<Shared>, parts: Parts, body: Bytes) -> Response<Body> {
    let number = shared.number();
    let path = parts.uri.path().to_owned();
    let query = parts.uri.query().unwrap_or_default().to_owned();
    let target = if query.is_empty() { path.clone() } else { format!("{path}?{query}") };
    let json: Option<Json> = serde_json::from_slice(&body).ok();
    let asked = json.as_ref().filter(|_| path == "/api/graphql/").and_then(|json| json.get("query"));
    let asked = asked.and_then(Json::as_str).map(str::to_owned);
    let (effects, latency) = {
        let mut faults = lock(&shared.faults);
        (faults.meet(parts.method.as_str(), &target, asked.as_deref()), faults.latency)
    };
    let mut record = RequestRecord {
        method: parts.method.to_string(),
        path: path.clone(),
        query: query.clone(),
        status: 0,
        objects: match &json {
            Some(Json::Array(items)) => items.len(),
            Some(_) => 1,
            None => 0,
        },
        written: 0,
        graphql: asked.as_deref().map(graphql::top_fields).unwrap_or_default(),
    };
    let waits = effects.iter().filter_map(|effect| match effect {
        Effect::Latency(time) => Some(*time),
        _ => None,
    });
    for wait in latency.into_iter().chain(waits) {
        tokio::time::sleep(wait).await;
    }
    if effects.contains(&Effect::Kill) {
        lock(&shared.traffic).push(record.clone());
        shared.server.cancel();
        // The runtime ends under this request.
        std::future::pending::<()>().await;
    }
    let call = Call {
        shared: &shared,
        method: &parts.method,
        path: &path,
        query: &query,
        content_type: text(&parts.headers, header::CONTENT_TYPE),
        authorization: text(&parts.headers, header::AUTHORIZATION),
        body: &body,
        json: json.as_ref(),
        number,
    };
    let answer = instead(&shared, &effects).unwrap_or_else(|| {
        if effects.contains(&Effect::Overtake) {
            overtake(&call);
        }
        route::route(&call)
    });
    let answer = bend(&effects, &record, answer);
    record.status = answer.status;
    record.written = answer.written;
    lock(&shared.traffic).push(record);
    respond(&shared, &effects, answer)
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Answers that take the place of the request's own.
fn instead(shared: &Shared, effects: &[Effect]) -> Option<Answer> {
    let version = &shared.options.version;
    let detail = |status: u16, text: &str| Answer::of(Err(Refusal::Detail(status, text.to_owned())), version);
    effects.iter().find_map(|effect| match effect {
        Effect::HtmlBadGateway => Some(Answer::html(502, BAD_GATEWAY_PAGE)),
        Effect::HtmlOk => {
            let page = "<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body></body></html>\n";
            Some(Answer::html(200, page))
        }
        Effect::Unavailable { .. } => {
            Some(Answer::html(503, "<html><body><h1>503 Service Unavailable</h1></body></html>"))
        }
        Effect::TooManyRequests { .. } => Some(detail(429, "Request was throttled.")),
        Effect::Forbidden => Some(detail(403, "You do not have permission to perform this action.")),
        Effect::Deadlock => {
            let error = "deadlock detected\nDETAIL:  Process 101 waits for ShareLock on transaction 900; blocked by \
                         process 102.\nProcess 102 waits for ShareLock on transaction 901; blocked by process 101.\nHINT:  \
                         See server log for query details.\n";
            let refusal = Refusal::Crash { exception: "OperationalError", error: error.to_owned() };
            Some(Answer::of(Err(refusal), version))
        }
        _ => None,
    })
}

/// Somebody else changes the objects of the body first.
fn overtake(call: &Call<'_>) {
    let Some((kind, id)) = call.list() else { return };
    let ids: Vec<String> = match (id, call.json) {
        (Some(id), _) => vec![id.to_owned()],
        (None, Some(Json::Array(items))) => {
            items.iter().filter_map(|item| item.get("id").and_then(Json::as_str)).map(str::to_owned).collect()
        }
        _ => Vec::new(),
    };
    let mut store = call.shared.store.write().unwrap_or_else(PoisonError::into_inner);
    for id in ids.iter().filter_map(|id| super::value::Id::parse(id)) {
        let Some(mut object) = store.get(kind, id).map(|object| object.as_ref().clone()) else { continue };
        object.set(kind, "description", Value::from("changed by somebody else"));
        object.updated = store.now();
        store.put(kind, object);
    }
    store.commit();
}

/// Faults that change an answer which the request would have got.
fn bend(effects: &[Effect], record: &RequestRecord, mut answer: Answer) -> Answer {
    let is_list = answer.content_type == JSON
        && answer.status == 200
        && (record.method == "GET" || record.path == "/api/graphql/");
    let Some(mut json) = serde_json::from_str::<Json>(&answer.body).ok().filter(|_| is_list && !effects.is_empty())
    else {
        return answer;
    };
    for effect in effects {
        match effect {
            Effect::ShortPage(rows) => {
                if let Some(results) = json.get_mut("results").and_then(Json::as_array_mut) {
                    results.truncate(results.len().saturating_sub(*rows));
                    json["next"] = Json::Null;
                }
                for list in json.get_mut("data").and_then(Json::as_object_mut).into_iter().flatten() {
                    if let Json::Array(list) = list.1 {
                        list.truncate(list.len().saturating_sub(*rows));
                    }
                }
            }
            Effect::MissingCount => {
                if let Some(json) = json.as_object_mut() {
                    json.remove("count");
                }
            }
            _ => {}
        }
    }
    answer.body = json.to_string();
    answer
}

fn respond(shared: &Shared, effects: &[Effect], answer: Answer) -> Response<Body> {
    let mut parts = shared.options.version.split('.');
    let version = format!("{}.{}", parts.next().unwrap_or("3"), parts.next().unwrap_or("2"));
    let mut response = Response::builder()
        .status(answer.status)
        .header("API-Version", version)
        .header(header::VARY, "Accept, Cookie, origin")
        .header(header::ALLOW, "GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS");
    if answer.status != 204 {
        response = response.header(header::CONTENT_TYPE, answer.content_type);
    }
    let mut cut = None;
    for effect in effects {
        match effect {
            Effect::Unavailable { retry_after } | Effect::TooManyRequests { retry_after } => {
                response = response.header(header::RETRY_AFTER, *retry_after);
            }
            Effect::CutBody(bytes) => cut = Some(*bytes),
            _ => {}
        }
    }
    let body = Bytes::from(answer.body);
    let body = match cut {
        None => Body::from(body),
        Some(at) => {
            // The length is promised in full, so that the break shows.
            response = response.header(header::CONTENT_LENGTH, body.len().max(at + 1));
            cut_body(&body, at)
        }
    };
    response.body(body).unwrap_or_else(|_| Response::new(Body::empty()))
}

/// Whether a method only looks.
pub(super) fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
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
