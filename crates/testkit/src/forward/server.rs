//! The HTTP side: takes requests, decides about switches and credentials, and hands them to the routes.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State as Extract};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use bytes::Bytes;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::answer::{Answer, Refusal};
use super::faults::{Break, Canned, Faults};
use super::state::State;
use super::{Dataset, RequestRecord, routes};
use crate::http::query::{self, Query, percent_decode};
use crate::http::{BreakableListener, Connection};
use crate::watch::{self, Watch};

/// Larger request bodies are refused.
const MAX_BODY: usize = 16 << 20;
/// Requests remembered for tests.
const KEPT_REQUESTS: usize = 100_000;

/// What all requests share.
pub(crate) struct Shared {
    state: Mutex<State>,
    server: Mutex<CancellationToken>,
    rows_served: AtomicU64,
    pub(crate) watch: Watch,
}

/// A request, taken apart.
pub(crate) struct Call {
    pub(crate) method: String,
    /// Path and query string as they came.
    pub(crate) url: String,
    /// Segments behind `/api`, decoded.
    pub(crate) segments: Vec<String>,
    pub(crate) query: Query,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) connection: Connection,
}

impl Call {
    /// The first query parameter of that name.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// All query parameters of that name.
    pub(crate) fn parameters<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.query.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A query parameter that must be a number not below zero.
    pub(crate) fn number(&self, name: &str) -> Result<Option<usize>, Refusal> {
        let parse = |text: &str| {
            text.parse().map_err(|_| Refusal::new(400, format!("Invalid value '{text}' of parameter '{name}'")))
        };
        self.parameter(name).map(parse).transpose()
    }

    pub(crate) fn header(&self, name: header::HeaderName) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("")
    }

    /// The path without the query string.
    pub(crate) fn path(&self) -> &str {
        self.url.split('?').next().unwrap_or(&self.url)
    }
}

impl Shared {
    pub(crate) fn new(state: State) -> Self {
        Self {
            state: Mutex::new(state),
            server: Mutex::default(),
            rows_served: AtomicU64::new(0),
            watch: Watch::default(),
        }
    }

    /// The state. A test that panicked while holding it does not take the others down.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn rows_served(&self) -> u64 {
        self.rows_served.load(Ordering::Relaxed)
    }

    pub(crate) fn forget_rows(&self) {
        self.rows_served.store(0, Ordering::Relaxed);
    }

    /// The switches as they are for one query.
    pub(crate) fn faults_for(&self, dataset: Dataset) -> Faults {
        let faults = self.state().faults.clone();
        if faults.apply_to(dataset) {
            return faults;
        }
        Faults {
            short_page: None,
            empty_from: None,
            repeat_page: false,
            missing_total: false,
            total_off_by: 0,
            unstable_order: false,
            drop_column: None,
            null_column: None,
            retype_column: None,
            break_after: None::<Break>,
            slow_body: None,
            ..faults
        }
    }

    /// Counts a row that goes out; true if it is the one to die with.
    pub(crate) fn count_row(&self, kill_after: Option<u64>) -> bool {
        let count = self.rows_served.fetch_add(1, Ordering::Relaxed) + 1;
        kill_after == Some(count)
    }

    /// Stops listening and breaks all connections.
    pub(crate) fn kill(&self) {
        self.token().cancel();
    }

    fn token(&self) -> CancellationToken {
        self.server.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Serves until killed.
    pub(crate) fn serve(self: &Arc<Self>, listener: TcpListener) -> JoinHandle<()> {
        let server = CancellationToken::new();
        *self.server.lock().unwrap_or_else(PoisonError::into_inner) = server.clone();
        let router = Router::new().fallback(handle).with_state(Arc::clone(self));
        let listener = BreakableListener { listener, server: server.clone() };
        let service = router.into_make_service_with_connect_info::<Connection>();
        tokio::spawn(async move {
            tokio::select! {
                _ = axum::serve(listener, service) => {}
                () = server.cancelled() => {}
            }
        })
    }
}

async fn handle(
    Extract(shared): Extract<Arc<Shared>>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let method = parts.method.to_string();
    let url = parts.uri.to_string();
    let Ok(body) = axum::body::to_bytes(body, MAX_BODY).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let query = query::parse(parts.uri.query().unwrap_or(""));
    let segments: Vec<_> = parts.uri.path().split('/').skip(1).map(percent_decode).collect();
    let in_api = segments.first().is_some_and(|first| first == "api");
    let mut segments = segments;
    if in_api {
        segments.remove(0);
    }
    let (told_method, told_url) = (method.clone(), url.clone());
    let call = Call { method, url, segments, query, headers: parts.headers, body, connection };
    let work = answer_call(Arc::clone(&shared), call, in_api);
    watch::carry_out(|moment| shared.watch.tell(moment, &told_method, &told_url), work).await
}

