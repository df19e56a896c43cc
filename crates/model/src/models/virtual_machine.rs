//! Virtual machines.

use std::collections::BTreeSet;

use super::{Cluster, Device, DeviceRole, IpAddress, Platform, Site, Tag, Tenant};
use crate::choices::choices;
use crate::{Json, Key, Model, Text};

/// A machine that a cluster or a device runs.
#[derive(Debug, Clone, PartialEq, Model)]
#[model(label = "virtual machine", plural = "virtual machines", deletion = Standalone)]
pub struct VirtualMachine {
    /// Where it runs.
    #[model(key)]
    pub site: Option<Key<Site>>,
    /// What runs it.
    #[model(key)]
    pub cluster: Option<Key<Cluster>>,
    /// Its name, unique per cluster without regard to case.
    #[model(key = Text::casefold)]
    pub name: Text,
    /// The machine that it is pinned to.
    #[model(preserve)]
    pub device: Option<Key<Device>>,
    /// What it does.
    #[model(preserve)]
    pub role: Option<Key<DeviceRole>>,
    /// What it runs.
    #[model(preserve)]
    pub platform: Option<Key<Platform>>,
    /// Where in its life it is.
    pub status: VirtualMachineStatus,
    /// Whom it belongs to.
    #[model(preserve)]
    pub tenant: Option<Key<Tenant>>,
    /// Its serial number.
    #[model(preserve)]
    pub serial: Option<Text>,
    /// Its virtual processors, in which parts of one count: `2`, `0.5`.
    #[model(preserve)]
    pub vcpus: Option<Text>,
    /// Its memory in MB.
    #[model(preserve)]
    pub memory: Option<u64>,
    /// Its disk in MB; in GB before NetBox 4.1.
    #[model(preserve)]
    pub disk: Option<u64>,
    /// The IPv4 address it is managed by.
    #[model(preserve, deferred)]
    pub primary_ip4: Option<Key<IpAddress>>,
    /// The IPv6 address it is managed by.
    #[model(preserve, deferred)]
    pub primary_ip6: Option<Key<IpAddress>>,
    /// Labels that it must carry; others stay.
    pub tags: BTreeSet<Key<Tag>>,
    /// What its users keep about it, by the names of their fields.
    #[model(preserve)]
    pub custom_fields: Option<Json>,
    /// What follows from where it is and what it does, as its system renders it.
    #[model(preserve)]
    pub config_context: Option<Json>,
}

choices! {
    /// Where in its life a virtual machine is.
    pub enum VirtualMachineStatus {
        Offline = "offline",
        Active = "active",
        Planned = "planned",
        Staged = "staged",
        Failed = "failed",
        Decommissioning = "decommissioning",
        Paused = "paused",
    }
}
