//! What still hangs on an object holds its delete, as a real NetBox tells of it.

use serde_json::{Value, json};
use syncline_core::bindings::Bindings;
use syncline_core::change::{Action, Change};
use syncline_core::target::Pass;
use syncline_model::{AnyKey, ModelSchema};

use super::exchanges::{Server, VERSION, bare, known};
use super::support::{batch, outcomes};
use crate::tables;

/// Deletes the objects 1 and 2 of a model from a NetBox with these lists. `own` are more fields of object 1.
async fn deleted(model: &str, own: Value, lists: &[(&str, Value)]) -> (String, Server) {
    let server = Server::start("4.4.0").await;
    let table = tables::by_name(model).unwrap();
    let path = format!("/api/{}/{}/", table.path[0], table.path[1]);
    let mut first = json!({"id": 1, "last_updated": VERSION});
    first.as_object_mut().unwrap().extend(own.as_object().unwrap().clone());
    for (list, rows) in lists {
        server.answers("GET", list, 200, bare(rows)).await;
    }
    let objects = json!([first, {"id": 2, "last_updated": VERSION}]);
    server.answers("GET", &path, 200, bare(&objects)).await;
    server.answers("DELETE", &path, 204, Value::Null).await;
    let changes = changes(table.schema);
    let written = server.write(&batch(table.schema, Pass::First, &changes), &Bindings::new()).await.unwrap();
    let told = outcomes(&written);
    (told, server)
}

fn changes(schema: &'static ModelSchema) -> [Change; 2] {
    [1, 2].map(|id| {
        let key = AnyKey::from_value(&json!([format!("k{id}")])).unwrap();
        Change::new(schema.name, key, Action::Delete, Some(known(id)), Vec::new())
    })
}

