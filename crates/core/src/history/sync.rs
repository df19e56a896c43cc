//! Syncs, as the history knows them.

use chrono::{DateTime, Utc};
use futures::FutureExt;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use serde::{Deserialize, Serialize};

use super::entity::sync;
use super::{History, error, text};
use crate::Result;

/// The number of a sync in one history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SyncId(pub(super) i64);

/// A sync as it is configured.
#[derive(Debug, Clone, PartialEq)]
pub struct SyncDefinition {
    /// Its name, which tells it from others.
    pub name: String,
    /// The hash of what decides about its result: mapping, scope and policy.
    pub hash: String,
    /// The whole definition, without secrets.
    pub definition: serde_json::Value,
}

/// A sync that the history knows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StoredSync {
    /// Its number.
    pub id: SyncId,
    /// Its name.
    pub name: String,
    /// The hash of its definition when it was last seen.
    pub hash: String,
    /// Its definition when it was last seen.
    pub definition: serde_json::Value,
    /// When it was first seen.
    pub created: DateTime<Utc>,
    /// When it was last seen.
    pub updated: DateTime<Utc>,
}

impl History {
    /// Makes a sync known, or brings what is known of it up to date.
    pub async fn upsert_sync(&self, definition: &SyncDefinition) -> Result<SyncId> {
        let json = &text::to_json(&definition.definition)?;
        let row = self
            .store
            .write(move |tx, _| {
                async move {
                    let now = text::now();
                    let row = sync::ActiveModel {
                        name: Set(definition.name.clone()),
                        definition_hash: Set(definition.hash.clone()),
                        definition: Set(json.clone()),
                        created_at: Set(now),
                        updated_at: Set(now),
                        ..Default::default()
                    };
                    let seen = [sync::Column::DefinitionHash, sync::Column::Definition, sync::Column::UpdatedAt];
                    sync::Entity::insert(row)
                        .on_conflict(OnConflict::column(sync::Column::Name).update_columns(seen).to_owned())
                        .exec_with_returning(tx)
                        .await
                        .map_err(error::of_statement)
                }
                .boxed()
            })
            .await?;
        Ok(SyncId(row.id))
    }

    /// Every sync that is known, by name.
    pub async fn syncs(&self) -> Result<Vec<StoredSync>> {
        let rows = sync::Entity::find().order_by_asc(sync::Column::Name).all(self.store.db()).await;
        rows.map_err(|error| self.store.read_error(error))?.into_iter().map(StoredSync::try_from).collect()
    }

    /// The sync with a name; none when it never ran.
    pub async fn sync(&self, name: &str) -> Result<Option<StoredSync>> {
        let row = sync::Entity::find().filter(sync::Column::Name.eq(name)).one(self.store.db()).await;
        row.map_err(|error| self.store.read_error(error))?.map(StoredSync::try_from).transpose()
    }
}

impl TryFrom<sync::Model> for StoredSync {
    type Error = crate::Error;

    fn try_from(row: sync::Model) -> Result<Self> {
        Ok(Self {
            id: SyncId(row.id),
            name: row.name,
            hash: row.definition_hash,
            definition: text::parse_json("sync.definition", &row.definition)?,
            created: text::time(row.created_at),
            updated: text::time(row.updated_at),
        })
    }
}
