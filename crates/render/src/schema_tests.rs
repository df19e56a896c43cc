//! Plans against the schema of plans.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use boon::{Compiler, Draft, Schemas};
use serde_json::{Value, json};
use syncline_core::change::{Action, Change};
use syncline_core::diff::{DiffCounts, DiffOutput as _};
use syncline_core::event::{Events, Side};
use syncline_core::fields::ModelFields;
use syncline_core::plan::{AllOurs, Evidence, PlanDraft, PlanHeader, schema};
use syncline_core::policy::{Deletes, Policy};
use syncline_core::snapshot::{Snapshot, SnapshotSink};
use syncline_model::Model as _;
use syncline_model::models::{Interface, Site};

/// A plan of a run against simulated systems, saved by the first version of the format. It stays valid and readable.
const FIRST: &str = include_str!("first-plan.json");

/// What is wrong with a document; empty when it is valid.
fn mistakes(schema: &Value, document: &Value) -> String {
    let mut compiler = Compiler::new();
    compiler.set_default_draft(Draft::V2020_12);
    compiler.enable_format_assertions();
    compiler.add_resource("plan.json", schema.clone()).unwrap();
    let mut schemas = Schemas::new();
    let compiled = compiler.compile("plan.json", &mut schemas).unwrap();
    schemas.validate(document, compiled).err().map_or_else(String::new, |error| {
        let text = error.to_string();
        // The first line names a place on this machine.
        text.lines().skip(1).map(str::trim).collect::<Vec<_>>().join("; ")
    })
}

/// The schema with no place for a member that it does not name: what a plan has must be described.
fn strict(mut schema: Value) -> Value {
    fn close(schema: &mut Value) {
        match schema {
            Value::Object(members) => {
                if members.contains_key("properties") {
                    members.insert("additionalProperties".to_owned(), false.into());
                }
                members.values_mut().for_each(close);
            }
            Value::Array(members) => members.iter_mut().for_each(close),
            _ => {}
        }
    }
    close(&mut schema);
    schema
}

async fn snapshot(side: Side, folder: &Path, fields: &ModelFields) -> Snapshot {
    let sink = SnapshotSink::create(side, folder, fields.clone(), Events::new()).unwrap();
    sink.open::<Site>().unwrap().complete().await.unwrap();
    sink.open::<Interface>().unwrap().complete().await.unwrap();
    sink.finish().unwrap()
}

/// A plan that has just been written, with everything that a plan can have.
async fn written(folder: &Path) -> PathBuf {
    let header: PlanHeader = serde_json::from_value(crate::tests::header()).unwrap();
    let fields = ModelFields::new().all::<Site>().only::<Interface>(&["mtu"]);
    let (source, target) =
        (snapshot(Side::Source, folder, &fields).await, snapshot(Side::Target, folder, &fields).await);
    let policy = Policy { deletes: Deletes::Apply, ..Policy::default() };
    let mut draft = PlanDraft::new(&fields, &target, &policy, folder).unwrap();
    for (number, action) in [Action::Create, Action::Update, Action::Delete].into_iter().enumerate() {
        let fields = json!([{"name": "mtu", "before": 1500, "after": 9000, "deferred": number == 1}]);
        let native = (action != Action::Create).then(|| json!({"id": "7", "version": "v1"}));
        let change = json!({
            "id": number.to_string(), "model": "interface", "key": [["a"], number], "action": action, "native": native,
            "fields": fields,
        });
        let mut change: Change = serde_json::from_value(change).unwrap();
        draft.change(change.clone()).unwrap();
        change.hold = serde_json::from_value(json!({"rule": "ambiguous", "reason": "there are two"})).unwrap();
        draft.change(change).unwrap();
    }
    let counts = DiffCounts { create: 1, update: 1, delete: 1, target: 2, ..DiffCounts::default() };
    draft.counted(Interface::SCHEMA, counts).unwrap();
    let verdict = json!({"guard": "deletes", "model": "interface", "demand": "approval", "reason": "many"});
    let verdicts = vec![serde_json::from_value(verdict).unwrap()];
    let evidence = Evidence { shrunk: BTreeMap::new(), ..Evidence::default() };
    let path = folder.join("plan.json");
    draft.save(&path, &header, &source, &evidence, verdicts, &AllOurs).unwrap();
    path
}

/// A change of the format shows here.
#[test]
fn the_schema_is_the_contract() {
    insta::assert_json_snapshot!(schema());
}

#[tokio::test]
async fn a_plan_is_valid_and_nothing_in_it_is_undescribed() {
    let folder = tempfile::tempdir().unwrap();
    let plan = std::fs::read_to_string(written(folder.path()).await).unwrap();
    for plan in [plan.as_str(), FIRST] {
        let plan: Value = serde_json::from_str(plan).unwrap();
        assert_eq!(mistakes(&schema(), &plan), "");
        assert_eq!(mistakes(&strict(schema()), &plan), "");
    }
    // The check itself sees what is not described.
    let mut plan: Value = serde_json::from_str(FIRST).unwrap();
    plan["changes"][0]["colour"] = json!("red");
    assert_ne!(mistakes(&strict(schema()), &plan), "");
}

#[test]
fn the_first_plan_is_still_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plan.json");
    std::fs::write(&path, FIRST).unwrap();
    let plan = syncline_core::plan::PlanReader::open(&path).unwrap();
    let actions: Vec<_> = plan.changes().unwrap().map(|change| change.unwrap().action).collect();
    assert_eq!(actions, [Action::Update, Action::Update]);
}

#[test]
fn another_version_and_a_broken_plan_are_refused() {
    let broken = |pointer: &str, value: Value| {
        let mut plan: Value = serde_json::from_str(FIRST).unwrap();
        *plan.pointer_mut(pointer).unwrap() = value;
        mistakes(&schema(), &plan)
    };
    insta::assert_snapshot!(broken("/format", json!("syncline.plan/2")), @"- at '/format': value must be 'syncline.plan/1'");
    insta::assert_snapshot!(broken("/hash", json!("sha256:00")), @"- at '/hash': 'sha256:00' does not match pattern '^blake3:[0-9a-f]{64}$'");
    insta::assert_snapshot!(broken("/changes/0/action", json!("upsert")), @"- at '/changes/0/action': oneOf failed, none matched; - at '/changes/0/action': value must be 'create'; - at '/changes/0/action': value must be 'update'; - at '/changes/0/action': value must be 'delete'");
    insta::assert_snapshot!(broken("/changes/0/key", json!("atl-1")), @"- at '/changes/0/key': want array, but got string");
    insta::assert_snapshot!(broken("/header/created_at", json!("yesterday")), @"- at '/header/created_at': 'yesterday' is not valid date-time: less than 20 characters long");
    insta::assert_snapshot!(broken("/summary/models/0/create", json!(-1)), @"- at '/summary/models/0/create': must be >=0, but got -1");
}
