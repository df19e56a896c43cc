//! How far whom was told of runs.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, text};

/// Makes the table of those who are told of runs.
#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    #[expect(elided_lifetimes_in_paths, reason = "the trait is declared so, and must be answered so")]
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = Table::create()
            .table("notification")
            .col(text("channel").primary_key())
            .col(big_integer("told"))
            .col(text("holder"))
            .col(big_integer("lease_until"))
            .take();
        manager.create_table(table).await
    }
}
