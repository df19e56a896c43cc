//! Which runner has a run.
//!
//! A runner takes a run for a while (the lease) and asks for more time as long as it lives. A run whose lease ran out is put
//! back, and the next runner goes on with it. Every taking raises the run's fence, and every write names the fence it was
//! given: a runner that was only asleep finds that it may not write any more.
//!
//! The database keeps two runs of one sync, and two runs that write to one system, from being under way at once: unique
//! indexes over the runs that are `syncing`. So a lease needs no lock of its own.

use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::FutureExt;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DatabaseTransaction, DbBackend, EntityTrait, QueryFilter, QueryOrder,
    SqlErr, Statement,
};

use super::entity::run;
use super::part::scope_of;
use super::process::Process;
use super::run_write::{claimed, finish, one_row, open_run};
use super::waiting::Turn;
use super::{History, RunError, RunId, RunResult, RunStage, RunStatus, StopRequest, error, status, text};
use crate::{Error, ErrorKind, Result};

/// The right to write about a run, as long as nobody took the run over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// The run.
    pub run: RunId,
    pub(super) fence: i64,
}

/// What came of asking for a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claimed {
    /// It is the runner's.
    Granted(Claim),
    /// Another run of the sync, or one that writes to the same system, is under way, or one of the sync has left its work half done:
    /// that one.
    Busy(RunId),
    /// It is not to be had: over, under way, waiting for a person or for its time.
    NotReady,
}

/// What became of a run whose runner died.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Abandoned {
    /// It waits for the next runner.
    Requeued(RunId),
    /// It was taken too often to no end, and failed.
    Failed(RunId),
    /// It was taken too often to no end, and what it sent is in doubt: a person is to look at it.
    Paused(RunId),
}

