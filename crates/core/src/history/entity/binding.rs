//! Objects that Syncline created, or was told to adopt.

use sea_orm::entity::prelude::*;

/// A row.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "binding")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub instance: String,
    /// 16 bytes: the hash of model and key.
    #[sea_orm(primary_key, auto_increment = false)]
    pub key_hash: Vec<u8>,
    pub model: String,
    /// The canonical JSON array.
    pub key: String,
    pub native_id: Option<String>,
    pub origin: String,
    /// The run that created it; null when it was adopted, or when that run is forgotten.
    pub run_id: Option<i64>,
    pub at: i64,
}

/// What rows lead to: nothing, as statements join what they need.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
