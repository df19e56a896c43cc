//! Plans applied to a target in memory that misbehaves on demand.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Mutex;

use async_trait::async_trait;
use chrono::{TimeDelta, Utc};
use syncline_model::models::{
    Device, DeviceRole, DeviceStatus, DeviceType, Interface, InterfaceType, Manufacturer, Site, SiteStatus, Tag,
};
use syncline_model::{Model as _, Text};

use super::*;
use crate::ErrorKind;
use crate::bindings::Bindings;
use crate::change::Change;
use crate::diff::{DiffInput, calculate};
use crate::event::Side;
use crate::models::ModelMode;
use crate::native::Native;
use crate::plan::{AllOurs, Background, Evidence, PlanDraft, PlanHeader, PlanSide};
use crate::policy::{Deletes, Policy};
use crate::snapshot::{Ambiguities, PassedOn, Snapshot, SnapshotSink};
use crate::target::{Batch, BatchError, Pass, Release, Written};

/// A target that keeps what it is given and logs every batch.
#[derive(Default)]
struct Fake {
    batches: Mutex<Vec<String>>,
    /// Serial numbers and descriptions that it refuses.
    refuses: &'static str,
    /// How many batches it cannot take at first.
    busy: Mutex<u32>,
    /// How many answers get lost; the writes before them went through.
    loses: Mutex<u32>,
    /// How many batches get lost before anything is written.
    loses_first: Mutex<u32>,
    /// It has everything already.
    adopts: bool,
    /// It refuses every second pass.
    refuses_again: bool,
    /// It takes no more writes after this many batches.
    dies_after: Option<usize>,
    kept: Mutex<BTreeSet<String>>,
    /// Records that it was told earlier attempts created.
    recalled: Mutex<Vec<String>>,
}

fn take(counter: &Mutex<u32>) -> bool {
    let mut counter = counter.lock().unwrap();
    let some = *counter > 0;
    *counter = counter.saturating_sub(1);
    some
}

#[async_trait]
impl TargetWriter for Fake {
    async fn write(&self, batch: &Batch<'_>, _: &Bindings) -> std::result::Result<Vec<Written>, BatchError> {
        let names: Vec<_> = batch.changes.iter().map(|change| change.key.to_string()).collect();
        let first = batch.changes[0];
        let pass = if batch.pass == Pass::Second { " again" } else { "" };
        let mut batches = self.batches.lock().unwrap();
        batches.push(format!("{} {}{pass}: {}", first.action, batch.model.name, names.join(", ")));
        let error = |text: &str| Error::new(ErrorKind::Refused, text);
        if self.dies_after.is_some_and(|limit| batches.len() > limit) {
            return Err(BatchError::Fatal(error("the target went away")));
        }
        if take(&self.busy) {
            return Err(BatchError::Again(error("deadlock detected")));
        }
        let refused = |change: &Change| {
            let mut values = change.fields.iter().map(|field| format!("{}{}", field.before, field.after));
            !self.refuses.is_empty() && values.any(|value| value.contains(self.refuses))
        };
        if batch.changes.iter().any(|change| refused(change)) {
            return Err(BatchError::Refused { field: Some("serial".into()), error: error("not a valid value") });
        }
        if self.refuses_again && batch.pass == Pass::Second {
            return Err(BatchError::Refused { field: Some("lag".into()), error: error("not an aggregate") });
        }
        if take(&self.loses_first) {
            return Err(BatchError::InDoubt(error("connection reset")));
        }
        if self.adopts {
            let adopted = |change: &&Change| Written {
                native: Some(Native::new(&change.id)),
                ..Written::not_written(Outcome::Unchanged)
            };
            return Ok(batch.changes.iter().map(adopted).collect());
        }
        self.kept.lock().unwrap().extend(names.iter().map(|name| format!("{}{name}{pass}", batch.model.name)));
        if take(&self.loses) {
            return Err(BatchError::InDoubt(error("connection reset")));
        }
        Ok(batch.changes.iter().map(|change| Written::applied(Native::new(&change.id), None)).collect())
    }

    async fn images(&self, batch: &Batch<'_>, _: &Bindings) -> Result<Vec<Option<serde_json::Value>>> {
        Ok(batch.changes.iter().map(|change| Some(format!("what {} was", change.key).into())).collect())
    }

