//! Reads, tokens, pages and filters.

use serde_json::json;

use super::super::{Kind, NetBoxOptions, TokenVersion};
use super::{Client, Fixture};

#[test]
fn a_site_has_every_field_of_the_real_one() {
    let Fixture { sim, site, .. } = Fixture::new();
    let answer = Client::new(&sim).send("GET", &format!("/api/dcim/sites/{site}/"), None);
    let url = sim.url();
    let expected = format!(
        "{{\"id\":{site},\"url\":\"{url}/api/dcim/sites/{site}/\",\"display_url\":\"{url}/dcim/sites/{site}/\",\
         \"display\":\"Site 00\",\"name\":\"Site 00\",\"slug\":\"site-00\",\
         \"status\":{{\"value\":\"active\",\"label\":\"Active\"}},\"region\":null,\"group\":null,\"tenant\":null,\
         \"facility\":\"\",\"time_zone\":null,\"description\":\"\",\"physical_address\":\"\",\
         \"shipping_address\":\"\",\"latitude\":null,\"longitude\":null,\"owner\":null,\"comments\":\"\",\"asns\":[],\
         \"tags\":[],\"custom_fields\":{{}},\"created\":\""
    );
    assert!(answer.body.starts_with(&expected), "{}", answer.body);
    assert!(answer.body.ends_with(
        "\"circuit_count\":0,\"device_count\":2,\"prefix_count\":0,\"rack_count\":0,\"virtualmachine_count\":0,\"vlan_count\":0}"
    ));
    let updated = answer.json()["last_updated"].as_str().unwrap().replace('Z', "+00:00");
    assert_eq!(answer.header("etag"), Some(format!("W/\"{updated}\"").as_str()));
}

#[test]
fn a_reference_shows_its_brief_form() {
    let Fixture { sim, devices, .. } = Fixture::new();
    let device = Client::new(&sim).get(&format!("/api/dcim/devices/{}/", devices[0]));
    let url = sim.url();
    assert_eq!(
        device["device_type"],
        json!({"id": 1, "url": format!("{url}/api/dcim/device-types/1/"), "display": "Cisco-M0",
            "manufacturer": {"id": 1, "url": format!("{url}/api/dcim/manufacturers/1/"), "display": "Cisco",
                "name": "Cisco", "slug": "cisco", "description": ""},
            "model": "Cisco-M0", "slug": "cisco-m0", "description": "", "device_count": 2})
    );
    assert_eq!(device["role"]["device_count"], 0, "roles are counted in their own list only");
    assert_eq!(device["interface_count"], 2);
}

#[test]
fn wrong_tokens_are_403() {
    let Fixture { sim, .. } = Fixture::new();
    let text = |authorization: &str| {
        let answer = Client::new(&sim).with("Authorization", authorization).send("GET", "/api/dcim/sites/", None);
        (answer.status, answer.json()["detail"].as_str().unwrap().to_owned())
    };
    assert_eq!(text("Basic abc"), (403, "Authentication credentials were not provided.".to_owned()));
    assert_eq!(text("Token nosuch"), (403, "Invalid v1 token".to_owned()));
    assert_eq!(text("Bearer nbt_abc.def"), (403, "Invalid v2 token".to_owned()));
    let read_only = Client::new(&sim).with("Authorization", &format!("Token {}", sim.read_only_token()));
    assert_eq!(read_only.send("GET", "/api/dcim/sites/", None).status, 200);
    read_only.write("POST", "/api/dcim/sites/", json!({}), 403, "You do not have permission to perform this action.");
}

#[test]
fn versions_before_4_5_know_the_first_form_of_tokens_only() {
    let options = NetBoxOptions { version: "4.2.9".to_owned(), ..NetBoxOptions::default() };
    let Fixture { sim, .. } = Fixture::with(options);
    assert_eq!(sim.token(), sim.v1_token());
    let status = Client::new(&sim).get("/api/status/");
    assert_eq!(status["netbox-version"], "4.2.9");
    let v2 = Client::new(&sim).with("Authorization", "Bearer nbt_SimKey000001.x").send("GET", "/api/status/", None);
    assert_eq!(v2.status, 403);
    let v1 = NetBoxOptions { token_version: TokenVersion::V1, ..NetBoxOptions::default() };
    assert_eq!(Fixture::with(v1).sim.token().len(), 40);
}

