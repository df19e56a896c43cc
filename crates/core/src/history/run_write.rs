//! The life of a run, as its runner writes it. How a runner gets to be the one that writes is in `lease`.

use futures::FutureExt;
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveModelTrait, ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter};

use super::entity::run;
use super::lease::Claim;
use super::process::Process;
use super::{History, NewRun, PlanRef, RunId, RunResult, RunStage, RunStatus, error, status, text};
use crate::requests::SideRequests;
use crate::{Error, ErrorKind, Result};

impl History {
    /// Makes a run, with the status `new`: no runner knows of it yet. [`History::trigger`] does so only when none is under way.
    pub async fn begin_run(&self, new: &NewRun) -> Result<RunId> {
        self.tell(move |tx, _| {
            async move {
                let run = insert(tx, new).await?;
                status::note(tx, run).await?;
                Ok(run)
            }
            .boxed()
        })
        .await
    }

    /// Notes the saved plan of a run. What is in the plan is decided from here on.
    pub async fn set_plan(&self, claim: Claim, plan: &PlanRef) -> Result<()> {
        self.tell(move |tx, _| {
            async move {
                let update = claimed(claim)
                    .col_expr(run::Column::PlanHash, plan.hash.as_str().into())
                    .col_expr(run::Column::PlanPath, plan.path.as_str().into())
                    .col_expr(run::Column::Stage, RunStage::Planned.as_str().into());
                one_row(tx, claim, update).await?;
                status::note(tx, claim.run).await
            }
            .boxed()
        })
        .await
    }

    /// Notes how far a run came.
    pub async fn set_stage(&self, claim: Claim, stage: RunStage) -> Result<()> {
        self.tell(move |tx, _| {
            async move {
                one_row(tx, claim, claimed(claim).col_expr(run::Column::Stage, stage.as_str().into())).await?;
                status::note(tx, claim.run).await
            }
            .boxed()
        })
        .await
    }

    /// Notes where in the target the changes of a run wait for their merge.
    pub async fn set_staged_as(&self, claim: Claim, id: &str) -> Result<()> {
        self.store
            .write(move |tx, _| {
                async move { one_row(tx, claim, claimed(claim).col_expr(run::Column::StagedAs, id.into())).await }
                    .boxed()
            })
            .await
    }

    /// Replaces the notes of a run: a JSON object of what connectors want to be remembered, for example the id of the
    /// Forward snapshot.
    pub async fn set_notes(&self, claim: Claim, notes: &serde_json::Map<String, serde_json::Value>) -> Result<()> {
        let json = &text::to_json(notes)?;
        self.store
            .write(move |tx, _| {
                async move { one_row(tx, claim, claimed(claim).col_expr(run::Column::Notes, json.as_str().into())).await }
                    .boxed()
            })
            .await
    }

    /// Replaces what a run asked of its systems.
    pub async fn set_requests(&self, claim: Claim, requests: &SideRequests) -> Result<()> {
        let json = &text::to_json(requests)?;
        self.store
            .write(move |tx, _| {
                let update = claimed(claim).col_expr(run::Column::Requests, json.as_str().into());
                async move { one_row(tx, claim, update).await }.boxed()
            })
            .await
    }

    /// Notes under which id a run is traced.
    pub async fn set_trace_id(&self, claim: Claim, id: &str) -> Result<()> {
        self.store
            .write(move |tx, _| {
                async move { one_row(tx, claim, claimed(claim).col_expr(run::Column::TraceId, id.into())).await }
                    .boxed()
            })
            .await
    }

    /// Ends a run. A run ends once.
    pub async fn finish_run(&self, claim: Claim, result: &RunResult) -> Result<()> {
        if !result.status.is_final() {
            let message = format!("run {} cannot end as `{}`", claim.run, result.status);
            return Err(Error::new(ErrorKind::Internal, message));
        }
        self.tell(move |tx, _| {
            async move {
                one_row(tx, claim, finish(claimed(claim), result)).await?;
                super::batch::forget(tx, claim.run).await?;
                status::note(tx, claim.run).await
            }
            .boxed()
        })
        .await
    }
}

