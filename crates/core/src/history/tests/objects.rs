//! What is known of single objects: their timeline, and whether they are ours.

use sea_orm::ConnectionTrait;
use sea_orm::sea_query::{Expr, ExprTrait, Query};

use super::{applied, change, everywhere, failed, key, working_run};
use crate::change::{Action, Change};
use crate::history::{History, Origin, OutcomeKind, RecordedChange, RunId, RunResult};
use crate::native::Native;

const NETBOX: &str = "https://netbox.example";

/// Lets a run look as if another process worked on it.
pub(super) async fn pretend(history: &History, run: RunId, process: &str, host: Option<&str>) {
    let mut update = Query::update();
    update.table("run").value("process", process).and_where(Expr::col("id").eq(run.number()));
    if let Some(host) = host {
        update.value("host", host);
    }
    history.store.db().execute(&update).await.unwrap();
}

#[tokio::test]
async fn an_object_has_a_timeline() {
    everywhere(async |place| {
        let history = place.open().await;
        for action in [Action::Create, Action::Update, Action::Update, Action::Delete] {
            let run = working_run(&history).await;
            let (yes, no) = (applied(), failed("no"));
            let (mine, other) = (change("site", "a", action), change("site", "b", action));
            let same_key = change("vrf", "a", action);
            let recorded = [
                RecordedChange::now(&mine, Some(&no)),
                RecordedChange::now(&other, Some(&yes)),
                RecordedChange::now(&same_key, Some(&yes)),
                RecordedChange::now(&mine, Some(&yes)),
            ];
            history.record_changes(run, &recorded).await.unwrap();
            history.finish_run(run, &RunResult::completed()).await.unwrap();
        }
        let mut seen = Vec::new();
        let mut before = None;
        loop {
            let page = history.timeline("site", &key("a"), before, 3).await.unwrap();
            seen.extend(page.items);
            before = page.next;
            if before.is_none() {
                break;
            }
        }
        let places: Vec<_> = seen.iter().map(|entry| (entry.run.number(), entry.change.seq)).collect();
        assert_eq!(places, [(4, 4), (4, 1), (3, 4), (3, 1), (2, 4), (2, 1), (1, 4), (1, 1)]);
        assert_eq!((seen[0].sync.as_str(), seen[0].instance.as_str()), ("sites", NETBOX));
        assert_eq!((seen[0].change.action, seen[0].change.outcome), (Action::Delete, OutcomeKind::Applied));
        assert!(history.timeline("device", &key("a"), None, 3).await.unwrap().items.is_empty());
    })
    .await;
}

#[tokio::test]
async fn only_what_a_run_created_is_ours() {
    everywhere(async |place| {
        let history = place.open().await;
        let run = working_run(&history).await;
        let (yes, no) = (applied(), failed("no"));
        let created = change("site", "created", Action::Create);
        let refused = change("site", "refused", Action::Create);
        let updated = change("site", "updated", Action::Update);
        let recorded = [
            RecordedChange::now(&created, Some(&yes)).with_native_id(Some("12")),
            RecordedChange::now(&refused, Some(&no)).with_native_id(Some("13")),
            RecordedChange::now(&updated, Some(&yes)),
        ];
        history.record_changes(run, &recorded).await.unwrap();
        history.adopt(run, "site", &[(key("adopted"), "14".to_owned())]).await.unwrap();

        let ours = async |instance: &str, model: &str| {
            let asked = [("created", "12"), ("refused", "13"), ("updated", "7"), ("adopted", "14")];
            let asked: Vec<_> = asked.map(|(name, id)| (key(name), Some(id.to_owned()))).into();
            let mut ours: Vec<_> =
                history.created_here(instance, model, &asked).await.unwrap().iter().map(ToString::to_string).collect();
            ours.sort();
            ours
        };
        assert_eq!(ours(NETBOX, "site").await, ["adopted", "created"]);
        assert!(ours("https://other.example", "site").await.is_empty(), "another system has other objects");
        assert!(ours(NETBOX, "vrf").await.is_empty());
        let remade = [(key("created"), Some("99".to_owned())), (key("adopted"), None)];
        assert!(history.created_here(NETBOX, "site", &remade).await.unwrap().is_empty(), "same key, another object");

        let bindings = history.bindings(NETBOX, "site", &["12", "14", "7"].map(str::to_owned)).await.unwrap();
        assert_eq!(bindings.len(), 2, "what was only updated is not ours");
        let binding = &bindings["12"];
        assert_eq!((binding.origin, binding.run, binding.native_id.as_str()), (Origin::Created, Some(run.run), "12"));
        assert_eq!((bindings["14"].origin, bindings["14"].run), (Origin::Adopted, None));

        let deleted = change("site", "created", Action::Delete);
        let deleted = Change { native: Some(Native::new(12)), ..deleted };
        history.record_changes(run, &[RecordedChange::now(&deleted, Some(&no))]).await.unwrap();
        assert_eq!(ours(NETBOX, "site").await, ["adopted", "created"], "a delete that failed changes nothing");
        history.record_changes(run, &[RecordedChange::now(&deleted, Some(&yes))]).await.unwrap();
        assert_eq!(ours(NETBOX, "site").await, ["adopted"]);
    })
    .await;
}

#[tokio::test]
async fn an_object_that_is_made_again_is_the_new_one() {
    everywhere(async |place| {
        let history = place.open().await;
        let run = working_run(&history).await;
        let yes = applied();
        let (create, delete) = (change("site", "a", Action::Create), change("site", "a", Action::Delete));
        let recorded = [
            RecordedChange::now(&create, Some(&yes)).with_native_id(Some("1")),
            RecordedChange::now(&delete, Some(&yes)),
            RecordedChange::now(&create, Some(&yes)).with_native_id(Some("2")),
        ];
        history.record_changes(run, &recorded).await.unwrap();
        let asked = [(key("a"), Some("2".to_owned()))];
        assert_eq!(history.created_here(NETBOX, "site", &asked).await.unwrap().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn many_objects_are_asked_for_at_once() {
    everywhere(async |place| {
        let history = place.open().await;
        let objects: Vec<_> = (0..1_201).map(|number| (key(&format!("n{number}")), number.to_string())).collect();
        history.adopt(working_run(&history).await, "site", &objects).await.unwrap();
        let asked: Vec<_> = objects.iter().map(|(key, id)| (key.clone(), Some(id.clone()))).collect();
        assert_eq!(history.created_here(NETBOX, "site", &asked).await.unwrap().len(), objects.len());
    })
    .await;
}
