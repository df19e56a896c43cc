//! What a run tells is in its history: from its request to its end, also when its runner is killed on the way.

use super::durable_tests::{abandoned, filled, go_on, killed, read};
use super::event_log::EventLog;
use super::tests::{Lab, with};
use super::{RunReport, RunRequest};
use crate::event::{Events, Level, Side};
use crate::history::{Claimed, RunEvent, RunId, RunStatus, StoredEvent};
use crate::requests::{RequestCounts, SideRequests};

async fn events(lab: &Lab, run: RunId) -> Vec<StoredEvent> {
    lab.runner.history().events(run, 0, 10_000).await.unwrap().items
}

/// What the events say, without times and messages.
fn story(events: &[StoredEvent]) -> String {
    let told = events.iter().filter_map(|stored| {
        Some(match &stored.event {
            RunEvent::Status(status) => format!("{} {} {}", status.status, status.stage.as_str(), status.attempt),
            RunEvent::PhaseStarted { phase } => format!("  {} …", phase.as_str()),
            RunEvent::PhaseFinished { phase, .. } => format!("  … {}", phase.as_str()),
            RunEvent::ReadFinished { side, model, records, .. } => format!("    read {side} {model}: {records}"),
            RunEvent::Compared { model, create, to_apply, .. } => format!("    compared {model}: {create}, {to_apply}"),
            RunEvent::Applied { model, done, total, failed, .. } if done == total => {
                format!("    applied {model}: {done} of {total}, {failed} failed")
            }
            RunEvent::Read { .. } | RunEvent::Applied { .. } | RunEvent::Requests(_) | RunEvent::Message { .. } => {
                return None;
            }
        })
    });
    told.collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn a_run_tells_all_that_happens_in_it() {
    let lab = filled("told").await;
    let report = lab.run().await;
    let events = events(&lab, report.run).await;
    // How the run stands is told at once, and what happens a moment later.
    let (statuses, others): (Vec<_>, Vec<_>) = events.into_iter().partition(|event| event.event.kind() == "status");
    insta::assert_snapshot!(story(&statuses), @r"
new begun 0
syncing begun 1
syncing planned 1
syncing applying 1
completed applying 1
");
    // Both sides are read at once: whichever is done first.
    let story = story(&others);
    let mut lines: Vec<_> = story.lines().collect();
    lines[2..8].sort_unstable();
    insta::assert_snapshot!(lines.join("\n"), @r"
  prepare …
  … prepare
    read source site: 25
    read target site: 0
  load_source …
  load_target …
  … load_source
  … load_target
  calculate_diff …
    compared site: 25, 25
  … calculate_diff
  execute_sync …
    applied site: 25 of 25, 0 failed
  … execute_sync
");
    let phases = lab.runner.history().phases(report.run).await.unwrap();
    assert_eq!(phases, report.phases.iter().map(stored).collect::<Vec<_>>());
}

/// A phase with its time as it is stored.
fn stored(phase: &crate::history::PhaseRecord) -> crate::history::PhaseRecord {
    let started = chrono::DateTime::from_timestamp_micros(phase.started.timestamp_micros()).unwrap();
    crate::history::PhaseRecord { started, ..phase.clone() }
}

#[tokio::test]
async fn who_goes_on_with_a_run_tells_the_rest_behind_what_was_told() {
    let lab = filled("told-killed").await;
    killed(&lab, 1, true).await;
    let run = RunId::new(1);
    let before = events(&lab, run).await;
    abandoned(&lab).await;
    let report = go_on(&lab, run).await;
    assert_eq!((report.status, with("told-killed", |world| world.writes)), (RunStatus::Completed, 25));
    let after = events(&lab, run).await;
    assert_eq!(after[..before.len()], before, "what was told stays");
    let numbers: Vec<_> = after.iter().map(|event| event.seq).collect();
    assert_eq!(numbers, (1..=after.len() as u64).collect::<Vec<_>>());
    // What happened in the last moment before the kill is not told; what was decided is.
    let statuses: Vec<_> = after.iter().filter(|event| event.event.kind() == "status").cloned().collect();
    insta::assert_snapshot!(story(&statuses), @r"
new begun 0
syncing begun 1
syncing planned 1
syncing applying 1
queued applying 1
syncing applying 2
completed applying 2
");
    assert!(story(&after).contains("applied site: 25 of 25, 0 failed"), "{}", story(&after));
}

#[tokio::test]
async fn what_is_asked_of_the_systems_is_told_with_what_was_before() {
    let lab = filled("told-requests").await;
    let run = lab.runner.trigger(&lab.sync, &RunRequest::default()).await.unwrap().run();
    let Claimed::Granted(claim) = lab.runner.claim(run).await.unwrap() else { panic!("nobody else wants it") };
    let history = lab.runner.history();
    let (began, counts) =
        (std::time::Instant::now(), RequestCounts { sent: 5, retries: 1, ..RequestCounts::default() });
    let earlier = SideRequests { source: counts, ..SideRequests::default() };
    let stream = Events::new();
    let log = EventLog::keep(history.clone(), claim, &stream, earlier);
    stream.requests(Side::Source).sent(began, true);
    stream.requests(Side::Target).sent(began, false);
    let begun = read(&lab, run).await;
    log.end(&RunReport::begun(&begun)).await.unwrap();

    let told = events(&lab, run).await.into_iter().filter_map(|stored| match stored.event {
        RunEvent::Requests(requests) => Some(requests),
        _ => None,
    });
    let last = told.collect::<Vec<_>>().pop().unwrap();
    assert_eq!((last.source.sent, last.source.retries, last.source.throttled, last.target.sent), (6, 1, 1, 1));
    assert_eq!(read(&lab, run).await.requests, last, "also for those who look at the run");
    // What was told is not told again.
    let before = events(&lab, run).await.len();
    EventLog::keep(history.clone(), claim, &Events::new(), last).end(&RunReport::begun(&begun)).await.unwrap();
    assert_eq!(events(&lab, run).await.len(), before);
}

#[tokio::test]
async fn why_a_run_failed_is_the_last_that_it_says() {
    let lab = filled("told-failed").await;
    with("told-failed", |world| world.is_down = true);
    let report = lab.run().await;
    assert_eq!(report.status, RunStatus::Failed);
    let events = events(&lab, report.run).await;
    let [.., StoredEvent { event: RunEvent::Message { level: Level::Error, text }, .. }, last] = &events[..] else {
        panic!("{events:?}")
    };
    let RunEvent::Status(status) = &last.event else { panic!("{last:?}") };
    assert_eq!(status.error.as_ref().map(|error| &error.message), Some(text));
    assert_eq!(status.status, read(&lab, report.run).await.status);
}
