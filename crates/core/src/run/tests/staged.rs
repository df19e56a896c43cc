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
    /// Opens the branch of a world; one that is there is opened again.
    pub fn open(main: &str) -> Self {
        let own = format!("{main}/branch");
        let target = with(main, |world| world.target.clone());
        with(&own, |branch| {
            if branch.batches == 0 {
                branch.target = target;
            }
        });
        Self { main: main.to_owned(), own }
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

    async fn merge(&self) -> Result<()> {
        let target = with(&self.own, |branch| (branch.batches > 0).then(|| branch.target.clone()));
        if let Some(target) = target {
            with(&self.main, |world| world.target = target);
        }
        self.discard().await
    }

    async fn discard(&self) -> Result<()> {
        with(&self.own, |branch| *branch = World::default());
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
        self.runner.go_on(waiting.run, &self.sync, &Events::new(), &CancellationToken::new()).await.unwrap()
    }

    /// The ids of sites that are ours.
    async fn ours(&self) -> Vec<String> {
        let mut ours = Vec::new();
        let instance = self.sync.target.instance();
        self.runner.history().each_of_ours(&instance, "site", |id| ours.push(id.to_owned())).await.unwrap();
        ours
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

    with(&format!("{}/branch", lab.world), |branch| *branch = World::default());
    history.decide_absent("main", "site", &key, &Word { verdict: Verdict::DeleteNow, ..word }).await.unwrap();
    let waiting = lab.run().await;
    assert_eq!(lab.review(&waiting, Approval::Approved).await.status, RunStatus::Completed);
    assert_eq!(
        (lab.target(), lab.ours().await),
        (vec!["a".to_owned(), "c".to_owned()], vec!["a".to_owned(), "c".to_owned()])
    );
    assert!(history.absent(history.sync("main").await.unwrap().unwrap().id, "site", [&key]).await.unwrap().is_empty());
}
