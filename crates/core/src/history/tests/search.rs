//! What all runs changed and said.

use chrono::Utc;

use super::{applied, change, everywhere, failed, new_run, started};
use crate::change::Action;
use crate::event::Level;
use crate::history::search::Reach;
use crate::history::{
    ChangeRecorder, History, JobLogFilter, LogLine, OutcomeKind, RecordedChange, RunId, RunResult, SyncLogFilter,
};

const WIDE: Reach = Reach { rows: 100_000, runs: 1_000 };

/// Six runs of `sites` and `hosts` in turn, each with 40 changes and 8 lines of its own.
async fn filled(history: &History) {
    for number in 0..6 {
        let sync = if number % 2 == 0 { "sites" } else { "hosts" };
        let claim = started(history, &new_run(history, sync).await).await;
        let mut recorder = ChangeRecorder::new(history.clone(), claim);
        for at in 0..40 {
            let model = if at % 4 == 0 { "device" } else { "site" };
            let action = if at % 10 == 0 { Action::Delete } else { Action::Create };
            let change = change(model, &format!("r{number}-n{at}"), action);
            let outcome = if at == 17 { failed("50% \"full\"") } else { applied() };
            recorder.push(&RecordedChange::now(&change, Some(&outcome)).with_native_id(Some("1"))).await.unwrap();
        }
        recorder.flush().await.unwrap();
        let line = |at: usize| LogLine {
            at: Utc::now(),
            level: match at {
                3 => Level::Warning,
                5 if number == 1 => Level::Error,
                _ => Level::Info,
            },
            text: format!("Run {number} said {at}"),
            exchange: None,
        };
        history.append_log(claim.run, &(0..8).map(line).collect::<Vec<_>>()).await.unwrap();
        history.finish_run(claim, &RunResult::completed()).await.unwrap();
    }
}

/// Where changes are that are wanted, page by page, as `run:seq`.
async fn changes(history: &History, filter: &SyncLogFilter, limit: u64, reach: Reach) -> Vec<(i64, u64)> {
    let (mut places, mut before, mut pages) = (Vec::new(), None, 0);
    loop {
        let found = history.some_changes(filter, before, limit, reach).await.unwrap();
        assert!(found.items.len() as u64 <= limit);
        assert!(found.items.len() as u64 == limit || found.cut_short || found.next.is_none(), "{found:?}");
        places.extend(found.items.iter().map(|entry| (entry.run.number(), entry.change.seq)));
        pages += 1;
        assert!(pages < 1_000, "it goes in circles: {filter:?} {limit} {reach:?}");
        if found.next.is_none() {
            return places;
        }
        before = found.next;
    }
}

/// The same, looked for in a simpler way.
async fn expected(history: &History, wanted: impl Fn(&crate::history::TimelineEntry) -> bool) -> Vec<(i64, u64)> {
    let all = history.all_changes(&SyncLogFilter::default(), None, 1_000).await.unwrap();
    assert_eq!((all.items.len(), all.next, all.cut_short), (240, None, false));
    all.items.iter().filter(|entry| wanted(entry)).map(|entry| (entry.run.number(), entry.change.seq)).collect()
}

