//! Who was told of runs, and how far: one process at a time tells a channel, and goes on where the one before it stopped.
//!
//! What was told is noted after it was: whoever is told hears of everything, and after a crash of something twice.

use chrono::TimeDelta;
use futures::FutureExt;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ActiveValue::Set, ColumnTrait, Condition, EntityTrait, QueryFilter};

use super::entity::notification;
use super::{History, error, text};
use crate::Result;

impl History {
    /// Takes a channel for so long, or for longer than before, in the name of a process. Gives the number of the last
    /// [status change](Self::status_changes) that it was told of; none while another process has it. A channel that nobody knew before is
    /// told of what happens from now on.
    pub async fn take_channel(&self, channel: &str, holder: &str, lease: TimeDelta) -> Result<Option<u64>> {
        let last = text::stored(self.last_status_change().await?);
        self.store
            .write(move |tx, _| {
                async move {
                    let now = text::now();
                    let until = now.saturating_add(lease.num_microseconds().unwrap_or(i64::MAX));
                    let new = notification::ActiveModel {
                        channel: Set(channel.to_owned()),
                        told: Set(last),
                        holder: Set(holder.to_owned()),
                        lease_until: Set(until),
                    };
                    let known = OnConflict::column(notification::Column::Channel).do_nothing().to_owned();
                    notification::Entity::insert(new)
                        .on_conflict(known)
                        .exec_without_returning(tx)
                        .await
                        .map_err(error::of_statement)?;
                    let free = Condition::any()
                        .add(notification::Column::Holder.eq(holder))
                        .add(notification::Column::LeaseUntil.lt(now));
                    let taken = notification::Entity::update_many()
                        .col_expr(notification::Column::Holder, Expr::value(holder))
                        .col_expr(notification::Column::LeaseUntil, Expr::value(until))
                        .filter(notification::Column::Channel.eq(channel))
                        .filter(free)
                        .exec_with_returning(tx)
                        .await
                        .map_err(error::of_statement)?;
                    Ok(taken.into_iter().next().map(|row| text::count(row.told)))
                }
                .boxed()
            })
            .await
    }

    /// Notes that a channel was told of all status changes up to a number. False when another process has it meanwhile.
    pub async fn note_told(&self, channel: &str, holder: &str, told: u64) -> Result<bool> {
        self.store
            .write(move |tx, _| {
                async move {
                    let noted = notification::Entity::update_many()
                        .col_expr(notification::Column::Told, Expr::value(text::stored(told)))
                        .filter(notification::Column::Channel.eq(channel))
                        .filter(notification::Column::Holder.eq(holder))
                        .exec(tx)
                        .await
                        .map_err(error::of_statement)?;
                    Ok(noted.rows_affected > 0)
                }
                .boxed()
            })
            .await
    }

    /// Lets another process have a channel at once.
    pub async fn leave_channel(&self, channel: &str, holder: &str) -> Result<()> {
        self.store
            .write(move |tx, _| {
                async move {
                    notification::Entity::update_many()
                        .col_expr(notification::Column::LeaseUntil, Expr::value(0))
                        .filter(notification::Column::Channel.eq(channel))
                        .filter(notification::Column::Holder.eq(holder))
                        .exec(tx)
                        .await
                        .map_err(error::of_statement)?;
                    Ok(())
                }
                .boxed()
            })
            .await
    }
}
