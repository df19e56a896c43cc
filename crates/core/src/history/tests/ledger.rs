//! What was last applied to objects, and which source records they are.

use std::collections::HashMap;

use sea_orm::ConnectionTrait;
use serde_json::{Value, json};

use super::{applied, change, everywhere, failed, key, working_run};
use crate::applied::{AppliedValues, Cause};
use crate::change::{Action, Change, FieldChange, KeptField};
use crate::history::{ChangeFilter, History, Link, RecordedChange, RunResult};
use crate::native::Native;
use crate::outcome::Outcome;
use crate::policy::FieldRule;

const FORWARD: &str = "https://fwd.example";
const NETBOX: &str = "https://netbox.example";

fn site(action: Action, id: &str, fields: &[(&str, Value)]) -> Change {
    let fields = fields.iter().map(|(name, after)| FieldChange::new(name, Value::Null, after.clone())).collect();
    Change { fields, native: Some(Native::new(id)), ..change("site", "a", action) }
}

async fn known(history: &History, id: &str) -> Option<AppliedValues> {
    let found = history.applied(NETBOX, "site", &[id.to_owned(), "none".to_owned()]).await.unwrap();
    assert!(!found.contains_key("none"));
    found.get(id).cloned()
}

/// A create, updates of other and of the same fields, one that failed, and a delete.
#[tokio::test]
async fn the_last_applied_value_of_every_field_is_known() {
    everywhere(async |place| {
        let history = place.open().await;
        let run = working_run(&history).await;
        assert!(!history.has_applied(NETBOX, "site").await.unwrap());
        let (yes, no) = (applied(), failed("no"));
        let record = async |change: Change, outcome: &Outcome| {
            history.record_changes(run, &[RecordedChange::now(&change, Some(outcome))]).await.unwrap();
        };
        record(site(Action::Create, "7", &[("name", json!("A")), ("status", json!("active"))]), &yes).await;
        record(site(Action::Update, "7", &[("name", json!("B")), ("physical_address", json!("x"))]), &yes).await;
        record(site(Action::Update, "7", &[("name", json!("C"))]), &no).await;
        record(site(Action::Update, "7", &[("name", json!("D"))]), &Outcome::Unchanged).await;
        let values = known(&history, "7").await.unwrap();
        let is = |field: &str, value: &str| values.is(field, &json!(value));
        assert_eq!(
            (is("name", "B"), is("status", "active"), is("physical_address", "x")),
            (Some(true), Some(true), Some(true))
        );
        assert_eq!(is("slug", "a"), None);
        assert!(history.has_applied(NETBOX, "site").await.unwrap());
        assert!(!history.has_applied(NETBOX, "vrf").await.unwrap());

        // Somebody else's object: what was applied is known, and it is not ours.
        record(site(Action::Update, "8", &[("name", json!("E"))]), &yes).await;
        assert_eq!(known(&history, "8").await.unwrap().is("name", &json!("E")), Some(true));
        let asked = [(key("a"), Some("8".to_owned()))];
        assert!(history.created_here(NETBOX, "site", &asked).await.unwrap().is_empty());
        history.adopt(run, "site", &[(key("a"), "8".to_owned())]).await.unwrap();
        assert_eq!(history.created_here(NETBOX, "site", &asked).await.unwrap().len(), 1);
        assert_eq!(known(&history, "8").await.unwrap().is("name", &json!("E")), Some(true), "adopting forgets nothing");
        record(site(Action::Update, "8", &[("name", json!("F"))]), &yes).await;
        assert_eq!(history.created_here(NETBOX, "site", &asked).await.unwrap().len(), 1, "nor does writing disown");

        let mut ours = Vec::new();
        history.each_of_ours(NETBOX, "site", |id| ours.push(id.to_owned())).await.unwrap();
        assert_eq!(ours, ["7", "8"]);
        record(site(Action::Delete, "7", &[]), &yes).await;
        assert_eq!(known(&history, "7").await, None);
    })
    .await;
}

