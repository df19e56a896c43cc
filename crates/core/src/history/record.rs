//! Recording changes, and with them what Syncline created.

use std::collections::BTreeMap;

use futures::FutureExt;
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter, QuerySelect, Value};

use super::change::{OutcomeColumns, OutcomeKind, RecordedChange};
use super::entity::{change, run};
use super::insert::Insert;
use super::lease::Claim;
use super::ledger::{self, Entry};
use super::link::{self, Link};
use super::run::RunId;
use super::{History, error, object, stage, text};
use crate::applied::AppliedValues;
use crate::change::{Action, Change};
use crate::outcome::Outcome;
use crate::{Error, ErrorKind, Result};

/// A change in the form in which it is stored.
#[derive(Debug, Clone)]
pub(super) struct Row {
    change_id: String,
    model: String,
    key: String,
    hash: u128,
    action: Action,
    outcome: OutcomeKind,
    rule: Option<&'static str>,
    field: Option<String>,
    reason: Option<String>,
    native_id: Option<String>,
    request_id: Option<String>,
    at: i64,
    place: Option<u64>,
    fields: String,
    image: Option<String>,
    kept: Option<String>,
    /// The values that were applied; empty when none was.
    applied: AppliedValues,
    source_id: Option<Box<str>>,
}

impl Row {
    /// Writes a change in the form in which it is stored.
    pub(super) fn of(recorded: &RecordedChange<'_>) -> Result<Self> {
        let RecordedChange { change, outcome, native_id, at, place, image } = recorded;
        let columns = OutcomeColumns::of(change, *outcome);
        let native_id = native_id.or(change.native.as_ref().map(|native| &*native.id));
        let kind = OutcomeKind::of(*outcome);
        let applied = match (kind, change.action) {
            (OutcomeKind::Applied, Action::Create | Action::Update) => AppliedValues::of(&change.fields),
            _ => AppliedValues::default(),
        };
        Ok(Self {
            change_id: change.id.clone(),
            model: change.model.clone(),
            key: change.key.as_str().to_owned(),
            hash: object::hash(&change.model, change.key.as_str()),
            action: change.action,
            outcome: kind,
            rule: columns.rule.map(crate::change::HoldRule::as_str),
            field: columns.field.map(str::to_owned),
            reason: columns.reason.map(std::borrow::Cow::into_owned),
            native_id: native_id.map(str::to_owned),
            request_id: columns.request_id.map(str::to_owned),
            at: text::micros(*at),
            place: *place,
            fields: text::to_json(&change.fields)?,
            image: image.map(text::to_json).transpose()?,
            kept: (!change.kept.is_empty()).then(|| text::to_json(&change.kept)).transpose()?,
            applied,
            source_id: change.source_id.clone(),
        })
    }

    /// About how many bytes it takes.
    pub(super) fn size(&self) -> usize {
        let texts = [&self.change_id, &self.model, &self.key, &self.fields];
        let others = [&self.reason, &self.image, &self.kept].into_iter().flatten();
        texts.into_iter().chain(others).map(String::len).sum::<usize>() + self.applied.as_bytes().len() + 100
    }

    fn values(&self, run: RunId, seq: i64) -> [Value; 18] {
        [
            run.0.into(),
            seq.into(),
            self.change_id.clone().into(),
            self.model.clone().into(),
            self.key.clone().into(),
            object::half(self.hash).into(),
            self.action.as_str().into(),
            self.outcome.as_str().into(),
            self.rule.map(str::to_owned).into(),
            self.field.clone().into(),
            self.reason.clone().into(),
            self.native_id.clone().into(),
            self.request_id.clone().into(),
            self.at.into(),
            self.fields.clone().into(),
            self.place.map(text::stored).into(),
            self.image.clone().into(),
            self.kept.clone().into(),
        ]
    }
}

const CHANGES: Insert<18> = Insert {
    table: "change",
    columns: [
        "run_id",
        "seq",
        "change_id",
        "model",
        "key",
        "key_hash",
        "action",
        "outcome",
        "hold_rule",
        "error_field",
        "reason",
        "native_id",
        "request_id",
        "at",
        "fields",
        "place",
        "image",
        "kept",
    ],
    tail: "",
};

const OUTCOMES: Insert<5> = Insert {
    table: "run_outcome",
    columns: ["run_id", "model", "action", "outcome", "count"],
    tail: r#"ON CONFLICT ("run_id", "model", "action", "outcome") DO UPDATE SET "count" = "run_outcome"."count" + excluded."count""#,
};

