//! The REST endpoints of all kinds: lists, single objects, and lists of writes as one transaction.

use std::sync::Arc;

use serde_json::Value as Json;

use super::access::Access;
use super::changes::Change;
use super::errors::{Errors, Refusal};
use super::faults::Refuse;
use super::filter::{self, Comparison, Filter, parameter};
use super::input::{self, Draft, Select};
use super::ordering;
use super::page::{Envelope, Page};
use super::render::{Renderer, etag};
use super::schema::Kind;
use super::state::{Object, Store, Value};
use super::validate;
use super::write::Author;
use crate::http::query::Query;

/// One request to an endpoint.
pub(super) struct Call<'a> {
    pub base: &'a str,
    pub path: &'a str,
    pub query: &'a Query,
    pub max_page: usize,
    pub access: &'a Access,
    pub author: &'a Author,
    pub refuse: &'a [Refuse],
    /// `If-Match`, split at its commas.
    pub if_match: Option<Vec<String>>,
}

/// An answer before its common headers.
#[derive(Debug)]
pub(super) struct Reply {
    pub status: u16,
    pub body: String,
    pub etag: Option<String>,
    pub location: Option<String>,
    /// Objects that the request wrote.
    pub written: usize,
}

impl Reply {
    pub fn new(status: u16, body: String) -> Self {
        Self { status, body, etag: None, location: None, written: 0 }
    }
}

