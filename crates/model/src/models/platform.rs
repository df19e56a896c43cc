//! Platforms.

use super::Manufacturer;
use crate::{Key, Model, Slug, Text};

/// The software that a device runs, by family: `IOS-XE`, `Junos`. Not the hardware model.
#[derive(Debug, Clone, PartialEq, Model)]
#[model(label = "platform", plural = "platforms", deletion = Shared, alternate(name))]
pub struct Platform {
    /// Short name, unique.
    #[model(key)]
    pub slug: Slug,
    /// Full name, unique.
    pub name: Text,
    /// Who makes it; null when more than one maker's devices run it.
    #[model(preserve)]
    pub manufacturer: Option<Key<Manufacturer>>,
}
