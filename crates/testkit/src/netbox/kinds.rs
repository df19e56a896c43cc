//! The tables of all kinds: fields in the order of NetBox 4.6's answers, limits, keys and orders.

use super::choices::{
    AIRFLOW, CUSTOM_FIELD_TYPE, DEVICE_FACE, DEVICE_STATUS, DUPLEX, INTERFACE_MODE, IP_ROLE, IP_STATUS, POE_MODE,
    POE_TYPE, PREFIX_STATUS, QINQ_ROLE, SITE_STATUS, SUBDEVICE_ROLE, VLAN_STATUS, WEIGHT_UNIT,
};
use super::interface_types::INTERFACE_TYPES;
use super::schema::{
    Computed, Default, Field, Kind, KindDef, Nested, OnDelete, Order, Part, Shows, Type, Unique, UniqueError, blank,
    count, field, made, optional_choice, reference, status,
};
use OnDelete::{Cascade, Protect, Restrict, SetNull, SetNullQuietly};

/// The table of one kind.
pub(super) fn def(kind: Kind) -> &'static KindDef {
    match kind {
        Kind::Region => &REGION,
        Kind::SiteGroup => &SITE_GROUP,
        Kind::Tenant => &TENANT,
        Kind::Tag => &TAG,
        Kind::CustomField => &CUSTOM_FIELD,
        Kind::Site => &SITE,
        Kind::Manufacturer => &MANUFACTURER,
        Kind::Platform => &PLATFORM,
        Kind::DeviceType => &DEVICE_TYPE,
        Kind::DeviceRole => &DEVICE_ROLE,
        Kind::Device => &DEVICE,
        Kind::VirtualChassis => &VIRTUAL_CHASSIS,
        Kind::Interface => &INTERFACE,
        Kind::MacAddress => &MAC_ADDRESS,
        Kind::Role => &ROLE,
        Kind::VlanGroup => &VLAN_GROUP,
        Kind::Vlan => &VLAN,
        Kind::Vrf => &VRF,
        Kind::Prefix => &PREFIX,
        Kind::IpAddress => &IP_ADDRESS,
    }
}

const ID: Field = made("id", Computed::Id);
const URL: Field = made("url", Computed::Url);
const DISPLAY_URL: Field = made("display_url", Computed::DisplayUrl);
const DISPLAY: Field = made("display", Computed::Display);
const CREATED: Field = made("created", Computed::Created);
const LAST_UPDATED: Field = made("last_updated", Computed::LastUpdated);
const CUSTOM_FIELDS: Field = made("custom_fields", Computed::CustomFields);
const OWNER: Field = made("owner", Computed::Null);
const DESCRIPTION: Field = blank("description", 200);
const COMMENTS: Field = blank("comments", usize::MAX);
const TAGS: Field = field("tags", Type::Refs { to: Kind::Tag }, Default::Null).showing(Shows::Short);
const SLUG: Field = field("slug", Type::Slug, Default::Text("")).required().indexed();
const TENANT_REF: Field = reference("tenant", Kind::Tenant, Protect);

const fn name(max: usize) -> Field {
    field("name", Type::Text { max, blank: false }, Default::Text("")).required().indexed()
}

const fn zero(name: &'static str) -> Field {
    made(name, Computed::Zero)
}

const fn null(name: &'static str) -> Field {
    made(name, Computed::Null)
}

const NAME_UNIQUE: Unique =
    Unique { parts: &[Part::Value("name")], when_null: None, error: UniqueError::Field("name"), constraint: "name_key" };
const SLUG_UNIQUE: Unique =
    Unique { parts: &[Part::Value("slug")], when_null: None, error: UniqueError::Field("slug"), constraint: "slug_key" };

const NAMED: &[&str] = &["id", "url", "display", "name", "slug", "description"];
const SHORT_NAMED: &[&str] = &["id", "url", "display_url", "display", "name"];
const SHORT_SLUGGED: &[&str] = &["id", "url", "display_url", "display", "name", "slug"];

static REGION: KindDef = KindDef {
    app: "dcim",
    endpoint: "regions",
    model: "region",
    class: "Region",
    verbose: "region",
    graphql: "region",
    fields: &[
        ID, URL, DISPLAY_URL, DISPLAY,
        name(100),
        SLUG,
        reference("parent", Kind::Region, Cascade).showing(Shows::Short),
        DESCRIPTION, TAGS, CUSTOM_FIELDS, CREATED, LAST_UPDATED,
        made("site_count", Computed::Count { kind: Kind::Site, field: "region", nested: Nested::Zero }),
        zero("prefix_count"),
        OWNER, COMMENTS,
        made("_depth", Computed::TreeDepth),
    ],
    brief: &["id", "url", "display", "name", "slug", "description", "site_count", "_depth"],
    short: SHORT_SLUGGED,
    unique: &[NAME_UNIQUE, SLUG_UNIQUE],
    order: &[Order::Plain("name")],
};

