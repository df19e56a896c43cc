//! What NetBox calls the models and their fields.

use syncline_model::models;
use syncline_model::{FieldSet, Model, ModelSchema};

/// Where a model lives in NetBox.
#[derive(Debug)]
pub(crate) struct Table {
    /// Our model.
    pub schema: &'static ModelSchema,
    /// The two parts of its path, in the API and in the user interface: `dcim`, `sites`.
    pub path: [&'static str; 2],
    /// The name of its list in GraphQL.
    pub list: &'static str,
    /// The name of its kind, as in permissions and tags: `dcim.site`.
    pub object_type: &'static str,
    /// The fields, in our order.
    pub columns: &'static [Column],
    /// How to look up records by natural key: NetBox's field and the filter that takes its value, several at once.
    pub find: &'static [(&'static str, &'static str)],
    /// Whether NetBox keeps two records with the same key apart, so that a second one can't be created by accident.
    pub unique: bool,
    /// Whether its objects carry tags.
    pub tagged: bool,
    /// Whether a target keeps it. What is not, a source reads and nobody writes.
    pub written: bool,
}

/// A field of ours and what it is in NetBox.
#[derive(Debug)]
pub(crate) struct Column {
    /// Our field.
    pub field: &'static str,
    /// NetBox's field.
    pub native: &'static str,
    /// What is written there.
    pub kind: Kind,
}

/// What is written to a field of NetBox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A text of at most so many characters that must be there.
    Text(usize),
    /// A text of at most so many characters; none is written as the empty text.
    BlankText(usize),
    /// A text of at most so many characters; none is written as null.
    NullText(usize),
    /// Six hexadecimal digits.
    Color,
    /// One of the values that NetBox lists.
    Choice,
    /// A whole number in a range.
    Integer(u64, u64),
    /// True or false.
    Boolean,
    /// The id of a record of a model.
    Reference(&'static str),
    /// The ids of tags.
    Tags,
    /// An interface, as a pair of object type and id.
    AssignedInterface,
    /// A site, as a pair of scope type and id.
    SiteScope,
    /// Data of any shape, which is only read.
    Json,
    /// A decimal number, which is only read.
    Decimal,
}

const fn column(field: &'static str, kind: Kind) -> Column {
    Column { field, native: field, kind }
}

use Kind::{
    AssignedInterface, BlankText, Boolean, Choice, Color, Decimal, Integer, Json, NullText, Reference, SiteScope, Tags,
    Text,
};

/// The tags of an object, whatever its model keeps of them.
pub(crate) static TAGS: Column = column("tags", Tags);

const BY_SLUG: &[(&str, &str)] = &[("slug", "slug")];

/// Models that NetBox does not keep.
#[cfg(test)]
const STRANGE: &[&ModelSchema] = &[models::HostGroup::SCHEMA, models::Host::SCHEMA, models::Maintenance::SCHEMA];

/// Every model that NetBox keeps. Lengths and ranges are those of NetBox's own models.
pub(crate) const TABLES: &[Table] = &[
    Table {
        schema: models::Tag::SCHEMA,
        path: ["extras", "tags"],
        list: "tag_list",
        object_type: "extras.tag",
        columns: &[column("slug", Text(100)), column("name", Text(100)), column("color", Color)],
        find: BY_SLUG,
        unique: true,
        tagged: false,
        written: true,
    },
    Table {
        schema: models::TenantGroup::SCHEMA,
        path: ["tenancy", "tenant-groups"],
        list: "tenant_group_list",
        object_type: "tenancy.tenantgroup",
        columns: &[column("slug", Text(100)), column("name", Text(100))],
        find: BY_SLUG,
        unique: true,
        tagged: true,
        written: true,
    },
    Table {
        schema: models::Tenant::SCHEMA,
        path: ["tenancy", "tenants"],
        list: "tenant_list",
        object_type: "tenancy.tenant",
        columns: &[column("slug", Text(100)), column("name", Text(100)), column("group", Reference("tenant_group"))],
        find: BY_SLUG,
        unique: true,
        tagged: true,
        written: true,
    },
    Table {
        schema: models::Site::SCHEMA,
        path: ["dcim", "sites"],
        list: "site_list",
        object_type: "dcim.site",
        columns: &[
            column("slug", Text(100)),
            column("name", Text(100)),
            column("status", Choice),
            column("physical_address", BlankText(200)),
        ],
        find: BY_SLUG,
        unique: true,
        tagged: true,
        written: true,
    },
    Table {
        schema: models::Manufacturer::SCHEMA,
        path: ["dcim", "manufacturers"],
        list: "manufacturer_list",
        object_type: "dcim.manufacturer",
        columns: &[column("slug", Text(100)), column("name", Text(100))],
        find: BY_SLUG,
        unique: true,
        tagged: true,
        written: true,
    },
    Table {
        schema: models::DeviceType::SCHEMA,
        path: ["dcim", "device-types"],
        list: "device_type_list",
        object_type: "dcim.devicetype",
        columns: &[
            column("manufacturer", Reference("manufacturer")),
            column("slug", Text(100)),
            column("model", Text(100)),
            column("part_number", BlankText(50)),
        ],
        find: BY_SLUG,
        unique: true,
        tagged: true,
        written: true,
    },
    Table {
        schema: models::DeviceRole::SCHEMA,
        path: ["dcim", "device-roles"],
        list: "device_role_list",
        object_type: "dcim.devicerole",
        columns: &[column("slug", Text(100)), column("name", Text(100)), column("color", Color)],
        find: BY_SLUG,
        unique: true,
        tagged: true,
        written: true,
    },
    Table {
        schema: models::Platform::SCHEMA,
        path: ["dcim", "platforms"],
        list: "platform_list",
        object_type: "dcim.platform",
        columns: &[
            column("slug", Text(100)),
            column("name", Text(100)),
            column("manufacturer", Reference("manufacturer")),
        ],
        find: BY_SLUG,
        unique: true,
        tagged: true,
        written: true,
    },
    Table {
        schema: models::Vlan::SCHEMA,
        path: ["ipam", "vlans"],
        list: "vlan_list",
        object_type: "ipam.vlan",
        columns: &[
            column("site", Reference("site")),
            column("vid", Integer(1, 4094)),
            column("name", Text(64)),
            column("status", Choice),
        ],
        find: &[("vid", "vid")],
        unique: false,
        tagged: true,
        written: true,
    },
    Table {
        schema: models::Vrf::SCHEMA,
        path: ["ipam", "vrfs"],
        list: "vrf_list",
        object_type: "ipam.vrf",
        columns: &[
            column("name", Text(100)),
            column("rd", NullText(21)),
            column("description", BlankText(200)),
            column("enforce_unique", Boolean),
        ],
        find: &[("name", "name")],
        unique: false,
        tagged: true,
        written: true,
    },
    Table {
        schema: models::Prefix::SCHEMA,
        path: ["ipam", "prefixes"],
        list: "prefix_list",
        object_type: "ipam.prefix",
        columns: &[
            column("vrf", Reference("vrf")),
            column("prefix", Text(43)),
            column("status", Choice),
            Column { field: "site", native: "scope", kind: SiteScope },
            column("description", BlankText(200)),
        ],
        find: &[("prefix", "prefix")],
        // A VRF need not enforce it.
        unique: false,
        tagged: true,
        written: true,
    },
    Table {
        schema: models::VirtualChassis::SCHEMA,
        path: ["dcim", "virtual-chassis"],
        list: "virtual_chassis_list",
        object_type: "dcim.virtualchassis",
        columns: &[column("name", Text(64)), column("domain", BlankText(30)), column("master", Reference("device"))],
        find: &[("name", "name")],
        unique: false,
        tagged: true,
        written: true,
    },
    Table {
        schema: models::Device::SCHEMA,
        path: ["dcim", "devices"],
        list: "device_list",
        object_type: "dcim.device",
        columns: &[
            column("site", Reference("site")),
            column("name", Text(64)),
            column("device_type", Reference("device_type")),
            column("role", Reference("device_role")),
            column("platform", Reference("platform")),
            column("status", Choice),
            column("serial", BlankText(50)),
            column("virtual_chassis", Reference("virtual_chassis")),
            column("vc_position", Integer(0, 255)),
            column("primary_ip4", Reference("ip_address")),
            column("primary_ip6", Reference("ip_address")),
            column("tags", Tags),
            column("tenant", Reference("tenant")),
            column("cluster", Reference("cluster")),
            column("custom_fields", Json),
            column("config_context", Json),
        ],
        find: &[("name", "name__ie"), ("site", "site_id")],
        unique: true,
        tagged: true,
        written: true,
    },
    Table {
        schema: models::Interface::SCHEMA,
        path: ["dcim", "interfaces"],
        list: "interface_list",
        object_type: "dcim.interface",
        columns: &[
            column("device", Reference("device")),
            column("name", Text(64)),
            column("type", Choice),
            column("enabled", Boolean),
            column("mtu", Integer(1, 65_536)),
            // A 32-bit number until NetBox 4.4, a 64-bit one since.
            column("speed", Integer(0, i64::MAX as u64)),
            column("description", BlankText(200)),
            column("lag", Reference("interface")),
            column("mode", Choice),
            column("untagged_vlan", Reference("vlan")),
        ],
        find: &[("device", "device_id"), ("name", "name")],
        unique: true,
        tagged: true,
        written: true,
    },
    Table {
        schema: models::MacAddress::SCHEMA,
        path: ["dcim", "mac-addresses"],
        list: "mac_address_list",
        object_type: "dcim.macaddress",
        columns: &[
            Column { field: "interface", native: "assigned_object", kind: AssignedInterface },
            column("mac_address", Text(17)),
        ],
        find: &[("mac_address", "mac_address")],
        unique: false,
        tagged: true,
        written: true,
    },
    Table {
        schema: models::IpAddress::SCHEMA,
        path: ["ipam", "ip-addresses"],
        list: "ip_address_list",
        object_type: "ipam.ipaddress",
        columns: &[
            column("vrf", Reference("vrf")),
            column("address", Text(43)),
            column("status", Choice),
            column("role", Choice),
            Column { field: "interface", native: "assigned_object", kind: AssignedInterface },
            column("description", BlankText(200)),
        ],
        find: &[("address", "address")],
        // A VRF need not enforce it.
        unique: false,
        tagged: true,
        written: true,
    },
    Table {
        schema: models::ClusterType::SCHEMA,
        path: ["virtualization", "cluster-types"],
        list: "cluster_type_list",
        object_type: "virtualization.clustertype",
        columns: &[column("slug", Text(100)), column("name", Text(100))],
        find: BY_SLUG,
        unique: true,
        tagged: true,
        written: false,
    },
    Table {
        schema: models::ClusterGroup::SCHEMA,
        path: ["virtualization", "cluster-groups"],
        list: "cluster_group_list",
        object_type: "virtualization.clustergroup",
        columns: &[column("slug", Text(100)), column("name", Text(100))],
        find: BY_SLUG,
        unique: true,
        tagged: true,
        written: false,
    },
    Table {
        schema: models::Cluster::SCHEMA,
        path: ["virtualization", "clusters"],
        list: "cluster_list",
        object_type: "virtualization.cluster",
        columns: &[
            Column { field: "site", native: "scope", kind: SiteScope },
            column("group", Reference("cluster_group")),
            column("name", Text(100)),
            column("type", Reference("cluster_type")),
            column("status", Choice),
            column("tenant", Reference("tenant")),
        ],
        find: &[("name", "name")],
        unique: false,
        tagged: true,
        written: false,
    },
    Table {
        schema: models::VirtualMachine::SCHEMA,
        path: ["virtualization", "virtual-machines"],
        list: "virtual_machine_list",
        object_type: "virtualization.virtualmachine",
        columns: &[
            column("site", Reference("site")),
            column("cluster", Reference("cluster")),
            column("name", Text(64)),
            column("device", Reference("device")),
            column("role", Reference("device_role")),
            column("platform", Reference("platform")),
            column("status", Choice),
            column("tenant", Reference("tenant")),
            column("serial", BlankText(50)),
            column("vcpus", Decimal),
            column("memory", Integer(0, i32::MAX as u64)),
            column("disk", Integer(0, i32::MAX as u64)),
            column("primary_ip4", Reference("ip_address")),
            column("primary_ip6", Reference("ip_address")),
            column("tags", Tags),
            column("custom_fields", Json),
            column("config_context", Json),
        ],
        find: &[("name", "name__ie")],
        unique: false,
        tagged: true,
        written: false,
    },
];

/// The table of a model by name.
pub(crate) fn by_name(model: &str) -> Option<&'static Table> {
    TABLES.iter().find(|table| table.schema.name == model)
}

