//! What a run read and found, model by model.

use futures::FutureExt;
use schemars::JsonSchema;
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict, Query};
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QueryResult};
use serde::Serialize;

use super::entity::run_model;
use super::lease::Claim;
use super::part::not_a_part;
use super::run_write::hold;
use super::{History, Purpose, RunId, RunStatus, error, text};
use crate::Result;
use crate::diff::DiffCounts;
use crate::event::Side;
use crate::models::ModelMode;
use crate::snapshot::{Filled, Rejected, Rejection};

/// What a run read and found of one model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ModelRecord {
    /// The model.
    pub model: String,
    /// What the run did with it.
    pub mode: ModelMode,
    /// The read of the source; none when it did not end.
    pub source: Option<ReadRecord>,
    /// How many of the source's records the target is to keep, which may translate and leave out what was read; none when the run did
    /// not come that far.
    pub desired: Option<u64>,
    /// The read of the target; none when it did not end.
    pub target: Option<ReadRecord>,
    /// What the comparison found; none when there was none.
    pub diff: Option<DiffCounts>,
}

impl ModelRecord {
    /// The records that could not be taken over, by side.
    pub fn rejected(&self) -> impl Iterator<Item = Rejected<'_>> {
        let sides = [(Side::Source, &self.source), (Side::Target, &self.target)];
        sides.into_iter().filter_map(|(side, read)| {
            let read = read.as_ref()?;
            Rejected::of(side, &self.model, read.rejected, &read.rejections)
        })
    }

    /// Why the model was not compared, though the check looked at it: a read of it does not tell everything. None when both do.
    pub fn doubt(&self) -> Option<String> {
        let sides = [(Side::Source, &self.source), (Side::Target, &self.target)];
        sides.into_iter().find_map(|(side, read)| {
            let doubt = read.as_ref()?.partial.as_ref()?;
            Some(format!("the read of the {side} is not complete: {doubt}"))
        })
    }
}

/// How a read ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ReadRecord {
    /// How many records it gave.
    pub records: u64,
    /// Why it was not complete; none when it was.
    pub partial: Option<String>,
    /// Records that could not be taken over; of what the target makes of the source's, those that it could not make.
    pub rejected: u64,
    /// The first of them, up to 100.
    pub rejections: Vec<Rejection>,
    /// In how many records which field has a value; left out where the run went by what another one, or it itself before, had read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filled: Option<Filled>,
}

impl History {
    /// Records what was read and found of a model in a run that the caller has, or replaces what was recorded earlier in the same run.
    pub async fn record_model(&self, claim: Claim, record: &ModelRecord) -> Result<()> {
        self.store
            .write(move |tx, _| {
                async move {
                    hold(tx, claim).await?;
                    let has_filled =
                        |read: &Option<ReadRecord>| read.as_ref().is_some_and(|read| read.filled.is_some());
                    let columns = <run_model::Column as sea_orm::Iterable>::iter().filter(|column| match column {
                        run_model::Column::RunId | run_model::Column::Model => false,
                        // A run that goes on with its plan does not read again: what it counted stays.
                        run_model::Column::SourceFilled => has_filled(&record.source),
                        run_model::Column::TargetFilled => has_filled(&record.target),
                        _ => true,
                    });
                    let key = OnConflict::columns([run_model::Column::RunId, run_model::Column::Model])
                        .update_columns(columns)
                        .to_owned();
                    run_model::Entity::insert(row(claim.run, record)?)
                        .on_conflict(key)
                        .exec_without_returning(tx)
                        .await
                        .map_err(error::of_statement)?;
                    tx.execute(&sums(claim.run)).await.map_err(error::of_statement)
                }
                .boxed()
            })
            .await?;
        Ok(())
    }

