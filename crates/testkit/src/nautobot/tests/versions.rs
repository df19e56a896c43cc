//! What older versions lack.

use serde_json::json;

use super::Fixture;
use crate::nautobot::NautobotOptions;

#[test]
fn interfaces_had_no_speed() {
    let fixture = Fixture::with(NautobotOptions { version: "2.4.21".to_owned(), ..NautobotOptions::default() });
    let status = fixture.send("GET", "/api/status/", None);
    assert_eq!(
        (status.header("api-version"), status.json()["nautobot-version"].as_str()),
        (Some("2.4"), Some("2.4.21"))
    );
    let answer = fixture.send("POST", "/api/graphql/", Some(&json!({"query": "{interfaces{speed}}"})));
    assert_eq!(answer.status, 400);
    assert!(answer.body.contains("Cannot query field 'speed' on type 'InterfaceType'."), "{}", answer.body);
    let described = fixture.graphql(
        "{i: __type(name: \"InterfaceType\") {fields {name}} d: __type(name: \"DeviceType\") {fields {name}}}",
    );
    let names = |of: &str| described["data"][of]["fields"].to_string();
    assert!(!names("i").contains("\"speed\"") && names("i").contains("\"mtu\""));
    assert!(!names("d").contains("\"clusters\"") && names("d").contains("\"cluster\""));
    let one = fixture.sim.object("dcim/interfaces", &fixture.interface).unwrap();
    assert_eq!((one.get("speed"), one.get("mtu")), (None, Some(&json!(null))));
    let body = json!([{"id": fixture.interface, "speed": 1000, "mtu": 1500}]);
    assert_eq!(fixture.send("PATCH", "/api/dcim/interfaces/", Some(&body)).json()[0]["mtu"], 1500);
}

#[test]
fn interfaces_have_a_speed() {
    let fixture = Fixture::new();
    let body = json!([{"id": fixture.interface, "speed": 1_000_000}]);
    assert_eq!(fixture.send("PATCH", "/api/dcim/interfaces/", Some(&body)).json()[0]["speed"], 1_000_000);
    assert_eq!(fixture.graphql("{interfaces{speed type}}")["data"]["interfaces"][0]["type"], "A_1000BASE_T");
}
