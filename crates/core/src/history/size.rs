//! How large the history is.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use serde::Serialize;

use super::location::Location;
use super::{History, error, text};
use crate::{Error, ErrorKind, Result};

/// How large a history is, in bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct HistorySize {
    /// On disk, with what is free within it and what is on its way into it.
    pub total: u64,
    /// By table, with its indexes.
    pub tables: BTreeMap<String, u64>,
}

/// The tables and their indexes, page by page, by the names of the tables.
const SQLITE_TABLES: &str = r#"SELECT s."tbl_name" AS name, SUM(d."pgsize") AS bytes FROM "dbstat" AS d
    JOIN "sqlite_master" AS s ON s."name" = d."name" WHERE d."aggregate" = TRUE GROUP BY s."tbl_name""#;

const POSTGRES_TABLES: &str = "SELECT relname::text AS name, pg_total_relation_size(oid) AS bytes FROM pg_class
    WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace";

/// What a row takes beside its texts: its numbers, its header, and its places in the indexes. As in PostgreSQL, where it is most.
const ROW: u64 = 280;
/// The texts of a change that have no bound.
const CHANGE_TEXTS: &[&str] = &["key", "fields", "reason", "native_id", "image", "kept"];

/// What rows of runs take, in bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct RowWeight {
    change: u64,
    line: u64,
}

impl RowWeight {
    /// What so many rows take.
    pub(super) fn of(self, changes: u64, lines: u64) -> u64 {
        changes.saturating_mul(self.change).saturating_add(lines.saturating_mul(self.line))
    }
}

impl History {
    /// How large the history is. Every page of a SQLite file is looked at, so this takes a moment for a large one.
    pub async fn size(&self) -> Result<HistorySize> {
        let db = self.store.db();
        let is_postgres = self.store.backend() == DbBackend::Postgres;
        let query = if is_postgres { POSTGRES_TABLES } else { SQLITE_TABLES };
        let rows = db.query_all_raw(Statement::from_string(self.store.backend(), query)).await;
        let mut tables = BTreeMap::new();
        for row in rows.map_err(|error| self.store.read_error(error))? {
            let read = || Ok((row.try_get::<String>("", "name")?, row.try_get::<i64>("", "bytes")?));
            let (name, bytes) = read().map_err(|error| self.store.read_error(error))?;
            tables.insert(name, text::count(bytes));
        }
        let total = if is_postgres { tables.values().sum() } else { self.file_bytes().await? };
        Ok(HistorySize { total, tables })
    }

    /// How many bytes the history takes: the total of [`size`](Self::size), at no cost worth mentioning.
    pub async fn bytes(&self) -> Result<u64> {
        if self.store.backend() != DbBackend::Postgres {
            return self.file_bytes().await;
        }
        let query = format!("SELECT COALESCE(SUM(t.bytes), 0)::bigint AS number FROM ({POSTGRES_TABLES}) AS t");
        self.number(&query).await
    }

    /// What a SQLite file and its write-ahead file take.
    async fn file_bytes(&self) -> Result<u64> {
        let pages =
            self.number("SELECT page_count * page_size AS number FROM pragma_page_count, pragma_page_size").await?;
        let Location::File(path) = self.store.location() else { return Ok(pages) };
        let mut ahead = path.as_os_str().to_owned();
        ahead.push("-wal");
        Ok(pages + tokio::fs::metadata(&ahead).await.map_or(0, |file| file.len()))
    }

    /// About how many bytes belong to runs: what [`Retention`](super::Retention) limits. It is reckoned from how much there is, so
    /// that every database gives the same, and what is free in a file, or belongs to nobody's run, does not count.
    pub(super) async fn content_bytes(&self) -> Result<u64> {
        let changes =
            self.number(r#"SELECT CAST(COALESCE(SUM("last_change"), 0) AS BIGINT) AS number FROM "run""#).await?;
        let lines = self.number(r#"SELECT CAST(COALESCE(SUM("last_line"), 0) AS BIGINT) AS number FROM "run""#).await?;
        let plans =
            self.number(r#"SELECT CAST(COALESCE(SUM("stored_bytes"), 0) AS BIGINT) AS number FROM "plan""#).await?;
        Ok(self.row_weight().await?.of(changes, lines) + plans)
    }

    /// What a row of a run takes: the newest stand for all.
    pub(super) async fn row_weight(&self) -> Result<RowWeight> {
        let average = async |table: &str, texts: &[&str]| {
            let lengths: Vec<_> = texts.iter().map(|text| format!(r#"COALESCE(octet_length("{text}"), 0)"#)).collect();
            let query = format!(
                r#"SELECT CAST(COALESCE(AVG({}), 0) AS BIGINT) AS number
                FROM (SELECT * FROM "{table}" ORDER BY "run_id" DESC, "seq" DESC LIMIT 1000) AS newest"#,
                lengths.join(" + ")
            );
            Ok::<_, Error>(self.number(&query).await? + ROW)
        };
        Ok(RowWeight { change: average("change", CHANGE_TEXTS).await?, line: average("run_log", &["text"]).await? })
    }

    async fn number(&self, query: &str) -> Result<u64> {
        let row = self.store.db().query_one_raw(Statement::from_string(self.store.backend(), query)).await;
        let row = row.map_err(|error| self.store.read_error(error))?;
        let row = row.ok_or_else(|| Error::new(ErrorKind::Storage, "the database does not tell its size"))?;
        let number: i64 = row.try_get("", "number").map_err(error::of_statement)?;
        Ok(text::count(number))
    }
}
