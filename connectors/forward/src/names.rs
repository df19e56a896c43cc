//! From Forward's constants to names for people, and from names to slugs.
//!
//! What a query gives that is no constant of Forward's stays as it is, so that a query of one's own can name things itself.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use syncline_model::{Slug, SlugStyle, Text};

/// A name with the slug that it should have.
pub(crate) type Named = (Text, Slug);

/// The slug of every name of one catalogue. Equal names have one; two names that would have the same get different ones.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Catalogue {
    slugs: BTreeMap<Text, Slug>,
    collisions: Vec<Collision>,
}

/// A name that could not have the slug that it should have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Collision {
    pub name: Text,
    pub wanted: Slug,
    pub given: Slug,
}

impl Catalogue {
    /// Gives out the slugs in the order of the names, so that the same names get the same slugs.
    pub fn of(names: impl IntoIterator<Item = Named>) -> Self {
        let mut wanted: BTreeMap<Text, Slug> = BTreeMap::new();
        for (name, slug) in names {
            match wanted.entry(name) {
                Entry::Vacant(entry) => {
                    entry.insert(slug);
                }
                Entry::Occupied(mut entry) if slug < *entry.get() => {
                    entry.insert(slug);
                }
                Entry::Occupied(_) => {}
            }
        }
        let mut catalogue = Self::default();
        let mut taken: BTreeMap<Slug, u32> = wanted.values().map(|slug| (slug.clone(), 0)).collect();
        for (name, slug) in wanted {
            let uses = taken.entry(slug.clone()).or_default();
            *uses += 1;
            if *uses == 1 {
                catalogue.slugs.insert(name, slug);
                continue;
            }
            let mut number = *uses;
            let mut given = slug.numbered(number);
            while taken.contains_key(&given) {
                number += 1;
                given = slug.numbered(number);
            }
            taken.insert(given.clone(), 1);
            taken.insert(slug.clone(), number);
            catalogue.collisions.push(Collision { name: name.clone(), wanted: slug, given: given.clone() });
            catalogue.slugs.insert(name, given);
        }
        catalogue
    }

    /// The slug of a name.
    pub fn slug(&self, name: &Text) -> Option<&Slug> {
        self.slugs.get(name)
    }

    /// The names with their slugs.
    pub fn iter(&self) -> impl Iterator<Item = (&Text, &Slug)> {
        self.slugs.iter()
    }

    /// The names that had to take another slug.
    pub fn collisions(&self) -> &[Collision] {
        &self.collisions
    }
}

/// A location. Its name stays as Forward spells it.
pub(crate) fn site(name: &str) -> Option<Named> {
    let name = Text::new(name)?;
    let slug = slug_of(name.as_str(), SlugStyle::Name, "site");
    Some((name, slug))
}

/// A manufacturer, from a constant of `Vendor`.
pub(crate) fn manufacturer(vendor: &str) -> Option<Named> {
    let name = Text::new(translated(vendor, VENDORS))?;
    let slug = slug_of(name.as_str(), SlugStyle::Name, "manufacturer");
    Some((name, slug))
}

/// A hardware model; `Unknown` where Forward could not tell it.
pub(crate) fn model(model: Option<&str>) -> Named {
    let name = Text::of(model).unwrap_or_else(|| Text::new("Unknown").unwrap_or_else(|| unreachable!("not blank")));
    let slug = slug_of(name.as_str(), SlugStyle::HardwareModel, "model");
    (name, slug)
}

/// A device role, from a constant of `DeviceType`. The slug follows from the constant.
pub(crate) fn role(constant: &str) -> Option<Named> {
    let name = Text::new(translated(constant, ROLES))?;
    Some((name, slug_of(constant, SlugStyle::Name, "role")))
}

/// A platform, from a constant of `OS`. The slug follows from the constant.
pub(crate) fn platform(constant: &str) -> Option<Named> {
    let name = Text::new(translated(constant, SYSTEMS))?;
    Some((name, slug_of(constant, SlugStyle::Name, "platform")))
}

/// A device tag.
pub(crate) fn tag(name: &str) -> Option<Named> {
    let name = Text::new(name)?;
    let slug = slug_of(name.as_str(), SlugStyle::Name, "tag");
    Some((name, slug))
}

fn translated<'a>(constant: &'a str, table: &[(&'a str, &'a str)]) -> &'a str {
    let constant = constant.trim();
    table.iter().find(|(known, _)| *known == constant).map_or(constant, |(_, name)| name)
}

/// The slug of a name. One without a single ASCII letter or digit is told from others by a hash of it.
fn slug_of(name: &str, style: SlugStyle, kind: &str) -> Slug {
    Slug::styled(name, style)
        .or_else(|| Slug::from_name(&format!("{kind}-{:08x}", fnv1a(name))))
        .unwrap_or_else(|| unreachable!("the kind has letters"))
}

