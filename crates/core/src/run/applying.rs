//! From a saved plan to the target: what the guards say, what people decided, and the writing.

use std::time::Duration;

use chrono::Utc;

use super::RunReport;
use super::phases::PhaseClock;
use super::runner::ensure_same_policy;
use super::work::Work;
use crate::apply::{Applied, ApplyContext, Stays};
use crate::change::Action;
use crate::event::{Level, Phase};
use crate::fields::ModelFields;
use crate::guard::Demand;
use crate::history::{Approval, Decision, OUT_OF_TIME, RunStage, RunStatus};
use crate::permit::WritePermit;
use crate::places::Places;
use crate::plan::PlanReader;
use crate::target::{DataTarget, Stage, TargetWriter};
use crate::{Error, ErrorKind, Result};

/// How many changes are read from the history at once.
const PAGE: u64 = 10_000;

/// A plan about to be applied.
pub struct Applying<'a, 'w> {
    /// The run.
    pub work: &'a Work<'w>,
    /// What it would change.
    pub plan: &'a PlanReader,
    /// What it would change it in.
    pub target: &'a dyn DataTarget,
    /// What both sides speak of.
    pub fields: &'a ModelFields,
    /// Why nothing more is written, and only found out what became of what was sent; none when the plan is applied.
    pub ends: Option<String>,
}

/// What is to be done with a plan.
enum Course {
    /// It is applied, as far as it was selected.
    Apply(Option<Places>),
    /// A person has to look at it first.
    Wait,
    /// What it staged is removed again, for this reason.
    Discard(String),
}

impl Applying<'_, '_> {
    /// Does what guards and people let pass.
    pub async fn go(&self, report: &mut RunReport) -> Result<RunStatus> {
        let decisions = self.work.runner.history.decisions(self.work.run.id).await?;
        let decision = decisions.iter().find(|decision| decision.plan_hash == self.plan.hash());
        let stages_writes = self.target.capabilities().staging;
        let course = self.course(decision, stages_writes).await?;
        if !matches!(course, Course::Discard(_)) {
            self.take_the_place().await?;
            self.remove_left().await?;
        }
        match course {
            Course::Wait => {
                let reasons = self.plan.summary().objections();
                let why = if reasons.is_empty() { "the sync asks for it (`auto_merge = false`)" } else { &reasons };
                self.work.events.message(Level::Warning, format!("the plan needs approval: {why}"));
                self.work.runner.history.store_plan(self.plan).await?;
                Ok(RunStatus::AwaitingReview)
            }
            Course::Discard(reason) => {
                self.discard().await?;
                Err(Error::new(ErrorKind::Cancelled, reason))
            }
            Course::Apply(selection) => {
                if let Some(decision) = decision {
                    let Decision { by, reason, .. } = decision;
                    let text = format!("plan {} was approved by {by}: {reason}", self.plan.hash());
                    self.work.events.message(Level::Info, text);
                }
                // Whoever goes on with the run after this machine is gone needs the plan.
                self.work.runner.history.store_plan(self.plan).await?;
                if stages_writes {
                    self.staged(selection, decision.is_some(), report).await
                } else {
                    let writer = self.target.writer(&self.permit()).await?;
                    self.write(writer.as_ref(), selection, report).await
                }
            }
        }
    }

    /// Finds out what became of the batches that were sent, and writes nothing more.
    pub async fn settle(&self, report: &mut RunReport) -> Result<RunStatus> {
        let decisions = self.work.runner.history.decisions(self.work.run.id).await?;
        let decision = decisions.into_iter().find(|decision| decision.plan_hash == self.plan.hash());
        let selection = decision.and_then(|decision| decision.selection);
        let writer = if self.work.run.staged_as.is_some() {
            self.stage().await?.writer().await?
        } else {
            self.target.writer(&self.permit()).await?
        };
        self.write(writer.as_ref(), selection, report).await
    }

    /// What guards and people let pass.
    async fn course(&self, decision: Option<&Decision>, stages_writes: bool) -> Result<Course> {
        let stage = self.work.run.stage;
        if let Some(decision) = decision
            && decision.verdict == Approval::Rejected
        {
            return Ok(Course::Discard(format!("the plan was rejected by {}: {}", decision.by, decision.reason)));
        }
        let selection = || decision.and_then(|decision| decision.selection.clone());
        if stage == RunStage::Applying {
            // It was let pass before.
            return Ok(Course::Apply(selection()));
        }
        let overridden = decision.is_some_and(|decision| decision.overrides_guards);
        match self.plan.summary().demand() {
            Some(Demand::Refusal) if !overridden => {
                self.work.recorder.planned(self.plan).await?;
                let message = format!("a guard refuses the plan: {}", self.plan.summary().objections());
                Err(Error::new(ErrorKind::Guard, message))
            }
            _ if decision.is_some() => Ok(Course::Apply(selection())),
            // The policy is the person who was asked.
            _ if self.work.run.options.takes_back => Ok(Course::Apply(None)),
            // What is staged waits after it was written, where people can look at it. Where nothing is to be written, there is
            // nothing to look at but the plan: a loss, for instance, whose deletes are all withheld.
            _ if stages_writes && self.plan.summary().to_apply() > 0 => Ok(Course::Apply(None)),
            Some(Demand::Approval) => Ok(Course::Wait),
            _ if self.work.sync.auto_merge || !self.has_effect() => Ok(Course::Apply(None)),
            // A plan that a person asked to apply, by its file, was looked at.
            _ if self.work.run.purpose == crate::history::Purpose::Apply => Ok(Course::Apply(None)),
            _ => Ok(Course::Wait),
        }
    }

