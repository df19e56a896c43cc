//! Changes that wait in a branch of the target.

use super::later::names;
use super::*;
use crate::describe::ObjectLink;
use crate::history::{Approval, Decision};
use crate::policy::FieldRule;
use crate::quarantine::{Decision as Word, Verdict};

/// A copy of the target, kept as a world of its own.
pub struct Branch {
    main: String,
    own: String,
}

impl Branch {
    /// Opens the branch of a world with a name; one that is there is opened again.
    pub fn open(main: &str, name: &str) -> Self {
        let own = format!("{main}/{name}");
        let mut worlds = WORLDS.lock().unwrap();
        let target = worlds[main].target.clone();
        worlds.entry(own.clone()).or_insert_with(|| World { target, ..World::default() });
        Self { main: main.to_owned(), own }
    }

    /// The branch with an id, if it is there.
    pub fn known(main: &str, id: &str) -> Option<Self> {
        let is_there = WORLDS.lock().unwrap().contains_key(id);
        is_there.then(|| Self { main: main.to_owned(), own: id.to_owned() })
    }

    /// The branches of a world.
    fn all(main: &str) -> Vec<String> {
        let branches = format!("{main}/");
        WORLDS.lock().unwrap().keys().filter(|name| name.starts_with(&branches)).cloned().collect()
    }
}

#[async_trait]
impl Stage for Branch {
    fn id(&self) -> &str {
        &self.own
    }

    fn link(&self) -> Option<ObjectLink> {
        None
    }

    async fn writer(&self) -> Result<Box<dyn TargetWriter>> {
        Ok(Box::new(FakeSide(self.own.clone())))
    }

    async fn conflicts(&self) -> Result<Vec<String>> {
        Ok(Vec::new())
    }

    async fn is_merging(&self) -> Result<bool> {
        Ok(with(&self.own, |branch| branch.is_merged))
    }

    async fn merge(&self) -> Result<()> {
        let target = with(&self.own, |branch| (branch.batches > 0).then(|| branch.target.clone()));
        if let Some(target) = target {
            with(&self.main, |world| world.target = target);
            with(&self.own, |branch| branch.is_merged = true);
        }
        if with(&self.main, |world| std::mem::take(&mut world.loses_merge)) {
            return Err(Error::new(ErrorKind::Unreachable, "the answer to the merge never came").temporary());
        }
        self.discard().await
    }

    async fn discard(&self) -> Result<()> {
        WORLDS.lock().unwrap().remove(&self.own);
        Ok(())
    }
}

/// A lab whose runs wait in a branch, with site `a` on both sides, merged by a first run.
async fn staging(world: &'static str) -> Lab {
    with(world, |world| world.stages = true);
    let mut lab = Lab::new(world).await;
    lab.set(&["a"], &[]);
    lab.sync.policy.fields = [("site.name".to_owned(), FieldRule::TargetWins)].into();
    assert_eq!(lab.run().await.status, RunStatus::Completed);
    assert_eq!(names(world), ["a: Site a"]);
    lab.sync.auto_merge = false;
    lab
}

impl Lab {
    /// Has the changes of a run merged or thrown away.
    async fn review(&self, waiting: &RunReport, verdict: Approval) -> RunReport {
        assert_eq!(waiting.status, RunStatus::AwaitingReview);
        self.decide(waiting, verdict).await;
        self.gone_on(waiting.run).await
    }

    /// The status of a run, with the kind of the error that ended it.
    async fn end_of(&self, run: RunId) -> (RunStatus, Option<String>) {
        let run = self.runner.history().run(run).await.unwrap().unwrap();
        (run.status, run.error.map(|error| error.kind))
    }
}

