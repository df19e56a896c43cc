//! Errors of the database, in words that a person can act on.

use sea_orm::{ConnAcquireErr, DbErr, RuntimeErr};

use super::location::Location;
use crate::{Error, ErrorKind};

/// Turns an error of a statement into one of ours. The history's address is added where the transaction ends.
pub(super) fn of_statement(error: DbErr) -> Error {
    let failed = || Error::new(ErrorKind::Storage, "the history could not be read or written");
    match &error {
        DbErr::ConnectionAcquire(ConnAcquireErr::Timeout) => {
            Error::new(ErrorKind::Storage, "the history has no free connection: too much is going on at once")
                .temporary()
        }
        DbErr::Conn(RuntimeErr::SqlxError(cause))
        | DbErr::Exec(RuntimeErr::SqlxError(cause))
        | DbErr::Query(RuntimeErr::SqlxError(cause)) => of_driver(cause).unwrap_or_else(failed).caused_by(error),
        _ => failed().caused_by(error),
    }
}

/// Turns an error of the driver itself into one of ours.
pub(super) fn of_statement_of_driver(error: sqlx::Error) -> Error {
    let described = match &error {
        sqlx::Error::PoolTimedOut => {
            Error::new(ErrorKind::Storage, "the history has no free connection: too much is going on at once")
                .temporary()
        }
        _ => of_driver(&error)
            .unwrap_or_else(|| Error::new(ErrorKind::Storage, "the history could not be read or written")),
    };
    described.caused_by(error)
}

/// An error while a history is opened.
pub(super) fn of_connect(location: &Location, error: sqlx::Error) -> Error {
    let described = of_driver(&error).unwrap_or_else(|| match &error {
        sqlx::Error::Io(_) => Error::new(
            ErrorKind::Unreachable,
            "the database server of the history cannot be reached: check its address and that it runs",
        )
        .temporary(),
        sqlx::Error::Tls(_) => Error::new(
            ErrorKind::Unreachable,
            "the database server of the history cannot be trusted: check `sslmode` and `sslrootcert` in its address",
        ),
        _ => Error::new(ErrorKind::Storage, "the history cannot be opened"),
    });
    described.with("history", location).caused_by(error)
}

/// What a driver's error code means; none when it means nothing in particular.
fn of_driver(error: &sqlx::Error) -> Option<Error> {
    let database = error.as_database_error()?;
    let code = database.code()?;
    let (kind, message, is_temporary) = match sqlite_code(database, &code) {
        Some(code) => of_sqlite(code)?,
        None => of_postgres(&code)?,
    };
    let described = Error::new(kind, message);
    Some(if is_temporary { described.temporary() } else { described })
}

/// The primary code of a SQLite error: the low byte of the number that the driver reports.
fn sqlite_code(error: &dyn sqlx::error::DatabaseError, code: &str) -> Option<u32> {
    error.try_downcast_ref::<sqlx::sqlite::SqliteError>()?;
    code.parse::<u32>().ok().map(|code| code & 0xff)
}

/// See <https://sqlite.org/rescode.html>.
fn of_sqlite(code: u32) -> Option<(ErrorKind, &'static str, bool)> {
    Some(match code {
        5 | 6 => (ErrorKind::Storage, "another process kept the history locked for too long", true),
        8 => (
            ErrorKind::Storage,
            "the history is read-only: allow writing to the file and to its folder, or give another path",
            false,
        ),
        10 => (ErrorKind::Storage, "the disk of the history failed", false),
        11 => (
            ErrorKind::Storage,
            "the history's file is damaged: restore a copy of it, or move it away to start a new one",
            false,
        ),
        13 => (ErrorKind::Storage, "the disk of the history is full", false),
        14 => (
            ErrorKind::Storage,
            "the history's file cannot be opened: check that the path is no folder and may be written to",
            false,
        ),
        26 => (ErrorKind::Storage, "the file is no SQLite database: give another path for the history", false),
        _ => return None,
    })
}

/// See appendix A of the PostgreSQL manual.
fn of_postgres(code: &str) -> Option<(ErrorKind, &'static str, bool)> {
    Some(match code {
        "40001" | "40P01" | "55P03" => {
            (ErrorKind::Storage, "another process kept rows of the history locked for too long", true)
        }
        "25P03" => (ErrorKind::Storage, "this process slept while it wrote the history", true),
        "25006" => (
            ErrorKind::Storage,
            "the history is read-only: give the address of the primary server, or allow its user to write",
            false,
        ),
        "28000" | "28P01" => {
            (ErrorKind::Unauthenticated, "the database server of the history refused the user or the password", false)
        }
        "3D000" => {
            (ErrorKind::NotFound, "the database of the history does not exist: create it with `createdb`", false)
        }
        "42501" => (
            ErrorKind::Forbidden,
            "the database user may not write the history: let it own the database or the schema",
            false,
        ),
        "53300" | "57P03" => {
            (ErrorKind::Unreachable, "the database server of the history takes no more connections", true)
        }
        "53100" => (ErrorKind::Storage, "the disk of the history is full", false),
        _ => return None,
    })
}
