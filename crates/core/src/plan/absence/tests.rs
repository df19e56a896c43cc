//! Which deletes are held for whose sake.

use std::collections::BTreeMap;
use std::path::Path;

use chrono::Utc;
use syncline_model::models::{
    Device, DeviceRole, DeviceStatus, DeviceType, Host, Interface, InterfaceType, Maintenance, Manufacturer, Site,
    SiteStatus, Tag, Vlan, VlanStatus,
};
use syncline_model::{Key, Model, ModelSchema, Text};

use super::AbsenceRules;
use crate::Result;
use crate::change::{Action, Change, Hold, HoldRule};
use crate::diff::{DiffInput, calculate};
use crate::event::{Events, Side};
use crate::fields::ModelFields;
use crate::models::ModelMode;
use crate::native::Native;
use crate::plan::{Evidence, Memory, PlanDraft, PlanHeader, PlanReader, PlanSide};
use crate::policy::{Deletes, Policy};
use crate::snapshot::{Snapshot, SnapshotSink};

/// One side: a site with devices of one port each.
#[derive(Clone)]
struct Given {
    /// Names of devices with the slugs of their tags.
    devices: Vec<(&'static str, &'static [&'static str])>,
    tags: &'static [&'static str],
    has_site: bool,
    has_vlan: bool,
}

const NOTHING: Given = Given { devices: Vec::new(), tags: &[], has_site: false, has_vlan: false };

fn text(text: &str) -> Text {
    Text::new(text).unwrap()
}

fn site() -> Key<Site> {
    Site::key_of(&"atl".parse().unwrap())
}

fn role() -> DeviceRole {
    DeviceRole { slug: "switch".parse().unwrap(), name: text("Switch"), color: None }
}

fn device(name: &str, tags: &[&str]) -> Device {
    let maker: Key<Manufacturer> = Manufacturer::key_of(&"cisco".parse().unwrap());
    Device {
        site: site(),
        name: text(name),
        device_type: DeviceType::key_of(&maker, &"c9300".parse().unwrap()),
        role: role().key(),
        platform: None,
        status: DeviceStatus::Active,
        serial: None,
        virtual_chassis: None,
        vc_position: None,
        primary_ip4: None,
        primary_ip6: None,
        tags: tags.iter().map(|slug| Tag::key_of(&slug.parse().unwrap())).collect(),
        tenant: None,
        cluster: None,
        custom_fields: None,
        config_context: None,
    }
}

fn fields() -> ModelFields {
    ModelFields::new()
        .all::<Tag>()
        .all::<Site>()
        .all::<DeviceRole>()
        .all::<Vlan>()
        .only::<Device>(&["role", "tags"])
        .only::<Interface>(&["enabled", "untagged_vlan"])
}

async fn read(side: Side, folder: &Path, given: &Given) -> Snapshot {
    let sink = SnapshotSink::create(side, folder, fields(), Events::new()).unwrap();
    let native = |id: usize| (side == Side::Target).then(|| Native::new(id));
    let vlan = Vlan {
        site: Some(site()),
        vid: syncline_model::VlanId::new(10).unwrap(),
        name: text("users"),
        status: VlanStatus::Active,
    };
    let mut tags = sink.open::<Tag>().unwrap();
    for (id, slug) in (1..).zip(given.tags) {
        let tag = Tag { slug: slug.parse().unwrap(), name: text(slug), color: None };
        tags.push(&tag, native(id).as_ref()).await.unwrap();
    }
    tags.complete().await.unwrap();
    let mut sites = sink.open::<Site>().unwrap();
    if given.has_site {
        let slug = "atl".parse().unwrap();
        let site = Site { slug, name: text("Atlanta"), status: SiteStatus::Active, physical_address: None };
        sites.push(&site, native(1).as_ref()).await.unwrap();
    }
    sites.complete().await.unwrap();
    let mut roles = sink.open::<DeviceRole>().unwrap();
    if given.has_site {
        roles.push(&role(), native(1).as_ref()).await.unwrap();
    }
    roles.complete().await.unwrap();
    let mut vlans = sink.open::<Vlan>().unwrap();
    if given.has_vlan {
        vlans.push(&vlan, native(1).as_ref()).await.unwrap();
    }
    vlans.complete().await.unwrap();
    let mut devices = sink.open::<Device>().unwrap();
    let mut ports = sink.open::<Interface>().unwrap();
    for (id, (name, tags)) in (1..).zip(&given.devices) {
        let device = device(name, tags);
        devices.push(&device, native(id).as_ref()).await.unwrap();
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
            untagged_vlan: given.has_vlan.then(|| vlan.key()),
        };
        ports.push(&port, native(id).as_ref()).await.unwrap();
    }
    devices.complete().await.unwrap();
    ports.complete().await.unwrap();
    sink.finish().unwrap()
}

