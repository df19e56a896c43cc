//! Whole runs between two systems in memory.

mod adopted;
mod decided;
mod ignored;
mod later;
mod part;
mod quarantine;
mod reads;
mod replays;
mod requests;
mod staged;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use serde_json::{Value, json};
use syncline_model::models::{Site, SiteStatus};
use syncline_model::{AnyKey, Slug, Text};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::bindings::Bindings;
use crate::change::Action;
use crate::connector::{ConnectContext, ConnectorDescriptor, SideDescriptor, erased};
use crate::connector::{ConnectSource, ConnectTarget, Connector};
use crate::describe::{CheckReport, ConfigItem, DataMapping};
use crate::event::Events;
use crate::fields::ModelFields;
use crate::history::{Approval, ChangeFilter, Decision, FindingFilter, History, Retention, RunId, RunStatus};
use crate::models::ModelMode;
use crate::native::Native;
use crate::outcome::Outcome;
use crate::permit::WritePermit;
use crate::policy::{Deletes, Policy, Quarantine};
use crate::read::ReadRequest;
use crate::registry::Registry;
use crate::settings::NoSettings;
use crate::snapshot::{Rejected, Snapshot, SnapshotReader, SnapshotSink, Sorted};
use crate::source::{Absence, DataSource};
use crate::target::{Batch, BatchError, Capabilities, DataTarget, Stage, TargetWriter, Written};
use crate::{Error, ErrorKind, Result};

