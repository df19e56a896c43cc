//! What Nautobot calls the models and their fields.

use syncline_core::prelude::*;
use syncline_core::table::{self, canonical_mac, short_form};
use syncline_core::tables;
use syncline_http::django::choice;
use syncline_model::models::{
    self, Device, DeviceRole, DeviceType, IpAddress, MacAddress, Platform, Prefix, Site, Vlan, Vrf,
};
use syncline_model::{FieldSet, Model as _};

pub(crate) type Table = table::Table<Kind>;
pub(crate) type Column = table::Column<Kind>;

/// How a field of Nautobot becomes one of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A text; none is written as the empty text.
    Text,
    /// A value; none is null.
    Plain,
    /// One of the words that Nautobot lists.
    Choice,
    /// The short form of a name: Nautobot keeps no slugs.
    Short,
    /// A MAC address, however it is spelled.
    Mac,
    /// The short form of the name of a status or a role; or one of these types, beside the one that everything else is of.
    Status(&'static [&'static str], &'static str),
    /// An object.
    Reference,
    /// A virtual chassis, by its name: chassis are read after the devices, one of which is the master.
    Chassis,
    /// An address, by itself: addresses are read after the devices.
    Address,
    /// An interface, by itself.
    Interface,
    /// At most one of the interfaces that an address is assigned to.
    Assigned,
    /// The object itself, which is an interface.
    Itself,
    /// The VRF of a prefix, or of its namespace.
    Vrf,
    /// The VRF of the prefix that holds an address.
    ParentVrf,
    /// The tags.
    Tags,
    /// Data that is only read.
    Read,
}

use Kind::{
    Address, Assigned, Chassis, Choice, Interface, Itself, Mac, ParentVrf, Plain, Read, Reference, Short, Status, Tags,
    Text,
};

/// Every model that Nautobot keeps, in the order in which they are read: what others refer to comes first.
pub(crate) const TABLES: &[Table] = tables! {
    Tag in "extras/tags" { "slug" = "name": Short, "name": Text, "color": Plain, }
    TenantGroup in "tenancy/tenant-groups" { "slug" = "name": Short, "name": Text, }
    Tenant in "tenancy/tenants" { "slug" = "name": Short, "name": Text, "group" = "tenant_group": Reference, }
    Site in "dcim/locations" {
        "slug" = "name": Short, "name": Text, "status": Status(&[], ""), "physical_address": Text,
    }
    Manufacturer in "dcim/manufacturers" { "slug" = "name": Short, "name": Text, }
    DeviceType in "dcim/device-types" {
        "manufacturer": Reference, "slug" = "model": Short, "model": Text, "part_number": Text,
    }
    DeviceRole in "extras/roles" { "slug" = "name": Short, "name": Text, "color": Plain, }
    Platform in "dcim/platforms" { "slug" = "name": Short, "name": Text, "manufacturer": Reference, }
    Vrf in "ipam/vrfs" { "name": Text, "rd": Plain, "description": Text, }
    Vlan in "ipam/vlans" { "site" = "locations": Reference, "vid": Plain, "name": Text, "status": Status(&[], ""), }
    Prefix in "ipam/prefixes" {
        "vrf" = "vrfs": Kind::Vrf, "prefix": Plain, "status": Status(&["container"], "network"),
        "site" = "locations": Reference, "description": Text,
    }
    ClusterType in "virtualization/cluster-types" { "slug" = "name": Short, "name": Text, }
    ClusterGroup in "virtualization/cluster-groups" { "slug" = "name": Short, "name": Text, }
    Cluster in "virtualization/clusters" {
        "site" = "location": Reference, "group" = "cluster_group": Reference, "name": Text,
        "type" = "cluster_type": Reference, "tenant": Reference,
    }
    Device in "dcim/devices" {
        "site" = "location": Reference, "name": Text, "device_type": Reference, "role": Reference,
        "platform": Reference, "status": Status(&[], ""), "serial": Text, "virtual_chassis": Chassis,
        "vc_position": Plain, "primary_ip4": Address, "primary_ip6": Address, "tags": Tags, "tenant": Reference,
        "custom_fields" = "_custom_field_data": Read, "config_context": Read,
    }
    VirtualChassis in "dcim/virtual-chassis" { "name": Text, "domain": Text, "master": Reference, }
    VirtualMachine in "virtualization/virtual-machines" {
        "cluster": Reference, "name": Text, "role": Reference, "platform": Reference, "status": Status(&[], ""),
        "tenant": Reference, "memory": Plain, "disk": Plain, "primary_ip4": Address, "primary_ip6": Address,
        "tags": Tags, "custom_fields" = "_custom_field_data": Read, "config_context": Read,
    }
    Interface in "dcim/interfaces" {
        "device": Reference, "name": Text, "type": Choice, "enabled": Plain, "mtu": Plain, "speed": Plain,
        "description": Text, "lag": Interface, "mode": Choice, "untagged_vlan": Reference,
    }
    MacAddress in "dcim/interfaces" { "interface" = "device": Itself, "mac_address": Mac, }
    IpAddress in "ipam/ip-addresses" {
        "vrf" = "parent": ParentVrf, "address": Plain, "status": Status(&["dhcp", "slaac"], "host"), "role": Status(&[], ""),
        "interface" = "interfaces": Assigned, "description": Text,
    }
};

