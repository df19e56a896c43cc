//! The jobs of a database, as apalis reads them.

use std::task::{Context, Poll};
use std::time::Duration;

use apalis_core::backend::finalize::Ephemeral;
use apalis_core::backend::persistence::{Persisted, Persistence, TaskEvent, TaskPersistLayer};
use apalis_core::backend::{Backend, BackendConfig, TaskResult};
use apalis_core::error::WorkerError;
use apalis_core::task::Task;
use apalis_core::worker::builder::WorkerBuilder;
use apalis_core::worker::context::WorkerContext;
use apalis_sqlite::JsonCodec;
use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::Value;

use super::wake::Wake;
use super::work::Work;

/// How many jobs are fetched at a time; see the module.
pub(super) const BATCH: usize = 1;

/// The jobs of a database, for one worker. Unlike the storages of apalis it hands out what is stored without decoding it:
/// a job that cannot be decoded would end the worker.
struct Jobs<P: Persistence> {
    persisted: Persisted<P>,
    heartbeat: Duration,
    wake: Wake,
}

/// A worker: handles jobs until its context is told to stop, or until an error of the database.
pub(super) fn worker<P>(
    context: &WorkerContext,
    database: P,
    heartbeat: Duration,
    wake: Wake,
    work: Work,
) -> BoxFuture<'static, Result<(), WorkerError>>
where
    P: Persistence<Compact = Vec<u8>, Response = Value, Error: Send + Sync + 'static> + Unpin,
{
    let jobs = Jobs { persisted: Persisted::new(database), heartbeat, wake };
    WorkerBuilder::new(context).backend(jobs).build(move |job: Vec<u8>| work.clone().deliver(job)).run().boxed()
}

/// The jobs that have ended, among what happened to jobs.
pub(super) fn ended(events: &[TaskEvent<Value>]) -> Vec<&TaskResult<Value>> {
    events
        .iter()
        .filter_map(|event| match event {
            TaskEvent::Complete(result) => Some(result),
            _ => None,
        })
        .collect()
}

/// The identifiers of jobs.
pub(super) fn ids(jobs: &[Task<Vec<u8>>]) -> Vec<String> {
    jobs.iter().filter_map(|job| Some(job.task_id()?.to_string())).collect()
}

impl<P> Backend for Jobs<P>
where
    P: Persistence<Compact = Vec<u8>, Response = Value, Error: Send + Sync + 'static> + Unpin,
{
    type Task = Task<Vec<u8>>;
    type Error = P::Error;

    fn poll_ready(&mut self, cx: &mut Context<'_>, worker: &WorkerContext) -> Poll<Result<(), Self::Error>> {
        self.persisted.poll_ready(cx, worker, self.heartbeat)
    }

    fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        worker: &WorkerContext,
    ) -> Poll<Option<Result<Self::Task, Self::Error>>> {
        self.wake.arrange(cx);
        self.persisted.poll_next(cx, worker)
    }

    fn poll_close(&mut self, cx: &mut Context<'_>, worker: &WorkerContext) -> Poll<Result<(), Self::Error>> {
        self.persisted.poll_close(cx, worker)
    }
}

impl<P> BackendConfig for Jobs<P>
where
    P: Persistence<Compact = Vec<u8>, Response = Value, Error: Send + Sync + 'static> + Unpin,
{
    type Args = Vec<u8>;
    type Id = ();
    /// Only says that nothing is decoded on the way.
    type Kind = Ephemeral;
    type Config = ();
    type Layer = TaskPersistLayer<JsonCodec<Value>, Value>;

    fn config(&self) -> &Self::Config {
        &()
    }

    fn middleware(&mut self, _: &mut WorkerContext) -> Self::Layer {
        // Storing results is what acknowledges a job.
        self.persisted.layer(JsonCodec::default(), BATCH).persist_results(true).lock_tasks(false)
    }
}