impl History {
    /// Takes a run for a runner. `lease` is how long it keeps it without asking again.
    pub async fn claim(&self, run: RunId, worker: &str, lease: Duration) -> Result<Claimed> {
        let taken = self
            .tell(move |tx, _| {
                async move {
                    let now = now(tx).await?;
                    match take(tx, run, worker, now, lease).await {
                        // The indexes refuse a second run of the sync, or a second writer. The transaction is over then.
                        Err(error) if matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_))) => {
                            Err(Error::new(ErrorKind::Busy, "another run is under way"))
                        }
                        Err(error) => Err(error::of_statement(error)),
                        // Nobody else has a run of the sync now, so that none is half done later than this look.
                        Ok(Some(_)) if half_done_before(tx, run).await?.is_some() => {
                            Err(Error::new(ErrorKind::Busy, "another run is half done"))
                        }
                        Ok(Some(fence)) => {
                            status::note(tx, run).await?;
                            Ok(Some(fence))
                        }
                        Ok(None) => Ok(None),
                    }
                }
                .boxed()
            })
            .await;
        match taken {
            Ok(Some(fence)) => Ok(Claimed::Granted(Claim { run, fence })),
            Ok(None) => Ok(Claimed::NotReady),
            Err(error) if error.kind() == ErrorKind::Busy => {
                Ok(self.in_the_way_of(run).await?.map_or(Claimed::NotReady, Claimed::Busy))
            }
            Err(error) => Err(error),
        }
    }

    /// Asks for more time. Tells what somebody wants of the run meanwhile. An error of the kind [`ErrorKind::LeaseLost`] says
    /// that another runner has the run.
    pub async fn renew(&self, claim: Claim, lease: Duration) -> Result<Option<StopRequest>> {
        let stop = self
            .store
            .write(move |tx, _| {
                async move {
                    let until = now(tx).await? + micros(lease);
                    one_row(tx, claim, claimed(claim).col_expr(run::Column::LeaseUntil, until.into())).await?;
                    let row = run::Entity::find_by_id(claim.run.0).one(tx).await.map_err(error::of_statement)?;
                    Ok(row.and_then(|row| row.stop))
                }
                .boxed()
            })
            .await?;
        stop.map(|stop| text::parse_json("run.stop", &stop)).transpose()
    }

    /// Puts a run back that is to be gone on with later: at a time, or when a person says so (`paused` says why it waits).
    pub async fn put_back(&self, claim: Claim, not_before: Option<DateTime<Utc>>, paused: Option<&str>) -> Result<()> {
        self.tell(move |tx, _| {
            async move {
                let update = free(claimed(claim), RunStatus::Queued)
                    // A runner that leaves it in good order was not killed by it.
                    .col_expr(run::Column::Fruitless, 0_i64.into())
                    .col_expr(run::Column::NotBefore, Expr::value(not_before.map(text::micros)))
                    .col_expr(run::Column::Paused, Expr::value(paused))
                    .col_expr(run::Column::Stop, Expr::value(None::<String>));
                one_row(tx, claim, update).await?;
                status::note(tx, claim.run).await
            }
            .boxed()
        })
        .await
    }

    /// Puts a run back until a time, with the reason. Its runner is not to blame.
    pub async fn put_back_waiting(&self, claim: Claim, not_before: DateTime<Utc>, reason: &str) -> Result<()> {
        self.tell(move |tx, _| {
            async move {
                let update = free(claimed(claim), RunStatus::Queued)
                    .col_expr(run::Column::NotBefore, text::micros(not_before).into())
                    .col_expr(run::Column::Waiting, reason.into())
                    .col_expr(run::Column::Waits, Expr::col(run::Column::Waits).add(1))
                    .col_expr(run::Column::Fruitless, Expr::value(0_i64));
                one_row(tx, claim, update).await?;
                status::note(tx, claim.run).await
            }
            .boxed()
        })
        .await
    }

    /// Leaves a run to a person, who is to decide about its plan. Older runs of the sync that are for the same purpose, about the same
    /// run where they are about one and about the same part, and that wait for a decision, are superseded: their plans are about what was. Gives those.
    pub async fn await_review(&self, claim: Claim) -> Result<Vec<RunId>> {
        self.tell(move |tx, _| {
            async move {
                one_row(tx, claim, free(claimed(claim), RunStatus::AwaitingReview)).await?;
                let row = run::Entity::find_by_id(claim.run.0).one(tx).await.map_err(error::of_statement)?;
                let Some(row) = row else { return Ok(Vec::new()) };
                let same_subject = match row.subject {
                    Some(subject) => run::Column::Subject.eq(subject),
                    None => run::Column::Subject.is_null(),
                };
                let mut older = run::Entity::find()
                    .filter(run::Column::SyncId.eq(row.sync_id))
                    .filter(run::Column::Status.eq(RunStatus::AwaitingReview.as_str()))
                    .filter(run::Column::StagedAs.is_null())
                    .filter(run::Column::Purpose.eq(&row.purpose))
                    .filter(same_subject)
                    .filter(run::Column::Id.lt(claim.run.0))
                    .all(tx)
                    .await
                    .map_err(error::of_statement)?;
                // Another part is another plan.
                let scope = scope_of(&row);
                older.retain(|other| scope_of(other) == scope);
                let message = format!("run {} made a newer plan", claim.run);
                let error = RunError { kind: "superseded".to_owned(), message };
                let result = RunResult { status: RunStatus::Cancelled, error: Some(error) };
                for row in &older {
                    finish(open_run(RunId(row.id)), &result).exec(tx).await.map_err(error::of_statement)?;
                }
                status::note(tx, claim.run).await?;
                for row in &older {
                    status::note(tx, RunId(row.id)).await?;
                }
                Ok(older.iter().map(|row| RunId(row.id)).collect())
            }
            .boxed()
        })
        .await
    }

    /// Puts back the runs whose runners died: their lease ran out, or their process on this machine has ended. One that was
    /// taken `tries` times in a row without recording anything fails instead: it may be what kills its runners. One whose last
    /// batches are in doubt is paused then, as they would be forgotten with it.
    pub async fn put_back_abandoned(&self, tries: u64) -> Result<Vec<Abandoned>> {
        let process = Process::current();
        let rows = run::Entity::find()
            .filter(run::Column::Status.eq(RunStatus::Syncing.as_str()))
            .order_by_asc(run::Column::Id)
            .all(self.store.db())
            .await
            .map_err(|error| self.store.read_error(error))?;
        let mut abandoned = Vec::new();
        for row in rows {
            let died = row.host == process.host && Process::has_ended(&row.process) == Some(true);
            let (run, fence, in_vain) = (RunId(row.id), row.fence, text::count(row.fruitless) >= tries);
            let put_back = self
                .tell(move |tx, _| {
                    async move {
                        let claim = Claim { run, fence };
                        let message = format!(
                            "the run was taken {tries} times, and each time its runner ended without finishing it"
                        );
                        let in_doubt = in_vain && super::batch::is_in_doubt(tx, run.0).await?;
                        let mut update = if in_doubt {
                            let reason = format!("{message}, and what it sent last is in doubt");
                            free(claimed(claim), RunStatus::Queued)
                                .col_expr(run::Column::Paused, reason.into())
                                .col_expr(run::Column::Fruitless, Expr::value(0_i64))
                        } else if in_vain {
                            let error = RunError { kind: "interrupted".to_owned(), message };
                            finish(claimed(claim), &RunResult { status: RunStatus::Failed, error: Some(error) })
                        } else {
                            free(claimed(claim), RunStatus::Queued)
                        };
                        if !died {
                            update = update.filter(run::Column::LeaseUntil.lt(now(tx).await?));
                        }
                        let put_back = update.exec(tx).await.map_err(error::of_statement)?.rows_affected == 1;
                        if put_back && in_vain && !in_doubt {
                            super::batch::forget(tx, run).await?;
                        }
                        if put_back {
                            status::note(tx, run).await?;
                        }
                        Ok(put_back.then_some(match (in_vain, in_doubt) {
                            (_, true) => Abandoned::Paused(run),
                            (true, false) => Abandoned::Failed(run),
                            (false, false) => Abandoned::Requeued(run),
                        }))
                    }
                    .boxed()
                })
                .await?;
            abandoned.extend(put_back);
        }
        Ok(abandoned)
    }

    /// The run that keeps another one from being taken.
    async fn in_the_way_of(&self, run: RunId) -> Result<Option<RunId>> {
        let failed = |error| self.store.read_error(error);
        let row = run::Entity::find_by_id(run.0).one(self.store.db()).await.map_err(failed)?;
        let Some(wanted) = row.as_ref().map(Turn::of) else { return Ok(None) };
        if let Some(other) = half_done_before(self.store.db(), run).await? {
            return Ok(Some(other));
        }
        let working = run::Entity::find()
            .filter(run::Column::Status.eq(RunStatus::Syncing.as_str()))
            .filter(run::Column::Id.ne(run.0))
            .order_by_asc(run::Column::Id)
            .all(self.store.db())
            .await
            .map_err(failed)?;
        let other = working.iter().map(Turn::of).find(|other| other.is_in_the_way(&wanted).is_some());
        Ok(other.map(|other| other.run))
    }
}

