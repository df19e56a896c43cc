//! What is kept of the past, and for how long.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use chrono::{TimeDelta, Utc};
use futures::FutureExt;
use schemars::JsonSchema;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use serde::{Deserialize, Serialize};

use super::entity::{change, finding, plan, quarantine, run, run_event, run_log, run_model};
use super::part::not_a_part;
use super::{FindingState, History, PlanRef, Purpose, RunId, RunStatus, error, text};
use crate::Result;

/// How many complete runs of a sync stay, so that people see what is usual. Of older ones the guards need the counts alone, which
/// [stay](super::kept_count) without them.
const BASELINE: usize = 5;
/// How many changes or log lines one transaction removes.
const ROWS: i64 = 5_000;
/// How many findings one transaction removes.
const SOME: u64 = 500;

/// How much of the past is kept. What is over one of the limits goes, oldest runs first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Retention {
    /// How many runs of each sync are kept.
    #[schemars(range(min = 1))]
    pub runs: Option<u64>,
    /// For how many days runs are kept.
    #[schemars(range(min = 1))]
    pub days: Option<u32>,
    /// How large what belongs to runs may grow, in megabytes (of a million bytes): changes, log lines and plans. It is reckoned
    /// from their numbers, alike for every database, and takes more room on the disk.
    #[schemars(range(min = 1))]
    pub megabytes: Option<u64>,
    /// For how many days the audit log is kept, which runs have no part in.
    #[schemars(range(min = 1))]
    pub audit_days: Option<u32>,
    /// How many reads of each model of a sync are kept beside those of its last run, source and target together. With them runs are compared, and
    /// scopes are counted. One that is as another one was is kept once.
    #[schemars(range(min = 1))]
    pub reads: Option<u64>,
}

/// Five years: what is asked for is as a rule what happened in the last business years.
const AUDIT_DAYS: u32 = 1_826;

/// What the last two runs of a sync read, as a rule.
const READS: u64 = 3;

impl Default for Retention {
    fn default() -> Self {
        Self { runs: Some(1_000), days: Some(365), megabytes: None, audit_days: Some(AUDIT_DAYS), reads: Some(READS) }
    }
}

/// A run that is not kept any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemovedRun {
    /// The run.
    pub run: RunId,
    /// The name of its sync.
    pub sync: String,
    /// Its plan. Its file is not removed here.
    pub plan: Option<PlanRef>,
}

/// A run that could go.
struct Candidate {
    id: i64,
    sync: i64,
    finished: i64,
    /// How many rows it has at most of what is numbered: changes, log lines, events.
    rows: u64,
    /// About how many bytes belong to it.
    bytes: u64,
    plan: Option<PlanRef>,
}

impl History {
    /// Removes the oldest runs that are over, with all that belongs to them, until the limits hold.
    ///
    /// Whatever the limits say, these stay: runs that are not over, the last completed real run of each sync, the runs that reads are
    /// compared with, runs that another run which is not over is about, those that quarantine refers to, and the runs in `kept`. What Syncline created, and what
    /// was found, is remembered without its runs; a finding that is over goes by its age, and so does a row of the
    /// audit log. Of the events of runs that stay, those stay
    /// that say something by themselves ([`History::thin_events`]).
    pub async fn prune(&self, retention: &Retention, kept: &HashSet<RunId>) -> Result<Vec<RemovedRun>> {
        self.thin_events().await?;
        let mut removed = Vec::new();
        for run in self.surplus(retention, kept).await? {
            if self.remove(&run).await? {
                removed.push(run);
            }
        }
        if let Some(oldest) = oldest(retention.days) {
            self.forget_findings(oldest).await?;
        }
        if let Some(oldest) = oldest(retention.audit_days) {
            self.forget_audit(oldest).await?;
        }
        self.removed(removed).await
    }

    /// The runs that [`prune`](Self::prune) would remove now.
    pub async fn prunable(&self, retention: &Retention, kept: &HashSet<RunId>) -> Result<Vec<RemovedRun>> {
        let surplus = self.surplus(retention, kept).await?;
        self.removed(surplus).await
    }

