//! Syncs, as the history knows them.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use futures::FutureExt;
use schemars::JsonSchema;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder};
use serde::{Deserialize, Serialize};

use super::entity::sync;
use super::process::Process;
use super::{History, error, text};
use crate::{Error, ErrorKind, Result};

/// The number of a sync in one history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct SyncId(pub(super) i64);

/// A sync as it is configured.
#[derive(Debug, Clone, PartialEq)]
pub struct SyncDefinition {
    /// Its name, which tells it from others.
    pub name: String,
    /// The hash of what decides about its result: mapping and scope.
    pub hash: String,
    /// The whole definition, without secrets.
    pub definition: serde_json::Value,
}

/// Who keeps the settings of a sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SyncOwner {
    /// A configuration file: they are changed there and nowhere else.
    File,
    /// The history: commands and the API change them.
    Stored,
}

impl SyncOwner {
    /// The name in the history and the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Stored => "stored",
        }
    }
}

/// A sync that the history knows.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
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
    /// Who keeps its settings; none when it is configured no more.
    pub owner: Option<SyncOwner>,
    /// What is configured, as the host understands it.
    pub settings: Option<serde_json::Value>,
    /// The file that said so last, and its machine; none when the history keeps the settings.
    pub origin: Option<String>,
    /// Whether its schedules rest.
    pub paused: bool,
}

