//! The HTTP side: routing, tokens, common headers, faults.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, Response, header};
use serde_json::Value as Json;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::NetBoxOptions;
use super::access::Access;
use super::branching::{self, Branching};
use super::errors::{Errors, Refusal, server_error};
use super::faults::{Effect, Faults};
use super::graphql;
use super::rest::{Call, Reply};
use super::schema::{Kind, Type};
use super::state::{Store, Value};
use super::traffic::RequestRecord;
use super::write::Author;
use crate::http::{BAD_GATEWAY_PAGE, cut_body, lock, query};
use crate::transaction::Database as _;
use crate::watch::{self, Watch};

/// The header that names a branch by its schema id.
const BRANCH_HEADER: &str = "X-NetBox-Branch";

/// Largest body that is read, in bytes.
const MAX_BODY: usize = 256 << 20;

/// Everything that the server and its handle share.
pub(super) struct Shared {
    pub base: String,
    pub options: NetBoxOptions,
    /// What everybody sees who names no branch.
    pub store: Arc<RwLock<Store>>,
    pub branching: Mutex<Branching>,
    pub access: RwLock<Access>,
    pub faults: Mutex<Faults>,
    pub traffic: Mutex<Vec<RequestRecord>>,
    /// The last body of each list, for repeated pages.
    pages: Mutex<HashMap<String, String>>,
    /// Lists of writes that are under way, when deadlocks are switched on.
    pub under_way: Mutex<HashMap<u64, UnderWay>>,
    requests: AtomicU64,
    pub watch: Watch,
    /// Cancelled when the server must go away at once.
    pub server: CancellationToken,
}

impl Shared {
    pub fn new(base: String, options: NetBoxOptions, access: Access) -> Self {
        Self {
            base,
            options,
            store: Arc::new(RwLock::new(Store::new())),
            branching: Mutex::default(),
            access: RwLock::new(access),
            faults: Mutex::default(),
            traffic: Mutex::default(),
            pages: Mutex::default(),
            under_way: Mutex::default(),
            requests: AtomicU64::new(0),
            watch: Watch::default(),
            server: CancellationToken::new(),
        }
    }

    /// Major and minor version.
    pub fn version(&self) -> (u32, u32) {
        let mut parts = self.options.version.split('.').map(|part| part.parse().unwrap_or(0));
        (parts.next().unwrap_or(0), parts.next().unwrap_or(0))
    }
}

/// An answer with its content type.
struct Answer {
    content_type: &'static str,
    reply: Reply,
}

const JSON: &str = "application/json";
const HTML: &str = "text/html; charset=utf-8";

fn answer(content_type: &'static str, status: u16, body: impl Into<String>) -> Answer {
    Answer { content_type, reply: Reply::new(status, body.into()) }
}

