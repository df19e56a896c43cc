//! REST: lists, single objects, and writes of one or many.

use serde_json::{Value as Json, json};

use super::changes::Author;
use super::check;
use super::delete;
use super::errors::{Errors, Refusal};
use super::filter::{self, Given, Wrong};
use super::input;
use super::log;
use super::page;
use super::render::{Renderer, Shape};
use super::schema::Kind;
use super::state::Store;
use super::value::Id;
use super::write::{self, bad};
use crate::django::python;
use crate::http::query::Query;

/// Status, body and how many objects were written.
pub(super) struct Reply {
    pub status: u16,
    pub body: Option<Json>,
    pub written: usize,
}

impl Reply {
    pub fn new(status: u16, body: Json) -> Self {
        Self { status, body: Some(body), written: 0 }
    }
}

/// One page of a list.
pub(super) fn list(store: &Store, kind: Kind, base: &str, query: &Query) -> Result<Reply, Refusal> {
    let (window, shape) = (page::window(query), shape(query)?);
    let selection = filter::select(store, kind, &filters(query)).map_err(wrong)?;
    let renderer = Renderer { store, base };
    let ids = selection.page(store, kind, window.offset, window.limit);
    let rows = ids.into_iter().filter_map(|id| store.get(kind, id)).map(|object| renderer.object(kind, object, shape));
    let count = selection.len(store, kind);
    let url = format!("{base}/api/{}/", kind.def().path);
    Ok(Reply::new(200, page::answer(window, &url, query, count, rows.collect())))
}

/// One page of the change log.
pub(super) fn changes(store: &Store, base: &str, query: &Query) -> Result<Reply, Refusal> {
    let window = page::window(query);
    let found = log::select(store, &filters(query)).map_err(wrong)?;
    let rows = found.iter().skip(window.offset).take(window.limit).map(|at| log::rest(base, &store.changes[*at]));
    let rows = rows.collect();
    let url = format!("{base}/api/extras/object-changes/");
    Ok(Reply::new(200, page::answer(window, &url, query, found.len(), rows)))
}

/// The parameters of a query that are filters.
fn filters(query: &Query) -> Vec<Given> {
    const OTHERS: [&str; 9] =
        ["limit", "offset", "depth", "include", "exclude_m2m", "format", "api_version", "sort", "q"];
    let mut given: Vec<Given> = Vec::new();
    for (name, value) in query.iter().filter(|(name, _)| !OTHERS.contains(&name.as_str())) {
        match given.iter_mut().find(|known| known.name == *name) {
            Some(known) => known.values.push(value.clone()),
            None => given.push(Given { name: name.clone(), values: vec![value.clone()] }),
        }
    }
    given
}

fn wrong(wrongs: Vec<(String, Wrong)>) -> Refusal {
    let mut errors = Errors::default();
    for (name, wrong) in wrongs {
        match wrong {
            Wrong::Unknown => errors.add(&name, "Unknown filter field"),
            Wrong::Value(text) => errors.add(&name, text),
            Wrong::Crash(error) => return Refusal::Crash { exception: "AddrFormatError", error },
        }
    }
    bad(&errors)
}

fn shape(query: &Query) -> Result<Shape, Refusal> {
    let find = |name: &str| query.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    let depth = match find("depth").map(str::parse::<i64>) {
        None | Some(Err(_)) => 0,
        Some(Ok(depth)) => usize::try_from(depth).ok().filter(|depth| *depth <= 10).ok_or_else(|| {
            Refusal::Detail(400, "The depth parameter must be an integer between 0 and 10".to_owned())
        })?,
    };
    let many = match find("exclude_m2m").map(str::to_lowercase).as_deref() {
        None => None,
        Some("true" | "t" | "yes" | "y" | "on" | "1") => Some(false),
        Some("false" | "f" | "no" | "n" | "off" | "0") => Some(true),
        Some(other) => {
            let error = format!("Invalid truthy value: `{other}`");
            return Err(Refusal::Crash { exception: "ValueError", error });
        }
    };
    Ok(Shape { many, depth, ..Shape::PLAIN })
}

fn find(store: &Store, kind: Kind, id: &str) -> Result<Id, Refusal> {
    let seen = |id: &Id| store.get(kind, *id).is_some() && store.access.sees(kind, *id);
    let id = Id::parse(id).filter(seen);
    id.ok_or_else(|| Refusal::missing(kind.def().class))
}

/// One object.
pub(super) fn retrieve(store: &Store, kind: Kind, id: &str, base: &str, query: &Query) -> Result<Reply, Refusal> {
    let id = find(store, kind, id)?;
    Ok(Reply::new(200, show(store, kind, id, base, shape(query)?)))
}

fn show(store: &Store, kind: Kind, id: Id, base: &str, shape: Shape) -> Json {
    let object = store.get(kind, id);
    object.map_or(Json::Null, |object| Renderer { store, base }.object(kind, object, shape))
}

/// An object as it was written, with fields that the answer repeats as they came.
fn written(store: &Store, kind: Kind, id: Id, base: &str, shape: Shape, echo: serde_json::Map<String, Json>) -> Json {
    let mut shown = show(store, kind, id, base, shape);
    if let Json::Object(shown) = &mut shown {
        if kind == Kind::Interface && shape.created && !echo.contains_key("mac_address") {
            shown.insert("mac_address".to_owned(), json!(""));
        }
        shown.extend(echo);
    }
    shown
}

