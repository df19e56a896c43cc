//! The first tables.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, big_integer_null, binary, boolean, pk_auto, text, text_null, text_uniq};

/// Makes every table.
#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    #[expect(elided_lifetimes_in_paths, reason = "the trait is declared so, and must be answered so")]
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let is_sqlite = manager.get_database_backend() == sea_orm::DbBackend::Sqlite;
        for table in [sync(), run(), run_phase(), run_model(), run_outcome(), change(), run_log(), binding(is_sqlite)] {
            manager.create_table(table).await?;
        }
        for index in indexes() {
            manager.create_index(index).await?;
        }
        Ok(())
    }
}

fn counter(name: &'static str) -> ColumnDef {
    big_integer(name).default(0).take()
}

/// A number that counts up and is never used again, also not after the last row was deleted.
fn id() -> ColumnDef {
    pk_auto("id").big_integer().take()
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

fn sync() -> TableCreateStatement {
    Table::create()
        .table("sync")
        .col(id())
        .col(text_uniq("name"))
        .col(text("definition_hash"))
        .col(text("definition"))
        .col(big_integer("created_at"))
        .col(big_integer("updated_at"))
        .take()
}

fn run() -> TableCreateStatement {
    Table::create()
        .table("run")
        .col(id())
        .col(big_integer("sync_id"))
        .col(text("kind"))
        .col(boolean("dry"))
        .col(text("status"))
        .col(text("definition_hash"))
        .col(text_null("plan_hash"))
        .col(text_null("plan_path"))
        .col(text("source_connector"))
        .col(text("source_connection"))
        .col(text("source_instance"))
        .col(text("target_connector"))
        .col(text("target_connection"))
        .col(text("target_instance"))
        .col(big_integer("created_at"))
        .col(big_integer_null("started_at"))
        .col(big_integer_null("finished_at"))
        .col(text_null("error_kind"))
        .col(text_null("error_message"))
        .col(counter("source_records"))
        .col(counter("target_records"))
        .col(counter("diff_create"))
        .col(counter("diff_update"))
        .col(counter("diff_delete"))
        .col(counter("diff_unchanged"))
        .col(counter("diff_ambiguous"))
        .col(counter("outcome_planned"))
        .col(counter("outcome_applied"))
        .col(counter("outcome_unchanged"))
        .col(counter("outcome_skipped"))
        .col(counter("outcome_held"))
        .col(counter("outcome_failed"))
        .col(counter("outcome_stale"))
        .col(counter("last_change"))
        .col(counter("last_line"))
        .col(text("notes"))
        .col(text("triggered_by"))
        .col(text_null("request"))
        .col(text("host"))
        .col(text("process"))
        .foreign_key(ForeignKey::create().from_col("sync_id").to("sync", "id"))
        .take()
}

fn run_phase() -> TableCreateStatement {
    Table::create()
        .table("run_phase")
        .col(big_integer("run_id"))
        .col(text("phase"))
        .col(big_integer("started_at"))
        .col(big_integer("duration_ms"))
        .col(big_integer_null("memory_final"))
        .col(big_integer_null("memory_peak"))
        .primary_key(&mut primary_key(&["run_id", "phase"]))
        .foreign_key(&mut of_run())
        .take()
}

fn run_model() -> TableCreateStatement {
    Table::create()
        .table("run_model")
        .col(big_integer("run_id"))
        .col(text("model"))
        .col(text("mode"))
        .col(big_integer_null("source_records"))
        .col(text_null("source_partial"))
        .col(big_integer_null("target_records"))
        .col(text_null("target_partial"))
        .col(boolean("compared"))
        .col(counter("diff_create"))
        .col(counter("diff_update"))
        .col(counter("diff_delete"))
        .col(counter("diff_unchanged"))
        .col(counter("diff_ambiguous"))
        .col(counter("diff_source"))
        .col(counter("diff_target"))
        .primary_key(&mut primary_key(&["run_id", "model"]))
        .foreign_key(&mut of_run())
        .take()
}

fn run_outcome() -> TableCreateStatement {
    Table::create()
        .table("run_outcome")
        .col(big_integer("run_id"))
        .col(text("model"))
        .col(text("action"))
        .col(text("outcome"))
        .col(counter("count"))
        .primary_key(&mut primary_key(&["run_id", "model", "action", "outcome"]))
        .foreign_key(&mut of_run())
        .take()
}

fn change() -> TableCreateStatement {
    Table::create()
        .table("change")
        .col(big_integer("run_id"))
        .col(big_integer("seq"))
        .col(text("change_id"))
        .col(text("model"))
        .col(text("key"))
        .col(big_integer("key_hash"))
        .col(text("action"))
        .col(text("outcome"))
        .col(text_null("hold_rule"))
        .col(text_null("error_field"))
        .col(text_null("reason"))
        .col(text_null("native_id"))
        .col(text_null("request_id"))
        .col(big_integer("at"))
        // The long one is last, so that the others are read without it.
        .col(text("fields"))
        .primary_key(&mut primary_key(&["run_id", "seq"]))
        .foreign_key(&mut of_run())
        .take()
}

fn run_log() -> TableCreateStatement {
    Table::create()
        .table("run_log")
        .col(big_integer("run_id"))
        .col(big_integer("seq"))
        .col(big_integer("at"))
        .col(text("level"))
        .col(text("text"))
        .primary_key(&mut primary_key(&["run_id", "seq"]))
        .foreign_key(&mut of_run())
        .take()
}

fn binding(is_sqlite: bool) -> TableCreateStatement {
    let mut table = Table::create()
        .table("binding")
        .col(text("instance"))
        .col(binary("key_hash"))
        .col(text("model"))
        .col(text("key"))
        .col(text_null("native_id"))
        .col(text("origin"))
        .col(big_integer_null("run_id"))
        .col(big_integer("at"))
        .primary_key(&mut primary_key(&["instance", "key_hash"]))
        .take();
    if is_sqlite {
        // Rows are small and only ever found by their key: one tree instead of two.
        table.extra("WITHOUT ROWID");
    }
    table
}

fn indexes() -> [IndexCreateStatement; 5] {
    let index = |name: &str, table: &'static str, columns: &[&'static str]| {
        let mut index = Index::create();
        for column in columns {
            index.col(*column);
        }
        index.name(name).table(table).take()
    };
    [
        // The runs of a sync, newest first.
        index("run_by_sync", "run", &["sync_id", "id"]),
        // The runs that are not over.
        index("run_by_status", "run", &["status", "id"]),
        // A run by the plan it made or applied.
        index("run_by_plan", "run", &["plan_hash"]),
        // The changes of a run, filtered, in order; also enough to count them anew.
        index("change_by_kind", "change", &["run_id", "model", "action", "outcome", "seq"]),
        // What happened to one object.
        index("change_by_object", "change", &["key_hash", "run_id", "seq"]),
    ]
}