fn detail(status: u16, text: &str) -> Answer {
    let (status, body) = Refusal::Detail(status, text.to_owned()).answer("");
    answer(JSON, status, body)
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
    let number = shared.requests.fetch_add(1, Ordering::Relaxed);
    let request_id = request_id(number);
    let path = parts.uri.path().to_owned();
    let query_text = parts.uri.query().unwrap_or_default().to_owned();
    let target = if query_text.is_empty() { path.clone() } else { format!("{path}?{query_text}") };
    let json: Option<Json> = serde_json::from_slice(&body).ok();
    let graphql_text = json
        .as_ref()
        .filter(|_| path == "/graphql/")
        .and_then(|json| json.get("query"))
        .and_then(Json::as_str)
        .map(str::to_owned);
    let (effects, latency, hold) = {
        let mut faults = lock(&shared.faults);
        let effects = faults.meet(parts.method.as_str(), &target, graphql_text.as_deref());
        (effects, faults.latency, faults.deadlocks)
    };
    let mut record = RequestRecord {
        method: parts.method.to_string(),
        path: path.clone(),
        query: query_text.clone(),
        status: 0,
        objects: match &json {
            Some(Json::Array(items)) => items.len(),
            Some(_) => 1,
            None => 0,
        },
        written: 0,
        branch: parts.headers.get(BRANCH_HEADER).and_then(|value| value.to_str().ok()).map(str::to_owned),
        request_id: request_id.clone(),
        graphql: graphql_text.as_deref().map(graphql::top_fields).unwrap_or_default(),
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
    let place = branching::place(&shared, &path, record.branch.as_deref());
    let call = Incoming {
        store: place.as_ref().unwrap_or(&shared.store),
        method: &parts.method,
        path: &path,
        query: &query_text,
        headers: &parts.headers,
        body: &body,
        json: json.as_ref(),
    };
    let answer = match (instead(&shared, &effects), &place) {
        (Some(answer), _) => answer,
        (None, Err(refusal)) => no_such_place(&shared, refusal.clone(), &path),
        (None, Ok(_)) => carry_out(&shared, &effects, &call, number, hold, &request_id).await,
    };
    let answer = bend(&shared, &effects, &record, answer);
    record.status = answer.reply.status;
    record.written = answer.reply.written;
    lock(&shared.traffic).push(record);
    respond(&shared, &effects, &request_id, answer)
}

/// Does what the request asks for, unless somebody else is faster or in the way.
async fn carry_out(
    shared: &Shared,
    effects: &[Effect],
    call: &Incoming<'_>,
    number: u64,
    hold: Option<Duration>,
    request_id: &str,
) -> Answer {
    if effects.contains(&Effect::Overtake) {
        overtake(call);
    }
    let refused = deadlock(shared, call, number, hold).await;
    refused.unwrap_or_else(|| route(shared, call, request_id))
}

/// What a request hears whose header names a branch that is not there or not ready.
fn no_such_place(shared: &Shared, refusal: Refusal, path: &str) -> Answer {
    match refusal {
        Refusal::Database { .. } if path == "/graphql/" => {
            let problem = serde_json::json!({"data": null, "errors": [{"message": branching::NOT_READY}]});
            answer(JSON, 200, problem.to_string())
        }
        refusal => finish(shared, Err(refusal)),
    }
}

/// A UUID that names the request, as NetBox makes one for each.
fn request_id(number: u64) -> String {
    let mixed = number.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let low = mixed ^ (mixed >> 29);
    format!(
        "{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}",
        mixed >> 32,
        (mixed >> 16) & 0xffff,
        mixed & 0xfff,
        low & 0xfff,
        number & 0xffff_ffff_ffff
    )
}

/// Answers that take the place of the request's own.
fn instead(shared: &Shared, effects: &[Effect]) -> Option<Answer> {
    effects.iter().find_map(|effect| match effect {
        Effect::HtmlBadGateway => Some(answer(HTML, 502, BAD_GATEWAY_PAGE)),
        Effect::HtmlOk => {
            Some(answer(HTML, 200, "<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body></body></html>\n"))
        }
        Effect::Unavailable { .. } => {
            Some(answer(HTML, 503, "<html><body><h1>503 Service Unavailable</h1></body></html>"))
        }
        Effect::TooManyRequests { .. } => Some(detail(429, "Request was throttled.")),
        Effect::Forbidden => Some(detail(403, "You do not have permission to perform this action.")),
        Effect::Deadlock => Some(deadlocked(shared)),
        _ => None,
    })
}

fn moved(status: u16, location: &str) -> Answer {
    let reply = Reply { location: Some(location.to_owned()), ..Reply::new(status, String::new()) };
    Answer { content_type: HTML, reply }
}

fn deadlocked(shared: &Shared) -> Answer {
    let text = "deadlock detected\nDETAIL:  Process 101 waits for ShareLock on transaction 900; blocked by process \
                102.\nProcess 102 waits for ShareLock on transaction 901; blocked by process 101.\nHINT:  See server \
                log for query details.\n";
    answer(JSON, 500, server_error("OperationalError", text, &shared.options.version))
}

/// A request as it came in.
pub(super) struct Incoming<'a> {
    /// The objects that it sees: everybody's, or those of a branch.
    pub store: &'a RwLock<Store>,
    pub method: &'a Method,
    pub path: &'a str,
    pub query: &'a str,
    pub headers: &'a HeaderMap,
    pub body: &'a Bytes,
    pub json: Option<&'a Json>,
}

