//! Where the schedules of syncs stand.

use chrono::{DateTime, Utc};
use futures::FutureExt;
use schemars::JsonSchema;
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{ActiveValue::Set, ColumnTrait, Condition, EntityTrait, QueryFilter};
use serde::Serialize;

use super::entity::schedule;
use super::{History, Purpose, SyncId, error, text};
use crate::Result;

/// Where a schedule stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Ticks {
    /// When the schedule was made, as it is configured now.
    pub made_at: DateTime<Utc>,
    /// The last tick that is settled: it has its run, or was left out.
    pub last: Option<DateTime<Utc>>,
    /// The next one, as far as a scheduler has seen.
    pub next: Option<DateTime<Utc>>,
}

impl History {
    /// Where a schedule of a sync stands. `made_of` is the schedule itself: one that was changed starts anew, now.
    pub async fn ticks(&self, sync: SyncId, purpose: Purpose, made_of: &str, now: DateTime<Utc>) -> Result<Ticks> {
        let row = self
            .store
            .write(move |tx, _| {
                async move {
                    let found = schedule::Entity::find_by_id((sync.0, purpose.as_str().to_owned())).one(tx).await;
                    let found = found.map_err(error::of_statement)?;
                    if let Some(row) = found.filter(|row| row.made_of == made_of) {
                        return Ok(row);
                    }
                    let row = schedule::ActiveModel {
                        sync_id: Set(sync.0),
                        purpose: Set(purpose.as_str().to_owned()),
                        made_of: Set(made_of.to_owned()),
                        made_at: Set(text::micros(now)),
                        last_tick: Set(None),
                        next_tick: Set(None),
                    };
                    let anew = [
                        schedule::Column::MadeOf,
                        schedule::Column::MadeAt,
                        schedule::Column::LastTick,
                        schedule::Column::NextTick,
                    ];
                    let again = OnConflict::columns([schedule::Column::SyncId, schedule::Column::Purpose])
                        .update_columns(anew)
                        .to_owned();
                    schedule::Entity::insert(row)
                        .on_conflict(again)
                        .exec_with_returning(tx)
                        .await
                        .map_err(error::of_statement)
                }
                .boxed()
            })
            .await?;
        Ok(Ticks::from(row))
    }

    /// Notes which tick is settled and which is next. One that another scheduler settled meanwhile stays settled.
    pub async fn settle_tick(
        &self,
        sync: SyncId,
        purpose: Purpose,
        last: Option<DateTime<Utc>>,
        next: Option<DateTime<Utc>>,
    ) -> Result<()> {
        let (last, next) = (last.map(text::micros), next.map(text::micros));
        self.store
            .write(move |tx, _| {
                async move {
                    let not_later = Condition::any()
                        .add(schedule::Column::LastTick.is_null())
                        .add(Expr::col(schedule::Column::LastTick).lte(last.unwrap_or(i64::MIN)));
                    let update = schedule::Entity::update_many()
                        .col_expr(schedule::Column::LastTick, Expr::value(last))
                        .col_expr(schedule::Column::NextTick, Expr::value(next))
                        .filter(schedule::Column::SyncId.eq(sync.0))
                        .filter(schedule::Column::Purpose.eq(purpose.as_str()))
                        .filter(not_later);
                    update.exec(tx).await.map_err(error::of_statement)?;
                    Ok(())
                }
                .boxed()
            })
            .await
    }

    /// Where the schedules of a sync stand, by what their runs are for.
    pub async fn schedules(&self, sync: SyncId) -> Result<Vec<(Purpose, Ticks)>> {
        let rows = schedule::Entity::find()
            .filter(schedule::Column::SyncId.eq(sync.0))
            .all(self.store.db())
            .await
            .map_err(|error| self.store.read_error(error))?;
        rows.into_iter().map(|row| Ok((text::parse("schedule.purpose", &row.purpose)?, Ticks::from(row)))).collect()
    }
}

impl From<schedule::Model> for Ticks {
    fn from(row: schedule::Model) -> Self {
        Self {
            made_at: text::time(row.made_at),
            last: row.last_tick.map(text::time),
            next: row.next_tick.map(text::time),
        }
    }
}