/// Everything that is looked at, with rows as NetBox 4.2 and 4.6 answer them: object 1 stays for it, and object 2 goes.
#[tokio::test]
async fn what_netbox_would_take_along_holds_a_delete() {
    let at = |kind: &str, id: u64| json!({"object_type": "dcim.x", "object_id": 9, "object": {"device": {"id": id}, "kind": kind}});
    let circuit = json!({"object_type": "circuits.circuittermination", "object_id": 1, "object": {"id": 1}});
    let lists: &[(&str, &str, Value)] = &[
        ("device", "/api/dcim/interfaces/", json!({"device": {"id": 1}})),
        ("device", "/api/dcim/inventory-items/", json!({"device": {"id": 1}})),
        ("device", "/api/dcim/modules/", json!({"device": {"id": 1}})),
        ("device", "/api/dcim/virtual-device-contexts/", json!({"device": {"id": 1}})),
        ("device", "/api/ipam/services/", json!({"device": {"id": 1}, "virtual_machine": null})),
        ("device", "/api/ipam/services/", json!({"parent_object_type": "dcim.device", "parent_object_id": 1})),
        ("device", "/api/dcim/device-bays/", json!({"device": {"id": 1}, "installed_device": {"id": 7}})),
        ("device", "/api/dcim/cables/", json!({"a_terminations": [circuit], "b_terminations": [at("power port", 1)]})),
        (
            "interface",
            "/api/ipam/ip-addresses/",
            json!({"assigned_object_type": "dcim.interface", "assigned_object_id": 1}),
        ),
        (
            "interface",
            "/api/dcim/mac-addresses/",
            json!({"assigned_object_type": "dcim.interface", "assigned_object_id": 1}),
        ),
        ("site", "/api/dcim/locations/", json!({"site": {"id": 1}})),
        ("site", "/api/virtualization/clusters/", json!({"scope_type": "dcim.site", "scope_id": 1})),
        ("site", "/api/wireless/wireless-lans/", json!({"scope_type": "dcim.site", "scope_id": 1})),
        ("site", "/api/ipam/vlan-groups/", json!({"scope_type": "dcim.site", "scope_id": 1})),
        ("platform", "/api/dcim/device-types/", json!({"default_platform": {"id": 1}})),
        ("vlan", "/api/dcim/interfaces/", json!({"untagged_vlan": {"id": 1}, "tagged_vlans": []})),
        (
            "vlan",
            "/api/virtualization/interfaces/",
            json!({"untagged_vlan": null, "tagged_vlans": [{"id": 5}, {"id": 1}]}),
        ),
        ("vrf", "/api/dcim/interfaces/", json!({"vrf": {"id": 1}})),
        ("vrf", "/api/virtualization/interfaces/", json!({"vrf": {"id": 1}})),
    ];
    let mut told = Vec::new();
    for (model, list, row) in lists {
        let mut row = row.clone();
        row.as_object_mut().unwrap().extend([("id".to_owned(), json!(30)), ("display".to_owned(), json!("X"))]);
        told.push(deleted(model, json!({}), &[(list, json!([row]))]).await.0);
    }
    let own = [
        ("tag", json!({"tagged_items": 3})),
        ("platform", json!({"device_count": 1, "virtualmachine_count": 2})),
        ("platform", json!({"device_count": 0, "virtualmachine_count": 2})),
        ("virtual_chassis", json!({"member_count": 2})),
        ("site", json!({"prefix_count": 1, "circuit_count": 0})),
        ("site", json!({"prefix_count": 0, "circuit_count": 4})),
        ("vlan", json!({"l2vpn_termination": {"id": 4, "display": "T"}})),
        ("interface", json!({"cable": {"id": 4, "display": "#4"}})),
        ("interface", json!({"l2vpn_termination": {"id": 4, "display": "T"}})),
        ("interface", json!({"cable": null, "l2vpn_termination": null, "count_fhrp_groups": 1})),
        // Rows of the list itself that hang on another row of it.
        ("platform", json!({"display": "X", "parent": {"id": 2}})),
        ("device_role", json!({"display": "X", "parent": {"id": 2}})),
    ];
    for (model, fields) in own {
        told.push(deleted(model, fields, &[]).await.0);
    }
    insta::assert_snapshot!(told.join("\n"), @r#"
skipped: the device `k1` still has the interface `X`, which NetBox would delete with it
applied
skipped: the device `k1` still has the inventory item `X`, which NetBox would delete with it
applied
skipped: the device `k1` still has the module `X`, which NetBox would delete with it
applied
skipped: the device `k1` still has the virtual device context `X`, which NetBox would delete with it
applied
skipped: the device `k1` still has the service `X`, which NetBox would delete with it
applied
skipped: the device `k1` still has the service `X`, which NetBox would delete with it
applied
skipped: the device `k1` still has the filled device bay `X`, which NetBox would delete with it
applied
skipped: the device `k1` still has the cable `X`, which NetBox would leave without that end
applied
skipped: the interface `k1` still has the IP address `X`, which NetBox would delete with it
applied
skipped: the interface `k1` still has the MAC address `X`, which NetBox would delete with it
applied
skipped: the site `k1` still has the location `X`, which NetBox would delete with it
applied
skipped: the site `k1` still has the cluster `X`, which NetBox would delete with it
applied
skipped: the site `k1` still has the wireless LAN `X`, which NetBox would delete with it
applied
skipped: the site `k1` still has the VLAN group `X`, which NetBox would delete with it
applied
skipped: the platform `k1` still has the device type `X`, from which NetBox would take it
applied
skipped: the VLAN `k1` still has the interface `X`, from which NetBox would take it
applied
skipped: the VLAN `k1` still has the virtual machine's interface `X`, from which NetBox would take it
applied
skipped: the VRF `k1` still has the interface `X`, from which NetBox would take it
applied
skipped: the VRF `k1` still has the virtual machine's interface `X`, from which NetBox would take it
applied
skipped: the tag `k1` still has 3 tagged objects, from which NetBox would take it
applied
skipped: the platform `k1` still has 1 device, from which NetBox would take it
applied
skipped: the platform `k1` still has 2 virtual machines, from which NetBox would take it
applied
skipped: the virtual chassis `k1` still has 2 members, from which NetBox would take it
applied
skipped: the site `k1` still has 1 prefix, which NetBox would delete with it
applied
skipped: the site `k1` still has 4 circuit terminations, which NetBox would delete with it
applied
skipped: the VLAN `k1` still has the L2VPN termination `T`, which NetBox would delete with it
applied
skipped: the interface `k1` still has the cable `#4`, which NetBox would leave without that end
applied
skipped: the interface `k1` still has the L2VPN termination `T`, which NetBox would delete with it
applied
skipped: the interface `k1` still has 1 redundancy group, from which NetBox would take it
applied
applied
skipped: the platform `k2` still has the platform `X`, which NetBox would delete with it
applied
skipped: the device role `k2` still has the device role `X`, which NetBox would delete with it
"#);
}

/// Rows that hang on nothing of ours, lists that are not there, components without a statement: all of it goes.
#[tokio::test]
async fn what_hangs_on_something_else_holds_nothing() {
    let lists = [
        ("/api/dcim/interfaces/", json!([{"id": 30, "device": {"id": 3}}])),
        ("/api/dcim/inventory-items/", json!([{"id": 30, "device": null}])),
        (
            "/api/ipam/services/",
            json!([{"id": 30, "parent_object_type": "virtualization.virtualmachine", "parent_object_id": 1}]),
        ),
        ("/api/dcim/device-bays/", json!([{"id": 30, "device": {"id": 1}, "installed_device": null}])),
        ("/api/dcim/power-ports/", json!([{"id": 30, "device": {"id": 1}, "cable": null}])),
        (
            "/api/dcim/cables/",
            json!([
                {"id": 30, "a_terminations": [], "b_terminations": [{"object_id": 1, "object": {"id": 1, "device": {"id": 3}}}]},
                {"id": 31, "a_terminations": [{"object_id": 1, "object": null}], "b_terminations": []},
            ]),
        ),
    ];
    let (told, server) = deleted("device", json!({}), &lists).await;
    assert_eq!(told, "applied\napplied");
    // One request for each list, whatever it answers, and none for what makes no statement.
    let asked = server.mock.received_requests().await.unwrap();
    let mut asked: Vec<_> = asked
        .iter()
        .filter(|request| {
            request.method.as_str() == "GET" && request.url.query().is_some_and(|query| query.contains("device_id="))
        })
        .map(|request| request.url.path().to_owned() + "?" + request.url.query().unwrap())
        .collect();
    asked.sort();
    insta::assert_snapshot!(asked.join("\n"), @r#"
/api/dcim/cables/?device_id=1&device_id=2&fields=id%2Cdisplay%2Ca_terminations%2Cb_terminations&limit=1000&offset=0
/api/dcim/device-bays/?device_id=1&device_id=2&fields=id%2Cdisplay%2Cdevice%2Cinstalled_device&limit=1000&offset=0
/api/dcim/interfaces/?device_id=1&device_id=2&fields=id%2Cdisplay%2Cdevice&limit=1000&offset=0
/api/dcim/inventory-items/?device_id=1&device_id=2&fields=id%2Cdisplay%2Cdevice&limit=1000&offset=0
/api/dcim/modules/?device_id=1&device_id=2&fields=id%2Cdisplay%2Cdevice&limit=1000&offset=0
/api/dcim/virtual-device-contexts/?device_id=1&device_id=2&fields=id%2Cdisplay%2Cdevice&limit=1000&offset=0
/api/ipam/services/?device_id=1&device_id=2&fields=id%2Cdisplay%2Cdevice%2Cparent_object_type%2Cparent_object_id&limit=1000&offset=0
"#);
}

/// The filter of interfaces takes one VLAN: of several it would hear the last one only.
#[tokio::test]
async fn vlans_are_asked_about_one_by_one() {
    let (told, server) =
        deleted("vlan", json!({"l2vpn_termination": null}), &[("/api/dcim/interfaces/", json!([]))]).await;
    assert_eq!(told, "applied\napplied");
    let asked = server.mock.received_requests().await.unwrap();
    let asked = asked.iter().filter(|request| request.url.path() == "/api/dcim/interfaces/");
    let mut vlans: Vec<_> = asked
        .map(|request| {
            let mut ids = request.url.query_pairs().filter(|(name, _)| name == "vlan_id");
            (ids.next().unwrap().1.into_owned(), ids.count())
        })
        .collect();
    vlans.sort();
    assert_eq!(vlans, [("1".to_owned(), 0), ("2".to_owned(), 0)]);
}

/// Nobody knows what hangs on an object whose dependants the token may not see.
#[tokio::test]
async fn a_list_that_the_token_may_not_view_holds_the_deletes() {
    let server = Server::start("4.4.0").await;
    let table = tables::by_name("device").unwrap();
    let objects = json!([{"id": 1, "last_updated": VERSION}, {"id": 2, "last_updated": VERSION}]);
    server.answers("GET", "/api/dcim/devices/", 200, bare(&objects)).await;
    let refused = json!({"detail": "You do not have permission to perform this action."});
    server.answers("GET", "/api/dcim/cables/", 403, refused).await;
    let changes = changes(table.schema);
    let written = server.write(&batch(table.schema, Pass::First, &changes[..1]), &Bindings::new()).await.unwrap();
    insta::assert_snapshot!(outcomes(&written), @"skipped: whether the device `k1` still has a cable is not known: the token may not view `api/dcim/cables/`");
}
