//! What was read so far, by id: how the ids in references become keys.

use std::collections::{HashMap, HashSet};

use syncline_model::models::{
    Cluster, ClusterGroup, ClusterType, Device, DeviceRole, DeviceType, Interface, Manufacturer, Platform, Site, Tag,
    Tenant, TenantGroup, VirtualChassis, Vlan, Vrf,
};
use syncline_model::{Key, Model, Text};

use crate::rows::Ref;

/// Rows of devices that are themselves left out.
const LEFT_OUT: &str = "belongs to a device that is left out";

/// Keys of one model by id, and the ids of those that are left out.
pub(super) struct Keys<M: Model> {
    keys: HashMap<u64, Key<M>>,
    hidden: HashSet<u64>,
}

/// Everything that other records may refer to.
#[derive(Default)]
pub(super) struct Known {
    pub tags: Keys<Tag>,
    pub sites: Keys<Site>,
    pub manufacturers: Keys<Manufacturer>,
    pub device_types: Keys<DeviceType>,
    pub device_roles: Keys<DeviceRole>,
    pub platforms: Keys<Platform>,
    pub vrfs: Keys<Vrf>,
    pub vlans: Keys<Vlan>,
    pub tenant_groups: Keys<TenantGroup>,
    pub tenants: Keys<Tenant>,
    pub cluster_types: Keys<ClusterType>,
    pub cluster_groups: Keys<ClusterGroup>,
    pub clusters: Keys<Cluster>,
    pub virtual_chassis: Keys<VirtualChassis>,
    pub devices: Keys<Device>,
    /// The device's id and the name: half the size of a key, and there can be a million.
    pub interfaces: HashMap<u64, (u64, Text)>,
    /// Devices that become no record.
    pub hidden_devices: HashSet<u64>,
    /// Interfaces of such devices.
    pub hidden_interfaces: HashSet<u64>,
}

/// Why a row becomes no record.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It is known to be none of ours, and harmless.
    Skip(&'static str),
    /// It cannot be taken over.
    Reject {
        /// Our field at fault.
        field: &'static str,
        /// What is wrong with it.
        message: String,
    },
}

impl<M: Model> Default for Keys<M> {
    fn default() -> Self {
        Self { keys: HashMap::new(), hidden: HashSet::new() }
    }
}

impl<M: Model> Keys<M> {
    /// Notes a record's key.
    pub fn insert(&mut self, id: u64, key: Key<M>) {
        self.keys.insert(id, key);
    }

    /// The key of an id.
    pub fn get(&self, id: u64) -> Option<&Key<M>> {
        self.keys.get(&id)
    }

    /// Notes that a record is left out.
    pub fn hide(&mut self, id: u64) {
        self.hidden.insert(id);
    }

    /// The key that a reference leads to; a reference to what was not read is rejected.
    pub fn referred(&self, field: &'static str, reference: Ref) -> Result<Key<M>, Refusal> {
        self.get(reference.id.0).cloned().ok_or_else(|| unknown::<M>(field, reference.id.0))
    }

    /// As [`Keys::referred`], for a reference that may be null or that was not asked for.
    pub fn optional(&self, field: &'static str, reference: Option<Ref>) -> Result<Option<Key<M>>, Refusal> {
        reference.map(|reference| self.referred(field, reference)).transpose()
    }

    /// As [`Keys::optional`], where what is left out is as good as null.
    pub fn unless_hidden(&self, field: &'static str, reference: Option<Ref>) -> Result<Option<Key<M>>, Refusal> {
        self.optional(field, reference.filter(|reference| !self.hidden.contains(&reference.id.0)))
    }
}

impl Known {
    /// The key of an interface.
    pub fn interface(&self, id: u64) -> Option<Key<Interface>> {
        let (device, name) = self.interfaces.get(&id)?;
        Some(Interface::key_of(self.devices.get(*device)?, name))
    }

    /// Why what belongs to a device that has no key becomes no record.
    pub fn refuse_device(&self, id: u64) -> Refusal {
        if self.hidden_devices.contains(&id) { Refusal::Skip(LEFT_OUT) } else { unknown::<Device>("device", id) }
    }

    /// Why what belongs to an interface that has no key becomes no record.
    pub fn refuse_interface(&self, id: u64) -> Refusal {
        if self.hidden_interfaces.contains(&id) {
            Refusal::Skip(LEFT_OUT)
        } else {
            unknown::<Interface>("interface", id)
        }
    }
}

/// The rejection of a reference to a record that was not read.
pub(super) fn unknown<M: Model>(field: &'static str, id: u64) -> Refusal {
    let message = format!("refers to the {} with id {id}, which was not read", M::SCHEMA.label);
    Refusal::Reject { field, message }
}
