//! The rules of each kind beyond types and limits, with NetBox's words for breaking them.

use std::net::IpAddr;

use ipnet::IpNet;

use super::choices::IP_ROLES_SHARED;
use super::errors::Errors;
use super::render::{display, generic};
use super::schema::{Kind, Type, UniqueError};
use super::state::{Object, Store, Value, unique_key};

/// Checks an object as it would be saved; `old` is the object before the change.
pub(super) fn check(store: &Store, kind: Kind, old: Option<&Object>, new: &Object) -> Result<(), Errors> {
    if kind == Kind::Interface {
        interface_mode(store, new)?;
    }
    let mut errors = field_rules(kind, new);
    if let Err(found) = object_rules(store, kind, old, new) {
        errors.merge(found);
    }
    uniqueness(store, kind, new, &mut errors);
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

/// The two halves of a reference to one of several kinds come together, and there is something behind them.
fn generic_reference(store: &Store, kind: Kind, new: &Object) -> Result<(), Errors> {
    for (at, field) in kind.def().fields.iter().enumerate() {
        let Type::ObjectId { type_field } = field.ty else { continue };
        let of = new.text(kind, type_field);
        match (of.is_empty(), &new.values[at]) {
            (true, Value::Ref(_)) => return Err(Errors::at(type_field, "This field cannot be null.")),
            (false, Value::Null) => return Err(Errors::at(field.name, "This field cannot be null.")),
            (false, Value::Ref(id)) if generic(store, kind, new, field.name).is_none() => {
                let text = format!("Related object not found using the provided value: {id}.");
                return Err(Errors::at(field.name, text));
            }
            _ => {}
        }
    }
    Ok(())
}

/// What NetBox does to an object on its way to the database.
pub(super) fn settle(store: &Store, kind: Kind, old: Option<&Object>, new: &mut Object) {
    let set = |object: &mut Object, name: &str, value: Value| {
        if let Some(at) = kind.def().position(name) {
            object.values[at] = value;
        }
    };
    match kind {
        Kind::Interface => {
            let mode = new.text(kind, "mode").to_owned();
            if mode.is_empty() {
                set(new, "untagged_vlan", Value::Null);
            }
            if old.is_some() && mode != "tagged" {
                set(new, "tagged_vlans", Value::Refs(Vec::new()));
            }
        }
        Kind::IpAddress => {
            let name = new.text(kind, "dns_name").to_lowercase();
            set(new, "dns_name", Value::Text(name));
        }
        Kind::VirtualMachine if new.get(kind, "site").target().is_none() => {
            let cluster = target(store, kind, new, "cluster", Kind::Cluster);
            let is_site = |cluster: &&Object| cluster.text(Kind::Cluster, "scope_type") == "dcim.site";
            let of_cluster =
                cluster.filter(is_site).and_then(|cluster| cluster.get(Kind::Cluster, "scope_id").target());
            let of_device = target(store, kind, new, "device", Kind::Device);
            let of_device = of_device.and_then(|device| device.get(Kind::Device, "site").target());
            if let Some(site) = of_cluster.or(of_device) {
                set(new, "site", Value::Ref(site));
            }
        }
        Kind::Device if old.is_none() => {
            let Some(device_type) = target(store, kind, new, "device_type", Kind::DeviceType) else { return };
            if *new.get(kind, "platform") == Value::Null {
                let platform = device_type.get(Kind::DeviceType, "default_platform").clone();
                set(new, "platform", platform);
            }
            if new.get(kind, "airflow").is_blank() {
                let airflow = device_type.get(Kind::DeviceType, "airflow").clone();
                set(new, "airflow", airflow);
            }
        }
        _ => {}
    }
}

fn target<'a>(store: &'a Store, kind: Kind, object: &Object, field: &str, to: Kind) -> Option<&'a Object> {
    object.get(kind, field).target().and_then(|id| store.get(to, id)).map(AsRef::as_ref)
}

