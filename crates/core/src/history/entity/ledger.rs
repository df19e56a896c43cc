//! Objects of a system that Syncline wrote to, created, or was told to adopt.

use sea_orm::entity::prelude::*;

/// A row.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "ledger")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub instance: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub model: String,
    /// The object's id in its system, which stays when it is renamed.
    #[sea_orm(primary_key, auto_increment = false)]
    pub native_id: String,
    /// The canonical JSON array, as it was when the row was last written.
    pub key: String,
    pub origin: String,
    /// The run that created it; null when no run did, or when that run is forgotten.
    pub run_id: Option<i64>,
    pub at: i64,
    /// Hashes of the values that were last applied; null when none was.
    pub applied: Option<Vec<u8>>,
}

/// What rows lead to: nothing, as statements join what they need.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
