//! Opening queues: in fresh databases, together, without the rights.

use futures::future::try_join_all;
use sqlx::Connection;
use tokio_util::sync::CancellationToken;

use super::{Handled, Serving, everywhere, first, worker};
use crate::ErrorKind;
use crate::history::History;
use crate::history::tests::Place;
use crate::queue::{ApalisQueue, RunQueue, WorkerOptions};

/// A PostgreSQL database that nobody has opened. The schema of the queue is there once in a database, so those that other
/// tests share are no fresh ones.
struct Fresh {
    name: String,
    url: url::Url,
    server: url::Url,
}

impl Fresh {
    /// None when there is no server.
    async fn database(name: &str) -> Option<Self> {
        let place = Place::postgres().await?;
        let mut server: url::Url = place.url.parse().unwrap();
        server.set_query(None);
        let name = format!("queue_{name}_{}", std::process::id());
        let mut url = server.clone();
        url.set_path(&name);
        execute(&server, &format!("CREATE DATABASE {name}")).await;
        Some(Self { name, url, server })
    }

    async fn remove(self) {
        execute(&self.server, &format!("DROP DATABASE {} WITH (FORCE)", self.name)).await;
    }
}

async fn execute(url: &url::Url, statement: &str) {
    let mut connection = sqlx::PgConnection::connect(url.as_str()).await.unwrap();
    sqlx::raw_sql(sqlx::AssertSqlSafe(statement.to_owned())).execute(&mut connection).await.unwrap();
}

async fn opened_at_once(url: String) {
    let opened = try_join_all((0..8).map(|_| {
        let url = url.clone();
        tokio::spawn(async move {
            let history = History::open(&url).await?;
            ApalisQueue::open(&history).await
        })
    }));
    let handled = Handled::new();
    for (queue, number) in opened.await.unwrap().into_iter().zip(1..) {
        let queue = queue.unwrap();
        queue.push(first(number)).await.unwrap();
        let serving = Serving::start(&queue, worker(1), handled.at_once());
        handled.count(usize::try_from(number).unwrap()).await;
        serving.stop().await;
        queue.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_may_open_a_fresh_queue_at_once() {
    opened_at_once(Place::sqlite().url).await;
    let Some(fresh) = Fresh::database("together").await else { return };
    opened_at_once(fresh.url.to_string()).await;
    fresh.remove().await;
}

#[tokio::test]
async fn a_queue_does_not_disturb_its_history() {
    everywhere(async |ground| {
        ground.queue().await.close().await;
        ground.history().await;
        ground.queue().await.close().await;
    })
    .await;
}

#[tokio::test]
async fn an_up_to_date_queue_is_only_read_when_it_is_opened() {
    let Some(place) = Place::postgres().await else { return };
    ApalisQueue::open(&place.open().await).await.unwrap();
    let history = History::open(&format!("{}&options[default_transaction_read_only]=on", place.url)).await.unwrap();
    let queue = ApalisQueue::open(&history).await.unwrap();
    let error = queue.push(first(1)).await.unwrap_err();
    insta::assert_snapshot!(error.message(), @"the history is read-only: give the address of the primary server, or allow its user to write");
}

#[tokio::test]
async fn the_extension_may_be_there_already() {
    let Some(fresh) = Fresh::database("extension").await else { return };
    execute(&fresh.url, "CREATE SCHEMA \"The Extensions\"; CREATE EXTENSION hstore SCHEMA \"The Extensions\"").await;
    opened_at_once(fresh.url.to_string()).await;
    fresh.remove().await;
}

#[tokio::test]
async fn missing_rights_are_explained() {
    let Some(fresh) = Fresh::database("rights").await else { return };
    let role = &fresh.name;
    execute(&fresh.url, &format!("CREATE ROLE {role} LOGIN; GRANT ALL ON SCHEMA public TO {role}")).await;
    let mut url = fresh.url.clone();
    url.set_username(role).unwrap();
    let history = History::open(url.as_str()).await.unwrap();
    let error = ApalisQueue::open(&history).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Forbidden);
    assert_eq!(error.context()[0].0, "history");
    insta::assert_snapshot!(error.message(), @"the database user may not make the tables of the run queue: `GRANT CREATE ON DATABASE … TO …`, at least until the first start");
    // With the right it works, and goes on to when that is taken away again.
    execute(&fresh.url, &format!("GRANT CREATE ON DATABASE {role} TO {role}")).await;
    ApalisQueue::open(&history).await.unwrap().close().await;
    execute(&fresh.url, &format!("REVOKE CREATE ON DATABASE {role} FROM {role}")).await;
    let queue = ApalisQueue::open(&history).await.unwrap();
    queue.push(first(1)).await.unwrap();
    queue.close().await;
    history.close().await.unwrap();
    let (role, server) = (fresh.name.clone(), fresh.server.clone());
    fresh.remove().await;
    execute(&server, &format!("DROP ROLE {role}")).await;
}

#[tokio::test]
async fn a_newer_queue_is_refused() {
    let history = History::in_memory().await.unwrap();
    let queue = ApalisQueue::open(&history).await.unwrap();
    let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
                 VALUES (20310101000000, 'quantum', true, x'00', 0)";
    super::tamper(&queue, newer).await;
    let error = ApalisQueue::open(&history).await.unwrap_err();
    insta::assert_snapshot!(error, @"the run queue was written by a newer version of Syncline (it has the migration `20310101000000`): update this program");
}

#[tokio::test]
async fn workers_that_cannot_work_are_refused() {
    let queue = ApalisQueue::open(&History::in_memory().await.unwrap()).await.unwrap();
    let refusal = async |options: WorkerOptions| {
        let options = WorkerOptions { name: "bench-1".to_owned(), ..options };
        let error = queue.serve(options, CancellationToken::new(), Handled::new().at_once()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Settings);
        error.to_string()
    };
    let usual = WorkerOptions::default();
    insta::assert_snapshot!(refusal(worker(0)).await, @"a worker with `concurrency` 0 would never handle a run: give at least 1 (worker bench-1)");
    insta::assert_snapshot!(refusal(WorkerOptions { heartbeat: std::time::Duration::from_millis(900), ..usual.clone() }).await, @"a worker's `heartbeat` is too short: give at least 1 second (worker bench-1)");
    insta::assert_snapshot!(refusal(WorkerOptions { poll: std::time::Duration::ZERO, ..usual }).await, @"a worker with `poll` 0 would never rest: give for example 500 milliseconds (worker bench-1)");
}

#[test]
fn no_two_starts_have_the_same_name() {
    let options = WorkerOptions { name: "bench-1".to_owned(), ..worker(1) };
    let name = options.unique_name();
    assert!(name.starts_with(&format!("bench-1-{}-", std::process::id())), "{name}");
    assert_ne!(name, options.unique_name());
}
