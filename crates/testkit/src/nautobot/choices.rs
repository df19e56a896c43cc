//! The fixed lists of values.

use crate::django::Choice;

pub(super) const SUBDEVICE_ROLES: &[Choice] =
    &[("parent", "Parent"), ("child", "Child"), ("parent-child", "Parent and Child")];

pub(super) const FACES: &[Choice] = &[("front", "Front"), ("rear", "Rear")];

pub(super) const MODES: &[Choice] = &[("access", "Access"), ("tagged", "Tagged"), ("tagged-all", "Tagged (All)")];

pub(super) const DUPLEX: &[Choice] = &[("auto", "Auto"), ("full", "Full"), ("half", "Half")];

pub(super) const PREFIX_TYPES: &[Choice] = &[("container", "Container"), ("network", "Network"), ("pool", "Pool")];

pub(super) const ADDRESS_TYPES: &[Choice] = &[("dhcp", "DHCP"), ("host", "Host"), ("slaac", "SLAAC")];

/// The label of a value.
pub(super) fn label(options: &[Choice], value: &str) -> &'static str {
    options.iter().find(|(known, _)| *known == value).map_or("", |(_, label)| label)
}

/// GraphQL's name of a value: `A_1000BASE_T` for `1000base-t`.
pub(super) fn enum_name(value: &str) -> String {
    let name: String =
        value.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect();
    if name.starts_with(|c: char| c.is_ascii_digit()) { format!("A_{name}") } else { name }
}
