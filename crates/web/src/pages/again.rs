//! Runs that are about another run: what takes it back, and what tries again what it did not get done.

use axum::extract::State;
use axum::response::Redirect;
use syncline_core::history::{Run, RunId, RunKind};
use syncline_core::run::RunRequest;

use super::form::{Posted, RunNumber};
use super::frame::Visit;
use super::run::to_run;
use super::{PageProblem, run};
use crate::ApiState;

/// What can be asked for about a run.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Again {
    /// It has written something that could be taken back.
    pub undo: bool,
    /// It did not get done all that it wanted.
    pub rerun: bool,
}

impl Again {
    /// Of a run as it stands.
    pub fn of(run: &Run) -> Self {
        let is_over = run.status.is_final() && !run.dry;
        let outcomes = &run.counts.outcomes;
        Self { undo: is_over && outcomes.applied > 0, rerun: is_over && outcomes.failed > 0 }
    }

    /// Whether there is anything.
    pub fn is_any(self) -> bool {
        self.undo || self.rerun
    }
}

/// `POST /runs/{id}/undo`.
pub async fn undo(
    state: State<ApiState>,
    visit: Visit,
    number: RunNumber,
    posted: Posted,
) -> Result<Redirect, PageProblem> {
    start(state, visit, number, posted, RunRequest::undo).await
}

/// `POST /runs/{id}/rerun`.
pub async fn rerun(
    state: State<ApiState>,
    visit: Visit,
    number: RunNumber,
    posted: Posted,
) -> Result<Redirect, PageProblem> {
    start(state, visit, number, posted, RunRequest::rerun).await
}

/// A dry run, unless the form says otherwise.
async fn start(
    State(state): State<ApiState>,
    visit: Visit,
    RunNumber(id): RunNumber,
    Posted(fields): Posted,
    about: fn(RunId) -> RunRequest,
) -> Result<Redirect, PageProblem> {
    fields.only(&["reason", "what"])?;
    let subject = run(&state, id).await?;
    let sync = state.syncs.sync(&subject.sync).await?;
    let request = RunRequest {
        kind: RunKind::Adhoc,
        by: visit.by().to_owned(),
        reason: fields.text("reason").map(str::to_owned),
        dry_run: fields.text("what") != Some("real"),
        ..about(id)
    };
    // A slip is told, and leaves no failed run in the history.
    state.runner.subject(&sync.definition, &request).await?;
    let triggered = state.runner.trigger(&sync.definition, &request).await?;
    Ok(to_run(triggered.run().number()))
}
