//! The work of a run: from where it stands to its end.

use std::collections::{BTreeMap, BTreeSet};

use super::applying::Applying;
use super::part::{About, ensure_comparable};
use super::planning::Sides;
use super::record::Recorder;
use super::report::reads;
use super::runner::{ensure_made_for, ensure_same_policy, ensure_still_means, ensure_valid};
use super::whole;
use super::{Drift, ReadSummary, RunReport, Runner, SyncDefinition};
use syncline_model::models::by_name;

use crate::event::Events;
use crate::fields::ModelFields;
use crate::history::{Claim, Purpose, Run, RunStage, RunStatus};
use crate::models::ModelChoice;
use crate::permit::Validity;
use crate::plan::{PlanReader, PlanSide, PlanSummary};
use crate::policy::PartialRead;
use crate::snapshot::{ReadVerdict, Snapshot};
use crate::stop::StopSignal;
use crate::target::DataTarget;
use crate::{Error, ErrorKind, Result};

/// One run in the hands of its runner.
pub struct Work<'a> {
    /// The runner.
    pub runner: &'a Runner,
    /// The sync as it is configured now.
    pub sync: &'a SyncDefinition,
    /// The run as it was taken.
    pub run: &'a Run,
    /// The right to write about it.
    pub claim: Claim,
    /// For how long it may write to the target.
    pub validity: &'a Validity,
    /// Where it tells what happens.
    pub events: &'a Events,
    /// Given when it is to stop.
    pub stop: &'a StopSignal,
    /// Where it is recorded.
    pub recorder: &'a Recorder<'a>,
}

impl Work<'_> {
    /// Goes on from where the run stands.
    pub async fn stages(&mut self, report: &mut RunReport) -> Result<RunStatus> {
        let digest = self.sync.digest(&self.runner.registry)?;
        if self.run.stage == RunStage::Begun {
            return match self.run.purpose {
                Purpose::Undo => self.undo(&digest, report).await,
                _ => self.begin(&digest, report).await,
            };
        }
        let plan = self.runner.plan_of(self.run).await?;
        if self.run.stage == RunStage::Planned {
            ensure_made_for(&plan, self.sync, &digest)?;
            ensure_same_policy(&plan, self.sync)?;
            // An apply that has begun is gone on with, however late it is: half of it is done.
            ensure_valid(&plan)?;
            // Whatever an earlier attempt recorded about the plan is recorded again.
            self.runner.history.begin_again(self.claim).await?;
        } else {
            ensure_still_means(&plan, self.sync, &digest)?;
        }
        report.planned(&plan, None);
        let target = self.runner.registry().connect_target(&self.sync.target, self.events).await?;
        let fields = target.holds();
        report.planned(&plan, Some(&fields));
        self.decide_and_apply(&plan, target.as_ref(), &fields, report).await
    }

    async fn begin(&mut self, digest: &str, report: &mut RunReport) -> Result<RunStatus> {
        self.runner.history.begin_again(self.claim).await?;
        let about = self.about(report).await?;
        let prepared = self.prepare(report).await?;
        if let About::Scope(scope) = &about {
            ensure_comparable(scope, &prepared.fields, &prepared.modes)?;
        }
        let (source, target) = self.load(&prepared, report).await?;
        let as_read = digests(&source);
        let read = prepared.map(source, self.snapshot_folder()).await?;
        let source = prepared.target.desired(read.clone(), &prepared.fields)?;
        // What rules reject or leave out is no part of what is compared, as if it had not been read. So many were read all the same.
        for (model, mapped) in reads(&read) {
            if let Some(as_read) = report.source.get_mut(model) {
                let records = as_read.records;
                *as_read = ReadSummary { records, ..mapped };
            }
        }
        // What the target makes of other records has no read of its own: what it is to keep is what it is measured by.
        for (model, made) in reads(&source) {
            report.source.entry(model).or_insert(made);
        }
        report.desired = source.models.values().map(|model| (model.model, model.records)).collect();
        let partial = partial_reads(&source, &target);
        if let (Some(partial), PartialRead::Stop) = (&partial, self.sync.policy.partial_read) {
            return Err(incomplete(partial));
        }
        if self.sync.policy.all_or_nothing && !self.run.dry {
            whole::ensure_readable([&source, &read])?;
        }
        let plan = self.plan(digest, &prepared, Sides { as_read, read, source, target, about }, report).await?;
        report.plan = Some(plan.path().to_owned());
        report.plan_hash = Some(plan.hash().to_owned());
        report.summary = plan.summary().clone();
        self.recorder.saved_plan(&plan).await?;
        self.decide_and_apply(&plan, prepared.target.as_ref(), &prepared.fields, report).await
    }

    /// Asks the guards and the people, and applies what they let pass.
    pub(super) async fn decide_and_apply(
        &mut self,
        plan: &PlanReader,
        target: &dyn DataTarget,
        fields: &ModelFields,
        report: &mut RunReport,
    ) -> Result<RunStatus> {
        let partial = plan.header().partial.as_deref();
        if !self.run.dry && plan.header().replays.is_some() {
            return Err(Error::new(ErrorKind::Refused, "a replay of recordings writes nothing: ask for a dry run"));
        }
        if self.run.purpose == Purpose::Drift {
            report.drift = Some(Drift::covered(plan, &target.holds(), &self.sync.models));
        }
        let status = if self.run.dry {
            self.recorder.planned(plan).await?;
            RunStatus::Completed
        } else {
            Applying { work: self, plan, target, fields, ends: None }.go(report).await?
        };
        match partial {
            Some(partial) if status == RunStatus::Completed => Err(incomplete(partial)),
            _ => Ok(status),
        }
    }
}

