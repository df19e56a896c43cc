//! How fast a real server is filled, beside the best that the same server does for anybody.
//!
//! The other side is the API alone: calls that are there before the clock starts, with the hosts that the sync made, in arrays of one
//! size each. It neither reads, compares, records nor looks afterwards.

use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};
use syncline_core::event::Phase;
use syncline_core::history::RunStatus;
use syncline_testkit::netbox::Kind;

use super::lab::Lab;

/// The environment variable that asks for the measurement. Without it the same is done with a few hosts, so that it works when it is
/// asked for.
const ASKED_FOR: &str = "TEST_ZABBIX_RATE";

/// How much is measured.
struct Scale {
    /// Devices in NetBox.
    hosts: usize,
    /// Hosts for each size of array.
    sample: usize,
    sizes: &'static [usize],
}

const MEASURED: Scale = Scale { hosts: 2_000, sample: 400, sizes: &[10, 25, 50, 100, 200, 400] };
const TRIED: Scale = Scale { hosts: 20, sample: 12, sizes: &[5, 12] };

fn per_second(hosts: usize, took: Duration) -> f64 {
    hosts as f64 / took.as_secs_f64()
}

/// The hosts of the lab as calls make them.
async fn payloads(lab: &Lab) -> Vec<Value> {
    let query = json!({
        "output": ["hostid", "host", "name", "status", "inventory_mode"],
        "search": {"host": format!("{}-", lab.mark)}, "startSearch": true,
        "selectInterfaces": ["type", "main", "useip", "ip", "dns", "port", "details"],
        "selectTags": ["tag", "value"],
        "selectInventory": ["serialno_a", "model"],
        "selectParentTemplates": ["templateid"],
        (lab.groups_of_hosts()): ["groupid"],
    });
    let hosts = lab.ask("host.get", query).await;
    hosts.as_array().unwrap().iter().map(payload).collect()
}

fn payload(read: &Value) -> Value {
    let ids = |list: &Value, id: &str| -> Value {
        list.as_array().into_iter().flatten().map(|one| json!({ (id): one[id] })).collect()
    };
    let groups = read.get("hostgroups").unwrap_or(&read["groups"]);
    let mut host: Map<String, Value> = ["host", "name", "status", "inventory_mode"]
        .map(|name| (name.to_owned(), read[name].clone()))
        .into_iter()
        .collect();
    for name in ["interfaces", "tags", "inventory"] {
        host.insert(name.to_owned(), read[name].clone());
    }
    host.insert("macros".to_owned(), json!([{"macro": "{$SNMP_COMMUNITY}", "value": "s3cret", "type": 1}]));
    host.insert("groups".to_owned(), ids(groups, "groupid"));
    host.insert("templates".to_owned(), ids(&read["parentTemplates"], "templateid"));
    Value::Object(host)
}

async fn delete(lab: &Lab) {
    let query = json!({"output": ["hostid"], "search": {"host": format!("{}-", lab.mark)}, "startSearch": true});
    let ids: Vec<Value> =
        lab.ask("host.get", query).await.as_array().unwrap().iter().map(|host| host["hostid"].clone()).collect();
    for ids in ids.chunks(100) {
        lab.by_hand("host.delete", ids.into()).await;
    }
}

/// Measured by `cargo xtask bench zabbix`, which takes minutes.
#[tokio::test(flavor = "multi_thread")]
async fn hosts_a_second() {
    let measured = std::env::var_os(ASKED_FOR).is_some();
    let Scale { hosts, sample, sizes } = if measured { MEASURED } else { TRIED };
    let mut lab = Lab::new("7.0.22").await;
    assert!(!measured || lab.sim.is_none(), "a simulator has no speed worth knowing: name a real server");
    lab.sync.policy = serde_json::from_value(json!({})).unwrap();
    let devices: Vec<_> = (0..hosts)
        .map(|number| {
            let name = lab.named(&format!("sw{number:04}"));
            json!({"name": name, "site": 1, "device_type": 1, "role": 1, "status": "active", "serial": format!("S{number}")})
        })
        .collect();
    lab.netbox.seed_all(Kind::Device, &devices).unwrap();

    let clock = Instant::now();
    let filled = lab.run().await;
    let whole = clock.elapsed();
    assert_eq!((filled.status, filled.outcomes["host"].applied), (RunStatus::Completed, hosts as u64));
    let apply = filled.phases.iter().find(|record| record.phase == Phase::ExecuteSync);
    let apply = apply.map_or(whole, |record| Duration::from_millis(record.duration_ms));
    println!("first run   {hosts} hosts in {:.1} s: {:.0} hosts/s", whole.as_secs_f64(), per_second(hosts, whole));
    println!("  its writes {:.1} s: {:.0} hosts/s", apply.as_secs_f64(), per_second(hosts, apply));

    let clock = Instant::now();
    let again = lab.run().await;
    assert_eq!((again.status, again.summary.to_apply()), (RunStatus::Completed, 0));
    println!("second run  {:.1} s, nothing to write", clock.elapsed().as_secs_f64());

    let payloads = payloads(&lab).await;
    assert_eq!(payloads.len(), hosts);
    let mut best = 0.0_f64;
    for &size in sizes {
        delete(&lab).await;
        let clock = Instant::now();
        for part in payloads[..sample].chunks(size) {
            lab.by_hand("host.create", part.into()).await;
        }
        let rate = per_second(sample, clock.elapsed());
        println!("bare calls  arrays of {size:>3}: {rate:.0} hosts/s");
        best = best.max(rate);
    }
    delete(&lab).await;
    println!(
        "of the best: writes {:.0} %, whole run {:.0} %",
        per_second(hosts, apply) / best * 100.0,
        per_second(hosts, whole) / best * 100.0
    );
}
