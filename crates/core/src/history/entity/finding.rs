//! What runs found and somebody should look at.

use sea_orm::entity::prelude::*;

/// A row.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "finding")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub sync_id: i64,
    pub kind: String,
    pub model: String,
    /// The canonical JSON array.
    pub key: String,
    /// Empty when it is about the record as a whole.
    pub field: String,
    pub action: String,
    /// JSON.
    pub target_value: String,
    /// JSON.
    pub source_value: String,
    pub detail: Option<String>,
    pub state: String,
    pub first_run: i64,
    /// The run that found it after it had been gone; the first one when it never was.
    pub since_run: i64,
    pub last_run: i64,
    /// The run that did not find it any more.
    pub resolved_run: Option<i64>,
    pub count: i64,
    pub first_at: i64,
    pub last_at: i64,
    pub acknowledged_by: Option<String>,
    pub acknowledged_at: Option<i64>,
    pub acknowledged_reason: Option<String>,
}

/// What rows lead to: nothing, as statements join what they need.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
