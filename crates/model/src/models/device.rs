//! Devices.

use std::collections::BTreeSet;

use super::{Cluster, DeviceRole, DeviceType, IpAddress, Platform, Site, Tag, Tenant, VirtualChassis};
use crate::choices::choices;
use crate::{Json, Key, Model, Text};

/// A piece of equipment, or a virtual context of one.
#[derive(Debug, Clone, PartialEq, Model)]
#[model(label = "device", plural = "devices", deletion = Standalone, identity(device_type, serial))]
pub struct Device {
    /// Where it stands.
    #[model(key)]
    pub site: Key<Site>,
    /// Its name, unique per site without regard to case.
    #[model(key = Text::casefold)]
    pub name: Text,
    /// Its hardware model.
    pub device_type: Key<DeviceType>,
    /// What it does.
    pub role: Key<DeviceRole>,
    /// What it runs.
    #[model(preserve)]
    pub platform: Option<Key<Platform>>,
    /// Where in its life it is.
    pub status: DeviceStatus,
    /// The maker's serial number.
    #[model(preserve)]
    pub serial: Option<Text>,
    /// The stack it is a member of.
    #[model(preserve)]
    pub virtual_chassis: Option<Key<VirtualChassis>>,
    /// Its position in the stack.
    #[model(preserve)]
    pub vc_position: Option<u8>,
    /// The IPv4 address it is managed by.
    #[model(preserve, deferred)]
    pub primary_ip4: Option<Key<IpAddress>>,
    /// The IPv6 address it is managed by.
    #[model(preserve, deferred)]
    pub primary_ip6: Option<Key<IpAddress>>,
    /// Labels that it must carry; others stay.
    pub tags: BTreeSet<Key<Tag>>,
    /// Whom it belongs to.
    #[model(preserve)]
    pub tenant: Option<Key<Tenant>>,
    /// The cluster that it is part of.
    #[model(preserve)]
    pub cluster: Option<Key<Cluster>>,
    /// What its users keep about it, by the names of their fields.
    #[model(preserve)]
    pub custom_fields: Option<Json>,
    /// What follows from where it is and what it does, as its system renders it.
    #[model(preserve)]
    pub config_context: Option<Json>,
}

choices! {
    /// Where in its life a device is.
    pub enum DeviceStatus {
        Offline = "offline",
        Active = "active",
        Planned = "planned",
        Staged = "staged",
        Failed = "failed",
        Inventory = "inventory",
        Decommissioning = "decommissioning",
    }
}