#[tokio::test]
async fn changes_of_all_runs_are_found() {
    everywhere(async |place| {
        let history = place.open().await;
        filled(&history).await;
        let all = SyncLogFilter::default();
        let in_order: Vec<_> = (1..=6).rev().flat_map(|run| (1..=40).rev().map(move |seq| (run, seq))).collect();
        assert_eq!(expected(&history, |_| true).await, in_order);
        let narrow = Reach { rows: 7, runs: 1 };
        for (limit, reach) in [(1_000, WIDE), (7, WIDE), (40, narrow), (1, narrow)] {
            assert_eq!(changes(&history, &all, limit, reach).await, in_order, "{limit} {reach:?}");

            let of_sites = SyncLogFilter { sync: Some("sites".to_owned()), ..all.clone() };
            let found = expected(&history, |entry| entry.sync == "sites").await;
            assert_eq!(found.len(), 120);
            assert_eq!(changes(&history, &of_sites, limit, reach).await, found);

            let deleted = SyncLogFilter { action: Some(Action::Delete), model: Some("device".to_owned()), ..of_sites };
            let found = expected(&history, |entry| {
                entry.sync == "sites" && entry.change.action == Action::Delete && entry.change.model == "device"
            });
            let found = found.await;
            assert_eq!(found.len(), 6);
            assert_eq!(changes(&history, &deleted, limit, reach).await, found);

            let failed = SyncLogFilter { outcome: vec![OutcomeKind::Failed, OutcomeKind::Stale], ..all.clone() };
            let found: Vec<_> = (1..=6).rev().map(|run| (run, 18)).collect();
            assert_eq!(changes(&history, &failed, limit, reach).await, found);
            let one = SyncLogFilter { run: Some(RunId::new(4)), ..failed.clone() };
            assert_eq!(changes(&history, &one, limit, reach).await, [(4, 18)]);
            let another = SyncLogFilter { sync: Some("sites".to_owned()), ..one };
            assert_eq!(changes(&history, &another, limit, reach).await, [], "run 4 is of another sync");

            // In a key, in a reason with what means something to databases, in a field.
            let found = [("R3-N7", vec![(4, 8)]), ("50% \"F", found.clone()), ("5_% ", vec![]), ("nobody", vec![])];
            for (text, found) in found {
                let with_text = SyncLogFilter { text: Some(text.to_owned()), ..all.clone() };
                assert_eq!(changes(&history, &with_text, limit, reach).await, found, "{text} {limit} {reach:?}");
                let both = SyncLogFilter { model: Some("site".to_owned()), ..with_text };
                assert_eq!(changes(&history, &both, limit, reach).await, found, "{text} {limit} {reach:?}");
            }
            let field = SyncLogFilter { text: Some("old".to_owned()), action: Some(Action::Delete), ..all.clone() };
            assert_eq!(changes(&history, &field, limit, reach).await.len(), 24);
            let unknown = SyncLogFilter { sync: Some("vlans".to_owned()), ..all.clone() };
            assert_eq!(changes(&history, &unknown, limit, reach).await, []);
        }
        let with_text = SyncLogFilter { text: Some("r0-n0".to_owned()), ..all };
        let found = history.some_changes(&with_text, None, 10, Reach { rows: 90, runs: 1_000 }).await.unwrap();
        assert_eq!((found.items.len(), found.cut_short), (0, true), "two runs were looked through");
        assert_eq!(found.next.map(|next| (next.run, next.seq)), Some((RunId::new(5), 0)));
    })
    .await;
}

#[tokio::test]
async fn lines_of_all_runs_are_found() {
    everywhere(async |place| {
        let history = place.open().await;
        filled(&history).await;
        let lines = async |filter: &JobLogFilter, limit: u64, reach: Reach| {
            let (mut said, mut before) = (Vec::new(), None);
            loop {
                let found = history.some_lines(filter, before, limit, reach).await.unwrap();
                said.extend(found.items.into_iter().map(|entry| (entry.sync, entry.run.number(), entry.line.text)));
                before = found.next;
                if before.is_none() {
                    return said;
                }
            }
        };
        let said = |run: i64, at: usize| {
            let sync = if run % 2 == 1 { "sites" } else { "hosts" };
            (sync.to_owned(), run, format!("Run {} said {at}", run - 1))
        };
        let all = JobLogFilter::default();
        for (limit, reach) in [(1_000, WIDE), (3, WIDE), (5, Reach { rows: 3, runs: 2 })] {
            let found: Vec<_> = (1..=6).rev().flat_map(|run| (0..8).rev().map(move |at| said(run, at))).collect();
            assert_eq!(lines(&all, limit, reach).await, found);
            let loud = JobLogFilter { level: vec![Level::Warning, Level::Error], ..all.clone() };
            let found = [said(6, 3), said(5, 3), said(4, 3), said(3, 3), said(2, 5), said(2, 3), said(1, 3)];
            assert_eq!(lines(&loud, limit, reach).await, found);
            let errors = JobLogFilter { level: vec![Level::Error], ..all.clone() };
            assert_eq!(lines(&errors, limit, reach).await, [said(2, 5)]);
            let of_sites = JobLogFilter { sync: Some("sites".to_owned()), ..errors };
            assert_eq!(lines(&of_sites, limit, reach).await, []);
            let quiet = JobLogFilter { level: vec![Level::Info], run: Some(RunId::new(2)), ..all.clone() };
            assert_eq!(lines(&quiet, limit, reach).await.len(), 6);
            let text = JobLogFilter { text: Some("run 1 SAID 5".to_owned()), ..all.clone() };
            assert_eq!(lines(&text, limit, reach).await, [said(2, 5)]);
        }
    })
    .await;
}
