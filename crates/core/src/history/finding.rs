//! Findings: what runs saw and somebody should look at. One that no longer occurs resolves itself.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use futures::FutureExt;
use schemars::JsonSchema;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, Condition, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, UpdateMany};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use syncline_model::AnyKey;

use super::entity::{finding, run};
use super::insert::Insert;
use super::run_write::hold;
use super::{Claim, History, Page, RunId, error, text};
use crate::change::Action;
use crate::{Error, ErrorKind, Result};

/// The number of a finding in one history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct FindingId(i64);

impl std::fmt::Display for FindingId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// What kind of thing was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// The same change was made by several runs in a row: somebody, or the system itself, undoes it in between.
    Flapping,
    /// More than one record answers to a key.
    Ambiguous,
    /// The target differs from the source.
    Drift,
}

/// What became of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FindingState {
    /// It occurs, and nobody has looked at it.
    Open,
    /// It occurs, and somebody has looked at it.
    Acknowledged,
    /// It no longer occurs, or is left alone.
    Resolved,
}

/// Something that a run found.
#[derive(Debug, Clone, PartialEq)]
pub struct Observed {
    /// The model.
    pub model: String,
    /// The record.
    pub key: AnyKey,
    /// The field; none when it is about the record as a whole.
    pub field: Option<String>,
    /// What a run does, or would do, about it.
    pub action: Action,
    /// The target's value, normalised.
    pub target: Value,
    /// The source's value, normalised.
    pub source: Value,
    /// What else there is to say.
    pub detail: Option<String>,
}

/// A finding.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Finding {
    /// Its number.
    pub id: FindingId,
    /// The name of the sync.
    pub sync: String,
    /// What kind of thing was found.
    pub kind: FindingKind,
    /// The model.
    pub model: String,
    /// The record.
    #[schemars(with = "Vec<serde_json::Value>")]
    pub key: AnyKey,
    /// The field; none when it is about the record as a whole.
    pub field: Option<String>,
    /// What a run does, or would do, about it.
    pub action: Action,
    /// The target's value when it was last found, normalised.
    pub target: Value,
    /// The source's value when it was last found, normalised.
    pub source: Value,
    /// What else there is to say.
    pub detail: Option<String>,
    /// What became of it.
    pub state: FindingState,
    /// The run that found it first.
    pub first_run: RunId,
    /// The run since which it has been there without a break.
    pub since_run: RunId,
    /// The run that found it last.
    pub last_run: RunId,
    /// The run that did not find it any more. None where it occurs, and where somebody wanted it left alone, which resolved it.
    pub resolved_run: Option<RunId>,
    /// How many runs found it.
    pub count: u64,
    /// When it was found first.
    pub first: DateTime<Utc>,
    /// When it was found last.
    pub last: DateTime<Utc>,
    /// Who looked at it, when, and what that one said.
    pub acknowledged: Option<Acknowledged>,
}

/// That somebody looked at a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Acknowledged {
    /// Who.
    pub by: String,
    /// When.
    pub at: DateTime<Utc>,
    /// What that one said.
    pub reason: String,
}

/// Which findings are wanted. An empty filter wants all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FindingFilter {
    /// Of the sync with this name.
    pub sync: Option<String>,
    /// Of this kind.
    pub kind: Option<FindingKind>,
    /// In one of these states; none for any.
    pub state: Vec<FindingState>,
    /// Of this model.
    pub model: Option<String>,
    /// Those that this run found and the run before had not.
    pub new_in: Option<RunId>,
    /// Those that this run no longer found.
    pub gone_in: Option<RunId>,
}

/// How many findings have the same kind and state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FindingCount {
    /// The kind.
    pub kind: FindingKind,
    /// The state.
    pub state: FindingState,
    /// How many.
    pub count: u64,
}

/// How the set of findings changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct News {
    /// Found now, and not the time before.
    pub new: u64,
    /// No longer found.
    pub gone: u64,
    /// There are so many now.
    pub standing: u64,
}

