//! The runner.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{TimeDelta, Utc};
use futures::FutureExt as _;
use tokio_util::sync::CancellationToken;

use super::phases::PhaseClock;
use super::record::Recorder;
use super::report::reads;
use super::{MemoryMeter, ReadSummary, RunReport, SideDefinition, SyncDefinition, retention};
use crate::apply::ApplyContext;
use crate::change::Change;
use crate::connector::ConnectContext;
use crate::diff::DiffInput;
use crate::event::{Events, Level, Phase, Side};
use crate::fields::ModelFields;
use crate::guard::{self, Demand, Verdict};
use crate::history::{History, RunId, RunKind, RunStatus};
use crate::models::{self, ModelChoice, ModelMode};
use crate::permit::WritePermit;
use crate::plan::{Evidence, PlanDraft, PlanHeader, PlanRead, PlanReader, PlanSide, PlanSummary, SavedPlan};
use crate::policy::PartialRead;
use crate::read::ReadRequest;
use crate::registry::Registry;
use crate::snapshot::{Adoption, ModelSnapshot, ReadVerdict, Snapshot, SnapshotSink, align};
use crate::source::DataSource;
use crate::target::DataTarget;
use crate::{Error, ErrorKind, Result};

/// How many complete runs a source is compared with.
const EARLIER_RUNS: u64 = 5;

/// Runs syncs.
pub struct Runner {
    registry: Registry,
    history: History,
    folder: PathBuf,
}

/// How one run differs from another of the same sync.
#[derive(Clone, Copy)]
pub struct RunOptions<'a> {
    /// What started it.
    pub kind: RunKind,
    /// Stop at the saved plan.
    pub dry_run: bool,
    /// Where to measure memory, if at all.
    pub memory: Option<&'a dyn MemoryMeter>,
}

impl Default for RunOptions<'_> {
    fn default() -> Self {
        Self { kind: RunKind::Adhoc, dry_run: false, memory: None }
    }
}

impl Runner {
    /// A runner that keeps snapshots and plans below `folder` and remembers runs in `history`.
    pub fn new(registry: Registry, history: History, folder: impl Into<PathBuf>) -> Self {
        Self { registry, history, folder: folder.into() }
    }

    /// The connectors.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// What is remembered.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// Opens the source of a sync, for a connection test.
    pub async fn connect_source(&self, side: &SideDefinition, events: &Events) -> Result<Box<dyn DataSource>> {
        let connector = self.registry.get(&side.connector)?;
        let source = connector.source.as_ref().ok_or_else(|| not_a(side, "source"))?;
        let context = ConnectContext { events: events.clone() };
        let connected = (source.connect)(side.connection.clone(), side.parameters.clone(), context).await;
        connected.map_err(|error| error.with("connection", &side.connection_name))
    }

    /// Opens the reading half of the target of a sync, for a connection test.
    pub async fn connect_target(&self, side: &SideDefinition, events: &Events) -> Result<Box<dyn DataTarget>> {
        let connector = self.registry.get(&side.connector)?;
        let target = connector.target.as_ref().ok_or_else(|| not_a(side, "target"))?;
        let context = ConnectContext { events: events.clone() };
        let connected = (target.connect)(side.connection.clone(), side.parameters.clone(), context).await;
        connected.map_err(|error| error.with("connection", &side.connection_name))
    }

    /// Runs a sync: reads, compares, saves the plan, and applies it unless it is a dry run or a guard objects.
    ///
    /// The report tells how it ended, errors of either system included. An error from here means that the run could not even
    /// be recorded.
    pub async fn run(
        &self,
        sync: &SyncDefinition,
        options: RunOptions<'_>,
        events: &Events,
        cancel: &CancellationToken,
    ) -> Result<RunReport> {
        let digest = sync.digest(&self.registry)?;
        let mut recorder =
            Recorder::begin(&self.history, sync, sync.shown(&self.registry)?, &digest, &options, events).await?;
        let mut report = RunReport::begun(recorder.run(), options.dry_run);
        let ended = self.stages(sync, &digest, options, events, cancel, &mut report, &mut recorder).await;
        report.end(ended);
        recorder.finish(&report).await?;
        Ok(report)
    }

