//! What Nautobot calls the models and their fields.

use syncline_core::prelude::*;
use syncline_http::django::choice;
use syncline_model::models;
use syncline_model::{FieldSet, Model as _, ModelSchema, Slug};

/// Where a model lives in Nautobot.
pub(crate) struct Table {
    /// Our model.
    pub schema: &'static ModelSchema,
    /// Its list in the REST API and in the user interface: `dcim/devices`.
    pub path: &'static str,
    /// The fields, in our order.
    pub columns: &'static [Column],
}

/// A field of ours and what it is in Nautobot.
pub(crate) struct Column {
    /// Our field.
    pub field: &'static str,
    /// Nautobot's.
    pub native: &'static str,
    /// How one becomes the other.
    pub kind: Kind,
}

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
    /// The short form of the name of a status or a role; or one of these types, beside the one that everything else is of.
    Status(&'static [&'static str], &'static str),
    /// An object of a model.
    Reference(&'static str),
    /// A virtual chassis, by its name: chassis are read after the devices, one of which is the master.
    Chassis,
    /// An address, by itself: addresses are read after the devices.
    Address,
    /// An interface, by itself, or at most one of several.
    Interface,
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
    Address, Chassis, Choice, Interface, Itself, ParentVrf, Plain, Read, Reference, Short, Status, Tags, Text, Vrf,
};

/// Tables as model, path, and fields with their kinds; `=` names a field that is called otherwise in Nautobot.
macro_rules! tables {
    (@ $field:literal) => { $field };
    (@ $field:literal $native:literal) => { $native };
    ($($model:ident in $path:literal { $($field:literal $(= $native:literal)?: $kind:expr,)+ })+) => {
        &[$(Table {
            schema: models::$model::SCHEMA,
            path: $path,
            columns: &[$(Column { field: $field, native: tables!(@ $field $($native)?), kind: $kind }),+],
        }),+]
    };
}

/// Every model that Nautobot keeps, in the order in which they are read: what others refer to comes first.
pub(crate) const TABLES: &[Table] = tables! {
    Tag in "extras/tags" { "slug" = "name": Short, "name": Text, "color": Plain, }
    TenantGroup in "tenancy/tenant-groups" { "slug" = "name": Short, "name": Text, }
    Tenant in "tenancy/tenants" {
        "slug" = "name": Short, "name": Text, "group" = "tenant_group": Reference("tenant_group"),
    }
    Site in "dcim/locations" {
        "slug" = "name": Short, "name": Text, "status": Status(&[], ""), "physical_address": Text,
    }
    Manufacturer in "dcim/manufacturers" { "slug" = "name": Short, "name": Text, }
    DeviceType in "dcim/device-types" {
        "manufacturer": Reference("manufacturer"), "slug" = "model": Short, "model": Text, "part_number": Text,
    }
    DeviceRole in "extras/roles" { "slug" = "name": Short, "name": Text, "color": Plain, }
    Platform in "dcim/platforms" {
        "slug" = "name": Short, "name": Text, "manufacturer": Reference("manufacturer"),
    }
    Vrf in "ipam/vrfs" { "name": Text, "rd": Plain, "description": Text, }
    Vlan in "ipam/vlans" { "site" = "locations": Reference("site"), "vid": Plain, "name": Text, "status": Status(&[], ""), }
    Prefix in "ipam/prefixes" {
        "vrf" = "vrfs": Vrf, "prefix": Plain, "status": Status(&["container"], "network"), "site" = "locations": Reference("site"),
        "description": Text,
    }
    ClusterType in "virtualization/cluster-types" { "slug" = "name": Short, "name": Text, }
    ClusterGroup in "virtualization/cluster-groups" { "slug" = "name": Short, "name": Text, }
    Cluster in "virtualization/clusters" {
        "site" = "location": Reference("site"), "group" = "cluster_group": Reference("cluster_group"), "name": Text,
        "type" = "cluster_type": Reference("cluster_type"), "tenant": Reference("tenant"),
    }
    Device in "dcim/devices" {
        "site" = "location": Reference("site"), "name": Text, "device_type": Reference("device_type"),
        "role": Reference("device_role"), "platform": Reference("platform"), "status": Status(&[], ""), "serial": Text,
        "virtual_chassis": Chassis, "vc_position": Plain, "primary_ip4": Address, "primary_ip6": Address, "tags": Tags,
        "tenant": Reference("tenant"), "custom_fields" = "_custom_field_data": Read, "config_context": Read,
    }
    VirtualChassis in "dcim/virtual-chassis" { "name": Text, "domain": Text, "master": Reference("device"), }
    VirtualMachine in "virtualization/virtual-machines" {
        "cluster": Reference("cluster"), "name": Text, "role": Reference("device_role"),
        "platform": Reference("platform"), "status": Status(&[], ""), "tenant": Reference("tenant"), "memory": Plain,
        "disk": Plain, "primary_ip4": Address, "primary_ip6": Address, "tags": Tags,
        "custom_fields" = "_custom_field_data": Read, "config_context": Read,
    }
    Interface in "dcim/interfaces" {
        "device": Reference("device"), "name": Text, "type": Choice, "enabled": Plain, "mtu": Plain, "speed": Plain,
        "description": Text, "lag": Interface, "mode": Choice, "untagged_vlan": Reference("vlan"),
    }
    MacAddress in "dcim/interfaces" { "interface" = "device": Itself, "mac_address": Text, }
    IpAddress in "ipam/ip-addresses" {
        "vrf" = "parent": ParentVrf, "address": Plain, "status": Status(&["dhcp", "slaac"], "host"), "role": Status(&[], ""),
        "interface" = "interfaces": Interface, "description": Text,
    }
};

