//! What people decide about plans.

use chrono::{DateTime, Utc};
use futures::FutureExt;
use schemars::JsonSchema;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder,
};
use serde::{Deserialize, Serialize};

use super::entity::{decision, plan, run};
use super::run_read::{applied_already, applied_by};
use super::run_write::{finish, open_run};
use super::{History, RunError, RunId, RunResult, RunStatus, error, status, text};
use crate::places::Places;
use crate::{Error, ErrorKind, Result};

/// A decision about a plan. It is good for this plan and once: a plan is applied by one run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Decision {
    /// The plan.
    pub plan_hash: String,
    /// What was decided.
    pub verdict: Approval,
    /// Who decided.
    pub by: String,
    /// Why.
    pub reason: String,
    /// Which changes, by their places in the plan; none for all.
    pub selection: Option<Places>,
    /// Also what a guard refuses shall be done.
    pub overrides_guards: bool,
    /// When.
    pub at: DateTime<Utc>,
}

/// What a person says to a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Approval {
    /// It shall be applied.
    Approved,
    /// It shall not.
    Rejected,
}

impl History {
    /// Decides about the plan of a run that waits for it. An approved run waits for a runner, a rejected one is cancelled, by a
    /// runner if its changes are staged in the target and have to go. Only the plan that was looked at is decided about: its
    /// hash is in the decision. What is staged is approved as a whole: a selection is refused then. A plan that was valid until a time
    /// that has passed can only be rejected.
    pub async fn decide(&self, run: RunId, decision: &Decision) -> Result<()> {
        self.tell(move |tx, _| {
            async move {
                let waits = open_run(run)
                    .filter(run::Column::Status.eq(RunStatus::AwaitingReview.as_str()))
                    .filter(run::Column::PlanHash.eq(&decision.plan_hash));
                let staged = run::Entity::find_by_id(run.0).one(tx).await.map_err(error::of_statement)?;
                let staged = staged.is_some_and(|row| row.staged_as.is_some());
                if staged && decision.selection.is_some() {
                    return Err(not_in_parts(run));
                }
                if decision.verdict == Approval::Approved {
                    ensure_valid(tx, run, &decision.plan_hash).await?;
                    if let Some(other) = applied_by(tx, &decision.plan_hash, Some(run)).await? {
                        return Err(applied_already(other));
                    }
                }
                let update = if staged || decision.verdict == Approval::Approved {
                    waits
                        .col_expr(run::Column::Status, RunStatus::Queued.as_str().into())
                        .col_expr(run::Column::DeliveredAt, Expr::value(None::<i64>))
                } else {
                    let message = format!("rejected by {}: {}", decision.by, decision.reason);
                    let error = RunError { kind: "rejected".to_owned(), message };
                    finish(waits, &RunResult { status: RunStatus::Cancelled, error: Some(error) })
                };
                if update.exec(tx).await.map_err(error::of_statement)?.rows_affected == 0 {
                    return Err(not_waiting(tx, run, &decision.plan_hash).await);
                }
                insert(tx, run, decision).await?;
                status::note(tx, run).await
            }
            .boxed()
        })
        .await
    }

    /// What was decided about the plan of a run, newest first.
    pub async fn decisions(&self, run: RunId) -> Result<Vec<Decision>> {
        let rows = decision::Entity::find()
            .filter(decision::Column::RunId.eq(run.0))
            .order_by_desc(decision::Column::Id)
            .all(self.store.db())
            .await
            .map_err(|error| self.store.read_error(error))?;
        rows.into_iter().map(Decision::try_from).collect()
    }

