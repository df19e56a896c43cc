//! The laws of the comparison, over whole snapshots.

use std::collections::BTreeMap;
use std::path::Path;

use proptest::prelude::*;
use syncline_model::models::{Device, DeviceRole, DeviceStatus, DeviceType, Manufacturer, Site, Tag};
use syncline_model::{Key, Model, Text};

use super::*;
use crate::event::{Events, Side};
use crate::snapshot::SnapshotSink;

#[derive(Default)]
struct Found {
    changes: Vec<Change>,
    counts: DiffCounts,
    /// Updates and deletes with the site they are at.
    at: Vec<(Action, String)>,
    /// Records in both, by site.
    in_both: BTreeMap<String, u64>,
}

impl DiffOutput for Found {
    fn change(&mut self, change: Change) -> Result<()> {
        self.changes.push(change);
        Ok(())
    }

    fn change_at(&mut self, change: Change, site: Option<&str>) -> Result<()> {
        self.at.push((change.action, site.unwrap_or_default().to_owned()));
        self.change(change)
    }

    fn counted_at(&mut self, _: &'static ModelSchema, site: &str, in_both: u64) -> Result<()> {
        assert_eq!(self.in_both.insert(site.to_owned(), in_both), None);
        Ok(())
    }

    fn counted(&mut self, _: &'static ModelSchema, counts: DiffCounts) -> Result<()> {
        self.counts = counts;
        Ok(())
    }
}

fn contract() -> ModelFields {
    ModelFields::new().all::<Device>().all::<Site>()
}

async fn snapshot(side: Side, folder: &Path, devices: &[Device]) -> Snapshot {
    let sink = SnapshotSink::create(side, folder, contract(), Events::new()).unwrap();
    let mut records = sink.open::<Device>().unwrap();
    for (id, device) in devices.iter().enumerate() {
        let native = (side == Side::Target).then(|| Native::new(id + 1));
        records.push(device, native.as_ref()).await.unwrap();
    }
    records.complete().await.unwrap();
    sink.finish().unwrap()
}

fn compare(source: &[Device], target: &[Device]) -> Found {
    compare_as(&contract(), source, target)
}

fn compare_as(fields: &ModelFields, source: &[Device], target: &[Device]) -> Found {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let source = runtime.block_on(snapshot(Side::Source, folder.path(), source));
    let target = runtime.block_on(snapshot(Side::Target, folder.path(), target));
    let modes = BTreeMap::from([("device", ModelMode::Sync)]);
    let mut found = Found::default();
    calculate(&DiffInput { source: &source, target: &target, fields, modes: &modes, exact: false }, &mut found)
        .unwrap();
    found
}

fn device(name: &str) -> Device {
    let maker = Manufacturer::key_of(&"acme".parse().unwrap());
    Device {
        site: Site::key_of(&"atl".parse().unwrap()),
        name: Text::new(name).unwrap(),
        device_type: DeviceType::key_of(&maker, &"m1".parse().unwrap()),
        role: DeviceRole::key_of(&"switch".parse().unwrap()),
        platform: None,
        status: DeviceStatus::Active,
        serial: None,
        virtual_chassis: None,
        vc_position: None,
        primary_ip4: None,
        primary_ip6: None,
        tags: std::collections::BTreeSet::new(),
        tenant: None,
        cluster: None,
        custom_fields: None,
        config_context: None,
    }
}

#[test]
fn sites_are_told_with_changes_and_counts() {
    let at = |site: &str, name: &str| Device { site: Site::key_of(&site.parse().unwrap()), ..device(name) };
    let source =
        [at("atl", "new"), at("atl", "same"), at("bos", "same"), Device { vc_position: Some(2), ..at("bos", "x") }];
    let target = [at("atl", "same"), at("bos", "same"), at("bos", "x"), at("chi", "gone")];
    let found = compare(&source, &target);
    let of = |site: &str| serde_json::json!([site]).to_string();
    assert_eq!(found.at, [(Action::Update, of("bos")), (Action::Delete, of("chi"))]);
    assert_eq!(found.in_both, BTreeMap::from([(of("atl"), 1), (of("bos"), 2), (of("chi"), 0)]));
    assert_eq!((found.changes.len(), found.counts.unchanged), (3, 2));
}

fn tag(name: &str) -> Key<Tag> {
    Tag::key_of(&name.parse().unwrap())
}

#[test]
fn a_blank_source_value_never_clears_one_in_the_target() {
    let found = compare(&[device("a")], &[Device { serial: Text::new("S1"), ..device("a") }]);
    assert!(found.changes.is_empty());
    assert_eq!(found.counts.unchanged, 1);
}

#[test]
fn a_value_that_the_target_lacks_is_an_update_from_null() {
    let found = compare(&[Device { serial: Text::new("S1"), ..device("a") }], &[device("a")]);
    let [change] = &found.changes[..] else { panic!("{:?}", found.changes) };
    assert_eq!(change.action, Action::Update);
    assert_eq!(change.native, Some(Native::new(1)));
    let fields: Vec<_> = change.fields.iter().map(|field| (field.name.as_str(), field.before.is_null())).collect();
    assert_eq!(fields, [("serial", true)]);
}

#[test]
fn tags_are_added_and_others_stay() {
    let with = |tags: &[&str]| Device { tags: tags.iter().map(|name| tag(name)).collect(), ..device("a") };
    assert!(compare(&[with(&["core"])], &[with(&["core", "mine"])]).changes.is_empty());
    let found = compare(&[with(&["core"])], &[with(&["mine"])]);
    assert_eq!(found.changes[0].after("tags"), Some(&serde_json::json!([["core"], ["mine"]])));
}

