//! Device types.

use super::Manufacturer;
use crate::{Key, Model, Slug, Text};

/// A hardware model of a manufacturer.
#[derive(Debug, Clone, PartialEq, Model)]
#[model(label = "device type", plural = "device types", deletion = Shared, alternate(manufacturer, model))]
pub struct DeviceType {
    /// Who makes it.
    #[model(key)]
    pub manufacturer: Key<Manufacturer>,
    /// Short name, unique per manufacturer.
    #[model(key)]
    pub slug: Slug,
    /// The maker's name for it, unique per manufacturer.
    pub model: Text,
    /// The maker's order number.
    #[model(preserve)]
    pub part_number: Option<Text>,
}
