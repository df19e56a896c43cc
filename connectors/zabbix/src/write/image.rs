//! What people had on a host that is deleted: kept, so that an undo gives it back.
//!
//! A record has what the rules manage, and that comes back with the change. The image has the rest, by names: ids may be others'
//! by then. Secrets are not in it: the values of secret macros and pre-shared keys, which Zabbix tells nobody, nor what it tells
//! everybody: macros that are secrets by their names, and communities and passphrases of interfaces that are no macros.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use syncline_core::Result;
use syncline_core::bindings::Bindings;
use syncline_core::change::Change;
use syncline_core::target::Batch;

use super::Writer;
use crate::catalogue::Catalogue;
use crate::dialect::Monitoring;
use crate::mapping::interface::is_macro;
use crate::mapping::managed::{Managed, one_spelling};
use crate::read::rows_with;

/// What people had on a host, in the words of `host.create` but for names in place of ids.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Image {
    /// Names of groups.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    groups: Vec<String>,
    /// Technical names of templates.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    templates: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<Map<String, Value>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    macros: Vec<Map<String, Value>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    interfaces: Vec<Map<String, Value>>,
    /// Fields that are not empty.
    #[serde(skip_serializing_if = "Map::is_empty")]
    inventory: Map<String, Value>,
    /// The name of the proxy.
    #[serde(skip_serializing_if = "Option::is_none")]
    proxy: Option<String>,
    /// The name of the proxy group.
    #[serde(skip_serializing_if = "Option::is_none")]
    proxy_group: Option<String>,
    /// Description, mode of the inventory, IPMI, certificates.
    #[serde(skip_serializing_if = "Map::is_empty")]
    plain: Map<String, Value>,
}

/// Properties that go back as they are.
const PLAIN: [&str; 8] = [
    "description",
    "inventory_mode",
    "ipmi_authtype",
    "ipmi_privilege",
    "tls_connect",
    "tls_accept",
    "tls_issuer",
    "tls_subject",
];
/// A pre-shared key, in `tls_connect` and among the bits of `tls_accept`.
const PSK: u64 = 2;

impl Writer {
    /// What people have on the hosts of a batch, in its order.
    pub(super) async fn images_of(&self, batch: &Batch<'_>, bindings: &Bindings) -> Result<Vec<Option<Value>>> {
        let dialect = self.reader.dialect();
        let mut output = vec!["hostid"];
        output.extend(PLAIN);
        match dialect.monitoring {
            Monitoring::ProxyHostid => output.push("proxy_hostid"),
            Monitoring::MonitoredBy => output.extend(["proxyid", "proxy_groupid"]),
        }
        let id = |change: &Change| batch.native(change, bindings).map(|native| native.id.to_string());
        let ids: Vec<_> = batch.changes.iter().filter_map(|change| id(change)).collect();
        let query = json!({
            "output": output,
            "selectInterfaces": "extend",
            "selectParentTemplates": ["templateid"],
            "selectTags": ["tag", "value"],
            "selectMacros": ["macro", "value", "type", "description"],
            "selectInventory": "extend",
            (dialect.host_groups.0): ["groupid"],
        });
        let mut rows: Vec<Map<String, Value>> = Vec::new();
        for page in ids.chunks(self.page_size.max(1)) {
            rows.extend(rows_with(&self.reader, &query, page.to_vec()).await?);
        }
        let catalogue = self.catalogue();
        let mut images: BTreeMap<&str, Image> = BTreeMap::new();
        for row in &rows {
            images.insert(text(row, "hostid"), Image::of(row, &catalogue, &self.managed));
        }
        let image =
            |change: &&Change| images.remove(id(change)?.as_str()).and_then(|image| serde_json::to_value(image).ok());
        Ok(batch.changes.iter().map(image).collect())
    }
}