impl Incoming<'_> {
    fn header(&self, name: impl header::AsHeaderName) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Kind and id behind `/api/<app>/<endpoint>/[<id>/]`.
    fn endpoint(&self) -> Option<(Kind, Option<&str>)> {
        let rest = self.path.strip_prefix("/api/")?.strip_suffix('/')?;
        let mut parts = rest.split('/');
        let kind = Kind::from_path(parts.next()?, parts.next()?)?;
        let id = parts.next();
        parts.next().is_none().then_some((kind, id))
    }
}

/// Somebody else changes the objects of the body first.
fn overtake(call: &Incoming<'_>) {
    let Some((kind, id)) = call.endpoint() else { return };
    let ids: Vec<u64> = match (id, call.json) {
        (Some(id), _) => id.parse().into_iter().collect(),
        (None, Some(Json::Array(items))) => items.iter().filter_map(super::filter::id_of).collect(),
        _ => Vec::new(),
    };
    let mut store = call.store.write().unwrap_or_else(PoisonError::into_inner);
    for id in ids {
        let Some(mut object) = store.get(kind, id).map(|object| object.as_ref().clone()) else { continue };
        if let Some(at) = kind.def().position("description") {
            object.values[at] = Value::Text("changed by somebody else".to_owned());
        }
        object.updated = store.now();
        store.put(kind, object);
    }
    store.commit();
}

/// A list of writes that is under way.
pub(super) struct UnderWay {
    /// What it locks, in its order.
    parents: Vec<(Kind, u64)>,
    /// Told when another list gave way to it.
    freed: Arc<Notify>,
}

/// Takes a list off the table when it ends, however it ends.
struct Ticket<'a> {
    shared: &'a Shared,
    number: u64,
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        lock(&self.shared.under_way).remove(&self.number);
    }
}

/// Holds a list of writes for a while and ends it if another one that is under way takes the same parents the other
/// way round, which is when PostgreSQL finds a deadlock. The other one then goes on at once.
async fn deadlock(shared: &Shared, call: &Incoming<'_>, number: u64, hold: Option<Duration>) -> Option<Answer> {
    let hold = hold?;
    let parents = parents(call)?;
    let freed = Arc::new(Notify::new());
    {
        let mut under_way = lock(&shared.under_way);
        if let Some(other) = under_way.values().find(|other| crosses(&parents, &other.parents)) {
            other.freed.notify_one();
            return Some(deadlocked(shared));
        }
        under_way.insert(number, UnderWay { parents, freed: Arc::clone(&freed) });
    }
    let _ticket = Ticket { shared, number };
    tokio::select! {
        () = tokio::time::sleep(hold) => {}
        () = freed.notified() => {}
    }
    None
}

/// Whether two of the parents come in opposite orders.
fn crosses(left: &[(Kind, u64)], right: &[(Kind, u64)]) -> bool {
    let places: Vec<usize> = left.iter().filter_map(|parent| right.iter().position(|other| other == parent)).collect();
    places.windows(2).any(|pair| pair[0] > pair[1])
}

/// The rows that a list of writes locks besides its own: the counters of devices and device types.
fn parents(call: &Incoming<'_>) -> Option<Vec<(Kind, u64)>> {
    let (kind, None) = call.endpoint()? else { return None };
    let Some(Json::Array(items)) = call.json else { return None };
    let (field, parent) = match kind {
        Kind::Interface => ("device", Kind::Device),
        Kind::Device => ("device_type", Kind::DeviceType),
        _ => return None,
    };
    let store = call.store.read().unwrap_or_else(PoisonError::into_inner);
    let mut parents = Vec::new();
    for item in items {
        let given = item.get(field).and_then(|given| super::input::reference(&store, parent, given).ok());
        let present = super::filter::id_of(item).and_then(|id| store.get(kind, id)?.get(kind, field).target());
        if let Some(id) = given.or(present)
            && !parents.contains(&(parent, id))
        {
            parents.push((parent, id));
        }
    }
    (*call.method != Method::GET).then_some(parents)
}

