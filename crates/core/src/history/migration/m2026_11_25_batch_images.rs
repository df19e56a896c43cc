//! What records were before a batch that deletes them was sent.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::text_null;

/// Adds the images to the batch.
#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    #[expect(elided_lifetimes_in_paths, reason = "the trait is declared so, and must be answered so")]
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.alter_table(Table::alter().table("batch").add_column(text_null("images")).take()).await
    }
}
