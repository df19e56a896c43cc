//! In how many records of a read which field has a value.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::text_null;

/// Adds the counts to what a run read of a model.
#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    #[expect(elided_lifetimes_in_paths, reason = "the trait is declared so, and must be answered so")]
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // SQLite adds one column at a time.
        for side in ["source", "target"] {
            let filled = text_null(format!("{side}_filled"));
            manager.alter_table(Table::alter().table("run_model").add_column(filled).take()).await?;
        }
        Ok(())
    }
}
