//! Changes and their counters.

use super::{applied, change, everywhere, failed, new_run, query_plan, started, working_run};
use crate::change::{Action, Change, Hold, HoldRule};
use crate::history::{
    ChangeCount, ChangeFilter, ChangeRecorder, Claim, History, NewRun, OutcomeCounts, OutcomeKind, RecordedChange,
    RunId, RunResult,
};
use crate::outcome::Outcome;

#[tokio::test]
async fn a_change_comes_back_as_it_was() {
    everywhere(async |place| {
        let history = place.open().await;
        let run = working_run(&history).await;
        let create = change("site", "Ålesund \"1\"", Action::Create);
        let update = change("site", "b", Action::Update);
        let mut held = change("site", "c", Action::Delete);
        held.hold = Some(Hold { rule: HoldRule::FirstRun, reason: "first run".to_owned() });
        let (yes, no) = (applied(), failed("name: too long"));
        let hold = Outcome::Held { reason: "first run".to_owned() };
        let recorded = [
            RecordedChange::now(&create, Some(&yes)).with_native_id(Some("12")),
            RecordedChange::now(&update, Some(&no)),
            RecordedChange::now(&held, Some(&hold)),
        ];
        history.record_changes(run, &recorded).await.unwrap();
        history.record_changes(run, &[]).await.unwrap();

        let page = history.changes(run.run, &ChangeFilter::default(), None, 10).await.unwrap();
        assert_eq!(page.next, None);
        let [first, second, third] = &page.items[..] else { panic!("{page:?}") };
        assert_eq!((&first.key, &first.fields, first.action), (&create.key, &create.fields, create.action));
        assert_eq!((first.change_id.as_str(), first.seq, first.outcome), (&*create.id, 1, OutcomeKind::Applied));
        assert_eq!((first.native_id.as_deref(), first.request_id.as_deref()), (Some("12"), Some("req-1")));
        assert_eq!((second.field.as_deref(), second.reason.as_deref()), (Some("description"), Some("name: too long")));
        assert_eq!(second.native_id.as_deref(), Some("1"), "the id that the plan knew");
        assert_eq!((third.rule, third.reason.as_deref()), (Some(HoldRule::FirstRun), Some("first run")));
        assert_eq!(first.at.timestamp_micros(), recorded[0].at.timestamp_micros());
    })
    .await;
}

#[tokio::test]
async fn pages_follow_every_filter() {
    everywhere(async |place| {
        let history = place.open().await;
        let run = working_run(&history).await;
        let mut recorder = ChangeRecorder::new(history.clone(), run);
        // More than one statement's worth, with a few that are looked for among them.
        for number in 0..1_203 {
            let model = if number % 3 == 0 { "site" } else { "device" };
            let action = if number % 400 == 0 { Action::Delete } else { Action::Create };
            let outcome = if number % 200 == 0 { failed("no") } else { applied() };
            let change = change(model, &format!("n{number}"), action);
            recorder.push(&RecordedChange::now(&change, Some(&outcome)).with_native_id(Some("1"))).await.unwrap();
        }
        recorder.flush().await.unwrap();
        recorder.flush().await.unwrap();

        let all = ChangeFilter::default();
        assert_eq!(places(&history, run.run, &all, 500).await, (1..=1203).collect::<Vec<u64>>());
        let failed = ChangeFilter { outcome: vec![OutcomeKind::Failed], ..all.clone() };
        assert_eq!(places(&history, run.run, &failed, 2).await, [1, 201, 401, 601, 801, 1001, 1201]);
        let deletes = ChangeFilter { action: Some(Action::Delete), ..all.clone() };
        assert_eq!(places(&history, run.run, &deletes, 3).await, [1, 401, 801, 1201]);
        let sites = ChangeFilter { model: Some("site".to_owned()), ..all.clone() };
        assert_eq!(places(&history, run.run, &sites, 100).await, (0..401).map(|at| at * 3 + 1).collect::<Vec<u64>>());
        let both = ChangeFilter { action: Some(Action::Create), ..failed.clone() };
        assert_eq!(places(&history, run.run, &both, 1).await, [201, 601, 1001]);
        let ruled = ChangeFilter { rule: Some(HoldRule::Quarantine), ..all.clone() };
        assert!(places(&history, run.run, &ruled, 5).await.is_empty());
        let mut held = change("site", "held", Action::Delete);
        held.hold = Some(Hold { rule: HoldRule::Quarantine, reason: "absent for a day".to_owned() });
        let outcome = Outcome::Held { reason: "absent for a day".to_owned() };
        history.record_changes(run, &[RecordedChange::now(&held, Some(&outcome))]).await.unwrap();
        assert_eq!(places(&history, run.run, &ruled, 5).await, [1204]);
        let other = ChangeFilter { rule: Some(HoldRule::Policy), ..ruled };
        assert!(places(&history, run.run, &other, 5).await.is_empty());
        let nothing = ChangeFilter { model: Some("vlan".to_owned()), ..all };
        assert!(places(&history, run.run, &nothing, 5).await.is_empty());
    })
    .await;
}

