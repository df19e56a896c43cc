//! Maintenance windows.

use serde_json::{Value, json};
use syncline_core::history::{ChangeFilter, RunStatus};
use syncline_core::policy::{Deletes, Quarantine};
use syncline_core::run::RunReport;
use syncline_testkit::netbox::Kind;
use syncline_testkit::zabbix::{Effect, Fault};

use super::lab::Lab;

const VERSIONS: [&str; 3] = ["6.0.14", "7.0.22", "7.4.0"];
/// When the windows of these tests are over.
const LATER: &str = "2036-01-02T00:00:00Z";
/// The same, moved.
const LATEST: &str = "2036-01-03T00:00:30Z";
/// When a window was over.
const OVER: &str = "2020-01-02T00:00:00Z";

impl Lab {
    /// A lab whose devices are in a window until the time that their serial number says, and in none without one.
    async fn with_windows(version: &str) -> Self {
        let mut lab = Self::new(version).await;
        lab.sync.policy.deletes = Deletes::Apply;
        let name = lab.named("work in {{ site.name }}");
        lab.rules(json!([{
            "name": name, "since": "2020-01-01T20:00:30Z", "until": "{{ serial }}", "description": "new core",
            "collect_data": false, "when": "serial[:2] == '20'",
        }]));
        lab
    }

    fn rules(&mut self, windows: Value) {
        self.sync.target.parameters["hosts"]["maintenances"] = windows;
    }

    /// A device whose serial number says until when there is work on it.
    fn worked_on(&self, name: &str, until: &str) -> u64 {
        let device = self.device(name);
        self.until(device, until);
        device
    }

    fn until(&self, device: u64, until: &str) {
        self.netbox.edit(Kind::Device, device, &json!({"serial": until})).unwrap();
    }

    /// A window of this test's as Zabbix has it.
    async fn window(&self, name: &str) -> Option<Value> {
        let query = json!({
            "output": "extend", "filter": {"name": [self.named(name)]}, "selectHosts": ["hostid", "host"],
            "selectTimeperiods": "extend",
        });
        let windows: Vec<Value> = serde_json::from_value(self.ask("maintenance.get", query).await).unwrap();
        windows.into_iter().next()
    }

    /// The names of the hosts in a window, without the test's own beginning.
    fn hosts_in(&self, window: &Value) -> Vec<String> {
        let names = window["hosts"].as_array().unwrap().iter().map(|host| host["host"].as_str().unwrap());
        let mut names: Vec<_> = names.map(|name| name.replace(&format!("{}-", self.mark), "")).collect();
        names.sort();
        names
    }

    /// Adds a window that is a person's.
    async fn persons_window(&self, name: &str, host: &Value) -> Value {
        let window = json!({
            "name": self.named(name), "active_since": 1_577_908_800, "active_till": 1_577_995_200, "hosts": [{"hostid": host}],
            "timeperiods": [{"timeperiod_type": 0, "start_date": 1_577_908_800, "period": 86_400}],
        });
        self.by_hand("maintenance.create", window).await["maintenanceids"][0].clone()
    }

    /// What became of the changes of windows, with the reasons.
    async fn told(&self, report: &RunReport) -> String {
        let changes = self.runner.history().changes(report.run, &ChangeFilter::default(), None, 100).await.unwrap();
        let windows = changes.items.iter().filter(|change| change.model == "maintenance");
        windows.filter_map(|change| change.reason.clone()).collect::<Vec<_>>().join("\n")
    }

    /// A real server keeps what a test leaves, and a window keeps its last host.
    async fn leave(&self, windows: &[&str]) {
        for name in windows {
            if let Some(window) = self.window(name).await {
                self.by_hand("maintenance.delete", json!([window["maintenanceid"]])).await;
            }
        }
    }
}

