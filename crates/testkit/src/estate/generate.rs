//! From options to devices: names, roles, hardware, stacks and contexts. Interfaces are made in [`super::interfaces`].

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use super::catalogue::{ACCESS, BALANCERS, CITIES, CORES, FIREWALLS, Platform, ROUTERS, SITE_KINDS, TAGS, VLAN_NAMES};
use super::interfaces;
use super::rng::Rng;
use super::{Collection, Device, EstateOptions, Location, Origin, Slot};

/// What a device does at its site.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Core,
    Router,
    Firewall,
    Access,
    Balancer,
}

/// Everything that follows from a device's place in the estate, before anything is drawn.
pub(super) struct Place<'a> {
    pub(super) options: &'a EstateOptions,
    pub(super) site: u32,
    pub(super) index: u32,
    pub(super) part: Part,
    /// Number among the devices of its part at its site, from 0.
    pub(super) ordinal: u32,
    /// Number in the whole estate.
    pub(super) global: u32,
    pub(super) platform: &'static Platform,
}

/// All devices by name, none of them made.
pub(super) fn slots(options: &EstateOptions) -> Vec<Slot> {
    let mut slots = Vec::new();
    for site in 0..options.sites {
        for index in 0..options.devices_per_site {
            let place = Place::of(options, site, index);
            slots.push(Slot { name: place.name(), origin: Origin::Generated { site, index, context: false } });
            if options.virtual_contexts && place.part == Part::Firewall && site % 3 == 0 {
                slots.push(Slot {
                    name: place.context_name(),
                    origin: Origin::Generated { site, index, context: true },
                });
            }
        }
    }
    slots.sort_by(|a, b| a.name.cmp(&b.name));
    slots
}

/// Makes one device.
pub(super) fn device(options: &EstateOptions, site: u32, index: u32, context: bool) -> Device {
    let place = Place::of(options, site, index);
    let mut rng = Rng::of(options.seed, &[2, site.into(), index.into(), context.into()]);
    let platform = place.platform;
    let management = place.management_ip();
    let mut tags: Vec<String> = TAGS.iter().filter(|_| rng.percent(30)).map(|tag| (*tag).to_owned()).collect();
    tags.sort_unstable();
    let model = *rng.pick(platform.models);
    let version = *rng.pick(platform.versions);
    let mut device = Device {
        name: if context { place.context_name() } else { place.name() },
        location: (!place.odd(29, 11)).then(|| Arc::new(location(site))),
        vendor: platform.vendor.to_owned(),
        model: (!place.odd(23, 9)).then(|| model.to_owned()),
        role: platform.role.to_owned(),
        os: platform.os.to_owned(),
        os_version: (!place.odd(19, 14)).then(|| version.to_owned()),
        serial: (!context).then(|| serial(options, site, index)),
        management_ips: if context || place.odd(31, 13) { Vec::new() } else { vec![management] },
        collection_ip: Some(management),
        parent: context.then(|| place.name()),
        tags,
        collection: if place.odd(41, 20) {
            Collection::Failed("CONNECTION_TIMEOUT".to_owned())
        } else if place.odd(37, 16) {
            Collection::Backfilled
        } else {
            Collection::Completed
        },
        stack_serials: place.stack_serials(),
        vlans: Arc::new(if place.switches() { vlans(&place) } else { Vec::new() }),
        interfaces: interfaces::of(&place, context, &mut rng),
    };
    device.interfaces.sort_by(|a, b| a.name.cmp(&b.name));
    device
}

/// Forward's stand-in for the Internet, which no query may show.
pub(super) fn synthetic_node() -> Device {
    Device {
        name: "internet".to_owned(),
        location: None,
        vendor: "FORWARD_CUSTOM".to_owned(),
        model: None,
        role: "INTERNET".to_owned(),
        os: "INTERNET_SERVICE".to_owned(),
        os_version: None,
        serial: None,
        management_ips: Vec::new(),
        collection_ip: None,
        parent: None,
        tags: Vec::new(),
        collection: Collection::Completed,
        stack_serials: Vec::new(),
        vlans: Arc::default(),
        interfaces: Vec::new(),
    }
}

