//! Where the schedules of syncs stand.

use sea_orm::entity::prelude::*;

/// A row.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "schedule")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub sync_id: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    pub purpose: String,
    /// The schedule as it was configured when it was made.
    pub made_of: String,
    pub made_at: i64,
    pub last_tick: Option<i64>,
    pub next_tick: Option<i64>,
}

/// What rows lead to: nothing, as statements join what they need.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
