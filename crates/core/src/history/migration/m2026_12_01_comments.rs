//! What people say about plans.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, pk_auto, text};

/// Makes the table of comments.
#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    #[expect(elided_lifetimes_in_paths, reason = "the trait is declared so, and must be answered so")]
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = Table::create()
            .table("comment")
            .col(pk_auto("id").big_integer().take())
            .col(big_integer("run_id"))
            .col(text("written_by"))
            .col(big_integer("at"))
            .col(text("text"))
            .foreign_key(ForeignKey::create().from_col("run_id").to("run", "id").on_delete(ForeignKeyAction::Cascade))
            .take();
        manager.create_table(table).await?;
        let index = Index::create().name("comment_of_run").table("comment").col("run_id").col("id").take();
        manager.create_index(index).await
    }
}