    /// Removes these runs with all that belongs to them, whatever is kept otherwise. Those stay that are not over, and those that later
    /// ones need, as [`prune`](Self::prune) tells.
    pub async fn remove_runs(&self, runs: &[RunId]) -> Result<Vec<RemovedRun>> {
        let wanted: HashSet<i64> = runs.iter().map(|run| run.0).collect();
        let needed = self.needed().await?;
        let going = self.candidates().await?.into_iter();
        let mut removed = Vec::new();
        for run in going.filter(|run| wanted.contains(&run.id) && !needed.contains(&run.id)) {
            if self.remove(&run).await? {
                removed.push(run);
            }
        }
        self.removed(removed).await
    }

    /// The runs that are over the limits and need not stay, oldest first.
    async fn surplus(&self, retention: &Retention, kept: &HashSet<RunId>) -> Result<Vec<Candidate>> {
        let mut stay: HashSet<i64> = kept.iter().map(|run| run.0).collect();
        stay.extend(self.needed().await?);
        let candidates = self.candidates().await?;
        let mut going: BTreeSet<i64> = BTreeSet::new();
        if let Some(runs) = retention.runs {
            let mut seen: BTreeMap<i64, u64> = BTreeMap::new();
            for candidate in candidates.iter().rev() {
                let seen = seen.entry(candidate.sync).or_default();
                *seen += 1;
                if *seen > runs {
                    going.insert(candidate.id);
                }
            }
        }
        if let Some(oldest) = oldest(retention.days) {
            going.extend(candidates.iter().filter(|run| run.finished < oldest).map(|run| run.id));
        }
        going.retain(|run| !stay.contains(run));
        if let Some(megabytes) = retention.megabytes {
            let limit = megabytes.saturating_mul(1_000_000);
            let content = self.content_bytes().await?;
            let gone: u64 = candidates.iter().filter(|run| going.contains(&run.id)).map(|run| run.bytes).sum();
            let mut left = content.saturating_sub(gone);
            for run in candidates.iter().filter(|run| !stay.contains(&run.id)) {
                if left <= limit {
                    break;
                }
                if going.insert(run.id) {
                    left = left.saturating_sub(run.bytes);
                }
            }
        }
        Ok(candidates.into_iter().filter(|run| going.contains(&run.id)).collect())
    }

    /// What is told of runs that are removed.
    async fn removed(&self, runs: Vec<Candidate>) -> Result<Vec<RemovedRun>> {
        let names = self.sync_names(runs.iter().map(|run| run.sync)).await?;
        let removed = |run: Candidate| {
            let sync = names.get(&run.sync).cloned().unwrap_or_default();
            RemovedRun { run: RunId(run.id), sync, plan: run.plan }
        };
        Ok(runs.into_iter().map(removed).collect())
    }

    /// The runs that are over, oldest first.
    async fn candidates(&self) -> Result<Vec<Candidate>> {
        type Columns = (i64, i64, Option<i64>, i64, i64, i64, Option<String>, Option<String>);
        let rows: Vec<Columns> = run::Entity::find()
            .select_only()
            .columns([
                run::Column::Id,
                run::Column::SyncId,
                run::Column::FinishedAt,
                run::Column::LastChange,
                run::Column::LastLine,
                run::Column::LastEvent,
                run::Column::PlanHash,
                run::Column::PlanPath,
            ])
            .filter(run::Column::Status.is_in(FINAL.map(RunStatus::as_str)))
            .order_by_asc(run::Column::Id)
            .into_tuple()
            .all(self.store.db())
            .await
            .map_err(|error| self.store.read_error(error))?;
        let plans: HashMap<String, i64> = plan::Entity::find()
            .select_only()
            .columns([plan::Column::Hash, plan::Column::StoredBytes])
            .into_tuple::<(String, i64)>()
            .all(self.store.db())
            .await
            .map_err(|error| self.store.read_error(error))?
            .into_iter()
            .collect();
        let weight = self.row_weight().await?;
        let candidate = |(id, sync, finished, changes, lines, events, hash, path): Columns| {
            let plan = hash.as_ref().and_then(|hash| plans.get(hash)).copied().unwrap_or_default();
            let (changes, lines) = (text::count(changes), text::count(lines));
            Candidate {
                id,
                sync,
                finished: finished.unwrap_or_default(),
                rows: changes + lines + text::count(events) + 10,
                bytes: weight.of(changes, lines) + text::count(plan),
                plan: hash.map(|hash| PlanRef { hash, path: path.unwrap_or_default() }),
            }
        };
        Ok(rows.into_iter().map(candidate).collect())
    }

