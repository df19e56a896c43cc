//! Tags.

use crate::{Model, Slug, Text};

/// A label that objects carry.
#[derive(Debug, Clone, PartialEq, Model)]
#[model(label = "tag", plural = "tags", deletion = Shared, alternate(name))]
pub struct Tag {
    /// Short name, unique.
    #[model(key)]
    pub slug: Slug,
    /// Full name, unique.
    pub name: Text,
    /// Colour in charts, six hexadecimal digits without `#`. A system's own choice is kept.
    #[model(preserve)]
    pub color: Option<Text>,
}
