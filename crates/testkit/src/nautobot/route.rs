//! Which request asks for what.

use std::sync::PoisonError;

use axum::http::{Method, header};
use serde_json::{Value as Json, json};

use super::changes::Author;
use super::errors::{Errors, Refusal};
use super::faults::Refuse;
use super::graphql;
use super::options;
use super::rest::{self, Reply};
use super::schema::Kind;
use super::server::{Shared, answer, no_page, shortened, status};
use super::value::Id;
use crate::django::python;
use crate::django::server::{Answer, Incoming};
use crate::http::{lock, query};
use crate::transaction::Database as _;

/// A request as it came in.
pub(super) struct Call<'a> {
    pub shared: &'a Shared,
    pub request: &'a Incoming,
    /// The id under which the change log has it.
    pub request_id: Id,
}

impl Call<'_> {
    /// Kind and id behind `/api/<app>/<list>/[<id>/]`.
    pub fn list(&self) -> Option<(Kind, Option<&str>)> {
        let rest = self.request.path.strip_prefix("/api/")?.trim_end_matches('/');
        let mut parts = rest.splitn(3, '/');
        let list = format!("{}/{}", parts.next()?, parts.next()?);
        let id = parts.next();
        let one = id.is_none_or(|id| !id.contains('/'));
        Kind::from_path(&list).filter(|_| one).map(|kind| (kind, id))
    }

    /// Whether the token is right. The error is the sentence of the 403.
    fn authenticate(&self) -> Result<(), &'static str> {
        let mut words = self.request.header(header::AUTHORIZATION).unwrap_or_default().split_whitespace();
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
    let request = call.request;
    let reply = |done| answer(done, version);
    if !request.path.starts_with("/api/") && request.path != "/api" {
        return no_page();
    }
    if let Err(text) = call.authenticate() {
        return reply(Err(Refusal::Detail(403, text.to_owned())));
    }
    let not_allowed = || Err(Refusal::Detail(405, format!("Method \"{}\" not allowed.", request.method)));
    match request.path.trim_end_matches('/') {
        "/api/graphql" if request.method == Method::POST => return graphql_request(call),
        "/api/status" if request.is_safe() => return reply(Ok(Reply::new(200, status(version)))),
        "/api" if request.is_safe() => return reply(Ok(Reply::new(200, root(&call.shared.base)))),
        "/api/extras/object-changes" if request.is_safe() => {
            let store = call.shared.store.read().unwrap_or_else(PoisonError::into_inner);
            return reply(rest::changes(&store, &call.shared.base, &query::parse(&request.query)));
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
    let (shared, base, request) = (call.shared, call.shared.base.as_str(), call.request);
    let denied = shared.store.read().unwrap_or_else(PoisonError::into_inner).access.denied.contains(&kind);
    if denied && request.method != Method::OPTIONS {
        return Err(Refusal::Detail(403, "You do not have permission to perform this action.".to_owned()));
    }
    let query = query::parse(&request.query);
    if request.is_safe() {
        let store = shared.store.read().unwrap_or_else(PoisonError::into_inner);
        return match (&request.method, id) {
            (&Method::OPTIONS, _) => Ok(Reply::new(200, options::answer(kind, store.version, !denied))),
            (_, None) => rest::list(&store, kind, base, &query),
            (_, Some(id)) => rest::retrieve(&store, kind, id, base, &query),
        };
    }
    let body = request.body(syntax_error).map_err(|(status, text)| Refusal::Detail(status, text))?;
    let view = if id.is_some() { "detail" } else { "list" };
    let (app, model) = kind.def().model.split_once('.').unwrap_or_default();
    let author = Author {
        request_id: call.request_id,
        user: shared.options.user.clone(),
        detail: format!("{app}-api:{model}-{view}"),
    };
    let refuse = lock(&shared.faults).refuse.clone();
    if let Some(refusal) = refused(&refuse, kind, &request.method, id, &body) {
        return Err(refusal);
    }
    let mut store = shared.store.write().unwrap_or_else(PoisonError::into_inner);
    store.transact(|store| match (&request.method, id) {
        (&Method::POST, None) => rest::create(store, kind, &body, base, &author),
        (&Method::PATCH, None) => rest::update_list(store, kind, &body, true, base, &author),
        (&Method::PUT, None) => rest::update_list(store, kind, &body, false, base, &author),
        (&Method::DELETE, None) => rest::delete_list(store, kind, &body, &author),
        (&Method::PATCH, Some(id)) => rest::update(store, kind, id, &body, true, base, &author),
        (&Method::PUT, Some(id)) => rest::update(store, kind, id, &body, false, base, &author),
        (&Method::DELETE, Some(id)) => rest::delete_one(store, kind, id, &author),
        _ => Err(Refusal::Detail(405, format!("Method \"{}\" not allowed.", request.method))),
    })
}

/// Objects that a fault refuses.
fn refused(refuse: &[Refuse], kind: Kind, method: &Method, id: Option<&str>, body: &Json) -> Option<Refusal> {
    if *method == Method::DELETE {
        return None;
    }
    let of_kind: Vec<&Refuse> = refuse.iter().filter(|refuse| refuse.of == kind.def().path).collect();
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

/// What is wrong with a body that is no JSON.
fn syntax_error(error: &serde_json::Error) -> &'static str {
    match error.to_string() {
        text if text.starts_with("key must be a string") => "Expecting property name enclosed in double quotes",
        _ => "Expecting value",
    }
}

fn graphql_request(call: &Call<'_>) -> Answer {
    let said = |text: &str| Answer::json(400, json!({"errors": [{"message": text}]}).to_string());
    let content_type = call.request.header(header::CONTENT_TYPE).unwrap_or_default();
    let body = match &call.request.json {
        Some(json) if content_type.starts_with("application/json") => json,
        None if content_type.starts_with("application/json") => return said("Request body contained Invalid JSON."),
        _ => return said("Must provide query string."),
    };
    if !body.is_object() {
        let error = format!("'{}' object has no attribute 'get'", python::type_name(body));
        let refusal = Refusal::Crash { exception: "AttributeError", error };
        return answer(Err(refusal), &call.shared.options.version);
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