fn header() -> PlanHeader {
    let side = || PlanSide {
        connector: "fake".to_owned(),
        connection: "fake".to_owned(),
        reads: BTreeMap::new(),
        notes: BTreeMap::new(),
    };
    let models = syncline_model::models::ALL.iter().map(|schema| (schema.name.to_owned(), ModelMode::Sync));
    PlanHeader {
        sync: "main".to_owned(),
        definition: "d".to_owned(),
        meaning: None,
        run: None,
        source: side(),
        target: side(),
        created_at: Utc::now(),
        valid_until: Utc::now(),
        models: models.collect(),
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

/// What earlier runs left: which records are not ours, and which are kept.
#[derive(Default)]
struct Left {
    foreign: &'static [&'static str],
    kept: &'static [&'static str],
}

impl Memory for Left {
    fn is_ours(&self, change: &Change) -> Result<bool> {
        Ok(!self.foreign.contains(&name_of(change).as_str()))
    }

    fn absent(&self, _: &'static ModelSchema, change: &Change) -> Result<Option<Hold>> {
        let hold = Hold { rule: HoldRule::Quarantine, reason: "kim keeps it".to_owned() };
        Ok(self.kept.contains(&name_of(change).as_str()).then_some(hold))
    }
}

fn name_of(change: &Change) -> String {
    format!("{} {}", change.model, change.key)
}

/// Plans the way from `target` to `source`: the updates, and the deletes with what holds them.
async fn planned(source: &Given, target: &Given, undoes: bool, left: &Left) -> String {
    let folder = tempfile::tempdir().unwrap();
    let source = read(Side::Source, folder.path(), source).await;
    let target = read(Side::Target, folder.path(), target).await;
    let (fields, policy) = (fields(), Policy { deletes: Deletes::Apply, ..Policy::default() });
    let modes = fields.iter().map(|(schema, _)| (schema.name, ModelMode::Sync)).collect();
    let mut draft = PlanDraft::new(&fields, &target, &policy, folder.path()).unwrap();
    let input = DiffInput { source: &source, target: &target, fields: &fields, modes: &modes, exact: undoes };
    calculate(&input, &mut draft).unwrap();
    let (path, evidence) = (folder.path().join("plan.json"), Evidence { undoes, ..Evidence::default() });
    draft.save(&path, &header(), &source, &evidence, Vec::new(), left).unwrap();
    let changes: Vec<_> = PlanReader::open(&path).unwrap().changes().unwrap().map(Result::unwrap).collect();
    let tell = |change: &Change| {
        let what = format!("{} {}", change.action, name_of(change));
        let becomes = |field: &crate::change::FieldChange| format!(" {}={}", field.name, field.after);
        let fields: String = match change.action {
            Action::Update => change.fields.iter().map(becomes).collect(),
            _ => String::new(),
        };
        let hold = change.hold.as_ref().map(|hold| format!(": {}, {}", hold.rule.as_str(), hold.reason));
        what + &fields + &hold.unwrap_or_default()
    };
    changes.iter().map(tell).collect::<Vec<_>>().join("\n")
}

