//! The ledger: objects by the ids that their systems gave them, what was last applied to them, and which source records they
//! are.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, big_integer_null, binary_null, text};

/// Makes the tables, takes over what was known of objects by their keys, and drops the table of it.
#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    #[expect(elided_lifetimes_in_paths, reason = "the trait is declared so, and must be answered so")]
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let is_sqlite = manager.get_database_backend() == sea_orm::DbBackend::Sqlite;
        for mut table in [ledger(), link()] {
            if is_sqlite {
                // Rows are small and only ever found by their key: one tree instead of two.
                table.extra("WITHOUT ROWID");
            }
            manager.create_table(table).await?;
        }
        let db = manager.get_connection();
        for statement in STATEMENTS {
            db.execute_unprepared(statement).await?;
        }
        Ok(())
    }
}

fn primary_key(columns: &[&'static str]) -> IndexCreateStatement {
    let mut key = Index::create();
    for column in columns {
        key.col(*column);
    }
    key.primary().take()
}

fn ledger() -> TableCreateStatement {
    Table::create()
        .table("ledger")
        .col(text("instance"))
        .col(text("model"))
        .col(text("native_id"))
        .col(text("key"))
        .col(text("origin"))
        .col(big_integer_null("run_id"))
        .col(big_integer("at"))
        .col(binary_null("applied"))
        .primary_key(&mut primary_key(&["instance", "model", "native_id"]))
        .take()
}

fn link() -> TableCreateStatement {
    Table::create()
        .table("link")
        .col(text("source"))
        .col(text("target"))
        .col(text("model"))
        .col(text("source_id"))
        .col(text("target_id"))
        .col(big_integer("at"))
        .primary_key(&mut primary_key(&["source", "target", "model", "source_id"]))
        .take()
}

const STATEMENTS: [&str; 3] = [
    // An object without an id counted as nobody's, and one id has one key.
    r#"INSERT INTO "ledger" ("instance", "model", "native_id", "key", "origin", "run_id", "at")
       SELECT "instance", "model", "native_id", "key", "origin", "run_id", "at" FROM "binding"
       WHERE "native_id" IS NOT NULL ON CONFLICT DO NOTHING"#,
    r#"DROP TABLE "binding""#,
    // What a delete in the target unbinds.
    r#"CREATE INDEX "link_by_target" ON "link" ("target", "model", "target_id")"#,
];