/// The location with that number.
pub(super) fn location(site: u32) -> Location {
    let (city, _, country) = city(site);
    let round = site / cities();
    let kind = SITE_KINDS[usize::try_from(site).unwrap_or(0) % SITE_KINDS.len()];
    Location {
        id: format!("{}", 7_000 + site),
        name: format!("{city} {kind}{}", round + 1),
        city: Some((*city).to_owned()),
        country: Some((*country).to_owned()),
    }
}

fn cities() -> u32 {
    u32::try_from(CITIES.len()).unwrap_or(1)
}

fn city(site: u32) -> &'static (&'static str, &'static str, &'static str) {
    &CITIES[usize::try_from(site % cities()).unwrap_or(0)]
}

/// The VLANs of a site as a device of it defines them.
fn vlans(place: &Place<'_>) -> Vec<(u16, Option<String>)> {
    let mut vlans: Vec<(u16, Option<String>)> = (0..place.options.vlans_per_site)
        .map(|ordinal| {
            let word = VLAN_NAMES[usize::try_from(ordinal).unwrap_or(0) % VLAN_NAMES.len()];
            let round = ordinal / 12;
            let name = if round == 0 { word.to_owned() } else { format!("{word}-{}", round + 1) };
            (vlan_id(ordinal), Some(name))
        })
        .collect();
    if place.options.edge_cases {
        vlans.insert(0, (1, Some("default".to_owned())));
        // A VLAN that nobody named, one that only this kind of device calls by its generated name.
        vlans.push((3_998, None));
        vlans.push((3_999, Some("VLAN3999".to_owned())));
    }
    vlans
}

/// Number of a site's VLAN, at most 3,990.
pub(super) fn vlan_id(ordinal: u32) -> u16 {
    u16::try_from(10 + (ordinal * 10) % 3_980 + (ordinal * 10) / 3_980).unwrap_or(10)
}

fn serial(options: &EstateOptions, site: u32, index: u32) -> String {
    const LETTERS: &[u8] = b"0123456789ABCDEFGHJKLMNPQRSTUVWXYZ";
    let place = Place::of(options, site, index);
    let mut rng = Rng::of(options.seed, &[3, site.into(), index.into()]);
    // The number of the device makes it unique, the rest makes it look like one.
    let mut rest = place.global;
    let mut tail = String::new();
    for _ in 0..4 {
        let digit = usize::try_from(rest).unwrap_or(0) % LETTERS.len();
        tail.insert(0, char::from(LETTERS[digit]));
        rest /= 34;
    }
    format!("{}{:04}{tail}", place.platform.serial_prefix, 2_000 + rng.below(600))
}

impl<'a> Place<'a> {
    pub(super) fn of(options: &'a EstateOptions, site: u32, index: u32) -> Self {
        // After the first four, every eighth of ten devices is a load balancer.
        let rest = index.saturating_sub(4);
        let balancers_before = (rest + 2) / 10;
        let (part, ordinal) = match index {
            0 | 1 => (Part::Core, index),
            2 => (Part::Router, 0),
            3 => (Part::Firewall, 0),
            _ if rest % 10 == 7 => (Part::Balancer, rest / 10),
            _ => (Part::Access, rest - balancers_before),
        };
        let global = site * options.devices_per_site + index;
        // The cores of a site are alike; access switches differ by site with exceptions.
        let mut rng =
            Rng::of(options.seed, &[1, site.into(), u64::from(part == Part::Access) * u64::from(ordinal / 6)]);
        let platform = match part {
            Part::Core => rng.pick(CORES),
            Part::Router => rng.pick(ROUTERS),
            Part::Firewall => rng.pick(FIREWALLS),
            Part::Balancer => &BALANCERS[0],
            Part::Access => rng.pick(ACCESS),
        };
        // Only Cisco stacks list their switches as parts.
        let platform = match stack_of(options, part, ordinal) {
            Some(_) => &ACCESS[0],
            None => platform,
        };
        Self { options, site, index, part, ordinal, global, platform }
    }

    /// True for one of `every` devices if edge cases are on.
    pub(super) fn odd(&self, every: u32, which: u32) -> bool {
        self.options.edge_cases && self.global % every == which
    }

    pub(super) fn switches(&self) -> bool {
        matches!(self.part, Part::Core | Part::Access)
    }

