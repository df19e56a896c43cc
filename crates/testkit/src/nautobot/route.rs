//! Which request asks for what.

use std::sync::PoisonError;

use axum::body::Bytes;
use axum::http::Method;
use serde_json::{Value as Json, json};

use super::changes::Author;
use super::errors::{Errors, Refusal};
use super::faults::Refuse;
use super::graphql;
use super::options;
use super::rest::{self, Reply};
use super::schema::Kind;
use super::server::{Answer, Shared, is_safe, shortened, status};
use super::value::Id;
use crate::django::python;
use crate::http::{lock, query};
use crate::transaction::Database as _;

/// Numbers from which ids of requests are made: far from those of objects.
const REQUESTS: u64 = 1 << 60;

/// A request as it came in.
pub(super) struct Call<'a> {
    pub shared: &'a Shared,
    pub method: &'a Method,
    pub path: &'a str,
    pub query: &'a str,
    pub content_type: Option<&'a str>,
    pub authorization: Option<&'a str>,
    pub body: &'a Bytes,
    pub json: Option<&'a Json>,
    pub number: u64,
}

impl Call<'_> {
    /// Kind and id behind `/api/<app>/<list>/[<id>/]`.
    pub fn list(&self) -> Option<(Kind, Option<&str>)> {
        let rest = self.path.strip_prefix("/api/")?.trim_end_matches('/');
        let mut parts = rest.splitn(3, '/');
        let list = format!("{}/{}", parts.next()?, parts.next()?);
        let id = parts.next();
        let one = id.is_none_or(|id| !id.contains('/'));
        Kind::from_path(&list).filter(|_| one).map(|kind| (kind, id))
    }

    /// Whether the token is right. The error is the sentence of the 403.
    fn authenticate(&self) -> Result<(), &'static str> {
        let mut words = self.authorization.unwrap_or_default().split_whitespace();
        match (words.next().map(str::to_lowercase).as_deref(), words.next(), words.next()) {
            (Some("token"), None, _) => Err("Invalid token header. No credentials provided."),
            (Some("token"), Some(_), Some(_)) => Err("Invalid token header. Token string should not contain spaces."),
            (Some("token"), Some(token), None) if token == self.shared.options.token => Ok(()),
            (Some("token"), Some(_), None) => Err("Invalid token"),
            _ => Err("Authentication credentials were not provided."),
        }
    }
}

/// The answer to a request.
pub(super) fn route(call: &Call<'_>) -> Answer {
    let version = &call.shared.options.version;
    let reply = |done| Answer::of(done, version);
    if !call.path.starts_with("/api/") && call.path != "/api" {
        return Answer::no_page();
    }
    if let Err(text) = call.authenticate() {
        return reply(Err(Refusal::Detail(403, text.to_owned())));
    }
    let not_allowed = || Err(Refusal::Detail(405, format!("Method \"{}\" not allowed.", call.method)));
    match call.path.trim_end_matches('/') {
        "/api/graphql" if *call.method == Method::POST => return graphql_request(call),
        "/api/status" if is_safe(call.method) => return reply(Ok(Reply::new(200, status(version)))),
        "/api" if is_safe(call.method) => return reply(Ok(Reply::new(200, root(&call.shared.base)))),
        "/api/extras/object-changes" if is_safe(call.method) => {
            let store = call.shared.store.read().unwrap_or_else(PoisonError::into_inner);
            return reply(rest::changes(&store, &call.shared.base, &query::parse(call.query)));
        }
        "/api/graphql" | "/api/status" | "/api" | "/api/extras/object-changes" => return reply(not_allowed()),
        _ => {}
    }
    match call.list() {
        None => reply(Err(Refusal::Detail(404, "Not found.".to_owned()))),
        Some((kind, id)) => reply(objects(call, kind, id)),
    }
}

