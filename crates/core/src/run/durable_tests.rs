//! Runs that are killed, paused, reviewed, scheduled and handed from worker to worker, between two systems in memory.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use tokio_util::sync::CancellationToken;

use super::tests::{DESCRIPTOR, Lab, with};
use super::*;
use crate::event::Events;
use crate::history::{
    Approval, Claimed, Decision, History, Purpose, Run, RunFilter, RunId, RunKind, RunStage, RunStatus, Stop,
    StopRequest,
};
use crate::plan::Selection;
use crate::queue::{ApalisQueue, WorkerOptions};
use crate::registry::Registry;
use crate::schedule::Schedule;
use crate::stop::StopSignal;
use crate::{ErrorKind, Result};

/// A lease that a test can wait for.
const SHORT: Duration = Duration::from_millis(60);

/// A sync whose source has 25 sites, which is three batches.
pub(super) async fn filled(world: &'static str) -> Lab {
    let mut lab = Lab::new(world).await;
    lab.runner = other(&lab);
    let sites: Vec<_> = (10..35).map(|number| format!("s{number}")).collect();
    lab.set(&sites.iter().map(String::as_str).collect::<Vec<_>>(), &[]);
    lab
}

/// Another runner of the same history, as another process would have.
pub(super) fn other(lab: &Lab) -> Runner {
    let history = lab.runner.history().clone();
    Runner::new(Registry::of([&DESCRIPTOR]).unwrap(), history, lab.folder.path()).with_lease(SHORT)
}

/// Begins a run and kills its runner when the target keeps a batch waiting.
pub(super) async fn killed(lab: &Lab, after: u32, written: bool) {
    with(lab.world, |world| world.stalls = Some((after, written)));
    let stalled = with(lab.world, |world| Arc::clone(&world.stalled));
    let (runner, sync) = (other(lab), lab.sync.clone());
    let running = tokio::spawn(async move {
        runner.run(&sync, RunRequest::default(), &Events::new(), &CancellationToken::new()).await
    });
    stalled.notified().await;
    running.abort();
    assert!(running.await.unwrap_err().is_cancelled());
    with(lab.world, |world| (world.stalls, world.batches) = (None, 0));
}

pub(super) async fn abandoned(lab: &Lab) {
    // Nothing tells when a lease is over but the time.
    while lab.runner.put_back_abandoned().await.unwrap().is_empty() {
        tokio::time::sleep(SHORT / 10).await;
    }
}

pub(super) async fn read(lab: &Lab, run: RunId) -> Run {
    lab.runner.history().run(run).await.unwrap().unwrap()
}

pub(super) async fn go_on(lab: &Lab, run: RunId) -> RunReport {
    lab.runner.go_on(run, &lab.sync, &Events::new(), &CancellationToken::new()).await.unwrap()
}

fn decision(run: &Run, verdict: Approval) -> Decision {
    Decision {
        plan_hash: run.plan.as_ref().unwrap().hash.clone(),
        verdict,
        by: "kim".to_owned(),
        reason: "looked at".to_owned(),
        selection: None,
        overrides_guards: false,
        at: Utc::now(),
    }
}

#[tokio::test]
async fn a_run_that_was_killed_is_gone_on_with_and_writes_nothing_twice() {
    for (world, after, written) in [("killed-0", 0, false), ("killed-1", 1, true), ("killed-2", 2, false)] {
        let lab = filled(world).await;
        killed(&lab, after, written).await;
        abandoned(&lab).await;
        let report = lab.run().await;
        // The interrupted run was finished first; this one found nothing left to do.
        assert_eq!(
            (report.run, report.status, report.total().total()),
            (RunId::new(2), RunStatus::Completed, 0),
            "{world}"
        );
        let first = read(&lab, RunId::new(1)).await;
        assert_eq!(
            (first.status, first.attempt, first.counts.outcomes.applied),
            (RunStatus::Completed, 2, 25),
            "{world}"
        );
        assert_eq!(with(world, |world| (world.writes, world.target.len())), (25, 25), "{world}: each was written once");
        assert_eq!(lab.outcomes(RunId::new(1)).await.len(), 25);
        assert_eq!(lab.runner.history().batches(RunId::new(1)).await.unwrap(), []);
    }
}

