//! Device roles.

use crate::{Model, Slug, Text};

/// What a device does in the network: router, switch, firewall.
#[derive(Debug, Clone, PartialEq, Model)]
#[model(label = "device role", plural = "device roles", deletion = Shared, alternate(name))]
pub struct DeviceRole {
    /// Short name, unique.
    #[model(key)]
    pub slug: Slug,
    /// Full name, unique.
    pub name: Text,
    /// Colour in charts, six hexadecimal digits without `#`. A system's own choice is kept.
    #[model(preserve)]
    pub color: Option<Text>,
}
