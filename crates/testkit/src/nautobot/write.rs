//! Writing checked objects, and what follows from that.

use serde_json::json;

use super::changes::{Action, Author};
use super::check;
use super::errors::{Errors, Refusal};
use super::input::{self, Draft};
use super::schema::Kind;
use super::state::Store;
use super::tree;
use super::unique;
use super::value::{Id, Object, Value};

/// Saves a new object.
pub(super) fn create(store: &mut Store, kind: Kind, draft: Draft, author: &Author) -> Result<Id, Refusal> {
    let mut object = draft.object;
    if object.id == Id([0; 16]) {
        object.id = store.next_id();
    }
    finish(store, kind, &mut object);
    match kind {
        Kind::Device => check::named_twice(store, &object).map_err(|errors| Refusal::uncaught(&errors))?,
        Kind::Prefix => tree::adopt(store, &mut object),
        Kind::IpAddress => {
            // An object before it in the list may have taken its place.
            let namespace = draft.inputs.iter().find(|(name, _)| *name == "namespace");
            let of_parent = object.ref_of(kind, "parent").and_then(|id| store.get(Kind::Prefix, id));
            let of_parent = of_parent.and_then(|parent| parent.ref_of(Kind::Prefix, "namespace"));
            let namespace = namespace.and_then(|(_, value)| value.target()).or(of_parent);
            object.set(kind, "parent", Value::Null);
            check::address_parent(store, namespace, &mut object).map_err(|errors| Refusal::uncaught(&errors))?;
        }
        Kind::IpToInterface | Kind::VrfPrefix if unique::rival(store, kind, 0, &object).is_some() => {
            let text = match kind {
                Kind::VrfPrefix => "VRF-prefix assignment with this Vrf and Prefix already exists.",
                _ => "IP Address Assignment with this Ip address and Interface already exists.",
            };
            return Err(Refusal::uncaught(&Errors::whole(text)));
        }
        _ => {}
    }
    unique::database(store, kind, &object)?;
    let now = store.now();
    (object.created, object.updated) = (now, store.now());
    let object = store.put(kind, object);
    store.log(author, Action::Create, kind, &object);
    let location = draft.inputs.iter().find(|(name, _)| *name == "location").map(|(_, value)| value.clone());
    match kind {
        Kind::Prefix => tree::take_over(store, object.id),
        Kind::VirtualChassis => lead(store, object.id, &object, author),
        Kind::Device => equip(store, object.id, author)?,
        _ => {}
    }
    if let Some(location) = location.filter(|location| *location != Value::Null)
        && matches!(kind, Kind::Prefix | Kind::Vlan)
    {
        if let Some(errors) = check::wrong_place(store, kind, &location) {
            return Err(Refusal::uncaught(&errors));
        }
        arrive(store, kind, object.id, location.target(), author);
    }
    log_ends(store, kind, &object, author);
    Ok(object.id)
}

/// Gives a new device the interfaces that its type has templates of.
fn equip(store: &mut Store, device: Id, author: &Author) -> Result<(), Refusal> {
    for name in store.templates.clone() {
        let body = json!({"device": device.to_string(), "name": name, "type": "other", "status": "Active"});
        let blank = store.blank(Kind::Interface);
        let bad = |errors: &Errors| Refusal::uncaught(errors);
        let mut draft = input::read(store, Kind::Interface, &blank, &body, false).map_err(|errors| bad(&errors))?;
        check::check(store, Kind::Interface, None, &mut draft).map_err(|errors| bad(&errors))?;
        create(store, Kind::Interface, draft, author)?;
    }
    Ok(())
}

/// Saves an object that is there.
pub(super) fn update(
    store: &mut Store,
    kind: Kind,
    old: &Object,
    draft: Draft,
    author: &Author,
) -> Result<Id, Refusal> {
    let mut object = draft.object;
    finish(store, kind, &mut object);
    let location = draft.inputs.iter().find(|(name, _)| *name == "location").map(|(_, value)| value.clone());
    if location == Some(Value::Null) && matches!(kind, Kind::Prefix | Kind::Vlan) {
        let (table, row) = match kind {
            Kind::Prefix => ("ipam_prefixlocationassignment", store.next_id()),
            _ => ("ipam_vlanlocationassignment", store.next_id()),
        };
        return Err(Refusal::database(format!(
            "null value in column \"location_id\" of relation \"{table}\" violates not-null constraint\nDETAIL:  Failing \
             row contains ({row}, null, {}).\n",
            object.id
        )));
    }
    let location = location.filter(|_| matches!(kind, Kind::Prefix | Kind::Vlan));
    if let Some(location) = &location {
        depart(store, kind, object.id, location.target(), author)?;
    }
    if kind == Kind::LocationType {
        check::models_in_use(store, old, &object).map_err(|errors| Refusal::uncaught(&errors))?;
    }
    unique::database(store, kind, &object)?;
    let moved = kind == Kind::Prefix && tree::differs(old, &object);
    if moved {
        tree::leave(store, old, &object)?;
        tree::adopt(store, &mut object);
    }
    if kind.def().primary {
        object.updated = store.now();
    }
    let object = store.put(kind, object);
    if moved {
        tree::take_over(store, object.id);
    }
    store.log(author, Action::Update, kind, &object);
    if let Some(location) = location {
        arrive(store, kind, object.id, location.target(), author);
    }
    Ok(object.id)
}

