//! Prefixes, addresses, VLANs and what links them.

use crate::nautobot::check::unfit_place;
use crate::nautobot::errors::Errors;
use crate::nautobot::input::Draft;
use crate::nautobot::names::{text, text_of};
use crate::nautobot::schema::Kind;
use crate::nautobot::state::Store;
use crate::nautobot::value::{Id, Object, Value};

/// What is said where the type of a location is not for prefixes, or VLANs.
pub(in crate::nautobot) fn wrong_place(store: &Store, kind: Kind, location: &Value) -> Option<Errors> {
    let of_type = unfit_place(store, location.target()?, kind.def().model)?;
    let what = if kind == Kind::Prefix { "Prefixes" } else { "VLANs" };
    Some(Errors::at("locations", format!("{what} may not associate to Locations of types ['{of_type}'].")))
}

/// A change of the location is made while the body is read; that of a new object only when it is saved.
fn new_place(store: &Store, kind: Kind, old: Option<&Object>, draft: &Draft) -> Result<(), Errors> {
    match (old, draft.input("location")) {
        (Some(_), Some(location)) => wrong_place(store, kind, location).map_or(Ok(()), Err),
        _ => Ok(()),
    }
}

pub(super) fn vlan(store: &Store, old: Option<&Object>, draft: &Draft) -> Result<(), Errors> {
    new_place(store, Kind::Vlan, old, draft)
}

pub(super) fn prefix(store: &Store, old: Option<&Object>, draft: &Draft) -> Result<(), Errors> {
    const KIND: Kind = Kind::Prefix;
    new_place(store, KIND, old, draft)?;
    let Some(old) = old else { return Ok(()) };
    let new = &draft.object;
    let (before, after) = (old.get(KIND, "prefix").net(), new.get(KIND, "prefix").net());
    let (Some(before), Some(after)) = (before, after) else { return Ok(()) };
    let moved = old.ref_of(KIND, "namespace") != new.ref_of(KIND, "namespace");
    if before != after && moved {
        return Err(Errors::whole(
            "Cannot change network and namespace in the same update. Consider creating a new Prefix instead.",
        ));
    }
    if before != after && old.ref_of(KIND, "parent").is_none() {
        let own: Vec<Id> = store.referring(Kind::IpAddress, "parent", old.id).collect();
        let left = store.sort(Kind::IpAddress, own).into_iter().filter_map(|id| store.get(Kind::IpAddress, id)).filter(
            |address| address.get(Kind::IpAddress, "address").net().is_some_and(|net| !after.holds(net.alone())),
        );
        let left: Vec<String> = left
            .filter_map(|address| address.get(Kind::IpAddress, "address").net())
            .map(|net| net.host.to_string())
            .collect();
        if let Some(first) = left.first() {
            let text = format!(
                "{} existing IP addresses (including {first}) would no longer have a valid parent Prefix after this change.",
                left.len()
            );
            return Err(Errors::whole(text));
        }
    }
    if moved {
        if store.count_referring(Kind::VrfPrefix, "prefix", old.id) > 0 {
            return Err(Errors::at(
                "namespace",
                "Cannot move to a different Namespace while associated to VRFs in the current Namespace. Remove all VRFs \
                 from this Prefix and descendants before making this change.",
            ));
        }
        let namespace = old.ref_of(KIND, "namespace");
        let inside = namespace.into_iter().flat_map(|id| store.prefixes_within(id, after));
        if inside.into_iter().any(|id| store.count_referring(Kind::VrfPrefix, "prefix", id) > 0) {
            return Err(Errors::at(
                "namespace",
                "Cannot move to a different Namespace with descendant Prefixes associated to VRFs in the current \
                 Namespace. Remove all VRFs from all descendants before making this change.",
            ));
        }
    }
    Ok(())
}

