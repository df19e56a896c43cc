//! Carrying a plan out: the answer is written as text, as pages are long.

use std::collections::HashSet;

use serde_json::{Value as Json, json};

use super::Problem;
use super::plan::{Arguments, Pick, What};
use super::schema::{Shape, Source, type_name};
use crate::graphql::Place;
use crate::nautobot::changes::Change;
use crate::nautobot::choices::enum_name;
use crate::nautobot::errors::Errors;
use crate::nautobot::filter::{self, Wrong};
use crate::nautobot::log;
use crate::nautobot::render::{net_part, plain, primary_ip, through};
use crate::nautobot::schema::{Extra, Kind, Made, Type};
use crate::nautobot::state::Store;
use crate::nautobot::value::{Id, Object, Value, time_text};

/// The answer to a plan.
pub(super) fn run(store: &Store, picks: &[Pick], short: &[Kind]) -> String {
    let mut run = Run { store, short, problems: Vec::new(), path: Vec::new() };
    let mut data = String::from("{");
    for (at, pick) in picks.iter().enumerate() {
        if at > 0 {
            data.push(',');
        }
        key(&mut data, &pick.key);
        let start = data.len();
        run.path.push(Json::from(pick.key.as_str()));
        if let Err(message) = run.root(pick, &mut data) {
            data.truncate(start);
            data.push_str("null");
            run.wrong(message, pick.place);
        }
        run.path.pop();
    }
    data.push('}');
    if run.problems.is_empty() {
        return format!("{{\"data\":{data}}}");
    }
    let problems: Vec<Json> = run.problems.iter().map(Problem::json).collect();
    format!("{{\"errors\":{},\"data\":{data}}}", Json::Array(problems))
}

struct Run<'a> {
    store: &'a Store,
    short: &'a [Kind],
    problems: Vec<Problem>,
    /// Where in the answer the work stands.
    path: Vec<Json>,
}

fn key(out: &mut String, name: &str) {
    out.push_str(&Json::from(name).to_string());
    out.push(':');
}

fn put(out: &mut String, value: &Json) {
    out.push_str(&value.to_string());
}

/// The sentence of wrong filters, as Python writes a dictionary.
fn sentence(wrongs: Vec<(String, Wrong)>) -> String {
    let mut errors = Errors::default();
    for (name, wrong) in wrongs {
        match wrong {
            Wrong::Unknown => errors.add(&name, "Unknown filter field"),
            Wrong::Value(text) => errors.add(&name, text),
            Wrong::Crash(text) => return text,
        }
    }
    errors.python()
}

/// Offset and limit of a list; 0 is no limit.
fn bounds(arguments: &Arguments) -> Result<(usize, usize), String> {
    let read = |number: Option<i64>| {
        usize::try_from(number.unwrap_or(0)).map_err(|_| "Negative indexing is not supported.".to_owned())
    };
    let (offset, limit) = (read(arguments.offset)?, read(arguments.limit)?);
    Ok((offset, if limit == 0 { usize::MAX } else { limit }))
}

