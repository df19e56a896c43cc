//! Batches that were sent to a target.

use sea_orm::entity::prelude::*;

/// A row.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "batch")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub run_id: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    pub number: i64,
    pub pass: String,
    /// Whether what became of it is known.
    pub settled: bool,
    /// A JSON array of places in the plan, as first and last of each stretch.
    pub places: String,
    pub at: i64,
    /// What its records were before it deleted them: a JSON object by place in the plan.
    pub images: Option<String>,
}

/// What rows lead to: nothing, as statements join what they need.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
