use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::json;
use syncline_core::event::{Level, Topic};
use syncline_core::history::RunStage;
use syncline_core::requests::RequestCounts;

use super::*;

fn status(status: RunStatus, attempt: u64) -> RunEvent {
    RunEvent::Status(StatusEvent {
        status,
        stage: RunStage::Begun,
        attempt,
        paused: None,
        waiting: None,
        not_before: None,
        stop: None,
        error: None,
    })
}

fn second(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_763_683_200 + second, 0).unwrap()
}

fn told(events: impl IntoIterator<Item = (i64, RunEvent)>) -> Vec<StoredEvent> {
    (1..).zip(events).map(|(seq, (at, event))| StoredEvent { seq, at: second(at), event }).collect()
}

fn folded(events: &[StoredEvent]) -> Progress {
    let mut progress = Progress::default();
    progress.extend(events);
    progress
}

fn read(side: Side, records: u64) -> RunEvent {
    RunEvent::Read { side, model: "site".to_owned(), records, expected: Some(100), began: Some(second(1)) }
}

fn read_finished(side: Side, records: u64) -> RunEvent {
    RunEvent::ReadFinished { side, model: "site".to_owned(), records, partial: None, began: Some(second(1)) }
}

fn applied(model: &str, done: u64, total: u64) -> RunEvent {
    RunEvent::Applied { model: model.to_owned(), done, total, failed: done / 2, began: Some(second(7)) }
}

fn compared(model: &str, create: u64) -> RunEvent {
    RunEvent::Compared { model: model.to_owned(), create, update: 0, delete: 1, unchanged: 3, to_apply: create }
}

fn asked(sent: u64) -> RunEvent {
    let source = RequestCounts { sent, throttled: sent / 2, ..RequestCounts::default() };
    RunEvent::Requests(SideRequests { source, ..SideRequests::default() })
}

fn started(phase: Phase) -> RunEvent {
    RunEvent::PhaseStarted { phase }
}

fn finished(phase: Phase, begun: i64, seconds: u64) -> RunEvent {
    let duration_ms = seconds * 1_000;
    let (started, streams) = (second(begun), Vec::new());
    RunEvent::PhaseFinished { phase, started, duration_ms, memory_final: None, memory_peak: None, streams }
}

/// A run of two models up to the middle of its writing.
fn half_way() -> Vec<StoredEvent> {
    told([
        (0, status(RunStatus::New, 0)),
        (1, status(RunStatus::Syncing, 1)),
        (1, started(Phase::LoadSource)),
        (1, started(Phase::LoadTarget)),
        (2, read(Side::Source, 50)),
        (3, read_finished(Side::Source, 100)),
        (3, finished(Phase::LoadSource, 1, 2)),
        (4, read_finished(Side::Target, 4)),
        (5, finished(Phase::LoadTarget, 1, 4)),
        (5, started(Phase::CalculateDiff)),
        (6, compared("site", 96)),
        (6, compared("device", 30)),
        (6, finished(Phase::CalculateDiff, 5, 1)),
        (6, started(Phase::ExecuteSync)),
        (7, RunEvent::Message { level: Level::Info, text: "here we go".to_owned() }),
        (8, applied("site", 20, 96)),
        (16, applied("site", 60, 96)),
        (26, applied("site", 80, 96)),
        (26, asked(7)),
    ])
}

#[test]
fn a_page_shows_phases_models_rate_and_end() {
    let view = folded(&half_way()).view(RunId::new(17), second(26));
    insta::assert_json_snapshot!(view);
}