fn route(shared: &Shared, call: &Incoming<'_>, request_id: &str) -> Answer {
    let access = shared.access.read().unwrap_or_else(PoisonError::into_inner).clone();
    let knows_v2 = shared.version() >= (4, 5);
    let rights = access.authenticate(call.header(header::AUTHORIZATION), knows_v2);
    if call.path == "/graphql/" {
        let takes_html =
            call.header(header::ACCEPT).is_none_or(|types| types.contains("text/html") || types.contains("*/*"));
        return match rights {
            Ok(_) => graphql_request(shared, call, &access),
            // Whoever might be a browser is sent to the form.
            Err(text) if text.starts_with("Authentication") && takes_html => moved(302, "/login/?next=/graphql/"),
            Err(text) if text.starts_with("Authentication") => answer(HTML, 403, "No credentials provided."),
            Err(text) => answer(HTML, 403, text),
        };
    }
    if call.path == "/login/" {
        return answer(HTML, 200, "<!DOCTYPE html>\n<html><head><title>NetBox</title></head><body></body></html>");
    }
    if *call.method == Method::GET && call.path.starts_with("/api/") && !call.path.ends_with('/') {
        let query = if call.query.is_empty() { String::new() } else { format!("?{}", call.query) };
        return moved(301, &format!("{}/{query}", call.path));
    }
    if !call.path.starts_with("/api/") || !call.path.ends_with('/') {
        return answer(
            HTML,
            404,
            "<!DOCTYPE html>\n<html><head><title>Page Not Found</title></head><body></body></html>",
        );
    }
    let may_write = match rights {
        Ok(may_write) => may_write,
        Err(text) => return detail(403, &text),
    };
    let fixed = matches!(call.path, "/api/" | "/api/status/") || call.path.starts_with("/api/core/object-changes/");
    if fixed && !matches!(*call.method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return detail(405, &format!("Method \"{}\" not allowed.", call.method));
    }
    match call.path {
        "/api/" => return answer(JSON, 200, root(&shared.base)),
        "/api/status/" => return answer(JSON, 200, status(shared)),
        _ => {}
    }
    let query = query::parse(call.query);
    let author = Author { request_id: request_id.to_owned(), user: shared.options.user.clone() };
    let refuse = lock(&shared.faults).refuse.clone();
    let rest = Call {
        base: &shared.base,
        path: call.path,
        query: &query,
        max_page: shared.options.max_page,
        access: &access,
        author: &author,
        refuse: &refuse,
        if_match: call
            .header(header::IF_MATCH)
            .filter(|tags| *tags != "*")
            .map(|tags| tags.split(',').map(|tag| tag.trim().to_owned()).collect()),
    };
    if let Some(id) = call.path.strip_prefix("/api/core/object-changes/") {
        let store = call.store.read().unwrap_or_else(PoisonError::into_inner);
        let found = match id.trim_end_matches('/') {
            "" => rest.changes(&store),
            id => rest.change(&store, id.parse().unwrap_or(0)),
        };
        return finish(shared, found);
    }
    let plugin = branching::Call {
        shared,
        method: call.method.as_str(),
        path: call.path,
        query: &query,
        body: call.json.cloned().unwrap_or_default(),
        access: &access,
        may_write,
    };
    if let Some(done) = branching::answer(&plugin) {
        return finish(shared, done);
    }
    let Some((kind, id)) = call.endpoint() else {
        return answer(
            HTML,
            404,
            "<!DOCTYPE html>\n<html><head><title>Page Not Found</title></head><body></body></html>",
        );
    };
    let write = !matches!(*call.method, Method::GET | Method::HEAD | Method::OPTIONS);
    if access.denied.contains(&kind) || (write && !may_write) {
        return detail(403, "You do not have permission to perform this action.");
    }
    let Ok(id) = id.map(str::parse::<u64>).transpose() else {
        return detail(404, "Not found.");
    };
    if !write {
        if *call.method == Method::OPTIONS {
            return answer(JSON, 200, options(kind));
        }
        let store = call.store.read().unwrap_or_else(PoisonError::into_inner);
        let found = match id {
            Some(id) => rest.retrieve(&store, kind, id),
            None => rest.list(&store, kind),
        };
        return finish(shared, found);
    }
    let body = match body(call) {
        Ok(body) => body,
        Err(refusal) => return finish(shared, Err(refusal)),
    };
    let mut store = call.store.write().unwrap_or_else(PoisonError::into_inner);
    let done = store.transact(|store| match (call.method, id) {
        (&Method::POST, None) => rest.create(store, kind, &body),
        (&Method::PATCH, None) => rest.update_list(store, kind, &body, true),
        (&Method::PUT, None) => rest.update_list(store, kind, &body, false),
        (&Method::DELETE, None) => rest.delete_list(store, kind, &body),
        (&Method::PATCH, Some(id)) => rest.update(store, kind, id, &body, true),
        (&Method::PUT, Some(id)) => rest.update(store, kind, id, &body, false),
        (&Method::DELETE, Some(id)) => rest.delete(store, kind, id, &body),
        _ => Err(Refusal::Detail(405, format!("Method \"{}\" not allowed.", call.method))),
    });
    drop(store);
    if let Some(schema_id) = call.header(BRANCH_HEADER) {
        branching::note_conflicts(shared, schema_id);
    }
    finish(shared, done)
}

