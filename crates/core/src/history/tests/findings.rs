//! Findings come, are looked at, and go by themselves.

use std::collections::HashSet;

use serde_json::json;

use super::{everywhere, key, new_run, started};
use crate::ErrorKind;
use crate::change::Action;
use crate::history::{FindingFilter, FindingKind, FindingState, History, News, Observed, Retention, RunId, RunResult};

fn observed(name: &str, field: &str) -> Observed {
    Observed {
        model: "site".to_owned(),
        key: key(name),
        field: Some(field.to_owned()).filter(|field| !field.is_empty()),
        action: Action::Update,
        target: json!("A"),
        source: json!({"b": [1, null]}),
        detail: None,
    }
}

/// A run that finds these things, and looks at sites only.
async fn check(history: &History, found: &[Observed]) -> RunId {
    let claim = started(history, &new_run(history, "sites").await).await;
    history.observe(claim, FindingKind::Drift, found).await.unwrap();
    history.resolve_findings(claim, FindingKind::Drift, Some(&["site"])).await.unwrap();
    history.finish_run(claim, &RunResult::completed()).await.unwrap();
    claim.run
}

#[tokio::test]
async fn only_changes_of_the_set_are_news() {
    everywhere(async |place| {
        let history = place.open().await;
        let news = async |run| history.finding_news(run, FindingKind::Drift).await.unwrap();
        let other = Observed { model: "device".to_owned(), ..observed("sw1", "") };
        let first =
            check(&history, &[observed("a", "name"), observed("a", ""), observed("b", "name"), other.clone()]).await;
        assert_eq!(news(first).await, News { new: 4, gone: 0, standing: 4 });
        let same = check(&history, &[observed("a", "name"), observed("a", "name"), observed("a", "")]).await;
        // The device was not looked at.
        assert_eq!(news(same).await, News { new: 0, gone: 1, standing: 3 });
        let back = check(&history, &[observed("a", "name"), observed("a", ""), observed("b", "name")]).await;
        assert_eq!(news(back).await, News { new: 1, gone: 0, standing: 4 });
        let wanted = FindingFilter { new_in: Some(back), ..FindingFilter::default() };
        let [finding] = &history.findings(&wanted, None, 10).await.unwrap().items[..] else { panic!("one is new") };
        assert_eq!((finding.key.to_string(), finding.count, finding.first_run), ("b".to_owned(), 2, first));
        assert_eq!((&finding.target, &finding.source), (&json!("A"), &json!({"b": [1, null]})));
        assert_eq!((finding.sync.as_str(), finding.resolved_run), ("sites", None));
        history.close().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn what_somebody_looked_at_stays_known_until_it_is_gone() {
    everywhere(async |place| {
        let history = place.open().await;
        check(&history, &[observed("a", "name")]).await;
        let all = async || history.findings(&FindingFilter::default(), None, 10).await.unwrap().items;
        let id = all().await[0].id;
        let known = history.acknowledge(id, "kim", "the vendor knows").await.unwrap();
        assert_eq!(known.state, FindingState::Acknowledged);
        assert_eq!(
            known.acknowledged.map(|known| (known.by, known.reason)),
            Some(("kim".to_owned(), "the vendor knows".to_owned()))
        );
        check(&history, &[observed("a", "name")]).await;
        assert_eq!(all().await[0].state, FindingState::Acknowledged);
        check(&history, &[]).await;
        assert_eq!(all().await[0].state, FindingState::Resolved);
        assert!(history.acknowledge(id, "kim", "again").await.is_err());
        check(&history, &[observed("a", "name")]).await;
        let [back] = &all().await[..] else { panic!("there is one") };
        assert_eq!((back.state, &back.acknowledged, back.count), (FindingState::Open, &None, 3));
        let counts = history.finding_counts(Some("sites")).await.unwrap();
        assert_eq!(
            counts.iter().map(|count| (count.state, count.count)).collect::<Vec<_>>(),
            [(FindingState::Open, 1)]
        );
        assert_eq!(history.finding_counts(Some("nobody")).await.unwrap(), []);
        history.close().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn findings_come_in_pages_and_once_for_a_run_that_begins_again() {
    everywhere(async |place| {
        let history = place.open().await;
        let claim = started(&history, &new_run(&history, "sites").await).await;
        let names: Vec<_> = (0..450).map(|number| format!("s{number:03}")).collect();
        let found: Vec<_> = names.iter().map(|name| observed(name, "name")).collect();
        for _ in 0..2 {
            history.observe(claim, FindingKind::Flapping, &found).await.unwrap();
        }
        let (mut seen, mut before) = (Vec::new(), None);
        loop {
            let page = history.findings(&FindingFilter::default(), before, 200).await.unwrap();
            seen.extend(page.items);
            before = page.next;
            if before.is_none() {
                break;
            }
        }
        assert_eq!(seen.len(), 450);
        assert!(seen.iter().all(|finding| finding.count == 1));
        history.close().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_runner_that_lost_its_run_finds_and_resolves_nothing() {
    everywhere(async |place| {
        let history = place.open().await;
        check(&history, &[observed("a", "name")]).await;
        let lost = started(&history, &new_run(&history, "sites").await).await;
        history.put_back(lost, None, None).await.unwrap();
        let lease = std::time::Duration::from_mins(1);
        history.claim(lost.run, "another", lease).await.unwrap();
        let error = history.observe(lost, FindingKind::Drift, &[observed("b", "name")]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::LeaseLost);
        let error = history.resolve_findings(lost, FindingKind::Drift, None).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::LeaseLost);
        let findings = history.findings(&FindingFilter::default(), None, 10).await.unwrap().items;
        let shown: Vec<_> = findings.iter().map(|finding| (finding.key.to_string(), finding.state)).collect();
        assert_eq!(shown, [("a".to_owned(), FindingState::Open)]);
        history.close().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn what_is_over_is_forgotten_when_it_is_old() {
    everywhere(async |place| {
        let history = place.open().await;
        check(&history, &[observed("a", "name"), observed("b", "name")]).await;
        check(&history, &[observed("b", "name")]).await;
        let keys = async || -> Vec<_> {
            let findings = history.findings(&FindingFilter::default(), None, 10).await.unwrap().items;
            findings.iter().rev().map(|finding| finding.key.to_string()).collect()
        };
        let limits = |days| Retention { runs: None, days: Some(days), megabytes: None, audit_days: None, reads: None };
        history.prune(&limits(1), &HashSet::new()).await.unwrap();
        assert_eq!(keys().await, ["a", "b"]);
        history.prune(&limits(0), &HashSet::new()).await.unwrap();
        assert_eq!(keys().await, ["b"], "what occurs stays, however old");
        history.close().await.unwrap();
    })
    .await;
}
