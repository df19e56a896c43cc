//! Runs, their phases, models and logs.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::json;

use super::{LEASE, approved, everywhere, new_run, started, working_run};
use crate::diff::DiffCounts;
use crate::error::Exchange;
use crate::event::{Level, Phase, Side, Stream};
use crate::history::{
    Claimed, History, JobLogFilter, LogLine, ModelRecord, NewRun, PhaseRecord, PlanRef, ReadRecord, RunFilter, RunId,
    RunResult, RunStatus,
};
use crate::models::ModelMode;
use crate::requests::{RequestCounts, SideRequests};
use crate::snapshot::Filled;
use crate::{Error, ErrorKind};

/// A time with more digits than are kept.
fn time() -> DateTime<Utc> {
    DateTime::from_timestamp_nanos(1_790_000_000_123_456_789)
}

/// That time as it comes back.
fn kept_time() -> DateTime<Utc> {
    DateTime::from_timestamp_micros(1_790_000_000_123_456).unwrap()
}

#[tokio::test]
async fn a_run_is_remembered() {
    everywhere(async |place| {
        let history = place.open().await;
        let new = new_run(&history, "sites").await;
        let id = history.begin_run(&new).await.unwrap();
        let run = history.run(id).await.unwrap().unwrap();
        assert_eq!((run.status, run.started, run.finished), (RunStatus::New, None, None));

        let take = async || match history.claim(id, "worker", LEASE).await.unwrap() {
            Claimed::Granted(claim) => claim,
            other => panic!("{other:?}"),
        };
        let claim = take().await;
        let plan = PlanRef { hash: "c0ffee".to_owned(), path: "plans/c0ffee.json".to_owned() };
        history.set_plan(claim, &plan).await.unwrap();
        let notes = json!({"forward snapshot": "4711"});
        history.set_notes(claim, notes.as_object().unwrap()).await.unwrap();
        let begun = history.run(id).await.unwrap().unwrap().started;
        history.await_review(claim).await.unwrap();
        history.decide(id, &approved("c0ffee")).await.unwrap();
        let claim = take().await;
        history.finish_run(claim, &RunResult::completed()).await.unwrap();

        let run = history.run(id).await.unwrap().unwrap();
        assert_eq!(run.status, RunStatus::Completed);
        assert_eq!(run.started, begun, "a run that was reviewed keeps its start");
        assert!(run.created <= begun.unwrap() && begun <= run.finished);
        assert_eq!((run.sync.as_str(), run.plan, run.notes), ("sites", Some(plan), notes));
        assert_eq!((run.source, run.target), (new.source, new.target));
        assert_eq!((run.triggered_by, run.request, run.error), (new.triggered_by, new.request, None));
        assert_eq!(run.request_id, new.request_id);
        assert_eq!(history.run(RunId::new(id.number() + 1)).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn a_run_ends_once() {
    everywhere(async |place| {
        let history = place.open().await;
        let id = working_run(&history).await;
        let error = Error::new(ErrorKind::Unreachable, "cannot reach `netbox.example`").with("page", 3);
        history.finish_run(id, &RunResult::stopped_by(&error)).await.unwrap();
        let run = history.run(id.run).await.unwrap().unwrap();
        assert_eq!(run.status, RunStatus::Failed);
        let kept = run.error.unwrap();
        assert_eq!(kept.kind, "unreachable");
        assert_eq!(kept.message, "cannot reach `netbox.example` (page 3)");

        let again = history.finish_run(id, &RunResult::completed()).await.unwrap_err();
        insta::allow_duplicates! { insta::assert_snapshot!(again, @"run 1 is over (`failed`) and takes no more records") };
        assert_eq!(history.claim(id.run, "worker", LEASE).await.unwrap(), Claimed::NotReady);
        let unknown = history.resume(RunId::new(99)).await.unwrap_err();
        insta::allow_duplicates! { insta::assert_snapshot!(unknown, @"there is no run 99") };
        let unfinished = RunResult { status: RunStatus::Queued, error: None };
        let error = history.finish_run(id, &unfinished).await.unwrap_err();
        insta::allow_duplicates! { insta::assert_snapshot!(error, @"run 1 cannot end as `queued`") };

        let cancelled = Error::new(ErrorKind::Cancelled, "the run was cancelled");
        assert_eq!(RunResult::stopped_by(&cancelled).status, RunStatus::Cancelled);
    })
    .await;
}

#[tokio::test]
async fn runs_are_listed_newest_first_page_by_page() {
    everywhere(async |place| {
        let history = place.open().await;
        let (sites, devices) = (new_run(&history, "sites").await, new_run(&history, "devices").await);
        assert!(history.run_counts().await.unwrap().is_empty());
        for number in 0..7 {
            let new = if number % 2 == 0 { &sites } else { &devices };
            let new = NewRun { dry: number < 2, ..new.clone() };
            if number == 6 {
                history.begin_run(&new).await.unwrap();
                continue;
            }
            let id = started(&history, &new).await;
            if number < 5 {
                history.finish_run(id, &RunResult::completed()).await.unwrap();
            }
        }
        let counts = [("sites".to_owned(), 4), ("devices".to_owned(), 3)];
        assert_eq!(history.run_counts().await.unwrap(), counts.into());
        assert_eq!(pages(&history, &RunFilter::default()).await, [vec![7, 6, 5], vec![4, 3, 2], vec![1]]);
        let of_sites = RunFilter { sync: Some("sites".to_owned()), ..RunFilter::default() };
        assert_eq!(pages(&history, &of_sites).await, [vec![7, 5, 3], vec![1]]);
        let at_work = RunFilter { status: vec![RunStatus::Syncing, RunStatus::New], ..RunFilter::default() };
        assert_eq!(pages(&history, &at_work).await, [vec![7, 6]]);
        let dry = RunFilter { dry: Some(true), until: Some(Utc::now()), ..RunFilter::default() };
        assert_eq!(pages(&history, &dry).await, [vec![2, 1]]);
        let future = RunFilter { since: Some(Utc::now()), ..RunFilter::default() };
        assert_eq!(pages(&history, &future).await, [Vec::<i64>::new()]);
        let unknown = RunFilter { sync: Some("vlans".to_owned()), ..RunFilter::default() };
        assert_eq!(pages(&history, &unknown).await, [Vec::<i64>::new()]);

        assert_eq!(history.last_run("devices").await.unwrap().unwrap().id, RunId::new(6));
        assert_eq!(history.last_run("vlans").await.unwrap(), None);
        let syncs: Vec<_> = history.syncs().await.unwrap().into_iter().map(|sync| sync.name).collect();
        assert_eq!(syncs, ["devices", "sites"]);
    })
    .await;
}

/// The numbers of runs, in pages of three.
async fn pages(history: &History, filter: &RunFilter) -> Vec<Vec<i64>> {
    let mut pages = Vec::new();
    let mut before = None;
    loop {
        let page = history.runs(filter, before, 3).await.unwrap();
        pages.push(page.items.iter().map(|run| run.id.number()).collect());
        before = page.next;
        if before.is_none() {
            return pages;
        }
    }
}

#[tokio::test]
async fn a_run_is_found_by_what_a_person_types() {
    everywhere(async |place| {
        let history = place.open().await;
        for hash in ["c0ffee01", "c0ffee02", "c0ffee02"] {
            let id = working_run(&history).await;
            history.set_plan(id, &PlanRef { hash: hash.to_owned(), path: String::new() }).await.unwrap();
            history.finish_run(id, &RunResult::completed()).await.unwrap();
        }
        let found = async |text: &str| history.find_run(text).await.map(|run| run.id.number());
        assert_eq!(found("2").await.unwrap(), 2);
        assert_eq!(found(" #2 ").await.unwrap(), 2);
        assert_eq!(found("C0FFEE01").await.unwrap(), 1);
        assert_eq!(found("c0ffee02").await.unwrap(), 3, "the newest run of a plan");
        let error = found("c0ffee").await.unwrap_err();
        insta::allow_duplicates! { insta::assert_snapshot!(error, @"`c0ffee` is the start of more than one plan's hash: give more of it") };
        let error = found("4").await.unwrap_err();
        insta::allow_duplicates! { insta::assert_snapshot!(error, @"there is no run `4`: give a run's number, or the start of its plan's hash") };
        let error = found("beef").await.unwrap_err();
        insta::allow_duplicates! { insta::assert_snapshot!(error, @"there is no run `beef`, and no plan whose hash starts so") };
    })
    .await;
}

#[tokio::test]
async fn phases_models_and_lines_come_back_as_they_were() {
    everywhere(async |place| {
        let history = place.open().await;
        let id = working_run(&history).await;
        let phase = PhaseRecord {
            phase: Phase::LoadSource,
            started: time(),
            duration_ms: 1500,
            memory_final: Some(1 << 33),
            memory_peak: None,
            streams: vec![Stream { model: "site".to_owned(), started: kept_time(), ended: kept_time() }],
        };
        history.record_phase(id, &phase).await.unwrap();
        history.record_phase(id, &PhaseRecord { duration_ms: 1600, ..phase.clone() }).await.unwrap();
        let prepare = PhaseRecord { phase: Phase::Prepare, memory_final: None, streams: vec![], ..phase.clone() };
        history.record_phase(id, &prepare).await.unwrap();
        let kept = history.phases(id.run).await.unwrap();
        let prepare = PhaseRecord { started: kept_time(), ..prepare };
        assert_eq!(kept, [prepare, PhaseRecord { duration_ms: 1600, started: kept_time(), ..phase }]);

        let diff = DiffCounts { create: 1, update: 2, delete: 3, unchanged: 4, ambiguous: 5, source: 15, target: 14 };
        let sites = ModelRecord {
            model: "site".to_owned(),
            mode: ModelMode::Sync,
            source: Some(ReadRecord {
                records: 15,
                partial: Some("page 3 was cut short".to_owned()),
                ..ReadRecord::default()
            }),
            desired: Some(12),
            target: Some(ReadRecord { records: 14, partial: None, ..ReadRecord::default() }),
            diff: Some(diff),
        };
        let tags = ModelRecord {
            model: "tag".to_owned(),
            mode: ModelMode::Lookup,
            source: Some(ReadRecord { records: 1, partial: None, ..ReadRecord::default() }),
            desired: None,
            target: None,
            diff: None,
        };
        history.record_model(id, &tags).await.unwrap();
        history.record_model(id, &ModelRecord { diff: None, ..sites.clone() }).await.unwrap();
        history.record_model(id, &sites).await.unwrap();
        assert_eq!(history.models(id.run).await.unwrap(), [sites, tags]);
        let counts = history.run(id.run).await.unwrap().unwrap().counts;
        assert_eq!((counts.source_records, counts.target_records), (16, 14));
        assert_eq!((counts.create, counts.update, counts.delete, counts.unchanged, counts.ambiguous), (1, 2, 3, 4, 5));

        let line = |text: &str| LogLine { at: time(), level: Level::Warning, text: text.to_owned(), exchange: None };
        let exchange = Exchange {
            method: "GET".to_owned(),
            url: "https://netbox.example/api/dcim/sites/".to_owned(),
            status: Some(503),
            attempts: 4,
            body: Some("<title>Out for lunch</title>".to_owned()),
        };
        let failed = LogLine { exchange: Some(exchange.clone()), ..line("two") };
        history.append_log(id.run, &[line("one"), failed]).await.unwrap();
        let source = RequestCounts { sent: 12, retries: 2, throttled: 1, waited_ms: 1_500, span_ms: 4_000 };
        let requests = SideRequests { source, ..SideRequests::default() };
        assert!(history.run(id.run).await.unwrap().unwrap().requests.is_empty());
        history.set_requests(id, &requests).await.unwrap();
        history.set_trace_id(id, "0af7651916cd43dd8448eb211c80319c").await.unwrap();
        let run = history.run(id.run).await.unwrap().unwrap();
        assert_eq!((run.requests, run.trace_id.as_deref()), (requests, Some("0af7651916cd43dd8448eb211c80319c")));
        let found = history.all_lines(&JobLogFilter::default(), None, 9).await.unwrap().items;
        assert!(found.iter().any(|entry| entry.line.exchange.as_ref() == Some(&exchange)));
        assert!(found.iter().all(|entry| entry.trace_id == run.trace_id), "{found:?}");
        history.finish_run(id, &RunResult::completed()).await.unwrap();
        history.append_log(id.run, &[line("three")]).await.unwrap();
        let page = history.log(id.run, None, 2).await.unwrap();
        assert_eq!(page.items[0].at, kept_time());
        assert_eq!(page.items[0].level, Level::Warning);
        let rest = history.log(id.run, page.next, 2).await.unwrap();
        let texts: Vec<_> = page.items.iter().chain(&rest.items).map(|line| (line.seq, line.text.as_str())).collect();
        assert_eq!(texts, [(1, "one"), (2, "two"), (3, "three")]);
        assert_eq!(rest.next, None);
        assert!(history.append_log(RunId::new(99), &[line("x")]).await.is_err());
    })
    .await;
}

/// Of each model, what the newest run counted that read it to its end.
#[tokio::test]
async fn the_values_of_the_last_complete_read_are_found() {
    everywhere(async |place| {
        let history = place.open().await;
        let filled = |serials: u64| Filled {
            records: 4,
            fields: BTreeMap::from([("name".to_owned(), 4), ("serial".to_owned(), serials)]),
        };
        let read = |filled: Option<Filled>, partial: Option<&str>| ReadRecord {
            records: 4,
            partial: partial.map(str::to_owned),
            filled,
            ..ReadRecord::default()
        };
        let devices = |source: ReadRecord| ModelRecord {
            model: "device".to_owned(),
            mode: ModelMode::Sync,
            source: Some(source),
            desired: None,
            target: Some(read(None, None)),
            diff: None,
        };
        let told = async || {
            let told = history.filled_fields("sites", Side::Source, 10).await.unwrap();
            told.get("device").map(|found| (found.run, found.filled.fields["serial"]))
        };
        assert_eq!(told().await, None);
        let first = working_run(&history).await;
        history.record_model(first, &devices(read(Some(filled(1)), None))).await.unwrap();
        // Who goes on with a plan reads nothing, and forgets nothing.
        history.record_model(first, &devices(read(None, None))).await.unwrap();
        assert_eq!(told().await, Some((first.run, 1)));
        let kept = history.models(first.run).await.unwrap();
        assert_eq!(kept[0].source.as_ref().unwrap().filled, Some(filled(1)));
        history.finish_run(first, &RunResult::completed()).await.unwrap();

        let second = working_run(&history).await;
        history.record_model(second, &devices(read(Some(filled(2)), Some("page 3 was cut short")))).await.unwrap();
        assert_eq!(told().await, Some((first.run, 1)));
        history.record_model(second, &devices(read(Some(filled(3)), None))).await.unwrap();
        assert_eq!(told().await, Some((second.run, 3)));
        assert!(history.filled_fields("sites", Side::Target, 10).await.unwrap().is_empty());
        assert!(history.filled_fields("other", Side::Source, 10).await.unwrap().is_empty());
    })
    .await;
}

/// What a run is called by what came of it, and what the database finds under that name, is the same.
#[tokio::test]
async fn runs_are_found_by_what_came_of_them() {
    use crate::change::Action;
    use crate::history::{RecordedChange, RunOutcome};

    everywhere(async |place| {
        let history = place.open().await;
        let new = new_run(&history, "sites").await;
        let error = |kind| Error::new(kind, "the target `netbox` says 100%");
        let diff = DiffCounts { update: 1, ..DiffCounts::default() };
        let record = |rejected, diff| ModelRecord {
            model: "site".to_owned(),
            mode: ModelMode::Sync,
            source: Some(ReadRecord { records: 1, rejected, ..ReadRecord::default() }),
            desired: None,
            target: None,
            diff: Some(diff),
        };
        let ends = [
            (false, 0, DiffCounts::default(), None, Ok(())),
            (true, 0, DiffCounts::default(), None, Ok(())),
            (true, 0, diff, None, Ok(())),
            (true, 2, diff, None, Ok(())),
            (false, 0, diff, Some(super::applied()), Ok(())),
            (false, 0, diff, Some(super::failed("no")), Ok(())),
            (false, 3, DiffCounts::default(), None, Ok(())),
            (false, 0, diff, Some(super::applied()), Err(ErrorKind::Unreachable)),
            (false, 0, diff, None, Err(ErrorKind::Guard)),
            (false, 0, diff, None, Err(ErrorKind::Cancelled)),
        ];
        for (dry, rejected, diff, outcome, end) in ends {
            let claim = started(&history, &NewRun { dry, ..new.clone() }).await;
            history.record_model(claim, &record(rejected, diff)).await.unwrap();
            if let Some(outcome) = &outcome {
                let change = super::change("site", "a", Action::Update);
                history.record_changes(claim, &[RecordedChange::now(&change, Some(outcome))]).await.unwrap();
            }
            let result = match end {
                Ok(()) => RunResult::completed(),
                Err(kind) => RunResult::stopped_by(&error(kind)),
            };
            history.finish_run(claim, &result).await.unwrap();
        }
        started(&history, &new).await;
        history.begin_run(&new_run(&history, "others").await).await.unwrap();

        let all = history.runs(&RunFilter::default(), None, 100).await.unwrap().items;
        assert_eq!(all.len(), 12);
        let mut seen = 0;
        for outcome in RunOutcome::ALL {
            let found = history.runs(&RunFilter { outcome: vec![outcome], ..RunFilter::default() }, None, 100).await;
            let found: Vec<_> = found.unwrap().items.into_iter().map(|run| run.id).collect();
            let expected = all.iter().filter(|run| RunOutcome::of(run) == outcome).map(|run| run.id);
            assert_eq!(found, expected.collect::<Vec<_>>(), "{outcome:?}");
            seen += usize::from(!found.is_empty());
        }
        assert_eq!(seen, 8, "all but one that waits for its review");

        let found = async |filter: RunFilter| {
            history
                .runs(&filter, None, 100)
                .await
                .unwrap()
                .items
                .into_iter()
                .map(|run| run.id.number())
                .collect::<Vec<_>>()
        };
        let text = |text: &str| RunFilter { text: Some(text.to_owned()), ..RunFilter::default() };
        assert_eq!(found(text("says 100%")).await, [10, 9, 8]);
        assert_eq!(found(text("says 1%0")).await, [] as [i64; 0], "a text, and no pattern");
        assert_eq!(found(text("AFTER the move")).await.len(), 12);
        let connections = |source: &str, target: &str| RunFilter {
            source: Some(source.to_owned()),
            target: Some(target.to_owned()),
            ..RunFilter::default()
        };
        assert_eq!(found(connections("fwd", "netbox")).await.len(), 12);
        assert_eq!(found(connections("fwd", "zabbix")).await.len(), 0);
        let both = RunFilter { outcome: vec![RunOutcome::Refused, RunOutcome::Cancelled], ..text("100%") };
        assert_eq!(found(both).await, [10, 9]);
    })
    .await;
}

#[tokio::test]
async fn what_the_last_runs_read_is_told_by_model() {
    use crate::history::RecordCounts;

    everywhere(async |place| {
        let history = place.open().await;
        let new = new_run(&history, "sites").await;
        for (records, partial) in [(10, None), (20, Some("cut short")), (30, None), (0, None)] {
            let claim = started(&history, &NewRun { dry: records == 30, ..new.clone() }).await;
            for model in ["site", "device"] {
                let record = ModelRecord {
                    model: model.to_owned(),
                    mode: ModelMode::Sync,
                    source: Some(ReadRecord { records, partial: partial.map(str::to_owned), ..ReadRecord::default() }),
                    desired: None,
                    target: None,
                    diff: None,
                };
                history.record_model(claim, &record).await.unwrap();
            }
            history.finish_run(claim, &RunResult::completed()).await.unwrap();
        }
        let told = |counts: &RecordCounts| {
            format!("{} {} {:?} {:?} {}", counts.model, counts.run, counts.source, counts.target, counts.is_partial)
        };
        let counts: Vec<_> = history.record_counts("sites", 2).await.unwrap().iter().map(told).collect();
        let expected = [
            "device 2 Some(20) None true",
            "device 3 Some(30) None false",
            "site 2 Some(20) None true",
            "site 3 Some(30) None false",
        ];
        assert_eq!(counts, expected, "a run that read nothing tells nothing");
        assert_eq!(history.record_counts("vlans", 2).await.unwrap(), []);
    })
    .await;
}
