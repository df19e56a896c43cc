//! What a target has that rules can name.

use serde_json::{Value, json};
use syncline_testkit::zabbix::{ZabbixOptions, ZabbixSim};

use crate::command::syncline_with;
use crate::world::World;

#[test]
fn a_connection_is_enough_to_pick_from() {
    let zabbix = ZabbixSim::start(ZabbixOptions::default()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let text = format!(
        "[connections.monitoring]\nconnector = \"zabbix\"\nurl = \"{}\"\ntoken = \"env:TOKEN\"\n",
        zabbix.url()
    );
    std::fs::write(folder.path().join("syncline.toml"), text).unwrap();
    let run = |arguments: &[&str]| syncline_with(folder.path(), &[("TOKEN", zabbix.token())], arguments);

    let all = run(&["catalogue", "monitoring", "--json"]).exits(0).json();
    assert_eq!((&all["connection"], &all["connector"]), (&json!("monitoring"), &json!("zabbix")));
    let names: Vec<_> = all["catalogues"].as_array().unwrap().iter().map(|found| found["name"].clone()).collect();
    assert!(names.contains(&json!("templates")) && names.contains(&json!("host_groups")), "{names:?}");

    let templates = run(&["catalogue", "monitoring", "templates", "--json"]).exits(0).json();
    assert_eq!(templates["catalogues"].as_array().unwrap().len(), 1);
    let entries = templates["catalogues"][0]["entries"].as_array().unwrap();
    assert!(entries.iter().any(|entry| entry["name"] == "ICMP Ping" && entry["id"].is_string()), "{entries:?}");
    assert_eq!(templates["catalogues"][0]["unreadable"], Value::Null);
    let told = run(&["catalogue", "monitoring", "templates"]).exits(0);
    assert!(told.out.starts_with("templates ") && told.out.contains("ICMP Ping"), "{}", told.out);

    let mistyped = run(&["catalogue", "monitoring", "template"]).exits(1);
    insta::assert_snapshot!(mistyped.err);
    let unknown = run(&["catalogue", "monitorin"]).exits(1);
    assert!(
        unknown.err.contains("there is no connection or sync `monitorin`; did you mean `monitoring`?"),
        "{}",
        unknown.err
    );
    assert_eq!(zabbix.write_requests(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_without_catalogues_says_so() {
    let world = World::new().await;
    let none = world.run(&["catalogue", "lab"]).exits(1);
    insta::assert_snapshot!(none.err);
    let source = world.run(&["catalogue", "forward"]).exits(1);
    insta::assert_snapshot!(source.err);
}
