//! Groups of tenants.

use crate::{Model, Slug, Text};

/// A group of tenants.
#[derive(Debug, Clone, PartialEq, Model)]
#[model(label = "tenant group", plural = "tenant groups", deletion = Shared, alternate(name))]
pub struct TenantGroup {
    /// Short name, unique.
    #[model(key)]
    pub slug: Slug,
    /// Full name.
    pub name: Text,
}
