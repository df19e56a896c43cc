//! What people leave alone: differences of a record, or of one of its fields, that no run of a sync is to write.
//!
//! A row says on whose word and until when. It is never removed: who ends it is noted in it. The drift findings that it is about are
//! resolved with it, by no run, and open again when it is over and they still occur.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use futures::FutureExt;
use schemars::JsonSchema;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, Condition, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect,
};
use serde::{Deserialize, Serialize};
use syncline_model::{AnyKey, models};

use super::entity::{finding, ignore};
use super::{FindingKind, FindingState, History, Page, error, text};
use crate::ignore::{Ignored, MOST, end_of, reason};
use crate::plan::Selector;
use crate::{Error, ErrorKind, Result, similar};

/// How many findings a statement names at most.
const AT_ONCE: usize = 500;

/// The number of an ignore in one history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct IgnoreId(i64);

/// Something that is to be left alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewIgnore {
    /// The name of the sync.
    pub sync: String,
    /// The model.
    pub model: String,
    /// The record.
    pub key: AnyKey,
    /// The field; none for the record as a whole.
    pub field: Option<String>,
    /// The last day, in UTC; none until somebody ends it.
    pub until: Option<NaiveDate>,
    /// Who wants it.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// Something that is left alone, or was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Ignore {
    /// Its number.
    pub id: IgnoreId,
    /// The name of the sync.
    pub sync: String,
    /// The model.
    pub model: String,
    /// The record.
    #[schemars(with = "Vec<serde_json::Value>")]
    pub key: AnyKey,
    /// The field; none for the record as a whole.
    pub field: Option<String>,
    /// The last day, in UTC; none until somebody ends it.
    pub until: Option<NaiveDate>,
    /// Who wanted it.
    pub by: String,
    /// Why.
    pub reason: String,
    /// Since when.
    pub at: DateTime<Utc>,
    /// Who ended it, and when; none while nobody did. One whose last day is over ended by itself.
    pub ended: Option<IgnoreEnded>,
}

/// That somebody ended an ignore.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct IgnoreEnded {
    /// Who.
    pub by: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// Which ignores are wanted. An empty filter wants all, those too that are over.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IgnoreFilter {
    /// Of the sync with this name.
    pub sync: Option<String>,
    /// Of this model.
    pub model: Option<String>,
    /// Of this record.
    pub key: Option<AnyKey>,
    /// Those in force at this time.
    pub in_force: Option<DateTime<Utc>>,
}

/// Why something cannot be left alone.
#[derive(Debug, thiserror::Error)]
pub enum NotIgnored {
    /// There is no such model.
    #[error("there is no model `{model}`; {remedy}")]
    NoModel {
        /// What was asked for.
        model: String,
        /// What may be meant.
        remedy: String,
    },
    /// It is no key of a record of the model.
    #[error("{0}")]
    NoKey(Error),
    /// The model has no such field.
    #[error("a {label} has no field `{field}`; {remedy}")]
    NoField {
        /// The model in words.
        label: &'static str,
        /// What was asked for.
        field: String,
        /// What may be meant.
        remedy: String,
    },
    /// The last day is over.
    #[error("{day} is over: the last day has to be today, in UTC, or later")]
    Over {
        /// The day.
        day: NaiveDate,
    },
    /// Anything else.
    #[error(transparent)]
    Failed(#[from] Error),
}

impl NotIgnored {
    /// What of the wish is wrong, by its name in the API; none when it is not the wish.
    pub fn at(&self) -> Option<&'static str> {
        match self {
            Self::NoModel { .. } => Some("model"),
            Self::NoKey(_) => Some("key"),
            Self::NoField { .. } => Some("field"),
            Self::Over { .. } => Some("until"),
            Self::Failed(_) => None,
        }
    }
}

