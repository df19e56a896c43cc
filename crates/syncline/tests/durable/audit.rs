//! What must be true when a run is over, whatever happened on its way: held against the plan, the history and NetBox's own
//! change log, which know nothing of each other.

use std::collections::BTreeMap;

use serde_json::Value;
use syncline_core::change::{Action, Change, HoldRule};
use syncline_core::event::Events;
use syncline_core::history::{ChangeFilter, OutcomeCounts, OutcomeKind, Run, RunStatus, StoredChange};
use syncline_core::run::{RunRequest, Runner, SyncDefinition};
use syncline_testkit::netbox::{self, ChangeRecord, Kind, NetBoxSim};
use tokio_util::sync::CancellationToken;

/// Fails with everything that is wrong.
#[derive(Default)]
pub struct Problems(Vec<String>);

impl Problems {
    /// Adds one.
    pub fn add(&mut self, problem: impl Into<String>) {
        self.0.push(problem.into());
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Fails unless there is none.
    #[track_caller]
    pub fn none(self, when: &str) {
        let shown: Vec<_> = self.0.iter().take(40).map(|problem| format!("- {problem}")).collect();
        assert!(self.0.is_empty(), "{when}: {} problems\n{}", self.0.len(), shown.join("\n"));
    }
}

/// The target agrees with the source: a dry run finds nothing to do. What it holds back are shared records, which are never
/// deleted because a source stopped mentioning them.
pub async fn agreement(runner: &Runner, sync: &SyncDefinition, problems: &mut Problems) {
    let report = runner.run(sync, RunRequest::dry(), &Events::new(), &CancellationToken::new()).await.unwrap();
    if report.status != RunStatus::Completed {
        problems.add(format!("the dry run ended as `{}`: {:?}", report.status, report.error));
    }
    for model in &report.summary.models {
        let name = &model.model;
        if model.to_apply() > 0 || model.found.create > 0 || model.found.update > 0 || model.found.ambiguous > 0 {
            problems.add(format!("target and source differ in {name}: {:?}", model.found));
        }
        for (rule, held) in model.held.iter().filter(|(rule, _)| *rule != "shared") {
            problems.add(format!("{held} changes of {name} are held: {rule}"));
        }
    }
}

/// What a run did not do, and why: for whoever reads the problems.
pub async fn what_was_left(runner: &Runner, run: &Run, problems: &mut Problems) {
    let page = runner.history().changes(run.id, &ChangeFilter::default(), None, 100_000).await.unwrap();
    let left = page.items.into_iter().filter(|change| change.outcome != OutcomeKind::Applied);
    for change in left.filter(|change| change.rule != Some(HoldRule::Shared)).take(20) {
        let (action, outcome, reason) = (change.action, change.outcome, change.reason.unwrap_or_default());
        let text = format!("run {}: {action:?} {} {}: {outcome:?}: {reason}", run.id, change.model, change.key);
        problems.add(text);
    }
    problems.add(format!("run {} ended as {}: {:?}", run.id, run.status, run.error));
}

/// NetBox has nothing twice, by the keys that people know things by. NetBox itself would take some of them twice.
pub fn nothing_twice(netbox: &NetBoxSim, problems: &mut Problems) {
    let lower = |value: &Value| Value::from(value.as_str().unwrap_or_default().to_lowercase());
    for kind in Kind::ALL {
        let mut seen: BTreeMap<String, Value> = BTreeMap::new();
        for object in netbox.objects(kind) {
            let id = |field: &str| object[field]["id"].clone();
            let plain = |field: &str| object[field].clone();
            let key = match kind {
                Kind::Site
                | Kind::Manufacturer
                | Kind::DeviceRole
                | Kind::Platform
                | Kind::Tag
                | Kind::TenantGroup
                | Kind::Tenant
                | Kind::ClusterType
                | Kind::ClusterGroup => vec![plain("slug")],
                Kind::DeviceType => vec![id("manufacturer"), lower(&object["model"])],
                Kind::Device => vec![id("site"), lower(&object["name"])],
                Kind::VirtualChassis | Kind::Vrf => vec![plain("name")],
                Kind::Interface => vec![id("device"), plain("name")],
                Kind::MacAddress => vec![plain("mac_address"), plain("assigned_object_id")],
                Kind::Vlan => vec![id("site"), id("group"), plain("vid")],
                Kind::Prefix => vec![id("vrf"), plain("prefix")],
                Kind::IpAddress => {
                    let host = object["address"].as_str().and_then(|address| address.split('/').next());
                    vec![id("vrf"), Value::from(host.unwrap_or_default())]
                }
                Kind::Cluster => vec![plain("scope_id"), id("group"), plain("name")],
                Kind::VirtualMachine => vec![id("site"), id("cluster"), lower(&object["name"])],
                Kind::VmInterface => vec![id("virtual_machine"), plain("name")],
                Kind::Region | Kind::SiteGroup | Kind::CustomField | Kind::Role | Kind::VlanGroup => continue,
            };
            let key = Value::from(key).to_string();
            if let Some(other) = seen.insert(key.clone(), object["id"].clone()) {
                problems.add(format!("{kind:?} {key} is there twice: ids {other} and {}", object["id"]));
            }
        }
    }
}

/// The history of a run is complete, and says what NetBox's change log says: nothing was lost, nothing written twice.
pub async fn run(runner: &Runner, run: &Run, log: &[ChangeRecord], problems: &mut Problems) {
    let id = run.id;
    if !run.status.is_final() {
        problems.add(format!("run {id} is `{}`", run.status));
        return;
    }
    if run.status != RunStatus::Completed {
        problems.add(format!("run {id} ended as `{}`: {:?}", run.status, run.error));
        return;
    }
    let history = runner.history();
    for batch in history.batches(id).await.unwrap() {
        problems.add(format!("run {id} is over, and has a batch: {batch:?}"));
    }
    let rows = history.changes(id, &ChangeFilter::default(), None, 1_000_000).await.unwrap().items;
    let planned: Vec<Change> = runner.plan_of(run).await.unwrap().changes().unwrap().map(Result::unwrap).collect();
    outcomes(run, &planned, &rows, problems);
    counters(run, &rows, &history.change_counts(id).await.unwrap(), problems);
    if !run.dry {
        written(run, &rows, log, problems);
    }
}

/// Every change of the plan has one outcome.
fn outcomes(run: &Run, planned: &[Change], rows: &[StoredChange], problems: &mut Problems) {
    let mut kept: BTreeMap<(&str, &str), u32> = BTreeMap::new();
    for row in rows {
        *kept.entry((&row.model, &row.change_id)).or_default() += 1;
    }
    for change in planned {
        match kept.remove(&(&change.model, &change.id)) {
            Some(1) => {}
            times => {
                let (action, times) = (change.action.as_str(), times.unwrap_or_default());
                let text = format!("{action} of {} {} has {times} outcomes", change.model, change.key);
                problems.add(format!("run {}: {text}", run.id));
            }
        }
    }
    for ((model, change), _) in kept {
        problems.add(format!("run {}: the plan has no change {change} of {model}", run.id));
    }
    let expected = |row: &&StoredChange| match (run.dry, row.outcome) {
        (true, OutcomeKind::Planned) | (false, OutcomeKind::Applied) => false,
        (_, outcome) => outcome != OutcomeKind::Held,
    };
    for row in rows.iter().filter(expected) {
        let StoredChange { model, key, action, outcome, reason, .. } = row;
        let action = action.as_str();
        problems.add(format!("run {}: {action} of {model} {key} is {outcome:?}: {reason:?}", run.id));
    }
}

/// The counters are what the rows add up to.
fn counters(run: &Run, rows: &[StoredChange], counts: &[syncline_core::history::ChangeCount], problems: &mut Problems) {
    let mut sum = OutcomeCounts::default();
    let mut by_kind: BTreeMap<_, u64> = BTreeMap::new();
    for row in rows {
        sum.add(row.outcome, 1);
        *by_kind.entry((row.model.clone(), row.action.as_str(), row.outcome)).or_default() += 1;
    }
    if run.counts.outcomes != sum {
        problems.add(format!("run {} counts {:?}, and its changes are {sum:?}", run.id, run.counts.outcomes));
    }
    let counted: BTreeMap<_, u64> =
        counts.iter().map(|count| ((count.model.clone(), count.action.as_str(), count.outcome), count.count)).collect();
    if counted != by_kind {
        problems.add(format!("run {} counts {counted:?}, and its changes are {by_kind:?}", run.id));
    }
}

/// How often NetBox logged each action on an object.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Logged {
    create: u32,
    update: u32,
    delete: u32,
}