/// Two systems that keep sites: names by slug.
#[derive(Default, Clone)]
pub struct World {
    pub source: BTreeMap<String, String>,
    pub target: BTreeMap<String, String>,
    /// Ends the source's read like this.
    partial: Option<&'static str>,
    /// Fails the source's read like this.
    error: Option<&'static str>,
    /// The target takes what is written into a branch of its own first.
    stages: bool,
    /// The answer to the next merge gets lost.
    loses_merge: bool,
    /// It is a branch, and was merged.
    is_merged: bool,
    /// The target cannot be reached.
    pub is_down: bool,
    /// Sites that are none of the target's.
    drops: Vec<String>,
    /// Sites that the source holds and cannot give, with the reason.
    rejects: Vec<(&'static str, &'static str)>,
    /// Sites that the target refuses.
    refuses: Vec<&'static str>,
    writers_opened: u32,
    pub writes: u32,
    /// How many batches the target takes before it keeps the next one waiting for ever; `true` when it has written it by then.
    pub stalls: Option<(u32, bool)>,
    /// Ends the waiting of one batch.
    pub release: Arc<tokio::sync::Notify>,
    /// Told when a batch is kept waiting.
    pub stalled: Arc<tokio::sync::Notify>,
    pub batches: u32,
    /// The target's statuses by slug, where they are not `active`. Both sides speak of them if there are any.
    statuses: Option<BTreeMap<String, SiteStatus>>,
    /// What the target itself gives to absent sites.
    mark: Vec<(&'static str, Value)>,
    /// Why the source does not give a site, where it says so; an error if it cannot tell.
    absences: BTreeMap<String, std::result::Result<Absence, &'static str>>,
}

/// The worlds of all tests, by name.
static WORLDS: Mutex<BTreeMap<String, World>> = Mutex::new(BTreeMap::new());

pub fn with<T>(world: &str, work: impl FnOnce(&mut World) -> T) -> T {
    work(WORLDS.lock().unwrap().entry(world.to_owned()).or_default())
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Connection {
    world: String,
}

struct Fake;
struct FakeSide(String);

impl Connector for Fake {
    const ID: &'static str = "fake";
    const LABEL: &'static str = "Fake";
    const DESCRIPTION: &'static str = "Two systems in memory.";
    type Connection = Connection;
}

#[async_trait]
impl ConnectSource for Fake {
    type Parameters = NoSettings;
    type Source = FakeSide;

    fn source_mappings(_: &NoSettings) -> Vec<DataMapping> {
        Vec::new()
    }

    async fn connect_source(connection: Connection, _: NoSettings, _: ConnectContext) -> Result<FakeSide> {
        Ok(FakeSide(connection.world))
    }
}

#[async_trait]
impl ConnectTarget for Fake {
    type Parameters = NoSettings;
    type Target = FakeSide;

    fn target_mappings(_: &NoSettings) -> Vec<DataMapping> {
        Vec::new()
    }

    fn target_capabilities(connection: &Connection, _: &NoSettings) -> Capabilities {
        let staging = with(&connection.world, |world| world.stages);
        Capabilities { batch_size: 10, concurrency: 1, preconditions: false, deletes: true, staging }
    }

    async fn connect_target(connection: Connection, _: NoSettings, _: ConnectContext) -> Result<FakeSide> {
        ensure_up(&connection.world)?;
        Ok(FakeSide(connection.world))
    }
}

fn ensure_up(world: &str) -> Result<()> {
    let is_down = with(world, |world| world.is_down);
    if is_down { Err(Error::new(ErrorKind::Unreachable, "cannot reach `copy.example`")) } else { Ok(()) }
}

fn slug_of(key: &AnyKey) -> String {
    key.parts()[0].as_str().unwrap().to_owned()
}

fn site(slug: &str, name: &str) -> Site {
    let slug: Slug = slug.parse().unwrap();
    Site { slug, name: Text::new(name).unwrap(), status: SiteStatus::Active, physical_address: None }
}

#[async_trait]
impl DataSource for FakeSide {
    fn knows(&self) -> ModelFields {
        if with(&self.0, |world| world.statuses.is_some()) {
            return ModelFields::new().only::<Site>(&["name", "status"]).initial::<Site>(&["status"]);
        }
        ModelFields::new().only::<Site>(&["name"])
    }

    async fn explain_absence(&self, _: &str, keys: &[AnyKey]) -> Result<Vec<Absence>> {
        let absences = with(&self.0, |world| world.absences.clone());
        let absence = |key: &AnyKey| absences.get(&slug_of(key)).copied().unwrap_or(Ok(Absence::Gone));
        let told = keys.iter().map(absence);
        told.map(|absence| absence.map_err(|error| Error::new(ErrorKind::Forbidden, error))).collect()
    }

    async fn check(&self) -> Result<CheckReport> {
        Ok(CheckReport::default())
    }

    async fn load(&self, _: &ReadRequest, sink: &SnapshotSink) -> Result<()> {
        let world = with(&self.0, |world| world.clone());
        let mut sites = sink.open::<Site>()?;
        for (slug, name) in &world.source {
            sites.push(&site(slug, name), None).await?;
        }
        for (slug, message) in world.rejects {
            sites.reject(slug, "name", message);
        }
        if let Some(error) = world.error {
            return Err(Error::new(ErrorKind::Unreachable, error));
        }
        match world.partial {
            Some(reason) => sites.partial(reason).await,
            None => sites.complete().await,
        }
    }

    fn config_information(&self) -> Vec<ConfigItem> {
        Vec::new()
    }
}

#[async_trait]
impl DataTarget for FakeSide {
    fn holds(&self) -> ModelFields {
        ModelFields::new().all::<Site>()
    }

    fn capabilities(&self) -> Capabilities {
        Fake::target_capabilities(&Connection { world: self.0.clone() }, &NoSettings {})
    }

    fn mark(&self, model: &str) -> Vec<(&'static str, Value)> {
        if model == "site" { with(&self.0, |world| world.mark.clone()) } else { Vec::new() }
    }

    async fn check(&self) -> Result<CheckReport> {
        Ok(CheckReport::default())
    }

    async fn load(&self, _: &ReadRequest, sink: &SnapshotSink) -> Result<()> {
        let world = with(&self.0, |world| world.clone());
        let mut sites = sink.open::<Site>()?;
        for (slug, name) in &world.target {
            let status = world.statuses.as_ref().and_then(|statuses| statuses.get(slug)).cloned();
            let site = Site { status: status.unwrap_or(SiteStatus::Active), ..site(slug, name) };
            sites.push(&site, Some(&Native::new(slug))).await?;
        }
        sites.complete().await
    }

    async fn stage(&self, _: &WritePermit, name: &str) -> Result<Box<dyn Stage>> {
        Ok(Box::new(staged::Branch::open(&self.0, name)))
    }

    async fn staged(&self, _: &WritePermit, id: &str) -> Result<Option<Box<dyn Stage>>> {
        Ok(staged::Branch::known(&self.0, id).map(|branch| Box::new(branch) as Box<dyn Stage>))
    }

    fn desired(&self, mut source: Snapshot, _: &ModelFields) -> Result<Snapshot> {
        let drops = with(&self.0, |world| world.drops.clone());
        let Some(sites) = source.models.get_mut("site").filter(|_| !drops.is_empty()) else { return Ok(source) };
        let mut kept = Sorted::new(sites.path.parent().unwrap());
        let mut reader = SnapshotReader::open(sites)?;
        while let Some(line) = reader.next_line()? {
            let key = AnyKey::from_canonical(&String::from_utf8_lossy(line.key));
            if !drops.contains(&slug_of(&key)) {
                kept.push(line.key, line.record, line.native)?;
            }
        }
        *sites = kept.finish_as(sites)?;
        Ok(source)
    }

    async fn writer(&self, _: &WritePermit) -> Result<Box<dyn TargetWriter>> {
        with(&self.0, |world| world.writers_opened += 1);
        Ok(Box::new(FakeSide(self.0.clone())))
    }

    fn config_information(&self) -> Vec<ConfigItem> {
        Vec::new()
    }
}

#[async_trait]
impl TargetWriter for FakeSide {
    async fn write(&self, batch: &Batch<'_>, _: &Bindings) -> std::result::Result<Vec<Written>, BatchError> {
        let (stalls, stalled, release) = with(&self.0, |world| {
            world.batches += 1;
            let stalls = world.stalls.filter(|(after, _)| world.batches > *after);
            (stalls.map(|(_, written)| written), Arc::clone(&world.stalled), Arc::clone(&world.release))
        });
        if stalls == Some(false) {
            stalled.notify_one();
            // Whoever was told may act before this future is left for the first time.
            tokio::task::yield_now().await;
            release.notified().await;
        }
        let write = |change: &&crate::change::Change| {
            let slug = slug_of(&change.key);
            if with(&self.0, |world| world.refuses.contains(&slug.as_str())) {
                let reason = "not this one".to_owned();
                return Written::not_written(Outcome::Failed { field: None, reason });
            }
            with(&self.0, |world| {
                world.writes += 1;
                let name = change.after("name").and_then(Value::as_str).map(str::to_owned);
                match change.action {
                    Action::Delete => drop(world.target.remove(&slug)),
                    Action::Create => drop(world.target.insert(slug.clone(), name.unwrap())),
                    Action::Update => {
                        if let Some(name) = name {
                            world.target.insert(slug.clone(), name);
                        }
                        if let (Some(statuses), Some(status)) = (&mut world.statuses, change.after("status")) {
                            statuses.insert(slug.clone(), SiteStatus::from_value(status.as_str().unwrap()).unwrap());
                        }
                    }
                }
            });
            Written::applied(Native::new(slug), None)
        };
        let written = batch.changes.iter().map(write).collect();
        if stalls == Some(true) {
            stalled.notify_one();
            // Whoever was told may act before this future is left for the first time.
            tokio::task::yield_now().await;
            release.notified().await;
        }
        match with(&self.0, |world| world.is_down) {
            false => Ok(written),
            true => Err(BatchError::InDoubt(Error::new(ErrorKind::Remote, "the connection was reset"))),
        }
    }

    async fn settle(&self, batch: &Batch<'_>, _: &Bindings) -> Result<Vec<Option<Written>>> {
        ensure_up(&self.0)?;
        let settle = |change: &&crate::change::Change| {
            let slug = change.key.parts()[0].as_str().unwrap().to_owned();
            let there = with(&self.0, |world| world.target.get(&slug).cloned());
            match change.action {
                Action::Delete => there.is_none().then(|| Written::deleted(None)),
                Action::Create | Action::Update => {
                    let is_written = there.as_deref() == change.after("name").and_then(Value::as_str);
                    is_written.then(|| Written::applied(Native::new(slug), None))
                }
            }
        };
        Ok(batch.changes.iter().map(settle).collect())
    }
}

pub static DESCRIPTOR: ConnectorDescriptor = ConnectorDescriptor {
    id: Fake::ID,
    label: Fake::LABEL,
    description: Fake::DESCRIPTION,
    icon: Fake::ICON,
    package: "syncline-core",
    version: "1",
    connection_schema: crate::settings::schema::<Connection>,
    validate: erased::validate::<Fake>,
    source: Some(SOURCE),
    target: Some(TARGET),
};
const SOURCE: SideDescriptor<dyn DataSource> = erased::source::<Fake>();
const TARGET: SideDescriptor<dyn DataTarget> = erased::target::<Fake>();

/// One test's world, sync and runner.
pub struct Lab {
    pub world: &'static str,
    pub sync: SyncDefinition,
    pub runner: Runner,
    pub folder: tempfile::TempDir,
}

/// What a person says about the plan of a run that waits.
fn decision(waiting: &RunReport, verdict: Approval) -> Decision {
    Decision {
        plan_hash: waiting.plan_hash.clone().unwrap(),
        verdict,
        by: "kim".to_owned(),
        reason: "looked at".to_owned(),
        selection: None,
        overrides_guards: false,
        at: chrono::Utc::now(),
    }
}

impl Lab {
    async fn decide(&self, waiting: &RunReport, verdict: Approval) {
        self.runner.history().decide(waiting.run, &decision(waiting, verdict)).await.unwrap();
    }

    /// Goes on with a run that waits.
    async fn gone_on(&self, run: RunId) -> RunReport {
        self.runner.go_on(run, &self.sync, &Events::new(), &CancellationToken::new()).await.unwrap()
    }

    /// The ids of the target's sites that are Syncline's own.
    async fn ours(&self) -> Vec<String> {
        let mut ours = Vec::new();
        let instance = self.sync.target.instance();
        self.runner.history().each_of_ours(&instance, "site", |id| ours.push(id.to_owned())).await.unwrap();
        ours
    }

    pub async fn new(world: &'static str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let history = History::in_memory().await.unwrap();
        let runner = Runner::new(Registry::of([&DESCRIPTOR]).unwrap(), history, folder.path());
        let side = |name: &str| SideDefinition {
            connection_name: name.to_owned(),
            connector: "fake".to_owned(),
            connection: json!({"world": world}),
            parameters: json!({}),
        };
        let sync = SyncDefinition {
            name: "main".to_owned(),
            source: side("truth"),
            target: side("copy"),
            models: BTreeMap::new(),
            mapping: crate::mapping::Mapping::default(),
            policy: Policy { deletes: Deletes::Apply, quarantine: Quarantine::off(), ..Policy::default() },
            auto_merge: true,
        };
        Self { world, sync, runner, folder }
    }

    pub fn set(&self, source: &[&str], target: &[&str]) {
        let sites = |slugs: &[&str]| slugs.iter().map(|slug| ((*slug).to_owned(), format!("Site {slug}"))).collect();
        with(self.world, |world| (world.source, world.target) = (sites(source), sites(target)));
    }

    pub fn target(&self) -> Vec<String> {
        with(self.world, |world| world.target.keys().cloned().collect())
    }

    pub async fn run(&self) -> RunReport {
        self.run_with(RunRequest::default()).await
    }

    pub async fn run_with(&self, options: RunRequest) -> RunReport {
        self.runner.run(&self.sync, options, &Events::new(), &CancellationToken::new()).await.unwrap()
    }

    pub async fn apply(&self, plan: &Path, approval: Option<&str>) -> Result<RunReport> {
        let options = RunRequest::default();
        self.runner
            .apply(&self.sync, plan, approval.map(Consent::from), options, &Events::new(), &CancellationToken::new())
            .await
    }

    pub async fn outcomes(&self, run: RunId) -> Vec<String> {
        let changes = self.runner.history().changes(run, &ChangeFilter::default(), None, 100).await.unwrap();
        let show = |change: &crate::history::StoredChange| {
            format!("{} {} {}", change.action, change.key, change.outcome.as_str())
        };
        let mut outcomes: Vec<_> = changes.items.iter().map(show).collect();
        outcomes.sort();
        outcomes
    }
}

#[tokio::test]
async fn the_first_run_fills_and_the_second_writes_nothing() {
    let lab = Lab::new("fills").await;
    lab.set(&["a", "b"], &[]);
    let first = lab.run().await;
    assert_eq!((first.status, first.total().applied), (RunStatus::Completed, 2));
    assert_eq!(lab.target(), ["a", "b"]);
    assert_eq!(lab.outcomes(first.run).await, ["create a applied", "create b applied"]);
    let phases: Vec<_> = first.phases.iter().map(|phase| phase.phase.as_str()).collect();
    assert_eq!(phases, ["prepare", "load_source", "load_target", "calculate_diff", "execute_sync"]);

    let second = lab.run().await;
    assert_eq!((second.status, second.total().total()), (RunStatus::Completed, 0));
    assert_eq!(second.summary.models[0].found.unchanged, 2);
    assert_eq!(with("fills", |world| world.writes), 2);
}

/// What is only counted while it happens: the runner has to say so at each of its stages.
#[tokio::test]
async fn a_run_is_measured() {
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    let _counting = ::metrics::set_default_local_recorder(&recorder);
    let lab = Lab::new("measured").await;
    lab.set(&["a", "b"], &["foreign"]);
    lab.run().await;
    let rendered = handle.render();
    for sample in [
        r#"syncline_runs_total{sync="main",kind="adhoc",status="completed"} 1"#,
        "syncline_runs_active 0",
        r#"syncline_run_duration_seconds_count{sync="main"} 1"#,
        r#"syncline_phase_duration_seconds_count{sync="main",phase="execute_sync"} 1"#,
        r#"syncline_records_read_total{sync="main",side="source",model="site"} 2"#,
        r#"syncline_records_read_total{sync="main",side="target",model="site"} 1"#,
        r#"syncline_changes_total{sync="main",model="site",action="create",outcome="applied"} 2"#,
        r#"syncline_changes_total{sync="main",model="site",action="delete",outcome="held"} 1"#,
    ] {
        assert!(rendered.lines().any(|line| line == sample), "no `{sample}` in\n{rendered}");
    }
}

#[tokio::test]
async fn a_dry_run_opens_no_writer_and_remembers_what_it_would_do() {
    let lab = Lab::new("dry").await;
    lab.set(&["a"], &[]);
    let dry = lab.run_with(RunRequest::dry()).await;
    assert_eq!(dry.status, RunStatus::Completed);
    assert_eq!(with("dry", |world| (world.writers_opened, world.writes)), (0, 0));
    assert_eq!(lab.outcomes(dry.run).await, ["create a planned"]);

    // What was looked at is what is applied.
    let applied = lab.apply(&dry.plan.unwrap(), None).await.unwrap();
    assert_eq!((applied.status, applied.total().applied), (RunStatus::Completed, 1));
    assert_eq!(lab.target(), ["a"]);
}

#[tokio::test]
async fn what_is_not_ours_is_told_apart_where_deletes_are_held_back() {
    let mut lab = Lab::new("held_back").await;
    lab.sync.policy.deletes = Deletes::Hold;
    lab.set(&["a", "b"], &["foreign"]);
    lab.run().await;
    with("held_back", |world| world.source.remove("b"));
    let second = lab.run().await;
    let held = BTreeMap::from([("not_ours".to_owned(), 1), ("policy".to_owned(), 1)]);
    assert_eq!(second.summary.models[0].held, held);
}

#[tokio::test]
async fn only_what_syncline_created_is_deleted_and_never_by_a_first_run() {
    let lab = Lab::new("deletes").await;
    lab.set(&["a", "b"], &["foreign"]);
    let first = lab.run().await;
    assert_eq!(first.summary.models[0].held, BTreeMap::from([("first_run".to_owned(), 1)]));
    with("deletes", |world| world.source.remove("b"));
    let second = lab.run().await;
    assert_eq!(second.summary.models[0].held, BTreeMap::from([("not_ours".to_owned(), 1)]));
    // A site carries others: a person looks first.
    assert_eq!(second.status, RunStatus::AwaitingReview);
    assert_eq!(lab.target(), ["a", "b", "foreign"]);
    let approved = lab.apply(&second.plan.unwrap(), Some("b was torn down")).await.unwrap();
    assert_eq!(lab.outcomes(approved.run).await, ["delete b applied", "delete foreign held"]);
    assert_eq!(lab.target(), ["a", "foreign"]);
}

#[tokio::test]
async fn a_read_that_fails_fails_the_run_and_deletes_nothing() {
    let lab = Lab::new("fails").await;
    lab.set(&["a", "b"], &[]);
    lab.run().await;
    with("fails", |world| world.error = Some("cannot reach `truth.example`"));
    let failed = lab.run().await;
    assert_eq!(failed.status, RunStatus::Failed);
    assert_eq!(failed.error.unwrap().report(), "cannot reach `truth.example` (side source)");
    assert_eq!(lab.target(), ["a", "b"]);
    let stored = lab.runner.history().run(failed.run).await.unwrap().unwrap();
    assert_eq!(stored.status, RunStatus::Failed);
}

#[tokio::test]
async fn a_read_that_is_cut_short_stops_the_run_before_it_writes() {
    let lab = Lab::new("short").await;
    lab.set(&["a"], &[]);
    with("short", |world| world.partial = Some("page 2 ended early"));
    let failed = lab.run().await;
    let error = failed.error.unwrap().report();
    assert_eq!(error, "a read did not come to its end: source site: page 2 ended early");
    assert_eq!(lab.target(), [""; 0]);
}

#[tokio::test]
async fn a_source_that_lost_everything_needs_a_person_and_proves_no_absence() {
    let lab = Lab::new("lost").await;
    lab.set(&["a", "b"], &[]);
    lab.run().await;
    lab.set(&[], &["a", "b"]);
    let waiting = lab.run().await;
    assert_eq!(waiting.status, RunStatus::AwaitingReview);
    assert_eq!(waiting.summary.models[0].held, BTreeMap::from([("source_partial".to_owned(), 2)]));
    assert_eq!(lab.target(), ["a", "b"]);

    // The same run goes on once a person has looked.
    let plan = waiting.plan.unwrap();
    let approved = lab.apply(&plan, Some("the sites moved to another tool")).await.unwrap();
    assert_eq!((approved.run, approved.status), (waiting.run, RunStatus::Completed));
    assert_eq!(lab.target(), ["a", "b"]);
}

#[tokio::test]
async fn a_plan_is_only_applied_to_the_sync_it_was_made_for() {
    let mut lab = Lab::new("bound").await;
    lab.set(&["a"], &[]);
    let dry = lab.run_with(RunRequest::dry()).await;
    lab.sync.models = BTreeMap::from([("site".to_owned(), ModelMode::Lookup)]);
    let error = lab.apply(&dry.plan.unwrap(), None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Stale);
    insta::assert_snapshot!(error, @"the sync `main` was changed after the plan was made; make a new plan");
}

#[tokio::test]
async fn a_plan_is_applied_once() {
    let lab = Lab::new("once").await;
    lab.set(&["a"], &[]);
    let dry = lab.run_with(RunRequest::dry()).await;
    let plan = dry.plan.unwrap();
    lab.apply(&plan, None).await.unwrap();
    let error = lab.apply(&plan, None).await.unwrap_err();
    insta::assert_snapshot!(error, @"the plan was applied by run 2 already; make a new plan");
    assert_eq!(with("once", |world| world.writes), 1);
}

#[tokio::test]
async fn dry_runs_do_not_move_the_baseline() {
    let lab = Lab::new("baseline").await;
    lab.set(&["a", "b"], &[]);
    lab.run().await;
    lab.set(&[], &["a", "b"]);
    for _ in 0..3 {
        lab.run_with(RunRequest::dry()).await;
    }
    let report = lab.run().await;
    assert_eq!(report.summary.models[0].held, BTreeMap::from([("source_partial".to_owned(), 2)]));
}

#[tokio::test]
async fn a_run_that_is_cancelled_says_so() {
    let lab = Lab::new("cancelled").await;
    lab.set(&["a"], &[]);
    let cancel = CancellationToken::new();
    cancel.cancel();
    let report = lab.runner.run(&lab.sync, RunRequest::default(), &Events::new(), &cancel).await.unwrap();
    assert_eq!(report.status, RunStatus::Cancelled);
    assert_eq!(lab.target(), [""; 0]);
}

/// A run can be handed to another thread: the server will. It is enough that this compiles.
#[expect(dead_code, reason = "only its type is of interest")]
fn runs_are_send<'a>(
    runner: &'a Runner,
    sync: &'a SyncDefinition,
    events: &'a Events,
    cancel: &'a CancellationToken,
) -> impl Future<Output = Result<RunReport>> + Send + 'a {
    runner.run(sync, RunRequest::default(), events, cancel)
}

