//! Exchanges recorded from a real Nautobot 3.2.7, replayed over HTTP; and what the simulator does besides.

mod exchanges;
mod faults;
mod size;
mod times;
mod versions;

use serde_json::{Value as Json, json};

use super::{NautobotOptions, NautobotSim};
use crate::http::client::{Answer, send};

/// A server with a location, a type of device, a role and a device with an interface.
struct Fixture {
    sim: NautobotSim,
    location: String,
    device: String,
    interface: String,
}

impl Fixture {
    fn new() -> Self {
        Self::with(NautobotOptions::default())
    }

    fn with(options: NautobotOptions) -> Self {
        let sim = NautobotSim::start(options).unwrap();
        let seed = |list: &str, body: Json| sim.seed(list, &body).unwrap();
        let active = json!({"name": "Active"});
        let of_type =
            seed("dcim/location-types", json!({"name": "Site", "content_types": ["dcim.device", "ipam.vlan"]}));
        let location = seed("dcim/locations", json!({"name": "Bern", "location_type": of_type, "status": active}));
        let maker = seed("dcim/manufacturers", json!({"name": "Acme"}));
        let device_type = seed("dcim/device-types", json!({"manufacturer": maker, "model": "X1"}));
        let role = seed("extras/roles", json!({"name": "Access", "content_types": ["dcim.device"]}));
        let device = json!({
            "name": "sw1", "location": location, "role": role, "device_type": device_type, "status": active,
        });
        let device = seed("dcim/devices", device);
        let interface = json!({"name": "Eth1", "device": device, "type": "1000base-t", "status": active});
        let interface = seed("dcim/interfaces", interface);
        Self { sim, location, device, interface }
    }

    /// Sends a request; `None` when the server is gone or the connection broke before an answer.
    fn try_send(&self, method: &str, path: &str, body: Option<&Json>) -> Option<Answer> {
        let mut headers = vec![("Authorization", format!("Token {}", self.sim.token()))];
        if body.is_some() {
            headers.push(("Content-Type", "application/json".to_owned()));
        }
        send(self.sim.url(), method, path, &headers, body.map(Json::to_string).as_deref())
    }

    fn send(&self, method: &str, path: &str, body: Option<&Json>) -> Answer {
        self.try_send(method, path, body).unwrap_or_else(|| panic!("no answer to {method} {path}"))
    }

    fn graphql(&self, query: &str) -> Json {
        self.send("POST", "/api/graphql/", Some(&json!({"query": query}))).json()
    }
}

#[test]
fn others_change_objects() {
    let fixture = Fixture::new();
    let read = || fixture.graphql("{devices{last_updated serial}}")["data"]["devices"][0].clone();
    let before = read();
    fixture.sim.edit("dcim/devices", &fixture.device, &json!({"serial": "A1"})).unwrap();
    let after = read();
    assert_eq!((before["serial"].as_str(), after["serial"].as_str()), (Some(""), Some("A1")));
    assert!(before["last_updated"].as_str() < after["last_updated"].as_str());
    let changes = fixture.sim.changes();
    let shown: Vec<_> = changes.iter().map(|change| (change.user.as_str(), change.action.as_str())).collect();
    assert_eq!(shown, [("somebody else", "update")]);
    let refused = fixture.sim.edit("dcim/devices", &fixture.device, &json!({"status": {"name": "Retired"}}));
    assert!(refused.unwrap_err().answer.contains("Related object not found"));
    fixture.sim.remove("dcim/interfaces", &fixture.interface).unwrap();
    assert_eq!((fixture.sim.count("dcim/interfaces"), fixture.sim.writes()), (0, 0));
}

#[test]
fn writes_are_counted() {
    let fixture = Fixture::new();
    let tags = json!([{"name": "a", "content_types": []}, {"name": "b", "content_types": []}]);
    assert_eq!(fixture.send("POST", "/api/extras/tags/", Some(&tags)).status, 201);
    assert_eq!(fixture.send("POST", "/api/extras/tags/", Some(&tags)).status, 400);
    assert_eq!((fixture.sim.writes(), fixture.sim.write_requests()), (2, 2));
    assert_eq!(fixture.sim.request_count("POST", "extras/tags"), 2);
    let changes = fixture.sim.changes();
    assert_eq!(changes.len(), 2);
    assert_eq!(changes[0].request_id, changes[1].request_id);
    assert_eq!(fixture.sim.objects("extras/tags").len(), 2);
    assert_eq!(fixture.sim.object("dcim/locations", &fixture.location).unwrap()["name"], "Bern");
    fixture.sim.forget_requests();
    assert_eq!(fixture.sim.writes(), 0);
}

#[test]
fn rights_are_taken_away() {
    let fixture = Fixture::new();
    let ask = || fixture.graphql("{devices{location{name}} locations{name}}")["data"].clone();
    let seen = json!({"devices": [{"location": {"name": "Bern"}}], "locations": [{"name": "Bern"}]});
    let unseen = json!({"devices": [{"location": null}], "locations": []});
    fixture.sim.deny("dcim/locations");
    assert_eq!(ask(), unseen);
    assert_eq!(fixture.send("GET", "/api/dcim/locations/?limit=1", None).status, 403);
    fixture.sim.allow("dcim/locations");
    assert_eq!(ask(), seen);
    fixture.sim.hide(&fixture.location);
    assert_eq!(ask(), unseen);
    assert_eq!(fixture.send("GET", "/api/dcim/locations/?limit=1", None).json()["count"], 0);
    assert_eq!(fixture.send("GET", &format!("/api/dcim/locations/{}/", fixture.location), None).status, 404);
    fixture.sim.show(&fixture.location);
    assert_eq!(ask(), seen);
}