impl Call<'_> {
    /// The fields of the answer. `brief` works for reads only.
    pub fn select(&self, kind: Kind, read: bool) -> Select {
        let names = |text: &str| text.split(',').map(str::to_owned).collect::<Vec<_>>();
        let given = |name: &str| parameter(self.query, name).filter(|text| !text.is_empty());
        if let Some(fields) = given("fields") {
            return Select::Fields(names(fields));
        }
        let mut omit = given("omit").map(names).unwrap_or_default();
        if omit.is_empty() && read && given("brief").is_some() {
            return Select::Fields(kind.def().brief.iter().map(|name| (*name).to_owned()).collect());
        }
        if given("exclude") == Some("config_context") {
            omit.push("config_context".to_owned());
        }
        if omit.is_empty() { Select::All } else { Select::Omit(omit) }
    }

    fn renderer<'a>(&'a self, store: &'a Store) -> Renderer<'a> {
        Renderer { store, base: self.base, out: String::new() }
    }

    /// `GET` of a list.
    pub fn list(&self, store: &Store, kind: Kind) -> Result<Reply, Refusal> {
        let filters = filter::parse(store, kind, self.query)?;
        let page = Page::parse(self.query, self.max_page)?;
        let visible = |object: &Object| {
            self.access.sees(kind, object.id) && filters.iter().all(|filter| filter.matches(store, kind, object))
        };
        let (count, rows) = if let Some(start) = page.start {
            let rows: Vec<Arc<Object>> = candidates(store, kind, &filters, Some(start))
                .filter(|object| visible(object))
                .take(page.window.limit)
                .cloned()
                .collect();
            (rows.len(), rows)
        } else {
            self.offset_page(store, kind, &filters, page, &visible)
        };
        let select = self.select(kind, true);
        let mut renderer = self.renderer(store);
        for (at, object) in rows.iter().enumerate() {
            if at > 0 {
                renderer.out.push(',');
            }
            renderer.object(kind, object, &select);
        }
        let last = rows.last().map(|object| object.id);
        let envelope = Envelope::new(page, (self.base, self.path), self.query, count, rows.len(), last);
        Ok(Reply::new(200, envelope.wrap(&renderer.out)))
    }

    fn offset_page(
        &self,
        store: &Store,
        kind: Kind,
        filters: &[Filter],
        page: Page,
        visible: &dyn Fn(&Object) -> bool,
    ) -> (usize, Vec<Arc<Object>>) {
        let end = page.window.offset.saturating_add(page.window.limit);
        if filters.is_empty() && self.access.sees_all(kind) && parameter(self.query, "ordering").is_none() {
            let rows = store.ordered(kind).skip(page.window.offset).take(page.window.limit).cloned().collect();
            return (store.len(kind), rows);
        }
        let mut found: Vec<Arc<Object>> =
            candidates(store, kind, filters, None).filter(|object| visible(object)).cloned().collect();
        if let Some(ordering) = parameter(self.query, "ordering") {
            order(kind, ordering, &mut found);
        }
        let count = found.len();
        let rows = found.into_iter().take(end).skip(page.window.offset).collect();
        (count, rows)
    }

    fn find(&self, store: &Store, kind: Kind, id: u64) -> Result<Arc<Object>, Refusal> {
        let found = store.get(kind, id).filter(|_| self.access.sees(kind, id)).cloned();
        found.ok_or_else(|| Refusal::Detail(404, format!("No {} matches the given query.", kind.def().class)))
    }

    fn single(&self, store: &Store, kind: Kind, object: &Object, status: u16, read: bool) -> Reply {
        let mut renderer = self.renderer(store);
        renderer.object(kind, object, &self.select(kind, read));
        Reply { etag: Some(etag(object)), ..Reply::new(status, renderer.out) }
    }

    /// `GET` of one object.
    pub fn retrieve(&self, store: &Store, kind: Kind, id: u64) -> Result<Reply, Refusal> {
        let object = self.find(store, kind, id)?;
        Ok(self.single(store, kind, &object, 200, true))
    }

    fn precondition(&self, object: &Object) -> Result<(), Refusal> {
        match &self.if_match {
            Some(tags) if !tags.contains(&etag(object)) => Err(Refusal::Precondition(etag(object))),
            _ => Ok(()),
        }
    }

    /// Reads and checks one object of a body.
    fn draft(
        &self,
        store: &Store,
        kind: Kind,
        base: &Object,
        body: &Json,
        partial: bool,
        new: bool,
    ) -> Result<Draft, Errors> {
        let draft = input::read(store, kind, base, body, partial, &self.select(kind, false))?;
        for refuse in self.refuse.iter().filter(|refuse| refuse.of == kind) {
            if shown(draft.object.get(kind, &refuse.field)) == refuse.value {
                return Err(Errors::at(&refuse.field, refuse.message.clone()));
            }
        }
        validate::check(store, kind, (!new).then_some(base), &draft.object)?;
        Ok(draft)
    }

    /// `POST` of one object or a list of them.
    pub fn create(&self, store: &mut Store, kind: Kind, body: &Json) -> Result<Reply, Refusal> {
        let Json::Array(items) = body else {
            let blank = store.blank(kind);
            let draft = self.draft(store, kind, &blank, body, false, true).map_err(Refusal::Fields)?;
            let id = store.create(kind, draft, self.author)?;
            let object = self.find(store, kind, id)?;
            let location = format!("{}{}{id}/", self.base, self.path);
            let location = self.select(kind, false).has("url").then_some(location);
            return Ok(Reply { location, written: 1, ..self.single(store, kind, &object, 201, false) });
        };
        let mut ids = Vec::with_capacity(items.len());
        if kind == Kind::Device {
            // Devices are created one after the other; the first refused one ends the list.
            for item in items {
                let blank = store.blank(kind);
                let draft = self.draft(store, kind, &blank, item, false, true).map_err(Refusal::Fields)?;
                ids.push(store.create(kind, draft, self.author)?);
            }
        } else {
            // All others are checked against the database first, not against each other, and then written.
            let blank = store.blank(kind);
            let drafts: Vec<_> = items.iter().map(|item| self.draft(store, kind, &blank, item, false, true)).collect();
            if drafts.iter().any(Result::is_err) {
                let errors = drafts.into_iter().map(|draft| draft.err().unwrap_or_default()).collect();
                return Err(Refusal::List(errors));
            }
            for draft in drafts.into_iter().flatten() {
                ids.push(store.create(kind, draft, self.author)?);
            }
        }
        Ok(Reply { written: ids.len(), ..self.answer_list(store, kind, &ids, 201) })
    }

    fn answer_list(&self, store: &Store, kind: Kind, ids: &[u64], status: u16) -> Reply {
        let select = self.select(kind, false);
        let mut renderer = self.renderer(store);
        renderer.out.push('[');
        for (at, object) in ids.iter().filter_map(|id| store.get(kind, *id)).enumerate() {
            if at > 0 {
                renderer.out.push(',');
            }
            renderer.object(kind, object, &select);
        }
        renderer.out.push(']');
        Reply::new(status, renderer.out)
    }

    /// `PATCH` or `PUT` of one object.
    pub fn update(&self, store: &mut Store, kind: Kind, id: u64, body: &Json, partial: bool) -> Result<Reply, Refusal> {
        let object = self.find(store, kind, id)?;
        self.precondition(&object)?;
        let draft = self.draft(store, kind, &object, body, partial, false).map_err(Refusal::Fields)?;
        store.change(kind, draft, self.author)?;
        let object = self.find(store, kind, id)?;
        Ok(Reply { written: 1, ..self.single(store, kind, &object, 200, false) })
    }

    /// `PATCH` or `PUT` of a list.
    pub fn update_list(&self, store: &mut Store, kind: Kind, body: &Json, partial: bool) -> Result<Reply, Refusal> {
        let items = identified(body)?;
        let mut ids = self.present(store, kind, &items);
        for id in &ids {
            // Of two entries with one id the last one counts.
            let Some((_, item)) = items.iter().rev().find(|(known, _)| known == id) else { continue };
            let object = self.find(store, kind, *id)?;
            let draft = self.draft(store, kind, &object, item, partial, false).map_err(Refusal::Fields)?;
            store.change(kind, draft, self.author)?;
        }
        store.sort(kind, &mut ids);
        Ok(Reply { written: ids.len(), ..self.answer_list(store, kind, &ids, 200) })
    }

    /// The objects of a list that exist, in the kind's own order. The others are passed over without a word.
    fn present(&self, store: &Store, kind: Kind, items: &[(u64, &Json)]) -> Vec<u64> {
        let mut ids: Vec<u64> = items.iter().map(|(id, _)| *id).collect();
        ids.sort_unstable();
        ids.dedup();
        ids.retain(|id| store.get(kind, *id).is_some() && self.access.sees(kind, *id));
        store.sort(kind, &mut ids);
        ids
    }

    /// `DELETE` of one object.
    pub fn delete(&self, store: &mut Store, kind: Kind, id: u64, body: &Json) -> Result<Reply, Refusal> {
        let object = self.find(store, kind, id)?;
        self.precondition(&object)?;
        store.delete(kind, id, message(body), self.author)?;
        Ok(Reply { written: 1, ..Reply::new(204, String::new()) })
    }

    /// `DELETE` of a list.
    pub fn delete_list(&self, store: &mut Store, kind: Kind, body: &Json) -> Result<Reply, Refusal> {
        let items = identified(body)?;
        let ids = self.present(store, kind, &items);
        for id in &ids {
            let text = items.iter().rev().find(|(known, _)| known == id).map_or("", |(_, item)| message(item));
            // An earlier one may have taken it along.
            if store.get(kind, *id).is_some() {
                store.delete(kind, *id, text, self.author)?;
            }
        }
        Ok(Reply { written: ids.len(), ..Reply::new(204, String::new()) })
    }

    /// `GET core/object-changes/`.
    pub fn changes(&self, store: &Store) -> Result<Reply, Refusal> {
        let page = Page::parse(self.query, self.max_page)?;
        let mut found: Vec<&Change> =
            store.changes.iter().filter(|change| change_matches(change, self.query)).collect();
        let ascending = page.start.is_some() || matches!(parameter(self.query, "ordering"), Some("id" | "time"));
        if let Some(start) = page.start {
            found.retain(|change| change.id >= start);
        }
        if !ascending {
            found.reverse();
        }
        let count = found.len();
        let rows: Vec<&Change> = found.into_iter().skip(page.window.offset).take(page.window.limit).collect();
        let select = self.select(Kind::Site, true);
        let mut renderer = self.renderer(store);
        for (at, change) in rows.iter().enumerate() {
            if at > 0 {
                renderer.out.push(',');
            }
            renderer.change(change, &select);
        }
        let last = rows.last().map(|change| change.id);
        let envelope = Envelope::new(page, (self.base, self.path), self.query, count, rows.len(), last);
        Ok(Reply::new(200, envelope.wrap(&renderer.out)))
    }

    /// `GET core/object-changes/ID/`.
    pub fn change(&self, store: &Store, id: u64) -> Result<Reply, Refusal> {
        let found = store.changes.iter().find(|change| change.id == id);
        let change =
            found.ok_or_else(|| Refusal::Detail(404, "No ObjectChange matches the given query.".to_owned()))?;
        let mut renderer = self.renderer(store);
        renderer.change(change, &self.select(Kind::Site, true));
        Ok(Reply::new(200, renderer.out))
    }
}