async fn answer_call(shared: Arc<Shared>, call: Call, in_api: bool) -> Response {
    if let Some(response) = before_routes(&shared, &call) {
        return response;
    }
    if !in_api {
        // The web application answers everything outside `/api`.
        return Html("<!doctype html><html><head><title>Forward</title></head><body></body></html>").into_response();
    }
    let pause = shared.state().faults.slow_answers;
    if let Some(pause) = pause {
        tokio::time::sleep(pause).await;
    }
    let answer = match authenticate(&shared, &call) {
        Ok(()) => routes::answer(&shared, &call).await,
        Err(refusal) => Err(refusal),
    };
    finish(&shared, &call, answer)
}

fn finish(shared: &Arc<Shared>, call: &Call, answer: Answer) -> Response {
    let mislabelled = shared.state().faults.mislabelled_errors;
    answer.unwrap_or_else(|refusal| refusal.into_response(&call.method, &call.url, mislabelled))
}

/// Records the request and lets the switches that do not care about routes have their way.
fn before_routes(shared: &Arc<Shared>, call: &Call) -> Option<Response> {
    let mut state = shared.state();
    if state.requests.len() < KEPT_REQUESTS {
        state.requests.push(RequestRecord {
            method: call.method.clone(),
            url: call.url.clone(),
            body: String::from_utf8_lossy(&call.body).into_owned(),
        });
    }
    state.request_count += 1;
    if state.faults.kill_after_requests.is_some_and(|limit| state.request_count > limit) {
        drop(state);
        shared.kill();
        return Some(StatusCode::SERVICE_UNAVAILABLE.into_response());
    }
    let line = format!("{} {}", call.method, call.path());
    if let Some(position) = state.faults.canned.iter().position(|canned| line.contains(&canned.to)) {
        let canned = &mut state.faults.canned[position];
        canned.times = canned.times.saturating_sub(1);
        let response = canned_response(canned, call);
        if canned.times == 0 {
            state.faults.canned.remove(position);
        }
        return Some(response);
    }
    if state.faults.reset_requests > 0 && line.contains("nqe") {
        state.faults.reset_requests -= 1;
        call.connection.reset();
        return Some(StatusCode::BAD_GATEWAY.into_response());
    }
    rate_limited(&mut state, call)
}

fn canned_response(canned: &Canned, call: &Call) -> Response {
    let body = canned.body.replace("{url}", &call.url).replace("{method}", &call.method);
    let mut response = Response::builder().status(canned.status);
    for (name, value) in &canned.headers {
        response = response.header(name, value);
    }
    response.body(Body::from(body)).unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

fn rate_limited(state: &mut State, call: &Call) -> Option<Response> {
    let limit = state.faults.rate_limit?;
    let now = Instant::now();
    let window = Duration::from_mins(1);
    while state.recent.front().is_some_and(|at| now.duration_since(*at) >= window) {
        state.recent.pop_front();
    }
    state.recent.push_back(now);
    if state.recent.len() > limit.requests && state.locked_until.is_none_or(|until| until <= now) {
        state.recent.clear();
        state.locked_until = Some(now + Duration::from_secs(limit.lockout));
    }
    let left = state.locked_until?.checked_duration_since(now).filter(|left| !left.is_zero())?;
    let seconds = left.as_secs() + 1;
    let retry_after = if limit.as_date {
        let at = chrono::DateTime::<chrono::Utc>::from(SystemTime::now() + Duration::from_secs(seconds));
        at.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
    } else {
        seconds.to_string()
    };
    Some(canned_response(&Canned::too_many_requests("", 1, &retry_after), call))
}

fn authenticate(shared: &Arc<Shared>, call: &Call) -> Result<(), Refusal> {
    let state = shared.state();
    let expected = base64(format!("{}:{}", state.options.access_key, state.options.secret).as_bytes());
    if call.header(header::AUTHORIZATION).strip_prefix("Basic ") != Some(expected.as_str()) {
        return Err(Refusal::new(401, "Authentication failed"));
    }
    if state.faults.account_locked {
        return Err(Refusal::new(401, "Account is locked"));
    }
    Ok(())
}

/// As in Basic credentials.
pub(crate) fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let group = chunk.iter().fold(0_u32, |group, byte| (group << 8) | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for sextet in 0..4 {
            let index = usize::try_from((group >> (18 - 6 * sextet)) & 63).unwrap_or(0);
            text.push(if sextet <= chunk.len() { char::from(ALPHABET[index]) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::base64;

    #[test]
    fn codes_agree_with_their_definitions() {
        assert_eq!(base64(b"user:pass"), "dXNlcjpwYXNz");
        assert_eq!(base64(b"a"), "YQ==");
        assert_eq!(base64(b"ab"), "YWI=");
    }
}
