//! Runs that are asked for while others of the sync are not finished.

use super::*;
use crate::history::{Claimed, Purpose, Run, Stop, StopRequest};

/// A lab whose first run filled the target, and whose source has one site more since.
async fn filled(world: &'static str) -> Lab {
    let lab = Lab::new(world).await;
    lab.set(&["a", "b"], &[]);
    assert_eq!(lab.run().await.total().applied, 2);
    with(world, |world| world.source.insert("c".to_owned(), "Site c".to_owned()));
    lab
}

async fn read(lab: &Lab, run: RunId) -> Run {
    lab.runner.history().run(run).await.unwrap().unwrap()
}

async fn refused(lab: &Lab, request: RunRequest) -> String {
    let error = lab.runner.run(&lab.sync, request, &Events::new(), &CancellationToken::new()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Busy);
    error.to_string()
}

/// Asks for a run in another process, until it says what it waits for.
async fn waiting(lab: &Lab, request: RunRequest) -> (tokio::task::JoinHandle<Result<RunReport>>, String) {
    let history = lab.runner.history().clone();
    let runner = Runner::new(Registry::of([&DESCRIPTOR]).unwrap(), history, lab.folder.path());
    let (sync, events) = (lab.sync.clone(), Events::new());
    let mut follow = events.follow();
    let running = tokio::spawn(async move { runner.run(&sync, request, &events, &CancellationToken::new()).await });
    loop {
        if let crate::event::Event::Message { text, .. } = &*follow.recv().await.unwrap() {
            return (running, text.clone());
        }
    }
}

#[tokio::test]
async fn a_dry_run_is_no_answer_to_a_real_request_nor_the_other_way_round() {
    let lab = filled("asked").await;
    let dry = lab.runner.trigger(&lab.sync, &RunRequest::dry()).await.unwrap().run();
    let real = lab.runner.trigger(&lab.sync, &RunRequest::default()).await.unwrap().run();
    assert_ne!(dry, real);
    let drift = lab.run_with(RunRequest::drift()).await;
    assert!(drift.drift.is_some() && drift.run != dry && drift.run != real);
    let planned = lab.run_with(RunRequest::dry()).await;
    assert_eq!(
        (planned.run, planned.found, planned.dry_run),
        (dry, Some(dry), true),
        "what was asked for is done once"
    );
    assert_eq!(with("asked", |world| world.writes), 2, "nothing was written by way of the queued run");
    assert_eq!(read(&lab, real).await.status, RunStatus::New);

    let ran = lab.run().await;
    assert_eq!((ran.run, ran.found, ran.total().applied), (real, Some(real), 1));
    assert_eq!(lab.runner.history().queue().await.unwrap(), []);
}

#[tokio::test]
async fn an_undo_never_writes_what_another_run_would() {
    let lab = filled("undo-asked").await;
    let first = RunId::new(1);
    let real = lab.runner.trigger(&lab.sync, &RunRequest::default()).await.unwrap().run();
    insta::assert_snapshot!(refused(&lab, RunRequest::undo(first)).await, @"run 2 of `main` is queued and not finished; wait for it, do it here with `syncline resume 2 --here`, or end it with `syncline cancel 2`");
    let looked = lab.run_with(RunRequest { dry_run: true, ..RunRequest::undo(first) }).await;
    assert_eq!((looked.summary.to_apply(), looked.dry_run), (2, true));
    let looked = read(&lab, looked.run).await;
    assert_eq!((looked.purpose, looked.subject), (Purpose::Undo, Some(first)));
    assert_eq!(lab.target(), ["a", "b"]);

    // Nor does a run what an undo would.
    let request = StopRequest { stop: Stop::Cancel, by: "kim".to_owned(), reason: String::new() };
    lab.runner.history().request_stop(real, &request).await.unwrap();
    let undo = lab.runner.trigger(&lab.sync, &RunRequest::undo(first)).await.unwrap().run();
    insta::assert_snapshot!(refused(&lab, RunRequest::default()).await, @"run 4 of `main` (undo of run 1) is queued and not finished; wait for it, do it here with `syncline resume 4 --here`, or end it with `syncline cancel 4`");
    insta::assert_snapshot!(refused(&lab, RunRequest::undo(RunId::new(2))).await, @"run 4 of `main` (undo of run 1) is queued and not finished; wait for it, do it here with `syncline resume 4 --here`, or end it with `syncline cancel 4`");
    let plan = lab.run_with(RunRequest::dry()).await.plan.unwrap();
    assert_eq!(lab.apply(&plan, None).await.unwrap_err().kind(), ErrorKind::Busy);
    assert_eq!(lab.target(), ["a", "b"]);

    // The same request is gone on with, and is the answer: a run is taken back once.
    let undone = lab.run_with(RunRequest::undo(first)).await;
    assert_eq!((undone.run, undone.found), (undo, Some(undo)));
    assert_eq!(lab.runner.history().queue().await.unwrap(), []);
}

