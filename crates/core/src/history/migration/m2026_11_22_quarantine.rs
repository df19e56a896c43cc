//! Where absent objects wait before they are deleted.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, big_integer_null, binary, boolean, text, text_null};

/// Makes the table of absent objects.
#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    #[expect(elided_lifetimes_in_paths, reason = "the trait is declared so, and must be answered so")]
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(quarantine()).await?;
        // In the order in which people see them, page by page.
        let index = r#"CREATE UNIQUE INDEX "quarantine_by_key" ON "quarantine" ("sync_id", "model", "key")"#;
        manager.get_connection().execute_unprepared(index).await?;
        Ok(())
    }
}

fn quarantine() -> TableCreateStatement {
    let mut key = Index::create();
    let key = key.col("sync_id").col("key_hash").primary();
    Table::create()
        .table("quarantine")
        .col(big_integer("sync_id"))
        .col(binary("key_hash"))
        .col(text("model"))
        .col(text("key"))
        .col(text_null("native_id"))
        .col(big_integer("since"))
        .col(big_integer("seen_at"))
        .col(big_integer("seen_by"))
        .col(big_integer_null("counted_by"))
        .col(big_integer("runs"))
        .col(big_integer("needs_runs"))
        .col(big_integer("due_at"))
        .col(boolean("counts"))
        .col(text("evidence"))
        .col(boolean("returned"))
        .col(text_null("decision"))
        .col(text_null("decided_by"))
        .col(text_null("decided_reason"))
        .col(big_integer_null("decided_at"))
        .col(big_integer_null("mark_run"))
        .col(text_null("mark"))
        .col(big_integer_null("mark_at"))
        .primary_key(key)
        .foreign_key(ForeignKey::create().from_col("sync_id").to("sync", "id").on_delete(ForeignKeyAction::Cascade))
        .take()
}
