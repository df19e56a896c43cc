//! Many writers at once.

use futures::future::try_join_all;

use super::{applied, change, everywhere, working_run};
use crate::change::Action;
use crate::history::{ChangeFilter, RecordedChange};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn eight_writers_on_two_handles_lose_nothing() {
    everywhere(async |place| {
        // Two handles are what two processes would have: they know nothing of each other but the database.
        let histories = [place.open().await, place.open().await];
        let shared = working_run(&histories[0]).await;
        let writers = (0..8).map(|writer| {
            let history = histories[writer % 2].clone();
            tokio::spawn(async move {
                let own = working_run(&history).await;
                for number in 0..20 {
                    let outcome = applied();
                    let change = change("site", &format!("{number}"), Action::Create);
                    let recorded = [RecordedChange::now(&change, Some(&outcome)).with_native_id(Some("1"))];
                    history.record_changes(own, &recorded).await.unwrap();
                    history.record_changes(shared, &recorded).await.unwrap();
                }
                own
            })
        });
        let runs = try_join_all(writers).await.unwrap();
        let history = &histories[1];
        for run in runs {
            assert_eq!(history.run(run.run).await.unwrap().unwrap().counts.outcomes.applied, 20);
        }
        let page = history.changes(shared.run, &ChangeFilter::default(), None, 1_000).await.unwrap();
        let places: Vec<_> = page.items.iter().map(|change| change.seq).collect();
        assert_eq!(places, (1..=160).collect::<Vec<u64>>());
    })
    .await;
}

#[tokio::test]
async fn a_history_in_memory_serves_many() {
    let history = crate::history::History::in_memory().await.unwrap();
    let runs = try_join_all((0..8).map(|_| {
        let history = history.clone();
        tokio::spawn(async move { working_run(&history).await })
    }));
    assert_eq!(runs.await.unwrap().len(), 8);
    assert_eq!(history.last_run("sites").await.unwrap().unwrap().id.number(), 8);
}