static SITE_GROUP: KindDef = KindDef {
    app: "dcim",
    endpoint: "site-groups",
    model: "sitegroup",
    class: "SiteGroup",
    verbose: "site group",
    graphql: "site_group",
    fields: &[
        ID, URL, DISPLAY_URL, DISPLAY,
        name(100),
        SLUG,
        reference("parent", Kind::SiteGroup, Cascade).showing(Shows::Short),
        DESCRIPTION, TAGS, CUSTOM_FIELDS, CREATED, LAST_UPDATED,
        made("site_count", Computed::Count { kind: Kind::Site, field: "group", nested: Nested::Zero }),
        zero("prefix_count"),
        OWNER, COMMENTS,
        made("_depth", Computed::TreeDepth),
    ],
    brief: &["id", "url", "display", "name", "slug", "description", "site_count", "_depth"],
    short: SHORT_SLUGGED,
    unique: &[NAME_UNIQUE, SLUG_UNIQUE],
    order: &[Order::Plain("name")],
};

static TENANT: KindDef = KindDef {
    app: "tenancy",
    endpoint: "tenants",
    model: "tenant",
    class: "Tenant",
    verbose: "tenant",
    graphql: "tenant",
    fields: &[
        ID, URL, DISPLAY_URL, DISPLAY,
        name(100),
        SLUG,
        null("group"),
        DESCRIPTION, OWNER, COMMENTS, TAGS, CUSTOM_FIELDS, CREATED, LAST_UPDATED,
        zero("circuit_count"),
        count("device_count", Kind::Device, "tenant"),
        count("ipaddress_count", Kind::IpAddress, "tenant"),
        count("prefix_count", Kind::Prefix, "tenant"),
        zero("rack_count"),
        count("site_count", Kind::Site, "tenant"),
        zero("virtualmachine_count"),
        count("vlan_count", Kind::Vlan, "tenant"),
        count("vrf_count", Kind::Vrf, "tenant"),
        zero("cluster_count"),
    ],
    brief: NAMED,
    short: SHORT_SLUGGED,
    unique: &[NAME_UNIQUE, SLUG_UNIQUE],
    order: &[Order::Natural("name")],
};

static TAG: KindDef = KindDef {
    app: "extras",
    endpoint: "tags",
    model: "tag",
    class: "Tag",
    verbose: "tag",
    graphql: "tag",
    fields: &[
        ID, URL, DISPLAY_URL, DISPLAY,
        name(100),
        SLUG,
        field("color", Type::Color, Default::Text("9e9e9e")),
        DESCRIPTION,
        field("weight", Type::Int { min: 0, max: 32_767 }, Default::Int(1000)),
        field("object_types", Type::TypeList, Default::Null),
        made("tagged_items", Computed::TaggedItems),
        CREATED, LAST_UPDATED,
    ],
    brief: &["id", "url", "display", "name", "slug", "color", "description"],
    short: &["id", "url", "display_url", "display", "name", "slug", "color"],
    unique: &[NAME_UNIQUE, SLUG_UNIQUE],
    order: &[Order::Number("weight"), Order::Plain("name")],
};

static CUSTOM_FIELD: KindDef = KindDef {
    app: "extras",
    endpoint: "custom-fields",
    model: "customfield",
    class: "CustomField",
    verbose: "custom field",
    graphql: "custom_field",
    fields: &[
        ID, URL, DISPLAY_URL, DISPLAY,
        field("object_types", Type::TypeList, Default::Null).required(),
        field("type", Type::Choice { options: CUSTOM_FIELD_TYPE, blank: false }, Default::Text("text")),
        null("related_object_type"),
        made("data_type", Computed::Null),
        name(50),
        blank("label", 50),
        blank("group_name", 50),
        DESCRIPTION,
        field("required", Type::Bool, Default::Bool(false)),
        field("unique", Type::Bool, Default::Bool(false)),
        field("default", Type::Json, Default::Null).nullable(),
        COMMENTS, CREATED, LAST_UPDATED,
    ],
    brief: &["id", "url", "display", "name", "description"],
    short: SHORT_NAMED,
    unique: &[NAME_UNIQUE],
    order: &[Order::Plain("group_name"), Order::Plain("name")],
};

