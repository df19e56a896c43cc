//! What runs found and somebody should look at.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, big_integer_null, pk_auto, text, text_null};

/// Makes the table.
#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    #[expect(elided_lifetimes_in_paths, reason = "the trait is declared so, and must be answered so")]
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(finding()).await?;
        for statement in STATEMENTS {
            manager.get_connection().execute_unprepared(statement).await?;
        }
        Ok(())
    }
}

fn finding() -> TableCreateStatement {
    Table::create()
        .table("finding")
        .col(pk_auto("id").big_integer().take())
        .col(big_integer("sync_id"))
        .col(text("kind"))
        .col(text("model"))
        .col(text("key"))
        .col(text("field"))
        .col(text("action"))
        .col(text("target_value"))
        .col(text("source_value"))
        .col(text_null("detail"))
        .col(text("state"))
        .col(big_integer("first_run"))
        .col(big_integer("since_run"))
        .col(big_integer("last_run"))
        .col(big_integer_null("resolved_run"))
        .col(big_integer("count"))
        .col(big_integer("first_at"))
        .col(big_integer("last_at"))
        .col(text_null("acknowledged_by"))
        .col(big_integer_null("acknowledged_at"))
        .col(text_null("acknowledged_reason"))
        // Findings outlive the runs that found them.
        .foreign_key(ForeignKey::create().from_col("sync_id").to("sync", "id"))
        .take()
}

const STATEMENTS: [&str; 2] = [
    r#"CREATE UNIQUE INDEX "finding_one" ON "finding" ("sync_id", "kind", "model", "key", "field")"#,
    // Counted, listed and resolved by state.
    r#"CREATE INDEX "finding_by_state" ON "finding" ("sync_id", "kind", "state", "id")"#,
];