impl From<NotIgnored> for Error {
    fn from(refused: NotIgnored) -> Self {
        match refused {
            NotIgnored::NoKey(error) | NotIgnored::Failed(error) => error,
            other => Self::new(ErrorKind::Settings, other.to_string()),
        }
    }
}

impl History {
    /// Leaves something alone from the next plan on, in place of what was said of the same record or field before. Resolves the drift
    /// findings about it, and those of what belongs to it and would come or go. `now` is the time by which is judged which days are over.
    pub async fn ignore(&self, wish: &NewIgnore, now: DateTime<Utc>) -> Result<Ignore, NotIgnored> {
        let (model, key) = record(wish)?;
        let until = last(wish.until, now)?;
        let sync = self.sync(&wish.sync).await?.ok_or_else(|| no_sync(&wish.sync))?.id.0;
        let row = &ignore::ActiveModel {
            sync_id: Set(sync),
            model: Set(model.clone()),
            key: Set(key.as_str().to_owned()),
            field: Set(wish.field.clone().unwrap_or_default()),
            until_at: Set(until),
            made_by: Set(wish.by.clone()),
            reason: Set(wish.reason.clone()),
            made_at: Set(text::micros(now)),
            ..Default::default()
        };
        let place = &Condition::all()
            .add(ignore::Column::SyncId.eq(sync))
            .add(ignore::Column::Model.eq(&model))
            .add(ignore::Column::Key.eq(key.as_str()))
            .add(ignore::Column::Field.eq(wish.field.as_deref().unwrap_or_default()));
        // Whatever field of an ignored record differs, it is left alone with it.
        let found = &Condition::all()
            .add(finding::Column::SyncId.eq(sync))
            .add(finding::Column::Kind.eq(FindingKind::Drift.as_str()))
            .add(finding::Column::Model.eq(&model))
            .add(finding::Column::Key.eq(key.as_str()))
            .add(finding::Column::State.ne(FindingState::Resolved.as_str()))
            .add_option(wish.field.as_ref().map(|field| finding::Column::Field.eq(field)));
        let parts = match wish.field {
            None => self.drift_of_parts(sync, &model, &key).await?,
            Some(_) => Vec::new(),
        };
        let parts = &parts;
        let row = self
            .store
            .write(move |tx, _| {
                async move {
                    let former = ignore::Entity::update_many()
                        .col_expr(ignore::Column::EndedBy, Expr::value(wish.by.as_str()))
                        .col_expr(ignore::Column::EndedAt, Expr::value(text::micros(now)))
                        .filter(place.clone())
                        .filter(in_force(now));
                    former.exec(tx).await.map_err(error::of_statement)?;
                    let others = ignore::Entity::find().filter(ignore::Column::SyncId.eq(sync)).filter(in_force(now));
                    let others = others.count(tx).await.map_err(error::of_statement)?;
                    if others >= MOST as u64 {
                        return Err(too_many(&wish.sync));
                    }
                    let of_parts = parts.chunks(AT_ONCE).map(|parts| finding::Column::Id.is_in(parts.iter().copied()));
                    for found in of_parts.map(|parts| Condition::all().add(parts)).chain([found.clone()]) {
                        let resolved = finding::Entity::update_many()
                            .col_expr(finding::Column::State, FindingState::Resolved.as_str().into())
                            .filter(found);
                        resolved.exec(tx).await.map_err(error::of_statement)?;
                    }
                    row.clone().insert(tx).await.map_err(error::of_statement)
                }
                .boxed()
            })
            .await?;
        Ok(Ignore::of(row, wish.sync.clone()))
    }