/// Makes a run the runner's, if it is ready; gives the fence.
async fn take(
    tx: &DatabaseTransaction,
    run: RunId,
    worker: &str,
    now: i64,
    lease: Duration,
) -> Result<Option<i64>, sea_orm::DbErr> {
    let process = Process::current();
    let ready = [RunStatus::New.as_str(), RunStatus::Queued.as_str()];
    let update = open_run(run)
        .filter(run::Column::Status.is_in(ready))
        .filter(run::Column::Paused.is_null())
        .filter(Condition::any().add(run::Column::NotBefore.is_null()).add(run::Column::NotBefore.lte(now)))
        .col_expr(run::Column::Status, RunStatus::Syncing.as_str().into())
        .col_expr(run::Column::Waiting, Expr::value(None::<String>))
        .col_expr(run::Column::StartedAt, Expr::col(run::Column::StartedAt).if_null(now))
        .col_expr(run::Column::Fence, Expr::col(run::Column::Fence).add(1))
        .col_expr(run::Column::Attempt, Expr::col(run::Column::Attempt).add(1))
        .col_expr(run::Column::Fruitless, Expr::col(run::Column::Fruitless).add(1))
        .col_expr(run::Column::Worker, worker.into())
        .col_expr(run::Column::LeaseUntil, (now + micros(lease)).into())
        .col_expr(run::Column::Host, process.host.as_str().into())
        .col_expr(run::Column::Process, process.identity.as_str().into());
    let rows = update.exec_with_returning(tx).await?;
    Ok(rows.first().map(|row| row.fence))
}

/// The run of the same sync that has written a part of its plan, and that has to be gone on with before a run may begin to write.
async fn half_done_before<C: ConnectionTrait>(db: &C, run: RunId) -> Result<Option<RunId>> {
    let row = run::Entity::find_by_id(run.0).one(db).await.map_err(error::of_statement)?;
    let Some(row) = row.filter(|row| !row.dry && row.stage != RunStage::Applying.as_str()) else { return Ok(None) };
    let waiting = [RunStatus::New.as_str(), RunStatus::Queued.as_str()];
    let other = run::Entity::find()
        .filter(run::Column::SyncId.eq(row.sync_id))
        .filter(run::Column::Status.is_in(waiting))
        .filter(run::Column::Stage.eq(RunStage::Applying.as_str()))
        .filter(run::Column::Dry.eq(false))
        .filter(run::Column::Id.ne(run.0))
        .order_by_asc(run::Column::Id)
        .one(db)
        .await
        .map_err(error::of_statement)?;
    Ok(other.map(|other| RunId(other.id)))
}

/// Takes a run from its runner.
fn free(update: super::run_write::Update, status: RunStatus) -> super::run_write::Update {
    update
        .col_expr(run::Column::Status, status.as_str().into())
        .col_expr(run::Column::Worker, Expr::value(None::<String>))
        .col_expr(run::Column::LeaseUntil, Expr::value(None::<i64>))
        // Runners are told anew.
        .col_expr(run::Column::DeliveredAt, Expr::value(None::<i64>))
}

/// The time of the database, in microseconds: leases of several machines are judged by one clock.
pub(super) async fn now<C: ConnectionTrait>(db: &C) -> Result<i64> {
    if db.get_database_backend() != DbBackend::Postgres {
        return Ok(text::now());
    }
    let query = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS now";
    let row =
        db.query_one_raw(Statement::from_string(DbBackend::Postgres, query)).await.map_err(error::of_statement)?;
    let row = row.ok_or_else(|| Error::new(ErrorKind::Storage, "the database does not tell its time"))?;
    row.try_get("", "now").map_err(error::of_statement)
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX / 2)
}
