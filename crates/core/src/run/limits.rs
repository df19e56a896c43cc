//! For how long a run may write: as long as its sync says, and until its window closes.

use chrono::Utc;

use super::book::Automation;
use super::{RunReport, Runner, SyncDefinition};
use crate::Result;
use crate::event::Events;
use crate::history::{Claim, Run, RunKind};
use crate::stop::StopSignal;

impl Automation {
    /// Comes back when a run must stop because its window closes.
    async fn window_closes(&self, run: &Run) {
        let closes = self.windows.closes_at(Utc::now(), is_manual(run)).filter(|_| !self.windows.overrun && !run.dry);
        match closes {
            Some(closes) => tokio::time::sleep((closes - Utc::now()).to_std().unwrap_or_default()).await,
            None => std::future::pending().await,
        }
    }
}

impl Runner {
    /// As [`Runner::work`], for no longer than the sync allows. What is left when its window closes goes on when one opens.
    pub(super) async fn work_within(
        &self,
        claim: Claim,
        run: &Run,
        (sync, automation): (&SyncDefinition, &Automation),
        events: &Events,
        stop: &StopSignal,
    ) -> Result<RunReport> {
        let mut working = Box::pin(self.work_limited(claim, sync, automation.max_duration(), events, stop));
        tokio::select! {
            // What ends the run is heard before it takes its next step.
            biased;
            () = automation.window_closes(run) => {}
            report = &mut working => return report,
        }
        let opens = automation.windows.may_start(Utc::now(), is_manual(run)).err().and_then(|closed| closed.until);
        match opens {
            Some(opens) => stop.hand_over(Some(opens)),
            None => stop.pause("its sync window closed, and no opening is in sight"),
        }
        working.await
    }

    /// The limits of a sync's runs; none where nobody keeps syncs.
    pub(super) async fn limits_of(&self, sync: &str) -> Result<Automation> {
        match &self.book {
            Some(book) => Ok(book.sync(sync).await?.automation),
            None => Ok(Automation::default()),
        }
    }
}

/// Whether a person made a run, or somebody on behalf of one.
pub(super) fn is_manual(run: &Run) -> bool {
    run.kind != RunKind::Scheduled
}