/// Whatever the history calls applied is in the change log once, and the change log has nothing else of the run.
fn written(run: &Run, rows: &[StoredChange], log: &[ChangeRecord], problems: &mut Problems) {
    let message = message(run);
    let mut logged: BTreeMap<(Kind, u64), Logged> = BTreeMap::new();
    for record in log.iter().filter(|record| record.message == message) {
        let counts = logged.entry((record.kind, record.object_id)).or_default();
        match record.action {
            netbox::Action::Create => counts.create += 1,
            netbox::Action::Update => counts.update += 1,
            netbox::Action::Delete => counts.delete += 1,
        }
    }
    // A record can have two changes: it is released from what refers to it, and deleted.
    let mut expected: BTreeMap<(Kind, u64), (Logged, Vec<String>)> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.outcome == OutcomeKind::Applied) {
        let what = format!("{} of {} {}", row.action.as_str(), row.model, row.key);
        let id = row.native_id.as_ref().and_then(|id| id.parse().ok());
        let (Some(kind), Some(id)) = (kind_of(&row.model), id) else {
            problems.add(format!("run {}: {what} has no id: {:?}", run.id, row.native_id));
            continue;
        };
        let passes = |deferred: bool| {
            // A create leaves out what is null.
            let said = |field: &&syncline_core::change::FieldChange| {
                field.deferred == deferred && (row.action == Action::Update || !field.after.is_null())
            };
            u32::from(row.fields.iter().any(|field| said(&field)))
        };
        let (counts, changes) = expected.entry((kind, id)).or_default();
        match row.action {
            Action::Create => {
                counts.create += 1;
                counts.update += passes(true);
            }
            Action::Update => counts.update += passes(false) + passes(true),
            Action::Delete => counts.delete += 1,
        }
        changes.push(what);
    }
    for ((kind, id), (counts, changes)) in expected {
        let found = logged.remove(&(kind, id)).unwrap_or_default();
        if found != counts {
            let changes = changes.join(", ");
            let text = format!("{changes} should be in NetBox's change log as {counts:?}, and is as {found:?}");
            problems.add(format!("run {}: {text}", run.id));
        }
    }
    for ((kind, id), counts) in logged {
        problems.add(format!("run {}: NetBox logged {counts:?} of {kind:?} {id}, which no change says", run.id));
    }
}

/// What NetBox's change log says of the changes of a run.
pub fn message(run: &Run) -> String {
    format!("Syncline {} run {}", run.sync, run.id)
}

fn kind_of(model: &str) -> Option<Kind> {
    Some(match model {
        "site" => Kind::Site,
        "manufacturer" => Kind::Manufacturer,
        "device_type" => Kind::DeviceType,
        "device_role" => Kind::DeviceRole,
        "platform" => Kind::Platform,
        "device" => Kind::Device,
        "virtual_chassis" => Kind::VirtualChassis,
        "interface" => Kind::Interface,
        "mac_address" => Kind::MacAddress,
        "vlan" => Kind::Vlan,
        "vrf" => Kind::Vrf,
        "prefix" => Kind::Prefix,
        "ip_address" => Kind::IpAddress,
        "tag" => Kind::Tag,
        _ => return None,
    })
}