/// The places of the changes that a filter wants, gathered page by page.
async fn places(history: &History, run: RunId, filter: &ChangeFilter, limit: u64) -> Vec<u64> {
    let mut places = Vec::new();
    let mut after = None;
    loop {
        let page = history.changes(run, filter, after, limit).await.unwrap();
        assert!(page.items.len() as u64 <= limit);
        places.extend(page.items.iter().map(|change| change.seq));
        after = page.next;
        if after.is_none() {
            return places;
        }
    }
}

#[tokio::test]
async fn counters_follow_the_changes() {
    everywhere(async |place| {
        let history = place.open().await;
        let run = working_run(&history).await;
        let (site, device) = (change("site", "a", Action::Create), change("device", "a", Action::Update));
        let stale = Outcome::Stale { reason: "moved".to_owned() };
        for (change, outcome) in [(&site, applied()), (&device, stale), (&device, failed("no"))] {
            history.record_changes(run, &[RecordedChange::now(change, Some(&outcome))]).await.unwrap();
        }
        assert_eq!(
            outcomes(&history, run.run).await,
            OutcomeCounts { applied: 1, stale: 1, failed: 1, ..Default::default() }
        );

        history.amend_change(run, &site, &failed("second pass: no such address")).await.unwrap();
        history.amend_change(run, &site, &failed("second pass: still not")).await.unwrap();
        let counts = outcomes(&history, run.run).await;
        assert_eq!(counts, OutcomeCounts { stale: 1, failed: 2, ..Default::default() });
        let count = |model: &str, action, outcome| ChangeCount { model: model.to_owned(), action, outcome, count: 1 };
        assert_eq!(
            history.change_counts(run.run).await.unwrap(),
            [
                count("device", Action::Update, OutcomeKind::Failed),
                count("device", Action::Update, OutcomeKind::Stale),
                count("site", Action::Create, OutcomeKind::Failed),
            ]
        );
        let filter = ChangeFilter { model: Some("site".to_owned()), ..ChangeFilter::default() };
        let kept = history.changes(run.run, &filter, None, 1).await.unwrap().items.remove(0);
        assert_eq!(kept.reason.as_deref(), Some("second pass: still not"));
        assert_eq!(kept.request_id.as_deref(), Some("req-1"), "the request that did something is still known");

        let unknown = history.amend_change(run, &change("site", "b", Action::Create), &applied()).await.unwrap_err();
        assert!(unknown.message().starts_with("run 1 has no change `"), "{unknown}");
    })
    .await;
}

async fn outcomes(history: &History, run: RunId) -> OutcomeCounts {
    history.run(run).await.unwrap().unwrap().counts.outcomes
}

