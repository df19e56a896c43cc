//! The run queue: tells some runner, in whichever process, that a run may be ready.
//!
//! The row of a run in the history is the only truth about it: its status, who works on it and for how long. The queue
//! only *delivers*, at least once and quickly; who receives a [`Delivery`] claims the run in the history, and does nothing
//! when somebody else has it or it has ended. So a delivery that comes twice does no harm, and one that is lost (its
//! runner was killed, its job was tidied away) is replaced by a new one with a higher number.
//!
//! [`ApalisQueue`] keeps the jobs beside the history, in its SQLite or PostgreSQL database, with the library apalis.
//!
//! # What it adds to the database
//!
//! - SQLite: the tables `Jobs`, `Workers` and `_sqlx_migrations`, with their indexes.
//! - PostgreSQL: the schema `apalis` with the tables `jobs`, `workers`, `_sqlx_migrations`, some functions and the trigger
//!   that announces new jobs; and the extensions `hstore` and `pgcrypto`, in that schema unless the database has them
//!   already. The first start needs the right `CREATE` on the database and a server with the contrib modules; later
//!   starts only read and write the tables. There is one such schema in a database: the jobs of histories in different
//!   schemas differ by the name of their queue.
//!
//! Databases that are up to date are only read when a queue is opened.
//!
//! # How apalis is used, and why so
//!
//! The statements, the migrations and the worker are apalis's; `jobs`, `sqlite` and `postgres` join them in another way than
//! its own storages do.
//!
//! - A worker has no other limit than what it fetches. The storages leave a fetch half done, in an open transaction, while a
//!   worker that was told to stop waits for its handlers: in SQLite nobody could write until they have ended.
//! - A job is fetched alone: a worker with fetched jobs in its buffer sends no heartbeats, and would be taken for dead.
//! - The step from queued to running is not written (`lock_tasks` off): a worker that stops no longer reads the channel that
//!   these events share with the acknowledgements, and might wait for itself. The fetch has locked the job already.
//! - The handler runs as a task of its own. An error of a heartbeat ends an apalis worker and drops what it awaits; a run
//!   must outlive that. The worker starts anew, under a new name.
//! - Every job ends as done, whatever its handler does: what became of the run stands in the history. A failed job would be
//!   fetched again at once, without a pause.
//! - Workers have a name of their own at each start. Under an old name SQLite refuses them for a while, and on PostgreSQL
//!   their heartbeats would keep alive what their predecessor left behind.
//! - Jobs are due since long ago, in the order of their runs: a time from another machine's clock may lie in the future.
//! - On PostgreSQL connections of its own are used, made like those of the history: the type `hstore` must be in their search
//!   path, one of them listens (so not through a pooler that shares sessions), and heartbeats must not wait behind the
//!   writes of a run.
//! - apalis's own set-up is not called: on SQLite it turns off synchronous writes for the connection it happens to get.

mod jobs;
mod options;
mod postgres;
mod seen;
mod sqlite;
mod wake;
mod work;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use apalis_core::error::WorkerError;
use apalis_core::task::Task;
use apalis_core::task::builder::TaskBuilder;
use apalis_core::worker::context::WorkerContext;
use futures::FutureExt;
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use crate::Result;
use crate::history::{History, Pool, RunId, opened};

pub use options::WorkerOptions;

/// The pause after a first failure of a worker; doubled by each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// The longest pause between two attempts to work.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Says that a run may be ready to be worked on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Delivery {
    /// The run.
    pub run: RunId,
    /// Counts the deliveries of the run. The same number again is the same delivery.
    pub number: u32,
}

impl Delivery {
    /// What makes it the same delivery.
    fn key(self) -> String {
        format!("{}-{}", self.run.number(), self.number)
    }

    /// The job, due since long ago and in the order of the runs.
    fn task(self) -> Task<Vec<u8>> {
        let job = serde_json::to_vec(&self).expect("two numbers can be written");
        let seconds = u64::try_from(self.run.number()).unwrap_or_default();
        TaskBuilder::new(job).idempotency_key(self.key()).max_attempts(1).run_at_timestamp(seconds).build()
    }
}

/// What is done with a delivered run. It decides itself, by the history, whether there is anything to do.
pub type Handler = Arc<dyn Fn(RunId) -> BoxFuture<'static, ()> + Send + Sync>;

/// Delivers runs to runners.
#[async_trait::async_trait]
pub trait RunQueue: Send + Sync + std::fmt::Debug {
    /// Hands in a delivery. The same one again changes nothing, also when it was delivered already.
    async fn push(&self, delivery: Delivery) -> Result<()>;