const FINDINGS: Insert<18> = Insert {
    table: "finding",
    columns: [
        "sync_id",
        "kind",
        "model",
        "key",
        "field",
        "action",
        "target_value",
        "source_value",
        "detail",
        "state",
        "first_run",
        "since_run",
        "last_run",
        "resolved_run",
        "count",
        "first_at",
        "last_at",
        "acknowledged_by",
    ],
    // A run that begins again finds the same things again, and they count once.
    tail: r#"ON CONFLICT ("sync_id", "kind", "model", "key", "field") DO UPDATE SET
        "action" = excluded."action", "target_value" = excluded."target_value", "source_value" = excluded."source_value",
        "detail" = excluded."detail", "last_at" = excluded."last_at",
        "count" = "finding"."count" + CASE WHEN "finding"."last_run" = excluded."last_run" THEN 0 ELSE 1 END,
        "since_run" = CASE WHEN "finding"."state" = 'resolved' THEN excluded."since_run" ELSE "finding"."since_run" END,
        "acknowledged_by" = CASE WHEN "finding"."state" = 'resolved' THEN NULL ELSE "finding"."acknowledged_by" END,
        "state" = CASE WHEN "finding"."state" = 'resolved' THEN 'open' ELSE "finding"."state" END,
        "resolved_run" = NULL, "last_run" = excluded."last_run""#,
};

impl History {
    /// Records what a run found, as long as it is its runner's.
    pub async fn observe(&self, claim: Claim, kind: FindingKind, found: &[Observed]) -> Result<()> {
        let run = claim.run;
        // One statement must not touch a row twice.
        let mut once: BTreeMap<(&str, &str, &str), &Observed> = BTreeMap::new();
        for found in found {
            once.insert((&found.model, found.key.as_str(), found.field.as_deref().unwrap_or_default()), found);
        }
        let found: Vec<_> = once.into_values().collect();
        if found.is_empty() {
            return Ok(());
        }
        let sync = self.sync_of(run).await?;
        let values: Result<Vec<_>> =
            found.iter().map(|found| Ok((text::to_json(&found.target)?, text::to_json(&found.source)?))).collect();
        let (values, found, now) = (&values?, &found, text::now());
        self.store
            .write(move |tx, _| {
                async move {
                    hold(tx, claim).await?;
                    FINDINGS
                        .run(tx, found, |at, found| {
                            let (target, source) = values[at].clone();
                            [
                                sync.into(),
                                kind.as_str().into(),
                                found.model.clone().into(),
                                found.key.as_str().into(),
                                found.field.clone().unwrap_or_default().into(),
                                found.action.as_str().into(),
                                target.into(),
                                source.into(),
                                found.detail.clone().into(),
                                FindingState::Open.as_str().into(),
                                run.0.into(),
                                run.0.into(),
                                run.0.into(),
                                None::<i64>.into(),
                                1_i64.into(),
                                now.into(),
                                now.into(),
                                None::<String>.into(),
                            ]
                        })
                        .await
                }
                .boxed()
            })
            .await
    }

    /// Resolves what a run that looked everywhere did not find any more; of some models only when it looked only at those.
    pub async fn resolve_findings(&self, claim: Claim, kind: FindingKind, models: Option<&[&str]>) -> Result<u64> {
        let run = claim.run;
        let sync = self.sync_of(run).await?;
        let models = models.map(|models| finding::Column::Model.is_in(models.iter().copied()));
        let missing = Condition::all()
            .add(finding::Column::SyncId.eq(sync))
            .add(finding::Column::Kind.eq(kind.as_str()))
            .add(finding::Column::State.ne(FindingState::Resolved.as_str()))
            .add(finding::Column::LastRun.lt(run.0))
            .add_option(models);
        let update: UpdateMany<finding::Entity> = finding::Entity::update_many()
            .col_expr(finding::Column::State, FindingState::Resolved.as_str().into())
            .col_expr(finding::Column::ResolvedRun, run.0.into())
            .filter(missing);
        let update = &update;
        let done = self
            .store
            .write(move |tx, _| {
                async move {
                    hold(tx, claim).await?;
                    update.clone().exec(tx).await.map_err(error::of_statement)
                }
                .boxed()
            })
            .await?;
        Ok(done.rows_affected)
    }

