//! The data sets that stand in for NQE: what each query of the Forward connector yields over an estate. Those with rows of
//! single devices are made here, the others in [`super::catalogues`].
//!
//! The columns are the contract of the connector's query files (`connectors/forward/queries/README.md`).

use std::net::IpAddr;

use ipnet::IpNet;
use serde::Serialize;

use crate::estate::{Collection, Device, InterfaceKind, VlanMode};

use super::table::Rows;

/// A query that the simulator knows by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "each is the query file of that name")]
pub enum Dataset {
    Sites,
    Manufacturers,
    DeviceTypes,
    DeviceRoles,
    Platforms,
    Devices,
    VirtualChassis,
    Interfaces,
    MacAddresses,
    Vlans,
    Vrfs,
    Prefixes,
    IpAddresses,
    DeviceTags,
    /// Names of devices alone: what collection probes of other clients ask for.
    DeviceNames,
}

/// Which devices a query sees: the three parameters of every shipped query.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Scope {
    pub(crate) tags_include: Vec<String>,
    pub(crate) tags_exclude: Vec<String>,
    pub(crate) sites: Vec<String>,
}

impl Dataset {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::Sites,
        Self::Manufacturers,
        Self::DeviceTypes,
        Self::DeviceRoles,
        Self::Platforms,
        Self::Devices,
        Self::VirtualChassis,
        Self::Interfaces,
        Self::MacAddresses,
        Self::Vlans,
        Self::Vrfs,
        Self::Prefixes,
        Self::IpAddresses,
        Self::DeviceTags,
        Self::DeviceNames,
    ];

    /// The name in the marker comment, which is also the file name of the query.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sites => "sites",
            Self::Manufacturers => "manufacturers",
            Self::DeviceTypes => "device_types",
            Self::DeviceRoles => "device_roles",
            Self::Platforms => "platforms",
            Self::Devices => "devices",
            Self::VirtualChassis => "virtual_chassis",
            Self::Interfaces => "interfaces",
            Self::MacAddresses => "mac_addresses",
            Self::Vlans => "vlans",
            Self::Vrfs => "vrfs",
            Self::Prefixes => "prefixes",
            Self::IpAddresses => "ip_addresses",
            Self::DeviceTags => "device_tags",
            Self::DeviceNames => "device_names",
        }
    }

    /// The data set of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|dataset| dataset.name() == name)
    }

    /// Columns in order, identity first.
    pub fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Sites => &["name", "location_id", "city", "country"],
            Self::Manufacturers => &["vendor"],
            Self::DeviceTypes => &["vendor", "model"],
            Self::DeviceRoles => &["role"],
            Self::Platforms => &["os", "vendor"],
            Self::Devices => &[
                "name",
                "site",
                "location_id",
                "vendor",
                "model",
                "role",
                "os",
                "os_version",
                "serial",
                "management_ips",
                "collection_ip",
                "parent",
                "tags",
                "backfilled",
            ],
            Self::VirtualChassis => &["name", "device", "position", "master", "domain"],
            Self::Interfaces => &[
                "device",
                "name",
                "interface_type",
                "admin_status",
                "speed_mbps",
                "mtu",
                "description",
                "aggregate",
                "mode",
                "untagged_vlan",
            ],
            Self::MacAddresses => &["device", "interface", "mac_address"],
            Self::Vlans => &["site", "vid", "name"],
            Self::Vrfs => &["name", "rd"],
            Self::Prefixes => &["vrf", "prefix"],
            Self::IpAddresses => &["device", "interface", "vrf", "address"],
            Self::DeviceTags => &["device", "tag"],
            Self::DeviceNames => &["name"],
        }
    }

    /// How many of the first columns the rows are in the order of, as they come.
    pub(crate) fn natural_order(self) -> usize {
        match self {
            Self::Sites | Self::Manufacturers | Self::DeviceRoles | Self::Devices | Self::Vrfs | Self::DeviceNames => 1,
            Self::DeviceTypes
            | Self::Platforms
            | Self::VirtualChassis
            | Self::Interfaces
            | Self::MacAddresses
            | Self::Vlans
            | Self::Prefixes
            | Self::DeviceTags => 2,
            Self::IpAddresses => 4,
        }
    }

    /// True if every row belongs to one device, so that rows can be made device by device.
    pub(crate) fn is_per_device(self) -> bool {
        matches!(
            self,
            Self::Devices
                | Self::Interfaces
                | Self::MacAddresses
                | Self::IpAddresses
                | Self::DeviceTags
                | Self::DeviceNames
        )
    }
}

impl Scope {
    /// True if a query with these parameters sees the device.
    pub(crate) fn sees(&self, device: &Device) -> bool {
        let carries = |tag: &String| device.tags.contains(tag);
        device.is_queryable()
            && (self.tags_include.is_empty() || self.tags_include.iter().any(carries))
            && !self.tags_exclude.iter().any(carries)
            && (self.sites.is_empty() || self.sites.iter().any(|site| site == device.site()))
    }
}

