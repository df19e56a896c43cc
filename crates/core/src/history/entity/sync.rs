//! Syncs.

use sea_orm::entity::prelude::*;

/// A row.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "sync")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    #[sea_orm(unique)]
    pub name: String,
    pub definition_hash: String,
    /// JSON.
    pub definition: String,
    pub created_at: i64,
    pub updated_at: i64,
    /// Who keeps its settings: `file` or `stored`; null when it is configured no more.
    pub owner: Option<String>,
    /// A JSON object.
    pub settings: Option<String>,
    /// The file that said so last, and its machine; null when no file did.
    pub origin: Option<String>,
    pub paused: bool,
}

/// What rows lead to: nothing, as statements join what they need.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
