//! Who may ask, and who did what.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, big_integer_null, binary, boolean, pk_auto, text, text_null};

/// Makes the tables of accounts, sessions, tokens and of the audit log.
#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    #[expect(elided_lifetimes_in_paths, reason = "the trait is declared so, and must be answered so")]
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [account(), session(), token(), audit()] {
            manager.create_table(table).await?;
        }
        for statement in STATEMENTS {
            manager.get_connection().execute_unprepared(statement).await?;
        }
        Ok(())
    }
}

fn account() -> TableCreateStatement {
    Table::create()
        .table("account")
        .col(pk_auto("id").big_integer().take())
        .col(text("name"))
        // The name in small letters: databases differ in what they fold.
        .col(text("folded_name"))
        .col(text("role"))
        .col(text_null("password_hash"))
        .col(boolean("disabled"))
        .col(big_integer("created_at"))
        .col(big_integer_null("last_seen"))
        .take()
}

fn session() -> TableCreateStatement {
    let mut key = Index::create();
    Table::create()
        .table("session")
        .col(binary("id"))
        .col(big_integer("account_id"))
        .col(text("csrf"))
        .col(big_integer("created_at"))
        .col(big_integer("expires_at"))
        .col(big_integer("last_seen"))
        .primary_key(key.col("id").primary())
        .foreign_key(
            ForeignKey::create().from_col("account_id").to("account", "id").on_delete(ForeignKeyAction::Cascade),
        )
        .take()
}

fn token() -> TableCreateStatement {
    Table::create()
        .table("token")
        .col(pk_auto("id").big_integer().take())
        .col(text("name"))
        .col(text("folded_name"))
        .col(binary("secret_hash"))
        .col(text("prefix"))
        .col(text("role"))
        .col(text_null("syncs"))
        .col(text("created_by"))
        .col(big_integer("created_at"))
        .col(big_integer_null("expires_at"))
        .col(big_integer_null("last_used"))
        .col(big_integer_null("revoked_at"))
        .take()
}

fn audit() -> TableCreateStatement {
    Table::create()
        .table("audit")
        .col(pk_auto("id").big_integer().take())
        .col(big_integer("at"))
        .col(text("who"))
        .col(text("how"))
        .col(text("action"))
        .col(text_null("object"))
        .col(text_null("detail"))
        .col(text_null("address"))
        .col(text_null("request_id"))
        .take()
}

const STATEMENTS: [&str; 6] = [
    r#"CREATE UNIQUE INDEX "account_one" ON "account" ("folded_name")"#,
    r#"CREATE INDEX "session_by_account" ON "session" ("account_id")"#,
    r#"CREATE UNIQUE INDEX "token_by_secret" ON "token" ("secret_hash")"#,
    // A name is free again when its token is revoked.
    r#"CREATE UNIQUE INDEX "token_one" ON "token" ("folded_name") WHERE "revoked_at" IS NULL"#,
    r#"CREATE INDEX "audit_by_who" ON "audit" ("who", "id")"#,
    r#"CREATE INDEX "audit_by_action" ON "audit" ("action", "id")"#,
];