    /// Findings, newest first: those with a smaller number than `before`.
    pub async fn findings(
        &self,
        filter: &FindingFilter,
        before: Option<FindingId>,
        limit: u64,
    ) -> Result<Page<Finding, FindingId>> {
        let Some(wanted) = self.wanted_findings(filter).await? else {
            return Ok(Page { items: Vec::new(), next: None });
        };
        let rows = finding::Entity::find()
            .filter(wanted.add_option(before.map(|before| finding::Column::Id.lt(before.0))))
            .order_by_desc(finding::Column::Id)
            .limit(limit.saturating_add(1))
            .all(self.store.db())
            .await
            .map_err(|error| self.store.read_error(error))?;
        let names = self.sync_names(rows.iter().map(|row| row.sync_id)).await?;
        let findings = rows.into_iter().map(|row| {
            let sync = names.get(&row.sync_id).cloned().unwrap_or_default();
            Finding::from_row(row, sync)
        });
        Ok(Page::cut(findings.collect::<Result<_>>()?, limit, |finding| finding.id))
    }

    /// A finding; none when there is no such finding.
    pub async fn finding(&self, id: FindingId) -> Result<Option<Finding>> {
        let row = finding::Entity::find_by_id(id.0).one(self.store.db()).await;
        let Some(row) = row.map_err(|error| self.store.read_error(error))? else { return Ok(None) };
        let sync = self.sync_names([row.sync_id].into_iter()).await?.remove(&row.sync_id).unwrap_or_default();
        Finding::from_row(row, sync).map(Some)
    }

    /// Where drift checks found a record to differ, whether it still does or not: `limit` at most, of all syncs.
    pub async fn drift_of(&self, model: &str, key: &AnyKey, limit: u64) -> Result<Vec<Finding>> {
        // The index of findings begins with their syncs, of which there are few.
        let syncs: Vec<_> = self.syncs().await?.into_iter().map(|sync| sync.id.0).collect();
        let rows = finding::Entity::find()
            .filter(finding::Column::SyncId.is_in(syncs))
            .filter(finding::Column::Kind.eq(FindingKind::Drift.as_str()))
            .filter(finding::Column::Model.eq(model))
            .filter(finding::Column::Key.eq(key.as_str()))
            .limit(limit)
            .all(self.store.db())
            .await
            .map_err(|error| self.store.read_error(error))?;
        let names = self.sync_names(rows.iter().map(|row| row.sync_id)).await?;
        let name = |row: &finding::Model| names.get(&row.sync_id).cloned().unwrap_or_default();
        rows.into_iter().map(|row| Finding::from_row(row.clone(), name(&row))).collect()
    }

    /// Notes that somebody has looked at a finding. It stays known as long as it occurs; should it come back later, it is open
    /// again.
    pub async fn acknowledge(&self, id: FindingId, by: &str, reason: &str) -> Result<Finding> {
        let now = text::now();
        self.store
            .write(move |tx, _| {
                async move {
                    let update = finding::Entity::update_many()
                        .col_expr(finding::Column::State, FindingState::Acknowledged.as_str().into())
                        .col_expr(finding::Column::AcknowledgedBy, by.into())
                        .col_expr(finding::Column::AcknowledgedAt, now.into())
                        .col_expr(finding::Column::AcknowledgedReason, reason.into())
                        .filter(finding::Column::Id.eq(id.0))
                        .filter(finding::Column::State.ne(FindingState::Resolved.as_str()));
                    if update.exec(tx).await.map_err(error::of_statement)?.rows_affected == 0 {
                        let message = format!("there is no finding {}, or it does not occur any more", id.0);
                        return Err(Error::new(ErrorKind::NotFound, message));
                    }
                    Ok(())
                }
                .boxed()
            })
            .await?;
        let gone = || Error::new(ErrorKind::NotFound, format!("there is no finding {}", id.0));
        self.finding(id).await?.ok_or_else(gone)
    }

    /// How many findings there are by kind and state, of one sync or of all.
    pub async fn finding_counts(&self, sync: Option<&str>) -> Result<Vec<FindingCount>> {
        let filter = FindingFilter { sync: sync.map(str::to_owned), ..FindingFilter::default() };
        let Some(wanted) = self.wanted_findings(&filter).await? else { return Ok(Vec::new()) };
        let rows: Vec<(String, String, i64)> = finding::Entity::find()
            .select_only()
            .column(finding::Column::Kind)
            .column(finding::Column::State)
            .column_as(Expr::col(finding::Column::Id).count(), "findings")
            .filter(wanted)
            .group_by(finding::Column::Kind)
            .group_by(finding::Column::State)
            .order_by_asc(finding::Column::Kind)
            .order_by_asc(finding::Column::State)
            .into_tuple()
            .all(self.store.db())
            .await
            .map_err(|error| self.store.read_error(error))?;
        let counts = rows.into_iter().map(|(kind, state, count)| {
            Ok(FindingCount {
                kind: text::parse("finding.kind", &kind)?,
                state: text::parse("finding.state", &state)?,
                count: text::count(count),
            })
        });
        counts.collect()
    }

