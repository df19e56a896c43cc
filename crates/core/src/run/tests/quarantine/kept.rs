//! Decisions that come after the plan.

use super::*;
use crate::history::{Approval, RunStatus};

/// A lab in which the delete of `b` and `c` waits for a person, in the run that it gives.
async fn about_to_delete(world: &'static str) -> (Timed, RunReport) {
    let timed = Timed::new(world).await;
    timed.lose("b");
    timed.lose("c");
    for hours in [1, 50] {
        timed.at(hours);
        timed.run().await;
    }
    timed.at(100);
    let due = timed.run().await;
    assert_eq!((due.status, Timed::says(&due, "b")), (RunStatus::AwaitingReview, "delete".to_owned()));
    (timed, due)
}

impl Timed {
    async fn apply(&self, due: &RunReport) -> RunReport {
        self.lab.apply(due.plan.as_ref().unwrap(), Some("torn down")).await.unwrap()
    }

    /// What became of a site, and why.
    async fn became(&self, run: RunId, slug: &str) -> String {
        let changes = self.lab.runner.history().changes(run, &ChangeFilter::default(), None, 100).await.unwrap().items;
        let change = changes.iter().find(|change| slug_of(&change.key) == slug).unwrap();
        format!("{}: {}", change.outcome.as_str(), change.reason.as_deref().unwrap_or_default())
    }
}

#[tokio::test]
async fn what_is_kept_while_the_plan_waits_is_not_deleted() {
    let (timed, due) = about_to_delete("kept-late").await;
    timed.decide("b", Verdict::Keep).await;
    let applied = timed.apply(&due).await;
    assert_eq!(
        (applied.run, applied.status, applied.total().applied, applied.total().held),
        (due.run, RunStatus::Completed, 1, 1)
    );
    insta::assert_snapshot!(timed.became(due.run, "b").await, @"held: kept by kim: it moves");
    assert_eq!(timed.lab.target(), ["a", "b"]);
    assert_eq!(timed.rows().await.len(), 1, "and it is still kept");
}

#[tokio::test]
async fn what_is_restored_while_the_plan_waits_waits_anew() {
    let (timed, due) = about_to_delete("restored-late").await;
    timed.decide("b", Verdict::Restore).await;
    timed.decide("c", Verdict::DeleteNow).await;
    timed.apply(&due).await;
    insta::assert_snapshot!(timed.became(due.run, "b").await, @"held: restored to its full wait by kim: it moves");
    assert_eq!(timed.lab.target(), ["a", "b"]);
}

/// An old plan, applied by its file after a newer run found a record again.
#[tokio::test]
async fn what_came_back_after_the_plan_was_made_is_not_deleted() {
    let (timed, due) = about_to_delete("back-late").await;
    timed.find("b");
    timed.run().await;
    let applied = timed.apply(&due).await;
    assert_ne!(applied.run, due.run, "the run that made it was superseded");
    insta::assert_snapshot!(timed.became(applied.run, "b").await, @"held: it is absent no more, as a run saw after the plan was made");
    assert_eq!(timed.lab.target(), ["a", "b"]);
}

/// A newer run learned that the source has the record, could only not read it, and had nothing to do: it makes no plan that would take
/// the place of the old one.
#[tokio::test]
async fn what_the_source_turned_out_to_have_is_not_deleted() {
    for (world, evidence) in [("stale-late", Absence::Stale), ("scope-late", Absence::OutOfScope)] {
        let (timed, due) = about_to_delete(world).await;
        with(world, |world| world.absences.insert("b".to_owned(), Ok(evidence)));
        with(world, |world| world.absences.insert("c".to_owned(), Ok(evidence)));
        let newer = timed.run().await;
        assert_eq!((newer.status, newer.total().applied), (RunStatus::Completed, 0));
        let run = timed.lab.runner.history().run(due.run).await.unwrap().unwrap();
        assert_eq!(run.status, RunStatus::AwaitingReview);
        timed.decide("c", Verdict::DeleteNow).await;
        let applied = timed.apply(&due).await;
        assert_eq!((applied.run, applied.total().applied, applied.total().held), (due.run, 1, 1));
        let became = timed.became(due.run, "b").await;
        assert!(
            became.starts_with("held: it waits anew, as a run found after the plan was made: the source has it"),
            "{became}"
        );
        assert_eq!(timed.lab.target(), ["a", "b"]);
    }
}

