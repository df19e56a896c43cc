//! How many records the last runs of a sync read, and in how many of them which field has a value.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::entity::{run, run_model};
use super::{History, Purpose, RunId, text};
use crate::Result;
use crate::event::Side;
use crate::snapshot::Filled;

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

/// In how many records of a model a run found a value, field by field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilledFields {
    /// The run.
    pub run: RunId,
    /// When it was made.
    pub at: DateTime<Utc>,
    /// What it counted.
    pub filled: Filled,
}

impl History {
    /// In how many records of one side of a sync which field has a value, by model: as the newest of its last `n` runs counted it that
    /// read the model to its end.
    pub async fn filled_fields(&self, sync: &str, side: Side, n: u64) -> Result<BTreeMap<String, FilledFields>> {
        let Some(sync) = self.sync(sync).await? else { return Ok(BTreeMap::new()) };
        let (filled, partial) = match side {
            Side::Source => (run_model::Column::SourceFilled, run_model::Column::SourcePartial),
            Side::Target => (run_model::Column::TargetFilled, run_model::Column::TargetPartial),
        };
        let runs = self.reading_runs(sync.id.0, n).await?;
        let rows: Vec<(i64, String, String)> = run_model::Entity::find()
            .select_only()
            .columns([run_model::Column::RunId, run_model::Column::Model, filled])
            .filter(run_model::Column::RunId.is_in(runs.iter().map(|(id, _)| *id)))
            .filter(filled.is_not_null())
            .filter(partial.is_null())
            .order_by_asc(run_model::Column::RunId)
            .into_tuple()
            .all(self.store.db())
            .await
            .map_err(|error| self.store.read_error(error))?;
        // Of each model, the newest comes last and stays.
        let newest: BTreeMap<String, (i64, String)> =
            rows.into_iter().map(|(run, model, filled)| (model, (run, filled))).collect();
        let told = newest.into_iter().filter_map(|(model, (run, json))| {
            let (_, at) = runs.iter().find(|(id, _)| *id == run)?;
            let filled = text::parse_json("run_model.filled", &json);
            Some(filled.map(|filled| (model, FilledFields { run: RunId(run), at: text::time(*at), filled })))
        });
        told.collect()
    }

    /// How many records of each model the last `n` runs of a sync read that read anything, dry ones too: by model, the oldest run first.
    /// An undo asks no source, and is left out.
    pub async fn record_counts(&self, sync: &str, n: u64) -> Result<Vec<RecordCounts>> {
        let Some(sync) = self.sync(sync).await? else { return Ok(Vec::new()) };
        let runs = self.reading_runs(sync.id.0, n).await?;
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

    /// The last `n` runs of a sync that read anything, with the times at which they were made, newest first. An undo asks no source.
    async fn reading_runs(&self, sync: i64, n: u64) -> Result<Vec<(i64, i64)>> {
        let read = Condition::any().add(run::Column::SourceRecords.gt(0)).add(run::Column::TargetRecords.gt(0));
        run::Entity::find()
            .select_only()
            .columns([run::Column::Id, run::Column::CreatedAt])
            .filter(run::Column::SyncId.eq(sync))
            .filter(run::Column::Purpose.ne(Purpose::Undo.as_str()))
            .filter(read)
            .order_by_desc(run::Column::Id)
            .limit(n)
            .into_tuple()
            .all(self.store.db())
            .await
            .map_err(|error| self.store.read_error(error))
    }
}