static SITE: KindDef = KindDef {
    app: "dcim",
    endpoint: "sites",
    model: "site",
    class: "Site",
    verbose: "site",
    graphql: "site",
    fields: &[
        ID, URL, DISPLAY_URL, DISPLAY,
        name(100),
        SLUG,
        status("status", SITE_STATUS, "active"),
        reference("region", Kind::Region, SetNull),
        reference("group", Kind::SiteGroup, SetNull),
        TENANT_REF,
        blank("facility", 50),
        field("time_zone", Type::Text { max: 63, blank: true }, Default::Null).nullable(),
        DESCRIPTION,
        blank("physical_address", 200),
        blank("shipping_address", 200),
        field("latitude", Type::Decimal, Default::Null).nullable(),
        field("longitude", Type::Decimal, Default::Null).nullable(),
        OWNER, COMMENTS,
        made("asns", Computed::EmptyList),
        TAGS, CUSTOM_FIELDS, CREATED, LAST_UPDATED,
        zero("circuit_count"),
        count("device_count", Kind::Device, "site"),
        count("prefix_count", Kind::Prefix, "scope_id"),
        zero("rack_count"),
        zero("virtualmachine_count"),
        count("vlan_count", Kind::Vlan, "site"),
    ],
    brief: NAMED,
    short: SHORT_SLUGGED,
    unique: &[NAME_UNIQUE, SLUG_UNIQUE],
    order: &[Order::Natural("name")],
};

static MANUFACTURER: KindDef = KindDef {
    app: "dcim",
    endpoint: "manufacturers",
    model: "manufacturer",
    class: "Manufacturer",
    verbose: "manufacturer",
    graphql: "manufacturer",
    fields: &[
        ID, URL, DISPLAY_URL, DISPLAY,
        name(100),
        SLUG,
        DESCRIPTION, OWNER, COMMENTS, TAGS, CUSTOM_FIELDS, CREATED, LAST_UPDATED,
        count("devicetype_count", Kind::DeviceType, "manufacturer"),
        zero("moduletype_count"),
        zero("inventoryitem_count"),
        count("platform_count", Kind::Platform, "manufacturer"),
    ],
    brief: NAMED,
    short: SHORT_SLUGGED,
    unique: &[NAME_UNIQUE, SLUG_UNIQUE],
    order: &[Order::Plain("name")],
};

static PLATFORM: KindDef = KindDef {
    app: "dcim",
    endpoint: "platforms",
    model: "platform",
    class: "Platform",
    verbose: "platform",
    graphql: "platform",
    fields: &[
        ID, URL, DISPLAY_URL, DISPLAY,
        reference("parent", Kind::Platform, Cascade).showing(Shows::Short),
        name(100),
        SLUG,
        reference("manufacturer", Kind::Manufacturer, Protect),
        null("config_template"),
        DESCRIPTION, OWNER, COMMENTS, TAGS, CUSTOM_FIELDS, CREATED, LAST_UPDATED,
        made("device_count", Computed::Count { kind: Kind::Device, field: "platform", nested: Nested::Zero }),
        zero("virtualmachine_count"),
        made("_depth", Computed::TreeDepth),
    ],
    brief: &["id", "url", "display", "name", "slug", "description", "device_count", "virtualmachine_count", "_depth"],
    short: SHORT_NAMED,
    unique: &[
        Unique {
            parts: &[Part::Value("manufacturer"), Part::Value("name")],
            when_null: None,
            error: UniqueError::Together(&["Manufacturer", "Name"]),
            constraint: "manufacturer_name",
        },
        Unique {
            parts: &[Part::Value("name")],
            when_null: Some("manufacturer"),
            error: UniqueError::Words("Platform name must be unique."),
            constraint: "name",
        },
        Unique {
            parts: &[Part::Value("manufacturer"), Part::Value("slug")],
            when_null: None,
            error: UniqueError::Together(&["Manufacturer", "Slug"]),
            constraint: "manufacturer_slug",
        },
        Unique {
            parts: &[Part::Value("slug")],
            when_null: Some("manufacturer"),
            error: UniqueError::Words("Platform slug must be unique."),
            constraint: "slug",
        },
    ],
    order: &[Order::Plain("name")],
};