/// What nobody saw come back is deleted: a plan of a dry run has no rows to tell by, and executing reads no source.
#[tokio::test]
async fn a_plan_of_a_dry_run_deletes_as_before() {
    let timed = Timed::new("dry-late").await;
    let mut lab = timed.lab;
    lab.sync.policy.quarantine = Quarantine::off();
    with(lab.world, |world| world.source.remove("b"));
    let dry = lab.run_with(RunRequest::dry()).await;
    lab.apply(&dry.plan.unwrap(), Some("torn down")).await.unwrap();
    assert_eq!(lab.target(), ["a", "c"]);
}

/// What a run let wait before the plan was made says nothing about a plan that was made under another policy.
#[tokio::test]
async fn a_plan_of_a_laxer_policy_deletes_what_waited_before() {
    let timed = Timed::new("laxer").await;
    timed.lose("b");
    timed.at(1);
    assert_eq!(timed.run().await.total().applied, 0);
    assert_eq!(timed.rows().await.len(), 1);
    let mut lab = timed.lab;
    lab.sync.policy.quarantine = Quarantine::off();
    let dry = lab.run_with(RunRequest::dry()).await;
    lab.apply(&dry.plan.unwrap(), Some("torn down")).await.unwrap();
    assert_eq!(lab.target(), ["a", "c"]);
}

/// Whoever goes on with a run that was killed asks again, also about what may have been sent.
#[tokio::test]
async fn a_run_that_is_gone_on_with_asks_again() {
    const SHORT: std::time::Duration = std::time::Duration::from_millis(60);
    for (world, written, expected) in
        [("kept-resumed", false, "held: kept by kim: it moves"), ("kept-too-late", true, "applied: ")]
    {
        let (timed, due) = about_to_delete(world).await;
        let other = || {
            let history = timed.lab.runner.history().clone();
            let folder = timed.lab.folder.path();
            Runner::new(Registry::of([&DESCRIPTOR]).unwrap(), history, folder).with_lease(SHORT)
        };
        let approved = PlanDecision {
            plan_hash: due.plan_hash.clone().unwrap(),
            verdict: Approval::Approved,
            by: "kim".to_owned(),
            reason: "torn down".to_owned(),
            selection: None,
            overrides_guards: false,
            at: Utc::now(),
        };
        timed.lab.runner.history().decide(due.run, &approved).await.unwrap();
        with(world, |world| (world.stalls, world.batches) = (Some((0, written)), 0));
        let stalled = with(world, |world| Arc::clone(&world.stalled));
        let (runner, sync, run) = (other(), timed.lab.sync.clone(), due.run);
        let running =
            tokio::spawn(async move { runner.go_on(run, &sync, &Events::new(), &CancellationToken::new()).await });
        stalled.notified().await;
        running.abort();
        assert!(running.await.unwrap_err().is_cancelled());
        with(world, |world| world.stalls = None);

        timed.decide("b", Verdict::Keep).await;
        // Nothing tells when a lease is over but the time.
        while other().put_back_abandoned().await.unwrap().is_empty() {
            tokio::time::sleep(SHORT / 10).await;
        }
        let report = other().go_on(run, &timed.lab.sync, &Events::new(), &CancellationToken::new()).await.unwrap();
        assert_eq!(report.status, RunStatus::Completed, "{world}");
        assert_eq!(timed.became(run, "b").await, expected, "{world}");
        assert_eq!(timed.became(run, "c").await, "applied: ", "{world}");
        assert_eq!(timed.lab.target().contains(&"b".to_owned()), !written, "{world}");
    }
}
