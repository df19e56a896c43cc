//! Absent objects that wait before they are deleted.

use sea_orm::entity::prelude::*;

/// A row.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "quarantine")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub sync_id: i64,
    /// 16 bytes: the hash of model and key.
    #[sea_orm(primary_key, auto_increment = false)]
    pub key_hash: Vec<u8>,
    pub model: String,
    /// The canonical JSON array.
    pub key: String,
    pub native_id: Option<String>,
    pub since: i64,
    /// When a run saw it absent last. One value for all that a run saw in one go, so that the others are told from them.
    pub seen_at: i64,
    /// The run that saw it absent last. Runs are forgotten sooner than this may be.
    pub seen_by: i64,
    pub counted_by: Option<i64>,
    pub runs: i64,
    /// How many runs the policy asked for when it was seen last.
    pub needs_runs: i64,
    /// When enough hours will have passed, by the policy of then.
    pub due_at: i64,
    /// Whether the evidence counts, by the policy of then.
    pub counts: bool,
    pub evidence: String,
    pub returned: bool,
    pub decision: Option<String>,
    pub decided_by: Option<String>,
    pub decided_reason: Option<String>,
    pub decided_at: Option<i64>,
    /// The run whose plan marked it.
    pub mark_run: Option<i64>,
    /// A JSON object: the field, the value that it got, and the one that it had.
    pub mark: Option<String>,
    pub mark_at: Option<i64>,
}

/// What rows lead to: nothing, as statements join what they need.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
