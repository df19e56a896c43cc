//! Whether a database has the tables of the queue.

use std::collections::HashSet;

use sqlx::migrate::{MigrateError, Migrator};

use crate::history::History;
use crate::{Error, ErrorKind, Result};

/// Whether these are all migrations that there are. Refuses those of a newer program.
pub(super) fn is_current(migrator: &Migrator, seen: impl IntoIterator<Item = i64>) -> Result<bool> {
    let mut seen: HashSet<i64> = seen.into_iter().collect();
    let mut is_current = true;
    for migration in migrator.iter() {
        is_current &= seen.remove(&migration.version);
    }
    match seen.into_iter().min() {
        None => Ok(is_current),
        Some(unknown) => Err(newer(unknown)),
    }
}

/// Turns an error of the migrations into one of ours.
pub(super) fn of_migration(history: &History, error: MigrateError) -> Error {
    match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => history.driver_error(error),
        MigrateError::VersionMissing(unknown) => newer(unknown),
        error => Error::new(
            ErrorKind::Storage,
            "the tables of the run queue are not as this program left them: give the history a database of its own",
        )
        .caused_by(error),
    }
}

fn newer(migration: i64) -> Error {
    let message = format!(
        "the run queue was written by a newer version of Syncline (it has the migration `{migration}`): update this program"
    );
    Error::new(ErrorKind::Storage, message)
}