/// What passes waits for nothing, but its absence must be proven, also that of what it refers to, and it must be ours.
#[tokio::test]
async fn what_is_over_goes_without_a_wait() {
    let fields = ModelFields::new().all::<Host>().all::<Maintenance>();
    let folder = tempfile::tempdir().unwrap();
    let sink = SnapshotSink::create(Side::Source, folder.path(), fields.clone(), Events::new()).unwrap();
    sink.open::<Host>().unwrap().complete().await.unwrap();
    sink.open::<Maintenance>().unwrap().complete().await.unwrap();
    let source = sink.finish().unwrap();
    let key = Maintenance::key_of(&text("work")).to_any();
    let left = Left { kept: &["maintenance work"], ..Left::default() };
    let foreign = Left { foreign: &["maintenance work"], ..Left::default() };
    let hold = |deletes: Deletes, left: &Left, shrunk: &str| {
        let policy = Policy { deletes, ..Policy::default() };
        let shrunk = BTreeMap::from([(shrunk.to_owned(), "far fewer".to_owned())]);
        let evidence = Evidence { shrunk, ..Evidence::default() };
        let mut rules = AbsenceRules::new(&policy, &evidence, &source, &fields);
        let mut deletes = [Change::new("maintenance", key.clone(), Action::Delete, Some(Native::new(1)), Vec::new())];
        rules.judge(Maintenance::SCHEMA, &mut deletes, left).unwrap();
        deletes[0].hold.as_ref().map(|hold| hold.rule)
    };
    assert_eq!(hold(Deletes::Apply, &left, "site"), None);
    assert_eq!(hold(Deletes::Hold, &left, "site"), Some(HoldRule::Policy));
    assert_eq!(hold(Deletes::Apply, &foreign, "site"), Some(HoldRule::NotOurs));
    assert_eq!(hold(Deletes::Apply, &left, "host"), Some(HoldRule::SourcePartial));
}