#[tokio::test]
async fn a_runner_that_lost_its_run_sends_nothing_more() {
    let lab = filled("lost").await;
    let run = lab.runner.trigger(&lab.sync, &RunRequest::default()).await.unwrap().run();
    let Claimed::Granted(claim) = lab.runner.claim(run).await.unwrap() else { panic!("it is free") };
    abandoned(&lab).await;
    let Claimed::Granted(_) = other(&lab).claim(run).await.unwrap() else { panic!("it was put back") };
    let report = lab.runner.work(claim, &lab.sync, &Events::new(), &StopSignal::new()).await;
    let kind = report.map_or_else(|error| error.kind(), |report| report.error.unwrap().kind());
    assert_eq!(kind, ErrorKind::LeaseLost);
    assert_eq!(with("lost", |world| world.writes), 0);
}

#[tokio::test]
async fn a_paused_run_goes_on_where_it_stopped() {
    let lab = filled("paused").await;
    let run = lab.runner.trigger(&lab.sync, &RunRequest::default()).await.unwrap().run();
    let Claimed::Granted(claim) = lab.runner.claim(run).await.unwrap() else { panic!("it is free") };
    let stop = StopSignal::new();
    let events = Events::new();
    let mut follow = events.follow();
    let pausing = async {
        while !matches!(&*follow.recv().await.unwrap(), crate::event::Event::Applied { .. }) {}
        stop.pause("it is late");
    };
    let (report, ()) = tokio::join!(lab.runner.work(claim, &lab.sync, &events, &stop), pausing);
    let report = report.unwrap();
    assert_eq!((report.status, report.paused.as_deref()), (RunStatus::Queued, Some("it is late")));
    let written = with("paused", |world| world.writes);
    assert!(written < 25, "{written}");
    assert_eq!(lab.outcomes(run).await.len(), usize::try_from(written).unwrap(), "what was left has no outcome");

    let busy = lab.runner.run(&lab.sync, RunRequest::default(), &Events::new(), &CancellationToken::new()).await;
    insta::assert_snapshot!(busy.unwrap_err(), @"run 1 of `main` waits (it is late); let it go on with `syncline resume 1`, or end it with `syncline cancel 1`");
    lab.runner.history().resume(run).await.unwrap();
    let report = go_on(&lab, run).await;
    assert_eq!((report.status, report.total().applied), (RunStatus::Completed, 25));
    assert_eq!(with("paused", |world| world.writes), 25);
}

#[tokio::test]
async fn a_person_who_cancels_ends_the_run_after_the_batch_under_way() {
    let lab = filled("cancelled").await;
    let run = lab.runner.trigger(&lab.sync, &RunRequest::default()).await.unwrap().run();
    let Claimed::Granted(claim) = lab.runner.claim(run).await.unwrap() else { panic!("it is free") };
    let stop = StopSignal::new();
    stop.cancel("cancelled by kim");
    let report = lab.runner.work(claim, &lab.sync, &Events::new(), &stop).await.unwrap();
    assert_eq!(report.status, RunStatus::Cancelled);
    let request = StopRequest { stop: Stop::Cancel, by: "kim".to_owned(), reason: String::new() };
    assert_eq!(lab.runner.history().request_stop(run, &request).await.unwrap(), RunStatus::Cancelled);
    assert_eq!(with("cancelled", |world| world.writes), 0);
}

#[tokio::test]
async fn what_was_approved_is_what_is_applied_whatever_moved_meanwhile() {
    let mut lab = filled("approved").await;
    lab.sync.auto_merge = false;
    let waiting = lab.run().await;
    assert_eq!(waiting.status, RunStatus::AwaitingReview);
    assert_eq!(with("approved", |world| world.writes), 0);

    // Both sides move before anybody decides.
    with("approved", |world| {
        world.source.insert("new".to_owned(), "Site new".to_owned());
        world.target.insert("foreign".to_owned(), "Site foreign".to_owned());
    });
    let run = read(&lab, waiting.run).await;
    let plan = lab.runner.plan_of(&run).await.unwrap();
    let only = ["site:[\"s10\"]", "site:[\"s33\"]"].map(|text| text.parse().unwrap()).to_vec();
    let selection = Some(Selection::Only(only).of(&plan).unwrap());
    let decision = Decision { selection, ..decision(&run, Approval::Approved) };
    lab.runner.history().decide(run.id, &decision).await.unwrap();
    let report = go_on(&lab, run.id).await;
    assert_eq!((report.status, report.total().applied, report.total().held), (RunStatus::Completed, 2, 23));
    assert_eq!(lab.target(), ["foreign", "s10", "s33"]);
}