/// A new address says where it belongs.
pub(super) fn has_parent(old: Option<&Object>, draft: &Draft) -> Result<(), Errors> {
    let said = draft.input("namespace").is_some() || draft.object.ref_of(Kind::IpAddress, "parent").is_some();
    if old.is_none() && !said {
        return Err(Errors::whole("One of parent or namespace must be provided"));
    }
    Ok(())
}

pub(super) fn address(store: &Store, old: Option<&Object>, draft: &mut Draft) -> Result<(), Errors> {
    const KIND: Kind = Kind::IpAddress;
    let Some(net) = draft.object.get(KIND, "address").net() else { return Ok(()) };
    let before = old.and_then(|old| old.get(KIND, "address").net());
    if before.is_some_and(|before| before.host != net.host) {
        return Err(Errors::whole("Host address cannot be changed once created"));
    }
    if draft.object.text(KIND, "type") == "slaac" && net.version() != 6 {
        return Err(Errors::at("type", "Only IPv6 addresses can be assigned SLAAC type"));
    }
    // The namespace of an address that is there cannot be written: the attribute that it sets means nothing.
    let namespace = if old.is_none() { draft.input("namespace").and_then(Value::target) } else { None };
    address_parent(store, namespace, &mut draft.object)
}

/// Finds the prefix that an address belongs to.
pub(in crate::nautobot) fn address_parent(
    store: &Store,
    namespace: Option<Id>,
    object: &mut Object,
) -> Result<(), Errors> {
    const KIND: Kind = Kind::IpAddress;
    let Some(net) = object.get(KIND, "address").net() else { return Ok(()) };
    let parent = object.ref_of(KIND, "parent");
    let of_parent = parent.and_then(|id| store.get(Kind::Prefix, id)?.ref_of(Kind::Prefix, "namespace"));
    let global = || store.with_text(Kind::Namespace, "name", "Global").and_then(|ids| ids.first().copied());
    let Some(namespace) = namespace.or(of_parent).or_else(global) else { return Ok(()) };
    let name = text_of(store, Kind::Namespace, namespace);
    let alone = net.alone();
    let Some(closest) = store.closest_prefix(namespace, alone, Some(alone.length)) else {
        let text = format!("No suitable parent Prefix for {} exists in Namespace {name}", net.host);
        return Err(Errors::at("namespace", text));
    };
    if let Some(parent) = parent
        && parent != closest
    {
        let text = format!(
            "{} cannot be assigned as the parent of {}.  In namespace {name}, the expected parent would be {}.",
            text_of(store, Kind::Prefix, parent),
            text(store, KIND, object),
            text_of(store, Kind::Prefix, closest)
        );
        return Err(Errors::at("parent", text));
    }
    object.set(KIND, "parent", Value::Ref(closest));
    let same = store.addresses_within(closest, alone).find(|id| *id != object.id);
    if same.is_some() {
        let text = format!("IP address {net} already exists in {}.", text_of(store, Kind::Prefix, closest));
        return Err(Errors::whole(text));
    }
    Ok(())
}

pub(super) fn vrf_prefix(store: &Store, draft: &Draft) -> Result<(), Errors> {
    const KIND: Kind = Kind::VrfPrefix;
    let of = |field: &str, kind: Kind| {
        draft.object.ref_of(KIND, field).and_then(|id| store.get(kind, id)?.ref_of(kind, "namespace"))
    };
    let (vrf, prefix) = (of("vrf", Kind::Vrf), of("prefix", Kind::Prefix));
    if vrf == prefix {
        return Ok(());
    }
    let name = |id: Option<Id>| id.map(|id| text_of(store, Kind::Namespace, id)).unwrap_or_default();
    let text =
        format!("Prefix (namespace {}) must be in same namespace as VRF (namespace {})", name(prefix), name(vrf));
    Err(Errors::at("prefix", text))
}

pub(super) fn assignment(draft: &Draft) -> Result<(), Errors> {
    if draft.object.ref_of(Kind::IpToInterface, "interface").is_none() {
        return Err(Errors::at("interface", "Must associate to either an Interface or a VMInterface."));
    }
    Ok(())
}