/// The table of a model that NetBox keeps.
pub(crate) fn of<M: Model>() -> &'static Table {
    by_name(M::NAME).unwrap_or(&TABLES[0])
}

impl Table {
    /// A column by our name.
    pub fn column(&self, field: &str) -> Option<&'static Column> {
        self.columns.iter().find(|column| column.field == field)
    }

    /// The columns of the key.
    pub fn key_columns(&self) -> impl Iterator<Item = &'static Column> {
        self.columns.iter().filter(|column| self.schema.field(column.field).is_some_and(|field| field.key))
    }

    /// The fields that a target keeps.
    pub fn written_fields(&self) -> FieldSet {
        let written = self.columns.iter().filter(|column| column.is_written());
        written.filter_map(|column| self.schema.position(column.field)).collect()
    }

    /// The columns of a set of our fields.
    pub fn columns_of(&self, fields: FieldSet) -> Vec<&'static Column> {
        let wanted = |column: &&Column| self.schema.position(column.field).is_some_and(|at| fields.contains(at));
        self.columns.iter().filter(wanted).collect()
    }

    /// The permission that reading needs.
    pub fn view_permission(&self) -> String {
        let (app, kind) = self.object_type.split_once('.').unwrap_or(("", self.object_type));
        format!("{app}.view_{kind}")
    }
}

