//! What becomes of a host whose device is gone.

use serde_json::{Value, json};
use syncline_core::history::RunStatus;
use syncline_core::policy::{Deletes, Quarantine};
use syncline_testkit::netbox::Kind;

use super::lab::{Lab, tags};

const VERSIONS: [&str; 3] = ["6.0.14", "7.0.22", "7.4.0"];

impl Lab {
    /// A lab with a graveyard, in which devices that are offline have no host: who is left out by the rules counts as gone.
    async fn with_graveyard(version: &str) -> Self {
        let mut lab = Self::new(version).await;
        let graveyard = format!("{}/Retired", lab.mark);
        let rules = &mut lab.sync.target.parameters["hosts"];
        rules["graveyard"] = json!(graveyard);
        rules["when"] = json!("status != 'offline'");
        lab.sync.policy.deletes = Deletes::Apply;
        lab.sync.policy.quarantine =
            serde_json::from_value(json!({"runs": 1, "hours": 1, "out_of_scope": "as_gone"})).unwrap();
        lab
    }

    async fn graveyard(&self) -> Option<Value> {
        let query = json!({"filter": {"name": [format!("{}/Retired", self.mark)]}});
        let groups: Vec<Value> = serde_json::from_value(self.ask("hostgroup.get", query).await).unwrap();
        groups.into_iter().next()
    }

    fn sorted_groups(&self, host: &Value) -> Vec<String> {
        self.groups(host).into_iter().collect()
    }
}

/// It waits in the graveyard, unmonitored, with what people gave it and with the tag by which it is found again; comes back out of it
/// when the device is back; and is deleted when it has waited long enough.
#[tokio::test(flavor = "multi_thread")]
async fn a_host_whose_device_is_gone_waits_in_the_graveyard() {
    for version in VERSIONS {
        let mut lab = Lab::with_graveyard(version).await;
        let device = lab.device("gone");
        for name in ["a", "b", "c"] {
            lab.device(name);
        }
        let report = lab.run().await;
        assert_eq!(report.status, RunStatus::Completed, "{version}: {:?}", report.error);
        assert!(lab.graveyard().await.is_some(), "{version}: it is there before it is needed");
        let host = lab.host("gone").await.unwrap();
        let before = (lab.sorted_groups(&host), tags(&host));
        let own = format!("{}-own", lab.mark);
        let group = lab.by_hand("hostgroup.create", json!([{"name": own}])).await;
        let mut groups: Vec<_> =
            host["groups"].as_array().unwrap().iter().map(|group| json!({"groupid": group["groupid"]})).collect();
        groups.push(json!({"groupid": group["groupids"][0]}));
        lab.by_hand("host.update", json!({"hostid": host["hostid"], "groups": groups})).await;

        lab.netbox.edit(Kind::Device, device, &json!({"status": "offline"})).unwrap();
        let marked = lab.approved().await;
        assert_eq!(marked.outcomes["host"].applied, 1, "{version}: {:?}", marked.outcomes);
        let retired = lab.host("gone").await.unwrap();
        assert_eq!(lab.sorted_groups(&retired), ["Retired", own.as_str()], "{version}");
        assert_eq!((&retired["status"], tags(&retired)), (&json!("1"), before.1.clone()), "{version}");
        assert_eq!(lab.approved().await.summary.to_apply(), 0, "{version}: it waits");

        lab.netbox.edit(Kind::Device, device, &json!({"status": "active"})).unwrap();
        lab.approved().await;
        let back = lab.host("gone").await.unwrap();
        let groups = lab.sorted_groups(&back).into_iter().filter(|name| *name != own).collect::<Vec<_>>();
        assert_eq!((&back["hostid"], &back["status"], groups), (&host["hostid"], &json!("0"), before.0), "{version}");
        assert_eq!(lab.approved().await.summary.to_apply(), 0, "{version}");

        lab.netbox.edit(Kind::Device, device, &json!({"status": "offline"})).unwrap();
        lab.approved().await;
        assert_eq!(lab.sorted_groups(&lab.host("gone").await.unwrap()), ["Retired", own.as_str()], "{version}");
        lab.sync.policy.quarantine.hours = 0;
        lab.approved().await;
        assert!(lab.host("gone").await.is_none() && lab.host("a").await.is_some(), "{version}: the wait is over");
    }
}

/// A graveyard that is not there holds nothing up: the host is unmonitored at once, the group is made, and the host moves there next.
#[tokio::test(flavor = "multi_thread")]
async fn a_graveyard_that_is_missing_holds_nothing_up() {
    for version in VERSIONS {
        let lab = Lab::with_graveyard(version).await;
        let device = lab.device("gone");
        lab.device("a");
        lab.run().await;
        let group = lab.graveyard().await.unwrap();
        lab.by_hand("hostgroup.delete", json!([group["groupid"]])).await;
        lab.netbox.edit(Kind::Device, device, &json!({"status": "offline"})).unwrap();
        let first = lab.approved().await;
        assert_eq!((first.status, first.total().failed), (RunStatus::Completed, 0), "{version}: {:?}", first.outcomes);
        let host = lab.host("gone").await.unwrap();
        assert_eq!((&host["status"], lab.groups(&host).len()), (&json!("1"), 2), "{version}");
        assert!(lab.graveyard().await.is_some(), "{version}");
        lab.approved().await;
        assert_eq!(lab.sorted_groups(&lab.host("gone").await.unwrap()), ["Retired"], "{version}");
        // Whoever takes it out of there meant it.
        let groups: Vec<_> =
            host["groups"].as_array().unwrap().iter().map(|group| json!({"groupid": group["groupid"]})).collect();
        lab.by_hand("host.update", json!({"hostid": host["hostid"], "groups": groups})).await;
        assert_eq!(lab.approved().await.summary.to_apply(), 0, "{version}");
    }
}