static DEVICE_TYPE: KindDef = KindDef {
    app: "dcim",
    endpoint: "device-types",
    model: "devicetype",
    class: "DeviceType",
    verbose: "device type",
    graphql: "device_type",
    fields: &[
        ID, URL, DISPLAY_URL, DISPLAY,
        reference("manufacturer", Kind::Manufacturer, Protect).required_reference(),
        reference("default_platform", Kind::Platform, SetNull),
        field("model", Type::Text { max: 100, blank: false }, Default::Text("")).required().indexed(),
        SLUG,
        blank("part_number", 50),
        field("u_height", Type::Decimal, Default::Decimal(1.0)),
        field("exclude_from_utilization", Type::Bool, Default::Bool(false)),
        field("is_full_depth", Type::Bool, Default::Bool(true)),
        optional_choice("subdevice_role", SUBDEVICE_ROLE),
        optional_choice("airflow", AIRFLOW),
        field("weight", Type::Decimal, Default::Null).nullable(),
        optional_choice("weight_unit", WEIGHT_UNIT),
        null("front_image"),
        null("rear_image"),
        DESCRIPTION, OWNER, COMMENTS, TAGS, CUSTOM_FIELDS, CREATED, LAST_UPDATED,
        made("device_count", Computed::Count { kind: Kind::Device, field: "device_type", nested: Nested::Shown }),
        zero("console_port_template_count"),
        zero("console_server_port_template_count"),
        zero("power_port_template_count"),
        zero("power_outlet_template_count"),
        zero("interface_template_count"),
        zero("front_port_template_count"),
        zero("rear_port_template_count"),
        zero("device_bay_template_count"),
        zero("module_bay_template_count"),
        zero("inventory_item_template_count"),
    ],
    brief: &["id", "url", "display", "manufacturer", "model", "slug", "description", "device_count"],
    short: &["id", "url", "display_url", "display", "manufacturer", "model", "slug"],
    unique: &[
        Unique {
            parts: &[Part::Value("manufacturer"), Part::Value("model")],
            when_null: None,
            error: UniqueError::Together(&["Manufacturer", "Model"]),
            constraint: "unique_manufacturer_model",
        },
        Unique {
            parts: &[Part::Value("manufacturer"), Part::Value("slug")],
            when_null: None,
            error: UniqueError::Together(&["Manufacturer", "Slug"]),
            constraint: "unique_manufacturer_slug",
        },
    ],
    order: &[Order::Ref { field: "manufacturer", nulls_first: false }, Order::Plain("model")],
};

static DEVICE_ROLE: KindDef = KindDef {
    app: "dcim",
    endpoint: "device-roles",
    model: "devicerole",
    class: "DeviceRole",
    verbose: "device role",
    graphql: "device_role",
    fields: &[
        ID, URL, DISPLAY_URL, DISPLAY,
        name(100),
        SLUG,
        field("color", Type::Color, Default::Text("9e9e9e")),
        field("vm_role", Type::Bool, Default::Bool(true)),
        null("config_template"),
        reference("parent", Kind::DeviceRole, Cascade).showing(Shows::Short),
        DESCRIPTION, TAGS, CUSTOM_FIELDS, CREATED, LAST_UPDATED,
        made("device_count", Computed::Count { kind: Kind::Device, field: "role", nested: Nested::Zero }),
        zero("virtualmachine_count"),
        OWNER, COMMENTS,
        made("_depth", Computed::TreeDepth),
    ],
    brief: &["id", "url", "display", "name", "slug", "description", "device_count", "virtualmachine_count", "_depth"],
    short: SHORT_NAMED,
    unique: &[
        Unique {
            parts: &[Part::Value("parent"), Part::Value("name")],
            when_null: None,
            error: UniqueError::Together(&["Parent", "Name"]),
            constraint: "parent_name",
        },
        Unique {
            parts: &[Part::Value("name")],
            when_null: Some("parent"),
            error: UniqueError::Words("A top-level device role with this name already exists."),
            constraint: "name",
        },
        Unique {
            parts: &[Part::Value("parent"), Part::Value("slug")],
            when_null: None,
            error: UniqueError::Together(&["Parent", "Slug"]),
            constraint: "parent_slug",
        },
        Unique {
            parts: &[Part::Value("slug")],
            when_null: Some("parent"),
            error: UniqueError::Words("A top-level device role with this slug already exists."),
            constraint: "slug",
        },
    ],
    order: &[Order::Plain("name")],
};

/// What a device shows of its primary addresses.
const PRIMARY_IP: Shows = Shows::Fields(&[
    "id", "url", "display", "family", "address", "nat_inside", "nat_outside", "dns_name", "description",
]);

