//! What goes wrong with one job or one worker stays there.

use std::time::Duration;

use futures::FutureExt;

use super::{Gate, Handled, Serving, count, everywhere, first, tamper, worker};
use crate::queue::{RunQueue, Tidied, WorkerOptions};

const HOUR: Duration = Duration::from_hours(1);

/// With the shortest heartbeat.
fn lively() -> WorkerOptions {
    WorkerOptions { heartbeat: Duration::from_secs(1), ..worker(1) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_handler_that_panics_harms_nobody_else() {
    everywhere(async |ground| {
        let queue = ground.queue().await;
        for number in 1..=3 {
            queue.push(first(number)).await.unwrap();
        }
        let handled = Handled::new();
        let calls = Gate::new();
        calls.open.cancel();
        let counting = calls.clone();
        let handle = handled.after(move |run| {
            let counted = counting.pass();
            async move {
                counted.await;
                assert!(run.number() != 1, "run 1 always panics: this line belongs to a test");
            }
            .boxed()
        });
        let serving = Serving::start(&queue, worker(1), handle);
        handled.count(2).await;
        serving.stop().await;
        assert_eq!(handled.runs(), [2, 3]);
        assert_eq!(*calls.arrived.borrow(), 3, "the run that panicked was not tried again");
        assert_eq!(count(&queue, "{jobs}", "status = 'Done'").await, 3);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_job_that_names_no_run_harms_nobody_else() {
    everywhere(async |ground| {
        let queue = ground.queue().await;
        queue.push(first(1)).await.unwrap();
        queue.push(first(2)).await.unwrap();
        tamper(&queue, "UPDATE {jobs} SET job = CAST('{\"run\": \"x\"}' AS BYTEA) WHERE idempotency_key = '1-1'").await;
        let handled = Handled::new();
        let serving = Serving::start(&queue, worker(1), handled.at_once());
        handled.count(1).await;
        serving.stop().await;
        assert_eq!(handled.runs(), [2]);
        assert_eq!(count(&queue, "{jobs}", "status = 'Done'").await, 2);
    })
    .await;
}

/// Makes it look as if a worker was killed two hours ago, while it held a run.
async fn kill_somebody_with(queue: &crate::queue::ApalisQueue, number: i64) {
    let worker = "INSERT INTO {workers} (id, worker_type, storage_name, layers, last_seen) \
                  VALUES ('dead in {queue}', '{queue}', 'x', '', {ago})";
    tamper(queue, worker).await;
    let job = format!(
        "UPDATE {{jobs}} SET status = 'Running', lock_by = 'dead in {{queue}}', lock_at = {{ago}} \
         WHERE job_type = '{{queue}}' AND idempotency_key = '{number}-1'"
    );
    tamper(queue, &job).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_a_dead_worker_held_is_delivered_to_another() {
    everywhere(async |ground| {
        let queue = ground.queue().await;
        queue.push(first(1)).await.unwrap();
        kill_somebody_with(&queue, 1).await;
        let handled = Handled::new();
        let serving = Serving::start(&queue, lively(), handled.at_once());
        handled.count(1).await;
        serving.stop().await;
        assert_eq!(count(&queue, "{jobs}", "status = 'Done'").await, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn handlers_outlive_the_failure_of_their_worker() {
    everywhere(async |ground| {
        let queue = ground.queue().await;
        queue.push(first(1)).await.unwrap();
        let (handled, gate) = (Handled::new(), Gate::new());
        let passing = gate.clone();
        let serving = Serving::start(&queue, lively(), handled.after(move |_| passing.pass()));
        gate.has_stopped(1).await;
        // Its next heartbeat finds nobody of its name in the queue, which is an error that ends the worker.
        tamper(&queue, "UPDATE {workers} SET worker_type = 'test' WHERE worker_type = '{queue}'").await;
        let registered = if ground.is_sqlite() { "worker_type = 'syncline'" } else { "true" };
        while count(&queue, "{workers}", registered).await == 0 {
            tokio::task::yield_now().await;
        }
        // The new worker respects what its predecessor started.
        queue.push(first(2)).await.unwrap();
        assert_eq!(*gate.arrived.borrow(), 1);
        gate.open.cancel();
        handled.count(2).await;
        serving.stop().await;
        assert_eq!(handled.runs(), [1, 2]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_left_over_is_tidied_away() {
    everywhere(async |ground| {
        let queue = ground.queue().await;
        for number in 1..=3 {
            queue.push(first(number)).await.unwrap();
        }
        let (handled, gate) = (Handled::new(), Gate::new());
        let passing = gate.clone();
        let serving = Serving::start(&queue, worker(1), handled.after(move |_| passing.pass()));
        // What is under way, what waits, and who lives, stays.
        gate.has_stopped(1).await;
        kill_somebody_with(&queue, 2).await;
        assert_eq!(queue.tidy(HOUR).await.unwrap(), Tidied { jobs: 1, workers: 1 });
        assert_eq!(queue.tidy(HOUR).await.unwrap(), Tidied::default());
        gate.open.cancel();
        handled.count(2).await;
        serving.stop().await;
        assert_eq!(handled.runs(), [1, 3]);
        // What ended a moment ago stays too: the same deliveries may still come.
        assert_eq!(queue.tidy(HOUR).await.unwrap(), Tidied::default());
        tamper(&queue, "UPDATE {jobs} SET done_at = {ago} WHERE job_type = '{queue}'").await;
        tamper(&queue, "UPDATE {workers} SET last_seen = {ago} WHERE worker_type = '{queue}'").await;
        assert_eq!(queue.tidy(HOUR).await.unwrap(), Tidied { jobs: 2, workers: 1 });
        assert_eq!(count(&queue, "{jobs}", "status <> 'Pending'").await, 0);
    })
    .await;
}
