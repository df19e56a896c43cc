//! A run that takes another one back.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use chrono::{TimeDelta, Utc};
use syncline_model::{AnyKey, ModelSchema};

use super::phases::PhaseClock;
use super::planning::{compared, plan_side, tell_compared};
use super::reading::unless_cancelled;
use super::report::reads;
use super::work::{Work, incomplete, partial};
use super::{RunReport, RunRequest, Runner, SyncDefinition};
use crate::change::Change;
use crate::diff::DiffInput;
use crate::event::{Level, Phase, Side};
use crate::fields::ModelFields;
use crate::history::{History, Purpose, Run, RunId, RunStatus};
use crate::models::{self, ModelMode};
use crate::plan::{Evidence, Memory, PlanDraft, PlanHeader, PlanReader, SavedPlan};
use crate::policy::{PartialRead, Policy};
use crate::read::ReadRequest;
use crate::snapshot::{Snapshot, SnapshotSink};
use crate::target::DataTarget;
use crate::undo::{Annotated, Changes, Collected, Former};
use crate::{Error, ErrorKind, Result};

/// How many changes are read from the history at once.
const PAGE: u64 = 10_000;

impl Work<'_> {
    /// Takes back what another run did: from the target's own read and that run's changes to a plan, and on from there like any
    /// other plan. The source is not asked.
    pub(super) async fn undo(&mut self, digest: &str, report: &mut RunReport) -> Result<RunStatus> {
        let history = &self.runner.history;
        history.begin_again(self.claim).await?;
        let subject = subject_of(history, self.sync, self.run.purpose, self.run.subject).await?;
        report.notes.insert("undoes".to_owned(), subject.id.to_string());
        let changes = self.changes_of(&subject).await?;
        let (target, fields, modes) = self.prepare_undo(&changes, report).await?;
        let read = self.load_target(&*target, &fields, &modes, report).await?;
        let partial = partial(&[&read]);
        if let (Some(partial), PartialRead::Stop) = (&partial, self.sync.policy.partial_read) {
            return Err(incomplete(partial));
        }
        let clock = PhaseClock::start(Phase::CalculateDiff, self.events, self.memory(), true);
        let work = Undoing {
            system: Arc::clone(&target),
            fields: fields.clone(),
            modes,
            policy: self.sync.policy.clone(),
            target: read,
            changes,
            folder: self.snapshot_folder(),
            path: self.runner.folder.join("plans").join(format!("{}-{}.json", self.sync.name, self.run.id)),
        };
        let saved = clock.around(self.save_undo(digest, &subject, partial, work)).await;
        report.phases.push(clock.stop());
        let plan = PlanReader::open(&saved?.path)?;
        report.plan = Some(plan.path().to_owned());
        report.plan_hash = Some(plan.hash().to_owned());
        report.summary = plan.summary().clone();
        self.recorder.saved_plan(&plan).await?;
        self.decide_and_apply(&plan, &*target, &fields, report).await
    }

    /// What the run that is to be taken back did.
    async fn changes_of(&self, subject: &Run) -> Result<Collected> {
        let history = &self.runner.history;
        let mut changes = Changes::new(&self.snapshot_folder())?;
        let (mut after, mut found) = (Some(0), 0);
        while let Some(start) = after {
            let page = history.applied_changes(subject.id, start, PAGE).await?;
            found += page.changes.iter().filter(|change| change.whole).count() as u64;
            page.changes.into_iter().try_for_each(|change| changes.push(change))?;
            after = page.next;
            if self.stop.is_given() {
                return Err(self.stop.error());
            }
        }
        if found < subject.counts.outcomes.applied {
            let message = format!(
                "run {} cannot be taken back: {found} of its {} changes are kept, the others were removed by the history's \
                 retention",
                subject.id, subject.counts.outcomes.applied
            );
            return Err(Error::new(ErrorKind::Stale, message));
        }
        let plan = self.plan_of(subject).await;
        if plan.is_none() && subject.counts.outcomes.applied > 0 {
            let text = "the plan of the run is gone: records that go by another name since are not recognised";
            self.events.message(Level::Warning, text);
        }
        changes.finish(plan)
    }

    /// The plan that a run applied; none when it is gone.
    async fn plan_of(&self, subject: &Run) -> Option<PlanReader> {
        let saved = subject.plan.as_ref()?;
        let here = PlanReader::open(std::path::Path::new(&saved.path)).ok().filter(|plan| plan.hash() == saved.hash);
        if here.is_some() {
            return here;
        }
        let path = self.runner.folder.join("plans").join(format!("{}-{}-fetched.json", subject.sync, subject.id));
        self.runner.history.fetch_plan(&saved.hash, &path).await.ok()
    }

    /// Opens the target and chooses what is read of it: what the run changed, what that refers to, and what may refer to what it
    /// created.
    async fn prepare_undo(
        &self,
        changes: &Collected,
        report: &mut RunReport,
    ) -> Result<(Arc<dyn DataTarget>, ModelFields, BTreeMap<&'static str, ModelMode>)> {
        let clock = PhaseClock::start(Phase::Prepare, self.events, self.memory(), true);
        let target = clock.around(self.runner.registry().connect_target(&self.sync.target, self.events)).await;
        report.phases.push(clock.stop());
        let target: Arc<dyn DataTarget> = target?.into();
        let holds = target.holds();
        if let Some(unknown) = changes.models().find(|model| !holds.has(model)) {
            let message = format!("the run changed the model `{unknown}`, which the target does not keep any more");
            return Err(Error::new(ErrorKind::Stale, message));
        }
        let mut asked: BTreeMap<String, ModelMode> =
            holds.iter().map(|(schema, _)| (schema.name.to_owned(), ModelMode::Off)).collect();
        for (schema, _) in holds.iter() {
            let is_changed = asked_for(changes, schema.name);
            for (_, other) in schema.references() {
                if is_changed && holds.has(other) {
                    asked.insert(other.to_owned(), ModelMode::Lookup);
                }
                if changes.has_created(other) {
                    asked.insert(schema.name.to_owned(), ModelMode::Lookup);
                }
            }
        }
        for model in changes.models() {
            asked.insert(model.to_owned(), ModelMode::Sync);
        }
        let (choices, fields) = models::closure(&holds, &asked)?;
        let modes = choices.iter().filter(|choice| choice.mode != ModelMode::Off);
        let modes = modes.map(|choice| (choice.model, choice.mode)).collect();
        report.models = choices;
        Ok((target, fields, modes))
    }

    async fn load_target(
        &self,
        target: &dyn DataTarget,
        fields: &ModelFields,
        modes: &BTreeMap<&'static str, ModelMode>,
        report: &mut RunReport,
    ) -> Result<Snapshot> {
        let cancel = self.stop.token().child_token();
        let sink = SnapshotSink::create(Side::Target, &self.snapshot_folder(), fields.clone(), self.events.clone())?;
        let request = ReadRequest { fields: fields.clone(), modes: modes.clone(), cancel: cancel.clone() };
        let clock = PhaseClock::start(Phase::LoadTarget, self.events, self.memory(), true);
        let ended = clock.around(unless_cancelled(&cancel, target.load(&request, &sink))).await;
        report.phases.push(clock.stop());
        ended.map_err(|error| error.with("side", Side::Target))?;
        let read = sink.finish()?;
        report.target = reads(&read);
        report.notes.extend(read.notes.clone());
        Ok(read)
    }

    async fn save_undo(
        &self,
        digest: &str,
        subject: &Run,
        partial: Option<String>,
        work: Undoing,
    ) -> Result<SavedPlan> {
        let (sync, now) = (self.sync, Utc::now());
        let header = PlanHeader {
            sync: sync.name.clone(),
            definition: digest.to_owned(),
            meaning: Some(self.sync.meaning()?),
            run: Some(self.run.id.number()),
            source: plan_side(&sync.target, &work.target),
            target: plan_side(&sync.target, &work.target),
            created_at: now,
            valid_until: now + TimeDelta::hours(i64::from(sync.policy.plan_valid_hours)),
            models: work.modes.iter().map(|(model, mode)| ((*model).to_owned(), *mode)).collect(),
            fields: compared(&work.fields),
            undoes: Some(subject.id.number()),
            reruns: None,
            scope: None,
            drift: false,
            adopts: false,
            partial,
            policy: Some(sync.policy.digest()),
            replays: None,
        };
        let memory = Ownership {
            history: self.runner.history.clone(),
            instance: sync.target.instance(),
            runtime: tokio::runtime::Handle::current(),
            ours: RefCell::default(),
        };
        let planned = tokio::task::spawn_blocking(move || work.save(header, &memory));
        let saved = planned
            .await
            .map_err(|error| Error::new(ErrorKind::Internal, "the comparison stopped").caused_by(error))??;
        tell_compared(&saved.summary, self.events);
        Ok(saved)
    }
}

