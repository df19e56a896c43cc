use std::path::Path;

use async_trait::async_trait;
use proptest::prelude::*;
use serde_json::{Value, json};
use syncline_model::models::{Device, DeviceRole, Interface, IpAddress, Site, VirtualChassis, by_name};
use syncline_model::{AnyKey, Model as _};

use super::*;
use crate::describe::{CheckReport, ConfigItem};
use crate::event::{Events, Side};
use crate::fields::ModelFields;
use crate::read::ReadRequest;
use crate::snapshot::{Snapshot, SnapshotReader, SnapshotSink};
use crate::source::{Absence, DataSource};

fn mapping(rules: Value) -> Mapping {
    serde_json::from_value(rules).unwrap()
}

fn contract() -> ModelFields {
    ModelFields::new()
        .only::<Site>(&["name", "status"])
        .only::<DeviceRole>(&["name"])
        .only::<VirtualChassis>(&["master"])
        .only::<Device>(&["role", "serial", "virtual_chassis", "primary_ip4"])
        .only::<Interface>(&["enabled", "lag"])
        .only::<IpAddress>(&["interface"])
}

/// Two sites; devices with a port, an address and a stack at one of them, and one alone at the other.
fn estate() -> Value {
    json!({
        "site": [{"slug": "atl", "name": "Atlanta", "status": "active"}, {"slug": "lab", "name": "Lab", "status": "active"}],
        "device_role": [
            {"slug": "access", "name": "Access"}, {"slug": "l2", "name": "Layer 2"}, {"slug": "l3", "name": "Layer 3"},
        ],
        "virtual_chassis": [{"name": "stack", "master": ["atl", "SW1"]}],
        "device": [
            {"site": "atl", "name": "SW1", "role": "l2", "serial": "1", "virtual_chassis": "stack", "primary_ip4": [null, "10.0.0.1"]},
            {"site": "lab", "name": "SW2", "role": "l3", "serial": "2", "virtual_chassis": null, "primary_ip4": null},
        ],
        "interface": [
            {"device": ["atl", "SW1"], "name": "eth1", "enabled": true, "lag": [["atl", "SW1"], "po1"]},
            {"device": ["atl", "SW1"], "name": "po1", "enabled": true, "lag": null},
            {"device": ["lab", "SW2"], "name": "eth1", "enabled": true, "lag": null},
        ],
        "ip_address": [
            {"vrf": null, "address": "10.0.0.1/24", "interface": [["atl", "SW1"], "eth1"]},
            {"vrf": null, "address": "10.0.0.2/24", "interface": [["lab", "SW2"], "eth1"]},
        ],
    })
}

async fn read(folder: &Path, records: &Value, fields: &ModelFields) -> Snapshot {
    let sink = SnapshotSink::create(Side::Source, folder, fields.clone(), Events::new()).unwrap();
    for (model, records) in records.as_object().unwrap() {
        let mut sink = sink.open_any(by_name(model).unwrap()).unwrap();
        for record in records.as_array().unwrap() {
            sink.push_object(record, record, None).await.unwrap();
        }
        sink.complete().await.unwrap();
    }
    sink.finish().unwrap()
}

/// A snapshot as lines of text, with what was left out and what could not be taken over.
fn told(snapshot: &Snapshot) -> String {
    let mut lines = Vec::new();
    for model in snapshot.models.values() {
        let mut reader = SnapshotReader::open(model).unwrap();
        while let Some(line) = reader.next_line().unwrap() {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            lines.push(format!("{} {} {}", model.model, text(line.key), text(line.record)));
        }
        lines.extend(model.skipped.iter().map(|(rule, count)| format!("{}: {count} {rule}", model.model)));
        lines.extend(model.rejections.iter().map(|rejection| format!("{}: {rejection}", model.model)));
    }
    lines.join("\n")
}