/// The table of a model by name.
pub(crate) fn by_name(model: &str) -> Result<&'static Table> {
    let table = TABLES.iter().find(|table| table.schema.name == model);
    table.ok_or_else(|| Error::new(ErrorKind::Internal, format!("Nautobot keeps no `{model}`")))
}

/// The short form of a name, as the models spell sites, statuses and roles.
pub(crate) fn short(name: &Value) -> Value {
    name.as_str().and_then(Slug::from_name).map_or(Value::Null, |slug| slug.as_str().into())
}

impl Table {
    /// A column by our name.
    pub fn column(&self, field: &str) -> Option<&'static Column> {
        self.columns.iter().find(|column| column.field == field)
    }

    /// The columns of some of our fields.
    pub fn columns_of(&self, fields: FieldSet) -> Vec<&'static Column> {
        let wanted = |column: &&Column| self.schema.position(column.field).is_some_and(|at| fields.contains(at));
        self.columns.iter().filter(wanted).collect()
    }

    /// Its list in GraphQL.
    pub fn list(&self) -> String {
        self.path.rsplit('/').next().unwrap_or_default().replace('-', "_")
    }

    /// Its content type, as statuses and change logs name it: `dcim.device`.
    pub fn content_type(&self) -> String {
        let app = self.path.split('/').next().unwrap_or_default();
        let name = if self.schema.name == models::Site::NAME { "location" } else { self.schema.name };
        format!("{app}.{}", name.replace('_', ""))
    }

    /// A filter that leaves out what is of another kind.
    pub fn filter(&self) -> &'static [(&'static str, &'static str)] {
        if self.schema.name == models::DeviceRole::NAME { &[("content_types", "dcim.device")] } else { &[] }
    }

    /// What is asked of each object beside its fields.
    pub fn beside(&self) -> &'static str {
        match self.schema.name {
            models::Site::NAME => "location_type{name} parent{id}",
            models::Vrf::NAME => "namespace{id}",
            _ => "",
        }
    }

    /// By which field of ours objects are looked up, and the argument of GraphQL that takes its values.
    pub fn find(&self) -> (&'static str, &'static str) {
        match self.schema.name {
            models::DeviceType::NAME => ("model", "model"),
            models::Vlan::NAME => ("vid", "vid"),
            models::Prefix::NAME => ("prefix", "prefix"),
            models::Interface::NAME => ("device", "device_id"),
            models::MacAddress::NAME => ("interface", "id"),
            models::IpAddress::NAME => ("address", "address"),
            _ => ("name", "name"),
        }
    }

    /// Whether its records are the objects of its list. A MAC address is a field of one.
    pub fn is_listed(&self) -> bool {
        self.schema.name != models::MacAddress::NAME
    }

    /// What a delete would take along, or take the object from, of what is in the plan before it: lists of GraphQL.
    pub fn parts(&self) -> &'static [&'static str] {
        match self.schema.name {
            models::Site::NAME => &["children", "vlans", "prefixes"],
            models::Platform::NAME => &["devices", "virtual_machines"],
            models::Device::NAME => &["interfaces", "inventory_items", "module_bays", "device_bays"],
            _ => &[],
        }
    }

    /// The fields that a side speaks of: a target of those that it can keep.
    pub fn fields(&self, role: Role, has_speed: bool) -> FieldSet {
        let is_kept = role == Role::Source || !self.path.starts_with("virtualization/");
        let is_held = |kind| role == Role::Source || kind != Read;
        let has = |column: &&Column| is_kept && is_held(column.kind) && (has_speed || column.field != "speed");
        self.columns.iter().filter(has).filter_map(|column| self.schema.position(column.field)).collect()
    }
}

