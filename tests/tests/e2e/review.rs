//! What people approve is what is written: in the target itself, or in a branch of it.

use chrono::Utc;
use serde_json::json;
use syncline_core::event::Events;
use syncline_core::history::{Approval, Decision, Run, RunId, RunStage, RunStatus};
use syncline_core::plan::Selection;
use syncline_core::run::RunReport;
use syncline_testkit::netbox::{BranchStatus, Kind};
use tokio_util::sync::CancellationToken;

use crate::lab::{Lab, find};

async fn run_of(lab: &Lab, run: RunId) -> Run {
    lab.runner.history().run(run).await.unwrap().unwrap()
}

async fn decide(lab: &Lab, run: &Run, verdict: Approval, selection: Option<Selection>) {
    let selection = match selection {
        Some(selection) => Some(selection.of(&lab.runner.plan_of(run).await.unwrap()).unwrap()),
        None => None,
    };
    let decision = Decision {
        plan_hash: run.plan.as_ref().unwrap().hash.clone(),
        verdict,
        by: "kim".to_owned(),
        reason: "looked at".to_owned(),
        selection,
        overrides_guards: false,
        at: Utc::now(),
    };
    lab.runner.history().decide(run.id, &decision).await.unwrap();
}

async fn go_on(lab: &Lab, run: RunId) -> RunReport {
    lab.runner.go_on(run, &lab.sync, &Events::new(), &CancellationToken::new()).await.unwrap()
}

/// The descriptions of three interfaces change in the source, and wait for approval.
async fn waiting() -> (Lab, Run, Vec<(String, String)>) {
    let mut lab = Lab::new().await;
    Lab::completed(&lab.run().await);
    let names: Vec<_> = lab
        .estate
        .devices()
        .flat_map(|device| {
            let interfaces = device.interfaces.iter().map(|interface| (device.name.clone(), interface.name.clone()));
            interfaces.collect::<Vec<_>>()
        })
        .take(3)
        .collect();
    lab.edit(|estate| {
        for (device, interface) in &names {
            assert!(estate.describe_interface(device, interface, Some("approved")));
        }
    });
    lab.sync.auto_merge = false;
    let report = lab.run().await;
    assert_eq!(report.status, RunStatus::AwaitingReview);
    lab.netbox.forget_requests();
    let run = run_of(&lab, report.run).await;
    (lab, run, names)
}

