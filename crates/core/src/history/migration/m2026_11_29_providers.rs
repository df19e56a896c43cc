//! Who logs in elsewhere.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::text_null;

/// Adds to the account by which provider it is known, and as whom.
#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    #[expect(elided_lifetimes_in_paths, reason = "the trait is declared so, and must be answered so")]
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // One column at a time: SQLite knows no other way.
        for column in ["issuer", "subject"] {
            manager.alter_table(Table::alter().table("account").add_column(text_null(column)).take()).await?;
        }
        let one = r#"CREATE UNIQUE INDEX "account_by_subject" ON "account" ("issuer", "subject")"#;
        manager.get_connection().execute_unprepared(one).await?;
        Ok(())
    }
}
