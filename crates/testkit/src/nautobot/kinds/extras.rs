//! Tags, roles, statuses; tenants and their groups.

use super::build::{
    TAGS, by, count, defaults, long, made, models, name, no_count, number, once, reference, rest, reverse, text,
};
use crate::nautobot::schema::{Default, Extra, Filter, How, Kind, KindDef, Made, OnDelete, Order, Part, Rest, Type};

/// What a status may be for.
#[rustfmt::skip]
pub(in crate::nautobot) const STATUS_MODELS: &[&str] = &[
    "circuits.circuit", "dcim.cable", "dcim.controller", "dcim.device", "dcim.deviceredundancygroup",
    "dcim.interface", "dcim.interfaceredundancygroup", "dcim.location", "dcim.module", "dcim.powerfeed", "dcim.rack",
    "dcim.softwareimagefile", "dcim.softwareversion", "dcim.virtualdevicecontext", "extras.contactassociation",
    "ipam.ipaddress", "ipam.ipaddressrange", "ipam.prefix", "ipam.vlan", "ipam.vrf",
    "load_balancers.loadbalancerpoolmember", "virtualization.virtualmachine", "virtualization.vminterface", "vpn.vpn",
    "vpn.vpntunnel",
];

/// What a role may be for.
#[rustfmt::skip]
pub(in crate::nautobot) const ROLE_MODELS: &[&str] = &[
    "dcim.controller", "dcim.device", "dcim.interface", "dcim.module", "dcim.rack", "dcim.virtualdevicecontext",
    "extras.contactassociation", "ipam.ipaddress", "ipam.ipaddressrange", "ipam.prefix", "ipam.vlan",
    "virtualization.virtualmachine", "virtualization.vminterface", "vpn.vpn", "vpn.vpnprofile", "vpn.vpntunnel",
    "vpn.vpntunnelendpoint",
];

/// What a tag may be for.
#[rustfmt::skip]
pub(in crate::nautobot) const TAG_MODELS: &[&str] = &[
    "circuits.circuit", "circuits.circuittermination", "circuits.provider", "circuits.providernetwork",
    "cloud.cloudaccount", "cloud.cloudnetwork", "cloud.cloudresourcetype", "cloud.cloudservice",
    "data_validation.minmaxvalidationrule", "data_validation.regularexpressionvalidationrule",
    "data_validation.requiredvalidationrule", "data_validation.uniquevalidationrule", "dcim.cable", "dcim.cabletype",
    "dcim.consoleport", "dcim.consoleserverport", "dcim.controller", "dcim.controllermanageddevicegroup",
    "dcim.device", "dcim.devicebay", "dcim.devicefamily", "dcim.deviceredundancygroup", "dcim.devicetype",
    "dcim.frontport", "dcim.interface", "dcim.interfaceredundancygroup", "dcim.inventoryitem", "dcim.location",
    "dcim.module", "dcim.modulebay", "dcim.modulefamily", "dcim.moduletype", "dcim.powerfeed", "dcim.poweroutlet",
    "dcim.powerpanel", "dcim.powerport", "dcim.rack", "dcim.rackreservation", "dcim.rearport",
    "dcim.softwareimagefile", "dcim.softwareversion", "dcim.virtualchassis", "dcim.virtualdevicecontext",
    "extras.approvalworkflowdefinition", "extras.contact", "extras.dynamicgroup", "extras.externalintegration",
    "extras.gitrepository", "extras.job", "extras.jobqueue", "extras.metadatatype", "extras.secret", "extras.team",
    "ipam.ipaddress", "ipam.ipaddressrange", "ipam.namespace", "ipam.prefix", "ipam.routetarget", "ipam.service",
    "ipam.vlan", "ipam.vlangroup", "ipam.vrf", "load_balancers.certificateprofile",
    "load_balancers.healthcheckmonitor", "load_balancers.loadbalancerpool", "load_balancers.loadbalancerpoolmember",
    "load_balancers.virtualserver", "tenancy.tenant", "virtualization.cluster", "virtualization.virtualmachine",
    "virtualization.vminterface", "vpn.vpn", "vpn.vpnphase1policy", "vpn.vpnphase2policy", "vpn.vpnprofile",
    "vpn.vpntermination", "vpn.vpntunnel", "vpn.vpntunnelendpoint", "wireless.radioprofile",
    "wireless.supporteddatarate", "wireless.wirelessnetwork",
];

const COLOR: crate::nautobot::schema::Field = defaults("color", Type::Color, Default::Text("9e9e9e"));

/// What tags and statuses are filtered by.
const MARKS: &[Filter] =
    &[by("name", How::Text("name")), by("color", How::Text("color")), by("content_types", How::Names("content_types"))];

pub(super) const TAG: KindDef = KindDef {
    path: "extras/tags",
    model: "extras.tag",
    class: "Tag",
    verbose: "tag",
    graphql: ("tag", "tags"),
    type_name: "TagType",
    fields: &[name("name"), models(TAG_MODELS, true), COLOR, text("description")],
    inputs: &[],
    extras: &[
        made("tagged_items", Made::TaggedItems, Rest::Count, ""),
        reverse("interface_set", Kind::Interface, "tags"),
        reverse("devicetype_set", Kind::DeviceType, "tags"),
        reverse("device_set", Kind::Device, "tags"),
        reverse("virtualchassis_set", Kind::VirtualChassis, "tags"),
        reverse("location_set", Kind::Location, "tags"),
        reverse("namespace_set", Kind::Namespace, "tags"),
        reverse("vrf_set", Kind::Vrf, "tags"),
        reverse("prefix_set", Kind::Prefix, "tags"),
        reverse("ipaddress_set", Kind::IpAddress, "tags"),
        reverse("vlan_set", Kind::Vlan, "tags"),
        reverse("tenant_set", Kind::Tenant, "tags"),
        reverse("cluster_set", Kind::Cluster, "tags"),
        reverse("virtualmachine_set", Kind::VirtualMachine, "tags"),
    ],
    unique: &[once(&[Part::Value("name")], "extras_tag_name_key")],
    order: &[Order::Text("name")],
    filters: MARKS,
    primary: true,
};

