//! Changes, and what became of them.

use sea_orm::entity::prelude::*;

/// A row.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "change")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub run_id: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    pub seq: i64,
    pub change_id: String,
    pub model: String,
    /// The canonical JSON array.
    pub key: String,
    /// The upper half of the hash of model and key.
    pub key_hash: i64,
    pub action: String,
    /// A JSON array.
    pub fields: String,
    pub outcome: String,
    pub hold_rule: Option<String>,
    pub error_field: Option<String>,
    pub reason: Option<String>,
    pub native_id: Option<String>,
    pub request_id: Option<String>,
    pub at: i64,
    /// The place of the change in its plan.
    pub place: Option<i64>,
    /// What the target said of the record before it was deleted: JSON.
    pub image: Option<String>,
    /// The fields that were left to the target: a JSON array; null for none.
    pub kept: Option<String>,
}

/// What rows lead to: nothing, as statements join what they need.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