/// The host of a device that was replaced is the new one's.
#[tokio::test(flavor = "multi_thread")]
async fn a_new_device_of_the_same_name_takes_the_host_over() {
    for version in ["6.0.14", "7.0.22"] {
        let lab = Lab::with_graveyard(version).await;
        let device = lab.device("sw1");
        lab.device("a");
        lab.run().await;
        let before = lab.host("sw1").await.unwrap();
        lab.netbox.remove(Kind::Device, device).unwrap();
        lab.approved().await;
        assert_eq!(lab.sorted_groups(&lab.host("sw1").await.unwrap()), ["Retired"], "{version}");
        lab.device("sw1");
        lab.approved().await;
        let after = lab.host("sw1").await.unwrap();
        assert_eq!((&after["hostid"], &after["status"]), (&before["hostid"], &json!("0")), "{version}");
        assert_eq!(lab.groups(&after), lab.groups(&before), "{version}");
        assert_ne!(tags(&after), tags(&before), "{version}: it says that it is another device's");
        assert_eq!(lab.approved().await.summary.to_apply(), 0, "{version}");
    }
}

/// What a run moved into the graveyard, its undo brings back.
#[tokio::test(flavor = "multi_thread")]
async fn an_undo_brings_a_host_back_from_the_graveyard() {
    for version in ["6.0.14", "7.0.22"] {
        let lab = Lab::with_graveyard(version).await;
        let device = lab.device("gone");
        lab.device("a");
        lab.run().await;
        let before = lab.host("gone").await.unwrap();
        lab.netbox.edit(Kind::Device, device, &json!({"status": "offline"})).unwrap();
        let marked = lab.approved().await;
        assert_eq!(lab.host("gone").await.unwrap()["status"], "1", "{version}");
        let undone = lab.undone(marked.run).await;
        assert_eq!(undone.outcomes["host"].applied, 1, "{version}: {:?}", undone.outcomes);
        let after = lab.host("gone").await.unwrap();
        assert_eq!((&after["status"], lab.groups(&after)), (&json!("0"), lab.groups(&before)), "{version}");
    }
}

/// Whoever deleted a host between the plan and its approval did what was wanted, and so did whoever deleted its window.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_gone_already_counts_as_deleted() {
    for version in VERSIONS {
        let mut lab = Lab::with_graveyard(version).await;
        let window = json!({"name": lab.named("window"), "since": "2020-01-01T00:00:00Z", "until": "2036-01-01T00:00:00Z", "when": "serial == 'x'"});
        lab.sync.target.parameters["hosts"]["maintenances"] = json!([window]);
        let device = lab.device("gone");
        lab.netbox.edit(Kind::Device, device, &json!({"serial": "x"})).unwrap();
        lab.device("a");
        lab.run().await;
        lab.sync.policy.quarantine = Quarantine::off();
        lab.netbox.remove(Kind::Device, device).unwrap();
        let waiting = lab.run().await;
        assert_eq!(waiting.status, RunStatus::AwaitingReview, "{version}");
        let named = json!({"filter": {"name": [lab.named("window")]}});
        let window = lab.ask("maintenance.get", named).await[0]["maintenanceid"].clone();
        lab.by_hand("maintenance.delete", json!([window])).await;
        lab.by_hand("host.delete", json!([lab.host("gone").await.unwrap()["hostid"]])).await;
        let report = lab.approve(&waiting).await;
        for model in ["host", "maintenance"] {
            let counts = &report.outcomes[model];
            assert_eq!((counts.applied, counts.failed), (1, 0), "{version}: {model}: {:?}", report.outcomes);
        }
    }
}

/// What the rules leave out is not gone: its host stays, whatever the policy says of deletes, unless it says so of this.
#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_the_rules_leave_out_keeps_its_host() {
    for as_gone in [false, true] {
        let mut lab = Lab::new("7.0.22").await;
        let off = lab.device("off");
        for name in ["a", "b", "c"] {
            lab.device(name);
        }
        lab.sync.target.parameters["hosts"]["when"] = json!("status == 'active'");
        lab.run().await;
        lab.run().await;
        lab.sync.policy.deletes = Deletes::Apply;
        let scope = if as_gone { "as_gone" } else { "hold" };
        lab.sync.policy.quarantine =
            serde_json::from_value(json!({"runs": 2, "hours": 0, "out_of_scope": scope})).unwrap();
        lab.netbox.edit(Kind::Device, off, &json!({"status": "offline"})).unwrap();
        for _ in 0..4 {
            lab.approved().await;
        }
        assert_eq!(lab.host("off").await.is_none(), as_gone);
    }
}