/// The 32-bit hash of Fowler, Noll and Vo: the same on every machine and in every release.
fn fnv1a(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

/// Constants of `Vendor` whose makers write themselves another way.
const VENDORS: &[(&str, &str)] = &[
    ("A10", "A10 Networks"),
    ("ALKIRA", "Alkira"),
    ("AMAZON", "Amazon"),
    ("ARISTA", "Arista"),
    ("ARUBA", "Aruba"),
    ("AVAYA", "Avaya"),
    ("AVI_NETWORKS", "Avi Networks"),
    ("AVIATRIX", "Aviatrix"),
    ("AZURE", "Microsoft"),
    ("BLUECAT", "BlueCat"),
    ("BLUECOAT", "Blue Coat"),
    ("BROCADE", "Brocade"),
    ("CHECKPOINT", "Check Point"),
    ("CISCO", "Cisco"),
    ("CITRIX", "Citrix"),
    ("CUMULUS", "Cumulus"),
    ("DELL", "Dell"),
    ("EDGE_CORE", "Edgecore"),
    ("EXTREME", "Extreme Networks"),
    ("F5", "F5"),
    ("FORCEPOINT", "Forcepoint"),
    ("FORTINET", "Fortinet"),
    ("GOOGLE", "Google"),
    ("HP", "HPE"),
    ("HUAWEI", "Huawei"),
    ("INFOBLOX", "Infoblox"),
    ("JUNIPER", "Juniper"),
    ("LINUX_GENERIC", "Linux"),
    ("NETSCOUT", "NETSCOUT"),
    ("NOKIA", "Nokia"),
    ("OPENGEAR", "Opengear"),
    ("PALO_ALTO_NETWORKS", "Palo Alto Networks"),
    ("PENSANDO", "Pensando"),
    ("PICA8", "Pica8"),
    ("RIVERBED", "Riverbed"),
    ("SILVER_PEAK", "Silver Peak"),
    ("SYMANTEC", "Symantec"),
    ("T128", "128T"),
    ("UNKNOWN", "Unknown"),
    ("VERSA", "Versa Networks"),
    ("VIASAT", "Viasat"),
    ("VMWARE", "VMware"),
    ("ZSCALER", "Zscaler"),
];

/// Constants of `DeviceType`.
const ROLES: &[(&str, &str)] = &[
    ("CONTROLLER", "Controller"),
    ("ENCRYPTOR", "Encryptor"),
    ("FIREWALL", "Firewall"),
    ("INTERNET", "Internet"),
    ("INTRANET", "Intranet"),
    ("L2_VPN", "L2 VPN"),
    ("L3_VPN", "L3 VPN"),
    ("LOAD_BALANCER", "Load balancer"),
    ("MISSING_PEER", "Missing peer"),
    ("OTHER", "Other"),
    ("ROUTER", "Router"),
    ("SD_WAN", "SD-WAN"),
    ("SWITCH", "Switch"),
    ("WAN_CIRCUIT", "WAN circuit"),
    ("WAN_OPTIMIZER", "WAN optimizer"),
    ("WIFI_ACCESS_POINT", "Wi-Fi access point"),
];

/// Constants of `OS` whose makers write them another way.
const SYSTEMS: &[(&str, &str)] = &[
    ("ARISTA_EOS", "Arista EOS"),
    ("ARUBA_AOS_CX", "ArubaOS-CX"),
    ("ASA", "Cisco ASA"),
    ("CUMULUS", "Cumulus Linux"),
    ("F5", "F5 BIG-IP"),
    ("FORTINET", "FortiOS"),
    ("FTD", "Cisco FTD"),
    ("GAIA", "Check Point Gaia"),
    ("IOS", "Cisco IOS"),
    ("IOS_XE", "Cisco IOS-XE"),
    ("IOS_XR", "Cisco IOS-XR"),
    ("JUNOS", "Junos"),
    ("LINUX_GENERIC", "Linux"),
    ("NETSCALER", "NetScaler"),
    ("NXOS", "Cisco NX-OS"),
    ("NXOS_ACI", "Cisco ACI"),
    ("PAN_OS", "PAN-OS"),
    ("SRX", "Junos (SRX)"),
    ("UNKNOWN", "Unknown"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn catalogue(names: &[&str]) -> Catalogue {
        Catalogue::of(names.iter().filter_map(|name| site(name)))
    }

    #[test]
    fn names_that_share_a_slug_are_numbered_in_the_order_of_the_names() {
        let names = ["St. Louis", "St Louis", "st-louis", "St Louis 2"];
        let catalogue = catalogue(&names);
        let mut reversed = names;
        reversed.reverse();
        assert_eq!(catalogue, self::catalogue(&reversed));
        let slugs: Vec<_> = catalogue.iter().map(|(name, slug)| format!("{name}={slug}")).collect();
        assert_eq!(
            slugs,
            ["St Louis=st-louis", "St Louis 2=st-louis-2", "St. Louis=st-louis-3", "st-louis=st-louis-4"]
        );
        assert_eq!(catalogue.collisions().len(), 2);
    }

    #[test]
    fn constants_become_names_and_names_stay() {
        let shown = |named: Option<Named>| named.map(|(name, slug)| format!("{name} ({slug})")).unwrap();
        assert_eq!(shown(manufacturer("HP")), "HPE (hpe)");
        assert_eq!(shown(manufacturer("Acme & Sons")), "Acme & Sons (acme-and-sons)");
        assert_eq!(shown(role("WIFI_ACCESS_POINT")), "Wi-Fi access point (wifi-access-point)");
        assert_eq!(shown(platform("NXOS")), "Cisco NX-OS (nxos)");
        assert_eq!(shown(Some(model(None))), "Unknown (unknown)");
        assert_eq!(shown(Some(model(Some("MX10+")))), "MX10+ (mx10plus)");
        assert_eq!(shown(site("東京")), shown(site("東京 ")));
        assert!(site("  ").is_none());
    }

    proptest! {
        #[test]
        fn every_name_gets_a_slug_of_its_own(names in proptest::collection::vec("[a-cA-C .-]{1,4}|.{0,3}", 0..40)) {
            let catalogue = Catalogue::of(names.iter().filter_map(|name| site(name)));
            let slugs: std::collections::BTreeSet<_> = catalogue.iter().map(|(_, slug)| slug).collect();
            prop_assert_eq!(slugs.len(), catalogue.iter().count());
            for (name, _) in names.iter().filter_map(|name| site(name)) {
                prop_assert!(catalogue.slug(&name).is_some());
            }
        }
    }
}