impl Column {
    /// What GraphQL is asked for.
    pub fn ask(&self) -> String {
        let name = self.native;
        match self.kind {
            Text | Plain | Choice | Short | Read => name.to_owned(),
            Status([], _) => format!("{name}{{name}}"),
            Status(..) => format!("type {name}{{name}}"),
            Reference(_) | ParentVrf | Tags => format!("{name}{{id}}"),
            Chassis => format!("{name}{{id name}}"),
            Address => format!("{name}{{id host parent{{id}}}}"),
            Interface => format!("{name}{{id name device{{id}}}}"),
            Itself => format!("name {name}{{id}}"),
            Vrf => format!("{name}{{id}} namespace{{id name}}"),
        }
    }

    /// The model that it refers to.
    pub fn refers_to(&self) -> Option<&'static str> {
        match self.kind {
            Reference(model) => Some(model),
            Tags => Some(models::Tag::NAME),
            Vrf | ParentVrf => Some(models::Vrf::NAME),
            Chassis => Some(models::VirtualChassis::NAME),
            Address => Some(models::IpAddress::NAME),
            Interface | Itself => Some(models::Interface::NAME),
            Text | Plain | Choice | Short | Status(..) | Read => None,
        }
    }

    /// Whether it is an object of its own, which is written after the other.
    pub fn is_second_step(&self) -> bool {
        self.kind == Vrf || self.kind == Interface && self.native == "interfaces"
    }

    /// The value of a row, with ids in the place of what it leads to.
    pub fn value(&self, row: &Value) -> Value {
        let value = &row[self.native];
        match (self.kind, value) {
            (Text, Value::String(text)) if text.is_empty() => Value::Null,
            (Text | Plain | Read, _) => value.clone(),
            (Choice, _) => value.as_str().map_or(Value::Null, |name| choice(name).into()),
            (Short, _) => short(value),
            (Status(types, _), _) => match row["type"].as_str().map(choice) {
                Some(kind) if types.contains(&kind.as_str()) => kind.into(),
                _ => short(&value["name"]),
            },
            (Itself, _) => row["id"].clone(),
            (Tags, Value::Array(tags)) => tags.iter().map(|tag| tag["id"].clone()).collect(),
            (_, Value::Array(several)) => match several.as_slice() {
                [] => Value::Null,
                [one] => one["id"].clone(),
                several => several.iter().map(|one| one["id"].clone()).collect(),
            },
            (_, one) => one["id"].clone(),
        }
    }
}