#[test]
fn the_rate_is_that_of_the_last_ten_seconds() {
    let events = half_way();
    let view = |many: usize, at| folded(&events[..many]).view(RunId::new(1), second(at));
    assert_eq!(view(2, 2).rate, None, "nothing is under way");
    assert_eq!(view(5, 2).rate, Some(50.0));
    assert_eq!(view(8, 4).rate, Some(104.0 / 3.0), "both sides count");
    assert_eq!(view(12, 6).rate, None, "it compares");
    assert_eq!(view(14, 6).rate, Some(0.0));
    assert_eq!(view(16, 8).rate, Some(10.0));
    assert_eq!((view(16, 8).eta, view(8, 4).eta), (Some(second(8) + TimeDelta::milliseconds(10_600)), None));
    assert_eq!(view(18, 26).rate, Some(2.0));
    assert_eq!(view(18, 26).eta, Some(second(26 + 23)), "16 of the one and 30 of the other are left");
    assert_eq!((view(18, 60).rate, view(18, 60).eta), (Some(0.0), None), "it hangs");
    let over =
        told([(0, started(Phase::ExecuteSync)), (9, applied("site", 9, 9)), (9, finished(Phase::ExecuteSync, 0, 9))]);
    assert_eq!(folded(&over).view(RunId::new(1), second(9)).rate, None);
}

#[test]
fn what_is_gone_through_once_more_is_told_anew() {
    let mut events = half_way();
    events.extend(
        told([
            (30, status(RunStatus::Queued, 1)),
            (40, status(RunStatus::Syncing, 2)),
            (41, started(Phase::LoadSource)),
            (42, read(Side::Source, 7)),
        ])
        .into_iter()
        .map(|event| StoredEvent { seq: event.seq + 19, ..event }),
    );
    let dead = folded(&events[..20]);
    assert_eq!(dead.phases.last().unwrap().ended, Some(second(30)), "its runner is dead");
    let again = folded(&events);
    let phases: Vec<_> = again.phases.iter().map(|phase| (phase.name, phase.ended)).collect();
    assert_eq!(phases[3], (Phase::LoadSource, None));
    assert_eq!(phases.len(), 4);
    let site = &again.models[0];
    assert_eq!(site.source.as_ref().map(|read| (read.records, read.done)), Some((7, false)));
    assert_eq!(site.target.as_ref().map(|read| (read.records, read.done)), Some((4, true)));
    assert_eq!(again.view(RunId::new(1), second(43)).rate, Some(3.5));
}

#[test]
fn a_stream_goes_on_until_it_is_told_to_be_over() {
    let streams = |events: &[StoredEvent]| {
        let seconds = |at: DateTime<Utc>| (at - second(0)).num_seconds();
        let told = |stream: &StreamProgress| (seconds(stream.started), stream.ended.map(seconds));
        folded(events).phases.iter().flat_map(|phase| &phase.streams).map(told).collect::<Vec<_>>()
    };
    let events = half_way();
    assert_eq!(streams(&events[..5]), [(1, None)], "the source is read");
    assert_eq!(streams(&events[..6]), [(1, Some(3))]);
    assert_eq!(streams(&events[14..]), [], "no phase is under way");
    let applying = [&events[13..14], &events[15..]].concat();
    assert_eq!(streams(&applying), [(7, Some(26))], "up to its last outcome so far");
    let dead = told([(0, started(Phase::LoadSource)), (1, read(Side::Source, 1)), (9, status(RunStatus::Queued, 1))]);
    assert_eq!(streams(&dead), [(1, Some(9))]);
    // An older version told neither.
    let event =
        RunEvent::Read { side: Side::Source, model: "site".to_owned(), records: 1, expected: None, began: None };
    assert_eq!(streams(&told([(0, started(Phase::LoadSource)), (1, event)])), []);
    let stream = Stream { model: "site".to_owned(), started: second(1), ended: second(2) };
    let (phase, started, duration_ms) = (Phase::LoadSource, second(0), 3_000);
    let streams_of = vec![stream];
    let finished = RunEvent::PhaseFinished {
        phase,
        started,
        duration_ms,
        memory_final: None,
        memory_peak: None,
        streams: streams_of,
    };
    assert_eq!(streams(&told([(3, finished)])), [(1, Some(2))]);
}

