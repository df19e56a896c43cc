//! Where in the target the changes of a run wait: whose place it is, and what becomes of it.

use chrono::Utc;

use super::applying::Applying;
use crate::change::Change;
use crate::event::Level;
use crate::history::RunStage;
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
        self.remove(id).await?;
        self.work.runner.history.note_stage_gone(self.work.run.id).await
    }

    async fn remove(&self, id: &str) -> Result<()> {
        match self.target.staged(&self.permit(), id).await? {
            Some(stage) => stage.discard().await,
            None => Ok(()),
        }
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
    pub(super) async fn remove_left(&self) -> Result<()> {
        let history = &self.work.runner.history;
        for left in history.left_stages(self.work.run.id).await? {
            let what = format!("what run {} staged in the target as `{}`", left.run, left.id);
            match self.remove(&left.id).await {
                Ok(()) => {
                    self.work.events.message(Level::Info, format!("{what} was removed"));
                    history.note_stage_gone(left.run).await?;
                }
                // It may be merged at this very moment, and the plan would not know.
                Err(error) if error.status() == ErrorStatus::Temporary || error.kind() == ErrorKind::LeaseLost => {
                    return Err(error);
                }
                Err(error) => {
                    let text = format!("{what} could not be removed: {}", error.report());
                    self.work.events.message(Level::Warning, text.clone());
                    if error.kind() == ErrorKind::Refused {
                        // It was merged after all, and what this run read may be older: the next run reads what is there now.
                        history.note_stage_gone(left.run).await?;
                        return Err(Error::new(ErrorKind::Stale, format!("{text}; run the sync again")));
                    }
                }
            }
        }
        Ok(())
    }
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