fn finish(shared: &Shared, done: Result<Reply, Refusal>) -> Answer {
    match done {
        Ok(reply) => Answer { content_type: JSON, reply },
        Err(Refusal::Text(status, text)) => answer(HTML, status, text),
        Err(refusal) => {
            let (status, body) = refusal.answer(&shared.options.version);
            let etag = match refusal {
                Refusal::Precondition(etag) => Some(etag),
                _ => None,
            };
            Answer { content_type: JSON, reply: Reply { etag, ..Reply::new(status, body) } }
        }
    }
}

/// The body of a write; no body is an empty object.
fn body(call: &Incoming<'_>) -> Result<Json, Refusal> {
    if call.body.is_empty() {
        return Ok(Json::Object(serde_json::Map::new()));
    }
    let content_type = call.header(header::CONTENT_TYPE).unwrap_or_default();
    if !content_type.starts_with(JSON) {
        return Err(Refusal::Detail(415, format!("Unsupported media type \"{content_type}\" in request.")));
    }
    match (call.json, serde_json::from_slice::<Json>(call.body)) {
        (Some(json), _) => Ok(json.clone()),
        (None, Ok(json)) => Ok(json),
        (None, Err(error)) => {
            let before =
                call.body.split(|byte| *byte == b'\n').take(error.line().saturating_sub(1)).map(|line| line.len() + 1);
            let at = before.sum::<usize>() + error.column().saturating_sub(1);
            let text = format!(
                "JSON parse error - Expecting value: line {} column {} (char {at})",
                error.line(),
                error.column()
            );
            Err(Refusal::Detail(400, text))
        }
    }
}

fn root(base: &str) -> String {
    const APPS: [&str; 12] = [
        "circuits",
        "core",
        "dcim",
        "extras",
        "ipam",
        "plugins",
        "status",
        "tenancy",
        "users",
        "virtualization",
        "vpn",
        "wireless",
    ];
    let entries: Vec<String> = APPS.iter().map(|app| format!("\"{app}\":\"{base}/api/{app}/\"")).collect();
    format!("{{{}}}", entries.join(","))
}

fn status(shared: &Shared) -> String {
    let version = &shared.options.version;
    let plugin = format!("\"netbox_branching\":\"{}\"", branching::PLUGIN_VERSION);
    let plugins = if shared.options.branching { plugin.as_str() } else { "" };
    let workers = u8::from(!lock(&shared.faults).idle);
    format!(
        "{{\"django-version\":\"6.0.8\",\"hostname\":\"simulator\",\"installed_apps\":{{}},\"netbox-version\":\"{version}\",\
         \"netbox-full-version\":\"{version}\",\"plugins\":{{{plugins}}},\"python-version\":\"3.12.1\",\"rq-workers-running\":{workers}}}"
    )
}

/// What `OPTIONS` tells: the choices of the fields that have some.
fn options(kind: Kind) -> String {
    let fields = kind.def().fields.iter().filter_map(|field| {
        let Type::Choice { options, .. } = field.ty else { return None };
        let choices: Vec<String> = options
            .iter()
            .map(|(value, label)| format!("{{\"value\":{},\"display\":{}}}", Json::from(*value), Json::from(*label)))
            .collect();
        Some(format!(
            "\"{}\":{{\"type\":\"field\",\"required\":{},\"read_only\":false,\"choices\":[{}]}}",
            field.name,
            field.required,
            choices.join(",")
        ))
    });
    let fields: Vec<String> = fields.collect();
    format!("{{\"name\":\"{} List\",\"actions\":{{\"POST\":{{{}}}}}}}", kind.def().class, fields.join(","))
}

