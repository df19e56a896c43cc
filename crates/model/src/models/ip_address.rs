//! IP addresses.

use super::{Interface, Vrf};
use crate::choices::choices;
use crate::{IpHost, Key, Model, Text};

/// An IPv4 or IPv6 address in a VRF or in the global table.
#[derive(Debug, Clone, PartialEq, Model)]
#[model(label = "IP address", plural = "IP addresses", deletion = Part, after = "prefix")]
pub struct IpAddress {
    /// The VRF; null is the global table.
    #[model(key)]
    pub vrf: Option<Key<Vrf>>,
    /// Address and mask length. The host part identifies it: another mask is an update.
    #[model(key = IpHost::host)]
    pub address: IpHost,
    /// Where in its life the address is.
    pub status: IpAddressStatus,
    /// What kind of address it is, for those that are not plain.
    #[model(preserve)]
    pub role: Option<IpAddressRole>,
    /// The interface that carries it.
    pub interface: Option<Key<Interface>>,
    /// What it is for.
    #[model(preserve)]
    pub description: Option<Text>,
}

choices! {
    /// Where in its life an IP address is.
    pub enum IpAddressStatus {
        Active = "active",
        Reserved = "reserved",
        Deprecated = "deprecated",
        Dhcp = "dhcp",
        Slaac = "slaac",
    }
}

choices! {
    /// What kind of address it is.
    pub enum IpAddressRole {
        Loopback = "loopback",
        Secondary = "secondary",
        Anycast = "anycast",
        Vip = "vip",
        Vrrp = "vrrp",
        Hsrp = "hsrp",
        Glbp = "glbp",
        Carp = "carp",
    }
}