fn described(lab: &Lab, description: &str) -> usize {
    lab.netbox.objects(Kind::Interface).iter().filter(|interface| interface["description"] == description).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_moved_after_the_approval_is_stale_and_the_rest_is_applied() {
    let (mut lab, run, names) = waiting().await;
    // Meanwhile somebody describes one of them by hand, and the source says something else of all.
    let plan = lab.runner.plan_of(&run).await.unwrap();
    let moved = plan.changes().unwrap().next().unwrap().unwrap().native.unwrap().id.parse().unwrap();
    lab.netbox.edit(Kind::Interface, moved, &json!({"description": "by hand"})).unwrap();
    lab.edit(|estate| {
        for (device, interface) in &names {
            assert!(estate.describe_interface(device, interface, Some("said later")));
        }
    });

    decide(&lab, &run, Approval::Approved, None).await;
    let report = go_on(&lab, run.id).await;
    let total = report.total();
    assert_eq!((report.status, total.applied, total.stale), (RunStatus::Completed, 2, 1));
    assert_eq!((described(&lab, "approved"), described(&lab, "by hand"), described(&lab, "said later")), (2, 1, 0));
    assert_eq!(lab.netbox.written_objects(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_selected_change_is_the_only_one_that_is_written() {
    let (lab, run, _) = waiting().await;
    let plan = lab.runner.plan_of(&run).await.unwrap();
    let first = plan.changes().unwrap().next().unwrap().unwrap();
    let selector = format!("#{}", first.id).parse().unwrap();
    decide(&lab, &run, Approval::Approved, Some(Selection::Only(vec![selector]))).await;
    let total = go_on(&lab, run.id).await.total();
    assert_eq!((total.applied, total.held), (1, 2));
    assert_eq!((described(&lab, "approved"), lab.netbox.written_objects()), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_branch_is_merged_at_once_or_when_somebody_approves() {
    let mut lab = Lab::with_branches().await;
    Lab::completed(&lab.run().await);
    assert_eq!(lab.netbox.branches()[0].status, BranchStatus::Merged);
    let mut ours = Vec::new();
    let instance = lab.sync.target.instance();
    lab.runner.history().each_of_ours(&instance, "device", |id| ours.push(id.parse().unwrap())).await.unwrap();
    assert!(ours.iter().all(|id| lab.netbox.object(Kind::Device, *id).is_some()), "what was merged kept its ids");
    assert!(!ours.is_empty() && ours.len() == lab.netbox.count(Kind::Device));

    let device = lab.estate.devices().next().unwrap().name.clone();
    lab.edit(|estate| estate.set_serial(&device, Some("APPROVED")).unwrap());
    lab.sync.auto_merge = false;
    let waiting = lab.run().await;
    let run = run_of(&lab, waiting.run).await;
    assert_eq!((waiting.status, run.stage), (RunStatus::AwaitingReview, RunStage::Staged));
    assert!(run.staged_as.is_some());
    let serials =
        |lab: &Lab| lab.netbox.objects(Kind::Device).iter().filter(|device| device["serial"] == "APPROVED").count();
    assert_eq!(serials(&lab), 0, "what waits is not in main");
    decide(&lab, &run, Approval::Approved, None).await;
    Lab::completed(&go_on(&lab, run.id).await);
    assert_eq!((serials(&lab), lab.netbox.branches()[1].status), (1, BranchStatus::Merged));
    let again = lab.run().await;
    assert_eq!((again.status, again.total().total()), (RunStatus::Completed, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejected_branch_goes_and_leaves_nothing() {
    let mut lab = Lab::with_branches().await;
    lab.sync.auto_merge = false;
    let waiting = lab.run().await;
    assert_eq!(waiting.status, RunStatus::AwaitingReview);
    assert_eq!((lab.netbox.branches().len(), lab.netbox.count(Kind::Device)), (1, 0));
    decide(&lab, &run_of(&lab, waiting.run).await, Approval::Rejected, None).await;
    let report = go_on(&lab, waiting.run).await;
    assert_eq!(report.status, RunStatus::Cancelled);
    assert_eq!(report.error.unwrap().to_string(), "the plan was rejected by kim: looked at");
    assert_eq!((lab.netbox.branches().len(), lab.netbox.count(Kind::Device)), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_branch_is_not_merged_over_what_was_changed_meanwhile() {
    let mut lab = Lab::with_branches().await;
    Lab::completed(&lab.run().await);
    let device = lab.estate.devices().next().unwrap().name.clone();
    lab.edit(|estate| estate.set_serial(&device, Some("STAGED")).unwrap());
    lab.sync.auto_merge = false;
    let waiting = lab.run().await;
    let devices = lab.netbox.objects(Kind::Device);
    let id = find(&devices, "name", &device).unwrap()["id"].as_u64().unwrap();
    lab.netbox.edit(Kind::Device, id, &json!({"serial": "BY HAND"})).unwrap();
    decide(&lab, &run_of(&lab, waiting.run).await, Approval::Approved, None).await;
    let report = go_on(&lab, waiting.run).await;
    assert_eq!(report.status, RunStatus::Failed);
    let error = report.error.unwrap().to_string();
    assert!(
        error.starts_with("the target was changed where the run changes it too, so its changes stay staged"),
        "{error}"
    );
    assert_eq!(lab.netbox.object(Kind::Device, id).unwrap()["serial"], "BY HAND");
}
