//! Which runner has a run, what becomes of one whose runner died, and what people want of runs that are not over.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{TimeDelta, Utc};

use super::{LEASE, applied, approved, change, everywhere, new_run, started, working_run};
use crate::ErrorKind;
use crate::change::Action;
use crate::event::Phase;
use crate::history::{
    Abandoned, Approval, Claim, Claimed, Decision, History, InTheWay, ModelRecord, NewRun, PhaseRecord, PlanRef,
    Purpose, RecordedChange, Run, RunId, RunKind, RunResult, RunStage, RunStatus, Stop, StopRequest, Triggered,
    WaitsFor,
};
use crate::models::ModelMode;
use crate::places::Places;
use crate::target::Pass;

/// A lease that is over before anybody can ask.
const NO_LEASE: Duration = Duration::ZERO;
const TRIES: u64 = 3;

async fn status(history: &History, run: RunId) -> RunStatus {
    read(history, run).await.status
}

async fn read(history: &History, run: RunId) -> Run {
    history.run(run).await.unwrap().unwrap()
}

async fn claim(history: &History, run: RunId, lease: Duration) -> Claim {
    match history.claim(run, "worker", lease).await.unwrap() {
        Claimed::Granted(claim) => claim,
        other => panic!("run {run} could not be taken: {other:?}"),
    }
}

fn stop(stop: Stop) -> StopRequest {
    StopRequest { stop, by: "kim".to_owned(), reason: "the network is down".to_owned() }
}

#[tokio::test]
async fn one_run_of_a_sync_and_one_writer_of_a_system_at_a_time() {
    everywhere(async |place| {
        let history = place.open().await;
        let sites = new_run(&history, "sites").await;
        let first = started(&history, &sites).await;
        let again = history.begin_run(&sites).await.unwrap();
        assert_eq!(history.claim(again, "other", LEASE).await.unwrap(), Claimed::Busy(first.run));

        // Another sync that writes to the same system waits, one that only reads it does not.
        let devices = new_run(&history, "devices").await;
        let writer = history.begin_run(&devices).await.unwrap();
        assert_eq!(history.claim(writer, "other", LEASE).await.unwrap(), Claimed::Busy(first.run));
        let vlans = NewRun { dry: true, ..new_run(&history, "vlans").await };
        let reader = history.begin_run(&vlans).await.unwrap();
        assert!(matches!(history.claim(reader, "other", LEASE).await.unwrap(), Claimed::Granted(_)));

        history.finish_run(first, &RunResult::completed()).await.unwrap();
        assert!(matches!(history.claim(writer, "other", LEASE).await.unwrap(), Claimed::Granted(_)));
        assert_eq!(history.claim(writer, "third", LEASE).await.unwrap(), Claimed::NotReady, "it has a runner");
        assert_eq!(history.claim(again, "other", LEASE).await.unwrap(), Claimed::Busy(writer));
    })
    .await;
}

#[tokio::test]
async fn a_run_whose_runner_died_goes_to_the_next_one_and_the_dead_one_may_not_write() {
    everywhere(async |place| {
        let history = place.open().await;
        let run = history.begin_run(&new_run(&history, "sites").await).await.unwrap();
        let dead = claim(&history, run, NO_LEASE).await;
        assert_eq!(history.put_back_abandoned(TRIES).await.unwrap(), [Abandoned::Requeued(run)]);
        assert_eq!(history.put_back_abandoned(TRIES).await.unwrap(), []);
        let living = claim(&history, run, LEASE).await;
        assert_eq!(history.put_back_abandoned(TRIES).await.unwrap(), [], "its lease is not over");

        let outcome = applied();
        let create = change("site", "a", Action::Create);
        let recorded = [RecordedChange::now(&create, Some(&outcome))];
        let places: Places = [1].into_iter().collect();
        let phase = PhaseRecord {
            phase: Phase::LoadSource,
            started: Utc::now(),
            duration_ms: 1,
            memory_final: None,
            memory_peak: None,
            streams: Vec::new(),
        };
        let sites = ModelRecord {
            model: "site".to_owned(),
            mode: ModelMode::Sync,
            source: None,
            desired: None,
            target: None,
            diff: None,
        };
        let refusals = [
            history.record_phase(dead, &phase).await.unwrap_err(),
            history.record_model(dead, &sites).await.unwrap_err(),
            history.record_changes(dead, &recorded).await.unwrap_err(),
            history.intend(dead, 0, Pass::First, &places, &BTreeMap::new()).await.unwrap_err(),
            history.finish_run(dead, &RunResult::completed()).await.unwrap_err(),
            history.renew(dead, LEASE).await.unwrap_err(),
            history.put_back(dead, None, None).await.unwrap_err(),
        ];
        for refusal in refusals {
            assert_eq!(refusal.kind(), ErrorKind::LeaseLost);
            insta::allow_duplicates! { insta::assert_snapshot!(refusal, @"run 1 was taken from this runner: `worker` has it now") };
        }
        history.record_changes(living, &recorded).await.unwrap();
        history.finish_run(living, &RunResult::completed()).await.unwrap();
        assert_eq!(read(&history, run).await.attempt, 2);
    })
    .await;
}

