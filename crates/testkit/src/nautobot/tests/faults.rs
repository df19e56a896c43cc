//! What the simulator does on demand.

use serde_json::{Value as Json, json};

use super::Fixture;
use crate::nautobot::{Effect, Fault};

#[test]
fn requests_meet_faults() {
    let fixture = Fixture::new();
    let get = || fixture.send("GET", "/api/dcim/devices/?limit=1", None);
    let with = |effect: Effect| {
        fixture.sim.faults().clear();
        fixture.sim.faults().add(Fault::on("dcim/devices", effect).times(1));
    };
    with(Effect::HtmlBadGateway);
    assert_eq!(get().status, 502);
    assert_eq!(get().status, 200);
    with(Effect::Unavailable { retry_after: 7 });
    let answer = get();
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("7")));
    with(Effect::TooManyRequests { retry_after: 1 });
    assert_eq!((get().status, get().status), (429, 200));
    with(Effect::Forbidden);
    assert_eq!(get().json()["detail"], "You do not have permission to perform this action.");
    with(Effect::Deadlock);
    assert_eq!(get().json()["exception"], "OperationalError");
    with(Effect::CutBody(10));
    let answer = get();
    assert!(!answer.complete && answer.body.len() == 10);
    with(Effect::ShortPage(1));
    let answer = get().json();
    assert_eq!((answer["count"].as_u64(), answer["results"].as_array().map(Vec::len)), (Some(1), Some(0)));
    with(Effect::MissingCount);
    assert_eq!(get().json()["count"], Json::Null);
    with(Effect::Kill);
    assert!(fixture.try_send("GET", "/api/dcim/devices/", None).is_none());
}

#[test]
fn a_page_comes_again() {
    let fixture = Fixture::new();
    let get = |query: &str| fixture.send("GET", &format!("/api/dcim/devices/?{query}"), None).json();
    fixture.sim.faults().add(Fault::on("dcim/devices", Effect::RepeatPage).after(1).times(1));
    let first = get("limit=1");
    assert_eq!(get("offset=1"), first);
    assert_eq!(get("offset=1")["results"], json!([]));
}

#[test]
fn somebody_is_faster() {
    let fixture = Fixture::new();
    fixture.sim.faults().add(Fault::on("dcim/interfaces", Effect::Overtake).method("PATCH"));
    let before = fixture.sim.object("dcim/interfaces", &fixture.interface).unwrap();
    let body = json!([{"id": fixture.interface, "mtu": 1500}]);
    let answer = fixture.send("PATCH", "/api/dcim/interfaces/", Some(&body)).json();
    assert_eq!(answer[0]["description"], "changed by somebody else");
    assert_ne!(before["last_updated"], answer[0]["last_updated"]);
}

#[test]
fn objects_are_refused() {
    let fixture = Fixture::new();
    fixture.sim.faults().refuse("extras/tags", "name", "b", "not this one");
    let tags = json!([{"name": "a", "content_types": []}, {"name": "b", "content_types": []}]);
    let answer = fixture.send("POST", "/api/extras/tags/", Some(&tags));
    assert_eq!((answer.status, answer.json()), (400, json!([{}, {"name": ["not this one"]}])));
    assert_eq!(fixture.sim.count("extras/tags"), 0);
}

#[test]
fn a_page_loses_a_record() {
    let fixture = Fixture::new();
    fixture.sim.shorten("dcim/devices");
    assert_eq!(fixture.graphql("{devices(limit:1000){id}}")["data"]["devices"], json!([]));
    assert_eq!(fixture.send("GET", "/api/dcim/devices/?limit=1", None).json()["count"], 1);
    let asked = format!("{{devices(id:[\"{}\"]){{name}}}}", fixture.device);
    assert_eq!(fixture.graphql(&asked)["data"]["devices"], json!([{"name": "sw1"}]));
    fixture.sim.faults().clear();
    assert_eq!(fixture.graphql("{devices{name}}")["data"]["devices"], json!([{"name": "sw1"}]));
}