    /// Ends what is left alone in a sync: the next plan has it again. That there is none of this number, or that it is over, is an error.
    pub async fn end_ignore(&self, sync: &str, id: IgnoreId, by: &str, now: DateTime<Utc>) -> Result<Ignore> {
        let missing = || {
            let message =
                format!("nothing is left alone in `{sync}` as {id}: `syncline ignore list {sync}` has what is");
            Error::new(ErrorKind::NotFound, message)
        };
        let Some(known) = self.sync(sync).await? else { return Err(no_sync(sync)) };
        let of_sync = &Condition::all().add(ignore::Column::Id.eq(id.0)).add(ignore::Column::SyncId.eq(known.id.0));
        self.store
            .write(move |tx, _| {
                async move {
                    let end = ignore::Entity::update_many()
                        .col_expr(ignore::Column::EndedBy, Expr::value(by))
                        .col_expr(ignore::Column::EndedAt, Expr::value(text::micros(now)))
                        .filter(of_sync.clone())
                        .filter(in_force(now));
                    let ended = end.exec(tx).await.map_err(error::of_statement)?.rows_affected;
                    let row = ignore::Entity::find().filter(of_sync.clone()).one(tx).await;
                    match row.map_err(error::of_statement)? {
                        None => Err(missing()),
                        Some(_) if ended == 0 => {
                            let message = format!("what was left alone as {id} is over already");
                            Err(Error::new(ErrorKind::Refused, message))
                        }
                        Some(row) => Ok(Ignore::of(row, sync.to_owned())),
                    }
                }
                .boxed()
            })
            .await
    }

    /// What is left alone, or was, newest first: those with a smaller number than `before`.
    pub async fn ignores(
        &self,
        filter: &IgnoreFilter,
        before: Option<IgnoreId>,
        limit: u64,
    ) -> Result<Page<Ignore, IgnoreId>> {
        let sync = match &filter.sync {
            None => None,
            Some(name) => match self.sync(name).await? {
                Some(sync) => Some(sync.id.0),
                None => return Ok(Page { items: Vec::new(), next: None }),
            },
        };
        let wanted = Condition::all()
            .add_option(sync.map(|sync| ignore::Column::SyncId.eq(sync)))
            .add_option(filter.model.as_ref().map(|model| ignore::Column::Model.eq(model)))
            .add_option(filter.key.as_ref().map(|key| ignore::Column::Key.eq(key.as_str())))
            .add_option(filter.in_force.map(in_force))
            .add_option(before.map(|before| ignore::Column::Id.lt(before.0)));
        let rows = ignore::Entity::find()
            .filter(wanted)
            .order_by_desc(ignore::Column::Id)
            .limit(limit.saturating_add(1))
            .all(self.store.db())
            .await
            .map_err(|error| self.store.read_error(error))?;
        let names = self.sync_names(rows.iter().map(|row| row.sync_id)).await?;
        let name = |row: &ignore::Model| names.get(&row.sync_id).cloned().unwrap_or_default();
        let items = rows.into_iter().map(|row| Ignore::of(row.clone(), name(&row))).collect();
        Ok(Page::cut(items, limit, |ignore| ignore.id))
    }

    /// How many things each sync leaves alone. A sync that leaves nothing alone is not in the answer.
    pub async fn ignore_counts(&self, now: DateTime<Utc>) -> Result<BTreeMap<String, u64>> {
        let rows: Vec<(i64, i64)> = ignore::Entity::find()
            .select_only()
            .column(ignore::Column::SyncId)
            .column_as(Expr::col(ignore::Column::Id).count(), "ignores")
            .filter(in_force(now))
            .group_by(ignore::Column::SyncId)
            .into_tuple()
            .all(self.store.db())
            .await
            .map_err(|error| self.store.read_error(error))?;
        let names = self.sync_names(rows.iter().map(|(sync, _)| *sync)).await?;
        let named = rows.into_iter().filter_map(|(sync, count)| Some((names.get(&sync)?.clone(), text::count(count))));
        Ok(named.collect())
    }