static DEVICE: KindDef = KindDef {
    app: "dcim",
    endpoint: "devices",
    model: "device",
    class: "Device",
    verbose: "device",
    graphql: "device",
    fields: &[
        ID, URL, DISPLAY_URL, DISPLAY,
        field("name", Type::Text { max: 64, blank: true }, Default::Null).nullable().indexed(),
        reference("device_type", Kind::DeviceType, Protect).required_reference(),
        reference("role", Kind::DeviceRole, Protect).required_reference(),
        TENANT_REF,
        reference("platform", Kind::Platform, SetNull),
        field("serial", Type::Text { max: 50, blank: true }, Default::Text("")).indexed(),
        field("asset_tag", Type::Text { max: 50, blank: true }, Default::Null).nullable().indexed(),
        reference("site", Kind::Site, Protect).required_reference(),
        null("location"),
        null("rack"),
        null("position"),
        optional_choice("face", DEVICE_FACE),
        field("latitude", Type::Decimal, Default::Null).nullable(),
        field("longitude", Type::Decimal, Default::Null).nullable(),
        null("parent_device"),
        status("status", DEVICE_STATUS, "active"),
        optional_choice("airflow", AIRFLOW),
        made("primary_ip", Computed::PrimaryIp).showing(PRIMARY_IP),
        reference("primary_ip4", Kind::IpAddress, SetNull).showing(PRIMARY_IP),
        reference("primary_ip6", Kind::IpAddress, SetNull).showing(PRIMARY_IP),
        reference("oob_ip", Kind::IpAddress, SetNull).showing(PRIMARY_IP),
        null("cluster"),
        reference("virtual_chassis", Kind::VirtualChassis, SetNull),
        field("vc_position", Type::Int { min: 0, max: 255 }, Default::Null).nullable(),
        field("vc_priority", Type::Int { min: 0, max: 255 }, Default::Null).nullable(),
        DESCRIPTION, OWNER, COMMENTS,
        null("config_template"),
        made("config_context", Computed::EmptyObject),
        field("local_context_data", Type::Json, Default::Null).nullable(),
        TAGS, CUSTOM_FIELDS, CREATED, LAST_UPDATED,
        zero("console_port_count"),
        zero("console_server_port_count"),
        zero("power_port_count"),
        zero("power_outlet_count"),
        made("interface_count", Computed::Count { kind: Kind::Interface, field: "device", nested: Nested::Shown }),
        zero("front_port_count"),
        zero("rear_port_count"),
        zero("device_bay_count"),
        zero("module_bay_count"),
        zero("inventory_item_count"),
    ],
    brief: &["id", "url", "display", "name", "description"],
    short: SHORT_NAMED,
    unique: &[
        Unique {
            parts: &[Part::Value("asset_tag")],
            when_null: None,
            error: UniqueError::Field("asset tag"),
            constraint: "asset_tag_key",
        },
        Unique {
            parts: &[Part::Lower("name"), Part::Value("site"), Part::Value("tenant")],
            when_null: None,
            error: UniqueError::Words("Constraint “dcim_device_unique_name_site_tenant” is violated."),
            constraint: "unique_name_site_tenant",
        },
        Unique {
            parts: &[Part::Lower("name"), Part::Value("site")],
            when_null: Some("tenant"),
            error: UniqueError::Words("Device name must be unique per site."),
            constraint: "unique_name_site",
        },
        Unique {
            parts: &[Part::Value("virtual_chassis"), Part::Value("vc_position")],
            when_null: None,
            error: UniqueError::Together(&["Virtual chassis", "VC position"]),
            constraint: "unique_virtual_chassis_vc_position",
        },
    ],
    order: &[Order::Natural("name")],
};

static VIRTUAL_CHASSIS: KindDef = KindDef {
    app: "dcim",
    endpoint: "virtual-chassis",
    model: "virtualchassis",
    class: "VirtualChassis",
    verbose: "virtual chassis",
    graphql: "virtual_chassis",
    fields: &[
        ID, URL, DISPLAY_URL, DISPLAY,
        name(64),
        blank("domain", 30),
        reference("master", Kind::Device, Protect).showing(Shows::Short),
        DESCRIPTION, OWNER, COMMENTS, TAGS, CUSTOM_FIELDS, CREATED, LAST_UPDATED,
        made(
            "member_count",
            Computed::Count { kind: Kind::Device, field: "virtual_chassis", nested: Nested::Shown },
        ),
        made(
            "members",
            Computed::Reverse { kind: Kind::Device, field: "virtual_chassis", shows: Shows::Short },
        ),
    ],
    brief: &["id", "url", "display", "name", "master", "description", "member_count"],
    short: SHORT_NAMED,
    unique: &[],
    order: &[Order::Natural("name")],
};

