//! Groups of clusters.

use crate::{Model, Slug, Text};

/// A group of clusters.
#[derive(Debug, Clone, PartialEq, Model)]
#[model(label = "cluster group", plural = "cluster groups", deletion = Shared, alternate(name))]
pub struct ClusterGroup {
    /// Short name, unique.
    #[model(key)]
    pub slug: Slug,
    /// Full name, unique.
    pub name: Text,
}
