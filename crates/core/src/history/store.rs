//! The connections, and the one way to write.

use std::marker::PhantomData;
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use sea_orm::{
    DatabaseConnection, DatabaseTransaction, DbBackend, SqliteTransactionMode, SqlxPostgresConnector,
    SqlxSqliteConnector, TransactionOptions, TransactionTrait,
};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection};
use tokio::sync::{Mutex, MutexGuard};

use super::error;
use super::location::Location;
use crate::{Error, ErrorKind, ErrorStatus, Result};

/// How long a writer waits for one in another process.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// How long opening waits for a database server.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// For how long a process may sleep within a transaction. PostgreSQL ends it then: the rows that it has locked are those that
/// whoever takes its runs over must write. Shorter than leases are, so that nobody waits for it, and longer than a busy machine
/// lets a process wait.
const SLEEP_TIMEOUT: &str = "5s";

/// For how long a statement waits for what another transaction has locked; then it is tried again. Shorter than [`SLEEP_TIMEOUT`]: what
/// a sleeping process waits for would be handed to each of its transactions in turn, and each would keep it for that long.
const LOCK_TIMEOUT: &str = "3s";

/// How often a transaction is tried that lost against another one.
const ATTEMPTS: u32 = 5;

/// Makes a missing history file readable by its owner only: it holds what was read from the systems.
fn private(path: &std::path::Path) {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    // That it exists is well; whatever else stands in the way is told when the database is opened.
    let _ = options.open(path);
}

/// Says that `'s` outlives `'t`.
pub(super) type Outlives<'s, 't> = PhantomData<&'t &'s ()>;

/// The connections of a history, as the driver knows them.
#[derive(Debug, Clone)]
pub(crate) enum Pool {
    /// To a SQLite database; exactly one where it is in memory.
    Sqlite(sqlx::SqlitePool),
    /// To a PostgreSQL database.
    Postgres(sqlx::PgPool),
}

/// A database with its connections.
#[derive(Debug)]
pub(super) struct Store {
    db: DatabaseConnection,
    location: Location,
    writer: Option<Writer>,
}

/// Who writes to SQLite, which has one writer at a time. Within this process writers queue here, in turn; SQLite's own waiting is a
/// poll that can pass somebody over.
#[derive(Debug)]
struct Writer {
    turn: Mutex<()>,
    /// One connection that nobody else uses. SQLite forgets the pages that it holds when another connection has written: writers that
    /// took turns with connections would read the indexes anew for every batch, the more so the more others read.
    db: DatabaseConnection,
}

/// How long is waited before a database that was locked is opened again.
const LOCKED_WAIT: Duration = Duration::from_millis(20);

/// Opens something in a database that other processes may be opening, too.
///
/// While SQLite makes its write-ahead file, or takes it away, it says at once that it is locked, and does not wait as it does otherwise;
/// nor does it tell when that is over.
pub(crate) async fn opened<'o, T>(open: impl Fn() -> BoxFuture<'o, Result<T>> + Send) -> Result<T> {
    let until = Instant::now() + BUSY_TIMEOUT;
    loop {
        match open().await {
            Err(error)
                if error.kind() == ErrorKind::Storage
                    && error.status() == ErrorStatus::Temporary
                    && Instant::now() < until =>
            {
                tokio::time::sleep(LOCKED_WAIT).await;
            }
            opened => return opened,
        }
    }
}

impl Store {
    /// Connects; makes a missing file and its folder.
    pub(super) async fn connect(location: &Location) -> Result<Self> {
        match location {
            Location::Memory => Self::sqlite(location, SqliteConnectOptions::new().in_memory(true)).await,
            Location::File(path) => {
                if let Some(folder) = path.parent() {
                    tokio::fs::create_dir_all(folder).await.map_err(|cause| {
                        Error::new(ErrorKind::Storage, "the folder of the history cannot be made")
                            .with("folder", folder.display())
                            .caused_by(cause)
                    })?;
                }
                private(path);
                let options = SqliteConnectOptions::new()
                    .filename(path)
                    .create_if_missing(true)
                    .journal_mode(SqliteJournalMode::Wal)
                    .synchronous(SqliteSynchronous::Normal)
                    // Of a new file: a change takes about a kilobyte, of which larger pages hold more and split less.
                    .page_size(16_384)
                    // After a large run the write-ahead file is cut back to this.
                    .pragma("journal_size_limit", "67108864");
                Self::sqlite(location, options).await
            }
            Location::Postgres(url) => Self::postgres(location, url.as_str()).await,
        }
    }