#[tokio::test]
async fn what_is_under_way_for_something_else_is_waited_for() {
    let lab = filled("awaited").await;
    let dry = lab.runner.trigger(&lab.sync, &RunRequest::dry()).await.unwrap().run();
    let Claimed::Granted(claim) = lab.runner.claim(dry).await.unwrap() else { panic!("it is free") };
    let (running, told) = waiting(&lab, RunRequest::default()).await;
    assert_eq!(told, format!("waiting for run {dry}, of the same sync"));
    lab.runner.work(claim, &lab.sync, &Events::new(), &crate::stop::StopSignal::new()).await.unwrap();
    assert_eq!(running.await.unwrap().unwrap().total().applied, 1);
}

/// The other run was killed when it had written a part, or was paused then: nothing else of the sync is written before it is finished.
#[tokio::test]
async fn what_is_half_done_comes_first() {
    let lab = filled("half-done").await;
    let half = lab.runner.trigger(&lab.sync, &RunRequest::default()).await.unwrap().run();
    let Claimed::Granted(claim) = lab.runner.claim(half).await.unwrap() else { panic!("it is free") };
    let history = lab.runner.history();
    let (undo, _) = waiting(&lab, RunRequest::undo(RunId::new(1))).await;
    history.set_stage(claim, crate::history::RunStage::Applying).await.unwrap();
    history.put_back(claim, None, Some("paused by kim")).await.unwrap();
    insta::assert_snapshot!(undo.await.unwrap().unwrap_err(), @"run 2 of `main` waits (paused by kim); let it go on with `syncline resume 2`, or end it with `syncline cancel 2`");
    assert_eq!(lab.target(), ["a", "b"]);
    let left: Vec<_> = history.queue().await.unwrap().into_iter().map(|run| run.id).collect();
    assert_eq!(left, [half], "and no worker does it later, unasked");
}

/// A consent is for the plan that was looked at, and as long as that is valid.
#[tokio::test]
async fn a_plan_that_is_too_old_is_not_approved_nor_begun() {
    let mut lab = filled("expired").await;
    (lab.sync.auto_merge, lab.sync.policy.plan_valid_hours) = (false, 0);
    let waiting = lab.run().await;
    assert_eq!(waiting.status, RunStatus::AwaitingReview);
    let decision = decision(&waiting, Approval::Approved);
    let error = lab.runner.history().decide(waiting.run, &decision).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Stale);
    assert!(error.to_string().contains("`policy.plan_valid_hours`"), "{error}");
    assert_eq!(read(&lab, waiting.run).await.status, RunStatus::AwaitingReview);

    // One that was approved in time, and that nobody took before it was too old, is not begun.
    let queued = lab.runner.trigger(&lab.sync, &RunRequest::default()).await.unwrap().run();
    let Claimed::Granted(claim) = lab.runner.claim(queued).await.unwrap() else { panic!("it is free") };
    let plan = crate::plan::PlanReader::open(&waiting.plan.unwrap()).unwrap();
    let reference = crate::history::PlanRef { hash: plan.hash().to_owned(), path: plan.path().display().to_string() };
    lab.runner.history().set_plan(claim, &reference).await.unwrap();
    lab.runner.history().put_back(claim, None, None).await.unwrap();
    let report = lab.runner.go_on(queued, &lab.sync, &Events::new(), &CancellationToken::new()).await.unwrap();
    assert_eq!(report.error.unwrap().kind(), ErrorKind::Stale);
    assert_eq!(lab.target(), ["a", "b"]);
}
