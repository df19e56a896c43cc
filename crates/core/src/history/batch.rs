//! Batches on their way: noted before they are sent, settled with their outcomes. What a killed runner leaves unsettled may
//! or may not have reached the target, and is read again before anything else is written.

use std::collections::BTreeMap;

use futures::FutureExt;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use serde_json::Value;
use syncline_model::AnyKey;

use super::entity::{batch, change, run, run_outcome};
use super::lease::Claim;
use super::record::Row;
use super::run_write::claimed;
use super::{History, OutcomeKind, RunId, RunStage, error, status, text};
use crate::Result;
use crate::apply::{EarlierBatch, EarlierChange};
use crate::places::Places;
use crate::target::Pass;

impl History {
    /// Notes a batch that is about to be sent, with what the records that it deletes are now, by place. From here on the run has
    /// begun to apply its plan. A runner that lost its lease is told so here, before it sends anything.
    pub async fn intend(
        &self,
        claim: Claim,
        number: u64,
        pass: Pass,
        places: &Places,
        images: &BTreeMap<u64, Value>,
    ) -> Result<()> {
        let images = &(!images.is_empty()).then(|| text::to_json(images)).transpose()?;
        let places = &text::to_json(places)?;
        self.tell(move |tx, _| {
            async move {
                let applying = RunStage::Applying.as_str();
                // What every batch but the first finds, which is then all that there is to ask.
                let goes_on = claimed(claim)
                    .filter(run::Column::Stage.eq(applying))
                    .col_expr(run::Column::Fence, claim.fence.into())
                    .exec(tx)
                    .await
                    .map_err(error::of_statement)?;
                let begins = goes_on.rows_affected == 0;
                if begins {
                    let update = claimed(claim).col_expr(run::Column::Stage, applying.into());
                    super::run_write::one_row(tx, claim, update).await?;
                }
                let row = batch::ActiveModel {
                    run_id: Set(claim.run.0),
                    number: Set(text::stored(number)),
                    pass: Set(pass_name(pass).to_owned()),
                    settled: Set(false),
                    places: Set(places.clone()),
                    at: Set(text::now()),
                    images: Set(images.clone()),
                };
                let again = OnConflict::columns([batch::Column::RunId, batch::Column::Number])
                    .update_columns([
                        batch::Column::Pass,
                        batch::Column::Settled,
                        batch::Column::Places,
                        batch::Column::Images,
                    ])
                    .to_owned();
                batch::Entity::insert(row)
                    .on_conflict(again)
                    .exec_without_returning(tx)
                    .await
                    .map_err(error::of_statement)?;
                if begins { status::note(tx, claim.run).await } else { Ok(()) }
            }
            .boxed()
        })
        .await
    }

    /// Records the outcomes of a batch, and that it is settled, in one transaction.
    pub(super) async fn settle_rows(&self, claim: Claim, number: Option<u64>, rows: &[Row]) -> Result<()> {
        if rows.is_empty() && number.is_none() {
            return Ok(());
        }
        self.store
            .write(move |tx, _| {
                async move {
                    super::record::record(tx, claim, rows).await?;
                    let Some(number) = number else { return Ok(()) };
                    of_number(claim, number).exec(tx).await.map_err(error::of_statement)?;
                    Ok(())
                }
                .boxed()
            })
            .await
    }

    /// Notes that a batch is settled whose changes have their outcomes already.
    pub async fn settle_batch(&self, claim: Claim, number: u64) -> Result<()> {
        self.store
            .write(move |tx, _| {
                async move {
                    super::run_write::one_row(tx, claim, touched(claim)).await?;
                    of_number(claim, number).exec(tx).await.map_err(error::of_statement)?;
                    Ok(())
                }
                .boxed()
            })
            .await
    }

    /// Forgets what was recorded of the changes of a run, which begins again: nothing of it reached the target.
    pub async fn begin_again(&self, claim: Claim) -> Result<()> {
        self.store
            .write(move |tx, _| {
                async move {
                    let mut update = claimed(claim).col_expr(run::Column::LastChange, Expr::value(0_i64));
                    for column in [
                        run::Column::OutcomePlanned,
                        run::Column::OutcomeApplied,
                        run::Column::OutcomeUnchanged,
                        run::Column::OutcomeSkipped,
                        run::Column::OutcomeHeld,
                        run::Column::OutcomeFailed,
                        run::Column::OutcomeStale,
                    ] {
                        update = update.col_expr(column, Expr::value(0_i64));
                    }
                    super::run_write::one_row(tx, claim, update).await?;
                    let changes = change::Entity::delete_many().filter(change::Column::RunId.eq(claim.run.0));
                    changes.exec(tx).await.map_err(error::of_statement)?;
                    let counts = run_outcome::Entity::delete_many().filter(run_outcome::Column::RunId.eq(claim.run.0));
                    counts.exec(tx).await.map_err(error::of_statement)?;
                    Ok(())
                }
                .boxed()
            })
            .await
    }