    /// Opens a SQLite database with the settings that every one needs.
    pub(super) async fn sqlite(location: &Location, options: SqliteConnectOptions) -> Result<Self> {
        let options = options
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT)
            // 16 MiB of pages: a batch of changes stays in memory while its indexes are filled.
            .pragma("cache_size", "-16384")
            .optimize_on_close(true, None)
            .disable_statement_logging();
        // A file does not hang up: a connection that is idle need not be tried before it is used.
        let pool = || SqlitePoolOptions::new().test_before_acquire(false);
        let one = pool().max_connections(1).min_connections(1).idle_timeout(None).max_lifetime(None);
        let failed = |cause| error::of_connect(location, cause);
        let one = SqlxSqliteConnector::from_sqlx_sqlite_pool(one.connect_with(options.clone()).await.map_err(failed)?);
        let db = match location {
            // Every connection to a database in memory is another database, so there must be one, for ever.
            Location::Memory => one.clone(),
            _ => {
                let several = pool().max_connections(4).connect_with(options).await.map_err(failed)?;
                SqlxSqliteConnector::from_sqlx_sqlite_pool(several)
            }
        };
        Ok(Self { db, location: location.clone(), writer: Some(Writer { turn: Mutex::new(()), db: one }) })
    }

    async fn postgres(location: &Location, url: &str) -> Result<Self> {
        let options: PgConnectOptions = url.parse().map_err(|cause: sqlx::Error| {
            Error::new(ErrorKind::Settings, "the PostgreSQL URL of the history has a part that is not understood")
                .with("history", location)
                .caused_by(cause)
        })?;
        let options = options
            .application_name("syncline")
            .options([("idle_in_transaction_session_timeout", SLEEP_TIMEOUT), ("lock_timeout", LOCK_TIMEOUT)])
            .disable_statement_logging();
        // A pool hides why it cannot connect behind its own time-out, so the first connection is made without it.
        let first = tokio::time::timeout(CONNECT_TIMEOUT, sqlx::PgConnection::connect_with(&options)).await;
        let first = first.unwrap_or_else(|_| Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into()));
        let first = first.map_err(|cause| error::of_connect(location, cause))?;
        // Closing politely is all that can fail here.
        let _ = first.close().await;
        let pool = PgPoolOptions::new().max_connections(8).connect_lazy_with(options);
        let db = SqlxPostgresConnector::from_sqlx_postgres_pool(pool);
        Ok(Self { db, location: location.clone(), writer: None })
    }

    /// For reading outside a transaction.
    pub(super) fn db(&self) -> &DatabaseConnection {
        &self.db
    }

    /// The connections, for what keeps its tables beside those of the history.
    pub(super) fn pool(&self) -> Pool {
        match &self.location {
            Location::Postgres(_) => Pool::Postgres(self.db.get_postgres_connection_pool().clone()),
            Location::Memory | Location::File(_) => Pool::Sqlite(self.db.get_sqlite_connection_pool().clone()),
        }
    }

    /// Where the database is.
    pub(super) fn location(&self) -> &Location {
        &self.location
    }

    /// The kind of the database.
    pub(super) fn backend(&self) -> DbBackend {
        self.db.get_database_backend()
    }

    /// Adds to an error which history it is about.
    pub(super) fn located(&self, error: Error) -> Error {
        if error.kind() == ErrorKind::Storage || error.kind() == ErrorKind::Forbidden {
            error.with("history", &self.location)
        } else {
            error
        }
    }

    /// Turns the error of a read into one of ours.
    pub(super) fn read_error(&self, error: sea_orm::DbErr) -> Error {
        self.located(error::of_statement(error))
    }

    /// Runs `work` in a transaction that may write from its first statement on, so that SQLite never has to refuse the
    /// step from reading to writing. Work that loses against another transaction is done again from its start: it must
    /// have no effect but through the transaction, and wait for nothing else.
    ///
    /// The second argument of `work` is only a type: it says that whatever the closure borrows outlives the transaction.
    /// Boxed futures, because those of asynchronous closures cannot be shown to be `Send`.
    pub(super) async fn write<'s, T, F>(&'s self, work: F) -> Result<T>
    where
        F: for<'t> Fn(&'t DatabaseTransaction, Outlives<'s, 't>) -> BoxFuture<'t, Result<T>>,
    {
        let mut attempt = 1;
        loop {
            match self.try_write(&work).await {
                Err(error) if error.status() == ErrorStatus::Temporary => {
                    if attempt == ATTEMPTS {
                        return Err(self.located(error.persistent()));
                    }
                    tokio::time::sleep(Duration::from_millis(10 << attempt)).await;
                    attempt += 1;
                }
                result => return result.map_err(|error| self.located(error)),
            }
        }
    }

    async fn try_write<'s, T, F>(&'s self, work: &F) -> Result<T>
    where
        F: for<'t> Fn(&'t DatabaseTransaction, Outlives<'s, 't>) -> BoxFuture<'t, Result<T>>,
    {
        let _turn: Option<MutexGuard<'_, ()>> = match &self.writer {
            Some(writer) => Some(writer.turn.lock().await),
            None => None,
        };
        let options = TransactionOptions {
            sqlite_transaction_mode: self.writer.is_some().then_some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        let db = self.writer.as_ref().map_or(&self.db, |writer| &writer.db);
        let transaction = db.begin_with_options(options).await.map_err(error::of_statement)?;
        match work(&transaction, PhantomData).await {
            Ok(value) => {
                transaction.commit().await.map_err(error::of_statement)?;
                Ok(value)
            }
            Err(error) => {
                // The error that matters is the first one; an open transaction ends with its connection at the latest.
                let _ = transaction.rollback().await;
                Err(error)
            }
        }
    }

    /// Closes the connections.
    pub(super) async fn close(&self) -> Result<()> {
        if let Some(writer) = &self.writer {
            writer.db.clone().close().await.map_err(|error| self.read_error(error))?;
        }
        self.db.clone().close().await.map_err(|error| self.read_error(error))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use futures::FutureExt;

    use super::*;

    #[tokio::test]
    async fn what_is_locked_for_a_moment_is_opened_again() {
        let tries = AtomicU32::new(0);
        let open = |locked: bool| {
            let tries = &tries;
            move || {
                async move {
                    let error = Error::new(ErrorKind::Storage, "locked");
                    match tries.fetch_add(1, Ordering::Relaxed) {
                        0 | 1 if locked => Err(error.temporary()),
                        0 | 1 => Err(error),
                        tried => Ok(tried),
                    }
                }
                .boxed()
            }
        };
        assert_eq!(opened(open(true)).await.unwrap(), 2);
        tries.store(0, Ordering::Relaxed);
        assert!(opened(open(false)).await.is_err(), "a damaged file stays damaged");
        assert_eq!(tries.load(Ordering::Relaxed), 1);
    }
}
