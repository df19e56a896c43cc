//! How many requests a run may cost. A request is 16 to 26 ms of the server's time before it does anything, so their number is the speed.

use serde_json::json;
use syncline_core::history::RunStatus;
use syncline_testkit::netbox::Kind;

use super::lab::Lab;

const HOSTS: usize = 2_000;

/// A lab with many devices, on the simulator: a real server's requests cannot be counted.
async fn crowd(hosts: usize) -> Option<(Lab, Vec<u64>)> {
    let mut lab = Lab::new("7.0.22").await;
    lab.sim.as_ref()?;
    lab.sync.policy = serde_json::from_value(json!({"guards": {
        "updates_need_approval_percent": 100, "same_value_needs_approval_percent": 100, "updates_refused_percent": 100,
    }}))
    .unwrap_or_default();
    let devices: Vec<_> = (0..hosts)
        .map(|number| {
            let name = lab.named(&format!("sw{number:04}"));
            json!({"name": name, "site": 1, "device_type": 1, "role": 1, "status": "active", "serial": format!("S{number}")})
        })
        .collect();
    let ids = lab.netbox.seed_all(Kind::Device, &devices).unwrap();
    Some((lab, ids))
}

impl Lab {
    fn forget(&self) {
        self.sim.as_ref().unwrap().forget_requests();
    }

    /// How many requests there were, and how many of them wrote.
    fn spent(&self) -> (usize, usize) {
        let sim = self.sim.as_ref().unwrap();
        (sim.requests().len(), sim.write_requests())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_follow_what_changed() {
    let Some((lab, ids)) = crowd(HOSTS).await else { return };
    lab.forget();
    let filled = lab.run().await;
    assert_eq!((filled.status, filled.outcomes["host"].applied), (RunStatus::Completed, HOSTS as u64));
    let (requests, _) = lab.spent();
    assert!(requests <= 60, "the first load took {requests} requests");

    lab.forget();
    assert_eq!(lab.run().await.summary.to_apply(), 0);
    let (requests, writes) = lab.spent();
    assert!(requests <= 12 && writes == 0, "an unchanged run took {requests} requests, {writes} of them writes");

    for id in ids.iter().step_by(20) {
        lab.netbox.edit(Kind::Device, *id, &json!({"serial": format!("NEW{id}")})).unwrap();
    }
    lab.forget();
    let changed = lab.approved().await;
    assert_eq!(changed.outcomes["host"].applied, HOSTS as u64 / 20, "{:?}", changed.outcomes);
    let (requests, _) = lab.spent();
    assert!(requests <= 15, "5 % changed took {requests} requests");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_host_in_a_hundred_costs_three_requests() {
    let spent = async |bad: bool| {
        let (lab, _) = crowd(100).await?;
        if bad {
            let body = json!({"host": lab.named("person"), "name": lab.named("sw0050"), "groups": [{"groupid": "2"}]});
            lab.sim.as_ref().unwrap().seed_host(body).unwrap();
        }
        lab.forget();
        let report = lab.run().await;
        assert_eq!(report.outcomes["host"].applied, 100 - u64::from(bad), "{:?}", report.outcomes);
        Some(lab.spent().0)
    };
    let (Some(good), Some(bad)) = (spent(false).await, spent(true).await) else { return };
    assert!(bad <= good + 3, "{good} requests without the bad host, {bad} with it");
}
