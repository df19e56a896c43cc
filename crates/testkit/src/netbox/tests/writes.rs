//! Creating, changing and deleting, with the errors of the real server.

use serde_json::json;

use super::super::{Action, Kind};
use super::{Client, Fixture};

#[test]
fn lists_of_changes_stop_at_the_first_bad_object_without_its_index() {
    let Fixture { sim, .. } = Fixture::new();
    let client = Client::new(&sim);
    let body = json!([{"id": 2, "description": "x"}, {"id": 1, "type": "nope"}, {"id": 3, "mtu": -5}]);
    let answer = client.write("PATCH", "/api/dcim/interfaces/", body, 400, "");
    assert_eq!(answer.body, "{\"type\":[\"nope is not a valid choice.\"]}");
    assert_eq!(sim.object(Kind::Interface, 2).unwrap()["description"], "", "the list is one transaction");
    assert!(sim.changes().is_empty());
}

#[test]
fn lists_of_changes_pass_over_unknown_ids_and_take_the_last_of_two() {
    let Fixture { sim, .. } = Fixture::new();
    let client = Client::new(&sim);
    let path = "/api/dcim/interfaces/?fields=id,description";
    let body =
        json!([{"id": 1, "description": "a"}, {"id": 99_999_999, "description": "x"}, {"id": 1, "description": "b"}]);
    let answer = client.write("PATCH", path, body, 200, "");
    assert_eq!(answer.body, "[{\"id\":1,\"description\":\"b\"}]");
    let body = json!([{"id": 1, "description": "x"}, {"description": "x"}]);
    let answer = client.write("PATCH", path, body, 400, "");
    assert_eq!(answer.body, "[{},{\"id\":[\"This field is required.\"]}]");
    let body = json!({"id": 1});
    client.write("PATCH", path, body, 400, "Expected a list of items but got type \\\"dict\\\".");
    client.write("DELETE", path, json!([{"id": 99_999_998}]), 204, "");
}

#[test]
fn lists_of_changes_are_answered_in_the_kinds_order() {
    let Fixture { sim, .. } = Fixture::new();
    let body = json!([{"id": 1, "label": ""}, {"id": 3, "label": ""}, {"id": 2, "label": ""}]);
    let answer = Client::new(&sim).write("PATCH", "/api/dcim/interfaces/?fields=id,label", body, 200, "");
    assert_eq!(answer.json(), json!([{"id": 2, "label": ""}, {"id": 1, "label": ""}, {"id": 3, "label": ""}]));
}

#[test]
fn swapping_two_names_in_one_list_fails() {
    let Fixture { sim, .. } = Fixture::new();
    let body = json!([{"id": 1, "name": "Gi0/2"}, {"id": 2, "name": "Gi0/10"}]);
    let text = "{\"__all__\":[\"Interface with this Device and Name already exists.\"]}";
    Client::new(&sim).write("PATCH", "/api/dcim/interfaces/", body, 400, text);
}

#[test]
fn lists_of_creations_are_checked_in_full_first() {
    let Fixture { sim, devices, .. } = Fixture::new();
    let client = Client::new(&sim);
    let device = devices[0];
    let item = |name: &str, ty: &str| json!({"device": device, "name": name, "type": ty});
    let body = json!([item("x1", "lag"), item("x2", "nope"), {"device": device, "type": "lag"}]);
    let answer = client.write("POST", "/api/dcim/interfaces/", body, 400, "");
    assert_eq!(
        answer.body,
        "[{},{\"type\":[\"nope is not a valid choice.\"]},{\"name\":[\"This field is required.\"]}]"
    );
    let body = json!([item("x1", "lag"), item("x1", "lag")]);
    let answer = client.write("POST", "/api/dcim/interfaces/", body, 500, "IntegrityError");
    let text = format!(
        "duplicate key value violates unique constraint \"dcim_interface_unique_device_name\"\nDETAIL:  Key (device_id, name)=({device}, x1) already exists."
    );
    assert_eq!(answer.json()["error"], json!(text));
    assert_eq!(sim.count(Kind::Interface), 3);
}