/// What was thrown away was never applied: the target's old value is no person's, and nothing was created.
#[tokio::test]
async fn what_is_staged_and_thrown_away_was_never_applied() {
    let lab = staging("staged-away").await;
    with(lab.world, |world| {
        world.source.insert("a".to_owned(), "Site A".to_owned());
        world.source.insert("b".to_owned(), "Site b".to_owned());
    });
    let waiting = lab.run().await;
    assert_eq!(lab.ours().await, ["a"], "what waits for its merge is not ours yet");
    let rejected = lab.review(&waiting, Approval::Rejected).await;
    assert_eq!((rejected.status, names(lab.world)), (RunStatus::Cancelled, vec!["a: Site a".to_owned()]));

    let again = lab.run().await;
    assert_eq!(lab.outcomes(again.run).await, ["create b applied", "update a applied"]);
    let merged = lab.review(&again, Approval::Approved).await;
    assert_eq!(
        (merged.status, names(lab.world)),
        (RunStatus::Completed, vec!["a: Site A".to_owned(), "b: Site b".to_owned()])
    );
    assert_eq!(lab.ours().await, ["a", "b"]);

    // Merged is applied: what is there now instead is a person's.
    with(lab.world, |world| world.target.insert("a".to_owned(), "Anna's site".to_owned()));
    let kept = lab.run().await;
    assert_eq!((kept.summary.to_apply(), &*lab.outcomes(kept.run).await), (0, &["update a held".to_owned()][..]));
}

/// Nobody knows how a merge ended whose answer never came: the run asks again, and what it created is not forgotten.
#[tokio::test]
async fn a_merge_whose_end_is_not_known_is_asked_for_again() {
    let lab = staging("staged-lost").await;
    with(lab.world, |world| world.source.insert("b".to_owned(), "Site b".to_owned()));
    let waiting = lab.run().await;
    with(lab.world, |world| world.loses_merge = true);
    let lost = lab.review(&waiting, Approval::Approved).await;
    assert_eq!((lost.status, lab.target()), (RunStatus::Queued, vec!["a".to_owned(), "b".to_owned()]));
    insta::assert_snapshot!(lost.waiting.unwrap(), @"the staged changes are still to be merged, but: the answer to the merge never came");
    lab.runner.history().resume(waiting.run).await.unwrap();
    assert_eq!(lab.gone_on(waiting.run).await.status, RunStatus::Completed);
    assert_eq!(lab.ours().await, ["a", "b"]);
}

/// A delete counts when it is merged, and is not merged when a person kept the record meanwhile.
#[tokio::test]
async fn what_is_kept_while_its_delete_is_staged_is_not_merged() {
    let mut lab = staging("staged-kept").await;
    lab.sync.policy.quarantine.runs = 1;
    with(lab.world, |world| {
        world.source.insert("b".to_owned(), "Site b".to_owned());
        world.source.insert("c".to_owned(), "Site c".to_owned());
    });
    let filled = lab.run().await;
    lab.review(&filled, Approval::Approved).await;
    with(lab.world, |world| world.source.remove("b"));
    let waiting = lab.run().await;
    assert_eq!(lab.outcomes(waiting.run).await, ["delete b applied"]);
    assert_eq!(lab.ours().await, ["a", "b", "c"]);
    let word =
        Word { verdict: Verdict::Keep, by: "kim".to_owned(), reason: "it moves".to_owned(), at: chrono::Utc::now() };
    let key = AnyKey::from_value(&json!(["b"])).unwrap();
    let history = lab.runner.history();
    history.decide_absent("main", "site", &key, &word).await.unwrap();
    let refused = lab.review(&waiting, Approval::Approved).await;
    insta::assert_snapshot!(refused.error.unwrap().report(), @"the staged changes delete what is to stay, as it turned out since: site `b` (kept by kim: it moves); they stay staged, and the next run makes others");
    assert_eq!(lab.target(), ["a", "b", "c"]);

    history.decide_absent("main", "site", &key, &Word { verdict: Verdict::DeleteNow, ..word }).await.unwrap();
    let waiting = lab.run().await;
    assert_eq!(lab.review(&waiting, Approval::Approved).await.status, RunStatus::Completed);
    assert_eq!(
        (lab.target(), lab.ours().await),
        (vec!["a".to_owned(), "c".to_owned()], vec!["a".to_owned(), "c".to_owned()])
    );
    assert!(history.absent(history.sync("main").await.unwrap().unwrap().id, "site", [&key]).await.unwrap().is_empty());
}

