//! The queue in a SQLite database.

use std::time::Duration;

use apalis_core::backend::WorkerFilter;
use apalis_core::backend::persistence::{Persistence, TaskEvent};
use apalis_core::error::WorkerError;
use apalis_core::task::Task;
use apalis_core::worker::context::WorkerContext;
use apalis_sqlite::{Config, SqliteStorage, queries};
use futures::StreamExt;
use futures::future::BoxFuture;
use serde_json::Value;
use sqlx::SqlitePool;
use tokio::sync::watch;

use super::wake::Wake;
use super::work::Work;
use super::{Delivery, Tidied, WorkerOptions, jobs, seen};
use crate::Result;
use crate::history::History;

const QUEUE: &str = "syncline";

/// The queue, over the connections of the history.
#[derive(Debug, Clone)]
pub(super) struct Queue {
    pool: SqlitePool,
    /// Rings when this process pushes a job: its own workers need not wait until they look the next time.
    bell: watch::Sender<()>,
}

impl Queue {
    pub(super) async fn open(history: &History, pool: SqlitePool) -> Result<Self> {
        let driver = |error| history.driver_error(error);
        let migrator = SqliteStorage::migrations();
        if !is_current(history, &pool, &migrator).await? {
            // The migrator has no lock of its own on SQLite. Within this transaction each of its own is a savepoint.
            let mut tx = pool.begin_with("BEGIN IMMEDIATE").await.map_err(driver)?;
            // It finds nothing to do when somebody else was faster. (`run` is the same, but cannot be shown to be `Send`.)
            migrator.run_direct(None, &mut *tx, false).await.map_err(|error| seen::of_migration(history, error))?;
            tx.commit().await.map_err(driver)?;
        }
        Ok(Self { pool, bell: watch::Sender::new(()) })
    }

    pub(super) async fn push(&self, delivery: Delivery) -> Result<(), apalis_sqlite::Error> {
        let mut tx = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        // The insert ignores a key that is there.
        queries::push_tasks(&mut *tx, QUEUE, &[delivery.task()]).await?;
        tx.commit().await?;
        self.bell.send_replace(());
        Ok(())
    }

    pub(super) fn worker(
        &self,
        context: &WorkerContext,
        options: &WorkerOptions,
        work: Work,
    ) -> BoxFuture<'static, Result<(), WorkerError>> {
        let bell = futures::stream::unfold(self.bell.subscribe(), |mut bell| async move {
            bell.changed().await.ok()?;
            Some(((), bell))
        });
        let wake = Wake::new(bell.boxed(), options.poll);
        let database = Database { pool: self.pool.clone(), config: config(options), work: work.clone() };
        jobs::worker(context, database, options.heartbeat, wake, work)
    }

    pub(super) async fn tidy(&self, older_than: Duration) -> Result<Tidied, sqlx::Error> {
        let seconds = i64::try_from(older_than.as_secs()).unwrap_or(i64::MAX);
        let mut tx = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let jobs = sqlx::query(
            "DELETE FROM Jobs WHERE job_type = ?1 AND ( \
                (status IN ('Done', 'Failed', 'Killed') AND done_at < unixepoch() - ?2) \
                OR (status IN ('Queued', 'Running') \
                    AND lock_by IN (SELECT id FROM Workers WHERE last_seen < unixepoch() - ?2)))",
        )
        .bind(QUEUE)
        .bind(seconds)
        .execute(&mut *tx)
        .await?;
        let workers = sqlx::query(
            "DELETE FROM Workers WHERE worker_type = ?1 AND last_seen < unixepoch() - ?2 \
                AND id NOT IN (SELECT lock_by FROM Jobs WHERE lock_by IS NOT NULL)",
        )
        .bind(QUEUE)
        .bind(seconds)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(Tidied { jobs: jobs.rows_affected(), workers: workers.rows_affected() })
    }
}

/// The jobs, for one worker.
#[derive(Clone)]
struct Database {
    pool: SqlitePool,
    config: Config,
    work: Work,
}

/// Every transaction starts as a writer: SQLite refuses the step from reading to writing when somebody else has written.
impl Persistence for Database {
    type Compact = Vec<u8>;
    type Response = Value;
    type Error = apalis_sqlite::Error;

    async fn register(&mut self, worker: &WorkerContext) -> Result<(), Self::Error> {
        queries::register_worker(&self.pool, &self.config, worker, "syncline").await?;
        Ok(())
    }

    async fn heartbeat(&mut self, worker: &WorkerContext) -> Result<(), Self::Error> {
        let mut tx = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        queries::keep_alive(&mut *tx, &self.config, worker).await?;
        let dead_for = i64::try_from(self.config.orphaned_duration().as_secs()).unwrap_or(i64::MAX);
        let others = WorkerFilter::AllExcept(worker.name().to_owned());
        queries::reenqueue_orphaned(&mut *tx, dead_for, QUEUE, &others).await?;
        tx.commit().await?;
        Ok(())
    }

    async fn fetch_next(&mut self, worker: &WorkerContext) -> Result<Vec<Task<Vec<u8>>>, Self::Error> {
        let Some(_until_fetched) = self.work.wants_more() else { return Ok(Vec::new()) };
        let fetched = queries::fetch_next(&self.pool, &self.config, worker).await?;
        if self.work.is_cancelled() && !fetched.is_empty() {
            self.reenqueue_abandoned(fetched, worker).await?;
            return Ok(Vec::new());
        }
        Ok(fetched)
    }

    async fn handle_events(
        &mut self,
        events: Vec<TaskEvent<Value>>,
        worker: &WorkerContext,
    ) -> Result<(), Self::Error> {
        let ended = jobs::ended(&events);
        if !ended.is_empty() {
            queries::ack_tasks(&self.pool, &ended, worker.name()).await?;
        }
        Ok(())
    }

    async fn reenqueue_abandoned(
        &mut self,
        tasks: Vec<Task<Vec<u8>>>,
        worker: &WorkerContext,
    ) -> Result<u64, Self::Error> {
        Ok(queries::reenqueue_abandoned(&self.pool, QUEUE, worker.name(), &jobs::ids(&tasks)).await?)
    }

    async fn push_tasks(&mut self, tasks: Vec<Task<Vec<u8>>>) -> Result<(), Self::Error> {
        let mut tx = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        queries::push_tasks(&mut *tx, QUEUE, &tasks).await?;
        tx.commit().await?;
        Ok(())
    }
}

fn config(options: &WorkerOptions) -> Config {
    Config::default()
        .queue(QUEUE)
        .batch_size(jobs::BATCH)
        .heartbeat_interval(options.heartbeat)
        .missed_heartbeats(WorkerOptions::MISSED_HEARTBEATS as usize)
}

/// Turns an error of the queue into one of the driver, which nearly all are.
pub(super) fn of_apalis(error: apalis_sqlite::Error) -> sqlx::Error {
    match error {
        apalis_sqlite::Error::Database(error) => error,
        error => sqlx::Error::Decode(error.into()),
    }
}

async fn is_current(history: &History, pool: &SqlitePool, migrator: &sqlx::migrate::Migrator) -> Result<bool> {
    let driver = |error| history.driver_error(error);
    let table = "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = '_sqlx_migrations')";
    if !sqlx::query_scalar(table).fetch_one(pool).await.map_err(driver)? {
        return Ok(false);
    }
    let versions = sqlx::query_scalar("SELECT version FROM _sqlx_migrations WHERE success");
    let versions: Vec<i64> = versions.fetch_all(pool).await.map_err(driver)?;
    seen::is_current(migrator, versions)
}
