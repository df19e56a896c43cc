//! What happens in runs is there while it happens, in order, and without gaps.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::future::try_join_all;

use super::{LEASE, approved, everywhere, new_run, started, working_run};
use crate::event::{Event, Happened, Level, Phase, Side, Stream};
use crate::history::{
    Claimed, History, NewRun, PlanRef, Purpose, Retention, RunEvent, RunFilter, RunId, RunResult, RunStatus,
    StatusEvent, Stop, StopRequest, StoredEvent,
};

/// Every event of a run.
async fn all(history: &History, run: RunId) -> Vec<StoredEvent> {
    history.events(run, 0, 100_000).await.unwrap().items
}

/// The kinds of the events of a run, of a status what it is.
async fn told(history: &History, run: RunId) -> Vec<String> {
    let kind = |stored: StoredEvent| match stored.event {
        RunEvent::Status(status) => format!("{}/{}", status.status, status.stage.as_str()),
        other => other.kind().to_owned(),
    };
    all(history, run).await.into_iter().map(kind).collect()
}

/// Looks at every run: the last that was told of its status is what is in its row.
pub(super) async fn assert_told(history: &History) {
    for run in history.runs(&RunFilter::default(), None, 10_000).await.unwrap().items {
        let (last, status) = history.last_event(run.id).await.unwrap().unwrap();
        assert_eq!(status, run.status);
        let events = all(history, run.id).await;
        assert!(events.is_sorted_by(|one, next| one.seq < next.seq), "run {}", run.id);
        assert_eq!(events.last().map(|event| event.seq), Some(last), "run {}", run.id);
        let mut statuses = events.into_iter().filter_map(|stored| match stored.event {
            RunEvent::Status(status) => Some(status),
            _ => None,
        });
        let row = StatusEvent {
            status: run.status,
            stage: run.stage,
            attempt: run.attempt,
            paused: run.paused,
            waiting: run.waiting,
            not_before: run.not_before,
            stop: run.stop,
            error: run.error,
        };
        assert_eq!(statuses.next_back(), Some(row), "run {}", run.id);
    }
}

fn happened(event: Event) -> Happened {
    Happened { at: time(), event: Arc::new(event) }
}

/// A time that every database keeps as it is.
fn time() -> DateTime<Utc> {
    DateTime::from_timestamp_micros(1_763_683_200_123_456).unwrap()
}

fn said(text: &str) -> Happened {
    happened(Event::Message { level: Level::Info, text: text.to_owned(), exchange: None })
}

fn read(records: u64) -> Happened {
    happened(Event::Read { side: Side::Source, model: "site", records, expected: Some(7), began: time() })
}

fn finished(phase: Phase) -> Happened {
    let streams = vec![Stream { model: "site".to_owned(), started: time(), ended: time() }];
    let (started, memory_final, memory_peak) = (time(), None, Some(9));
    happened(Event::PhaseFinished { phase, started, duration_ms: 12, memory_final, memory_peak, streams })
}

