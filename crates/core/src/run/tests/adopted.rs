//! What a plan may do is what it was approved for: whose records become, and under which policy.

use super::*;
use crate::history::{Approval, Decision};
use crate::policy::Adopt;

/// A lab that adopts what it finds, and whose first plan waits: `a` is there already, `b` is not.
async fn adopting(world: &'static str) -> (Lab, RunReport) {
    let mut lab = Lab::new(world).await;
    lab.set(&["a", "b"], &["a"]);
    lab.sync.policy.adopt = Adopt::Matched;
    lab.sync.auto_merge = false;
    let waiting = lab.run().await;
    assert_eq!((waiting.status, waiting.summary.to_adopt()), (RunStatus::AwaitingReview, 1));
    (lab, waiting)
}

#[tokio::test]
async fn a_plan_that_is_not_applied_adopts_nothing() {
    let (mut lab, waiting) = adopting("adopting").await;
    assert_eq!(lab.ours().await, [""; 0], "it waits");
    lab.decide(&waiting, Approval::Rejected).await;
    assert_eq!(lab.ours().await, [""; 0], "it was rejected");
    lab.run_with(RunRequest::dry()).await;
    assert_eq!(lab.ours().await, [""; 0], "it was dry");

    let waiting = lab.run().await;
    lab.decide(&waiting, Approval::Approved).await;
    assert_eq!(lab.gone_on(waiting.run).await.status, RunStatus::Completed);
    assert_eq!(lab.ours().await, ["a", "b"]);
    // And then it is deleted like what Syncline made itself.
    lab.sync.auto_merge = true;
    with("adopting", |world| world.source.remove("a"));
    let loss = lab.run().await;
    let plan = loss.plan.clone().unwrap();
    let loss =
        if loss.status == RunStatus::AwaitingReview { lab.apply(&plan, Some("gone")).await.unwrap() } else { loss };
    assert_eq!((loss.status, lab.target()), (RunStatus::Completed, vec!["b".to_owned()]));
}

/// Where every plan waits for a person, so does one that only makes records Syncline's own: they can be deleted then.
#[tokio::test]
async fn who_adopts_is_asked_like_who_writes() {
    let mut lab = Lab::new("adopting-only").await;
    lab.set(&["a"], &["a"]);
    lab.sync.policy.adopt = Adopt::Matched;
    lab.sync.auto_merge = false;
    let waiting = lab.run().await;
    assert_eq!((waiting.status, waiting.summary.to_apply()), (RunStatus::AwaitingReview, 0));
    assert_eq!(lab.ours().await, [""; 0]);
    lab.decide(&waiting, Approval::Approved).await;
    assert_eq!(lab.gone_on(waiting.run).await.status, RunStatus::Completed);
    assert_eq!(lab.ours().await, ["a"]);
    assert_eq!(lab.run().await.status, RunStatus::Completed, "nothing is left to be asked about");
}

/// Who approves a part of a plan says nothing about the rest.
#[tokio::test]
async fn a_part_that_is_approved_adopts_nothing_else() {
    let (lab, waiting) = adopting("adopting-part").await;
    let part = Decision { selection: Some([1].into_iter().collect()), ..decision(&waiting, Approval::Approved) };
    lab.runner.history().decide(waiting.run, &part).await.unwrap();
    assert_eq!(lab.gone_on(waiting.run).await.total().applied, 1);
    assert_eq!(lab.ours().await, ["b"], "it was created");
}

/// The history of whoever lost the right to write is not theirs to add to.
#[tokio::test]
async fn only_who_has_the_run_adopts() {
    let (lab, waiting) = adopting("fenced").await;
    lab.decide(&waiting, Approval::Approved).await;
    let history = lab.runner.history();
    let crate::history::Claimed::Granted(stale) = lab.runner.claim(waiting.run).await.unwrap() else {
        panic!("it was approved")
    };
    history.put_back(stale, None, None).await.unwrap();
    let key = AnyKey::from_value(&json!(["a"])).unwrap();
    let refused = history.adopt(stale, "site", &[(key, "a".to_owned())]).await.unwrap_err();
    assert_eq!((refused.kind(), lab.ours().await), (ErrorKind::LeaseLost, Vec::new()));
}

/// Deletes were allowed when the plan was made, and are not when it is approved.
#[tokio::test]
async fn a_plan_from_under_another_policy_is_stale() {
    let mut lab = Lab::new("stricter").await;
    lab.set(&["a", "b", "c"], &[]);
    lab.run().await;
    with("stricter", |world| world.source.remove("b"));
    lab.sync.auto_merge = false;
    let waiting = lab.run().await;
    assert_eq!(waiting.status, RunStatus::AwaitingReview);
    assert_eq!(waiting.summary.models.iter().map(|model| model.delete).sum::<u64>(), 1);

    lab.sync.policy.deletes = Deletes::Hold;
    let by_file = lab.apply(waiting.plan.as_ref().unwrap(), Some("as planned")).await.unwrap_err();
    insta::assert_snapshot!(by_file, @"the policy of the sync `main` was changed after the plan was made; make a new plan");
    lab.decide(&waiting, Approval::Approved).await;
    let approved = lab.gone_on(waiting.run).await;
    assert_eq!((approved.status, approved.error.unwrap().kind()), (RunStatus::Failed, ErrorKind::Stale));
    assert_eq!(lab.target(), ["a", "b", "c"]);
}
