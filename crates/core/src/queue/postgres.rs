//! The queue in a PostgreSQL database.

use std::time::Duration;

use apalis_core::backend::persistence::{Persistence, TaskEvent};
use apalis_core::error::WorkerError;
use apalis_core::task::Task;
use apalis_core::worker::context::WorkerContext;
use apalis_postgres::{Config, PostgresStorage, Pubsub, queries};
use futures::StreamExt;
use futures::future::BoxFuture;
use serde_json::Value;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, PgConnection, PgPool};

use super::wake::Wake;
use super::work::Work;
use super::{Delivery, Tidied, WorkerOptions, jobs, seen};
use crate::history::History;
use crate::{Error, ErrorKind, Result};

/// For the workers of one process: each holds one to listen, and needs another one now and then.
const CONNECTIONS: u32 = 8;

/// How long a connection is kept that nobody uses.
const IDLE: Duration = Duration::from_mins(5);

/// Every job is announced; looking unasked is only for announcements that got lost with a connection.
const POLLS_LEFT_OUT: u32 = 10;

/// The queue, over connections of its own.
#[derive(Debug, Clone)]
pub(super) struct Queue {
    pool: PgPool,
    /// The schema `apalis` is there once in a database; the schema of the history tells its jobs from those of others.
    name: String,
}

impl Queue {
    pub(super) async fn open(history: &History, pool: PgPool) -> Result<Self> {
        let driver = |error| history.driver_error(error);
        let schema: Option<String> =
            sqlx::query_scalar("SELECT current_schema()").fetch_one(&pool).await.map_err(driver)?;
        let own = |schema: &str| {
            let options = PgConnectOptions::clone(&pool.connect_options());
            options
                .application_name("syncline-queue")
                // Those who migrate wait for each other.
                .options([("search_path", search_path(schema).as_str()), ("lock_timeout", "0")])
                .disable_statement_logging()
        };
        let migrator = PostgresStorage::migrations();
        if !is_current(history, &pool, &migrator).await? {
            // In a database without the extension it is made in the first schema of the path, which the migrations make.
            let before = schema_of_hstore(&pool).await.map_err(driver)?.unwrap_or_default();
            // The lock of the migrations belongs to the connection: one of their own, so that it never goes back to a pool.
            let mut connection = PgConnection::connect_with(&own(&before)).await.map_err(driver)?;
            migrator
                .run_direct(None, &mut connection, false)
                .await
                .map_err(|error| of_install(seen::of_migration(history, error)))?;
            // Closing politely is all that can fail here.
            let _ = connection.close().await;
        }
        let hstore = schema_of_hstore(&pool).await.map_err(driver)?.unwrap_or_default();
        let pool = PgPoolOptions::new().max_connections(CONNECTIONS).idle_timeout(IDLE).connect_lazy_with(own(&hstore));
        Ok(Self { pool, name: format!("syncline:{}", schema.unwrap_or_default()) })
    }

    /// What its jobs are marked with.
    #[cfg(test)]
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) async fn push(&self, delivery: Delivery) -> Result<(), apalis_postgres::Error> {
        // The insert fails where a key is there. Asked first, because the server logs every failure.
        let is_there = sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM apalis.jobs WHERE job_type = $1 AND idempotency_key = $2)",
        );
        if is_there.bind(&self.name).bind(delivery.key()).fetch_one(&self.pool).await? {
            return Ok(());
        }
        let mut connection = self.pool.acquire().await?;
        match queries::push_tasks(&mut *connection, &self.name, vec![delivery.task()]).await {
            // Somebody else was faster.
            Err(apalis_postgres::Error::Database(sqlx::Error::Database(error))) if error.is_unique_violation() => {
                Ok(())
            }
            pushed => pushed,
        }
    }

    pub(super) fn worker(
        &self,
        context: &WorkerContext,
        options: &WorkerOptions,
        work: Work,
    ) -> BoxFuture<'static, Result<(), WorkerError>> {
        let bell = Pubsub::new(self.pool.clone(), self.name.clone()).map(|_| ());
        let wake = Wake::new(bell.boxed(), options.poll * POLLS_LEFT_OUT);
        let database = Database { pool: self.pool.clone(), config: config(options, &self.name), work: work.clone() };
        jobs::worker(context, database, options.heartbeat, wake, work)
    }

    pub(super) async fn tidy(&self, older_than: Duration) -> Result<Tidied, sqlx::Error> {
        let seconds = older_than.as_secs_f64();
        let mut tx = self.pool.begin().await?;
        let jobs = sqlx::query(
            "DELETE FROM apalis.jobs WHERE job_type = $1 AND ( \
                (status IN ('Done', 'Failed', 'Killed') AND done_at < now() - make_interval(secs => $2)) \
                OR (status IN ('Queued', 'Running') AND lock_by IN ( \
                    SELECT id FROM apalis.workers WHERE last_seen < now() - make_interval(secs => $2))))",
        )
        .bind(&self.name)
        .bind(seconds)
        .execute(&mut *tx)
        .await?;
        let workers = sqlx::query(
            "DELETE FROM apalis.workers WHERE worker_type = $1 AND last_seen < now() - make_interval(secs => $2) \
                AND NOT EXISTS (SELECT 1 FROM apalis.jobs WHERE lock_by = workers.id)",
        )
        .bind(&self.name)
        .bind(seconds)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(Tidied { jobs: jobs.rows_affected(), workers: workers.rows_affected() })
    }

    pub(super) async fn close(self) {
        self.pool.close().await;
    }
}