#[tokio::test]
async fn a_dry_run_has_planned_changes_only() {
    everywhere(async |place| {
        let history = place.open().await;
        let run = started(&history, &NewRun { dry: true, ..new_run(&history, "sites").await }).await;
        let mut held = change("site", "a", Action::Delete);
        held.hold = Some(Hold { rule: HoldRule::Shared, reason: "shared".to_owned() });
        let plain = change("site", "b", Action::Create);
        let planned = [RecordedChange::now(&held, None), RecordedChange::now(&plain, None)];
        history.record_changes(run, &planned).await.unwrap();
        let page = history.changes(run.run, &ChangeFilter::default(), None, 9).await.unwrap();
        assert_eq!((page.items[0].outcome, page.items[0].rule), (OutcomeKind::Planned, Some(HoldRule::Shared)));
        assert_eq!((page.items[1].outcome, page.items[1].rule), (OutcomeKind::Planned, None));

        let yes = applied();
        let error = history.record_changes(run, &[RecordedChange::now(&plain, Some(&yes))]).await.unwrap_err();
        insta::allow_duplicates! { insta::assert_snapshot!(error, @"run 1 is dry and cannot have applied changes") };
        assert_eq!(outcomes(&history, run.run).await, OutcomeCounts { planned: 2, ..Default::default() });
        assert!(history.bindings("https://netbox.example", "site", &["1".to_owned()]).await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn held_deletes_are_counted_in_real_and_in_dry_runs() {
    everywhere(async |place| {
        let history = place.open().await;
        let held = |name: &str, action, rule| Change {
            hold: Some(Hold { rule, reason: "so".to_owned() }),
            ..change("site", name, action)
        };
        let changes = [
            held("a", Action::Delete, HoldRule::Quarantine),
            held("b", Action::Delete, HoldRule::Policy),
            held("c", Action::Delete, HoldRule::NotOurs),
            held("d", Action::Delete, HoldRule::Shared),
            held("e", Action::Update, HoldRule::Owner),
            change("site", "f", Action::Delete),
        ];
        let held = Outcome::Held { reason: "so".to_owned() };
        let new = new_run(&history, "sites").await;
        for dry in [true, false] {
            let run = started(&history, &NewRun { dry, ..new.clone() }).await;
            let yes = applied();
            let outcome = |change: &Change| Some(if change.hold.is_some() { &held } else { &yes }).filter(|_| !dry);
            let recorded: Vec<_> = changes
                .iter()
                .map(|change| RecordedChange::now(change, outcome(change)).with_native_id(Some("1")))
                .collect();
            history.record_changes(run, &recorded).await.unwrap();
            assert_eq!(history.held_deletes(run.run).await.unwrap(), 2, "dry: {dry}");
            history.finish_run(run, &RunResult::completed()).await.unwrap();
        }
    })
    .await;
}

#[tokio::test]
async fn a_finished_run_takes_no_changes() {
    everywhere(async |place| {
        let history = place.open().await;
        let run = working_run(&history).await;
        history.finish_run(run, &RunResult::completed()).await.unwrap();
        let change: Change = change("site", "a", Action::Create);
        let error = history.record_changes(run, &[RecordedChange::now(&change, None)]).await.unwrap_err();
        insta::allow_duplicates! { insta::assert_snapshot!(error, @"run 1 is over (`completed`) and takes no more records") };
        let error = history.record_changes(Claim { run: RunId::new(7), fence: 1 }, &[RecordedChange::now(&change, None)]).await.unwrap_err();
        insta::allow_duplicates! { insta::assert_snapshot!(error, @"there is no run 7") };
    })
    .await;
}

/// What came of changes is found by their records, among however many changes of the run.
#[tokio::test]
async fn what_came_of_changes_is_told_by_their_ids() {
    everywhere(async |place| {
        let history = place.open().await;
        let run = working_run(&history).await;
        let all: Vec<_> = (0..30).map(|i| change("site", &format!("s{i:02}"), Action::Update)).collect();
        let (yes, no) = (applied(), failed("name: too long"));
        let recorded: Vec<_> = all[..20].iter().map(|change| RecordedChange::now(change, Some(&yes))).collect();
        history.record_changes(run, &recorded).await.unwrap();
        // Another change of a record that is asked for.
        let other = change("site", "s03", Action::Delete);
        history.record_changes(run, &[RecordedChange::now(&other, Some(&no))]).await.unwrap();
        let came = history.came_of(run.run, &all[3..25]).await.unwrap();
        let mut places: Vec<_> = came.iter().map(|(id, stored)| (stored.seq, id.clone(), stored.outcome)).collect();
        places.sort_by_key(|(seq, ..)| *seq);
        let wanted: Vec<_> =
            (4..=20).zip(&all[3..20]).map(|(seq, change)| (seq, change.id.clone(), OutcomeKind::Applied)).collect();
        assert_eq!(places, wanted);
        history.close().await.unwrap();
    })
    .await;
}

/// SQLite would rather walk through all changes of the run than sort a few, once it is to give them in order.
#[tokio::test]
async fn what_came_of_changes_is_read_by_the_records() {
    let history = History::in_memory().await.unwrap();
    let hashes: Vec<i64> = (0..50).collect();
    insta::assert_snapshot!(query_plan(&history, History::changes_of(RunId::new(1), &hashes)).await);
}