impl Image {
    fn of(row: &Map<String, Value>, catalogue: &Catalogue, managed: &Managed) -> Self {
        let named = |list: &str, id: &str, names: &crate::catalogue::Named, is_managed: &dyn Fn(&str) -> bool| {
            let ids = objects(row, list).map(|one| text(one, id));
            let names = ids.filter_map(|id| names.name(id)).filter(|name| !is_managed(name));
            names.map(str::to_owned).collect::<Vec<_>>()
        };
        let groups = if row.contains_key("hostgroups") { "hostgroups" } else { "groups" };
        let only = |object: &Map<String, Value>, names: &[&str]| -> Map<String, Value> {
            names.iter().filter_map(|name| Some(((*name).to_owned(), object.get(*name)?.clone()))).collect()
        };
        let macros = objects(row, "macros").filter(|found| {
            text(found, "type") != "1"
                && !is_secret(text(found, "macro"))
                && !managed.macros.contains(&one_spelling(text(found, "macro")))
        });
        let tags = objects(row, "tags").filter(|tag| !managed.tags.contains(text(tag, "tag")));
        let inventory = row.get("inventory").and_then(Value::as_object).into_iter().flatten();
        let inventory = inventory.filter(|(name, value)| {
            *name != "hostid" && *name != "inventory_mode" && *value != "" && !managed.inventory.contains(*name)
        });
        let given = |name: &str| Some(text(row, name)).filter(|id| !matches!(*id, "" | "0"));
        let proxy = given("proxyid").or_else(|| given("proxy_hostid")).and_then(|id| catalogue.proxies.name(id));
        let group = given("proxy_groupid").and_then(|id| catalogue.proxy_groups.name(id));
        let mut plain = only(row, &PLAIN);
        let bits = |name: &str| text(row, name).parse::<u64>().unwrap_or(0);
        if (bits("tls_connect") | bits("tls_accept")) & PSK != 0 {
            plain.retain(|name, _| !name.starts_with("tls_"));
        }
        Self {
            groups: named(groups, "groupid", &catalogue.groups, &|name| managed.group(name)),
            templates: named("parentTemplates", "templateid", &catalogue.templates, &|name| managed.template(name)),
            tags: tags.map(|tag| only(tag, &["tag", "value"])).collect(),
            macros: macros.map(|found| only(found, &["macro", "value", "type", "description"])).collect(),
            interfaces: objects(row, "interfaces").filter_map(interface).collect(),
            inventory: inventory.map(|(name, value)| (name.clone(), value.clone())).collect(),
            proxy: proxy.map(str::to_owned),
            proxy_group: group.map(str::to_owned),
            plain,
        }
    }
}

/// Gives back what people had on a host, beside what the object of its `host.create` has. What is gone from Zabbix meanwhile,
/// such as a group, cannot be given back.
pub(super) fn give_back(object: &mut Value, image: &Value, catalogue: &Catalogue, monitoring: Monitoring) {
    let (Some(object), Ok(image)) = (object.as_object_mut(), serde_json::from_value::<Image>(image.clone())) else {
        return;
    };
    let ids = |names: &[String], known: &crate::catalogue::Named, id: &str| -> Vec<Map<String, Value>> {
        let ids = names.iter().filter_map(|name| known.id(name));
        ids.map(|value| Map::from_iter([(id.to_owned(), value.into())])).collect()
    };
    add(object, "groups", ids(&image.groups, &catalogue.groups, "groupid"), &["groupid"]);
    add(object, "templates", ids(&image.templates, &catalogue.templates, "templateid"), &["templateid"]);
    add(object, "tags", image.tags, &["tag", "value"]);
    add(object, "macros", image.macros, &["macro"]);
    add(object, "interfaces", interfaces_beside(object, image.interfaces), &[]);
    for (name, value) in image.plain {
        // Who encrypts says all of it.
        let is_said = object.keys().any(|said| said.starts_with("tls_"));
        if !(name.starts_with("tls_") && is_said) {
            object.entry(name).or_insert(value);
        }
    }
    if !image.inventory.is_empty() && object.get("inventory_mode").is_none_or(|mode| mode != -1 && mode != "-1") {
        let fields = object.entry("inventory").or_insert_with(|| Value::Object(Map::new()));
        for (name, value) in image.inventory {
            if let Some(fields) = fields.as_object_mut() {
                fields.entry(name).or_insert(value);
            }
        }
    }
    let is_said = ["monitored_by", "proxyid", "proxy_hostid"].iter().any(|name| object.contains_key(*name));
    let proxy = image.proxy.and_then(|name| catalogue.proxies.id(&name).map(str::to_owned));
    let group = image.proxy_group.and_then(|name| catalogue.proxy_groups.id(&name).map(str::to_owned));
    let mut set = |name: &str, value: Value| drop(object.insert(name.to_owned(), value));
    match (monitoring, proxy, group) {
        _ if is_said => {}
        (Monitoring::ProxyHostid, Some(proxy), _) => set("proxy_hostid", proxy.into()),
        (Monitoring::MonitoredBy, _, Some(group)) => {
            set("monitored_by", 2.into());
            set("proxy_groupid", group.into());
        }
        (Monitoring::MonitoredBy, Some(proxy), None) => {
            set("monitored_by", 1.into());
            set("proxyid", proxy.into());
        }
        _ => {}
    }
}

