//! Tenants.

use super::TenantGroup;
use crate::{Key, Model, Slug, Text};

/// Whom something belongs to or is run for: a customer, a department.
#[derive(Debug, Clone, PartialEq, Model)]
#[model(label = "tenant", plural = "tenants", deletion = Shared, alternate(name))]
pub struct Tenant {
    /// Short name, unique.
    #[model(key)]
    pub slug: Slug,
    /// Full name.
    pub name: Text,
    /// The group that it belongs to.
    #[model(preserve)]
    pub group: Option<Key<TenantGroup>>,
}