fn graphql_request(shared: &Shared, call: &Incoming<'_>, access: &Access) -> Answer {
    const PLAIN: &str = "text/plain";
    if *call.method != Method::POST {
        return answer(HTML, 200, "<!DOCTYPE html>\n<html><head><title>GraphiQL | NetBox</title></head></html>");
    }
    let request = match call.json {
        None => return answer(PLAIN, 400, "Unable to parse request body as JSON"),
        Some(Json::Array(_)) => return answer(PLAIN, 400, "Batching is not enabled"),
        Some(request) => request,
    };
    let Some(text) = request.get("query").and_then(Json::as_str) else {
        return answer(PLAIN, 400, "No GraphQL query found in the request");
    };
    let store = call.store.read().unwrap_or_else(PoisonError::into_inner);
    let limits = graphql::Limits { max_page: shared.options.max_page, has_start: shared.version() >= (4, 5) };
    let body = graphql::execute(
        &store,
        access,
        text,
        request.get("variables"),
        request.get("operationName").and_then(Json::as_str),
        limits,
    );
    answer(JSON, 200, body)
}

/// Faults that change an answer which the request would have got.
fn bend(shared: &Shared, effects: &[Effect], record: &RequestRecord, mut answer: Answer) -> Answer {
    let is_list = answer.content_type == JSON
        && answer.reply.status == 200
        && (record.method == "GET" || record.path == "/graphql/");
    if !is_list {
        return answer;
    }
    let key = format!("{}{}", record.path, record.graphql.join(","));
    for effect in effects {
        match effect {
            Effect::RepeatPage => {
                if let Some(last) = lock(&shared.pages).get(&key) {
                    answer.reply.body.clone_from(last);
                }
            }
            Effect::ShortPage(rows) => alter(&mut answer.reply.body, |json| {
                if let Some(results) = json.get_mut("results").and_then(Json::as_array_mut) {
                    results.truncate(results.len().saturating_sub(*rows));
                    json["next"] = Json::Null;
                }
                for list in json.get_mut("data").and_then(Json::as_object_mut).into_iter().flatten() {
                    if let Json::Array(list) = list.1 {
                        list.truncate(list.len().saturating_sub(*rows));
                    }
                }
            }),
            Effect::MissingCount => alter(&mut answer.reply.body, |json| {
                if let Some(json) = json.as_object_mut() {
                    json.remove("count");
                }
            }),
            _ => {}
        }
    }
    if !effects.is_empty() || lock(&shared.faults).requests.iter().any(|fault| fault.effect == Effect::RepeatPage) {
        lock(&shared.pages).insert(key, answer.reply.body.clone());
    }
    answer
}

fn alter(body: &mut String, change: impl Fn(&mut Json)) {
    if let Ok(mut json) = serde_json::from_str::<Json>(body) {
        change(&mut json);
        *body = json.to_string();
    }
}

fn respond(shared: &Shared, effects: &[Effect], request_id: &str, answer: Answer) -> Response<Body> {
    let (major, minor) = shared.version();
    let mut response = Response::builder()
        .status(answer.reply.status)
        .header("X-Request-ID", request_id)
        .header("API-Version", format!("{major}.{minor}"))
        .header(header::VARY, "HX-Request, Accept, Cookie, origin");
    if answer.reply.status != 204 {
        response = response.header(header::CONTENT_TYPE, answer.content_type);
    }
    if let Some(etag) = answer.reply.etag.filter(|_| shared.version() >= (4, 6)) {
        response = response.header(header::ETAG, etag);
    }
    if let Some(location) = answer.reply.location {
        response = response.header(header::LOCATION, location);
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
    let body = Bytes::from(answer.reply.body);
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

/// What a refused seed says.
pub(super) fn seed_error(errors: &Errors) -> String {
    errors.to_json()
}