#[test]
fn another_spelling_of_a_name_is_an_update_of_the_same_device() {
    let found = compare(&[device("ATL-1")], &[device("atl-1")]);
    assert_eq!((found.counts.update, found.counts.create, found.counts.delete), (1, 0, 0));
    assert_eq!(found.changes[0].after("name"), Some(&serde_json::json!("ATL-1")));
}

#[test]
fn two_records_with_one_key_are_held_unless_one_agrees() {
    let other = Device { serial: Text::new("S2"), ..device("a") };
    let mine = Device { serial: Text::new("S1"), ..device("a") };
    let found =
        compare(std::slice::from_ref(&mine), &[other.clone(), Device { serial: Text::new("S3"), ..device("a") }]);
    let hold = found.changes[0].hold.as_ref().unwrap();
    assert_eq!(hold.rule, HoldRule::Ambiguous);
    assert!(hold.reason.starts_with("the target has 2 records with this key: ids "), "{}", hold.reason);
    // What tells records apart that have no ids is what they say.
    let twice = compare(&[other.clone(), mine.clone()], &[]);
    let hold = twice.changes[0].hold.as_ref().unwrap();
    let reason = r#"the source has 2 different records with this key: they differ in `serial` ("S1", "S2")"#;
    assert_eq!((hold.rule, &*hold.reason), (HoldRule::Ambiguous, reason));
    assert!(compare(std::slice::from_ref(&mine), &[other, mine.clone()]).changes.is_empty());
}

#[test]
fn a_field_that_is_only_good_for_a_start_is_set_and_then_left() {
    let fields = contract().initial::<Device>(&["status"]);
    let offline = Device { status: DeviceStatus::Offline, ..device("a") };
    assert!(compare_as(&fields, &[device("a")], &[offline]).changes.is_empty());
    let created = compare_as(&fields, &[device("a")], &[]);
    assert_eq!(created.changes[0].after("status"), Some(&serde_json::json!("active")));
}

#[test]
fn a_field_that_is_only_good_for_a_start_is_set_where_there_is_nothing() {
    let fields = contract().initial::<Device>(&["serial", "tags"]);
    let with = |serial: Option<&str>, tags: &[&str]| Device {
        serial: serial.and_then(Text::new),
        tags: tags.iter().map(|name| tag(name)).collect(),
        ..device("a")
    };
    let updated = |source: &Device, target: &Device| {
        let found = compare_as(&fields, std::slice::from_ref(source), std::slice::from_ref(target));
        let fields = found.changes.into_iter().flat_map(|change| change.fields);
        fields.map(|field| format!("{}: {} -> {}", field.name, field.before, field.after)).collect::<Vec<_>>()
    };
    let source = with(Some("S1"), &["core"]);
    assert_eq!(updated(&source, &with(None, &[])), [r#"serial: null -> "S1""#, r#"tags: [] -> [["core"]]"#]);
    assert_eq!(updated(&source, &with(None, &["mine"])), [r#"serial: null -> "S1""#]);
    assert_eq!(updated(&source, &with(Some("S2"), &["mine"])), [""; 0]);
    assert_eq!(updated(&with(None, &[]), &with(Some("S2"), &["mine"])), [""; 0], "nothing is cleared either");
}

/// Applies changes to records the way a target does.
fn applied(target: &[Device], changes: &[Change], source: &[Device]) -> Vec<Device> {
    let mut result: BTreeMap<String, Device> =
        target.iter().map(|d| (d.key().as_str().to_owned(), d.clone())).collect();
    for change in changes {
        let key = change.key.as_str().to_owned();
        let wanted = source.iter().find(|device| device.key().as_str() == key);
        match (change.action, wanted) {
            (Action::Delete, _) => drop(result.remove(&key)),
            (Action::Create, Some(wanted)) => drop(result.insert(key, wanted.clone())),
            (Action::Update, Some(wanted)) => {
                let device = result.get_mut(&key).unwrap();
                for field in &change.fields {
                    match field.name.as_str() {
                        "name" => device.name = wanted.name.clone(),
                        "serial" => device.serial = wanted.serial.clone(),
                        "status" => device.status = wanted.status.clone(),
                        "tags" => device.tags = device.tags.union(&wanted.tags).cloned().collect(),
                        other => panic!("unexpected field {other}"),
                    }
                }
            }
            (action, None) => panic!("{action} of a record that the source does not have"),
        }
    }
    result.into_values().collect()
}

fn devices() -> impl Strategy<Value = Vec<Device>> {
    let one =
        ("[abAB]{1,2}", proptest::option::of("[xy]"), any::<bool>(), proptest::collection::btree_set("[pq]", 0..3));
    let one = one.prop_map(|(name, serial, active, tags)| Device {
        serial: serial.as_deref().and_then(Text::new),
        status: if active { DeviceStatus::Active } else { DeviceStatus::Offline },
        tags: tags.iter().map(|name| tag(name)).collect(),
        ..device(&name)
    });
    proptest::collection::vec(one, 0..8).prop_map(|devices| {
        let unique: BTreeMap<_, _> = devices.into_iter().map(|device| (device.key(), device)).collect();
        unique.into_values().collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn equal_sides_differ_in_nothing(devices in devices()) {
        prop_assert!(compare(&devices, &devices).changes.is_empty());
    }

    #[test]
    fn what_is_applied_is_not_found_again(source in devices(), target in devices()) {
        let first = compare(&source, &target);
        let after = applied(&target, &first.changes, &source);
        let second = compare(&source, &after);
        prop_assert!(second.changes.is_empty(), "{:?}", second.changes);
    }
}