    /// How a run changed the set of findings of a kind. A run that finds what was there before has no news.
    pub async fn finding_news(&self, run: RunId, kind: FindingKind) -> Result<News> {
        let sync = self.sync_of(run).await?;
        let of_kind =
            || Condition::all().add(finding::Column::SyncId.eq(sync)).add(finding::Column::Kind.eq(kind.as_str()));
        let standing = || of_kind().add(finding::Column::State.ne(FindingState::Resolved.as_str()));
        Ok(News {
            new: self.count(standing().add(finding::Column::SinceRun.eq(run.0))).await?,
            gone: self.count(of_kind().add(finding::Column::ResolvedRun.eq(run.0))).await?,
            standing: self.count(standing()).await?,
        })
    }

    async fn count(&self, wanted: Condition) -> Result<u64> {
        let count = finding::Entity::find().filter(wanted).count(self.store.db()).await;
        count.map_err(|error| self.store.read_error(error))
    }

    async fn wanted_findings(&self, filter: &FindingFilter) -> Result<Option<Condition>> {
        let mut wanted = Condition::all()
            .add_option(filter.kind.map(|kind| finding::Column::Kind.eq(kind.as_str())))
            .add_option(filter.model.as_ref().map(|model| finding::Column::Model.eq(model)))
            .add_option(filter.new_in.map(|run| finding::Column::SinceRun.eq(run.0)))
            .add_option(filter.gone_in.map(|run| finding::Column::ResolvedRun.eq(run.0)));
        if !filter.state.is_empty() {
            wanted = wanted.add(finding::Column::State.is_in(filter.state.iter().map(|state| state.as_str())));
        }
        if let Some(name) = &filter.sync {
            let Some(sync) = self.sync(name).await? else { return Ok(None) };
            wanted = wanted.add(finding::Column::SyncId.eq(sync.id.0));
        }
        Ok(Some(wanted))
    }

    async fn sync_of(&self, run: RunId) -> Result<i64> {
        let row = run::Entity::find_by_id(run.0).one(self.store.db()).await;
        let row = row.map_err(|error| self.store.read_error(error))?;
        row.map(|row| row.sync_id).ok_or_else(|| Error::new(ErrorKind::NotFound, format!("there is no run {run}")))
    }
}

impl FindingId {
    /// The finding with a number.
    pub fn new(number: i64) -> Self {
        Self(number)
    }

    /// The number.
    pub fn number(self) -> i64 {
        self.0
    }
}

impl FindingKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Flapping, Self::Ambiguous, Self::Drift];

    /// The name in the history, metrics and the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Flapping => "flapping",
            Self::Ambiguous => "ambiguous",
            Self::Drift => "drift",
        }
    }
}

impl FindingState {
    /// The name in the history, metrics and the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Acknowledged => "acknowledged",
            Self::Resolved => "resolved",
        }
    }
}

impl Finding {
    fn from_row(row: finding::Model, sync: String) -> Result<Self> {
        let by = row.acknowledged_by;
        let acknowledged = by.map(|by| Acknowledged {
            by,
            at: text::time(row.acknowledged_at.unwrap_or_default()),
            reason: row.acknowledged_reason.unwrap_or_default(),
        });
        Ok(Self {
            id: FindingId(row.id),
            sync,
            kind: text::parse("finding.kind", &row.kind)?,
            key: AnyKey::from_canonical(&row.key),
            field: Some(row.field).filter(|field| !field.is_empty()),
            action: text::parse("finding.action", &row.action)?,
            target: text::parse_json("finding.target_value", &row.target_value)?,
            source: text::parse_json("finding.source_value", &row.source_value)?,
            detail: row.detail,
            state: text::parse("finding.state", &row.state)?,
            first_run: RunId(row.first_run),
            since_run: RunId(row.since_run),
            last_run: RunId(row.last_run),
            resolved_run: row.resolved_run.map(RunId),
            count: text::count(row.count),
            first: text::time(row.first_at),
            last: text::time(row.last_at),
            acknowledged,
            model: row.model,
        })
    }
}
