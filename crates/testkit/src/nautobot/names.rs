//! How objects are called: in lists, in sentences, in the change log.

use super::schema::Kind;
use super::state::Store;
use super::value::{Id, Object};

/// The name in `display`.
pub(super) fn display(store: &Store, kind: Kind, object: &Object) -> String {
    match kind {
        Kind::TenantGroup | Kind::LocationType | Kind::Location => path(store, kind, object),
        Kind::DeviceType => {
            format!("{} {}", of(store, kind, object, "manufacturer", Kind::Manufacturer), object.text(kind, "model"))
        }
        Kind::Prefix => {
            format!("{}: {}", text(store, kind, object), of(store, kind, object, "namespace", Kind::Namespace))
        }
        _ => text(store, kind, object),
    }
}

/// The name in sentences.
pub(super) fn text(store: &Store, kind: Kind, object: &Object) -> String {
    let own = |field: &str| object.text(kind, field).to_owned();
    let net = |field: &str| object.get(kind, field).net().map(|net| net.to_string()).unwrap_or_default();
    match kind {
        Kind::DeviceType => own("model"),
        Kind::Vrf => format!("{}: ({})", of(store, kind, object, "namespace", Kind::Namespace), own("name")),
        Kind::Vlan => format!("{} ({})", own("name"), object.get(kind, "vid").int().unwrap_or_default()),
        Kind::Prefix => net("prefix"),
        Kind::IpAddress => net("address"),
        Kind::Device => device(store, object),
        Kind::Interface if object.text(kind, "label").is_empty() => own("name"),
        Kind::Interface => format!("{} ({})", own("name"), own("label")),
        Kind::VlanLocation => pair(store, object, kind, ("vlan", Kind::Vlan), ("location", Kind::Location)),
        Kind::PrefixLocation => pair(store, object, kind, ("prefix", Kind::Prefix), ("location", Kind::Location)),
        Kind::VrfPrefix => pair(store, object, kind, ("vrf", Kind::Vrf), ("prefix", Kind::Prefix)),
        Kind::IpToInterface => {
            let address = of(store, kind, object, "ip_address", Kind::IpAddress);
            let interface = object.ref_of(kind, "interface").and_then(|id| store.get(Kind::Interface, id));
            let device = interface.map(|interface| of(store, Kind::Interface, interface, "device", Kind::Device));
            let name = interface.map_or("", |interface| interface.text(Kind::Interface, "name"));
            format!("{address} {} {name}", device.unwrap_or_default())
        }
        _ => own("name"),
    }
}

/// The name in sentences, by id.
pub(super) fn text_of(store: &Store, kind: Kind, id: Id) -> String {
    store.get(kind, id).map(|object| text(store, kind, object)).unwrap_or_default()
}

fn of(store: &Store, kind: Kind, object: &Object, field: &str, to: Kind) -> String {
    object.ref_of(kind, field).map(|id| text_of(store, to, id)).unwrap_or_default()
}

fn pair(store: &Store, object: &Object, kind: Kind, left: (&str, Kind), right: (&str, Kind)) -> String {
    format!("{}: {}", of(store, kind, object, left.0, left.1), of(store, kind, object, right.0, right.1))
}

/// The names of all parents, and its own.
fn path(store: &Store, kind: Kind, object: &Object) -> String {
    let mut names = vec![object.text(kind, "name").to_owned()];
    let mut parent = object.ref_of(kind, "parent");
    while let Some(above) = parent.and_then(|id| store.get(kind, id)).filter(|_| names.len() < 100) {
        names.push(above.text(kind, "name").to_owned());
        parent = above.ref_of(kind, "parent");
    }
    names.reverse();
    names.join(" → ")
}

fn device(store: &Store, object: &Object) -> String {
    const KIND: Kind = Kind::Device;
    let name = object.text(KIND, "name");
    if !name.is_empty() {
        return name.to_owned();
    }
    if let Some(chassis) = object.ref_of(KIND, "virtual_chassis") {
        let position = object.get(KIND, "vc_position").int().unwrap_or_default();
        return format!("{}:{position} ({})", text_of(store, Kind::VirtualChassis, chassis), object.id);
    }
    let model = object.ref_of(KIND, "device_type").and_then(|id| store.get(Kind::DeviceType, id));
    model.map(|model| format!("{} ({})", display(store, Kind::DeviceType, model), object.id)).unwrap_or_default()
}