pub(super) const ROLE: KindDef = KindDef {
    path: "extras/roles",
    model: "extras.role",
    class: "Role",
    verbose: "role",
    graphql: ("role", "roles"),
    type_name: "RoleType",
    fields: &[name("name"), models(ROLE_MODELS, true), COLOR, text("description"), number("weight", 0, 32767)],
    inputs: &[],
    extras: &[
        reverse("devices", Kind::Device, "role"),
        reverse("interfaces", Kind::Interface, "role"),
        reverse("prefixes", Kind::Prefix, "role"),
        reverse("ip_addresses", Kind::IpAddress, "role"),
        reverse("vlans", Kind::Vlan, "role"),
        reverse("virtual_machines", Kind::VirtualMachine, "role"),
    ],
    unique: &[once(&[Part::Value("name")], "extras_role_name_key")],
    order: &[Order::Number("weight"), Order::Text("name")],
    filters: &[
        by("name", How::Text("name")),
        by("color", How::Text("color")),
        by("weight", How::Int("weight")),
        by("content_types", How::Names("content_types")),
    ],
    primary: true,
};

pub(super) const STATUS: KindDef = KindDef {
    path: "extras/statuses",
    model: "extras.status",
    class: "Status",
    verbose: "status",
    graphql: ("status", "statuses"),
    type_name: "StatusType",
    fields: &[name("name"), models(STATUS_MODELS, true), COLOR, text("description")],
    inputs: &[],
    extras: &[
        reverse("devices", Kind::Device, "status"),
        reverse("interfaces", Kind::Interface, "status"),
        reverse("locations", Kind::Location, "status"),
        reverse("prefixes", Kind::Prefix, "status"),
        reverse("ip_addresses", Kind::IpAddress, "status"),
        reverse("vlans", Kind::Vlan, "status"),
        reverse("vrfs", Kind::Vrf, "status"),
        reverse("virtual_machines", Kind::VirtualMachine, "status"),
    ],
    unique: &[once(&[Part::Value("name")], "extras_status_name_key")],
    order: &[Order::Text("name")],
    filters: MARKS,
    primary: true,
};

pub(super) const TENANT_GROUP: KindDef = KindDef {
    path: "tenancy/tenant-groups",
    model: "tenancy.tenantgroup",
    class: "TenantGroup",
    verbose: "tenant group",
    graphql: ("tenant_group", "tenant_groups"),
    type_name: "TenantGroupType",
    fields: &[name("name"), text("description"), reference("parent", Kind::TenantGroup, OnDelete::Cascade)],
    inputs: &[],
    extras: &[
        Extra { rest: Rest::Top, ..rest("tree_depth", Made::Null) },
        count("tenant_count", Kind::Tenant, "tenant_group"),
        reverse("children", Kind::TenantGroup, "parent"),
        reverse("tenants", Kind::Tenant, "tenant_group"),
    ],
    unique: &[once(&[Part::Value("name")], "tenancy_tenantgroup_name_key")],
    order: &[Order::Text("name")],
    filters: &[
        by("name", How::Text("name")),
        by("description", How::Text("description")),
        by("parent", How::Ref("parent")),
    ],
    primary: true,
};

pub(super) const TENANT: KindDef = KindDef {
    path: "tenancy/tenants",
    model: "tenancy.tenant",
    class: "Tenant",
    verbose: "tenant",
    graphql: ("tenant", "tenants"),
    type_name: "TenantType",
    fields: &[
        name("name"),
        text("description"),
        long("comments"),
        reference("tenant_group", Kind::TenantGroup, OnDelete::SetNull),
        TAGS,
    ],
    inputs: &[],
    extras: &[
        no_count("circuit_count"),
        count("cluster_count", Kind::Cluster, "tenant"),
        count("device_count", Kind::Device, "tenant"),
        count("ip_address_count", Kind::IpAddress, "tenant"),
        count("location_count", Kind::Location, "tenant"),
        count("prefix_count", Kind::Prefix, "tenant"),
        no_count("rack_count"),
        no_count("rackreservation_count"),
        count("virtual_machine_count", Kind::VirtualMachine, "tenant"),
        count("vlan_count", Kind::Vlan, "tenant"),
        count("vrf_count", Kind::Vrf, "tenant"),
        reverse("devices", Kind::Device, "tenant"),
        reverse("locations", Kind::Location, "tenant"),
        reverse("prefixes", Kind::Prefix, "tenant"),
        reverse("ip_addresses", Kind::IpAddress, "tenant"),
        reverse("vlans", Kind::Vlan, "tenant"),
        reverse("vrfs", Kind::Vrf, "tenant"),
        reverse("namespaces", Kind::Namespace, "tenant"),
        reverse("clusters", Kind::Cluster, "tenant"),
        reverse("virtual_machines", Kind::VirtualMachine, "tenant"),
    ],
    unique: &[once(&[Part::Value("name")], "tenancy_tenant_name_key")],
    order: &[Order::Ref("tenant_group"), Order::Text("name")],
    filters: &[
        by("name", How::Text("name")),
        by("comments", How::Text("comments")),
        by("tags", How::Any("tags")),
        by("tenant_group", How::Tree("tenant_group")),
    ],
    primary: true,
};
