//! Interfaces.

use crate::nautobot::check::with_parents;
use crate::nautobot::errors::Errors;
use crate::nautobot::input::Draft;
use crate::nautobot::interface_types::{TWISTED_PAIR, VIRTUAL, WIRELESS};
use crate::nautobot::names::text_of;
use crate::nautobot::schema::Kind;
use crate::nautobot::state::Store;
use crate::nautobot::unique;
use crate::nautobot::value::{Id, Object, Value};

const KIND: Kind = Kind::Interface;

/// Tagged VLANs want the mode for them, and the right place.
pub(super) fn tagged_vlans(store: &Store, old: Option<&Object>, draft: &Draft) -> Result<(), Errors> {
    let new = &draft.object;
    let given = draft.given.contains(&"tagged_vlans").then(|| new.get(KIND, "tagged_vlans").targets());
    let device = old.unwrap_or(new).ref_of(KIND, "device");
    for vlan in given.unwrap_or_default() {
        if !is_near(store, *vlan, device) {
            let text = format!(
                "VLAN {} must have the same location as the interface's parent device, or is in one of the parents of the \
                 interface's parent device's location, or it must be global.",
                text_of(store, Kind::Vlan, *vlan)
            );
            return Err(Errors::at("tagged_vlans", text));
        }
    }
    let mode = new.text(KIND, "mode");
    if mode == "tagged" {
        return Ok(());
    }
    if given.is_some_and(|vlans| !vlans.is_empty()) {
        return Err(Errors::at("tagged_vlans", "Mode must be set to tagged when specifying tagged_vlans"));
    }
    let had_some = old.is_some_and(|old| !old.get(KIND, "tagged_vlans").targets().is_empty());
    if given.is_none() && had_some {
        return Err(Errors::at("tagged_vlans", format!("Clear tagged_vlans to set mode to {mode}")));
    }
    Ok(())
}

/// Whether a VLAN is everywhere, or at the device's location or above.
fn is_near(store: &Store, vlan: Id, device: Option<Id>) -> bool {
    let mut places = store.referring(Kind::VlanLocation, "vlan", vlan).peekable();
    if places.peek().is_none() {
        return true;
    }
    let device = device.and_then(|id| store.get(Kind::Device, id));
    let location = device.and_then(|device| device.ref_of(Kind::Device, "location"));
    let near = location.map(|id| with_parents(store, Kind::Location, id)).unwrap_or_default();
    places.any(|link| {
        let place = store.get(Kind::VlanLocation, link).and_then(|link| link.ref_of(Kind::VlanLocation, "location"));
        place.is_some_and(|place| near.contains(&place))
    })
}

pub(super) fn rules(store: &Store, draft: &Draft) -> Result<(), Errors> {
    let new = &draft.object;
    if new.text(KIND, "mode").is_empty() && new.ref_of(KIND, "untagged_vlan").is_some() {
        return Err(Errors::at("untagged_vlan", "Mode must be set when specifying untagged_vlan"));
    }
    let device = new.ref_of(KIND, "device");
    if device.is_some() && unique::rival(store, KIND, 0, new).is_some() {
        let name = device.map(|id| text_of(store, Kind::Device, id)).unwrap_or_default();
        return Err(Errors::whole(format!("A interface by this name already exists on {name}")));
    }
    let Some(device) = device else {
        return Err(Errors::whole("Either device or module must be set"));
    };
    // VRFs of devices are not simulated, so that no device has any.
    if new.ref_of(KIND, "vrf").is_some() {
        return Err(Errors::at("vrf", "VRF must be assigned to same Device."));
    }
    lag(store, new, device)?;
    parent(store, new, device)?;
    if let Some(vlan) = new.ref_of(KIND, "untagged_vlan")
        && !is_near(store, vlan, Some(device))
    {
        let text = format!(
            "The untagged VLAN ({}) must have a common location as the interface's parent device, or is in one of the \
             parents of the interface's parent device's location, or it must be global.",
            text_of(store, Kind::Vlan, vlan)
        );
        return Err(Errors::at("untagged_vlan", text));
    }
    bridge(store, new, device)?;
    speed(new)
}

