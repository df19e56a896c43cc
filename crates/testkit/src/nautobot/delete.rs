//! Deleting, with what goes along, what is cleared and what stands in the way.

use super::changes::{Action, Author};
use super::errors::Refusal;
use super::names;
use super::schema::{Kind, OnDelete, Type};
use super::state::Store;
use super::tree;
use super::value::{Id, Value};
use super::write::{log_ends, save};

/// Deletes one object.
pub(super) fn delete(store: &mut Store, kind: Kind, id: Id, author: &Author) -> Result<(), Refusal> {
    match kind {
        Kind::Prefix => {
            let root = store.get(kind, id).is_some_and(|object| object.ref_of(kind, "parent").is_none());
            let addresses: Vec<Id> = store.referring(Kind::IpAddress, "parent", id).collect();
            if root && !addresses.is_empty() {
                return Err(protected(store, Kind::IpAddress, addresses));
            }
            tree::bequeath(store, id);
        }
        Kind::VirtualChassis => {
            let split = split_lags(store, id);
            if !split.is_empty() {
                return Err(protected(store, Kind::Interface, split));
            }
        }
        _ => {}
    }
    let (mut going, mut blockers) = (Vec::new(), Vec::new());
    collect(store, kind, id, &mut going, &mut blockers);
    if !blockers.is_empty() {
        blockers.sort_unstable();
        blockers.dedup();
        return Err(refuse(store, &blockers));
    }
    // Nautobot notes that an address is gone after what came of that, and everything else before.
    let links_first = kind == Kind::IpAddress;
    if links_first {
        prepare(store, &going, author);
    }
    for (kind, id) in &going {
        if let Some(object) = store.get(*kind, *id).cloned() {
            store.log(author, Action::Delete, *kind, &object);
        }
    }
    if !links_first {
        prepare(store, &going, author);
    }
    for (kind, id) in going.iter().rev() {
        clear(store, *kind, *id, &going);
        store.remove(*kind, *id);
    }
    Ok(())
}

/// Every reference to objects of a kind: who has it, in which field, and what it says about deleting.
fn references(to: Kind) -> impl Iterator<Item = (Kind, &'static str, Option<OnDelete>)> {
    Kind::ALL.into_iter().flat_map(move |kind| {
        kind.def().fields.iter().filter_map(move |field| match field.ty {
            Type::Ref { to: target, on_delete } if target == to => Some((kind, field.name, Some(on_delete))),
            Type::Refs { to: target } if target == to => Some((kind, field.name, None)),
            _ => None,
        })
    })
}

/// The object and everything that goes along, and what stands in the way of any of them.
fn collect(store: &Store, kind: Kind, id: Id, going: &mut Vec<(Kind, Id)>, blockers: &mut Vec<(Kind, Id)>) {
    if going.contains(&(kind, id)) || store.get(kind, id).is_none() {
        return;
    }
    going.push((kind, id));
    for (referring, field, on_delete) in references(kind) {
        match on_delete {
            Some(OnDelete::Cascade) => {
                for found in store.referring(referring, field, id).collect::<Vec<_>>() {
                    collect(store, referring, found, going, blockers);
                }
            }
            Some(OnDelete::Protect) => blockers.extend(store.referring(referring, field, id).map(|id| (referring, id))),
            Some(OnDelete::SetNull) | None => {}
        }
    }
}

fn protected(store: &Store, kind: Kind, ids: Vec<Id>) -> Refusal {
    let blockers: Vec<(Kind, Id)> = store.sort(kind, ids).into_iter().map(|id| (kind, id)).collect();
    refuse(store, &blockers)
}

fn refuse(store: &Store, blockers: &[(Kind, Id)]) -> Refusal {
    let names: Vec<String> =
        blockers.iter().map(|(kind, id)| format!("{} ({id})", names::text_of(store, *kind, *id))).collect();
    let text = format!("Unable to delete object. {} dependent objects were found: {}", names.len(), names.join(", "));
    Refusal::Detail(409, text)
}

