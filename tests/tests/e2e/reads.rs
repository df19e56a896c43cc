//! Reads that go wrong: whatever happens to them, nothing is deleted, and the run says what happened.

use syncline_core::policy::{Deletes, Quarantine};
use syncline_core::run::RunReport;
use syncline_testkit::forward::{Break, BreakEnd, Dataset, Faults};
use syncline_testkit::netbox::{Effect, Fault, Kind};

use crate::lab::{Lab, changes};

/// A filled NetBox, and a policy that deletes what is absent: only the evidence stands between a bad read and a delete.
async fn filled(prepare: impl FnOnce(&mut Lab)) -> Lab {
    let mut lab = Lab::new().await;
    lab.sync.policy.deletes = Deletes::Apply;
    lab.sync.policy.quarantine = Quarantine::off();
    prepare(&mut lab);
    Lab::completed(&lab.run().await);
    lab.netbox.forget_requests();
    lab
}

/// Read page by page.
fn by_pages(lab: &mut Lab) {
    lab.sync.source.connection["page_size"] = 50.into();
    lab.sync.source.connection["execution"] = "sync".into();
}

/// Fills NetBox, breaks Forward, runs again: the report of the second run.
async fn broken(fault: impl FnOnce(&mut Faults)) -> (Lab, RunReport) {
    let lab = filled(|_| {}).await;
    lab.forward.forget_requests();
    lab.forward.faults(fault);
    let report = lab.run().await;
    (lab, report)
}

#[track_caller]
fn failed_and_wrote_nothing(lab: &Lab, report: &RunReport, expected: &[&str]) {
    let error = report.error.as_ref().map(syncline_core::Error::report).unwrap_or_default();
    assert_eq!(report.status.as_str(), "failed", "{error}");
    for part in expected {
        assert!(error.contains(part), "`{part}` is not in: {error}");
    }
    assert_eq!(lab.netbox.write_requests(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forward_that_dies_mid_read_deletes_nothing() {
    let (lab, report) = broken(|faults| faults.kill_after_rows = Some(200)).await;
    failed_and_wrote_nothing(&lab, &report, &["127.0.0.1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_cut_short_is_noticed() {
    let lab = filled(by_pages).await;
    lab.forward.faults(|faults| {
        faults.only = Some(Dataset::Interfaces);
        faults.empty_from = Some(100);
    });
    let report = lab.run().await;
    failed_and_wrote_nothing(&lab, &report, &["source interface"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_keeps_breaking_is_noticed() {
    let (lab, report) = broken(|faults| {
        faults.only = Some(Dataset::Interfaces);
        faults.break_after = Some(Break { rows: 20, end: BreakEnd::MidRow });
    })
    .await;
    let deletes = if report.plan.is_some() { changes(&report) } else { Vec::new() };
    assert!(deletes.iter().all(|change| change.hold.is_some()));
    assert_eq!(lab.netbox.write_requests(), 0, "{:?}", report.error.map(|error| error.report()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_page_is_noticed() {
    let lab = filled(by_pages).await;
    lab.forward.faults(|faults| {
        faults.only = Some(Dataset::Interfaces);
        faults.repeat_page = true;
    });
    let report = lab.run().await;
    failed_and_wrote_nothing(&lab, &report, &["source interface"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_total_proves_no_absence() {
    let lab = filled(by_pages).await;
    lab.forward.faults(|faults| {
        faults.missing_total = true;
        faults.only = Some(Dataset::Interfaces);
        faults.empty_from = Some(100);
    });
    let report = lab.run().await;
    assert_eq!(lab.netbox.write_requests(), 0);
    let deletes = if report.plan.is_some() { changes(&report) } else { Vec::new() };
    assert!(report.error.is_some() || (!deletes.is_empty() && deletes.iter().all(|change| change.hold.is_some())));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_netbox_that_cuts_a_read_short_gets_nothing_created_twice() {
    let lab = Lab::new().await;
    Lab::completed(&lab.run().await);
    let before = lab.netbox.count(Kind::MacAddress);
    lab.netbox.forget_requests();
    lab.netbox.faults().add(Fault::on("mac_address_list", Effect::ShortPage(3)));
    let report = lab.run().await;
    assert_eq!(lab.netbox.count(Kind::MacAddress), before);
    assert_eq!(lab.netbox.write_requests(), 0, "{:?}", report.error.map(|error| error.report()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_netbox_that_forbids_one_endpoint_says_which() {
    let lab = Lab::new().await;
    lab.netbox.deny(Kind::Interface);
    let report = lab.run().await;
    failed_and_wrote_nothing(&lab, &report, &["target interface"]);
}
