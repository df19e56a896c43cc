//! Looking at runs.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
};

use super::change::OutcomeCounts;
use super::entity::{run, sync};
use super::matching::Wording;
use super::part::not_a_part;
use super::{
    Endpoint, History, Page, PlanRef, Purpose, Run, RunCounts, RunError, RunFilter, RunId, RunStage, RunStatus, error,
    text,
};
use crate::{Error, ErrorKind, Result};

impl History {
    /// Runs, newest first: those made before the run `before`.
    pub async fn runs(&self, filter: &RunFilter, before: Option<RunId>, limit: u64) -> Result<Page<Run, RunId>> {
        let mut wanted = Condition::all()
            .add_option(filter.kind.map(|kind| run::Column::Kind.eq(kind.as_str())))
            .add_option(filter.purpose.map(|purpose| run::Column::Purpose.eq(purpose.as_str())))
            .add_option(filter.request_id.as_ref().map(|id| run::Column::RequestId.eq(id.as_str())))
            .add_option(filter.dry.map(|dry| run::Column::Dry.eq(dry)))
            .add_option(filter.source.as_ref().map(|source| run::Column::SourceConnection.eq(source)))
            .add_option(filter.target.as_ref().map(|target| run::Column::TargetConnection.eq(target)))
            .add_option(filter.since.map(|since| run::Column::CreatedAt.gte(text::micros(since))))
            .add_option(filter.until.map(|until| run::Column::CreatedAt.lt(text::micros(until))))
            .add_option(before.map(|before| run::Column::Id.lt(before.0)));
        if !filter.status.is_empty() {
            wanted = wanted.add(run::Column::Status.is_in(filter.status.iter().map(|status| status.as_str())));
        }
        if !filter.outcome.is_empty() {
            let any = filter.outcome.iter().fold(Condition::any(), |any, outcome| any.add(outcome.condition()));
            wanted = wanted.add(any);
        }
        if let Some(text) = &filter.text {
            let columns = ["triggered_by", "request", "request_id", "error_message"];
            wanted = wanted.add(Wording(text).within(self.store.backend(), &columns, &[]));
        }
        if let Some(name) = &filter.sync {
            let Some(sync) = self.sync(name).await? else { return Ok(Page { items: Vec::new(), next: None }) };
            wanted = wanted.add(run::Column::SyncId.eq(sync.id.0));
        }
        let rows = run::Entity::find()
            .filter(wanted)
            .order_by_desc(run::Column::Id)
            .limit(limit.saturating_add(1))
            .all(self.store.db())
            .await
            .map_err(|error| self.store.read_error(error))?;
        Ok(Page::cut(self.named(rows).await?, limit, |run| run.id))
    }

    /// A run; none when there is no such run.
    pub async fn run(&self, id: RunId) -> Result<Option<Run>> {
        let row = run::Entity::find_by_id(id.0).one(self.store.db()).await;
        let row = row.map_err(|error| self.store.read_error(error))?;
        Ok(self.named(row.into_iter().collect()).await?.pop())
    }

    /// The run that a person means by a text: its number, also as `#17`; or the first characters, four or more, of the
    /// hash of its plan, which mean the newest run of that plan.
    pub async fn find_run(&self, text: &str) -> Result<Run> {
        let none = |message: String| Error::new(ErrorKind::NotFound, message);
        let text = text.trim();
        let number = text.strip_prefix('#').unwrap_or(text);
        if let Ok(number) = number.parse::<i64>()
            && let Some(run) = self.run(RunId(number)).await?
        {
            return Ok(run);
        }
        let is_hash = text.len() >= 4 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_hash {
            return Err(none(format!(
                "there is no run `{text}`: give a run's number, or the start of its plan's hash"
            )));
        }
        let rows = run::Entity::find()
            .filter(run::Column::PlanHash.gte(text.to_ascii_lowercase()))
            // Behind every hexadecimal digit.
            .filter(run::Column::PlanHash.lt(format!("{}g", text.to_ascii_lowercase())))
            .order_by_desc(run::Column::Id)
            .all(self.store.db())
            .await
            .map_err(|error| self.store.read_error(error))?;
        let first = rows.first().and_then(|row| row.plan_hash.clone());
        if rows.iter().any(|row| row.plan_hash != first) {
            return Err(none(format!("`{text}` is the start of more than one plan's hash: give more of it")));
        }
        let newest = self.named(rows.into_iter().take(1).collect()).await?.pop();
        newest.ok_or_else(|| none(format!("there is no run `{text}`, and no plan whose hash starts so")))
    }

