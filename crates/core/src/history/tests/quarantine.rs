//! Absent objects that wait.

use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use syncline_model::AnyKey;

use super::{applied, change, everywhere, failed, key, new_run, working_run};
use crate::ErrorKind;
use crate::change::Action;
use crate::history::{
    Claim, History, MarkMade, MarkedField, QuarantineFilter, Quarantined, RecordedChange, RunResult, Sighted, SyncId,
};
use crate::policy::Quarantine;
use crate::quarantine::{Decision, State, Verdict};
use crate::source::Absence;

/// Some time ago, so that hours have passed by now.
fn hour(hours: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_763_600_000, 0).unwrap() + TimeDelta::hours(hours)
}

fn sighted(name: &str, evidence: Option<Absence>) -> Sighted {
    Sighted { model: "site".to_owned(), key: key(name), native_id: Some("7".to_owned()), evidence }
}

/// A run of the sync `sites`, which notes that sites are gone, and ends.
async fn run(history: &History, hours: i64, gone: &[&str]) -> Claim {
    let claim = working_run(history).await;
    let sighted: Vec<_> = gone.iter().map(|name| sighted(name, Some(Absence::Gone))).collect();
    let sync = sync(history).await;
    history.note_absent(claim, sync, &sighted, hour(hours), &Quarantine::default()).await.unwrap();
    history.finish_run(claim, &RunResult::completed()).await.unwrap();
    claim
}

async fn sync(history: &History) -> SyncId {
    new_run(history, "sites").await.sync
}

async fn all(history: &History) -> Vec<Quarantined> {
    history.quarantine(&QuarantineFilter::default(), None, 100).await.unwrap().items
}

fn says(verdict: Verdict) -> Decision {
    Decision { verdict, by: "kim".to_owned(), reason: "as discussed".to_owned(), at: hour(100) }
}

#[tokio::test]
async fn absences_are_counted_by_run() {
    everywhere(async |place| {
        let history = place.open().await;
        for hours in [0, 24] {
            run(&history, hours, &["a"]).await;
        }
        let last = working_run(&history).await;
        let sync = sync(&history).await;
        // Noted twice, by a runner that was killed and by the one that went on.
        for hours in [80, 81] {
            let again = [sighted("a", Some(Absence::Gone)), sighted("b", Some(Absence::Gone)), sighted("c", None)];
            history.note_absent(last, sync, &again, hour(hours), &Quarantine::default()).await.unwrap();
        }
        let rows = all(&history).await;
        let seen: Vec<_> = rows.iter().map(|row| (row.key.to_string(), row.streak.runs, row.state)).collect();
        assert_eq!(seen, [("a".to_owned(), 3, State::Due), ("b".to_owned(), 1, State::Waiting)]);
        let a = &rows[0];
        assert_eq!((a.sync.as_str(), a.streak.since, a.due_at), ("sites", hour(0), hour(72)));
        assert_eq!((a.seen_by, a.seen_at, a.needs_runs), (last.run, hour(81), 3));
        assert_eq!((a.native_id.as_deref(), a.streak.evidence), (Some("7"), Absence::Gone));
    })
    .await;
}

#[tokio::test]
async fn a_runner_that_lost_its_run_notes_nothing() {
    everywhere(async |place| {
        let history = place.open().await;
        let over = run(&history, 0, &["a"]).await;
        let sync = sync(&history).await;
        let late = [sighted("a", Some(Absence::Gone))];
        history.note_absent(over, sync, &late, hour(1), &Quarantine::default()).await.unwrap_err();
        history.dismiss_from_quarantine(over, sync, "site", hour(1), &HashSet::new()).await.unwrap_err();
        assert_eq!(all(&history).await[0].streak.runs, 1);
    })
    .await;
}

#[tokio::test]
async fn another_object_under_the_same_key_starts_anew() {
    everywhere(async |place| {
        let history = place.open().await;
        for hours in [0, 24, 80] {
            run(&history, hours, &["a"]).await;
        }
        history.decide_absent("sites", "site", &key("a"), &says(Verdict::DeleteNow)).await.unwrap();
        let claim = working_run(&history).await;
        let remade = Sighted { native_id: Some("8".to_owned()), ..sighted("a", Some(Absence::Gone)) };
        let sync = sync(&history).await;
        history.note_absent(claim, sync, &[remade], hour(100), &Quarantine::default()).await.unwrap();
        let row = &all(&history).await[0];
        assert_eq!((row.streak.runs, row.state), (1, State::Waiting));
    })
    .await;
}

