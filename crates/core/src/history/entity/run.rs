//! Runs.

use sea_orm::entity::prelude::*;

/// A row.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "run")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub sync_id: i64,
    pub kind: String,
    pub dry: bool,
    pub status: String,
    pub definition_hash: String,
    pub plan_hash: Option<String>,
    pub plan_path: Option<String>,
    pub source_connector: String,
    pub source_connection: String,
    pub source_instance: String,
    pub target_connector: String,
    pub target_connection: String,
    pub target_instance: String,
    pub created_at: i64,
    pub started_at: Option<i64>,
    pub finished_at: Option<i64>,
    pub error_kind: Option<String>,
    pub error_message: Option<String>,
    pub source_records: i64,
    pub target_records: i64,
    pub diff_create: i64,
    pub diff_update: i64,
    pub diff_delete: i64,
    pub diff_unchanged: i64,
    pub diff_ambiguous: i64,
    pub outcome_planned: i64,
    pub outcome_applied: i64,
    pub outcome_unchanged: i64,
    pub outcome_skipped: i64,
    pub outcome_held: i64,
    pub outcome_failed: i64,
    pub outcome_stale: i64,
    /// The number of the last change.
    pub last_change: i64,
    /// The number of the last log line.
    pub last_line: i64,
    /// The number of the last event.
    pub last_event: i64,
    /// Of its events those are left that say something after its end.
    pub thinned: bool,
    /// A JSON object.
    pub notes: String,
    pub triggered_by: String,
    pub request: Option<String>,
    pub request_id: Option<String>,
    pub host: String,
    pub process: String,
    pub purpose: String,
    /// The run that this one is about.
    pub subject: Option<i64>,
    pub stage: String,
    /// A JSON object.
    pub options: String,
    /// How often a runner took it.
    pub attempt: i64,
    /// How often in a row a runner took it and recorded nothing.
    pub fruitless: i64,
    /// Counts up with every runner that takes it: only the last one may write.
    pub fence: i64,
    pub worker: Option<String>,
    pub lease_until: Option<i64>,
    pub not_before: Option<i64>,
    pub paused: Option<String>,
    /// A JSON object.
    pub stop: Option<String>,
    /// The tick of the schedule that made it.
    pub tick: Option<i64>,
    /// How often runners were told of it.
    pub delivery: i64,
    pub delivered_at: Option<i64>,
    pub staged_as: Option<String>,
    /// Why it waits for its time.
    pub waiting: Option<String>,
    /// How often in a row it was put back to wait for its time.
    pub waits: i64,
    /// What was staged was merged or removed: nothing is left of it where it waited.
    pub stage_gone: bool,
    /// Records of the source that could not be taken over.
    pub source_rejected: i64,
    /// What it asked of its systems: a JSON object.
    pub requests: Option<String>,
    pub trace_id: Option<String>,
}

/// What rows lead to: nothing, as statements join what they need.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
