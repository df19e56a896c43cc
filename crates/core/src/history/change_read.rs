//! Looking at changes.

use std::collections::{HashMap, HashSet};

use sea_orm::{ColumnTrait, Condition, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Select};
use syncline_model::AnyKey;

use super::change::{ChangeCount, ChangeFilter, OutcomeKind, StoredChange, TimelineCursor, TimelineEntry};
use super::entity::{change, run, run_outcome};
use super::{History, Page, RunId, object, text};
use crate::Result;
use crate::change::{Action, Change, HoldRule};

/// About how many records is asked at once.
const ASKED: usize = 500;

impl History {
    /// How many changes of a run have which model, action and outcome: counters, not a count.
    pub async fn change_counts(&self, run: RunId) -> Result<Vec<ChangeCount>> {
        let rows = run_outcome::Entity::find()
            .filter(run_outcome::Column::RunId.eq(run.0))
            .filter(run_outcome::Column::Count.gt(0))
            .order_by_asc(run_outcome::Column::Model)
            .order_by_asc(run_outcome::Column::Action)
            .order_by_asc(run_outcome::Column::Outcome)
            .all(self.store.db())
            .await
            .map_err(|error| self.store.read_error(error))?;
        rows.into_iter().map(ChangeCount::try_from).collect()
    }

    /// Changes of a run in the order they were recorded, after the place `after`.
    pub async fn changes(
        &self,
        run: RunId,
        filter: &ChangeFilter,
        after: Option<u64>,
        limit: u64,
    ) -> Result<Page<StoredChange, u64>> {
        let after = after.map_or(0, text::stored);
        let places = if *filter == ChangeFilter::default() {
            Condition::all().add(change::Column::Seq.gt(after))
        } else {
            Condition::all().add(change::Column::Seq.is_in(self.places(run, filter, after, limit).await?))
        };
        let rows = change::Entity::find()
            .filter(change::Column::RunId.eq(run.0))
            .filter(places)
            .order_by_asc(change::Column::Seq)
            .limit(limit.saturating_add(1))
            .all(self.store.db())
            .await
            .map_err(|error| self.store.read_error(error))?;
        let changes: Result<Vec<_>> = rows.into_iter().map(StoredChange::try_from).collect();
        Ok(Page::cut(changes?, limit, |change| change.seq))
    }

    /// What came of changes of the plan of a run, by their ids: of those of which the run has told something.
    pub async fn came_of(
        &self,
        run: RunId,
        changes: impl IntoIterator<Item = &Change>,
    ) -> Result<HashMap<String, StoredChange>> {
        let hash = |change: &Change| object::half(object::hash(&change.model, change.key.as_str()));
        let (ids, mut hashes): (HashSet<_>, Vec<_>) =
            changes.into_iter().map(|change| (change.id.as_str(), hash(change))).unzip();
        hashes.sort_unstable();
        hashes.dedup();
        let mut came = HashMap::new();
        for some in hashes.chunks(ASKED) {
            let mut rows =
                Self::changes_of(run, some).all(self.store.db()).await.map_err(|error| self.store.read_error(error))?;
            rows.sort_unstable_by_key(|row| row.seq);
            for row in rows.into_iter().filter(|row| ids.contains(row.change_id.as_str())) {
                came.insert(row.change_id.clone(), StoredChange::try_from(row)?);
            }
        }
        Ok(came)
    }

    /// The changes of a run with some of the hashes of records, in no order: asked for one, SQLite would walk through all changes of
    /// the run, because they are in it.
    pub(super) fn changes_of(run: RunId, hashes: &[i64]) -> Select<change::Entity> {
        change::Entity::find()
            .filter(change::Column::KeyHash.is_in(hashes.iter().copied()))
            .filter(change::Column::RunId.eq(run.0))
    }

    /// The places of the first changes that a filter wants.
    ///
    /// The counters tell which combinations of model, action and outcome there are. Each of them is a stretch of one index
    /// in the right order, so that rare changes are found among millions without a look at the others.
    pub(super) async fn places(&self, run: RunId, filter: &ChangeFilter, after: i64, limit: u64) -> Result<Vec<i64>> {
        let mut places = Vec::new();
        let rule = filter.rule.map(|rule| change::Column::HoldRule.eq(rule.as_str()));
        for kind in self.change_counts(run).await?.iter().filter(|kind| filter.wants(kind)) {
            let some: Vec<i64> = change::Entity::find()
                .select_only()
                .column(change::Column::Seq)
                .filter(change::Column::RunId.eq(run.0))
                .filter(change::Column::Model.eq(&kind.model))
                .filter(change::Column::Action.eq(kind.action.as_str()))
                .filter(change::Column::Outcome.eq(kind.outcome.as_str()))
                .filter(Condition::all().add_option(rule.clone()))
                .filter(change::Column::Seq.gt(after))
                .order_by_asc(change::Column::Seq)
                .limit(limit.saturating_add(1))
                .into_tuple()
                .all(self.store.db())
                .await
                .map_err(|error| self.store.read_error(error))?;
            places.extend(some);
        }
        places.sort_unstable();
        places.truncate(usize::try_from(limit.saturating_add(1)).unwrap_or(usize::MAX));
        Ok(places)
    }