#[test]
fn a_run_that_told_nothing_has_a_number() {
    let view = Progress::default().view(RunId::new(3), second(0));
    assert_eq!(
        serde_json::to_value(view).unwrap(),
        json!({"run": 3, "seq": 0, "phases": [], "models": [], "requests": null, "rate": null, "eta": null})
    );
}

fn any_event() -> impl Strategy<Value = RunEvent> {
    let phase = prop::sample::select(vec![
        Phase::Prepare,
        Phase::LoadSource,
        Phase::LoadTarget,
        Phase::CalculateDiff,
        Phase::ExecuteSync,
    ]);
    let side = prop::sample::select(vec![Side::Source, Side::Target]);
    let model = || prop::sample::select(vec!["site", "device"]);
    let of_status =
        prop::sample::select(vec![RunStatus::Queued, RunStatus::Syncing, RunStatus::AwaitingReview, RunStatus::Failed]);
    prop_oneof![
        (of_status, 0..3_u64).prop_map(|(of, attempt)| status(of, attempt)),
        phase.clone().prop_map(started),
        (phase, 0..100_i64, 0..9_u64).prop_map(|(phase, begun, seconds)| finished(phase, begun, seconds)),
        (side.clone(), 0..1_000_u64).prop_map(|(side, records)| read(side, records)),
        (side, 0..1_000_u64).prop_map(|(side, records)| read_finished(side, records)),
        (model(), 0..9_u64).prop_map(|(model, create)| compared(model, create)),
        (model(), 0..1_000_u64).prop_map(|(model, done)| applied(model, done, 1_000)),
        (0..9_u64).prop_map(asked),
        Just(RunEvent::Message { level: Level::Warning, text: "hm".to_owned() }),
    ]
}

fn any_story() -> impl Strategy<Value = Vec<StoredEvent>> {
    prop::collection::vec((0..5_i64, any_event()), 0..60).prop_map(|steps| {
        let mut at = 0;
        told(steps.into_iter().map(|(pause, event)| {
            at += pause;
            (at, event)
        }))
    })
}

proptest! {
    #[test]
    fn parts_come_to_the_same_as_the_whole(story in any_story(), cuts in prop::collection::vec(0..60_usize, 0..6)) {
        let whole = folded(&story);
        let mut parts = Progress::default();
        let mut from = 0;
        let cuts: BTreeSet<_> = cuts.into_iter().map(|cut| cut.min(story.len())).chain([story.len()]).collect();
        for cut in cuts {
            parts.extend(&story[from..cut]);
            // What is told twice changes nothing.
            parts.extend(&story[..cut]);
            from = cut;
        }
        prop_assert_eq!(parts, whole);
    }

    /// What is left of the events of a run that is over says as much of what came of it as all of them did, as long as nothing was
    /// gone through once more.
    #[test]
    fn the_newest_of_a_topic_tells_all(story in any_story()) {
        let story: Vec<_> =
            story.into_iter().filter(|told| !matches!(told.event, RunEvent::PhaseStarted { .. })).collect();
        let mut newest: Vec<Topic<'_>> = Vec::new();
        let mut left: Vec<_> = story
            .iter()
            .rev()
            .filter(|told| {
                told.event.topic().is_none_or(|topic| {
                    let is_newest = !newest.contains(&topic);
                    newest.push(topic);
                    is_newest
                })
            })
            .cloned()
            .collect();
        left.reverse();
        let (all, left) = (folded(&story), folded(&left));
        prop_assert_eq!((&all.status, &all.phases, all.requests), (&left.status, &left.phases, left.requests));
        for model in &all.models {
            let other = left.models.iter().find(|other| other.model == model.model).unwrap();
            let came_to = |model: &ModelProgress| {
                let records = |read: &Option<ReadProgress>| read.as_ref().map(|read| (read.records, read.done));
                (records(&model.source), records(&model.target), model.compared, model.applied)
            };
            prop_assert_eq!(came_to(model), came_to(other));
        }
    }
}
