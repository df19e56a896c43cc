//! Clusters and virtual machines.

use crate::nautobot::check::unfit_place;
use crate::nautobot::errors::Errors;
use crate::nautobot::input::Draft;
use crate::nautobot::schema::Kind;
use crate::nautobot::state::Store;

pub(super) fn cluster(store: &Store, draft: &Draft) -> Result<(), Errors> {
    let location = draft.object.ref_of(Kind::Cluster, "location");
    match location.and_then(|id| unfit_place(store, id, Kind::Cluster.def().model)) {
        Some(of_type) => {
            let text = format!("Clusters may not associate to locations of type \"{of_type}\".");
            Err(Errors::at("location", text))
        }
        None => Ok(()),
    }
}

/// Without a tenant, names are looked at here alone.
pub(super) fn machine(store: &Store, draft: &Draft) -> Result<(), Errors> {
    const KIND: Kind = Kind::VirtualMachine;
    let new = &draft.object;
    let place = |id| store.get(KIND, id).map(|other| (other.ref_of(KIND, "cluster"), other.ref_of(KIND, "tenant")));
    let same = store.with_text(KIND, "name", new.text(KIND, "name")).unwrap_or_default();
    let mut others = same.into_iter().filter(|id| *id != new.id);
    if new.ref_of(KIND, "tenant").is_none() && others.any(|id| place(id) == Some((new.ref_of(KIND, "cluster"), None))) {
        let text = "A virtual machine with this name already exists in the assigned cluster.";
        return Err(Errors::at("name", text));
    }
    Ok(())
}
