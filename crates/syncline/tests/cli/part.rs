//! Runs about a part of a sync, between two simulated systems.

use std::collections::BTreeSet;

use syncline_testkit::netbox::Kind;

use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn one_device_is_written_with_what_it_needs() {
    let world = World::new().await;
    let all = world.run(&["plan", "lab", "--full", "--json"]).exits(2).json();
    let device = all["changes"].as_array().unwrap().iter().find(|change| change["model"] == "device").unwrap();
    let record = format!("device:{}", device["key"]);

    let planned = world.run(&["plan", "lab", "--record", &record, "--full", "--json"]).exits(2).json();
    let changes = planned["changes"].as_array().unwrap();
    let models: BTreeSet<_> = changes.iter().map(|change| change["model"].as_str().unwrap()).collect();
    assert!(models.is_superset(&BTreeSet::from(["device", "device_type", "manufacturer", "site"])), "{models:?}");
    // Of its interfaces only those of its primary addresses, which it refers to.
    let interfaces = changes.iter().filter(|change| change["model"] == "interface").count();
    let devices = changes.iter().filter(|change| change["model"] == "device").count();
    assert!(interfaces <= 2, "{interfaces}");
    let ran = world.run(&["run", "lab", "--record", &record]).exits(0);
    assert!(ran.out.contains(", only device "), "{}", ran.out);
    assert_eq!((world.netbox.count(Kind::Device), world.netbox.count(Kind::Interface)), (devices, interfaces));

    // What is told is of the one record, though everything is read.
    let again = world.run(&["plan", "lab", "--record", &record]).exits(0);
    assert!(again.out.contains("Nothing to do: 1 record is equal on both sides"), "{}", again.out);

    let site = device["key"][0][0].as_str().unwrap();
    let at = world.run(&["run", "lab", "--model", "interface", "--site", site]).exits(0);
    assert!(at.out.contains(&format!(", only interfaces at {site}")), "{}", at.out);
    assert!(world.netbox.count(Kind::Interface) > interfaces && world.netbox.count(Kind::Device) > devices);

    let slip = world.run(&["plan", "lab", "--site", "nowhere"]).exits(1);
    assert!(slip.err.contains("neither side has site `nowhere`"), "{}", slip.err);
    let slip = world.run(&["plan", "lab", "--record", "device"]).exits(1);
    assert!(slip.err.contains("`device` is no record"), "{}", slip.err);
    let slip = world.run(&["run", "lab", "--model", "devize"]).exits(1);
    assert!(slip.err.contains("`devize` is no model; did you mean `device`?"), "{}", slip.err);

    // The rest comes with the next run about all of it, and then there is nothing left.
    world.run(&["run", "lab"]).exits(0);
    world.netbox.forget_requests();
    world.run(&["run", "lab"]).exits(0);
    assert_eq!(world.netbox.write_requests(), 0);
}
