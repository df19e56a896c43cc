//! Runs that read recordings: they go by what the history knows, leave nothing in it, and write nothing.

use super::*;
use crate::history::QuarantineFilter;
use crate::plan::PlanReader;
use crate::surroundings::Surroundings;

/// The stream of a run that reads what was recorded.
fn replayed() -> Events {
    let at = "2026-11-20T08:00:00Z".parse().unwrap();
    Events::new().within(Surroundings::default().with_time(at), Surroundings::default().with_time(at))
}

/// The changes of a plan, in words.
fn changes(report: &RunReport) -> Vec<String> {
    let plan = PlanReader::open(report.plan.as_ref().unwrap()).unwrap();
    let changes = plan.changes().unwrap().map(|change| {
        let change = change.unwrap();
        let held = change.hold.map(|hold| format!(" held: {}", hold.reason)).unwrap_or_default();
        format!("{} {}{held}", change.action, change.key)
    });
    changes.collect()
}

#[tokio::test]
async fn a_replay_goes_by_the_history_and_leaves_it_alone() {
    let mut lab = Lab::new("replayed").await;
    lab.sync.policy.quarantine = Quarantine::default();
    lab.set(&["a", "b", "c", "d"], &["foreign"]);
    lab.run().await;
    with("replayed", |world| world.source.remove("b"));
    lab.run().await;
    with("replayed", |world| world.source.remove("c"));
    let live = lab.run_with(RunRequest::dry()).await;
    let history = lab.runner.history().clone();
    let facts = async |history: &History| {
        let runs = history.runs(&crate::history::RunFilter::default(), None, 100).await.unwrap().items;
        let quarantine = history.quarantine(&QuarantineFilter::default(), None, 100).await.unwrap().items;
        let links = history.links(&lab.sync.source.instance(), &lab.sync.target.instance(), "site").await.unwrap();
        (runs, quarantine, links, lab.ours().await)
    };
    let before = facts(&history).await;
    assert_eq!((before.0.len(), before.1.len(), before.3.len()), (3, 1, 4));

    let folder = tempfile::tempdir().unwrap();
    let (source, target) = (lab.sync.source.instance(), lab.sync.target.instance());
    let scratch = history.scratch(&folder.path().join("history.sqlite"), "main", &source, &target).await.unwrap();
    let runner = Runner::new(Registry::of([&DESCRIPTOR]).unwrap(), scratch, folder.path());
    let cancel = CancellationToken::new();
    let replay = runner.run(&lab.sync, RunRequest::dry(), &replayed(), &cancel).await.unwrap();
    assert_eq!(replay.error.as_ref().map(Error::report), None);
    assert_eq!(changes(&replay), changes(&live));
    assert!(changes(&live).iter().any(|change| change.starts_with("delete b held: ")), "{:?}", changes(&live));
    assert_eq!(facts(&history).await, before);

    // Nobody applies it, and nothing is written by a run that reads recordings.
    let error = lab.apply(replay.plan.as_deref().unwrap(), Some("looked at")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    insta::assert_snapshot!(error.to_string(), @"the plan was made from a recording of 2026-11-20 08:00 UTC, not from the systems, and is for looking at; `syncline plan main` makes one that can be applied");
    let writes = with("replayed", |world| world.writes);
    let refused = runner.run(&lab.sync, RunRequest::default(), &replayed(), &cancel).await.unwrap();
    assert_eq!(refused.error.map(|error| error.kind()), Some(ErrorKind::Refused));
    assert_eq!(with("replayed", |world| (world.writes, world.writers_opened)), (writes, 2));
}

/// A history that does not know the sync is a history that knows nothing.
#[tokio::test]
async fn a_scratch_of_nothing_is_empty() {
    let history = History::in_memory().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let scratch = history.scratch(&folder.path().join("history.sqlite"), "main", "one", "other").await.unwrap();
    assert!(scratch.syncs().await.unwrap().is_empty());
}