#[tokio::test]
async fn a_run_that_kills_every_runner_fails_at_last() {
    everywhere(async |place| {
        let history = place.open().await;
        let run = history.begin_run(&new_run(&history, "sites").await).await.unwrap();
        for _ in 1..TRIES {
            claim(&history, run, NO_LEASE).await;
            assert_eq!(history.put_back_abandoned(TRIES).await.unwrap(), [Abandoned::Requeued(run)]);
        }
        // One that records something before it dies gets on.
        let outcome = applied();
        let create = change("site", "a", Action::Create);
        let getting_on = claim(&history, run, LEASE).await;
        history.record_changes(getting_on, &[RecordedChange::now(&create, Some(&outcome))]).await.unwrap();
        history.put_back(getting_on, None, None).await.unwrap();
        for _ in 1..TRIES {
            claim(&history, run, NO_LEASE).await;
            assert_eq!(history.put_back_abandoned(TRIES).await.unwrap(), [Abandoned::Requeued(run)]);
        }
        // A runner that ends and leaves the run to the next one was not killed by it.
        let ending = claim(&history, run, LEASE).await;
        history.put_back(ending, None, None).await.unwrap();
        for _ in 1..TRIES {
            claim(&history, run, NO_LEASE).await;
            assert_eq!(history.put_back_abandoned(TRIES).await.unwrap(), [Abandoned::Requeued(run)]);
        }
        claim(&history, run, NO_LEASE).await;
        assert_eq!(history.put_back_abandoned(TRIES).await.unwrap(), [Abandoned::Failed(run)]);
        let error = read(&history, run).await.error.unwrap();
        assert_eq!(error.kind, "interrupted");
        insta::allow_duplicates! { insta::assert_snapshot!(error.message, @"the run was taken 3 times, and each time its runner ended without finishing it") };
    })
    .await;
}

#[tokio::test]
async fn the_run_of_a_process_of_this_machine_that_ended_waits_for_no_lease() {
    let Ok(boot) = std::fs::read_to_string("/proc/sys/kernel/random/boot_id") else { return };
    let space = std::fs::read_link("/proc/self/ns/pid").unwrap();
    let place = format!("{} {}", boot.trim(), space.display());
    let place_here = &place;
    everywhere(async |place| {
        let history = place.open().await;
        let (living, killed, elsewhere) =
            (working_run(&history).await, working_run(&history).await, working_run(&history).await);
        for (run, host) in [(killed, None), (elsewhere, Some("another-machine"))] {
            super::objects::pretend(&history, run.run, &format!("4294967295 1 {place_here}"), host).await;
        }
        assert_eq!(history.put_back_abandoned(TRIES).await.unwrap(), [Abandoned::Requeued(killed.run)]);
        assert_eq!(status(&history, living.run).await, RunStatus::Syncing);
        assert_eq!(status(&history, elsewhere.run).await, RunStatus::Syncing, "its lease is what tells");
    })
    .await;
}

