//! All or nothing: what a run did is taken back when a part of it failed.
//!
//! No system that is written to over an API can roll back what it took. So this is an undo, an ordinary plan from the values before,
//! that follows the run by itself: between the two, the target has what the run changed.

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio_util::sync::CancellationToken;

use super::{RunReport, RunRequest, Runner, SyncDefinition};
use crate::event::{Events, Level};
use crate::history::{Purpose, Run, RunId, RunSettings, RunStatus};
use crate::snapshot::Snapshot;
use crate::{Error, ErrorKind, Result};

/// Refuses to write a part: of a record that could not be taken over, nobody knows what it would have been.
pub(super) fn ensure_readable<'a>(sides: impl IntoIterator<Item = &'a Snapshot>) -> Result<()> {
    let mut reads = sides.into_iter().flat_map(|side| side.models.values());
    let Some(read) = reads.find(|read| read.rejected > 0) else { return Ok(()) };
    let first =
        read.rejections.first().map_or_else(String::new, |first| format!(": {}: {}", first.record, first.message));
    let message = format!(
        "{} {} record{} could not be taken over, and the sync does all or nothing (`policy.all_or_nothing`){first}",
        read.rejected,
        read.model,
        if read.rejected == 1 { "" } else { "s" }
    );
    Err(Error::new(ErrorKind::Refused, message))
}

impl Runner {
    /// Makes the run that takes back another one of a sync that does all or nothing, if a part of it failed; and lets that one end as
    /// failed. It is made before the other ends, so that a worker finds it when this process does not live to do it.
    pub(super) async fn ensure_whole(
        &self,
        sync: &SyncDefinition,
        run: &Run,
        report: &mut RunReport,
    ) -> Result<Option<RunId>> {
        let total = report.total();
        let failed = total.failed + total.stale;
        let ended = matches!(report.status, RunStatus::Completed | RunStatus::Failed);
        let is_broken = failed > 0 || report.status == RunStatus::Failed;
        // Another runner has the run, and goes on with it.
        let is_lost = report.error.as_ref().is_some_and(|error| error.kind() == ErrorKind::LeaseLost);
        if !sync.policy.all_or_nothing
            || run.dry
            || run.purpose == Purpose::Undo
            || !ended
            || is_lost
            || !is_broken
            || total.applied == 0
        {
            return Ok(None);
        }
        // What is staged is no change of the target yet.
        if self.known(run.id).await?.staged_as.is_some() {
            return Ok(None);
        }
        let changes = if failed == 1 { "change" } else { "changes" };
        let why = format!("a part of run {} failed ({failed} {changes}), and the sync does all or nothing", run.id);
        let request = RunRequest {
            kind: run.kind,
            by: run.triggered_by.clone(),
            reason: Some(why.clone()),
            request_id: run.request_id.clone(),
            settings: RunSettings { takes_back: true, ..RunSettings::default() },
            ..RunRequest::undo(run.id)
        };
        let undo = self.trigger(sync, &request).await?.run();
        let message =
            format!("{why} (`policy.all_or_nothing`): run {undo} takes back the {} that were applied", total.applied);
        report.status = RunStatus::Failed;
        report.error.get_or_insert_with(|| Error::new(ErrorKind::Refused, message));
        Ok(Some(undo))
    }

    /// Takes back at once. What cannot be done now is queued.
    pub(super) fn take_back<'a>(
        &'a self,
        undo: RunId,
        sync: &'a SyncDefinition,
        events: &'a Events,
    ) -> BoxFuture<'a, ()> {
        async move {
            let cancel = CancellationToken::new();
            match self.go_on(undo, sync, events, &cancel).await {
                Ok(report) => {
                    if let Some(error) = &report.error {
                        events.message(Level::Error, format!("run {undo} could not take it back: {}", error.report()));
                    }
                }
                Err(error) => {
                    let text = format!("run {undo}, which takes it back, is queued: {}", error.report());
                    events.message(Level::Warning, text);
                }
            }
        }
        .boxed()
    }
}
