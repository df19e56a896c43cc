//! Types of clusters.

use crate::{Model, Slug, Text};

/// The technology of a cluster: `VMware vSphere`, `Proxmox`.
#[derive(Debug, Clone, PartialEq, Model)]
#[model(label = "cluster type", plural = "cluster types", deletion = Shared, alternate(name))]
pub struct ClusterType {
    /// Short name, unique.
    #[model(key)]
    pub slug: Slug,
    /// Full name, unique.
    pub name: Text,
}