    /// The newest run of a sync.
    pub async fn last_run(&self, sync: &str) -> Result<Option<Run>> {
        let filter = RunFilter { sync: Some(sync.to_owned()), ..RunFilter::default() };
        Ok(self.runs(&filter, None, 1).await?.items.pop())
    }

    /// Whether a sync ever completed a real run with a definition. Without one, nothing may be deleted.
    pub async fn has_completed(&self, sync: &str, definition_hash: &str) -> Result<bool> {
        let Some(sync) = self.sync(sync).await? else { return Ok(false) };
        let found = run::Entity::find()
            .filter(run::Column::SyncId.eq(sync.id.0))
            .filter(run::Column::Status.eq(RunStatus::Completed.as_str()))
            .filter(run::Column::Dry.eq(false))
            .filter(run::Column::DefinitionHash.eq(definition_hash))
            // What is about another run, such as an undo, looks at a part only.
            .filter(run::Column::Subject.is_null())
            .filter(run::Column::Purpose.ne(Purpose::Part.as_str()))
            .limit(1)
            .count(self.store.db())
            .await;
        Ok(found.map_err(|error| self.store.read_error(error))? > 0)
    }

    /// How many runs of each sync are kept, by its name; those without any are not in it.
    pub async fn run_counts(&self) -> Result<HashMap<String, u64>> {
        let counts: Vec<(i64, i64)> = run::Entity::find()
            .select_only()
            .column(run::Column::SyncId)
            .column_as(run::Column::Id.count(), "runs")
            .group_by(run::Column::SyncId)
            .into_tuple()
            .all(self.store.db())
            .await
            .map_err(|error| self.store.read_error(error))?;
        let names = self.sync_names(counts.iter().map(|(sync, _)| *sync)).await?;
        let named = counts.into_iter().filter_map(|(sync, runs)| Some((names.get(&sync)?.clone(), text::count(runs))));
        Ok(named.collect())
    }

    /// The newest real run of a sync that completed, and when.
    pub async fn last_completed(&self, sync: &str) -> Result<Option<(RunId, DateTime<Utc>)>> {
        let Some(sync) = self.sync(sync).await? else { return Ok(None) };
        let row = run::Entity::find()
            .filter(run::Column::SyncId.eq(sync.id.0))
            .filter(run::Column::Status.eq(RunStatus::Completed.as_str()))
            .filter(run::Column::Dry.eq(false))
            .order_by_desc(run::Column::FinishedAt)
            .one(self.store.db())
            .await
            .map_err(|error| self.store.read_error(error))?;
        Ok(row.and_then(|row| Some((RunId(row.id), text::time(row.finished_at?)))))
    }

    /// The newest real run of a sync that completed and was about all of it, with when it ended.
    pub async fn last_completed_whole(&self, sync: &str) -> Result<Option<(RunId, DateTime<Utc>)>> {
        let Some(sync) = self.sync(sync).await? else { return Ok(None) };
        let row = run::Entity::find()
            .filter(run::Column::SyncId.eq(sync.id.0))
            .filter(run::Column::Status.eq(RunStatus::Completed.as_str()))
            .filter(run::Column::Dry.eq(false))
            .filter(not_a_part())
            .order_by_desc(run::Column::FinishedAt)
            .one(self.store.db())
            .await
            .map_err(|error| self.store.read_error(error))?;
        Ok(row.and_then(|row| Some((RunId(row.id), text::time(row.finished_at?)))))
    }

    /// The run that applied a plan, or began to.
    pub async fn applied_by(&self, plan_hash: &str) -> Result<Option<RunId>> {
        applied_by(self.store.db(), plan_hash, None).await
    }

    /// Adds the names of their syncs to runs.
    pub(super) async fn named(&self, rows: Vec<run::Model>) -> Result<Vec<Run>> {
        let names = self.sync_names(rows.iter().map(|row| row.sync_id)).await?;
        rows.into_iter()
            .map(|row| {
                let name = names.get(&row.sync_id).cloned().unwrap_or_default();
                Run::from_row(row, name)
            })
            .collect()
    }

