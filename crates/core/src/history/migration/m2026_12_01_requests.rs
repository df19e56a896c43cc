//! What runs asked of their systems, under which id they are traced, and the requests that failed for good.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::text_null;

/// Adds these to runs and to lines of their logs.
#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    #[expect(elided_lifetimes_in_paths, reason = "the trait is declared so, and must be answered so")]
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, column) in [("run", "requests"), ("run", "trace_id"), ("run_log", "exchange")] {
            manager.alter_table(Table::alter().table(table).add_column(text_null(column)).take()).await?;
        }
        Ok(())
    }
}
