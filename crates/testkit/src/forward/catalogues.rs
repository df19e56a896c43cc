//! Data sets that bring many devices together: sites, catalogues, stacks, VLANs, VRFs, prefixes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Serialize;

use crate::estate::{Device, Estate};

use super::datasets::{Dataset, Scope};
use super::table::Rows;

#[derive(Serialize)]
struct SiteRow<'a> {
    name: &'a str,
    location_id: Option<&'a str>,
    city: Option<&'a str>,
    country: Option<&'a str>,
}

#[derive(Serialize)]
struct VendorRow<'a> {
    vendor: &'a str,
}

#[derive(Serialize)]
struct TypeRow<'a> {
    vendor: &'a str,
    model: Option<&'a str>,
}

#[derive(Serialize)]
struct RoleRow<'a> {
    role: &'a str,
}

#[derive(Serialize)]
struct PlatformRow<'a> {
    os: &'a str,
    vendor: &'a str,
}

#[derive(Serialize)]
struct ChassisRow<'a> {
    name: &'a str,
    device: &'a str,
    position: Option<usize>,
    master: bool,
    domain: Option<&'a str>,
}

#[derive(Serialize)]
struct VlanRow<'a> {
    site: &'a str,
    vid: u16,
    name: Option<&'a str>,
}

#[derive(Serialize)]
struct VrfRow<'a> {
    name: &'a str,
    rd: Option<&'a str>,
}

#[derive(Serialize)]
struct PrefixRow<'a> {
    vrf: Option<&'a str>,
    prefix: &'a str,
}

/// Writes the rows of a data set that brings many devices together.
pub(crate) fn estate_rows(dataset: Dataset, estate: &Estate, scope: &Scope, rows: &mut Rows) {
    let devices = estate.devices().filter(|device| scope.sees(device));
    match dataset {
        Dataset::Sites => {
            let mut sites = BTreeMap::new();
            for device in devices {
                sites.entry(device.site().to_owned()).or_insert_with(|| device.location.clone());
            }
            for (name, location) in &sites {
                rows.push(&SiteRow {
                    name,
                    location_id: location.as_ref().map(|location| location.id.as_str()),
                    city: location.as_ref().and_then(|location| location.city.as_deref()),
                    country: location.as_ref().and_then(|location| location.country.as_deref()),
                });
            }
        }
        Dataset::Manufacturers => {
            let vendors: BTreeSet<_> = devices.map(|device| device.vendor.clone()).collect();
            for vendor in &vendors {
                rows.push(&VendorRow { vendor });
            }
        }
        Dataset::DeviceTypes => {
            let types: BTreeSet<_> = devices.map(|device| (device.vendor.clone(), device.model.clone())).collect();
            for (vendor, model) in &types {
                rows.push(&TypeRow { vendor, model: model.as_deref() });
            }
        }
        Dataset::DeviceRoles => {
            let roles: BTreeSet<_> = devices.map(|device| device.role.clone()).collect();
            for role in &roles {
                rows.push(&RoleRow { role });
            }
        }
        Dataset::Platforms => {
            let platforms: BTreeSet<_> = devices.map(|device| (device.os.clone(), device.vendor.clone())).collect();
            for (os, vendor) in &platforms {
                rows.push(&PlatformRow { os, vendor });
            }
        }
        Dataset::VirtualChassis => virtual_chassis(devices, rows),
        Dataset::Vlans => vlans(devices, rows),
        Dataset::Vrfs => {
            let mut vrfs = BTreeSet::new();
            for device in devices {
                let addresses = device.interfaces.iter().flat_map(|interface| &interface.addresses);
                vrfs.extend(addresses.filter_map(|address| address.vrf.clone()));
            }
            for name in &vrfs {
                rows.push(&VrfRow { name, rd: None });
            }
        }
        Dataset::Prefixes => {
            let mut prefixes = BTreeSet::new();
            for device in devices {
                for address in device.interfaces.iter().flat_map(|interface| &interface.addresses) {
                    let net = address.address;
                    if net.prefix_len() > 0 && net.prefix_len() < net.max_prefix_len() {
                        prefixes.insert((address.vrf.clone(), net.trunc().to_string()));
                    }
                }
            }
            for (vrf, prefix) in &prefixes {
                rows.push(&PrefixRow { vrf: vrf.as_deref(), prefix });
            }
        }
        _ => {}
    }
}

fn virtual_chassis(devices: impl Iterator<Item = Arc<Device>>, rows: &mut Rows) {
    // Devices that list the same stack serial numbers are one stack.
    let mut stacks: BTreeMap<Vec<String>, Vec<(String, Option<usize>)>> = BTreeMap::new();
    for device in devices.filter(|device| device.stack_serials.len() > 1) {
        let position =
            device.serial.as_ref().and_then(|own| device.stack_serials.iter().position(|serial| serial == own));
        let members = stacks.entry(device.stack_serials.clone()).or_default();
        members.push((device.name.clone(), position.map(|position| position + 1)));
    }
    // Devices come in the order of their names, so the first member names the stack.
    let mut stacks: Vec<_> = stacks.into_values().collect();
    stacks.sort();
    for members in &stacks {
        for (ordinal, (device, position)) in members.iter().enumerate() {
            let master = ordinal == 0;
            rows.push(&ChassisRow { name: &members[0].0, device, position: *position, master, domain: None });
        }
    }
}

fn vlans(devices: impl Iterator<Item = Arc<Device>>, rows: &mut Rows) {
    let mut vlans: BTreeMap<(String, u16), BTreeSet<(bool, String)>> = BTreeMap::new();
    for device in devices {
        for (vid, name) in device.vlans.iter() {
            let names = vlans.entry((device.site().to_owned(), *vid)).or_default();
            names.extend(name.iter().map(|name| (is_generic(name, *vid), name.clone())));
        }
        for vid in device.interfaces.iter().filter_map(|interface| interface.untagged_vlan).filter(|vid| *vid != 1) {
            vlans.entry((device.site().to_owned(), vid)).or_default();
        }
    }
    for ((site, vid), names) in &vlans {
        rows.push(&VlanRow { site, vid: *vid, name: names.first().map(|(_, name)| name.as_str()) });
    }
}

/// Names that devices make up themselves; they sort behind those that people gave.
fn is_generic(name: &str, vid: u16) -> bool {
    let name = name.to_lowercase();
    name == "default"
        || name == format!("vlan {vid}")
        || name == format!("vlan{vid}")
        || name == format!("vlan{vid:04}")
}