/// Several changes of one object in one transaction are told apart.
#[tokio::test]
async fn changes_recorded_together_add_up() {
    everywhere(async |place| {
        let history = place.open().await;
        let run = working_run(&history).await;
        let yes = applied();
        let changes = [
            site(Action::Create, "1", &[("name", json!("A")), ("status", json!("active"))]),
            site(Action::Update, "1", &[("name", json!("B"))]),
            site(Action::Update, "2", &[("name", json!("C"))]),
            site(Action::Update, "2", &[("status", json!("retired"))]),
            site(Action::Create, "3", &[("name", json!("D"))]),
            site(Action::Delete, "3", &[]),
        ];
        let recorded: Vec<_> = changes.iter().map(|change| RecordedChange::now(change, Some(&yes))).collect();
        history.record_changes(run, &recorded).await.unwrap();
        let (one, two) = (known(&history, "1").await.unwrap(), known(&history, "2").await.unwrap());
        assert_eq!((one.is("name", &json!("B")), one.is("status", &json!("active"))), (Some(true), Some(true)));
        assert_eq!((two.is("name", &json!("C")), two.is("status", &json!("retired"))), (Some(true), Some(true)));
        assert_eq!(known(&history, "3").await, None);
        let ours = [(key("a"), Some("1".to_owned())), (key("b"), Some("2".to_owned()))];
        assert_eq!(history.created_here(NETBOX, "site", &ours).await.unwrap().len(), 1);
    })
    .await;
}

/// A second pass that did not go through was not applied; one that alone went through was.
#[tokio::test]
async fn deferred_fields_count_when_their_pass_does() {
    everywhere(async |place| {
        let history = place.open().await;
        let run = working_run(&history).await;
        let deferred = |id: &str| {
            let mut change = site(Action::Update, id, &[("name", json!("A")), ("primary", json!("x"))]);
            change.fields[1].deferred = true;
            change.id = format!("change of {id}");
            change
        };
        let yes = applied();
        let (both, failing, late) = (deferred("1"), deferred("2"), deferred("3"));
        let late = Change { fields: late.fields[1..].to_vec(), ..late };
        let recorded = [
            RecordedChange::now(&both, Some(&yes)),
            RecordedChange::now(&failing, Some(&yes)),
            RecordedChange::now(&late, Some(&Outcome::Unchanged)),
        ];
        history.record_changes(run, &recorded).await.unwrap();
        history.amend_change(run, &failing, &failed("no")).await.unwrap();
        assert_eq!(known(&history, "3").await, None);
        history.amend_change(run, &late, &yes).await.unwrap();
        let is = async |id: &str, field: &str, value: &str| known(&history, id).await.unwrap().is(field, &json!(value));
        assert_eq!((is("1", "name", "A").await, is("1", "primary", "x").await), (Some(true), Some(true)));
        assert_eq!((is("2", "name", "A").await, is("2", "primary", "x").await), (Some(true), None));
        assert_eq!(is("3", "primary", "x").await, Some(true));
    })
    .await;
}

#[tokio::test]
async fn source_records_are_linked_to_objects_until_these_are_deleted() {
    everywhere(async |place| {
        let history = place.open().await;
        let run = working_run(&history).await;
        let yes = applied();
        let link = |source: &str, target: &str| Link { source_id: source.into(), target_id: target.into() };
        history.link(FORWARD, NETBOX, "site", &[link("s1", "11"), link("s2", "12")]).await.unwrap();
        history.link(FORWARD, NETBOX, "site", &[link("s2", "13")]).await.unwrap();
        let created = Change { source_id: Some("s3".into()), ..change("site", "c", Action::Create) };
        let recorded = [RecordedChange::now(&created, Some(&yes)).with_native_id(Some("14"))];
        history.record_changes(run, &recorded).await.unwrap();
        let links = async || -> HashMap<Box<str>, Box<str>> { history.links(FORWARD, NETBOX, "site").await.unwrap() };
        let expect =
            |links: &[(&str, &str)]| links.iter().map(|(s, t)| ((*s).into(), (*t).into())).collect::<HashMap<_, _>>();
        assert_eq!(links().await, expect(&[("s1", "11"), ("s2", "13"), ("s3", "14")]));
        assert!(history.links("https://other.example", NETBOX, "site").await.unwrap().is_empty());
        history
            .record_changes(run, &[RecordedChange::now(&site(Action::Delete, "13", &[]), Some(&yes))])
            .await
            .unwrap();
        assert_eq!(links().await, expect(&[("s1", "11"), ("s3", "14")]));
    })
    .await;
}

