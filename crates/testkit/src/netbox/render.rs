//! Objects as the JSON of NetBox's REST answers.

use chrono::{DateTime, SecondsFormat, Utc};
use ipnet::IpNet;
use serde_json::Value as Json;

use super::changes::Change;
use super::input::{Select, custom_fields};
use super::schema::{Computed, Field, Kind, Nested, Shows, Type};
use super::state::{Object, Store, Value};
use super::text::push;

/// How an object shows itself in one line.
pub(super) fn display(store: &Store, kind: Kind, id: u64) -> String {
    let Some(object) = store.get(kind, id) else { return id.to_string() };
    let text = |name: &str| object.text(kind, name).to_owned();
    match kind {
        Kind::Device => device_display(store, object),
        Kind::DeviceType => text("model"),
        Kind::Interface if !object.text(kind, "label").is_empty() => format!("{} ({})", text("name"), text("label")),
        Kind::MacAddress => text("mac_address"),
        Kind::Vlan => match object.get(kind, "vid") {
            Value::Int(vid) => format!("{} ({vid})", text("name")),
            _ => text("name"),
        },
        Kind::Vrf if !object.text(kind, "rd").is_empty() => format!("{} ({})", text("name"), text("rd")),
        Kind::Prefix => text("prefix"),
        Kind::IpAddress => text("address"),
        _ => text("name"),
    }
}

fn device_display(store: &Store, device: &Object) -> String {
    const KIND: Kind = Kind::Device;
    let tag = device.text(KIND, "asset_tag");
    let mut label = device.text(KIND, "name").to_owned();
    if label.is_empty()
        && let (Some(chassis), Value::Int(position)) =
            (device.get(KIND, "virtual_chassis").target(), device.get(KIND, "vc_position"))
    {
        label = format!("{}:{position}", display(store, Kind::VirtualChassis, chassis));
    }
    if label.is_empty() {
        let device_type = device.get(KIND, "device_type").target().and_then(|id| store.get(Kind::DeviceType, id));
        let maker = device_type.and_then(|found| found.get(Kind::DeviceType, "manufacturer").target());
        let maker = maker.map(|id| display(store, Kind::Manufacturer, id)).unwrap_or_default();
        let model = device_type.map(|found| found.text(Kind::DeviceType, "model").to_owned()).unwrap_or_default();
        let last = if tag.is_empty() { device.id.to_string() } else { tag.to_owned() };
        return format!("{maker} {model} ({last})");
    }
    if tag.is_empty() { label } else { format!("{label} ({tag})") }
}

/// The context of a device or a virtual machine.
pub(super) fn config_context(kind: Kind, object: &Object) -> Json {
    match object.get(kind, "local_context_data") {
        Value::Json(data) => data.clone(),
        _ => Json::Object(serde_json::Map::new()),
    }
}

/// The label of a choice; blank when the value is unknown.
pub(super) fn choice_label(kind: Kind, name: &str, value: &str) -> &'static str {
    let field = kind.def().fields.iter().find(|field| field.name == name);
    match field.map(|field| field.ty) {
        Some(Type::Choice { options, .. }) => {
            options.iter().find(|(known, _)| *known == value).map_or("", |(_, label)| label)
        }
        _ => "",
    }
}

/// A time as REST shows it: microseconds and `Z`.
pub(super) fn timestamp(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// A time as GraphQL and ETags show it: microseconds and `+00:00`.
pub(super) fn offset_timestamp(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Micros, false)
}

/// The ETag of an object.
pub(super) fn etag(object: &Object) -> String {
    format!("W/\"{}\"", offset_timestamp(object.updated))
}

/// Writes objects into one buffer.
pub(super) struct Renderer<'a> {
    pub store: &'a Store,
    /// `http://127.0.0.1:port`, without a slash at its end.
    pub base: &'a str,
    pub out: String,
}

