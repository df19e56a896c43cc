//! What Syncline created in a system, or was told to adopt: the only objects that it may delete.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use futures::FutureExt;
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, Value};
use serde::{Deserialize, Serialize};
use syncline_model::AnyKey;

use super::entity::binding;
use super::insert::Insert;
use super::{History, RunId, error, object, text};
use crate::Result;

/// Why an object counts as ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A run created it.
    Created,
    /// A person said that it shall be.
    Adopted,
}

/// An object that is ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Binding {
    /// The model.
    pub model: String,
    /// The record.
    pub key: AnyKey,
    /// The object's id in its system.
    pub native_id: Option<String>,
    /// Why it is ours.
    pub origin: Origin,
    /// The run that created it.
    pub run: Option<RunId>,
    /// Since when it is ours.
    pub at: DateTime<Utc>,
}

/// How many keys one statement asks for.
const KEYS: usize = 500;

pub(super) const BINDINGS: Insert<8> = Insert {
    table: "binding",
    columns: ["instance", "key_hash", "model", "key", "native_id", "origin", "run_id", "at"],
    tail: r#"ON CONFLICT ("instance", "key_hash") DO UPDATE SET "native_id" = excluded."native_id", "origin" = excluded."origin", "run_id" = excluded."run_id", "at" = excluded."at""#,
};

/// The values of a row; the object is its model, key, the hash of both, and its id.
pub(super) fn values(
    instance: &str,
    object: (String, String, u128, Option<String>),
    origin: Origin,
    run: Option<RunId>,
    at: i64,
) -> [Value; 8] {
    let (model, key, hash, native_id) = object;
    let origin = match origin {
        Origin::Created => "created",
        Origin::Adopted => "adopted",
    };
    [
        instance.into(),
        hash.to_be_bytes().to_vec().into(),
        model.into(),
        key.into(),
        native_id.into(),
        origin.into(),
        run.map(|run| run.0).into(),
        at.into(),
    ]
}

/// Forgets objects by the hashes of their models and keys.
pub(super) async fn delete(tx: &DatabaseTransaction, instance: &str, hashes: &[Vec<u8>]) -> Result<()> {
    for hashes in hashes.chunks(KEYS) {
        binding::Entity::delete_many()
            .filter(binding::Column::Instance.eq(instance))
            .filter(binding::Column::KeyHash.is_in(hashes.iter().cloned()))
            .exec(tx)
            .await
            .map_err(error::of_statement)?;
    }
    Ok(())
}

impl History {
    /// Declares objects of a model to be ours: each a key and its id in the system.
    pub async fn adopt(&self, instance: &str, model: &str, objects: &[(AnyKey, String)]) -> Result<()> {
        let now = text::now();
        self.store
            .write(move |tx, _| {
                async move {
                    BINDINGS
                        .run(tx, objects, |_, (key, native_id)| {
                            let hash = object::hash(model, key.as_str());
                            let object = (model.to_owned(), key.as_str().to_owned(), hash, Some(native_id.clone()));
                            values(instance, object, Origin::Adopted, None, now)
                        })
                        .await
                }
                .boxed()
            })
            .await
    }

    /// Declares objects of a model not to be ours.
    pub async fn release(&self, instance: &str, model: &str, keys: &[AnyKey]) -> Result<()> {
        let hashes: &Vec<_> = &keys.iter().map(|key| hash_bytes(model, key)).collect();
        self.store.write(move |tx, _| async move { delete(tx, instance, hashes).await }.boxed()).await
    }

    /// What is known of objects of a model that are ours. Keys of others are not in the answer.
    pub async fn bindings(&self, instance: &str, model: &str, keys: &[AnyKey]) -> Result<HashMap<AnyKey, Binding>> {
        let mut found = HashMap::new();
        for keys in keys.chunks(KEYS) {
            let rows = binding::Entity::find()
                .filter(binding::Column::Instance.eq(instance))
                .filter(binding::Column::KeyHash.is_in(keys.iter().map(|key| hash_bytes(model, key))))
                .all(self.store.db())
                .await
                .map_err(|error| self.store.read_error(error))?;
            for row in rows {
                let binding = Binding::try_from(row)?;
                found.insert(binding.key.clone(), binding);
            }
        }
        Ok(found)
    }

    /// Which objects of a model are ours: each is asked for by its key and its present id in the system. An object that
    /// has another id than the one that Syncline created is not that one: somebody deleted it and made it anew.
    pub async fn created_here(
        &self,
        instance: &str,
        model: &str,
        objects: &[(AnyKey, Option<String>)],
    ) -> Result<HashSet<AnyKey>> {
        let keys: Vec<_> = objects.iter().map(|(key, _)| key.clone()).collect();
        let bindings = self.bindings(instance, model, &keys).await?;
        let is_ours = |key: &AnyKey, id: &Option<String>| {
            bindings.get(key).is_some_and(|binding| id.is_some() && binding.native_id == *id)
        };
        let ours = objects.iter().filter(|(key, id)| is_ours(key, id));
        Ok(ours.map(|(key, _)| key.clone()).collect())
    }
}

fn hash_bytes(model: &str, key: &AnyKey) -> Vec<u8> {
    object::hash(model, key.as_str()).to_be_bytes().to_vec()
}

impl TryFrom<binding::Model> for Binding {
    type Error = crate::Error;

    fn try_from(row: binding::Model) -> Result<Self> {
        Ok(Self {
            model: row.model,
            key: AnyKey::from_canonical(&row.key),
            native_id: row.native_id,
            origin: text::parse("binding.origin", &row.origin)?,
            run: row.run_id.map(RunId),
            at: text::time(row.at),
        })
    }
}