#[derive(Serialize)]
struct DeviceRow<'a> {
    name: &'a str,
    site: &'a str,
    location_id: Option<&'a str>,
    vendor: &'a str,
    model: Option<&'a str>,
    role: &'a str,
    os: &'a str,
    os_version: Option<&'a str>,
    serial: Option<&'a str>,
    management_ips: Vec<String>,
    collection_ip: Option<IpAddr>,
    parent: Option<&'a str>,
    tags: &'a [String],
    backfilled: bool,
}

#[derive(Serialize)]
struct InterfaceRow<'a> {
    device: &'a str,
    name: &'a str,
    interface_type: &'static str,
    admin_status: &'static str,
    speed_mbps: Option<u32>,
    mtu: Option<u32>,
    description: Option<&'a str>,
    aggregate: Option<&'a str>,
    mode: Option<&'static str>,
    untagged_vlan: Option<u16>,
}

#[derive(Serialize)]
struct MacRow<'a> {
    device: &'a str,
    interface: &'a str,
    mac_address: String,
}

#[derive(Serialize, PartialEq, Eq, PartialOrd, Ord)]
struct AddressRow<'a> {
    device: &'a str,
    interface: &'a str,
    vrf: Option<&'a str>,
    address: String,
}

#[derive(Serialize)]
struct TagRow<'a> {
    device: &'a str,
    tag: &'a str,
}

#[derive(Serialize)]
struct NameRow<'a> {
    name: &'a str,
}

/// Writes the rows of one device.
pub(crate) fn device_rows(dataset: Dataset, device: &Device, rows: &mut Rows) {
    let name = device.name.as_str();
    match dataset {
        Dataset::Devices => rows.push(&device_row(device)),
        Dataset::DeviceNames => rows.push(&NameRow { name }),
        Dataset::DeviceTags => {
            for tag in &device.tags {
                rows.push(&TagRow { device: name, tag });
            }
        }
        Dataset::Interfaces => {
            for interface in &device.interfaces {
                rows.push(&InterfaceRow {
                    device: name,
                    name: &interface.name,
                    interface_type: interface.kind.as_str(),
                    admin_status: if interface.admin_up { "UP" } else { "DOWN" },
                    speed_mbps: interface.speed_mbps.filter(|_| interface.kind != InterfaceKind::Aggregate),
                    mtu: interface.mtu,
                    description: interface.description.as_deref().filter(|text| !text.is_empty()),
                    aggregate: interface.aggregate.as_deref(),
                    mode: interface.mode.map(VlanMode::as_str),
                    untagged_vlan: interface.untagged_vlan,
                });
            }
        }
        Dataset::MacAddresses => {
            for interface in &device.interfaces {
                if let Some(mac) = interface.mac.filter(|mac| !mac.is_zero()) {
                    rows.push(&MacRow { device: name, interface: &interface.name, mac_address: mac.to_string() });
                }
            }
        }
        Dataset::IpAddresses => {
            for interface in &device.interfaces {
                let mut addresses: Vec<_> = interface
                    .addresses
                    .iter()
                    .filter(|address| is_host(&address.address))
                    .map(|address| AddressRow {
                        device: name,
                        interface: &interface.name,
                        vrf: address.vrf.as_deref(),
                        address: address.address.to_string(),
                    })
                    .collect();
                addresses.sort();
                for address in &addresses {
                    rows.push(address);
                }
            }
        }
        _ => {}
    }
}

/// How many rows [`device_rows`] writes, without writing them.
pub(crate) fn device_row_count(dataset: Dataset, device: &Device) -> usize {
    match dataset {
        Dataset::Devices | Dataset::DeviceNames => 1,
        Dataset::DeviceTags => device.tags.len(),
        Dataset::Interfaces => device.interfaces.len(),
        Dataset::MacAddresses => {
            device.interfaces.iter().filter(|interface| interface.mac.is_some_and(|mac| !mac.is_zero())).count()
        }
        Dataset::IpAddresses => {
            device.interfaces.iter().flat_map(|interface| &interface.addresses).filter(|a| is_host(&a.address)).count()
        }
        _ => 0,
    }
}

fn device_row(device: &Device) -> DeviceRow<'_> {
    let mut management_ips: Vec<String> = device.management_ips.iter().map(ToString::to_string).collect();
    management_ips.sort_unstable();
    DeviceRow {
        name: &device.name,
        site: device.site(),
        location_id: device.location.as_ref().map(|location| location.id.as_str()),
        vendor: &device.vendor,
        model: device.model.as_deref(),
        role: &device.role,
        os: &device.os,
        os_version: device.os_version.as_deref(),
        serial: device.serial.as_deref(),
        management_ips,
        collection_ip: device.collection_ip,
        parent: device.parent.as_deref(),
        tags: &device.tags,
        backfilled: device.collection == Collection::Backfilled,
    }
}

/// Neither the network nor the broadcast address, unless the subnet is too small to have any.
fn is_host(net: &IpNet) -> bool {
    net.prefix_len() + 1 >= net.max_prefix_len()
        || (net.addr() != net.network() && (net.addr().is_ipv6() || net.addr() != net.broadcast()))
}