#[tokio::test]
async fn a_member_of_a_set_in_a_record_that_stays_is_in_use() {
    let target = Given {
        devices: vec![("sw1", &["core", "old"]), ("sw2", &["edge"])],
        tags: &["core", "edge", "old"],
        has_site: true,
        ..NOTHING
    };
    let left = Left { foreign: &["device atl / sw1"], ..Left::default() };
    insta::assert_snapshot!(planned(&NOTHING, &target, true, &left).await, @r#"
delete interface atl / sw1 / e1: parent, its device `atl / sw1` stays
delete interface atl / sw2 / e1
delete device atl / sw1: not_ours, it is not the one that Syncline created (`policy.only_own = false` deletes it all the same)
delete device atl / sw2
delete tag core: in_use, device `atl / sw1`, which stays, refers to it
delete tag edge
delete tag old: in_use, device `atl / sw1`, which stays, refers to it
delete site atl: in_use, device `atl / sw1`, which stays, refers to it
delete device_role switch: in_use, device `atl / sw1`, which stays, refers to it
"#);
}

/// A tag may go that the same plan takes out of the only set that it is in, but not out of one of two.
#[tokio::test]
async fn a_member_that_an_update_takes_out_of_its_set_may_go() {
    let target = Given {
        devices: vec![("sw1", &["both", "core", "one"]), ("sw2", &["both"])],
        tags: &["both", "core", "one"],
        has_site: true,
        ..NOTHING
    };
    let source = Given { devices: vec![("sw1", &["core"])], tags: &["core"], ..target.clone() };
    let left = Left { foreign: &["device atl / sw2"], ..Left::default() };
    insta::assert_snapshot!(planned(&source, &target, true, &left).await, @r#"
update device atl / sw1 tags=[["core"]]
delete interface atl / sw2 / e1: parent, its device `atl / sw2` stays
delete device atl / sw2: not_ours, it is not the one that Syncline created (`policy.only_own = false` deletes it all the same)
delete tag both: in_use, device `atl / sw2`, which stays, refers to it
delete tag one
"#);
}

/// A person touched one of three devices that a run created: it stays, with its port and what both refer to.
#[tokio::test]
async fn a_record_that_stays_keeps_its_parts_and_what_it_refers_to_and_nothing_else() {
    let target = Given {
        devices: vec![("sw1", &[]), ("sw2", &[]), ("sw3", &[])],
        tags: &["core"],
        has_site: true,
        has_vlan: true,
    };
    let left = Left { foreign: &["device atl / sw2"], ..Left::default() };
    insta::assert_snapshot!(planned(&NOTHING, &target, true, &left).await, @r#"
delete interface atl / sw1 / e1
delete interface atl / sw2 / e1: parent, its device `atl / sw2` stays
delete interface atl / sw3 / e1
delete vlan atl / 10: in_use, interface `atl / sw2 / e1`, which stays, refers to it
delete device atl / sw1
delete device atl / sw2: not_ours, it is not the one that Syncline created (`policy.only_own = false` deletes it all the same)
delete device atl / sw3
delete tag core
delete site atl: in_use, device `atl / sw2`, which stays, refers to it
delete device_role switch: in_use, device `atl / sw2`, which stays, refers to it
"#);
}

/// VLANs are shared and stay. They keep the site, which keeps nothing that stands there.
#[tokio::test]
async fn a_site_with_vlans_stays_while_its_devices_go() {
    let target = Given { devices: vec![("sw1", &[]), ("sw2", &[])], has_site: true, has_vlan: true, ..NOTHING };
    insta::assert_snapshot!(planned(&NOTHING, &target, false, &Left::default()).await, @r#"
delete interface atl / sw1 / e1
delete interface atl / sw2 / e1
delete vlan atl / 10: shared, a VLAN is never deleted because a source stopped mentioning it
delete device atl / sw1
delete device atl / sw2
delete site atl: in_use, VLAN `atl / 10`, which stays, refers to it
delete device_role switch: shared, a device role is never deleted because a source stopped mentioning it
"#);
}

#[tokio::test]
async fn a_site_goes_at_last_when_nothing_stands_there() {
    let target = Given { devices: vec![("sw1", &[])], has_site: true, ..NOTHING };
    insta::assert_snapshot!(planned(&NOTHING, &target, false, &Left::default()).await, @r#"
delete interface atl / sw1 / e1
delete device atl / sw1
delete site atl
delete device_role switch: shared, a device role is never deleted because a source stopped mentioning it
"#);
}

/// A decision about a site is none about its devices, and one about a device is one about its parts and for its site.
#[tokio::test]
async fn what_a_person_keeps_keeps_its_parts_only() {
    let target = Given { devices: vec![("sw1", &[]), ("sw2", &[])], has_site: true, ..NOTHING };
    let left = Left { kept: &["site atl"], ..Left::default() };
    insta::assert_snapshot!(planned(&NOTHING, &target, false, &left).await, @r#"
delete interface atl / sw1 / e1
delete interface atl / sw2 / e1
delete device atl / sw1
delete device atl / sw2
delete site atl: quarantine, kim keeps it
delete device_role switch: shared, a device role is never deleted because a source stopped mentioning it
"#);
    let left = Left { kept: &["device atl / sw1"], ..Left::default() };
    insta::assert_snapshot!(planned(&NOTHING, &target, false, &left).await, @r#"
delete interface atl / sw1 / e1: parent, its device `atl / sw1` is absent too, and held
delete interface atl / sw2 / e1
delete device atl / sw1: quarantine, kim keeps it
delete device atl / sw2
delete site atl: in_use, device `atl / sw1`, which stays, refers to it
delete device_role switch: shared, a device role is never deleted because a source stopped mentioning it
"#);
}
