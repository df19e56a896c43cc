//! The ledger: what Syncline created in a system, or was told to adopt, and what it last applied there.
//!
//! Objects are known by the ids that their systems gave them, so that a rename changes nothing here, neither for the object nor
//! for what hangs on it. Losing the ledger costs matching again, and never data: what is not in it is nobody's.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, Utc};
use futures::FutureExt;
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Value};
use serde::{Deserialize, Serialize};
use syncline_model::AnyKey;

use super::entity::ledger;
use super::insert::Insert;
use super::{Claim, History, RunId, error, link, stage, text};
use crate::Result;
use crate::applied::AppliedValues;
use crate::change::Action;

/// What Syncline has to do with an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A run created it.
    Created,
    /// A person, or the sync's policy, said that it shall be Syncline's.
    Adopted,
    /// It was there, and Syncline wrote to it. It is not ours.
    Written,
}

/// An object that is ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Binding {
    /// The model.
    pub model: String,
    /// The record, as it was called when something was last written here.
    pub key: AnyKey,
    /// The object's id in its system.
    pub native_id: String,
    /// Why it is ours.
    pub origin: Origin,
    /// The run that created it.
    pub run: Option<RunId>,
    /// Since when it is ours.
    pub at: DateTime<Utc>,
}

/// How many ids one statement asks for.
pub(super) const IDS: usize = 500;

/// The origin of what a run created.
const CREATED_HERE: &str = "created";

const OURS: [&str; 2] = [CREATED_HERE, "adopted"];

const COLUMNS: [&str; 8] = ["instance", "model", "native_id", "key", "origin", "run_id", "at", "applied"];

/// What was created replaces whatever was known under its id.
const CREATED: Insert<8> = Insert {
    table: "ledger",
    columns: COLUMNS,
    tail: r#"ON CONFLICT ("instance", "model", "native_id") DO UPDATE SET "key" = excluded."key", "origin" = excluded."origin", "run_id" = excluded."run_id", "at" = excluded."at", "applied" = excluded."applied""#,
};

/// What was written to stays whose it is.
const WRITTEN: Insert<8> = Insert {
    table: "ledger",
    columns: COLUMNS,
    tail: r#"ON CONFLICT ("instance", "model", "native_id") DO UPDATE SET "key" = excluded."key", "applied" = excluded."applied""#,
};

/// What is adopted keeps what was applied to it, and what was created stays so.
const ADOPTED: Insert<8> = Insert {
    table: "ledger",
    columns: COLUMNS,
    tail: r#"ON CONFLICT ("instance", "model", "native_id") DO UPDATE SET "key" = excluded."key", "origin" = excluded."origin", "at" = excluded."at" WHERE "ledger"."origin" = 'written'"#,
};

/// An applied change, as far as the ledger is concerned.
pub(super) struct Entry<'a> {
    pub(super) model: &'a str,
    pub(super) key: &'a str,
    pub(super) native_id: &'a str,
    pub(super) action: Action,
    pub(super) at: i64,
    /// The values that were applied.
    pub(super) applied: &'a AppliedValues,
}

/// What becomes of an object's row.
enum Fate<'a> {
    Created(&'a Entry<'a>, AppliedValues),
    Written(&'a Entry<'a>, AppliedValues),
    Gone,
}