fn asked_for(changes: &Collected, model: &str) -> bool {
    changes.models().any(|changed| changed == model)
}

/// Whose records are. What is absent is no matter of an undo.
struct Ownership {
    history: History,
    instance: String,
    runtime: tokio::runtime::Handle,
    /// Those of the last look-ahead that are ours.
    ours: RefCell<HashSet<AnyKey>>,
}

impl Memory for Ownership {
    fn is_ours(&self, change: &Change) -> Result<bool> {
        Ok(self.ours.borrow().contains(&change.key))
    }

    fn look_ahead(&self, schema: &'static ModelSchema, deletes: &[Change], _: bool) -> Result<()> {
        let object = |change: &Change| (change.key.clone(), change.native.as_ref().map(|native| native.id.to_string()));
        let objects: Vec<_> = deletes.iter().map(object).collect();
        let found = self.runtime.block_on(self.history.created_here(&self.instance, schema.name, &objects));
        // Not knowing whose it is, is a reason to leave it.
        *self.ours.borrow_mut() = found.unwrap_or_default();
        Ok(())
    }
}

/// What the comparison works on, away from the asynchronous threads.
struct Undoing {
    system: Arc<dyn DataTarget>,
    fields: ModelFields,
    modes: BTreeMap<&'static str, ModelMode>,
    policy: Policy,
    target: Snapshot,
    changes: Collected,
    folder: PathBuf,
    path: PathBuf,
}