/// What was merged is merged: neither a person's word nor another policy after that makes the run forget what it did.
#[tokio::test]
async fn what_was_merged_counts_whatever_is_decided_later() {
    let mut lab = staging("staged-late").await;
    lab.sync.policy.quarantine.runs = 1;
    with(lab.world, |world| world.source.insert("b".to_owned(), "Site b".to_owned()));
    let filled = lab.run().await;
    lab.review(&filled, Approval::Approved).await;
    with(lab.world, |world| world.source.remove("b"));
    let waiting = lab.run().await;
    with(lab.world, |world| world.loses_merge = true);
    let lost = lab.review(&waiting, Approval::Approved).await;
    assert_eq!((lost.status, lab.target()), (RunStatus::Queued, vec!["a".to_owned()]));
    let word =
        Word { verdict: Verdict::Keep, by: "kim".to_owned(), reason: "it moves".to_owned(), at: chrono::Utc::now() };
    let key = AnyKey::from_value(&json!(["b"])).unwrap();
    let history = lab.runner.history();
    history.decide_absent("main", "site", &key, &word).await.unwrap();
    lab.sync.policy.quarantine.runs = 2;
    history.resume(waiting.run).await.unwrap();
    assert_eq!(lab.gone_on(waiting.run).await.status, RunStatus::Completed);
    assert_eq!(lab.ours().await, ["a"]);
}

/// A run is over when it is cancelled; the merge that it asked for is not. The next run finds out how that ended before it writes.
#[tokio::test]
async fn a_merge_that_a_cancelled_run_asked_for_counts() {
    let lab = staging("staged-cancelled-late").await;
    with(lab.world, |world| drop(world.source.insert("b".to_owned(), "Site b".to_owned())));
    let waiting = lab.run().await;
    with(lab.world, |world| world.loses_merge = true);
    let lost = lab.review(&waiting, Approval::Approved).await;
    assert_eq!((lost.status, lab.target()), (RunStatus::Queued, vec!["a".to_owned(), "b".to_owned()]));
    let stop =
        crate::history::StopRequest { stop: crate::history::Stop::Cancel, by: "kim".to_owned(), reason: String::new() };
    assert_eq!(lab.runner.history().request_stop(waiting.run, &stop).await.unwrap(), RunStatus::Cancelled);
    assert_eq!(lab.ours().await, ["a"], "nobody knows yet");
    with(lab.world, |world| drop(world.source.insert("c".to_owned(), "Site c".to_owned())));
    let next = lab.run().await;
    let error = next.error.unwrap();
    assert!(
        error.to_string().ends_with("was merged after all, and this run read the target before; run the sync again"),
        "{error}"
    );
    assert_eq!(lab.ours().await, ["a", "b"]);
    assert_eq!(lab.runner.history().left_stages(next.run).await.unwrap(), []);
    let waiting = lab.run().await;
    assert_eq!(lab.review(&waiting, Approval::Approved).await.status, RunStatus::Completed);
    assert_eq!(lab.ours().await, ["a", "b", "c"]);
}

/// The policy is asked once more before what is staged becomes real.
#[tokio::test]
async fn what_was_staged_under_another_policy_is_not_merged() {
    let mut lab = staging("staged-policy").await;
    with(lab.world, |world| world.source.insert("b".to_owned(), "Site b".to_owned()));
    let waiting = lab.run().await;
    lab.sync.policy.quarantine.runs = 7;
    let refused = lab.review(&waiting, Approval::Approved).await;
    insta::assert_snapshot!(refused.error.unwrap().report(), @"the policy of the sync `main` was changed after the plan was made; make a new plan");
    assert_eq!(lab.target(), ["a"]);
}

