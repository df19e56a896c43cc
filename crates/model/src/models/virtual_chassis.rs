//! Virtual chassis.

use super::Device;
use crate::{Key, Model, Text};

/// Devices that act as one: a switch stack. Pairs for high availability (vPC, MLAG, active/standby) are not one.
///
/// Its members are the devices whose `virtual_chassis` names it.
#[derive(Debug, Clone, PartialEq, Model)]
#[model(label = "virtual chassis", plural = "virtual chassis", deletion = Standalone)]
pub struct VirtualChassis {
    /// Its name.
    #[model(key)]
    pub name: Text,
    /// Stacking domain.
    #[model(preserve)]
    pub domain: Option<Text>,
    /// The member that speaks for all.
    #[model(preserve, deferred)]
    pub master: Option<Key<Device>>,
}
