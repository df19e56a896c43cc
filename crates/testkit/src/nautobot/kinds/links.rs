//! Links between two objects that are objects themselves.

use super::build::{absent, by, flag, needs, reference, set};
use crate::nautobot::schema::{How, Kind, KindDef, OnDelete, Order, Part};

pub(super) const VLAN_LOCATION: KindDef = KindDef {
    path: "ipam/vlan-location-assignments",
    model: "ipam.vlanlocationassignment",
    class: "VLANLocationAssignment",
    verbose: "VLAN location assignment",
    graphql: ("vlan_location_assignment", "vlan_location_assignments"),
    type_name: "VLANLocationAssignmentType",
    fields: &[needs("vlan", Kind::Vlan, OnDelete::Cascade), needs("location", Kind::Location, OnDelete::Cascade)],
    inputs: &[],
    extras: &[],
    unique: &[set(
        &[Part::Value("vlan"), Part::Value("location")],
        "ipam_vlanlocationassignment_vlan_id_location_id_6d0b9e55_uniq",
    )],
    order: &[Order::Ref("vlan"), Order::Ref("location")],
    filters: &[by("vlan", How::Ref("vlan")), by("location", How::Tree("location"))],
    primary: false,
};

pub(super) const PREFIX_LOCATION: KindDef = KindDef {
    path: "ipam/prefix-location-assignments",
    model: "ipam.prefixlocationassignment",
    class: "PrefixLocationAssignment",
    verbose: "prefix location assignment",
    graphql: ("prefix_location_assignment", "prefix_location_assignments"),
    type_name: "PrefixLocationAssignmentType",
    fields: &[needs("prefix", Kind::Prefix, OnDelete::Cascade), needs("location", Kind::Location, OnDelete::Cascade)],
    inputs: &[],
    extras: &[],
    unique: &[set(
        &[Part::Value("prefix"), Part::Value("location")],
        "ipam_prefixlocationassig_prefix_id_location_id_1a0c4e4b_uniq",
    )],
    order: &[Order::Ref("prefix"), Order::Ref("location")],
    filters: &[by("prefix", How::Ref("prefix")), by("location", How::Tree("location"))],
    primary: false,
};

pub(super) const VRF_PREFIX: KindDef = KindDef {
    path: "ipam/vrf-prefix-assignments",
    model: "ipam.vrfprefixassignment",
    class: "VRFPrefixAssignment",
    verbose: "VRF-prefix assignment",
    graphql: ("vrf_prefix_assignment", "vrf_prefix_assignments"),
    type_name: "VRFPrefixAssignmentType",
    fields: &[needs("vrf", Kind::Vrf, OnDelete::Cascade), needs("prefix", Kind::Prefix, OnDelete::Cascade)],
    inputs: &[],
    extras: &[],
    unique: &[set(
        &[Part::Value("vrf"), Part::Value("prefix")],
        "ipam_vrfprefixassignment_vrf_id_prefix_id_a8e0a4a3_uniq",
    )],
    order: &[Order::Id("vrf"), Order::Id("prefix")],
    filters: &[by("vrf", How::Ref("vrf")), by("prefix", How::Ref("prefix"))],
    primary: false,
};

pub(super) const IP_TO_INTERFACE: KindDef = KindDef {
    path: "ipam/ip-address-to-interface",
    model: "ipam.ipaddresstointerface",
    class: "IPAddressToInterface",
    verbose: "IP Address Assignment",
    graphql: ("ip_address_assignment", "ip_address_assignments"),
    type_name: "IPAddressToInterfaceType",
    fields: &[
        needs("ip_address", Kind::IpAddress, OnDelete::Cascade),
        reference("interface", Kind::Interface, OnDelete::Cascade),
        flag("is_source", false),
        flag("is_destination", false),
        flag("is_default", false),
        flag("is_preferred", false),
        flag("is_primary", false),
        flag("is_secondary", false),
        flag("is_standby", false),
    ],
    inputs: &[],
    extras: &[absent("vm_interface", "VMInterfaceType")],
    unique: &[set(
        &[Part::Value("interface"), Part::Value("ip_address")],
        "ipam_ipaddresstointerface_ip_address_id_interface_id_uniq",
    )],
    order: &[Order::Created],
    filters: &[
        by("ip_address", How::RefId("ip_address")),
        by("interface", How::Ref("interface")),
        by("is_source", How::Bool("is_source")),
        by("is_destination", How::Bool("is_destination")),
        by("is_default", How::Bool("is_default")),
        by("is_preferred", How::Bool("is_preferred")),
        by("is_primary", How::Bool("is_primary")),
        by("is_secondary", How::Bool("is_secondary")),
        by("is_standby", How::Bool("is_standby")),
    ],
    primary: false,
};
