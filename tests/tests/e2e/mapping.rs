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
    let devices = |lab: &Lab| lab.netbox.objects(Kind::Device);
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
    lab.sync.policy = Policy { deletes: Deletes::Apply, quarantine: Quarantine::off(), ..Policy::default() };
    lab.sync.policy.guards.deletes_refused_percent = 100;
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
