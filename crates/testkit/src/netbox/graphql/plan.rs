//! From a selection to a plan: which value stands under which key of the answer.

use super::super::schema::{Computed, Kind, Type};
use super::{Problem, names};
use crate::graphql::{Document, Field, Selection};

/// One key of an answer.
pub(super) struct Step {
    pub key: String,
    pub source: Source,
}

/// Where a value comes from.
pub(super) enum Source {
    Typename,
    Id,
    Display,
    ClassType,
    CustomFields,
    Created,
    Updated,
    /// A stored field.
    Value(usize),
    /// A stored number with this many places, as text.
    Decimal(usize, usize),
    /// One object behind a stored reference.
    One {
        at: usize,
        kind: Kind,
        steps: Vec<Step>,
    },
    /// All objects behind a stored list of references.
    Many {
        at: usize,
        kind: Kind,
        steps: Vec<Step>,
    },
    /// Objects that refer to this one.
    Reverse {
        kind: Kind,
        field: &'static str,
        steps: Vec<Step>,
    },
    /// The first of the objects that refer to this one.
    ReverseOne {
        kind: Kind,
        field: &'static str,
        steps: Vec<Step>,
    },
    /// The object behind a content type and an id; one plan a kind that it may have.
    Union {
        id_field: &'static str,
        plans: Vec<(Kind, Vec<Step>)>,
    },
    Family(Vec<(String, bool)>),
    /// A list of content types, with the keys and names that are asked of each.
    Types(usize, Vec<(Option<String>, String)>),
    Count {
        kind: Kind,
        field: &'static str,
    },
    /// The form of an interface's name by which it is sorted.
    InterfaceName,
    ConfigContext,
    Depth,
    Children,
    TreeDepth,
    Constant(&'static str),
}

/// The kinds behind a field that refers to objects of other kinds the other way round.
const REVERSE: &[(Kind, &str, Kind, &str)] = &[
    (Kind::Region, "sites", Kind::Site, "region"),
    (Kind::Region, "children", Kind::Region, "parent"),
    (Kind::Region, "vlan_groups", Kind::VlanGroup, "scope_id"),
    (Kind::SiteGroup, "sites", Kind::Site, "group"),
    (Kind::SiteGroup, "children", Kind::SiteGroup, "parent"),
    (Kind::SiteGroup, "vlan_groups", Kind::VlanGroup, "scope_id"),
    (Kind::TenantGroup, "tenants", Kind::Tenant, "group"),
    (Kind::TenantGroup, "children", Kind::TenantGroup, "parent"),
    (Kind::Tenant, "virtual_machines", Kind::VirtualMachine, "tenant"),
    (Kind::Tenant, "clusters", Kind::Cluster, "tenant"),
    (Kind::Tenant, "sites", Kind::Site, "tenant"),
    (Kind::Tenant, "vlans", Kind::Vlan, "tenant"),
    (Kind::Tenant, "prefixes", Kind::Prefix, "tenant"),
    (Kind::Tenant, "vrfs", Kind::Vrf, "tenant"),
    (Kind::Tenant, "devices", Kind::Device, "tenant"),
    (Kind::Tenant, "ip_addresses", Kind::IpAddress, "tenant"),
    (Kind::Site, "devices", Kind::Device, "site"),
    (Kind::Site, "vlans", Kind::Vlan, "site"),
    (Kind::Site, "prefixes", Kind::Prefix, "scope_id"),
    (Kind::Site, "vlan_groups", Kind::VlanGroup, "scope_id"),
    (Kind::Manufacturer, "platforms", Kind::Platform, "manufacturer"),
    (Kind::Manufacturer, "device_types", Kind::DeviceType, "manufacturer"),
    (Kind::Platform, "children", Kind::Platform, "parent"),
    (Kind::Platform, "devices", Kind::Device, "platform"),
    (Kind::DeviceType, "instances", Kind::Device, "device_type"),
    (Kind::DeviceRole, "children", Kind::DeviceRole, "parent"),
    (Kind::DeviceRole, "devices", Kind::Device, "role"),
    (Kind::Device, "interfaces", Kind::Interface, "device"),
    (Kind::VirtualChassis, "members", Kind::Device, "virtual_chassis"),
    (Kind::Interface, "ip_addresses", Kind::IpAddress, "assigned_object_id"),
    (Kind::Interface, "mac_addresses", Kind::MacAddress, "assigned_object_id"),
    (Kind::Interface, "bridge_interfaces", Kind::Interface, "bridge"),
    (Kind::Interface, "member_interfaces", Kind::Interface, "lag"),
    (Kind::Interface, "child_interfaces", Kind::Interface, "parent"),
    (Kind::Role, "prefixes", Kind::Prefix, "role"),
    (Kind::Role, "vlans", Kind::Vlan, "role"),
    (Kind::VlanGroup, "vlans", Kind::Vlan, "group"),
    (Kind::Vlan, "interfaces_as_untagged", Kind::Interface, "untagged_vlan"),
    (Kind::Vlan, "interfaces_as_tagged", Kind::Interface, "tagged_vlans"),
    (Kind::Vlan, "prefixes", Kind::Prefix, "vlan"),
    (Kind::Vrf, "interfaces", Kind::Interface, "vrf"),
    (Kind::Vrf, "ip_addresses", Kind::IpAddress, "vrf"),
    (Kind::Vrf, "prefixes", Kind::Prefix, "vrf"),
    (Kind::ClusterType, "clusters", Kind::Cluster, "type"),
    (Kind::ClusterGroup, "clusters", Kind::Cluster, "group"),
    (Kind::Cluster, "virtual_machines", Kind::VirtualMachine, "cluster"),
    (Kind::Cluster, "devices", Kind::Device, "cluster"),
    (Kind::VirtualMachine, "interfaces", Kind::VmInterface, "virtual_machine"),
    (Kind::VmInterface, "ip_addresses", Kind::IpAddress, "assigned_object_id"),
    (Kind::IpAddress, "nat_outside", Kind::IpAddress, "nat_inside"),
];

/// The kind and field behind a field that lists objects which refer to this one.
pub(super) fn reverse(kind: Kind, name: &str) -> Option<(Kind, &'static str)> {
    REVERSE.iter().find(|(of, known, ..)| *of == kind && *known == name).map(|(.., other, field)| (*other, *field))
}

/// Name of the type of a kind.
pub(super) fn type_name(kind: Kind) -> String {
    format!("{}Type", kind.def().class)
}

fn kind_of_type(name: &str) -> Option<Kind> {
    let class = name.strip_suffix("Type")?;
    Kind::ALL.into_iter().find(|kind| kind.def().class == class)
}

/// The kinds that a union may hold.
fn union_kinds(name: &str) -> Option<&'static [Kind]> {
    match name {
        "MACAddressAssignmentType" | "IPAddressAssignmentType" => Some(&[Kind::Interface, Kind::VmInterface]),
        "PrefixScopeType" | "VLANGroupScopeType" | "ClusterScopeType" => {
            Some(&[Kind::Region, Kind::SiteGroup, Kind::Site])
        }
        _ => None,
    }
}

