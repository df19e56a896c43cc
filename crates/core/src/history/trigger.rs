//! How runs come to be, and what people want of them before they are over.

use std::time::Duration;

use futures::FutureExt;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DatabaseTransaction, DbBackend, EntityTrait, QueryFilter, QueryOrder,
    Statement,
};

use super::entity::run;
use super::part::scope_of;
use super::run_read::{applied_already, applied_by};
use super::run_write::{finish, insert, open_run};
use super::{
    Decision, History, NewRun, Purpose, RequestId, Run, RunError, RunFilter, RunId, RunResult, RunStage, RunStatus,
    Stop, StopRequest, WaitsFor, decision, error, lease, status, text,
};
use crate::{Error, ErrorKind, Result};

/// What came of asking for a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Triggered {
    /// A run was made.
    Made(RunId),
    /// A run that was asked to do the same is under way or queued already, or the schedule's tick has had its run: that one.
    AlreadyRunning(RunId),
}

impl Triggered {
    /// The run, whoever made it.
    pub fn run(self) -> RunId {
        match self {
            Self::Made(run) | Self::AlreadyRunning(run) => run,
        }
    }
}

/// A run that some runner should be told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ready {
    /// The run.
    pub run: RunId,
    /// How often runners were told of it, this time included.
    pub delivery: u32,
}

impl History {
    /// Makes a run, unless one that was asked to do the same is under way or queued already: asking twice is asking once. One that
    /// was asked for something else is no answer, and the new run waits for its turn behind it.
    pub async fn trigger(&self, new: &NewRun) -> Result<Triggered> {
        self.trigger_decided(new, None).await
    }

    /// As [`History::trigger`], for a run of a plan about which a person has decided: no runner sees the run without the decision.
    pub async fn trigger_decided(&self, new: &NewRun, decision: Option<&Decision>) -> Result<Triggered> {
        self.tell(move |tx, _| {
            async move {
                serialise(tx, new).await?;
                if let Some(id) = new.request_id.as_ref().filter(|_| new.once)
                    && let Some(run) = asked_for_before(tx, new, id).await?
                {
                    return Ok(Triggered::AlreadyRunning(run));
                }
                let under_way = [RunStatus::New.as_str(), RunStatus::Queued.as_str(), RunStatus::Syncing.as_str()];
                let mut there = Condition::any().add(run::Column::Status.is_in(under_way));
                if let Some(tick) = new.tick {
                    there = there.add(run::Column::Tick.eq(text::micros(tick)));
                }
                let there = run::Entity::find()
                    .filter(run::Column::SyncId.eq(new.sync.0))
                    .filter(there)
                    .order_by_desc(run::Column::Id)
                    .all(tx)
                    .await
                    .map_err(error::of_statement)?;
                // Schedules of several purposes have ticks at the same time.
                let of_tick = |row: &run::Model| {
                    row.purpose == new.purpose.as_str()
                        && new.tick.is_some_and(|tick| row.tick == Some(text::micros(tick)))
                };
                if let Some(row) = there.iter().find(|row| of_tick(row) || is_asked_by(row, new)) {
                    return Ok(Triggered::AlreadyRunning(RunId(row.id)));
                }
                if let Some(plan) = &new.plan
                    && let Some(other) = applied_by(tx, &plan.hash, None).await?
                {
                    return Err(applied_already(other));
                }
                let run = insert(tx, new).await?;
                if let Some(decision) = decision {
                    decision::insert(tx, run, decision).await?;
                }
                status::note(tx, run).await?;
                Ok(Triggered::Made(run))
            }
            .boxed()
        })
        .await
    }