#[tokio::test]
async fn what_is_absent_no_more_is_dismissed_with_what_was_decided() {
    everywhere(async |place| {
        let history = place.open().await;
        let many: Vec<_> = (0..1_100).map(|number| format!("n{number:04}")).collect();
        run(&history, 0, &many.iter().map(String::as_str).collect::<Vec<_>>()).await;
        history.decide_absent("sites", "site", &key("n0001"), &says(Verdict::Keep)).await.unwrap();
        let (claim, sync) = (working_run(&history).await, sync(&history).await);
        let still = [sighted("n0000", Some(Absence::Gone)), sighted("n0002", None)];
        history.note_absent(claim, sync, &still, hour(0), &Quarantine::default()).await.unwrap();
        let dismiss = async |model: &str| {
            let mut dismissed = Vec::new();
            let marked = &HashSet::new();
            while let Some(some) = history.dismiss_from_quarantine(claim, sync, model, hour(0), marked).await.unwrap() {
                dismissed.extend(some);
            }
            dismissed
        };
        assert!(dismiss("device").await.is_empty(), "of another model");
        let dismissed = dismiss("site").await;
        assert_eq!(dismissed.len(), 1_098);
        let kept = dismissed.iter().find(|dismissed| dismissed.key == key("n0001")).unwrap();
        assert_eq!(kept.streak.decision, Some(says(Verdict::Keep)));
        let left: Vec<_> = all(&history).await.into_iter().map(|row| row.key.to_string()).collect();
        assert_eq!(left, ["n0000", "n0002"]);
    })
    .await;
}

#[tokio::test]
async fn what_has_its_mark_still_stays_until_it_is_gone() {
    everywhere(async |place| {
        let history = place.open().await;
        run(&history, 0, &["a", "b"]).await;
        history.decide_absent("sites", "site", &key("a"), &says(Verdict::Keep)).await.unwrap();
        let (claim, sync) = (working_run(&history).await, sync(&history).await);
        let marked = |field: &str, value, replaced| MarkedField { field: field.to_owned(), value, replaced };
        let fields = vec![
            marked("status", json!("decommissioning"), json!("active")),
            marked("groups", json!([["Retired"]]), json!([["Sites"]])),
        ];
        let mark = MarkMade { run: claim.run, at: hour(1), fields };
        let marks = [("site".to_owned(), key("a"), mark.clone()), ("site".to_owned(), key("nobody"), mark.clone())];
        history.note_marks(claim, sync, &marks).await.unwrap();
        let marked = history.marked(sync).await.unwrap();
        assert_eq!(marked.len(), 1);
        assert_eq!(marked[0].mark, Some(mark.clone()));

        let still = HashSet::from([crate::bindings::hash("site", key("a").as_str())]);
        let dismissed = history.dismiss_from_quarantine(claim, sync, "site", hour(2), &still).await.unwrap().unwrap();
        assert_eq!(dismissed.len(), 2);
        let rows = all(&history).await;
        assert_eq!((rows.len(), rows[0].state, rows[0].mark.clone()), (1, State::Returned, Some(mark)));
        assert_eq!(rows[0].streak.decision, None);
        let refused = history.decide_absent("sites", "site", &key("a"), &says(Verdict::Keep)).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Refused);
        // Absent again: from nothing, with the mark that it has.
        history
            .note_absent(claim, sync, &[sighted("a", Some(Absence::Gone))], hour(3), &Quarantine::default())
            .await
            .unwrap();
        let row = &all(&history).await[0];
        assert_eq!((row.streak.runs, row.streak.since, row.mark.is_some()), (1, hour(3), true));
        let gone = history.dismiss_from_quarantine(claim, sync, "site", hour(4), &HashSet::new()).await.unwrap();
        assert_eq!(gone.unwrap().len(), 1);
        assert_eq!(all(&history).await, []);
    })
    .await;
}