/// The list of a table in GraphQL.
pub(crate) fn list(table: &Table) -> String {
    table.path.rsplit('/').next().unwrap_or_default().replace('-', "_")
}

/// Its content type, as statuses name it: `dcim.device`.
pub(crate) fn content_type(table: &Table) -> String {
    let app = table.path.split('/').next().unwrap_or_default();
    let name = if table.schema.name == Site::NAME { "location" } else { table.schema.name };
    format!("{app}.{}", name.replace('_', ""))
}

/// What is asked of each object beside its fields.
pub(crate) fn beside(table: &Table) -> &'static str {
    match table.schema.name {
        Site::NAME => "location_type{name} parent{id}",
        DeviceRole::NAME => "content_types{model}",
        Vrf::NAME => "namespace{id}",
        _ => "",
    }
}

/// By which field of ours objects are looked up, and the argument of GraphQL that takes its values.
pub(crate) fn find(table: &Table) -> (&'static str, &'static str) {
    match table.schema.name {
        DeviceType::NAME => ("model", "model"),
        Vlan::NAME => ("vid", "vid"),
        Prefix::NAME => ("prefix", "prefix"),
        models::Interface::NAME => ("device", "device_id"),
        MacAddress::NAME => ("interface", "id"),
        IpAddress::NAME => ("address", "address"),
        _ => ("name", "name"),
    }
}

/// Whether its records are the objects of its list. A MAC address is a field of one.
pub(crate) fn is_listed(table: &Table) -> bool {
    table.schema.name != MacAddress::NAME
}

/// What a delete would take along, or take the object from, of what is in the plan before it: lists of GraphQL.
pub(crate) fn parts(table: &Table) -> &'static [&'static str] {
    match table.schema.name {
        Site::NAME => &["children", "vlans", "prefixes"],
        Platform::NAME => &["devices", "virtual_machines"],
        Device::NAME => &["interfaces", "inventory_items", "module_bays", "device_bays"],
        models::Interface::NAME => &["ip_addresses"],
        IpAddress::NAME => &["vm_interfaces"],
        _ => &[],
    }
}

/// The fields that a side speaks of: a target of those that it can keep.
pub(crate) fn fields(table: &Table, role: Role, has_speed: bool) -> FieldSet {
    let is_kept = role == Role::Source || !table.path.starts_with("virtualization/");
    let is_held = |kind| role == Role::Source || kind != Read;
    table.fields(|column| is_kept && is_held(column.kind) && (has_speed || column.field != "speed"))
}

impl Kind {
    /// What GraphQL is asked for.
    pub fn ask(self, name: &str) -> String {
        match self {
            Text | Plain | Choice | Short | Mac | Read => name.to_owned(),
            Status([], _) => format!("{name}{{name}}"),
            Status(..) => format!("type {name}{{name}}"),
            Reference | ParentVrf | Tags => format!("{name}{{id}}"),
            Chassis => format!("{name}{{id name}}"),
            Address => format!("{name}{{id host parent{{id}}}}"),
            Interface | Assigned => format!("{name}{{id name device{{id}}}}"),
            Itself => format!("name {name}{{id}}"),
            Kind::Vrf => format!("{name}{{id}} namespace{{id name}}"),
        }
    }

    /// Whether it is an object of its own, which is written after the other.
    pub fn is_second_step(self) -> bool {
        matches!(self, Kind::Vrf | Assigned)
    }

    /// The value of a row, with ids in the place of what it leads to; several ones are sorted.
    pub fn value(self, name: &str, row: &Value) -> Value {
        let value = &row[name];
        match (self, value) {
            (Text, Value::String(text)) if text.is_empty() => Value::Null,
            (Text | Plain | Read, _) => value.clone(),
            (Mac, _) => canonical_mac(value),
            (Choice, _) => value.as_str().map_or(Value::Null, |name| choice(name).into()),
            (Short, _) => short_form(value),
            (Status(types, _), _) => match row["type"].as_str().map(choice) {
                Some(kind) if types.contains(&kind.as_str()) => kind.into(),
                _ => short_form(&value["name"]),
            },
            (Itself, _) => row["id"].clone(),
            (_, Value::Array(several)) => {
                let mut ids: Vec<_> = several.iter().filter_map(|one| one["id"].as_str()).collect();
                ids.sort_unstable();
                match ids.as_slice() {
                    [] if self != Tags => Value::Null,
                    [one] if self != Tags => (*one).into(),
                    _ => ids.into(),
                }
            }
            (_, one) => one["id"].clone(),
        }
    }
}