    /// The runs that later ones need.
    async fn needed(&self) -> Result<HashSet<i64>> {
        let subjects: Vec<Option<i64>> = run::Entity::find()
            .select_only()
            .column(run::Column::Subject)
            .filter(run::Column::Status.is_not_in(FINAL.map(RunStatus::as_str)))
            .filter(run::Column::Subject.is_not_null())
            .into_tuple()
            .all(self.store.db())
            .await
            .map_err(|error| self.store.read_error(error))?;
        let mut needed: HashSet<i64> = subjects.into_iter().flatten().collect();
        // Nobody else knows what they left in the target.
        let staging: Vec<i64> = run::Entity::find()
            .select_only()
            .column(run::Column::Id)
            .filter(run::Column::Status.ne(RunStatus::Completed.as_str()))
            .filter(run::Column::StagedAs.is_not_null())
            .filter(run::Column::StageGone.eq(false))
            .into_tuple()
            .all(self.store.db())
            .await
            .map_err(|error| self.store.read_error(error))?;
        needed.extend(staging);
        // What is absent names the runs that saw it so, and the one that marked it.
        let seen: Vec<(i64, Option<i64>, Option<i64>)> = quarantine::Entity::find()
            .select_only()
            .columns([quarantine::Column::SeenBy, quarantine::Column::CountedBy, quarantine::Column::MarkRun])
            .distinct()
            .into_tuple()
            .all(self.store.db())
            .await
            .map_err(|error| self.store.read_error(error))?;
        needed.extend(seen.into_iter().flat_map(|(seen, counted, marked)| [Some(seen), counted, marked]).flatten());
        for sync in self.syncs().await? {
            let completed: Vec<i64> = run::Entity::find()
                .select_only()
                .column(run::Column::Id)
                .filter(run::Column::SyncId.eq(sync.id.0))
                .filter(run::Column::Status.eq(RunStatus::Completed.as_str()))
                .filter(run::Column::Dry.eq(false))
                .filter(run::Column::Purpose.ne(Purpose::Undo.as_str()))
                .filter(not_a_part())
                .order_by_desc(run::Column::Id)
                .into_tuple()
                .all(self.store.db())
                .await
                .map_err(|error| self.store.read_error(error))?;
            needed.extend(completed.first());
            // Of each model the last complete reads, which need not be those of the last runs.
            let mut seen: BTreeMap<String, usize> = BTreeMap::new();
            for runs in completed.chunks(100) {
                let reads: Vec<(i64, String)> = run_model::Entity::find()
                    .select_only()
                    .columns([run_model::Column::RunId, run_model::Column::Model])
                    .filter(run_model::Column::RunId.is_in(runs.iter().copied()))
                    .filter(run_model::Column::SourceRecords.is_not_null())
                    .filter(run_model::Column::SourcePartial.is_null())
                    .order_by_desc(run_model::Column::RunId)
                    .into_tuple()
                    .all(self.store.db())
                    .await
                    .map_err(|error| self.store.read_error(error))?;
                for (run, model) in reads {
                    let seen = seen.entry(model).or_default();
                    *seen += 1;
                    if *seen <= BASELINE {
                        needed.insert(run);
                    }
                }
                if !seen.is_empty() && seen.values().all(|seen| *seen >= BASELINE) {
                    break;
                }
            }
        }
        Ok(needed)
    }