impl RunReport {
    /// The report of a run that begins, or is gone on with.
    pub(super) fn begun(run: &Run) -> Self {
        // What a plan was made from stays known when the plan is gone on with.
        let kept = run.notes.as_object().filter(|_| run.stage != RunStage::Begun);
        let notes =
            kept.into_iter().flatten().filter_map(|(name, note)| Some((name.clone(), note.as_str()?.to_owned())));
        Self {
            run: run.id,
            status: RunStatus::Syncing,
            dry_run: run.dry,
            models: Vec::new(),
            source: BTreeMap::new(),
            desired: BTreeMap::new(),
            target: BTreeMap::new(),
            notes: notes.collect(),
            plan: None,
            plan_hash: None,
            summary: PlanSummary::default(),
            outcomes: BTreeMap::new(),
            drift: None,
            requests: run.requests,
            phases: Vec::new(),
            error: None,
            paused: None,
            not_before: None,
            waiting: None,
            found: None,
            taken_back_by: None,
        }
    }

    /// The report of a run that was cancelled before it began.
    pub(super) fn cancelled(run: &Run) -> Self {
        let error = Error::new(ErrorKind::Cancelled, "the run was cancelled");
        Self { status: RunStatus::Cancelled, error: Some(error), ..Self::begun(run) }
    }

    /// Takes over what a saved plan knows; what was read of which model once the target's models are known.
    fn planned(&mut self, plan: &PlanReader, fields: Option<&ModelFields>) {
        self.plan = Some(plan.path().to_owned());
        self.plan_hash = Some(plan.hash().to_owned());
        self.summary = plan.summary().clone();
        let header = plan.header();
        self.notes.extend(header.source.notes.clone());
        self.notes.extend(header.target.notes.clone());
        if let Some(fields) = fields {
            self.models = planned_models(plan, fields);
            // An undo did not ask the source.
            if header.undoes.is_none() {
                self.source = planned_reads(&header.source);
                let desired = header.source.reads.iter();
                self.desired =
                    desired.filter_map(|(model, read)| Some((fields.schema(model)?.name, read.records))).collect();
            }
            self.target = planned_reads(&header.target);
        }
    }

    pub(super) fn end(&mut self, ended: Result<RunStatus>, stop: &StopSignal) {
        match ended {
            Ok(status) => self.status = status,
            // What was paused is no failure, wherever it was when it stopped.
            Err(error) if error.kind() == ErrorKind::Cancelled && stop.paused().is_some() => {
                self.status = RunStatus::Queued;
                self.paused = stop.paused().map(str::to_owned);
            }
            Err(error) if error.kind() == ErrorKind::Cancelled && stop.handed_over().is_some() => {
                self.status = RunStatus::Queued;
                self.not_before = stop.handed_over().flatten();
            }
            Err(error) => {
                let cancelled = error.kind() == ErrorKind::Cancelled;
                self.status = if cancelled { RunStatus::Cancelled } else { RunStatus::Failed };
                self.error = Some(error);
            }
        }
    }
}

/// What a saved plan does with each model.
fn planned_models(plan: &PlanReader, fields: &ModelFields) -> Vec<ModelChoice> {
    let header = plan.header();
    let models = header.models.iter().filter_map(|(model, mode)| {
        let schema = fields.schema(model)?;
        Some(ModelChoice { model: schema.name, asked: *mode, mode: *mode, needed_by: BTreeSet::new() })
    });
    // What the target's own records were made of.
    let origins = header.source.reads.keys().filter(|model| !header.models.contains_key(*model));
    let origins = origins.filter_map(|model| Some(ModelChoice::looked_up(by_name(model)?, fields)));
    models.chain(origins).collect()
}

/// What was read for a saved plan.
fn planned_reads(side: &PlanSide) -> BTreeMap<&'static str, ReadSummary> {
    let reads = side.reads.iter().filter_map(|(model, read)| {
        let summary = ReadSummary {
            records: read.given.unwrap_or(read.records),
            doubt: read.doubt.clone(),
            skipped: BTreeMap::new(),
            rejected: read.rejected,
            rejections: read.rejections.clone(),
            duplicates: 0,
            filled: None,
        };
        Some((by_name(model)?.name, summary))
    });
    reads.collect()
}

/// The digests of reads by their models.
fn digests(snapshot: &Snapshot) -> BTreeMap<&'static str, String> {
    snapshot.models.values().map(|model| (model.model, model.digest.clone())).collect()
}

/// The reads that did not come to their end.
pub(super) fn partial_reads(source: &Snapshot, target: &Snapshot) -> Option<String> {
    partial(&[source, target])
}

/// The reads of some sides that did not come to their end.
pub(super) fn partial(sides: &[&Snapshot]) -> Option<String> {
    let reasons = sides.iter().flat_map(|snapshot| {
        snapshot.models.values().filter_map(|model| match &model.verdict {
            ReadVerdict::Complete => None,
            ReadVerdict::Partial { reason } => Some(format!("{} {}: {reason}", snapshot.side, model.model)),
        })
    });
    let reasons: Vec<_> = reasons.collect();
    (!reasons.is_empty()).then(|| reasons.join("; "))
}

pub(super) fn incomplete(partial: &str) -> Error {
    let message = format!("a read did not come to its end: {partial}");
    Error::new(ErrorKind::Protocol, message)
}