/// Types of values without fields.
fn is_scalar(name: &str) -> bool {
    matches!(name, "ID" | "String" | "Int" | "Boolean" | "DateTime" | "JSON" | "BigInt" | "Decimal" | "Float")
}

/// Plans a selection on objects of one kind; everything wrong with it goes to `problems`.
pub(super) fn plan(document: &Document, kind: Kind, selection: &[Selection], problems: &mut Vec<Problem>) -> Vec<Step> {
    let mut steps = Vec::new();
    for part in selection {
        match part {
            Selection::Field(field) => steps.extend(step(document, kind, field, problems)),
            Selection::Inline { on, selection } => {
                if on.as_ref().is_none_or(|on| *on == type_name(kind)) {
                    steps.extend(plan(document, kind, selection, problems));
                }
            }
            Selection::Spread { name, place } => match document.fragments.iter().find(|found| found.name == *name) {
                Some(found) if found.on == type_name(kind) => {
                    steps.extend(plan(document, kind, &found.selection, problems));
                }
                Some(_) => {}
                None => problems.push(Problem::new(format!("Unknown fragment '{name}'."), *place)),
            },
        }
    }
    steps
}

fn step(document: &Document, kind: Kind, field: &Field, problems: &mut Vec<Problem>) -> Option<Step> {
    let key = field.alias.clone().unwrap_or_else(|| field.name.clone());
    if field.name == "__typename" {
        return Some(Step { key, source: Source::Typename });
    }
    let mut known = names::fields(kind).split_whitespace().filter_map(|entry| entry.split_once(':'));
    let Some((name, ty)) = known.find(|(name, _)| *name == field.name) else {
        let message = format!("Cannot query field '{}' on type '{}'.", field.name, type_name(kind));
        problems.push(Problem::new(message, field.place));
        return None;
    };
    let bare = ty.trim_matches(|c| matches!(c, '[' | ']' | '!'));
    if is_scalar(bare) != field.selection.is_empty() {
        let message = if is_scalar(bare) {
            format!("Field '{name}' must not have a selection since type '{ty}' has no subfields.")
        } else {
            format!(
                "Field '{name}' of type '{ty}' must have a selection of subfields. Did you mean '{name} {{ ... }}'?"
            )
        };
        let place = if is_scalar(bare) { field.below } else { field.place };
        problems.push(Problem::new(message, place));
        return None;
    }
    Some(Step { key, source: source(document, kind, (name, ty, bare), field, problems) })
}

