//! What is left of the events of runs that are over.

use std::collections::HashSet;

use chrono::{TimeDelta, Utc};
use futures::FutureExt;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::entity::{run, run_event};
use super::event::RunEvent;
use super::{History, RunId, error, text};
use crate::Result;

/// For how long after its end a run has all its events, in minutes: whoever follows it has read them by then.
const WHOLE: i64 = 60;
/// How many runs are looked at in one round, and how many events are read and removed at once.
const SOME: u64 = 500;

impl History {
    /// Removes what nobody needs any more of the events of runs that have been over for an hour: progress that later progress
    /// tells better, and messages, which the log has. How the run stood, its phases, and what each model came to stay. Gives how
    /// many events were removed.
    pub async fn thin_events(&self) -> Result<u64> {
        let over = Utc::now() - TimeDelta::minutes(WHOLE);
        self.thin_events_of_runs_over_since(text::micros(over)).await
    }

    pub(super) async fn thin_events_of_runs_over_since(&self, over: i64) -> Result<u64> {
        let mut removed = 0;
        loop {
            let runs: Vec<i64> = run::Entity::find()
                .select_only()
                .column(run::Column::Id)
                .filter(run::Column::Thinned.eq(false))
                .filter(run::Column::FinishedAt.lt(over))
                .order_by_asc(run::Column::FinishedAt)
                .limit(SOME)
                .into_tuple()
                .all(self.store.db())
                .await
                .map_err(|error| self.store.read_error(error))?;
            if runs.is_empty() {
                return Ok(removed);
            }
            for run in runs {
                removed += self.thin_run(RunId(run)).await?;
            }
        }
    }

    async fn thin_run(&self, run: RunId) -> Result<u64> {
        // From the end to the beginning, so that the first of a topic that is seen is its newest.
        let (mut before, mut told, mut removed) = (i64::MAX, HashSet::new(), 0);
        loop {
            let rows = run_event::Entity::find()
                .filter(run_event::Column::RunId.eq(run.0))
                .filter(run_event::Column::Seq.lt(before))
                .order_by_desc(run_event::Column::Seq)
                .limit(SOME)
                .all(self.store.db())
                .await
                .map_err(|error| self.store.read_error(error))?;
            let Some(last) = rows.last() else { break };
            before = last.seq;
            let mut surplus = Vec::new();
            for row in &rows {
                let event: RunEvent = text::parse_json("run_event.event", &row.event)?;
                let is_told = match (&event, event.topic()) {
                    (RunEvent::Message { .. }, _) => true,
                    (_, Some(topic)) => !told.insert(format!("{topic:?}")),
                    _ => false,
                };
                if is_told {
                    surplus.push(row.seq);
                }
            }
            removed += surplus.len() as u64;
            if !surplus.is_empty() {
                let removal = &run_event::Entity::delete_many()
                    .filter(run_event::Column::RunId.eq(run.0))
                    .filter(run_event::Column::Seq.is_in(surplus));
                self.store
                    .write(move |tx, _| {
                        async move { removal.clone().exec(tx).await.map_err(error::of_statement) }.boxed()
                    })
                    .await?;
            }
        }
        let done =
            &run::Entity::update_many().filter(run::Column::Id.eq(run.0)).col_expr(run::Column::Thinned, true.into());
        self.store
            .write(move |tx, _| async move { done.clone().exec(tx).await.map_err(error::of_statement) }.boxed())
            .await?;
        Ok(removed)
    }
}