#[tokio::test]
async fn asking_twice_is_asking_once() {
    everywhere(async |place| {
        let history = place.open().await;
        let sites = new_run(&history, "sites").await;
        let Triggered::Made(run) = history.trigger(&sites).await.unwrap() else { panic!("nothing was under way") };
        assert_eq!(history.trigger(&sites).await.unwrap(), Triggered::AlreadyRunning(run));
        let working = claim(&history, run, LEASE).await;
        assert_eq!(history.trigger(&sites).await.unwrap(), Triggered::AlreadyRunning(run));
        history.finish_run(working, &RunResult::completed()).await.unwrap();

        let tick = NewRun { tick: Some(Utc::now()), ..sites.clone() };
        let Triggered::Made(scheduled) = history.trigger(&tick).await.unwrap() else { panic!("the run was over") };
        let working = claim(&history, scheduled, LEASE).await;
        history.finish_run(working, &RunResult::completed()).await.unwrap();
        assert_eq!(history.trigger(&tick).await.unwrap(), Triggered::AlreadyRunning(scheduled), "of one tick one run");
    })
    .await;
}

/// What another system tells may have happened after a run began to read.
#[tokio::test]
async fn who_wants_what_is_there_now_gets_a_run_that_has_not_begun() {
    everywhere(async |place| {
        let history = place.open().await;
        let told = NewRun { reads_anew: true, kind: RunKind::Webhook, ..new_run(&history, "sites").await };
        let Triggered::Made(first) = history.trigger(&told).await.unwrap() else { panic!("nothing was under way") };
        assert_eq!(history.trigger(&told).await.unwrap(), Triggered::AlreadyRunning(first), "it waits");
        let working = claim(&history, first, LEASE).await;
        let Triggered::Made(second) = history.trigger(&told).await.unwrap() else { panic!("the first one reads") };
        for _ in 0..3 {
            assert_eq!(history.trigger(&told).await.unwrap(), Triggered::AlreadyRunning(second));
        }
        // Nor is one that has read, and waits to write what it read.
        history.set_stage(working, RunStage::Planned).await.unwrap();
        history.put_back(working, None, Some("paused by kim")).await.unwrap();
        assert_eq!(history.trigger(&told).await.unwrap(), Triggered::AlreadyRunning(second));
        history.request_stop(second, &stop(Stop::Cancel)).await.unwrap();
        assert!(matches!(history.trigger(&told).await.unwrap(), Triggered::Made(third) if third > second));
    })
    .await;
}

#[tokio::test]
async fn asking_for_something_else_is_asking_again() {
    everywhere(async |place| {
        let history = place.open().await;
        let real = new_run(&history, "sites").await;
        let plan = |hash: &str| Some(PlanRef { hash: hash.to_owned(), path: String::new() });
        let others = [
            NewRun { dry: true, ..real.clone() },
            real.clone(),
            NewRun { dry: true, purpose: Purpose::Drift, ..real.clone() },
            NewRun { purpose: Purpose::Undo, subject: Some(RunId::new(1)), ..real.clone() },
            NewRun { purpose: Purpose::Undo, subject: Some(RunId::new(2)), ..real.clone() },
            NewRun { purpose: Purpose::Apply, plan: plan("one"), ..real.clone() },
            NewRun { purpose: Purpose::Apply, plan: plan("other"), ..real.clone() },
        ];
        for (number, new) in (1..).zip(&others) {
            assert_eq!(history.trigger(new).await.unwrap(), Triggered::Made(RunId::new(number)), "{new:?}");
        }
        for (number, new) in (1..).zip(&others) {
            let again = NewRun { triggered_by: "somebody else".to_owned(), kind: RunKind::Webhook, ..new.clone() };
            assert_eq!(history.trigger(&again).await.unwrap(), Triggered::AlreadyRunning(RunId::new(number)));
        }
        // They stand in line, whatever they are for: a sync has one run under way.
        let waiting = history.waiting().await.unwrap();
        let behind = waiting.iter().filter(|run| matches!(run.waits_for, WaitsFor::Run { .. })).count();
        assert_eq!((waiting.len(), behind), (7, 6));
    })
    .await;
}

