//! Prefixes.

use super::{Site, Vrf};
use crate::choices::choices;
use crate::{IpPrefix, Key, Model, Text};

/// An IPv4 or IPv6 prefix in a VRF or in the global table.
#[derive(Debug, Clone, PartialEq, Model)]
#[model(label = "prefix", plural = "prefixes", deletion = Shared)]
pub struct Prefix {
    /// The VRF; null is the global table.
    #[model(key)]
    pub vrf: Option<Key<Vrf>>,
    /// Network and mask length.
    #[model(key)]
    pub prefix: IpPrefix,
    /// Where in its life the prefix is.
    pub status: PrefixStatus,
    /// The site that uses it alone.
    #[model(preserve)]
    pub site: Option<Key<Site>>,
    /// What it is for.
    #[model(preserve)]
    pub description: Option<Text>,
}

choices! {
    /// Where in its life a prefix is.
    pub enum PrefixStatus {
        Container = "container",
        Active = "active",
        Reserved = "reserved",
        Deprecated = "deprecated",
    }
}
