//! What a run read and found, by model.

use sea_orm::entity::prelude::*;

/// A row.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "run_model")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub run_id: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    pub model: String,
    pub mode: String,
    /// Null when the side was not read to an end.
    pub source_records: Option<i64>,
    /// Null when the read was complete.
    pub source_partial: Option<String>,
    pub target_records: Option<i64>,
    pub target_partial: Option<String>,
    /// Whether the model was compared.
    pub compared: bool,
    pub diff_create: i64,
    pub diff_update: i64,
    pub diff_delete: i64,
    pub diff_unchanged: i64,
    pub diff_ambiguous: i64,
    pub diff_source: i64,
    pub diff_target: i64,
    /// The source's records as the target keeps them; null when it was not asked that far.
    pub desired_records: Option<i64>,
    pub source_rejected: i64,
    /// A JSON list; null when it is empty.
    pub source_rejections: Option<String>,
    pub target_rejected: i64,
    /// A JSON list; null when it is empty.
    pub target_rejections: Option<String>,
    /// JSON; null when the run did not read the side itself.
    pub source_filled: Option<String>,
    pub target_filled: Option<String>,
}

/// What rows lead to: nothing, as statements join what they need.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