async fn mapped(rules: Value) -> (String, Keys) {
    let folder = tempfile::tempdir().unwrap();
    let read = read(folder.path(), &estate(), &contract()).await;
    let Mapped { snapshot, keys } = mapping(rules).rules().unwrap().apply(&read, &contract(), folder.path()).unwrap();
    (told(&snapshot), keys)
}

#[test]
fn what_is_wrong_with_rules_is_told_all_at_once() {
    let wrong = mapping(json!([
        {"model": "devise", "leave_out": true},
        {"model": "device"},
        {"model": "device", "field": "nam", "value": "x"},
        {"model": "device", "field": "name", "value": "x", "template": "y"},
        {"model": "device", "field": "name", "leave_out": true},
        {"model": "device", "leave_out": true, "value": "x"},
        {"model": "device", "field": "name", "template": "{{ nome }}"},
        {"model": "device", "field": "name", "template": "{{ name"},
        {"model": "device", "leave_out": true, "when": "nome == 'x'"},
        {"model": "device", "field": "role", "value": ""},
        {"model": "device", "field": "name", "from": "label"},
        {"model": "device", "field": "name", "value": "x", "otherwise": "y"},
        {"model": "prefix", "field": "prefix", "lookup": {"10.0.0.0/8": "ten"}},
    ]));
    let misfits: Vec<_> = wrong.rules().unwrap_err().iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(misfits.join("\n"));
}

