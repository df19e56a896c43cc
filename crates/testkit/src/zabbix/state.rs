//! The objects. A request works on a copy; it takes the place of the original if the request succeeds.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::access::{Session, Token, User};
use super::accounts::UserGroup;
use super::php::Object;
use super::refusal::Refusal;

/// Properties by name, as text. A property that is missing has its default.
pub(super) type Row = BTreeMap<&'static str, String>;

/// A property and its default.
pub(super) type Column = (&'static str, &'static str);

/// Everything that the server knows.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    /// The last id given out, by table.
    ids: BTreeMap<&'static str, u64>,
    pub groups: BTreeMap<u64, Group>,
    /// Empty before template groups were split off.
    pub template_groups: BTreeMap<u64, Group>,
    pub hosts: BTreeMap<u64, Arc<Host>>,
    pub templates: BTreeMap<u64, Arc<Host>>,
    pub proxies: BTreeMap<u64, Row>,
    pub proxy_groups: BTreeMap<u64, Row>,
    /// Global macros.
    pub globals: BTreeMap<u64, Macro>,
    pub maintenances: BTreeMap<u64, Maintenance>,
    pub users: BTreeMap<u64, User>,
    pub user_groups: BTreeMap<u64, UserGroup>,
    pub tokens: BTreeMap<u64, Token>,
    pub sessions: Vec<Session>,
    /// Objects that the request at hand created, changed or deleted.
    pub written: usize,
}

/// A host group or template group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Group {
    pub name: String,
    pub uuid: String,
    /// The group that network discovery puts hosts into; it cannot be deleted.
    pub internal: bool,
}

/// A host or a template: the frontend keeps both in one table.
#[derive(Clone, Debug, Default)]
pub(super) struct Host {
    pub id: u64,
    pub row: Row,
    pub groups: BTreeSet<u64>,
    pub interfaces: Vec<Interface>,
    /// Templates in the order in which they were linked.
    pub templates: Vec<u64>,
    pub tags: Vec<Tag>,
    pub macros: Vec<Macro>,
    /// `None` when the inventory is disabled.
    pub inventory: Option<Inventory>,
    /// Items, discovery rules and item prototypes, in the order of their ids.
    pub items: Vec<Item>,
    pub triggers: Vec<Trigger>,
    pub is_template: bool,
}

/// The inventory of a host.
#[derive(Clone, Debug, Default)]
pub(super) struct Inventory {
    /// 0 by hand, 1 also filled by items.
    pub automatic: bool,
    pub row: Row,
}

#[derive(Clone, Debug)]
pub(super) struct Interface {
    pub id: u64,
    pub row: Row,
    /// SNMP details; empty for other types.
    pub details: Row,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tag {
    pub tag: String,
    pub value: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Macro {
    pub id: u64,
    pub name: String,
    pub value: String,
    /// 0 text, 1 secret, 2 vault path.
    pub kind: String,
    pub description: String,
}

/// What an item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ItemKind {
    Item,
    Rule,
    Prototype,
}

#[derive(Clone, Debug)]
pub(super) struct Item {
    pub id: u64,
    pub kind: ItemKind,
    /// The item of a template that it comes from, or 0.
    pub parent: u64,
    pub interface: u64,
    /// The discovery rule of a prototype, or 0.
    pub rule: u64,
    /// Shared with the template.
    pub body: Arc<Row>,
}

#[derive(Clone, Debug)]
pub(super) struct Trigger {
    pub id: u64,
    /// The trigger of a template that it comes from, or 0.
    pub parent: u64,
    pub body: Arc<Row>,
    /// Triggers that it depends on.
    pub depends_on: Vec<u64>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Maintenance {
    pub row: Row,
    pub hosts: BTreeSet<u64>,
    pub groups: BTreeSet<u64>,
    pub periods: Vec<Row>,
    pub tags: Vec<Row>,
}

impl State {
    /// The next id of a table.
    pub fn next(&mut self, table: &'static str) -> u64 {
        let last = self.ids.entry(table).or_insert(0);
        *last += 1;
        *last
    }