impl Renderer<'_> {
    /// Writes one object with the fields of `select`.
    pub fn object(&mut self, kind: Kind, object: &Object, select: &Select) {
        self.out.push('{');
        let mut first = true;
        for (at, field) in kind.def().fields.iter().enumerate() {
            if select.has(field.name) {
                self.key(field.name, &mut first);
                self.field(kind, object, at, field);
            }
        }
        self.out.push('}');
    }

    fn key(&mut self, name: &str, first: &mut bool) {
        if !std::mem::take(first) {
            self.out.push(',');
        }
        self.out.push('"');
        self.out.push_str(name);
        self.out.push_str("\":");
    }

    pub fn string(&mut self, text: &str) {
        // A string always serialises; should it not, null is as good a sign.
        let json = serde_json::to_string(text).unwrap_or_else(|_| "null".to_owned());
        self.out.push_str(&json);
    }

    fn number(&mut self, number: impl std::fmt::Display) {
        self.out.push_str(&number.to_string());
    }

    fn field(&mut self, kind: Kind, object: &Object, at: usize, field: &Field) {
        match (&object.values[at], field.ty) {
            (_, Type::Computed(how)) => self.computed(kind, object, field, how),
            (Value::Null, _) => self.out.push_str("null"),
            (Value::Text(text), Type::Choice { options, .. }) => self.choice(text, options),
            (Value::Ref(id), Type::Ref { to, .. }) => self.reference(to, *id, field.shows),
            (Value::Refs(ids), Type::Refs { to }) => {
                let mut ids = ids.clone();
                self.store.sort(to, &mut ids);
                self.list(&ids, |renderer, id| renderer.reference(to, id, field.shows));
            }
            (value, _) => self.plain(value),
        }
    }

    fn plain(&mut self, value: &Value) {
        match value {
            Value::Null => self.out.push_str("null"),
            Value::Bool(on) => self.number(on),
            Value::Int(number) => self.number(number),
            Value::Decimal(number) => self.out.push_str(&Json::from(*number).to_string()),
            Value::Text(text) => self.string(text),
            Value::Ref(id) => self.number(id),
            Value::Refs(ids) => self.list(&ids.clone(), Self::number),
            Value::Json(json) => self.out.push_str(&json.to_string()),
        }
    }

    fn choice(&mut self, value: &str, options: &[(&str, &str)]) {
        if value.is_empty() {
            self.out.push_str("null");
            return;
        }
        let label = options.iter().find(|(known, _)| *known == value).map_or("", |(_, label)| label);
        self.out.push_str("{\"value\":");
        self.string(value);
        self.out.push_str(",\"label\":");
        self.string(label);
        self.out.push('}');
    }

    fn list(&mut self, ids: &[u64], mut write: impl FnMut(&mut Self, u64)) {
        self.out.push('[');
        for (at, id) in ids.iter().enumerate() {
            if at > 0 {
                self.out.push(',');
            }
            write(self, *id);
        }
        self.out.push(']');
    }

    /// Writes an object as another one's reference.
    pub fn reference(&mut self, kind: Kind, id: u64, shows: Shows) {
        let Some(object) = self.store.get(kind, id).cloned() else {
            self.out.push_str("null");
            return;
        };
        let def = kind.def();
        let names = match shows {
            Shows::Brief => def.brief,
            Shows::Short => def.short,
            Shows::Fields(names) => names,
        };
        let short = matches!(shows, Shows::Short);
        self.out.push('{');
        let mut first = true;
        for (at, field) in def.fields.iter().enumerate() {
            if !names.contains(&field.name)
                || matches!(field.ty, Type::Computed(Computed::Count { nested: Nested::Hidden, .. }))
            {
                continue;
            }
            self.key(field.name, &mut first);
            match field.ty {
                Type::Computed(Computed::Count { nested: Nested::Zero, .. }) => self.number(0),
                // The short form of an interface shows a short device, that of an address a bare family.
                Type::Ref { to, .. } if short => match object.values[at].target() {
                    Some(target) => self.reference(to, target, Shows::Short),
                    None => self.out.push_str("null"),
                },
                Type::Computed(Computed::Family) if short => self.number(family(kind, &object)),
                _ => self.field(kind, &object, at, field),
            }
        }
        self.out.push('}');
    }

    fn computed(&mut self, kind: Kind, object: &Object, field: &Field, how: Computed) {
        let def = kind.def();
        match how {
            Computed::Id => self.number(object.id),
            Computed::Url => {
                let url = format!("{}/api/{}/{}/{}/", self.base, def.app, def.endpoint, object.id);
                self.string(&url);
            }
            Computed::DisplayUrl => {
                let url = format!("{}/{}/{}/{}/", self.base, def.app, def.endpoint, object.id);
                self.string(&url);
            }
            Computed::Display => self.string(&display(self.store, kind, object.id)),
            Computed::CustomFields => self.custom_fields(kind, object),
            Computed::Created => self.string(&timestamp(object.created)),
            Computed::LastUpdated => self.string(&timestamp(object.updated)),
            Computed::Null => self.out.push_str("null"),
            Computed::EmptyList => self.out.push_str("[]"),
            Computed::ConfigContext => self.out.push_str(&config_context(kind, object).to_string()),
            Computed::False => self.out.push_str("false"),
            Computed::Zero => self.out.push('0'),
            Computed::Count { kind: other, field, .. } => {
                self.number(self.store.count_referring(other, field, kind, object.id));
            }
            Computed::TaggedItems => {
                let all = Kind::ALL.into_iter();
                let count: usize =
                    all.map(|other| self.store.count_referring(other, "tags", Kind::Tag, object.id)).sum();
                self.number(count);
            }
            Computed::Family => {
                let family = family(kind, object);
                push(&mut self.out, format_args!("{{\"value\":{family},\"label\":\"IPv{family}\"}}"));
            }
            Computed::PrimaryIp => {
                let preferred = ["primary_ip6", "primary_ip4"].map(|name| object.get(kind, name).target());
                match preferred.into_iter().flatten().next() {
                    Some(id) => self.reference(Kind::IpAddress, id, field.shows),
                    None => self.out.push_str("null"),
                }
            }
            Computed::PrimaryMacText => {
                let mac = object.get(kind, "primary_mac_address").target();
                match mac.and_then(|id| self.store.get(Kind::MacAddress, id)) {
                    Some(mac) => self.string(mac.text(Kind::MacAddress, "mac_address")),
                    None => self.out.push_str("null"),
                }
            }
            Computed::Reverse { kind: other, field, shows } => {
                let mut ids: Vec<u64> = self.store.referring(other, field, kind, object.id).collect();
                self.store.sort(other, &mut ids);
                self.list(&ids, |renderer, id| renderer.reference(other, id, shows));
            }
            Computed::Generic { id_field } => match generic(self.store, kind, object, id_field) {
                Some((target, id)) => self.reference(target, id, Shows::Brief),
                None => self.out.push_str("null"),
            },
            Computed::PrefixDepth => self.number(prefix_relatives(self.store, object, false)),
            Computed::PrefixChildren => self.number(prefix_relatives(self.store, object, true)),
            Computed::TreeDepth => self.number(depth(self.store, kind, object)),
            Computed::VidRanges => self.out.push_str("[[1,4094]]"),
            Computed::VlanIds => self.number(4094),
            Computed::Utilization => {
                let used = self.store.count_referring(Kind::Vlan, "group", kind, object.id);
                let share = (used as f64 * 10_000.0 / 4094.0).round() / 100.0;
                self.string(&format!("{share:?}"));
            }
        }
    }

    fn custom_fields(&mut self, kind: Kind, object: &Object) {
        self.out.push('{');
        let mut first = true;
        for name in custom_fields(self.store, kind) {
            self.key(&name, &mut first);
            let value = object.custom.get(&name).cloned().unwrap_or(Json::Null);
            self.out.push_str(&value.to_string());
        }
        self.out.push('}');
    }

    /// The data of an object in the change log: ids for references, names for tags.
    pub fn snapshot(&mut self, kind: Kind, object: Option<&Object>) {
        let Some(object) = object else {
            self.out.push_str("{}");
            return;
        };
        self.out.push('{');
        let mut first = true;
        for (at, field) in kind.def().fields.iter().enumerate() {
            // Columns that only hold a constant here are in the data all the same; what is made while reading is not.
            let column = match field.ty {
                Type::Computed(Computed::Null | Computed::Zero) => {
                    !matches!(field.name, "data_type" | "parent_device" | "virtualmachine_count" | "circuit_count")
                }
                Type::Computed(Computed::Count { nested: Nested::Shown, .. }) => field.name != "count_ipaddresses",
                Type::Computed(_) => false,
                _ => true,
            };
            if !column {
                continue;
            }
            self.key(field.name, &mut first);
            match (&object.values[at], field.ty) {
                (Value::Refs(ids), Type::Refs { to: Kind::Tag }) => {
                    let names: Vec<String> = ids.iter().map(|id| display(self.store, Kind::Tag, *id)).collect();
                    self.out.push_str(&Json::from(names).to_string());
                }
                (_, Type::Computed(how)) => self.computed(kind, object, field, how),
                (value, _) => self.plain(value),
            }
        }
        self.key("custom_fields", &mut first);
        self.custom_fields(kind, object);
        self.out.push('}');
    }

    /// Writes one entry of the change log.
    pub fn change(&mut self, change: &Change, select: &Select) {
        const FIELDS: [&str; 16] = [
            "id",
            "url",
            "display_url",
            "display",
            "time",
            "user",
            "user_name",
            "request_id",
            "action",
            "changed_object_type",
            "changed_object_id",
            "changed_object",
            "object_repr",
            "message",
            "prechange_data",
            "postchange_data",
        ];
        let def = change.kind.def();
        self.out.push('{');
        let mut first = true;
        for name in FIELDS.into_iter().filter(|name| select.has(name)) {
            self.key(name, &mut first);
            match name {
                "id" => self.number(change.id),
                "url" => self.string(&format!("{}/api/core/object-changes/{}/", self.base, change.id)),
                "display_url" => self.string(&format!("{}/core/changelog/{}/", self.base, change.id)),
                "display" => {
                    let app = def.app.to_uppercase();
                    let done = change.action.label().to_lowercase();
                    let text = format!("{app} | {} {} {done} by {}", def.verbose, change.repr, change.user);
                    self.string(&text);
                }
                "time" => self.string(&timestamp(change.time)),
                "user" => {
                    let text = format!(
                        "{{\"id\":1,\"url\":\"{}/api/users/users/1/\",\"display\":\"{user}\",\"username\":\"{user}\"}}",
                        self.base,
                        user = change.user
                    );
                    self.out.push_str(&text);
                }
                "user_name" => self.string(&change.user),
                "request_id" => self.string(&change.request_id),
                "action" => {
                    let text =
                        format!("{{\"value\":\"{}\",\"label\":\"{}\"}}", change.action.value(), change.action.label());
                    self.out.push_str(&text);
                }
                "changed_object_type" => self.string(&change.kind.content_type()),
                "changed_object_id" => self.number(change.object_id),
                "changed_object" => self.reference(change.kind, change.object_id, Shows::Brief),
                "object_repr" => self.string(&change.repr),
                "message" => self.string(&change.message),
                "prechange_data" => self.snapshot(change.kind, change.before.as_deref()),
                _ => self.snapshot(change.kind, change.after.as_deref()),
            }
        }
        self.out.push('}');
    }
}

