//! Faults on demand.

use std::time::Duration;

use serde_json::json;

use super::super::{Effect, Fault, Kind};
use super::{Client, Fixture};

#[test]
fn a_fault_meets_the_requests_that_it_is_for() {
    let Fixture { sim, .. } = Fixture::new();
    let client = Client::new(&sim);
    sim.faults().add(Fault::on("dcim/sites", Effect::HtmlBadGateway).method("GET").after(1).times(1));
    let status = |path: &str| client.send("GET", path, None).status;
    assert_eq!(status("/api/dcim/sites/"), 200);
    assert_eq!(status("/api/dcim/devices/"), 200);
    let broken = client.send("GET", "/api/dcim/sites/", None);
    assert_eq!((broken.status, broken.header("content-type")), (502, Some("text/html; charset=utf-8")));
    assert_eq!(status("/api/dcim/sites/"), 200);
}

#[test]
fn a_server_that_is_busy_says_when_to_come_back() {
    let Fixture { sim, .. } = Fixture::new();
    sim.faults().add(Fault::on("/graphql/", Effect::Unavailable { retry_after: 7 }));
    let answer = Client::new(&sim).send("POST", "/graphql/", Some(&json!({"query": "{site_list{id}}"})));
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("7")));
    sim.faults().clear();
    sim.faults().add(Fault::on("site_list", Effect::Forbidden));
    let client = Client::new(&sim);
    assert_eq!(client.send("POST", "/graphql/", Some(&json!({"query": "{site_list{id}}"}))).status, 403);
    assert_eq!(client.send("POST", "/graphql/", Some(&json!({"query": "{tag_list{id}}"}))).status, 200);
}

#[test]
fn a_body_breaks_off() {
    let Fixture { sim, .. } = Fixture::new();
    sim.faults().add(Fault::on("dcim/devices", Effect::CutBody(100)));
    let answer = Client::new(&sim).try_send("GET", "/api/dcim/devices/", None);
    assert!(answer.is_none_or(|answer| !answer.complete && answer.body.len() <= 100));
}

#[test]
fn pages_lie() {
    let Fixture { sim, .. } = Fixture::new();
    let client = Client::new(&sim);
    let path = |offset: u64| format!("/api/dcim/interfaces/?limit=1&offset={offset}&fields=id");
    sim.faults().add(Fault::on("offset=0", Effect::ShortPage(1)));
    let short = client.get(&path(0));
    assert_eq!(short, json!({"count": 3, "next": null, "previous": null, "results": []}));
    sim.faults().clear();
    sim.faults().add(Fault::on("dcim/interfaces", Effect::MissingCount));
    assert_eq!(client.get(&path(0)).get("count"), None);
    sim.faults().clear();
    sim.faults().add(Fault::on("dcim/interfaces", Effect::RepeatPage).after(1).times(1));
    let first = client.get(&path(0));
    assert_eq!(client.get(&path(1)), first);
    assert_ne!(client.get(&path(2)), first);
    sim.faults().clear();
    sim.faults().add(Fault::on("interface_list", Effect::ShortPage(2)));
    assert_eq!(client.graphql("{interface_list{id}}")["data"]["interface_list"].as_array().map(Vec::len), Some(1));
}

#[test]
fn a_refused_object_is_refused_everywhere() {
    let fixture = Fixture::new();
    let client = Client::new(&fixture.sim);
    fixture.sim.faults().refuse(Kind::Device, "serial", "REFUSE", "no such serial");
    let mut bad = fixture.device("bad");
    bad["serial"] = json!("REFUSE");
    client.write(
        "POST",
        "/api/dcim/devices/",
        json!([fixture.device("good"), bad]),
        400,
        "{\"serial\":[\"no such serial\"]}",
    );
    client.write("POST", "/api/dcim/devices/", json!([fixture.device("good")]), 201, "");
    let path = format!("/api/dcim/devices/{}/", fixture.devices[0]);
    client.write("PATCH", &path, json!({"serial": "REFUSE"}), 400, "no such serial");
}

#[test]
fn somebody_else_is_faster() {
    let Fixture { sim, .. } = Fixture::new();
    let client = Client::new(&sim);
    let before = sim.object(Kind::Interface, 1).unwrap();
    let etag = client.send("GET", "/api/dcim/interfaces/1/", None).header("etag").unwrap().to_owned();
    sim.faults().add(Fault::on("dcim/interfaces", Effect::Overtake).method("PATCH").times(1));
    let stale = Client::new(&sim).with("If-Match", &etag);
    stale.write("PATCH", "/api/dcim/interfaces/1/", json!({"mtu": 1500}), 412, "");
    let after = sim.object(Kind::Interface, 1).unwrap();
    assert_eq!(after["description"], "changed by somebody else");
    assert_ne!(after["last_updated"], before["last_updated"]);
}

#[test]
fn crossed_lists_deadlock_and_sorted_ones_do_not() {
    let Fixture { sim, devices, .. } = Fixture::new();
    let list = |tag: &str, order: [u64; 2]| {
        json!(order.map(|device| json!({"device": device, "name": format!("{tag}{device}"), "type": "virtual"})))
    };
    let send = |body: serde_json::Value| Client::new(&sim).send("POST", "/api/dcim/interfaces/", Some(&body)).status;
    // The second list comes once the first is under way.
    let both = |first: serde_json::Value, second: serde_json::Value| {
        std::thread::scope(|scope| {
            let first = scope.spawn(|| send(first));
            while sim.lists_under_way() == 0 {
                std::thread::yield_now();
            }
            [send(second), first.join().unwrap()]
        })
    };
    let [a, b] = devices;
    sim.faults().deadlocks = Some(Duration::from_mins(10));
    assert_eq!(both(list("p", [a, b]), list("q", [b, a])), [500, 201]);
    sim.faults().deadlocks = Some(Duration::from_millis(200));
    assert_eq!(both(list("r", [a, b]), list("s", [a, b])), [201, 201]);
    let once = Fault::on("dcim/interfaces", Effect::Deadlock).times(1);
    sim.faults().add(once);
    let answer = Client::new(&sim).send("POST", "/api/dcim/interfaces/", Some(&list("t", [a, b])));
    assert_eq!(answer.json()["exception"], "OperationalError");
}

#[test]
fn a_killed_server_is_gone() {
    let Fixture { mut sim, .. } = Fixture::new();
    sim.faults().add(Fault::on("/api/", Effect::Kill).after(1));
    let client = Client::new(&sim);
    assert_eq!(client.send("GET", "/api/dcim/sites/", None).status, 200);
    assert!(client.try_send("GET", "/api/dcim/sites/", None).is_none());
    sim.stop();
    assert!(Client::new(&sim).try_send("GET", "/api/dcim/sites/", None).is_none());
    assert_eq!(sim.count(Kind::Site), 1, "the objects stay readable");
}