    /// What a run read and found, by name of the model.
    pub async fn models(&self, run: RunId) -> Result<Vec<ModelRecord>> {
        let rows = run_model::Entity::find()
            .filter(run_model::Column::RunId.eq(run.0))
            .order_by_asc(run_model::Column::Model)
            .all(self.store.db())
            .await
            .map_err(|error| self.store.read_error(error))?;
        rows.into_iter().map(ModelRecord::try_from).collect()
    }

    /// How many records of a model the last `n` completed real runs of a sync had on one side, newest first: of the source, those
    /// that its target was to keep, also of runs that are gone. Reads that were not complete prove nothing and are left out.
    pub async fn record_counts_of_last_complete(
        &self,
        sync: &str,
        model: &str,
        side: Side,
        n: u64,
    ) -> Result<Vec<u64>> {
        let (records, partial) = match side {
            Side::Source => ("source_records", "source_partial"),
            Side::Target => ("target_records", "target_partial"),
        };
        let column = |name| Expr::col(("run_model", name));
        let count = match side {
            // Runs from before this was noted compared what they had read.
            Side::Source => column("desired_records").if_null(column(records)),
            Side::Target => column(records),
        };
        let query = Query::select()
            .expr_as(count, "records")
            .expr_as(Expr::col(("run", "id")), "run_id")
            .from("run")
            .inner_join("sync", Expr::col(("sync", "id")).equals(("run", "sync_id")))
            .inner_join("run_model", Expr::col(("run", "id")).equals(("run_model", "run_id")))
            .and_where(Expr::col(("sync", "name")).eq(sync))
            .and_where(Expr::col(("run", "status")).eq(RunStatus::Completed.as_str()))
            // A dry run is completed whatever its guards say.
            .and_where(Expr::col(("run", "dry")).eq(false))
            // An undo does not ask the source.
            .and_where(Expr::col(("run", "purpose")).ne(Purpose::Undo.as_str()))
            // Who approves a part approves no loss of the whole.
            .cond_where(not_a_part())
            .and_where(column("model").eq(model))
            .and_where(column(records).is_not_null())
            .and_where(column(partial).is_null())
            .order_by(("run", "id"), sea_orm::Order::Desc)
            .limit(n)
            .to_owned();
        let rows = self.store.db().query_all(&query).await.map_err(|error| self.store.read_error(error))?;
        let count = |row: &QueryResult| Ok((row.try_get("", "run_id")?, row.try_get("", "records")?));
        let counts: Result<Vec<(i64, i64)>, _> = rows.iter().map(count).collect();
        let mut counts = counts.map_err(|error| self.store.read_error(error))?;
        if side == Side::Source && (counts.len() as u64) < n {
            counts.extend(self.kept_counts(sync, model, n).await?);
            counts.sort_unstable_by(|one, other| other.cmp(one));
            // One that goes at this moment may be in both.
            counts.dedup_by_key(|(run, _)| *run);
            counts.truncate(usize::try_from(n).unwrap_or(usize::MAX));
        }
        Ok(counts.into_iter().map(|(_, records)| text::count(records)).collect())
    }
}

/// Brings the sums of a run up to date with its models.
fn sums(run: RunId) -> sea_orm::sea_query::UpdateStatement {
    let sums = [
        ("source_records", "source_records"),
        ("target_records", "target_records"),
        ("diff_create", "diff_create"),
        ("diff_update", "diff_update"),
        ("diff_delete", "diff_delete"),
        ("diff_unchanged", "diff_unchanged"),
        ("diff_ambiguous", "diff_ambiguous"),
        ("source_rejected", "source_rejected"),
    ];
    let mut update = Query::update();
    update.table("run").and_where(Expr::col("id").eq(run.0));
    for (sum, column) in sums {
        // A sum of big integers is a decimal number in PostgreSQL.
        let total = Expr::col(column).sum().cast_as("bigint");
        let total = Expr::expr(sea_orm::sea_query::Func::coalesce([total, Expr::value(0_i64)]));
        let total = Query::select()
            .expr(total)
            .from("run_model")
            .and_where(Expr::col(("run_model", "run_id")).eq(run.0))
            .to_owned();
        update.value(sum, Expr::from(sea_orm::sea_query::SubQueryStatement::SelectStatement(total)));
    }
    update
}