/// 4 or 6.
pub(super) fn family(kind: Kind, object: &Object) -> u8 {
    let text = match kind {
        Kind::Prefix => object.text(kind, "prefix"),
        _ => object.text(kind, "address"),
    };
    if text.contains(':') { 6 } else { 4 }
}

/// The object that a content type and an id point at, if it is there.
pub(super) fn generic(store: &Store, kind: Kind, object: &Object, id_field: &str) -> Option<(Kind, u64)> {
    let position = kind.def().position(id_field)?;
    let Type::ObjectId { type_field } = kind.def().fields[position].ty else { return None };
    let target = Kind::from_content_type(object.text(kind, type_field))?;
    let id = object.values[position].target()?;
    store.get(target, id).map(|_| (target, id))
}

/// Steps from the root of a tree of parents.
pub(super) fn depth(store: &Store, kind: Kind, object: &Object) -> usize {
    let mut depth = 0;
    let mut parent = object.get(kind, "parent").target();
    while let Some(id) = parent {
        depth += 1;
        if depth > 100 {
            break;
        }
        parent = store.get(kind, id).and_then(|object| object.get(kind, "parent").target());
    }
    depth
}

/// Prefixes of the same VRF inside (`below`) or around a prefix.
pub(super) fn prefix_relatives(store: &Store, object: &Object, below: bool) -> usize {
    const KIND: Kind = Kind::Prefix;
    let Ok(net) = object.text(KIND, "prefix").parse::<IpNet>() else { return 0 };
    let vrf = object.get(KIND, "vrf");
    if below {
        // In the order of lists, what is inside follows directly.
        let later = store.ordered_after(KIND, object.id).take_while(|other| other.get(KIND, "vrf") == vrf);
        let nets = later.map_while(|other| other.text(KIND, "prefix").parse::<IpNet>().ok());
        let inside = nets.take_while(|other| net.contains(other));
        return inside.filter(|other| other.prefix_len() > net.prefix_len()).count();
    }
    // Going up needs at most one look a mask length.
    let vrf = vrf.target().map(|id| id.to_string()).unwrap_or_default();
    let parents = (1..net.prefix_len()).filter_map(|len| IpNet::new(net.addr(), len).ok());
    parents
        .filter(|parent| store.with_key(KIND, 0, &format!("{vrf}\u{1f}{}\u{1f}", parent.trunc())).next().is_some())
        .count()
}
