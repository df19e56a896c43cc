//! Opening histories: fresh ones, twice, together, and what is none.

use futures::FutureExt;
use futures::future::try_join_all;
use sea_orm::ConnectionTrait;
use sqlx::sqlite::SqliteConnectOptions;

use super::{Place, everywhere, working_run};
use crate::ErrorKind;
use crate::history::location::Location;
use crate::history::store::Store;
use crate::history::{History, migration};

#[tokio::test]
async fn opening_twice_changes_nothing() {
    everywhere(async |place| {
        let history = place.open().await;
        let run = working_run(&history).await;
        let fresh = migrations(&history).await;
        history.close().await.unwrap();
        let history = place.open().await;
        assert_eq!(migrations(&history).await, fresh);
        assert!(history.run(run.run).await.unwrap().is_some());
        if let Some(file) = place.file() {
            assert!(file.is_file());
            history.close().await.unwrap();
            assert!(!file.with_extension("db-wal").exists(), "a closed history is one file");
        }
    })
    .await;
}

async fn migrations(history: &History) -> Vec<(String, i64)> {
    let rows = sea_orm::sea_query::Query::select()
        .columns(["version", "applied_at"])
        .from("syncline_migration")
        .order_by("version", sea_orm::Order::Asc)
        .to_owned();
    let rows = history.store.db().query_all(&rows).await.unwrap();
    rows.iter().map(|row| (row.try_get("", "version").unwrap(), row.try_get("", "applied_at").unwrap())).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_may_open_a_fresh_history_at_once() {
    everywhere(async |place| {
        let opened = try_join_all((0..8).map(|_| {
            let url = place.url.clone();
            tokio::spawn(async move { History::open(&url).await })
        }));
        for history in opened.await.unwrap() {
            working_run(&history.unwrap()).await;
        }
        let seen = migrations(&place.open().await).await;
        let names: std::collections::BTreeSet<_> = seen.iter().map(|(name, _)| name).collect();
        assert!(!seen.is_empty() && names.len() == seen.len(), "{seen:?}");
    })
    .await;
}

#[tokio::test]
async fn a_newer_history_is_refused() {
    everywhere(async |place| {
        let history = place.open().await;
        let statement = "INSERT INTO syncline_migration (version, applied_at) VALUES ('m2031_01_01_quantum', 1)";
        history.store.db().execute_unprepared(statement).await.unwrap();
        let error = History::open(&place.url).await.unwrap_err();
        insta::allow_duplicates! { insta::assert_snapshot!(error.message(), @"the history was written by a newer version of Syncline (it has the migration `m2031_01_01_quantum`): update this program") };
        assert_eq!(error.context()[0].0, "history");
    })
    .await;
}

#[tokio::test]
async fn somebody_elses_database_is_refused() {
    everywhere(async |place| {
        if let Some(file) = place.file() {
            tokio::fs::create_dir_all(file.parent().unwrap()).await.unwrap();
        }
        let store = Store::connect(&place.url.parse().unwrap()).await.unwrap();
        store.db().execute_unprepared("CREATE TABLE invoice (id INTEGER)").await.unwrap();
        let error = History::open(&place.url).await.unwrap_err();
        insta::allow_duplicates! { insta::assert_snapshot!(error.message(), @"the database is no history of Syncline: it holds other tables, such as `invoice`; give the history a database of its own") };
    })
    .await;
}

/// What opening a file says, with the folder left out.
async fn refusal(place: &Place) -> String {
    let error = History::open(&place.url).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Storage);
    error.to_string().replace(&place.file().unwrap().parent().unwrap().display().to_string(), "…")
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused() {
    let place = Place::sqlite();
    let file = place.file().unwrap();
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(&file, "dear diary, ".repeat(1000)).unwrap();
    insta::assert_snapshot!(refusal(&place).await, @"the file is no SQLite database: give another path for the history (history …/history.db)");

    std::fs::remove_file(&file).unwrap();
    std::fs::create_dir(&file).unwrap();
    insta::assert_snapshot!(refusal(&place).await, @"the history's file cannot be opened: check that the path is no folder and may be written to (history …/history.db)");

    std::fs::remove_dir(&file).unwrap();
    std::fs::remove_dir(file.parent().unwrap()).unwrap();
    std::fs::write(file.parent().unwrap(), "a file where the folder should be").unwrap();
    insta::assert_snapshot!(refusal(&place).await, @"the folder of the history cannot be made (folder …)");
}

#[tokio::test]
async fn a_read_only_history_can_be_looked_at_only() {
    let place = Place::sqlite();
    let run = working_run(&place.open().await).await;
    let file = place.file().unwrap();
    let options = SqliteConnectOptions::new().filename(&file).read_only(true);
    let store = Store::sqlite(&Location::File("history.db".into()), options).await.unwrap();
    let history = History::over(store).await.unwrap();
    assert!(history.run(run.run).await.unwrap().is_some());
    let error = history.set_stage(run, crate::history::RunStage::Planned).await.unwrap_err();
    insta::assert_snapshot!(error, @"the history is read-only: allow writing to the file and to its folder, or give another path (history history.db)");

    let Some(place) = Place::postgres().await else { return };
    let run = working_run(&place.open().await).await;
    let url = format!("{}&options[default_transaction_read_only]=on", place.url);
    let history = History::open(&url).await.unwrap();
    let error = history.set_stage(run, crate::history::RunStage::Planned).await.unwrap_err();
    insta::assert_snapshot!(error.message(), @"the history is read-only: give the address of the primary server, or allow its user to write");
}

#[tokio::test]
async fn a_server_that_cannot_be_used_is_explained() {
    // The port is free: somebody had it, and let it go.
    let port = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    let url = format!("postgres://syncline:hunter2@127.0.0.1:{port}/history");
    let error = History::open(&url).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    assert!(!format!("{error:?} {}", error.report()).contains("hunter2"));
    insta::assert_snapshot!(error.to_string().replace(&port.to_string(), "PORT"), @"the database server of the history cannot be reached: check its address and that it runs (history postgres://syncline@127.0.0.1:PORT/history)");

    let Some(place) = Place::postgres().await else { return };
    let mut url: url::Url = place.url.parse().unwrap();
    url.set_path("/no_such_database");
    let error = History::open(url.as_str()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    insta::assert_snapshot!(error.message(), @"the database of the history does not exist: create it with `createdb`");
}

#[tokio::test]
async fn the_migrations_are_undisturbed_by_failures_halfway() {
    everywhere(async |place| {
        if let Some(file) = place.file() {
            tokio::fs::create_dir_all(file.parent().unwrap()).await.unwrap();
        }
        let store = Store::connect(&place.url.parse().unwrap()).await.unwrap();
        let failed = store
            .write(|tx, _| {
                async move {
                    migration::up(tx).await?;
                    Err::<(), _>(crate::Error::new(ErrorKind::Internal, "the process is killed here"))
                }
                .boxed()
            })
            .await;
        failed.unwrap_err();
        working_run(&place.open().await).await;
    })
    .await;
}