#[tokio::test]
async fn events_log_and_phases_are_written_together() {
    everywhere(async |place| {
        let history = place.open().await;
        let claim = working_run(&history).await;
        let events = [
            happened(Event::PhaseStarted { phase: Phase::LoadSource }),
            read(3),
            said("half of it"),
            happened(Event::ReadFinished { side: Side::Source, model: "site", records: 7, partial: None, began: Some(time()) }),
            finished(Phase::LoadSource),
            happened(Event::Compared { model: "site", create: 1, update: 2, delete: 3, unchanged: 4, to_apply: 5 }),
            happened(Event::Applied { model: "site", done: 1, total: 5, failed: 1, began: None }),
        ];
        history.append_events(claim, &events).await.unwrap();
        history.append_events(claim, &[]).await.unwrap();
        let stored = all(&history, claim.run).await;
        let expected: Vec<_> = events.iter().map(|happened| RunEvent::from(&*happened.event)).collect();
        let found: Vec<_> = stored[2..].iter().map(|stored| stored.event.clone()).collect();
        assert_eq!(found, expected);
        assert!(stored[2..].iter().all(|stored| stored.at == time()));
        let json =
            stored[2..].iter().map(|stored| serde_json::to_string(stored).unwrap()).collect::<Vec<_>>().join("\n");
        insta::allow_duplicates! { insta::assert_snapshot!(json, @r#"
{"seq":3,"at":"2025-11-21T00:00:00.123456Z","event":"phase_started","phase":"load_source"}
{"seq":4,"at":"2025-11-21T00:00:00.123456Z","event":"read","side":"source","model":"site","records":3,"expected":7,"began":"2025-11-21T00:00:00.123456Z"}
{"seq":5,"at":"2025-11-21T00:00:00.123456Z","event":"message","level":"info","text":"half of it"}
{"seq":6,"at":"2025-11-21T00:00:00.123456Z","event":"read_finished","side":"source","model":"site","records":7,"began":"2025-11-21T00:00:00.123456Z"}
{"seq":7,"at":"2025-11-21T00:00:00.123456Z","event":"phase_finished","phase":"load_source","started":"2025-11-21T00:00:00.123456Z","duration_ms":12,"memory_peak":9,"streams":[{"model":"site","started":"2025-11-21T00:00:00.123456Z","ended":"2025-11-21T00:00:00.123456Z"}]}
{"seq":8,"at":"2025-11-21T00:00:00.123456Z","event":"compared","model":"site","create":1,"update":2,"delete":3,"unchanged":4,"to_apply":5}
{"seq":9,"at":"2025-11-21T00:00:00.123456Z","event":"applied","model":"site","done":1,"total":5,"failed":1}
"#) };
        let old = r#"{"seq":9,"at":"2025-11-21T00:00:00Z","event":"read_finished","side":"source","model":"site","records":7}"#;
        let old: StoredEvent = serde_json::from_str(old).unwrap();
        assert!(matches!(old.event, RunEvent::ReadFinished { began: None, .. }), "an older version wrote it");
        let back: Vec<StoredEvent> = json.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(back, stored[2..]);

        let lines = history.log(claim.run, None, 10).await.unwrap().items;
        assert_eq!(
            lines.iter().map(|line| (line.text.as_str(), line.at)).collect::<Vec<_>>(),
            [
                ("half of it", time()),
                ("`site`: read 7 from the source", time()),
                ("load source took 12 ms", time()),
                ("`site`: 1 to create, 2 to update, 3 absent, 4 equal", time()),
            ]
        );
        let phases = history.phases(claim.run).await.unwrap();
        assert_eq!((phases.len(), phases[0].duration_ms, phases[0].memory_peak), (1, 12, Some(9)));

        let page = history.events(claim.run, 3, 2).await.unwrap();
        assert_eq!((page.items[0].seq, page.items.len(), page.next), (4, 2, Some(5)));
        assert_eq!(history.events(claim.run, 9, 2).await.unwrap().next, None);
        assert_eq!(history.events(RunId::new(99), 0, 2).await.unwrap().items, []);
        assert_eq!(history.last_event(RunId::new(99)).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn every_change_of_a_status_is_told_whoever_makes_it() {
    everywhere(async |place| {
        // The runner is in another process than the person.
        let (runner, person) = (place.open().await, place.open().await);
        let new = new_run(&runner, "sites").await;
        let claim = started(&runner, &new).await;
        let plan = PlanRef { hash: "c0ffee".to_owned(), path: "plans/a.json".to_owned() };
        runner.set_plan(claim, &plan).await.unwrap();
        runner.append_events(claim, &[said("look at it")]).await.unwrap();
        runner.await_review(claim).await.unwrap();
        person.decide(claim.run, &approved("c0ffee")).await.unwrap();
        let stop = |stop| StopRequest { stop, by: "kim".to_owned(), reason: String::new() };
        person.request_stop(claim.run, &stop(Stop::Pause)).await.unwrap();
        person.resume(claim.run).await.unwrap();
        let Claimed::Granted(again) = runner.claim(claim.run, "other", LEASE).await.unwrap() else {
            panic!("it is free")
        };
        person.request_stop(claim.run, &stop(Stop::Cancel)).await.unwrap();
        runner.finish_run(again, &RunResult { status: RunStatus::Cancelled, error: None }).await.unwrap();
        let expected = [
            "new/begun",
            "syncing/begun",
            "syncing/planned",
            "message",
            "awaiting_review/planned",
            "queued/planned",
            "queued/planned",
            "queued/planned",
            "syncing/planned",
            "syncing/planned",
            "cancelled/planned",
        ];
        assert_eq!(told(&person, claim.run).await, expected);

        // Over all runs the changes have numbers of their own.
        let other = runner.begin_run(&NewRun { dry: true, ..new }).await.unwrap();
        let page = person.status_changes(0, 4).await.unwrap();
        assert_eq!((page.items.len(), page.next), (4, Some(4)));
        let rest = person.status_changes(4, 100).await.unwrap();
        let changes: Vec<_> = page.items.iter().chain(&rest.items).map(|change| (change.seq, change.run)).collect();
        let expected: Vec<_> = (1..=10).map(|seq| (seq, claim.run)).chain([(11, other)]).collect();
        assert_eq!(changes, expected);
        assert_eq!(rest.items[6].sync, "sites");
        assert_eq!(person.last_status_change().await.unwrap(), 11);
        assert_eq!(person.status_changes(11, 100).await.unwrap().items, []);
    })
    .await;
}

#[tokio::test]
async fn who_lost_a_run_tells_no_progress_of_it() {
    everywhere(async |place| {
        let history = place.open().await;
        let new = new_run(&history, "sites").await;
        let run = history.begin_run(&new).await.unwrap();
        let Claimed::Granted(lost) = history.claim(run, "dead", Duration::ZERO).await.unwrap() else {
            panic!("it is free")
        };
        history.append_events(lost, &[read(1)]).await.unwrap();
        // Nothing tells when a lease is over but the time.
        while history.put_back_abandoned(9).await.unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        history.append_events(lost, &[read(2), said("still here")]).await.unwrap();
        let Claimed::Granted(claim) = history.claim(run, "next", LEASE).await.unwrap() else {
            panic!("it was put back")
        };
        history.append_events(lost, &[read(3), finished(Phase::LoadSource)]).await.unwrap();
        history.append_events(claim, &[read(4)]).await.unwrap();
        history.finish_run(claim, &RunResult::completed()).await.unwrap();
        history.append_events(claim, &[read(5), said("late")]).await.unwrap();
        let expected =
            ["new/begun", "syncing/begun", "read", "queued/begun", "syncing/begun", "read", "completed/begun"];
        assert_eq!(told(&history, run).await, expected);
        let lines = history.log(run, None, 10).await.unwrap().items;
        assert_eq!(lines.iter().map(|line| line.text.as_str()).collect::<Vec<_>>(), ["still here", "late"]);
        assert_eq!(history.phases(run).await.unwrap(), []);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_reads_behind_a_number_misses_nothing_before_it() {
    everywhere(async |place| {
        let histories = [place.open().await, place.open().await];
        let claim = working_run(&histories[0]).await;
        let follower = {
            let (history, run) = (place.open().await, claim.run);
            tokio::spawn(async move {
                let (mut seen, mut changes) = (Vec::new(), Vec::new());
                loop {
                    let over = history.last_event(run).await.unwrap().unwrap().1.is_final();
                    let (last, change) = (seen.last().copied().unwrap_or(0), changes.last().copied().unwrap_or(0));
                    seen.extend(history.events(run, last, 1_000).await.unwrap().items.iter().map(|event| event.seq));
                    let page = history.status_changes(change, 1_000).await.unwrap();
                    changes.extend(page.items.iter().map(|change| change.seq));
                    if over {
                        return (seen, changes);
                    }
                }
            })
        };
        // A runner and people write about one run; other runs come and go.
        let writers = (0..4).map(|writer| {
            let history = histories[writer % 2].clone();
            tokio::spawn(async move {
                for number in 0..25 {
                    match writer {
                        0 => history.append_events(claim, &[read(number), said("x")]).await.unwrap(),
                        1 => {
                            let pause =
                                StopRequest { stop: Stop::Pause, by: "kim".to_owned(), reason: number.to_string() };
                            history.request_stop(claim.run, &pause).await.unwrap();
                        }
                        _ => {
                            let new = NewRun { dry: true, ..new_run(&history, &format!("other-{writer}")).await };
                            history.begin_run(&new).await.unwrap();
                        }
                    }
                }
            })
        });
        try_join_all(writers).await.unwrap();
        histories[1].finish_run(claim, &RunResult::completed()).await.unwrap();
        let (seen, changes) = follower.await.unwrap();
        // New, taken, 25 times two events, 25 pauses, completed.
        assert_eq!(seen, (1..=78).collect::<Vec<u64>>());
        assert_eq!(changes, (1..=78).collect::<Vec<u64>>(), "28 of this run, and 50 other runs");
    })
    .await;
}

#[tokio::test]
async fn of_a_run_that_is_over_what_matters_is_left() {
    everywhere(async |place| {
        let history = place.open().await;
        let mut new = new_run(&history, "sites").await;
        let claim = started(&history, &new).await;
        for records in 0..600 {
            let events = [
                read(records),
                said("so far"),
                happened(Event::Applied { model: "site", done: records, total: 600, failed: 0, began: None }),
            ];
            history.append_events(claim, &events).await.unwrap();
        }
        history.append_events(claim, &[finished(Phase::ExecuteSync)]).await.unwrap();
        assert_eq!(history.thin_events_of_runs_over_since(i64::MAX).await.unwrap(), 0, "it is not over");
        let (side, model) = (Side::Target, "site");
        let other_side = happened(Event::ReadFinished { side, model, records: 5, partial: None, began: None });
        history.append_events(claim, &[other_side]).await.unwrap();
        history.finish_run(claim, &RunResult::completed()).await.unwrap();
        assert_eq!(history.thin_events().await.unwrap(), 0, "whoever follows it may not have read it yet");
        let before = all(&history, claim.run).await;
        assert_eq!(history.thin_events_of_runs_over_since(i64::MAX).await.unwrap(), 599 + 600 + 599);
        let after = all(&history, claim.run).await;
        assert!(after.iter().all(|event| before.contains(event)));
        let expected =
            ["new/begun", "syncing/begun", "read", "applied", "phase_finished", "read_finished", "completed/begun"];
        assert_eq!(told(&history, claim.run).await, expected);
        assert!(matches!(after[3].event, RunEvent::Applied { done: 599, .. }));
        let said = history.log(claim.run, None, 1_000).await.unwrap().items;
        assert_eq!(said.iter().filter(|line| line.text == "so far").count(), 600);
        assert_eq!(history.thin_events_of_runs_over_since(i64::MAX).await.unwrap(), 0, "once");

        // All of it goes with the run.
        new.purpose = Purpose::Drift;
        for _ in 0..2 {
            let next = started(&history, &NewRun { dry: true, ..new.clone() }).await;
            history.finish_run(next, &RunResult::completed()).await.unwrap();
        }
        let limits = Retention { runs: Some(1), days: None, megabytes: None, audit_days: None, reads: None };
        let removed = history.prune(&limits, &std::collections::HashSet::new()).await.unwrap();
        assert_eq!(removed.iter().map(|removed| removed.run).collect::<Vec<_>>(), [RunId::new(2)]);
        assert_eq!(all(&history, RunId::new(2)).await, []);
        let runs: Vec<_> =
            history.status_changes(0, 100).await.unwrap().items.iter().map(|change| change.run.number()).collect();
        assert_eq!(runs, [1, 1, 1, 3, 3, 3]);
        let claim = started(&history, &new).await;
        assert_eq!(history.status_changes(9, 100).await.unwrap().items[0].run, claim.run, "numbers are not used again");
    })
    .await;
}

#[tokio::test]
async fn whoever_follows_in_the_same_process_is_told_at_once() {
    let history = History::in_memory().await.unwrap();
    let mut told = history.clone().told();
    let claim = working_run(&history).await;
    assert!(told.has_changed().unwrap());
    told.mark_unchanged();
    history.append_events(claim, &[]).await.unwrap();
    assert!(!told.has_changed().unwrap());
    history.append_events(claim, &[read(1)]).await.unwrap();
    assert!(told.has_changed().unwrap());
    told.mark_unchanged();
    history.finish_run(claim, &RunResult::completed()).await.unwrap();
    assert!(told.has_changed().unwrap());
}
