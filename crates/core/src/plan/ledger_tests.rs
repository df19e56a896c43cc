//! Plans that are decided with a memory: why fields differ, what is cleared, what is released, what becomes ours.

mod ignored;
mod left_out_members;
mod names;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt::Write;
use std::path::Path;

use chrono::Utc;
use serde_json::{Value, json};
use syncline_model::models::{
    Device, DeviceRole, DeviceStatus, DeviceType, Interface, InterfaceType, IpAddress, IpAddressStatus, Manufacturer,
    Site, VirtualChassis,
};
use syncline_model::{IpHost, Key, Model, Text};

use super::*;
use crate::Result;
use crate::applied::AppliedValues;
use crate::change::{Change, FieldChange, HoldRule};
use crate::diff::{DiffInput, DiffOutput, calculate};
use crate::event::{Events, Side};
use crate::fields::ModelFields;
use crate::ignore::Ignored;
use crate::native::Native;
use crate::policy::{Adopt, Deletes, FieldRule, Policy};
use crate::snapshot::{Aligned, Snapshot, SnapshotSink, align};
use crate::target::Release;

const RELEASES: &[Release] = &[
    Release { model: "device", field: "primary_ip4", holds: &["interface"], holds_delete: false },
    Release { model: "virtual_chassis", field: "master", holds: &["virtual_chassis"], holds_delete: true },
];

/// What earlier runs left, and what was asked of it.
#[derive(Default)]
struct Ledger {
    applied: HashMap<(String, String), AppliedValues>,
    ours: HashMap<String, Vec<String>>,
    links: HashMap<String, HashMap<Box<str>, Box<str>>>,
    /// How many records were asked for, each time.
    asked: RefCell<Vec<usize>>,
    /// What people want left alone.
    ignored: Ignored,
}

impl Ledger {
    fn applied(mut self, model: &str, id: u32, fields: &[(&str, Value)]) -> Self {
        let fields: Vec<_> =
            fields.iter().map(|(name, after)| FieldChange::new(name, Value::Null, after.clone())).collect();
        self.applied.insert((model.to_owned(), id.to_string()), AppliedValues::of(&fields));
        self
    }

    fn ignored(mut self, model: &str, key: &Value, field: Option<&str>) -> Self {
        let key = AnyKey::from_value(key).unwrap();
        let until = "2026-12-01".parse().ok();
        self.ignored.add(model, &key, field, crate::ignore::reason(until, "ada", "the lab has it so"));
        self
    }
}

impl Memory for Ledger {
    fn is_ours(&self, change: &Change) -> Result<bool> {
        let id = change.native.as_ref().map(|native| native.id.to_string());
        Ok(self.ours.get(&change.model).is_some_and(|ours| ours.iter().any(|ours| Some(ours) == id.as_ref())))
    }

    fn has_applied(&self, model: &str) -> Result<bool> {
        Ok(self.applied.keys().any(|(other, _)| other == model))
    }

    fn applied(&self, model: &str, ids: &[String]) -> Result<HashMap<String, AppliedValues>> {
        self.asked.borrow_mut().push(ids.len());
        let known =
            ids.iter().filter_map(|id| Some((id.clone(), self.applied.get(&(model.to_owned(), id.clone()))?.clone())));
        Ok(known.collect())
    }

    fn links(&self, model: &str) -> Result<HashMap<Box<str>, Box<str>>> {
        Ok(self.links.get(model).cloned().unwrap_or_default())
    }

    fn ours(&self, model: &str) -> Result<HashSet<u64>> {
        Ok(self.ours.get(model).into_iter().flatten().map(|id| id_hash(id.as_bytes())).collect())
    }
}

/// One side: devices with one port each, addresses, stacks.
#[derive(Default)]
struct Given {
    devices: Vec<Device>,
    addresses: Vec<IpAddress>,
    stacks: Vec<VirtualChassis>,
    partial: Option<&'static str>,
}

fn text(text: &str) -> Text {
    Text::new(text).unwrap()
}

fn device(name: &str) -> Device {
    let maker: Key<Manufacturer> = Manufacturer::key_of(&"cisco".parse().unwrap());
    Device {
        site: Site::key_of(&"atl".parse().unwrap()),
        name: text(name),
        device_type: DeviceType::key_of(&maker, &"c9300".parse().unwrap()),
        role: DeviceRole::key_of(&"switch".parse().unwrap()),
        platform: None,
        status: DeviceStatus::Active,
        serial: None,
        virtual_chassis: None,
        vc_position: None,
        primary_ip4: None,
        primary_ip6: None,
        tags: BTreeSet::new(),
        tenant: None,
        cluster: None,
        custom_fields: None,
        config_context: None,
    }
}

