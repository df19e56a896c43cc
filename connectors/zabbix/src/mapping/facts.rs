//! What the rules can speak of: one device, stack or virtual machine with what it refers to.

use std::collections::HashMap;

use serde::Serialize;
use serde_json::{Map, Value};
use syncline_core::Result;
use syncline_core::snapshot::{Snapshot, SnapshotReader};

/// The facts about one record. Everything that there is to say is always there, empty where the source says nothing, so that a rule
/// need not ask whether it is.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Facts {
    /// `device`, `virtual_chassis` or `virtual_machine`.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// Where in its life it is: `active`.
    pub status: String,
    /// The maker's serial number.
    pub serial: String,
    /// Slugs of its tags.
    pub tags: Vec<String>,
    /// The address it is managed by, IPv4 first.
    pub primary_ip: String,
    /// The IPv4 address it is managed by.
    pub primary_ip4: String,
    /// The IPv6 address it is managed by.
    pub primary_ip6: String,
    /// Its site.
    pub site: Value,
    /// Its role.
    pub role: Value,
    /// What it runs.
    pub platform: Value,
    /// Its hardware.
    pub device_type: Value,
    /// Who made it.
    pub manufacturer: Value,
    /// The stack that it is a member of.
    pub virtual_chassis: Value,
    /// Its position in the stack.
    pub vc_position: String,
    /// Whom it belongs to, with the name of the group of tenants.
    pub tenant: Value,
    /// The cluster that it is part of or that runs it, with the names of its type and group.
    pub cluster: Value,
    /// The name of the device that a virtual machine is pinned to.
    pub device: String,
    /// The virtual processors of a virtual machine.
    pub vcpus: String,
    /// The memory of a virtual machine, in MB.
    pub memory: String,
    /// The disk of a virtual machine, in MB.
    pub disk: String,
    /// Its custom fields by name, those without a value left out.
    pub custom_fields: Value,
    /// Its rendered config context, what has no value left out.
    pub config_context: Value,
}

/// Catalogues of the source, by key, as the facts show them.
pub(crate) struct Catalogues {
    models: HashMap<&'static str, HashMap<String, Value>>,
}

/// The models that facts refer to, with the fields that are shown.
const CATALOGUES: &[(&str, &[&str])] = &[
    ("site", &["slug", "name", "status", "physical_address"]),
    ("device_role", &["slug", "name"]),
    ("platform", &["slug", "name"]),
    ("device_type", &["slug", "model", "part_number"]),
    ("manufacturer", &["slug", "name"]),
    ("virtual_chassis", &["name", "domain"]),
    ("tenant_group", &["slug", "name"]),
    ("tenant", &["slug", "name", "group"]),
    ("cluster_type", &["slug", "name"]),
    ("cluster_group", &["slug", "name"]),
    ("cluster", &["name", "status", "type", "group"]),
];

/// Fields that show the name of what they refer to. It comes before its referrer in the list above.
const NAMED: &[(&str, &str, &str)] =
    &[("tenant", "group", "tenant_group"), ("cluster", "type", "cluster_type"), ("cluster", "group", "cluster_group")];

impl Catalogues {
    /// Reads those that a snapshot has.
    pub fn read(source: &Snapshot) -> Result<Self> {
        let mut models: HashMap<&'static str, HashMap<String, Value>> = HashMap::new();
        for (model, fields) in CATALOGUES {
            let mut records = HashMap::new();
            if let Some(snapshot) = source.models.get(model) {
                let mut reader = SnapshotReader::open(snapshot)?;
                while let Some(line) = reader.next_line()? {
                    let record = line.fields()?;
                    let mut shown = of_fields(fields, &record);
                    if let Some(manufacturer) = record.get("manufacturer").filter(|key| key.is_array()) {
                        shown.insert("manufacturer".to_owned(), manufacturer.clone());
                    }
                    if let Some(master) = record.get("master").filter(|key| key.is_array()) {
                        shown.insert("master".to_owned(), master.clone());
                    }
                    for (_, field, other) in NAMED.iter().filter(|(referrer, ..)| referrer == model) {
                        let named = |key: &Value| models.get(other)?.get(&key.to_string())?.get("name").cloned();
                        let name = record.get(*field).and_then(named).unwrap_or_else(|| "".into());
                        shown.insert((*field).to_owned(), name);
                    }
                    records.insert(String::from_utf8_lossy(line.key).into_owned(), Value::Object(shown));
                }
            }
            models.insert(*model, records);
        }
        Ok(Self { models })
    }

