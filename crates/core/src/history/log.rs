//! The job log: what a run had to say, line by line.

use chrono::{DateTime, Utc};
use futures::FutureExt;
use schemars::JsonSchema;
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use serde::Serialize;

use super::entity::run_log;
use super::insert::Insert;
use super::{History, Page, RunId, error, text};
use crate::error::Exchange;
use crate::event::Level;
use crate::{Error, ErrorKind, Result};

/// A line for the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// When it was said.
    pub at: DateTime<Utc>,
    /// How loud.
    pub level: Level,
    /// The line.
    pub text: String,
    /// The request that failed for good, where that is what the line tells of.
    pub exchange: Option<Exchange>,
}

/// A line of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct StoredLogLine {
    /// Its number within the run.
    pub seq: u64,
    /// When it was said.
    pub at: DateTime<Utc>,
    /// How loud.
    pub level: Level,
    /// The line.
    pub text: String,
    /// The request that failed for good, where that is what the line tells of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exchange: Option<Exchange>,
}

const LINES: Insert<6> =
    Insert { table: "run_log", columns: ["run_id", "seq", "at", "level", "text", "exchange"], tail: "" };

impl History {
    /// Adds lines to the log of a run. A run that is over takes them too: its end is worth a line.
    pub async fn append_log(&self, run: RunId, lines: &[LogLine]) -> Result<()> {
        self.store.write(move |tx, _| async move { append(tx, run, lines).await }.boxed()).await
    }

    /// Lines of the log of a run, in order, after the line with the number `after`.
    pub async fn log(&self, run: RunId, after: Option<u64>, limit: u64) -> Result<Page<StoredLogLine, u64>> {
        let rows = run_log::Entity::find()
            .filter(run_log::Column::RunId.eq(run.0))
            .filter(run_log::Column::Seq.gt(after.map_or(0, text::stored)))
            .order_by_asc(run_log::Column::Seq)
            .limit(limit.saturating_add(1))
            .all(self.store.db())
            .await
            .map_err(|error| self.store.read_error(error))?;
        let lines: Result<Vec<_>> = rows.into_iter().map(StoredLogLine::try_from).collect();
        Ok(Page::cut(lines?, limit, |line| line.seq))
    }
}

/// Adds lines to the log of a run, whoever has it.
pub(super) async fn append(tx: &DatabaseTransaction, run: RunId, lines: &[LogLine]) -> Result<()> {
    if lines.is_empty() {
        return Ok(());
    }
    let reserve = Query::update()
        .table("run")
        .value("last_line", Expr::col("last_line").add(text::stored(lines.len() as u64)))
        .and_where(Expr::col("id").eq(run.0))
        .returning(Query::returning().column("last_line"))
        .to_owned();
    let row = tx.query_one(&reserve).await.map_err(error::of_statement)?;
    let row = row.ok_or_else(|| Error::new(ErrorKind::NotFound, format!("there is no run {run}")))?;
    insert(tx, run, row.try_get("", "last_line").map_err(error::of_statement)?, lines).await
}

/// Inserts lines whose numbers are taken, up to `last`.
pub(super) async fn insert(tx: &DatabaseTransaction, run: RunId, last: i64, lines: &[LogLine]) -> Result<()> {
    let first = last - text::stored(lines.len() as u64) + 1;
    let exchanges: Result<Vec<_>> =
        lines.iter().map(|line| line.exchange.as_ref().map(text::to_json).transpose()).collect();
    let exchanges = exchanges?;
    LINES
        .run(tx, lines, |place, line| {
            [
                run.0.into(),
                (first + text::stored(place as u64)).into(),
                text::micros(line.at).into(),
                text::level_name(line.level).into(),
                line.text.clone().into(),
                exchanges[place].clone().into(),
            ]
        })
        .await
}

impl TryFrom<run_log::Model> for StoredLogLine {
    type Error = Error;

    fn try_from(row: run_log::Model) -> Result<Self> {
        Ok(Self {
            seq: text::count(row.seq),
            at: text::time(row.at),
            level: text::level(&row.level)?,
            text: row.text,
            exchange: row.exchange.map(|json| text::parse_json("run_log.exchange", &json)).transpose()?,
        })
    }
}