impl Run<'_> {
    fn wrong(&mut self, message: String, place: Place) {
        self.problems.push(Problem { message, places: vec![place], path: self.path.clone() });
    }

    fn root(&mut self, pick: &Pick, out: &mut String) -> Result<(), String> {
        match &pick.what {
            What::Fixed(json) => put(out, json),
            What::List { shape: Shape::Kind(kind), arguments, picks } => self.list(*kind, arguments, picks, out)?,
            What::List { arguments, picks, .. } => self.changes(arguments, picks, out)?,
            What::One { kind, id, picks } => {
                let id = match id {
                    None => None,
                    // The text is Nautobot's, which leaves the value out.
                    Some(text) => Some(Id::parse(text).ok_or("“%(value)s” is not a valid UUID.")?),
                };
                self.one(*kind, id, picks, out);
            }
            What::Member { .. } => {}
        }
        Ok(())
    }

    fn list(&mut self, kind: Kind, arguments: &Arguments, picks: &[Pick], out: &mut String) -> Result<(), String> {
        let selection = filter::select(self.store, kind, &arguments.filters).map_err(sentence)?;
        let (offset, limit) = bounds(arguments)?;
        let mut ids = selection.page(self.store, kind, offset, limit);
        if self.short.contains(&kind) && offset == 0 && arguments.filters.is_empty() {
            ids.pop();
        }
        self.many(kind, &ids, picks, out);
        Ok(())
    }

    fn changes(&mut self, arguments: &Arguments, picks: &[Pick], out: &mut String) -> Result<(), String> {
        let found = log::select(self.store, &arguments.filters).map_err(sentence)?;
        let (offset, limit) = bounds(arguments)?;
        out.push('[');
        for (nth, at) in found.into_iter().skip(offset).take(limit).enumerate() {
            if nth > 0 {
                out.push(',');
            }
            let change = &self.store.changes[at];
            fields(picks, out, |source, picks, out| change_field(change, source, picks, out));
        }
        out.push(']');
        Ok(())
    }

    fn many(&mut self, kind: Kind, ids: &[Id], picks: &[Pick], out: &mut String) {
        out.push('[');
        for (at, id) in ids.iter().enumerate() {
            if at > 0 {
                out.push(',');
            }
            self.path.push(Json::from(at));
            self.one(kind, Some(*id), picks, out);
            self.path.pop();
        }
        out.push(']');
    }

    fn one(&mut self, kind: Kind, id: Option<Id>, picks: &[Pick], out: &mut String) {
        let store = self.store;
        match id.filter(|id| store.access.sees(kind, *id)).and_then(|id| store.get(kind, id)) {
            None => out.push_str("null"),
            Some(object) => self.object(kind, object, picks, out),
        }
    }

    fn object(&mut self, kind: Kind, object: &Object, picks: &[Pick], out: &mut String) {
        out.push('{');
        for (at, pick) in picks.iter().enumerate() {
            if at > 0 {
                out.push(',');
            }
            key(out, &pick.key);
            let What::Member { source, list, arguments, picks } = &pick.what else {
                out.push_str("null");
                continue;
            };
            self.path.push(Json::from(pick.key.as_str()));
            match source {
                Source::Typename => put(out, &json!(kind.def().type_name)),
                Source::Id => put(out, &json!(object.id.to_string())),
                Source::Created => put(out, &json!(time_text(object.created, false))),
                Source::Updated => put(out, &json!(time_text(object.updated, false))),
                Source::CustomFields => out.push_str("{}"),
                Source::Url => put(out, &json!(format!("/api/{}/{}/", kind.def().path, object.id))),
                Source::Stored(at) => self.stored(kind, object, *at, (arguments, pick.place), picks, out),
                Source::Extra(extra) => self.extra(kind, object, extra, (*list, arguments, pick.place), picks, out),
                Source::Nothing if *list => out.push_str("[]"),
                Source::Named(_) | Source::Nothing => out.push_str("null"),
            }
            self.path.pop();
        }
        out.push('}');
    }

    fn stored(
        &mut self,
        kind: Kind,
        object: &Object,
        at: usize,
        (arguments, place): (&Arguments, Place),
        picks: &[Pick],
        out: &mut String,
    ) {
        let value = &object.values[at];
        match (kind.def().fields[at].ty, value) {
            (Type::Ref { to, .. }, value) => self.one(to, value.target(), picks, out),
            (Type::Refs { to }, value) => {
                self.related(to, value.targets().iter().copied(), (arguments, place), picks, out);
            }
            (Type::Models { .. }, value) => {
                out.push('[');
                for (nth, name) in value.names().iter().enumerate() {
                    if nth > 0 {
                        out.push(',');
                    }
                    model(name, picks, out);
                }
                out.push(']');
            }
            (Type::Choice { .. } | Type::Mac | Type::TimeZone, Value::Text(text)) if text.is_empty() => {
                out.push_str("null");
            }
            (Type::Choice { .. } | Type::PlainChoice { .. } | Type::TimeZone, Value::Text(text)) => {
                put(out, &json!(enum_name(text)));
            }
            (Type::Json, Value::Text(text)) => out.push_str(text),
            (_, value) => put(out, &plain(value)),
        }
    }

    fn extra(
        &mut self,
        kind: Kind,
        object: &Object,
        extra: &Extra,
        (list, arguments, place): (bool, &Arguments, Place),
        picks: &[Pick],
        out: &mut String,
    ) {
        let (store, id) = (self.store, object.id);
        match extra.made {
            Made::Reverse { kind, field } => {
                self.related(kind, store.referring(kind, field, id), (arguments, place), picks, out);
            }
            Made::ReverseOne { kind, field } => self.one(kind, store.referring(kind, field, id).next(), picks, out),
            Made::Through { to, .. } => {
                self.related(to, through(store, extra.made, id), (arguments, place), picks, out);
            }
            Made::ThroughFirst { to, .. } => {
                let all = through(store, extra.made, id);
                if all.len() > 1 {
                    self.wrong("Multiple Location objects returned. Please refer to locations.".to_owned(), place);
                    out.push_str("null");
                    return;
                }
                self.one(to, all.first().copied(), picks, out);
            }
            Made::First { field, to } => self.one(to, object.get(kind, field).targets().first().copied(), picks, out),
            Made::PrimaryIp => self.one(Kind::IpAddress, primary_ip(object), picks, out),
            Made::Host | Made::Length | Made::Version | Made::Broadcast => {
                put(out, &net_part(object, kind, extra.made));
            }
            Made::EmptyObject => out.push_str("{}"),
            Made::NoObjects => out.push_str("[]"),
            Made::NoImage => out.push_str("\"\""),
            Made::Zero => out.push('0'),
            _ if list => out.push_str("[]"),
            _ => out.push_str("null"),
        }
    }

    /// Objects below an object, in the order of their kind.
    fn related(
        &mut self,
        kind: Kind,
        ids: impl IntoIterator<Item = Id>,
        (arguments, place): (&Arguments, Place),
        picks: &[Pick],
        out: &mut String,
    ) {
        let store = self.store;
        let mut ids = store.sort(kind, ids.into_iter().filter(|id| store.access.sees(kind, *id)));
        if !arguments.filters.is_empty() {
            match filter::select(self.store, kind, &arguments.filters) {
                Ok(selection) => {
                    let kept: HashSet<Id> = selection.page(self.store, kind, 0, usize::MAX).into_iter().collect();
                    ids.retain(|id| kept.contains(id));
                }
                Err(wrongs) => {
                    self.wrong(sentence(wrongs), place);
                    out.push_str("null");
                    return;
                }
            }
        }
        self.many(kind, &ids, picks, out);
    }
}

