//! Names that are given up and passed on.

use std::sync::Mutex;

use async_trait::async_trait;
use proptest::prelude::*;
use syncline_model::VlanId;
use syncline_model::models::{Vlan, VlanStatus};

use super::*;
use crate::apply::{ApplyContext, MemoryJournal};
use crate::bindings::Bindings;
use crate::stop::StopSignal;
use crate::target::{Batch, BatchError, Capabilities, TargetWriter, Written};
use crate::{Error, ErrorKind};

/// VLANs by id: number and name.
type Numbered = BTreeMap<u32, (u64, u8)>;

/// VLANs as a source and a target have them.
fn vlans(side: Side, folder: &Path, records: &Numbered) -> Snapshot {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let fields = ModelFields::new().all::<Vlan>();
        let sink = SnapshotSink::create(side, folder, fields, Events::new()).unwrap();
        let mut vlans = sink.open::<Vlan>().unwrap();
        for (id, (vid, name)) in records {
            let vlan = Vlan {
                site: None,
                vid: VlanId::new(*vid).unwrap(),
                name: text(&format!("v{name}")),
                status: VlanStatus::Active,
            };
            vlans.push(&vlan, Some(&Native::new(id))).await.unwrap();
        }
        vlans.complete().await.unwrap();
        sink.finish().unwrap()
    })
}

/// Plans from VLANs to VLANs, applies the plan, and tells what it did.
fn run_vlans(source: &Numbered, target: &mut Numbered, ledger: &mut Ledger) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let wanted = vlans(Side::Source, folder.path(), source);
    let found = vlans(Side::Target, folder.path(), target);
    let fields = ModelFields::new().all::<Vlan>();
    let plan = plan(folder.path(), &fields, &wanted, found, &Policy::default(), ledger);
    let links = ledger.links.entry("vlan".to_owned()).or_default();
    links.extend(plan.aligned.links.into_values().flatten());
    let mut done = Vec::new();
    for change in plan.changes.iter().filter(|change| change.hold.is_none()) {
        let id = match &change.native {
            Some(native) => native.id.parse().unwrap(),
            None => target.keys().max().copied().unwrap_or(100) + 1,
        };
        if let Some(source_id) = &change.source_id {
            links.insert(source_id.clone(), id.to_string().into());
        }
        let record = target.entry(id).or_default();
        for field in &change.fields {
            match field.name.as_str() {
                "vid" => record.0 = field.after.as_u64().unwrap(),
                "name" => record.1 = field.after.as_str().unwrap()[1..].parse().unwrap(),
                _ => {}
            }
        }
        done.push(format!("{} {} {id}", change.action, change.key));
        // As a system would see it that takes one change after the other.
        let mut numbers = HashSet::new();
        for (vid, _) in target.values() {
            assert!(numbers.insert(*vid), "two objects with the number {vid} after {}", done.join(", "));
        }
    }
    done
}