/// The device of another interface, where it is neither this one nor of the same chassis; with the chassis of this one.
fn stranger(store: &Store, device: Id, other: Id) -> Option<(Id, Option<Id>)> {
    let other = store.get(KIND, other).and_then(|other| other.ref_of(KIND, "device"))?;
    if other == device {
        return None;
    }
    let chassis =
        |id: Id| store.get(Kind::Device, id).and_then(|device| device.ref_of(Kind::Device, "virtual_chassis"));
    let own = chassis(device);
    (own.is_none() || own != chassis(other)).then_some((other, own))
}

/// What is said of an interface of a strange device.
fn strange(store: &Store, field: &str, what: &str, id: Id, stranger: (Id, Option<Id>)) -> Errors {
    let interface = text_of(store, KIND, id);
    let (device, chassis) = stranger;
    let device = text_of(store, Kind::Device, device);
    let text = match chassis {
        None => format!("The selected {what} interface ({interface}) belongs to a different device ({device})."),
        Some(chassis) => format!(
            "The selected {what} interface ({interface}) belongs to {device}, which is not part of virtual chassis {}.",
            text_of(store, Kind::VirtualChassis, chassis)
        ),
    };
    Errors::at(field, text)
}

fn lag(store: &Store, new: &Object, device: Id) -> Result<(), Errors> {
    let Some(lag) = new.ref_of(KIND, "lag") else { return Ok(()) };
    if lag == new.id {
        return Err(Errors::at("lag", "A LAG interface cannot be its own parent."));
    }
    if let Some(found) = stranger(store, device, lag) {
        return Err(strange(store, "lag", "LAG", lag, found));
    }
    if new.text(KIND, "type") == "virtual" {
        let text = "Virtual interfaces other than breakout child interfaces cannot have a parent LAG interface.";
        return Err(Errors::at("lag", text));
    }
    Ok(())
}

fn parent(store: &Store, new: &Object, device: Id) -> Result<(), Errors> {
    let Some(parent) = new.ref_of(KIND, "parent_interface") else { return Ok(()) };
    if parent == new.id {
        return Err(Errors::at("parent_interface", "An interface cannot be its own parent."));
    }
    if new.text(KIND, "type") != "virtual" {
        let text = "Only virtual interfaces may be assigned to a parent interface.";
        return Err(Errors::at("parent_interface", text));
    }
    match stranger(store, device, parent) {
        Some(found) => Err(strange(store, "parent_interface", "parent", parent, found)),
        None => Ok(()),
    }
}

fn bridge(store: &Store, new: &Object, device: Id) -> Result<(), Errors> {
    let Some(bridge) = new.ref_of(KIND, "bridge") else { return Ok(()) };
    if bridge == new.id {
        return Err(Errors::at("bridge", "An interface cannot be bridged to itself."));
    }
    match stranger(store, device, bridge) {
        Some(found) => Err(strange(store, "bridge", "bridge", bridge, found)),
        None => Ok(()),
    }
}

fn speed(new: &Object) -> Result<(), Errors> {
    let of_type = new.text(KIND, "type");
    let no_wire = VIRTUAL.contains(&of_type) || WIRELESS.contains(&of_type);
    let speed = !matches!(new.get(KIND, "speed"), Value::Null | Value::Int(0));
    let duplex = !new.text(KIND, "duplex").is_empty();
    match () {
        () if speed && no_wire => Err(Errors::at("speed", "Speed is not applicable to this interface type.")),
        () if duplex && no_wire => Err(Errors::at("duplex", "Duplex is not applicable to this interface type.")),
        () if duplex && !TWISTED_PAIR.contains(&of_type) => {
            Err(Errors::at("duplex", "Duplex is only applicable to copper twisted-pair interfaces."))
        }
        () => Ok(()),
    }
}