#[test]
fn pages_by_offset_follow_the_kinds_order() {
    let Fixture { sim, .. } = Fixture::new();
    let client = Client::new(&sim);
    let first = client.get("/api/dcim/interfaces/?limit=2&fields=name&bogus=a%20b");
    assert_eq!(first["count"], 3);
    assert_eq!(first["results"], json!([{"name": "Gi0/2"}, {"name": "Gi0/10"}]));
    let next = format!("{}/api/dcim/interfaces/?bogus=a+b&fields=name&limit=2&offset=2", sim.url());
    assert_eq!(first["next"], json!(next));
    let last = client.get(next.trim_start_matches(sim.url()));
    assert_eq!(last["results"], json!([{"name": "Gi0/1"}]));
    assert_eq!(last["next"], json!(null));
    let previous = format!("{}/api/dcim/interfaces/?bogus=a+b&fields=name&limit=2", sim.url());
    assert_eq!(last["previous"], json!(previous));
}

#[test]
fn pages_by_cursor_follow_the_ids_and_count_nothing() {
    let Fixture { sim, .. } = Fixture::new();
    let client = Client::new(&sim);
    let page = client.get("/api/dcim/interfaces/?start=0&limit=2&fields=id&id__lte=5");
    let next = format!("{}/api/dcim/interfaces/?fields=id&id__lte=5&limit=2&start=3", sim.url());
    assert_eq!(page, json!({"count": null, "next": next, "previous": null, "results": [{"id": 1}, {"id": 2}]}));
    let both = client.send("GET", "/api/dcim/interfaces/?start=0&offset=1", None);
    assert_eq!((both.status, both.body.as_str()), (400, "[\"'start' and 'offset' are mutually exclusive.\"]"));
    let ordered = client.send("GET", "/api/dcim/interfaces/?start=0&ordering=name", None);
    assert!(ordered.body.contains("Ordering cannot be specified in conjunction with cursor-based pagination."));
}

#[test]
fn a_limit_above_the_largest_page_is_the_largest_page() {
    let options = NetBoxOptions { max_page: 2, ..NetBoxOptions::default() };
    let Fixture { sim, .. } = Fixture::with(options);
    let page = Client::new(&sim).get("/api/dcim/interfaces/?limit=5000&fields=id");
    assert_eq!(page["results"].as_array().unwrap().len(), 2);
    assert_eq!(page["count"], 3);
}

#[test]
fn filters_find_what_they_should_and_unknown_ones_everything() {
    let Fixture { sim, site, devices, .. } = Fixture::new();
    let client = Client::new(&sim);
    let count = |query: &str| client.get(&format!("/api/dcim/{query}"))["count"].as_u64().unwrap();
    assert_eq!(count("devices/?nosuch=1"), 2);
    assert_eq!(count("devices/?name=dev-1"), 1);
    assert_eq!(count("devices/?name=dev-1&name=dev-2"), 2);
    assert_eq!(count("devices/?name__ic=EV-2"), 1);
    assert_eq!(count(&format!("devices/?site_id={site}&status=active")), 2);
    assert_eq!(count("devices/?site=site-00"), 2);
    assert_eq!(count(&format!("interfaces/?device_id={}", devices[0])), 2);
    assert_eq!(count("interfaces/?device=dev-2&type=1000base-t"), 1);
    assert_eq!(count("devices/?id=1&id=2&id=77"), 2);
    assert_eq!(count("devices/?id__gt=1"), 1);
    assert_eq!(count("devices/?last_updated__gte=2000-01-01T00:00:00Z"), 2);
    assert_eq!(count("devices/?last_updated__lt=2000-01-01T00:00:00Z"), 0);
}