    /// Whether applying the plan writes anything, or makes records Syncline's own, which can then be deleted.
    fn has_effect(&self) -> bool {
        let summary = self.plan.summary();
        summary.to_apply() > 0 || (self.plan.header().adopts && summary.to_adopt() > 0)
    }

    pub(super) fn permit(&self) -> WritePermit {
        let message = format!("Syncline {} run {}", self.work.sync.name, self.work.run.id);
        WritePermit::new(self.plan.hash().to_owned(), message, self.work.validity.clone())
    }

    /// Writes into a place of the target's own, and merges it when nobody has to look at it first.
    async fn staged(&self, selection: Option<Places>, approved: bool, report: &mut RunReport) -> Result<RunStatus> {
        let (history, claim) = (&self.work.runner.history, self.work.claim);
        if self.plan.summary().to_apply() == 0 {
            let nothing = self.target.writer(&self.permit()).await?;
            return self.write(nothing.as_ref(), selection, report).await;
        }
        let stage = self.stage().await?;
        if self.work.run.stage != RunStage::Staged {
            history.set_staged_as(claim, stage.id()).await?;
            if let Some(link) = stage.link() {
                self.work.events.message(Level::Info, format!("the changes are staged: {}", link.url));
            }
            let writer = stage.writer().await?;
            let status = self.write(writer.as_ref(), selection, report).await?;
            if status != RunStatus::Completed {
                return Ok(status);
            }
            history.set_stage(claim, RunStage::Staged).await?;
        }
        if !approved && (!self.work.sync.auto_merge || self.plan.summary().demand().is_some()) {
            self.work.events.message(Level::Warning, "the staged changes wait for approval");
            return Ok(RunStatus::AwaitingReview);
        }
        // What was asked for cannot be called back: the attempt before this one asked, or a person in the target.
        if !stage.is_merging().await? {
            self.ensure_mergeable(stage.as_ref()).await?;
        }
        stage.merge().await?;
        history.merge_stage(claim, claim.run).await?;
        Ok(RunStatus::Completed)
    }

    /// Refuses to merge what nobody would write now.
    async fn ensure_mergeable(&self, stage: &dyn Stage) -> Result<()> {
        ensure_same_policy(self.plan, self.work.sync)?;
        let decided = self.decided_since().await?;
        if !decided.is_empty() {
            let message = format!(
                "the staged changes delete what is to stay, as it turned out since: {}; they stay staged, and the next run makes \
                 others",
                decided.join("; ")
            );
            return Err(Error::new(ErrorKind::Stale, message));
        }
        let conflicts = stage.conflicts().await?;
        if !conflicts.is_empty() {
            let message = format!(
                "the target was changed where the run changes it too, so its changes stay staged until the next run of the sync: {}",
                conflicts.join("; ")
            );
            return Err(Error::new(ErrorKind::Stale, message));
        }
        Ok(())
    }

    /// Records that the run deleted where its changes are staged, and that are to stay after all, with the reasons.
    async fn decided_since(&self) -> Result<Vec<String>> {
        if self.plan.summary().models.iter().all(|model| model.delete == 0) {
            return Ok(Vec::new());
        }
        let Work { recorder, run, runner, .. } = self.work;
        let stays = Stays::ask(self.plan, self.fields, &mut recorder.journal(self.plan).await?).await?;
        let (mut after, mut decided) = (Some(0), Vec::new());
        while let Some(from) = after {
            let page = runner.history.applied_changes(run.id, from, PAGE).await?;
            let deleted = page.changes.iter().filter(|change| change.whole && change.action == Action::Delete);
            decided.extend(deleted.filter_map(|change| {
                let reason = stays.reason(&change.model, &change.key)?;
                Some(format!("{} `{}` ({reason})", change.model, change.key))
            }));
            after = page.next;
        }
        Ok(decided)
    }

    async fn write(
        &self,
        writer: &dyn TargetWriter,
        selection: Option<Places>,
        report: &mut RunReport,
    ) -> Result<RunStatus> {
        let Work { events, stop, recorder, run, .. } = self.work;
        let clock = PhaseClock::start(Phase::ExecuteSync, events, self.work.memory(), true);
        let begun = Utc::now();
        // Who approved a part of the plan said nothing of the rest of what it would make Syncline's own.
        if self.ends.is_none() && selection.is_none() {
            recorder.adopt(self.plan).await?;
        }
        let mut journal = recorder.journal(self.plan).await?;
        let mut context = ApplyContext::new(
            self.plan,
            self.fields,
            self.target.capabilities(),
            &mut journal,
            (*events).clone(),
            (*stop).clone(),
        )
        .only(selection)
        .ending(self.ends.clone());
        let applied = {
            let writing = clock.around(writer.execute_sync(&mut context));
            tokio::pin!(writing);
            let time_is_up = async {
                match run.options.max_duration_s {
                    Some(seconds) if self.ends.is_none() => tokio::time::sleep(Duration::from_secs(seconds)).await,
                    _ => std::future::pending().await,
                }
            };
            tokio::select! {
                applied = &mut writing => applied,
                () = time_is_up => {
                    let seconds = run.options.max_duration_s.unwrap_or_default();
                    let since = begun.format("%H:%M:%S UTC");
                    stop.pause(format!("{OUT_OF_TIME}: it wrote for {seconds} s since {since}, which is as long as it may"));
                    writing.await
                }
            }
        };
        let kept = journal.flush().await;
        report.phases.push(clock.stop());
        let Applied { models, interrupted, left } = applied?;
        kept?;
        report.outcomes = models;
        match interrupted {
            Some(error) => Err(error),
            None if left > 0 => Err(stop.error()),
            None if stop.is_given() && !stop.leaves_the_rest() => Err(stop.error()),
            None => Ok(RunStatus::Completed),
        }
    }
}
