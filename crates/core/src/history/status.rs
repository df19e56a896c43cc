//! How runs stand, and every change of that, in the order in which they came to be.
//!
//! Whoever changes the status of a run, its stage, or what it waits for, says so in the same transaction, as the last thing that
//! it does there: the counter of all changes stays locked from then on, so that their numbers are in the order in which they can
//! be seen.

use chrono::{DateTime, Utc};
use futures::future::BoxFuture;
use schemars::JsonSchema;
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter,
    QueryOrder, QuerySelect,
};
use serde::{Deserialize, Serialize};

use super::entity::{run, run_event};
use super::event::{RunEvent, StoredEvent};
use super::store::Outlives;
use super::{History, Page, RunError, RunId, RunStage, RunStatus, StopRequest, error, text};
use crate::{Error, ErrorKind, Result};

/// How a run stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StatusEvent {
    /// Where it is.
    pub status: RunStatus,
    /// How far it came.
    pub stage: RunStage,
    /// How often a runner took it.
    pub attempt: u64,
    /// Why it waits for somebody to let it go on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<String>,
    /// Why it waits for its time, where that has a reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting: Option<String>,
    /// When it may be taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<DateTime<Utc>>,
    /// What somebody wants of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop: Option<StopRequest>,
    /// Why it did not complete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<RunError>,
}

/// A change of how a run stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StatusChange {
    /// Its number among the changes of all runs.
    pub seq: u64,
    /// The run.
    pub run: RunId,
    /// The name of its sync; empty if the run was removed at this very moment.
    pub sync: String,
    /// When.
    pub at: DateTime<Utc>,
    /// How it stands since.
    #[serde(flatten)]
    pub status: StatusEvent,
}

impl History {
    /// Changes of how runs stand, in order, after the change with the number `after`. Those of runs that are gone are gone.
    pub async fn status_changes(&self, after: u64, limit: u64) -> Result<Page<StatusChange, u64>> {
        let failed = |error| self.store.read_error(error);
        let rows = run_event::Entity::find()
            .filter(run_event::Column::Change.gt(text::stored(after)))
            .order_by_asc(run_event::Column::Change)
            .limit(limit.saturating_add(1))
            .all(self.store.db())
            .await
            .map_err(failed)?;
        let syncs: Vec<(i64, i64)> = run::Entity::find()
            .select_only()
            .columns([run::Column::Id, run::Column::SyncId])
            .filter(run::Column::Id.is_in(rows.iter().map(|row| row.run_id)))
            .into_tuple()
            .all(self.store.db())
            .await
            .map_err(failed)?;
        let names = self.sync_names(syncs.iter().map(|(_, sync)| *sync)).await?;
        let name = |run: i64| {
            let (_, sync) = syncs.iter().find(|(id, _)| *id == run)?;
            names.get(sync).cloned()
        };
        let changes = rows.into_iter().map(|row| {
            let (run, seq) = (row.run_id, text::count(row.change.unwrap_or_default()));
            let sync = name(run).unwrap_or_default();
            let stored = StoredEvent::try_from(row)?;
            match stored.event {
                RunEvent::Status(status) => Ok(StatusChange { seq, run: RunId(run), sync, at: stored.at, status }),
                other => Err(text::foreign("run_event.event", other.kind())),
            }
        });
        let changes: Result<Vec<_>> = changes.collect();
        Ok(Page::cut(changes?, limit, |change| change.seq))
    }

    /// How a run stood before the change with a number; none when nothing before it is known.
    pub async fn status_before(&self, run: RunId, change: u64) -> Result<Option<StatusEvent>> {
        let row = run_event::Entity::find()
            .filter(run_event::Column::RunId.eq(run.0))
            .filter(run_event::Column::Change.lt(text::stored(change)))
            .order_by_desc(run_event::Column::Change)
            .one(self.store.db())
            .await
            .map_err(|error| self.store.read_error(error))?;
        let event = row.map(|row| StoredEvent::try_from(row).map(|stored| stored.event)).transpose()?;
        Ok(event.and_then(|event| match event {
            RunEvent::Status(status) => Some(status),
            _ => None,
        }))
    }

    /// The number of the last change of how any run stands; 0 when there was none.
    pub async fn last_status_change(&self) -> Result<u64> {
        let query = Query::select().column("last").from("status_change").to_owned();
        let row = self.store.db().query_one(&query).await.map_err(|error| self.store.read_error(error))?;
        let last: Option<i64> = row.map(|row| row.try_get("", "last")).transpose().map_err(error::of_statement)?;
        Ok(text::count(last.unwrap_or_default()))
    }

    /// Writes as [`store::Store::write`](super::store::Store::write) does, where events of runs are written: whoever follows
    /// them in this process hears of it at once.
    pub(super) async fn tell<'s, T, F>(&'s self, work: F) -> Result<T>
    where
        F: for<'t> Fn(&'t DatabaseTransaction, Outlives<'s, 't>) -> BoxFuture<'t, Result<T>>,
    {
        let written = self.store.write(work).await?;
        self.told.send_replace(());
        Ok(written)
    }
}

/// Notes how a run stands now. The last thing of a transaction that changed it.
pub(super) async fn note(tx: &DatabaseTransaction, run: RunId) -> Result<()> {
    let counted = run::Entity::update_many()
        .filter(run::Column::Id.eq(run.0))
        .col_expr(run::Column::LastEvent, Expr::col(run::Column::LastEvent).add(1))
        .exec_with_returning(tx)
        .await
        .map_err(error::of_statement)?;
    let Some(row) = counted.into_iter().next() else { return Ok(()) };
    let next = Query::update()
        .table("status_change")
        .value("last", Expr::col("last").add(1))
        .returning(Query::returning().column("last"))
        .to_owned();
    let change = tx.query_one(&next).await.map_err(error::of_statement)?;
    let change =
        change.ok_or_else(|| Error::new(ErrorKind::Storage, "the history lost its count of status changes"))?;
    let change: i64 = change.try_get("", "last").map_err(error::of_statement)?;
    let event = run_event::ActiveModel {
        run_id: Set(run.0),
        seq: Set(row.last_event),
        at: Set(text::now()),
        change: Set(Some(change)),
        event: Set(text::to_json(&RunEvent::Status(StatusEvent::of(row)?))?),
    };
    event.insert(tx).await.map_err(error::of_statement)?;
    Ok(())
}

impl StatusEvent {
    fn of(row: run::Model) -> Result<Self> {
        Ok(Self {
            status: text::parse("run.status", &row.status)?,
            stage: text::parse("run.stage", &row.stage)?,
            attempt: text::count(row.attempt),
            paused: row.paused,
            waiting: row.waiting,
            not_before: row.not_before.map(text::time),
            stop: row.stop.map(|stop| text::parse_json("run.stop", &stop)).transpose()?,
            error: row.error_kind.map(|kind| RunError { kind, message: row.error_message.clone().unwrap_or_default() }),
        })
    }
}
