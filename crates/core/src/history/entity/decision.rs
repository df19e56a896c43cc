//! What people decided about plans.

use sea_orm::entity::prelude::*;

/// A row.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "decision")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub run_id: i64,
    pub plan_hash: String,
    pub verdict: String,
    pub decided_by: String,
    pub reason: String,
    /// A JSON array of places in the plan, as first and last of each stretch; null for all.
    pub selection: Option<String>,
    pub overrides_guards: bool,
    pub at: i64,
}

/// What rows lead to: nothing, as statements join what they need.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