#[tokio::test]
async fn without_its_canary_a_source_proves_nothing_and_nothing_is_written() {
    let mut lab = Lab::new("canary").await;
    let canary = json!({"guards": {"canaries": [{"model": "site", "key": ["hq"]}]}, "deletes": "apply"});
    lab.sync.policy = crate::settings::parse(canary).unwrap();
    lab.set(&["hq", "a", "b"], &[]);
    assert_eq!(lab.run().await.status, RunStatus::Completed);
    lab.set(&["a", "c"], &["hq", "a", "b"]);
    let dry = lab.run_with(RunRequest::dry()).await;
    assert_eq!(dry.status, RunStatus::Completed);
    assert!(dry.summary.objections().contains("the canary `hq` is not in the source"), "{}", dry.summary.objections());
    let report = lab.run().await;
    assert_eq!(report.status, RunStatus::Failed);
    assert_eq!(lab.target(), ["a", "b", "hq"]);
    let [site] = &report.summary.models[..] else { panic!("{:?}", report.summary) };
    assert_eq!((site.delete, site.held.get("source_partial")), (0, Some(&2)));
    // Nobody can approve it away.
    let applied = lab.apply(&dry.plan.unwrap(), Some("I say so")).await.unwrap();
    assert_eq!(applied.error.unwrap().kind(), ErrorKind::Guard);
    assert_eq!(lab.target(), ["a", "b", "hq"]);
}

