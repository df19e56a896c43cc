//! What is done with deliveries.

use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;
use tracing::error;

use super::{Delivery, Handler};

/// The handlers under way in one [`serve`](super::RunQueue::serve). They outlive the apalis worker that started them.
#[derive(Clone)]
pub(super) struct Work {
    handle: Handler,
    slots: Arc<Semaphore>,
    tasks: TaskTracker,
    cancel: CancellationToken,
}

impl Work {
    pub(super) fn new(handle: Handler, concurrency: usize, cancel: CancellationToken) -> Self {
        Self { handle, slots: Arc::new(Semaphore::new(concurrency)), tasks: TaskTracker::new(), cancel }
    }

    /// Whether a job may be fetched. What this returns is kept until it was.
    pub(super) fn wants_more(&self) -> Option<TaskTrackerToken> {
        let wants_more = self.slots.available_permits() > 0 && !self.is_cancelled();
        wants_more.then(|| self.tasks.token())
    }

    /// Whether nothing more is to be started: what was being fetched meanwhile is given back.
    pub(super) fn is_cancelled(&self) -> bool {
        self.cancel.is_cancelled()
    }

    /// Handles a job, and returns when that has ended in whichever way.
    pub(super) async fn deliver(self, job: Vec<u8>) {
        let delivery: Delivery = match serde_json::from_slice(&job) {
            Ok(delivery) => delivery,
            Err(error) => {
                error!(error = &error as &dyn std::error::Error, "a job of the run queue names no run; it is dropped");
                return;
            }
        };
        // There is one, or the job would not have been fetched. Taken before anything else is fetched.
        let slot = self.slots.clone().try_acquire_owned().ok();
        let task = self.tasks.spawn(async move {
            let _slot = slot;
            (self.handle)(delivery.run).await;
        });
        if let Err(error) = task.await {
            error!(
                run.id = delivery.run.number(),
                error = &error as &dyn std::error::Error,
                "the handler of a run panicked; this is a defect in Syncline"
            );
        }
    }

    /// Waits for the handlers under way, once nothing more is taken.
    pub(super) async fn ended(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }
}
