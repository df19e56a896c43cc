//! Where in the target the changes of a run wait: whose place it is, and what becomes of it.

use chrono::Utc;

use super::applying::Applying;
use super::work::Work;
use crate::change::Change;
use crate::event::Level;
use crate::history::{LeftStage, RunStage};
use crate::plan::PlanReader;
use crate::target::Stage;
use crate::{Error, ErrorKind, ErrorStatus, Result};

/// How many characters of a plan's hash tell it from others.
const SHORT: usize = 8;

impl Applying<'_, '_> {
    /// The place in the target where this run's writes wait: the one that it had before, or its first.
    ///
    /// Numbers of runs come again when a history is lost, and with a second installation: the plan is in the name, so that
    /// nobody opens what another run left.
    pub(super) async fn stage(&self) -> Result<Box<dyn Stage>> {
        let (run, permit) = (self.work.run, self.permit());
        if let Some(id) = &run.staged_as {
            let known = self.target.staged(&permit, id).await?;
            return known.ok_or_else(|| {
                let message = format!(
                    "the place in the target where the changes of the run were staged (`{id}`) was deleted there; run the sync again"
                );
                Error::new(ErrorKind::Stale, message)
            });
        }
        let plan = self.plan.hash().trim_start_matches("blake3:");
        let plan = plan.get(..SHORT).unwrap_or(plan);
        self.target.stage(&permit, &format!("syncline {} run {} plan {plan}", self.work.sync.name, run.id)).await
    }

    /// Removes what the run staged, if it did.
    pub(super) async fn discard(&self) -> Result<()> {
        let Some(id) = &self.work.run.staged_as else { return Ok(()) };
        if let Some(stage) = self.target.staged(&self.permit(), id).await? {
            stage.discard().await?;
        }
        self.work.runner.history.drop_stage(self.work.run.id).await
    }

    /// Takes the place of an older run of the sync whose staged changes wait for a decision: merging both would make twice what the
    /// target takes twice. One that would change just the same keeps its place, and people who look at it need not begin again.
    pub(super) async fn take_the_place(&self) -> Result<()> {
        let (run, history) = (self.work.run, &self.work.runner.history);
        if run.staged_as.is_some() || matches!(run.stage, RunStage::Applying | RunStage::Staged) {
            return Ok(());
        }
        if let Some(older) = history.staged_before(run.id).await?
            && self.is_the_plan_of(older).await?
        {
            let message = format!(
                "the changes would be those of run {older}, which are staged already: decide about that run with `syncline approve \
                 {older}` or `syncline reject {older}`"
            );
            return Err(Error::new(ErrorKind::Cancelled, message));
        }
        if run.is_part()
            && let Some(other) = history.staged_beside(run.id).await?
        {
            let message = format!(
                "the changes of run {other} are staged already and wait, and may be the same as some of this run's: decide about that \
                 run first, with `syncline approve {other}` or `syncline reject {other}`"
            );
            return Err(Error::new(ErrorKind::Refused, message));
        }
        for older in history.supersede_stages(self.work.claim).await? {
            let text = format!("run {older}, whose changes waited for a decision, is superseded by this run");
            self.work.events.message(Level::Info, text);
        }
        Ok(())
    }

    /// Whether another run would do the same to the same. A plan that is not to be had any more is another one.
    async fn is_the_plan_of(&self, run: crate::history::RunId) -> Result<bool> {
        let Some(run) = self.work.runner.history.run(run).await? else { return Ok(false) };
        let Ok(other) = self.work.runner.plan_of(&run).await else { return Ok(false) };
        // Nobody can approve what is too old.
        if other.header().definition != self.plan.header().definition || other.header().valid_until < Utc::now() {
            return Ok(false);
        }
        let own = PlanReader::open(self.plan.path())?;
        let compared = tokio::task::spawn_blocking(move || same_changes(&own, &other)).await;
        compared.map_err(|cause| Error::new(ErrorKind::Internal, "two plans were not compared").caused_by(cause))?
    }

    /// Removes what runs of the sync left in the target: they are over, and nobody merges that any more. What cannot be removed
    /// now is tried again by the next run.
    ///
    /// A run can be over while its merge is not: it was cancelled, or failed, after it asked. What was merged counts as the run's, and
    /// this run, which read the target before that, goes no further.
    pub(super) async fn remove_left(&self) -> Result<()> {
        let Work { runner, run, claim, events, .. } = self.work;
        for left in runner.history.left_stages(run.id).await? {
            let what = format!("what run {} staged in the target as `{}`", left.run, left.id);
            match self.end_left(&left).await {
                Ok(End::Removed) => events.message(Level::Info, format!("{what} was removed")),
                Ok(End::Merged) => {
                    runner.history.merge_stage(*claim, left.run).await?;
                    let message =
                        format!("{what} was merged after all, and this run read the target before; run the sync again");
                    return Err(Error::new(ErrorKind::Stale, message));
                }
                Err(error) if error.status() == ErrorStatus::Temporary || error.kind() == ErrorKind::LeaseLost => {
                    return Err(error);
                }
                Err(error) => {
                    let text = format!("{what} could not be removed: {}", error.report());
                    events.message(Level::Warning, text.clone());
                    // It may have been merged at this very moment.
                    if error.kind() == ErrorKind::Refused {
                        return Err(Error::new(ErrorKind::Stale, format!("{text}; run the sync again")));
                    }
                }
            }
        }
        Ok(())
    }

    /// Finds out how a place ends that a run left, and removes what was not merged.
    async fn end_left(&self, left: &LeftStage) -> Result<End> {
        if let Some(stage) = self.target.staged(&self.permit(), &left.id).await? {
            if stage.is_merging().await? {
                match stage.merge().await {
                    Ok(()) => return Ok(End::Merged),
                    Err(error) if error.status() == ErrorStatus::Temporary => return Err(error),
                    // It was refused, and nothing of it is there.
                    Err(error) => {
                        tracing::info!(run = %left.run, "a merge that was left came to nothing: {}", error.report());
                    }
                }
            }
            stage.discard().await?;
        }
        self.work.runner.history.drop_stage(left.run).await?;
        Ok(End::Removed)
    }
}

/// What became of a place that a run left.
enum End {
    Removed,
    Merged,
}

/// Whether two plans make the same changes. What is held counts on: how long it waited is no other change.
fn same_changes(one: &PlanReader, other: &PlanReader) -> Result<bool> {
    let goes = |change: &Result<Change>| change.as_ref().map_or(true, |change| change.hold.is_none());
    let (mut one, mut other) = (one.changes()?.filter(goes), other.changes()?.filter(goes));
    loop {
        match (one.next().transpose()?, other.next().transpose()?) {
            (None, None) => return Ok(true),
            (one, other) if one != other => return Ok(false),
            _ => {}
        }
    }
}
