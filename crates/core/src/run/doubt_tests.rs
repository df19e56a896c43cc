//! Runs that were killed with a batch on its way, whose target or whose sync is not as it was when they go on.

use tokio_util::sync::CancellationToken;

use super::durable_tests::{abandoned, filled, go_on, killed, other, read};
use super::tests::{Lab, with};
use super::*;
use crate::event::Events;
use crate::history::{Abandoned, Claimed, Run, RunId, RunStatus, Stop, StopRequest};
use crate::models::ModelMode;
use crate::stop::StopSignal;
use crate::{Error, ErrorKind};

fn first() -> RunId {
    RunId::new(1)
}

/// A run of 25 creates that was killed with its second batch of ten written and unanswered.
async fn unanswered(world: &'static str) -> Lab {
    let lab = filled(world).await;
    killed(&lab, 1, true).await;
    abandoned(&lab).await;
    lab
}

async fn count(lab: &Lab, outcome: &str) -> usize {
    lab.outcomes(first()).await.iter().filter(|line| line.ends_with(outcome)).count()
}

async fn in_doubt(lab: &Lab) -> usize {
    let batches = lab.runner.history().in_doubt(first()).await.unwrap();
    batches.iter().map(|batch| batch.places.iter().count()).sum()
}

async fn cancel(lab: &Lab) -> RunStatus {
    let request = StopRequest { stop: Stop::Cancel, by: "kim".to_owned(), reason: String::new() };
    lab.runner.history().request_stop(first(), &request).await.unwrap()
}

fn down(lab: &Lab, is_down: bool) {
    with(lab.world, |world| world.is_down = is_down);
}

#[tokio::test]
async fn a_run_waits_for_a_target_that_is_down_when_it_goes_on() {
    let lab = unanswered("doubt-down").await;
    down(&lab, true);
    let waiting = go_on(&lab, first()).await;
    assert_eq!((waiting.status, in_doubt(&lab).await), (RunStatus::Queued, 10));
    let known = read(&lab, first()).await;
    assert!(known.not_before.is_some_and(|time| time > chrono::Utc::now()));
    assert_eq!(known.waits, 1);
    insta::assert_snapshot!(known.waiting.unwrap(), @"10 changes are in doubt until the target tells of them, but: cannot reach `copy.example` (connection copy)");

    // Asked for again, it does not wait until its time; and it waits longer then.
    let again = lab.run().await;
    assert_eq!((again.run, again.status, read(&lab, first()).await.waits), (first(), RunStatus::Queued, 2));

    down(&lab, false);
    let next = lab.run().await;
    assert_eq!((next.run, next.status), (RunId::new(2), RunStatus::Completed));
    let known: Run = read(&lab, first()).await;
    assert_eq!((known.status, known.waiting, known.waits), (RunStatus::Completed, None, 0));
    assert_eq!((count(&lab, "applied").await, in_doubt(&lab).await), (25, 0));
    assert_eq!(with("doubt-down", |world| (world.writes, world.target.len())), (25, 25));
}

/// The runner lives, but its target goes away with a batch, and cannot be asked what became of it.
#[tokio::test]
async fn a_run_waits_for_a_target_that_goes_away_with_a_batch() {
    let lab = filled("doubt-away").await;
    down_after_the_first_connect(&lab).await;
    let known = read(&lab, first()).await;
    assert_eq!((known.status, in_doubt(&lab).await), (RunStatus::Queued, 10));
    down(&lab, false);
    lab.run().await;
    assert_eq!((read(&lab, first()).await.status, count(&lab, "applied").await), (RunStatus::Completed, 25));
    assert_eq!(with("doubt-away", |world| world.writes), 25);
}

async fn down_after_the_first_connect(lab: &Lab) {
    with(lab.world, |world| world.stalls = Some((1, true)));
    let (stalled, release) = with(lab.world, |world| (world.stalled.clone(), world.release.clone()));
    let goes_away = async {
        stalled.notified().await;
        with(lab.world, |world| (world.is_down, world.stalls) = (true, None));
        release.notify_one();
    };
    let (report, ()) = tokio::join!(lab.run(), goes_away);
    assert_eq!(report.status, RunStatus::Queued);
}

/// How the target is reached, and the connector's version, do not bind a plan that was begun.
#[tokio::test]
async fn a_begun_plan_is_gone_on_with_when_only_the_way_to_its_target_changed() {
    let mut lab = unanswered("doubt-way").await;
    lab.sync.target.connection["batch_size"] = 7.into();
    let report = go_on(&lab, first()).await;
    assert_eq!((report.status, count(&lab, "applied").await), (RunStatus::Completed, 25), "{:?}", report.error);
}

/// A plan that nothing was sent of is bound by all of the definition.
#[tokio::test]
async fn a_plan_that_was_not_begun_is_stale_when_the_definition_changed() {
    let mut lab = filled("doubt-not-begun").await;
    lab.sync.auto_merge = false;
    let waiting = lab.run().await;
    lab.sync.target.connection["batch_size"] = 7.into();
    let error = lab.apply(&waiting.plan.unwrap(), Some("looked at")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Stale);
}

