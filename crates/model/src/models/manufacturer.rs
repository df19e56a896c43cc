//! Manufacturers.

use crate::{Model, Slug, Text};

/// A maker of hardware or of software.
#[derive(Debug, Clone, PartialEq, Model)]
#[model(label = "manufacturer", plural = "manufacturers", deletion = Shared, alternate(name))]
pub struct Manufacturer {
    /// Short name, unique.
    #[model(key)]
    pub slug: Slug,
    /// Full name, unique.
    pub name: Text,
}
