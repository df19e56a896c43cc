//! What a team sees of it.

use serde_json::{Value, json};
use syncline_core::history::RunStatus;
use syncline_testkit::netbox::Kind;

use super::lab::{Lab, tags};

/// The versions that the simulator plays. A real server has one of its own.
const VERSIONS: [&str; 4] = ["6.0.14", "7.0.9", "7.0.22", "7.4.0"];

#[tokio::test(flavor = "multi_thread")]
async fn devices_become_hosts_and_a_second_run_writes_nothing() {
    for version in VERSIONS {
        let lab = Lab::new(version).await;
        for name in ["sw1", "sw2"] {
            lab.device(name);
        }
        let report = lab.run().await;
        assert_eq!(report.status, RunStatus::Completed, "{version}: {:?}", report.error);
        assert_eq!(report.outcomes["host"].applied, 2, "{version}: {:?}", report.outcomes);
        let host = lab.host("sw1").await.unwrap();
        let name = lab.named("sw1");
        assert_eq!(lab.groups(&host).into_iter().collect::<Vec<_>>(), ["Roles/Access", "Sites/Bern"]);
        assert_eq!((&host["name"], &host["status"]), (&json!(name), &json!("0")));
        assert_eq!(host["parentTemplates"][0]["host"], "ICMP Ping");
        assert_eq!(host["interfaces"][0]["dns"], format!("{}.example", name.to_lowercase()));
        assert_eq!(host["interfaces"][0]["details"]["community"], "{$SNMP_COMMUNITY}");
        assert_eq!(host["inventory"]["serialno_a"], format!("S-{name}"));
        let tags = tags(&host);
        assert!(tags.contains("site=bern") && tags.iter().any(|tag| tag.starts_with("syncline=")), "{tags:?}");
        // Parents of groups are there, for rights are inherited through them.
        let parents =
            lab.ask("hostgroup.get", json!({"filter": {"name": [lab.mark, format!("{}/Sites", lab.mark)]}})).await;
        assert_eq!(parents.as_array().unwrap().len(), 2, "{version}");

        let again = lab.run().await;
        assert_eq!(
            (again.status, again.summary.to_apply()),
            (RunStatus::Completed, 0),
            "{version}: {:?}",
            again.summary
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_people_added_to_a_host_stays() {
    for version in VERSIONS {
        let lab = Lab::new(version).await;
        let device = lab.device("sw1");
        lab.run().await;
        let host = lab.host("sw1").await.unwrap();
        let own = format!("{}-own", lab.mark);
        let group = lab.by_hand("hostgroup.create", json!([{"name": own}])).await;
        let template = lab
            .ask("template.get", json!({"filter": {"host": ["Linux by Zabbix agent"]}, "output": ["templateid"]}))
            .await;
        let interface = json!([{"hostid": host["hostid"], "type": 1, "main": 1, "useip": 1, "ip": "192.0.2.7", "dns": "", "port": "10050"}]);
        lab.by_hand("hostinterface.create", interface).await;
        let add = |list: &Value, more: Value| {
            let mut all: Vec<Value> = list.as_array().unwrap().clone();
            all.push(more);
            Value::Array(all)
        };
        let ids = |list: &Value| -> Value {
            list.as_array().unwrap().iter().map(|one| json!({"groupid": one["groupid"]})).collect()
        };
        let icmp = lab.ask("template.get", json!({"filter": {"host": ["ICMP Ping"]}, "output": ["templateid"]})).await;
        lab.by_hand(
            "host.update",
            json!({
                "hostid": host["hostid"],
                "groups": add(&ids(&host["groups"]), json!({"groupid": group["groupids"][0]})),
                "tags": add(&host["tags"], json!({"tag": "owner", "value": "kim"})),
                "templates": [icmp[0], template[0]],
                "inventory": {"location": "by the door"},
            }),
        )
        .await;
        let own_macro = json!({"hostid": host["hostid"], "macro": "{$OWN}", "value": "kept", "type": 1});
        lab.by_hand("usermacro.create", own_macro).await;

        // Nothing of it is in a plan, and a change of what is managed leaves it.
        assert_eq!(lab.run().await.summary.to_apply(), 0, "{version}");
        lab.netbox.edit(Kind::Device, device, &json!({"role": 2, "serial": "NEW"})).unwrap();
        let changed = lab.approved().await;
        assert_eq!(changed.outcomes["host"].applied, 1, "{version}: {:?}", changed.outcomes);
        let host = lab.host("sw1").await.unwrap();
        let groups: Vec<_> = lab.groups(&host).into_iter().collect();
        assert_eq!(groups, ["Roles/Core", "Sites/Bern", own.as_str()], "{version}");
        assert!(
            tags(&host).contains("owner=kim") && tags(&host).contains("serial=NEW"),
            "{version}: {:?}",
            host["tags"]
        );
        assert_eq!(host["parentTemplates"].as_array().unwrap().len(), 2, "{version}");
        assert_eq!(host["interfaces"].as_array().unwrap().len(), 2, "{version}");
        assert_eq!(host["macros"].as_array().unwrap().len(), 2, "{version}");
        assert_eq!(
            (&host["inventory"]["location"], &host["inventory"]["serialno_a"]),
            (&json!("by the door"), &json!("NEW"))
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renamed_device_is_the_same_host() {
    for version in VERSIONS {
        let lab = Lab::new(version).await;
        let device = lab.device("old");
        lab.run().await;
        let before = lab.host("old").await.unwrap();
        lab.netbox.edit(Kind::Device, device, &json!({"name": lab.named("new")})).unwrap();
        let renamed = lab.approved().await;
        assert_eq!(renamed.outcomes["host"].applied, 1, "{version}: {:?}", renamed.outcomes);
        let after = lab.host("new").await.unwrap();
        assert_eq!((&after["hostid"], &after["name"]), (&before["hostid"], &json!(lab.named("new"))), "{version}");
        assert!(lab.host("old").await.is_none());
    }
}

/// A host that Zabbix refuses costs none of those beside it.
#[tokio::test(flavor = "multi_thread")]
async fn a_broken_host_costs_no_other() {
    for version in VERSIONS {
        let mut lab = Lab::new(version).await;
        for number in 0..20 {
            lab.device(&format!("sw{number:02}"));
        }
        // A person's host has the visible name that one device would get.
        let group = lab.by_hand("hostgroup.create", json!([{"name": format!("{}-own", lab.mark)}])).await;
        let body = json!({"host": lab.named("person"), "name": lab.named("sw07"), "groups": [{"groupid": group["groupids"][0]}]});
        lab.by_hand("host.create", body).await;
        lab.sync.target.parameters["hosts"]["templates"] = json!([{"template": "ICMP Ping"}, {"template": "no such", "when": format!("name == '{}'", lab.named("sw03"))}]);
        let report = lab.run().await;
        let counts = &report.outcomes["host"];
        assert_eq!((counts.applied, counts.failed), (18, 2), "{version}: {:?}", report.outcomes);
        assert!(lab.host("sw08").await.is_some() && lab.host("sw03").await.is_none());
        let failed =
            lab.runner.history().changes(report.run, &syncline_core::history::ChangeFilter::default(), None, 100).await;
        let reasons: Vec<_> = failed.unwrap().items.iter().filter_map(|change| change.reason.clone()).collect();
        let reasons = reasons.join("\n");
        assert!(reasons.contains("the template `no such` is missing in Zabbix"), "{version}: {reasons}");
        assert!(reasons.contains("already exists"), "{version}: {reasons}");
    }
}

/// A host that is there already is taken for the device of its name, and keeps what it has.
#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_is_there_is_adopted() {
    let lab = Lab::new("7.0.22").await;
    let group = lab.by_hand("hostgroup.create", json!([{"name": format!("{}-own", lab.mark)}])).await;
    let body = json!({"host": lab.named("sw1"), "groups": [{"groupid": group["groupids"][0]}]});
    let made = lab.by_hand("host.create", body).await;
    lab.device("sw1");
    let report = lab.approved().await;
    assert_eq!(report.status, RunStatus::Completed, "{:?}", report.error);
    let host = lab.host("sw1").await.unwrap();
    assert_eq!(host["hostid"], made["hostids"][0]);
    assert!(tags(&host).iter().any(|tag| tag.starts_with("syncline=")), "{:?}", host["tags"]);
    assert_eq!(lab.groups(&host).len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_zabbix_refuses_is_made_one_that_it_takes() {
    for version in VERSIONS {
        let mut lab = Lab::new(version).await;
        lab.sync.target.parameters["hosts"]["interfaces"][0]["address"] = json!("192.0.2.1");
        for name in ["Zürich/sw1 (core)", "Zurich_sw1 _core_"] {
            lab.device(name);
        }
        let report = lab.run().await;
        assert_eq!(report.outcomes["host"].applied, 2, "{version}: {:?}", report.outcomes);
        // Of two that would have one name, the older device has it.
        let first = lab.host("Zurich_sw1 _core_").await.unwrap();
        assert_eq!(first["name"], lab.named("Zürich/sw1 (core)"));
        assert_eq!(lab.host("Zurich_sw1 _core__2").await.unwrap()["name"], lab.named("Zurich_sw1 _core_"));
        assert_eq!(lab.run().await.summary.to_apply(), 0, "{version}");
    }
}

/// What a template brought goes with it, and what it needs is not taken from under it.
#[tokio::test(flavor = "multi_thread")]
async fn a_template_goes_with_its_items_and_keeps_its_interface() {
    for version in VERSIONS {
        let mut lab = Lab::new(version).await;
        lab.device("sw1");
        let rules = |lab: &mut Lab, name: &str, value: Value| lab.sync.target.parameters["hosts"][name] = value;
        rules(&mut lab, "templates", json!([{"template": "Generic by SNMP"}]));
        rules(&mut lab, "managed_templates", json!(["Generic by SNMP", "ICMP Ping"]));
        assert_eq!(lab.run().await.outcomes["host"].applied, 1, "{version}");
        let host = lab.host("sw1").await.unwrap();
        let keys = async |lab: &Lab| -> Vec<String> {
            let items = lab.ask("item.get", json!({"hostids": [host["hostid"]], "output": ["key_"]})).await;
            items.as_array().unwrap().iter().map(|item| item["key_"].as_str().unwrap().to_owned()).collect()
        };
        assert!(keys(&lab).await.len() > 3, "{version}");

        // Its items live on the interface.
        let mut interfaces = lab.sync.target.parameters["hosts"]["interfaces"].clone();
        interfaces[0]["when"] = json!("1 == 2");
        let kept = std::mem::replace(&mut lab.sync.target.parameters["hosts"]["interfaces"], interfaces);
        let report = lab.approved().await;
        assert_eq!(report.outcomes["host"].failed, 1, "{version}: {:?}", report.outcomes);
        assert_eq!(lab.host("sw1").await.unwrap()["interfaces"].as_array().unwrap().len(), 1, "{version}");

        rules(&mut lab, "interfaces", kept);
        rules(&mut lab, "templates", json!([{"template": "ICMP Ping"}]));
        let report = lab.approved().await;
        assert_eq!(report.outcomes["host"].applied, 1, "{version}: {:?}", report.outcomes);
        let left = keys(&lab).await;
        assert!(left.len() == 3 && left.iter().all(|key| key.starts_with("icmpping")), "{version}: {left:?}");
    }
}

/// A secret is never shown again: what changed is told by its check.
#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_sent_when_it_changed_and_only_then() {
    for version in VERSIONS {
        let mut lab = Lab::new(version).await;
        lab.device("sw1");
        lab.run().await;
        let secret =
            |lab: &Lab| lab.sim.as_ref().map(|sim| sim.host(&lab.named("sw1")).unwrap()["macros"][0]["value"].clone());
        assert_eq!(secret(&lab).unwrap_or(json!("s3cret")), json!("s3cret"));
        lab.sync.target.parameters["hosts"]["macros"][0]["secret"] = json!(lab.secret("community-2", "n3w"));
        let report = lab.approved().await;
        assert_eq!(report.outcomes["host"].applied, 1, "{version}: {:?}", report.outcomes);
        assert_eq!(secret(&lab).unwrap_or(json!("n3w")), json!("n3w"), "{version}");
        assert_eq!(lab.run().await.summary.to_apply(), 0, "{version}");
        let plan = std::fs::read_to_string(report.plan.unwrap()).unwrap();
        assert!(!plan.contains("n3w") && !plan.contains("s3cret"), "a plan shows no secret");
    }
}

/// Of what cannot be a host, people are told the rule and the record, and the rest goes on.
#[tokio::test(flavor = "multi_thread")]
async fn a_rule_that_says_nothing_of_a_device_is_told_with_its_name() {
    let lab = Lab::new("7.0.22").await;
    lab.device("sw1");
    lab.device("no name at all");
    let report = lab.run().await;
    assert_eq!(report.outcomes["host"].applied, 1, "{:?}", report.outcomes);
    let plan = syncline_core::plan::PlanReader::open(report.plan.as_ref().unwrap()).unwrap();
    let doubt = plan.header().source.reads["host"].doubt.clone().unwrap_or_default();
    assert_eq!(doubt, "1 record could not be taken over");
    // The run and whoever asks the history later are told the device, the rule and the reason.
    let told = |rejections: &[syncline_core::snapshot::Rejection]| -> Vec<_> {
        rejections.iter().map(|rejection| (rejection.record.clone(), rejection.field.clone())).collect()
    };
    let expected = [(lab.named("no name at all"), "interfaces[0]".to_owned())];
    let named: Vec<_> = report.source.iter().filter(|(_, read)| read.rejected > 0).collect();
    let [(model, read)] = &named[..] else { panic!("{named:?}") };
    assert_eq!((**model, told(&read.rejections)), ("host", expected.to_vec()));
    assert!(!read.rejections[0].message.is_empty());
    assert_eq!((report.status, report.rejected()), (RunStatus::Completed, 1));
    let history = lab.runner.history();
    let models = history.models(report.run).await.unwrap();
    let host = models.iter().find(|found| found.model == "host").and_then(|found| found.source.as_ref()).unwrap();
    assert_eq!(told(&host.rejections), expected);
    assert_eq!(history.run(report.run).await.unwrap().unwrap().summary().failed, 1);
}
