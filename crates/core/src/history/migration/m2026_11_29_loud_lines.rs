//! Finds warnings and errors among the log lines of all runs.

use sea_orm_migration::prelude::*;

/// Makes the index.
#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    #[expect(elided_lifetimes_in_paths, reason = "the trait is declared so, and must be answered so")]
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.get_connection().execute_unprepared(LOUD).await?;
        Ok(())
    }
}

/// Most lines are information.
const LOUD: &str = r#"CREATE INDEX "run_log_loud" ON "run_log" ("run_id", "seq") WHERE "level" <> 'info'"#;
