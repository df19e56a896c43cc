//! Many writers at once.

use futures::future::{join_all, select, try_join_all};
use sqlx::Executor as _;

use super::{LEASE, Place, applied, change, everywhere, new_run, working_run};
use crate::change::Action;
use crate::history::{ChangeFilter, Claimed, History, Pool, RecordedChange};

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
    let history = History::in_memory().await.unwrap();
    let runs = try_join_all((0..8).map(|_| {
        let history = history.clone();
        tokio::spawn(async move { working_run(&history).await })
    }));
    assert_eq!(runs.await.unwrap().len(), 8);
    assert_eq!(history.last_run("sites").await.unwrap().unwrap().id.number(), 8);
}

/// A machine that sleeps does so with all of its connections at once. Those that stand in line for what one of them has locked would
/// get it one after the other, and each would keep it until the server ends its transaction.
#[tokio::test]
async fn a_process_that_sleeps_holds_up_others_once() {
    let Some(place) = Place::postgres().await else { return };
    let awake = place.open().await;
    let run = awake.begin_run(&new_run(&awake, "sites").await).await.unwrap();
    let pool = |history: &History| match history.pool() {
        Pool::Postgres(pool) => pool,
        Pool::Sqlite(_) => unreachable!("its address is one of PostgreSQL"),
    };
    let (asleep, awake_too) = (place.open().await, pool(&awake));
    let count = "UPDATE status_change SET last = last";

    // Three of its connections wait when it falls asleep: nobody polls them any more.
    let mut first = awake_too.begin().await.unwrap();
    first.execute(count).await.unwrap();
    let mut sleepers = join_all((0..3).map(|_| {
        let pool = pool(&asleep);
        async move {
            let mut transaction = pool.begin().await?;
            transaction.execute(count).await.map(drop)
        }
    }));
    let waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query = $1";
    let all_wait =
        async { while sqlx::query_scalar::<_, i64>(waiting).bind(count).fetch_one(&awake_too).await.unwrap() < 3 {} };
    select(&mut sleepers, std::pin::pin!(all_wait)).await;
    first.rollback().await.unwrap();

    assert!(matches!(awake.claim(run, "worker", LEASE).await.unwrap(), Claimed::Granted(_)));
    let slept = sleepers.await;
    let gave_up = slept.iter().filter_map(|slept| slept.as_ref().err()?.as_database_error()?.code());
    assert_eq!(gave_up.collect::<Vec<_>>(), ["55P03"; 2], "{slept:?}");
}
