//! Changes that runs make again and again.

use sea_orm::sea_query::{Alias, Expr, ExprTrait, Query};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use syncline_model::AnyKey;

use super::entity::{change, run};
use super::{History, Observed, OutcomeKind, Purpose, RunId, RunStatus, text};
use crate::Result;
use crate::change::{Action, FieldChange, HoldRule};

/// What a page of findings that a run made has, and where the next one starts.
type Observations = (Vec<Observed>, Option<u64>);

impl History {
    /// The real runs of a run's sync that completed before it, newest first, at most `n`. Undos and reruns are not among them:
    /// they repeat by intention.
    pub async fn completed_before(&self, run: RunId, n: u64) -> Result<Vec<RunId>> {
        let row = run::Entity::find_by_id(run.0).one(self.store.db()).await;
        let Some(row) = row.map_err(|error| self.store.read_error(error))? else { return Ok(Vec::new()) };
        let rows: Vec<i64> = run::Entity::find()
            .select_only()
            .column(run::Column::Id)
            .filter(run::Column::SyncId.eq(row.sync_id))
            .filter(run::Column::Id.lt(run.0))
            .filter(run::Column::Status.eq(RunStatus::Completed.as_str()))
            .filter(run::Column::Dry.eq(false))
            .filter(run::Column::Purpose.is_in([Purpose::Sync.as_str(), Purpose::Apply.as_str()]))
            .filter(run::Column::Subject.is_null())
            .order_by_desc(run::Column::Id)
            .limit(n)
            .into_tuple()
            .all(self.store.db())
            .await
            .map_err(|error| self.store.read_error(error))?;
        Ok(rows.into_iter().map(RunId).collect())
    }

    /// The changes that a run made and each of the `earlier` runs had made too, field by field: those among its changes after the
    /// number `after`. Only the changes of this run are gone through; those of the others are looked up.
    pub async fn repeated_changes(
        &self,
        run: RunId,
        earlier: &[RunId],
        after: u64,
        limit: u64,
    ) -> Result<Observations> {
        let this = |column: change::Column| Expr::col((Alias::new("this"), column));
        let mut query = Query::select();
        query
            .expr_as(this(change::Column::Seq), "seq")
            .expr_as(this(change::Column::Model), "model")
            .expr_as(this(change::Column::Key), "key")
            .expr_as(this(change::Column::Action), "action")
            .expr_as(this(change::Column::Fields), "fields")
            .from_as("change", Alias::new("this"))
            .and_where(this(change::Column::RunId).eq(run.0))
            .and_where(this(change::Column::Seq).gt(text::stored(after)))
            .and_where(this(change::Column::Outcome).eq(OutcomeKind::Applied.as_str()))
            .order_by((Alias::new("this"), change::Column::Seq), sea_orm::Order::Asc)
            .limit(limit);
        for run in earlier {
            let then = |column: change::Column| Expr::col((Alias::new("then"), column));
            let same = Query::select()
                .expr(Expr::val(1))
                .from_as("change", Alias::new("then"))
                .and_where(then(change::Column::KeyHash).equals((Alias::new("this"), change::Column::KeyHash)))
                .and_where(then(change::Column::RunId).eq(run.0))
                .and_where(then(change::Column::ChangeId).equals((Alias::new("this"), change::Column::ChangeId)))
                .and_where(then(change::Column::Outcome).eq(OutcomeKind::Applied.as_str()))
                .to_owned();
            query.and_where(Expr::exists(same));
        }
        let rows = self.store.db().query_all(&query).await.map_err(|error| self.store.read_error(error))?;
        let mut found = Vec::new();
        let mut last = None;
        for row in &rows {
            let get = |column: &str| row.try_get::<String>("", column).map_err(|error| self.store.read_error(error));
            let seq: i64 = row.try_get("", "seq").map_err(|error| self.store.read_error(error))?;
            last = Some(text::count(seq));
            let (model, key) = (get("model")?, AnyKey::from_canonical(&get("key")?));
            let action: Action = text::parse("change.action", &get("action")?)?;
            let fields: Vec<FieldChange> = text::parse_json("change.fields", &get("fields")?)?;
            let whole = Observed {
                model,
                key,
                field: None,
                action,
                target: serde_json::Value::Null,
                source: serde_json::Value::Null,
                detail: None,
            };
            if action == Action::Update {
                found.extend(fields.into_iter().map(|field| Observed {
                    field: Some(field.name),
                    target: field.before,
                    source: field.after,
                    ..whole.clone()
                }));
            } else {
                found.push(whole);
            }
        }
        let is_full = rows.len() as u64 == limit;
        Ok((found, last.filter(|_| is_full)))
    }

    /// The records of a run of which more than one answered to a key: those among its changes after the number `after`.
    pub async fn ambiguous_changes(&self, run: RunId, after: u64, limit: u64) -> Result<Observations> {
        let rows = change::Entity::find()
            .filter(change::Column::RunId.eq(run.0))
            .filter(change::Column::HoldRule.eq(HoldRule::Ambiguous.as_str()))
            .filter(change::Column::Seq.gt(text::stored(after)))
            .order_by_asc(change::Column::Seq)
            .limit(limit)
            .all(self.store.db())
            .await
            .map_err(|error| self.store.read_error(error))?;
        let last = rows.last().map(|row| text::count(row.seq)).filter(|_| rows.len() as u64 == limit);
        let found = rows.into_iter().map(|row| {
            Ok(Observed {
                key: AnyKey::from_canonical(&row.key),
                field: None,
                action: text::parse("change.action", &row.action)?,
                target: serde_json::Value::Null,
                source: serde_json::Value::Null,
                detail: row.reason,
                model: row.model,
            })
        });
        Ok((found.collect::<Result<_>>()?, last))
    }
}