impl Undoing {
    fn save(mut self, mut header: PlanHeader, memory: &dyn Memory) -> Result<SavedPlan> {
        let former = Former::of(self.changes, &mut self.target, &self.fields)?;
        for (model, read) in &mut header.source.reads {
            if let Some(snapshot) = former.snapshot.models.get(model.as_str()) {
                read.digest.clone_from(&snapshot.digest);
                read.records = snapshot.records;
            }
        }
        let mut evidence = Evidence { undoes: true, ..Evidence::default() };
        if !self.system.capabilities().deletes {
            evidence.no_deletes = Some("this target takes no deletes".to_owned());
        }
        let draft = PlanDraft::new(&self.fields, &self.target, &self.policy, &self.folder)?;
        let mut draft = draft.with_releases(self.system.releases(), &former.snapshot, memory);
        let input = DiffInput {
            source: &former.snapshot,
            target: &self.target,
            fields: &self.fields,
            modes: &self.modes,
            exact: true,
        };
        crate::diff::calculate(&input, &mut Annotated::new(&mut draft, &former.notes))?;
        draft.save(&self.path, &header, &former.snapshot, &evidence, Vec::new(), memory)
    }
}

impl Runner {
    /// The run that an undo or a rerun would be about; an error says why it cannot be. A run that is asked for all the same fails
    /// with it.
    pub async fn subject(&self, sync: &SyncDefinition, request: &RunRequest) -> Result<Run> {
        subject_of(&self.history, sync, request.purpose, request.subject).await
    }
}

/// The run that an undo or a rerun is about, if it can be.
pub(super) async fn subject_of(
    history: &History,
    sync: &SyncDefinition,
    purpose: Purpose,
    subject: Option<RunId>,
) -> Result<Run> {
    let what = if purpose == Purpose::Undo { "taken back" } else { "tried again" };
    let refused = |message: String| Error::new(ErrorKind::Refused, message);
    let Some(subject) = subject else {
        return Err(refused(format!("say which run is to be {what}")));
    };
    let Some(run) = history.run(subject).await? else {
        let message = format!("run {subject} cannot be {what}: there is no such run, or it is not kept any more");
        return Err(Error::new(ErrorKind::NotFound, message));
    };
    if run.sync != sync.name {
        return Err(refused(format!("run {subject} is one of `{}`, not of `{}`", run.sync, sync.name)));
    }
    if run.dry {
        return Err(refused(format!("run {subject} was dry: there is nothing to be {what}")));
    }
    if !run.status.is_final() {
        return Err(refused(format!("run {subject} is `{}`; it can be {what} when it is over", run.status)));
    }
    if run.target.instance != sync.target.instance() {
        let message = format!(
            "run {subject} wrote to `{}`, and `{}` writes to `{}` now",
            run.target.instance,
            sync.name,
            sync.target.instance()
        );
        return Err(refused(message));
    }
    Ok(run)
}
