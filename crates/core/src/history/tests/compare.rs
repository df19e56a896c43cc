//! Two runs beside each other.

use super::{applied, change, everywhere, failed, new_run, started};
use crate::change::{Action, Change};
use crate::history::{
    ChangeRecorder, CompareCursor, CompareFilter, DifferenceCount, DifferenceKind, History, NewRun, RecordedChange,
    RunId, RunResult, WhichRun,
};
use crate::outcome::Outcome;

/// A run that did these changes.
async fn run_of(history: &History, changes: &[(Change, Option<Outcome>)]) -> RunId {
    let dry = changes.iter().any(|(_, outcome)| outcome.is_none());
    let claim = started(history, &NewRun { dry, ..new_run(history, "sites").await }).await;
    let mut recorder = ChangeRecorder::new(history.clone(), claim);
    for (change, outcome) in changes {
        recorder.push(&RecordedChange::now(change, outcome.as_ref()).with_native_id(Some("1"))).await.unwrap();
    }
    recorder.flush().await.unwrap();
    history.finish_run(claim, &RunResult::completed()).await.unwrap();
    claim.run
}

/// An update of a record to a value.
fn update(name: &str, value: &str) -> Change {
    let mut change = change("site", name, Action::Update);
    change.fields[0].after = value.into();
    Change::new(&change.model, change.key, change.action, None, change.fields)
}

/// What differs, page by page: `only_a device ["x"]`.
async fn told(
    history: &History,
    (a, b): (RunId, RunId),
    filter: &CompareFilter,
    limit: u64,
    reach: u64,
) -> Vec<String> {
    let (mut told, mut after) = (Vec::new(), None);
    loop {
        let found = history.some_differences((a, b), filter, after, limit, reach).await.unwrap();
        assert!(found.items.len() as u64 <= limit, "{found:?}");
        assert!(found.items.len() as u64 == limit || found.cut_short || found.next.is_none(), "{found:?}");
        for difference in &found.items {
            for change in [&difference.a, &difference.b].into_iter().flatten() {
                assert_eq!((&change.model, &change.key), (&difference.model, &difference.key));
            }
            let sides = (difference.a.is_some(), difference.b.is_some());
            let expected = match difference.kind {
                DifferenceKind::OnlyA => (true, false),
                DifferenceKind::OnlyB => (false, true),
                DifferenceKind::Fields | DifferenceKind::Outcome => (true, true),
            };
            assert_eq!(sides, expected, "{difference:?}");
            told.push(format!("{} {} {}", difference.kind.as_str(), difference.model, difference.key.as_str()));
        }
        after = found.next;
        if after.is_none() {
            return told;
        }
    }
}

#[tokio::test]
async fn two_runs_are_compared_record_by_record() {
    everywhere(async |place| {
        let history = place.open().await;
        let a = run_of(
            &history,
            &[
                (change("device", "x", Action::Create), Some(applied())),
                (update("same", "1"), Some(applied())),
                (update("moved", "1"), Some(applied())),
                (update("refused", "1"), Some(failed("no"))),
                (change("site", "gone", Action::Delete), Some(applied())),
                // Its name is given free first.
                (update("twice", "aside"), Some(applied())),
                (update("twice", "1"), Some(applied())),
            ],
        )
        .await;
        let b = run_of(
            &history,
            &[
                (update("twice", "1"), Some(applied())),
                (change("site", "new", Action::Create), Some(applied())),
                (update("refused", "1"), Some(applied())),
                (update("moved", "2"), Some(applied())),
                (update("same", "1"), Some(applied())),
                (change("site", "gone", Action::Create), Some(applied())),
                (change("device", "y", Action::Create), Some(applied())),
            ],
        )
        .await;
        let all = CompareFilter::default();
        let expected = [
            r#"only_a device ["x"]"#,
            r#"fields site ["moved"]"#,
            r#"outcome site ["refused"]"#,
            r#"fields site ["gone"]"#,
            r#"fields site ["twice"]"#,
            r#"only_b site ["new"]"#,
            r#"only_b device ["y"]"#,
        ];
        for (limit, reach) in [(100, 100), (1, 100), (3, 100), (7, 1)] {
            assert_eq!(told(&history, (a, b), &all, limit, reach).await, expected, "{limit} {reach}");
        }
        let devices = CompareFilter { model: Some("device".to_owned()), ..CompareFilter::default() };
        assert_eq!(told(&history, (a, b), &devices, 5, 100).await, [expected[0], expected[6]]);
        let kinds = CompareFilter { kind: vec![DifferenceKind::OnlyB], ..CompareFilter::default() };
        assert_eq!(told(&history, (a, b), &kinds, 5, 100).await, [expected[5], expected[6]]);
        let kinds = CompareFilter { kind: vec![DifferenceKind::OnlyA, DifferenceKind::Outcome], ..kinds };
        assert_eq!(told(&history, (a, b), &kinds, 5, 100).await, [expected[0], expected[2]]);
        assert_eq!(told(&history, (a, a), &all, 5, 100).await, [] as [&str; 0]);

        let count = |model: &str, kind, count| DifferenceCount { model: model.to_owned(), kind, count };
        let counts = history.difference_counts(a, b).await.unwrap().unwrap();
        assert_eq!(
            counts,
            [
                count("device", DifferenceKind::OnlyA, 1),
                count("device", DifferenceKind::OnlyB, 1),
                count("site", DifferenceKind::OnlyB, 1),
                count("site", DifferenceKind::Fields, 3),
                count("site", DifferenceKind::Outcome, 1),
            ]
        );
    })
    .await;
}

#[tokio::test]
async fn long_runs_are_compared_in_parts() {
    everywhere(async |place| {
        let history = place.open().await;
        let numbers = |from: usize, to: usize| -> Vec<_> {
            (from..to).map(|number| (change("site", &format!("n{number}"), Action::Create), None)).collect()
        };
        let (a, b) = (run_of(&history, &numbers(0, 2_100)).await, run_of(&history, &numbers(3, 2_105)).await);
        let expected: Vec<String> = (0..3)
            .map(|number| format!(r#"only_a site ["n{number}"]"#))
            .chain((2_100..2_105).map(|number| format!(r#"only_b site ["n{number}"]"#)))
            .collect();
        for filter in
            [CompareFilter::default(), CompareFilter { model: Some("site".to_owned()), ..CompareFilter::default() }]
        {
            assert_eq!(told(&history, (a, b), &filter, 4, 600).await, expected);
        }
        assert_eq!(history.difference_counts(a, b).await.unwrap(), None, "counting takes long");
        // What is equal is looked at a part at a time.
        let found = history.some_differences((a, b), &CompareFilter::default(), None, 9, 1_000).await.unwrap();
        assert_eq!((found.items.len(), found.cut_short), (3, true));
        assert_eq!(found.next, Some(CompareCursor { run: WhichRun::A, seq: 1_000 }));
    })
    .await;
}
