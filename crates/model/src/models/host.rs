//! Monitored hosts.

use std::collections::BTreeSet;

use super::HostGroup;
use crate::choices::choices;
use crate::{Key, Model, Pair, Text};

/// What a monitoring system watches: a device, a virtual machine or a stack, as Zabbix keeps it.
///
/// Of groups, templates, tags, macros and inventory fields, a record has those that a sync manages. What else a host has there is
/// people's, is in no record, and stays.
#[derive(Debug, Clone, PartialEq, Model)]
#[model(label = "host", plural = "hosts", deletion = Standalone, identity(origin))]
pub struct Host {
    /// Technical name, unique with regard to case.
    #[model(key)]
    pub host: Text,
    /// What it was made from, as `netbox:device:42`: by this it is found again after it was renamed.
    #[model(preserve)]
    pub origin: Option<Text>,
    /// Visible name, unique.
    pub name: Text,
    /// Whether it is monitored.
    pub status: HostStatus,
    /// What people should know of it.
    #[model(preserve)]
    pub description: Option<Text>,
    /// Its groups, of those that are managed.
    #[model(exact)]
    pub groups: BTreeSet<Key<HostGroup>>,
    /// Technical names of the templates that are linked to it, of those that are managed.
    pub templates: BTreeSet<Text>,
    /// The main interface of each managed type: `snmp` and `10.0.0.1:161 v2c community={$SNMP_COMMUNITY}`.
    pub interfaces: BTreeSet<Pair>,
    /// Who collects its data: `server`, `proxy NAME` or `proxy group NAME`.
    #[model(preserve)]
    pub monitored_by: Option<Text>,
    /// Its tags, of the managed names.
    pub tags: BTreeSet<Pair>,
    /// Its macros, of the managed names. A secret one has a check of its value instead of it.
    pub macros: BTreeSet<Pair>,
    /// Who fills its inventory.
    #[model(preserve)]
    pub inventory_mode: Option<InventoryMode>,
    /// Its inventory, of the managed fields.
    pub inventory: BTreeSet<Pair>,
    /// How the server connects to its agent, and what it accepts from it, as `psk IDENTITY` or `certificate`.
    #[model(preserve)]
    pub encryption: Option<Text>,
}

choices! {
    /// Whether a host is monitored.
    pub enum HostStatus {
        Monitored = "monitored",
        Unmonitored = "unmonitored",
    }
}

choices! {
    /// Who fills a host's inventory.
    pub enum InventoryMode {
        Disabled = "disabled",
        Manual = "manual",
        Automatic = "automatic",
    }
}