/// Hosts share a window by its name; it follows the rules, and goes when it is over, without a wait or a person. People's windows stay.
#[tokio::test(flavor = "multi_thread")]
async fn hosts_share_a_window_that_goes_when_it_is_over() {
    for version in VERSIONS {
        let lab = Lab::with_windows(version).await;
        let mut devices = vec![lab.worked_on("a", LATER), lab.worked_on("b", LATER)];
        let other = lab.device("other");
        let report = lab.run().await;
        assert_eq!(report.outcomes["maintenance"].applied, 1, "{version}: {:?} {:?}", report.error, report.outcomes);
        let window = lab.window("work in Bern").await.unwrap();
        assert_eq!(lab.hosts_in(&window), ["a", "b"], "{version}");
        assert_eq!((&window["active_since"], &window["active_till"]), (&json!("1577908800"), &json!("2082844800")));
        assert_eq!((&window["maintenance_type"], window["timeperiods"].as_array().unwrap().len()), (&json!("1"), 1));
        let period = &window["timeperiods"][0];
        assert_eq!(
            (&period["start_date"], &period["period"]),
            (&json!("1577908800"), &json!("504936000")),
            "{version}"
        );
        assert!(
            window["description"].as_str().unwrap().starts_with("new core\n"),
            "{version}: {}",
            window["description"]
        );
        let host = lab.host("a").await.unwrap();
        lab.persons_window("own", &host["hostid"]).await;
        assert_eq!(lab.run().await.summary.to_apply(), 0, "{version}");

        // Another end, and another host.
        devices.push(other);
        for device in &devices {
            lab.until(*device, LATEST);
        }
        let report = lab.run().await;
        assert_eq!(
            report.outcomes["maintenance"].applied,
            1,
            "{version}: {:?} {}",
            report.outcomes,
            lab.told(&report).await
        );
        let moved = lab.window("work in Bern").await.unwrap();
        assert_eq!(
            (&moved["maintenanceid"], lab.hosts_in(&moved)),
            (&window["maintenanceid"], vec!["a".to_owned(), "b".to_owned(), "other".to_owned()])
        );
        assert_eq!(
            (&moved["active_till"], &moved["timeperiods"][0]["period"]),
            (&json!("2082931200"), &json!("505022400"))
        );
        assert_eq!(lab.run().await.summary.to_apply(), 0, "{version}");

        for device in &devices {
            lab.until(*device, OVER);
        }
        let report = lab.run().await;
        assert_eq!(
            report.status,
            RunStatus::Completed,
            "{version}: nobody is asked: {:?}",
            report.summary.objections()
        );
        assert!(lab.window("work in Bern").await.is_none(), "{version}: {}", lab.told(&report).await);
        assert!(lab.window("own").await.is_some(), "{version}");
        assert_eq!(lab.run().await.summary.to_apply(), 0, "{version}");
        lab.leave(&["own"]).await;
    }
}

/// Zabbix deletes no host that is the last one of a window: the window goes first, or its host does.
#[tokio::test(flavor = "multi_thread")]
async fn a_window_lets_its_last_host_go() {
    for version in VERSIONS {
        let mut lab = Lab::with_windows(version).await;
        let alone = lab.named("alone with {{ name }}");
        let name = lab.named("work in {{ site.name }}");
        let times = json!({"since": "2020-01-01T20:00:00Z", "until": "{{ serial }}", "when": "serial[:2] == '20'"});
        let rule = |name: &str| {
            let mut rule = times.clone();
            rule["name"] = json!(name);
            rule
        };
        lab.rules(json!([rule(&name), rule(&alone)]));
        lab.sync.policy.quarantine = Quarantine::off();
        let gone = lab.worked_on("gone", LATER);
        lab.worked_on("a", LATER);
        for name in ["b", "c"] {
            lab.device(name);
        }
        lab.run().await;
        let own = format!("alone with {}", lab.named("gone"));
        assert!(lab.window(&own).await.is_some(), "{version}");
        lab.netbox.remove(Kind::Device, gone).unwrap();
        let report = lab.approved().await;
        assert_eq!(report.total().failed, 0, "{version}: {:?} {}", report.outcomes, lab.told(&report).await);
        assert!(
            lab.host("gone").await.is_none() && lab.window(&own).await.is_none(),
            "{version}: {:?}",
            report.outcomes
        );
        assert_eq!(lab.hosts_in(&lab.window("work in Bern").await.unwrap()), ["a"], "{version}");
        lab.leave(&["work in Bern", &format!("alone with {}", lab.named("a"))]).await;
    }
}

