//! Every delivery reaches one worker, once.

use std::sync::Arc;

use futures::FutureExt;
use tokio::sync::Barrier;

use super::{Gate, Handled, Serving, count, everywhere, first, run, worker};
use crate::queue::{Delivery, RunQueue};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn each_delivery_reaches_one_of_three_workers() {
    everywhere(async |ground| {
        let handled = Handled::new();
        // The first three runs are handled together or never: by three workers, each of which handles one at a time.
        let together = Arc::new(Barrier::new(3));
        let mut serving = Vec::new();
        for _ in 0..3 {
            let together = together.clone();
            let handle = handled.after(move |run| {
                let together = together.clone();
                async move {
                    if run.number() <= 3 {
                        together.wait().await;
                    }
                }
                .boxed()
            });
            serving.push(Serving::start(&ground.queue().await, worker(1), handle));
        }
        let queue = ground.queue().await;
        for number in 1..=30 {
            queue.push(first(number)).await.unwrap();
        }
        handled.count(30).await;
        for serving in serving {
            serving.stop().await;
        }
        assert_eq!(handled.sorted(), (1..=30).collect::<Vec<_>>());
        assert_eq!(count(&queue, "{jobs}", "status = 'Done'").await, 30);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_same_delivery_is_handled_once() {
    everywhere(async |ground| {
        let (queue, other) = (ground.queue().await, ground.queue().await);
        let pushed =
            tokio::join!(queue.push(first(1)), other.push(first(1)), queue.push(first(1)), other.push(first(1)));
        pushed.0.and(pushed.1).and(pushed.2).and(pushed.3).unwrap();
        queue.push(first(2)).await.unwrap();
        let handled = Handled::new();
        let serving = Serving::start(&queue, worker(1), handled.at_once());
        handled.count(2).await;
        // Also when it was handled already; the next number is another delivery.
        other.push(first(1)).await.unwrap();
        other.push(Delivery { run: run(2), number: 2 }).await.unwrap();
        handled.count(3).await;
        serving.stop().await;
        assert_eq!(handled.runs(), [1, 2, 2]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_was_pushed_before_any_worker_is_delivered_later() {
    everywhere(async |ground| {
        let queue = ground.queue().await;
        // The older run first, whichever was pushed first.
        queue.push(first(8)).await.unwrap();
        queue.push(first(7)).await.unwrap();
        queue.close().await;
        let queue = ground.queue().await;
        let handled = Handled::new();
        let serving = Serving::start(&queue, worker(1), handled.at_once());
        handled.count(2).await;
        serving.stop().await;
        assert_eq!(handled.runs(), [7, 8]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_deliveries_are_handled_once_each() {
    everywhere(async |ground| {
        let handled = Handled::new();
        let queues = [ground.queue().await, ground.queue().await];
        let serving = [0, 1].map(|number| Serving::start(&queues[number], worker(4), handled.at_once()));
        for number in 1..=1_000 {
            queues[usize::from(number % 2 == 0)].push(first(number)).await.unwrap();
        }
        handled.count(1_000).await;
        for serving in serving {
            serving.stop().await;
        }
        assert_eq!(handled.sorted(), (1..=1_000).collect::<Vec<_>>());
        assert_eq!(count(&queues[0], "{jobs}", "status <> 'Done'").await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_worker_handles_more_at_a_time_than_it_may() {
    everywhere(async |ground| {
        let queue = ground.queue().await;
        for number in 1..=6 {
            queue.push(first(number)).await.unwrap();
        }
        let (handled, gate) = (Handled::new(), Gate::new());
        let passing = gate.clone();
        let serving = Serving::start(&queue, worker(4), handled.after(move |_| passing.pass()));
        gate.has_stopped(4).await;
        // A further run is not even taken: another worker could have it.
        let other = Handled::new();
        let second = Serving::start(&ground.queue().await, worker(2), other.at_once());
        tokio::select! {
            () = other.count(2) => {}
            () = gate.has_stopped(5) => panic!("the first worker took a fifth run"),
        }
        assert_eq!(other.sorted(), [5, 6]);
        gate.open.cancel();
        serving.stop().await;
        second.stop().await;
        assert_eq!(handled.sorted(), [1, 2, 3, 4]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_cancelled_worker_finishes_what_is_under_way_and_takes_no_more() {
    everywhere(async |ground| {
        let queue = ground.queue().await;
        let (handled, gate) = (Handled::new(), Gate::new());
        let passing = gate.clone();
        let serving = Serving::start(&queue, worker(2), handled.after(move |_| passing.pass()));
        queue.push(first(1)).await.unwrap();
        gate.has_stopped(1).await;
        serving.cancel.cancel();
        // It has a free place, and is told of a run that it must not take; somebody else does.
        queue.push(first(2)).await.unwrap();
        let other = Handled::new();
        let second = Serving::start(&ground.queue().await, worker(1), other.at_once());
        tokio::select! {
            () = other.count(1) => {}
            () = gate.has_stopped(2) => panic!("the cancelled worker took another run"),
        }
        assert!(!serving.task.is_finished());
        gate.open.cancel();
        serving.stop().await;
        assert_eq!((handled.runs(), other.runs()), (vec![1], vec![2]));
        second.stop().await;
        assert_eq!(count(&queue, "{jobs}", "status = 'Done'").await, 2);
    })
    .await;
}