impl History {
    /// Records changes with their outcomes, in one transaction.
    ///
    /// A create that was applied also records that Syncline created the object, a delete that was applied that the object
    /// is gone, and both creates and updates what was applied; where the changes are staged, all that waits for their merge. Counters
    /// of the run go along.
    pub async fn record_changes(&self, claim: Claim, changes: &[RecordedChange<'_>]) -> Result<()> {
        let rows: Result<Vec<_>> = changes.iter().map(Row::of).collect();
        self.settle_rows(claim, None, &rows?).await
    }

    /// Gives a recorded change another outcome: the second pass of a create did not succeed, or an unsettled batch was
    /// settled.
    pub async fn amend_change(&self, claim: Claim, change: &Change, outcome: &Outcome) -> Result<()> {
        self.store.write(move |tx, _| async move { amend(tx, claim, change, outcome).await }.boxed()).await
    }
}

/// Records changes that are in their stored form.
pub(super) async fn record(tx: &DatabaseTransaction, claim: Claim, rows: &[Row]) -> Result<()> {
    let run = claim.run;
    if rows.is_empty() {
        return Ok(());
    }
    let mut kinds: BTreeMap<(&str, Action, OutcomeKind), i64> = BTreeMap::new();
    for row in rows {
        *kinds.entry((&row.model, row.action, row.outcome)).or_default() += 1;
    }
    let count = text::stored(rows.len() as u64);
    let mut outcomes: BTreeMap<OutcomeKind, i64> = BTreeMap::new();
    for ((_, _, outcome), count) in &kinds {
        *outcomes.entry(*outcome).or_default() += count;
    }

    let is_real = outcomes.keys().any(|outcome| *outcome == OutcomeKind::Applied);
    let (last, systems) = reserve(tx, claim, count, &outcomes, is_real).await?;
    let first = last - count + 1;
    CHANGES.run(tx, rows, |place, row| row.values(run, first + text::stored(place as u64))).await?;

    let kinds: Vec<_> = kinds.into_iter().collect();
    OUTCOMES
        .run(tx, &kinds, |_, ((model, action, outcome), count)| {
            [run.0.into(), (*model).into(), action.as_str().into(), outcome.as_str().into(), (*count).into()]
        })
        .await?;
    keep_in_ledger(tx, run, &systems, rows).await
}

/// The systems that a run reads and writes.
struct Systems {
    source: String,
    /// The system, or the place in it where the changes are staged.
    target: String,
    is_staged: bool,
}

/// Takes the next numbers for changes, counts the outcomes, and tells the last number and the systems of the run.
/// The run's row is locked from here on, so that batches of one run come one after the other.
async fn reserve(
    tx: &DatabaseTransaction,
    claim: Claim,
    count: i64,
    outcomes: &BTreeMap<OutcomeKind, i64>,
    is_real: bool,
) -> Result<(i64, Systems)> {
    let run = claim.run;
    let mut update = Query::update();
    update
        .table("run")
        .value("last_change", Expr::col("last_change").add(count))
        .value("fruitless", 0_i64)
        .value("waits", 0_i64);
    for (outcome, count) in outcomes {
        let column = outcome_column(*outcome);
        update.value(column, Expr::col(column).add(*count));
    }
    update
        .and_where(Expr::col("id").eq(run.0))
        .and_where(Expr::col("finished_at").is_null())
        .and_where(Expr::col("fence").eq(claim.fence))
        .and_where(Expr::col("status").eq(super::RunStatus::Syncing.as_str()));
    update.returning(Query::returning().columns([
        "last_change",
        "source_instance",
        "target_instance",
        "dry",
        "staged_as",
    ]));
    let row = tx.query_one(&update).await.map_err(error::of_statement)?;
    let Some(row) = row else { return Err(super::run_write::not_writable(tx, claim).await) };
    let systems = || -> Result<Systems, sea_orm::DbErr> {
        let staged_as: Option<String> = row.try_get("", "staged_as")?;
        let target = match staged_as {
            Some(_) => stage::instance(run),
            None => row.try_get("", "target_instance")?,
        };
        Ok(Systems { source: row.try_get("", "source_instance")?, target, is_staged: staged_as.is_some() })
    };
    let get = || Ok((row.try_get("", "last_change")?, systems()?, row.try_get("", "dry")?));
    let (last, systems, dry) = get().map_err(error::of_statement)?;
    if dry && is_real {
        return Err(Error::new(ErrorKind::Internal, format!("run {run} is dry and cannot have applied changes")));
    }
    Ok((last, systems))
}

/// The column of `run` that counts an outcome.
fn outcome_column(outcome: OutcomeKind) -> &'static str {
    match outcome {
        OutcomeKind::Planned => "outcome_planned",
        OutcomeKind::Applied => "outcome_applied",
        OutcomeKind::Unchanged => "outcome_unchanged",
        OutcomeKind::Skipped => "outcome_skipped",
        OutcomeKind::Held => "outcome_held",
        OutcomeKind::Failed => "outcome_failed",
        OutcomeKind::Stale => "outcome_stale",
    }
}