fn row(run: RunId, record: &ModelRecord) -> Result<run_model::ActiveModel> {
    let diff = record.diff.unwrap_or_default();
    let records = |read: &Option<ReadRecord>| Set(read.as_ref().map(|read| text::stored(read.records)));
    let partial = |read: &Option<ReadRecord>| Set(read.as_ref().and_then(|read| read.partial.clone()));
    let rejected = |read: &Option<ReadRecord>| Set(text::stored(read.as_ref().map_or(0, |read| read.rejected)));
    let rejections = |read: &Option<ReadRecord>| -> Result<_> {
        let some = read.as_ref().filter(|read| !read.rejections.is_empty());
        Ok(Set(some.map(|read| text::to_json(&read.rejections)).transpose()?))
    };
    let filled = |read: &Option<ReadRecord>| -> Result<_> {
        let filled = read.as_ref().and_then(|read| read.filled.as_ref());
        Ok(Set(filled.map(text::to_json).transpose()?))
    };
    Ok(run_model::ActiveModel {
        run_id: Set(run.0),
        model: Set(record.model.clone()),
        mode: Set(text::mode_name(record.mode).to_owned()),
        source_records: records(&record.source),
        source_partial: partial(&record.source),
        target_records: records(&record.target),
        target_partial: partial(&record.target),
        compared: Set(record.diff.is_some()),
        diff_create: Set(text::stored(diff.create)),
        diff_update: Set(text::stored(diff.update)),
        diff_delete: Set(text::stored(diff.delete)),
        diff_unchanged: Set(text::stored(diff.unchanged)),
        diff_ambiguous: Set(text::stored(diff.ambiguous)),
        diff_source: Set(text::stored(diff.source)),
        diff_target: Set(text::stored(diff.target)),
        desired_records: Set(record.desired.map(text::stored)),
        source_rejected: rejected(&record.source),
        source_rejections: rejections(&record.source)?,
        target_rejected: rejected(&record.target),
        target_rejections: rejections(&record.target)?,
        source_filled: filled(&record.source)?,
        target_filled: filled(&record.target)?,
    })
}

impl TryFrom<run_model::Model> for ModelRecord {
    type Error = crate::Error;

    fn try_from(row: run_model::Model) -> Result<Self> {
        let read = |records: Option<i64>, partial, rejected, rejections: Option<String>, filled: Option<String>| {
            let Some(records) = records else { return Ok::<_, crate::Error>(None) };
            let rejections = rejections.map(|json| text::parse_json("run_model.rejections", &json)).transpose()?;
            let filled = filled.map(|json| text::parse_json("run_model.filled", &json)).transpose()?;
            let (records, rejected) = (text::count(records), text::count(rejected));
            Ok(Some(ReadRecord { records, partial, rejected, rejections: rejections.unwrap_or_default(), filled }))
        };
        Ok(Self {
            mode: text::parse("run_model.mode", &row.mode)?,
            source: read(
                row.source_records,
                row.source_partial,
                row.source_rejected,
                row.source_rejections,
                row.source_filled,
            )?,
            desired: row.desired_records.map(text::count),
            target: read(
                row.target_records,
                row.target_partial,
                row.target_rejected,
                row.target_rejections,
                row.target_filled,
            )?,
            diff: row.compared.then(|| DiffCounts {
                create: text::count(row.diff_create),
                update: text::count(row.diff_update),
                delete: text::count(row.diff_delete),
                unchanged: text::count(row.diff_unchanged),
                ambiguous: text::count(row.diff_ambiguous),
                source: text::count(row.diff_source),
                target: text::count(row.diff_target),
            }),
            model: row.model,
        })
    }
}
