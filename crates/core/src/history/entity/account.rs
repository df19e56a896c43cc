//! People who may log in.

use std::fmt;

use sea_orm::entity::prelude::*;

/// A row.
#[derive(Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "account")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub name: String,
    /// The name in small letters, which tells accounts apart.
    pub folded_name: String,
    pub role: String,
    /// Null for those who do not log in with a password.
    pub password_hash: Option<String>,
    pub disabled: bool,
    pub created_at: i64,
    pub last_seen: Option<i64>,
    /// The provider that knows the account; null for those who log in here.
    pub issuer: Option<String>,
    /// Who it is there.
    pub subject: Option<String>,
}

impl fmt::Debug for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Model").field("id", &self.id).field("name", &self.name).finish_non_exhaustive()
    }
}

/// What rows lead to: nothing, as statements join what they need.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