/// What the model makes of its fields when it is saved.
fn finish(store: &Store, kind: Kind, object: &mut Object) {
    if kind != Kind::Interface {
        return;
    }
    let mac = super::address::parse_mac(object.text(kind, "mac_address"));
    object.set(kind, "mac_address", Value::from(mac.as_deref().unwrap_or("")));
    let known = store.get(kind, object.id).is_some();
    if known && object.text(kind, "mode") != "tagged" {
        object.set(kind, "tagged_vlans", Value::Refs(Box::default()));
    }
}

/// The link that says where a prefix or VLAN is.
fn place_link(kind: Kind) -> (Kind, &'static str) {
    match kind {
        Kind::Prefix => (Kind::PrefixLocation, "prefix"),
        _ => (Kind::VlanLocation, "vlan"),
    }
}

/// Takes a prefix or VLAN away from where it is, unless that is where it goes.
fn depart(store: &mut Store, kind: Kind, id: Id, location: Option<Id>, author: &Author) -> Result<(), Refusal> {
    let (link, field) = place_link(kind);
    let links: Vec<Id> = store.referring(link, field, id).collect();
    if links.len() > 1 {
        let error = "Multiple Location objects returned. Please refer to locations.".to_owned();
        return Err(Refusal::Crash { exception: "MultipleObjectsReturned", error });
    }
    for found in links {
        let place = store.get(link, found).and_then(|object| object.ref_of(link, "location"));
        if place != location {
            store.remove(link, found);
            store.log_update(author, Kind::Location, place);
        }
    }
    Ok(())
}

/// Puts a prefix or VLAN at a location.
fn arrive(store: &mut Store, kind: Kind, id: Id, location: Option<Id>, author: &Author) {
    let (link, field) = place_link(kind);
    if store.count_referring(link, field, id) > 0 {
        return;
    }
    let Some(location) = location else { return };
    let mut object = store.blank(link);
    object.id = store.next_id();
    object.set(link, field, Value::Ref(id));
    object.set(link, "location", Value::Ref(location));
    store.put(link, object);
    store.log_update(author, kind, Some(id));
    store.log_update(author, Kind::Location, Some(location));
}

/// The master of a new chassis becomes its member.
fn lead(store: &mut Store, id: Id, chassis: &Object, author: &Author) {
    let Some(master) = chassis.ref_of(Kind::VirtualChassis, "master") else { return };
    let Some(mut device) = store.get(Kind::Device, master).map(|device| device.as_ref().clone()) else { return };
    device.set(Kind::Device, "virtual_chassis", Value::Ref(id));
    if device.get(Kind::Device, "vc_position").int().is_none() {
        device.set(Kind::Device, "vc_position", Value::Int(1));
    }
    save(store, Kind::Device, device, author);
}

/// Saves an object that is changed in passing.
pub(super) fn save(store: &mut Store, kind: Kind, mut object: Object, author: &Author) {
    object.updated = store.now();
    let object = store.put(kind, object);
    store.log(author, Action::Update, kind, &object);
}

/// A link that comes or goes is a change of the objects at its ends.
pub(super) fn log_ends(store: &mut Store, kind: Kind, link: &Object, author: &Author) {
    let ends: &[(&str, Kind)] = match kind {
        Kind::VlanLocation => &[("vlan", Kind::Vlan), ("location", Kind::Location)],
        Kind::PrefixLocation => &[("prefix", Kind::Prefix), ("location", Kind::Location)],
        Kind::VrfPrefix => &[("prefix", Kind::Prefix), ("vrf", Kind::Vrf)],
        Kind::IpToInterface => &[("interface", Kind::Interface), ("ip_address", Kind::IpAddress)],
        _ => &[],
    };
    for (field, end) in ends {
        store.log_update(author, *end, link.ref_of(kind, field));
    }
}

/// Errors as the answer to a single object.
pub(super) fn bad(errors: &Errors) -> Refusal {
    Refusal::Bad(errors.json())
}