impl Column {
    /// Whether a target keeps it: data that NetBox makes is not written, nor a reference to what is only read.
    pub fn is_written(&self) -> bool {
        match self.kind {
            Json | Decimal => false,
            Reference(model) => by_name(model).is_some_and(|table| table.written),
            _ => true,
        }
    }

    /// What GraphQL is asked for.
    pub fn graphql(&self) -> String {
        let name = self.native;
        match self.kind {
            Reference(_) | Tags => format!("{name}{{id}}"),
            AssignedInterface => format!("{name}{{__typename ... on InterfaceType{{id}}}}"),
            SiteScope => format!("{name}{{__typename ... on SiteType{{id}}}}"),
            _ => name.to_owned(),
        }
    }

    /// What REST is asked for, in `fields=`.
    pub fn rest(&self) -> Vec<String> {
        match self.kind {
            AssignedInterface | SiteScope => vec![format!("{}_type", self.native), format!("{}_id", self.native)],
            _ => vec![self.native.to_owned()],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_model_has_a_table_with_its_fields_in_order() {
        for schema in models::ALL.iter().filter(|schema| !STRANGE.contains(schema)) {
            let table = by_name(schema.name).unwrap_or_else(|| panic!("{} has a table", schema.name));
            let fields: Vec<_> = schema.fields.iter().map(|field| field.name).collect();
            let columns: Vec<_> = table.columns.iter().map(|column| column.field).collect();
            assert_eq!(columns, fields, "{}", schema.name);
            for (field, model) in schema.references() {
                let kind = table.column(field.name).unwrap().kind;
                let fits = match kind {
                    Reference(target) => target == model,
                    Tags => model == "tag",
                    AssignedInterface => model == "interface",
                    SiteScope => model == "site",
                    _ => false,
                };
                assert!(fits, "{}.{}", schema.name, field.name);
            }
        }
    }
}