async fn keep_in_ledger(tx: &DatabaseTransaction, run: RunId, systems: &Systems, rows: &[Row]) -> Result<()> {
    let applied = rows.iter().filter(|row| row.outcome == OutcomeKind::Applied);
    let with_id: Vec<_> = applied.filter_map(|row| Some((row, row.native_id.as_deref()?))).collect();
    let entries: Vec<_> = with_id
        .iter()
        .map(|(row, native_id)| Entry {
            model: &row.model,
            key: &row.key,
            native_id,
            action: row.action,
            at: row.at,
            applied: &row.applied,
        })
        .collect();
    ledger::keep(tx, run, &systems.target, &entries).await?;
    let mut links: BTreeMap<&str, Vec<Link>> = BTreeMap::new();
    for (row, target_id) in with_id.iter().filter(|(row, _)| row.action == Action::Create) {
        if let Some(source_id) = &row.source_id {
            let link = Link { source_id: source_id.clone(), target_id: (*target_id).into() };
            links.entry(&row.model).or_default().push(link);
        }
    }
    for (model, mut links) in links {
        links.sort_by(|a, b| a.source_id.cmp(&b.source_id));
        link::keep(tx, (&systems.source, &systems.target), model, &links).await?;
    }
    if systems.is_staged {
        return Ok(());
    }
    // What is deleted waits no more. What was only tried to delete does.
    let deleted = rows.iter().filter(|row| row.outcome == OutcomeKind::Applied && row.action == Action::Delete);
    let mut deleted: Vec<_> = deleted.map(|row| row.hash.to_be_bytes().to_vec()).collect();
    deleted.sort();
    super::quarantine::forget(tx, run, &deleted).await
}

async fn amend(tx: &DatabaseTransaction, claim: Claim, change: &Change, outcome: &Outcome) -> Result<()> {
    let run = claim.run;
    super::run_write::one_row(tx, claim, super::batch::touched(claim)).await?;
    let hash = object::hash(&change.model, change.key.as_str());
    let found = change::Entity::find()
        .filter(change::Column::KeyHash.eq(object::half(hash)))
        .filter(change::Column::RunId.eq(run.0))
        .filter(change::Column::ChangeId.eq(&change.id))
        .one(tx)
        .await
        .map_err(error::of_statement)?;
    let Some(found) = found else {
        let message = format!("run {run} has no change `{}` of {} {}", change.id, change.model, change.key);
        return Err(Error::new(ErrorKind::Internal, message));
    };
    let before: OutcomeKind = text::parse("change.outcome", &found.outcome)?;
    let after = OutcomeKind::of(Some(outcome));
    let columns = OutcomeColumns::of(change, Some(outcome));
    let update = change::Entity::update_many()
        .col_expr(change::Column::Outcome, after.as_str().into())
        .col_expr(change::Column::HoldRule, Expr::value(columns.rule.map(crate::change::HoldRule::as_str)))
        .col_expr(change::Column::ErrorField, Expr::value(columns.field))
        .col_expr(change::Column::Reason, Expr::value(columns.reason.as_deref()))
        .filter(change::Column::RunId.eq(run.0))
        .filter(change::Column::Seq.eq(found.seq));
    let update = match columns.request_id {
        Some(id) => update.col_expr(change::Column::RequestId, id.into()),
        None => update,
    };
    update.exec(tx).await.map_err(error::of_statement)?;
    correct_ledger(tx, run, change, (before, after), found.native_id.as_deref()).await?;
    if before == after {
        return Ok(());
    }
    let (from, to) = (outcome_column(before), outcome_column(after));
    let counters = Query::update()
        .table("run")
        .value(from, Expr::col(from).sub(1))
        .value(to, Expr::col(to).add(1))
        .and_where(Expr::col("id").eq(run.0))
        .to_owned();
    tx.execute(&counters).await.map_err(error::of_statement)?;
    let moved: [(OutcomeKind, i64); 2] = [(before, -1), (after, 1)];
    OUTCOMES
        .run(tx, &moved, |_, (outcome, count)| {
            [
                run.0.into(),
                change.model.clone().into(),
                change.action.as_str().into(),
                outcome.as_str().into(),
                (*count).into(),
            ]
        })
        .await
}

/// A first pass that said that a change was applied spoke of its second pass too.
async fn correct_ledger(
    tx: &DatabaseTransaction,
    run: RunId,
    change: &Change,
    (before, after): (OutcomeKind, OutcomeKind),
    native_id: Option<&str>,
) -> Result<()> {
    let (applied, not_applied): (AppliedValues, Vec<&str>) = match (before, after) {
        (OutcomeKind::Applied, OutcomeKind::Applied) => return Ok(()),
        (_, OutcomeKind::Applied) => (AppliedValues::of(&change.fields), Vec::new()),
        (OutcomeKind::Applied, _) => {
            (AppliedValues::default(), change.deferred().map(|field| field.name.as_str()).collect())
        }
        _ => return Ok(()),
    };
    let Some(native_id) = native_id.filter(|_| change.action != Action::Delete) else { return Ok(()) };
    let instance = run::Entity::find_by_id(run.0)
        .select_only()
        .columns([run::Column::TargetInstance, run::Column::StagedAs])
        .into_tuple::<(String, Option<String>)>()
        .one(tx)
        .await
        .map_err(error::of_statement)?;
    let instance = match instance {
        Some((_, Some(_))) => stage::instance(run),
        Some((instance, None)) => instance,
        None => String::new(),
    };
    let entry = Entry {
        model: &change.model,
        key: change.key.as_str(),
        native_id,
        action: change.action,
        at: text::now(),
        applied: &applied,
    };
    ledger::correct(tx, &instance, &entry, &not_applied).await
}
