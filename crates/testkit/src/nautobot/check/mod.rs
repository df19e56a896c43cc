//! The rules of each kind that go beyond single fields. A rule that is broken is told as Nautobot tells it; the first
//! one ends the check, as there.

mod device;
mod interface;
mod ipam;
mod place;
mod virtualization;

use super::errors::Errors;
use super::input::Draft;
use super::schema::Kind;
use super::state::Store;
use super::unique;
use super::value::{Id, Object};

pub(super) use device::named_twice;
pub(super) use ipam::{address_parent, wrong_place};
pub(super) use place::models_in_use;

/// Checks an object as a body would make it; `old` is the one that is there.
pub(super) fn check(store: &Store, kind: Kind, old: Option<&Object>, draft: &mut Draft) -> Result<(), Errors> {
    before(store, kind, old, draft)?;
    let mut errors = draft.late.clone();
    if let Err(found) = rules(store, kind, old, draft) {
        errors.merge(found);
    }
    unique::model(store, kind, &draft.object, &mut errors);
    errors.or_ok()
}

/// What is checked before the model is asked.
fn before(store: &Store, kind: Kind, old: Option<&Object>, draft: &Draft) -> Result<(), Errors> {
    match kind {
        Kind::Interface => interface::tagged_vlans(store, old, draft),
        Kind::Tag => place::tag_models(store, old, draft),
        Kind::IpAddress => ipam::has_parent(old, draft),
        _ => Ok(()),
    }
}

fn rules(store: &Store, kind: Kind, old: Option<&Object>, draft: &mut Draft) -> Result<(), Errors> {
    match kind {
        Kind::TenantGroup | Kind::LocationType | Kind::Location => {
            place::tree(store, kind, draft)?;
            place::rules(store, kind, old, draft)
        }
        Kind::Device => device::rules(store, old, draft),
        Kind::VirtualChassis => device::chassis(store, old, draft),
        Kind::Interface => interface::rules(store, draft),
        Kind::Prefix => ipam::prefix(store, old, draft),
        Kind::Vlan => ipam::vlan(store, old, draft),
        Kind::IpAddress => ipam::address(store, old, draft),
        Kind::VrfPrefix => ipam::vrf_prefix(store, draft),
        Kind::IpToInterface => ipam::assignment(draft),
        Kind::Cluster => virtualization::cluster(store, draft),
        Kind::VirtualMachine => virtualization::machine(store, draft),
        _ => Ok(()),
    }
}

/// A location and all above it.
pub(super) fn with_parents(store: &Store, kind: Kind, id: Id) -> Vec<Id> {
    let mut ids = vec![id];
    let mut next = store.get(kind, id).and_then(|object| object.ref_of(kind, "parent"));
    while let Some(id) = next {
        if ids.contains(&id) {
            break;
        }
        ids.push(id);
        next = store.get(kind, id).and_then(|object| object.ref_of(kind, "parent"));
    }
    ids
}

/// Whether the type of a location is for this content type; the answer is the type's name where it is not.
pub(super) fn unfit_place(store: &Store, location: Id, model: &str) -> Option<String> {
    let location = store.get(Kind::Location, location)?;
    let of_type = store.get(Kind::LocationType, location.ref_of(Kind::Location, "location_type")?)?;
    let fits = of_type.get(Kind::LocationType, "content_types").names().contains(&model);
    (!fits).then(|| of_type.text(Kind::LocationType, "name").to_owned())
}
