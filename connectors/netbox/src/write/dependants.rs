//! What still hangs on an object that is to be deleted.
//!
//! NetBox deletes along with an object whatever belongs to it, and takes it out of whatever else names it, without asking: along
//! with a device go its interfaces, and a deleted tag is taken from everything. What protects itself (a site with devices, a VLAN
//! with prefixes) is refused by NetBox and needs no look. The plan deletes what it knows of first, so whatever is still there at
//! this point came later, or is of a kind that no model has: it is a person's, and so the object stays.
//!
//! What is looked at is in [`COUNTED`], which NetBox counts in the object itself, and [`LISTED`], which has lists of its own.
//! Components that NetBox makes by itself from a device's type are nobody's statement and hold nothing: console and power ports
//! and outlets, front and rear ports, empty bays. A cable at one of them is. What is not looked at: comments, contacts, images and
//! journals of the object itself, and what only loses a hint by the delete (the aggregate or the bridge of an interface, the other
//! side of an address translation, the addresses of a service).

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use syncline_core::outcome::Outcome;
use syncline_core::{ErrorKind, Result};

use super::items::Item;
use crate::client::{ReadClient, RestPage};
use crate::rows::Id;
use crate::tables::Table;

/// What NetBox itself says of an object: how many others there are, or which one.
struct Counted {
    /// Whose, as the models name it.
    of: &'static str,
    /// NetBox's field: a number, or an object or null.
    field: &'static str,
    /// What it counts, for people: one, and several.
    label: [&'static str; 2],
    /// What would become of them.
    fate: &'static str,
}

/// A list of objects that hang on others.
struct Listed {
    /// What they hang on, as the models name it.
    of: &'static str,
    /// Where NetBox lists them.
    path: &'static str,
    /// The filter that takes the ids of what they hang on.
    filter: &'static str,
    /// Another filter that goes with it.
    with: Option<(&'static str, &'static str)>,
    /// Whether the filter takes one id only.
    one_by_one: bool,
    /// Where their rows say what they hang on.
    places: &'static [Place],
    /// A field without which they do not count.
    needs: Option<&'static str>,
    /// What they are, for people.
    label: &'static str,
    /// What would become of them.
    fate: &'static str,
}

/// Where a row says what its object hangs on.
enum Place {
    /// A field with an id, with an object that has one, or with a list of these.
    Field(&'static str),
    /// A field with an id, beside one that names the kind of object: the kind that counts, the field of the kind, that of the id.
    Assigned(&'static str, &'static str, &'static str),
    /// Lists of components, each with its device.
    ComponentsIn([&'static str; 2]),
}

const DELETED: &str = "which NetBox would delete with it";
const TAKEN: &str = "from which NetBox would take it";
const CUT: &str = "which NetBox would leave without that end";

const fn counted(of: &'static str, field: &'static str, label: [&'static str; 2], fate: &'static str) -> Counted {
    Counted { of, field, label, fate }
}

/// What NetBox tells of the object itself: one request for all of these.
const COUNTED: &[Counted] = &[
    counted("tag", "tagged_items", ["tagged object", "tagged objects"], TAKEN),
    counted("platform", "device_count", ["device", "devices"], TAKEN),
    counted("platform", "virtualmachine_count", ["virtual machine", "virtual machines"], TAKEN),
    counted("virtual_chassis", "member_count", ["member", "members"], TAKEN),
    counted("site", "prefix_count", ["prefix", "prefixes"], DELETED),
    counted("site", "circuit_count", ["circuit termination", "circuit terminations"], DELETED),
    counted("vlan", "l2vpn_termination", ["L2VPN termination", "L2VPN terminations"], DELETED),
    counted("interface", "cable", ["cable", "cables"], CUT),
    counted("interface", "l2vpn_termination", ["L2VPN termination", "L2VPN terminations"], DELETED),
    counted("interface", "count_fhrp_groups", ["redundancy group", "redundancy groups"], TAKEN),
];

const fn listed(
    of: &'static str,
    path: &'static str,
    filter: &'static str,
    places: &'static [Place],
    label: &'static str,
    fate: &'static str,
) -> Listed {
    Listed { of, path, filter, with: None, one_by_one: false, places, needs: None, label, fate }
}

use Place::{Assigned, ComponentsIn, Field};

const INTERFACE: &[Place] = &[Assigned("dcim.interface", "assigned_object_type", "assigned_object_id")];
const DEVICE: &[Place] = &[Field("device")];
/// Services named their device up to NetBox 4.2, and name any parent since.
const PARENT: &[Place] = &[Field("device"), Assigned("dcim.device", "parent_object_type", "parent_object_id")];
const SITE: &[Place] = &[Field("site")];
const SCOPE: &[Place] = &[Assigned("dcim.site", "scope_type", "scope_id")];
const VLANS: &[Place] = &[Field("untagged_vlan"), Field("tagged_vlans"), Field("qinq_svlan")];
const VRF: &[Place] = &[Field("vrf")];
const CHILD: &[Place] = &[Field("parent")];

/// What has lists of its own: one request for each of these and a hundred objects, but for VLANs, whose filter takes one.
const LISTED: &[Listed] = &[
    listed("interface", "api/ipam/ip-addresses/", "interface_id", INTERFACE, "IP address", DELETED),
    listed("interface", "api/dcim/mac-addresses/", "interface_id", INTERFACE, "MAC address", DELETED),
    listed("device", "api/dcim/interfaces/", "device_id", DEVICE, "interface", DELETED),
    listed("device", "api/dcim/inventory-items/", "device_id", DEVICE, "inventory item", DELETED),
    listed("device", "api/dcim/modules/", "device_id", DEVICE, "module", DELETED),
    listed("device", "api/dcim/virtual-device-contexts/", "device_id", DEVICE, "virtual device context", DELETED),
    listed("device", "api/ipam/services/", "device_id", PARENT, "service", DELETED),
    Listed {
        needs: Some("installed_device"),
        ..listed("device", "api/dcim/device-bays/", "device_id", DEVICE, "filled device bay", DELETED)
    },
    listed(
        "device",
        "api/dcim/cables/",
        "device_id",
        &[ComponentsIn(["a_terminations", "b_terminations"])],
        "cable",
        CUT,
    ),
    listed("site", "api/dcim/locations/", "site_id", SITE, "location", DELETED),
    listed("site", "api/virtualization/clusters/", "site_id", SCOPE, "cluster", DELETED),
    listed("site", "api/wireless/wireless-lans/", "site_id", SCOPE, "wireless LAN", DELETED),
    Listed {
        with: Some(("scope_type", "dcim.site")),
        ..listed("site", "api/ipam/vlan-groups/", "scope_id", SCOPE, "VLAN group", DELETED)
    },
    listed("platform", "api/dcim/platforms/", "parent_id", CHILD, "platform", DELETED),
    listed(
        "platform",
        "api/dcim/device-types/",
        "default_platform_id",
        &[Field("default_platform")],
        "device type",
        TAKEN,
    ),
    listed("device_role", "api/dcim/device-roles/", "parent_id", CHILD, "device role", DELETED),
    Listed { one_by_one: true, ..listed("vlan", "api/dcim/interfaces/", "vlan_id", VLANS, "interface", TAKEN) },
    Listed {
        one_by_one: true,
        ..listed("vlan", "api/virtualization/interfaces/", "vlan_id", VLANS, "virtual machine's interface", TAKEN)
    },
    listed("vrf", "api/dcim/interfaces/", "vrf_id", VRF, "interface", TAKEN),
    listed("vrf", "api/virtualization/interfaces/", "vrf_id", VRF, "virtual machine's interface", TAKEN),
];

/// Objects asked for in one request: their ids fit into a URL.
const IDS: usize = 100;

#[derive(Deserialize)]
struct Row {
    id: Id,
    display: Option<String>,
    #[serde(flatten)]
    fields: BTreeMap<String, Value>,
}

/// Settles the deletes of objects that something still hangs on.
pub(super) async fn hold(reader: &ReadClient, table: &'static Table, items: &mut [Item<'_>]) -> Result<()> {
    let is_of = |of: &str| of == table.schema.name;
    let counts: Vec<_> = COUNTED.iter().filter(|counted| is_of(counted.of)).collect();
    let ids = left(items);
    if !counts.is_empty() && !ids.is_empty() {
        let mut fields = vec!["id"];
        fields.extend(counts.iter().map(|counted| counted.field));
        let filters: Vec<_> = ids.iter().map(|id| vec![("id", id.to_string())]).collect();
        let rows: Vec<Row> = reader.list_by(table, &[("fields", fields.join(","))], &filters).await?;
        for row in rows {
            let told = counts.iter().find_map(|counted| counted.told(row.fields.get(counted.field)?));
            if let Some(told) = told {
                settle(items, row.id.0, |what| format!("{what} still has {told}"));
            }
        }
    }
    for listed in LISTED.iter().filter(|listed| is_of(listed.of)) {
        let ids = left(items);
        // One after the other: a batch that holds several of the connections' slots while nobody polls it would keep the next
        // one from looking.
        let mut hanging = BTreeMap::new();
        for ids in ids.chunks(if listed.one_by_one { 1 } else { IDS }) {
            hanging.extend(found(reader, listed, ids).await?);
        }
        for (id, name) in hanging {
            settle(items, id, |what| match &name {
                Some(name) => format!("{what} still has the {} `{name}`, {}", listed.label, listed.fate),
                None => format!(
                    "whether {what} still has a {} is not known: the token may not view `{}`",
                    listed.label, listed.path
                ),
            });
        }
    }
    Ok(())
}

/// The objects that are to be deleted so far.
fn left(items: &[Item<'_>]) -> Vec<u64> {
    items.iter().filter(|item| item.done.is_none()).filter_map(|item| item.id).collect()
}

fn settle(items: &mut [Item<'_>], id: u64, reason: impl Fn(&str) -> String) {
    for item in items.iter_mut().filter(|item| item.done.is_none() && item.id == Some(id)) {
        let label = syncline_model::models::by_name(&item.change.model).map_or("record", |schema| schema.label);
        let reason = reason(&format!("the {label} `{}`", item.change.key));
        item.settle(Outcome::Skipped { reason });
    }
}

impl Counted {
    /// What the object still has, in words; none when that is nothing.
    fn told(&self, value: &Value) -> Option<String> {
        let what = match (value.as_u64(), value.get("display").and_then(Value::as_str)) {
            (Some(0), _) | (None, None) => return None,
            (Some(1), _) => format!("1 {}", self.label[0]),
            (Some(count), _) => format!("{count} {}", self.label[1]),
            (None, Some(name)) => format!("the {} `{name}`", self.label[0]),
        };
        Some(format!("{what}, {}", self.fate))
    }
}

impl Listed {
    /// The fields of a row that are looked at.
    fn fields(&self) -> String {
        let mut fields = vec!["id", "display"];
        for place in self.places {
            match place {
                Field(field) => fields.push(field),
                Assigned(_, kind, id) => fields.extend([kind, id]),
                ComponentsIn(ends) => fields.extend(ends),
            }
        }
        fields.extend(self.needs);
        fields.join(",")
    }

    /// The ids of what an object hangs on.
    fn owners(&self, row: &Row) -> Vec<u64> {
        if self.needs.is_some_and(|field| row.fields.get(field).is_none_or(Value::is_null)) {
            return Vec::new();
        }
        let id = |value: &Value| value.as_u64().or_else(|| value.get("id")?.as_u64());
        let mut owners = Vec::new();
        for place in self.places {
            match place {
                Field(field) => match row.fields.get(*field) {
                    Some(Value::Array(members)) => owners.extend(members.iter().filter_map(id)),
                    Some(value) => owners.extend(id(value)),
                    None => {}
                },
                // Interfaces of virtual machines, for one, have numbers of their own.
                Assigned(wanted, kind, field) => {
                    let is_wanted = row.fields.get(*kind).and_then(Value::as_str) == Some(wanted);
                    owners.extend(row.fields.get(*field).filter(|_| is_wanted).and_then(id));
                }
                ComponentsIn(ends) => {
                    let ends = ends.iter().filter_map(|end| row.fields.get(*end)?.as_array()).flatten();
                    owners.extend(ends.filter_map(|end| id(end.get("object")?.get("device")?)));
                }
            }
        }
        owners
    }
}

/// One dependant of each object that has any, by the object's id; of each object, without a name, when nobody may know.
async fn found(reader: &ReadClient, listed: &Listed, ids: &[u64]) -> Result<BTreeMap<u64, Option<String>>> {
    let mut query: Vec<_> = ids.iter().map(|id| (listed.filter, id.to_string())).collect();
    query.extend(listed.with.map(|(filter, value)| (filter, value.to_owned())));
    query.push(("fields", listed.fields()));
    let mut found = BTreeMap::new();
    let mut offset = 0_usize;
    loop {
        let mut query = query.clone();
        // Of one object the first rows are enough, unless NetBox does not know the filter.
        let limit = if listed.one_by_one && offset == 0 { "10" } else { "1000" };
        query.extend([("limit", limit.to_owned()), ("offset", offset.to_string())]);
        let page: RestPage<Row> = match reader.get(listed.path, &query).await {
            Ok(page) => page,
            // A NetBox that does not have the list has nothing in it.
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(found),
            Err(error) if error.kind() == ErrorKind::Forbidden => {
                return Ok(ids.iter().map(|id| (*id, None)).collect());
            }
            Err(error) => return Err(error),
        };
        offset += page.results.len();
        let more = page.next.is_some() && !page.results.is_empty();
        for row in page.results {
            // NetBox ignores a filter that it does not know: only rows of our objects count.
            for owner in listed.owners(&row).into_iter().filter(|owner| ids.contains(owner)) {
                found.entry(owner).or_insert_with(|| Some(row.display.clone().unwrap_or_default()));
            }
        }
        if !more || found.len() == ids.len() {
            return Ok(found);
        }
    }
}