fn objects(call: &Call<'_>, kind: Kind, id: Option<&str>) -> Result<Reply, Refusal> {
    let (shared, base) = (call.shared, call.shared.base.as_str());
    let denied = shared.store.read().unwrap_or_else(PoisonError::into_inner).access.denied.contains(&kind);
    if denied && *call.method != Method::OPTIONS {
        return Err(Refusal::Detail(403, "You do not have permission to perform this action.".to_owned()));
    }
    let query = query::parse(call.query);
    if is_safe(call.method) {
        let store = shared.store.read().unwrap_or_else(PoisonError::into_inner);
        return match (call.method, id) {
            (&Method::OPTIONS, _) => Ok(Reply::new(200, options::answer(kind, store.version, !denied))),
            (_, None) => rest::list(&store, kind, base, &query),
            (_, Some(id)) => rest::retrieve(&store, kind, id, base, &query),
        };
    }
    let body = body(call)?;
    let view = if id.is_some() { "detail" } else { "list" };
    let (app, model) = kind.def().model.split_once('.').unwrap_or_default();
    let author = Author {
        request_id: Id::numbered(REQUESTS + call.number),
        user: shared.options.user.clone(),
        detail: format!("{app}-api:{model}-{view}"),
    };
    let refuse = lock(&shared.faults).refuse.clone();
    if let Some(refusal) = refused(&refuse, kind, call.method, id, &body) {
        return Err(refusal);
    }
    let mut store = shared.store.write().unwrap_or_else(PoisonError::into_inner);
    store.transact(|store| match (call.method, id) {
        (&Method::POST, None) => rest::create(store, kind, &body, base, &author),
        (&Method::PATCH, None) => rest::update_list(store, kind, &body, true, base, &author),
        (&Method::PUT, None) => rest::update_list(store, kind, &body, false, base, &author),
        (&Method::DELETE, None) => rest::delete_list(store, kind, &body, &author),
        (&Method::PATCH, Some(id)) => rest::update(store, kind, id, &body, true, base, &author),
        (&Method::PUT, Some(id)) => rest::update(store, kind, id, &body, false, base, &author),
        (&Method::DELETE, Some(id)) => rest::delete_one(store, kind, id, &author),
        _ => Err(Refusal::Detail(405, format!("Method \"{}\" not allowed.", call.method))),
    })
}

/// Objects that a fault refuses.
fn refused(refuse: &[Refuse], kind: Kind, method: &Method, id: Option<&str>, body: &Json) -> Option<Refusal> {
    if *method == Method::DELETE {
        return None;
    }
    let of_kind: Vec<&Refuse> = refuse.iter().filter(|refuse| refuse.list == kind.def().path).collect();
    let check = |item: &Json| {
        let met = of_kind
            .iter()
            .find(|refuse| item.get(&refuse.field).is_some_and(|value| python::plain(value) == refuse.value));
        met.map(|refuse| Errors::at(&refuse.field, refuse.message.clone()))
    };
    let items = match body {
        Json::Array(items) => items.as_slice(),
        item => std::slice::from_ref(item),
    };
    let found: Vec<Option<Errors>> = items.iter().map(check).collect();
    let first = found.iter().flatten().next()?;
    let positional = *method == Method::POST && id.is_none() && body.is_array();
    Some(Refusal::Bad(match positional {
        true => found.iter().map(|errors| errors.as_ref().map_or(json!({}), Errors::json)).collect(),
        false => first.json(),
    }))
}

/// The body of a write; no body is an empty object.
fn body(call: &Call<'_>) -> Result<Json, Refusal> {
    if call.body.is_empty() {
        return Ok(json!({}));
    }
    let content_type = call.content_type.unwrap_or_default();
    if !content_type.starts_with("application/json") {
        return Err(Refusal::Detail(415, format!("Unsupported media type \"{content_type}\" in request.")));
    }
    match call.json {
        Some(json) => Ok(json.clone()),
        None => Err(Refusal::Detail(400, syntax_error(call.body))),
    }
}

/// What is wrong with a body that is no JSON, and where.
fn syntax_error(body: &[u8]) -> String {
    let Err(error) = serde_json::from_slice::<Json>(body) else { return String::new() };
    let before = body.split(|byte| *byte == b'\n').take(error.line().saturating_sub(1)).map(|line| line.len() + 1);
    let at = before.sum::<usize>() + error.column().saturating_sub(1);
    let what = match error.to_string() {
        text if text.starts_with("key must be a string") => "Expecting property name enclosed in double quotes",
        _ => "Expecting value",
    };
    format!("JSON parse error - {what}: line {} column {} (char {at})", error.line(), error.column())
}

fn graphql_request(call: &Call<'_>) -> Answer {
    let said = |text: &str| Answer::json(400, json!({"errors": [{"message": text}]}).to_string());
    let content_type = call.content_type.unwrap_or_default();
    let body = match call.json {
        Some(json) if content_type.starts_with("application/json") => json,
        None if content_type.starts_with("application/json") => return said("Request body contained Invalid JSON."),
        _ => return said("Must provide query string."),
    };
    if !body.is_object() {
        let error = format!("'{}' object has no attribute 'get'", python::type_name(body));
        let refusal = Refusal::Crash { exception: "AttributeError", error };
        return Answer::of(Err(refusal), &call.shared.options.version);
    }
    let short = shortened(call.shared);
    let store = call.shared.store.read().unwrap_or_else(PoisonError::into_inner);
    let (status, body) = graphql::execute(&store, body, &short);
    Answer::json(status, body)
}

fn root(base: &str) -> Json {
    const APPS: [&str; 8] = ["dcim", "extras", "graphql", "ipam", "plugins", "status", "tenancy", "virtualization"];
    APPS.iter()
        .map(|app| ((*app).to_owned(), json!(format!("{base}/api/{app}/"))))
        .collect::<serde_json::Map<_, _>>()
        .into()
}
