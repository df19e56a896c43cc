//! The tables, and how they get up to date.
//!
//! Until the first release, the migrations are still changed: a history that a development build made is to be made anew. A released
//! migration is never changed again.

mod m2026_11_20_first;
mod m2026_11_21_durable_runs;
mod m2026_11_22_configured_syncs;
mod m2026_11_22_images;
mod m2026_11_22_ledger;
mod m2026_11_22_quarantine;
mod m2026_11_23_findings;
mod m2026_11_24_desired_records;
mod m2026_11_24_kept_fields;
mod m2026_11_25_batch_images;
mod m2026_11_25_kept_counts;
mod m2026_11_25_waiting_runs;
mod m2026_11_26_request_ids;
mod m2026_11_27_rejections;
mod m2026_11_28_access;
mod m2026_11_28_run_events;
mod m2026_11_29_loud_lines;
mod m2026_11_29_providers;
mod m2026_11_30_notifications;
mod m2026_12_01_comments;
mod m2026_12_01_filled_fields;
mod m2026_12_01_ignores;
mod m2026_12_01_requests;
mod m2026_12_02_streams;

use std::collections::HashSet;

use futures::FutureExt;
use sea_orm::sea_query::{Expr, Order, Query};
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, DynIden, Statement};
use sea_orm_migration::sea_query::IntoIden;
use sea_orm_migration::{MigrationTrait, MigratorTrait};

use super::error;
use super::store::Store;
use crate::{Error, ErrorKind, Result};

/// Remembers which migrations a database has seen. Its presence also tells that a database is a history.
const TABLE: &str = "syncline_migration";

/// Held while a PostgreSQL database is migrated; the number only has to be nobody else's.
const LOCK: i64 = 0x5379_6e63_6c69_6e65;

struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m2026_11_20_first::Migration),
            Box::new(m2026_11_21_durable_runs::Migration),
            Box::new(m2026_11_22_configured_syncs::Migration),
            Box::new(m2026_11_22_images::Migration),
            Box::new(m2026_11_23_findings::Migration),
            Box::new(m2026_11_22_quarantine::Migration),
            Box::new(m2026_11_22_ledger::Migration),
            Box::new(m2026_11_24_desired_records::Migration),
            Box::new(m2026_11_24_kept_fields::Migration),
            Box::new(m2026_11_25_waiting_runs::Migration),
            Box::new(m2026_11_25_kept_counts::Migration),
            Box::new(m2026_11_25_batch_images::Migration),
            Box::new(m2026_11_26_request_ids::Migration),
            Box::new(m2026_11_27_rejections::Migration),
            Box::new(m2026_11_28_access::Migration),
            Box::new(m2026_11_28_run_events::Migration),
            Box::new(m2026_11_29_loud_lines::Migration),
            Box::new(m2026_11_29_providers::Migration),
            Box::new(m2026_11_30_notifications::Migration),
            Box::new(m2026_12_01_filled_fields::Migration),
            Box::new(m2026_12_01_comments::Migration),
            Box::new(m2026_12_01_requests::Migration),
            Box::new(m2026_12_01_ignores::Migration),
            Box::new(m2026_12_02_streams::Migration),
        ]
    }

    fn migration_table_name() -> DynIden {
        TABLE.into_iden()
    }
}

/// Brings a database up to date. Refuses one that holds something else, or that a newer program wrote.
///
/// An up-to-date database is only read: looking at a history needs no right to write it.
pub(super) async fn migrate(store: &Store) -> Result<()> {
    if is_current(store.db()).await.map_err(|error| store.located(error))? {
        return Ok(());
    }
    store
        .write(move |tx, _| {
            async move {
                if store.backend() == DbBackend::Postgres {
                    // Whoever migrates may take longer than others wait for rows.
                    tx.execute_unprepared("SET LOCAL lock_timeout = 0").await.map_err(error::of_statement)?;
                    let lock = Statement::from_sql_and_values(
                        DbBackend::Postgres,
                        "SELECT pg_advisory_xact_lock($1)",
                        [LOCK.into()],
                    );
                    tx.execute_raw(lock).await.map_err(error::of_statement)?;
                }
                // SQLite's write transaction is the lock. Somebody else may have migrated while we waited.
                if is_current(tx).await? {
                    return Ok(());
                }
                up(tx).await
            }
            .boxed()
        })
        .await
}

pub(super) async fn up(tx: &DatabaseTransaction) -> Result<()> {
    Migrator::up(tx, None).await.map_err(error::of_statement)
}

/// The migrations that a database has seen, in order.
pub(super) async fn seen<C: ConnectionTrait>(db: &C) -> Result<Vec<String>> {
    let seen = Query::select().column("version").from(TABLE).order_by("version", Order::Asc).to_owned();
    let seen = db.query_all(&seen).await.map_err(error::of_statement)?;
    seen.iter().map(|row| row.try_get("", "version")).collect::<Result<_, _>>().map_err(error::of_statement)
}

/// Whether a database has seen every migration. One that is no history, or that a newer program wrote, is an error.
pub(super) async fn is_current<C: ConnectionTrait>(db: &C) -> Result<bool> {
    let tables = tables(db).await?;
    if !tables.contains(TABLE) {
        let Some(other) = tables.iter().min() else { return Ok(false) };
        let message = format!(
            "the database is no history of Syncline: it holds other tables, such as `{other}`; give the history a database of its own"
        );
        return Err(Error::new(ErrorKind::Storage, message));
    }
    let seen = Query::select().column("version").from(TABLE).to_owned();
    let seen = db.query_all(&seen).await.map_err(error::of_statement)?;
    let seen: Result<HashSet<String>, _> = seen.iter().map(|row| row.try_get("", "version")).collect();
    let mut seen = seen.map_err(error::of_statement)?;
    let mut is_current = true;
    for migration in Migrator::migrations() {
        is_current &= seen.remove(migration.name());
    }
    match seen.into_iter().min() {
        None => Ok(is_current),
        Some(unknown) => {
            let message = format!(
                "the history was written by a newer version of Syncline (it has the migration `{unknown}`): update this program"
            );
            Err(Error::new(ErrorKind::Storage, message))
        }
    }
}

/// The tables of a database; of PostgreSQL, those of the schema that new tables would go to.
async fn tables<C: ConnectionTrait>(db: &C) -> Result<HashSet<String>> {
    let mut query = Query::select();
    match db.get_database_backend() {
        DbBackend::Postgres => query
            .expr_as(Expr::cust("tablename::text"), "name")
            .from("pg_tables")
            .and_where(Expr::cust("schemaname = current_schema()")),
        _ => query
            .column("name")
            .from("sqlite_master")
            .and_where(Expr::cust("type = 'table' AND name NOT LIKE 'sqlite@_%' ESCAPE '@'")),
    };
    let rows = db.query_all(&query).await.map_err(error::of_statement)?;
    let names: Result<_, _> = rows.iter().map(|row| row.try_get("", "name")).collect();
    names.map_err(error::of_statement)
}
