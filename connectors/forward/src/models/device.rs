//! Devices: who they are for the rows that name them, and their records.

use std::collections::{BTreeMap, HashSet};
use std::net::IpAddr;

use serde::Deserialize;
use syncline_core::Result;
use syncline_core::snapshot::ModelSink;
use syncline_model::models::{Device, DeviceStatus, IpAddress, Site};
use syncline_model::{Key, Model, Text};

use super::catalogues::{Catalogues, device_key};
use super::ip_address::Addresses;
use super::virtual_chassis::Stacks;
use super::{Collected, Missing, Positions, Run, tag};

/// A device.
#[derive(Debug, Deserialize)]
pub(crate) struct Row {
    pub name: String,
    pub site: String,
    pub vendor: String,
    pub model: Option<String>,
    pub role: String,
    pub os: String,
    pub serial: Option<String>,
    pub management_ips: Vec<String>,
    pub collection_ip: Option<String>,
    pub tags: Vec<String>,
    pub backfilled: bool,
}

/// The devices of a read, in the order of their names.
pub(crate) struct Devices {
    entries: Vec<Entry>,
    positions: Positions,
    /// Names of those that could not be taken over.
    refused: HashSet<Box<str>>,
    problems: Vec<(String, &'static str, String)>,
    scoped: bool,
    /// Why there are none.
    doubt: Option<String>,
}

/// A device as others refer to it.
#[derive(Debug)]
pub(crate) struct Entry {
    pub key: Key<Device>,
    pub site: Key<Site>,
    /// Position in the order of names.
    pub position: u32,
}

impl Devices {
    /// Indexes the devices. Sorts the rows by name.
    pub fn of(run: &Run<'_>, all: &Catalogues, read: &mut Collected<Row>) -> Self {
        read.rows.sort_by(|a, b| a.name.cmp(&b.name));
        let mut devices = Self {
            entries: Vec::with_capacity(read.rows.len()),
            positions: Positions::with_capacity(read.rows.len()),
            refused: HashSet::new(),
            problems: Vec::new(),
            scoped: run.parameters.is_scoped(),
            doubt: read.doubt.clone().filter(|_| read.rows.is_empty()),
        };
        let mut keys: BTreeMap<Key<Device>, &str> = BTreeMap::new();
        for row in &read.rows {
            let label = format!("device `{}`", row.name);
            let known = all.site(&row.site).and_then(|site| Some((device_key(&site, &row.name)?, site)));
            let Some((key, site)) = known else {
                devices.problems.push((label, "name", "its name or that of its site is blank".to_owned()));
                devices.refused.insert(row.name.as_str().into());
                continue;
            };
            if let Some(other) = keys.get(&key) {
                let message =
                    format!("at the same site `{other}` differs in nothing but case and blanks; rename one in Forward");
                devices.problems.push((label, "name", message));
                devices.refused.insert(row.name.as_str().into());
                continue;
            }
            // More than 4 billion devices do not fit into memory.
            let position = u32::try_from(devices.entries.len()).unwrap_or(u32::MAX);
            keys.insert(key.clone(), &row.name);
            devices.positions.insert(row.name.as_str().into(), position);
            devices.entries.push(Entry { key, site, position });
        }
        let refused = &devices.refused;
        read.rows.retain(|row| !refused.contains(row.name.as_str()));
        devices
    }

    /// Why nothing that belongs to a device can be read.
    pub fn missing(&self) -> Option<String> {
        self.doubt.as_ref().map(|doubt| format!("the devices that it belongs to could not be read: {doubt}"))
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub fn at(&self, position: u32) -> Option<&Entry> {
        self.entries.get(position as usize)
    }

    /// The device of a name.
    pub fn find(&self, name: &str) -> Result<&Entry, Missing> {
        match self.positions.get(name).and_then(|position| self.at(*position)) {
            Some(entry) => Ok(entry),
            None if self.scoped && !self.refused.contains(name) => Err(Missing::OutOfScope),
            None => Err(Missing::Unknown),
        }
    }

    /// The device that a row belongs to; a row of no device is accounted for.
    pub fn of_row<'a, M: Model>(
        &'a self,
        name: &str,
        records: &mut ModelSink<M>,
        label: impl FnOnce() -> String,
    ) -> Option<&'a Entry> {
        match self.find(name) {
            Ok(entry) => Some(entry),
            Err(Missing::OutOfScope) => {
                records.skip("device out of scope");
                None
            }
            Err(Missing::Unknown) => {
                records.reject(label(), "device", "its device is not among the devices that could be taken over");
                None
            }
        }
    }

    /// Pushes the records. `rows` are those that the devices were made of.
    pub async fn push(
        &self,
        run: &Run<'_>,
        all: &Catalogues,
        read: &mut Collected<Row>,
        tags: &[tag::Row],
        stacks: &Stacks,
        addresses: Option<&Addresses>,
    ) -> Result<()> {
        let mut records = run.sink.open::<Device>()?;
        read.report(&mut records);
        for (label, field, message) in &self.problems {
            records.reject(label, *field, message);
        }
        let tags = tag::by_device(all, tags);
        for (entry, row) in self.entries.iter().zip(&read.rows) {
            let label = || format!("device `{}`", row.name);
            let Some(name) = Text::new(&row.name) else { continue };
            let Some(device_type) = all.device_type(&row.vendor, row.model.as_deref()) else {
                records.reject(label(), "vendor", "its vendor is blank");
                continue;
            };
            let Some(role) = all.role(&row.role) else {
                records.reject(label(), "role", "its role is blank");
                continue;
            };
            let member = stacks.member(&row.name);
            let (primary_ip4, primary_ip6) = addresses.map_or((None, None), |addresses| {
                (primary(row, entry, addresses, true), primary(row, entry, addresses, false))
            });
            let device = Device {
                site: entry.site.clone(),
                name,
                device_type,
                role,
                platform: all.platform(&row.os),
                status: DeviceStatus::Active,
                serial: Text::of(row.serial.as_deref()),
                virtual_chassis: member.map(|member| member.chassis.clone()),
                vc_position: member.map(|member| member.position),
                primary_ip4,
                primary_ip6,
                tags: tags.get(row.name.as_str()).cloned().unwrap_or_default(),
                tenant: None,
                cluster: None,
                custom_fields: None,
                config_context: None,
            };
            records.push(&device, None).await?;
        }
        run.end(records, read.doubt.clone()).await
    }
}

/// The address that a device is managed by: the lowest of its management addresses that is the address of one of its
/// interfaces, else the one that Forward collects it at, if it is such an address.
fn primary(row: &Row, entry: &Entry, addresses: &Addresses, version4: bool) -> Option<Key<IpAddress>> {
    let managed = parsed(&row.management_ips).filter(|address| address.is_ipv4() == version4);
    let mut managed: Vec<_> = managed.collect();
    managed.sort_unstable();
    let collected = parsed(row.collection_ip.as_slice()).filter(|address| address.is_ipv4() == version4);
    managed.into_iter().chain(collected).find_map(|address| addresses.of_device(entry.position, address))
}

/// The addresses that a device may be managed by.
pub(crate) fn management_addresses(row: &Row) -> impl Iterator<Item = IpAddr> {
    parsed(&row.management_ips).chain(parsed(row.collection_ip.as_slice()))
}

fn parsed(texts: &[String]) -> impl Iterator<Item = IpAddr> {
    texts
        .iter()
        .filter_map(|text| text.split('/').next()?.trim().parse().ok())
        .map(|address: IpAddr| address.to_canonical())
}
