//! Inserting many rows with few statements.

use std::fmt::Write;

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, Statement, Value};

use super::error;
use crate::Result;

/// The rows of one statement. SQLite takes 32,766 values in a statement and PostgreSQL 65,535, which is more than helps:
/// beyond a hundred rows a statement gets no faster, only larger.
const ROWS: usize = 200;

/// Rows for one table.
pub(super) struct Insert<const N: usize> {
    /// The table.
    pub(super) table: &'static str,
    /// The columns, in the order of the values.
    pub(super) columns: [&'static str; N],
    /// What follows the values, such as `ON CONFLICT …`; empty for nothing.
    pub(super) tail: &'static str,
}

impl<const N: usize> Insert<N> {
    /// Inserts rows. Every statement but the last has the same text, which the driver prepares once.
    pub(super) async fn run<R>(
        &self,
        tx: &DatabaseTransaction,
        rows: &[R],
        values: impl Fn(usize, &R) -> [Value; N],
    ) -> Result<()> {
        let backend = tx.get_database_backend();
        let full = if rows.len() >= ROWS { self.sql(backend, ROWS) } else { String::new() };
        for (number, chunk) in rows.chunks(ROWS).enumerate() {
            let sql = if chunk.len() == ROWS { full.clone() } else { self.sql(backend, chunk.len()) };
            let values = chunk.iter().enumerate().flat_map(|(place, row)| values(number * ROWS + place, row));
            let statement = Statement::from_sql_and_values(backend, sql, values);
            tx.execute_raw(statement).await.map_err(error::of_statement)?;
        }
        Ok(())
    }

    fn sql(&self, backend: DbBackend, rows: usize) -> String {
        let mut sql = format!("INSERT INTO \"{}\" (\"{}\") VALUES ", self.table, self.columns.join("\", \""));
        for row in 0..rows {
            sql.push_str(if row == 0 { "(" } else { ", (" });
            for column in 0..N {
                if column > 0 {
                    sql.push_str(", ");
                }
                match backend {
                    DbBackend::Postgres => {
                        let number = row * N + column + 1;
                        write!(sql, "${number}").expect("a string takes everything");
                    }
                    _ => sql.push('?'),
                }
            }
            sql.push(')');
        }
        if !self.tail.is_empty() {
            sql.push(' ');
            sql.push_str(self.tail);
        }
        sql
    }
}