fn source(
    document: &Document,
    kind: Kind,
    (name, ty, bare): (&str, &str, &str),
    field: &Field,
    problems: &mut Vec<Problem>,
) -> Source {
    let def = kind.def();
    match name {
        "id" => return Source::Id,
        "display" => return Source::Display,
        "class_type" => return Source::ClassType,
        "custom_fields" | "custom_field_data" => return Source::CustomFields,
        "created" => return Source::Created,
        "last_updated" => return Source::Updated,
        "family" => {
            let fields = field.selection.iter().filter_map(|part| match part {
                Selection::Field(field) => Some((field.name.clone(), field.name == "label")),
                _ => None,
            });
            return Source::Family(fields.collect());
        }
        "_depth" => return Source::Depth,
        "_children" => return Source::Children,
        "level" => return Source::TreeDepth,
        "lft" | "rght" | "tree_id" => return Source::Constant("1"),
        "_name" => return Source::InterfaceName,
        "total_vlan_ids" => return Source::Constant("4094"),
        "vid_ranges" => return Source::Constant("[\"1-4094\"]"),
        "config_context" => return Source::ConfigContext,
        "vc_master_for" => {
            let steps = plan(document, Kind::VirtualChassis, &field.selection, problems);
            return Source::ReverseOne { kind: Kind::VirtualChassis, field: "master", steps };
        }
        _ => {}
    }
    if let Some(kinds) = union_kinds(bare) {
        let id_field = if name == "scope" { "scope_id" } else { "assigned_object_id" };
        let plans = kinds.iter().map(|kind| (*kind, plan(document, *kind, &field.selection, problems))).collect();
        return Source::Union { id_field, plans };
    }
    if let (Some((other, by)), Some(_)) = (reverse(kind, name), kind_of_type(bare)) {
        return Source::Reverse { kind: other, field: by, steps: plan(document, other, &field.selection, problems) };
    }
    if let Some(at) = def.position(name) {
        match def.fields[at].ty {
            Type::Ref { to, .. } => {
                return Source::One { at, kind: to, steps: plan(document, to, &field.selection, problems) };
            }
            Type::Refs { to } => {
                return Source::Many { at, kind: to, steps: plan(document, to, &field.selection, problems) };
            }
            Type::Computed(Computed::Count { kind, field, .. }) => return Source::Count { kind, field },
            Type::Models => {
                let parts = field.selection.iter().filter_map(|part| match part {
                    Selection::Field(field) => Some((field.alias.clone(), field.name.clone())),
                    _ => None,
                });
                return Source::Types(at, parts.collect());
            }
            Type::Decimal { places } => return Source::Decimal(at, places),
            Type::Computed(_) => {}
            _ => return Source::Value(at),
        }
    }
    // Something that is never there: a list without entries, a count of nothing, or nothing.
    Source::Constant(match ty {
        _ if ty.starts_with('[') => "[]",
        "BigInt!" | "Int!" => "0",
        "Boolean!" => "false",
        "String!" => "\"\"",
        _ => "null",
    })
}
