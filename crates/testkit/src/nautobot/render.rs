//! Objects as REST shows them.

use serde_json::{Map, Value as Json, json};

use super::choices;
use super::names;
use super::schema::{Extra, Kind, Made, Rest, Type};
use super::state::Store;
use super::value::{Id, Object, Value, time_text};

/// What an answer shows beyond the usual.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape {
    /// Whether the object was just created: counts are not made then.
    pub created: bool,
    /// Whether the answer is one to a write.
    pub written: bool,
    /// Whether lists of other objects are shown: all, the usual ones, none.
    pub many: Option<bool>,
    /// How far references are followed.
    pub depth: usize,
    /// Whether it is within another object.
    pub nested: bool,
}

impl Shape {
    /// The answer to a GET without parameters.
    pub const PLAIN: Self = Self { created: false, written: false, many: None, depth: 0, nested: false };
    /// The answer to a POST.
    pub const CREATED: Self = Self { created: true, written: true, ..Self::PLAIN };
    /// The answer to a PATCH.
    pub const WRITTEN: Self = Self { written: true, ..Self::PLAIN };
}

/// Makes the answers.
#[derive(Clone, Copy)]
pub(super) struct Renderer<'a> {
    pub store: &'a Store,
    pub base: &'a str,
}

impl Renderer<'_> {
    /// One object.
    pub fn object(&self, kind: Kind, object: &Object, shape: Shape) -> Json {
        let def = kind.def();
        let url = self.url(kind, object.id);
        let mut out = Map::new();
        let mut put = |name: &str, value: Json| out.insert(name.to_owned(), value);
        put("id", json!(object.id.to_string()));
        put("object_type", json!(def.model));
        put("display", json!(names::display(self.store, kind, object)));
        put("natural_slug", json!(slug(kind, object, self.store)));
        for (at, field) in def.fields.iter().enumerate() {
            if field.since > self.store.version {
                continue;
            }
            if let Type::Refs { to } = field.ty {
                let usual = to == Kind::Tag;
                if shape.many == Some(true) || (shape.many.is_none() && usual) {
                    put(field.name, self.many(to, object.values[at].targets().iter().copied(), shape.depth));
                }
                continue;
            }
            if matches!(field.ty, Type::Models { .. }) && shape.many == Some(false) {
                continue;
            }
            put(field.name, self.value(field.ty, &object.values[at], shape.depth));
        }
        for extra in def.extras.iter().filter(|extra| extra.since <= self.store.version) {
            let shown = match extra.rest {
                Rest::No => false,
                Rest::Yes => true,
                Rest::Top => !shape.nested,
                Rest::Written => shape.written,
                Rest::Count => !shape.created,
                Rest::Many => shape.many == Some(true),
            };
            if shown {
                put(extra.name, self.extra(kind, object, extra, shape.depth));
            }
        }
        if def.primary {
            put("created", json!(time_text(object.created, true)));
            put("last_updated", json!(time_text(object.updated, true)));
            put("notes_url", json!(format!("{url}notes/")));
            put("custom_fields", json!({}));
            if shape.written {
                put("computed_fields", json!({}));
                put("relationships", json!({}));
            }
        }
        put("url", json!(url));
        Json::Object(out)
    }

    fn url(&self, kind: Kind, id: Id) -> String {
        format!("{}/api/{}/{id}/", self.base, kind.def().path)
    }

    /// A reference.
    fn reference(&self, kind: Kind, id: Id, depth: usize) -> Json {
        if let (1.., Some(object)) = (depth, self.store.get(kind, id)) {
            let inner = Shape { created: true, many: Some(false), depth: depth - 1, nested: true, ..Shape::PLAIN };
            return self.object(kind, object, inner);
        }
        json!({"id": id.to_string(), "object_type": kind.def().model, "url": self.url(kind, id)})
    }

    fn many(&self, kind: Kind, ids: impl IntoIterator<Item = Id>, depth: usize) -> Json {
        self.store.sort(kind, ids).into_iter().map(|id| self.reference(kind, id, depth)).collect()
    }

    fn value(&self, ty: Type, value: &Value, depth: usize) -> Json {
        match (ty, value) {
            (Type::Choice { options, .. }, Value::Text(text)) => match &**text {
                "" => Json::Null,
                text => json!({"value": text, "label": choices::label(options, text)}),
            },
            (Type::Mac, Value::Text(text)) if text.is_empty() => Json::Null,
            (Type::Json, Value::Text(text)) => serde_json::from_str(text).unwrap_or(Json::Null),
            (Type::Ref { to, .. }, Value::Ref(id)) => self.reference(to, *id, depth),
            (_, value) => plain(value),
        }
    }

    fn extra(&self, kind: Kind, object: &Object, extra: &Extra, depth: usize) -> Json {
        let (store, id) = (self.store, object.id);
        match extra.made {
            Made::Null | Made::NoObject | Made::NoImage => Json::Null,
            Made::NoObjects => json!([]),
            Made::EmptyObject => json!({}),
            Made::Zero => json!(0),
            Made::TaggedItems => {
                json!(Kind::ALL.iter().map(|kind| store.count_referring(*kind, "tags", id)).sum::<usize>())
            }
            Made::Count { kind, field } => json!(store.count_referring(kind, field, id)),
            Made::Reverse { kind, field } => self.many(kind, store.referring(kind, field, id), depth),
            Made::ReverseOne { kind, field } => {
                store.referring(kind, field, id).next().map_or(Json::Null, |id| self.reference(kind, id, depth))
            }
            Made::Through { to, .. } => self.many(to, through(store, extra.made, id), depth),
            Made::ThroughFirst { to, .. } => {
                let first = store.sort(to, through(store, extra.made, id)).first().copied();
                first.map_or(Json::Null, |id| self.reference(to, id, depth))
            }
            Made::First { field, to } => {
                let first = object.get(kind, field).targets().first().copied();
                first.map_or(Json::Null, |id| self.reference(to, id, depth))
            }
            Made::PrimaryIp => primary_ip(object).map_or(Json::Null, |id| self.reference(Kind::IpAddress, id, depth)),
            Made::Host | Made::Length | Made::Version | Made::Broadcast => net_part(object, kind, extra.made),
        }
    }
}