fn message(body: &Json) -> &str {
    body.get("changelog_message").and_then(Json::as_str).unwrap_or_default()
}

/// A value as tests name it.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        Value::Int(number) => number.to_string(),
        Value::Decimal(number) => number.to_string(),
        Value::Bool(on) => on.to_string(),
        Value::Ref(id) => id.to_string(),
        _ => String::new(),
    }
}

/// The entries of a list with their ids, or what is wrong with them.
fn identified(body: &Json) -> Result<Vec<(u64, &Json)>, Refusal> {
    let Json::Array(items) = body else {
        let text = "Expected a list of items but got type \"dict\".";
        return Err(Refusal::Fields(Errors::at("non_field_errors", text)));
    };
    let errors: Vec<Errors> = items
        .iter()
        .map(|item| match (item, item.get("id")) {
            (Json::Object(_), None) => Errors::at("id", "This field is required."),
            (Json::Object(_), Some(_)) if filter::id_of(item).is_none() => {
                Errors::at("id", "A valid integer is required.")
            }
            (Json::Object(_), _) => Errors::new(),
            _ => Errors::at("non_field_errors", "Invalid data. Expected a dictionary, but got int."),
        })
        .collect();
    if errors.iter().any(|errors| !errors.is_empty()) {
        return Err(Refusal::List(errors));
    }
    Ok(items.iter().filter_map(|item| Some((filter::id_of(item)?, item))).collect())
}

