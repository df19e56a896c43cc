//! Odd records: without a name, an address or a master, in a group twice, gone already.

use serde_json::{Value, json};
use syncline_core::history::{ChangeFilter, RunStatus};
use syncline_core::policy::{Deletes, Quarantine};
use syncline_testkit::netbox::Kind;
use syncline_testkit::zabbix::{ZabbixOptions, ZabbixSim};

use super::lab::{Lab, tags};

fn rules(lab: &mut Lab, name: &str, value: Value) {
    lab.sync.target.parameters["hosts"][name] = value;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_without_a_name_and_a_stack_without_a_master_harm_nobody() {
    let lab = Lab::new("7.0.9").await;
    lab.device("sw1");
    lab.seed(Kind::Device, &json!({"name": null, "site": 1, "device_type": 1, "role": 1}));
    lab.seed(Kind::VirtualChassis, &json!({"name": lab.named("stack")}));
    for position in [2, 1] {
        let member = lab.device(&format!("member{position}"));
        lab.netbox.edit(Kind::Device, member, &json!({"virtual_chassis": 1, "vc_position": position})).unwrap();
    }
    let report = lab.run().await;
    assert_eq!((report.status, report.outcomes["host"].applied), (RunStatus::Completed, 2), "{:?}", report.outcomes);
    let stack = lab.host("stack").await.unwrap();
    assert_eq!(stack["inventory"]["serialno_a"], format!("S-{}", lab.named("member1")), "the first member speaks");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_address_there_is_no_interface() {
    let mut lab = Lab::new("7.0.9").await;
    lab.device("sw1");
    rules(&mut lab, "interfaces", json!([{"type": "agent"}]));
    // Zabbix 6.0 has no simple checks on a host without an interface.
    rules(&mut lab, "templates", json!([]));
    assert_eq!(lab.run().await.outcomes["host"].applied, 1);
    assert_eq!(lab.host("sw1").await.unwrap()["interfaces"], json!([]));
    // Or there is no host, as the rules have it.
    rules(&mut lab, "when", json!("primary_ip"));
    lab.device("sw2");
    lab.run().await;
    assert!(lab.host("sw2").await.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_two_rules_give_is_one() {
    for version in ["6.0.14", "7.0.9"] {
        let mut lab = Lab::new(version).await;
        lab.device("sw1");
        let group = |name: &str| json!({"name": format!("{}/{name}", lab.mark)});
        let groups = json!([group("{{ site.name }}"), group("Bern"), group("{{ site.slug | title }}")]);
        rules(&mut lab, "groups", groups);
        assert_eq!(lab.run().await.outcomes["host"].applied, 1, "{version}");
        let host = lab.host("sw1").await.unwrap();
        assert_eq!(lab.groups(&host).into_iter().collect::<Vec<_>>(), ["Bern"], "{version}");
        assert_eq!(lab.run().await.summary.to_apply(), 0, "{version}");
    }
}

/// The id of an interface is asked for in the run that changes it.
#[tokio::test(flavor = "multi_thread")]
async fn an_interface_that_people_made_anew_is_the_one_that_changes() {
    for version in ["6.0.14", "7.0.9"] {
        let mut lab = Lab::new(version).await;
        // No item holds the interface.
        rules(&mut lab, "templates", json!([]));
        lab.device("sw1");
        lab.run().await;
        let host = lab.host("sw1").await.unwrap();
        let old = &host["interfaces"][0];
        lab.by_hand("hostinterface.delete", json!([old["interfaceid"]])).await;
        let anew = json!({
            "hostid": host["hostid"], "type": 2, "main": 1, "useip": 1, "ip": "192.0.2.9", "dns": "", "port": "161",
            "details": {"version": 2, "community": "{$SNMP_COMMUNITY}", "bulk": 1},
        });
        let made = lab.by_hand("hostinterface.create", anew).await;
        let report = lab.approved().await;
        assert_eq!(report.outcomes["host"].applied, 1, "{version}: {:?}", report.outcomes);
        let now = lab.host("sw1").await.unwrap()["interfaces"].clone();
        assert_eq!(now.as_array().unwrap().len(), 1, "{version}");
        assert_eq!((&now[0]["interfaceid"], &now[0]["dns"]), (&made["interfaceids"][0], &old["dns"]), "{version}");
    }
}

/// In an automatic inventory, items and rules would overwrite each other for ever.
#[tokio::test(flavor = "multi_thread")]
async fn what_items_fill_is_left_to_them() {
    for version in ["6.0.14", "7.0.9"] {
        let mut lab = Lab::new(version).await;
        lab.device("sw1");
        rules(&mut lab, "templates", json!([{"template": "Cisco IOS by SNMP"}]));
        let fields = json!({"name": "{{ name }}", "asset_tag": "{{ serial }}"});
        rules(&mut lab, "inventory", json!({"mode": "automatic", "fields": fields}));
        assert_eq!(lab.run().await.outcomes["host"].applied, 1, "{version}");
        let host = lab.host("sw1").await.unwrap();
        let fields = json!({"hostids": [host["hostid"]], "selectInventory": ["name", "asset_tag"]});
        let inventory = lab.ask("host.get", fields).await[0]["inventory"].clone();
        assert_eq!(inventory["asset_tag"], format!("S-{}", lab.named("sw1")), "{version}");
        assert_eq!(inventory["name"], "", "{version}: an item fills it");
        let again = lab.run().await;
        assert_eq!((again.status, again.summary.to_apply()), (RunStatus::Completed, 0), "{version}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_host_in_a_batch_of_five_hundred_costs_no_other() {
    let mut lab = Lab::new("7.0.9").await;
    lab.sync.target.connection["batch_size"] = json!(500);
    let device = |number: usize| {
        let name = lab.named(&format!("sw{number:03}"));
        json!({"name": name, "site": 1, "device_type": 1, "role": 1, "status": "active", "serial": format!("S{number}")})
    };
    let devices: Vec<_> = (0..500).map(device).collect();
    lab.netbox.seed_all(Kind::Device, &devices).unwrap();
    let group = lab.by_hand("hostgroup.create", json!([{"name": format!("{}-own", lab.mark)}])).await;
    let groups = json!([{"groupid": group["groupids"][0]}]);
    let person = json!({"host": lab.named("person"), "name": lab.named("sw250"), "groups": groups});
    lab.by_hand("host.create", person).await;
    let report = lab.run().await;
    let counts = &report.outcomes["host"];
    assert_eq!((counts.applied, counts.failed), (499, 1), "{:?}", report.outcomes);
    assert!(lab.host("sw250").await.is_none() && lab.host("sw251").await.is_some());
}

/// What is known of one server's hosts says nothing of another's.
#[tokio::test(flavor = "multi_thread")]
async fn two_servers_have_ids_of_their_own() {
    let mut lab = Lab::new("7.0.9").await;
    if lab.sim.is_none() {
        return;
    }
    for name in ["a", "b"] {
        lab.device(name);
    }
    lab.run().await;
    let first = lab.sync.target.connection.clone();
    let other = ZabbixSim::start(ZabbixOptions::default()).unwrap();
    let ids = |sim: &ZabbixSim| sim.hosts().into_iter().map(|host| host["hostid"].clone()).collect::<Vec<_>>();
    let token = lab.secret("other-token", other.token());
    lab.sync.target.connection["url"] = json!(other.url());
    lab.sync.target.connection["token"] = json!(token);
    let report = lab.run().await;
    assert_eq!((report.status, report.outcomes["host"].applied), (RunStatus::Completed, 2), "{:?}", report.outcomes);
    // Both count alike, so an id of one is somebody's in the other.
    assert_eq!(ids(&other), ids(lab.sim.as_ref().unwrap()));
    lab.sync.target.connection = first;
    let back = lab.run().await;
    assert_eq!((back.status, back.summary.to_apply()), (RunStatus::Completed, 0), "{:?}", back.summary);
}

/// A person's word counts until the last moment.
#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_people_keep_since_the_plan_is_left_alone() {
    let mut lab = Lab::new("7.0.9").await;
    let [gone, changed] = ["gone", "changed"].map(|name| lab.device(name));
    for name in ["a", "b", "c"] {
        lab.device(name);
    }
    lab.run().await;
    lab.run().await;
    lab.sync.policy.deletes = Deletes::Apply;
    lab.sync.policy.quarantine = Quarantine::off();
    lab.sync.auto_merge = false;
    lab.netbox.remove(Kind::Device, gone).unwrap();
    lab.netbox.edit(Kind::Device, changed, &json!({"serial": "NEW"})).unwrap();
    let waiting = lab.run().await;
    assert_eq!(waiting.status, RunStatus::AwaitingReview);
    for name in ["gone", "changed"] {
        let host = lab.host(name).await.unwrap();
        let mut tags = host["tags"].clone();
        tags.as_array_mut().unwrap().push(json!({"tag": "syncline-ignore", "value": ""}));
        lab.by_hand("host.update", json!({"hostid": host["hostid"], "tags": tags})).await;
    }
    let report = lab.approve(&waiting).await;
    let counts = &report.outcomes["host"];
    assert_eq!((counts.applied, counts.stale), (0, 2), "{:?}", report.outcomes);
    assert!(lab.host("gone").await.is_some());
    assert_ne!(lab.host("changed").await.unwrap()["inventory"]["serialno_a"], "NEW");
}

/// Who names another template in a rule is told what becomes of the one before.
#[tokio::test(flavor = "multi_thread")]
async fn a_template_that_no_rule_names_any_more_is_told() {
    let mut lab = Lab::new("7.0.9").await;
    lab.device("sw1");
    lab.run().await;
    rules(&mut lab, "templates", json!([{"template": "Generic by SNMP"}]));
    let report = lab.approved().await;
    assert_eq!(report.outcomes["host"].failed, 1, "{:?}", report.outcomes);
    let changes = lab.runner.history().changes(report.run, &ChangeFilter::default(), None, 10).await.unwrap();
    let reason = changes.items.iter().find_map(|change| change.reason.clone().filter(|_| change.model == "host"));
    let reason = reason.unwrap_or_default();
    assert!(reason.ends_with("unlink it by hand, or list it in `managed_templates`"), "{reason}");
    rules(&mut lab, "managed_templates", json!(["ICMP Ping"]));
    assert_eq!(lab.approved().await.outcomes["host"].applied, 1);
}

/// Two syncs may make different things of one host: each knows it by a tag of its own.
#[tokio::test(flavor = "multi_thread")]
async fn two_syncs_share_a_host_without_a_fight() {
    let mut lab = Lab::new("7.0.9").await;
    lab.device("sw1");
    lab.sync.policy.adopt = serde_json::from_value(json!("matched")).unwrap();
    assert_eq!(lab.run().await.outcomes["host"].applied, 1);
    let first = lab.sync.clone();
    let mut second = lab.sync.clone();
    second.name = "other".to_owned();
    let hosts = second.target.parameters["hosts"].as_object_mut().unwrap();
    hosts.insert("origin".to_owned(), json!(format!("{}-other", lab.mark)));
    for managed in ["templates", "interfaces", "tags", "macros", "inventory"] {
        hosts.remove(managed);
    }
    hosts.insert("tags".to_owned(), json!([{"tag": "owner", "value": "kim"}]));
    hosts.insert("groups".to_owned(), json!([{"name": format!("{}/Others", lab.mark)}]));
    lab.sync = second.clone();
    let taken = lab.approved().await;
    assert_eq!(taken.outcomes["host"].applied, 1, "{:?}", taken.outcomes);
    for sync in [&first, &second, &first, &second] {
        lab.sync = sync.clone();
        let report = lab.run().await;
        assert_eq!((report.status, report.summary.to_apply()), (RunStatus::Completed, 0), "{:?}", report.summary);
    }
    let host = lab.host("sw1").await.unwrap();
    assert_eq!(tags(&host).iter().filter(|tag| tag.starts_with("syncline=")).count(), 2, "{:?}", tags(&host));
    assert_eq!(lab.groups(&host).into_iter().collect::<Vec<_>>(), ["Others", "Roles/Access", "Sites/Bern"]);
}