/// Keeps what applied changes did to objects.
pub(super) async fn keep(tx: &DatabaseTransaction, run: RunId, instance: &str, entries: &[Entry<'_>]) -> Result<()> {
    // In the order of their ids, so that two runs that write at once wait for each other instead of each for the other.
    let mut objects: BTreeMap<(&str, &str), Fate<'_>> = BTreeMap::new();
    for entry in entries {
        let object = (entry.model, entry.native_id);
        let fate = match (entry.action, objects.remove(&object)) {
            (Action::Delete, _) => Fate::Gone,
            (Action::Create, _) => Fate::Created(entry, entry.applied.clone()),
            (Action::Update, Some(Fate::Created(_, before))) => Fate::Created(entry, before.with(entry.applied)),
            (Action::Update, Some(Fate::Written(_, before))) => Fate::Written(entry, before.with(entry.applied)),
            (Action::Update, _) => Fate::Written(entry, entry.applied.clone()),
        };
        objects.insert(object, fate);
    }
    let row = |entry: &Entry<'_>, origin: Origin, run: Option<RunId>, applied: &AppliedValues| -> [Value; 8] {
        let object = (entry.model, entry.native_id, entry.key);
        values(instance, object, origin, run, entry.at, Some(applied))
    };

    let created: Vec<_> = objects
        .values()
        .filter_map(|fate| match fate {
            Fate::Created(entry, applied) => Some(row(entry, Origin::Created, Some(run), applied)),
            _ => None,
        })
        .collect();
    CREATED.run(tx, &created, |_, row| row.clone()).await?;

    let mut written: BTreeMap<&str, Vec<(&Entry<'_>, &AppliedValues)>> = BTreeMap::new();
    for fate in objects.values() {
        if let Fate::Written(entry, applied) = fate {
            written.entry(entry.model).or_default().push((entry, applied));
        }
    }
    for (model, written) in written {
        let ids: Vec<_> = written.iter().map(|(entry, _)| entry.native_id.to_owned()).collect();
        let earlier = applied(tx, instance, model, &ids).await.map_err(error::of_statement)?;
        let rows: Vec<_> = written
            .iter()
            .map(|(entry, applied)| match earlier.get(entry.native_id) {
                Some(earlier) => row(entry, Origin::Written, None, &earlier.with(applied)),
                None => row(entry, Origin::Written, None, applied),
            })
            .collect();
        WRITTEN.run(tx, &rows, |_, row| row.clone()).await?;
    }

    let mut gone: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for ((model, id), _) in objects.iter().filter(|(_, fate)| matches!(fate, Fate::Gone)) {
        gone.entry(model).or_default().push((*id).to_owned());
    }
    for (model, ids) in gone {
        delete(tx, instance, model, &ids).await?;
        link::forget_targets(tx, instance, model, &ids).await?;
    }
    Ok(())
}

/// Adds to what was applied to an object, or takes fields back that were not applied after all.
pub(super) async fn correct(
    tx: &DatabaseTransaction,
    instance: &str,
    entry: &Entry<'_>,
    not_applied: &[&str],
) -> Result<()> {
    let ids = [entry.native_id.to_owned()];
    let earlier = applied(tx, instance, entry.model, &ids).await.map_err(error::of_statement)?;
    let earlier = earlier.get(entry.native_id).cloned();
    if earlier.is_none() && entry.applied.is_empty() {
        return Ok(());
    }
    let now = earlier.unwrap_or_default().with(entry.applied).without(not_applied.iter().copied());
    let object = (entry.model, entry.native_id, entry.key);
    let row = values(instance, object, Origin::Written, None, entry.at, Some(&now));
    WRITTEN.run(tx, &[row], |_, row| row.clone()).await
}

/// The values of a row; the object is its model, its id and its key.
fn values(
    instance: &str,
    (model, native_id, key): (&str, &str, &str),
    origin: Origin,
    run: Option<RunId>,
    at: i64,
    applied: Option<&AppliedValues>,
) -> [Value; 8] {
    let origin = match origin {
        Origin::Created => CREATED_HERE,
        Origin::Adopted => "adopted",
        Origin::Written => "written",
    };
    [
        instance.into(),
        model.into(),
        native_id.into(),
        key.into(),
        origin.into(),
        run.map(|run| run.0).into(),
        at.into(),
        applied.map(|applied| applied.as_bytes().to_vec()).into(),
    ]
}

/// What was last applied to objects of a model, by id.
async fn applied<C: sea_orm::ConnectionTrait>(
    db: &C,
    instance: &str,
    model: &str,
    ids: &[String],
) -> Result<HashMap<String, AppliedValues>, sea_orm::DbErr> {
    let mut found = HashMap::with_capacity(ids.len());
    for ids in ids.chunks(IDS) {
        let rows = of_model(instance, model)
            .filter(ledger::Column::NativeId.is_in(ids.iter().map(String::as_str)))
            .filter(ledger::Column::Applied.is_not_null())
            .select_only()
            .columns([ledger::Column::NativeId, ledger::Column::Applied])
            .into_tuple::<(String, Vec<u8>)>()
            .all(db)
            .await?;
        // What cannot be read is not known.
        found.extend(rows.into_iter().filter_map(|(id, packed)| Some((id, AppliedValues::from_bytes(packed)?))));
    }
    Ok(found)
}

fn of_model(instance: &str, model: &str) -> sea_orm::Select<ledger::Entity> {
    ledger::Entity::find().filter(ledger::Column::Instance.eq(instance)).filter(ledger::Column::Model.eq(model))
}

/// Gives objects to a system that stood under another name until now.
pub(super) async fn take_over(tx: &DatabaseTransaction, instance: &str, objects: &[ledger::Model]) -> Result<()> {
    let row = |object: &ledger::Model, applied: Option<Vec<u8>>| -> [Value; 8] {
        let ledger::Model { model, native_id, key, origin, run_id, at, .. } = object.clone();
        [
            instance.into(),
            model.into(),
            native_id.into(),
            key.into(),
            origin.into(),
            run_id.into(),
            at.into(),
            applied.into(),
        ]
    };
    let (created, written): (Vec<_>, Vec<_>) = objects.iter().partition(|object| object.origin == CREATED_HERE);
    CREATED.run(tx, &created, |_, object| row(object, object.applied.clone())).await?;
    let mut by_model: BTreeMap<&str, Vec<&ledger::Model>> = BTreeMap::new();
    for object in written {
        by_model.entry(&object.model).or_default().push(object);
    }
    for (model, objects) in by_model {
        let ids: Vec<_> = objects.iter().map(|object| object.native_id.clone()).collect();
        let earlier = applied(tx, instance, model, &ids).await.map_err(error::of_statement)?;
        let with_earlier = |object: &ledger::Model| {
            let Some(earlier) = earlier.get(&object.native_id) else { return object.applied.clone() };
            let later = object.applied.clone().and_then(AppliedValues::from_bytes).unwrap_or_default();
            Some(earlier.with(&later).as_bytes().to_vec())
        };
        WRITTEN.run(tx, &objects, |_, object| row(object, with_earlier(object))).await?;
    }
    Ok(())
}

/// Forgets objects of a model by their ids.
pub(super) async fn delete(tx: &DatabaseTransaction, instance: &str, model: &str, ids: &[String]) -> Result<()> {
    for ids in ids.chunks(IDS) {
        ledger::Entity::delete_many()
            .filter(ledger::Column::Instance.eq(instance))
            .filter(ledger::Column::Model.eq(model))
            .filter(ledger::Column::NativeId.is_in(ids.iter().map(String::as_str)))
            .exec(tx)
            .await
            .map_err(error::of_statement)?;
    }
    Ok(())
}

impl History {
    /// Declares objects of a model of the system that a run writes to to be ours: each a key and its id in the system. What a
    /// run only stages is ours once it is merged.
    pub async fn adopt(&self, claim: Claim, model: &str, objects: &[(AnyKey, String)]) -> Result<()> {
        let now = text::now();
        self.store
            .write(move |tx, _| {
                async move {
                    let instance: &str = &stage::written_to(tx, claim).await?;
                    ADOPTED
                        .run(tx, objects, |_, (key, native_id)| {
                            let object = (model, native_id.as_str(), key.as_str());
                            values(instance, object, Origin::Adopted, None, now, None)
                        })
                        .await
                }
                .boxed()
            })
            .await
    }

    /// What is known of objects of a model that are ours, by id. Others are not in the answer.
    pub async fn bindings(&self, instance: &str, model: &str, ids: &[String]) -> Result<HashMap<String, Binding>> {
        let mut found = HashMap::new();
        for ids in ids.chunks(IDS) {
            let rows = of_model(instance, model)
                .filter(ledger::Column::NativeId.is_in(ids.iter().map(String::as_str)))
                .filter(ledger::Column::Origin.is_in(OURS))
                .all(self.store.db())
                .await
                .map_err(|error| self.store.read_error(error))?;
            for row in rows {
                let binding = Binding::try_from(row)?;
                found.insert(binding.native_id.clone(), binding);
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
        let ids: Vec<_> = objects.iter().filter_map(|(_, id)| id.clone()).collect();
        let bindings = self.bindings(instance, model, &ids).await?;
        let ours = objects.iter().filter(|(_, id)| id.as_ref().is_some_and(|id| bindings.contains_key(id)));
        Ok(ours.map(|(key, _)| key.clone()).collect())
    }

    /// The ids of all objects of a model that are ours, handed on as they are read.
    pub async fn each_of_ours(&self, instance: &str, model: &str, mut take: impl FnMut(&str)) -> Result<()> {
        const PAGE: u64 = 10_000;
        let mut after = String::new();
        loop {
            let rows: Vec<String> = of_model(instance, model)
                .filter(ledger::Column::Origin.is_in(OURS))
                .filter(ledger::Column::NativeId.gt(after.as_str()))
                .select_only()
                .column(ledger::Column::NativeId)
                .order_by_asc(ledger::Column::NativeId)
                .limit(PAGE)
                .into_tuple()
                .all(self.store.db())
                .await
                .map_err(|error| self.store.read_error(error))?;
            for id in &rows {
                take(id);
            }
            match rows.into_iter().last() {
                Some(last) => after = last,
                None => return Ok(()),
            }
        }
    }

    /// What was last applied to objects of a model, by id. Objects that Syncline never wrote are not in the answer.
    pub async fn applied(&self, instance: &str, model: &str, ids: &[String]) -> Result<HashMap<String, AppliedValues>> {
        applied(self.store.db(), instance, model, ids).await.map_err(|error| self.store.read_error(error))
    }

    /// Whether anything was ever applied to an object of a model.
    pub async fn has_applied(&self, instance: &str, model: &str) -> Result<bool> {
        let found = of_model(instance, model)
            .filter(ledger::Column::Applied.is_not_null())
            .select_only()
            .column(ledger::Column::NativeId)
            .limit(1)
            .into_tuple::<String>()
            .one(self.store.db())
            .await
            .map_err(|error| self.store.read_error(error))?;
        Ok(found.is_some())
    }
}

impl TryFrom<ledger::Model> for Binding {
    type Error = crate::Error;

    fn try_from(row: ledger::Model) -> Result<Self> {
        Ok(Self {
            model: row.model,
            key: AnyKey::from_canonical(&row.key),
            native_id: row.native_id,
            origin: text::parse("ledger.origin", &row.origin)?,
            run: row.run_id.map(RunId),
            at: text::time(row.at),
        })
    }
}