/// Objects that may match: from an index where a filter has one, else all of them; by id from `start`, or in order.
fn candidates<'a>(
    store: &'a Store,
    kind: Kind,
    filters: &[Filter],
    start: Option<u64>,
) -> Box<dyn Iterator<Item = &'a Arc<Object>> + 'a> {
    let Some(mut ids) = filters.iter().find_map(|filter| filter.candidates(store, kind)) else {
        let lowest = filters.iter().filter_map(|filter| match filter {
            Filter::Id(Comparison::GreaterOrEqual, id) => Some(*id),
            Filter::Id(Comparison::Greater, id) => Some(id.saturating_add(1)),
            _ => None,
        });
        let lowest = lowest.max().unwrap_or(0);
        let highest = filters.iter().filter_map(|filter| match filter {
            Filter::Id(Comparison::LessOrEqual, id) => Some(*id),
            Filter::Id(Comparison::Less, id) => Some(id.saturating_sub(1)),
            _ => None,
        });
        let highest = highest.min().unwrap_or(u64::MAX);
        return match start {
            Some(start) => {
                Box::new(store.by_id(kind, start.max(lowest)).take_while(move |object| object.id <= highest))
            }
            None if lowest > 0 || highest < u64::MAX => {
                let mut ids: Vec<u64> =
                    store.by_id(kind, lowest).map(|object| object.id).take_while(|id| *id <= highest).collect();
                store.sort(kind, &mut ids);
                Box::new(ids.into_iter().filter_map(move |id| store.get(kind, id)))
            }
            None => Box::new(store.ordered(kind)),
        };
    };
    ids.retain(|id| store.get(kind, *id).is_some() && *id >= start.unwrap_or(0));
    ids.sort_unstable();
    ids.dedup();
    if start.is_none() {
        store.sort(kind, &mut ids);
    }
    Box::new(ids.into_iter().filter_map(move |id| store.get(kind, id)))
}

/// Sorts by the fields of `ordering`; a name that the kind does not have is passed over.
fn order(kind: Kind, ordering: &str, objects: &mut [Arc<Object>]) {
    for name in ordering.rsplit(',') {
        let (name, down) = name.strip_prefix('-').map_or((name, false), |name| (name, true));
        let compare = |a: &Arc<Object>, b: &Arc<Object>| match name {
            "id" => a.id.cmp(&b.id),
            "last_updated" => a.updated.cmp(&b.updated),
            "created" => a.created.cmp(&b.created),
            _ => ordering::compare(a.get(kind, name), b.get(kind, name)),
        };
        objects.sort_by(|a, b| if down { compare(b, a) } else { compare(a, b) });
    }
}

fn change_matches(change: &Change, query: &Query) -> bool {
    let any = |name: &str, test: &dyn Fn(&str) -> bool| {
        let mut values = query.iter().filter(|(known, _)| known == name).peekable();
        values.peek().is_none() || values.any(|(_, value)| test(value))
    };
    let id = |lookup: &str, test: fn(&u64, &u64) -> bool| {
        any(lookup, &|value| value.parse().is_ok_and(|bound| test(&change.id, &bound)))
    };
    any("changed_object_type", &|value| value == change.kind.content_type())
        && any("changed_object_id", &|value| value == change.object_id.to_string())
        && any("action", &|value| value == change.action.value())
        && any("request_id", &|value| value == change.request_id)
        && any("user_name", &|value| value == change.user)
        && any("user", &|value| value == change.user)
        && any("time_after", &|value| filter::moment(value).is_some_and(|bound| change.time >= bound))
        && any("time_before", &|value| filter::moment(value).is_some_and(|bound| change.time <= bound))
        && id("id", u64::eq)
        && id("id__gt", u64::gt)
        && id("id__gte", u64::ge)
        && id("id__lt", u64::lt)
        && id("id__lte", u64::le)
}
