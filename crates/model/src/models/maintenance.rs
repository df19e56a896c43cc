//! Maintenance windows.

use std::collections::BTreeSet;

use super::Host;
use crate::{Key, Model, Text};

/// A time in which work is done on hosts, so that their problems alarm nobody.
///
/// Times are UTC and whole minutes, as `2026-03-01T22:00:00Z`. Of the hosts, a record has those that a sync made. What else is in a
/// window is people's, is in no record, and stays.
#[derive(Debug, Clone, PartialEq, Eq, Model)]
#[model(label = "maintenance window", plural = "maintenance windows", deletion = Passing)]
pub struct Maintenance {
    /// Its name, unique.
    #[model(key)]
    pub name: Text,
    /// What is done.
    #[model(preserve)]
    pub description: Option<Text>,
    /// When it begins.
    pub active_since: Text,
    /// When it is over.
    pub active_till: Text,
    /// Whether data is collected all the same.
    pub collects_data: bool,
    /// The hosts in it, of those that are managed.
    #[model(exact)]
    pub hosts: BTreeSet<Key<Host>>,
}