fn uniqueness(store: &Store, kind: Kind, new: &Object, errors: &mut Errors) {
    for (at, unique) in kind.def().unique.iter().enumerate() {
        let message = match unique.error {
            UniqueError::Field(_) | UniqueError::Database | UniqueError::Index => continue,
            UniqueError::Words(words) => words.to_owned(),
            UniqueError::Together(names) => {
                let (last, first) = names.split_last().map_or(("", names), |(last, first)| (*last, first));
                format!("{} with this {} and {last} already exists.", kind.def().verbose_capital(), first.join(", "))
            }
        };
        if unique.parts.iter().any(|part| errors.has(part.field())) {
            continue;
        }
        let taken =
            unique_key(kind, unique, new).is_some_and(|key| store.with_key(kind, at, &key).any(|id| id != new.id));
        if taken {
            errors.add("__all__", message);
        }
    }
}

fn field_rules(kind: Kind, new: &Object) -> Errors {
    let mut errors = Errors::new();
    if kind == Kind::Prefix
        && let Ok(net) = new.text(kind, "prefix").parse::<IpNet>()
        && net.addr() != net.network()
    {
        let text = format!("{net} is not a valid prefix. Did you mean {}?", net.trunc());
        errors.add("prefix", text);
    }
    let dns = new.text(kind, "dns_name");
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '*');
    if kind == Kind::IpAddress && !dns.chars().all(allowed) {
        let text =
            "Only alphanumeric characters, asterisks, hyphens, periods, and underscores are allowed in DNS names";
        errors.add("dns_name", text);
    }
    if kind == Kind::CustomField && !new.text(kind, "name").chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        errors.add("name", "Only alphanumeric characters and underscores are allowed.");
    }
    errors
}

fn object_rules(store: &Store, kind: Kind, old: Option<&Object>, new: &Object) -> Result<(), Errors> {
    if kind == Kind::Prefix {
        prefix_scope(new)?;
    }
    generic_reference(store, kind, new)?;
    match kind {
        Kind::Device => device(store, old, new),
        Kind::VirtualMachine => virtual_machine(store, new),
        Kind::Interface => interface(store, old, new),
        Kind::VirtualChassis => virtual_chassis(store, old, new),
        Kind::MacAddress => mac_address(store, old, new),
        Kind::IpAddress => ip_address(store, old, new),
        Kind::Prefix => prefix(store, new),
        Kind::Vlan => vlan(store, new),
        Kind::DeviceType => device_type(new),
        Kind::Region | Kind::SiteGroup | Kind::TenantGroup | Kind::DeviceRole | Kind::Platform => {
            tree(store, kind, old, new)
        }
        _ => Ok(()),
    }
}

fn tree(store: &Store, kind: Kind, old: Option<&Object>, new: &Object) -> Result<(), Errors> {
    if old.is_none() {
        return Ok(());
    }
    let mut parent = new.get(kind, "parent").target();
    let mut steps = 0;
    while let Some(id) = parent {
        if id == new.id || steps > 100 {
            let text = format!("Cannot assign self or child {} as parent.", kind.def().verbose);
            return Err(Errors::at("parent", text));
        }
        steps += 1;
        parent = store.get(kind, id).and_then(|object| object.get(kind, "parent").target());
    }
    Ok(())
}

fn device_type(new: &Object) -> Result<(), Errors> {
    match new.get(Kind::DeviceType, "u_height") {
        Value::Decimal(height) if (height * 2.0).fract() != 0.0 => {
            Err(Errors::at("u_height", "U height must be in increments of 0.5 rack units."))
        }
        _ => Ok(()),
    }
}

/// The device of the interface that an address or a MAC address is assigned to.
fn device_of(store: &Store, kind: Kind, object: &Object) -> Option<u64> {
    let interface = assigned_interface(store, kind, object)?;
    interface.get(Kind::Interface, "device").target()
}

fn assigned_interface<'a>(store: &'a Store, kind: Kind, object: &Object) -> Option<&'a Object> {
    if object.text(kind, "assigned_object_type") != "dcim.interface" {
        return None;
    }
    target(store, kind, object, "assigned_object_id", Kind::Interface)
}

