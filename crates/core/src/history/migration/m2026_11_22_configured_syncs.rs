//! Syncs as data: who keeps them, and where their schedules stand.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, big_integer_null, boolean, text, text_null};

/// Adds to the sync what is configured, and makes the table of schedules.
#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    #[expect(elided_lifetimes_in_paths, reason = "the trait is declared so, and must be answered so")]
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let paused = boolean("paused").default(false).take();
        for column in [text_null("owner"), text_null("settings"), text_null("origin"), paused] {
            manager.alter_table(Table::alter().table("sync").add_column(column).take()).await?;
        }
        let mut key = Index::create();
        let schedule = Table::create()
            .table("schedule")
            .col(big_integer("sync_id"))
            .col(text("purpose"))
            .col(text("made_of"))
            .col(big_integer("made_at"))
            .col(big_integer_null("last_tick"))
            .col(big_integer_null("next_tick"))
            .primary_key(key.col("sync_id").col("purpose").primary())
            .foreign_key(ForeignKey::create().from_col("sync_id").to("sync", "id").on_delete(ForeignKeyAction::Cascade))
            .take();
        manager.create_table(schedule).await
    }
}
