//! The same tests on a SQLite file, in memory and on PostgreSQL.

mod delivering;
mod opening;
mod surviving;

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{ApalisQueue, Delivery, Handler, RunQueue, WorkerOptions};
use crate::history::tests::Place;
use crate::history::{History, Pool, RunId};

/// A database for one test.
enum Ground {
    Memory(History),
    Place(Place),
}

impl Ground {
    /// What another process would open; in memory there is no other process.
    async fn history(&self) -> History {
        match self {
            Self::Memory(history) => history.clone(),
            Self::Place(place) => place.open().await,
        }
    }

    fn is_sqlite(&self) -> bool {
        match self {
            Self::Memory(_) => true,
            Self::Place(place) => place.file().is_some(),
        }
    }

    async fn queue(&self) -> ApalisQueue {
        ApalisQueue::open(&self.history().await).await.unwrap()
    }
}

/// Runs a test on every database.
async fn everywhere(test: impl AsyncFn(Ground)) {
    test(Ground::Place(Place::sqlite())).await;
    test(Ground::Memory(History::in_memory().await.unwrap())).await;
    if let Some(place) = Place::postgres().await {
        test(Ground::Place(place)).await;
    }
}

fn run(number: i64) -> RunId {
    serde_json::from_value(json!(number)).unwrap()
}

fn first(number: i64) -> Delivery {
    Delivery { run: run(number), number: 1 }
}

fn worker(concurrency: usize) -> WorkerOptions {
    WorkerOptions { concurrency, ..WorkerOptions::default() }
}

/// Which runs were handled to their end, in that order.
#[derive(Clone)]
struct Handled(Arc<watch::Sender<Vec<i64>>>);

impl Handled {
    fn new() -> Self {
        Self(Arc::new(watch::Sender::new(Vec::new())))
    }

    /// A handler that notes the run after `before` has ended.
    fn after(&self, before: impl Fn(RunId) -> BoxFuture<'static, ()> + Send + Sync + 'static) -> Handler {
        let noted = self.0.clone();
        Arc::new(move |run| {
            let (before, noted) = (before(run), noted.clone());
            async move {
                before.await;
                noted.send_modify(|runs| runs.push(run.number()));
            }
            .boxed()
        })
    }

    fn at_once(&self) -> Handler {
        self.after(|_| futures::future::ready(()).boxed())
    }

    /// Waits until so many runs were handled.
    async fn count(&self, count: usize) {
        self.0.subscribe().wait_for(|runs| runs.len() >= count).await.unwrap();
    }

    fn runs(&self) -> Vec<i64> {
        self.0.borrow().clone()
    }

    fn sorted(&self) -> Vec<i64> {
        let mut runs = self.runs();
        runs.sort_unstable();
        runs
    }
}

/// A worker in the background.
struct Serving {
    cancel: CancellationToken,
    task: JoinHandle<crate::Result<()>>,
}

impl Serving {
    fn start(queue: &ApalisQueue, options: WorkerOptions, handle: Handler) -> Self {
        let (queue, cancel) = (queue.clone(), CancellationToken::new());
        let task = tokio::spawn({
            let cancel = cancel.clone();
            async move { queue.serve(options, cancel, handle).await }
        });
        Self { cancel, task }
    }

    async fn stop(self) {
        self.cancel.cancel();
        self.task.await.unwrap().unwrap();
    }
}

/// A gate that handlers wait at, and that counts them.
#[derive(Clone)]
struct Gate {
    arrived: Arc<watch::Sender<usize>>,
    open: CancellationToken,
}

impl Gate {
    fn new() -> Self {
        Self { arrived: Arc::new(watch::Sender::new(0)), open: CancellationToken::new() }
    }

    fn pass(&self) -> BoxFuture<'static, ()> {
        let gate = self.clone();
        async move {
            gate.arrived.send_modify(|count| *count += 1);
            gate.open.cancelled().await;
        }
        .boxed()
    }

    async fn has_stopped(&self, count: usize) {
        self.arrived.subscribe().wait_for(|arrived| *arrived >= count).await.unwrap();
    }
}

/// Runs a statement on the tables of the queue. `{jobs}` and `{workers}` stand for them, `{ago}` for two hours ago, `{queue}`
/// for the name of the queue.
async fn tamper(queue: &ApalisQueue, statement: &str) {
    let fill = |jobs: &str, workers: &str, ago: &str, name: &str| {
        let statement = statement.replace("{jobs}", jobs).replace("{workers}", workers);
        sqlx::AssertSqlSafe(statement.replace("{ago}", ago).replace("{queue}", name))
    };
    match (&queue.backend, queue.history.pool()) {
        (super::Backend::Sqlite(_), Pool::Sqlite(pool)) => {
            let statement = fill("Jobs", "Workers", "unixepoch() - 7200", "syncline");
            sqlx::raw_sql(statement).execute(&pool).await.unwrap();
        }
        (super::Backend::Postgres(queue), Pool::Postgres(pool)) => {
            let statement = fill("apalis.jobs", "apalis.workers", "now() - interval '2 hours'", queue.name());
            sqlx::raw_sql(statement).execute(&pool).await.unwrap();
        }
        _ => unreachable!("a queue is in the database of its history"),
    }
}

/// How many jobs, or workers, of the queue a condition holds for. Words as for [`tamper`].
async fn count(queue: &ApalisQueue, table: &str, condition: &str) -> i64 {
    match (&queue.backend, queue.history.pool()) {
        (super::Backend::Sqlite(_), Pool::Sqlite(pool)) => {
            let table = table.replace("{jobs}", "Jobs").replace("{workers}", "Workers");
            let statement = format!("SELECT count(*) FROM {table} WHERE {condition}");
            sqlx::query_scalar(sqlx::AssertSqlSafe(statement)).fetch_one(&pool).await.unwrap()
        }
        (super::Backend::Postgres(queue), Pool::Postgres(pool)) => {
            let of_queue = if table == "{jobs}" { "job_type" } else { "worker_type" };
            let table = table.replace("{jobs}", "apalis.jobs").replace("{workers}", "apalis.workers");
            let statement = format!("SELECT count(*) FROM {table} WHERE {of_queue} = $1 AND {condition}");
            sqlx::query_scalar(sqlx::AssertSqlSafe(statement)).bind(queue.name()).fetch_one(&pool).await.unwrap()
        }
        _ => unreachable!("a queue is in the database of its history"),
    }
}
