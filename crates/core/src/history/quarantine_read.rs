//! Looking at absent objects.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use sea_orm::{ColumnTrait, Condition, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect};
use serde::{Deserialize, Serialize};
use syncline_model::AnyKey;

use super::entity::{change, quarantine};
use super::quarantine::{mark, state, streak};
use super::{History, MarkMade, OutcomeKind, Page, RunId, SyncId, object, text};
use crate::Result;
use crate::change::Action;
use crate::quarantine::{State, Streak};

/// How many keys one statement asks for.
const KEYS: usize = 500;

/// An absent object that waits.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Quarantined {
    /// The sync that does not find it in its source.
    pub sync: String,
    /// The model.
    pub model: String,
    /// The record.
    #[schemars(with = "Vec<serde_json::Value>")]
    pub key: AnyKey,
    /// The object's id in the target.
    pub native_id: Option<String>,
    /// Where it is.
    pub state: State,
    /// How long it is absent, and what was decided about it.
    pub streak: Streak,
    /// How many runs the policy asks for.
    pub needs_runs: u64,
    /// When enough hours will have passed.
    pub due_at: DateTime<Utc>,
    /// The last run that saw it absent.
    pub seen_by: RunId,
    /// When that was.
    pub seen_at: DateTime<Utc>,
    /// The mark that it got in the target.
    pub mark: Option<MarkMade>,
}

/// Which absent objects are wanted. An empty filter wants all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QuarantineFilter {
    /// Of the sync with this name.
    pub sync: Option<String>,
    /// Where they are; none for anywhere.
    pub state: Option<State>,
    /// Of this model.
    pub model: Option<String>,
}

/// Where a page of absent objects ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct QuarantineCursor {
    /// The sync of its last one.
    pub sync: SyncId,
    /// The model.
    pub model: String,
    /// The record.
    #[schemars(with = "Vec<serde_json::Value>")]
    pub key: AnyKey,
}

impl History {
    /// Absent objects by sync, model and key, after `after`, `limit` at most.
    pub async fn quarantine(
        &self,
        filter: &QuarantineFilter,
        after: Option<QuarantineCursor>,
        limit: u64,
    ) -> Result<Page<Quarantined, QuarantineCursor>> {
        let now = Utc::now();
        let sync = match &filter.sync {
            None => None,
            Some(name) => match self.sync(name).await? {
                Some(sync) => Some(sync.id),
                None => return Ok(Page { items: Vec::new(), next: None }),
            },
        };
        let later = after.map(|QuarantineCursor { sync, model, key }| {
            let same_sync = quarantine::Column::SyncId.eq(sync.0);
            let same_model = Condition::all().add(same_sync.clone()).add(quarantine::Column::Model.eq(&model));
            Condition::any()
                .add(quarantine::Column::SyncId.gt(sync.0))
                .add(Condition::all().add(same_sync).add(quarantine::Column::Model.gt(&model)))
                .add(same_model.add(quarantine::Column::Key.gt(key.as_str())))
        });
        let rows = quarantine::Entity::find()
            .filter(Condition::all().add_option(sync.map(|sync| quarantine::Column::SyncId.eq(sync.0))))
            .filter(Condition::all().add_option(filter.model.as_ref().map(|model| quarantine::Column::Model.eq(model))))
            .filter(Condition::all().add_option(filter.state.map(|state| is_in(state, now))))
            .filter(Condition::all().add_option(later))
            .order_by_asc(quarantine::Column::SyncId)
            .order_by_asc(quarantine::Column::Model)
            .order_by_asc(quarantine::Column::Key)
            .limit(limit.saturating_add(1))
            .all(self.store.db())
            .await
            .map_err(|error| self.store.read_error(error))?;
        let names = self.sync_names(rows.iter().map(|row| row.sync_id)).await?;
        let items: Result<Vec<_>> = rows
            .into_iter()
            .map(|row| {
                let sync = SyncId(row.sync_id);
                let name = names.get(&row.sync_id).cloned().unwrap_or_default();
                Ok((sync, Quarantined::of(row, name, now)?))
            })
            .collect();
        let page = Page::cut(items?, limit, |(sync, item)| QuarantineCursor {
            sync: *sync,
            model: item.model.clone(),
            key: item.key.clone(),
        });
        Ok(Page { items: page.items.into_iter().map(|(_, item)| item).collect(), next: page.next })
    }

