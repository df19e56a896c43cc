//! What an undo gives back of a host that is gone: also what people had put on it.

use serde_json::{Value, json};
use syncline_core::history::{ChangeFilter, RunStatus};
use syncline_core::policy::{Deletes, Quarantine};
use syncline_testkit::netbox::Kind;

use super::lab::Lab;

/// A host with all that people put on it, without the ids that a new one has anew.
async fn whole(lab: &Lab, name: &str) -> Value {
    let query = json!({
        "output": ["host", "name", "status", "description", "inventory_mode"],
        "filter": {"host": [lab.named(name)]},
        "selectInterfaces": ["type", "main", "useip", "ip", "dns", "port", "details"],
        "selectTags": ["tag", "value"],
        "selectMacros": ["macro", "value", "type"],
        "selectInventory": ["serialno_a", "model", "location"],
        "selectParentTemplates": ["host"],
        (lab.groups_of_hosts()): ["name"],
    });
    let mut host = lab.ask("host.get", query).await[0].clone();
    let host_object = host.as_object_mut().unwrap();
    host_object.remove("hostid");
    for list in host_object.values_mut().filter_map(Value::as_array_mut) {
        for one in list.iter_mut().filter_map(Value::as_object_mut) {
            one.retain(|name, _| !name.ends_with("id"));
        }
        list.sort_by_key(ToString::to_string);
    }
    host
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_host_comes_back_with_what_people_had_on_it() {
    for version in ["6.0.14", "7.0.9", "7.4.0"] {
        let mut lab = Lab::new(version).await;
        let gone = lab.device("gone");
        for name in ["a", "b", "c"] {
            lab.device(name);
        }
        lab.run().await;
        lab.run().await;
        let host = lab.host("gone").await.unwrap();
        let group = lab.by_hand("hostgroup.create", json!([{"name": format!("{}-own", lab.mark)}])).await;
        let linux = json!({"filter": {"host": ["Linux by Zabbix agent", "ICMP Ping"]}, "output": ["templateid"]});
        let linux = lab.ask("template.get", linux).await;
        let agent = json!({"hostid": host["hostid"], "type": 1, "main": 1, "useip": 1, "ip": "192.0.2.7", "dns": "", "port": "10050"});
        lab.by_hand("hostinterface.create", agent).await;
        let groups = host["groups"].as_array().unwrap().iter().map(|group| json!({"groupid": group["groupid"]}));
        let groups: Value = groups.chain([json!({"groupid": group["groupids"][0]})]).collect();
        let mut tags = host["tags"].clone();
        tags.as_array_mut().unwrap().push(json!({"tag": "owner", "value": "kim"}));
        let by_hand = json!({
            "hostid": host["hostid"], "description": "ask kim first", "groups": groups, "tags": tags, "templates": linux,
            "inventory": {"location": "by the door"},
        });
        lab.by_hand("host.update", by_hand).await;
        lab.by_hand("usermacro.create", json!({"hostid": host["hostid"], "macro": "{$OWN}", "value": "kept"})).await;
        let before = whole(&lab, "gone").await;

        lab.sync.policy.deletes = Deletes::Apply;
        lab.sync.policy.quarantine = Quarantine::off();
        lab.netbox.remove(Kind::Device, gone).unwrap();
        let deleted = lab.approved().await;
        assert_eq!(deleted.outcomes["host"].applied, 1, "{version}: {:?}", deleted.outcomes);
        assert!(lab.host("gone").await.is_none());
        let undone = lab.undone(deleted.run).await;
        assert_eq!(undone.status, RunStatus::Completed, "{version}: {:?} {:?}", undone.error, undone.outcomes);
        assert_eq!(whole(&lab, "gone").await, before, "{version}");
    }
}

/// All or nothing is meant of deletes too: what was deleted before another host failed is there again.
#[tokio::test(flavor = "multi_thread")]
async fn when_one_host_fails_deleted_hosts_come_back() {
    for version in ["6.0.14", "7.0.9"] {
        let mut lab = Lab::new(version).await;
        let gone = lab.device("gone");
        for name in ["a", "b", "c"] {
            lab.device(name);
        }
        lab.run().await;
        lab.run().await;
        let host = lab.host("gone").await.unwrap();
        let macros = json!({"hostid": host["hostid"], "macro": "{$OWN}", "value": "kept"});
        lab.by_hand("usermacro.create", macros).await;
        let before = whole(&lab, "gone").await;

        lab.sync.policy.deletes = Deletes::Apply;
        lab.sync.policy.quarantine = Quarantine::off();
        lab.sync.policy.all_or_nothing = true;
        lab.device("new");
        lab.netbox.remove(Kind::Device, gone).unwrap();
        lab.sync.auto_merge = false;
        let waiting = lab.run().await;
        let theirs = lab.taken_by_hand("new").await;
        let report = lab.approve(&waiting).await;
        assert_eq!((report.status, report.total().failed), (RunStatus::Failed, 1), "{version}: {:?}", report.outcomes);
        assert_eq!(lab.host("new").await.unwrap()["hostid"], theirs, "{version}");
        assert_eq!(whole(&lab, "gone").await, before, "{version}");
    }
}

/// A secret that was replaced is nobody's to give back; everything else is, and the undo says what it could not do.
#[tokio::test(flavor = "multi_thread")]
async fn an_undo_restores_all_but_the_secret() {
    let mut lab = Lab::new("7.0.9").await;
    let device = lab.device("sw1");
    lab.run().await;
    let before = lab.host("sw1").await.unwrap();
    lab.netbox.edit(Kind::Device, device, &json!({"serial": "NEW"})).unwrap();
    lab.sync.target.parameters["hosts"]["macros"][0]["secret"] = json!(lab.secret("community-2", "n3w"));
    let changed = lab.approved().await;
    assert_eq!(changed.outcomes["host"].applied, 1, "{:?}", changed.outcomes);
    let undone = lab.undone(changed.run).await;
    assert_eq!(undone.outcomes["host"].failed, 1, "{:?}", undone.outcomes);
    let after = lab.host("sw1").await.unwrap();
    assert_eq!(after["inventory"], before["inventory"]);
    let changes = lab.runner.history().changes(undone.run, &ChangeFilter::default(), None, 10).await.unwrap();
    let reasons: Vec<_> = changes.items.iter().filter_map(|change| change.reason.as_deref()).collect();
    assert!(
        reasons.iter().any(|reason| reason.starts_with("the secret of `{$SNMP_COMMUNITY}` is another one by now")),
        "{reasons:?}"
    );
}

/// What PHP cannot tell of many hosts at once is asked for in parts, or an undo would silently lack it.
#[tokio::test(flavor = "multi_thread")]
async fn images_that_are_too_much_are_read_in_parts() {
    let mut lab = Lab::new("7.0.22").await;
    if lab.sim.is_none() {
        return;
    }
    let gone: Vec<_> = (0..8).map(|number| lab.device(&format!("gone{number}"))).collect();
    for name in ["a", "b", "c"] {
        lab.device(name);
    }
    lab.run().await;
    lab.run().await;
    let host = lab.host("gone5").await.unwrap();
    lab.by_hand("usermacro.create", json!({"hostid": host["hostid"], "macro": "{$OWN}", "value": "kept"})).await;
    let before = whole(&lab, "gone5").await;
    lab.sync.policy.deletes = Deletes::Apply;
    lab.sync.policy.quarantine = Quarantine::off();
    for device in gone {
        lab.netbox.remove(Kind::Device, device).unwrap();
    }
    lab.sim.as_ref().unwrap().faults().largest_answer = Some(9_000);
    let deleted = lab.approved().await;
    assert_eq!(deleted.outcomes["host"].applied, 8, "{:?}", deleted.outcomes);
    let undone = lab.undone(deleted.run).await;
    assert_eq!(undone.status, RunStatus::Completed, "{:?} {:?}", undone.error, undone.outcomes);
    assert_eq!(whole(&lab, "gone5").await, before);
}