static INTERFACE: KindDef = KindDef {
    app: "dcim",
    endpoint: "interfaces",
    model: "interface",
    class: "Interface",
    verbose: "interface",
    graphql: "interface",
    fields: &[
        ID, URL, DISPLAY_URL, DISPLAY,
        reference("device", Kind::Device, Cascade).required_reference(),
        made("vdcs", Computed::EmptyList),
        null("module"),
        name(64),
        blank("label", 64),
        field("type", Type::Choice { options: INTERFACE_TYPES, blank: false }, Default::Text("")).required(),
        field("enabled", Type::Bool, Default::Bool(true)),
        reference("parent", Kind::Interface, Restrict).showing(SHORT_INTERFACE),
        reference("bridge", Kind::Interface, SetNull).showing(SHORT_INTERFACE),
        made(
            "bridge_interfaces",
            Computed::Reverse { kind: Kind::Interface, field: "bridge", shows: SHORT_INTERFACE },
        ),
        reference("lag", Kind::Interface, SetNull).showing(SHORT_INTERFACE),
        field("mtu", Type::Int { min: 1, max: 65_536 }, Default::Null).nullable(),
        made("mac_address", Computed::PrimaryMacText),
        reference("primary_mac_address", Kind::MacAddress, SetNullQuietly),
        made(
            "mac_addresses",
            Computed::Reverse { kind: Kind::MacAddress, field: "assigned_object_id", shows: Shows::Brief },
        ),
        field("speed", Type::Int { min: 0, max: i64::MAX }, Default::Null).nullable(),
        optional_choice("duplex", DUPLEX),
        null("wwn"),
        field("mgmt_only", Type::Bool, Default::Bool(false)),
        DESCRIPTION,
        optional_choice("mode", INTERFACE_MODE),
        null("rf_role"),
        null("rf_channel"),
        optional_choice("poe_mode", POE_MODE),
        optional_choice("poe_type", POE_TYPE),
        null("rf_channel_frequency"),
        null("rf_channel_width"),
        field("tx_power", Type::Int { min: -40, max: 127 }, Default::Null).nullable(),
        reference("untagged_vlan", Kind::Vlan, SetNull),
        field("tagged_vlans", Type::Refs { to: Kind::Vlan }, Default::Null),
        reference("qinq_svlan", Kind::Vlan, SetNull),
        null("vlan_translation_policy"),
        field("mark_connected", Type::Bool, Default::Bool(false)),
        null("cable"),
        null("cable_end"),
        null("wireless_link"),
        made("link_peers", Computed::EmptyList),
        null("link_peers_type"),
        made("wireless_lans", Computed::EmptyList),
        reference("vrf", Kind::Vrf, SetNull),
        null("l2vpn_termination"),
        null("connected_endpoints"),
        null("connected_endpoints_type"),
        made("connected_endpoints_reachable", Computed::False),
        OWNER, TAGS, CUSTOM_FIELDS, CREATED, LAST_UPDATED,
        made(
            "count_ipaddresses",
            Computed::Count { kind: Kind::IpAddress, field: "assigned_object_id", nested: Nested::Shown },
        ),
        zero("count_fhrp_groups"),
        made("_occupied", Computed::False),
    ],
    brief: &["id", "url", "display", "device", "name", "description", "cable", "_occupied"],
    short: &["id", "url", "display_url", "display", "device", "name", "cable", "_occupied"],
    unique: &[Unique {
        parts: &[Part::Value("device"), Part::Value("name")],
        when_null: None,
        error: UniqueError::Together(&["Device", "Name"]),
        constraint: "unique_device_name",
    }],
    order: &[Order::Ref { field: "device", nulls_first: false }, Order::InterfaceName("name")],
};

/// What an interface shows of its parent, bridge and LAG.
const SHORT_INTERFACE: Shows = Shows::Short;

static MAC_ADDRESS: KindDef = KindDef {
    app: "dcim",
    endpoint: "mac-addresses",
    model: "macaddress",
    class: "MACAddress",
    verbose: "MAC address",
    graphql: "mac_address",
    fields: &[
        ID, URL, DISPLAY_URL, DISPLAY,
        field("mac_address", Type::Mac, Default::Null).required().indexed(),
        field(
            "assigned_object_type",
            Type::ContentType { allowed: &["dcim.interface", "virtualization.vminterface"] },
            Default::Null,
        )
        .nullable(),
        field("assigned_object_id", Type::ObjectId { type_field: "assigned_object_type" }, Default::Null).nullable(),
        made("assigned_object", Computed::Generic { id_field: "assigned_object_id" }),
        DESCRIPTION, OWNER, COMMENTS, TAGS, CUSTOM_FIELDS, CREATED, LAST_UPDATED,
    ],
    brief: &["id", "url", "display", "mac_address", "description"],
    short: &["id", "url", "display_url", "display", "mac_address"],
    unique: &[],
    order: &[Order::Plain("mac_address")],
};

