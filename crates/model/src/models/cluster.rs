//! Clusters.

use super::{ClusterGroup, ClusterType, Site, Tenant};
use crate::choices::choices;
use crate::{Key, Model, Text};

/// Machines that run virtual machines together.
#[derive(Debug, Clone, PartialEq, Model)]
#[model(label = "cluster", plural = "clusters", deletion = Standalone)]
pub struct Cluster {
    /// The site that it belongs to alone.
    #[model(key)]
    pub site: Option<Key<Site>>,
    /// The group that it belongs to.
    #[model(key)]
    pub group: Option<Key<ClusterGroup>>,
    /// Its name, unique in its site and in its group.
    #[model(key)]
    pub name: Text,
    /// Its technology.
    pub r#type: Key<ClusterType>,
    /// Where in its life it is.
    pub status: ClusterStatus,
    /// Whom it belongs to.
    #[model(preserve)]
    pub tenant: Option<Key<Tenant>>,
}

choices! {
    /// Where in its life a cluster is.
    pub enum ClusterStatus {
        Planned = "planned",
        Staging = "staging",
        Active = "active",
        Decommissioning = "decommissioning",
        Offline = "offline",
    }
}