#[test]
fn lists_of_devices_stop_at_the_first_bad_one() {
    let fixture = Fixture::new();
    let client = Client::new(&fixture.sim);
    let bad = json!({"device_type": {"model": "Cisco-M0"}, "role": {"slug": "nope"}, "site": {"slug": "site-00"}, "name": "zz2"});
    let body = json!([fixture.device("zz1"), bad, {"name": "zz3"}]);
    let answer = client.write("POST", "/api/dcim/devices/", body, 400, "");
    assert_eq!(
        answer.body,
        "{\"role\":[\"Related object not found using the provided attributes: {'slug': 'nope'}\"]}"
    );
    assert_eq!(client.get("/api/dcim/devices/?name=zz1")["count"], 0);
}

#[test]
fn references_by_attributes() {
    let fixture = Fixture::new();
    let client = Client::new(&fixture.sim);
    let maker = fixture.sim.object(Kind::Manufacturer, 1).unwrap()["id"].clone();
    fixture.sim.seed(Kind::DeviceType, json!({"manufacturer": maker, "model": "M1", "slug": "m1"})).unwrap();
    let with = |device_type: serde_json::Value| {
        let mut body = fixture.device("new");
        body["device_type"] = device_type;
        body
    };
    let path = "/api/dcim/devices/";
    let ambiguous = "Multiple objects match the provided attributes: {'manufacturer__slug': 'cisco'}";
    client.write("POST", path, with(json!({"manufacturer": {"slug": "cisco"}})), 400, ambiguous);
    client.write(
        "POST",
        path,
        with(json!({"modell": "x"})),
        400,
        "Cannot resolve keyword 'modell' into field. Choices are: ",
    );
    client.write("POST", path, with(json!(99)), 400, "Related object not found using the provided numeric ID: 99");
    client.write("POST", path, with(json!("x")), 400, "Received an unrecognized value: x");
    client.write("POST", path, with(json!({"model": "M1"})), 201, "");
}

#[test]
fn names_of_devices_are_unique_without_case_and_none_may_be_shared() {
    let fixture = Fixture::new();
    let client = Client::new(&fixture.sim);
    let path = "/api/dcim/devices/";
    client.write(
        "POST",
        path,
        fixture.device("DEV-1"),
        400,
        "{\"__all__\":[\"Device name must be unique per site.\"]}",
    );
    for _ in 0..2 {
        let mut unnamed = fixture.device("x");
        unnamed["name"] = json!(null);
        client.write("POST", path, unnamed, 201, "\"name\":null");
    }
    client.write(
        "POST",
        path,
        fixture.device(&"x".repeat(65)),
        400,
        "Ensure this field has no more than 64 characters.",
    );
    client.write("POST", path, json!({"name": "x"}), 400, "{\"device_type\":[\"This field is required.\"],\"role\":[\"This field is required.\"],\"site\":[\"This field is required.\"]}");
}

#[test]
fn unknown_fields_are_ignored_and_messages_are_logged() {
    let fixture = Fixture::new();
    let client = Client::new(&fixture.sim);
    let mut body = fixture.device("zz1");
    body["bogus_field"] = json!(1);
    body["changelog_message"] = json!("by syncline");
    let answer = client.write("POST", "/api/dcim/devices/?exclude=config_context", body, 201, "");
    assert!(!answer.body.contains("config_context"));
    let changes = fixture.sim.changes();
    assert_eq!((changes[0].message.as_str(), changes[0].action), ("by syncline", Action::Create));
    assert_eq!(answer.header("x-request-id"), Some(changes[0].request_id.as_str()));
    let log = client.get("/api/core/object-changes/?changed_object_type=dcim.device");
    assert_eq!(log["results"][0]["display"], "DCIM | device zz1 created by admin");
    assert_eq!(log["results"][0]["postchange_data"]["status"], "active");
}

#[test]
fn a_change_that_changes_nothing_moves_the_time_only() {
    let Fixture { sim, devices, .. } = Fixture::new();
    let client = Client::new(&sim);
    let path = format!("/api/dcim/devices/{}/?fields=id,last_updated,serial", devices[0]);
    let before = client.get(&path)["last_updated"].clone();
    let answer = client.write("PATCH", &path, json!({"serial": ""}), 200, "");
    assert_ne!(answer.json()["last_updated"], before);
    assert!(sim.changes().is_empty());
}

