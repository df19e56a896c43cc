//! Looking up by natural key what is to be created: NetBox keeps a second VLAN, VRF or MAC address without a word.

use serde_json::Value;
use syncline_core::Result;

use super::answer::{Object, is_same};
use super::payload::Body;
use crate::client::ReadClient;
use crate::tables::{Column, Kind, Table};

/// For every body the objects that have its key already.
pub(super) async fn existing(client: &ReadClient, table: &'static Table, bodies: &[&Body]) -> Result<Vec<Vec<Object>>> {
    let mut filters: Vec<Vec<(&str, String)>> = Vec::new();
    for body in bodies {
        let filter = table.find.iter().filter_map(|(native, parameter)| {
            let value = match body.get(*native)? {
                Value::String(text) if *native == "address" => host(text).to_owned(),
                Value::String(text) => text.clone(),
                Value::Number(number) => number.to_string(),
                _ => return None,
            };
            Some((*parameter, value))
        });
        let filter: Vec<_> = filter.collect();
        // Without a filter everything would come.
        if !filter.is_empty() {
            filters.push(filter);
        }
    }
    filters.sort();
    filters.dedup();
    let mut fields = vec!["id".to_owned(), "last_updated".to_owned()];
    fields.extend(table.columns.iter().flat_map(Column::rest));
    let fixed = [("fields", fields.join(","))];
    let found: Vec<Object> = client.list_by(table, &fixed, &filters).await?;
    Ok(bodies
        .iter()
        .map(|body| found.iter().filter(|object| has_key_of(table, object, body)).cloned().collect())
        .collect())
}

/// Whether an object has the key that a body has.
fn has_key_of(table: &'static Table, object: &Object, body: &Body) -> bool {
    let null = Value::Null;
    table.key_columns().all(|column| {
        let of = |values: &'_ Object, name: &str| values.get(name).unwrap_or(&null).clone();
        let texts = |change: fn(&str) -> String| {
            let (wanted, found) = (of(body, column.native), of(object, column.native));
            matches!((wanted, found), (Value::String(wanted), Value::String(found)) if change(&wanted) == change(&found))
        };
        match (table.schema.name, column.native, column.kind) {
            ("device", "name", _) => texts(|name| name.trim().to_lowercase()),
            ("ip_address", "address", _) => texts(|address| host(address).to_owned()),
            (_, _, Kind::AssignedInterface | Kind::SiteScope) => {
                column.rest().iter().all(|name| is_same(&of(body, name), &of(object, name)))
            }
            _ => is_same(&of(body, column.native), &of(object, column.native)),
        }
    })
}

/// An address without its mask.
fn host(address: &str) -> &str {
    address.split('/').next().unwrap_or(address)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tables;
    use serde_json::json;

    fn has_key(model: &str, object: Value, body: Value) -> bool {
        let (Value::Object(object), Value::Object(body)) = (object, body) else { panic!("objects") };
        has_key_of(tables::by_name(model).unwrap(), &object, &body)
    }

    #[test]
    fn keys_are_compared_as_the_models_do() {
        let device = json!({"id": 1, "name": "SW1", "site": {"id": 5}});
        assert!(has_key("device", device.clone(), json!({"name": "sw1", "site": 5})));
        assert!(!has_key("device", device, json!({"name": "sw1", "site": 6})));
        let address = json!({"id": 1, "address": "10.0.0.1/24", "vrf": null});
        assert!(has_key("ip_address", address.clone(), json!({"address": "10.0.0.1/32", "vrf": null})));
        assert!(!has_key("ip_address", address, json!({"address": "10.0.0.1/32", "vrf": 3})));
        let mac = json!({"mac_address": "AA:BB:CC:00:11:22", "assigned_object_type": "dcim.interface", "assigned_object_id": 7});
        let sent = json!({"mac_address": "AA:BB:CC:00:11:22", "assigned_object_type": "dcim.interface", "assigned_object_id": 8});
        assert!(!has_key("mac_address", mac, sent));
        assert!(has_key("vlan", json!({"vid": 10, "site": null}), json!({"vid": 10, "site": null})));
    }
}