    /// The runs that a runner could take now, oldest first, and of which none was told within `patience`. Each is counted as
    /// told: of several processes that ask at once, one gets it.
    pub async fn take_ready(&self, patience: Duration) -> Result<Vec<Ready>> {
        let now = lease::now(self.store.db()).await?;
        let patience = i64::try_from(patience.as_micros()).unwrap_or(i64::MAX / 2);
        let mut ready = Vec::new();
        for (row, waits_for) in self.line().await? {
            if waits_for != WaitsFor::Worker {
                continue;
            }
            if row.delivered_at.is_some_and(|at| at > now - patience) {
                continue;
            }
            let delivery = row.delivery + 1;
            let is_new = row.status != RunStatus::Queued.as_str();
            let told = self
                .tell(move |tx, _| {
                    async move {
                        let update = open_run(RunId(row.id))
                            .filter(run::Column::Delivery.eq(row.delivery))
                            .filter(run::Column::Status.is_in([RunStatus::New.as_str(), RunStatus::Queued.as_str()]))
                            .col_expr(run::Column::Status, RunStatus::Queued.as_str().into())
                            .col_expr(run::Column::Delivery, delivery.into())
                            .col_expr(run::Column::DeliveredAt, now.into());
                        let told = update.exec(tx).await.map_err(error::of_statement)?.rows_affected == 1;
                        if told && is_new {
                            status::note(tx, RunId(row.id)).await?;
                        }
                        Ok(told)
                    }
                    .boxed()
                })
                .await?;
            if told {
                ready.push(Ready { run: RunId(row.id), delivery: u32::try_from(delivery).unwrap_or(u32::MAX) });
            }
        }
        Ok(ready)
    }

    /// The runs that wait for a runner, in the order in which they will get one.
    pub async fn queue(&self) -> Result<Vec<Run>> {
        let filter = RunFilter { status: vec![RunStatus::New, RunStatus::Queued], ..RunFilter::default() };
        let mut waiting = self.runs(&filter, None, 10_000).await?.items;
        waiting.reverse();
        Ok(waiting)
    }

    /// Asks a run to stop after the batches under way. One that no runner has stops at once, unless what it sent last is in doubt:
    /// then the next runner finds out what became of it first.
    pub async fn request_stop(&self, run: RunId, request: &StopRequest) -> Result<RunStatus> {
        let json = &text::to_json(request)?;
        self.tell(move |tx, _| {
            async move {
                let row = run::Entity::find_by_id(run.0).one(tx).await.map_err(error::of_statement)?;
                let row = row.ok_or_else(|| Error::new(ErrorKind::NotFound, format!("there is no run {run}")))?;
                let status: RunStatus = text::parse("run.status", &row.status)?;
                let in_doubt = request.stop == Stop::Cancel && super::batch::is_in_doubt(tx, run.0).await?;
                let update = match (status, request.stop) {
                    (RunStatus::Completed | RunStatus::Failed | RunStatus::Cancelled, _)
                    | (RunStatus::AwaitingReview, Stop::Pause) => return Ok(status),
                    (RunStatus::Syncing, _) => open_run(run).col_expr(run::Column::Stop, json.as_str().into()),
                    (_, Stop::Pause) => open_run(run).col_expr(run::Column::Paused, request.words().into()),
                    (RunStatus::New | RunStatus::Queued, Stop::Cancel) if in_doubt => open_run(run)
                        .col_expr(run::Column::Stop, json.as_str().into())
                        .col_expr(run::Column::Paused, Expr::value(None::<String>))
                        .col_expr(run::Column::NotBefore, Expr::value(None::<i64>))
                        .col_expr(run::Column::DeliveredAt, Expr::value(None::<i64>)),
                    (_, Stop::Cancel) => {
                        let error = RunError { kind: "cancelled".to_owned(), message: request.words() };
                        finish(open_run(run), &RunResult { status: RunStatus::Cancelled, error: Some(error) })
                    }
                };
                let ends = status != RunStatus::Syncing && request.stop == Stop::Cancel && !in_doubt;
                if ends {
                    super::batch::forget(tx, run).await?;
                }
                // Only as it was found: a runner may take it at this very moment.
                let update = update.filter(run::Column::Status.eq(row.status));
                if update.exec(tx).await.map_err(error::of_statement)?.rows_affected == 0 {
                    let message = format!("run {run} changed while it was being stopped");
                    return Err(Error::new(ErrorKind::Storage, message).temporary());
                }
                status::note(tx, run).await?;
                Ok(match (status, request.stop) {
                    (RunStatus::Syncing, _) | (_, Stop::Pause) => status,
                    (status, Stop::Cancel) if in_doubt => status,
                    (_, Stop::Cancel) => RunStatus::Cancelled,
                })
            }
            .boxed()
        })
        .await
    }