/// Interfaces of a chassis in a LAG of another member.
fn split_lags(store: &Store, chassis: Id) -> Vec<Id> {
    let device_of = |id: Id| store.get(Kind::Interface, id).and_then(|found| found.ref_of(Kind::Interface, "device"));
    let members = store.referring(Kind::Device, "virtual_chassis", chassis);
    let interfaces = members.flat_map(|device| store.referring(Kind::Interface, "device", device));
    let split = interfaces.filter(|id| {
        let lag = store.get(Kind::Interface, *id).and_then(|found| found.ref_of(Kind::Interface, "lag"));
        lag.is_some_and(|lag| device_of(lag) != device_of(*id))
    });
    split.collect()
}

/// What happens just before objects go: devices lose addresses that are no longer theirs, members leave a chassis.
fn prepare(store: &mut Store, going: &[(Kind, Id)], author: &Author) {
    for (kind, id) in going {
        match kind {
            Kind::VirtualChassis => disband(store, *id, author),
            Kind::IpToInterface => unassign(store, *id, going, author),
            _ => {}
        }
    }
    // A link that goes by itself is a change of what it links.
    if let [(kind, id)] = going
        && let Some(link) = store.get(*kind, *id).cloned()
    {
        log_ends(store, *kind, &link, author);
    }
}

/// The members of a chassis lose their places.
fn disband(store: &mut Store, chassis: Id, author: &Author) {
    let members: Vec<Id> = store.referring(Kind::Device, "virtual_chassis", chassis).collect();
    for member in members {
        let Some(mut device) = store.get(Kind::Device, member).map(|device| device.as_ref().clone()) else { continue };
        device.set(Kind::Device, "vc_position", Value::Null);
        device.set(Kind::Device, "vc_priority", Value::Null);
        save(store, Kind::Device, device, author);
    }
}

/// A device whose primary address is on none of its interfaces any more loses it.
fn unassign(store: &mut Store, link: Id, going: &[(Kind, Id)], author: &Author) {
    const KIND: Kind = Kind::IpToInterface;
    let Some(object) = store.get(KIND, link).cloned() else { return };
    let interface = object.ref_of(KIND, "interface").and_then(|id| store.get(Kind::Interface, id));
    let Some(device) = interface.and_then(|interface| interface.ref_of(Kind::Interface, "device")) else { return };
    if going.contains(&(Kind::Device, device)) {
        return;
    }
    let Some(address) = object.ref_of(KIND, "ip_address") else { return };
    let elsewhere = store.referring(KIND, "ip_address", address).filter(|other| *other != link).any(|other| {
        let other = store.get(KIND, other).and_then(|other| other.ref_of(KIND, "interface"));
        let other = other.and_then(|id| store.get(Kind::Interface, id));
        other.and_then(|other| other.ref_of(Kind::Interface, "device")) == Some(device)
    });
    let Some(mut device) = store.get(Kind::Device, device).map(|device| device.as_ref().clone()) else { return };
    for field in ["primary_ip4", "primary_ip6"] {
        if !elsewhere && device.ref_of(Kind::Device, field) == Some(address) {
            device.set(Kind::Device, field, Value::Null);
            save(store, Kind::Device, device, author);
            return;
        }
    }
}

/// Clears what refers to an object that goes, without a trace.
fn clear(store: &mut Store, kind: Kind, id: Id, going: &[(Kind, Id)]) {
    for (referring, field, on_delete) in references(kind) {
        if matches!(on_delete, Some(OnDelete::Cascade | OnDelete::Protect)) {
            continue;
        }
        for found in store.referring(referring, field, id).collect::<Vec<_>>() {
            if going.contains(&(referring, found)) && on_delete.is_some() {
                continue;
            }
            let Some(mut object) = store.get(referring, found).map(|object| object.as_ref().clone()) else { continue };
            let value = match object.get(referring, field) {
                Value::Refs(ids) => Value::Refs(ids.iter().copied().filter(|other| *other != id).collect()),
                _ => Value::Null,
            };
            object.set(referring, field, value);
            store.put(referring, object);
        }
    }
}