#[tokio::test]
async fn people_decide_about_what_is_absent() {
    everywhere(async |place| {
        let history = place.open().await;
        for hours in [0, 24, 80] {
            run(&history, hours, &["a", "b", "c", "d"]).await;
        }
        run(&history, 81, &["e"]).await;
        let decide = async |name: &str, verdict| {
            history.decide_absent("sites", "site", &key(name), &says(verdict)).await.unwrap().state
        };
        assert_eq!(decide("a", Verdict::Keep).await, State::Kept);
        assert_eq!(decide("b", Verdict::DeleteNow).await, State::Released);
        assert_eq!(decide("c", Verdict::Keep).await, State::Kept);
        assert_eq!(decide("c", Verdict::Restore).await, State::Waiting);
        let counts = history.quarantine_counts("sites").await.unwrap();
        let expected =
            [(State::Waiting, 2), (State::Due, 1), (State::Kept, 1), (State::Released, 1), (State::Returned, 0)];
        assert_eq!(counts, BTreeMap::from(expected));
        for (state, count) in counts {
            let filter = QuarantineFilter { state: Some(state), ..QuarantineFilter::default() };
            let found = history.quarantine(&filter, None, 100).await.unwrap().items;
            assert_eq!(found.len() as u64, count, "{state:?}");
            assert!(found.iter().all(|row| row.state == state), "{state:?}");
        }
        let restored = &all(&history).await[2];
        assert_eq!((restored.streak.runs, restored.streak.since), (0, hour(100)));
        assert_eq!(restored.due_at, hour(172));
        assert_eq!(restored.streak.decision, Some(says(Verdict::Restore)));
        for (sync, name) in [("sites", "nobody"), ("nothing", "a")] {
            let error = history.decide_absent(sync, "site", &key(name), &says(Verdict::Keep)).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::NotFound);
        }
        let error = history.decide_absent("sites", "site", &key("z"), &says(Verdict::Keep)).await.unwrap_err();
        assert_eq!(error.to_string(), "the site `z` of `sites` is not in quarantine: it was not seen absent");
        // A run that sees it absent again leaves what was decided.
        run(&history, 200, &["a", "b"]).await;
        assert_eq!(all(&history).await[0].state, State::Kept);
    })
    .await;
}

#[tokio::test]
async fn pages_follow_each_other() {
    everywhere(async |place| {
        let history = place.open().await;
        let names: Vec<_> = (0..7).map(|number| format!("n{number}")).collect();
        run(&history, 0, &names.iter().map(String::as_str).collect::<Vec<_>>()).await;
        let claim = working_run(&history).await;
        let device = Sighted { model: "device".to_owned(), ..sighted("d", Some(Absence::Unknown)) };
        let of_sync = sync(&history).await;
        history.note_absent(claim, of_sync, &[device], hour(0), &Quarantine::default()).await.unwrap();
        let mut seen: Vec<(String, AnyKey)> = Vec::new();
        let mut after = None;
        loop {
            let page = history.quarantine(&QuarantineFilter::default(), after, 3).await.unwrap();
            seen.extend(page.items.into_iter().map(|row| (row.model, row.key)));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(seen.len(), 8);
        assert_eq!(seen[0].0, "device");
        let unique: HashSet<_> = seen.iter().cloned().collect();
        assert_eq!(unique.len(), 8);
        let count = async |sync: Option<&str>, model: Option<&str>| {
            let filter =
                QuarantineFilter { sync: sync.map(str::to_owned), model: model.map(str::to_owned), state: None };
            history.quarantine(&filter, None, 100).await.unwrap().items.len()
        };
        assert_eq!(count(None, Some("site")).await, 7);
        assert_eq!(count(Some("sites"), None).await, 8);
        assert_eq!(count(Some("others"), None).await, 0);
    })
    .await;
}

#[tokio::test]
async fn only_a_delete_that_happened_ends_the_waiting() {
    everywhere(async |place| {
        let history = place.open().await;
        let claim = working_run(&history).await;
        let sync = sync(&history).await;
        let gone = [sighted("a", Some(Absence::Gone)), sighted("b", Some(Absence::Gone))];
        history.note_absent(claim, sync, &gone, hour(0), &Quarantine::default()).await.unwrap();
        let deletes = [change("site", "a", Action::Delete), change("site", "b", Action::Delete)];
        let (yes, no) = (applied(), failed("a rack stands there"));
        let recorded = [RecordedChange::now(&deletes[0], Some(&yes)), RecordedChange::now(&deletes[1], Some(&no))];
        history.record_changes(claim, &recorded).await.unwrap();
        let left: Vec<_> = all(&history).await.into_iter().map(|row| row.key.to_string()).collect();
        assert_eq!(left, ["b"]);
    })
    .await;
}