fn device(store: &Store, old: Option<&Object>, new: &Object) -> Result<(), Errors> {
    const KIND: Kind = Kind::Device;
    if !new.get(KIND, "face").is_blank() {
        return Err(Errors::at("face", "Cannot select a rack face without assigning a rack."));
    }
    let chassis = new.get(KIND, "virtual_chassis").target();
    for (field, version) in [("primary_ip4", Some(4)), ("primary_ip6", Some(6)), ("oob_ip", None)] {
        let Some(address) = target(store, KIND, new, field, Kind::IpAddress) else { continue };
        let text = address.text(Kind::IpAddress, "address");
        let is_v4 = !text.contains(':');
        if version.is_some_and(|version| (version == 4) != is_v4) {
            let family = if is_v4 { 6 } else { 4 };
            return Err(Errors::at(field, format!("{text} is not an IPv{family} address.")));
        }
        let inside = address.get(Kind::IpAddress, "nat_inside").target().and_then(|id| store.get(Kind::IpAddress, id));
        let owners = [
            device_of(store, Kind::IpAddress, address),
            inside.and_then(|object| device_of(store, Kind::IpAddress, object)),
        ];
        let belongs = owners.into_iter().flatten().any(|owner| {
            owner == new.id
                || chassis.is_some()
                    && store.get(KIND, owner).and_then(|device| device.get(KIND, "virtual_chassis").target()) == chassis
        });
        if !belongs {
            let text = format!("The specified IP address ({text}) is not assigned to this device.");
            return Err(Errors::at(field, text));
        }
    }
    if let Some(platform) = target(store, KIND, new, "platform", Kind::Platform)
        && let Some(limit) = target(store, Kind::Platform, platform, "manufacturer", Kind::Manufacturer)
        && let Some(device_type) = target(store, KIND, new, "device_type", Kind::DeviceType)
        && let Some(made_by) = target(store, Kind::DeviceType, device_type, "manufacturer", Kind::Manufacturer)
        && limit.id != made_by.id
    {
        let text = format!(
            "The assigned platform is limited to {} device types, but this device's type belongs to {}.",
            limit.text(Kind::Manufacturer, "name"),
            made_by.text(Kind::Manufacturer, "name")
        );
        return Err(Errors::at("platform", text));
    }
    if chassis.is_some() && *new.get(KIND, "vc_position") == Value::Null {
        let text = "A device assigned to a virtual chassis must have its position defined.";
        return Err(Errors::at("vc_position", text));
    }
    if old.is_some()
        && let Some(led) = store.referring(Kind::VirtualChassis, "master", KIND, new.id).next()
        && chassis != Some(led)
    {
        let name = display(store, Kind::VirtualChassis, led);
        let text = format!(
            "Device cannot be removed from virtual chassis {name} because it is currently designated as its master."
        );
        return Err(Errors::at("virtual_chassis", text));
    }
    Ok(())
}

fn virtual_machine(store: &Store, new: &Object) -> Result<(), Errors> {
    const KIND: Kind = Kind::VirtualMachine;
    if ["site", "cluster", "device"].iter().all(|place| new.get(KIND, place).target().is_none()) {
        return Err(Errors::whole("A virtual machine must be assigned to a site, cluster, or device."));
    }
    for (field, family) in [("primary_ip4", 4), ("primary_ip6", 6)] {
        let Some(address) = target(store, KIND, new, field, Kind::IpAddress) else { continue };
        let text = address.text(Kind::IpAddress, "address");
        let version = if text.contains(':') { 6 } else { 4 };
        if version != family {
            let text = format!("Must be an IPv{family} address. ({text} is an IPv{version} address.)");
            return Err(Errors::at(field, text));
        }
        let is_vms = address.text(Kind::IpAddress, "assigned_object_type") == "virtualization.vminterface";
        let interface = target(store, Kind::IpAddress, address, "assigned_object_id", Kind::VmInterface);
        let owner = interface.and_then(|interface| interface.get(Kind::VmInterface, "virtual_machine").target());
        if !is_vms || owner != Some(new.id) {
            return Err(Errors::at(field, format!("The specified IP address ({text}) is not assigned to this VM.")));
        }
    }
    Ok(())
}

