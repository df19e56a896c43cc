//! What happens in runs, kept while it happens.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, big_integer_null, boolean, text};

/// Makes the table of events and the counter of status changes, and lets runs count their events.
#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    #[expect(elided_lifetimes_in_paths, reason = "the trait is declared so, and must be answered so")]
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // SQLite adds one column at a time.
        for column in [big_integer("last_event").default(0).take(), boolean("thinned").default(false).take()] {
            manager.alter_table(Table::alter().table("run").add_column(column).take()).await?;
        }
        let mut key = Index::create();
        let events = Table::create()
            .table("run_event")
            .col(big_integer("run_id"))
            .col(big_integer("seq"))
            .col(big_integer("at"))
            .col(text("event"))
            .col(big_integer_null("change"))
            .primary_key(key.col("run_id").col("seq").primary())
            .foreign_key(ForeignKey::create().from_col("run_id").to("run", "id").on_delete(ForeignKeyAction::Cascade))
            .take();
        manager.create_table(events).await?;
        let counter = Table::create()
            .table("status_change")
            .col(big_integer("id").primary_key().take())
            .col(big_integer("last"))
            .take();
        manager.create_table(counter).await?;
        let db = manager.get_connection();
        for statement in STATEMENTS {
            db.execute_unprepared(statement).await?;
        }
        Ok(())
    }
}

const STATEMENTS: [&str; 3] = [
    // Most events are no changes of a status.
    r#"CREATE UNIQUE INDEX "run_event_change" ON "run_event" ("change") WHERE "change" IS NOT NULL"#,
    r#"INSERT INTO "status_change" ("id", "last") VALUES (1, 0)"#,
    r#"CREATE INDEX "run_to_thin" ON "run" ("finished_at") WHERE NOT "thinned""#,
];