    /// Removes a run, in transactions that nobody waits long for. False when somebody came to need it meanwhile, or removed it.
    async fn remove(&self, run: &Candidate) -> Result<bool> {
        let id = run.id;
        let is_needed = run::Entity::find()
            .filter(run::Column::Subject.eq(id))
            .filter(run::Column::Status.is_not_in(FINAL.map(RunStatus::as_str)))
            .one(self.store.db())
            .await
            .map_err(|error| self.store.read_error(error))?;
        if is_needed.is_some() {
            return Ok(false);
        }
        // The newest changes go first: a run of which a part is gone is found out by its counters.
        let mut last = text::stored(run.rows);
        while last > 0 {
            let first = last - ROWS;
            let changes = change::Entity::delete_many()
                .filter(change::Column::RunId.eq(id))
                .filter(change::Column::Seq.gt(first))
                .filter(change::Column::Seq.lte(last));
            let lines = run_log::Entity::delete_many()
                .filter(run_log::Column::RunId.eq(id))
                .filter(run_log::Column::Seq.gt(first))
                .filter(run_log::Column::Seq.lte(last));
            let events = run_event::Entity::delete_many()
                .filter(run_event::Column::RunId.eq(id))
                .filter(run_event::Column::Seq.gt(first))
                .filter(run_event::Column::Seq.lte(last));
            let (changes, lines, events) = (&changes, &lines, &events);
            self.store
                .write(move |tx, _| {
                    async move {
                        changes.clone().exec(tx).await.map_err(error::of_statement)?;
                        lines.clone().exec(tx).await.map_err(error::of_statement)?;
                        events.clone().exec(tx).await.map_err(error::of_statement)?;
                        Ok(())
                    }
                    .boxed()
                })
                .await?;
            last = first;
        }
        let plan = run.plan.as_ref().map(|plan| plan.hash.as_str());
        self.store
            .write(move |tx, _| {
                async move {
                    super::kept_count::keep(tx, RunId(id)).await?;
                    // What is left of it goes along.
                    let removed = run::Entity::delete_by_id(id).exec(tx).await.map_err(error::of_statement)?;
                    let Some(hash) = plan.filter(|_| removed.rows_affected == 1) else {
                        return Ok(removed.rows_affected == 1);
                    };
                    let others = run::Entity::find().filter(run::Column::PlanHash.eq(hash)).limit(1).one(tx).await;
                    if others.map_err(error::of_statement)?.is_none() {
                        plan::Entity::delete_by_id(hash).exec(tx).await.map_err(error::of_statement)?;
                    }
                    Ok(true)
                }
                .boxed()
            })
            .await
    }

    /// Removes the findings that are over and were seen last before a time, in microseconds.
    async fn forget_findings(&self, oldest: i64) -> Result<()> {
        loop {
            let over: Vec<i64> = finding::Entity::find()
                .select_only()
                .column(finding::Column::Id)
                .filter(finding::Column::State.eq(FindingState::Resolved.as_str()))
                .filter(finding::Column::LastAt.lt(oldest))
                .limit(SOME)
                .into_tuple()
                .all(self.store.db())
                .await
                .map_err(|error| self.store.read_error(error))?;
            if over.is_empty() {
                return Ok(());
            }
            // One that came back meanwhile is not over.
            let removal = &finding::Entity::delete_many()
                .filter(finding::Column::Id.is_in(over))
                .filter(finding::Column::State.eq(FindingState::Resolved.as_str()));
            self.store
                .write(move |tx, _| async move { removal.clone().exec(tx).await.map_err(error::of_statement) }.boxed())
                .await?;
        }
    }

    /// Which of some runs are still in the history.
    pub async fn existing_runs(&self, runs: &[RunId]) -> Result<HashSet<RunId>> {
        let mut existing = HashSet::new();
        for runs in runs.chunks(500) {
            let ids: Vec<i64> = run::Entity::find()
                .select_only()
                .column(run::Column::Id)
                .filter(run::Column::Id.is_in(runs.iter().map(|run| run.0)))
                .into_tuple()
                .all(self.store.db())
                .await
                .map_err(|error| self.store.read_error(error))?;
            existing.extend(ids.into_iter().map(RunId));
        }
        Ok(existing)
    }
}

/// What was before this is too old, in microseconds; none when no age is.
fn oldest(days: Option<u32>) -> Option<i64> {
    // More days than the calendar has are no limit.
    let days = TimeDelta::days(i64::from(days?));
    Utc::now().checked_sub_signed(days).map(text::micros)
}

/// The ends of runs.
const FINAL: [RunStatus; 3] = [RunStatus::Completed, RunStatus::Failed, RunStatus::Cancelled];
