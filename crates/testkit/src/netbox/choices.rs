//! The choice lists of NetBox: what a field accepts, and the label it is read with.

use crate::django::Choice;

pub(super) const SITE_STATUS: &[Choice] = &[
    ("planned", "Planned"),
    ("staging", "Staging"),
    ("active", "Active"),
    ("decommissioning", "Decommissioning"),
    ("retired", "Retired"),
];

pub(super) const DEVICE_STATUS: &[Choice] = &[
    ("offline", "Offline"),
    ("active", "Active"),
    ("planned", "Planned"),
    ("staged", "Staged"),
    ("failed", "Failed"),
    ("inventory", "Inventory"),
    ("decommissioning", "Decommissioning"),
];

pub(super) const CLUSTER_STATUS: &[Choice] = &[
    ("planned", "Planned"),
    ("staging", "Staging"),
    ("active", "Active"),
    ("decommissioning", "Decommissioning"),
    ("offline", "Offline"),
];

pub(super) const VIRTUAL_MACHINE_STATUS: &[Choice] = &[
    ("offline", "Offline"),
    ("active", "Active"),
    ("planned", "Planned"),
    ("staged", "Staged"),
    ("failed", "Failed"),
    ("decommissioning", "Decommissioning"),
    ("paused", "Paused"),
];

pub(super) const START_ON_BOOT: &[Choice] = &[("on", "On"), ("off", "Off"), ("laststate", "Last State")];

pub(super) const AIRFLOW: &[Choice] = &[
    ("front-to-rear", "Front to rear"),
    ("rear-to-front", "Rear to front"),
    ("left-to-right", "Left to right"),
    ("right-to-left", "Right to left"),
    ("side-to-rear", "Side to rear"),
    ("rear-to-side", "Rear to side"),
    ("bottom-to-top", "Bottom to top"),
    ("top-to-bottom", "Top to bottom"),
    ("passive", "Passive"),
    ("mixed", "Mixed"),
];

pub(super) const SUBDEVICE_ROLE: &[Choice] = &[("parent", "Parent"), ("child", "Child")];

pub(super) const DEVICE_FACE: &[Choice] = &[("front", "Front"), ("rear", "Rear")];

pub(super) const WEIGHT_UNIT: &[Choice] = &[("kg", "Kilograms"), ("g", "Grams"), ("lb", "Pounds"), ("oz", "Ounces")];

pub(super) const INTERFACE_MODE: &[Choice] =
    &[("access", "Access"), ("tagged", "Tagged"), ("tagged-all", "Tagged (All)"), ("q-in-q", "Q-in-Q (802.1ad)")];

pub(super) const DUPLEX: &[Choice] = &[("half", "Half"), ("full", "Full"), ("auto", "Auto")];

pub(super) const POE_MODE: &[Choice] = &[("pd", "PD"), ("pse", "PSE")];

pub(super) const POE_TYPE: &[Choice] = &[
    ("type1-ieee802.3af", "802.3af (Type 1)"),
    ("type2-ieee802.3at", "802.3at (Type 2)"),
    ("type3-ieee802.3bt", "802.3bt (Type 3)"),
    ("type4-ieee802.3bt", "802.3bt (Type 4)"),
];

pub(super) const IP_STATUS: &[Choice] = &[
    ("active", "Active"),
    ("reserved", "Reserved"),
    ("deprecated", "Deprecated"),
    ("dhcp", "DHCP"),
    ("slaac", "SLAAC"),
];

pub(super) const IP_ROLE: &[Choice] = &[
    ("loopback", "Loopback"),
    ("secondary", "Secondary"),
    ("anycast", "Anycast"),
    ("vip", "VIP"),
    ("vrrp", "VRRP"),
    ("hsrp", "HSRP"),
    ("glbp", "GLBP"),
    ("carp", "CARP"),
];

/// Roles of addresses that may share one host address.
pub(super) const IP_ROLES_SHARED: &[&str] = &["anycast", "vip", "vrrp", "hsrp", "glbp", "carp"];

pub(super) const PREFIX_STATUS: &[Choice] =
    &[("container", "Container"), ("active", "Active"), ("reserved", "Reserved"), ("deprecated", "Deprecated")];

pub(super) const VLAN_STATUS: &[Choice] =
    &[("active", "Active"), ("reserved", "Reserved"), ("deprecated", "Deprecated")];

pub(super) const QINQ_ROLE: &[Choice] = &[("svlan", "Service"), ("cvlan", "Customer")];

pub(super) const CUSTOM_FIELD_TYPE: &[Choice] = &[
    ("text", "Text"),
    ("longtext", "Text (long)"),
    ("integer", "Integer"),
    ("decimal", "Decimal"),
    ("boolean", "Boolean (true/false)"),
    ("date", "Date"),
    ("datetime", "Date & time"),
    ("url", "URL"),
    ("json", "JSON"),
    ("select", "Selection"),
    ("multiselect", "Multiple selection"),
    ("object", "Object"),
    ("multiobject", "Multiple objects"),
];
