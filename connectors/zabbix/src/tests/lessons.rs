//! What others ran into, and what breaks on the way. The simulator breaks on demand; a real server is left alone.

use serde_json::{Value, json};
use syncline_core::history::RunStatus;
use syncline_core::policy::{Deletes, Quarantine};
use syncline_testkit::netbox::Kind;
use syncline_testkit::zabbix::{Effect, Fault, ZabbixSim};

use super::lab::{Lab, tags};

impl Lab {
    /// A lab with so many devices, if Zabbix can be broken here.
    async fn breakable(version: &str, devices: usize) -> Option<Self> {
        let lab = Self::new(version).await;
        lab.sim.as_ref()?;
        for number in 0..devices {
            lab.device(&format!("sw{number}"));
        }
        Some(lab)
    }

    fn sim(&self) -> &ZabbixSim {
        self.sim.as_ref().unwrap()
    }

    fn breaks(&self, fault: Fault) {
        self.sim().faults().add(fault);
    }

    /// The hosts that this lab's devices became, by name.
    fn hosts(&self) -> Vec<String> {
        let hosts = self.sim().hosts();
        let names = hosts.iter().map(|host| host["host"].as_str().unwrap().to_owned());
        let mut names: Vec<_> = names.filter(|name| name.starts_with(&self.mark)).collect();
        names.sort();
        names
    }
}

/// Whether an answer got lost before or after the work was done: nothing is there twice, and nothing is missing.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_is_looked_up_and_nothing_is_made_twice() {
    for effect in
        [Effect::ResetAfter, Effect::ResetBefore, Effect::GatewayTimeout, Effect::EmptyOkAfter, Effect::CutBody(5)]
    {
        let Some(lab) = Lab::breakable("7.0.22", 12).await else { return };
        lab.breaks(Fault::on("host.create", effect.clone()).times(1));
        let report = lab.run().await;
        let again = lab.run().await;
        assert_eq!((again.status, lab.hosts().len()), (RunStatus::Completed, 12), "{effect:?}: {:?}", report.outcomes);
        assert_eq!(lab.run().await.summary.to_apply(), 0, "{effect:?}");
    }
}

/// PHP runs out of memory on a read of many hosts: it is read in parts.
#[tokio::test(flavor = "multi_thread")]
async fn a_read_that_is_too_much_is_halved() {
    let Some(lab) = Lab::breakable("7.0.22", 8).await else { return };
    lab.run().await;
    lab.sim().faults().largest_answer = Some(9_000);
    let report = lab.run().await;
    assert_eq!((report.status, report.summary.to_apply()), (RunStatus::Completed, 0), "{:?}", report.error);
}

