//! What of Forward becomes what of the models, for people.

use syncline_core::describe::DataMapping;

/// Model, field (empty for the model), what of Forward, how it changes.
type Line = (&'static str, &'static str, &'static str, &'static str);

/// Every mapping, model by model.
pub(crate) fn all() -> Vec<DataMapping> {
    LINES
        .iter()
        .map(|(model, field, native, note)| DataMapping::field(model, field, *native).with_note(*note))
        .collect()
}

const LINES: &[Line] = &[
    ("site", "", "locations that hold a device in scope", "devices without location are at `unknown`"),
    ("site", "slug", "sites.name", "made from the name; a second name with the same slug gets a number"),
    ("site", "name", "sites.name", ""),
    ("site", "physical_address", "sites.city, sites.country", "joined by a comma; left alone when both are unknown"),
    ("manufacturer", "", "vendors of devices in scope", ""),
    ("manufacturer", "slug", "manufacturers.vendor", "made from the name"),
    (
        "manufacturer",
        "name",
        "manufacturers.vendor",
        "the maker's spelling: `PALO_ALTO_NETWORKS` becomes `Palo Alto Networks`",
    ),
    ("device_type", "", "hardware models of devices in scope", ""),
    ("device_type", "manufacturer", "device_types.vendor", ""),
    ("device_type", "slug", "device_types.model", "made from the model; `+`, `/` and `.` are spelled out"),
    ("device_type", "model", "device_types.model", "`Unknown` where Forward cannot tell it"),
    ("device_type", "part_number", "device_types.model", "left alone where Forward cannot tell the model"),
    ("device_role", "", "device types (what a device does) of devices in scope", ""),
    ("device_role", "slug", "device_roles.role", "made from Forward's constant"),
    ("device_role", "name", "device_roles.role", "`LOAD_BALANCER` becomes `Load balancer`"),
    ("platform", "", "operating systems of devices in scope", ""),
    ("platform", "slug", "platforms.os", "made from Forward's constant"),
    ("platform", "name", "platforms.os", "`IOS_XE` becomes `Cisco IOS-XE`"),
    ("platform", "manufacturer", "platforms.vendor", "left alone when devices of several vendors run it"),
    ("device", "", "collected devices in scope, without Forward's synthetic nodes", ""),
    ("device", "site", "devices.site", ""),
    ("device", "name", "devices.name", ""),
    ("device", "device_type", "devices.vendor, devices.model", ""),
    ("device", "role", "devices.role", ""),
    ("device", "platform", "devices.os", ""),
    ("device", "status", "", "always `active`: the device was collected"),
    ("device", "serial", "devices.serial", "left alone when unknown"),
    ("device", "virtual_chassis", "virtual_chassis.name", "for members with a position"),
    ("device", "vc_position", "virtual_chassis.position", ""),
    (
        "device",
        "primary_ip4",
        "devices.management_ips, devices.collection_ip",
        "the lowest management address that is an address of one of the device's interfaces, else the collection address if it is one",
    ),
    ("device", "primary_ip6", "devices.management_ips, devices.collection_ip", "as the IPv4 address"),
    ("device", "tags", "device_tags.tag", "added; other tags stay"),
    ("virtual_chassis", "", "stacks", "members without a position of their own are left out"),
    ("virtual_chassis", "name", "virtual_chassis.name", ""),
    ("virtual_chassis", "domain", "virtual_chassis.domain", ""),
    ("virtual_chassis", "master", "virtual_chassis.master", "the member for which it is true"),
    ("interface", "", "interfaces of devices in scope", ""),
    ("interface", "device", "interfaces.device", ""),
    ("interface", "name", "interfaces.name", "as Forward spells it"),
    (
        "interface",
        "type",
        "interfaces.interface_type, interfaces.speed_mbps",
        "Ethernet by its speed; aggregates are `lag`, bridges `bridge`; loopbacks, routed VLANs and tunnels `virtual`; else `other`",
    ),
    ("interface", "enabled", "interfaces.admin_status", "`UP` is enabled; the operational state is not looked at"),
    ("interface", "mtu", "interfaces.mtu", ""),
    ("interface", "speed", "interfaces.speed_mbps", "in kbit/s"),
    ("interface", "description", "interfaces.description", ""),
    ("interface", "lag", "interfaces.aggregate", "if the device has that interface"),
    ("interface", "mode", "interfaces.mode", "`ACCESS` becomes `access`, `TRUNK` becomes `tagged`"),
    ("interface", "untagged_vlan", "interfaces.untagged_vlan", "if the site has that VLAN"),
    ("mac_address", "", "interfaces that have a MAC address", "the all-zero address is left out"),
    ("mac_address", "interface", "mac_addresses.device, mac_addresses.interface", ""),
    ("mac_address", "mac_address", "mac_addresses.mac_address", "upper case with colons"),
    ("vlan", "", "VLANs of network instances, of devices, and of interfaces, by site", ""),
    ("vlan", "site", "vlans.site", ""),
    ("vlan", "vid", "vlans.vid", ""),
    ("vlan", "name", "vlans.name", "`VLAN 100` when it has none"),
    ("vrf", "", "network instances, without the default one, in which an interface in scope has an address", ""),
    ("vrf", "name", "vrfs.name", ""),
    ("vrf", "rd", "vrfs.rd", "left alone when unknown"),
    (
        "prefix",
        "",
        "connected subnets of interfaces in scope",
        "host routes, default routes and link-local ones are left out",
    ),
    ("prefix", "vrf", "prefixes.vrf", "none is the global table"),
    ("prefix", "prefix", "prefixes.prefix", ""),
    (
        "ip_address",
        "",
        "addresses of interfaces in scope",
        "one for each address and VRF: the most specific mask, then the first device, then its first interface keep it; network, broadcast and link-local addresses are left out",
    ),
    ("ip_address", "vrf", "ip_addresses.vrf", "none is the global table"),
    ("ip_address", "address", "ip_addresses.address", ""),
    ("ip_address", "interface", "ip_addresses.device, ip_addresses.interface", ""),
    ("tag", "", "device tags of devices in scope", ""),
    ("tag", "slug", "device_tags.tag", "made from the name"),
    ("tag", "name", "device_tags.tag", ""),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::LINES;
    use crate::queries::Query;

    #[test]
    fn what_is_named_is_a_column() {
        for (model, field, native, _) in LINES.iter().filter(|(_, field, ..)| !field.is_empty()) {
            for column in native.split(", ").filter(|column| !column.is_empty()) {
                let (query, column) = column.split_once('.').unwrap();
                let query = Query::ALL.into_iter().find(|known| known.name() == query);
                assert!(query.unwrap().columns().all.contains(&column), "{model}.{field}: {native}");
            }
        }
        let fields: BTreeSet<_> = LINES.iter().map(|(model, field, ..)| (model, field)).collect();
        assert_eq!(fields.len(), LINES.len());
    }
}