    /// A record by its key, with every field that facts show; all empty where there is none.
    pub fn get(&self, model: &'static str, key: Option<&Value>) -> Value {
        let found = key.filter(|key| key.is_array()).and_then(|key| self.models.get(model)?.get(&key.to_string()));
        found.cloned().unwrap_or_else(|| empty(model))
    }

    /// The records of a model.
    pub fn all(&self, model: &'static str) -> impl Iterator<Item = (&String, &Value)> {
        self.models.get(model).into_iter().flatten()
    }
}

fn empty(model: &str) -> Value {
    let fields = CATALOGUES.iter().find(|(known, _)| *known == model).map_or(&[][..], |(_, fields)| fields);
    Value::Object(of_fields(fields, &Map::new()))
}

/// The named fields of a record, empty texts where it has none.
fn of_fields(fields: &[&str], record: &Map<String, Value>) -> Map<String, Value> {
    let shown = |name: &&str| {
        let value = record.get(*name).filter(|value| !value.is_null()).cloned();
        ((*name).to_owned(), value.unwrap_or_else(|| Value::String(String::new())))
    };
    fields.iter().map(shown).collect()
}

impl Facts {
    /// The facts that there are, as an example in which null is data of any shape.
    pub fn example() -> Value {
        let nothing = Catalogues { models: HashMap::new() };
        let mut example = serde_json::to_value(Self::of("device", &Map::new(), &nothing)).unwrap_or_default();
        for open in ["custom_fields", "config_context"] {
            example[open] = Value::Null;
        }
        example
    }

    /// The facts about a device or a virtual machine, as the source's record has them.
    pub fn of(kind: &'static str, record: &Map<String, Value>, catalogues: &Catalogues) -> Self {
        let text = |name: &str| match record.get(name) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Null) | None => String::new(),
            Some(other) => other.to_string(),
        };
        let (primary_ip4, primary_ip6) = (host_of(record.get("primary_ip4")), host_of(record.get("primary_ip6")));
        let device_type = catalogues.get("device_type", record.get("device_type"));
        let manufacturer = catalogues.get("manufacturer", device_type.get("manufacturer"));
        let tags = record.get("tags").and_then(Value::as_array).into_iter().flatten();
        Self {
            kind,
            name: text("name"),
            status: text("status"),
            serial: text("serial"),
            tags: tags.filter_map(|key| key.get(0)?.as_str().map(str::to_owned)).collect(),
            primary_ip: if primary_ip4.is_empty() { primary_ip6.clone() } else { primary_ip4.clone() },
            primary_ip4,
            primary_ip6,
            site: catalogues.get("site", record.get("site")),
            role: catalogues.get("device_role", record.get("role")),
            platform: catalogues.get("platform", record.get("platform")),
            device_type,
            manufacturer,
            virtual_chassis: catalogues.get("virtual_chassis", record.get("virtual_chassis")),
            vc_position: text("vc_position"),
            tenant: catalogues.get("tenant", record.get("tenant")),
            cluster: catalogues.get("cluster", record.get("cluster")),
            device: record.get("device").and_then(|key| key.get(1)?.as_str()).unwrap_or_default().to_owned(),
            vcpus: text("vcpus"),
            memory: text("memory"),
            disk: text("disk"),
            custom_fields: data(record.get("custom_fields")),
            config_context: data(record.get("config_context")),
        }
    }
}

/// Data of any shape, without what is null in it: rules ask whether something is there.
fn data(value: Option<&Value>) -> Value {
    match value {
        None => Value::Object(Map::new()),
        Some(Value::Object(members)) => {
            let there = members.iter().filter(|(_, value)| !value.is_null());
            Value::Object(there.map(|(name, value)| (name.clone(), data(Some(value)))).collect())
        }
        Some(Value::Array(items)) => items.iter().map(|item| data(Some(item))).collect(),
        Some(other) => other.clone(),
    }
}

/// The address in a reference to one: keys of addresses are VRF and host part.
fn host_of(reference: Option<&Value>) -> String {
    reference.and_then(|key| key.get(1)?.as_str().map(str::to_owned)).unwrap_or_default()
}
