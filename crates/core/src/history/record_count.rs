//! How many records the last runs of a sync read.

use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::entity::{run, run_model};
use super::{History, Purpose, RunId, text};
use crate::Result;

/// How many records of a model a run read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordCounts {
    /// The run.
    pub run: RunId,
    /// When it was made.
    pub at: DateTime<Utc>,
    /// The model.
    pub model: String,
    /// From the source; none when that was not read to an end.
    pub source: Option<u64>,
    /// From the target; none when that was not read to an end.
    pub target: Option<u64>,
    /// One of the reads does not tell everything.
    pub is_partial: bool,
}

impl History {
    /// How many records of each model the last `n` runs of a sync read that read anything, dry ones too: by model, the oldest run first.
    /// An undo asks no source, and is left out.
    pub async fn record_counts(&self, sync: &str, n: u64) -> Result<Vec<RecordCounts>> {
        let Some(sync) = self.sync(sync).await? else { return Ok(Vec::new()) };
        let read = Condition::any().add(run::Column::SourceRecords.gt(0)).add(run::Column::TargetRecords.gt(0));
        let runs: Vec<(i64, i64)> = run::Entity::find()
            .select_only()
            .columns([run::Column::Id, run::Column::CreatedAt])
            .filter(run::Column::SyncId.eq(sync.id.0))
            .filter(run::Column::Purpose.ne(Purpose::Undo.as_str()))
            .filter(read)
            .order_by_desc(run::Column::Id)
            .limit(n)
            .into_tuple()
            .all(self.store.db())
            .await
            .map_err(|error| self.store.read_error(error))?;
        let rows = run_model::Entity::find()
            .filter(run_model::Column::RunId.is_in(runs.iter().map(|(id, _)| *id)))
            .order_by_asc(run_model::Column::Model)
            .order_by_asc(run_model::Column::RunId)
            .all(self.store.db())
            .await
            .map_err(|error| self.store.read_error(error))?;
        let counts = |row: run_model::Model| {
            let (_, at) = runs.iter().find(|(id, _)| *id == row.run_id)?;
            Some(RecordCounts {
                run: RunId(row.run_id),
                at: text::time(*at),
                source: row.source_records.map(text::count),
                target: row.target_records.map(text::count),
                is_partial: row.source_partial.is_some() || row.target_partial.is_some(),
                model: row.model,
            })
        };
        Ok(rows.into_iter().filter_map(counts).collect())
    }
}
