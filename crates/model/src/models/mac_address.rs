//! MAC addresses of interfaces.

use super::Interface;
use crate::{Key, Model};

/// A MAC address that an interface carries. The same address on two interfaces (a chassis or a LAG and its members) is
/// two records.
#[derive(Debug, Clone, PartialEq, Model)]
#[model(label = "MAC address", plural = "MAC addresses", deletion = Part)]
pub struct MacAddress {
    /// The interface that carries it; null for one that is assigned to none.
    #[model(key)]
    pub interface: Option<Key<Interface>>,
    /// The address.
    #[model(key)]
    pub mac_address: crate::MacAddress,
}