#[test]
fn an_old_etag_is_412() {
    let Fixture { sim, devices, .. } = Fixture::new();
    let path = format!("/api/dcim/devices/{}/?fields=id,serial", devices[0]);
    let etag = Client::new(&sim).send("GET", &path, None).header("etag").unwrap().to_owned();
    let client = Client::new(&sim).with("If-Match", &etag);
    client.write("PATCH", &path, json!({"serial": "A1"}), 200, "A1");
    let answer = client.write("PATCH", &path, json!({"serial": "A2"}), 412, "{\"detail\":\"Precondition failed.\"}");
    assert_ne!(answer.header("etag"), Some(etag.as_str()));
}

#[test]
fn fields_limit_what_is_written() {
    let Fixture { sim, devices, .. } = Fixture::new();
    let client = Client::new(&sim);
    client.write("PATCH", "/api/dcim/interfaces/1/?fields=id", json!({"description": "lost"}), 200, "{\"id\":1}");
    assert_eq!(sim.object(Kind::Interface, 1).unwrap()["description"], "");
    let body = json!({"device": devices[0], "name": "zz", "type": "virtual"});
    let text = "{\"device\":[\"This field cannot be null.\"],\"name\":[\"This field cannot be blank.\"],\"type\":[\"This field cannot be blank.\"]}";
    client.write("POST", "/api/dcim/interfaces/?fields=id", body, 400, text);
}

#[test]
fn protected_deletions_are_409() {
    let Fixture { sim, site, devices, .. } = Fixture::new();
    let client = Client::new(&sim);
    let text = format!(
        "{{\"detail\":\"Unable to delete object. 2 dependent objects were found: dev-1 ({}), dev-2 ({})\"}}",
        devices[0], devices[1]
    );
    client.write("DELETE", &format!("/api/dcim/sites/{site}/"), json!({}), 409, &text);
    client.write(
        "DELETE",
        "/api/dcim/manufacturers/",
        json!([{"id": 1}]),
        409,
        "1 dependent objects were found: Cisco-M0 (1)",
    );
}

#[test]
fn deleting_an_interface_takes_its_addresses_and_clears_the_primary_one() {
    let Fixture { sim, devices, interfaces, .. } = Fixture::new();
    let client = Client::new(&sim);
    let of = json!({"assigned_object_type": "dcim.interface", "assigned_object_id": interfaces[0]});
    let with = |mut body: serde_json::Value| {
        body["assigned_object_type"] = of["assigned_object_type"].clone();
        body["assigned_object_id"] = of["assigned_object_id"].clone();
        body
    };
    let address = client.post("/api/ipam/ip-addresses/", with(json!({"address": "192.0.2.1/24"})));
    client.post("/api/dcim/mac-addresses/", with(json!({"mac_address": "aabb.cc00.0001"})));
    let path = format!("/api/dcim/devices/{}/?fields=primary_ip4,last_updated", devices[0]);
    client.write("PATCH", &path, json!({"primary_ip4": address}), 200, "192.0.2.1/24");
    let before = client.get(&path)["last_updated"].clone();
    client.write("DELETE", &format!("/api/dcim/interfaces/{}/", interfaces[0]), json!({}), 204, "");
    assert_eq!((sim.count(Kind::IpAddress), sim.count(Kind::MacAddress)), (0, 0));
    let after = client.get(&path);
    assert_eq!(after["primary_ip4"], json!(null));
    assert_ne!(after["last_updated"], before);
}

