//! Phases of a run: how long each took and how much memory.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use futures::FutureExt;
use schemars::JsonSchema;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter};
use serde::Serialize;

use super::entity::run_phase;
use super::lease::Claim;
use super::run_write::hold;
use super::{History, RunId, error, text};
use crate::Result;
use crate::event::{Phase, Stream};

/// A phase that ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PhaseRecord {
    /// Which.
    pub phase: Phase,
    /// When it began.
    pub started: DateTime<Utc>,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// Bytes in use at its end; none when nobody measured.
    pub memory_final: Option<u64>,
    /// The most bytes in use during it; none when nobody measured.
    pub memory_peak: Option<u64>,
    /// When each model was read or written in it, in the order in which they began. Empty also in runs from before this was kept.
    pub streams: Vec<Stream>,
}

impl History {
    /// Records a phase of a run that the caller has. A phase that a resumed run goes through once more replaces the earlier record.
    pub async fn record_phase(&self, claim: Claim, phase: &PhaseRecord) -> Result<()> {
        self.store
            .write(move |tx, _| {
                async move {
                    hold(tx, claim).await?;
                    keep(tx, claim.run, phase).await
                }
                .boxed()
            })
            .await
    }

    /// The phases of a run, in the order they began.
    pub async fn phases(&self, run: RunId) -> Result<Vec<PhaseRecord>> {
        Ok(self.phases_of([run]).await?.remove(&run).unwrap_or_default())
    }

    /// The phases of some runs, each in the order they began. A run without phases is not among them.
    pub async fn phases_of(&self, runs: impl IntoIterator<Item = RunId>) -> Result<BTreeMap<RunId, Vec<PhaseRecord>>> {
        let rows = run_phase::Entity::find()
            .filter(run_phase::Column::RunId.is_in(runs.into_iter().map(RunId::number)))
            .all(self.store.db())
            .await
            .map_err(|error| self.store.read_error(error))?;
        let mut phases: BTreeMap<RunId, Vec<PhaseRecord>> = BTreeMap::new();
        for row in rows {
            phases.entry(RunId(row.run_id)).or_default().push(row.try_into()?);
        }
        for phases in phases.values_mut() {
            phases.sort_by_key(|record| (record.started, record.phase));
        }
        Ok(phases)
    }
}

/// Records a phase of a run, in the place of the one that there was.
pub(super) async fn keep(tx: &DatabaseTransaction, run: RunId, phase: &PhaseRecord) -> Result<()> {
    let row = run_phase::ActiveModel {
        run_id: Set(run.0),
        phase: Set(phase.phase.as_str().to_owned()),
        started_at: Set(text::micros(phase.started)),
        duration_ms: Set(text::stored(phase.duration_ms)),
        memory_final: Set(phase.memory_final.map(text::stored)),
        memory_peak: Set(phase.memory_peak.map(text::stored)),
        streams: Set(if phase.streams.is_empty() { None } else { Some(text::to_json(&phase.streams)?) }),
    };
    let replaced = [
        run_phase::Column::StartedAt,
        run_phase::Column::DurationMs,
        run_phase::Column::MemoryFinal,
        run_phase::Column::MemoryPeak,
        run_phase::Column::Streams,
    ];
    let key =
        OnConflict::columns([run_phase::Column::RunId, run_phase::Column::Phase]).update_columns(replaced).to_owned();
    let kept = run_phase::Entity::insert(row).on_conflict(key).exec_without_returning(tx).await;
    kept.map_err(error::of_statement)?;
    Ok(())
}

impl TryFrom<run_phase::Model> for PhaseRecord {
    type Error = crate::Error;

    fn try_from(row: run_phase::Model) -> Result<Self> {
        Ok(Self {
            phase: text::phase(&row.phase)?,
            started: text::time(row.started_at),
            duration_ms: text::count(row.duration_ms),
            memory_final: row.memory_final.map(text::count),
            memory_peak: row.memory_peak.map(text::count),
            streams: row
                .streams
                .map(|json| text::parse_json("run_phase.streams", &json))
                .transpose()?
                .unwrap_or_default(),
        })
    }
}