/// A value that needs nothing else.
pub(super) fn plain(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(flag) => json!(flag),
        Value::Int(number) => json!(number),
        Value::Text(text) => json!(text),
        Value::Ref(id) => json!(id.to_string()),
        Value::Refs(ids) => ids.iter().map(ToString::to_string).collect(),
        Value::Names(names) => json!(names),
        Value::Net(net) => json!(net.to_string()),
    }
}

/// A part of the network or address of an object.
pub(super) fn net_part(object: &Object, kind: Kind, made: Made) -> Json {
    let Some(net) = object.get(kind, "prefix").net().or_else(|| object.get(kind, "address").net()) else {
        return Json::Null;
    };
    match made {
        Made::Host => json!(net.host.to_string()),
        Made::Length => json!(net.length),
        Made::Version => json!(net.version()),
        Made::Broadcast => json!(net.broadcast().to_string()),
        _ => Json::Null,
    }
}

/// The objects on the other side of a link.
pub(super) fn through(store: &Store, made: Made, id: Id) -> Vec<Id> {
    let (Made::Through { link, here, there, .. } | Made::ThroughFirst { link, here, there, .. }) = made else {
        return Vec::new();
    };
    let links = store.referring(link, here, id);
    links.filter_map(|found| store.get(link, found).and_then(|object| object.ref_of(link, there))).collect()
}

/// The one of the two primary addresses that is preferred.
pub(super) fn primary_ip(device: &Object) -> Option<Id> {
    device.ref_of(Kind::Device, "primary_ip6").or_else(|| device.ref_of(Kind::Device, "primary_ip4"))
}

/// A name for web addresses: words and the start of the id.
fn slug(kind: Kind, object: &Object, store: &Store) -> String {
    let name = names::text(store, kind, object).to_lowercase();
    let words: String = name.chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).collect();
    let id = object.id.to_string();
    format!("{}_{}", words.trim_matches('-'), &id[..4])
}
