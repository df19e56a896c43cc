//! What of the past is kept.

use std::collections::HashSet;

use serde_json::json;

use super::{applied, change, everywhere, new_run, started};
use crate::change::Action;
use crate::history::{
    ChangeFilter, Claim, History, LogLine, ModelRecord, NewRun, PlanRef, Purpose, ReadRecord, RecordedChange,
    Retention, RunFilter, RunId, RunResult,
};
use crate::models::ModelMode;

/// No limit at all.
const NONE: Retention = Retention { runs: None, days: None, megabytes: None, audit_days: None, reads: None };

async fn finished(history: &History, new: &NewRun, complete: bool) -> RunId {
    let claim = started(history, new).await;
    end(history, claim, complete).await
}

async fn end(history: &History, claim: Claim, complete: bool) -> RunId {
    let partial = (!complete).then(|| "cut short".to_owned());
    let read = Some(ReadRecord { records: 3, partial, ..ReadRecord::default() });
    let record = ModelRecord {
        model: "site".to_owned(),
        mode: ModelMode::Sync,
        source: read.clone(),
        desired: None,
        target: read,
        diff: None,
    };
    history.record_model(claim, &record).await.unwrap();
    history.finish_run(claim, &RunResult::completed()).await.unwrap();
    claim.run
}

async fn numbers(history: &History) -> Vec<i64> {
    let mut runs: Vec<_> = history.runs(&RunFilter::default(), None, 1_000).await.unwrap().items;
    runs.reverse();
    runs.into_iter().map(|run| run.id.number()).collect()
}

async fn prune(history: &History, limits: &Retention) -> Vec<i64> {
    let prunable = history.prunable(limits, &HashSet::new()).await.unwrap();
    let removed = history.prune(limits, &HashSet::new()).await.unwrap();
    assert_eq!(removed, prunable, "what is told before is what is removed");
    removed.into_iter().map(|removed| removed.run.number()).collect()
}