#[tokio::test]
async fn a_plan_that_is_rejected_or_superseded_is_never_applied() {
    let mut lab = filled("rejected").await;
    lab.sync.auto_merge = false;
    let first = lab.run().await.run;
    let second = lab.run().await.run;
    assert_eq!(read(&lab, first).await.error.unwrap().kind, "superseded");
    let run = read(&lab, second).await;
    lab.runner.history().decide(second, &decision(&run, Approval::Rejected)).await.unwrap();
    let error = lab.runner.go_on(second, &lab.sync, &Events::new(), &CancellationToken::new()).await.unwrap_err();
    insta::assert_snapshot!(error, @"run 2 of `main` is `cancelled` already");
    assert_eq!(with("rejected", |world| world.writes), 0);
}

#[tokio::test]
async fn a_plan_is_found_in_the_history_when_its_file_is_gone() {
    let mut lab = filled("fetched").await;
    lab.sync.auto_merge = false;
    let waiting = lab.run().await;
    std::fs::remove_file(waiting.plan.unwrap()).unwrap();
    let run = read(&lab, waiting.run).await;
    lab.runner.history().decide(run.id, &decision(&run, Approval::Approved)).await.unwrap();
    assert_eq!(go_on(&lab, run.id).await.total().applied, 25);
}

/// One sync that runs every ten minutes.
struct Every10Minutes {
    sync: SyncDefinition,
    automation: Automation,
}

impl Every10Minutes {
    fn new(lab: &Lab) -> Self {
        let schedule = serde_json::from_value(serde_json::json!({"recurs_every": 10})).unwrap();
        Self { sync: lab.sync.clone(), automation: Automation { schedule, ..Automation::default() } }
    }
}

#[async_trait]
impl SyncBook for Every10Minutes {
    async fn syncs(&self) -> Result<Vec<(String, Result<ConfiguredSync>)>> {
        Ok(vec![(self.sync.name.clone(), self.sync(&self.sync.name).await)])
    }

    async fn sync(&self, _: &str) -> Result<ConfiguredSync> {
        Ok(ConfiguredSync { definition: self.sync.clone(), automation: self.automation.clone() })
    }
}

async fn scheduled(history: &History) -> Vec<(Option<DateTime<Utc>>, RunStatus)> {
    let runs = history.runs(&RunFilter { kind: Some(RunKind::Scheduled), ..RunFilter::default() }, None, 100).await;
    runs.unwrap().items.into_iter().map(|run| (run.tick, run.status)).collect()
}

#[tokio::test]
async fn a_tick_makes_one_run_however_many_schedulers_see_it() {
    let lab = filled("ticks").await;
    let book = Every10Minutes::new(&lab);
    let runners = [other(&lab), other(&lab)];
    let start: DateTime<Utc> = "2026-11-20T08:00:00Z".parse().unwrap();
    let minutes = TimeDelta::minutes;
    // Each of two schedulers looks every three minutes for an hour; runs are done at once.
    for step in 0..=20 {
        for runner in &runners {
            Scheduler::new(runner, &book).pass(start + minutes(3 * step)).await.unwrap();
        }
        for run in lab.runner.history().queue().await.unwrap() {
            assert_eq!(go_on(&lab, run.id).await.status, RunStatus::Completed);
        }
    }
    let ticks: Vec<_> =
        scheduled(lab.runner.history()).await.into_iter().rev().map(|(tick, _)| tick.unwrap()).collect();
    assert_eq!(ticks, (0..=6).map(|tick| start + minutes(10 * tick)).collect::<Vec<_>>());

    // Nobody looked for five hours: one run makes up for all.
    let next = Scheduler::new(&runners[0], &book).pass(start + minutes(365)).await.unwrap();
    assert_eq!(next, Some(start + minutes(370)));
    assert_eq!(scheduled(lab.runner.history()).await.len(), 8);
}