/// Plans from VLANs by number and name, each known by its id in the source, to others that earlier runs bound to the same ids.
fn renumbered(source: &[(u32, (u64, u8))], target: &[(u32, (u64, u8))], policy: &Policy) -> String {
    let folder = tempfile::tempdir().unwrap();
    let side = |records: &[(u32, (u64, u8))]| records.iter().copied().collect::<Numbered>();
    let wanted = vlans(Side::Source, folder.path(), &side(source));
    let found = vlans(Side::Target, folder.path(), &side(target));
    let plan = plan(folder.path(), &ModelFields::new().all::<Vlan>(), &wanted, found, policy, &bound());
    let line = |change: &Change| {
        let after = change.waits_for.as_ref().map(|holder| format!(" after {holder}")).unwrap_or_default();
        let hold = change.hold.as_ref().map(|hold| format!(" {}: {}", hold.rule.as_str(), hold.reason));
        format!("{} {}{after}{}", change.action, change.key, hold.unwrap_or_default())
    };
    plan.changes.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// A target that has no number twice, and that refuses what a person forbids.
struct Unique {
    kept: Mutex<Numbered>,
    batches: Mutex<Vec<String>>,
    forbids: Option<u64>,
}

#[async_trait]
impl TargetWriter for Unique {
    fn lane(&self, change: &Change) -> Option<String> {
        Some(change.key.to_string())
    }

    async fn write(&self, batch: &Batch<'_>, _: &Bindings) -> Result<Vec<Written>, BatchError> {
        // Whoever is sent at the same time has the same chance to be first.
        tokio::task::yield_now().await;
        let mut kept = self.kept.lock().unwrap();
        let mut written = Vec::new();
        for change in &batch.changes {
            self.batches.lock().unwrap().push(format!("{} {}", change.action, change.key));
            let vid = change.after("vid").and_then(Value::as_u64);
            if vid.is_some_and(|vid| self.forbids == Some(vid) || kept.values().any(|(other, _)| *other == vid)) {
                let error = Error::new(ErrorKind::Refused, format!("{} is taken", change.key));
                return Err(BatchError::Refused { field: Some("vid".to_owned()), error });
            }
            let new = kept.keys().max().copied().unwrap_or_default() + 1;
            let id = change.native.as_ref().map_or(new, |native| native.id.parse().unwrap());
            let record = kept.entry(id).or_default();
            record.0 = vid.unwrap_or(record.0);
            written.push(Written::applied(Native::new(id), None));
        }
        Ok(written)
    }

    async fn settle(&self, _: &Batch<'_>, _: &Bindings) -> Result<Vec<Option<Written>>> {
        Err(Error::new(ErrorKind::Internal, "no answer of this target is lost"))
    }
}

/// Applies the way from some VLANs to others, all side by side as far as that goes; what became of what, and what there is then.
fn applied(source: &[(u32, (u64, u8))], target: &[(u32, (u64, u8))], forbids: Option<u64>) -> (String, Vec<u64>) {
    let folder = tempfile::tempdir().unwrap();
    let side = |records: &[(u32, (u64, u8))]| records.iter().copied().collect::<Numbered>();
    let wanted = vlans(Side::Source, folder.path(), &side(source));
    let found = vlans(Side::Target, folder.path(), &side(target));
    let fields = ModelFields::new().all::<Vlan>();
    plan(folder.path(), &fields, &wanted, found, &Policy::default(), &bound());
    let plan = PlanReader::open(&folder.path().join("plan.json")).unwrap();
    let writer = Unique { kept: Mutex::new(side(target)), batches: Mutex::default(), forbids };
    let mut journal = MemoryJournal::default();
    let capabilities =
        Capabilities { batch_size: 1, concurrency: 8, preconditions: false, deletes: false, staging: false };
    let mut context = ApplyContext::new(&plan, &fields, capabilities, &mut journal, Events::new(), StopSignal::new());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(writer.execute_sync(&mut context)).unwrap();
    let outcome = |entry: &crate::apply::JournalEntry| {
        let outcome = &entry.written.outcome;
        let reason = outcome.reason().map(|reason| format!(": {reason}")).unwrap_or_default();
        format!("{} {} {}{reason}", entry.change.action, entry.change.key, outcome.as_str())
    };
    let outcomes: Vec<_> = journal.entries.iter().map(outcome).collect();
    let numbers = writer.kept.into_inner().unwrap().into_values().map(|(vid, _)| vid).collect();
    (outcomes.join("\n"), numbers)
}

/// What earlier runs bound: the same ids on both sides.
fn bound() -> Ledger {
    let links = (1..20_u32).map(|id| (id.to_string().into(), id.to_string().into())).collect();
    Ledger { links: [("vlan".to_owned(), links)].into(), ..Ledger::default() }
}

/// However much is sent at once, a name is not given to one before the other has lost it.
#[test]
fn a_name_is_taken_when_it_is_free() {
    let target = [(1, (5, 1)), (2, (6, 2)), (3, (7, 3))];
    let source = [(1, (6, 1)), (2, (7, 2)), (3, (9, 3)), (4, (5, 0)), (5, (8, 0))];
    let (outcomes, numbers) = applied(&source, &target, None);
    insta::assert_snapshot!(outcomes, @r#"
update - / 9 applied
create - / 8 applied
update - / 7 applied
update - / 6 applied
create - / 5 applied
"#);
    assert_eq!(numbers, [6, 7, 9, 8, 5]);
    let (outcomes, numbers) = applied(&source, &target, Some(7));
    insta::assert_snapshot!(outcomes, @r#"
update - / 9 applied
create - / 8 applied
update - / 7 failed: - / 7 is taken
update - / 6 skipped: waiting on VLAN `- / 7`, which has its name in the target, and whose change is failed
create - / 5 skipped: waiting on VLAN `- / 6`, which has its name in the target, and whose change is skipped
"#);
    assert_eq!(numbers, [5, 6, 9, 8]);
}

/// Who has a name loses it first, and then another one gets it, however long the chain.
#[test]
fn names_are_passed_on_in_order() {
    let target = [(1, (5, 1)), (2, (6, 2)), (3, (7, 3))];
    let source = [(1, (6, 1)), (2, (7, 2)), (3, (9, 3)), (4, (5, 0)), (5, (8, 0))];
    insta::assert_snapshot!(renumbered(&source, &target, &Policy::default()), @r#"
create - / 8
update - / 9
update - / 7 after - / 9
update - / 6 after - / 7
create - / 5 after - / 6
"#);
}

/// Whoever approves that a record gets a name approves that others lose it, and nobody gets one that is not given up.
#[test]
fn a_name_is_approved_with_its_way() {
    let folder = tempfile::tempdir().unwrap();
    let side = |records: &[(u32, (u64, u8))]| records.iter().copied().collect::<Numbered>();
    let wanted = vlans(Side::Source, folder.path(), &side(&[(1, (6, 1)), (2, (7, 2)), (4, (5, 0)), (5, (8, 0))]));
    let found = vlans(Side::Target, folder.path(), &side(&[(1, (5, 1)), (2, (6, 2))]));
    plan(folder.path(), &ModelFields::new().all::<Vlan>(), &wanted, found, &Policy::default(), &bound());
    let reader = PlanReader::open(&folder.path().join("plan.json")).unwrap();
    let named: Vec<_> = reader.changes().unwrap().map(|change| change.unwrap().key.to_string()).collect();
    assert_eq!(named, ["- / 8", "- / 7", "- / 6", "- / 5"]);
    let selected = |selection: Selection| selection.of(&reader).unwrap().iter().collect::<Vec<_>>();
    let vlan = |vid: u32| vec![format!("vlan:[null,{vid}]").parse().unwrap()];
    assert_eq!(selected(Selection::Only(vlan(5))), [2, 3, 4]);
    assert_eq!(selected(Selection::Only(vlan(7))), [2]);
    assert_eq!(selected(Selection::Except(vlan(7))), [1]);
}

/// Where the one that has the name keeps it, nobody else gets it, and the reason is named.
#[test]
fn a_name_that_is_not_given_up_is_not_passed_on() {
    // A foreign VLAN has the number that the first one is to have.
    let target = [(1, (5, 1)), (2, (6, 2)), (50, (9, 0))];
    let source = [(1, (9, 1)), (2, (5, 2)), (3, (6, 0))];
    insta::assert_snapshot!(renumbered(&source, &target, &Policy::default()), @r#"
update - / 5 name_taken: in the target `- / 5` is the name of the VLAN that is `- / 9` in the source, and it keeps it: the target has 2 records with this key: ids 1, 50
create - / 6 name_taken: in the target `- / 6` is the name of the VLAN that is `- / 5` in the source, and it keeps it: the target has 2 records with this key: ids 1, 50
update - / 9 ambiguous: the target has 2 records with this key: ids 1, 50
"#);
    let policy = Policy { fields: [("vlan.vid".to_owned(), FieldRule::TargetWins)].into(), ..Policy::default() };
    insta::assert_snapshot!(renumbered(&[(1, (9, 2)), (3, (5, 0))], &[(1, (5, 1))], &policy), @r#"
create - / 5 name_taken: in the target `- / 5` is the name of the VLAN that is `- / 9` in the source, and it keeps it: the sync's policy leaves it (`policy.fields`)
update - / 9
"#);
}

/// Records that have each other's names: no step by itself is right.
#[test]
fn names_that_are_swapped_are_held() {
    let target = [(1, (5, 1)), (2, (6, 2)), (3, (7, 3))];
    let source = [(1, (6, 1)), (2, (5, 2)), (3, (7, 0))];
    insta::assert_snapshot!(renumbered(&source, &target, &Policy::default()), @r#"
update - / 7
update - / 5 name_taken: the VLANs `- / 5` and `- / 6` have each other's names in the target, which is no single step: give one of them another name there, and the next run sets them right
update - / 6 name_taken: the VLANs `- / 5` and `- / 6` have each other's names in the target, which is no single step: give one of them another name there, and the next run sets them right
"#);
    let source = [(1, (6, 1)), (2, (7, 2)), (3, (5, 3)), (4, (8, 0))];
    insta::assert_snapshot!(renumbered(&source, &target, &Policy::default()), @r#"
create - / 8
update - / 5 name_taken: the VLANs `- / 5` and `- / 6` and `- / 7` have each other's names in the target, which is no single step: give one of them another name there, and the next run sets them right
update - / 6 name_taken: the VLANs `- / 5` and `- / 6` and `- / 7` have each other's names in the target, which is no single step: give one of them another name there, and the next run sets them right
update - / 7 name_taken: the VLANs `- / 5` and `- / 6` and `- / 7` have each other's names in the target, which is no single step: give one of them another name there, and the next run sets them right
"#);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever was renamed, passed on or given to others since the last run: the run after it has nothing to do, every record of the
    /// source that was bound is still the same object, and no two objects ever have one name.
    #[test]
    fn a_rename_followed_by_a_run_is_a_no_op(
        before in proptest::collection::btree_map(1..6_u32, (1..9_u64, 0..3_u8), 0..5),
        after in proptest::collection::btree_map(1..6_u32, (1..9_u64, 0..3_u8), 0..5),
        foreign in proptest::collection::btree_map(50..53_u32, (1..9_u64, 0..3_u8), 0..2),
    ) {
        let unique = |records: BTreeMap<u32, (u64, u8)>| {
            let mut seen = HashSet::new();
            records.into_iter().filter(|(_, (vid, _))| seen.insert(*vid)).collect::<BTreeMap<_, _>>()
        };
        let (before, after) = (unique(before), unique(after));
        let (mut target, mut ledger) = (unique(foreign), Ledger::default());
        run_vlans(&before, &mut target, &mut ledger);
        prop_assert_eq!(run_vlans(&before, &mut target, &mut ledger), Vec::<String>::new());
        let bound = ledger.links.get("vlan").cloned().unwrap_or_default();
        run_vlans(&after, &mut target, &mut ledger);
        prop_assert_eq!(run_vlans(&after, &mut target, &mut ledger), Vec::<String>::new());
        for (source_id, target_id) in bound {
            let Some(wanted) = after.get(&source_id.parse().unwrap()) else { continue };
            let found = target[&target_id.parse().unwrap()];
            // Unless another object has the name that it should have: then it is held.
            let taken = target.iter().any(|(id, (vid, _))| *vid == wanted.0 && id.to_string() != *target_id);
            prop_assert!(found == *wanted || taken, "{source_id}: {found:?} is not {wanted:?}");
        }
        // Without a ledger everything is matched again, and nothing is written, unless something was held that is now plain.
        if after.values().any(|wanted| !target.values().any(|found| found == wanted)) {
            return Ok(());
        }
        let lost = run_vlans(&after, &mut target, &mut Ledger::default());
        prop_assert_eq!(lost, Vec::<String>::new());
    }
}
