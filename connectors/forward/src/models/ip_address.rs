//! IP addresses. An address may be on several interfaces; which one keeps it does not depend on the order of rows.

use std::cmp::Reverse;
use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;

use serde::Deserialize;
use syncline_core::Result;
use syncline_model::models::{Interface, IpAddress, IpAddressStatus, Vrf};
use syncline_model::{IpHost, Key, Text};

use super::device::Devices;
use super::prefix::Subnet;
use super::{Rejected, Run};
use crate::queries::Query;

/// An address of an interface.
#[derive(Debug, Deserialize)]
pub(crate) struct Row {
    device: String,
    interface: String,
    vrf: Option<String>,
    address: String,
}

/// Which interface keeps every address, in some 60 bytes an address: names are kept once, and referred to by number.
#[derive(Default)]
pub(crate) struct Addresses {
    kept: HashMap<(u32, IpAddr), Holder>,
    vrfs: Names,
    interfaces: Names,
    /// Management addresses of devices, by device, with the VRF in which they are the device's own.
    managed: HashMap<(u32, IpAddr), Option<u32>>,
}

/// What holds an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Holder {
    device: u32,
    interface: u32,
    mask: u8,
}

/// Texts by number. The number 0 is no text.
#[derive(Default)]
struct Names {
    numbers: HashMap<Text, u32>,
    names: Vec<Text>,
}

impl Addresses {
    /// An empty table that looks for these addresses of devices, by the position of the device.
    pub fn looking_for(managed: impl IntoIterator<Item = (u32, IpAddr)>) -> Self {
        Self { managed: managed.into_iter().map(|key| (key, None)).collect(), ..Self::default() }
    }

    /// Takes an address of an interface; false when another interface has it, too.
    fn take(&mut self, device: u32, interface: &Text, vrf: Option<&Text>, address: IpHost) -> bool {
        let vrf = vrf.map_or(0, |vrf| self.vrfs.number(vrf));
        let holder = Holder { device, interface: self.interfaces.number(interface), mask: address.mask() };
        match self.kept.entry((vrf, address.address())) {
            Entry::Vacant(entry) => {
                entry.insert(holder);
                true
            }
            Entry::Occupied(mut entry) => {
                if self.interfaces.rank(holder) < self.interfaces.rank(*entry.get()) {
                    entry.insert(holder);
                }
                false
            }
        }
    }

    /// Finds out which management addresses are addresses of their devices. Of several VRFs the global table comes
    /// first, then the first by name.
    fn settle(&mut self) {
        for ((vrf, address), holder) in &self.kept {
            let Some(found) = self.managed.get_mut(&(holder.device, *address)) else { continue };
            let rank = |vrf: u32| self.vrfs.name(vrf);
            if found.is_none_or(|other| rank(*vrf) < rank(other)) {
                *found = Some(*vrf);
            }
        }
    }

    /// The key of an address that is one of the device's own.
    pub fn of_device(&self, device: u32, address: IpAddr) -> Option<Key<IpAddress>> {
        let vrf = (*self.managed.get(&(device, address))?)?;
        let mask = self.kept.get(&(vrf, address))?.mask;
        let vrf = self.vrfs.name(vrf).map(Vrf::key_of);
        Some(IpAddress::key_of(&vrf, &IpHost::new(address, mask)?))
    }

    /// The VRFs in which there are addresses.
    pub fn vrfs(&self) -> BTreeSet<Text> {
        self.vrfs.names.iter().cloned().collect()
    }

    /// The record of an address.
    fn record(&self, vrf: u32, address: IpAddr, holder: Holder, devices: &Devices) -> Option<IpAddress> {
        let device = devices.at(holder.device)?;
        Some(IpAddress {
            vrf: self.vrfs.name(vrf).map(Vrf::key_of),
            address: IpHost::new(address, holder.mask)?,
            status: IpAddressStatus::Active,
            role: None,
            interface: Some(Interface::key_of(&device.key, self.interfaces.name(holder.interface)?)),
            description: None,
        })
    }
}

impl Names {
    fn number(&mut self, name: &Text) -> u32 {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        self.names.push(name.clone());
        // More than 4 billion different names do not fit into memory.
        let number = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        self.numbers.insert(name.clone(), number);
        number
    }

    fn name(&self, number: u32) -> Option<&Text> {
        self.names.get(number.checked_sub(1)? as usize)
    }

    /// The least keeps the address: the most specific mask, then the first device by name, then its first interface.
    fn rank(&self, holder: Holder) -> (Reverse<u8>, u32, Option<&Text>) {
        (Reverse(holder.mask), holder.device, self.name(holder.interface))
    }
}

