//! Whole syncs through a bad network: nothing is deleted that is there, nothing is lost, and what went wrong is told.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use syncline_core::history::{ChangeFilter, OutcomeKind};
use syncline_core::policy::{Deletes, Quarantine};
use syncline_core::run::RunReport;
use syncline_testkit::fault_proxy::{FaultPlan, FaultProxy};
use syncline_testkit::netbox::Kind;

use crate::lab::{EVERY_KIND, Lab, changes, shown};

/// Requests that must have passed the proxies. `SYNCLINE_FAULT_REQUESTS=10000` makes a long test of it.
fn wanted_requests() -> u64 {
    std::env::var("SYNCLINE_FAULT_REQUESTS").ok().and_then(|text| text.parse().ok()).unwrap_or(2_000)
}

/// A lab whose connections go through proxies, in small pages and batches, so that there are many requests.
struct BadNetwork {
    lab: Lab,
    forward: FaultProxy,
    netbox: FaultProxy,
}

impl BadNetwork {
    async fn new(seed: u64) -> Self {
        let mut lab = Lab::new().await;
        let forward = FaultProxy::start(&lab.forward.url(), seed, FaultPlan::none()).await.unwrap();
        let netbox = FaultProxy::start(lab.netbox.url(), seed + 1, FaultPlan::none()).await.unwrap();
        let http = json!({
            "retry": {"base_delay_ms": 1, "max_delay_seconds": 1},
            "read_timeout_seconds": 1,
        });
        let side = |connection: &mut Value, proxy: &FaultProxy| {
            connection["url"] = json!(proxy.url());
            connection["http"] = http.clone();
        };
        side(&mut lab.sync.source.connection, &forward);
        side(&mut lab.sync.target.connection, &netbox);
        lab.sync.policy.deletes = Deletes::Apply;
        // What is taken for absent goes at once: a wrong delete would happen here.
        lab.sync.policy.quarantine = Quarantine::off();
        Self { lab, forward, netbox }
    }

    fn set_plan(&self, share: f64) {
        let plan = FaultPlan::every_kind(share);
        // A query of Forward may be silent for as long as it may compute: a stall there is no time-out of a second.
        self.forward.set_plan(FaultPlan { stall: 0.0, ..plan.clone() });
        // Each stall costs a time-out.
        self.netbox.set_plan(FaultPlan { stall: share / 2.0, ..plan });
    }

    fn requests(&self) -> u64 {
        self.forward.requests() + self.netbox.requests()
    }

    /// How many objects NetBox has of each kind.
    fn counts(&self) -> Vec<(Kind, usize)> {
        EVERY_KIND.into_iter().map(|kind| (kind, self.lab.netbox.count(kind))).collect()
    }
}

/// Whether a run that did not bring everything says so.
async fn is_told(lab: &Lab, report: &RunReport) -> bool {
    if report.error.is_some() {
        return true;
    }
    let changes = lab.runner.history().changes(report.run, &ChangeFilter::default(), None, 100_000).await.unwrap();
    changes.items.iter().any(|change| change.outcome != OutcomeKind::Applied)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_network_costs_time_and_nothing_else() {
    let mut network = BadNetwork::new(20_261_120).await;
    let mut round = 0_u32;
    let mut known = network.counts();
    // Requests while there were faults.
    let mut endured = 0;
    while endured < wanted_requests() {
        network.set_plan(0.02);
        let before = network.requests();
        let report = network.lab.run().await;
        endured += network.requests() - before;
        // Nothing ever left the source, so nothing may leave the target.
        for (before, after) in known.iter().zip(network.counts()) {
            assert!(after.1 >= before.1, "round {round}: {before:?} became {after:?}");
        }

        network.set_plan(0.0);
        let mended = network.lab.run().await;
        Lab::completed(&mended);
        let missing: Vec<_> = changes(&mended).into_iter().filter(|change| change.hold.is_none()).collect();
        assert!(missing.is_empty() || is_told(&network.lab, &report).await, "{:?}", shown(&missing));
        // Target and source agree, and nothing is there twice.
        let last = network.lab.run().await;
        Lab::completed(&last);
        assert_eq!(shown(&changes(&last)), [""; 0], "round {round}");
        known = network.counts();

        // Something to do for the next round.
        round += 1;
        let text = format!("round {round}");
        let ports: Vec<_> = network
            .lab
            .estate
            .devices()
            .filter_map(|device| Some((device.name.clone(), device.interfaces.first()?.name.clone())))
            .collect();
        network.lab.edit(|estate| {
            for (device, interface) in &ports {
                assert!(estate.describe_interface(device, interface, Some(&text)));
            }
        });
    }
    let faults: Vec<_> = network.forward.faults().into_iter().chain(network.netbox.faults()).collect();
    let kinds: BTreeSet<_> = faults.iter().map(|fault| fault.kind.name()).collect();
    assert_eq!(kinds.len(), 8, "{kinds:?} in {} requests", network.requests());
    let lost_answers = faults.iter().filter(|fault| fault.reached_upstream && fault.kind.name() == "reset_after");
    assert!(lost_answers.filter(|fault| fault.method != "GET").count() > 0, "no write was left in doubt");
}