#[tokio::test]
async fn references_follow_what_they_name() {
    let (told, keys) = mapped(json!([
        {"model": "device", "field": "name", "template": "{{ name | lower }}.{{ site }}"},
        {"model": "site", "field": "slug", "lookup": {"atl": "atlanta"}},
    ]))
    .await;
    insta::assert_snapshot!(told);
    let key = |text: &str| AnyKey::parse(text).unwrap();
    assert_eq!(keys.original("site", &key(r#"["atlanta"]"#)), Some(key(r#"["atl"]"#)));
    assert_eq!(keys.original("device", &key(r#"[["atlanta"],"sw1.atl"]"#)), Some(key(r#"[["atl"],"sw1"]"#)));
    assert_eq!(
        keys.original("device", &key(r#"[["atlanta"],"other.atl"]"#)),
        None,
        "which one that would be, nobody knows"
    );
    let port = key(r#"[[["atlanta"],"sw1.atl"],"eth1"]"#);
    assert_eq!(keys.original("interface", &port), Some(key(r#"[[["atl"],"sw1"],"eth1"]"#)));
}

#[test]
fn rules_tell_whose_keys_they_make() {
    let rules = mapping(
        json!([{"model": "site", "field": "slug", "template": "x"}, {"model": "device", "field": "serial", "value": ""}]),
    );
    let rules = rules.rules().unwrap();
    assert!(rules.rekeys(Site::SCHEMA) && rules.rekeys(Device::SCHEMA) && rules.rekeys(Interface::SCHEMA));
    assert!(!rules.rekeys(DeviceRole::SCHEMA) && !rules.rekeys(VirtualChassis::SCHEMA));
}

#[tokio::test]
async fn many_may_become_one() {
    let (told, _) = mapped(json!([
        {"model": "device_role", "field": "slug", "lookup": {"l2": "access", "l3": "router"}},
        {"model": "device", "field": "serial", "from": "name", "when": "role == 'l2' and name is startingwith('SW')"},
    ]))
    .await;
    insta::assert_snapshot!(told);
}

/// What does not stand in a table of its own field stays, and goes where what it names goes.
#[tokio::test]
async fn a_reference_that_is_not_in_the_table_follows() {
    let (told, _) = mapped(json!([
        {"model": "device_role", "field": "slug", "lookup": {"l3": "router"}},
        {"model": "device", "field": "role", "lookup": {"fw": "firewall"}},
    ]))
    .await;
    assert!(told.contains(r#""role":["router"]"#) && !told.contains(r#""role":["l3"]"#), "{told}");
    let (told, _) = mapped(json!([
        {"model": "site", "when": "slug == 'lab'", "leave_out": true},
        {"model": "device", "field": "site", "lookup": {"other": "atl"}},
    ]))
    .await;
    assert!(!told.contains("sw2"), "{told}");
}

/// Also by the key that it had, and those that became one with another.
#[tokio::test]
async fn what_is_left_out_is_known_by_both_names() {
    let (_, keys) = mapped(json!([
        {"model": "site", "field": "slug", "template": "x-{{ slug }}"},
        {"model": "site", "when": "slug == 'x-lab'", "leave_out": true},
        {"model": "device_role", "field": "slug", "lookup": {"l2": "access"}},
    ]))
    .await;
    let key = |text: &str| AnyKey::parse(text).unwrap();
    for (model, text) in [("site", r#"["lab"]"#), ("site", r#"["x-lab"]"#), ("device_role", r#"["l2"]"#)] {
        assert!(keys.is_out_of_scope(model, &key(text)), "{text}");
    }
    assert!(!keys.is_out_of_scope("site", &key(r#"["atl"]"#)));
}

#[tokio::test]
async fn what_belongs_to_what_is_left_out_is_left_out_with_it() {
    let rules = json!([{"model": "device", "when": "site == 'lab'", "leave_out": true}]);
    let (told, keys) = mapped(rules).await;
    insta::assert_snapshot!(told);
    let key = |text: &str| AnyKey::parse(text).unwrap();
    assert!(keys.is_out_of_scope("device", &key(r#"[["lab"],"sw2"]"#)));
    assert!(!keys.is_out_of_scope("device", &key(r#"[["lab"],"sw3"]"#)));
}

#[tokio::test]
async fn what_comes_out_as_no_record_is_rejected_by_name() {
    let (told, _) = mapped(json!([
        {"model": "site", "field": "status", "template": "{{ name }}"},
        {"model": "device", "field": "name", "template": "{{ name | int }}", "when": "site == 'atl'"},
        {"model": "device", "field": "role", "template": "{{ virtual_chassis or '' }}"},
    ]))
    .await;
    insta::assert_snapshot!(told);
}

#[tokio::test]
async fn fields_that_only_rules_look_at_are_read_and_not_compared() {
    let folder = tempfile::tempdir().unwrap();
    let rules =
        mapping(json!([{"model": "site", "field": "name", "template": "{{ physical_address }}"}])).rules().unwrap();
    let knows = ModelFields::new().only::<Site>(&["name", "physical_address"]);
    let given = ModelFields::new().only::<Site>(&["name"]);
    let asked = rules.asked(&knows, &given).unwrap();
    let sites = json!({"site": [{"slug": "atl", "name": "Atlanta", "physical_address": "1 Peachtree St"}]});
    let read = read(folder.path(), &sites, &asked).await;
    let mapped = rules.apply(&read, &given, folder.path()).unwrap().snapshot;
    assert_eq!(told(&mapped), r#"site ["atl"] {"slug":"atl","name":"1 Peachtree St"}"#);
    let missing = rules.asked(&given, &given).unwrap_err();
    assert_eq!(missing, "a mapping rule of `site` looks at `physical_address`, which this source does not tell");
}

#[test]
fn a_source_tells_of_what_rules_add() {
    let rules = mapping(json!([{"model": "site", "field": "status", "value": "active"}])).rules().unwrap();
    let knows = ModelFields::new().only::<Site>(&["name"]);
    assert!(rules.extended(&knows).of("site").contains(Site::SCHEMA.position("status").unwrap()));
    assert_eq!(rules.set_in_vain(&knows), ["site.status"]);
}

/// A source that says of everything that it is gone, and of which keys it was asked.
struct Asked(std::sync::Mutex<Vec<AnyKey>>);

#[async_trait]
impl DataSource for &'static Asked {
    fn knows(&self) -> ModelFields {
        contract()
    }

    async fn check(&self) -> crate::Result<CheckReport> {
        Ok(CheckReport::default())
    }

    async fn load(&self, _: &ReadRequest, _: &SnapshotSink) -> crate::Result<()> {
        Ok(())
    }

    async fn explain_absence(&self, _: &str, keys: &[AnyKey]) -> crate::Result<Vec<Absence>> {
        self.0.lock().unwrap().extend_from_slice(keys);
        Ok(vec![Absence::Gone; keys.len()])
    }

    fn config_information(&self) -> Vec<ConfigItem> {
        Vec::new()
    }
}

#[tokio::test]
async fn a_source_is_asked_about_the_keys_that_it_knows() {
    static SOURCE: Asked = Asked(std::sync::Mutex::new(Vec::new()));
    let folder = tempfile::tempdir().unwrap();
    let read = read(folder.path(), &estate(), &contract()).await;
    let rules = json!([
        {"model": "device", "when": "name == 'SW2'", "leave_out": true},
        {"model": "site", "field": "slug", "lookup": {"atl": "atlanta"}},
    ]);
    let source = MappedSource::new(Box::new(&SOURCE), mapping(rules).rules().unwrap());
    source.map(&read, &contract(), folder.path()).unwrap();
    let key = |text: &str| AnyKey::parse(text).unwrap();
    let keys = [key(r#"[["lab"],"sw2"]"#), key(r#"[["atlanta"],"sw1"]"#), key(r#"[["paris"],"sw1"]"#)];
    let answers = source.explain_absence("device", &keys).await.unwrap();
    // Which site of the source `paris` would be is not known: a rule makes what sites are called.
    assert_eq!(answers, [Absence::OutOfScope, Absence::Gone, Absence::Unknown]);
    assert_eq!(*SOURCE.0.lock().unwrap(), [key(r#"[["atl"],"sw1"]"#)]);
}

proptest! {
    /// Rules that change nothing leave the very same file.
    #[test]
    fn rules_without_effect_have_none(slugs in proptest::collection::btree_set("[a-z]{1,4}", 0..8)) {
        let sites: Vec<_> = slugs.iter().map(|slug| json!({"slug": slug, "name": slug, "status": "active"})).collect();
        let folder = tempfile::tempdir().unwrap();
        let contract = ModelFields::new().only::<Site>(&["name", "status"]);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let read = runtime.block_on(read(folder.path(), &json!({"site": sites}), &contract));
        let rules = mapping(json!([
            {"model": "site", "field": "slug", "template": "{{ slug }}"},
            {"model": "site", "field": "name", "from": "slug"},
            {"model": "site", "field": "status", "lookup": {"planned": "retired"}},
            {"model": "site", "when": "slug == ''", "leave_out": true},
        ])).rules().unwrap();
        let mapped = rules.apply(&read, &contract, folder.path()).unwrap().snapshot;
        prop_assert_eq!(&mapped.models["site"].digest, &read.models["site"].digest);
    }

    /// Each site is told by the name that it had, whatever the rules call it, as long as no two are called the same.
    #[test]
    fn what_was_renamed_is_known_by_both_names(slugs in proptest::collection::btree_set("[a-z]{1,4}", 1..8)) {
        let sites: Vec<_> = slugs.iter().map(|slug| json!({"slug": slug, "name": slug, "status": "active"})).collect();
        let folder = tempfile::tempdir().unwrap();
        let contract = ModelFields::new().only::<Site>(&["name", "status"]);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let read = runtime.block_on(read(folder.path(), &json!({"site": sites}), &contract));
        let rules = mapping(json!([{"model": "site", "field": "slug", "template": "new-{{ slug }}"}])).rules().unwrap();
        let Mapped { snapshot, keys } = rules.apply(&read, &contract, folder.path()).unwrap();
        prop_assert_eq!(snapshot.models["site"].records, slugs.len() as u64);
        for slug in slugs {
            let new = AnyKey::from_value(&json!([format!("new-{slug}")])).unwrap();
            prop_assert_eq!(keys.original("site", &new).map(|key| key.to_value()), Some(json!([slug])));
        }
    }
}
