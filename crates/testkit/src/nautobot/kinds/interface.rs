//! Interfaces of devices.

use super::build::{
    TAGS, absent, by, count, defaults, flag, index, made, many, name, needs, number, optional, reference, rest,
    reverse, text,
};
use crate::nautobot::choices::{DUPLEX, MODES};
use crate::nautobot::interface_types::INTERFACE_TYPES;
use crate::nautobot::schema::{
    Default, How, Kind, KindDef, Made, OnDelete, Order, Part, Rest, Type, Unique, UniqueError,
};

/// Where an interface's device and name stand among the constraints.
pub(in crate::nautobot) const DEVICE_AND_NAME: usize = 0;

pub(super) const INTERFACE: KindDef = KindDef {
    path: "dcim/interfaces",
    model: "dcim.interface",
    class: "Interface",
    verbose: "interface",
    graphql: ("interface", "interfaces"),
    type_name: "InterfaceType",
    fields: &[
        defaults("type", Type::Choice { options: INTERFACE_TYPES, blank: false }, Default::Null).required(),
        defaults("mode", Type::Choice { options: MODES, blank: true }, Default::Text("")),
        defaults("mac_address", Type::Mac, Default::Text("")),
        optional("speed", Type::Int { min: 0, max: 2_147_483_647 }).since(20_422),
        defaults("duplex", Type::Choice { options: DUPLEX, blank: true }, Default::Text("")).since(20_422),
        name("name"),
        text("label"),
        text("description"),
        flag("enabled", true),
        number("mtu", 1, 65536).labelled("MTU"),
        flag("mgmt_only", false),
        reference("device", Kind::Device, OnDelete::Cascade),
        needs("status", Kind::Status, OnDelete::Protect),
        reference("role", Kind::Role, OnDelete::Protect),
        reference("parent_interface", Kind::Interface, OnDelete::Cascade),
        reference("bridge", Kind::Interface, OnDelete::SetNull),
        reference("lag", Kind::Interface, OnDelete::SetNull),
        reference("untagged_vlan", Kind::Vlan, OnDelete::SetNull),
        reference("vrf", Kind::Vrf, OnDelete::SetNull),
        many("tagged_vlans", Kind::Vlan),
        TAGS,
    ],
    inputs: &[],
    extras: &[
        absent("cable", "CableType"),
        rest("cable_peer_type", Made::Null),
        rest("cable_peer", Made::Null),
        rest("connected_endpoint_type", Made::Null),
        rest("connected_endpoint", Made::Null),
        rest("connected_endpoint_reachable", Made::Null),
        made("port_type", Made::Null, Rest::Yes, "DcimInterfacePortTypeChoices").since(30_000),
        made("breakout_position", Made::Null, Rest::Yes, "Int").since(30_200),
        absent("module", "ModuleType"),
        count("ip_address_count", Kind::IpToInterface, "interface"),
        made(
            "ip_addresses",
            Made::Through { link: Kind::IpToInterface, here: "interface", there: "ip_address", to: Kind::IpAddress },
            Rest::Many,
            "[]",
        ),
        reverse("ip_address_assignments", Kind::IpToInterface, "interface"),
        reverse("member_interfaces", Kind::Interface, "lag"),
        reverse("child_interfaces", Kind::Interface, "parent_interface"),
        reverse("bridged_interfaces", Kind::Interface, "bridge"),
        made("connected_interface", Made::NoObject, Rest::No, "InterfaceType"),
    ],
    unique: &[
        // The database keeps no such rule: two equal interfaces in one list are both created. What else is said of it
        // is said by the kind's own rules.
        Unique {
            parts: &[Part::Value("device"), Part::Value("name")],
            error: UniqueError::SetOrWords(""),
            constraint: "",
        },
        index(&[Part::Value("name")]),
    ],
    order: &[Order::Id("device"), Order::InterfaceName("name")],
    filters: &[
        by("name", How::Text("name")),
        by("type", How::Choice("type")),
        by("_type", How::Choice("type")),
        by("duplex", How::Choice("duplex")),
        by("speed", How::Int("speed")),
        by("enabled", How::Bool("enabled")),
        by("mtu", How::Int("mtu")),
        by("mgmt_only", How::Bool("mgmt_only")),
        by("mode", How::Choice("mode")),
        by("label", How::Text("label")),
        by("description", How::Text("description")),
        by("mac_address", How::Mac("mac_address")),
        by("tags", How::Any("tags")),
        by("location", How::Of { field: "device", then: "location" }),
        by("device", How::Ref("device")),
        by("device_id", How::RefId("device")),
        by("parent_interface", How::Ref("parent_interface")),
        by("bridge", How::Ref("bridge")),
        by("lag", How::Ref("lag")),
        by("untagged_vlan", How::Ref("untagged_vlan")),
        by("tagged_vlans", How::Any("tagged_vlans")),
        by("ip_addresses", How::Through { link: Kind::IpToInterface, here: "interface", there: "ip_address" }),
        by("role", How::Ref("role")),
        by("status", How::Ref("status")),
    ],
    primary: true,
};

const _: () = assert!(matches!(INTERFACE.unique[DEVICE_AND_NAME].error, UniqueError::SetOrWords(_)));
