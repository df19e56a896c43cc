//! Devices and virtual chassis.

use crate::nautobot::check::unfit_place;
use crate::nautobot::errors::Errors;
use crate::nautobot::input::Draft;
use crate::nautobot::names::text_of;
use crate::nautobot::schema::Kind;
use crate::nautobot::state::Store;
use crate::nautobot::value::{Id, Object, Value};

const KIND: Kind = Kind::Device;

pub(super) fn rules(store: &Store, old: Option<&Object>, draft: &Draft) -> Result<(), Errors> {
    let new = &draft.object;
    if let Some(of_type) = new.ref_of(KIND, "location").and_then(|id| unfit_place(store, id, "dcim.device")) {
        let text = format!("Devices may not associate to locations of type \"{of_type}\".");
        return Err(Errors::at("location", text));
    }
    if !new.text(KIND, "face").is_empty() {
        return Err(Errors::at("face", "Cannot select a rack face without assigning a rack."));
    }
    if new.get(KIND, "position").int().is_some() {
        return Err(Errors::at("position", "Cannot select a rack position without assigning a rack."));
    }
    for (field, version) in [("primary_ip4", 4), ("primary_ip6", 6)] {
        primary_address(store, new, field, version)?;
    }
    platform(store, new)?;
    let chassis = new.ref_of(KIND, "virtual_chassis");
    if chassis.is_some() && new.get(KIND, "vc_position").int().is_none() {
        let text = "A device assigned to a virtual chassis must have its position defined.";
        return Err(Errors::at("vc_position", text));
    }
    let before = old.and_then(|old| old.ref_of(KIND, "virtual_chassis"));
    if let (None, Some(before)) = (chassis, before)
        && let Some(object) = store.get(Kind::VirtualChassis, before)
        && object.ref_of(Kind::VirtualChassis, "master") == Some(new.id)
    {
        let name = text_of(store, Kind::VirtualChassis, before);
        let text = format!("The master device for the virtual chassis ({name}) may not be removed");
        return Err(Errors::at("virtual_chassis", text));
    }
    named_twice(store, new)
}

/// Whether an address is on an interface of the device, by itself or by the address inside that it translates to.
fn primary_address(store: &Store, new: &Object, field: &str, version: u8) -> Result<(), Errors> {
    let Some(id) = new.ref_of(KIND, field) else { return Ok(()) };
    let Some(address) = store.get(Kind::IpAddress, id) else { return Ok(()) };
    let text = text_of(store, Kind::IpAddress, id);
    if address.get(Kind::IpAddress, "address").net().is_some_and(|net| net.version() != version) {
        return Err(Errors::at(field, format!("{text} is not an IPv{version} address.")));
    }
    let inside = address.ref_of(Kind::IpAddress, "nat_inside");
    let assigned = [Some(id), inside].into_iter().flatten().any(|id| is_assigned(store, id, new.id));
    if assigned {
        return Ok(());
    }
    Err(Errors::at(field, format!("The specified IP address ({text}) is not assigned to this device.")))
}

fn is_assigned(store: &Store, address: Id, device: Id) -> bool {
    store.referring(Kind::IpToInterface, "ip_address", address).any(|link| {
        let link = store.get(Kind::IpToInterface, link);
        let interface = link.and_then(|link| link.ref_of(Kind::IpToInterface, "interface"));
        let interface = interface.and_then(|id| store.get(Kind::Interface, id));
        interface.and_then(|interface| interface.ref_of(Kind::Interface, "device")) == Some(device)
    })
}

fn platform(store: &Store, new: &Object) -> Result<(), Errors> {
    let platform = new.ref_of(KIND, "platform").and_then(|id| store.get(Kind::Platform, id));
    let limited_to = platform.and_then(|platform| platform.ref_of(Kind::Platform, "manufacturer"));
    let of_type = new.ref_of(KIND, "device_type").and_then(|id| store.get(Kind::DeviceType, id));
    let maker = of_type.and_then(|of_type| of_type.ref_of(Kind::DeviceType, "manufacturer"));
    match (limited_to, maker) {
        (Some(limited_to), Some(maker)) if limited_to != maker => {
            let text = format!(
                "The assigned platform is limited to {} device types, but this device's type belongs to {}.",
                text_of(store, Kind::Manufacturer, limited_to),
                text_of(store, Kind::Manufacturer, maker)
            );
            Err(Errors::at("platform", text))
        }
        _ => Ok(()),
    }
}

/// One name is used once at a location and by a tenant; upper and lower case are different.
pub(in crate::nautobot) fn named_twice(store: &Store, new: &Object) -> Result<(), Errors> {
    let name = new.text(KIND, "name");
    if name.is_empty() {
        return Ok(());
    }
    let same = store.with_text(KIND, "name", name).unwrap_or_default();
    let (location, tenant) = (new.ref_of(KIND, "location"), new.ref_of(KIND, "tenant"));
    let taken = same.into_iter().filter(|id| *id != new.id).any(|id| {
        store
            .get(KIND, id)
            .is_some_and(|other| other.ref_of(KIND, "location") == location && other.ref_of(KIND, "tenant") == tenant)
    });
    if !taken {
        return Ok(());
    }
    let place = location.map(|id| text_of(store, Kind::Location, id)).unwrap_or_default();
    Err(Errors::whole(match tenant {
        None => format!(
            "A device named '{name}' with no tenant already exists in this location: {place}. Device names must be unique \
             when tenant is None and DEVICE_UNIQUENESS='location_tenant_name'."
        ),
        Some(tenant) => format!(
            "A device named '{name}' already exists in this location: {place} and tenant: {}. Device names must be unique \
             per (Location, Tenant) when DEVICE_UNIQUENESS='location_tenant_name'.",
            text_of(store, Kind::Tenant, tenant)
        ),
    }))
}

/// The master is one of the members.
pub(super) fn chassis(store: &Store, old: Option<&Object>, draft: &Draft) -> Result<(), Errors> {
    let master = draft.object.get(Kind::VirtualChassis, "master");
    let (Some(old), Value::Ref(master)) = (old, master) else { return Ok(()) };
    let member = store.get(KIND, *master).and_then(|device| device.ref_of(KIND, "virtual_chassis")) == Some(old.id);
    if member {
        return Ok(());
    }
    let text =
        format!("The selected master ({}) is not assigned to this virtual chassis.", text_of(store, KIND, *master));
    Err(Errors::at("master", text))
}