    /// What a plan of a sync that is made at a time leaves alone.
    pub async fn ignored(&self, sync: &str, now: DateTime<Utc>) -> Result<Ignored> {
        let filter = IgnoreFilter { sync: Some(sync.to_owned()), in_force: Some(now), ..IgnoreFilter::default() };
        let mut ignored = Ignored::default();
        // Two people at once can get past the bound by one: what is in force counts all the same.
        for ignore in self.ignores(&filter, None, 2 * MOST as u64).await?.items {
            ignored.add(&ignore.model, &ignore.key, ignore.field.as_deref(), ignore.words());
        }
        Ok(ignored)
    }
}

impl IgnoreId {
    /// The ignore with a number.
    pub fn new(number: i64) -> Self {
        Self(number)
    }

    /// The number.
    pub fn number(self) -> i64 {
        self.0
    }
}

impl std::fmt::Display for IgnoreId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl Ignore {
    /// Whether it is in force at a time.
    pub fn is_in_force(&self, now: DateTime<Utc>) -> bool {
        let is_over = self.until.and_then(end_of).is_some_and(|end| end <= now);
        self.ended.is_none() && !is_over
    }

    /// Why the difference stays, in words.
    pub fn words(&self) -> String {
        reason(self.until, &self.by, &self.reason)
    }

    fn of(row: ignore::Model, sync: String) -> Self {
        let at = text::time(row.ended_at.unwrap_or_default());
        Self {
            id: IgnoreId(row.id),
            sync,
            key: AnyKey::from_canonical(&row.key),
            field: Some(row.field).filter(|field| !field.is_empty()),
            // It is kept as the end of its last day.
            until: row.until_at.and_then(|end| text::time(end).date_naive().pred_opt()),
            by: row.made_by,
            reason: row.reason,
            at: text::time(row.made_at),
            ended: row.ended_by.map(|by| IgnoreEnded { by, at }),
            model: row.model,
        }
    }
}

/// The record of a wish, with the key as plans have it.
fn record(wish: &NewIgnore) -> Result<(String, AnyKey), NotIgnored> {
    let Some(schema) = models::by_name(&wish.model) else {
        let remedy = similar::remedy(&wish.model, models::ALL.iter().map(|schema| schema.name));
        return Err(NotIgnored::NoModel { model: wish.model.clone(), remedy });
    };
    let selector: Selector = format!("{}:{}", wish.model, wish.key.as_str()).parse().map_err(NotIgnored::NoKey)?;
    let Selector::Record(model, key) = selector else {
        let message = format!("`{}` names no record", wish.key.as_str());
        return Err(NotIgnored::NoKey(Error::new(ErrorKind::Settings, message)));
    };
    if let Some(field) = &wish.field
        && schema.field(field).is_none()
    {
        let remedy = similar::remedy(field, schema.fields.iter().map(|field| field.name));
        return Err(NotIgnored::NoField { label: schema.label, field: field.clone(), remedy });
    }
    Ok((model, key))
}

/// When the last day ends; an error when it has.
fn last(until: Option<NaiveDate>, now: DateTime<Utc>) -> Result<Option<i64>, NotIgnored> {
    let Some(day) = until else { return Ok(None) };
    // A day beyond all calendars is never over.
    let Some(end) = end_of(day) else { return Ok(None) };
    if end <= now { Err(NotIgnored::Over { day }) } else { Ok(Some(text::micros(end))) }
}

fn in_force(now: DateTime<Utc>) -> Condition {
    let endless = ignore::Column::UntilAt.is_null();
    Condition::all()
        .add(ignore::Column::EndedAt.is_null())
        .add(Condition::any().add(endless).add(ignore::Column::UntilAt.gt(text::micros(now))))
}

fn no_sync(name: &str) -> Error {
    Error::new(ErrorKind::NotFound, format!("there is no sync `{name}`: `syncline sync list` has those that there are"))
}

fn too_many(sync: &str) -> Error {
    let message = format!(
        "`{sync}` leaves {MOST} differences alone already: give the fields to the target in its settings (`policy.fields`), or end some \
         (`syncline ignore list {sync}`)"
    );
    Error::new(ErrorKind::Refused, message)
}