/// Writes an object whose fields are known by name.
fn fields(picks: &[Pick], out: &mut String, mut write: impl FnMut(&'static str, &[Pick], &mut String)) {
    out.push('{');
    for (at, pick) in picks.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        key(out, &pick.key);
        match &pick.what {
            What::Member { source: Source::Named(name), picks, .. } => write(name, picks, out),
            What::Member { source: Source::Typename, .. } => write("__typename", &[], out),
            _ => out.push_str("null"),
        }
    }
    out.push('}');
}

fn change_field(change: &Change, name: &str, picks: &[Pick], out: &mut String) {
    let value = match name {
        "id" => json!(change.id.to_string()),
        "time" => json!(time_text(change.time, false)),
        "user_name" => json!(change.user),
        "request_id" => json!(change.request_id.to_string()),
        "action" => json!(change.action.names().0.to_uppercase()),
        "changed_object_type" => return model(change.kind.def().model, picks, out),
        "changed_object_id" => json!(change.object.to_string()),
        "change_context" => json!("WEB"),
        "change_context_detail" => json!(change.detail),
        "related_object_type" if change.related.is_some() => return model(Kind::Device.def().model, picks, out),
        "related_object_id" => json!(change.related.map(|id| id.to_string())),
        "object_repr" => json!(change.text),
        "url" => json!(format!("/api/extras/object-changes/{}/", change.id)),
        "__typename" => json!(type_name(Shape::Change)),
        _ => Json::Null,
    };
    put(out, &value);
}

/// A content type.
fn model(name: &str, picks: &[Pick], out: &mut String) {
    let (app, model) = name.split_once('.').unwrap_or((name, ""));
    fields(picks, out, |field, _, out| {
        let value = match field {
            // Numbers of content types are the database's own; one that stays the same will do.
            "id" => json!(name.bytes().map(u32::from).sum::<u32>().to_string()),
            "app_label" => json!(app),
            "model" => json!(model),
            "__typename" => json!(type_name(Shape::Model)),
            _ => Json::Null,
        };
        put(out, &value);
    });
}
