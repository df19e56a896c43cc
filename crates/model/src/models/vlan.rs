//! VLANs.

use super::Site;
use crate::choices::choices;
use crate::{Key, Model, Text, VlanId};

/// A VLAN of a site.
#[derive(Debug, Clone, PartialEq, Model)]
#[model(label = "VLAN", plural = "VLANs", deletion = Shared)]
pub struct Vlan {
    /// The site it belongs to; null for one that belongs to none.
    #[model(key)]
    pub site: Option<Key<Site>>,
    /// Its number, 1 to 4094.
    #[model(key)]
    pub vid: VlanId,
    /// Its name.
    pub name: Text,
    /// Where in its life the VLAN is.
    pub status: VlanStatus,
}

choices! {
    /// Where in its life a VLAN is.
    pub enum VlanStatus {
        Active = "active",
        Reserved = "reserved",
        Deprecated = "deprecated",
    }
}
