//! Mapping rules between a Forward and a NetBox.

use serde_json::{Value, json};
use syncline_core::mapping::Mapping;
use syncline_core::policy::{Deletes, Policy, Quarantine};
use syncline_testkit::netbox::Kind;

use crate::lab::{Lab, applied, changes, find};

fn rules(rules: Value) -> Mapping {
    serde_json::from_value(rules).unwrap()
}

/// What rules say arrives, references follow, a second run has nothing to do, and nothing is deleted for what a rule leaves out.
#[tokio::test(flavor = "multi_thread")]
async fn what_rules_say_arrives() {
    let mut lab = Lab::new().await;
    lab.sync.mapping = rules(json!([
        {"model": "site", "field": "slug", "template": "net-{{ slug }}"},
        {"model": "device", "field": "name", "template": "{{ name | upper }}"},
        {"model": "device", "field": "serial", "value": "classified", "when": "serial"},
    ]));
    let report = lab.run().await;
    Lab::completed(&report);
    let sites = lab.netbox.objects(Kind::Site);
    assert!(
        !sites.is_empty() && sites.iter().all(|site| site["slug"].as_str().unwrap().starts_with("net-")),
        "{sites:?}"
    );
    let synced = devices(&lab);
    for device in &synced {
        let name = device["name"].as_str().unwrap();
        assert_eq!(name, name.to_uppercase());
        assert!(["classified", ""].contains(&device["serial"].as_str().unwrap_or_default()), "{device}");
    }
    assert_eq!(lab.run().await.total(), applied(0), "a second run has nothing to do");

    // The rule that leaves one out is new, and the device is there: it stays.
    let one = synced[0]["name"].as_str().unwrap().to_owned();
    let mut more = lab.sync.mapping.0.clone();
    more.push(
        serde_json::from_value(json!({"model": "device", "when": format!("name == '{one}'"), "leave_out": true}))
            .unwrap(),
    );
    lab.sync.mapping = Mapping(more);
    for _ in 0..3 {
        let report = lab.run().await;
        assert_eq!((report.total().applied, report.total().failed), (0, 0));
    }
    assert!(find(&devices(&lab), "name", &one).is_some());
}

/// A part that a rule leaves out stays in the target, although nothing else would keep it.
#[tokio::test(flavor = "multi_thread")]
async fn parts_that_are_left_out_stay() {
    let mut lab = Lab::new().await;
    deletes_at_once(&mut lab);
    let report = lab.run().await;
    Lab::completed(&report);
    let before = lab.netbox.objects(Kind::Interface).len();
    let name = lab.netbox.objects(Kind::Interface)[0]["name"].as_str().unwrap().to_owned();
    lab.sync.mapping = rules(json!([{"model": "interface", "when": format!("name == '{name}'"), "leave_out": true}]));
    // The first run after the change of rules deletes nothing anyway.
    let mut held = String::new();
    for _ in 0..3 {
        let report = lab.run().await;
        assert_eq!(report.total().failed, 0);
        let mut of_interfaces = changes(&report).into_iter().filter(|change| change.model == "interface");
        held = of_interfaces.find_map(|change| Some(change.hold?.reason)).unwrap();
        assert_eq!(lab.netbox.objects(Kind::Interface).len(), before);
    }
    assert_eq!(held, "the source has it, and a mapping rule leaves it out");
}

/// Rules that cannot be understood, or look at what the source does not tell, end the run before anything is read.
#[tokio::test(flavor = "multi_thread")]
async fn rules_that_cannot_be_followed_are_refused() {
    let mut lab = Lab::new().await;
    let mut told = Vec::new();
    for rule in [
        json!({"model": "device", "field": "nam", "value": "x"}),
        json!({"model": "device", "field": "name", "template": "{{ config_context }}"}),
    ] {
        lab.sync.mapping = rules(json!([rule]));
        let report = lab.run().await;
        told.push(report.error.unwrap().to_string());
        assert!(lab.netbox.objects(Kind::Site).is_empty());
    }
    insta::assert_snapshot!(told.join("\n"));
}

fn devices(lab: &Lab) -> Vec<Value> {
    lab.netbox.objects(Kind::Device)
}

/// Deletes whatever is gone, at once.
fn deletes_at_once(lab: &mut Lab) {
    lab.sync.policy = Policy { deletes: Deletes::Apply, quarantine: Quarantine::off(), ..Policy::default() };
    lab.sync.policy.guards.deletes_refused_percent = 100;
}

/// The target knows it by the name that it had before there were rules.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_out_stays_under_its_old_name() {
    let mut lab = Lab::new().await;
    deletes_at_once(&mut lab);
    Lab::completed(&lab.run().await);
    let name = devices(&lab)[0]["name"].as_str().unwrap().to_owned();
    lab.sync.mapping = rules(json!([
        {"model": "device", "when": format!("name == '{name}'"), "field": "name", "value": "left-out"},
        {"model": "device", "when": "name == 'left-out'", "leave_out": true},
    ]));
    for _ in 0..2 {
        let report = lab.run().await;
        let held = changes(&report).into_iter().find(|change| change.model == "device").and_then(|change| change.hold);
        assert_eq!(held.unwrap().reason, "the source has it, and a mapping rule leaves it out");
        assert!(find(&devices(&lab), "name", &name).is_some());
    }
}

/// What refers to it keeps the reference that it has: nobody said that there is none.
#[tokio::test(flavor = "multi_thread")]
async fn a_reference_to_what_is_left_out_stays() {
    let mut lab = Lab::new().await;
    Lab::completed(&lab.run().await);
    let addressed = devices(&lab).into_iter().find(|device| !device["primary_ip4"].is_null()).unwrap();
    let address = addressed["primary_ip4"]["address"].as_str().unwrap().to_owned();
    lab.sync.mapping =
        rules(json!([{"model": "ip_address", "when": format!("address == '{address}'"), "leave_out": true}]));
    for _ in 0..2 {
        let report = lab.run().await;
        let cleared =
            changes(&report).into_iter().flat_map(|change| change.fields).filter(|field| field.name == "primary_ip4");
        assert_eq!(cleared.map(|field| field.after).collect::<Vec<_>>(), Vec::<Value>::new());
        assert!(report.source["ip_address"].skipped.values().sum::<u64>() > 0);
    }
}

/// A rule that a record does not bear rejects it, which the run tells as it tells what a system says wrongly.
#[tokio::test(flavor = "multi_thread")]
async fn what_rules_reject_is_told_of_the_run() {
    let mut lab = Lab::new().await;
    let read = lab.run().await.source["vlan"].records;
    lab.sync.mapping = rules(json!([{"model": "vlan", "field": "vid", "template": "{{ name }}?"}]));
    let report = lab.run().await;
    let vlans = &report.source["vlan"];
    assert_eq!((vlans.records, vlans.rejected, report.rejected()), (read, read, read));
    assert!(vlans.doubt.is_some() && report.rejections().next().is_some());
}
