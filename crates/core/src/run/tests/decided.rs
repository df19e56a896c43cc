//! What a person decides about a plan, and how often it counts.

use super::*;
use crate::history::{Claimed, RunFilter, RunStage};

/// A lab whose source has lost its canary, so that a guard refuses every plan.
async fn refusing(world: &'static str) -> Lab {
    let mut lab = Lab::new(world).await;
    lab.sync.policy =
        crate::settings::parse(json!({"guards": {"canaries": [{"model": "site", "key": ["hq"]}]}})).unwrap();
    lab.set(&["hq", "a"], &[]);
    assert_eq!(lab.run().await.status, RunStatus::Completed);
    lab.set(&["a", "c"], &["hq", "a"]);
    lab
}

impl Lab {
    async fn overridden(&self, plan: &Path) -> Result<RunReport> {
        let consent = Consent { reason: "hq moved".to_owned(), overrides_guards: true };
        let (events, cancel) = (Events::new(), CancellationToken::new());
        self.runner.apply(&self.sync, plan, Some(consent), RunRequest::default(), &events, &cancel).await
    }

    async fn waiting(&self) -> Vec<RunId> {
        let filter = RunFilter { status: vec![RunStatus::AwaitingReview], ..RunFilter::default() };
        let waiting = self.runner.history().runs(&filter, None, 10).await.unwrap();
        waiting.items.into_iter().map(|run| run.id).collect()
    }
}

/// What was refused was not applied: the plan of a real run, or one that somebody tried to apply before.
#[tokio::test]
async fn a_plan_that_a_guard_refused_is_applied_once_a_person_overrides_it() {
    let lab = refusing("overridden").await;
    let refused = lab.run().await;
    assert_eq!(refused.error.as_ref().unwrap().kind(), ErrorKind::Guard);
    let plan = refused.plan.unwrap();
    let again = lab.apply(&plan, Some("looked at")).await.unwrap();
    assert_eq!(again.error.unwrap().kind(), ErrorKind::Guard);
    let applied = lab.overridden(&plan).await.unwrap();
    assert_eq!((applied.status, applied.total().applied), (RunStatus::Completed, 1));
    assert_eq!(lab.target(), ["a", "c", "hq"]);
    let [decision] = &lab.runner.history().decisions(applied.run).await.unwrap()[..] else { panic!("one decision") };
    assert_eq!((&*decision.reason, &decision.plan_hash), ("hq moved", &applied.plan_hash.unwrap()));
    // Once: the next run is refused again, and so is the plan.
    assert_eq!(lab.run().await.error.unwrap().kind(), ErrorKind::Guard);
    let error = lab.overridden(&plan).await.unwrap_err();
    assert_eq!(error.to_string(), format!("the plan was applied by run {} already; make a new plan", applied.run));
}

/// A plan that waits is the one that is applied, whichever run waits with it: the run that made the plan was a dry one.
#[tokio::test]
async fn consent_to_a_plan_is_for_the_run_that_waits_with_it() {
    let lab = Lab::new("waits-with").await;
    lab.set(&["a", "b"], &[]);
    assert_eq!(lab.run().await.status, RunStatus::Completed);
    with(lab.world, |world| drop(world.source.remove("b")));
    let plan = lab.run_with(RunRequest::dry()).await.plan.unwrap();
    let waiting = lab.apply(&plan, None).await.unwrap();
    assert_eq!((waiting.status, lab.waiting().await), (RunStatus::AwaitingReview, vec![waiting.run]));
    let applied = lab.apply(&plan, Some("it was sold")).await.unwrap();
    assert_eq!((applied.run, applied.status, lab.target()), (waiting.run, RunStatus::Completed, vec!["a".to_owned()]));
    assert_eq!(lab.waiting().await, []);
    assert_eq!(lab.apply(&plan, Some("it was sold")).await.unwrap_err().kind(), ErrorKind::Stale);
}

/// Of two runs that have one plan, one applies it.
#[tokio::test]
async fn a_plan_that_another_run_applied_cannot_be_approved() {
    let mut lab = Lab::new("approved-twice").await;
    lab.sync.auto_merge = false;
    lab.set(&["a"], &[]);
    let waiting = lab.run().await;
    let reader = crate::plan::PlanReader::open(waiting.plan.as_ref().unwrap()).unwrap();
    let plan = crate::history::PlanRef { hash: reader.hash().to_owned(), path: reader.path().display().to_string() };
    let history = lab.runner.history();
    let other = lab.runner.trigger(&lab.sync, &RunRequest::default()).await.unwrap().run();
    let Claimed::Granted(claim) = lab.runner.claim(other).await.unwrap() else { panic!("it is free") };
    history.set_plan(claim, &plan).await.unwrap();
    history.set_stage(claim, RunStage::Applying).await.unwrap();
    let error = history.decide(waiting.run, &decision(&waiting, Approval::Approved)).await.unwrap_err();
    assert_eq!(error.to_string(), format!("the plan was applied by run {other} already; make a new plan"));
    history.decide(waiting.run, &decision(&waiting, Approval::Rejected)).await.unwrap();
}