/// A web server in front that drops the header with the token.
#[tokio::test(flavor = "multi_thread")]
async fn a_header_that_gets_lost_is_replaced() {
    let Some(lab) = Lab::breakable("7.0.22", 1).await else { return };
    lab.sim().faults().keeps_header = false;
    assert_eq!(lab.run().await.outcomes["host"].applied, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_is_not_found_in_another_one() {
    let lab = Lab::new("7.0.22").await;
    for name in ["vcenter8", "vcenter"] {
        lab.device(name);
    }
    assert_eq!(lab.run().await.outcomes["host"].applied, 2);
    for name in ["vcenter", "vcenter8"] {
        assert_eq!(lab.host(name).await.unwrap()["name"], lab.named(name));
    }
}

/// A device that is gone is first unmonitored, if the policy says so, and deleted when its wait is over.
#[tokio::test(flavor = "multi_thread")]
async fn a_host_whose_device_is_gone_is_disabled_and_then_deleted() {
    for version in ["6.0.14", "7.0.22"] {
        let mut lab = Lab::new(version).await;
        let gone = lab.device("gone");
        for name in ["a", "b", "c"] {
            lab.device(name);
        }
        lab.run().await;
        lab.run().await;
        lab.sync.policy.deletes = Deletes::Apply;
        lab.sync.policy.quarantine =
            serde_json::from_value(json!({"runs": 2, "hours": 0, "mark": {"status": "unmonitored"}})).unwrap();
        lab.netbox.remove(Kind::Device, gone).unwrap();
        for _ in 0..3 {
            lab.approved().await;
        }
        assert!(lab.host("gone").await.is_none(), "{version}: the wait is over");
        assert!(lab.host("a").await.is_some());
    }
}

/// The host of a device that a mapping rule leaves out stays: nobody can tell which host it is.
#[tokio::test(flavor = "multi_thread")]
async fn the_host_of_a_device_that_a_rule_leaves_out_stays() {
    let Some(mut lab) = Lab::breakable("7.0.22", 4).await else { return };
    lab.sync.policy.deletes = Deletes::Apply;
    lab.sync.policy.quarantine = Quarantine::off();
    lab.sync.policy.guards.deletes_refused_percent = 100;
    lab.approved().await;
    let hosts = lab.hosts();
    let rule = json!([{"model": "device", "when": format!("name == '{}'", lab.named("sw0")), "leave_out": true}]);
    lab.sync.mapping = serde_json::from_value(rule).unwrap();
    for _ in 0..3 {
        let report = lab.approved().await;
        assert_eq!((report.summary.to_apply(), lab.hosts()), (0, hosts.clone()), "{:?}", report.outcomes);
    }
}

/// Whoever deleted the host before did what was wanted; a host that a maintenance needs stays, and costs no other.
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_deleted_stays_and_costs_no_other() {
    for version in ["6.0.14", "7.0.22"] {
        let mut lab = Lab::new(version).await;
        let ids: Vec<_> = ["a", "b", "c", "d"].map(|name| lab.device(name)).into();
        lab.device("stays");
        lab.run().await;
        lab.run().await;
        let needed = lab.host("b").await.unwrap()["hostid"].clone();
        let window = json!({
            "name": lab.named("window"), "active_since": 1_800_000_000, "active_till": 1_800_003_600,
            "hosts": [{"hostid": needed}], "timeperiods": [{"timeperiod_type": 0, "start_date": 1_800_000_000, "period": 3600}],
        });
        lab.by_hand("maintenance.create", window).await;
        lab.sync.policy.deletes = Deletes::Apply;
        lab.sync.policy.quarantine = Quarantine::off();
        lab.sync.policy.guards = serde_json::from_value(json!({"deletes_refused_percent": 100})).unwrap_or_default();
        for id in ids {
            lab.netbox.remove(Kind::Device, id).unwrap();
        }
        let report = lab.approved().await;
        let counts = &report.outcomes["host"];
        assert_eq!(
            (counts.applied, counts.failed),
            (3, 1),
            "{version}: {:?} {:?}",
            report.outcomes,
            report.summary.objections()
        );
        assert!(lab.host("b").await.is_some() && lab.host("c").await.is_none() && lab.host("stays").await.is_some());
        lab.by_hand(
            "maintenance.delete",
            json!([
                lab.ask("maintenance.get", json!({"filter": {"name": [lab.named("window")]}})).await[0]["maintenanceid"]
            ]),
        )
        .await;
    }
}

/// A person says by a tag that a host is none of the sync's.
#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_people_keep_is_left_alone() {
    let lab = Lab::new("7.0.22").await;
    let device = lab.device("sw1");
    lab.run().await;
    let host = lab.host("sw1").await.unwrap();
    let mut kept = host["tags"].as_array().unwrap().clone();
    kept.push(json!({"tag": "syncline-ignore", "value": ""}));
    lab.by_hand("host.update", json!({"hostid": host["hostid"], "tags": kept})).await;
    lab.netbox.edit(Kind::Device, device, &json!({"serial": "NEW"})).unwrap();
    let report = lab.approved().await;
    assert_eq!(report.total().failed, 0, "{:?}", report.outcomes);
    assert!(!tags(&lab.host("sw1").await.unwrap()).contains("serial=NEW"));
}

/// Who monitors a host is people's, until a rule says something of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_stays_unless_a_rule_says_otherwise() {
    for version in ["6.0.14", "7.0.22", "7.4.0"] {
        let Some(mut lab) = Lab::breakable(version, 1).await else { return };
        lab.run().await;
        let proxy = |name: &str| {
            if version == "6.0.14" {
                json!({"host": name, "status": 5})
            } else {
                json!({"name": name, "operating_mode": 0})
            }
        };
        let mine = lab.sim().seed_proxy(proxy("mine")).unwrap();
        lab.sim().seed_proxy(proxy("px-bern")).unwrap();
        let id = lab.host("sw0").await.unwrap()["hostid"].clone();
        let by = if version == "6.0.14" {
            json!({"proxy_hostid": mine})
        } else {
            json!({"monitored_by": 1, "proxyid": mine})
        };
        let mut by = by.as_object().unwrap().clone();
        by.insert("hostid".to_owned(), id);
        lab.by_hand("host.update", Value::Object(by)).await;
        assert_eq!(lab.run().await.summary.to_apply(), 0, "{version}");
        lab.sync.target.parameters["hosts"]["monitored_by"] = json!([{"proxy": "px-{{ site.slug }}"}]);
        assert_eq!(lab.approved().await.outcomes["host"].applied, 1, "{version}");
        assert_eq!(lab.run().await.summary.to_apply(), 0, "{version}");
        lab.sync.target.parameters["hosts"]["monitored_by"] = json!([{"proxy": "no-such"}]);
        assert_eq!(lab.approved().await.outcomes["host"].failed, 1, "{version}");
    }
}