    /// How many deletes the plan of a run holds back. Those of shared records, of what Syncline did not create and of what people
    /// leave alone are left out: they would not be made anyway. Every held delete is looked at, so this is not asked often.
    pub async fn held_deletes(&self, run: RunId) -> Result<u64> {
        let kinds = self.change_counts(run).await?;
        // What a dry run holds back is planned, with its rule.
        let is_held = |kind: &&ChangeCount| {
            kind.action == Action::Delete && matches!(kind.outcome, OutcomeKind::Held | OutcomeKind::Planned)
        };
        let never = [HoldRule::NotOurs, HoldRule::Shared, HoldRule::Ignored].map(HoldRule::as_str);
        let mut deletes = 0;
        for kind in kinds.iter().filter(is_held) {
            let of_kind = change::Entity::find()
                .filter(change::Column::RunId.eq(run.0))
                .filter(change::Column::Model.eq(&kind.model))
                .filter(change::Column::Action.eq(kind.action.as_str()))
                .filter(change::Column::Outcome.eq(kind.outcome.as_str()))
                .filter(change::Column::HoldRule.is_not_null())
                .filter(change::Column::HoldRule.is_not_in(never));
            deletes += of_kind.count(self.store.db()).await.map_err(|error| self.store.read_error(error))?;
        }
        Ok(deletes)
    }

    /// What happened to an object in all runs of all syncs, newest first.
    pub async fn timeline(
        &self,
        model: &str,
        key: &AnyKey,
        before: Option<TimelineCursor>,
        limit: u64,
    ) -> Result<Page<TimelineEntry, TimelineCursor>> {
        let earlier = before.map(|before| {
            let same_run = Condition::all()
                .add(change::Column::RunId.eq(before.run.0))
                .add(change::Column::Seq.lt(text::stored(before.seq)));
            Condition::any().add(change::Column::RunId.lt(before.run.0)).add(same_run)
        });
        let rows = change::Entity::find()
            .filter(change::Column::KeyHash.eq(object::half(object::hash(model, key.as_str()))))
            .filter(change::Column::Model.eq(model))
            .filter(change::Column::Key.eq(key.as_str()))
            .filter(Condition::all().add_option(earlier))
            .order_by_desc(change::Column::RunId)
            .order_by_desc(change::Column::Seq)
            .limit(limit.saturating_add(1))
            .all(self.store.db())
            .await
            .map_err(|error| self.store.read_error(error))?;
        let runs = self.origins(rows.iter().map(|row| row.run_id).collect()).await?;
        let entries: Result<Vec<_>> = rows
            .into_iter()
            .map(|row| {
                let run = RunId(row.run_id);
                let Origin { sync, instance, .. } = runs.get(&row.run_id).cloned().unwrap_or_default();
                Ok(TimelineEntry { run, sync, instance, change: StoredChange::try_from(row)? })
            })
            .collect();
        Ok(Page::cut(entries?, limit, |entry| TimelineCursor { run: entry.run, seq: entry.change.seq }))
    }

    /// The sync and the target of runs, and under which id each is traced.
    pub(super) async fn origins(&self, mut runs: Vec<i64>) -> Result<HashMap<i64, Origin>> {
        runs.dedup();
        let rows = run::Entity::find()
            .select_only()
            .columns([run::Column::Id, run::Column::SyncId, run::Column::TargetInstance, run::Column::TraceId])
            .filter(run::Column::Id.is_in(runs))
            .into_tuple::<(i64, i64, String, Option<String>)>()
            .all(self.store.db())
            .await
            .map_err(|error| self.store.read_error(error))?;
        let names = self.sync_names(rows.iter().map(|(_, sync, ..)| *sync)).await?;
        let name = |sync: i64| names.get(&sync).cloned().unwrap_or_default();
        let origin = |(run, sync, instance, trace_id)| (run, Origin { sync: name(sync), instance, trace_id });
        Ok(rows.into_iter().map(origin).collect())
    }
}

/// Where a row of a run comes from.
#[derive(Debug, Clone, Default)]
pub(super) struct Origin {
    /// The name of the run's sync.
    pub(super) sync: String,
    /// The system that it wrote to.
    pub(super) instance: String,
    /// Under which id it is traced.
    pub(super) trace_id: Option<String>,
}

impl ChangeFilter {
    fn wants(&self, kind: &ChangeCount) -> bool {
        self.model.as_ref().is_none_or(|model| *model == kind.model)
            && self.action.is_none_or(|action| action == kind.action)
            && (self.outcome.is_empty() || self.outcome.contains(&kind.outcome))
    }
}

impl TryFrom<run_outcome::Model> for ChangeCount {
    type Error = crate::Error;

    fn try_from(row: run_outcome::Model) -> Result<Self> {
        Ok(Self {
            action: text::parse("run_outcome.action", &row.action)?,
            outcome: text::parse("run_outcome.outcome", &row.outcome)?,
            count: text::count(row.count),
            model: row.model,
        })
    }
}
