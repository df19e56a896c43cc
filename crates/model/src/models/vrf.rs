//! VRFs.

use crate::{Model, Text};

/// A routing table of its own. The global table is no record: a reference to it is null.
#[derive(Debug, Clone, PartialEq, Model)]
#[model(label = "VRF", plural = "VRFs", deletion = Shared, alternate(rd))]
pub struct Vrf {
    /// Its name.
    #[model(key)]
    pub name: Text,
    /// Route distinguisher, for example `65000:100`.
    #[model(preserve)]
    pub rd: Option<Text>,
    /// What it is for.
    #[model(preserve)]
    pub description: Option<Text>,
    /// Whether the system refuses an address or prefix twice within the VRF.
    pub enforce_unique: bool,
}
