//! The tables hold together, what may not be seen is not taken for something else, and a connection test tells what a run would stumble
//! over.

use serde_json::json;
use syncline_conformance::Secret;
use syncline_core::prelude::*;
use syncline_model::AnyKey;
use syncline_testkit::nautobot::{NautobotOptions, NautobotSim};
use uuid::Uuid;

use crate::Nautobot;
use crate::read::{GLOBAL, Known};
use crate::tables::{Kind, TABLES};

#[test]
fn what_is_referred_to_is_read_first() {
    for (at, table) in TABLES.iter().enumerate() {
        for column in table.columns {
            assert!(table.schema.position(column.field).is_some(), "{}.{}", table.schema.name, column.field);
            let before = |model| TABLES[..at].iter().any(|other| other.schema.name == model);
            let is_by_itself =
                matches!(column.kind, Kind::Chassis | Kind::Address | Kind::Interface | Kind::Assigned | Kind::Itself);
            let is_read = is_by_itself || table.refers_to(column).is_none_or(before);
            assert!(is_read, "{}.{}", table.schema.name, column.field);
        }
    }
}

#[tokio::test]
async fn a_connection_test_tells_what_the_location_type_of_sites_lacks() {
    let sim = NautobotSim::start(NautobotOptions::default()).unwrap();
    let token = Secret::new(sim.token()).unwrap();
    let warnings = async |more: Value| {
        let mut connection = json!({"url": sim.url(), "token": token.reference(), "http": {"proxy": "off"}});
        connection.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let connection = serde_json::from_value(connection).unwrap();
        let target = Nautobot::connect_target(connection, NoSettings {}, ConnectContext::default()).await.unwrap();
        target.check().await.unwrap().warnings
    };
    insta::assert_debug_snapshot!(warnings(json!({})).await, @r#"
    [
        "Nautobot has no location type `Site`: make one with the content types device, prefix and VLAN, or name another as `location_type`. The token sees none: it may lack the right",
    ]
    "#);
    let region = sim.seed("dcim/location-types", &json!({"name": "Region"})).unwrap();
    let site = json!({"name": "Site", "parent": region, "content_types": ["dcim.device", "ipam.vlan"]});
    sim.seed("dcim/location-types", &site).unwrap();
    insta::assert_debug_snapshot!(warnings(json!({})).await, @r#"
    [
        "the location type of sites lacks its content type ipam.prefix",
        "the location type of sites lacks its parent: give `location_parent`",
    ]
    "#);
    let active = sim.objects("extras/statuses")[0]["id"].clone();
    sim.seed("dcim/locations", &json!({"name": "Switzerland", "location_type": region, "status": active})).unwrap();
    let told = warnings(json!({"location_parent": "Switzerland"})).await;
    assert_eq!(told, ["the location type of sites lacks its content type ipam.prefix"]);
}

/// GraphQL leaves out what the token may not see.
#[test]
fn a_namespace_that_cannot_be_seen_is_not_that_of_a_vrf() {
    let mut known = Known::default();
    let blue = AnyKey::from_value(&json!(["blue"])).unwrap();
    known.vrfs.insert(Uuid::nil(), vec![blue]);
    assert_eq!(known.vrf_of_namespace(&json!({"id": Uuid::max(), "name": GLOBAL})).unwrap(), Value::Null);
    assert!(matches!(known.vrf_of_namespace(&Value::Null), Err(NoRecord::Reject { .. })));
}