/// Whatever way an interface is in a VLAN; several VLANs are one too many, and the last one counts.
#[test]
fn interfaces_are_found_by_their_vlan() {
    let Fixture { sim, devices, .. } = Fixture::new();
    let client = Client::new(&sim);
    let vlan = |vid: u32| sim.seed(Kind::Vlan, json!({"vid": vid, "name": format!("v{vid}")})).unwrap();
    let [one, two, none] = [vlan(10), vlan(20), vlan(30)];
    let port = |name: &str, more: serde_json::Value| {
        let mut body = json!({"device": devices[0], "name": name, "type": "virtual", "mode": "tagged"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        sim.seed(Kind::Interface, body).unwrap();
    };
    port("plain", json!({"untagged_vlan": one}));
    port("trunk", json!({"tagged_vlans": [one, two]}));
    let names = |query: &str| {
        let page = client.get(&format!("/api/dcim/interfaces/?{query}"));
        let rows = page["results"].as_array().unwrap().iter();
        rows.map(|row| row["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(&format!("vlan_id={one}")), ["plain", "trunk"]);
    assert_eq!(names(&format!("vlan_id={two}")), ["trunk"]);
    assert_eq!(names(&format!("vlan_id={one}&vlan_id={two}")), ["trunk"]);
    assert_eq!(names(&format!("vlan_id={none}")), [""; 0]);
}

/// A tag counts what carries it, of every kind; a platform its devices.
#[test]
fn tags_and_platforms_say_how_many_use_them() {
    let Fixture { sim, site, devices, .. } = Fixture::new();
    let client = Client::new(&sim);
    let tag = sim.seed(Kind::Tag, json!({"name": "Core", "slug": "core"})).unwrap();
    let platform = sim.seed(Kind::Platform, json!({"name": "IOS", "slug": "ios"})).unwrap();
    sim.edit(Kind::Site, site, &json!({"tags": [tag]})).unwrap();
    sim.edit(Kind::Device, devices[0], &json!({"tags": [tag], "platform": platform})).unwrap();
    let first = |path: &str| client.get(path)["results"][0].clone();
    assert_eq!(
        first(&format!("/api/extras/tags/?id={tag}&fields=id,tagged_items")),
        json!({"id": tag, "tagged_items": 2})
    );
    let counts = "device_count,virtualmachine_count";
    let expected = json!({"id": platform, "device_count": 1, "virtualmachine_count": 0});
    assert_eq!(first(&format!("/api/dcim/platforms/?id={platform}&fields=id,{counts}")), expected);
}

#[test]
fn wrong_filter_values_are_400() {
    let Fixture { sim, .. } = Fixture::new();
    let client = Client::new(&sim);
    let wrong = |query: &str, text: &str| {
        let answer = client.send("GET", &format!("/api/dcim/devices/?{query}"), None);
        assert_eq!((answer.status, answer.body.as_str()), (400, text));
    };
    wrong("site=nosuch", "{\"site\":[\"Select a valid choice. nosuch is not one of the available choices.\"]}");
    wrong("last_updated__gte=garbage", "{\"last_updated__gte\":[\"Enter a valid date/time.\"]}");
    wrong("status=bogus", "{\"status\":[\"Select a valid choice. bogus is not one of the available choices.\"]}");
}

#[test]
fn hidden_objects_and_denied_kinds() {
    let Fixture { sim, devices, .. } = Fixture::new();
    let client = Client::new(&sim);
    sim.hide(Kind::Device, devices[0]);
    assert_eq!(client.get("/api/dcim/devices/")["count"], 1);
    let gone = client.send("GET", &format!("/api/dcim/devices/{}/", devices[0]), None);
    assert_eq!((gone.status, gone.body.as_str()), (404, "{\"detail\":\"No Device matches the given query.\"}"));
    sim.deny(Kind::Device);
    let denied = client.send("GET", "/api/dcim/devices/", None);
    assert_eq!(denied.json()["detail"], "You do not have permission to perform this action.");
    assert_eq!(client.graphql("{device_list{id}}"), json!({"data": {"device_list": []}}));
    sim.allow(Kind::Device);
    sim.show(Kind::Device, devices[0]);
    assert_eq!(client.get("/api/dcim/devices/")["count"], 2);
}

#[test]
fn records_tell_what_came_in() {
    let Fixture { sim, .. } = Fixture::new();
    let client = Client::new(&sim);
    client.get("/api/dcim/sites/?limit=1");
    client.graphql("{site_list{id} device_list{id}}");
    client.post("/api/extras/tags/", json!({"name": "t", "slug": "t"}));
    assert_eq!(sim.request_count("GET", "dcim/sites"), 1);
    assert_eq!((sim.write_requests(), sim.written_objects()), (1, 1));
    assert_eq!(sim.requests()[1].graphql, ["site_list", "device_list"]);
    sim.forget_requests();
    assert!(sim.requests().is_empty());
}