#[test]
fn addresses_are_unique_in_their_table() {
    let Fixture { sim, interfaces, .. } = Fixture::new();
    let client = Client::new(&sim);
    let path = "/api/ipam/ip-addresses/";
    client.post(path, json!({"address": "192.0.2.1/24", "dns_name": "A.Example.net"}));
    assert_eq!(sim.object(Kind::IpAddress, 1).unwrap()["dns_name"], "a.example.net");
    let taken = "{\"address\":[\"Duplicate IP address found in global table: 192.0.2.1/24\"]}";
    client.write("POST", path, json!({"address": "192.0.2.1/32"}), 400, taken);
    client.write("POST", path, json!({"address": "192.0.2.1/24", "role": "anycast"}), 400, taken);
    let network = json!({"address": "192.0.2.0/24", "assigned_object_type": "dcim.interface", "assigned_object_id": interfaces[0]});
    let text = "{\"__all__\":[\"192.0.2.0 is a network ID, which may not be assigned to an interface.\"]}";
    client.write("POST", path, network, 400, text);
    client.write("POST", path, json!({"address": "10.10.10.1"}), 201, "\"address\":\"10.10.10.1/32\"");
    let loose = sim.seed(Kind::Vrf, json!({"name": "A", "enforce_unique": false})).unwrap();
    for _ in 0..2 {
        client.post(path, json!({"address": "192.0.2.1/24", "vrf": loose}));
    }
    let lost = json!({"address": "192.0.2.9/24", "assigned_object_type": "dcim.interface", "assigned_object_id": 99});
    client.write(
        "POST",
        path,
        lost,
        400,
        "{\"assigned_object_id\":[\"Related object not found using the provided value: 99.\"]}",
    );
}

#[test]
fn a_primary_address_stays_where_it_is() {
    let Fixture { sim, devices, interfaces, .. } = Fixture::new();
    let client = Client::new(&sim);
    let body = json!({"address": "192.0.2.1/24", "assigned_object_type": "dcim.interface", "assigned_object_id": interfaces[0]});
    let address = client.post("/api/ipam/ip-addresses/", body);
    let [own, other] = devices.map(|id| format!("/api/dcim/devices/{id}/"));
    let text = "{\"primary_ip4\":[\"The specified IP address (192.0.2.1/24) is not assigned to this device.\"]}";
    client.write("PATCH", &other, json!({"primary_ip4": address}), 400, text);
    client.write("PATCH", &own, json!({"primary_ip4": address}), 200, "");
    let path = format!("/api/ipam/ip-addresses/{address}/");
    let text = "Cannot reassign IP address while it is designated as the primary IP for the parent object";
    client.write("PATCH", &path, json!({"assigned_object_id": interfaces[2]}), 400, text);
    client.write("PATCH", &path, json!({"assigned_object_id": null, "assigned_object_type": null}), 400, text);
}

#[test]
fn prefixes_and_their_hints() {
    let Fixture { sim, site, .. } = Fixture::new();
    let client = Client::new(&sim);
    let path = "/api/ipam/prefixes/";
    let scoped = json!({"prefix": "192.0.2.0/24", "scope_type": "dcim.site", "scope_id": site});
    client.write("POST", path, scoped, 201, "\"scope\":{\"id\":1,");
    client.write("POST", path, json!({"prefix": "198.51.100.0/24", "site": site}), 201, "\"scope_type\":null");
    let text = "{\"prefix\":[\"Duplicate prefix found in global table: 192.0.2.0/24\"]}";
    client.write("POST", path, json!({"prefix": "192.0.2.0/24"}), 400, text);
    let text = "{\"prefix\":[\"192.0.2.7/24 is not a valid prefix. Did you mean 192.0.2.0/24?\"]}";
    client.write("POST", path, json!({"prefix": "192.0.2.7/24"}), 400, text);
    client.post(path, json!({"prefix": "192.0.0.0/16"}));
    let list = client.get("/api/ipam/prefixes/?fields=prefix,children,_depth");
    assert_eq!(list["results"][0], json!({"prefix": "192.0.0.0/16", "children": 1, "_depth": 0}));
    assert_eq!(list["results"][1]["_depth"], 1);
    assert_eq!(client.get(&format!("/api/ipam/prefixes/?site_id={site}"))["count"], 1);
}

