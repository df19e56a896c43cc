//! Which writes move `last_updated` of which objects: a save does, and what hangs on another object without one does
//! not. Measured on a real server.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::Fixture;

const LISTS: [&str; 5] = ["dcim/devices", "dcim/interfaces", "ipam/ip-addresses", "ipam/vlans", "dcim/locations"];

/// `last_updated` by list and name, or what stands for one.
fn times(fixture: &Fixture) -> BTreeMap<String, String> {
    let mut times = BTreeMap::new();
    for list in LISTS {
        for object in fixture.sim.objects(list) {
            times.insert(object["display"].as_str().unwrap().to_owned(), object["last_updated"].to_string());
        }
    }
    times
}

#[test]
fn last_updated_moves_with_saves() {
    let fixture = Fixture::new();
    let seed = |list: &str, body: Json| fixture.sim.seed(list, &body).unwrap();
    let active = json!({"name": "Active"});
    let (device, interface) = (fixture.device.as_str(), fixture.interface.as_str());
    let lag = seed("dcim/interfaces", json!({"name": "Po1", "device": device, "type": "lag", "status": active}));
    let vlan = seed("ipam/vlans", json!({"vid": 7, "name": "users", "status": active}));
    seed("ipam/prefixes", json!({"prefix": "10.0.0.0/8", "status": active}));
    let address = json!({"address": "10.0.0.1/24", "namespace": {"name": "Global"}, "status": active});
    let address = seed("ipam/ip-addresses", address);
    let tag = seed("extras/tags", json!({"name": "core", "content_types": ["dcim.device"]}));
    let mut before = times(&fixture);
    let mut moved = |method: &str, list: &str, body: Json| {
        let answer = fixture.send(method, &format!("/api/{list}/"), Some(&json!([body])));
        assert!(answer.status < 300, "{}", answer.body);
        let after = times(&fixture);
        let moved: Vec<String> =
            after.iter().filter(|(name, time)| before.get(*name) != Some(time)).map(|(name, _)| name.clone()).collect();
        before = after;
        let made: Json = serde_json::from_str(&answer.body).unwrap_or_default();
        let id = made[0]["id"].as_str().unwrap_or_default().to_owned();
        (moved.join(" "), id)
    };
    let is = |(moved, id): (String, String), expected: &str| {
        assert_eq!(moved, expected);
        id
    };
    is(moved("PATCH", "dcim/devices", json!({"id": device, "tags": [tag]})), "sw1");
    is(moved("PATCH", "dcim/devices", json!({"id": device})), "sw1");
    is(moved("DELETE", "extras/tags", json!({"id": tag})), "");
    is(moved("PATCH", "ipam/vlans", json!({"id": vlan, "location": fixture.location})), "users (7)");
    is(moved("POST", "ipam/prefixes", json!({"prefix": "10.0.0.0/24", "status": active})), "");
    let link = json!({"ip_address": address, "interface": interface});
    let link = is(moved("POST", "ipam/ip-address-to-interface", link), "");
    is(moved("PATCH", "dcim/devices", json!({"id": device, "primary_ip4": address})), "sw1");
    is(moved("DELETE", "ipam/ip-address-to-interface", json!({"id": link})), "sw1");
    is(moved("PATCH", "dcim/interfaces", json!({"id": interface, "lag": lag})), "Eth1");
    is(moved("DELETE", "dcim/interfaces", json!({"id": lag})), "");
}
