//! What Zabbix would refuse is in the plan, before anything is written.

use std::collections::BTreeMap;

use serde_json::json;
use syncline_core::event::Events;
use syncline_core::history::RunStatus;
use syncline_core::plan::PlanReader;
use syncline_core::run::RunRequest;
use syncline_testkit::netbox::Kind;
use syncline_testkit::zabbix::ZabbixSim;
use tokio_util::sync::CancellationToken;

use super::lab::Lab;
use crate::describe;
use crate::settings::TargetParameters;

/// What the plan says would be refused, by the host's name without the test's own beginning.
async fn foreseen(lab: &Lab) -> BTreeMap<String, String> {
    let planned =
        lab.runner.run(&lab.sync, RunRequest::dry(), &Events::new(), &CancellationToken::new()).await.unwrap();
    assert_eq!(planned.status, RunStatus::Completed, "{:?}", planned.error);
    let plan = PlanReader::open(&planned.plan.unwrap()).unwrap();
    let changes: Vec<_> = plan.changes().unwrap().map(Result::unwrap).collect();
    let refused: BTreeMap<_, _> = changes
        .into_iter()
        .filter_map(|change| {
            let refusal = change.refusal?;
            let key = change.key.to_string();
            let name = key.trim_start_matches(&format!("{}-", lab.mark)).to_owned();
            Some((name, format!("{}: {}", refusal.field.unwrap_or_default(), refusal.reason)))
        })
        .collect();
    assert_eq!(plan.summary().refused(), refused.len() as u64);
    refused
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_says_which_hosts_would_be_refused() {
    for version in ["6.0.14", "7.0.22"] {
        let mut lab = Lab::new(version).await;
        let old = lab.device("old");
        lab.run().await;
        for name in ["good", "template", "proxy", "clash", "kept", "visible"] {
            lab.device(name);
        }
        let hosts = &mut lab.sync.target.parameters["hosts"];
        let mark = lab.mark.clone();
        hosts["templates"] = json!([
            {"template": "ICMP Ping"},
            {"template": "no such", "when": format!("name in ['{mark}-template', '{mark}-old']")},
            {"template": "Generic by SNMP", "when": format!("name == '{mark}-clash'")},
        ]);
        hosts["monitored_by"] = json!([{"proxy": "nowhere", "when": format!("name == '{mark}-proxy'")}]);
        // One is left alone, so it is in no plan, and has its name all the same.
        let group = lab.by_hand("hostgroup.create", json!([{"name": format!("{mark}-own")}])).await;
        let own = |host: &str, name: &str| {
            json!({
                "host": lab.named(host), "name": lab.named(name), "groups": [{"groupid": group["groupids"][0]}],
                "tags": [{"tag": "syncline-ignore", "value": ""}],
            })
        };
        // The host of a device that people keep is in no plan either.
        lab.by_hand("host.create", own("kept", "theirs")).await;
        lab.by_hand("host.create", own("theirs-too", "visible")).await;
        let writes = lab.sim.as_ref().map(ZabbixSim::write_requests);

        let told = foreseen(&lab).await;
        assert_eq!(writes, lab.sim.as_ref().map(ZabbixSim::write_requests), "a plan writes nothing");
        let names: Vec<_> = told.keys().map(String::as_str).collect();
        assert_eq!(names, ["clash", "old", "proxy", "template", "visible"], "{version}: {told:?}");
        let missing = "templates: the template `no such` is missing in Zabbix, or not visible to this account";
        assert_eq!((told["template"].as_str(), told["old"].as_str()), (missing, missing));
        assert!(told["clash"].starts_with("templates: the templates `"), "{version}: {}", told["clash"]);
        assert!(told["proxy"].starts_with("monitored_by: the proxy `nowhere` is missing"), "{}", told["proxy"]);
        assert!(told["visible"].starts_with("name: the visible name `"), "{}", told["visible"]);

        // All are tried, and what was foreseen comes true.
        let ran = lab.approved().await;
        assert_eq!((ran.total().failed, lab.host("good").await.is_some()), (5, true), "{version}: {:?}", ran.outcomes);

        // What is put right is foreseen no more.
        lab.sync.target.parameters["hosts"]["templates"] = json!([{"template": "ICMP Ping"}]);
        lab.sync.target.parameters["hosts"]["monitored_by"] = json!([]);
        lab.netbox.edit(Kind::Device, old, &json!({"serial": "NEW"})).unwrap();
        let told = foreseen(&lab).await;
        assert_eq!(told.keys().collect::<Vec<_>>(), ["visible"], "{version}");
    }
}

/// What the rules name in full and Zabbix lacks is told before there is a plan.
#[tokio::test(flavor = "multi_thread")]
async fn the_connection_test_names_what_zabbix_lacks() {
    for version in ["6.0.14", "7.0.9"] {
        let mut lab = Lab::new(version).await;
        let told = async |lab: &Lab| {
            let parameters: TargetParameters = serde_json::from_value(lab.sync.target.parameters.clone()).unwrap();
            describe::check(&lab.api, Some(&parameters)).await.unwrap().warnings
        };
        assert_eq!(told(&lab).await, Vec::<String>::new(), "{version}");
        lab.sync.target.parameters["hosts"]["templates"] =
            json!([{"template": "ICMP Ping"}, {"template": "ICMP Pnig"}, {"template": "{{ role.name }} by SNMP"}]);
        lab.sync.target.parameters["hosts"]["monitored_by"] = json!([{"proxy": "nowhere"}]);
        assert_eq!(
            told(&lab).await,
            [
                "`hosts.templates[1].template`: the template `ICMP Pnig` is missing in Zabbix, or not visible to this account; did you \
                 mean `ICMP Ping`?",
                "`hosts.monitored_by[0].proxy`: the proxy `nowhere` is missing in Zabbix, or not visible to this account",
            ],
            "{version}"
        );
    }
}