/// A window that cannot go keeps its host, and says so.
#[tokio::test(flavor = "multi_thread")]
async fn a_host_stays_as_long_as_a_window_that_is_held_needs_it() {
    let mut lab = Lab::with_windows("7.0.22").await;
    let gone = lab.worked_on("gone", LATER);
    lab.device("a");
    lab.run().await;
    lab.sync.policy.quarantine = Quarantine::off();
    // A device that cannot be a host leaves it open which windows there are to be.
    lab.device("no name of a host");
    lab.netbox.remove(Kind::Device, gone).unwrap();
    lab.approved().await;
    assert!(lab.host("gone").await.is_some() && lab.window("work in Bern").await.is_some());
    lab.leave(&["work in Bern"]).await;
}

/// What people put into a window of ours stays there, and what they made of it is not ours any more.
#[tokio::test(flavor = "multi_thread")]
async fn what_people_did_to_a_window_stays() {
    for version in VERSIONS {
        let lab = Lab::with_windows(version).await;
        let a = lab.worked_on("a", LATER);
        lab.worked_on("b", LATER);
        lab.run().await;
        let group = lab.by_hand("hostgroup.create", json!([{"name": format!("{}-own", lab.mark)}])).await;
        let group = json!([{"groupid": group["groupids"][0]}]);
        let persons = json!({"host": lab.named("person"), "groups": group});
        let persons = lab.by_hand("host.create", persons).await["hostids"][0].clone();
        let window = lab.window("work in Bern").await.unwrap();
        let id = &window["maintenanceid"];
        let mut hosts: Vec<_> =
            window["hosts"].as_array().unwrap().iter().map(|host| json!({"hostid": host["hostid"]})).collect();
        hosts.push(json!({"hostid": persons}));
        let update = json!({"maintenanceid": id, "hosts": hosts, "groups": group});
        lab.by_hand("maintenance.update", update).await;
        assert_eq!(lab.run().await.summary.to_apply(), 0, "{version}");
        // A host leaves, under another name; one more comes.
        lab.netbox.edit(Kind::Device, a, &json!({"serial": "none"})).unwrap();
        lab.worked_on("c", LATER);
        let report = lab.approved().await;
        assert_eq!(
            report.outcomes["maintenance"].applied,
            1,
            "{version}: {} {:?}",
            lab.told(&report).await,
            report.outcomes
        );
        let window = lab.window("work in Bern").await.unwrap();
        assert_eq!(lab.hosts_in(&window), ["b", "c", "person"], "{version}");
        let of_group = json!({"groupids": [group[0]["groupid"]], "output": ["maintenanceid"]});
        let found = lab.ask("maintenance.get", of_group).await;
        assert_eq!(found[0]["maintenanceid"], *id, "{version}: and their groups");

        // Without the line that says whose it is, it is nobody's but theirs.
        lab.by_hand("maintenance.update", json!({"maintenanceid": id, "description": "by hand"})).await;
        let report = lab.approved().await;
        assert_eq!(report.outcomes["maintenance"].failed, 1, "{version}: {:?}", report.outcomes);
        let foreseen = syncline_core::plan::PlanReader::open(report.plan.as_ref().unwrap()).unwrap();
        assert_eq!(foreseen.summary().refused(), 1, "{version}: known before");
        let told = lab.told(&report).await;
        assert!(told.contains("already exists") && told.contains("This sync did not make it"), "{version}: {told}");
        assert_eq!(lab.window("work in Bern").await.unwrap()["description"], "by hand", "{version}");
        lab.leave(&["work in Bern"]).await;
    }
}

