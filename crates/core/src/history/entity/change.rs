//! Changes, and what became of them.

use sea_orm::entity::prelude::*;

/// A row.
#[sea_orm::model]
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
    /// The low 64 bits of the hash of model and key.
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
}

impl ActiveModelBehavior for ActiveModel {}