/// A target that leaves out most of what the source has: what it is to keep is compared with what it was to keep.
#[tokio::test]
async fn a_source_is_measured_by_what_its_target_is_to_keep() {
    let mut lab = Lab::new("drops").await;
    let all: Vec<_> = (0..80).map(|number| format!("s{number:02}")).collect();
    with(lab.world, |world| world.drops = all[40..].to_vec());
    let slugs: Vec<_> = all.iter().map(String::as_str).collect();
    lab.set(&slugs, &[]);
    assert_eq!((lab.run().await.status, lab.target().len()), (RunStatus::Completed, 40));
    let counts = async |run: RunId| {
        let models = lab.runner.history().models(run).await.unwrap();
        let source = models[0].source.as_ref().unwrap();
        (source.records, models[0].desired)
    };
    assert_eq!(counts(RunId::new(1)).await, (80, Some(40)));
    let report = lab.run().await;
    assert_eq!((report.status, report.summary.objections()), (RunStatus::Completed, String::new()));

    // The source has as much as ever, and the target is to keep half of what it kept.
    with(lab.world, |world| world.drops = all[20..].to_vec());
    let report = lab.run().await;
    assert_eq!(report.status, RunStatus::AwaitingReview);
    insta::assert_snapshot!(report.summary.objections(), @"site: the source has 20 records where complete runs had 40; the limit is a loss of 30 % (`guards.source_shrank_percent`)");
    // Whoever goes on with it knows both counts.
    let applied = lab.apply(&report.plan.unwrap(), Some("half of it is no business of ours")).await.unwrap();
    assert_eq!((applied.status, counts(applied.run).await), (RunStatus::Completed, (80, Some(20))));
    lab.sync.policy.deletes = Deletes::Hold;
    assert_eq!(lab.run().await.summary.objections(), "");
}