fn virtual_chassis(store: &Store, old: Option<&Object>, new: &Object) -> Result<(), Errors> {
    const KIND: Kind = Kind::VirtualChassis;
    let Some(master) = target(store, KIND, new, "master", Kind::Device) else { return Ok(()) };
    if old.is_some() && master.get(Kind::Device, "virtual_chassis").target() != Some(new.id) {
        let name = display(store, Kind::Device, master.id);
        let text = format!("The selected master ({name}) is not assigned to this virtual chassis.");
        return Err(Errors::at("master", text));
    }
    Ok(())
}

/// The rules on mode and VLANs, which come before all others.
fn interface_mode(store: &Store, new: &Object) -> Result<(), Errors> {
    const KIND: Kind = Kind::Interface;
    let mode = new.text(KIND, "mode");
    let Value::Refs(tagged) = new.get(KIND, "tagged_vlans") else { return Ok(()) };
    let mut errors = Errors::new();
    if mode != "q-in-q" && *new.get(KIND, "qinq_svlan") != Value::Null {
        errors.add("qinq_svlan", "Interface mode does not support q-in-q service vlan");
    }
    if mode.is_empty() && *new.get(KIND, "untagged_vlan") != Value::Null {
        errors.add("untagged_vlan", "Interface mode does not support untagged vlan");
    }
    if matches!(mode, "" | "tagged-all" | "access") && !tagged.is_empty() {
        errors.add("tagged_vlans", "Interface mode does not support tagged vlans");
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let site = target(store, KIND, new, "device", Kind::Device).and_then(|d| d.get(Kind::Device, "site").target());
    for vlan in tagged.iter().filter_map(|id| store.get(Kind::Vlan, *id)) {
        let of = vlan.get(Kind::Vlan, "site").target();
        if of.is_some() && of != site {
            let name = display(store, Kind::Vlan, vlan.id);
            let text = format!(
                "VLAN {name} must belong to the same site as the interface's parent device, or it must be global."
            );
            return Err(Errors::at("tagged_vlans", text));
        }
    }
    Ok(())
}

fn interface(store: &Store, old: Option<&Object>, new: &Object) -> Result<(), Errors> {
    const KIND: Kind = Kind::Interface;
    let ty = new.text(KIND, "type");
    let is_virtual = matches!(ty, "virtual" | "lag" | "bridge");
    if let Some(old) = old
        && old.get(KIND, "device") != new.get(KIND, "device")
    {
        return Err(Errors::at("device", "Components cannot be moved to a different device."));
    }
    let itself = |field: &str| old.is_some() && new.get(KIND, field).target() == Some(new.id);
    if itself("bridge") {
        return Err(Errors::at("bridge", "An interface cannot be bridged to itself."));
    }
    if let Some(mac) = target(store, KIND, new, "primary_mac_address", Kind::MacAddress)
        && let Some(other) = assigned_interface(store, Kind::MacAddress, mac)
        && other.id != new.id
    {
        let text = format!(
            "MAC address {} is assigned to a different interface ({}).",
            mac.text(Kind::MacAddress, "mac_address"),
            display(store, KIND, other.id)
        );
        return Err(Errors::at("primary_mac_address", text));
    }
    if is_virtual && *new.get(KIND, "mark_connected") == Value::Bool(true) {
        let label = super::render::choice_label(KIND, "type", ty);
        return Err(Errors::at("mark_connected", format!("{label} interfaces cannot be marked as connected.")));
    }
    if itself("parent") {
        return Err(Errors::at("parent", "An interface cannot be its own parent."));
    }
    let refers = |field: &str| *new.get(KIND, field) != Value::Null;
    if ty != "virtual" && refers("parent") {
        return Err(Errors::at("parent", "Only virtual interfaces may be assigned to a parent interface."));
    }
    same_device(store, new, "parent", "parent interface", "")?;
    same_device(store, new, "bridge", "bridge interface", ".")?;
    if ty == "virtual" && refers("lag") {
        return Err(Errors::at("lag", "Virtual interfaces cannot have a parent LAG interface."));
    }
    if itself("lag") {
        return Err(Errors::at("lag", "A LAG interface cannot be its own parent."));
    }
    same_device(store, new, "lag", "LAG interface", ".")?;
    let site = target(store, KIND, new, "device", Kind::Device).and_then(|d| d.get(Kind::Device, "site").target());
    if let Some(vlan) = target(store, KIND, new, "untagged_vlan", Kind::Vlan) {
        let of = vlan.get(Kind::Vlan, "site").target();
        if of.is_some() && of != site {
            let text = format!(
                "The untagged VLAN ({}) must belong to the same site as the interface's parent device, or it must be \
                 global.",
                display(store, Kind::Vlan, vlan.id)
            );
            return Err(Errors::at("untagged_vlan", text));
        }
    }
    Ok(())
}

/// Parents, bridges and LAGs stay within a device or its virtual chassis.
fn same_device(store: &Store, new: &Object, field: &str, what: &str, stop: &str) -> Result<(), Errors> {
    const KIND: Kind = Kind::Interface;
    let Some(other) = target(store, KIND, new, field, KIND) else { return Ok(()) };
    let devices = [new, other].map(|object| target(store, KIND, object, "device", Kind::Device));
    let [Some(own), Some(theirs)] = devices else { return Ok(()) };
    if own.id == theirs.id {
        return Ok(());
    }
    let name = display(store, KIND, other.id);
    let device = display(store, Kind::Device, theirs.id);
    let [own_chassis, their_chassis] = [own, theirs].map(|device| device.get(Kind::Device, "virtual_chassis").target());
    match own_chassis {
        None => {
            let text = format!("The selected {what} ({name}) belongs to a different device ({device}){stop}");
            Err(Errors::at(field, text))
        }
        Some(chassis) if their_chassis != Some(chassis) => {
            let chassis = display(store, Kind::VirtualChassis, chassis);
            let text = format!(
                "The selected {what} ({name}) belongs to {device}, which is not part of virtual chassis {chassis}."
            );
            Err(Errors::at(field, text))
        }
        Some(_) => Ok(()),
    }
}

fn mac_address(store: &Store, old: Option<&Object>, new: &Object) -> Result<(), Errors> {
    const KIND: Kind = Kind::MacAddress;
    let Some(old) = old else { return Ok(()) };
    let Some(was) = assigned_interface(store, KIND, old) else { return Ok(()) };
    if was.get(Kind::Interface, "primary_mac_address").target() != Some(new.id) {
        return Ok(());
    }
    let is = assigned_interface(store, KIND, new);
    let verb = match is {
        None => "unassign",
        Some(is) if is.id != was.id => "reassign",
        Some(_) => return Ok(()),
    };
    let text = format!("Cannot {verb} MAC Address while it is designated as the primary MAC for an object");
    Err(Errors::whole(text))
}

fn ip_address(store: &Store, old: Option<&Object>, new: &Object) -> Result<(), Errors> {
    const KIND: Kind = Kind::IpAddress;
    let text = new.text(KIND, "address");
    let Ok(net) = text.parse::<IpNet>() else { return Ok(()) };
    if net.prefix_len() == 0 {
        return Err(Errors::at("address", "Cannot create IP address with /0 mask."));
    }
    let host = net.addr();
    let point_to_point = net.prefix_len() + 1 >= net.max_prefix_len();
    if assigned_interface(store, KIND, new).is_some() && !point_to_point {
        if host == net.network() {
            let text = format!("{host} is a network ID, which may not be assigned to an interface.");
            return Err(Errors::whole(text));
        }
        if host.is_ipv4() && host == net.broadcast() {
            let text = format!("{host} is a broadcast address, which may not be assigned to an interface.");
            return Err(Errors::whole(text));
        }
    }
    if let Some((table, others)) = rivals(store, KIND, new) {
        let shared = |object: &Object| IP_ROLES_SHARED.contains(&object.text(KIND, "role"));
        let first = others.first().and_then(|id| store.get(KIND, *id));
        let all_shared = others.iter().filter_map(|id| store.get(KIND, *id)).all(|other| shared(other));
        if let Some(first) = first
            && !(shared(new) && all_shared)
        {
            let text = format!("Duplicate IP address found in {table}: {}", first.text(KIND, "address"));
            return Err(Errors::at("address", text));
        }
    }
    primary_stays(store, old, new)?;
    if new.text(KIND, "status") == "slaac" && matches!(host, IpAddr::V4(_)) {
        return Err(Errors::at("status", "Only IPv6 addresses can be assigned SLAAC status"));
    }
    Ok(())
}

/// An address that is a device's primary one stays on that device.
fn primary_stays(store: &Store, old: Option<&Object>, new: &Object) -> Result<(), Errors> {
    const KIND: Kind = Kind::IpAddress;
    let Some(device) = old.and_then(|old| device_of(store, KIND, old)) else { return Ok(()) };
    if device_of(store, KIND, new) == Some(device) {
        return Ok(());
    }
    let Some(device) = store.get(Kind::Device, device) else { return Ok(()) };
    let is = |field: &str| device.get(Kind::Device, field).target() == Some(new.id);
    let what = match () {
        () if is("primary_ip4") || is("primary_ip6") => "primary IP",
        () if is("oob_ip") => "OOB IP",
        () => return Ok(()),
    };
    let text = format!("Cannot reassign IP address while it is designated as the {what} for the parent object");
    Err(Errors::whole(text))
}

fn prefix_scope(new: &Object) -> Result<(), Errors> {
    const KIND: Kind = Kind::Prefix;
    let scope_type = new.text(KIND, "scope_type");
    if scope_type.is_empty() || *new.get(KIND, "scope_id") != Value::Null {
        return Ok(());
    }
    let model = scope_type.split('.').nth(1).unwrap_or_default();
    Err(Errors::whole(format!("Please select a {model}.")))
}

fn prefix(store: &Store, new: &Object) -> Result<(), Errors> {
    const KIND: Kind = Kind::Prefix;
    let text = new.text(KIND, "prefix");
    if text.ends_with("/0") {
        return Err(Errors::at("prefix", "Cannot create prefix with /0 mask."));
    }
    if let Some((table, others)) = rivals(store, KIND, new)
        && let Some(first) = others.first().and_then(|id| store.get(KIND, *id))
    {
        let text = format!("Duplicate prefix found in {table}: {}", first.text(KIND, "prefix"));
        return Err(Errors::at("prefix", text));
    }
    Ok(())
}

/// Objects of the same address in a table that wants addresses to be unique, with the table's name.
fn rivals(store: &Store, kind: Kind, new: &Object) -> Option<(String, Vec<u64>)> {
    let vrf = target(store, kind, new, "vrf", Kind::Vrf);
    let table = match vrf {
        Some(vrf) if *vrf.get(Kind::Vrf, "enforce_unique") == Value::Bool(false) => return None,
        Some(vrf) => format!("VRF {}", display(store, Kind::Vrf, vrf.id)),
        None => "global table".to_owned(),
    };
    let key = unique_key(kind, &kind.def().unique[0], new)?;
    let others = store.with_key(kind, 0, &key).filter(|id| *id != new.id).collect();
    Some((table, others))
}

fn vlan(store: &Store, new: &Object) -> Result<(), Errors> {
    const KIND: Kind = Kind::Vlan;
    let site = new.get(KIND, "site").target();
    if let Some(group) = target(store, KIND, new, "group", Kind::VlanGroup)
        && let Some(site) = site
        && group.text(Kind::VlanGroup, "scope_type") == "dcim.site"
    {
        let scope = group.get(Kind::VlanGroup, "scope_id").target();
        if scope != Some(site) {
            let text = format!(
                "VLAN is assigned to group {} (scope: {}); cannot also assign to site {}.",
                display(store, Kind::VlanGroup, group.id),
                scope.map_or_else(|| "None".to_owned(), |id| display(store, Kind::Site, id)),
                display(store, Kind::Site, site)
            );
            return Err(Errors::whole(text));
        }
    }
    let customer = new.text(KIND, "qinq_role") == "cvlan";
    let service = *new.get(KIND, "qinq_svlan") != Value::Null;
    if service && !customer {
        return Err(Errors::at("qinq_svlan", "Only Q-in-Q customer VLANs maybe assigned to a service VLAN."));
    }
    if customer && !service {
        return Err(Errors::at("qinq_role", "A Q-in-Q customer VLAN must be assigned to a service VLAN."));
    }
    Ok(())
}