    /// Cancels the runs whose plans nobody decided about as long as they could be applied. Gives those. What they staged in the
    /// target is [left](Self::left_stages) to the next run.
    pub async fn expire_reviews(&self) -> Result<Vec<RunId>> {
        let waiting = run::Entity::find()
            .filter(run::Column::Status.eq(RunStatus::AwaitingReview.as_str()))
            .all(self.store.db())
            .await
            .map_err(|error| self.store.read_error(error))?;
        let mut expired = Vec::new();
        for row in waiting {
            let Some(plan) = row.plan_hash.as_deref() else { continue };
            let Some(plan) = self.stored_plan(plan).await? else { continue };
            if plan.valid_until >= Utc::now() {
                continue;
            }
            let until = plan.valid_until.format("%Y-%m-%d %H:%M UTC");
            let message = format!("nobody decided about the plan, which was valid until {until}");
            let error = RunError { kind: "expired".to_owned(), message };
            let result = &RunResult { status: RunStatus::Cancelled, error: Some(error) };
            let update = &finish(open_run(RunId(row.id)), result)
                .filter(run::Column::Status.eq(RunStatus::AwaitingReview.as_str()));
            let ended = self
                .tell(move |tx, _| {
                    async move {
                        let ended = update.clone().exec(tx).await.map_err(error::of_statement)?.rows_affected == 1;
                        if ended {
                            super::batch::forget(tx, RunId(row.id)).await?;
                            status::note(tx, RunId(row.id)).await?;
                        }
                        Ok(ended)
                    }
                    .boxed()
                })
                .await?;
            if ended {
                expired.push(RunId(row.id));
            }
        }
        Ok(expired)
    }
}

pub(super) async fn insert(tx: &DatabaseTransaction, run: RunId, made: &Decision) -> Result<()> {
    let row = decision::ActiveModel {
        run_id: Set(run.0),
        plan_hash: Set(made.plan_hash.clone()),
        verdict: Set(made.verdict.as_str().to_owned()),
        decided_by: Set(made.by.clone()),
        reason: Set(made.reason.clone()),
        selection: Set(made.selection.as_ref().map(text::to_json).transpose()?),
        overrides_guards: Set(made.overrides_guards),
        at: Set(text::micros(made.at)),
        ..Default::default()
    };
    row.insert(tx).await.map_err(error::of_statement)?;
    Ok(())
}

/// A place in the target is merged as a whole: a part of it cannot be left out any more.
fn not_in_parts(run: RunId) -> Error {
    let message = format!(
        "the changes of run {run} are staged in the target, which merges all of them or none: approve the whole run, or reject it \
         with `syncline reject {run}` and run the sync again"
    );
    Error::new(ErrorKind::Refused, message)
}

/// Refuses a plan that was made too long ago.
async fn ensure_valid(tx: &DatabaseTransaction, run: RunId, plan: &str) -> Result<()> {
    let row = plan::Entity::find_by_id(plan).one(tx).await.map_err(error::of_statement)?;
    let Some(until) = row.map(|row| text::time(row.valid_until)).filter(|until| *until < Utc::now()) else {
        return Ok(());
    };
    let message = format!(
        "the plan of run {run} was valid until {} (`policy.plan_valid_hours`); make a new plan",
        until.format("%Y-%m-%d %H:%M UTC")
    );
    Err(Error::new(ErrorKind::Stale, message))
}

async fn not_waiting(tx: &DatabaseTransaction, run: RunId, plan: &str) -> Error {
    match run::Entity::find_by_id(run.0).one(tx).await {
        Ok(Some(row)) if row.plan_hash.as_deref() != Some(plan) => {
            let message = format!("run {run} has another plan than the one that was looked at: look at it again");
            Error::new(ErrorKind::Stale, message)
        }
        Ok(Some(row)) => {
            let message = format!("run {run} waits for no decision: it is `{}`", row.status);
            Error::new(ErrorKind::Refused, message)
        }
        Ok(None) => Error::new(ErrorKind::NotFound, format!("there is no run {run}")),
        Err(error) => error::of_statement(error),
    }
}

impl Approval {
    /// The name in the history and the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Rejected => "rejected",
        }
    }
}

impl TryFrom<decision::Model> for Decision {
    type Error = Error;

    fn try_from(row: decision::Model) -> Result<Self> {
        Ok(Self {
            plan_hash: row.plan_hash,
            verdict: text::parse("decision.verdict", &row.verdict)?,
            by: row.decided_by,
            reason: row.reason,
            selection: row.selection.map(|places| text::parse_json("decision.selection", &places)).transpose()?,
            overrides_guards: row.overrides_guards,
            at: text::time(row.at),
        })
    }
}