static ROLE: KindDef = KindDef {
    app: "ipam",
    endpoint: "roles",
    model: "role",
    class: "Role",
    verbose: "role",
    graphql: "role",
    fields: &[
        ID, URL, DISPLAY_URL, DISPLAY,
        name(100),
        SLUG,
        field("weight", Type::Int { min: 0, max: 32_767 }, Default::Int(1000)),
        DESCRIPTION, OWNER, COMMENTS, TAGS, CUSTOM_FIELDS, CREATED, LAST_UPDATED,
        count("prefix_count", Kind::Prefix, "role"),
        count("vlan_count", Kind::Vlan, "role"),
        zero("asn_count"),
    ],
    brief: NAMED,
    short: SHORT_SLUGGED,
    unique: &[NAME_UNIQUE, SLUG_UNIQUE],
    order: &[Order::Number("weight"), Order::Plain("name")],
};

static VLAN_GROUP: KindDef = KindDef {
    app: "ipam",
    endpoint: "vlan-groups",
    model: "vlangroup",
    class: "VLANGroup",
    verbose: "VLAN group",
    graphql: "vlan_group",
    fields: &[
        ID, URL, DISPLAY_URL, DISPLAY,
        name(100),
        SLUG,
        field("scope_type", Type::ContentType { allowed: SCOPES }, Default::Null).nullable(),
        field("scope_id", Type::ObjectId { type_field: "scope_type" }, Default::Null).nullable(),
        made("scope", Computed::Generic { id_field: "scope_id" }),
        made("vid_ranges", Computed::VidRanges),
        made("total_vlan_ids", Computed::VlanIds),
        TENANT_REF,
        DESCRIPTION, OWNER, COMMENTS, TAGS, CUSTOM_FIELDS, CREATED, LAST_UPDATED,
        count("vlan_count", Kind::Vlan, "group"),
        made("utilization", Computed::Utilization),
    ],
    brief: &["id", "url", "display", "name", "slug", "description", "vlan_count"],
    short: SHORT_SLUGGED,
    unique: &[
        Unique {
            parts: &[Part::Value("scope_type"), Part::Value("scope_id"), Part::Value("name")],
            when_null: None,
            error: UniqueError::Together(&["Scope type", "Scope id", "Name"]),
            constraint: "unique_scope_name",
        },
        Unique {
            parts: &[Part::Value("scope_type"), Part::Value("scope_id"), Part::Value("slug")],
            when_null: None,
            error: UniqueError::Together(&["Scope type", "Scope id", "Slug"]),
            constraint: "unique_scope_slug",
        },
    ],
    order: &[Order::Plain("name")],
};

/// What a prefix or a VLAN group may be scoped to.
const SCOPES: &[&str] = &["dcim.region", "dcim.sitegroup", "dcim.site", "dcim.location"];

static VLAN: KindDef = KindDef {
    app: "ipam",
    endpoint: "vlans",
    model: "vlan",
    class: "VLAN",
    verbose: "VLAN",
    graphql: "vlan",
    fields: &[
        ID, URL, DISPLAY_URL, DISPLAY,
        reference("site", Kind::Site, Protect),
        reference("group", Kind::VlanGroup, Protect),
        field("vid", Type::Int { min: 1, max: 4094 }, Default::Null).required(),
        name(64),
        TENANT_REF,
        status("status", VLAN_STATUS, "active"),
        reference("role", Kind::Role, SetNull),
        DESCRIPTION,
        optional_choice("qinq_role", QINQ_ROLE),
        reference("qinq_svlan", Kind::Vlan, Protect)
            .showing(Shows::Fields(&["id", "url", "display", "vid", "name", "description"])),
        OWNER, COMMENTS,
        null("l2vpn_termination"),
        TAGS, CUSTOM_FIELDS, CREATED, LAST_UPDATED,
        count("prefix_count", Kind::Prefix, "vlan"),
    ],
    brief: &["id", "url", "display", "vid", "name", "description"],
    short: &["id", "url", "display", "vid", "name", "description"],
    unique: &[
        Unique {
            parts: &[Part::Value("group"), Part::Value("vid")],
            when_null: None,
            error: UniqueError::Together(&["Group", "VLAN ID"]),
            constraint: "unique_group_vid",
        },
        Unique {
            parts: &[Part::Value("group"), Part::Value("name")],
            when_null: None,
            error: UniqueError::Together(&["Group", "Name"]),
            constraint: "unique_group_name",
        },
    ],
    order: &[
        Order::Ref { field: "site", nulls_first: false },
        Order::Ref { field: "group", nulls_first: false },
        Order::Number("vid"),
    ],
};