/// What is staged is merged as a whole, so that nobody is told that a part of it will be.
#[tokio::test]
async fn a_part_of_what_is_staged_cannot_be_approved() {
    let lab = staging("staged-part").await;
    with(lab.world, |world| {
        world.source.insert("b".to_owned(), "Site b".to_owned());
        world.source.insert("c".to_owned(), "Site c".to_owned());
    });
    let waiting = lab.run().await;
    let part = Decision { selection: Some([1].into_iter().collect()), ..decision(&waiting, Approval::Approved) };
    let refused = lab.runner.history().decide(waiting.run, &part).await.unwrap_err();
    insta::assert_snapshot!(refused, @"the changes of run 2 are staged in the target, which merges all of them or none: approve the whole run, or reject it with `syncline reject 2` and run the sync again");
    assert_eq!((lab.target(), lab.end_of(waiting.run).await.0), (vec!["a".to_owned()], RunStatus::AwaitingReview));
    assert_eq!(lab.review(&waiting, Approval::Approved).await.status, RunStatus::Completed);
    assert_eq!(lab.target(), ["a", "b", "c"]);
}

/// A source that lost much asks a person, also when there is nothing to be written that could be staged.
#[tokio::test]
async fn a_loss_whose_deletes_are_withheld_waits_for_approval() {
    let mut lab = staging("staged-loss").await;
    lab.sync.auto_merge = true;
    let many: Vec<String> = (0..100).map(|number| format!("s{number:03}")).collect();
    let sites = many.iter().map(|slug| (slug.clone(), slug.clone()));
    with(lab.world, |world| world.source.extend(sites));
    assert_eq!(lab.run().await.status, RunStatus::Completed);
    assert_eq!(lab.run().await.status, RunStatus::Completed);
    lab.sync.policy.deletes = Deletes::Hold;
    with(lab.world, |world| many[60..].iter().for_each(|slug| drop(world.source.remove(slug))));
    let lost = lab.run().await;
    assert_eq!((lost.status, lost.summary.to_apply()), (RunStatus::AwaitingReview, 0));
    let again = lab.run().await;
    assert_eq!(again.status, RunStatus::AwaitingReview, "nobody approved the loss");
    assert_eq!(lab.review(&again, Approval::Approved).await.status, RunStatus::Completed);
    assert_eq!(lab.run().await.status, RunStatus::Completed, "a person did");
}

/// Numbers of runs come again, and what another run of the number left is nobody's to merge.
#[tokio::test]
async fn what_another_history_left_staged_is_not_merged() {
    let lab = staging("staged-twice").await;
    with(lab.world, |world| drop(world.source.insert("b".to_owned(), "Site b".to_owned())));
    let left = lab.run().await;
    assert_eq!(left.status, RunStatus::AwaitingReview);
    with(lab.world, |world| drop(world.source.remove("b")));
    // The history is lost; the world, with its branch, is not.
    let mut anew = Lab::new(lab.world).await;
    anew.sync.auto_merge = false;
    assert_eq!(anew.run().await.status, RunStatus::Completed);
    with(lab.world, |world| drop(world.source.insert("c".to_owned(), "Site c".to_owned())));
    let waiting = anew.run().await;
    assert_eq!(waiting.run, left.run);
    assert_eq!(anew.review(&waiting, Approval::Approved).await.status, RunStatus::Completed);
    assert_eq!(anew.target(), ["a", "c"]);
}

/// The changes of a run are where they were put, or nowhere.
#[tokio::test]
async fn a_stage_that_was_deleted_in_the_target_is_not_merged_empty() {
    let lab = staging("staged-gone").await;
    with(lab.world, |world| drop(world.source.insert("b".to_owned(), "Site b".to_owned())));
    let waiting = lab.run().await;
    WORLDS.lock().unwrap().retain(|name, _| !name.starts_with("staged-gone/"));
    let gone = lab.review(&waiting, Approval::Approved).await;
    assert_eq!((gone.status, gone.error.unwrap().kind()), (RunStatus::Failed, ErrorKind::Stale));
    assert_eq!((lab.target(), lab.ours().await), (vec!["a".to_owned()], vec!["a".to_owned()]));
}