    fn recall(&self, model: &'static syncline_model::ModelSchema, created: &[(&Change, &str)]) {
        let told = created.iter().map(|(change, id)| format!("{} {} is {id}", model.name, change.key));
        self.recalled.lock().unwrap().extend(told);
    }

    async fn settle(&self, batch: &Batch<'_>, _: &Bindings) -> Result<Vec<Option<Written>>> {
        let kept = self.kept.lock().unwrap();
        let found = batch.changes.iter().map(|change| {
            let name = format!("{}{}", batch.model.name, change.key);
            kept.contains(&name).then(|| Written::applied(Native::new(&change.id), None))
        });
        Ok(found.collect())
    }
}

/// Tags, sites, devices and interfaces of one side.
#[derive(Default, Clone)]
struct Estate {
    tags: Vec<Tag>,
    sites: Vec<Site>,
    devices: Vec<Device>,
    interfaces: Vec<Interface>,
}

impl Estate {
    /// A site with these devices, each with an aggregate and a member of it.
    fn of(devices: &[&str]) -> Self {
        let slug = "atl".parse().unwrap();
        let site = Site { slug, name: text("Atlanta"), status: SiteStatus::Active, physical_address: None };
        let interfaces = devices.iter().flat_map(|device| {
            let device = Device::key_of(&Site::key_of(&"atl".parse().unwrap()), &text(device));
            let lag = Interface {
                device: device.clone(),
                name: text("Po1"),
                r#type: InterfaceType::Lag,
                enabled: true,
                mtu: None,
                speed: None,
                description: None,
                lag: None,
                mode: None,
                untagged_vlan: None,
            };
            let parent = Interface::key_of(&device, &text("Po1"));
            [Interface { name: text("Eth1"), lag: Some(parent), r#type: InterfaceType::Virtual, ..lag.clone() }, lag]
        });
        let interfaces = interfaces.collect();
        Self {
            sites: vec![site],
            devices: devices.iter().map(|name| device(name)).collect(),
            interfaces,
            tags: Vec::new(),
        }
    }
}

fn text(text: &str) -> Text {
    Text::new(text).unwrap()
}

fn device(name: &str) -> Device {
    let maker = Manufacturer::key_of(&"acme".parse().unwrap());
    Device {
        site: Site::key_of(&"atl".parse().unwrap()),
        name: text(name),
        device_type: DeviceType::key_of(&maker, &"m1".parse().unwrap()),
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

fn fields() -> ModelFields {
    ModelFields::new().all::<Tag>().all::<Site>().only::<Device>(&["status", "serial", "tags"]).only::<Interface>(&[
        "type",
        "enabled",
        "description",
        "lag",
    ])
}

async fn snapshot(side: Side, folder: &Path, estate: &Estate) -> Snapshot {
    let sink = SnapshotSink::create(side, folder, fields(), Events::new()).unwrap();
    macro_rules! push {
        ($model:ty, $records:expr) => {
            let mut records = sink.open::<$model>().unwrap();
            for (id, record) in $records.iter().enumerate() {
                records.push(record, (side == Side::Target).then(|| Native::new(id)).as_ref()).await.unwrap();
            }
            records.complete().await.unwrap();
        };
    }
    push!(Tag, estate.tags);
    push!(Site, estate.sites);
    push!(Device, estate.devices);
    push!(Interface, estate.interfaces);
    sink.finish().unwrap()
}

struct Ran {
    batches: Vec<String>,
    outcomes: Vec<String>,
    applied: Applied,
    recalled: Vec<String>,
    journal: MemoryJournal,
}

/// Plans the way from `target` to `source` and applies it.
async fn ran(fake: Fake, source: &Estate, target: &Estate) -> Ran {
    ran_with(MemoryJournal::default(), fake, source, target).await
}

/// As [`ran`], with a journal that has something to say.
async fn ran_with(journal: MemoryJournal, fake: Fake, source: &Estate, target: &Estate) -> Ran {
    ran_releasing(&[], journal, fake, source, target).await
}

/// As [`ran_with`], of a target that insists on references.
async fn ran_releasing(
    releases: &'static [Release],
    journal: MemoryJournal,
    fake: Fake,
    source: &Estate,
    target: &Estate,
) -> Ran {
    ran_judged(&Evidence::default(), releases, journal, fake, source, target).await
}

/// As [`ran_releasing`], with other evidence for the deletes.
async fn ran_judged(
    evidence: &Evidence,
    releases: &'static [Release],
    mut journal: MemoryJournal,
    fake: Fake,
    source: &Estate,
    target: &Estate,
) -> Ran {
    let folder = tempfile::tempdir().unwrap();
    let source = snapshot(Side::Source, folder.path(), source).await;
    let target = snapshot(Side::Target, folder.path(), target).await;
    let fields = fields();
    let modes = ["tag", "site", "device", "interface"].map(|model| (model, ModelMode::Sync)).into();
    let policy = Policy { deletes: Deletes::Apply, only_own: false, ..Policy::default() };
    let (ambiguous, passed_on) = (Ambiguities::default(), PassedOn::default());
    let ignored = crate::ignore::Ignored::default();
    let draft = PlanDraft::new(&fields, &target, &policy, folder.path()).unwrap();
    let mut draft = draft.with_background(Background {
        source: &source,
        memory: &AllOurs,
        ambiguous: &ambiguous,
        passed_on: &passed_on,
        releases,
        looks_at_owners: false,
        refusals: &|_| Ok(Vec::new()),
        ignored: &ignored,
        left_out: None,
    });
    calculate(
        &DiffInput { source: &source, target: &target, fields: &fields, modes: &modes, exact: evidence.undoes },
        &mut draft,
    )
    .unwrap();
    let side = |connector: &str| PlanSide {
        connector: connector.to_owned(),
        connection: connector.to_owned(),
        reads: BTreeMap::new(),
        notes: BTreeMap::new(),
    };
    let header = PlanHeader {
        sync: "test".to_owned(),
        definition: String::new(),
        meaning: None,
        run: None,
        source: side("a"),
        target: side("b"),
        created_at: Utc::now(),
        valid_until: Utc::now() + TimeDelta::hours(1),
        models: ["site", "device", "interface", "mac_address", "ip_address"]
            .map(|model| (model.to_owned(), ModelMode::Sync))
            .into(),
        fields: BTreeMap::new(),
        undoes: None,
        reruns: None,
        scope: None,
        drift: false,
        adopts: false,
        partial: None,
        policy: None,
        replays: None,
    };
    let path = folder.path().join("plan.json");
    draft.save(&path, &header, &source, evidence, Vec::new(), &AllOurs).unwrap();
    let plan = PlanReader::open(&path).unwrap();
    let capabilities =
        Capabilities { batch_size: 4, concurrency: 2, preconditions: false, deletes: true, staging: false };
    let mut context = ApplyContext::new(&plan, &fields, capabilities, &mut journal, Events::new(), StopSignal::new());
    let applied = fake.execute_sync(&mut context).await.unwrap();
    let outcome = |entry: &JournalEntry| {
        let outcome = &entry.written.outcome;
        let reason = outcome.reason().map(|reason| format!(": {reason}")).unwrap_or_default();
        let change = &entry.change;
        format!("{} {} {} {}{reason}", change.action, change.model, change.key, outcome.as_str())
    };
    let outcomes = journal.entries.iter().map(outcome).collect();
    let recalled = fake.recalled.into_inner().unwrap();
    Ran { batches: fake.batches.into_inner().unwrap(), outcomes, applied, recalled, journal }
}

/// Devices need their catalogue in the target; the tests leave it out of the contract.
#[tokio::test]
async fn parents_come_first_and_aggregates_are_joined_in_a_second_pass() {
    let ran = ran(Fake::default(), &Estate::of(&["a", "b"]), &Estate::default()).await;
    assert_eq!(
        ran.batches,
        [
            "create site: atl",
            "create device: atl / a, atl / b",
            "create interface: atl / a / Eth1, atl / a / Po1, atl / b / Eth1, atl / b / Po1",
            "create interface again: atl / a / Eth1, atl / b / Eth1",
        ]
    );
    assert_eq!(ran.applied.total(), OutcomeCounts { applied: 7, ..OutcomeCounts::default() });
}

#[tokio::test]
async fn children_go_first() {
    let ran =
        ran(Fake::default(), &Estate { sites: Estate::of(&[]).sites, ..Estate::default() }, &Estate::of(&["a"])).await;
    assert_eq!(ran.batches, ["delete interface: atl / a / Eth1, atl / a / Po1", "delete device: atl / a"]);
}

#[tokio::test]
async fn a_bad_record_stands_alone_and_what_needs_it_says_so() {
    let mut source = Estate::of(&["a", "b", "c", "d"]);
    source.devices[2].serial = Some(text("BAD"));
    let ran = ran(Fake { refuses: "BAD", ..Fake::default() }, &source, &Estate::default()).await;
    let bad: Vec<_> = ran.outcomes.iter().filter(|outcome| !outcome.ends_with(" applied")).collect();
    assert_eq!(
        bad,
        [
            "create device atl / c failed: not a valid value",
            "create interface atl / c / Eth1 skipped: waiting on device `atl / c` (device), which is failed",
            "create interface atl / c / Po1 skipped: waiting on device `atl / c` (device), which is failed",
        ]
    );
    // Taken apart in halves: four, two and two, one and one.
    let devices: Vec<_> = ran.batches.iter().filter(|batch| batch.starts_with("create device")).collect();
    assert_eq!(devices.len(), 5, "{devices:?}");
}

#[tokio::test]
async fn a_batch_that_the_target_cannot_take_now_is_tried_again() {
    let fake = Fake { busy: Mutex::new(2), ..Fake::default() };
    let ran = ran(fake, &Estate::of(&[]), &Estate::default()).await;
    assert_eq!(ran.batches, ["create site: atl"; 3]);
    assert_eq!(ran.applied.total().applied, 1);
}

#[tokio::test]
async fn a_lost_answer_is_settled_by_reading_again_and_nothing_is_written_twice() {
    let fake = Fake { loses: Mutex::new(1), ..Fake::default() };
    let ran = ran(fake, &Estate::of(&[]), &Estate::default()).await;
    assert_eq!(ran.batches, ["create site: atl"]);
    assert_eq!(ran.applied.total().applied, 1);
}

/// Of a batch whose answer was lost, what was written stays and only the rest is written again.
#[tokio::test]
async fn a_batch_that_was_half_written_is_completed() {
    let kept = Mutex::new(BTreeSet::from(["deviceatl / b".to_owned()]));
    let fake = Fake { loses_first: Mutex::new(1), kept, ..Fake::default() };
    let mut source = Estate::of(&["a", "b", "c"]);
    source.interfaces.clear();
    let ran = ran(fake, &source, &Estate { sites: source.sites.clone(), ..Estate::default() }).await;
    assert_eq!(ran.batches, ["create device: atl / a, atl / b, atl / c", "create device: atl / a, atl / c"]);
    let expected = ["create device atl / a applied", "create device atl / b applied", "create device atl / c applied"];
    assert_eq!(ran.outcomes, expected);
}

/// What the target found to be there already counts as that, also when its second pass is refused.
#[tokio::test]
async fn a_second_pass_after_an_adoption_is_counted_once() {
    let fake = Fake { adopts: true, refuses_again: true, ..Fake::default() };
    let ran = ran(fake, &Estate::of(&["a"]), &Estate::default()).await;
    let total = ran.applied.total();
    assert_eq!((total.unchanged, total.failed, total.total()), (3, 1, 4));
    let failed = "create interface atl / a / Eth1 failed: not an aggregate";
    assert!(ran.outcomes.iter().any(|outcome| outcome == failed), "{:?}", ran.outcomes);
}

#[tokio::test]
async fn when_the_target_goes_away_the_rest_is_skipped_and_nothing_is_lost() {
    let fake = Fake { dies_after: Some(1), ..Fake::default() };
    let ran = ran(fake, &Estate::of(&["a"]), &Estate::default()).await;
    assert_eq!(
        ran.outcomes,
        [
            "create site atl applied",
            "create device atl / a failed: the target went away",
            "create interface atl / a / Eth1 skipped: the run ended before it: the target went away",
            "create interface atl / a / Po1 skipped: the run ended before it: the target went away",
        ]
    );
    assert!(ran.applied.interrupted.is_some());
}

#[tokio::test]
async fn a_second_run_writes_nothing() {
    let estate = Estate::of(&["a", "b"]);
    let ran = ran(Fake::default(), &estate, &estate).await;
    assert!(ran.batches.is_empty() && ran.outcomes.is_empty());
}

#[tokio::test]
async fn a_parent_stays_while_a_child_could_not_be_deleted() {
    let mut target = Estate::of(&["a"]);
    target.interfaces[0].description = Some(text("STAYS"));
    let source = Estate { sites: Estate::of(&[]).sites, ..Estate::default() };
    let ran = ran(Fake { refuses: "STAYS", ..Fake::default() }, &source, &target).await;
    let last = ran.outcomes.last().unwrap();
    let expected = "delete device atl / a skipped: still referred to by interface `atl / a / Eth1`, whose change did not go through";
    assert_eq!(last, expected);
}

/// One device gives up its tags, another one gives up its own. The target refuses the first: it would take the tags from it that go.
#[tokio::test]
async fn a_tag_stays_while_a_device_could_not_be_changed_that_carries_it() {
    let tag = |slug: &str| Tag { slug: slug.parse().unwrap(), name: text(slug), color: None };
    let mut target = Estate { interfaces: Vec::new(), ..Estate::of(&["a", "b", "c"]) };
    target.tags = ["edge", "old", "other"].map(tag).into();
    target.devices[0].tags = ["edge", "old"].map(|slug| tag(slug).key()).into();
    target.devices[1].tags = [tag("other").key()].into();
    let mut source = Estate { tags: Vec::new(), ..target.clone() };
    source.devices.pop();
    source.devices.iter_mut().for_each(|device| device.tags = BTreeSet::new());
    source.devices[0].serial = Some(text("BAD"));
    let (evidence, journal) = (Evidence { undoes: true, ..Evidence::default() }, MemoryJournal::default());
    let ran = ran_judged(&evidence, &[], journal, Fake { refuses: "BAD", ..Fake::default() }, &source, &target).await;
    let tags: Vec<_> = ran.outcomes.iter().filter(|outcome| outcome.starts_with("delete tag")).collect();
    let stays = "skipped: still referred to by device `atl / a`, whose change did not go through";
    assert_eq!(
        tags,
        [
            &format!("delete tag edge {stays}"),
            &format!("delete tag old {stays}"),
            &"delete tag other applied".to_owned()
        ]
    );
}

/// A device does not belong to its site.
#[tokio::test]
async fn a_site_that_is_kept_keeps_none_of_its_devices() {
    let stays = [(Site::key_of(&"atl".parse().unwrap()).to_any(), "kept by kim".to_owned())].into();
    let journal = MemoryJournal { stays, ..MemoryJournal::default() };
    let ran = ran_with(journal, Fake::default(), &Estate::default(), &Estate::of(&["a"])).await;
    assert_eq!(ran.batches, ["delete interface: atl / a / Eth1, atl / a / Po1", "delete device: atl / a"]);
    assert_eq!(ran.outcomes.last().unwrap(), "delete site atl held: kept by kim");
}

/// A person kept the device after the plan was made: what belongs to it stays with it, and the rest goes.
#[tokio::test]
async fn what_belongs_to_a_record_that_is_kept_stays_with_it() {
    let source = Estate { sites: Estate::of(&[]).sites, ..Estate::default() };
    let target = Estate::of(&["a", "b"]);
    let key = Device::key_of(&Site::key_of(&"atl".parse().unwrap()), &text("a")).to_any();
    let stays = std::collections::HashMap::from([(key, "kept by kim: it moves".to_owned())]);
    let ran = ran_with(MemoryJournal { stays, ..MemoryJournal::default() }, Fake::default(), &source, &target).await;
    assert_eq!(ran.batches, ["delete interface: atl / b / Eth1, atl / b / Po1", "delete device: atl / b"]);
    let held: Vec<_> = ran.outcomes.iter().filter(|outcome| outcome.contains(" held: ")).collect();
    assert_eq!(
        held,
        [
            "delete interface atl / a / Eth1 held: its device `atl / a` stays: kept by kim: it moves",
            "delete interface atl / a / Po1 held: its device `atl / a` stays: kept by kim: it moves",
            "delete device atl / a held: kept by kim: it moves",
        ]
    );
}

/// A member of an aggregate keeps that one's description as it is.
const MEMBERS: &[Release] =
    &[Release { model: "interface", field: "lag", holds: &["description"], holds_delete: false }];

/// `Eth1` goes from `Po1`, which gets a description, to `Po2`, and is described too.
fn member_moves() -> (Estate, Estate) {
    let mut target = Estate::of(&["a"]);
    let second = Interface { name: text("Po2"), ..target.interfaces[1].clone() };
    target.interfaces.push(second);
    let mut source = target.clone();
    let device = Device::key_of(&Site::key_of(&"atl".parse().unwrap()), &text("a"));
    source.interfaces[0].lag = Some(Interface::key_of(&device, &text("Po2")));
    source.interfaces[0].description = Some(text("moved"));
    source.interfaces[1].description = Some(text("left"));
    (source, target)
}

/// The same record twice in one list is written once, and nobody can say how: what releases a record goes first, and alone.
#[tokio::test]
async fn what_follows_a_release_waits_for_it() {
    let (source, target) = member_moves();
    let ran = ran_releasing(MEMBERS, MemoryJournal::default(), Fake::default(), &source, &target).await;
    assert_eq!(
        ran.batches,
        [
            "update interface: atl / a / Eth1",
            "update interface: atl / a / Eth1, atl / a / Po1",
            "update interface again: atl / a / Eth1",
        ]
    );
    assert_eq!(ran.applied.total(), OutcomeCounts { applied: 3, ..OutcomeCounts::default() });
}

/// What nothing came of says so: a release that is refused leaves the record as it was, in all its fields.
#[tokio::test]
async fn what_was_not_released_is_not_written() {
    let (source, target) = member_moves();
    let fake = Fake { refuses: r#""Po1"]null"#, ..Fake::default() };
    let ran = ran_releasing(MEMBERS, MemoryJournal::default(), fake, &source, &target).await;
    assert_eq!(
        ran.outcomes,
        [
            "update interface atl / a / Eth1 failed: not a valid value",
            "update interface atl / a / Eth1 skipped: what should have released it first is failed",
            "update interface atl / a / Po1 applied",
        ]
    );
    assert_eq!(ran.batches, ["update interface: atl / a / Eth1", "update interface: atl / a / Po1"]);
}

/// What a record was is kept before its delete is sent: a run that is killed then still has it.
#[tokio::test]
async fn what_deleted_records_were_outlives_a_killed_run() {
    let source = Estate { sites: Estate::of(&[]).sites, ..Estate::default() };
    let target = Estate::of(&["a"]);
    let first = ran(Fake::default(), &source, &target).await;
    let noted = first.journal.batches[0].clone();
    assert_eq!(noted.images.values().collect::<Vec<_>>(), ["what atl / a / Eth1 was", "what atl / a / Po1 was"]);

    // The batch was sent and carried out, and its runner killed.
    let journal = MemoryJournal { batches: vec![EarlierBatch { settled: false, ..noted }], ..MemoryJournal::default() };
    let kept = Mutex::new(["Eth1", "Po1"].map(|name| format!("interfaceatl / a / {name}")).into());
    let second = ran_with(journal, Fake { kept, ..Fake::default() }, &source, &target).await;
    assert_eq!(second.batches, ["delete device: atl / a"]);
    let images: Vec<_> = second.journal.entries.iter().map(|entry| entry.written.image.clone().unwrap()).collect();
    // The fake says nothing with the outcome of the device, so that is the one asked for ahead as well.
    assert_eq!(images, ["what atl / a / Eth1 was", "what atl / a / Po1 was", "what atl / a was"]);
}

/// A writer goes by what it created; one that goes on with a run is told of it before anything else.
#[tokio::test]
async fn a_writer_is_told_what_earlier_attempts_created() {
    let source = Estate::of(&["a"]);
    let mut journal = ran(Fake::default(), &source, &Estate::default()).await.journal;
    journal.entries.truncate(2);
    journal.batches.truncate(2);
    let second = ran_with(journal, Fake::default(), &source, &Estate::default()).await;
    let [site, device] = &second.recalled[..] else { panic!("{:?}", second.recalled) };
    assert!(site.starts_with("site atl is ") && device.starts_with("device atl / a is "), "{site}, {device}");
    assert_eq!(second.batches[0], "create interface: atl / a / Eth1, atl / a / Po1");
    assert!(ran(Fake::default(), &source, &Estate::default()).await.recalled.is_empty());
}