#[test]
fn keys_of_vlans_and_vrfs() {
    let Fixture { sim, site, .. } = Fixture::new();
    let client = Client::new(&sim);
    let vlan = json!({"vid": 10, "name": "a", "site": site});
    client.write("POST", "/api/ipam/vlans/", json!([vlan, vlan]), 201, "\"display\":\"a (10)\"");
    let group = sim.seed(Kind::VlanGroup, json!({"name": "G", "slug": "g"})).unwrap();
    let grouped = |vid: u64, name: &str| json!({"vid": vid, "name": name, "group": group});
    client.post("/api/ipam/vlans/", grouped(10, "a"));
    let text = "{\"__all__\":[\"VLAN with this Group and VLAN ID already exists.\"]}";
    client.write("POST", "/api/ipam/vlans/", grouped(10, "b"), 400, text);
    let text = "{\"__all__\":[\"VLAN with this Group and Name already exists.\"]}";
    client.write("POST", "/api/ipam/vlans/", grouped(11, "a"), 400, text);
    client.write("POST", "/api/ipam/vrfs/", json!([{"name": "A", "rd": "65000:1"}, {"name": "A"}]), 201, "A (65000:1)");
    let text = "{\"rd\":[\"VRF with this route distinguisher already exists.\"]}";
    client.write("POST", "/api/ipam/vrfs/", json!({"name": "B", "rd": "65000:1"}), 400, text);
}

#[test]
fn mac_addresses_are_objects_of_their_own() {
    let Fixture { sim, interfaces, .. } = Fixture::new();
    let client = Client::new(&sim);
    let body = |interface: u64| json!({"mac_address": "aa-bb-cc-00-00-01", "assigned_object_type": "dcim.interface", "assigned_object_id": interface});
    let mac = client.post("/api/dcim/mac-addresses/", body(interfaces[0]));
    client.post("/api/dcim/mac-addresses/", body(interfaces[1]));
    let [first, second] = [interfaces[0], interfaces[1]].map(|id| format!("/api/dcim/interfaces/{id}/"));
    client.write("PATCH", &first, json!({"mac_address": "aa:bb:cc:00:00:09"}), 200, "\"mac_address\":null");
    client.write("PATCH", &first, json!({"primary_mac_address": mac}), 200, "\"mac_address\":\"AA:BB:CC:00:00:01\"");
    let text =
        "{\"primary_mac_address\":[\"MAC address AA:BB:CC:00:00:01 is assigned to a different interface (Gi0/10).\"]}";
    client.write("PATCH", &second, json!({"primary_mac_address": mac}), 400, text);
    let path = format!("/api/dcim/mac-addresses/{mac}/");
    let text = "Cannot reassign MAC Address while it is designated as the primary MAC for an object";
    client.write("PATCH", &path, json!({"assigned_object_id": interfaces[1]}), 400, text);
    let before = sim.object(Kind::Interface, interfaces[0]).unwrap()["last_updated"].clone();
    client.write("DELETE", &path, json!({}), 204, "");
    let after = sim.object(Kind::Interface, interfaces[0]).unwrap();
    assert_eq!((after["mac_address"].clone(), after["last_updated"].clone()), (json!(null), before));
}

#[test]
fn modes_vlans_and_lags_of_interfaces() {
    let Fixture { sim, devices, interfaces, .. } = Fixture::new();
    let client = Client::new(&sim);
    let vlan = sim.seed(Kind::Vlan, json!({"vid": 10, "name": "a"})).unwrap();
    let path = format!("/api/dcim/interfaces/{}/", interfaces[0]);
    let text = "{\"untagged_vlan\":[\"Interface mode does not support untagged vlan\"]}";
    client.write("PATCH", &path, json!({"untagged_vlan": vlan}), 400, text);
    client.write("PATCH", &path, json!({"mode": "tagged", "tagged_vlans": [vlan]}), 200, "\"label\":\"Tagged\"");
    client.write("PATCH", &path, json!({"mode": "access", "tagged_vlans": []}), 200, "\"tagged_vlans\":[]");
    let lag = client.post("/api/dcim/interfaces/", json!({"device": devices[1], "name": "Po1", "type": "lag"}));
    let text = "{\"lag\":[\"The selected LAG interface (Po1) belongs to a different device (dev-2).\"]}";
    client.write("PATCH", &path, json!({"lag": lag}), 400, text);
    client.write("PATCH", &path, json!({"type": {"value": "lag"}}), 400, "Value must be passed directly");
}