/// What a person changed between the plan and its approval is not overwritten.
#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_moved_since_the_plan_is_stale() {
    let mut lab = Lab::new("7.0.22").await;
    let device = lab.device("sw1");
    lab.run().await;
    lab.sync.auto_merge = false;
    lab.netbox.edit(Kind::Device, device, &json!({"serial": "NEW"})).unwrap();
    let waiting = lab.run().await;
    assert_eq!(waiting.status, RunStatus::AwaitingReview);
    let id = lab.host("sw1").await.unwrap()["hostid"].clone();
    lab.by_hand("host.update", json!({"hostid": id, "inventory": {"serialno_a": "by hand"}})).await;
    let report = lab.approve(&waiting).await;
    assert_eq!(report.outcomes["host"].stale, 1, "{:?}", report.outcomes);
    assert_eq!(lab.host("sw1").await.unwrap()["inventory"]["serialno_a"], "by hand");
}

/// An undo of the first load leaves Zabbix as it was.
#[tokio::test(flavor = "multi_thread")]
async fn an_undo_takes_hosts_and_groups_back() {
    for version in ["6.0.14", "7.0.22"] {
        let lab = Lab::new(version).await;
        for name in ["a", "b"] {
            lab.device(name);
        }
        let first = lab.run().await;
        let undone = lab.undone(first.run).await;
        assert_eq!(undone.status, RunStatus::Completed, "{version}: {:?}", undone.error);
        assert!(lab.host("a").await.is_none() && lab.host("b").await.is_none(), "{version}: {:?}", undone.outcomes);
        let left = lab.ask("hostgroup.get", json!({"search": {"name": lab.mark}, "startSearch": true})).await;
        assert_eq!(left, json!([]), "{version}");
    }
}

