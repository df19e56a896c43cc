//! What is still known of the reads of runs that are gone.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, text};

/// Makes the table of counts.
#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    #[expect(elided_lifetimes_in_paths, reason = "the trait is declared so, and must be answered so")]
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut key = Index::create();
        let counts = Table::create()
            .table("kept_count")
            .col(big_integer("sync_id"))
            .col(text("model"))
            .col(big_integer("run_id"))
            .col(big_integer("records"))
            .primary_key(key.col("sync_id").col("model").col("run_id").primary())
            .foreign_key(ForeignKey::create().from_col("sync_id").to("sync", "id").on_delete(ForeignKeyAction::Cascade))
            .take();
        manager.create_table(counts).await
    }
}