    /// Delivers until `cancel`, then takes nothing more and returns when the handlers under way have ended.
    ///
    /// A delivery counts as delivered when its handler has ended, also by a panic. Errors of the database interrupt the
    /// work, not the handlers under way: it is taken up again after a pause.
    async fn serve(&self, worker: WorkerOptions, cancel: CancellationToken, handle: Handler) -> Result<()>;
}

/// What [`ApalisQueue::tidy`] removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tidied {
    /// Jobs that were done, and jobs whose worker is dead.
    pub jobs: u64,
    /// Workers that are dead and hold no job.
    pub workers: u64,
}

/// A run queue in the database of a history. Cloning it gives another handle to the same queue.
///
/// In one process it is opened once and cloned: on SQLite a worker hears at once of what is pushed through the clones of its
/// queue, and finds the rest when it looks the next time.
#[derive(Debug, Clone)]
pub struct ApalisQueue {
    history: History,
    backend: Backend,
}

#[derive(Debug, Clone)]
enum Backend {
    Sqlite(sqlite::Queue),
    Postgres(postgres::Queue),
}

impl ApalisQueue {
    /// Opens the queue of a history, and makes its tables when they are missing. Several processes may do so at once.
    pub async fn open(history: &History) -> Result<Self> {
        let open = async || {
            Ok(match history.pool() {
                Pool::Sqlite(pool) => Backend::Sqlite(sqlite::Queue::open(history, pool).await?),
                Pool::Postgres(pool) => Backend::Postgres(postgres::Queue::open(history, pool).await?),
            })
        };
        let backend = opened(|| open().boxed()).await?;
        Ok(Self { history: history.clone(), backend })
    }

    /// Removes jobs that ended longer ago than `older_than`, jobs that a worker holds which was last seen longer ago, and
    /// such workers. Waiting jobs stay.
    ///
    /// Afterwards a removed delivery could be pushed again. `older_than` is many heartbeats.
    pub async fn tidy(&self, older_than: Duration) -> Result<Tidied> {
        let tidied = match &self.backend {
            Backend::Sqlite(queue) => queue.tidy(older_than).await,
            Backend::Postgres(queue) => queue.tidy(older_than).await,
        };
        tidied.map_err(|error| self.history.driver_error(error))
    }

    /// Closes the connections that are the queue's own. Workers must have ended.
    pub async fn close(self) {
        match self.backend {
            // Its connections are those of the history.
            Backend::Sqlite(_) => {}
            Backend::Postgres(queue) => queue.close().await,
        }
    }

    /// Works under one name until the worker fails, or until `cancel` and the end of what is under way.
    async fn work(
        &self,
        options: &WorkerOptions,
        cancel: &CancellationToken,
        work: &work::Work,
    ) -> Result<(), WorkerError> {
        let context = WorkerContext::new(&options.unique_name());
        debug!(worker.name = context.name(), "a worker starts");
        let mut worker = match &self.backend {
            Backend::Sqlite(queue) => queue.worker(&context, options, work.clone()),
            Backend::Postgres(queue) => queue.worker(&context, options, work.clone()),
        };
        tokio::select! {
            // The worker first: only one that has started can be told to stop.
            biased;
            ended = &mut worker => return ended,
            () = cancel.cancelled() => {}
        }
        // It fetches nothing more, and goes on to acknowledge and to say that it is alive.
        tokio::select! {
            biased;
            ended = &mut worker => return ended,
            () = work.ended() => {}
        }
        context.stop()?;
        worker.await
    }
}

#[async_trait::async_trait]
impl RunQueue for ApalisQueue {
    async fn push(&self, delivery: Delivery) -> Result<()> {
        let pushed = match &self.backend {
            Backend::Sqlite(queue) => queue.push(delivery).await.map_err(sqlite::of_apalis),
            Backend::Postgres(queue) => queue.push(delivery).await.map_err(postgres::of_apalis),
        };
        pushed.map_err(|error| self.history.driver_error(error).with("run", delivery.run))
    }

    async fn serve(&self, worker: WorkerOptions, cancel: CancellationToken, handle: Handler) -> Result<()> {
        worker.validate()?;
        let work = work::Work::new(handle, worker.concurrency, cancel.clone());
        let mut pause = FIRST_PAUSE;
        while !cancel.is_cancelled() {
            let started = Instant::now();
            let Err(error) = self.work(&worker, &cancel, &work).await else { break };
            if started.elapsed() > LONGEST_PAUSE {
                pause = FIRST_PAUSE;
            }
            warn!(
                worker.name,
                error = &error as &(dyn std::error::Error + 'static),
                pause_ms = pause.as_millis(),
                "a worker of the run queue failed; it starts again after a pause"
            );
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = cancel.cancelled() => {}
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        work.ended().await;
        Ok(())
    }
}
