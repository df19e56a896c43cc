//! What still hangs on an object that is to be deleted.
//!
//! NetBox deletes along with a device its interfaces, and along with an interface its addresses, without asking. The plan
//! deletes what it knows of first, so whatever is still there at this point came later, or is of a kind that no model has:
//! it is a person's, and so the object stays.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use syncline_core::outcome::Outcome;
use syncline_core::{ErrorKind, Result};

use super::items::Item;
use crate::client::{ReadClient, RestPage};
use crate::tables::Table;

/// A list of objects that hang on others.
struct Dependants {
    /// What they hang on, as the models name it.
    of: &'static str,
    /// Where NetBox lists them.
    path: &'static str,
    /// The filter that takes the ids of what they hang on.
    filter: &'static str,
    /// The field that holds the id of what they hang on, or an object with it.
    field: &'static str,
    /// What they are, for people.
    label: &'static str,
}

const DEPENDANTS: &[Dependants] = &[
    Dependants {
        of: "interface",
        path: "api/ipam/ip-addresses/",
        filter: "interface_id",
        field: "assigned_object_id",
        label: "IP address",
    },
    Dependants {
        of: "interface",
        path: "api/dcim/mac-addresses/",
        filter: "interface_id",
        field: "assigned_object_id",
        label: "MAC address",
    },
    Dependants { of: "device", path: "api/dcim/interfaces/", filter: "device_id", field: "device", label: "interface" },
    Dependants {
        of: "device",
        path: "api/dcim/inventory-items/",
        filter: "device_id",
        field: "device",
        label: "inventory item",
    },
    Dependants { of: "device", path: "api/dcim/modules/", filter: "device_id", field: "device", label: "module" },
];

/// Objects asked for in one request: their ids fit into a URL.
const IDS: usize = 100;

#[derive(Deserialize)]
struct Row {
    display: Option<String>,
    #[serde(flatten)]
    fields: BTreeMap<String, Value>,
}

/// Settles the deletes of objects that something still hangs on.
pub(super) async fn hold(reader: &ReadClient, table: &Table, items: &mut [Item<'_>]) -> Result<()> {
    for dependants in DEPENDANTS.iter().filter(|dependants| dependants.of == table.schema.name) {
        let ids: Vec<u64> = items.iter().filter(|item| item.done.is_none()).filter_map(|item| item.id).collect();
        for ids in ids.chunks(IDS) {
            for (id, name) in found(reader, dependants, ids).await? {
                for item in items.iter_mut().filter(|item| item.done.is_none() && item.id == Some(id)) {
                    let reason = format!(
                        "the {} `{}` still has the {} `{name}`, which NetBox would delete with it",
                        table.schema.label, item.change.key, dependants.label
                    );
                    item.settle(Outcome::Skipped { reason });
                }
            }
        }
    }
    Ok(())
}

/// One dependant of each object that has any, by the object's id.
async fn found(reader: &ReadClient, dependants: &Dependants, ids: &[u64]) -> Result<BTreeMap<u64, String>> {
    let mut query: Vec<_> = ids.iter().map(|id| (dependants.filter, id.to_string())).collect();
    let fields = format!("id,display,assigned_object_type,{}", dependants.field);
    query.extend([("fields", fields), ("limit", "1000".to_owned())]);
    let mut found = BTreeMap::new();
    let mut offset = 0_usize;
    loop {
        let mut query = query.clone();
        query.push(("offset", offset.to_string()));
        let page: RestPage<Row> = match reader.get(dependants.path, &query).await {
            Ok(page) => page,
            // A NetBox that does not have the list has nothing in it.
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(found),
            Err(error) => return Err(error),
        };
        offset += page.results.len();
        let more = page.next.is_some() && !page.results.is_empty();
        for row in page.results {
            let owner = row.fields.get(dependants.field);
            let owner = owner.and_then(|value| value.as_u64().or_else(|| value.get("id")?.as_u64()));
            // Interfaces of virtual machines have numbers of their own.
            let kind = row.fields.get("assigned_object_type").and_then(Value::as_str);
            let is_ours = kind.is_none_or(|kind| kind == "dcim.interface");
            // NetBox ignores a filter that it does not know: only rows of our objects count.
            if let Some(owner) = owner.filter(|owner| is_ours && ids.contains(owner)) {
                found.entry(owner).or_insert_with(|| row.display.unwrap_or_default());
            }
        }
        if !more {
            return Ok(found);
        }
    }
}