/// A host that is renamed is in the window all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_renamed_host_stays_in_its_window() {
    for version in ["6.0.14", "7.0.22"] {
        let lab = Lab::with_windows(version).await;
        let device = lab.worked_on("old", LATER);
        lab.worked_on("a", LATER);
        lab.run().await;
        lab.netbox.edit(Kind::Device, device, &json!({"name": lab.named("new")})).unwrap();
        let report = lab.approved().await;
        assert_eq!((report.total().applied, report.total().failed), (1, 0), "{version}: {:?}", report.outcomes);
        assert_eq!(lab.hosts_in(&lab.window("work in Bern").await.unwrap()), ["a", "new"], "{version}");
        assert_eq!(lab.run().await.summary.to_apply(), 0, "{version}");
        lab.leave(&["work in Bern"]).await;
    }
}

/// What cannot be a window is told with its rule, and costs neither the hosts nor other windows.
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_a_window_is_told() {
    for version in ["6.0.14", "7.0.22"] {
        let mut lab = Lab::with_windows(version).await;
        let rule = |name: &str, until: &str| json!({"name": name, "since": "2020-01-01T20:00:00Z", "until": until});
        lab.rules(json!([
            rule(&lab.named("good"), LATER),
            rule(&lab.named("torn"), "{{ serial }}"),
            rule(&format!("{}{}", lab.mark, "{{ 'x' * 128 }}"), LATER),
            rule(&format!("{}{}", lab.mark, "{{ 'two\\nlines' }}"), LATER),
            rule(&lab.named("when?"), "{{ status }}"),
        ]));
        lab.worked_on("a", LATER);
        lab.worked_on("b", LATEST);
        let report = lab.run().await;
        assert_eq!((report.outcomes["host"].applied, report.outcomes["maintenance"].applied), (2, 1), "{version}");
        assert_eq!(lab.hosts_in(&lab.window("good").await.unwrap()), ["a", "b"], "{version}");
        for name in ["torn", "when?"] {
            assert!(lab.window(name).await.is_none(), "{version}: {name}");
        }
        let plan = syncline_core::plan::PlanReader::open(&report.plan.unwrap()).unwrap();
        let doubt = plan.header().source.reads["maintenance"].doubt.clone().unwrap_or_default();
        assert!(doubt.contains("could not be taken over"), "{version}: {doubt}");
        lab.leave(&["good"]).await;
    }
}

/// Whose rules say nothing of windows needs no right to see them.
#[tokio::test(flavor = "multi_thread")]
async fn without_rules_nobody_asks_for_windows() {
    let lab = Lab::new("7.0.22").await;
    lab.device("a");
    lab.run().await;
    lab.run().await;
    if let Some(sim) = &lab.sim {
        assert_eq!(sim.request_count("maintenance.get"), 0);
    }
}

/// A window whose answer got lost is looked up, and an undo brings back one that was over.
#[tokio::test(flavor = "multi_thread")]
async fn windows_are_settled_and_brought_back() {
    for version in ["6.0.14", "7.0.22"] {
        let lab = Lab::with_windows(version).await;
        let device = lab.worked_on("a", LATER);
        if let Some(sim) = &lab.sim {
            sim.faults().add(Fault::on("maintenance.create", Effect::ResetAfter).times(1));
        }
        let first = lab.run().await;
        assert_eq!(first.outcomes["maintenance"].applied, 1, "{version}: {:?}", first.outcomes);
        lab.until(device, OVER);
        let over = lab.run().await;
        assert!(lab.window("work in Bern").await.is_none(), "{version}: {:?}", over.outcomes);
        let undone = lab.undone(over.run).await;
        assert_eq!(undone.outcomes["maintenance"].applied, 1, "{version}: {:?}", undone.outcomes);
        assert_eq!(lab.hosts_in(&lab.window("work in Bern").await.unwrap()), ["a"], "{version}");
        lab.leave(&["work in Bern"]).await;
    }
}

