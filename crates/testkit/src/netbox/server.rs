//! The HTTP side: routing, tokens, common headers, faults.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{Method, Response, header};
use serde_json::Value as Json;
use tokio::sync::Notify;

use super::NetBoxOptions;
use super::access::Access;
use super::branching::{self, Branching};
use super::errors::{Refusal, server_error};
use super::faults::Faults;
use super::graphql;
use super::rest::{Call, Reply};
use super::schema::{Kind, Type};
use super::state::{Store, Value};
use super::write::Author;
use crate::django::server::{Answer, Front, Incoming, MAX_BODY};
use crate::django::{DEADLOCK, Fate, RequestRecord};
use crate::http::{lock, query, watched};
use crate::transaction::Database as _;

/// The header that names a branch by its schema id.
const BRANCH_HEADER: &str = "X-NetBox-Branch";

/// Where GraphQL is.
const GRAPHQL: &str = "/graphql/";

/// Everything that the server and its handle share.
pub(super) struct Shared {
    pub base: String,
    pub options: NetBoxOptions,
    /// What everybody sees who names no branch.
    pub store: Arc<RwLock<Store>>,
    pub branching: Mutex<Branching>,
    pub access: RwLock<Access>,
    pub faults: Mutex<Faults>,
    pub front: Front,
    /// Lists of writes that are under way, when deadlocks are switched on.
    pub under_way: Mutex<HashMap<u64, UnderWay>>,
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
            front: Front::default(),
            under_way: Mutex::default(),
        }
    }

    /// Major and minor version.
    pub fn version(&self) -> (u32, u32) {
        let mut parts = self.options.version.split('.').map(|part| part.parse().unwrap_or(0));
        (parts.next().unwrap_or(0), parts.next().unwrap_or(0))
    }
}

/// Answers one request.
pub(super) async fn handle(State(shared): State<Arc<Shared>>, request: Request) -> Response<Body> {
    let work = |parts, body| answer_request(Arc::clone(&shared), parts, body);
    watched(&shared.front.watch, request, MAX_BODY, work).await
}

async fn answer_request(shared: Arc<Shared>, parts: Parts, body: Bytes) -> Response<Body> {
    let number = shared.front.number();
    let request_id = request_id(number);
    let request = Incoming::new(parts, body, GRAPHQL);
    let (fate, hold) = {
        let mut faults = lock(&shared.faults);
        let latency = faults.latency;
        (request.meet(&mut faults.requests, latency), faults.deadlocks)
    };
    let branch = request.header(BRANCH_HEADER).map(str::to_owned);
    let record = RequestRecord { branch, ..request.record(request_id.clone()) };
    shared.front.hold(&fate, &record).await;
    let place = branching::place(&shared, &request.path, record.branch.as_deref());
    let visit = Visit { store: place.as_ref().unwrap_or(&shared.store), request: &request };
    let answer = match (fate.instead(|| deadlocked(&shared)), &place) {
        (Some(answer), _) => answer,
        (None, Err(refusal)) => no_such_place(&shared, refusal.clone(), &request.path),
        (None, Ok(_)) => carry_out(&shared, &fate, &visit, number, hold, &request_id).await,
    };
    let answer = shared.front.close(&fate, record, answer);
    let (major, minor) = shared.version();
    let head = Response::builder()
        .header("X-Request-ID", request_id)
        .header("API-Version", format!("{major}.{minor}"))
        .header(header::VARY, "HX-Request, Accept, Cookie, origin");
    answer.respond(head, &fate)
}

/// Does what the request asks for, unless somebody else is faster or in the way.
async fn carry_out(
    shared: &Shared,
    fate: &Fate,
    visit: &Visit<'_>,
    number: u64,
    hold: Option<Duration>,
    request_id: &str,
) -> Answer {
    if fate.overtakes() {
        overtake(visit);
    }
    let refused = deadlock(shared, visit, number, hold).await;
    refused.unwrap_or_else(|| route(shared, visit, request_id))
}

