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

impl Lab {
    /// The target's sites that are Syncline's own.
    async fn adopted(&self) -> Vec<String> {
        let mut ours = Vec::new();
        let instance = self.sync.target.instance();
        self.runner.history().each_of_ours(&instance, "site", |id| ours.push(id.to_owned())).await.unwrap();
        ours
    }

    async fn decided(&self, waiting: &RunReport, verdict: Approval) {
        let decision = Decision {
            plan_hash: waiting.plan_hash.clone().unwrap(),
            verdict,
            by: "kim".to_owned(),
            reason: "looked at".to_owned(),
            selection: None,
            overrides_guards: false,
            at: chrono::Utc::now(),
        };
        self.runner.history().decide(waiting.run, &decision).await.unwrap();
    }

    async fn gone_on(&self, run: RunId) -> RunReport {
        self.runner.go_on(run, &self.sync, &Events::new(), &CancellationToken::new()).await.unwrap()
    }
}

#[tokio::test]
async fn a_plan_that_is_not_applied_adopts_nothing() {
    let (mut lab, waiting) = adopting("adopting").await;
    assert_eq!(lab.adopted().await, [""; 0], "it waits");
    lab.decided(&waiting, Approval::Rejected).await;
    assert_eq!(lab.adopted().await, [""; 0], "it was rejected");
    lab.run_with(RunRequest::dry()).await;
    assert_eq!(lab.adopted().await, [""; 0], "it was dry");

    let waiting = lab.run().await;
    lab.decided(&waiting, Approval::Approved).await;
    assert_eq!(lab.gone_on(waiting.run).await.status, RunStatus::Completed);
    assert_eq!(lab.adopted().await, ["a", "b"]);
    // And then it is deleted like what Syncline made itself.
    lab.sync.auto_merge = true;
    with("adopting", |world| world.source.remove("a"));
    let loss = lab.run().await;
    let plan = loss.plan.clone().unwrap();
    let loss =
        if loss.status == RunStatus::AwaitingReview { lab.apply(&plan, Some("gone")).await.unwrap() } else { loss };
    assert_eq!((loss.status, lab.target()), (RunStatus::Completed, vec!["b".to_owned()]));
}

/// The history of whoever lost the right to write is not theirs to add to.
#[tokio::test]
async fn only_who_has_the_run_adopts() {
    let (lab, waiting) = adopting("fenced").await;
    lab.decided(&waiting, Approval::Approved).await;
    let history = lab.runner.history();
    let crate::history::Claimed::Granted(stale) = lab.runner.claim(waiting.run).await.unwrap() else {
        panic!("it was approved")
    };
    history.put_back(stale, None, None).await.unwrap();
    let key = AnyKey::from_value(&json!(["a"])).unwrap();
    let refused = history.adopt(stale, "site", &[(key, "a".to_owned())]).await.unwrap_err();
    assert_eq!((refused.kind(), lab.adopted().await), (ErrorKind::LeaseLost, Vec::new()));
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
    lab.decided(&waiting, Approval::Approved).await;
    let approved = lab.gone_on(waiting.run).await;
    assert_eq!((approved.status, approved.error.unwrap().kind()), (RunStatus::Failed, ErrorKind::Stale));
    assert_eq!(lab.target(), ["a", "b", "c"]);
}
