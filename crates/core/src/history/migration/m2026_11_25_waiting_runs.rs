//! Runs that were put back because their target could not be asked what became of their last batches.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, text_null};

/// Adds why they wait, and how often they did.
#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    #[expect(elided_lifetimes_in_paths, reason = "the trait is declared so, and must be answered so")]
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // SQLite adds one column at a time.
        manager.alter_table(Table::alter().table("run").add_column(text_null("waiting")).take()).await?;
        let waits = big_integer("waits").default(0).take();
        manager.alter_table(Table::alter().table("run").add_column(waits).take()).await
    }
}