#[tokio::test]
async fn the_oldest_runs_go_and_what_others_need_stays() {
    everywhere(async |place| {
        let history = place.open().await;
        let new = new_run(&history, "sites").await;
        // 1 to 8: complete reads but for the last two; 9 to 11: dry.
        for number in 1..=8 {
            finished(&history, &new, number <= 6).await;
        }
        let dry = NewRun { dry: true, ..new.clone() };
        for _ in 9..=11 {
            finished(&history, &dry, true).await;
        }
        // Another sync has a run of its own, and an undo of the oldest run waits for its turn.
        let mut other = new_run(&history, "other").await;
        other.target.instance = "elsewhere".to_owned();
        finished(&history, &other, true).await;
        let undo = NewRun { purpose: Purpose::Undo, subject: Some(RunId::new(1)), ..new.clone() };
        let waiting = history.begin_run(&undo).await.unwrap();

        assert_eq!(prune(&history, &NONE).await, [0_i64; 0]);
        assert_eq!(prune(&history, &Retention { days: Some(u32::MAX), ..NONE }).await, [0_i64; 0]);
        // 11 and 10 are the newest; 8 is the last real one; 2 to 6 are compared with; 1 is to be taken back.
        assert_eq!(prune(&history, &Retention { runs: Some(2), ..NONE }).await, [7, 9]);
        let baseline = async || {
            let side = crate::event::Side::Source;
            history.record_counts_of_last_complete("sites", "site", side, 5).await.unwrap().len()
        };
        assert_eq!(baseline().await, 5);
        let kept = HashSet::from([RunId::new(10)]);
        let removed = history.prune(&Retention { days: Some(0), ..NONE }, &kept).await.unwrap();
        assert_eq!(removed.iter().map(|removed| removed.run.number()).collect::<Vec<_>>(), [11]);
        assert_eq!(numbers(&history).await, [1, 2, 3, 4, 5, 6, 8, 10, 12, 13]);
        assert_eq!(baseline().await, 5);

        let stop = crate::history::StopRequest {
            stop: crate::history::Stop::Cancel,
            by: "kim".to_owned(),
            reason: String::new(),
        };
        history.request_stop(waiting, &stop).await.unwrap();
        assert_eq!(prune(&history, &Retention { days: Some(0), ..NONE }).await, [1, 10, 13]);
        history.close().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn all_of_a_run_goes_with_it_and_the_room_is_known() {
    everywhere(async |place| {
        let history = place.open().await;
        let new = new_run(&history, "sites").await;
        let claim = started(&history, &new).await;
        let changes: Vec<_> = (0..6_000).map(|number| change("site", &format!("s{number}"), Action::Create)).collect();
        let outcome = applied();
        let recorded: Vec<_> = changes
            .iter()
            .map(|change| RecordedChange::now(change, Some(&outcome)).with_native_id(Some("7")))
            .collect();
        history.record_changes(claim, &recorded).await.unwrap();
        let line = LogLine {
            at: chrono::Utc::now(),
            level: crate::event::Level::Info,
            text: "hello".to_owned(),
            exchange: None,
        };
        history.append_log(claim.run, &[line]).await.unwrap();
        history.set_plan(claim, &PlanRef { hash: "c0ffee".to_owned(), path: "plans/a.json".to_owned() }).await.unwrap();
        let old = end(&history, claim, true).await;
        for _ in 0..5 {
            finished(&history, &new, true).await;
        }
        let size = history.size().await.unwrap();
        assert!(size.tables["change"] > 1_000_000, "{size:?}");
        assert!(size.total >= size.tables.values().sum(), "{size:?}");
        assert_eq!(history.bytes().await.unwrap(), size.total);
        let before = history.content_bytes().await.unwrap();
        // The same setting is the same limit on every database: what the ledger and the links take is no run's.
        insta::allow_duplicates! { insta::assert_snapshot!(before, @"2118285") };

        // Everything that may go is not enough, so all of it goes.
        let [removed] = &history.prune(&Retention { megabytes: Some(0), ..NONE }, &HashSet::new()).await.unwrap()[..]
        else {
            panic!("one run is old and not needed")
        };
        assert_eq!((removed.run, removed.sync.as_str()), (old, "sites"));
        assert_eq!(removed.plan.as_ref().map(|plan| plan.hash.as_str()), Some("c0ffee"));
        assert_eq!(history.changes(old, &ChangeFilter::default(), None, 10).await.unwrap().items, []);
        assert_eq!(history.log(old, None, 10).await.unwrap().items, []);
        assert_eq!(history.change_counts(old).await.unwrap(), []);
        let after = history.content_bytes().await.unwrap();
        assert!(after < before / 2, "{after} of {before} bytes are left");
        // What Syncline created is ours without the run that did it.
        let key = super::key("s1");
        let ours = history.created_here(&new.target.instance, "site", &[(key, Some("7".to_owned()))]).await.unwrap();
        assert_eq!(ours.len(), 1);
        // There is room now, though the file is as large as before: nothing else goes.
        assert_eq!(prune(&history, &Retention { megabytes: Some(1), ..NONE }).await, [0_i64; 0]);
        history.close().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn two_that_remove_at_once_remove_each_run_once() {
    everywhere(async |place| {
        let (one, other) = (place.open().await, place.open().await);
        let new = new_run(&one, "sites").await;
        for _ in 0..12 {
            finished(&one, &new, true).await;
        }
        let (limits, kept) = (Retention { runs: Some(1), ..NONE }, HashSet::new());
        let (first, second) = tokio::join!(one.prune(&limits, &kept), other.prune(&limits, &kept));
        let both = first.unwrap().into_iter().chain(second.unwrap());
        let mut removed: Vec<_> = both.map(|removed| removed.run.number()).collect();
        removed.sort_unstable();
        assert_eq!(removed, [1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(numbers(&one).await, [8, 9, 10, 11, 12]);
        one.close().await.unwrap();
        other.close().await.unwrap();
    })
    .await;
}

/// A network that shrinks slowly is known by many runs, of which none but the last few need be kept.
#[tokio::test]
async fn what_complete_runs_had_is_known_without_them() {
    everywhere(async |place| {
        let history = place.open().await;
        let new = new_run(&history, "sites").await;
        let ended = async |new: &NewRun, records: u64, partial: bool| {
            let claim = started(&history, new).await;
            let partial = partial.then(|| "cut short".to_owned());
            let record = ModelRecord {
                model: "site".to_owned(),
                mode: ModelMode::Sync,
                source: Some(ReadRecord { records: records + 1, partial, ..ReadRecord::default() }),
                desired: Some(records),
                target: None,
                diff: None,
            };
            history.record_model(claim, &record).await.unwrap();
            history.finish_run(claim, &RunResult::completed()).await.unwrap();
        };
        for records in (40..60).rev() {
            ended(&new, records, false).await;
            ended(&new, 7, true).await;
            ended(&NewRun { dry: true, ..new.clone() }, 7, false).await;
        }
        let usual = async |n| {
            let side = crate::event::Side::Source;
            history.record_counts_of_last_complete("sites", "site", side, n).await.unwrap()
        };
        let before = usual(200).await;
        assert_eq!(before, (40..60).collect::<Vec<_>>());
        prune(&history, &Retention { runs: Some(1), ..NONE }).await;
        assert!(numbers(&history).await.len() < 10);
        assert_eq!(usual(200).await, before);
        assert_eq!(usual(7).await, before[..7]);
        history.close().await.unwrap();
    })
    .await;
}

#[test]
fn a_sentence_about_what_is_kept_has_defaults() {
    let kept: Retention = serde_json::from_value(json!({"megabytes": 500})).unwrap();
    let usual =
        Retention { runs: Some(1_000), days: Some(365), megabytes: None, audit_days: Some(1_826), reads: Some(3) };
    assert_eq!(kept, Retention { megabytes: Some(500), ..usual });
    assert!(serde_json::from_value::<Retention>(json!({"gigabytes": 1})).is_err());
}

#[tokio::test]
async fn runs_are_removed_by_hand_unless_others_need_them() {
    everywhere(async |place| {
        let history = place.open().await;
        let new = new_run(&history, "sites").await;
        let dry = NewRun { dry: true, ..new.clone() };
        let first = finished(&history, &dry, true).await;
        let second = finished(&history, &dry, true).await;
        let last = finished(&history, &new, true).await;
        let under_way = started(&history, &dry).await.run;
        let removed = history.remove_runs(&[first, last, under_way, RunId::new(77)]).await.unwrap();
        assert_eq!(removed.iter().map(|run| (run.run, run.sync.as_str())).collect::<Vec<_>>(), [(first, "sites")]);
        assert_eq!(numbers(&history).await, [second, last, under_way].map(RunId::number));
    })
    .await;
}