/// A sync and its drift check have ticks of their own, also at the same time, and also while the other one is at work.
#[tokio::test]
async fn a_tick_of_one_purpose_takes_none_from_another() {
    let lab = filled("purposes").await;
    let mut book = Every10Minutes::new(&lab);
    book.automation.drift = book.automation.schedule.clone();
    let start: DateTime<Utc> = "2026-11-20T08:00:00Z".parse().unwrap();
    for tick in 0..3 {
        let now = start + TimeDelta::minutes(10 * tick);
        Scheduler::new(&lab.runner, &book).pass(now).await.unwrap();
        let made: Vec<_> = lab.runner.history().queue().await.unwrap();
        let shown: Vec<_> = made.iter().map(|run| (run.purpose, run.tick)).collect();
        assert_eq!(shown, [(Purpose::Sync, Some(now)), (Purpose::Drift, Some(now))]);
        // Whoever looks again, before, between or after the two, makes no third.
        for run in made {
            Scheduler::new(&lab.runner, &book).pass(now).await.unwrap();
            assert_eq!(go_on(&lab, run.id).await.status, RunStatus::Completed);
        }
        Scheduler::new(&lab.runner, &book).pass(now).await.unwrap();
        assert_eq!(scheduled(lab.runner.history()).await.len(), usize::try_from(2 * tick + 2).unwrap());
    }

    // A drift check that takes long is no run of the sync.
    let now = start + TimeDelta::minutes(30);
    book.automation.schedule = Schedule::default();
    Scheduler::new(&lab.runner, &book).pass(now).await.unwrap();
    let drift = lab.runner.history().queue().await.unwrap().pop().unwrap();
    lab.runner.claim(drift.id).await.unwrap();
    book.automation.schedule = book.automation.drift.clone();
    Scheduler::new(&lab.runner, &book).pass(now + TimeDelta::minutes(1)).await.unwrap();
    let waiting: Vec<_> = lab.runner.history().queue().await.unwrap().iter().map(|run| run.purpose).collect();
    assert_eq!(waiting, [Purpose::Sync]);
}

#[tokio::test]
async fn a_run_whose_time_was_over_goes_on_at_the_next_tick_and_one_that_a_person_paused_does_not() {
    let lab = filled("out-of-time").await;
    let book = Every10Minutes::new(&lab);
    let start: DateTime<Utc> = "2026-11-20T08:00:00Z".parse().unwrap();
    let history = lab.runner.history();
    let pass =
        async |minutes| Scheduler::new(&lab.runner, &book).pass(start + TimeDelta::minutes(minutes)).await.unwrap();
    pass(0).await;
    let run = history.queue().await.unwrap()[0].id;
    let pause = async |reason: &str| {
        let Claimed::Granted(claim) = lab.runner.claim(run).await.unwrap() else { panic!("it is free") };
        history.put_back(claim, None, Some(reason)).await.unwrap();
    };
    pause(&format!("{}: it wrote for 60 s", crate::history::OUT_OF_TIME)).await;
    // Not at the tick that it is of, seen once more.
    pass(1).await;
    assert!(read(&lab, run).await.paused.is_some());
    pass(10).await;
    assert_eq!(read(&lab, run).await.paused, None);
    pause("paused by kim: the network is down").await;
    pass(20).await;
    assert_eq!(read(&lab, run).await.paused.as_deref(), Some("paused by kim: the network is down"));
    assert_eq!(scheduled(history).await.len(), 1);
}

/// Nothing else of the sync is written before it is done, so that its schedule would stand still for ever.
#[tokio::test]
async fn an_undo_whose_time_was_over_goes_on_at_the_next_tick_too() {
    let lab = filled("undo-out-of-time").await;
    let book = Every10Minutes::new(&lab);
    let history = lab.runner.history();
    let filled = lab.run().await.run;
    let undo = lab.runner.trigger(&lab.sync, &RunRequest::undo(filled)).await.unwrap().run();
    let Claimed::Granted(claim) = lab.runner.claim(undo).await.unwrap() else { panic!("it is free") };
    history.set_stage(claim, RunStage::Applying).await.unwrap();
    let reason = format!("{}: it wrote for 60 s", crate::history::OUT_OF_TIME);
    history.put_back(claim, None, Some(&reason)).await.unwrap();
    Scheduler::new(&lab.runner, &book).pass(Utc::now()).await.unwrap();
    assert_eq!(read(&lab, undo).await.paused, None);
}

/// What `max_duration_s` says of itself is what the schedule knows it by.
#[tokio::test]
async fn a_run_that_writes_for_too_long_pauses_and_says_so() {
    let lab = filled("too-long").await;
    with("too-long", |world| world.stalls = Some((0, true)));
    let release = with("too-long", |world| Arc::clone(&world.release));
    let request = RunRequest {
        settings: crate::history::RunSettings { max_duration_s: Some(0), ..crate::history::RunSettings::default() },
        ..RunRequest::default()
    };
    let run = lab.runner.trigger(&lab.sync, &request).await.unwrap().run();
    let Claimed::Granted(claim) = lab.runner.claim(run).await.unwrap() else { panic!("it is free") };
    let (events, stop) = (Events::new(), StopSignal::new());
    // The first batch is under way when the time is up, or was not sent any more.
    let time_is_up = async {
        stop.token().cancelled().await;
        release.notify_one();
    };
    let (report, ()) = futures::future::join(lab.runner.work(claim, &lab.sync, &events, &stop), time_is_up).await;
    let report = report.unwrap();
    assert_eq!(report.status, RunStatus::Queued);
    assert!(read(&lab, report.run).await.is_out_of_time(), "{:?}", report.paused);
}

