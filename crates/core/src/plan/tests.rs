//! Plans on disk.

use std::fs;
use std::path::{Path, PathBuf};

use chrono::{TimeZone, Utc};
use serde_json::json;
use syncline_model::models::{Interface, Site};
use syncline_model::{AnyKey, DeletionClass, Model};

use super::*;
use crate::change::{Change, FieldChange, Hold, HoldRule};
use crate::diff::DiffOutput;
use crate::event::{Events, Side};
use crate::fields::ModelFields;
use crate::native::Native;
use crate::policy::{Deletes, Policy};
use crate::snapshot::{Snapshot, SnapshotSink};
use crate::{ErrorKind, Result};

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
    let fields = vec![FieldChange::new("mtu", before, after)];
    let native = (action != Action::Create).then(|| Native::new(7));
    Change::new(model, key, action, native, fields)
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
        meaning: None,
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
        reruns: None,
        scope: None,
        drift: false,
        adopts: false,
        partial: None,
        policy: None,
        replays: None,
    }
}

/// Saves a plan with an update and a delete of interfaces.
async fn saved(folder: &Path, policy: &Policy, source_complete: bool, evidence: &Evidence) -> PathBuf {
    let source = empty(Side::Source, folder, source_complete).await;
    let target = empty(Side::Target, folder, true).await;
    let fields = fields();
    let mut draft = PlanDraft::new(&fields, &target, policy, folder).unwrap();
    // The comparison knows the site; what the key leads to is not among the fields here.
    draft.change_at(change(Action::Update, "interface", json!([[["a"], "d"], "e1"])), Some(r#"["a"]"#)).unwrap();
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
    let site = AnyKey::from_value(&json!(["a"])).unwrap();
    let sites: Vec<_> = plan.changes().unwrap().map(|change| change.unwrap().site).collect();
    assert_eq!(sites, [Some(site.clone()), None]);
    let [there] = plan.summary().sites.as_slice() else { panic!("{:?}", plan.summary()) };
    let counts = SiteCounts { update: 1, ..SiteCounts::default() };
    assert_eq!(plan.summary().fields["interface"], BTreeMap::from([("mtu".to_owned(), 1)]));
    assert_eq!((&there.site, there.models["interface"], plan.summary().more_sites), (&site, counts, 0));
}

#[tokio::test]
async fn an_id_means_one_change_and_what_is_held_is_not_selected() {
    let folder = tempfile::tempdir().unwrap();
    // The policy holds the delete.
    let path = saved(folder.path(), &Policy::default(), true, &Evidence::default()).await;
    let plan = PlanReader::open(&path).unwrap();
    let changes: Vec<_> = plan.changes().unwrap().map(Result::unwrap).collect();
    let selected = |selectors: &[&str]| {
        let selectors: Vec<Selector> = selectors.iter().map(|text| text.parse().unwrap()).collect();
        Selection::Only(selectors).of(&plan).map(|places| places.iter().collect::<Vec<_>>())
    };
    let id = &changes[0].id;
    assert_eq!(selected(&[&format!("#{id}")]).unwrap(), [1]);
    assert_eq!(selected(&[&format!("#{}", &id[..6])]).unwrap(), [1]);
    assert_eq!(selected(&["interface"]).unwrap(), [1], "the other one cannot be applied");
    let held = selected(&[r#"interface:["a","d","e2"]"#]).unwrap_err();
    insta::assert_snapshot!(held, @r#"the plan holds back what `interface:[[["a"],"d"],"e2"]` means: the sync's policy holds deletes back (`policy.deletes = "apply"` applies them)"#);
    for text in ["#", "#1", "#12c"] {
        assert_eq!(text.parse::<Selector>().unwrap_err().kind(), ErrorKind::Settings, "{text}");
    }
    insta::assert_snapshot!("#".parse::<Selector>().unwrap_err(), @"`#` is too short: give 4 characters of a change's id at least");
    assert_eq!(selected(&["#none"]).unwrap_err().kind(), ErrorKind::NotFound);
}

/// Whoever shows a part of a plan sees what whoever applies it does.
#[tokio::test]
async fn a_plan_is_looked_at_in_parts() {
    let folder = tempfile::tempdir().unwrap();
    let path = saved(folder.path(), &apply_deletes(), true, &Evidence::default()).await;
    let whole = PlanReader::open(&path).unwrap();
    let all: Vec<_> = whole.changes().unwrap().map(Result::unwrap).collect();
    assert!(all.len() > 1, "{all:?}");
    let excerpt = PlanExcerpt::open(&path).unwrap();
    assert_eq!((excerpt.header(), excerpt.summary(), excerpt.hash()), (whole.header(), whole.summary(), whole.hash()));

    let pages = |wanted: &PartFilter| {
        let (mut found, mut from) = (Vec::new(), None);
        loop {
            let part = excerpt.part(wanted, from, 1).unwrap();
            assert!(part.changes.len() <= 1);
            found.extend(part.changes.into_iter().map(|(_, change)| change));
            from = part.next;
            if from.is_none() {
                return found;
            }
        }
    };
    assert_eq!(pages(&PartFilter::default()), all);
    let places: Vec<_> = excerpt.part(&PartFilter::default(), None, 9).unwrap().changes;
    let (place, last) = places.last().unwrap();
    assert_eq!(excerpt.part(&PartFilter::default(), Some(*place), 9).unwrap().changes[0].1, *last);
    for change in &all {
        let held = Some(change.hold.is_some());
        let wanted = PartFilter {
            model: Some(change.model.clone()),
            action: Some(change.action),
            held,
            ..PartFilter::default()
        };
        assert!(pages(&wanted).contains(change));
        let there = PartFilter { site: change.site.clone(), ..wanted.clone() };
        assert_eq!(change.site.is_some(), change.action == Action::Update);
        assert!(pages(&there).contains(change), "{change:?}");
        let elsewhere = AnyKey::from_value(&json!(["b"])).unwrap();
        assert_eq!(pages(&PartFilter { site: Some(elsewhere), ..wanted.clone() }), []);
        let rule = change.hold.as_ref().map(|hold| hold.rule);
        assert!(pages(&PartFilter { rule, ..wanted.clone() }).contains(change));
        assert!(!pages(&PartFilter { rule: Some(HoldRule::Moved), ..wanted.clone() }).contains(change));
        let of_mtu = PartFilter { field: Some("mtu".to_owned()), ..wanted.clone() };
        assert_eq!(pages(&of_mtu).contains(change), change.action == Action::Update);
        assert_eq!(pages(&PartFilter { field: Some("name".to_owned()), ..wanted.clone() }), []);
        let other = PartFilter { held: held.map(|held| !held), ..wanted };
        assert!(!pages(&other).contains(change));
    }
    assert_eq!(pages(&PartFilter { model: Some("no such".to_owned()), ..PartFilter::default() }), []);
    for nowhere in [excerpt.part(&PartFilter::default(), None, 1).unwrap().next.unwrap() + 3, u64::MAX - 1] {
        let error = excerpt.part(&PartFilter::default(), Some(nowhere), 1).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    }

    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, &text[..text.len() / 2]).unwrap();
    assert_eq!(PlanExcerpt::open(&path).unwrap_err().kind(), ErrorKind::Stale);
    fs::write(&path, "{}").unwrap();
    assert_eq!(PlanExcerpt::open(&path).unwrap_err().kind(), ErrorKind::Stale);
}

#[tokio::test]
async fn an_edited_plan_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = saved(folder.path(), &apply_deletes(), true, &Evidence::default()).await;
    let text = fs::read_to_string(&path).unwrap();
    let refusal = |text: &str| {
        fs::write(&path, text).unwrap();
        let error = PlanReader::open(&path).unwrap_err();
        let is_changed = error.message().contains("was changed");
        let kind = if is_changed { ErrorKind::Stale } else { ErrorKind::Unsupported };
        assert_eq!(error.kind(), kind, "{error}");
        error.report().replace(&path.display().to_string(), "PLAN")
    };
    insta::assert_snapshot!(refusal(&text.replace("9000", "9001")), @"the plan `PLAN` was changed after it was saved: its content does not have the hash that it states; make a new plan with `syncline plan main -o FILE`");
    let cut = refusal(&text[..text.len() / 2]);
    insta::assert_snapshot!(cut.split(": EOF").next().unwrap(), @"the plan `PLAN` was changed after it was saved: it is cut short, or was edited; make a new plan with `syncline plan SYNC -o FILE`");
    insta::assert_snapshot!(refusal("{}"), @"`PLAN` is no plan, or was reformatted; `syncline plan SYNC -o FILE` keeps one");
    insta::assert_snapshot!(refusal(&text.replace("syncline.plan/1", "syncline.plan/9")), @"the plan `PLAN` has the format `syncline.plan/9`; this version reads `syncline.plan/1`");
    insta::assert_snapshot!(refusal(""), @"`PLAN` is no plan, or was reformatted; `syncline plan SYNC -o FILE` keeps one");
    fs::write(&path, [b"{\"format\":\"syncline.plan/1\",\n", &[0xff; 9][..]].concat()).unwrap();
    assert_eq!(PlanReader::open(&path).unwrap_err().kind(), ErrorKind::Stale);
    fs::write(&path, [0xff; 9]).unwrap();
    assert_eq!(PlanReader::open(&path).unwrap_err().kind(), ErrorKind::Unsupported);
    fs::remove_file(&path).unwrap();
    let missing = PlanReader::open(&path).unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NotFound);
    insta::assert_snapshot!(missing.report().replace(&path.display().to_string(), "PLAN"), @"there is no file `PLAN`: check the path; `syncline plan SYNC -o FILE` keeps a plan");
    // That is a matter of the disk.
    assert_eq!(PlanReader::open(folder.path()).unwrap_err().kind(), ErrorKind::Storage);
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

/// A memory in which nothing was absent long enough.
struct AllWait;

impl Memory for AllWait {
    fn is_ours(&self, _: &Change) -> Result<bool> {
        Ok(true)
    }

    fn absent(&self, _: &'static syncline_model::ModelSchema, _: &Change) -> Result<Option<Hold>> {
        Ok(Some(Hold { rule: HoldRule::Quarantine, reason: "absent since today".to_owned() }))
    }
}

/// However a delete gets into a plan, it goes through the quarantine: of every model but those that come and go with time, and also
/// those that a target's own comparison thinks of.
#[tokio::test]
async fn every_delete_of_every_model_goes_through_the_quarantine() {
    let folder = tempfile::tempdir().unwrap();
    let every = syncline_model::models::ALL.iter();
    let fields =
        every.clone().fold(ModelFields::new(), |all, schema| all.insert(schema, syncline_model::FieldSet::ALL));
    let sink = |side| SnapshotSink::create(side, folder.path(), fields.clone(), Events::new()).unwrap();
    let complete = async |side| {
        use syncline_model::models::*;
        let sink = sink(side);
        macro_rules! empty {
            ($($model:ty),*) => { $(sink.open::<$model>().unwrap().complete().await.unwrap();)* };
        }
        empty!(Site, Manufacturer, DeviceType, DeviceRole, Platform, Device, VirtualChassis, Interface);
        empty!(MacAddress, Vlan, Vrf, Prefix, IpAddress, Tag, HostGroup, Host, Maintenance, TenantGroup, Tenant);
        empty!(ClusterType, ClusterGroup, Cluster, VirtualMachine);
        sink.finish().unwrap()
    };
    let (source, target) = (complete(Side::Source).await, complete(Side::Target).await);
    let policy = apply_deletes();
    let mut draft = PlanDraft::new(&fields, &target, &policy, folder.path()).unwrap();
    for schema in every.clone() {
        let gone = Change { model: schema.name.to_owned(), ..change(Action::Delete, schema.name, json!(["x"])) };
        draft.change(gone).unwrap();
        draft.counted(schema, DiffCounts { delete: 1, target: 1, ..DiffCounts::default() }).unwrap();
    }
    let path = folder.path().join("plan.json");
    draft.save(&path, &header(), &source, &Evidence::default(), Vec::new(), &AllWait).unwrap();
    let held: BTreeMap<_, _> = PlanReader::open(&path)
        .unwrap()
        .changes()
        .unwrap()
        .map(|change| change.unwrap())
        .map(|change| (change.model, change.hold.map(|hold| hold.rule)))
        .collect();
    assert_eq!(held.len(), syncline_model::models::ALL.len());
    for schema in every {
        let expected = match schema.deletion {
            DeletionClass::Shared => Some(HoldRule::Shared),
            DeletionClass::Part | DeletionClass::Standalone => Some(HoldRule::Quarantine),
            DeletionClass::Passing => None,
        };
        assert_eq!(held[schema.name], expected, "{}", schema.name);
    }
}

/// Only interfaces wait.
struct InterfacesWait;

impl Memory for InterfacesWait {
    fn is_ours(&self, _: &Change) -> Result<bool> {
        Ok(true)
    }

    fn absent(&self, schema: &'static syncline_model::ModelSchema, _: &Change) -> Result<Option<Hold>> {
        let hold = Hold { rule: HoldRule::Quarantine, reason: "absent since today".to_owned() };
        Ok((schema.name == "interface").then_some(hold))
    }
}

/// A part waits with what it belongs to, and goes with it; on its own it waits on its own.
#[tokio::test]
async fn a_part_goes_with_what_it_belongs_to() {
    let folder = tempfile::tempdir().unwrap();
    let fields = ModelFields::new().only::<syncline_model::models::Device>(&[]).only::<Interface>(&[]);
    let complete = async |side| {
        let sink = SnapshotSink::create(side, folder.path(), fields.clone(), Events::new()).unwrap();
        sink.open::<syncline_model::models::Device>().unwrap().complete().await.unwrap();
        sink.open::<Interface>().unwrap().complete().await.unwrap();
        sink.finish().unwrap()
    };
    let (source, target) = (complete(Side::Source).await, complete(Side::Target).await);
    let evidence = Evidence::default();
    let policy = apply_deletes();
    let mut rules = absence::AbsenceRules::new(&policy, &evidence, &source, &fields);
    let device = |name: &str| change(Action::Delete, "device", json!([["a"], name]));
    let port = |device: &str| {
        let key = json!([[["a"], device], "e1"]);
        let before = json!([["a"], device]);
        let field = FieldChange::new("device", before, json!(null));
        Change { fields: vec![field], ..change(Action::Delete, "interface", key) }
    };
    let mut devices = [device("gone")];
    rules.judge(syncline_model::models::Device::SCHEMA, &mut devices, &InterfacesWait).unwrap();
    assert_eq!(devices[0].hold, None);
    let mut ports = [port("gone"), port("here")];
    rules.judge(Interface::SCHEMA, &mut ports, &InterfacesWait).unwrap();
    let holds = ports.map(|port| port.hold.map(|hold| hold.rule));
    assert_eq!(holds, [None, Some(HoldRule::Quarantine)]);
    drop(target);
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