/// Creates one object, or a list of them. All are checked before any is written.
pub(super) fn create(
    store: &mut Store,
    kind: Kind,
    body: &Json,
    base: &str,
    author: &Author,
) -> Result<Reply, Refusal> {
    let items = match body {
        Json::Array(items) => items.as_slice(),
        item => std::slice::from_ref(item),
    };
    let mut drafts = Vec::with_capacity(items.len());
    let mut answers = Vec::with_capacity(items.len());
    for item in items {
        let blank = store.blank(kind);
        let read = input::read(store, kind, &blank, item, false);
        let checked = read.and_then(|mut draft| check::check(store, kind, None, &mut draft).map(|()| draft));
        match checked {
            Ok(draft) => {
                drafts.push(draft);
                answers.push(json!({}));
            }
            Err(errors) => answers.push(errors.json()),
        }
    }
    if drafts.len() < items.len() {
        let body = if body.is_array() { Json::Array(answers) } else { answers.swap_remove(0) };
        return Err(Refusal::Bad(body));
    }
    let mut made = Vec::with_capacity(drafts.len());
    for mut draft in drafts {
        let echo = std::mem::take(&mut draft.echo);
        made.push((write::create(store, kind, draft, author)?, echo));
    }
    let count = made.len();
    let mut shown: Vec<Json> =
        made.into_iter().map(|(id, echo)| written(store, kind, id, base, Shape::CREATED, echo)).collect();
    let answer = if body.is_array() { Json::Array(shown) } else { shown.swap_remove(0) };
    Ok(Reply { status: 201, body: Some(answer), written: count })
}

/// The ids of a list of writes.
fn ids(body: &Json) -> Result<Vec<Id>, Refusal> {
    let Json::Array(items) = body else {
        let text = format!("Expected a list of items but got type \"{}\".", python::type_name(body));
        return Err(bad(&Errors::at("non_field_errors", text)));
    };
    let (mut ids, mut answers, mut wrong) = (Vec::new(), Vec::new(), false);
    for item in items {
        let error = match item {
            Json::Object(entries) => match entries.get("id") {
                None => Err(Errors::at("id", "This field is required.")),
                Some(Json::Null) => Err(Errors::at("id", "This field may not be null.")),
                Some(id) => Id::parse(&python::plain(id)).ok_or_else(|| Errors::at("id", "Must be a valid UUID.")),
            },
            other => {
                let text = format!("Invalid data. Expected a dictionary, but got {}.", python::type_name(other));
                Err(Errors::at("non_field_errors", text))
            }
        };
        match error {
            Ok(id) => {
                ids.push(id);
                answers.push(json!({}));
            }
            Err(errors) => {
                wrong = true;
                answers.push(errors.json());
            }
        }
    }
    if wrong { Err(Refusal::Bad(Json::Array(answers))) } else { Ok(ids) }
}

/// Changes a list of objects in the order of the database. Unknown ones are left out; the first refusal ends it.
pub(super) fn update_list(
    store: &mut Store,
    kind: Kind,
    body: &Json,
    partial: bool,
    base: &str,
    author: &Author,
) -> Result<Reply, Refusal> {
    let ids = ids(body)?;
    let items = body.as_array().map(Vec::as_slice).unwrap_or_default();
    let mut shown = Vec::new();
    let seen = ids.iter().copied().filter(|id| store.access.sees(kind, *id)).collect::<Vec<_>>();
    for id in store.sort(kind, seen) {
        // Of several with one id, the last one holds.
        let Some(at) = ids.iter().rposition(|other| *other == id) else { continue };
        shown.push(update_one(store, kind, id, &items[at], partial, base, author)?);
    }
    Ok(Reply { status: 200, written: shown.len(), body: Some(Json::Array(shown)) })
}

fn update_one(
    store: &mut Store,
    kind: Kind,
    id: Id,
    body: &Json,
    partial: bool,
    base: &str,
    author: &Author,
) -> Result<Json, Refusal> {
    let Some(old) = store.get(kind, id).cloned() else { return Err(Refusal::missing(kind.def().class)) };
    let mut draft = input::read(store, kind, &old, body, partial).map_err(|errors| bad(&errors))?;
    draft.object.id = id;
    check::check(store, kind, Some(&old), &mut draft).map_err(|errors| bad(&errors))?;
    let echo = std::mem::take(&mut draft.echo);
    write::update(store, kind, &old, draft, author)?;
    Ok(written(store, kind, id, base, Shape::WRITTEN, echo))
}

/// Changes one object.
pub(super) fn update(
    store: &mut Store,
    kind: Kind,
    id: &str,
    body: &Json,
    partial: bool,
    base: &str,
    author: &Author,
) -> Result<Reply, Refusal> {
    let id = find(store, kind, id)?;
    let shown = update_one(store, kind, id, body, partial, base, author)?;
    Ok(Reply { status: 200, body: Some(shown), written: 1 })
}

/// Deletes a list of objects, or none of them. Unknown ones are left out.
pub(super) fn delete_list(store: &mut Store, kind: Kind, body: &Json, author: &Author) -> Result<Reply, Refusal> {
    let ids = ids(body)?;
    let seen = ids.into_iter().filter(|id| store.access.sees(kind, *id));
    let known = store.sort(kind, seen);
    for id in &known {
        delete::delete(store, kind, *id, author)?;
    }
    Ok(Reply { status: 204, body: None, written: known.len() })
}

/// Deletes one object.
pub(super) fn delete_one(store: &mut Store, kind: Kind, id: &str, author: &Author) -> Result<Reply, Refusal> {
    let id = find(store, kind, id)?;
    delete::delete(store, kind, id, author)?;
    Ok(Reply { status: 204, body: None, written: 1 })
}
