//! Sites.

use crate::choices::choices;
use crate::{Model, Slug, Text};

/// A place that holds devices: a building, a campus, a cloud region.
#[derive(Debug, Clone, PartialEq, Model)]
#[model(label = "site", plural = "sites", deletion = Standalone, alternate(name))]
pub struct Site {
    /// Short name, unique.
    #[model(key)]
    pub slug: Slug,
    /// Full name, unique.
    pub name: Text,
    /// Where in its life the site is.
    pub status: SiteStatus,
    /// Postal address.
    #[model(preserve)]
    pub physical_address: Option<Text>,
}

choices! {
    /// Where in its life a site is.
    pub enum SiteStatus {
        Planned = "planned",
        Staging = "staging",
        Active = "active",
        Decommissioning = "decommissioning",
        Retired = "retired",
    }
}
