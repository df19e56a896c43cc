//! How many records complete runs had, beyond the runs themselves.
//!
//! What is usual of a source is told by many runs, of which most need not be kept for anything else: their counts stay when they
//! go.

use sea_orm::{ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::entity::{kept_count, sync};
use super::part::NOT_A_PART;
use super::{History, RunId, error};
use crate::Result;
use crate::guard::EARLIER_RUNS;

impl History {
    /// What completed real runs of a sync had of a model that are gone, with their numbers, newest first.
    pub(super) async fn kept_counts(&self, sync: &str, model: &str, n: u64) -> Result<Vec<(i64, i64)>> {
        let failed = |error| self.store.read_error(error);
        let known = sync::Entity::find().filter(sync::Column::Name.eq(sync)).one(self.store.db()).await;
        let Some(known) = known.map_err(failed)? else { return Ok(Vec::new()) };
        kept_count::Entity::find()
            .select_only()
            .columns([kept_count::Column::RunId, kept_count::Column::Records])
            .filter(kept_count::Column::SyncId.eq(known.id))
            .filter(kept_count::Column::Model.eq(model))
            .order_by_desc(kept_count::Column::RunId)
            .limit(n)
            .into_tuple()
            .all(self.store.db())
            .await
            .map_err(failed)
    }
}

/// Keeps the counts of a run that is about to go, if others are compared with them; those that too many newer ones follow go.
pub(super) async fn keep(tx: &DatabaseTransaction, run: RunId) -> Result<()> {
    let kept = format!(
        r#"INSERT INTO "kept_count" ("sync_id", "model", "run_id", "records")
        SELECT r."sync_id", m."model", r."id", COALESCE(m."desired_records", m."source_records")
        FROM "run_model" AS m JOIN "run" AS r ON r."id" = m."run_id"
        WHERE r."id" = {run} AND r."status" = 'completed' AND NOT r."dry" AND r."purpose" <> 'undo' AND {NOT_A_PART}
        AND m."source_records" IS NOT NULL AND m."source_partial" IS NULL ON CONFLICT DO NOTHING"#
    );
    let surplus = format!(
        r#"DELETE FROM "kept_count" WHERE "sync_id" = (SELECT "sync_id" FROM "run" WHERE "id" = {run}) AND (
        SELECT COUNT(*) FROM "kept_count" AS k WHERE k."sync_id" = "kept_count"."sync_id"
        AND k."model" = "kept_count"."model" AND k."run_id" > "kept_count"."run_id") >= {EARLIER_RUNS}"#
    );
    for statement in [kept, surplus] {
        tx.execute_unprepared(&statement).await.map_err(error::of_statement)?;
    }
    Ok(())
}