    /// Lets a run go on that was paused, or that waits for its time.
    pub async fn resume(&self, run: RunId) -> Result<()> {
        let resumed = self
            .tell(move |tx, _| {
                async move {
                    let update = open_run(run)
                        .filter(run::Column::Status.is_in([RunStatus::New.as_str(), RunStatus::Queued.as_str()]))
                        .col_expr(run::Column::Paused, Expr::value(None::<String>))
                        .col_expr(run::Column::NotBefore, Expr::value(None::<i64>))
                        .col_expr(run::Column::DeliveredAt, Expr::value(None::<i64>));
                    let resumed = update.exec(tx).await.map_err(error::of_statement)?.rows_affected == 1;
                    if resumed {
                        status::note(tx, run).await?;
                    }
                    Ok(resumed)
                }
                .boxed()
            })
            .await?;
        if resumed {
            return Ok(());
        }
        let found = self.run(run).await?;
        Err(match found {
            Some(found) => {
                let message = format!("run {run} is `{}`: only one that waits can go on", found.status);
                Error::new(ErrorKind::Refused, message)
            }
            None => Error::new(ErrorKind::NotFound, format!("there is no run {run}")),
        })
    }
}

impl StopRequest {
    /// Who wants what, and why.
    pub fn words(&self) -> String {
        let what = match self.stop {
            Stop::Cancel => "cancelled",
            Stop::Pause => "paused",
        };
        let Self { by, reason, .. } = self;
        if reason.is_empty() { format!("{what} by {by}") } else { format!("{what} by {by}: {reason}") }
    }
}

/// Whether a run of the sync was asked to do what another one would be asked for: to write or only to look, to what end, about which
/// run, about which part, with which plan. Who asks, and when it may begin, makes no other request of it.
pub(super) fn is_asked_by(row: &run::Model, new: &NewRun) -> bool {
    // Only what applies a saved plan was asked for with it; others made theirs.
    let is_same_plan =
        new.purpose != Purpose::Apply || row.plan_hash == new.plan.as_ref().map(|plan| plan.hash.clone());
    let is_same_part = new.purpose != Purpose::Part || scope_of(row) == new.options.scope;
    row.dry == new.dry
        && !(new.reads_anew && has_begun(row))
        && row.purpose == new.purpose.as_str()
        && row.subject == new.subject.map(|run| run.0)
        && is_same_plan
        && is_same_part
}

/// Whether a run has read something, or may have.
fn has_begun(row: &run::Model) -> bool {
    row.status == RunStatus::Syncing.as_str() || row.stage != RunStage::Begun.as_str()
}

/// The run of the sync that was asked for under an id first. An id that was given to a request for something else is refused.
async fn asked_for_before(tx: &DatabaseTransaction, new: &NewRun, id: &RequestId) -> Result<Option<RunId>> {
    let first = run::Entity::find()
        .filter(run::Column::SyncId.eq(new.sync.0))
        .filter(run::Column::RequestId.eq(id.as_str()))
        .order_by_asc(run::Column::Id)
        .one(tx)
        .await
        .map_err(error::of_statement)?;
    match first {
        Some(row) if is_asked_by(&row, new) => Ok(Some(RunId(row.id))),
        Some(row) => {
            let message = format!(
                "`{id}` was the id of another request, which run {} was made for: give this one its own",
                row.id
            );
            Err(Error::new(ErrorKind::Refused, message))
        }
        None => Ok(None),
    }
}

/// Lets triggers of one sync come one after the other. SQLite has one writer at a time anyway.
async fn serialise(tx: &DatabaseTransaction, new: &NewRun) -> Result<()> {
    if tx.get_database_backend() != DbBackend::Postgres {
        return Ok(());
    }
    let lock = Statement::from_sql_and_values(
        DbBackend::Postgres,
        r#"SELECT "id" FROM "sync" WHERE "id" = $1 FOR UPDATE"#,
        [new.sync.0.into()],
    );
    tx.execute_raw(lock).await.map_err(error::of_statement)?;
    Ok(())
}
