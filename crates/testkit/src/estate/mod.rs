//! Estates: made-up networks, from a handful of devices to more than a million records, the same for the same options on
//! every machine.
//!
//! An [`Estate`] keeps one small entry per device and makes a device's interfaces when somebody asks for it, so a large one
//! costs little memory: iterate with [`Estate::devices`]. It can be edited ([`Estate::edit`], [`Estate::remove_device`] and
//! the ready-made changes of [`edit`](self::Estate)), and a copy of an edited estate is cheap, which is how a test makes the
//! next Forward snapshot out of the last one.
//!
//! ```
//! use syncline_testkit::estate::{Estate, EstateOptions};
//!
//! let mut estate = Estate::generate(EstateOptions::small());
//! let device = estate.devices().next().expect("a small estate has devices");
//! estate.describe_interface(&device.name, &device.interfaces[0].name, Some("moved"));
//! ```

mod catalogue;
mod edit;
mod generate;
mod interfaces;
pub(crate) mod rng;
mod types;

use std::sync::Arc;

pub use edit::Missing;
pub use types::{Address, Collection, Device, Interface, InterfaceKind, Location, Mac, VlanMode};

/// What kind of estate to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EstateOptions {
    /// Equal options with equal seeds give equal estates.
    pub seed: u64,
    /// Locations, at most 4,096.
    pub sites: u32,
    /// Devices at each: two core switches, a router, a firewall, then access switches and load balancers.
    pub devices_per_site: u32,
    /// Interfaces of each device, 4 at least.
    pub interfaces_per_device: u32,
    /// VLANs of each site.
    pub vlans_per_site: u32,
    /// VRFs of the estate; the same ones exist everywhere.
    pub vrfs: u32,
    /// Addresses in routed subnets that each device has beside loopback, management and links to its neighbours.
    pub routed_subnets_per_device: u32,
    /// How many of 100 ports have a MAC address.
    pub mac_percent: u8,
    /// Some access switches are stacks: most of two devices, some collected as one.
    pub stacks: bool,
    /// Some firewalls have a virtual context, which is a device of its own.
    pub virtual_contexts: bool,
    /// The oddities of real estates: devices without model, place, version or management address, names in upper case,
    /// devices that could not be collected or were carried over, a synthetic node, all-zero MAC addresses, blank
    /// descriptions, ports that are up although they should not be, VLANs that nobody defined, shared gateway addresses.
    /// Everything a target accepts; for values that it must refuse see [`Estate::spoil_serial`] and its like.
    pub edge_cases: bool,
}

/// A made-up network.
#[derive(Debug, Clone)]
pub struct Estate {
    options: EstateOptions,
    /// Sorted by name.
    slots: Vec<Slot>,
}

/// A device of an estate: where it comes from.
#[derive(Debug, Clone)]
struct Slot {
    name: String,
    origin: Origin,
}

#[derive(Debug, Clone)]
enum Origin {
    /// Made from the options on demand.
    Generated { site: u32, index: u32, context: bool },
    /// Edited or added.
    Given(Arc<Device>),
}

/// How many records an estate has, per kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EstateCounts {
    /// Devices, those that queries do not see included.
    pub devices: u64,
    /// Interfaces.
    pub interfaces: u64,
    /// Interfaces with a MAC address other than zero.
    pub mac_addresses: u64,
    /// Addresses of interfaces.
    pub ip_addresses: u64,
}

impl Default for EstateOptions {
    fn default() -> Self {
        Self::small()
    }
}

impl EstateOptions {
    /// Three sites, 24 devices with 16 interfaces each: every edge case, quick to sync.
    pub fn small() -> Self {
        Self {
            seed: 1,
            sites: 3,
            devices_per_site: 8,
            interfaces_per_device: 16,
            vlans_per_site: 8,
            vrfs: 3,
            routed_subnets_per_device: 2,
            mac_percent: 85,
            stacks: true,
            virtual_contexts: true,
            edge_cases: true,
        }
    }

    /// A few hundred devices, some 10,000 interfaces.
    pub fn demo() -> Self {
        Self { sites: 15, devices_per_site: 20, interfaces_per_device: 32, vlans_per_site: 12, ..Self::small() }
    }

    /// About 1.2 million records: 3,600 devices, 576,000 interfaces.
    pub fn large() -> Self {
        Self {
            sites: 240,
            devices_per_site: 15,
            interfaces_per_device: 160,
            vlans_per_site: 40,
            vrfs: 245,
            routed_subnets_per_device: 10,
            ..Self::small()
        }
    }

    /// An estate of roughly that many records over all models.
    pub fn with_records(records: u64) -> Self {
        // A device of the large estate stands for about 333 records; smaller estates have fewer interfaces a device.
        let (interfaces_per_device, records_per_device) = match records {
            0..2_000 => (12, 38),
            2_000..100_000 => (32, 80),
            _ => (160, 333),
        };
        let devices = u32::try_from(records / records_per_device).unwrap_or(u32::MAX).max(2);
        let devices_per_site = devices.min(15);
        let base = if records < 100_000 { Self::small() } else { Self::large() };
        Self { sites: (devices / devices_per_site).clamp(1, 4096), devices_per_site, interfaces_per_device, ..base }
    }