#[tokio::test]
async fn an_approved_loss_is_not_asked_for_again() {
    let lab = Lab::new("approved-loss").await;
    let all: Vec<_> = (0..40).map(|number| format!("s{number:02}")).collect();
    let slugs: Vec<_> = all.iter().map(String::as_str).collect();
    lab.set(&slugs, &[]);
    assert_eq!(lab.run().await.status, RunStatus::Completed);
    with(lab.world, |world| world.source.retain(|slug, _| slug.as_str() < "s25"));
    for _ in 0..2 {
        let report = lab.run().await;
        assert_eq!(report.status, RunStatus::AwaitingReview, "{}", report.summary.objections());
    }
    let report = lab.run().await;
    let applied = lab.apply(&report.plan.unwrap(), Some("the branch was sold")).await.unwrap();
    assert_eq!((applied.status, lab.target().len()), (RunStatus::Completed, 40));
    // What was held for want of evidence is now judged as what it is: many deletes.
    let report = lab.run().await;
    let guards: Vec<_> = report.summary.verdicts.iter().map(|verdict| verdict.guard).collect();
    assert!(!guards.is_empty() && guards.iter().all(|guard| *guard == crate::guard::Guard::Deletes), "{guards:?}");
}

/// Whoever runs the sync is told which records are missing, and why: now, from the history, and of whatever the plan becomes.
#[tokio::test]
async fn what_could_not_be_taken_over_is_told_by_name() {
    let lab = Lab::new("rejects").await;
    lab.set(&["a", "b"], &[]);
    with(lab.world, |world| world.rejects = vec![("c", "it is empty")]);
    let dry = lab.run_with(RunRequest::dry()).await;
    let planned = crate::plan::PlanReader::open(dry.plan.as_ref().unwrap()).unwrap();
    let told = |rejected: &mut dyn Iterator<Item = Rejected<'_>>| {
        let told = rejected.map(|Rejected { side, model, rejected, rejections }| {
            format!("{rejected} of the {side}'s {model}: {}", rejections[0])
        });
        told.collect::<Vec<_>>().join("; ")
    };
    let expected = "1 of the source's site: c: name: it is empty";
    assert_eq!(told(&mut planned.header().rejected()), expected);
    // Whoever goes on with a plan knows them too.
    let applied = lab.apply(&dry.plan.unwrap(), None).await.unwrap();
    for report in [applied, lab.run().await] {
        assert_eq!((report.status, report.rejected()), (RunStatus::Completed, 1));
        assert_eq!(told(&mut report.rejections()), expected);
        let history = lab.runner.history();
        let models = history.models(report.run).await.unwrap();
        assert_eq!(told(&mut models.iter().flat_map(crate::history::ModelRecord::rejected)), expected);
        let summary = history.run(report.run).await.unwrap().unwrap().summary();
        assert_eq!(summary.failed, 1);
        assert!(summary.message.contains("1 not taken over"), "{}", summary.message);
    }
    assert_eq!(lab.target(), ["a", "b"]);
}

/// That nothing is left is not the source's doing when what it has could not be taken over.
#[tokio::test]
async fn a_model_of_which_nothing_could_be_taken_over_is_not_called_empty() {
    let lab = Lab::new("all-rejected").await;
    lab.set(&["a", "b"], &[]);
    assert_eq!(lab.run().await.status, RunStatus::Completed);
    with(lab.world, |world| {
        world.source.clear();
        world.rejects = vec![("a", "it is empty"), ("b", "it is empty")];
    });
    let report = lab.run_with(RunRequest::dry()).await;
    insta::assert_snapshot!(report.summary.objections(), @"site: no records are left where complete runs had 2: 2 records could not be taken over: a: name: it is empty; all models: no records are left where complete runs had 2: 2 records could not be taken over: a: name: it is empty");
}