/// Adds to a list what is not in it, by the members that tell one from another.
fn add(object: &mut Map<String, Value>, list: &str, more: Vec<Map<String, Value>>, by: &[&str]) {
    if more.is_empty() {
        return;
    }
    let list = object.entry(list).or_insert_with(|| Value::Array(Vec::new()));
    let Some(list) = list.as_array_mut() else { return };
    for one in more {
        let same = |known: &Value| !by.is_empty() && by.iter().all(|name| known.get(*name) == one.get(*name));
        if !list.iter().any(same) {
            list.push(Value::Object(one));
        }
    }
}

/// Interfaces of people beside those that a host gets: of each type one is the main one.
fn interfaces_beside(object: &Map<String, Value>, had: Vec<Map<String, Value>>) -> Vec<Map<String, Value>> {
    let given = object.get("interfaces").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let number = |value: Option<&Value>| value.map(|value| value.to_string().trim_matches('"').to_owned());
    let has_main: BTreeSet<_> = given.iter().filter_map(|one| number(one.get("type"))).collect();
    let mains = |one: &Map<String, Value>| {
        let is_main = number(one.get("main")).is_some_and(|main| main == "1");
        is_main && number(one.get("type")).is_some_and(|kind| has_main.contains(&kind))
    };
    had.into_iter().filter(|one| !mains(one)).collect()
}

/// An interface as it is created; none if its secrets are not macros.
fn interface(read: &Map<String, Value>) -> Option<Map<String, Value>> {
    const SECRETS: [&str; 3] = ["community", "authpassphrase", "privpassphrase"];
    let mut interface: Map<String, Value> = ["type", "main", "useip", "ip", "dns", "port"]
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), read.get(name)?.clone())))
        .collect();
    if let Some(details) = read.get("details").and_then(Value::as_object).filter(|details| !details.is_empty()) {
        let secrets = SECRETS.iter().filter_map(|name| details.get(*name)?.as_str());
        if secrets.filter(|secret| !secret.is_empty()).any(|secret| !is_macro(secret)) {
            return None;
        }
        interface.insert("details".to_owned(), Value::Object(details.clone()));
    }
    Some(interface)
}

/// Whether a macro is a secret by its name, whatever its type says: people keep communities and passwords in plain ones.
fn is_secret(name: &str) -> bool {
    const WORDS: [&str; 9] = ["PASS", "PWD", "PW}", "SECRET", "TOKEN", "KEY", "COMMUNITY", "PSK", "CREDENTIAL"];
    let name = name.to_uppercase();
    WORDS.iter().any(|word| name.contains(word))
}

fn text<'r>(object: &'r Map<String, Value>, name: &str) -> &'r str {
    object.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn objects<'r>(row: &'r Map<String, Value>, list: &str) -> impl Iterator<Item = &'r Map<String, Value>> {
    row.get(list).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object)
}
