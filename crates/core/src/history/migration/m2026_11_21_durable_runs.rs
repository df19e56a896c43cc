//! Runs that outlive the process that works on them: leases, batches under way, plans in the database, decisions.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, big_integer_null, binary, boolean, pk_auto, text, text_null};

/// Adds to the run what its runner needs, and makes the tables around it.
#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    #[expect(elided_lifetimes_in_paths, reason = "the trait is declared so, and must be answered so")]
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in run_columns() {
            manager.alter_table(Table::alter().table("run").add_column(column).take()).await?;
        }
        manager.alter_table(Table::alter().table("change").add_column(big_integer_null("place")).take()).await?;
        for table in [batch(), plan(), plan_part(), decision()] {
            manager.create_table(table).await?;
        }
        let db = manager.get_connection();
        for statement in STATEMENTS {
            db.execute_unprepared(statement).await?;
        }
        Ok(())
    }
}

fn run_columns() -> Vec<ColumnDef> {
    vec![
        text("purpose").default("sync").take(),
        big_integer_null("subject"),
        text("stage").default("begun").take(),
        text("options").default("{}").take(),
        big_integer("attempt").default(0).take(),
        big_integer("fruitless").default(0).take(),
        big_integer("fence").default(0).take(),
        text_null("worker"),
        big_integer_null("lease_until"),
        big_integer_null("not_before"),
        text_null("paused"),
        text_null("stop"),
        big_integer_null("tick"),
        big_integer("delivery").default(0).take(),
        big_integer_null("delivered_at"),
        text_null("staged_as"),
        boolean("stage_gone").default(false).take(),
    ]
}

fn of_run() -> ForeignKeyCreateStatement {
    ForeignKey::create().from_col("run_id").to("run", "id").on_delete(ForeignKeyAction::Cascade).take()
}

fn primary_key(columns: &[&'static str]) -> IndexCreateStatement {
    let mut key = Index::create();
    for column in columns {
        key.col(*column);
    }
    key.primary().take()
}

fn batch() -> TableCreateStatement {
    Table::create()
        .table("batch")
        .col(big_integer("run_id"))
        .col(big_integer("number"))
        .col(text("pass"))
        .col(boolean("settled"))
        .col(text("places"))
        .col(big_integer("at"))
        .primary_key(&mut primary_key(&["run_id", "number"]))
        .foreign_key(&mut of_run())
        .take()
}

fn plan() -> TableCreateStatement {
    Table::create()
        .table("plan")
        .col(text("hash").primary_key().take())
        .col(text("sync"))
        .col(big_integer("created_at"))
        .col(big_integer("valid_until"))
        .col(big_integer("bytes"))
        .col(big_integer("stored_bytes"))
        .take()
}

fn plan_part() -> TableCreateStatement {
    Table::create()
        .table("plan_part")
        .col(text("hash"))
        .col(big_integer("part"))
        .col(binary("content"))
        .primary_key(&mut primary_key(&["hash", "part"]))
        .foreign_key(ForeignKey::create().from_col("hash").to("plan", "hash").on_delete(ForeignKeyAction::Cascade))
        .take()
}

fn decision() -> TableCreateStatement {
    Table::create()
        .table("decision")
        .col(pk_auto("id").big_integer().take())
        .col(big_integer("run_id"))
        .col(text("plan_hash"))
        .col(text("verdict"))
        .col(text("decided_by"))
        .col(text("reason"))
        .col(text_null("selection"))
        .col(boolean("overrides_guards"))
        .col(big_integer("at"))
        .foreign_key(&mut of_run())
        .take()
}

const STATEMENTS: [&str; 5] = [
    // Runs of the version before, which no process can still be working on: that version had no leases to show it.
    r#"UPDATE "run" SET "status" = 'failed', "finished_at" = "created_at", "error_kind" = 'interrupted',
       "error_message" = 'the run was under way when Syncline was updated' WHERE "status" IN ('new', 'queued', 'syncing')"#,
    // One run of a sync at a time, and one run that writes to a system: the database itself refuses a second one.
    r#"CREATE UNIQUE INDEX "run_one_of_sync" ON "run" ("sync_id") WHERE "status" = 'syncing'"#,
    r#"CREATE UNIQUE INDEX "run_one_writer" ON "run" ("target_instance") WHERE "status" = 'syncing' AND NOT "dry""#,
    // A tick of a schedule makes one run, however many schedulers see it. Schedules of several purposes tick at the same time.
    r#"CREATE UNIQUE INDEX "run_by_tick" ON "run" ("sync_id", "purpose", "tick")"#,
    r#"CREATE INDEX "decision_of_run" ON "decision" ("run_id", "id")"#,
];