/// A sync that a file took over from another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenOver {
    /// The sync's name.
    pub sync: String,
    /// The other file, which says something else about it, and its machine.
    pub from: String,
    /// The file that counts from now on, and its machine.
    pub by: String,
    /// It says nothing about the sync, which is configured no more.
    pub ends: bool,
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

    /// Makes a sync that the history keeps. The name must not be taken.
    pub async fn create_sync(&self, name: &str, settings: &serde_json::Value) -> Result<SyncId> {
        let json = &text::to_json(settings)?;
        self.store
            .write(move |tx, _| {
                async move {
                    let there = sync::Entity::find().filter(sync::Column::Name.eq(name)).one(tx).await;
                    if let Some(owner) = there.map_err(error::of_statement)?.and_then(|row| row.owner) {
                        let where_to = if owner == SyncOwner::File.as_str() {
                            "it is kept in the configuration file"
                        } else {
                            "`syncline sync set` changes it"
                        };
                        let message = format!("there is a sync `{name}` already; {where_to}, or give another name");
                        return Err(Error::new(ErrorKind::Refused, message));
                    }
                    Ok(SyncId(keep(tx, name, json, None).await?))
                }
                .boxed()
            })
            .await
    }

    /// Changes the settings of a sync that the history keeps.
    pub async fn change_sync(&self, name: &str, settings: &serde_json::Value) -> Result<()> {
        let json = &text::to_json(settings)?;
        self.store
            .write(move |tx, _| {
                async move {
                    ensure_stored(tx, name).await?;
                    keep(tx, name, json, None).await.map(drop)
                }
                .boxed()
            })
            .await
    }

    /// Ends a sync that the history keeps. What it did stays in the history.
    pub async fn remove_sync(&self, name: &str) -> Result<()> {
        self.store
            .write(move |tx, _| {
                async move {
                    ensure_stored(tx, name).await?;
                    let update = sync::Entity::update_many()
                        .col_expr(sync::Column::Owner, Expr::value(None::<String>))
                        .col_expr(sync::Column::Settings, Expr::value(None::<String>))
                        .filter(sync::Column::Name.eq(name));
                    update.exec(tx).await.map_err(error::of_statement)?;
                    Ok(())
                }
                .boxed()
            })
            .await
    }

    /// Takes over the syncs of a configuration file, of which `file` is the name. Those that an earlier file had and this one has
    /// not are configured no more. What the last file says counts; gives what another file says differently. A sync that the
    /// history keeps under a name of the file is an error: nobody could say which one is meant.
    pub async fn provision_syncs(
        &self,
        file: &str,
        syncs: &BTreeMap<String, serde_json::Value>,
    ) -> Result<Vec<TakenOver>> {
        let origin = &format!("{file} on {}", Process::current().host);
        let settings: Result<Vec<_>> =
            syncs.iter().map(|(name, settings)| Ok((name.as_str(), text::to_json(settings)?))).collect();
        let settings = &settings?;
        self.store
            .write(move |tx, _| {
                async move {
                    let known = sync::Entity::find().all(tx).await.map_err(error::of_statement)?;
                    let files = known.iter().filter(|row| row.owner.as_deref() == Some(SyncOwner::File.as_str()));
                    let others = files.filter_map(|row| Some((row, row.origin.clone().filter(|from| from != origin)?)));
                    let taken_over = others.filter_map(|(row, from)| {
                        let own = settings.iter().find(|(name, _)| *name == row.name).map(|(_, json)| json);
                        let differs = own != row.settings.as_ref();
                        differs.then(|| TakenOver {
                            sync: row.name.clone(),
                            from,
                            by: origin.clone(),
                            ends: own.is_none(),
                        })
                    });
                    let taken_over: Vec<_> = taken_over.collect();
                    for (name, json) in settings {
                        let there = known.iter().find(|row| row.name == *name);
                        match there.and_then(|row| row.owner.as_deref()) {
                            Some(owner) if owner == SyncOwner::Stored.as_str() => {
                                let message = format!(
                                    "the sync `{name}` is in the configuration file and in the history; rename it in the \
                                     file, or remove the other one with `syncline sync delete {name}`"
                                );
                                return Err(Error::new(ErrorKind::Settings, message));
                            }
                            Some(_) if there.is_some_and(|row| row.settings.as_deref() == Some(json)) => {}
                            _ => keep(tx, name, json, Some(origin)).await.map(drop)?,
                        }
                    }
                    let named: Vec<_> = settings.iter().map(|(name, _)| *name).collect();
                    let update = sync::Entity::update_many()
                        .col_expr(sync::Column::Owner, Expr::value(None::<String>))
                        .col_expr(sync::Column::Settings, Expr::value(None::<String>))
                        .col_expr(sync::Column::Origin, origin.as_str().into())
                        .filter(sync::Column::Owner.eq(SyncOwner::File.as_str()))
                        .filter(sync::Column::Name.is_not_in(named));
                    update.exec(tx).await.map_err(error::of_statement)?;
                    Ok(taken_over)
                }
                .boxed()
            })
            .await
    }

    /// Lets the schedules of a sync rest, or go on.
    pub async fn pause_sync(&self, name: &str, paused: bool) -> Result<()> {
        self.store
            .write(move |tx, _| {
                async move {
                    let update = sync::Entity::update_many()
                        .col_expr(sync::Column::Paused, paused.into())
                        .filter(sync::Column::Name.eq(name));
                    let changed = update.exec(tx).await.map_err(error::of_statement)?.rows_affected;
                    if changed == 1 { Ok(()) } else { Err(unknown(name)) }
                }
                .boxed()
            })
            .await
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

/// Keeps the settings of a sync, which may be known already: those of a file, or none's but the history's own.
async fn keep(tx: &DatabaseTransaction, name: &str, json: &str, origin: Option<&str>) -> Result<i64> {
    let owner = if origin.is_some() { SyncOwner::File } else { SyncOwner::Stored };
    let now = text::now();
    let row = sync::ActiveModel {
        name: Set(name.to_owned()),
        definition_hash: Set(String::new()),
        definition: Set("{}".to_owned()),
        created_at: Set(now),
        updated_at: Set(now),
        owner: Set(Some(owner.as_str().to_owned())),
        settings: Set(Some(json.to_owned())),
        origin: Set(origin.map(str::to_owned)),
        ..Default::default()
    };
    let changed = [sync::Column::Owner, sync::Column::Settings, sync::Column::Origin, sync::Column::UpdatedAt];
    let row = sync::Entity::insert(row)
        .on_conflict(OnConflict::column(sync::Column::Name).update_columns(changed).to_owned())
        .exec_with_returning(tx)
        .await
        .map_err(error::of_statement)?;
    Ok(row.id)
}

/// Refuses a sync that the history does not keep.
async fn ensure_stored(tx: &DatabaseTransaction, name: &str) -> Result<()> {
    let row = sync::Entity::find().filter(sync::Column::Name.eq(name)).one(tx).await.map_err(error::of_statement)?;
    match row.and_then(|row| row.owner) {
        Some(owner) if owner == SyncOwner::Stored.as_str() => Ok(()),
        Some(_) => {
            let message = format!("the sync `{name}` is kept in the configuration file: change it there");
            Err(Error::new(ErrorKind::Refused, message))
        }
        None => Err(unknown(name)),
    }
}

fn unknown(name: &str) -> Error {
    Error::new(
        ErrorKind::NotFound,
        format!("there is no sync `{name}`; `syncline sync list` shows those that there are"),
    )
}

impl TryFrom<sync::Model> for StoredSync {
    type Error = Error;

    fn try_from(row: sync::Model) -> Result<Self> {
        Ok(Self {
            id: SyncId(row.id),
            name: row.name,
            hash: row.definition_hash,
            definition: text::parse_json("sync.definition", &row.definition)?,
            created: text::time(row.created_at),
            updated: text::time(row.updated_at),
            owner: row.owner.map(|owner| text::parse("sync.owner", &owner)).transpose()?,
            settings: row.settings.map(|settings| text::parse_json("sync.settings", &settings)).transpose()?,
            origin: row.origin,
            paused: row.paused,
        })
    }
}
