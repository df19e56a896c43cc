//! How many records complete runs had that are gone.

use sea_orm::entity::prelude::*;

/// A row.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "kept_count")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub sync_id: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    pub model: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub run_id: i64,
    /// The source's records as the target keeps them.
    pub records: i64,
}

/// What rows lead to: nothing, as statements join what they need.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