/// The schema of the queue, and that of its extension when it is another one.
fn search_path(hstore: &str) -> String {
    match hstore {
        "" | "apalis" => "apalis".to_owned(),
        schema => format!("apalis,{schema}"),
    }
}

/// The schema of the extension, quoted where it needs to be; none when it is not installed.
async fn schema_of_hstore(pool: &PgPool) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar("SELECT extnamespace::regnamespace::text FROM pg_extension WHERE extname = 'hstore'")
        .fetch_optional(pool)
        .await
}

/// The jobs, for one worker.
#[derive(Clone)]
struct Database {
    pool: PgPool,
    config: Config,
    work: Work,
}

impl Persistence for Database {
    type Compact = Vec<u8>;
    type Response = Value;
    type Error = apalis_postgres::Error;

    async fn register(&mut self, worker: &WorkerContext) -> Result<(), Self::Error> {
        // apalis's own statement for it wants a type that it does not export.
        let registered = sqlx::query(
            "INSERT INTO apalis.workers (id, worker_type, storage_name, last_seen, started_at) \
             VALUES ($1, $2, 'syncline', now(), now())",
        );
        registered.bind(worker.name()).bind(self.config.queue.as_ref()).execute(&self.pool).await?;
        Ok(())
    }

    async fn heartbeat(&mut self, worker: &WorkerContext) -> Result<(), Self::Error> {
        let mut tx = self.pool.begin().await?;
        queries::keep_alive(&mut *tx, self.config.queue.as_ref(), worker).await?;
        let dead_for = self.config.orphaned_duration().as_secs();
        queries::reenqueue_orphaned(&mut *tx, self.config.queue.as_ref(), dead_for).await?;
        tx.commit().await?;
        Ok(())
    }

    async fn fetch_next(&mut self, worker: &WorkerContext) -> Result<Vec<Task<Vec<u8>>>, Self::Error> {
        let Some(_until_fetched) = self.work.wants_more() else { return Ok(Vec::new()) };
        let fetched = {
            let mut connection = self.pool.acquire().await?;
            queries::fetch_next(&mut *connection, &self.config, worker).await?
        };
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
            let mut connection = self.pool.acquire().await?;
            queries::handle_results(&mut *connection, &ended, worker.name()).await?;
        }
        Ok(())
    }

    async fn reenqueue_abandoned(
        &mut self,
        tasks: Vec<Task<Vec<u8>>>,
        worker: &WorkerContext,
    ) -> Result<u64, Self::Error> {
        let mut connection = self.pool.acquire().await?;
        let queue = self.config.queue.as_ref();
        queries::reenqueue_abandoned(&mut *connection, queue, worker.name(), &jobs::ids(&tasks)).await
    }

    async fn push_tasks(&mut self, tasks: Vec<Task<Vec<u8>>>) -> Result<(), Self::Error> {
        let mut connection = self.pool.acquire().await?;
        queries::push_tasks(&mut *connection, self.config.queue.as_ref(), tasks).await
    }
}

fn config(options: &WorkerOptions, queue: &str) -> Config {
    Config::default()
        .queue(queue)
        .batch_size(jobs::BATCH)
        .heartbeat_interval(options.heartbeat)
        .missed_heartbeats(WorkerOptions::MISSED_HEARTBEATS as usize)
}

/// Turns an error of the queue into one of the driver, which nearly all are.
pub(super) fn of_apalis(error: apalis_postgres::Error) -> sqlx::Error {
    match error {
        apalis_postgres::Error::Database(error) => error,
        error => sqlx::Error::Decode(error.into()),
    }
}

/// Says what is missing where the tables could not be made.
fn of_install(error: Error) -> Error {
    let code = std::error::Error::source(&error)
        .and_then(|cause| cause.downcast_ref::<sqlx::Error>())
        .and_then(|cause| cause.as_database_error()?.code().map(std::borrow::Cow::into_owned));
    let (kind, message) = match code.as_deref() {
        Some("42501") => (
            ErrorKind::Forbidden,
            "the database user may not make the tables of the run queue: `GRANT CREATE ON DATABASE … TO …`, at least until the first start",
        ),
        // What servers say about an extension whose files are missing, by version.
        Some("0A000" | "58P01") => (
            ErrorKind::Unsupported,
            "the database server lacks the extensions `hstore` and `pgcrypto` that the run queue needs: install its contrib modules, for example the package `postgresql-contrib`",
        ),
        _ => return error,
    };
    let mut described = Error::new(kind, message);
    for (name, value) in error.context() {
        described = described.with(name, value);
    }
    described.caused_by(error)
}

async fn is_current(history: &History, pool: &PgPool, migrator: &sqlx::migrate::Migrator) -> Result<bool> {
    let driver = |error| of_install(history.driver_error(error));
    let table =
        "SELECT EXISTS (SELECT 1 FROM pg_tables WHERE schemaname = 'apalis' AND tablename = '_sqlx_migrations')";
    if !sqlx::query_scalar(table).fetch_one(pool).await.map_err(driver)? {
        return Ok(false);
    }
    let versions = sqlx::query_scalar("SELECT version FROM apalis._sqlx_migrations WHERE success");
    let versions: Vec<i64> = versions.fetch_all(pool).await.map_err(driver)?;
    seen::is_current(migrator, versions)
}
