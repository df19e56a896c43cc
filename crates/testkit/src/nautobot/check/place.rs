//! Trees, locations and their types; tags.

use crate::nautobot::check::with_parents;
use crate::nautobot::errors::Errors;
use crate::nautobot::input::Draft;
use crate::nautobot::names::text_of;
use crate::nautobot::schema::{Kind, Type};
use crate::nautobot::state::Store;
use crate::nautobot::value::{Id, Object, Value};

/// Nothing is above itself.
pub(super) fn tree(store: &Store, kind: Kind, draft: &Draft) -> Result<(), Errors> {
    let Some(parent) = draft.object.ref_of(kind, "parent") else { return Ok(()) };
    if with_parents(store, kind, parent).contains(&draft.object.id) {
        return Err(Errors::whole("A node cannot be made a descendant of itself."));
    }
    Ok(())
}

pub(super) fn rules(store: &Store, kind: Kind, old: Option<&Object>, draft: &Draft) -> Result<(), Errors> {
    match kind {
        Kind::Location => location(store, old, &draft.object),
        Kind::LocationType => location_type(store, old, &draft.object),
        _ => Ok(()),
    }
}

fn location(store: &Store, old: Option<&Object>, new: &Object) -> Result<(), Errors> {
    const KIND: Kind = Kind::Location;
    let own = new.ref_of(KIND, "location_type");
    let type_name = |id: Option<Id>| id.map(|id| text_of(store, Kind::LocationType, id)).unwrap_or_default();
    let before = old.and_then(|old| old.ref_of(KIND, "location_type"));
    if old.is_some() && before != own {
        let text = format!(
            "Changing the type of an existing Location (from {} to {} in this case) is not permitted.",
            type_name(before),
            type_name(own)
        );
        return Err(Errors::at("location_type", text));
    }
    let Some(of_type) = own.and_then(|id| store.get(Kind::LocationType, id)) else { return Ok(()) };
    let above = of_type.ref_of(Kind::LocationType, "parent");
    let nestable = *of_type.get(Kind::LocationType, "nestable") == Value::Bool(true);
    let parent = new.ref_of(KIND, "parent").and_then(|id| store.get(KIND, id));
    let parent_type = parent.and_then(|parent| parent.ref_of(KIND, "location_type"));
    let (name, above_name) = (type_name(own), type_name(above));
    let at_parent = |text: String| Err(Errors::at("parent", text));
    match (above, parent) {
        (None, Some(_)) if !nestable => {
            return at_parent(format!("A Location of type {name} must not have a parent Location."));
        }
        (None, Some(_)) if parent_type != own => {
            return at_parent(format!(
                "A Location of type {name} may only have a Location of the same type as its parent."
            ));
        }
        (Some(_), None) => return at_parent(format!("A Location of type {name} must have a parent Location.")),
        (Some(_), Some(_)) if nestable && parent_type != own && parent_type != above => {
            return at_parent(format!(
                "A Location of type {name} can only have a Location of the same type or of type {above_name} as its parent."
            ));
        }
        (Some(_), Some(_)) if !nestable && parent_type != above => {
            return at_parent(format!(
                "A Location of type {name} can only have a Location of type {above_name} as its parent."
            ));
        }
        _ => {}
    }
    root_name(store, new)
}

/// Among the locations without a parent, names are looked at here alone: two in one list are not seen.
fn root_name(store: &Store, new: &Object) -> Result<(), Errors> {
    const KIND: Kind = Kind::Location;
    if new.ref_of(KIND, "parent").is_some() {
        return Ok(());
    }
    let same = store.with_text(KIND, "name", new.text(KIND, "name")).unwrap_or_default();
    let taken = same
        .into_iter()
        .filter(|id| *id != new.id)
        .any(|id| store.get(KIND, id).is_some_and(|other| other.ref_of(KIND, "parent").is_none()));
    if taken {
        return Err(Errors::at("name", "A root-level location with this name already exists."));
    }
    Ok(())
}

