//! What people leave alone.

use sea_orm::entity::prelude::*;

/// A row.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "ignore")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub sync_id: i64,
    pub model: String,
    /// The canonical JSON array.
    pub key: String,
    /// Empty when it is about the record as a whole.
    pub field: String,
    /// The end of its last day; none when it has none.
    pub until_at: Option<i64>,
    pub made_by: String,
    pub reason: String,
    pub made_at: i64,
    pub ended_by: Option<String>,
    pub ended_at: Option<i64>,
}

/// What rows lead to: nothing, as statements join what they need.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