    /// The same without the oddities of real estates.
    pub fn without_edge_cases(self) -> Self {
        Self { edge_cases: false, ..self }
    }
}

impl Estate {
    /// Makes an estate. Costs time and memory for the list of devices only.
    pub fn generate(options: EstateOptions) -> Self {
        let options = EstateOptions {
            sites: options.sites.min(4096),
            interfaces_per_device: options.interfaces_per_device.max(4),
            ..options
        };
        let mut estate = Self { slots: generate::slots(&options), options };
        if estate.options.edge_cases {
            estate.add_device(generate::synthetic_node());
        }
        estate
    }

    /// An estate without any device, to fill with [`Estate::add_device`].
    pub fn empty() -> Self {
        Self { options: EstateOptions { sites: 0, ..EstateOptions::small() }, slots: Vec::new() }
    }

    /// What it was made from.
    pub fn options(&self) -> &EstateOptions {
        &self.options
    }

    /// Number of devices.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// True without devices.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// All devices in the order of their names, each made when it is its turn.
    pub fn devices(&self) -> impl Iterator<Item = Arc<Device>> + '_ {
        (0..self.slots.len()).map(|position| self.device_at(position))
    }

    /// Names of all devices, sorted.
    pub fn device_names(&self) -> impl Iterator<Item = &str> {
        self.slots.iter().map(|slot| slot.name.as_str())
    }

    /// The device of that name.
    pub fn device(&self, name: &str) -> Option<Arc<Device>> {
        self.position(name).ok().map(|position| self.device_at(position))
    }

    /// The device at a position in the order of names.
    ///
    /// # Panics
    /// If `position` is not below [`Estate::len`].
    pub fn device_at(&self, position: usize) -> Arc<Device> {
        match &self.slots[position].origin {
            Origin::Given(device) => Arc::clone(device),
            Origin::Generated { site, index, context } => {
                Arc::new(generate::device(&self.options, *site, *index, *context))
            }
        }
    }

    /// Counts the records. Makes every device once.
    pub fn counts(&self) -> EstateCounts {
        let mut counts = EstateCounts::default();
        for device in self.devices() {
            counts.devices += 1;
            for interface in &device.interfaces {
                counts.interfaces += 1;
                counts.mac_addresses += u64::from(interface.mac.is_some_and(|mac| !mac.is_zero()));
                counts.ip_addresses += interface.addresses.len() as u64;
            }
        }
        counts
    }

    fn position(&self, name: &str) -> Result<usize, usize> {
        self.slots.binary_search_by(|slot| slot.name.as_str().cmp(name))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn equal_options_give_equal_estates() {
        let one: Vec<_> = Estate::generate(EstateOptions::small()).devices().collect();
        let two: Vec<_> = Estate::generate(EstateOptions::small()).devices().collect();
        let other: Vec<_> = Estate::generate(EstateOptions { seed: 2, ..EstateOptions::small() }).devices().collect();
        assert_eq!(one, two);
        assert_ne!(one, other);
    }

    #[test]
    fn names_are_unique_and_sorted() {
        let estate = Estate::generate(EstateOptions::demo());
        let names: Vec<_> = estate.device_names().collect();
        let set: BTreeSet<_> = names.iter().copied().collect();
        assert_eq!(names, set.into_iter().collect::<Vec<_>>());
        for device in estate.devices() {
            let names: Vec<_> = device.interfaces.iter().map(|i| &i.name).collect();
            let set: BTreeSet<_> = names.iter().copied().collect();
            assert_eq!(names, set.into_iter().collect::<Vec<_>>(), "interfaces of {}", device.name);
            for interface in &device.interfaces {
                if let Some(aggregate) = &interface.aggregate {
                    assert!(device.interface(aggregate).is_some(), "{aggregate} of {}", device.name);
                }
            }
        }
    }

    #[test]
    fn addresses_repeat_only_where_meant() {
        let estate = Estate::generate(EstateOptions::demo().without_edge_cases());
        let mut seen = BTreeSet::new();
        for device in estate.devices() {
            for interface in &device.interfaces {
                for address in &interface.addresses {
                    assert!(
                        seen.insert((address.vrf.clone(), address.address.addr())),
                        "{address:?} of {}",
                        device.name
                    );
                }
            }
        }
    }

    #[test]
    fn serials_and_parents_hold() {
        let estate = Estate::generate(EstateOptions::demo());
        let mut serials = BTreeSet::new();
        for device in estate.devices() {
            if let Some(serial) = &device.serial {
                assert!(serials.insert(serial.clone()), "{serial}");
            }
            if let Some(parent) = &device.parent {
                assert!(estate.device(parent).is_some());
            }
        }
    }

    #[test]
    fn sizes_come_out_as_asked() {
        let options = EstateOptions { stacks: false, virtual_contexts: false, ..EstateOptions::demo() };
        let options = options.without_edge_cases();
        let counts = Estate::generate(options).counts();
        assert_eq!((counts.devices, counts.interfaces), (300, 300 * 32));
    }
}