fn location_type(store: &Store, old: Option<&Object>, new: &Object) -> Result<(), Errors> {
    const KIND: Kind = Kind::LocationType;
    let flat: String = new.text(KIND, "name").to_lowercase().replace(' ', "");
    if matches!(flat.as_str(), "rackgroup" | "rackgroups") {
        return Err(Errors::at("name", "This name is reserved for future use."));
    }
    let Some(old) = old else { return Ok(()) };
    let mut locations = store.referring(Kind::Location, "location_type", new.id);
    if *old.get(KIND, "nestable") == Value::Bool(true) && *new.get(KIND, "nestable") == Value::Bool(false) {
        let nested = store.referring(Kind::Location, "location_type", new.id).any(|id| {
            let parent = store.get(Kind::Location, id).and_then(|location| location.ref_of(Kind::Location, "parent"));
            let parent = parent.and_then(|id| store.get(Kind::Location, id));
            parent.and_then(|parent| parent.ref_of(Kind::Location, "location_type")) == Some(new.id)
        });
        if nested {
            return Err(Errors::at(
                "nestable",
                "There are existing nested Locations of this type, so changing this Location Type to be non-nestable is \
                 not permitted.",
            ));
        }
    }
    if old.ref_of(KIND, "parent") != new.ref_of(KIND, "parent") && locations.next().is_some() {
        return Err(Errors::at(
            "parent",
            "This LocationType currently has Locations using it, therefore its parent cannot be changed at this time.",
        ));
    }
    Ok(())
}

/// A tag is not taken from a content type whose objects carry it.
pub(super) fn tag_models(store: &Store, old: Option<&Object>, draft: &Draft) -> Result<(), Errors> {
    const KIND: Kind = Kind::Tag;
    let Some(old) = old else { return Ok(()) };
    let mut errors = Errors::default();
    let kept = draft.object.get(KIND, "content_types").names();
    for model in old.get(KIND, "content_types").names().iter().filter(|model| !kept.contains(model)) {
        let kind = Kind::ALL.into_iter().find(|kind| kind.def().model == *model);
        let tagged = kind.filter(|kind| {
            kind.def().fields.iter().any(|field| matches!(field.ty, Type::Refs { to: Kind::Tag }))
                && store.count_referring(*kind, "tags", old.id) > 0
        });
        if tagged.is_some() {
            errors.add("content_types", format!("Unable to remove {model}. Dependent objects were found."));
        }
    }
    errors.or_ok()
}

/// A type of location stays for what is at its locations.
pub(in crate::nautobot) fn models_in_use(store: &Store, old: &Object, new: &Object) -> Result<(), Errors> {
    const KIND: Kind = Kind::LocationType;
    const USERS: [(&str, &str, Kind, &str); 5] = [
        ("dcim.device", "DCIM | device", Kind::Device, "device"),
        ("ipam.vlan", "IPAM | VLAN", Kind::VlanLocation, "VLAN"),
        ("ipam.prefix", "IPAM | prefix", Kind::PrefixLocation, "prefix"),
        ("ipam.namespace", "IPAM | namespace", Kind::Namespace, "namespace"),
        ("virtualization.cluster", "Virtualization | cluster", Kind::Cluster, "cluster"),
    ];
    let kept = new.get(KIND, "content_types").names();
    for model in old.get(KIND, "content_types").names().iter().filter(|model| !kept.contains(model)) {
        let Some((_, title, user, name)) = USERS.iter().find(|(known, ..)| known == model) else { continue };
        let mut locations = store.referring(Kind::Location, "location_type", old.id);
        if locations.any(|location| store.count_referring(*user, "location", location) > 0) {
            let text = format!(
                "Cannot remove the content type {title} as currently at least one {name} is associated to a location of \
                 this location type."
            );
            return Err(Errors::at("content_types", text));
        }
    }
    Ok(())
}