/// Whoever waits for a sync that never ran waits for its first run.
#[tokio::test]
async fn a_sync_runs_after_the_first_run_of_another_one() {
    let lab = filled("after-first").await;
    let mut second = Every10Minutes::new(&lab);
    second.sync.name = "second".to_owned();
    second.automation = Automation { after: Some("main".to_owned()), ..Automation::default() };
    Scheduler::new(&lab.runner, &second).pass(Utc::now()).await.unwrap();
    let first = lab.run().await;
    Scheduler::new(&lab.runner, &second).pass(Utc::now()).await.unwrap();
    let waiting = lab.runner.history().queue().await.unwrap();
    assert_eq!(waiting.len(), 1);
    assert_eq!(waiting[0].request, Some(format!("run {} of main completed", first.run)));
}

/// The second sync follows the first: once for each of its completed runs, however many look, and not for what was before.
#[tokio::test]
async fn a_sync_runs_after_another_one() {
    let lab = filled("after").await;
    let mut second = Every10Minutes::new(&lab);
    second.sync.name = "second".to_owned();
    second.automation = Automation { after: Some("main".to_owned()), ..Automation::default() };
    let pass = async || {
        for runner in [other(&lab), other(&lab)] {
            Scheduler::new(&runner, &second).pass(Utc::now()).await.unwrap();
        }
        scheduled(lab.runner.history()).await.len()
    };
    assert_eq!(lab.run().await.status, RunStatus::Completed);
    assert_eq!(pass().await, 0, "that was before anybody asked");
    assert_eq!(lab.run_with(RunRequest::dry()).await.status, RunStatus::Completed);
    assert_eq!(pass().await, 0, "a dry run changes nothing");
    let part = serde_json::from_value(serde_json::json!({"models": ["site"]})).unwrap();
    assert_eq!(lab.run_with(RunRequest::part(part)).await.status, RunStatus::Completed);
    assert_eq!(pass().await, 0, "a part is no complete run");
    let request_id = Some("CHG0042".parse().unwrap());
    let first = lab.run_with(RunRequest { request_id: request_id.clone(), ..RunRequest::default() }).await;
    assert_eq!((pass().await, pass().await), (1, 1));
    let waiting = lab.runner.history().queue().await.unwrap();
    assert_eq!(waiting[0].request_id, request_id, "whoever asked for the one asked for both");
    assert_eq!(
        (&*waiting[0].sync, waiting[0].request.clone().unwrap()),
        ("second", format!("run {} of main completed", first.run))
    );
    lab.run().await;
    assert_eq!(pass().await, 1, "one that waits is enough");
}

#[tokio::test]
async fn a_run_waits_for_its_window() {
    let lab = filled("windows").await;
    let mut book = Every10Minutes::new(&lab);
    let window = serde_json::json!({"windows": [{"kind": "allow", "cron": "0 22 * * *", "duration": "2h"}]});
    book.automation.windows = serde_json::from_value(window).unwrap();
    let start: DateTime<Utc> = "2026-11-20T08:00:00Z".parse().unwrap();
    Scheduler::new(&lab.runner, &book).pass(start).await.unwrap();
    let waiting = lab.runner.history().queue().await.unwrap();
    assert_eq!(waiting[0].not_before, Some("2026-11-20T22:00:00Z".parse().unwrap()));
    insta::assert_snapshot!(waiting[0].request.as_deref().unwrap(), @"the sync windows are closed: outside the allow window `0 22 * * *` for 2h (UTC); they open at 2026-11-20 22:00 UTC");
    // The next ticks find it there.
    Scheduler::new(&lab.runner, &book).pass(start + TimeDelta::minutes(10)).await.unwrap();
    assert_eq!(lab.runner.history().queue().await.unwrap().len(), 1);
}