#[test]
fn members_first_then_the_master_which_is_protected() {
    let Fixture { sim, devices, .. } = Fixture::new();
    let client = Client::new(&sim);
    let chassis = client.post("/api/dcim/virtual-chassis/", json!({"name": "vc1"}));
    let path = format!("/api/dcim/virtual-chassis/{chassis}/");
    let text = "{\"master\":[\"The selected master (dev-1) is not assigned to this virtual chassis.\"]}";
    client.write("PATCH", &path, json!({"master": devices[0]}), 400, text);
    let own = format!("/api/dcim/devices/{}/", devices[0]);
    let text = "{\"vc_position\":[\"A device assigned to a virtual chassis must have its position defined.\"]}";
    client.write("PATCH", &own, json!({"virtual_chassis": chassis}), 400, text);
    client.write("PATCH", &own, json!({"virtual_chassis": chassis, "vc_position": 1}), 200, "");
    let other = format!("/api/dcim/devices/{}/", devices[1]);
    let text = "{\"__all__\":[\"Device with this Virtual chassis and VC position already exists.\"]}";
    client.write("PATCH", &other, json!({"virtual_chassis": chassis, "vc_position": 1}), 400, text);
    client.write("PATCH", &path, json!({"master": devices[0]}), 200, "\"member_count\":1");
    let text = format!("{{\"detail\":\"Unable to delete object. 1 dependent objects were found: vc1 ({chassis})\"}}");
    client.write("DELETE", &own, json!({}), 409, &text);
}

#[test]
fn tags_and_custom_fields() {
    let Fixture { sim, .. } = Fixture::new();
    let client = Client::new(&sim);
    let tag = sim.seed(Kind::Tag, json!({"name": "ssot", "slug": "ssot", "color": "ff0000"})).unwrap();
    let path = "/api/dcim/interfaces/1/?fields=id,tags,custom_fields";
    let text = "{\"tags\":[\"Related object not found using the provided attributes: {'slug': 'nope'}\"]}";
    client.write("PATCH", path, json!({"tags": [{"slug": "nope"}]}), 400, text);
    let text = "Related objects must be referenced by numeric ID or by dictionary of attributes. Received an unrecognized value: ssot";
    client.write("PATCH", path, json!({"tags": ["ssot"]}), 400, text);
    client.write("PATCH", path, json!({"add_tags": [{"slug": "ssot"}]}), 200, "\"color\":\"ff0000\"");
    client.write("PATCH", path, json!({"tags": [tag]}), 200, "\"slug\":\"ssot\"");
    sim.define_custom_field("source_id", &[Kind::Interface]).unwrap();
    client.write("PATCH", path, json!({"custom_fields": {"source_id": "h1"}}), 200, "{\"source_id\":\"h1\"}");
    let text = "{\"custom_fields\":{\"nope\":\"Custom field 'nope' does not exist for this object type.\"}}";
    client.write("PATCH", path, json!({"custom_fields": {"nope": "h1"}}), 400, text);
}

#[test]
fn fifty_thousand_interfaces_are_no_burden() {
    let Fixture { sim, devices, .. } = Fixture::new();
    let bodies: Vec<_> = (0..50_000)
        .map(|n| json!({"device": devices[n % 2], "name": format!("Eth1/{n}"), "type": "virtual"}))
        .collect();
    sim.seed_all(Kind::Interface, &bodies).unwrap();
    let client = Client::new(&sim);
    let page = client.get("/api/dcim/interfaces/?limit=1000&offset=49000&fields=id,name");
    assert_eq!((page["count"].as_u64(), page["results"].as_array().unwrap().len()), (Some(50_003), 1000));
    let page = client.graphql("{interface_list(pagination:{start:40000,limit:1000}){id name device{id}}}");
    assert_eq!(page["data"]["interface_list"].as_array().unwrap().len(), 1000);
    let ids: Vec<_> = (1000..1100).map(|id| json!({"id": id, "description": "x"})).collect();
    client.write("PATCH", "/api/dcim/interfaces/?fields=id,description", json!(ids), 200, "");
    client.write("DELETE", &format!("/api/dcim/devices/{}/", devices[0]), json!({}), 204, "");
    assert_eq!(sim.count(Kind::Interface), 25_001);
}
