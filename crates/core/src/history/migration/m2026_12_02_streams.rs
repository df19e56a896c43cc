//! When each model was read or written within a phase.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::text_null;

/// Adds the streams to the phases of runs.
#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    #[expect(elided_lifetimes_in_paths, reason = "the trait is declared so, and must be answered so")]
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.alter_table(Table::alter().table("run_phase").add_column(text_null("streams")).take()).await
    }
}