    pub(super) fn name(&self) -> String {
        let (_, code, _) = city(self.site);
        let number = self.site / cities() + 1;
        let part = match self.part {
            Part::Core => "core",
            Part::Router => "rtr",
            Part::Firewall => "fw",
            Part::Access => "acc",
            Part::Balancer => "lb",
        };
        let name = match stack_of(self.options, self.part, self.ordinal) {
            Some(Stack::Member { first, position }) => format!("{code}{number}-acc-{:02}-{position}", first + 1),
            _ => format!("{code}{number}-{part}-{:02}", self.ordinal + 1),
        };
        if self.odd(17, 6) { name.to_uppercase() } else { name }
    }

    fn context_name(&self) -> String {
        format!("{}-vsys2", self.name())
    }

    /// The next (`forward`) or previous device in the ring of the site.
    pub(super) fn neighbour(&self, forward: bool) -> Place<'a> {
        let count = self.options.devices_per_site;
        let index = if forward { (self.index + 1) % count } else { (self.index + count - 1) % count };
        Self::of(self.options, self.site, index)
    }

    /// Address and mask length of the site's management network, in 100.64.0.0/10.
    pub(super) fn management(&self) -> (IpAddr, u8) {
        // Room for all devices of a site and some more, at least a /24.
        let bits = 32 - (self.options.devices_per_site + 12).leading_zeros();
        let bits = bits.max(8);
        let offset = (self.site << bits) + 10 + self.index;
        let address = u32::from(Ipv4Addr::new(100, 64, 0, 0)) + (offset & 0x003f_ffff);
        (Ipv4Addr::from(address).into(), u8::try_from(32 - bits).unwrap_or(24))
    }

    fn management_ip(&self) -> IpAddr {
        self.management().0
    }

    /// Loopback addresses: 10.252.0.0/14 and 2001:db8:ffff::/48.
    pub(super) fn loopback(&self) -> (IpAddr, IpAddr) {
        let v4 = u32::from(Ipv4Addr::new(10, 252, 0, 0)) + ((self.global + 1) & 0x0003_ffff);
        let [a, b, c, d] = (self.global + 1).to_be_bytes();
        let v6 = Ipv6Addr::new(0x2001, 0xdb8, 0xffff, 0, 0, 0, u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
        (Ipv4Addr::from(v4).into(), v6.into())
    }

    fn stack_serials(&self) -> Vec<String> {
        match stack_of(self.options, self.part, self.ordinal) {
            None => Vec::new(),
            Some(Stack::Member { first, .. }) => {
                [first, first + 1].map(|ordinal| serial(self.options, self.site, access_index(ordinal))).to_vec()
            }
            Some(Stack::Whole) => {
                let own = serial(self.options, self.site, self.index);
                vec![own.clone(), format!("{own}B"), format!("{own}C")]
            }
        }
    }
}

enum Stack {
    /// A device that is one of two switches; `first` is the ordinal of the first of them.
    Member { first: u32, position: u32 },
    /// A device that is a whole stack of three.
    Whole,
}

fn stack_of(options: &EstateOptions, part: Part, ordinal: u32) -> Option<Stack> {
    if !options.stacks || part != Part::Access {
        return None;
    }
    let exists = |ordinal| access_index(ordinal) < options.devices_per_site;
    match ordinal % 6 {
        1 if exists(ordinal + 1) => Some(Stack::Member { first: ordinal, position: 1 }),
        2 => Some(Stack::Member { first: ordinal - 1, position: 2 }),
        5 => Some(Stack::Whole),
        _ => None,
    }
}

/// Index at its site of the access switch with that ordinal.
fn access_index(ordinal: u32) -> u32 {
    let (tens, rest) = (ordinal / 9, ordinal % 9);
    4 + tens * 10 + if rest < 7 { rest } else { rest + 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinals_and_indexes_agree() {
        let options = EstateOptions { devices_per_site: 60, ..EstateOptions::small() };
        let mut next = 0;
        for index in 4..60 {
            let place = Place::of(&options, 0, index);
            if place.part == Part::Access {
                assert_eq!(place.ordinal, next);
                assert_eq!(access_index(next), index);
                next += 1;
            }
        }
    }
}