/// What an older version knew of objects is still known.
#[tokio::test]
async fn bindings_by_key_are_taken_over() {
    everywhere(async |place| {
        let history = place.open().await;
        let db = history.store.db();
        for statement in [
            r#"DROP TABLE "ledger""#,
            r#"DROP TABLE "link""#,
            r#"DELETE FROM "syncline_migration" WHERE "version" = 'm2026_11_22_ledger'"#,
            r#"CREATE TABLE "binding" ("instance" text, "key_hash" text, "model" text, "key" text, "native_id" text, "origin" text, "run_id" bigint, "at" bigint)"#,
            r#"INSERT INTO "binding" VALUES ('https://netbox.example', 'x', 'site', '["a"]', '7', 'created', 3, 5)"#,
            r#"INSERT INTO "binding" VALUES ('https://netbox.example', 'y', 'site', '["b"]', NULL, 'created', 3, 5)"#,
        ] {
            db.execute_unprepared(statement).await.unwrap();
        }
        drop(history);
        let history = place.open().await;
        let bindings = history.bindings(NETBOX, "site", &["7".to_owned()]).await.unwrap();
        assert_eq!(bindings["7"].run.map(crate::history::RunId::number), Some(3));
        assert_eq!(known(&history, "7").await, None);
    })
    .await;
}

/// What a run stages is true of the system when it is merged, and never when the run ends without.
#[tokio::test]
async fn what_is_staged_is_true_when_it_is_merged() {
    everywhere(async |place| {
        let history = place.open().await;
        let record = async |run, change: Change, id: Option<&str>, outcome: &Outcome| {
            let recorded = RecordedChange::now(&change, Some(outcome)).with_native_id(id);
            history.record_changes(run, &[recorded]).await.unwrap();
        };
        let run = working_run(&history).await;
        for (id, name) in [("7", "A"), ("8", "B")] {
            record(
                run,
                site(Action::Create, id, &[("name", json!(name)), ("status", json!("active"))]),
                None,
                &applied(),
            )
            .await;
        }
        history.finish_run(run, &RunResult::completed()).await.unwrap();
        let value = async |id: &str, field: &str, value: &str| known(&history, id).await?.is(field, &json!(value));

        for merged in [false, true] {
            let run = working_run(&history).await;
            history.set_staged_as(run, "branch-1").await.unwrap();
            let create = Change {
                source_id: Some("s9".into()),
                native: None,
                ..site(Action::Create, "9", &[("name", json!("C"))])
            };
            record(run, create, Some("9"), &applied()).await;
            record(run, site(Action::Update, "7", &[("name", json!("X"))]), None, &applied()).await;
            let twice = site(Action::Update, "9", &[("status", json!("planned"))]);
            record(run, twice.clone(), None, &applied()).await;
            record(run, site(Action::Delete, "8", &[]), None, &applied()).await;
            history.amend_change(run, &twice, &failed("no")).await.unwrap();
            assert_eq!(value("7", "name", "A").await, Some(true), "it is not merged yet");
            assert_eq!((known(&history, "9").await, value("8", "name", "B").await), (None, Some(true)));
            if merged {
                history.merge_stage(run, run.run).await.unwrap();
                history.merge_stage(run, run.run).await.unwrap();
            }
            history.finish_run(run, &RunResult::completed()).await.unwrap();
            let links = history.links(FORWARD, NETBOX, "site").await.unwrap();
            let expected = if merged { (Some(true), Some(true), None, 1) } else { (Some(false), None, Some(true), 0) };
            let found = (
                value("7", "name", "X").await,
                value("9", "name", "C").await,
                value("8", "name", "B").await,
                links.len(),
            );
            assert_eq!(found, expected, "merged: {merged}");
            assert_eq!(value("7", "status", "active").await, Some(true), "what was applied before is not forgotten");
        }
        let ours = history.created_here(NETBOX, "site", &[(key("a"), Some("9".to_owned()))]).await.unwrap();
        assert_eq!(ours.len(), 1);
        let staged = history.links(FORWARD, "staged:3", "site").await.unwrap();
        assert!(staged.is_empty());
    })
    .await;
}

/// Fields that are left to the target come back with their change.
#[tokio::test]
async fn what_was_kept_is_remembered() {
    everywhere(async |place| {
        let history = place.open().await;
        let run = working_run(&history).await;
        let kept = KeptField {
            name: "name".to_owned(),
            source: json!("A"),
            target: json!("Anna's"),
            rule: FieldRule::TargetWins,
            ignored: None,
            cause: Cause::TargetDrifted,
        };
        let update = Change { kept: vec![kept.clone()], ..site(Action::Update, "7", &[("status", json!("active"))]) };
        let plain = site(Action::Update, "8", &[("status", json!("active"))]);
        let outcome = applied();
        let recorded = [&update, &plain].map(|change| RecordedChange::now(change, Some(&outcome)));
        history.record_changes(run, &recorded).await.unwrap();
        let stored = history.changes(run.run, &ChangeFilter::default(), None, 10).await.unwrap().items;
        assert_eq!(stored.iter().map(|change| change.kept.clone()).collect::<Vec<_>>(), [vec![kept], Vec::new()]);
    })
    .await;
}
