//! The tree of prefixes and the addresses in it: who is whose parent when a prefix comes, moves or goes. None of it
//! is a change of the objects that are moved, as in Nautobot.

use super::address::Net;
use super::errors::Refusal;
use super::schema::Kind;
use super::state::Store;
use super::unique;
use super::value::{Id, Object, Value};

const KIND: Kind = Kind::Prefix;

fn place(object: &Object) -> Option<(Id, Net)> {
    object.ref_of(KIND, "namespace").zip(object.get(KIND, "prefix").net())
}

fn net_of(store: &Store, id: Id) -> Option<Net> {
    store.get(KIND, id).and_then(|object| object.get(KIND, "prefix").net())
}

/// Whether the network or the namespace is another one.
pub(super) fn differs(old: &Object, new: &Object) -> bool {
    place(old) != place(new)
}

/// Finds the parent of a prefix that is not yet at its place.
pub(super) fn adopt(store: &Store, object: &mut Object) {
    let Some((namespace, net)) = place(object) else { return };
    let parent = store.closest_prefix(namespace, net, net.length.checked_sub(1)).filter(|id| *id != object.id);
    object.set(KIND, "parent", Value::from(parent));
}

/// Gives a prefix the prefixes and addresses whose closest parent it is.
pub(super) fn take_over(store: &mut Store, id: Id) {
    let Some(object) = store.get(KIND, id).cloned() else { return };
    let Some((namespace, net)) = place(&object) else { return };
    let inside: Vec<Id> = store.prefixes_within(namespace, net).filter(|found| *found != id).collect();
    for child in inside {
        let parent = store.get(KIND, child).and_then(|child| child.ref_of(KIND, "parent"));
        let farther = parent.is_none_or(|parent| net_of(store, parent).is_none_or(|above| above.length < net.length));
        if farther {
            attach(store, KIND, child, Some(id));
        }
    }
    // Addresses sit at one of the prefixes around this one, or at none of them.
    let mut above = object.ref_of(KIND, "parent");
    while let Some(parent) = above {
        let addresses: Vec<Id> = store.addresses_within(parent, net).collect();
        for address in addresses {
            attach(store, Kind::IpAddress, address, Some(id));
        }
        above = store.get(KIND, parent).and_then(|parent| parent.ref_of(KIND, "parent"));
    }
}

/// Takes a prefix away from where it is: what it held goes to its parent.
pub(super) fn leave(store: &mut Store, old: &Object, new: &Object) -> Result<(), Refusal> {
    let parent = old.ref_of(KIND, "parent");
    let (before, after) = (place(old), place(new));
    let namespaces = (before.map(|(namespace, _)| namespace), after.map(|(namespace, _)| namespace));
    if let (Some(from), Some(to)) = namespaces
        && from != to
    {
        return move_all(store, old, to);
    }
    let Some((_, net)) = after else { return Ok(()) };
    let children: Vec<Id> = store.referring(KIND, "parent", old.id).collect();
    for child in children {
        if !net_of(store, child).is_some_and(|inner| net.holds(inner) && inner.length > net.length) {
            attach(store, KIND, child, parent);
        }
    }
    let addresses: Vec<Id> = store.referring(Kind::IpAddress, "parent", old.id).collect();
    for address in addresses {
        let inner = store.get(Kind::IpAddress, address).and_then(|found| found.get(Kind::IpAddress, "address").net());
        if inner.is_some_and(|inner| !net.holds(inner.alone())) {
            attach(store, Kind::IpAddress, address, parent);
        }
    }
    Ok(())
}

/// Everything below a prefix goes along into another namespace.
fn move_all(store: &mut Store, old: &Object, namespace: Id) -> Result<(), Refusal> {
    let Some((from, net)) = place(old) else { return Ok(()) };
    let inside: Vec<Id> = store.prefixes_within(from, net).filter(|id| *id != old.id).collect();
    for id in inside {
        let Some(mut object) = store.get(KIND, id).map(|object| object.as_ref().clone()) else { continue };
        object.set(KIND, "namespace", Value::Ref(namespace));
        unique::database(store, KIND, &object)?;
        store.put(KIND, object);
    }
    Ok(())
}

/// What a prefix that goes leaves to its parent.
pub(super) fn bequeath(store: &mut Store, id: Id) {
    let parent = store.get(KIND, id).and_then(|object| object.ref_of(KIND, "parent"));
    for (kind, field) in [(KIND, "parent"), (Kind::IpAddress, "parent")] {
        let left: Vec<Id> = store.referring(kind, field, id).collect();
        for found in left {
            attach(store, kind, found, parent);
        }
    }
}

/// Sets a parent without a trace.
fn attach(store: &mut Store, kind: Kind, id: Id, parent: Option<Id>) {
    let Some(mut object) = store.get(kind, id).map(|object| object.as_ref().clone()) else { return };
    object.set(kind, "parent", Value::from(parent));
    store.put(kind, object);
}
