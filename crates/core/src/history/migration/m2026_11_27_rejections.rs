//! Which records could not be taken over.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, text_null};

/// Adds them to what a run read of a model, and their count to the run.
#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    #[expect(elided_lifetimes_in_paths, reason = "the trait is declared so, and must be answered so")]
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // SQLite adds one column at a time.
        for side in ["source", "target"] {
            let count = big_integer(format!("{side}_rejected")).default(0).take();
            manager.alter_table(Table::alter().table("run_model").add_column(count).take()).await?;
            let named = text_null(format!("{side}_rejections"));
            manager.alter_table(Table::alter().table("run_model").add_column(named).take()).await?;
        }
        let sum = big_integer("source_rejected").default(0).take();
        manager.alter_table(Table::alter().table("run").add_column(sum).take()).await
    }
}
