//! The HTTP side: content types, faults, records.

use std::sync::{Arc, Mutex};

use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, Request, State as Extract};
use axum::http::request::Parts;
use axum::http::{Method, Response, header};
use tokio_util::sync::CancellationToken;

use super::dialect::Dialect;
use super::faults::{Effect, Faults};
use super::refusal::Refusal;
use super::rpc::{self, Incoming, Outcome};
use super::state::State;
use super::traffic::{Credentials, RequestRecord};
use crate::http::{self, BAD_GATEWAY_PAGE, Connection, lock, watched};
use crate::watch::Watch;

/// Where the API is.
pub(super) const PATH: &str = "/api_jsonrpc.php";

/// Largest body that is read, in bytes: the usual `post_max_size` of PHP.
const MAX_BODY: usize = 16 << 20;

const JSON: &str = "application/json";
const HTML: &str = "text/html; charset=UTF-8";

/// Everything that the server and its handle share.
pub(super) struct Shared {
    pub base: String,
    pub dialect: Dialect,
    pub state: Mutex<State>,
    pub faults: Mutex<Faults>,
    pub traffic: Mutex<Vec<RequestRecord>>,
    pub watch: Watch,
    /// Cancelled when the server must go away at once.
    pub server: CancellationToken,
}

/// An answer before it is bent.
struct Answer {
    status: u16,
    content_type: &'static str,
    body: String,
}

fn answer(status: u16, content_type: &'static str, body: impl Into<String>) -> Answer {
    Answer { status, content_type, body: body.into() }
}

/// Answers one request.
pub(super) async fn handle(
    Extract(shared): Extract<Arc<Shared>>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    request: Request,
) -> Response<Body> {
    let work = |parts, body| answer_request(Arc::clone(&shared), connection, parts, body);
    watched(&shared.watch, request, MAX_BODY, work).await
}

async fn answer_request(shared: Arc<Shared>, connection: Connection, parts: Parts, body: Bytes) -> Response<Body> {
    let methods = rpc::methods_of(&body);
    let mut texts: Vec<&str> = vec![parts.uri.path()];
    texts.extend(methods.iter().map(String::as_str));
    let (effects, latency) = {
        let mut faults = lock(&shared.faults);
        (crate::fault::meet(&mut faults.requests, parts.method.as_str(), &texts), faults.latency)
    };
    let mut record = RequestRecord {
        http_method: parts.method.to_string(),
        status: 0,
        calls: Vec::new(),
        batch: false,
        credentials: Credentials::None,
        answer_bytes: 0,
    };
    let waits = effects.iter().filter_map(|effect| match effect {
        Effect::Latency(time) => Some(*time),
        _ => None,
    });
    for wait in latency.into_iter().chain(waits) {
        tokio::time::sleep(wait).await;
    }
    if effects.contains(&Effect::Kill) {
        lock(&shared.traffic).push(record);
        shared.server.cancel();
        // The runtime ends under this request.
        return std::future::pending().await;
    }
    if effects.contains(&Effect::ResetBefore) {
        lock(&shared.traffic).push(record);
        connection.reset();
        return Response::new(Body::empty());
    }
    let given = instead(&effects).unwrap_or_else(|| {
        let (answer, outcome) = carry_out(&shared, &effects, &parts, &body);
        record.credentials = outcome.credentials(bearer(&parts));
        record.batch = outcome.batch;
        record.calls = outcome.calls;
        answer
    });
    let given = bend(&effects, given);
    let reset = effects.contains(&Effect::ResetAfter);
    record.status = if reset { 0 } else { given.status };
    record.answer_bytes = given.body.len();
    lock(&shared.traffic).push(record);
    if reset {
        connection.reset();
    }
    respond(&effects, given)
}

/// Answers that take the place of the request's own.
fn instead(effects: &[Effect]) -> Option<Answer> {
    effects.iter().find_map(|effect| match effect {
        Effect::OutOfMemory => Some(answer(500, HTML, "")),
        Effect::HtmlBadGateway => Some(answer(502, HTML, BAD_GATEWAY_PAGE)),
        Effect::EmptyOk => Some(answer(200, JSON, "")),
        Effect::TooManyRequests { .. } => Some(answer(429, HTML, "<html><body>429 Too Many Requests</body></html>")),
        _ => None,
    })
}

fn bearer(parts: &Parts) -> Option<&str> {
    parts.headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
}

fn carry_out(shared: &Shared, effects: &[Effect], parts: &Parts, body: &Bytes) -> (Answer, Outcome) {
    let nothing = Outcome::default;
    if parts.uri.path() != PATH {
        return (answer(404, HTML, "<html><body><h1>404 Not Found</h1></body></html>"), nothing());
    }
    if parts.method == Method::OPTIONS {
        return (answer(200, HTML, ""), nothing());
    }
    let content_type =
        parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let content_type = content_type.split(';').next().unwrap_or_default();
    if !matches!(content_type, "application/json-rpc" | "application/json" | "application/jsonrequest") {
        return (answer(412, HTML, ""), nothing());
    }
    if effects.contains(&Effect::DatabaseDown) {
        let (status, body) = rpc::database_down(body, &shared.dialect);
        return (answer(status, JSON, body), nothing());
    }
    let refused = effects.iter().find_map(|effect| match effect {
        Effect::SessionTerminated => Some(rpc::terminated()),
        Effect::Deadlock => Some(Refusal::statement("INSERT INTO ids (table_name,field_name,nextid) VALUES (...)")),
        _ => None,
    });
    let (refuse, ignored, keeps_header) = {
        let faults = lock(&shared.faults);
        (faults.refuse.clone(), faults.ignored.clone(), faults.keeps_header)
    };
    let now = chrono::Utc::now().timestamp();
    let bearer = bearer(parts).filter(|_| !keeps_header);
    let incoming = Incoming { body, bearer, now, refuse: &refuse, ignored: &ignored, refused };
    let outcome = rpc::answer(&mut lock(&shared.state), &shared.dialect, &incoming);
    if lock(&shared.faults).largest_answer.is_some_and(|largest| outcome.body.len() > largest) {
        return (answer(500, HTML, ""), outcome);
    }
    (answer(200, JSON, outcome.body.clone()), outcome)
}

/// Faults that change an answer after the work.
fn bend(effects: &[Effect], given: Answer) -> Answer {
    effects.iter().fold(given, |given, effect| match effect {
        Effect::GatewayTimeout => answer(504, HTML, "<html><body><h1>504 Gateway Time-out</h1></body></html>"),
        Effect::EmptyOkAfter => answer(200, JSON, ""),
        _ => given,
    })
}

fn respond(effects: &[Effect], given: Answer) -> Response<Body> {
    let mut response = Response::builder()
        .status(given.status)
        .header(header::CONTENT_TYPE, given.content_type)
        .header(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*")
        .header(header::ACCESS_CONTROL_ALLOW_HEADERS, "Content-Type,Authorization")
        .header(header::ACCESS_CONTROL_ALLOW_METHODS, "POST,OPTIONS");
    let mut cut = None;
    for effect in effects {
        match effect {
            Effect::TooManyRequests { retry_after } => response = response.header(header::RETRY_AFTER, *retry_after),
            Effect::CutBody(at) => cut = Some(*at),
            _ => {}
        }
    }
    http::respond(response, given.body, cut)
}