    /// Applies a saved plan, exactly as saved. `approval` is the reason for which a person lets it pass its guards.
    pub async fn apply(
        &self,
        sync: &SyncDefinition,
        plan: &Path,
        approval: Option<&str>,
        options: RunOptions<'_>,
        events: &Events,
        cancel: &CancellationToken,
    ) -> Result<RunReport> {
        let plan = PlanReader::open(plan)?;
        let digest = sync.digest(&self.registry)?;
        ensure_applicable(&plan, sync, &digest)?;
        if let Some(run) = self.history.applied_by(plan.hash()).await? {
            let message = format!("the plan was applied by run {run} already; make a new plan");
            return Err(Error::new(ErrorKind::Stale, message));
        }
        let mut recorder =
            Recorder::resume(&self.history, sync, sync.shown(&self.registry)?, &digest, &plan, &options, events)
                .await?;
        let mut report = RunReport::begun(recorder.run(), false);
        report.plan = Some(plan.path().to_owned());
        report.plan_hash = Some(plan.hash().to_owned());
        report.summary = plan.summary().clone();
        if let Some(reason) = approval {
            events.message(Level::Info, format!("plan {} was approved: {reason}", plan.hash()));
        }
        let ended = async {
            let clock = PhaseClock::start(Phase::Prepare, events, options.memory, true);
            let target: Arc<dyn DataTarget> = self.connect_target(&sync.target, events).await?.into();
            report.phases.push(clock.stop());
            let fields = target.holds();
            report.models = planned_models(&plan, &fields);
            report.source = planned_reads(&plan.header().source, &fields);
            report.target = planned_reads(&plan.header().target, &fields);
            report.notes.extend(plan.header().source.notes.clone());
            report.notes.extend(plan.header().target.notes.clone());
            let status = self
                .execute(
                    sync,
                    &plan,
                    approval,
                    target.as_ref(),
                    &fields,
                    options,
                    events,
                    cancel,
                    &mut report,
                    &mut recorder,
                )
                .await?;
            match &plan.header().partial {
                Some(partial) if status == RunStatus::Completed => Err(incomplete(partial)),
                _ => Ok(status),
            }
        }
        .await;
        report.end(ended);
        recorder.finish(&report).await?;
        Ok(report)
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one run, passed on once")]
    async fn stages(
        &self,
        sync: &SyncDefinition,
        digest: &str,
        options: RunOptions<'_>,
        events: &Events,
        cancel: &CancellationToken,
        report: &mut RunReport,
        recorder: &mut Recorder<'_>,
    ) -> Result<RunStatus> {
        let clock = PhaseClock::start(Phase::Prepare, events, options.memory, true);
        let prepared = self.prepare(sync, events, report).await;
        report.phases.push(clock.stop());
        let prepared = prepared?;

        let (source, target) = self.load(sync, &prepared, options, events, cancel, report).await?;
        let source = prepared.target.desired(source)?;
        let partial = partial_reads(&source, &target);
        if let (Some(partial), PartialRead::Stop) = (&partial, sync.policy.partial_read) {
            return Err(incomplete(partial));
        }

        let clock = PhaseClock::start(Phase::CalculateDiff, events, options.memory, true);
        let saved = self.plan(sync, digest, &prepared, source, target, report, events).await;
        report.phases.push(clock.stop());
        let saved = saved?;
        report.plan = Some(saved.path.clone());
        report.plan_hash = Some(saved.hash.clone());
        report.summary = saved.summary;
        recorder.saved_plan(&saved.path, &saved.hash).await?;

        let plan = PlanReader::open(&saved.path)?;
        if options.dry_run {
            recorder.planned(&plan).await?;
            return partial.map_or(Ok(RunStatus::Completed), |partial| Err(incomplete(&partial)));
        }
        let fields = &prepared.fields;
        let status = self
            .execute(sync, &plan, None, prepared.target.as_ref(), fields, options, events, cancel, report, recorder)
            .await?;
        match partial {
            Some(partial) if status == RunStatus::Completed => Err(incomplete(&partial)),
            _ => Ok(status),
        }
    }

    async fn prepare(&self, sync: &SyncDefinition, events: &Events, report: &mut RunReport) -> Result<Prepared> {
        let (source, target) = futures::future::try_join(
            self.connect_source(&sync.source, events),
            self.connect_target(&sync.target, events),
        )
        .await?;
        let contract = source.knows().shared_with(&target.holds());
        if contract.iter().next().is_none() {
            let message = format!(
                "the connectors `{}` and `{}` have no model in common: this source has nothing that this target keeps",
                sync.source.connector, sync.target.connector
            );
            return Err(Error::new(ErrorKind::Settings, message));
        }
        let (choices, fields) = models::closure(&contract, &sync.models)?;
        let modes = choices.iter().filter(|choice| choice.mode != ModelMode::Off);
        let modes = modes.map(|choice| (choice.model, choice.mode)).collect();
        report.models.clone_from(&choices);
        announce(&choices, events);
        Ok(Prepared { source, target: target.into(), fields, modes })
    }

    /// Reads both sides at once. When one fails, the other is stopped.
    async fn load(
        &self,
        sync: &SyncDefinition,
        prepared: &Prepared,
        options: RunOptions<'_>,
        events: &Events,
        cancel: &CancellationToken,
        report: &mut RunReport,
    ) -> Result<(Snapshot, Snapshot)> {
        let folder = self.snapshot_folder(sync);
        let cancel = cancel.child_token();
        let sink = |side| SnapshotSink::create(side, &folder, prepared.fields.clone(), events.clone());
        let (source_sink, target_sink) = (sink(Side::Source)?, sink(Side::Target)?);
        let request =
            ReadRequest { fields: prepared.fields.clone(), modes: prepared.modes.clone(), cancel: cancel.clone() };

        let source = async {
            let clock = PhaseClock::start(Phase::LoadSource, events, options.memory, true);
            let ended = unless_cancelled(&cancel, prepared.source.load(&request, &source_sink)).await;
            (ended.map_err(|error| error.with("side", Side::Source)), clock.stop())
        };
        let target = async {
            let clock = PhaseClock::start(Phase::LoadTarget, events, options.memory, false);
            let ended = unless_cancelled(&cancel, prepared.target.load(&request, &target_sink)).await;
            (ended.map_err(|error| error.with("side", Side::Target)), clock.stop())
        };
        let stop_other = |ended: (Result<()>, _)| {
            if ended.0.is_err() {
                cancel.cancel();
            }
            ended
        };
        let ((source, source_phase), (target, target_phase)) =
            futures::future::join(source.map(stop_other), target.map(stop_other)).await;
        report.phases.extend([source_phase, target_phase]);
        // The side that failed by itself is the one to name, not the one that was stopped for it.
        match (source, target) {
            (Err(source), Err(target)) if source.kind() == ErrorKind::Cancelled => return Err(target),
            (Err(error), _) | (_, Err(error)) => return Err(error),
            (Ok(()), Ok(())) => {}
        }
        let (source, target) = (source_sink.finish()?, target_sink.finish()?);
        report.source = reads(&source);
        report.target = reads(&target);
        report.notes.extend(source.notes.clone());
        report.notes.extend(target.notes.clone());
        Ok((source, target))
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one run, passed on once")]
    async fn plan(
        &self,
        sync: &SyncDefinition,
        digest: &str,
        prepared: &Prepared,
        source: Snapshot,
        target: Snapshot,
        report: &RunReport,
        events: &Events,
    ) -> Result<SavedPlan> {
        let (evidence, verdicts) = self.evidence(sync, digest, prepared, &source).await?;
        let now = Utc::now();
        let header = PlanHeader {
            sync: sync.name.clone(),
            definition: digest.to_owned(),
            run: Some(report.run.number()),
            source: plan_side(&sync.source, &source),
            target: plan_side(&sync.target, &target),
            created_at: now,
            valid_until: now + TimeDelta::hours(i64::from(sync.policy.plan_valid_hours)),
            models: prepared.modes.iter().map(|(model, mode)| ((*model).to_owned(), *mode)).collect(),
            partial: partial_reads(&source, &target),
        };
        let path = self.folder.join("plans").join(format!("{}-{}.json", sync.name, report.run));
        let mut work = Planning {
            target_system: Arc::clone(&prepared.target),
            fields: prepared.fields.clone(),
            modes: prepared.modes.clone(),
            policy: sync.policy.clone(),
            source,
            target,
            header,
            evidence,
            verdicts,
            path,
            folder: self.snapshot_folder(sync),
            events: events.clone(),
        };
        let history = self.history.clone();
        let instance = sync.target.instance();
        let runtime = tokio::runtime::Handle::current();
        let planned = tokio::task::spawn_blocking(move || {
            let is_ours = |change: &Change| {
                let object = (change.key.clone(), change.native.as_ref().map(|native| native.id.to_string()));
                let ours = runtime.block_on(history.created_here(&instance, &change.model, &[object]));
                // Not knowing whose it is, is a reason to leave it.
                ours.is_ok_and(|ours| !ours.is_empty())
            };
            let saved = work.save(&is_ours)?;
            retention::prune(&work.folder, &work.source, &work.target)?;
            Ok(saved)
        });
        planned.await.map_err(|error| Error::new(ErrorKind::Internal, "the comparison stopped").caused_by(error))?
    }

    /// What is known about the reads when deletes are decided.
    async fn evidence(
        &self,
        sync: &SyncDefinition,
        digest: &str,
        prepared: &Prepared,
        source: &Snapshot,
    ) -> Result<(Evidence, Vec<Verdict>)> {
        let mut evidence = Evidence::default();
        let mut verdicts = Vec::new();
        if !prepared.target.capabilities().deletes {
            evidence.no_deletes = Some("this target takes no deletes".to_owned());
        }
        if !self.history.has_completed(&sync.name, digest).await? {
            let reason = "the first run, and the first after a change of mapping or scope, deletes nothing";
            evidence.first_run = Some(reason.to_owned());
        }
        for (schema, _) in prepared.fields.iter() {
            let Some(model) = source.models.get(schema.name) else { continue };
            let earlier = self
                .history
                .record_counts_of_last_complete(&sync.name, schema.name, Side::Source, EARLIER_RUNS)
                .await?;
            if earlier.is_empty() && evidence.first_run.is_none() {
                let reason = "no complete run has read this model, so nobody knows how many records it should have";
                evidence.shrunk.insert(schema.name.to_owned(), reason.to_owned());
            }
            if let Some(verdict) = guard::shrinkage(schema.name, model.records, &earlier, &sync.policy.guards) {
                evidence.shrunk.insert(schema.name.to_owned(), verdict.reason.clone());
                verdicts.push(verdict);
            }
        }
        Ok((evidence, verdicts))
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one run, passed on once")]
    async fn execute(
        &self,
        sync: &SyncDefinition,
        plan: &PlanReader,
        approval: Option<&str>,
        target: &dyn DataTarget,
        fields: &ModelFields,
        options: RunOptions<'_>,
        events: &Events,
        cancel: &CancellationToken,
        report: &mut RunReport,
        recorder: &mut Recorder<'_>,
    ) -> Result<RunStatus> {
        match (plan.summary().demand(), approval) {
            (Some(Demand::Refusal), _) => {
                recorder.planned(plan).await?;
                let message = format!("a guard refuses the plan: {}", plan.summary().objections());
                return Err(Error::new(ErrorKind::Guard, message));
            }
            (Some(Demand::Approval), None) => {
                events.message(Level::Warning, format!("the plan needs approval: {}", plan.summary().objections()));
                return Ok(RunStatus::AwaitingReview);
            }
            (Some(Demand::Approval), Some(_)) | (None, _) => {}
        }
        let clock = PhaseClock::start(Phase::ExecuteSync, events, options.memory, true);
        let permit = WritePermit::new(plan.hash().to_owned(), format!("Syncline {} run {}", sync.name, report.run));
        let applied = async {
            let writer = target.writer(&permit).await?;
            let mut journal = recorder.journal();
            let capabilities = target.capabilities();
            let mut context =
                ApplyContext::new(plan, fields, capabilities, &mut journal, events.clone(), cancel.clone());
            let applied = writer.execute_sync(&mut context).await?;
            journal.flush().await?;
            Ok::<_, Error>(applied)
        }
        .await;
        report.phases.push(clock.stop());
        let applied = applied?;
        report.outcomes = applied.models;
        match applied.interrupted {
            Some(error) => Err(error),
            None if cancel.is_cancelled() => Err(Error::new(ErrorKind::Cancelled, "the run was cancelled")),
            None => Ok(RunStatus::Completed),
        }
    }

    fn snapshot_folder(&self, sync: &SyncDefinition) -> PathBuf {
        self.folder.join("snapshots").join(&sync.name)
    }
}

/// Both sides, and what they agreed on.
struct Prepared {
    source: Box<dyn DataSource>,
    target: Arc<dyn DataTarget>,
    fields: ModelFields,
    modes: BTreeMap<&'static str, ModelMode>,
}

/// What the comparison works on, away from the asynchronous threads.
struct Planning {
    target_system: Arc<dyn DataTarget>,
    fields: ModelFields,
    modes: BTreeMap<&'static str, ModelMode>,
    policy: crate::policy::Policy,
    source: Snapshot,
    target: Snapshot,
    header: PlanHeader,
    evidence: Evidence,
    verdicts: Vec<Verdict>,
    path: PathBuf,
    folder: PathBuf,
    events: Events,
}

impl Planning {
    fn save(&mut self, is_ours: &dyn Fn(&Change) -> bool) -> Result<SavedPlan> {
        for adoption in align(&self.source, &mut self.target, &self.fields, &self.folder)? {
            let Adoption { model, source_key, target_key } = adoption;
            let text = format!("{model} `{source_key}` is the target's `{target_key}`: its name says so");
            self.events.message(Level::Info, text);
        }
        let mut draft = PlanDraft::new(&self.fields, &self.target, &self.policy, &self.folder)?;
        let input = DiffInput { source: &self.source, target: &self.target, fields: &self.fields, modes: &self.modes };
        self.target_system.calculate_diff(&input, &mut draft)?;
        draft.save(&self.path, &self.header, &self.source, &self.evidence, self.verdicts.clone(), is_ours)
    }
}

impl RunReport {
    fn begun(run: RunId, dry_run: bool) -> Self {
        Self {
            run,
            status: RunStatus::Syncing,
            dry_run,
            models: Vec::new(),
            source: BTreeMap::new(),
            target: BTreeMap::new(),
            notes: BTreeMap::new(),
            plan: None,
            plan_hash: None,
            summary: PlanSummary::default(),
            outcomes: BTreeMap::new(),
            phases: Vec::new(),
            error: None,
        }
    }

    fn end(&mut self, ended: Result<RunStatus>) {
        match ended {
            Ok(status) => self.status = status,
            Err(error) => {
                let cancelled = error.kind() == ErrorKind::Cancelled;
                self.status = if cancelled { RunStatus::Cancelled } else { RunStatus::Failed };
                self.error = Some(error);
            }
        }
    }
}

fn not_a(side: &SideDefinition, what: &str) -> Error {
    let message =
        format!("the connector `{}` of the connection `{}` is no data {what}", side.connector, side.connection_name);
    Error::new(ErrorKind::Settings, message)
}

/// What a saved plan does with each model.
fn planned_models(plan: &PlanReader, fields: &ModelFields) -> Vec<ModelChoice> {
    let models = plan.header().models.iter().filter_map(|(model, mode)| {
        let schema = fields.schema(model)?;
        Some(ModelChoice { model: schema.name, asked: *mode, mode: *mode, needed_by: BTreeSet::new() })
    });
    models.collect()
}

/// What was read for a saved plan.
fn planned_reads(side: &PlanSide, fields: &ModelFields) -> BTreeMap<&'static str, ReadSummary> {
    let reads = side.reads.iter().filter_map(|(model, read)| {
        let summary = ReadSummary {
            records: read.records,
            doubt: read.doubt.clone(),
            skipped: BTreeMap::new(),
            rejected: 0,
            duplicates: 0,
        };
        Some((fields.schema(model)?.name, summary))
    });
    reads.collect()
}

/// Tells which models are read though they are off.
fn announce(choices: &[ModelChoice], events: &Events) {
    for choice in choices.iter().filter(|choice| choice.asked != choice.mode) {
        let needed_by: Vec<_> = choice.needed_by.iter().copied().collect();
        let text = format!("{} is read, but not written: {} cannot do without it", choice.model, needed_by.join(", "));
        events.message(Level::Info, text);
    }
}

async fn unless_cancelled(cancel: &CancellationToken, read: impl Future<Output = Result<()>>) -> Result<()> {
    tokio::select! {
        biased;
        () = cancel.cancelled() => Err(Error::new(ErrorKind::Cancelled, "the run was cancelled")),
        ended = read => ended,
    }
}

/// The reads that did not come to their end.
fn partial_reads(source: &Snapshot, target: &Snapshot) -> Option<String> {
    let reasons = [source, target].into_iter().flat_map(|snapshot| {
        snapshot.models.values().filter_map(|model| match &model.verdict {
            ReadVerdict::Complete => None,
            ReadVerdict::Partial { reason } => Some(format!("{} {}: {reason}", snapshot.side, model.model)),
        })
    });
    let reasons: Vec<_> = reasons.collect();
    (!reasons.is_empty()).then(|| reasons.join("; "))
}

fn incomplete(partial: &str) -> Error {
    let message = format!("a read did not come to its end: {partial}");
    Error::new(ErrorKind::Protocol, message)
}

fn read(model: &ModelSnapshot) -> PlanRead {
    PlanRead { digest: model.digest.clone(), records: model.records, doubt: model.doubt() }
}

fn plan_side(side: &SideDefinition, snapshot: &Snapshot) -> PlanSide {
    PlanSide {
        connector: side.connector.clone(),
        connection: side.connection_name.clone(),
        reads: snapshot.models.values().map(|model| (model.model.to_owned(), read(model))).collect(),
        notes: snapshot.notes.clone(),
    }
}

/// Refuses a plan that was made for another definition, or too long ago.
fn ensure_applicable(plan: &PlanReader, sync: &SyncDefinition, digest: &str) -> Result<()> {
    let header = plan.header();
    let stale = |message: String| Err(Error::new(ErrorKind::Stale, message));
    if header.sync != sync.name {
        return stale(format!("the plan is for the sync `{}`, not `{}`", header.sync, sync.name));
    }
    if header.definition != digest {
        return stale(format!("the sync `{}` was changed after the plan was made; make a new plan", sync.name));
    }
    if header.valid_until < Utc::now() {
        return stale(format!(
            "the plan was valid until {} (`policy.plan_valid_hours`); make a new plan",
            header.valid_until.format("%Y-%m-%d %H:%M UTC")
        ));
    }
    Ok(())
}
