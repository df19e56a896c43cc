//! Plans on disk.

use std::fs;
use std::path::{Path, PathBuf};

use chrono::{TimeZone, Utc};
use serde_json::json;
use syncline_model::models::{Interface, Site};
use syncline_model::{AnyKey, Model};

use super::*;
use crate::Result;
use crate::change::{Change, FieldChange};
use crate::diff::DiffOutput;
use crate::event::{Events, Side};
use crate::fields::ModelFields;
use crate::native::Native;
use crate::policy::{Deletes, Policy};
use crate::snapshot::{Snapshot, SnapshotSink};

fn fields() -> ModelFields {
    ModelFields::new().all::<Site>().only::<Interface>(&["mtu"])
}

async fn empty(side: Side, folder: &Path, complete: bool) -> Snapshot {
    let sink = SnapshotSink::create(side, folder, fields(), Events::new()).unwrap();
    sink.open::<Site>().unwrap().complete().await.unwrap();
    let interfaces = sink.open::<Interface>().unwrap();
    if complete {
        interfaces.complete().await.unwrap();
    } else {
        interfaces.partial("page 3 was cut short").await.unwrap();
    }
    sink.finish().unwrap()
}

fn change(action: Action, model: &str, key: serde_json::Value) -> Change {
    let key = AnyKey::from_value(&key).unwrap();
    let (before, after) =
        if action == Action::Delete { (json!(1500), json!(null)) } else { (json!(1500), json!(9000)) };
    let fields = vec![FieldChange { name: "mtu".into(), before, after, deferred: false }];
    let native = (action != Action::Create).then(|| Native::new(7));
    let id = Change::id_of(model, &key, action, &fields);
    Change { id, model: model.to_owned(), key, action, native, fields, hold: None, image: None }
}

fn header() -> PlanHeader {
    let side = |name: &str| PlanSide {
        connector: name.to_owned(),
        connection: name.to_owned(),
        reads: BTreeMap::new(),
        notes: BTreeMap::new(),
    };
    PlanHeader {
        sync: "main".into(),
        definition: "d".into(),
        run: None,
        source: side("forward"),
        target: side("netbox"),
        created_at: Utc.with_ymd_and_hms(2026, 1, 2, 3, 4, 5).unwrap(),
        valid_until: Utc.with_ymd_and_hms(2026, 1, 3, 3, 4, 5).unwrap(),
        models: BTreeMap::from([
            ("interface".to_owned(), ModelMode::Sync),
            ("ip_address".to_owned(), ModelMode::Sync),
            ("mac_address".to_owned(), ModelMode::Sync),
        ]),
        fields: BTreeMap::new(),
        undoes: None,
        partial: None,
    }
}

/// Saves a plan with an update and a delete of interfaces.
async fn saved(folder: &Path, policy: &Policy, source_complete: bool, evidence: &Evidence) -> PathBuf {
    let source = empty(Side::Source, folder, source_complete).await;
    let target = empty(Side::Target, folder, true).await;
    let fields = fields();
    let mut draft = PlanDraft::new(&fields, &target, policy, folder).unwrap();
    draft.change(change(Action::Update, "interface", json!([[["a"], "d"], "e1"]))).unwrap();
    draft.change(change(Action::Delete, "interface", json!([[["a"], "d"], "e2"]))).unwrap();
    let counts = DiffCounts { update: 1, delete: 1, target: 2, ..DiffCounts::default() };
    draft.counted(Interface::SCHEMA, counts).unwrap();
    let path = folder.join("plan.json");
    draft.save(&path, &header(), &source, evidence, Vec::new(), &AllOurs).unwrap();
    path
}

fn apply_deletes() -> Policy {
    Policy { deletes: Deletes::Apply, ..Policy::default() }
}

/// What holds the delete of the plan.
async fn hold(policy: &Policy, source_complete: bool, evidence: &Evidence) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    let path = saved(folder.path(), policy, source_complete, evidence).await;
    let changes: Vec<_> = PlanReader::open(&path).unwrap().changes().unwrap().map(Result::unwrap).collect();
    let delete = changes.iter().find(|change| change.action == Action::Delete).unwrap();
    delete.hold.as_ref().map(|hold| hold.reason.clone())
}

#[tokio::test]
async fn a_plan_reads_back_as_it_was_saved() {
    let folder = tempfile::tempdir().unwrap();
    let path = saved(folder.path(), &apply_deletes(), true, &Evidence::default()).await;
    let document: serde_json::Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    assert_eq!(document["format"], FORMAT);
    assert_eq!(document["changes"].as_array().unwrap().len(), 2);
    let plan = PlanReader::open(&path).unwrap();
    assert_eq!(plan.header(), &header());
    assert_eq!(document["hash"], plan.hash());
    let actions: Vec<_> = plan.changes().unwrap().map(|change| change.unwrap().action).collect();
    assert_eq!(actions, [Action::Update, Action::Delete]);
    assert_eq!(plan.summary().to_apply(), 2);
}

#[tokio::test]
async fn an_edited_plan_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = saved(folder.path(), &apply_deletes(), true, &Evidence::default()).await;
    let text = fs::read_to_string(&path).unwrap();
    let refusal = |text: &str| {
        fs::write(&path, text).unwrap();
        let error = PlanReader::open(&path).unwrap_err();
        error.report().replace(&path.display().to_string(), "PLAN")
    };
    insta::assert_snapshot!(refusal(&text.replace("9000", "9001")), @"the plan `PLAN` was changed after it was saved: its content does not have the hash that it states; make a new plan");
    insta::assert_snapshot!(refusal(&text[..text.len() / 2]), @"the plan `PLAN` is cut short, or was reformatted; make a new plan: EOF while parsing an object at line 1 column 123");
    insta::assert_snapshot!(refusal("{}"), @"`PLAN` is no plan, or was reformatted; plans are made by `syncline plan -o`");
    insta::assert_snapshot!(refusal(&text.replace("syncline.plan/1", "syncline.plan/9")), @"the plan `PLAN` has the format `syncline.plan/9`; this version reads `syncline.plan/1`");
}

#[tokio::test]
async fn absence_needs_evidence() {
    assert_eq!(hold(&apply_deletes(), true, &Evidence::default()).await, None);
    insta::assert_snapshot!(hold(&apply_deletes(), false, &Evidence::default()).await.unwrap(), @"absence is not proven: the read of interfaces is not complete: page 3 was cut short");
    let first = Evidence { first_run: Some("the first run deletes nothing".into()), ..Evidence::default() };
    insta::assert_snapshot!(hold(&apply_deletes(), true, &first).await.unwrap(), @"the first run deletes nothing");
    let shrunk = BTreeMap::from([("interface".to_owned(), "it lost half of its records".to_owned())]);
    let shrunk = Evidence { shrunk, ..Evidence::default() };
    insta::assert_snapshot!(hold(&apply_deletes(), true, &shrunk).await.unwrap(), @"absence is not proven: it lost half of its records");
    insta::assert_snapshot!(hold(&Policy::default(), true, &Evidence::default()).await.unwrap(), @r#"the sync's policy holds deletes back (`policy.deletes = "apply"` applies them)"#);
}

mod fuzz {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Whatever a file holds, opening it as a plan ends in an error or a plan.
        #[test]
        fn any_file_is_opened_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("plan.json");
            fs::write(&path, &bytes).unwrap();
            prop_assert!(PlanReader::open(&path).is_err());
        }
    }
}