/// Inserts a run. Whoever does that notes its status when nothing else is left to do.
pub(super) async fn insert(tx: &DatabaseTransaction, new: &NewRun) -> Result<RunId> {
    let process = Process::current();
    let stage = if new.plan.is_some() { RunStage::Planned } else { RunStage::Begun };
    let row = run::ActiveModel {
        sync_id: Set(new.sync.0),
        kind: Set(new.kind.as_str().to_owned()),
        dry: Set(new.dry),
        status: Set(RunStatus::New.as_str().to_owned()),
        definition_hash: Set(new.definition_hash.clone()),
        plan_hash: Set(new.plan.as_ref().map(|plan| plan.hash.clone())),
        plan_path: Set(new.plan.as_ref().map(|plan| plan.path.clone())),
        source_connector: Set(new.source.connector.clone()),
        source_connection: Set(new.source.connection.clone()),
        source_instance: Set(new.source.instance.clone()),
        target_connector: Set(new.target.connector.clone()),
        target_connection: Set(new.target.connection.clone()),
        target_instance: Set(new.target.instance.clone()),
        created_at: Set(text::now()),
        notes: Set("{}".to_owned()),
        triggered_by: Set(new.triggered_by.clone()),
        request: Set(new.request.clone()),
        request_id: Set(new.request_id.as_ref().map(ToString::to_string)),
        host: Set(process.host.clone()),
        process: Set(process.identity.clone()),
        purpose: Set(new.purpose.as_str().to_owned()),
        subject: Set(new.subject.map(|run| run.0)),
        stage: Set(stage.as_str().to_owned()),
        options: Set(text::to_json(&new.options)?),
        tick: Set(new.tick.map(text::micros)),
        not_before: Set(new.not_before.map(text::micros)),
        ..Default::default()
    };
    Ok(RunId(row.insert(tx).await.map_err(error::of_statement)?.id))
}

pub(super) type Update = sea_orm::UpdateMany<run::Entity>;

/// An update of a run by the runner that has it.
pub(super) fn claimed(claim: Claim) -> Update {
    open_run(claim.run)
        .filter(run::Column::Fence.eq(claim.fence))
        .filter(run::Column::Status.eq(RunStatus::Syncing.as_str()))
}

/// An update of a run that is not over.
pub(super) fn open_run(run: RunId) -> Update {
    run::Entity::update_many().filter(run::Column::Id.eq(run.0)).filter(run::Column::FinishedAt.is_null())
}

/// Ends a run, and what a runner had of it.
pub(super) fn finish(update: Update, result: &RunResult) -> Update {
    let error = result.error.as_ref();
    update
        .col_expr(run::Column::Status, result.status.as_str().into())
        .col_expr(run::Column::FinishedAt, text::now().into())
        .col_expr(run::Column::ErrorKind, Expr::value(error.map(|error| error.kind.as_str())))
        .col_expr(run::Column::ErrorMessage, Expr::value(error.map(|error| error.message.as_str())))
        .col_expr(run::Column::LeaseUntil, Expr::value(None::<i64>))
        .col_expr(run::Column::Paused, Expr::value(None::<String>))
        .col_expr(run::Column::Waiting, Expr::value(None::<String>))
}

/// Makes sure that the run is still its runner's.
pub(super) async fn hold(tx: &DatabaseTransaction, claim: Claim) -> Result<()> {
    one_row(tx, claim, claimed(claim).col_expr(run::Column::Fence, claim.fence.into())).await
}

pub(super) async fn one_row(tx: &DatabaseTransaction, claim: Claim, update: Update) -> Result<()> {
    let done = update.exec(tx).await.map_err(error::of_statement)?;
    if done.rows_affected == 1 { Ok(()) } else { Err(not_writable(tx, claim).await) }
}

/// Why a run cannot be written by the runner that had it.
pub(super) async fn not_writable(tx: &DatabaseTransaction, claim: Claim) -> Error {
    let run = claim.run;
    match run::Entity::find_by_id(run.0).one(tx).await {
        Ok(Some(row)) if row.finished_at.is_some() && row.fence != claim.fence => {
            let message =
                format!("run {run} was taken from this runner, and another one finished it (`{}`)", row.status);
            Error::new(ErrorKind::LeaseLost, message)
        }
        Ok(Some(row)) if row.finished_at.is_some() => {
            Error::new(ErrorKind::Internal, format!("run {run} is over (`{}`) and takes no more records", row.status))
        }
        Ok(Some(row)) => {
            let now = match row.worker {
                Some(worker) => format!("`{worker}` has it now"),
                None => format!("it is `{}` now", row.status),
            };
            Error::new(ErrorKind::LeaseLost, format!("run {run} was taken from this runner: {now}"))
        }
        Ok(None) => Error::new(ErrorKind::NotFound, format!("there is no run {run}")),
        Err(error) => error::of_statement(error),
    }
}
