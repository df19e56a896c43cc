//! A history of its own for what must leave no trace in the real one, and yet goes by what that knows.

use futures::{FutureExt as _, TryStreamExt as _};
use sea_orm::sea_query::ExprTrait as _;
use sea_orm::{
    ActiveModelTrait, ColumnTrait as _, EntityTrait, IntoActiveModel, QueryFilter as _, QuerySelect as _,
    QueryTrait as _, Select,
};

use super::entity::{change, ignore, kept_count, ledger, link, quarantine, run, run_model, sync};
use super::{History, RunStatus, error};
use crate::Result;

/// How many rows are copied at once. SQLite takes 32,766 values in a statement, and a run has 65.
const ROWS: usize = 400;

/// How runs stand that are over.
const OVER: [RunStatus; 3] = [RunStatus::Completed, RunStatus::Failed, RunStatus::Cancelled];

impl History {
    /// Makes a history in a new file, with what this one knows of a sync as far as a plan goes by it: the runs that are over and how much
    /// they read, the ledger and the links of its two systems, who waits in quarantine, and what is left alone. This one is only read.
    ///
    /// Logs, plans and what runs changed are not copied: a plan asks for none of it, but for the marks of what waits in quarantine.
    pub async fn scratch(&self, file: &std::path::Path, name: &str, source: &str, target: &str) -> Result<Self> {
        let scratch = Self::open(&file.to_string_lossy()).await?;
        let Some(known) = self.sync(name).await? else { return Ok(scratch) };
        let id = known.id.0;
        let over = run::Column::SyncId.eq(id).and(run::Column::Status.is_in(OVER.map(RunStatus::as_str)));
        let runs = run::Entity::find().filter(over.clone()).select_only().column(run::Column::Id).into_query();
        let marked = quarantine::Entity::find()
            .filter(quarantine::Column::SyncId.eq(id))
            .filter(quarantine::Column::Mark.is_not_null());
        let keys = marked.clone().select_only().column(quarantine::Column::Key).into_query();
        let marking = marked.select_only().column(quarantine::Column::MarkRun).into_query();
        let changes = change::Entity::find()
            .filter(change::Column::RunId.in_subquery(marking))
            .filter(change::Column::RunId.in_subquery(runs.clone()))
            .filter(change::Column::Key.in_subquery(keys));

        self.copy(&scratch, sync::Entity::find().filter(sync::Column::Id.eq(id))).await?;
        self.copy(&scratch, run::Entity::find().filter(over)).await?;
        self.copy(&scratch, run_model::Entity::find().filter(run_model::Column::RunId.in_subquery(runs))).await?;
        self.copy(&scratch, kept_count::Entity::find().filter(kept_count::Column::SyncId.eq(id))).await?;
        self.copy(&scratch, quarantine::Entity::find().filter(quarantine::Column::SyncId.eq(id))).await?;
        self.copy(&scratch, changes).await?;
        self.copy(&scratch, ignore::Entity::find().filter(ignore::Column::SyncId.eq(id))).await?;
        self.copy(&scratch, ledger::Entity::find().filter(ledger::Column::Instance.eq(target))).await?;
        let linked =
            link::Entity::find().filter(link::Column::Source.eq(source)).filter(link::Column::Target.eq(target));
        self.copy(&scratch, linked).await?;
        Ok(scratch)
    }

    async fn copy<E>(&self, scratch: &Self, rows: Select<E>) -> Result<()>
    where
        E: EntityTrait,
        E::Model: IntoActiveModel<E::ActiveModel> + Clone + Send + Sync,
        E::ActiveModel: ActiveModelTrait<Entity = E> + Send,
    {
        let rows = rows.stream(self.store.db()).await.map_err(|error| self.store.read_error(error))?;
        let mut chunks = rows.try_chunks(ROWS);
        while let Some(chunk) = chunks.try_next().await.map_err(|error| self.store.read_error(error.1))? {
            let chunk = &chunk;
            scratch
                .store
                .write(move |tx, _| {
                    async move {
                        let rows = chunk.iter().cloned().map(IntoActiveModel::into_active_model);
                        E::insert_many(rows).exec_without_returning(tx).await.map_err(error::of_statement)?;
                        Ok(())
                    }
                    .boxed()
                })
                .await?;
        }
        Ok(())
    }
}
