//! What people leave alone.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, big_integer_null, pk_auto, text, text_null};

/// Makes the table.
#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    #[expect(elided_lifetimes_in_paths, reason = "the trait is declared so, and must be answered so")]
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = Table::create()
            .table("ignore")
            .col(pk_auto("id").big_integer().take())
            .col(big_integer("sync_id"))
            .col(text("model"))
            .col(text("key"))
            .col(text("field"))
            .col(big_integer_null("until_at"))
            .col(text("made_by"))
            .col(text("reason"))
            .col(big_integer("made_at"))
            .col(text_null("ended_by"))
            .col(big_integer_null("ended_at"))
            .foreign_key(ForeignKey::create().from_col("sync_id").to("sync", "id"))
            .take();
        manager.create_table(table).await?;
        for statement in STATEMENTS {
            manager.get_connection().execute_unprepared(statement).await?;
        }
        Ok(())
    }
}

const STATEMENTS: [&str; 2] = [
    // Those in force are read by every plan; those that are over stay as the record of what was.
    r#"CREATE INDEX "ignore_open" ON "ignore" ("sync_id", "id") WHERE "ended_at" IS NULL"#,
    r#"CREATE INDEX "ignore_of_record" ON "ignore" ("model", "key", "id")"#,
];