fn port(device: &Device) -> Key<Interface> {
    Interface::key_of(&device.key(), &text("e1"))
}

fn address(ip: &str, device: &Device) -> IpAddress {
    IpAddress {
        vrf: None,
        address: ip.parse::<IpHost>().unwrap(),
        status: IpAddressStatus::Active,
        role: None,
        interface: Some(port(device)),
        description: None,
    }
}

fn fields() -> ModelFields {
    let devices = ["name", "status", "serial", "virtual_chassis", "vc_position", "primary_ip4"];
    ModelFields::new()
        .only::<Device>(&devices)
        .only::<Interface>(&["enabled"])
        .all::<IpAddress>()
        .all::<VirtualChassis>()
}

async fn read(side: Side, folder: &Path, given: &Given) -> Snapshot {
    let sink = SnapshotSink::create(side, folder, fields(), Events::new()).unwrap();
    fill(&sink, side, given).await;
    sink.finish().unwrap()
}

async fn fill(sink: &SnapshotSink, side: Side, given: &Given) {
    let mut devices = sink.open::<Device>().unwrap();
    let mut ports = sink.open::<Interface>().unwrap();
    let native = |id: usize| (side == Side::Target).then(|| Native::new(id).at_version("v1"));
    for (id, device) in (1..).zip(&given.devices) {
        devices.push(device, native(id).as_ref()).await.unwrap();
        let port = Interface {
            device: device.key(),
            name: text("e1"),
            r#type: InterfaceType::Base1000T,
            enabled: true,
            mtu: None,
            speed: None,
            description: None,
            lag: None,
            mode: None,
            untagged_vlan: None,
        };
        ports.push(&port, native(id).as_ref()).await.unwrap();
    }
    ports.complete().await.unwrap();
    match given.partial {
        Some(reason) => devices.partial(reason).await.unwrap(),
        None => devices.complete().await.unwrap(),
    }
    let mut addresses = sink.open::<IpAddress>().unwrap();
    for (id, address) in (1..).zip(&given.addresses) {
        addresses.push(address, native(id).as_ref()).await.unwrap();
    }
    addresses.complete().await.unwrap();
    let mut stacks = sink.open::<VirtualChassis>().unwrap();
    for (id, stack) in (1..).zip(&given.stacks) {
        stacks.push(stack, native(id).as_ref()).await.unwrap();
    }
    stacks.complete().await.unwrap();
}