/// However often a sync runs while nobody decides, one stage waits: the newest, or the one that says the same.
#[tokio::test]
async fn one_stage_of_a_sync_waits() {
    let lab = staging("staged-pile").await;
    with(lab.world, |world| drop(world.source.insert("b".to_owned(), "Site b".to_owned())));
    let first = lab.run().await;
    assert_eq!((first.status, Branch::all(lab.world).len()), (RunStatus::AwaitingReview, 1));
    let same = lab.run().await;
    assert_eq!(same.status, RunStatus::Cancelled);
    insta::assert_snapshot!(same.error.unwrap(), @"the changes would be those of run 2, which are staged already: decide about that run with `syncline approve 2` or `syncline reject 2`");
    assert_eq!(lab.end_of(first.run).await.0, RunStatus::AwaitingReview);
    with(lab.world, |world| drop(world.source.insert("c".to_owned(), "Site c".to_owned())));
    let newer = lab.run().await;
    assert_eq!(newer.status, RunStatus::AwaitingReview);
    assert_eq!(lab.end_of(first.run).await, (RunStatus::Cancelled, Some("superseded".to_owned())));
    let branches = Branch::all(lab.world);
    assert!(branches.len() == 1 && branches[0].contains(&format!("run {} ", newer.run)), "{branches:?}");
    assert_eq!(lab.review(&newer, Approval::Approved).await.status, RunStatus::Completed);
    assert_eq!(
        (lab.target(), lab.ours().await),
        (vec!["a".into(), "b".into(), "c".into()], vec!["a".into(), "b".into(), "c".into()])
    );
}

/// Whoever cancels a run has no connection to the target: the next run removes what it staged, and keeps trying.
#[tokio::test]
async fn what_a_cancelled_or_expired_run_staged_is_removed_by_the_next_one() {
    let mut lab = staging("staged-cancelled").await;
    with(lab.world, |world| drop(world.source.insert("b".to_owned(), "Site b".to_owned())));
    let cancelled = lab.run().await;
    let stop =
        crate::history::StopRequest { stop: crate::history::Stop::Cancel, by: "kim".to_owned(), reason: String::new() };
    assert_eq!(lab.runner.history().request_stop(cancelled.run, &stop).await.unwrap(), RunStatus::Cancelled);
    assert_eq!(Branch::all(lab.world).len(), 1);
    lab.sync.policy.plan_valid_hours = 0;
    let expiring = lab.run().await;
    let branches = Branch::all(lab.world);
    assert!(branches.len() == 1 && branches[0].contains(&format!("run {} ", expiring.run)), "{branches:?}");
    assert_eq!(lab.runner.history().expire_reviews().await.unwrap(), [expiring.run]);
    with(lab.world, |world| drop(world.source.remove("b")));
    assert_eq!(lab.run().await.status, RunStatus::Completed);
    assert_eq!(Branch::all(lab.world), [""; 0]);
    assert_eq!(lab.runner.history().left_stages(expiring.run).await.unwrap(), []);
}

/// Two stages could create the same twice: a part waits until it is decided about what is staged, and a whole run has what it had.
#[tokio::test]
async fn a_part_is_not_staged_beside_something_else() {
    let lab = staging("staged-scope").await;
    with(lab.world, |world| {
        world.source.insert("b".to_owned(), "Site b".to_owned());
        world.source.insert("c".to_owned(), "Site c".to_owned());
    });
    let part = |slug: &str| RunRequest::part(part::sites(&[slug]));
    let first = lab.run_with(part("b")).await;
    assert_eq!(first.status, RunStatus::AwaitingReview);
    let other = lab.run_with(part("c")).await;
    insta::assert_snapshot!(other.error.unwrap().report(), @"the changes of run 2 are staged already and wait, and may be the same as some of this run's: decide about that run first, with `syncline approve 2` or `syncline reject 2`");
    // A newer plan of the same part takes its place, and so does one of all.
    with(lab.world, |world| world.source.insert("b".to_owned(), "Site B".to_owned()));
    let again = lab.run_with(part("b")).await;
    assert_eq!(lab.end_of(first.run).await, (RunStatus::Cancelled, Some("superseded".to_owned())));
    let all = lab.run().await;
    assert_eq!(lab.end_of(again.run).await, (RunStatus::Cancelled, Some("superseded".to_owned())));
    let refused = lab.run_with(part("b")).await;
    assert_eq!(refused.status, RunStatus::Failed);
    assert_eq!(lab.review(&all, Approval::Approved).await.status, RunStatus::Completed);
    assert_eq!(lab.target(), ["a", "b", "c"]);
}