#[tokio::test]
async fn a_sync_that_means_something_else_settles_what_is_in_doubt_and_ends() {
    let mut lab = unanswered("doubt-other").await;
    lab.sync.models.insert("device".to_owned(), ModelMode::Off);
    let report = go_on(&lab, first()).await;
    let error = report.error.unwrap();
    assert_eq!((report.status, error.kind()), (RunStatus::Failed, ErrorKind::Stale));
    assert_eq!((count(&lab, "applied").await, count(&lab, "skipped").await, in_doubt(&lab).await), (20, 5, 0));
    assert_eq!(with("doubt-other", |world| world.writes), 20, "nothing more is written");
}

#[tokio::test]
async fn a_cancelled_run_settles_what_is_in_doubt_and_writes_nothing_more() {
    for (world, written) in [("doubt-cancelled-1", true), ("doubt-cancelled-0", false)] {
        let lab = filled(world).await;
        killed(&lab, 1, written).await;
        abandoned(&lab).await;
        assert_eq!(cancel(&lab).await, RunStatus::Queued, "it has something to find out first");
        let report = go_on(&lab, first()).await;
        assert_eq!((report.status, in_doubt(&lab).await), (RunStatus::Cancelled, 0), "{world}");
        let applied = if written { 20 } else { 10 };
        assert_eq!((count(&lab, "applied").await, count(&lab, "skipped").await), (applied, 25 - applied), "{world}");
        assert_eq!(with(world, |world| world.target.len()), applied, "{world}");
    }
}

/// Whoever does not want to wait for a target that is gone is told what of the run nobody knows.
#[tokio::test]
async fn a_run_that_is_cancelled_while_its_target_is_gone_tells_what_is_in_doubt() {
    let lab = unanswered("doubt-gone").await;
    down(&lab, true);
    cancel(&lab).await;
    let report = go_on(&lab, first()).await;
    assert_eq!(report.status, RunStatus::Cancelled);
    assert_eq!((count(&lab, "applied").await, count(&lab, "failed").await, count(&lab, "skipped").await), (10, 10, 5));
    assert_eq!(in_doubt(&lab).await, 10, "the history does not forget it");
    let history = lab.runner.history();
    let changes = history.changes(first(), &crate::history::ChangeFilter::default(), None, 100).await.unwrap();
    let failed = changes.items.iter().find(|change| change.outcome.as_str() == "failed").unwrap();
    insta::assert_snapshot!(failed.reason.as_deref().unwrap(), @"in doubt: it was sent, and nobody knows whether it was written: cannot reach `copy.example` (connection copy)");
}

#[tokio::test]
async fn a_run_that_kills_its_runners_with_something_in_doubt_waits_for_a_person() {
    let lab = filled("doubt-kills").await;
    killed(&lab, 1, true).await;
    let history = lab.runner.history();
    let abandoned = loop {
        let abandoned = history.put_back_abandoned(0).await.unwrap();
        if !abandoned.is_empty() {
            break abandoned;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    };
    assert_eq!(abandoned, [Abandoned::Paused(first())]);
    insta::assert_snapshot!(read(&lab, first()).await.paused.unwrap(), @"the run was taken 0 times, and each time its runner ended without finishing it, and what it sent last is in doubt");
    assert_eq!(in_doubt(&lab).await, 10);
    history.resume(first()).await.unwrap();
    assert_eq!(go_on(&lab, first()).await.status, RunStatus::Completed);
}

#[tokio::test]
async fn a_run_whose_sync_is_not_to_be_had_waits_until_somebody_cancels_it() {
    let lab = unanswered("doubt-nameless").await;
    let take = async || {
        let runner = other(&lab);
        let Claimed::Granted(claim) = runner.claim(first()).await.unwrap() else { panic!("it is free") };
        let error = Error::new(ErrorKind::NotFound, "there is no sync `main`");
        runner.leave_without_sync(claim, &read(&lab, first()).await, error).await.unwrap()
    };
    assert_eq!(take().await, RunStatus::Queued);
    assert!(read(&lab, first()).await.waiting.unwrap().ends_with("there is no sync `main`"));
    cancel(&lab).await;
    assert_eq!(take().await, RunStatus::Cancelled);
    assert_eq!((count(&lab, "failed").await, in_doubt(&lab).await), (10, 10));
}

/// A stop that was asked for while nobody had the run is heard before anything is done.
#[tokio::test]
async fn a_run_that_was_cancelled_while_its_runner_was_dead_writes_nothing_more() {
    let lab = filled("doubt-dead").await;
    killed(&lab, 1, true).await;
    assert_eq!(cancel(&lab).await, RunStatus::Syncing, "its runner is thought to live");
    abandoned(&lab).await;
    let Claimed::Granted(claim) = lab.runner.claim(first()).await.unwrap() else { panic!("it is free") };
    let report = lab.runner.work(claim, &lab.sync, &Events::new(), &StopSignal::new()).await.unwrap();
    assert_eq!((report.status, count(&lab, "applied").await), (RunStatus::Cancelled, 20));
    let next = lab.runner.run(&lab.sync, RunRequest::default(), &Events::new(), &CancellationToken::new()).await;
    assert_eq!(next.unwrap().total().applied, 5);
}