    /// Lets the ids of a table begin behind `last`.
    pub fn begin_ids(&mut self, table: &'static str, last: u64) {
        self.ids.insert(table, last);
    }

    /// A host or template.
    pub fn thing(&self, id: u64) -> Option<&Arc<Host>> {
        self.hosts.get(&id).or_else(|| self.templates.get(&id))
    }

    pub fn put(&mut self, host: Host) {
        self.written += 1;
        let map = if host.is_template { &mut self.templates } else { &mut self.hosts };
        map.insert(host.id, Arc::new(host));
    }

    /// The host that has an interface.
    pub fn interface(&self, id: u64) -> Option<(&Arc<Host>, &Interface)> {
        let find = |host: &'_ Host| host.interfaces.iter().position(|interface| interface.id == id);
        self.hosts.values().find_map(|host| find(host).map(|at| (host, &host.interfaces[at])))
    }

    /// The templates that a template is linked to, and theirs.
    pub fn ancestors(&self, template: u64) -> Vec<u64> {
        let mut found = Vec::new();
        let mut open: Vec<u64> = self.templates.get(&template).map(|t| t.templates.clone()).unwrap_or_default();
        while let Some(next) = open.pop() {
            if !found.contains(&next) {
                found.push(next);
                open.extend(self.templates.get(&next).into_iter().flat_map(|t| t.templates.iter().copied()));
            }
        }
        found
    }
}

impl Host {
    /// A property, or its default.
    pub fn get(&self, name: &str) -> &str {
        self.row.get(name).map_or_else(|| default(HOST, name), String::as_str)
    }

    /// The technical name.
    pub fn host(&self) -> &str {
        self.get("host")
    }

    /// The visible name.
    pub fn name(&self) -> &str {
        self.get("name")
    }
}

impl Item {
    pub fn get(&self, name: &str) -> &str {
        self.body.get(name).map_or("", String::as_str)
    }

    pub fn key(&self) -> &str {
        self.get("key_")
    }
}

/// The default of a property; empty for one that is not in the table.
pub(super) fn default(table: &[Column], name: &str) -> &'static str {
    table.iter().find(|(known, _)| *known == name).map_or("", |(_, default)| default)
}

/// Puts a text into a row if the column is wide enough.
pub(super) fn set(row: &mut Row, name: &'static str, value: String, width: usize) -> Result<(), Refusal> {
    let length = value.chars().count();
    if length > width {
        let text = format!(
            "Value \"{value}\" is too long for field \"{name}\" - {length} characters. Allowed length is {width} characters."
        );
        return Err(Refusal::database(text));
    }
    row.insert(name, value);
    Ok(())
}

/// A row as the API shows it.
pub(super) fn show(row: &Row, table: &[Column]) -> Object {
    let value = |name: &str, default: &str| row.get(name).map_or_else(|| default.to_owned(), Clone::clone);
    table.iter().map(|(name, default)| ((*name).to_owned(), value(name, default).into())).collect()
}

/// The columns of a host that every version has, with their defaults.
pub(super) const HOST: &[Column] = &[
    ("host", ""),
    ("status", "0"),
    ("ipmi_authtype", "-1"),
    ("ipmi_privilege", "2"),
    ("ipmi_username", ""),
    ("ipmi_password", ""),
    ("maintenanceid", "0"),
    ("maintenance_status", "0"),
    ("maintenance_type", "0"),
    ("maintenance_from", "0"),
    ("name", ""),
    ("flags", "0"),
    ("templateid", "0"),
    ("description", ""),
    ("tls_connect", "1"),
    ("tls_accept", "1"),
    ("tls_issuer", ""),
    ("tls_subject", ""),
    ("custom_interfaces", "0"),
    ("uuid", ""),
    ("proxy_hostid", "0"),
    ("proxyid", "0"),
    ("proxy_groupid", "0"),
    ("monitored_by", "0"),
    ("vendor_name", ""),
    ("vendor_version", ""),
    ("lastaccess", "0"),
    ("proxy_address", ""),
    ("auto_compress", "1"),
    ("tls_psk_identity", ""),
    ("tls_psk", ""),
];