/// The window goes before the hosts that came with it.
#[tokio::test(flavor = "multi_thread")]
async fn an_undo_takes_hosts_and_their_window_back() {
    for version in VERSIONS {
        let lab = Lab::with_windows(version).await;
        lab.worked_on("a", LATER);
        let first = lab.run().await;
        assert!(lab.window("work in Bern").await.is_some(), "{version}");
        let undone = lab.undone(first.run).await;
        assert_eq!(undone.total().failed, 0, "{version}: {:?}", undone.outcomes);
        assert!(lab.host("a").await.is_none() && lab.window("work in Bern").await.is_none(), "{version}");
    }
}

/// A rule that fails on a host must not let it alert in the middle of the work on it.
#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_a_rule_fails_on_stays_in_its_window() {
    let mut lab = Lab::with_windows("7.0.22").await;
    for name in ["sw1", "sw2"] {
        lab.worked_on(name, LATER);
    }
    lab.run().await;
    assert_eq!(lab.hosts_in(&lab.window("work in Bern").await.unwrap()), ["sw1", "sw2"]);
    let mut groups = lab.sync.target.parameters["hosts"]["groups"].clone();
    let too_long = format!("{}/{}", lab.mark, "x".repeat(300));
    groups.as_array_mut().unwrap().push(json!({"name": too_long, "when": format!("name == '{}'", lab.named("sw2"))}));
    lab.sync.target.parameters["hosts"]["groups"] = groups;
    let report = lab.approved().await;
    assert_eq!(report.status, RunStatus::Completed, "{:?}", report.error);
    assert_eq!(lab.hosts_in(&lab.window("work in Bern").await.unwrap()), ["sw1", "sw2"]);
    // What else changes of the window does so with both.
    for device in [1, 2] {
        lab.until(device, LATEST);
    }
    lab.approved().await;
    let window = lab.window("work in Bern").await.unwrap();
    assert_eq!((window["active_till"].as_str(), lab.hosts_in(&window).len()), (Some("2082931200"), 2));
    lab.leave(&["work in Bern"]).await;
}

/// What Zabbix takes and does not keep counts as failed.
#[tokio::test(flavor = "multi_thread")]
async fn what_zabbix_does_not_keep_is_told() {
    let lab = Lab::with_windows("7.0.22").await;
    let Some(sim) = &lab.sim else { return };
    sim.faults().ignore("maintenance.create", "maintenance_type").ignore("host.update", "inventory");
    let device = lab.worked_on("a", LATER);
    let report = lab.run().await;
    assert_eq!(
        (report.outcomes["host"].failed, report.outcomes["maintenance"].failed),
        (0, 1),
        "{:?}",
        report.outcomes
    );
    assert_eq!(lab.told(&report).await, "Zabbix took it, and has true all the same");
    lab.until(device, LATEST);
    let report = lab.run().await;
    assert_eq!(report.outcomes["host"].failed, 1, "{:?}", report.outcomes);
    let changes = lab.runner.history().changes(report.run, &ChangeFilter::default(), None, 100).await.unwrap();
    let host = changes.items.iter().find(|change| change.model == "host" && change.reason.is_some()).unwrap();
    insta::assert_snapshot!(host.reason.as_deref().unwrap(), @r#"Zabbix took it, and has [["model","C9300"],["serialno_a","2036-01-02T00:00:00Z"]] all the same"#);
    sim.faults().clear();
    // The next run does what was left.
    lab.run().await;
    assert_eq!(lab.run().await.summary.to_apply(), 0);
}