    pub(super) async fn sync_names(&self, ids: impl Iterator<Item = i64>) -> Result<HashMap<i64, String>> {
        let mut ids: Vec<_> = ids.collect();
        ids.sort_unstable();
        ids.dedup();
        let names = sync::Entity::find()
            .select_only()
            .columns([sync::Column::Id, sync::Column::Name])
            .filter(sync::Column::Id.is_in(ids))
            .into_tuple::<(i64, String)>()
            .all(self.store.db())
            .await
            .map_err(|error| self.store.read_error(error))?;
        Ok(names.into_iter().collect())
    }
}

/// The run that applied a plan, or began to, other than one that asks.
pub(super) async fn applied_by<C: ConnectionTrait>(
    db: &C,
    plan_hash: &str,
    asking: Option<RunId>,
) -> Result<Option<RunId>> {
    let wrote = [RunStage::Applying.as_str(), RunStage::Staged.as_str()];
    let began = Condition::any()
        .add(run::Column::Stage.is_in(wrote))
        // It is about to.
        .add(run::Column::Status.eq(RunStatus::Syncing.as_str()));
    let row = run::Entity::find()
        .filter(run::Column::PlanHash.eq(plan_hash))
        .filter(run::Column::Dry.eq(false))
        .filter(run::Column::Id.ne(asking.map_or(0, |run| run.0)))
        .filter(began)
        .order_by_desc(run::Column::Id)
        .one(db)
        .await
        .map_err(error::of_statement)?;
    Ok(row.map(|row| RunId(row.id)))
}

/// A plan is applied once.
pub(super) fn applied_already(by: RunId) -> Error {
    Error::new(ErrorKind::Stale, format!("the plan was applied by run {by} already; make a new plan"))
}

impl Run {
    fn from_row(row: run::Model, sync: String) -> Result<Self> {
        let plan = row.plan_hash.map(|hash| PlanRef { hash, path: row.plan_path.unwrap_or_default() });
        let error = row.error_kind.map(|kind| RunError { kind, message: row.error_message.unwrap_or_default() });
        Ok(Self {
            id: RunId(row.id),
            sync,
            kind: text::parse("run.kind", &row.kind)?,
            dry: row.dry,
            status: text::parse("run.status", &row.status)?,
            definition_hash: row.definition_hash,
            plan,
            source: Endpoint {
                connector: row.source_connector,
                connection: row.source_connection,
                instance: row.source_instance,
            },
            target: Endpoint {
                connector: row.target_connector,
                connection: row.target_connection,
                instance: row.target_instance,
            },
            created: text::time(row.created_at),
            started: row.started_at.map(text::time),
            finished: row.finished_at.map(text::time),
            error,
            counts: RunCounts {
                source_records: text::count(row.source_records),
                target_records: text::count(row.target_records),
                create: text::count(row.diff_create),
                update: text::count(row.diff_update),
                delete: text::count(row.diff_delete),
                unchanged: text::count(row.diff_unchanged),
                ambiguous: text::count(row.diff_ambiguous),
                rejected: text::count(row.source_rejected),
                outcomes: OutcomeCounts {
                    planned: text::count(row.outcome_planned),
                    applied: text::count(row.outcome_applied),
                    unchanged: text::count(row.outcome_unchanged),
                    skipped: text::count(row.outcome_skipped),
                    held: text::count(row.outcome_held),
                    failed: text::count(row.outcome_failed),
                    stale: text::count(row.outcome_stale),
                },
            },
            notes: text::parse_json("run.notes", &row.notes)?,
            triggered_by: row.triggered_by,
            request: row.request,
            request_id: row.request_id.map(|id| text::parse("run.request_id", &id)).transpose()?,
            host: row.host,
            purpose: text::parse("run.purpose", &row.purpose)?,
            subject: row.subject.map(RunId),
            stage: text::parse("run.stage", &row.stage)?,
            options: text::parse_json("run.options", &row.options)?,
            attempt: text::count(row.attempt),
            worker: row.worker,
            lease_until: row.lease_until.map(text::time),
            not_before: row.not_before.map(text::time),
            paused: row.paused,
            stop: row.stop.map(|stop| text::parse_json("run.stop", &stop)).transpose()?,
            tick: row.tick.map(text::time),
            staged_as: row.staged_as,
            waiting: row.waiting,
            waits: text::count(row.waits),
            requests: row.requests.map(|json| text::parse_json("run.requests", &json)).transpose()?.unwrap_or_default(),
            trace_id: row.trace_id,
        })
    }
}