/// A session that ends in the middle is begun anew, and what it refused is sent again.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_ends_is_begun_anew() {
    for version in ["6.0.14", "7.0.22", "7.4.0"] {
        let Some(mut lab) = Lab::breakable(version, 3).await else { return };
        let (user, password) = lab.sim().login();
        let password = lab.secret("password", password);
        let connection = lab.sync.target.connection.as_object_mut().unwrap();
        connection.remove("token");
        connection.insert("user".to_owned(), json!(user));
        connection.insert("password".to_owned(), json!(password));
        for method in ["host.get", "hostgroup.create", "host.create"] {
            lab.breaks(Fault::on(method, Effect::SessionTerminated).times(1));
        }
        let report = lab.run().await;
        assert_eq!(report.outcomes["host"].applied, 3, "{version}: {:?} {:?}", report.error, report.outcomes);
        assert!(lab.sim().request_count("user.login") > 1, "{version}");
        // Secrets are told apart by what lasts longer than a session.
        assert_eq!(lab.run().await.summary.to_apply(), 0, "{version}");
    }
}

/// All or nothing: when one host fails, Zabbix is exactly as before.
#[tokio::test(flavor = "multi_thread")]
async fn when_one_host_fails_nothing_is_changed() {
    for version in ["6.0.14", "7.0.22"] {
        let mut lab = Lab::new(version).await;
        let old = lab.device("old");
        lab.run().await;
        let before = lab.host("old").await.unwrap();
        for name in ["a", "b", "c"] {
            lab.device(name);
        }
        lab.netbox.edit(Kind::Device, old, &json!({"serial": "NEW", "role": 2})).unwrap();
        lab.sync.policy.all_or_nothing = true;
        lab.sync.auto_merge = false;
        let waiting = lab.run().await;
        assert_eq!(waiting.status, RunStatus::AwaitingReview, "{version}: {:?}", waiting.error);
        // Somebody is quicker, so that one of them is refused.
        let theirs = lab.taken_by_hand("b").await;
        let report = lab.approve(&waiting).await;
        assert_eq!((report.status, report.total().failed), (RunStatus::Failed, 1), "{version}: {:?}", report.outcomes);
        let undo = report.taken_back_by.unwrap();
        assert_eq!(lab.runner.history().run(undo).await.unwrap().unwrap().status, RunStatus::Completed, "{version}");
        for name in ["a", "c"] {
            assert!(lab.host(name).await.is_none(), "{version}: {name}");
        }
        assert_eq!(lab.host("b").await.unwrap()["hostid"], theirs, "{version}");
        let after = lab.host("old").await.unwrap();
        for field in ["hostid", "host", "name", "status", "inventory", "parentTemplates"] {
            assert_eq!(after[field], before[field], "{version}: {field}");
        }
        assert_eq!((lab.groups(&after), tags(&after)), (lab.groups(&before), tags(&before)), "{version}");
        // What Zabbix is known to refuse stops the run before it writes, and what cannot be a host at all before there is a plan.
        lab.sync.auto_merge = true;
        lab.ask("host.delete", json!([theirs])).await;
        lab.sync.target.parameters["hosts"]["templates"] = json!([{"template": "ICMP Ping"}, {"template": "no such", "when": format!("name == '{}'", lab.named("c"))}]);
        let refused = lab.run().await;
        assert_eq!((refused.status, refused.total().applied), (RunStatus::Failed, 0), "{version}");
        let refused = refused.error.unwrap().to_string();
        let why = format!(
            "the target would refuse 1 change, and the sync does all or nothing (`policy.all_or_nothing`): {}",
            lab.named("c")
        );
        assert!(refused.contains(&why), "{version}: {refused}");
        assert!(lab.host("a").await.is_none(), "{version}");
        lab.sync.target.parameters["hosts"]["templates"] = json!([{"template": "ICMP Ping"}]);
        lab.device("no name of a host");
        let refused = lab.run().await.error.unwrap().to_string();
        assert!(
            refused.starts_with("1 host record could not be taken over, and the sync does all or nothing"),
            "{refused}"
        );
        assert!(lab.host("a").await.is_none());
        let role = lab.ask("hostgroup.get", json!({"filter": {"name": [format!("{}/Roles/Core", lab.mark)]}})).await;
        assert_eq!(role, json!([]), "{version}: its group went too");
    }
}