    /// The batches of a run, in the order in which they were sent.
    pub async fn batches(&self, run: RunId) -> Result<Vec<EarlierBatch>> {
        let rows = batch::Entity::find()
            .filter(batch::Column::RunId.eq(run.0))
            .order_by_asc(batch::Column::Number)
            .all(self.store.db())
            .await
            .map_err(|error| self.store.read_error(error))?;
        let stored = rows.into_iter().map(|row| {
            Ok(EarlierBatch {
                number: text::count(row.number),
                pass: if row.pass == pass_name(Pass::Second) { Pass::Second } else { Pass::First },
                places: text::parse_json("batch.places", &row.places)?,
                settled: row.settled,
                images: row
                    .images
                    .map(|images| text::parse_json("batch.images", &images))
                    .transpose()?
                    .unwrap_or_default(),
            })
        });
        stored.collect()
    }

    /// The batches of a run of which nobody knows whether they were written.
    pub async fn in_doubt(&self, run: RunId) -> Result<Vec<EarlierBatch>> {
        Ok(self.batches(run).await?.into_iter().filter(|batch| !batch.settled).collect())
    }

    /// The changes of a run that have an outcome, in the order in which they got it: those after the number `after`, `limit` at
    /// most.
    pub async fn earlier_changes(&self, run: RunId, after: u64, limit: u64) -> Result<Vec<EarlierChange>> {
        type Columns = (i64, Option<i64>, String, String, String, String, Option<String>, Option<String>);
        let rows = change::Entity::find()
            .select_only()
            .columns([
                change::Column::Seq,
                change::Column::Place,
                change::Column::Model,
                change::Column::Key,
                change::Column::Action,
                change::Column::Outcome,
                change::Column::Reason,
                change::Column::NativeId,
            ])
            .filter(change::Column::RunId.eq(run.0))
            .filter(change::Column::Seq.gt(text::stored(after)))
            .order_by_asc(change::Column::Seq)
            .limit(limit)
            .into_tuple::<Columns>()
            .all(self.store.db())
            .await
            .map_err(|error| self.store.read_error(error))?;
        let done = rows.into_iter().map(|(seq, place, model, key, action, outcome, reason, native_id)| {
            let kind: OutcomeKind = text::parse("change.outcome", &outcome)?;
            Ok(EarlierChange {
                number: text::count(seq),
                sequence: text::count(place.unwrap_or_default()),
                model,
                key: AnyKey::from_canonical(&key),
                action: text::parse("change.action", &action)?,
                outcome: kind.with(reason.unwrap_or_default()),
                native_id,
            })
        });
        done.collect()
    }
}

/// Forgets the batches of a run that is over, but for those of which nobody knows what became of them.
pub(super) async fn forget(tx: &DatabaseTransaction, run: RunId) -> Result<()> {
    let gone = batch::Entity::delete_many()
        .filter(batch::Column::RunId.eq(run.0))
        .filter(batch::Column::Settled.eq(true))
        .exec(tx)
        .await;
    gone.map_err(error::of_statement)?;
    Ok(())
}

/// Whether nobody knows what became of a batch of a run.
pub(super) async fn is_in_doubt(tx: &DatabaseTransaction, run: i64) -> Result<bool> {
    let unsettled = batch::Entity::find()
        .filter(batch::Column::RunId.eq(run))
        .filter(batch::Column::Settled.eq(false))
        .one(tx)
        .await
        .map_err(error::of_statement)?;
    Ok(unsettled.is_some())
}

fn of_number(claim: Claim, number: u64) -> sea_orm::UpdateMany<batch::Entity> {
    batch::Entity::update_many()
        .col_expr(batch::Column::Settled, true.into())
        .filter(batch::Column::RunId.eq(claim.run.0))
        .filter(batch::Column::Number.eq(text::stored(number)))
}

/// An update that only asks whether the run is still the runner's, and notes that it got on.
pub(super) fn touched(claim: Claim) -> super::run_write::Update {
    claimed(claim).col_expr(run::Column::Fruitless, Expr::value(0_i64)).col_expr(run::Column::Waits, Expr::value(0_i64))
}

fn pass_name(pass: Pass) -> &'static str {
    match pass {
        Pass::First => "first",
        Pass::Second => "second",
    }
}