/// What is done here and now keeps to the window as a worker does: begun in time, it stops when the window closes.
#[tokio::test]
async fn a_window_binds_what_a_person_does_here_too() {
    let lab = filled("windows-here").await;
    let mut book = Every10Minutes::new(&lab);
    let (now, hours) = (Utc::now(), TimeDelta::hours);
    let opens = (now + hours(3)).format("0 %-H * * *").to_string();
    let windows = |overrun: bool| {
        let window = serde_json::json!({"kind": "allow", "cron": &opens, "duration": "1h", "manual": false});
        serde_json::from_value(serde_json::json!({"windows": [window], "overrun": overrun})).unwrap()
    };
    book.automation.windows = windows(false);
    let here = |book: &Every10Minutes| {
        let book = Every10Minutes { sync: book.sync.clone(), automation: book.automation.clone() };
        other(&lab).with_book(Arc::new(book))
    };
    let run = |runner: Runner| {
        let sync = lab.sync.clone();
        async move { runner.run(&sync, RunRequest::default(), &Events::new(), &CancellationToken::new()).await.unwrap() }
    };
    let stopped = run(here(&book)).await;
    assert_eq!((stopped.status, lab.target().len()), (RunStatus::Queued, 0));
    let waiting = read(&lab, stopped.run).await.not_before.unwrap();
    assert!(waiting > now + hours(1) && waiting <= now + hours(3), "{waiting}");
    // What is under way may overrun its window unless the sync says no.
    book.automation.windows = windows(true);
    lab.runner.history().resume(stopped.run).await.unwrap();
    assert_eq!(run(here(&book)).await.status, RunStatus::Completed);
}

#[tokio::test]
async fn a_sync_that_rests_makes_no_runs() {
    let lab = filled("rests").await;
    let mut book = Every10Minutes::new(&lab);
    book.automation.paused = true;
    assert_eq!(Scheduler::new(&lab.runner, &book).pass(Utc::now()).await.unwrap(), None);
    assert!(scheduled(lab.runner.history()).await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_take_what_waits_and_leave_the_rest_to_others_when_they_end() {
    let lab = filled("workers").await;
    let history = lab.runner.history().clone();
    let queue = Arc::new(ApalisQueue::open(&history).await.unwrap());
    let book = Arc::new(Every10Minutes::new(&lab));
    let run = lab.runner.trigger(&lab.sync, &RunRequest::default()).await.unwrap().run();
    let options = WorkerOptions { poll: Duration::from_millis(20), ..WorkerOptions::default() };

    // The first worker is told to end while a batch is under way; the target answers after that.
    with("workers", |world| world.stalls = Some((1, true)));
    let (stalled, release) = with("workers", |world| (Arc::clone(&world.stalled), Arc::clone(&world.release)));
    let worker =
        |runner| Worker::new(Arc::new(runner), Arc::<Every10Minutes>::clone(&book), Arc::<ApalisQueue>::clone(&queue));
    let first = Arc::new(worker(other(&lab)));
    let ending = CancellationToken::new();
    let (ended, serving) = (ending.clone(), options.clone());
    let working = tokio::spawn(async move { first.serve(serving, &ended).await });
    stalled.notified().await;
    with("workers", |world| world.stalls = None);
    ending.cancel();
    release.notify_one();
    working.await.unwrap().unwrap();
    let left = read(&lab, run).await;
    assert_eq!((left.status, left.attempt, left.paused, left.worker), (RunStatus::Queued, 1, None, None));
    let written = with("workers", |world| world.writes);
    assert!((10..25).contains(&written), "{written}");

    // The second one goes on with it.
    let (seen, mut done) = tokio::sync::watch::channel(false);
    let seen = Arc::new(seen);
    let second = worker(other(&lab)).with_follower(Arc::new(move |_, events: &Events| {
        let (mut events, seen) = (events.follow(), Arc::clone(&seen));
        tokio::spawn(async move {
            while events.recv().await.is_ok() {}
            seen.send_replace(true);
        });
    }));
    let second = Arc::new(second);
    let ending = CancellationToken::new();
    let ended = ending.clone();
    let working = tokio::spawn(async move { second.serve(options, &ended).await });
    done.wait_for(|done| *done).await.unwrap();
    ending.cancel();
    working.await.unwrap().unwrap();
    let run = read(&lab, run).await;
    assert_eq!((run.status, run.attempt, run.counts.outcomes.applied), (RunStatus::Completed, 2, 25));
    assert_eq!(with("workers", |world| world.writes), 25);
}