fn header() -> PlanHeader {
    let side = || PlanSide {
        connector: "fake".to_owned(),
        connection: "fake".to_owned(),
        reads: BTreeMap::new(),
        notes: BTreeMap::new(),
    };
    let models = ["device", "interface", "ip_address", "mac_address", "virtual_chassis", "vlan"];
    PlanHeader {
        sync: "main".to_owned(),
        definition: "d".to_owned(),
        meaning: None,
        run: None,
        source: side(),
        target: side(),
        created_at: Utc::now(),
        valid_until: Utc::now(),
        models: models.map(|model| (model.to_owned(), ModelMode::Sync)).into(),
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

/// A plan, and what was found on the way to it.
struct Planned {
    summary: PlanSummary,
    changes: Vec<Change>,
    aligned: Aligned,
    adopted: Vec<String>,
}

/// Plans the way from `target` to `source`.
fn plan(
    folder: &Path,
    fields: &ModelFields,
    source: &Snapshot,
    target: Snapshot,
    policy: &Policy,
    ledger: &Ledger,
) -> Planned {
    plan_releasing(RELEASES, folder, fields, source, target, policy, ledger)
}

/// As [`plan`], to a target that insists on other references.
fn plan_releasing(
    releases: &'static [Release],
    folder: &Path,
    fields: &ModelFields,
    source: &Snapshot,
    mut target: Snapshot,
    policy: &Policy,
    ledger: &Ledger,
) -> Planned {
    let bound = |model: &str| ledger.links(model);
    let aligned = align(source, &mut target, fields, folder, &bound).unwrap();
    let modes = fields.iter().map(|(schema, _)| (schema.name, ModelMode::Sync)).collect();
    let mut draft = PlanDraft::new(fields, &target, policy, folder).unwrap().with_background(Background {
        source,
        memory: ledger,
        ambiguous: &aligned.ambiguous,
        passed_on: &aligned.passed_on,
        releases,
        looks_at_owners: true,
        refusals: &|_| Ok(Vec::new()),
        ignored: &ledger.ignored,
        left_out: None,
    });
    let compare = |output: &mut dyn DiffOutput| {
        calculate(&DiffInput { source, target: &target, fields, modes: &modes, exact: false }, output)
    };
    draft.leave_out(LeftOut::find(fields, policy, &ledger.ignored, compare).unwrap());
    compare(&mut draft).unwrap();
    let path = folder.join("plan.json");
    let saved = draft.save(&path, &header(), source, &Evidence::default(), Vec::new(), ledger).unwrap();
    let reader = PlanReader::open(&path).unwrap();
    let changes = reader.changes().unwrap().map(Result::unwrap).collect();
    let adopted = reader.adopted().unwrap().map(Result::unwrap);
    let adopted = adopted.map(|binding| format!("{} {} {}", binding.model, binding.key, binding.id)).collect();
    Planned { summary: saved.summary, changes, aligned, adopted }
}

async fn planned(source: &Given, target: &Given, policy: &Policy, ledger: &Ledger) -> Planned {
    let folder = tempfile::tempdir().unwrap();
    let source = read(Side::Source, folder.path(), source).await;
    let target = read(Side::Target, folder.path(), target).await;
    plan(folder.path(), &fields(), &source, target, policy, ledger)
}

/// As [`planned`], of a source that only guesses who speaks for a stack.
async fn planned_guessing(source: &Given, target: &Given, ledger: &Ledger) -> Planned {
    let folder = tempfile::tempdir().unwrap();
    let source = read(Side::Source, folder.path(), source).await;
    let target = read(Side::Target, folder.path(), target).await;
    let fields = fields().initial::<VirtualChassis>(&["master"]);
    plan(folder.path(), &fields, &source, target, &Policy::default(), ledger)
}

/// Changes in words.
fn shown(planned: &Planned) -> String {
    let lines = planned.changes.iter().map(|change| {
        let mut line = format!("{} {} {}", change.action, change.model, change.key);
        let version = change.native.as_ref().map(|native| native.version.as_deref().unwrap_or("any version"));
        line += &version.map(|version| format!(" @{version}")).unwrap_or_default();
        for field in change.fields.iter().filter(|_| change.action == Action::Update) {
            let again = if field.deferred { " again" } else { "" };
            write!(line, " {}={}{again} ({})", field.name, field.after, field.cause.as_str()).unwrap();
        }
        for kept in &change.kept {
            write!(line, " {} kept, {} ({})", kept.name, kept.rule.as_str(), kept.cause.as_str()).unwrap();
        }
        line + &change.hold.as_ref().map(|hold| format!(" held: {}", hold.rule.as_str())).unwrap_or_default()
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn with_serials(serials: &[Option<&str>]) -> Given {
    let devices = (1..)
        .zip(serials)
        .map(|(number, serial)| Device { serial: serial.and_then(Text::new), ..device(&format!("sw{number}")) });
    Given { devices: devices.collect(), ..Given::default() }
}

fn serial(value: &str) -> [(&'static str, Value); 1] {
    [("serial", json!(value))]
}

/// Only records that differ are asked for, and each says why it differs.
#[tokio::test]
async fn an_update_says_why() {
    let ledger = Ledger::default().applied("device", 1, &serial("A")).applied("device", 2, &serial("B"));
    let ledger = ledger.applied("device", 3, &serial("Z")).applied("device", 5, &serial("E"));
    let source = with_serials(&[Some("B"), Some("B"), Some("B"), Some("B"), Some("E")]);
    let target = with_serials(&[Some("A"), Some("A"), Some("A"), Some("A"), Some("E")]);
    let planned = planned(&source, &target, &Policy::default(), &ledger).await;
    insta::assert_snapshot!(shown(&planned), @r#"
update device atl / sw1 @v1 serial="B" (source_changed)
update device atl / sw2 @v1 serial="B" (target_drifted)
update device atl / sw3 @v1 serial="B" (both)
update device atl / sw4 @v1 serial="B" (unknown)
"#);
    assert_eq!(ledger.asked.into_inner(), [4]);
}

/// A model that Syncline never wrote to costs no look-up at all, and many differences are asked for in few.
#[tokio::test]
async fn look_ups_are_few() {
    let many = |serial: &'static str| with_serials(&vec![Some(serial); 1_201]);
    let nothing = Ledger::default();
    planned(&many("A"), &many("B"), &Policy::default(), &nothing).await;
    assert_eq!(nothing.asked.into_inner(), [0; 0]);
    let ledger = Ledger::default().applied("device", 1, &serial("B"));
    planned(&many("A"), &many("B"), &Policy::default(), &ledger).await;
    assert_eq!(ledger.asked.into_inner(), [500, 500, 201]);
    // Values of the target of which the source says nothing, and nothing else.
    let ledger = Ledger::default().applied("interface", 1, &serial("B"));
    planned(&with_serials(&vec![None; 1_201]), &many("B"), &Policy::default(), &ledger).await;
    assert_eq!(ledger.asked.into_inner(), [0; 0]);
}

/// The source no longer says a value: it goes where it is still ours, and stays where somebody changed it, where we never wrote it, and
/// where the silence proves nothing.
#[tokio::test]
async fn a_value_that_disappears_is_cleared_where_it_is_ours() {
    let ledger = || Ledger::default().applied("device", 1, &serial("A")).applied("device", 2, &serial("A"));
    let target = with_serials(&[Some("A"), Some("changed"), Some("never ours")]);
    let source = with_serials(&[None, None, None]);
    let cleared = planned(&source, &target, &Policy::default(), &ledger()).await;
    insta::assert_snapshot!(shown(&cleared), @"update device atl / sw1 @v1 serial=null (source_changed)");
    let device = cleared.summary.models.iter().find(|model| model.model == "device").unwrap();
    assert_eq!((device.update, device.found.update, device.found.unchanged), (1, 1, 2));

    let cut = Given { partial: Some("cut"), ..with_serials(&[None, None, None]) };
    assert_eq!(shown(&planned(&cut, &target, &Policy::default(), &ledger()).await), "");
    let policy = Policy { fields: [("device.*".to_owned(), FieldRule::OnlyIfEmpty)].into(), ..Policy::default() };
    insta::assert_snapshot!(shown(&planned(&source, &target, &policy, &ledger()).await), @"update device atl / sw1 @v1 serial kept, only_if_empty (source_changed) held: owner");
}

/// What people own is in the plan, held, and not pending.
#[tokio::test]
async fn what_the_target_owns_is_held_and_shown() {
    let policy = Policy { fields: [("device.serial".to_owned(), FieldRule::TargetWins)].into(), ..Policy::default() };
    let ledger = Ledger::default().applied("device", 1, &serial("A")).applied("device", 2, &serial("A"));
    let mut source = with_serials(&[Some("B"), Some("B"), Some("B"), Some("B")]);
    source.devices[2].status = DeviceStatus::Staged;
    let target = with_serials(&[Some("A"), Some("mine"), Some("mine"), None]);
    let planned = planned(&source, &target, &policy, &ledger).await;
    insta::assert_snapshot!(shown(&planned), @r#"
update device atl / sw1 @v1 serial="B" (source_changed)
update device atl / sw2 @v1 serial kept, target_wins (both) held: owner
update device atl / sw3 @v1 status="staged" (unknown) serial kept, target_wins (unknown)
update device atl / sw4 @v1 serial="B" (unknown)
"#);
    let device = planned.summary.models.iter().find(|model| model.model == "device").unwrap();
    assert_eq!((device.update, device.held["owner"], device.found.update), (3, 1, 4));
    let held = planned.changes.iter().find_map(|change| change.hold.clone()).unwrap();
    assert_eq!(
        (held.rule, held.reason.as_str()),
        (HoldRule::Owner, "the target keeps its own `serial` (`policy.fields`)")
    );
}

/// A full target says how much of it is known, and only becomes ours when the policy says so.
#[tokio::test]
async fn a_full_target_is_counted_and_adopted_when_told_to() {
    let source = with_serials(&[Some("A"), Some("B"), Some("C")]);
    let target = with_serials(&[Some("A"), Some("changed")]);
    let ledger = || Ledger { ours: [("device".to_owned(), vec!["1".to_owned()])].into(), ..Ledger::default() };
    let plan = planned(&source, &target, &Policy::default(), &ledger()).await;
    let device = plan.summary.models.iter().find(|model| model.model == "device").unwrap();
    assert_eq!((device.adopt, device.create), (1, 1));
    assert_eq!(plan.adopted, [""; 0]);

    let policy = Policy { adopt: Adopt::Matched, ..Policy::default() };
    assert_eq!(
        planned(&source, &target, &policy, &ledger()).await.adopted,
        ["device atl / sw2 2", "interface atl / sw1 / e1 1", "interface atl / sw2 / e1 2"]
    );
}

/// Devices `sw1` and `sw2`, and an address of one of them.
fn addressed(holder: usize, primaries: [bool; 2]) -> Given {
    let mut devices = vec![device("sw1"), device("sw2")];
    let addresses = vec![address("10.0.0.1/24", &devices[holder])];
    for (device, primary) in devices.iter_mut().zip(primaries) {
        device.primary_ip4 = primary.then(|| addresses[0].key());
    }
    Given { devices, addresses, ..Given::default() }
}

/// An address that moves to another device, whose primary one it becomes, is released first, and the device that lost it is written
/// without the version that the release moved.
#[tokio::test]
async fn a_primary_address_is_released_before_it_moves() {
    let (source, target) = (addressed(1, [false, true]), addressed(0, [true, false]));
    let plan = planned(&source, &target, &Policy::default(), &Ledger::default()).await;
    insta::assert_snapshot!(shown(&plan), @r#"
update device atl / sw1 @v1 primary_ip4=null (unknown)
update device atl / sw2 @v1 primary_ip4=[null,"10.0.0.1"] again (unknown)
update ip_address - / 10.0.0.1 @v1 interface=[[["atl"],"sw2"],"e1"] (unknown)
"#);
    let device = plan.summary.models.iter().find(|model| model.model == "device").unwrap();
    assert_eq!((device.release, device.update, plan.summary.to_apply()), (1, 1, 3));

    // The device that lost it gets another one.
    let mut other = addressed(1, [false, true]);
    other.addresses.push(address("10.0.0.2/24", &other.devices[0]));
    other.devices[0].primary_ip4 = Some(other.addresses[1].key());
    insta::assert_snapshot!(shown(&planned(&other, &target, &Policy::default(), &Ledger::default()).await), @r#"
update device atl / sw1 @v1 primary_ip4=null (unknown)
update device atl / sw1 @any version primary_ip4=[null,"10.0.0.2"] again (unknown)
update device atl / sw2 @v1 primary_ip4=[null,"10.0.0.1"] again (unknown)
update ip_address - / 10.0.0.1 @v1 interface=[[["atl"],"sw2"],"e1"] (unknown)
create ip_address - / 10.0.0.2
"#);
}

/// Whoever approves that an address moves approves that it is let go.
#[tokio::test]
async fn a_release_goes_along_with_what_it_is_for() {
    let folder = tempfile::tempdir().unwrap();
    let source = read(Side::Source, folder.path(), &addressed(1, [false, true])).await;
    let target = read(Side::Target, folder.path(), &addressed(0, [true, false])).await;
    plan(folder.path(), &fields(), &source, target, &Policy::default(), &Ledger::default());
    let reader = PlanReader::open(&folder.path().join("plan.json")).unwrap();
    let selected = |selection: Selection| selection.of(&reader).unwrap().iter().collect::<Vec<_>>();
    let address: Selector = "ip_address".parse().unwrap();
    assert_eq!(selected(Selection::Only(vec![address])), [1, 3]);
    let release: Selector = r#"device:[["atl"],"sw1"]"#.parse().unwrap();
    assert_eq!(selected(Selection::Except(vec![release])), [2]);
    let address: Selector = "ip_address".parse().unwrap();
    assert_eq!(selected(Selection::Except(vec![address])), [2], "nothing is let go for nothing");
}

/// A record is let go for its own update and for what moves: without the one there is nothing of the others.
#[tokio::test]
async fn who_leaves_an_update_out_leaves_its_release_out() {
    let folder = tempfile::tempdir().unwrap();
    let mut source = addressed(1, [false, true]);
    source.addresses.push(address("10.0.0.2/24", &source.devices[0]));
    source.devices[0].primary_ip4 = Some(source.addresses[1].key());
    source.devices[0].serial = Some(text("NEW"));
    let source = read(Side::Source, folder.path(), &source).await;
    let target = read(Side::Target, folder.path(), &addressed(0, [true, false])).await;
    let planned = plan(folder.path(), &fields(), &source, target, &Policy::default(), &Ledger::default());
    insta::assert_snapshot!(shown(&planned), @r#"
update device atl / sw1 @v1 primary_ip4=null (unknown)
update device atl / sw1 @any version serial="NEW" (unknown) primary_ip4=[null,"10.0.0.2"] again (unknown)
update device atl / sw2 @v1 primary_ip4=[null,"10.0.0.1"] again (unknown)
update ip_address - / 10.0.0.1 @v1 interface=[[["atl"],"sw2"],"e1"] (unknown)
create ip_address - / 10.0.0.2
"#);
    let reader = PlanReader::open(&folder.path().join("plan.json")).unwrap();
    let selected = |selection: Selection| selection.of(&reader).unwrap().iter().collect::<Vec<_>>();
    let of = |place: usize| vec![Selector::Change(planned.changes[place - 1].id.clone())];
    assert_eq!(selected(Selection::Except(of(2))), [3, 5]);
    assert_eq!(selected(Selection::Only(of(4))), [1, 2, 4]);
    // The record has something else to be said, which its release is good for too.
    assert_eq!(selected(Selection::Except(of(4))), [1, 2, 3, 5]);
}

/// Two references of one record are let go at once: the second would find the record moved by the first.
#[tokio::test]
async fn a_record_is_released_once() {
    const BOTH: &[Release] = &[
        Release { model: "device", field: "primary_ip4", holds: &["interface"], holds_delete: false },
        Release { model: "device", field: "primary_ip6", holds: &["interface"], holds_delete: false },
    ];
    let folder = tempfile::tempdir().unwrap();
    let fields = ModelFields::new()
        .only::<Device>(&["name", "primary_ip4", "primary_ip6"])
        .only::<Interface>(&["enabled"])
        .all::<IpAddress>()
        .all::<VirtualChassis>();
    let given = |holder: usize| {
        let mut given = addressed(holder, [holder == 0, holder == 1]);
        given.addresses.push(address("2001:db8::1/64", &given.devices[holder]));
        given.devices[holder].primary_ip6 = Some(given.addresses[1].key());
        given
    };
    let read = async |side, given: &Given| {
        let sink = SnapshotSink::create(side, folder.path(), fields.clone(), Events::new()).unwrap();
        fill(&sink, side, given).await;
        sink.finish().unwrap()
    };
    let (source, target) = (read(Side::Source, &given(1)).await, read(Side::Target, &given(0)).await);
    let planned = plan_releasing(BOTH, folder.path(), &fields, &source, target, &Policy::default(), &Ledger::default());
    insta::assert_snapshot!(shown(&planned), @r#"
update device atl / sw1 @v1 primary_ip4=null (unknown) primary_ip6=null (unknown)
update device atl / sw2 @v1 primary_ip4=[null,"10.0.0.1"] again (unknown) primary_ip6=[null,"2001:db8::1"] again (unknown)
update ip_address - / 10.0.0.1 @v1 interface=[[["atl"],"sw2"],"e1"] (unknown)
update ip_address - / 2001:db8::1 @v1 interface=[[["atl"],"sw2"],"e1"] (unknown)
"#);
}

/// Nothing is released that the source itself still says, that a person owns, or that nobody here knows.
#[tokio::test]
async fn what_is_not_ours_to_release_is_not_released() {
    let release = |plan: &Planned| plan.summary.models.iter().map(|model| model.release).sum::<u64>();
    let target = addressed(0, [true, false]);
    let still_said = addressed(1, [true, false]);
    assert_eq!(release(&planned(&still_said, &target, &Policy::default(), &Ledger::default()).await), 0);
    let policy =
        Policy { fields: [("device.primary_ip4".to_owned(), FieldRule::TargetWins)].into(), ..Policy::default() };
    assert_eq!(release(&planned(&addressed(1, [false, true]), &target, &policy, &Ledger::default()).await), 0);
    let mut foreign = addressed(1, [false, true]);
    foreign.devices.remove(0);
    assert_eq!(release(&planned(&foreign, &target, &Policy::default(), &Ledger::default()).await), 0);
    let ours = Ledger { ours: [("device".to_owned(), vec!["1".to_owned()])].into(), ..Ledger::default() };
    assert_eq!(release(&planned(&foreign, &target, &Policy::default(), &ours).await), 1);
}

/// A stack that is gone: its master is let go before it is deleted.
#[tokio::test]
async fn a_master_is_released_before_its_stack_is_deleted() {
    let name = text("stack");
    let member = Device { virtual_chassis: Some(VirtualChassis::key_of(&name)), vc_position: Some(1), ..device("sw1") };
    let stack = VirtualChassis { name, domain: None, master: Some(member.key()) };
    let target = Given { devices: vec![member], stacks: vec![stack], ..Given::default() };
    let policy = Policy { deletes: Deletes::Apply, only_own: false, ..Policy::default() };
    let plan = planned(&Given::default(), &target, &policy, &Ledger::default()).await;
    insta::assert_snapshot!(shown(&plan), @r#"
update virtual_chassis stack @v1 master=null (unknown)
delete interface atl / sw1 / e1 @v1
delete device atl / sw1 @v1
delete virtual_chassis stack @any version
"#);
}

/// A stack of some of three switches, led by the one with this number if by any. The rest is in another stack.
fn stack(members: &[u8], master: Option<u8>, domain: &str) -> Given {
    let name = text("stack");
    let other = text("other");
    let devices = (1..=3).map(|number| {
        let own = if members.contains(&number) { &name } else { &other };
        let virtual_chassis = Some(VirtualChassis::key_of(own));
        Device { virtual_chassis, vc_position: Some(number), ..device(&format!("sw{number}")) }
    });
    let devices: Vec<_> = devices.collect();
    let master = master.map(|number| devices[usize::from(number) - 1].key());
    let stacks = vec![VirtualChassis { name, domain: Text::new(domain), master }];
    Given { devices, stacks, ..Given::default() }
}

/// A master that is a guess, and that had to be let go, is followed by the next guess in the same plan: alone, or with what else is
/// updated. The run after it has nothing left.
#[tokio::test]
async fn a_guess_that_is_let_go_is_followed_by_the_next() {
    let target = stack(&[1, 2], Some(1), "a");
    let left = stack(&[2, 3], Some(2), "a");
    let plan = planned_guessing(&left, &target, &Ledger::default()).await;
    insta::assert_snapshot!(shown(&plan), @r#"
update virtual_chassis stack @v1 master=null (unknown)
update device atl / sw1 @v1 virtual_chassis=["other"] (unknown)
update device atl / sw3 @v1 virtual_chassis=["stack"] (unknown)
update virtual_chassis stack @any version master=[["atl"],"sw2"] again (unknown)
"#);
    let stacks = plan.summary.models.iter().find(|model| model.model == "virtual_chassis").unwrap();
    assert_eq!((stacks.release, stacks.update, stacks.found.update, stacks.found.unchanged), (1, 1, 1, 0));
    let both = planned_guessing(&stack(&[2, 3], Some(2), "b"), &target, &Ledger::default()).await;
    insta::assert_snapshot!(shown(&both), @r#"
update virtual_chassis stack @v1 master=null (unknown)
update virtual_chassis stack @any version domain="b" (unknown) master=[["atl"],"sw2"] again (unknown)
update device atl / sw1 @v1 virtual_chassis=["other"] (unknown)
update device atl / sw3 @v1 virtual_chassis=["stack"] (unknown)
"#);
    // What nobody has to let go stays as it is.
    let other = planned_guessing(&stack(&[1, 2], Some(2), "a"), &target, &Ledger::default()).await;
    assert_eq!(shown(&other), "");
    let after = planned_guessing(&left, &left, &Ledger::default()).await;
    assert_eq!(shown(&after), "");
}

/// What Syncline let go comes back with the source; what somebody else cleared does not, and is no difference.
#[tokio::test]
async fn a_guess_comes_back_when_syncline_took_it() {
    let (source, target) = (stack(&[1, 2], Some(1), "a"), stack(&[1, 2], None, "a"));
    let master = json!([["atl"], "sw1"]);
    let after = async |last: Value| {
        let ledger = Ledger::default().applied("virtual_chassis", 1, &[("master", last)]);
        let plan = planned_guessing(&source, &target, &ledger).await;
        let stacks = plan.summary.models.iter().find(|model| model.model == "virtual_chassis").unwrap();
        format!("{} ({}, {} equal)", shown(&plan), stacks.found.update, stacks.found.unchanged)
    };
    insta::assert_snapshot!(after(Value::Null).await, @r#"update virtual_chassis stack @v1 master=[["atl"],"sw1"] again (source_changed) (1, 0 equal)"#);
    insta::assert_snapshot!(after(master).await, @" (0, 1 equal)");
}