/// What a request hears whose header names a branch that is not there or not ready.
fn no_such_place(shared: &Shared, refusal: Refusal, path: &str) -> Answer {
    match refusal {
        Refusal::Database { .. } if path == GRAPHQL => {
            let problem = serde_json::json!({"data": null, "errors": [{"message": branching::NOT_READY}]});
            Answer::json(200, problem.to_string())
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

fn moved(status: u16, location: impl Into<String>) -> Answer {
    Answer { headers: vec![(header::LOCATION, location.into())], ..Answer::html(status, "") }
}

fn deadlocked(shared: &Shared) -> Answer {
    Answer::json(500, server_error("OperationalError", DEADLOCK, &shared.options.version))
}

/// A request among the objects that it sees.
struct Visit<'a> {
    /// Everybody's objects, or those of a branch.
    store: &'a RwLock<Store>,
    request: &'a Incoming,
}

impl Visit<'_> {
    /// Kind and id behind `/api/<app>/<endpoint>/[<id>/]`.
    fn endpoint(&self) -> Option<(Kind, Option<&str>)> {
        let rest = self.request.path.strip_prefix("/api/")?.strip_suffix('/')?;
        let mut parts = rest.split('/');
        let kind = Kind::from_path(parts.next()?, parts.next()?)?;
        let id = parts.next();
        parts.next().is_none().then_some((kind, id))
    }
}

/// Somebody else changes the objects of the body first.
fn overtake(visit: &Visit<'_>) {
    let Some((kind, id)) = visit.endpoint() else { return };
    let ids: Vec<u64> = match (id, &visit.request.json) {
        (Some(id), _) => id.parse().into_iter().collect(),
        (None, Some(Json::Array(items))) => items.iter().filter_map(super::filter::id_of).collect(),
        _ => Vec::new(),
    };
    let mut store = visit.store.write().unwrap_or_else(PoisonError::into_inner);
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
async fn deadlock(shared: &Shared, visit: &Visit<'_>, number: u64, hold: Option<Duration>) -> Option<Answer> {
    let hold = hold?;
    let parents = parents(visit)?;
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
fn parents(visit: &Visit<'_>) -> Option<Vec<(Kind, u64)>> {
    let (kind, None) = visit.endpoint()? else { return None };
    let Some(Json::Array(items)) = &visit.request.json else { return None };
    let (field, parent) = match kind {
        Kind::Interface => ("device", Kind::Device),
        Kind::Device => ("device_type", Kind::DeviceType),
        _ => return None,
    };
    let store = visit.store.read().unwrap_or_else(PoisonError::into_inner);
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
    (visit.request.method != Method::GET).then_some(parents)
}

fn route(shared: &Shared, visit: &Visit<'_>, request_id: &str) -> Answer {
    let request = visit.request;
    let access = shared.access.read().unwrap_or_else(PoisonError::into_inner).clone();
    let knows_v2 = shared.version() >= (4, 5);
    let rights = access.authenticate(request.header(header::AUTHORIZATION), knows_v2);
    if request.path == GRAPHQL {
        let takes_html =
            request.header(header::ACCEPT).is_none_or(|types| types.contains("text/html") || types.contains("*/*"));
        return match rights {
            Ok(_) => graphql_request(shared, visit, &access),
            // Whoever might be a browser is sent to the form.
            Err(text) if text.starts_with("Authentication") && takes_html => moved(302, "/login/?next=/graphql/"),
            Err(text) if text.starts_with("Authentication") => Answer::html(403, "No credentials provided."),
            Err(text) => Answer::html(403, &text),
        };
    }
    if request.path == "/login/" {
        return Answer::html(200, "<!DOCTYPE html>\n<html><head><title>NetBox</title></head><body></body></html>");
    }
    if request.method == Method::GET && request.path.starts_with("/api/") && !request.path.ends_with('/') {
        let query = if request.query.is_empty() { String::new() } else { format!("?{}", request.query) };
        return moved(301, format!("{}/{query}", request.path));
    }
    if !request.path.starts_with("/api/") || !request.path.ends_with('/') {
        return no_page();
    }
    let may_write = match rights {
        Ok(may_write) => may_write,
        Err(text) => return Answer::detail(403, &text),
    };
    let fixed = matches!(request.path.as_str(), "/api/" | "/api/status/")
        || request.path.starts_with("/api/core/object-changes/");
    if fixed && !request.is_safe() {
        return Answer::detail(405, &format!("Method \"{}\" not allowed.", request.method));
    }
    match request.path.as_str() {
        "/api/" => return Answer::json(200, root(&shared.base)),
        "/api/status/" => return Answer::json(200, status(shared)),
        _ => {}
    }
    let query = query::parse(&request.query);
    let author = Author { request_id: request_id.to_owned(), user: shared.options.user.clone() };
    let refuse = lock(&shared.faults).refuse.clone();
    let rest = Call {
        base: &shared.base,
        path: &request.path,
        query: &query,
        max_page: shared.options.max_page,
        access: &access,
        author: &author,
        refuse: &refuse,
        if_match: request
            .header(header::IF_MATCH)
            .filter(|tags| *tags != "*")
            .map(|tags| tags.split(',').map(|tag| tag.trim().to_owned()).collect()),
    };
    if let Some(id) = request.path.strip_prefix("/api/core/object-changes/") {
        let store = visit.store.read().unwrap_or_else(PoisonError::into_inner);
        let found = match id.trim_end_matches('/') {
            "" => rest.changes(&store),
            id => rest.change(&store, id.parse().unwrap_or(0)),
        };
        return finish(shared, found);
    }
    let plugin = branching::Call {
        shared,
        method: request.method.as_str(),
        path: &request.path,
        query: &query,
        body: request.json.clone().unwrap_or_default(),
        access: &access,
        may_write,
    };
    if let Some(done) = branching::answer(&plugin) {
        return finish(shared, done);
    }
    let Some((kind, id)) = visit.endpoint() else { return no_page() };
    let write = !request.is_safe();
    if access.denied.contains(&kind) || (write && !may_write) {
        return Answer::detail(403, "You do not have permission to perform this action.");
    }
    let Ok(id) = id.map(str::parse::<u64>).transpose() else {
        return Answer::detail(404, "Not found.");
    };
    if !write {
        if request.method == Method::OPTIONS {
            return Answer::json(200, options(kind));
        }
        let store = visit.store.read().unwrap_or_else(PoisonError::into_inner);
        let found = match id {
            Some(id) => rest.retrieve(&store, kind, id),
            None => rest.list(&store, kind),
        };
        return finish(shared, found);
    }
    let body = match request.body(|_| "Expecting value") {
        Ok(body) => body,
        Err((status, text)) => return Answer::detail(status, &text),
    };
    let mut store = visit.store.write().unwrap_or_else(PoisonError::into_inner);
    let done = store.transact(|store| match (&request.method, id) {
        (&Method::POST, None) => rest.create(store, kind, &body),
        (&Method::PATCH, None) => rest.update_list(store, kind, &body, true),
        (&Method::PUT, None) => rest.update_list(store, kind, &body, false),
        (&Method::DELETE, None) => rest.delete_list(store, kind, &body),
        (&Method::PATCH, Some(id)) => rest.update(store, kind, id, &body, true),
        (&Method::PUT, Some(id)) => rest.update(store, kind, id, &body, false),
        (&Method::DELETE, Some(id)) => rest.delete(store, kind, id, &body),
        _ => Err(Refusal::Detail(405, format!("Method \"{}\" not allowed.", request.method))),
    });
    drop(store);
    if let Some(schema_id) = request.header(BRANCH_HEADER) {
        branching::note_conflicts(shared, schema_id);
    }
    finish(shared, done)
}

/// What a browser would see of an address that is not there.
fn no_page() -> Answer {
    Answer::html(404, "<!DOCTYPE html>\n<html><head><title>Page Not Found</title></head><body></body></html>")
}

fn finish(shared: &Shared, done: Result<Reply, Refusal>) -> Answer {
    let reply = match done {
        Ok(reply) => reply,
        Err(Refusal::Text(status, text)) => return Answer::html(status, &text),
        Err(refusal) => {
            let (status, body) = refusal.answer(&shared.options.version);
            let etag = match refusal {
                Refusal::Precondition(etag) => Some(etag),
                _ => None,
            };
            Reply { etag, ..Reply::new(status, body) }
        }
    };
    let etag = reply.etag.filter(|_| shared.version() >= (4, 6)).map(|etag| (header::ETAG, etag));
    let location = reply.location.map(|location| (header::LOCATION, location));
    let headers = etag.into_iter().chain(location).collect();
    Answer { headers, written: reply.written, ..Answer::json(reply.status, reply.body) }
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

fn graphql_request(shared: &Shared, visit: &Visit<'_>, access: &Access) -> Answer {
    const PLAIN: &str = "text/plain";
    if visit.request.method != Method::POST {
        return Answer::html(200, "<!DOCTYPE html>\n<html><head><title>GraphiQL | NetBox</title></head></html>");
    }
    let request = match &visit.request.json {
        None => return Answer::new(PLAIN, 400, "Unable to parse request body as JSON"),
        Some(Json::Array(_)) => return Answer::new(PLAIN, 400, "Batching is not enabled"),
        Some(request) => request,
    };
    let Some(text) = request.get("query").and_then(Json::as_str) else {
        return Answer::new(PLAIN, 400, "No GraphQL query found in the request");
    };
    let store = visit.store.read().unwrap_or_else(PoisonError::into_inner);
    let limits = graphql::Limits { max_page: shared.options.max_page, has_start: shared.version() >= (4, 5) };
    let body = graphql::execute(
        &store,
        access,
        text,
        request.get("variables"),
        request.get("operationName").and_then(Json::as_str),
        limits,
    );
    Answer::json(200, body)
}