/// Reads the addresses into `addresses`, and pushes them when all are there.
pub(crate) async fn read(run: &Run<'_>, devices: &Devices, addresses: &mut Addresses) -> Result<()> {
    let mut records = run.sink.open::<IpAddress>()?;
    if let Some(doubt) = devices.missing() {
        return records.partial(doubt).await;
    }
    let mut rows = run.stream(Query::IpAddresses).await?;
    while let Some(row) = rows.next::<Row>(&mut records).await? {
        let label = || format!("`{}` of `{}` on `{}`", row.address, row.interface, row.device);
        let Some(device) = devices.of_row(&row.device, &mut records, label) else { continue };
        let address = match row.address.parse::<IpHost>() {
            Ok(address) => address,
            Err(error) => {
                records.reject(label(), "address", error.to_string());
                continue;
            }
        };
        if is_link_local(address.address()) {
            records.skip("link-local address");
            continue;
        }
        if !address.is_assignable() {
            records.skip("network or broadcast address");
            continue;
        }
        let Some(interface) = Text::new(&row.interface) else {
            records.reject(label(), "interface", "the name of the interface is blank");
            continue;
        };
        let vrf = Text::of(row.vrf.as_deref());
        if !addresses.take(device.position, &interface, vrf.as_ref(), address) {
            records.skip("address that another interface has, too");
        }
    }
    addresses.settle();
    records.expect(addresses.kept.len() as u64);
    for ((vrf, address), holder) in &addresses.kept {
        if let Some(record) = addresses.record(*vrf, *address, *holder, devices) {
            records.push(&record, None).await?;
        }
    }
    run.end(records, rows.doubt()).await
}

/// The subnets that the chosen devices are connected to, where the queries cannot tell them from others.
pub(crate) async fn subnets(run: &Run<'_>, devices: &Devices) -> Result<BTreeSet<Subnet>> {
    let mut subnets = BTreeSet::new();
    let mut rejected: Vec<Rejected> = Vec::new();
    let mut rows = run.stream(Query::IpAddresses).await?;
    while let Some(row) = rows.next::<Row>(&mut rejected).await? {
        if devices.find(&row.device).is_ok()
            && let Ok(address) = row.address.parse::<IpHost>()
        {
            subnets.insert((Text::of(row.vrf.as_deref()), address.prefix()));
        }
    }
    if let Some(doubt) = rows.doubt() {
        // Whatever is chosen by these subnets may lack some.
        let _ = run.doubt.set(doubt);
    }
    Ok(subnets)
}

/// IPv6 link-local addresses mean something on their own link only: every link has the same ones.
pub(crate) fn is_link_local(address: IpAddr) -> bool {
    matches!(address, IpAddr::V6(address) if address.is_unicast_link_local())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(text: &str) -> Text {
        Text::new(text).unwrap()
    }

    fn taken(rows: &[(u32, &str, Option<&str>, &str)]) -> Vec<String> {
        let mut addresses = Addresses::default();
        for (device, interface, vrf, address) in rows {
            addresses.take(*device, &text(interface), vrf.map(text).as_ref(), address.parse().unwrap());
        }
        let mut kept: Vec<_> = addresses
            .kept
            .iter()
            .map(|((vrf, address), holder)| {
                let vrf = addresses.vrfs.name(*vrf).map_or("-", Text::as_str);
                let interface = addresses.interfaces.name(holder.interface).unwrap();
                format!("{vrf} {address}/{} {} {interface}", holder.mask, holder.device)
            })
            .collect();
        kept.sort();
        kept
    }

    #[test]
    fn the_most_specific_mask_then_the_first_device_then_its_first_interface_keeps_an_address() {
        let rows = [
            (2, "Vlan1", None, "10.0.0.1/24"),
            (1, "Vlan9", None, "10.0.0.1/24"),
            (1, "Vlan10", None, "10.0.0.1/24"),
            (3, "Vlan1", None, "10.0.0.2/24"),
            (9, "lo0", None, "10.0.0.2/32"),
            (4, "Vlan1", Some("A"), "10.0.0.1/24"),
        ];
        assert_eq!(taken(&rows), ["- 10.0.0.1/24 1 Vlan10", "- 10.0.0.2/32 9 lo0", "A 10.0.0.1/24 4 Vlan1"]);
    }

    #[test]
    fn a_management_address_is_the_devices_own_or_none() {
        let address: IpAddr = "10.0.0.1".parse().unwrap();
        let mut addresses = Addresses::looking_for([(1, address), (2, address)]);
        addresses.take(1, &text("mgmt0"), Some(&text("b")), "10.0.0.1/24".parse().unwrap());
        addresses.take(1, &text("mgmt0"), Some(&text("a")), "10.0.0.1/24".parse().unwrap());
        addresses.settle();
        assert_eq!(addresses.of_device(1, address).unwrap().to_string(), "a / 10.0.0.1");
        assert_eq!(addresses.of_device(2, address), None);
    }

    proptest! {
        #[test]
        fn the_order_of_rows_changes_nothing(
            rows in proptest::collection::vec((0_u32..3, 0_u8..3, 0_u8..3, 1_u8..4, 24_u8..=26), 0..30),
            turn in 0_usize..30,
        ) {
            let all: Vec<_> = rows
                .iter()
                .map(|(device, interface, vrf, host, mask)| {
                    let vrf = (*vrf > 0).then(|| format!("v{vrf}"));
                    (*device, format!("e{interface}"), vrf, format!("10.0.0.{host}/{mask}"))
                })
                .collect();
            let mut rows: Vec<_> =
                all.iter().map(|(d, i, v, a)| (*d, i.as_str(), v.as_deref(), a.as_str())).collect();
            let before = taken(&rows);
            if !rows.is_empty() {
                let middle = turn % rows.len();
                rows.rotate_left(middle);
            }
            rows.reverse();
            prop_assert_eq!(before, taken(&rows));
        }
    }
}