static VRF: KindDef = KindDef {
    app: "ipam",
    endpoint: "vrfs",
    model: "vrf",
    class: "VRF",
    verbose: "VRF",
    graphql: "vrf",
    fields: &[
        ID, URL, DISPLAY_URL, DISPLAY,
        name(100),
        field("rd", Type::Text { max: 21, blank: true }, Default::Null).nullable().indexed(),
        TENANT_REF,
        field("enforce_unique", Type::Bool, Default::Bool(true)),
        DESCRIPTION, OWNER, COMMENTS,
        made("import_targets", Computed::EmptyList),
        made("export_targets", Computed::EmptyList),
        TAGS, CUSTOM_FIELDS, CREATED, LAST_UPDATED,
        count("ipaddress_count", Kind::IpAddress, "vrf"),
        count("prefix_count", Kind::Prefix, "vrf"),
    ],
    brief: &["id", "url", "display", "name", "rd", "description", "prefix_count"],
    short: &["id", "url", "display_url", "display", "name"],
    unique: &[Unique {
        parts: &[Part::Value("rd")],
        when_null: None,
        error: UniqueError::Field("route distinguisher"),
        constraint: "rd_key",
    }],
    order: &[Order::Natural("name"), Order::Plain("rd")],
};

static PREFIX: KindDef = KindDef {
    app: "ipam",
    endpoint: "prefixes",
    model: "prefix",
    class: "Prefix",
    verbose: "prefix",
    graphql: "prefix",
    fields: &[
        ID, URL, DISPLAY_URL, DISPLAY,
        made("family", Computed::Family),
        field("prefix", Type::Network, Default::Null).required().indexed(),
        reference("vrf", Kind::Vrf, Protect),
        field("scope_type", Type::ContentType { allowed: SCOPES }, Default::Null).nullable(),
        field("scope_id", Type::ObjectId { type_field: "scope_type" }, Default::Null).nullable(),
        made("scope", Computed::Generic { id_field: "scope_id" }),
        TENANT_REF,
        reference("vlan", Kind::Vlan, Protect),
        status("status", PREFIX_STATUS, "active"),
        reference("role", Kind::Role, SetNull),
        field("is_pool", Type::Bool, Default::Bool(false)),
        field("mark_utilized", Type::Bool, Default::Bool(false)),
        DESCRIPTION, OWNER, COMMENTS, TAGS, CUSTOM_FIELDS, CREATED, LAST_UPDATED,
        made("children", Computed::PrefixChildren),
        made("_depth", Computed::PrefixDepth),
    ],
    brief: &["id", "url", "display", "family", "prefix", "description", "_depth"],
    short: &["id", "url", "display_url", "display", "family", "prefix", "_depth"],
    unique: &[Unique {
        parts: &[Part::OrNull("vrf"), Part::Value("prefix")],
        when_null: None,
        error: UniqueError::Index,
        constraint: "",
    }],
    order: &[Order::Ref { field: "vrf", nulls_first: true }, Order::Address("prefix")],
};

static IP_ADDRESS: KindDef = KindDef {
    app: "ipam",
    endpoint: "ip-addresses",
    model: "ipaddress",
    class: "IPAddress",
    verbose: "IP address",
    graphql: "ip_address",
    fields: &[
        ID, URL, DISPLAY_URL, DISPLAY,
        made("family", Computed::Family),
        field("address", Type::Address, Default::Null).required().indexed(),
        reference("vrf", Kind::Vrf, Protect),
        TENANT_REF,
        status("status", IP_STATUS, "active"),
        optional_choice("role", IP_ROLE),
        field(
            "assigned_object_type",
            Type::ContentType { allowed: &["dcim.interface", "ipam.fhrpgroup", "virtualization.vminterface"] },
            Default::Null,
        )
        .nullable(),
        field("assigned_object_id", Type::ObjectId { type_field: "assigned_object_type" }, Default::Null).nullable(),
        made("assigned_object", Computed::Generic { id_field: "assigned_object_id" }),
        reference("nat_inside", Kind::IpAddress, SetNull).showing(Shows::Short),
        made("nat_outside", Computed::Reverse { kind: Kind::IpAddress, field: "nat_inside", shows: Shows::Short }),
        blank("dns_name", 255),
        DESCRIPTION, OWNER, COMMENTS, TAGS, CUSTOM_FIELDS, CREATED, LAST_UPDATED,
    ],
    brief: &["id", "url", "display", "family", "address", "description"],
    short: &["id", "url", "display_url", "display", "family", "address"],
    unique: &[Unique {
        parts: &[Part::OrNull("vrf"), Part::Host("address")],
        when_null: None,
        error: UniqueError::Index,
        constraint: "",
    }],
    order: &[Order::Address("address")],
};
