//! Runs about a part, which are no complete runs.

use super::*;
use crate::run::tests::part::sites;

#[tokio::test]
async fn a_run_about_a_part_counts_no_absence() {
    let timed = Timed::new("part-uncounted").await;
    timed.lose("b");
    for hours in [1, 50, 100] {
        timed.at(hours);
        let report = timed.run_with(RunRequest::part(sites(&["b"]))).await;
        assert!(Timed::says(&report, "b").starts_with("quarantine: "), "{}", Timed::says(&report, "b"));
    }
    assert_eq!(timed.rows().await, []);
    timed.run().await;
    assert_eq!(timed.row().await, (1, 100));
}

/// Nor does it find that a record is back, nor mark one: whoever forgot a mark could not take it back.
#[tokio::test]
async fn a_run_about_a_part_changes_nothing_about_those_that_wait() {
    let mut timed = Timed::new("part-marks").await;
    timed.lab.sync.policy.quarantine.runs = 1;
    timed.lose("b");
    timed.at(1);
    timed.run().await;
    with("part-marks", |world| world.statuses = Some(BTreeMap::new()));
    timed.lab.sync.policy.quarantine.mark = Mark::Status("retired".to_owned());
    timed.at(2);
    let part = timed.run_with(RunRequest::part(sites(&["b"]))).await;
    assert_eq!((part.status, part.summary.to_apply()), (RunStatus::Completed, 0), "{:?}", part.error);
    assert_eq!(timed.row().await, (1, 1));
    assert!(timed.run_with(RunRequest::dry()).await.summary.to_apply() > 0, "a run about all of it marks");
    timed.find("b");
    timed.run_with(RunRequest::part(sites(&["b"]))).await;
    assert_eq!(timed.row().await, (1, 1));
    timed.run().await;
    assert_eq!(timed.rows().await, []);
}

/// What is due by the runs that counted is deleted by a run about it.
#[tokio::test]
async fn a_run_about_a_part_deletes_what_is_due() {
    let timed = Timed::new("part-due").await;
    timed.lose("b");
    timed.lose("c");
    for hours in [1, 50, 72] {
        timed.at(hours);
        timed.run().await;
    }
    timed.at(100);
    let due = timed.run_with(RunRequest::part(sites(&["b"]))).await;
    assert_eq!(
        (due.status, Timed::says(&due, "b"), Timed::says(&due, "c")),
        (RunStatus::AwaitingReview, "delete".to_owned(), String::new())
    );
    timed.lab.apply(&due.plan.unwrap(), Some("torn down")).await.unwrap();
    assert_eq!(timed.lab.target(), ["a", "c"]);
    assert_eq!(timed.row().await.0, 3, "of the other one nothing is forgotten");
}
