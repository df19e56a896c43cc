//! The table of each kind.

mod build;
mod dcim;
mod device;
mod extras;
mod interface;
mod ipam;
mod links;
mod others;
mod virtualization;

use super::schema::{Kind, KindDef};

pub(super) use extras::{ROLE_MODELS, STATUS_MODELS};
pub(super) use others::others;

/// The table that describes a kind.
pub(super) const fn def(kind: Kind) -> &'static KindDef {
    match kind {
        Kind::Tag => &extras::TAG,
        Kind::Role => &extras::ROLE,
        Kind::Status => &extras::STATUS,
        Kind::TenantGroup => &extras::TENANT_GROUP,
        Kind::Tenant => &extras::TENANT,
        Kind::LocationType => &dcim::LOCATION_TYPE,
        Kind::Location => &dcim::LOCATION,
        Kind::Manufacturer => &dcim::MANUFACTURER,
        Kind::DeviceType => &dcim::DEVICE_TYPE,
        Kind::Platform => &dcim::PLATFORM,
        Kind::Namespace => &ipam::NAMESPACE,
        Kind::Vrf => &ipam::VRF,
        Kind::Vlan => &ipam::VLAN,
        Kind::Prefix => &ipam::PREFIX,
        Kind::IpAddress => &ipam::IP_ADDRESS,
        Kind::VlanLocation => &links::VLAN_LOCATION,
        Kind::PrefixLocation => &links::PREFIX_LOCATION,
        Kind::VrfPrefix => &links::VRF_PREFIX,
        Kind::IpToInterface => &links::IP_TO_INTERFACE,
        Kind::VirtualChassis => &device::VIRTUAL_CHASSIS,
        Kind::Device => &device::DEVICE,
        Kind::Interface => &interface::INTERFACE,
        Kind::ClusterType => &virtualization::CLUSTER_TYPE,
        Kind::ClusterGroup => &virtualization::CLUSTER_GROUP,
        Kind::Cluster => &virtualization::CLUSTER,
        Kind::VirtualMachine => &virtualization::VIRTUAL_MACHINE,
    }
}
