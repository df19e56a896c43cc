//! The models of the field: what network systems keep about sites, hardware, interfaces and addresses.
//!
//! Names are NetBox's. Identities follow the real world, not a database: a device is known by its site and its name
//! (case folded, as NetBox compares it), an IP address by its VRF and host part, a MAC address by the interface that
//! carries it.

mod cluster;
mod cluster_group;
mod cluster_type;
mod device;
mod device_role;
mod device_type;
mod host;
mod host_group;
mod interface;
mod ip_address;
mod mac_address;
mod maintenance;
mod manufacturer;
mod platform;
mod prefix;
mod site;
mod tag;
mod tenant;
mod tenant_group;
mod virtual_chassis;
mod virtual_machine;
mod vlan;
mod vrf;

pub use cluster::{Cluster, ClusterStatus};
pub use cluster_group::ClusterGroup;
pub use cluster_type::ClusterType;
pub use device::{Device, DeviceStatus};
pub use device_role::DeviceRole;
pub use device_type::DeviceType;
pub use host::{Host, HostStatus, InventoryMode};
pub use host_group::HostGroup;
pub use interface::{Interface, InterfaceMode, InterfaceType};
pub use ip_address::{IpAddress, IpAddressRole, IpAddressStatus};
pub use mac_address::MacAddress;
pub use maintenance::Maintenance;
pub use manufacturer::Manufacturer;
pub use platform::Platform;
pub use prefix::{Prefix, PrefixStatus};
pub use site::{Site, SiteStatus};
pub use tag::Tag;
pub use tenant::Tenant;
pub use tenant_group::TenantGroup;
pub use virtual_chassis::VirtualChassis;
pub use virtual_machine::{VirtualMachine, VirtualMachineStatus};
pub use vlan::{Vlan, VlanStatus};
pub use vrf::Vrf;

use crate::{Model as _, ModelSchema};

/// Every shared model, in the order that people list them.
pub const ALL: &[&ModelSchema] = &[
    Tag::SCHEMA,
    TenantGroup::SCHEMA,
    Tenant::SCHEMA,
    Site::SCHEMA,
    Manufacturer::SCHEMA,
    DeviceType::SCHEMA,
    DeviceRole::SCHEMA,
    Platform::SCHEMA,
    Vlan::SCHEMA,
    Vrf::SCHEMA,
    Prefix::SCHEMA,
    VirtualChassis::SCHEMA,
    Device::SCHEMA,
    Interface::SCHEMA,
    MacAddress::SCHEMA,
    IpAddress::SCHEMA,
    ClusterType::SCHEMA,
    ClusterGroup::SCHEMA,
    Cluster::SCHEMA,
    VirtualMachine::SCHEMA,
    HostGroup::SCHEMA,
    Host::SCHEMA,
    Maintenance::SCHEMA,
];

/// A shared model by name.
pub fn by_name(name: &str) -> Option<&'static ModelSchema> {
    ALL.iter().copied().find(|schema| schema.name == name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fmt::Write as _;

    use super::*;
    use crate::{FieldKind, FieldSchema, FieldSet};

    #[test]
    fn names_are_unique_and_references_lead_to_models() {
        let names: BTreeSet<_> = ALL.iter().map(|schema| schema.name).collect();
        assert_eq!(names.len(), ALL.len());
        for schema in ALL {
            assert!(schema.fields.len() <= 64, "{} has more fields than a set can hold", schema.name);
            assert!(!schema.description.is_empty(), "{} is described", schema.name);
            for (field, target) in schema.references() {
                assert!(names.contains(target), "{}.{} refers to `{target}`", schema.name, field.name);
            }
        }
    }

    #[test]
    fn a_preserved_field_is_nullable_and_not_in_the_key() {
        let fields = ALL.iter().flat_map(|schema| schema.fields);
        for field in fields.filter(|field| field.preserve) {
            assert!(field.nullable && !field.key, "{}", field.name);
        }
    }

    /// The vocabulary as a table: a change to it shows in review.
    #[test]
    fn the_vocabulary() {
        let mut table = String::new();
        for schema in ALL {
            writeln!(table, "{} ({:?})", schema.name, schema.deletion).unwrap();
            for field in schema.fields {
                writeln!(table, "  {}", describe(field)).unwrap();
            }
            for alternate in schema.alternates {
                let names: Vec<_> = alternate.iter().map(|&position| schema.fields[position].name).collect();
                writeln!(table, "  or known by: {}", names.join(", ")).unwrap();
            }
            for identity in schema.identities {
                let names: Vec<_> = identity.iter().map(|&position| schema.fields[position].name).collect();
                writeln!(table, "  renamed, known by: {}", names.join(", ")).unwrap();
            }
        }
        insta::assert_snapshot!(table);
    }

    fn describe(field: &FieldSchema) -> String {
        let kind = match field.kind {
            FieldKind::Choice(values) => format!("one of {} values", values.len()),
            FieldKind::Reference(model) => format!("-> {model}"),
            FieldKind::References(model) => format!("-> {model} (many)"),
            other => format!("{other:?}").to_lowercase(),
        };
        let marks = [
            (field.key, "key"),
            (field.nullable, "nullable"),
            (field.preserve, "preserve"),
            (field.deferred, "deferred"),
        ];
        let marks: Vec<_> = marks.iter().filter(|(set, _)| *set).map(|(_, mark)| *mark).collect();
        format!("{}: {kind} {}", field.name, marks.join(" ")).trim_end().to_owned()
    }

    #[test]
    fn null_in_a_key_is_a_value() {
        let prefix = Prefix {
            vrf: None,
            prefix: "10.0.0.1/8".parse().unwrap(),
            status: PrefixStatus::Active,
            site: None,
            description: None,
        };
        assert_eq!(prefix.key().as_str(), r#"[null,"10.0.0.0/8"]"#);
        assert_eq!(prefix.key().to_string(), "- / 10.0.0.0/8");
    }

    #[test]
    fn a_preserved_field_that_is_null_is_left_out() {
        let mut out = Vec::new();
        let prefix = Prefix {
            vrf: None,
            prefix: "10.0.0.0/8".parse().unwrap(),
            status: PrefixStatus::Active,
            site: None,
            description: None,
        };
        prefix.write_fields(FieldSet::ALL, &mut out);
        let expected = r#"{"vrf":null,"prefix":"10.0.0.0/8","status":"active"}"#;
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn devices_are_known_without_regard_to_case() {
        let site = Site::key_of(&"atl".parse().unwrap());
        let upper = Device::key_of(&site, &"ATL-Core-1".parse().unwrap());
        assert_eq!(upper.as_str(), r#"[["atl"],"atl-core-1"]"#);
        let interface = Interface::key_of(&upper, &"Ethernet1/1".parse().unwrap());
        assert_eq!(interface.to_string(), "atl / atl-core-1 / Ethernet1/1");
    }
}