#[tokio::test]
async fn what_has_written_a_part_is_in_the_way_of_other_writes_of_its_sync() {
    everywhere(async |place| {
        let history = place.open().await;
        let real = new_run(&history, "sites").await;
        let halfway = history.begin_run(&real).await.unwrap();
        let working = claim(&history, halfway, LEASE).await;
        history.set_stage(working, RunStage::Applying).await.unwrap();
        history.put_back(working, None, Some("paused by kim")).await.unwrap();
        let undo = NewRun { purpose: Purpose::Undo, subject: Some(RunId::new(7)), ..real.clone() };
        let undo = history.trigger(&undo).await.unwrap().run();
        let dry = history.trigger(&NewRun { dry: true, ..real.clone() }).await.unwrap().run();
        let waits_for: Vec<_> = history.waiting().await.unwrap().into_iter().map(|run| run.waits_for).collect();
        let behind = WaitsFor::Run { run: halfway, why: InTheWay::SameSync };
        let person = WaitsFor::Person { reason: "paused by kim".to_owned() };
        assert_eq!(waits_for, [person, behind, WaitsFor::Worker]);
        // Nor does it get its turn by being named.
        assert_eq!(history.claim(undo, "worker", LEASE).await.unwrap(), Claimed::Busy(halfway));
        assert_eq!(history.run(undo).await.unwrap().unwrap().attempt, 0);
        let looking = claim(&history, dry, LEASE).await;
        history.put_back(looking, None, None).await.unwrap();
        history.resume(halfway).await.unwrap();
        claim(&history, halfway, LEASE).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_who_ask_at_once_one_makes_the_run_and_one_takes_it() {
    everywhere(async |place| {
        let histories = [place.open().await, place.open().await];
        let sites = new_run(&histories[0], "sites").await;
        let asking = (0..8).map(|number| {
            let (history, sites) = (histories[number % 2].clone(), sites.clone());
            tokio::spawn(async move {
                let triggered = history.trigger(&sites).await.unwrap();
                (triggered, history.claim(triggered.run(), &format!("worker-{number}"), LEASE).await.unwrap())
            })
        });
        let answers = futures::future::try_join_all(asking).await.unwrap();
        let made = answers.iter().filter(|(triggered, _)| matches!(triggered, Triggered::Made(_))).count();
        let granted = answers.iter().filter(|(_, claimed)| matches!(claimed, Claimed::Granted(_))).count();
        assert_eq!((made, granted), (1, 1), "{answers:?}");
    })
    .await;
}

#[tokio::test]
async fn runners_are_told_of_what_they_could_take_and_once() {
    everywhere(async |place| {
        let history = place.open().await;
        let patience = Duration::from_mins(1);
        let told = async || {
            let ready = history.take_ready(patience).await.unwrap();
            ready.into_iter().map(|ready| ready.run.number()).collect::<Vec<_>>()
        };
        let (sites, devices) = (new_run(&history, "sites").await, new_run(&history, "devices").await);
        let first = history.begin_run(&sites).await.unwrap();
        history.begin_run(&devices).await.unwrap();
        assert_eq!(told().await, [1], "the second one writes to the same system");
        assert_eq!(told().await, [0_i64; 0], "a runner was told");
        assert_eq!(history.take_ready(NO_LEASE).await.unwrap()[0].delivery, 2, "but it may have died");
        let working = claim(&history, first, LEASE).await;
        assert_eq!(told().await, [0_i64; 0]);
        history.finish_run(working, &RunResult::completed()).await.unwrap();
        assert_eq!(told().await, [2]);
        let queue: Vec<_> = history.queue().await.unwrap().into_iter().map(|run| run.id.number()).collect();
        assert_eq!(queue, [2]);
        let waits_for = async || history.waiting().await.unwrap().pop().unwrap().waits_for;
        assert_eq!(waits_for().await, WaitsFor::Worker);
        let third = history.begin_run(&sites).await.unwrap();
        assert_eq!(waits_for().await, WaitsFor::Run { run: RunId::new(2), why: InTheWay::SameTarget });
        let before_it = claim(&history, RunId::new(2), LEASE).await;
        assert_eq!(history.claim(third, "worker", LEASE).await.unwrap(), Claimed::Busy(RunId::new(2)));
        history.put_back(before_it, None, None).await.unwrap();
        history.request_stop(third, &stop(Stop::Cancel)).await.unwrap();

        let later = Utc::now() + TimeDelta::hours(1);
        let early = claim(&history, RunId::new(2), LEASE).await;
        history.put_back(early, Some(later), None).await.unwrap();
        assert_eq!(history.claim(RunId::new(2), "worker", LEASE).await.unwrap(), Claimed::NotReady);
        history.resume(RunId::new(2)).await.unwrap();
        assert_eq!(told().await, [2]);
    })
    .await;
}

#[tokio::test]
async fn a_run_is_paused_resumed_and_cancelled() {
    everywhere(async |place| {
        let history = place.open().await;
        let run = history.begin_run(&new_run(&history, "sites").await).await.unwrap();
        assert_eq!(history.request_stop(run, &stop(Stop::Pause)).await.unwrap(), RunStatus::New);
        assert_eq!(read(&history, run).await.paused.as_deref(), Some("paused by kim: the network is down"));
        assert_eq!(history.claim(run, "worker", LEASE).await.unwrap(), Claimed::NotReady);
        history.resume(run).await.unwrap();

        // One that works is asked, and hears it when it asks for more time.
        let working = claim(&history, run, LEASE).await;
        assert_eq!(history.renew(working, LEASE).await.unwrap(), None);
        assert_eq!(history.request_stop(run, &stop(Stop::Pause)).await.unwrap(), RunStatus::Syncing);
        assert_eq!(history.renew(working, LEASE).await.unwrap(), Some(stop(Stop::Pause)));
        history.put_back(working, None, Some("paused by kim")).await.unwrap();
        assert_eq!(history.claim(run, "worker", LEASE).await.unwrap(), Claimed::NotReady);
        history.resume(run).await.unwrap();
        let working = claim(&history, run, LEASE).await;
        assert_eq!(history.renew(working, LEASE).await.unwrap(), None, "what was asked of it is done");
        history.put_back(working, None, None).await.unwrap();

        assert_eq!(history.request_stop(run, &stop(Stop::Cancel)).await.unwrap(), RunStatus::Cancelled);
        assert_eq!(history.request_stop(run, &stop(Stop::Pause)).await.unwrap(), RunStatus::Cancelled);
        let error = history.resume(run).await.unwrap_err();
        insta::allow_duplicates! { insta::assert_snapshot!(error, @"run 1 is `cancelled`: only one that waits can go on") };
        assert_eq!(read(&history, run).await.error.unwrap().message, "cancelled by kim: the network is down");
    })
    .await;
}

#[tokio::test]
async fn a_plan_takes_the_place_of_one_of_its_kind() {
    everywhere(async |place| {
        let history = place.open().await;
        let ordinary = new_run(&history, "sites").await;
        let of = |purpose, subject: i64| NewRun { purpose, subject: Some(RunId::new(subject)), ..ordinary.clone() };
        let waits = async |new: &NewRun| {
            let working = started(&history, new).await;
            (working.run, history.await_review(working).await.unwrap())
        };
        let (first, _) = waits(&ordinary).await;
        let (undo, superseded) = waits(&of(Purpose::Undo, 7)).await;
        assert_eq!(superseded, []);
        let (_, superseded) = waits(&of(Purpose::Undo, 8)).await;
        assert_eq!(superseded, [], "it takes another run back");
        assert_eq!(waits(&of(Purpose::Rerun, 7)).await.1, [], "it is about a part");
        assert_eq!(waits(&ordinary).await.1, [first]);
        assert_eq!(waits(&of(Purpose::Undo, 7)).await.1, [undo]);
        assert_eq!(status(&history, undo).await, RunStatus::Cancelled);
    })
    .await;
}

#[tokio::test]
async fn a_person_decides_about_the_plan_that_was_looked_at() {
    everywhere(async |place| {
        let history = place.open().await;
        let waiting = async |hash: &str| {
            let working = working_run(&history).await;
            history.set_plan(working, &PlanRef { hash: hash.to_owned(), path: String::new() }).await.unwrap();
            history.await_review(working).await.unwrap();
            working.run
        };
        let run = waiting("c0ffee").await;
        let error = history.decide(run, &approved("beef")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Stale);
        insta::allow_duplicates! { insta::assert_snapshot!(error, @"run 1 has another plan than the one that was looked at: look at it again") };
        let some = Decision { selection: Some([1, 2, 5].into_iter().collect()), ..approved("c0ffee") };
        history.decide(run, &some).await.unwrap();
        assert_eq!(status(&history, run).await, RunStatus::Queued);
        assert_eq!(history.decisions(run).await.unwrap()[0].selection, some.selection);
        let error = history.decide(run, &approved("c0ffee")).await.unwrap_err();
        insta::allow_duplicates! { insta::assert_snapshot!(error, @"run 1 waits for no decision: it is `queued`") };
        let working = claim(&history, run, LEASE).await;
        history.finish_run(working, &RunResult::completed()).await.unwrap();

        let rejected = waiting("beef").await;
        history.decide(rejected, &Decision { verdict: Approval::Rejected, ..approved("beef") }).await.unwrap();
        let kept = read(&history, rejected).await;
        assert_eq!((kept.status, kept.error.unwrap().kind.as_str()), (RunStatus::Cancelled, "rejected"));

        let (older, newer) = (waiting("aa").await, waiting("bb").await);
        let kept = read(&history, older).await;
        assert_eq!((kept.status, kept.error.unwrap().kind.as_str()), (RunStatus::Cancelled, "superseded"));
        assert_eq!(status(&history, newer).await, RunStatus::AwaitingReview);
    })
    .await;
}

#[tokio::test]
async fn what_was_on_its_way_is_known_to_the_next_runner() {
    everywhere(async |place| {
        let history = place.open().await;
        let working = working_run(&history).await;
        let places = |places: &[u64]| places.iter().copied().collect::<Places>();
        history.intend(working, 0, Pass::First, &places(&[1, 2]), &BTreeMap::new()).await.unwrap();
        history
            .intend(working, 1, Pass::First, &places(&[3]), &BTreeMap::from([(3, serde_json::json!({"id": 7}))]))
            .await
            .unwrap();
        let outcome = applied();
        let (a, b) = (change("site", "a", Action::Create), change("site", "b", Action::Create));
        let recorded = [
            RecordedChange::now(&a, Some(&outcome)).at_place(1).with_native_id(Some("11")),
            RecordedChange::now(&b, Some(&outcome)).at_place(2),
        ];
        history.record_changes(working, &recorded).await.unwrap();
        history.settle_batch(working, 0).await.unwrap();

        let batches = history.batches(working.run).await.unwrap();
        let shown: Vec<_> = batches.iter().map(|batch| (batch.number, batch.places.len(), batch.settled)).collect();
        assert_eq!(shown, [(0, 2, true), (1, 1, false)]);
        assert_eq!(batches[1].images[&3]["id"], 7);
        let done = history.earlier_changes(working.run, 0, 1).await.unwrap();
        assert_eq!((done[0].sequence, done[0].native_id.as_deref()), (1, Some("11")));
        let rest = history.earlier_changes(working.run, done[0].number, 10).await.unwrap();
        assert_eq!((rest.len(), rest[0].sequence), (1, 2));

        history.begin_again(working).await.unwrap();
        assert_eq!(history.earlier_changes(working.run, 0, 10).await.unwrap(), []);
        assert_eq!(read(&history, working.run).await.counts.outcomes.total(), 0);
        history.finish_run(working, &RunResult::completed()).await.unwrap();
        // What nobody knows the end of is not forgotten.
        let kept: Vec<_> = history.batches(working.run).await.unwrap().iter().map(|batch| batch.number).collect();
        assert_eq!(kept, [1]);
    })
    .await;
}