    /// How many absent objects of a sync are in which state. They are counted when they are asked for: time alone makes an
    /// object due.
    pub async fn quarantine_counts(&self, sync: &str) -> Result<BTreeMap<State, u64>> {
        let Some(sync) = self.sync(sync).await? else { return Ok(BTreeMap::new()) };
        let now = Utc::now();
        let mut counts = BTreeMap::new();
        for state in State::ALL {
            let of_state =
                quarantine::Entity::find().filter(quarantine::Column::SyncId.eq(sync.id.0)).filter(is_in(state, now));
            let count = of_state.count(self.store.db()).await.map_err(|error| self.store.read_error(error))?;
            counts.insert(state, count);
        }
        Ok(counts)
    }

    /// What is known of objects of a model that are absent. Keys of others are not in the answer.
    pub async fn absent(
        &self,
        sync: SyncId,
        model: &str,
        keys: impl IntoIterator<Item = &AnyKey>,
    ) -> Result<HashMap<AnyKey, Quarantined>> {
        let hashes = keys.into_iter().map(|key| object::hash(model, key.as_str()).to_be_bytes().to_vec());
        let hashes: Vec<_> = hashes.collect();
        let mut found = HashMap::new();
        for hashes in hashes.chunks(KEYS) {
            let rows = quarantine::Entity::find()
                .filter(quarantine::Column::SyncId.eq(sync.0))
                .filter(quarantine::Column::KeyHash.is_in(hashes.iter().cloned()))
                .all(self.store.db())
                .await
                .map_err(|error| self.store.read_error(error))?;
            for row in rows {
                let row = Quarantined::of(row, String::new(), Utc::now())?;
                found.insert(row.key.clone(), row);
            }
        }
        Ok(found)
    }

    /// The objects of a sync that have a mark in the target.
    pub async fn marked(&self, sync: SyncId) -> Result<Vec<Quarantined>> {
        let rows = quarantine::Entity::find()
            .filter(quarantine::Column::SyncId.eq(sync.0))
            .filter(quarantine::Column::Mark.is_not_null())
            .all(self.store.db())
            .await
            .map_err(|error| self.store.read_error(error))?;
        rows.into_iter().map(|row| Quarantined::of(row, String::new(), Utc::now())).collect()
    }

    /// Whether a run updated an object: its mark was written, and whoever took it away meant it.
    pub async fn updated_by(&self, run: RunId, model: &str, key: &AnyKey) -> Result<bool> {
        let done = [OutcomeKind::Applied, OutcomeKind::Unchanged].map(OutcomeKind::as_str);
        let found = change::Entity::find()
            .filter(change::Column::KeyHash.eq(object::half(object::hash(model, key.as_str()))))
            .filter(change::Column::RunId.eq(run.0))
            .filter(change::Column::Model.eq(model))
            .filter(change::Column::Key.eq(key.as_str()))
            .filter(change::Column::Action.eq(Action::Update.as_str()))
            .filter(change::Column::Outcome.is_in(done))
            .count(self.store.db())
            .await
            .map_err(|error| self.store.read_error(error))?;
        Ok(found > 0)
    }
}

/// Which rows are in a state: the same as [`state`].
fn is_in(state: State, now: DateTime<Utc>) -> Condition {
    use quarantine::Column;
    let present = Column::Returned.eq(false);
    let undecided = Condition::any().add(Column::Decision.is_null()).add(Column::Decision.eq("restore"));
    let due = Condition::all()
        .add(Column::Counts.eq(true))
        .add(sea_orm::sea_query::ExprTrait::gte(
            sea_orm::sea_query::Expr::col(Column::Runs),
            sea_orm::sea_query::Expr::col(Column::NeedsRuns),
        ))
        .add(Column::DueAt.lte(text::micros(now)));
    match state {
        State::Returned => Condition::all().add(Column::Returned.eq(true)),
        State::Kept => Condition::all().add(present).add(Column::Decision.eq("keep")),
        State::Released => Condition::all().add(present).add(Column::Decision.eq("delete_now")),
        State::Due => Condition::all().add(present).add(undecided).add(due),
        State::Waiting => Condition::all().add(present).add(undecided).add(due.not()),
    }
}

impl Quarantined {
    /// The object of a row of a sync with this name.
    pub(super) fn of(row: quarantine::Model, sync: String, now: DateTime<Utc>) -> Result<Self> {
        Ok(Self {
            sync,
            state: state(&row, now),
            streak: streak(&row)?,
            mark: mark(&row)?,
            needs_runs: text::count(row.needs_runs),
            due_at: text::time(row.due_at),
            seen_by: RunId(row.seen_by),
            seen_at: text::time(row.seen_at),
            key: AnyKey::from_canonical(&row.key),
            model: row.model,
            native_id: row.native_id,
        })
    }
}
