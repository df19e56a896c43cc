//! What a staged run did to objects: true of the system once it is merged, and never if it is not.
//!
//! Until then the rows of the ledger, and the links, stand under a name of the run's own in the place of the system's, so that nobody
//! who asks about the system sees them. A merge gives them to the system, and takes from it what the run deleted. They last until it is
//! known that the place is gone, because a run can be over before its merge is.

use std::collections::BTreeMap;

use futures::FutureExt;
use sea_orm::{ColumnTrait, Condition, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::entity::{change, ledger, link, run};
use super::lease::Claim;
use super::link::Link;
use super::part::scope_of;
use super::run_write::{finish, hold, open_run};
use super::{History, OutcomeKind, Purpose, RunError, RunId, RunResult, RunStatus, error, status};
use crate::change::Action;
use crate::{Error, ErrorKind, Result};

/// How many rows move in one transaction.
const TOGETHER: u64 = 1_000;

/// A place in the target where a run that is over left what it staged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftStage {
    /// The run.
    pub run: RunId,
    /// The target's id of the place.
    pub id: String,
}

/// The name under which a run's staged work stands. No system has it: those are URLs, or names of connections.
pub(super) fn instance(run: RunId) -> String {
    format!("staged:{run}")
}

impl History {
    /// Makes true what a run staged, which has been merged. It moves in parts; doing it again goes on with the rest. Whoever finds
    /// that writes with the right of its own run, `claim`: the run that staged it may be over.
    pub async fn merge_stage(&self, claim: Claim, of: RunId) -> Result<()> {
        while self.store.write(move |tx, _| async move { move_objects(tx, claim, of).await }.boxed()).await? {}
        while self.store.write(move |tx, _| async move { move_links(tx, claim, of).await }.boxed()).await? {}
        let mut after = Some(0);
        while let Some(from) = after {
            after =
                self.store.write(move |tx, _| async move { forget_deleted(tx, claim, of, from).await }.boxed()).await?;
        }
        self.drop_stage(of).await
    }

    /// Notes that nothing is left in the target of what a run staged, and forgets what would have been true of it.
    pub async fn drop_stage(&self, run: RunId) -> Result<()> {
        self.store
            .write(move |tx, _| {
                async move {
                    let update = run::Entity::update_many()
                        .filter(run::Column::Id.eq(run.0))
                        .col_expr(run::Column::StageGone, true.into());
                    update.exec(tx).await.map_err(error::of_statement)?;
                    forget(tx, run).await
                }
                .boxed()
            })
            .await
    }

    /// What runs of the sync of a run left in the target of that run, oldest first: they were cancelled, rejected, superseded or
    /// failed, and nobody removed it yet.
    pub async fn left_stages(&self, of: RunId) -> Result<Vec<LeftStage>> {
        let failed = |error| self.store.read_error(error);
        let row = run::Entity::find_by_id(of.0).one(self.store.db()).await.map_err(failed)?;
        let Some(row) = row else { return Ok(Vec::new()) };
        let over = [RunStatus::Cancelled.as_str(), RunStatus::Failed.as_str()];
        let rows = run::Entity::find()
            .filter(run::Column::SyncId.eq(row.sync_id))
            .filter(run::Column::TargetInstance.eq(row.target_instance))
            .filter(run::Column::Status.is_in(over))
            .filter(run::Column::StagedAs.is_not_null())
            .filter(run::Column::StageGone.eq(false))
            .order_by_asc(run::Column::Id)
            .all(self.store.db())
            .await
            .map_err(failed)?;
        let left = rows.into_iter().filter_map(|row| Some(LeftStage { run: RunId(row.id), id: row.staged_as? }));
        Ok(left.collect())
    }

    /// The older run whose staged changes wait for a decision, and would be about the same as those of a run; the newest.
    pub async fn staged_before(&self, of: RunId) -> Result<Option<RunId>> {
        let failed = |error| self.store.read_error(error);
        let row = run::Entity::find_by_id(of.0).one(self.store.db()).await.map_err(failed)?;
        let Some(row) = row else { return Ok(None) };
        let waiting = older_stages(&row).filter(run::Column::Status.eq(RunStatus::AwaitingReview.as_str()));
        let waiting = waiting.order_by_desc(run::Column::Id).all(self.store.db()).await.map_err(failed)?;
        Ok(waiting.iter().find(|other| is_replaced(other, &row)).map(|other| RunId(other.id)))
    }

    /// An older run of the sync whose staged changes wait, and that a run about a part does not replace, as it is about more or about
    /// something else.
    pub async fn staged_beside(&self, of: RunId) -> Result<Option<RunId>> {
        let failed = |error| self.store.read_error(error);
        let row = run::Entity::find_by_id(of.0).one(self.store.db()).await.map_err(failed)?;
        let Some(row) = row else { return Ok(None) };
        let replaced = older_stages(&row).all(self.store.db()).await.map_err(failed)?;
        let replaced: Vec<_> = replaced.iter().filter(|other| is_replaced(other, &row)).map(|other| other.id).collect();
        let staged = open_stages(&row).order_by_desc(run::Column::Id).all(self.store.db()).await.map_err(failed)?;
        Ok(staged.iter().find(|other| !replaced.contains(&other.id)).map(|other| RunId(other.id)))
    }

    /// Cancels the older runs whose staged changes wait for a decision: a run has a newer plan of the same. Gives those; what
    /// they staged is [left](Self::left_stages). One that was approved meanwhile is an error: its changes come first.
    pub async fn supersede_stages(&self, claim: Claim) -> Result<Vec<RunId>> {
        self.tell(move |tx, _| {
                async move {
                    hold(tx, claim).await?;
                    let row = run::Entity::find_by_id(claim.run.0).one(tx).await.map_err(error::of_statement)?;
                    let Some(row) = row else { return Ok(Vec::new()) };
                    let mut older = older_stages(&row).all(tx).await.map_err(error::of_statement)?;
                    older.retain(|other| is_replaced(other, &row));
                    let message = format!("run {} made a newer plan", claim.run);
                    let error = RunError { kind: "superseded".to_owned(), message };
                    let result = RunResult { status: RunStatus::Cancelled, error: Some(error) };
                    for row in &older {
                        let update = finish(open_run(RunId(row.id)), &result)
                            .filter(run::Column::Status.eq(RunStatus::AwaitingReview.as_str()));
                        if update.exec(tx).await.map_err(error::of_statement)?.rows_affected == 0 {
                            let message = format!(
                                "run {}, whose changes are staged in the target, was approved meanwhile: let it come to its end, \
                                 and run the sync again",
                                row.id
                            );
                            return Err(Error::new(ErrorKind::Stale, message));
                        }
                        super::batch::forget(tx, RunId(row.id)).await?;
                    }
                    for row in &older {
                        status::note(tx, RunId(row.id)).await?;
                    }
                    Ok(older.iter().map(|row| RunId(row.id)).collect())
                }
                .boxed()
            })
            .await
    }
}

/// Older runs of the sync that are not over, have staged changes, and whose plans a plan of this run replaces: those for the same
/// purpose, about the same run where they are about one. A plan of the whole sync has what a rerun, a part and an applied plan had, too.
/// Not all of those are replaced: see [`is_replaced`].
fn older_stages(row: &run::Model) -> sea_orm::Select<run::Entity> {
    let same_subject = match row.subject {
        Some(subject) => run::Column::Subject.eq(subject),
        None => run::Column::Subject.is_null(),
    };
    let same = Condition::all().add(run::Column::Purpose.eq(&row.purpose)).add(same_subject);
    let mut alike = Condition::any().add(same);
    if row.purpose == Purpose::Sync.as_str() {
        let others = [Purpose::Rerun, Purpose::Part, Purpose::Apply].map(Purpose::as_str);
        alike = alike.add(run::Column::Purpose.is_in(others));
    }
    open_stages(row).filter(alike)
}

/// Older runs of a run's sync that are not over and have staged changes.
fn open_stages(row: &run::Model) -> sea_orm::Select<run::Entity> {
    run::Entity::find()
        .filter(run::Column::SyncId.eq(row.sync_id))
        .filter(run::Column::Id.lt(row.id))
        .filter(run::Column::FinishedAt.is_null())
        .filter(run::Column::StagedAs.is_not_null())
}

/// Whether a plan of one run has all that the plan of another one has, of those that may be alike.
fn is_replaced(other: &run::Model, by: &run::Model) -> bool {
    let scope = scope_of(other);
    if by.purpose == Purpose::Sync.as_str() {
        // What takes a run back is about that run, and is applied for it.
        let is_apply = other.purpose == Purpose::Apply.as_str();
        return !is_apply || other.subject.is_none() || scope.is_some();
    }
    scope == scope_of(by)
}

/// The system that a run reads, and the one that it writes to.
async fn systems(tx: &DatabaseTransaction, run: RunId) -> Result<(String, String)> {
    let found = run::Entity::find_by_id(run.0)
        .select_only()
        .columns([run::Column::SourceInstance, run::Column::TargetInstance])
        .into_tuple::<(String, String)>()
        .one(tx)
        .await;
    Ok(found.map_err(error::of_statement)?.unwrap_or_default())
}

/// The system that a run writes to, or the place of the run's own in it. Whoever is not to write about the run is told so.
pub(super) async fn written_to(tx: &DatabaseTransaction, claim: Claim) -> Result<String> {
    hold(tx, claim).await?;
    let found = run::Entity::find_by_id(claim.run.0)
        .select_only()
        .columns([run::Column::TargetInstance, run::Column::StagedAs])
        .into_tuple::<(String, Option<String>)>()
        .one(tx)
        .await;
    let (target, staged_as) = found.map_err(error::of_statement)?.unwrap_or_default();
    Ok(if staged_as.is_some() { instance(claim.run) } else { target })
}

/// Moves some objects; whether there were any.
async fn move_objects(tx: &DatabaseTransaction, claim: Claim, of: RunId) -> Result<bool> {
    hold(tx, claim).await?;
    let staged = instance(of);
    let rows = ledger::Entity::find()
        .filter(ledger::Column::Instance.eq(&staged))
        .order_by_asc(ledger::Column::Model)
        .order_by_asc(ledger::Column::NativeId)
        .limit(TOGETHER)
        .all(tx)
        .await
        .map_err(error::of_statement)?;
    let (_, target) = systems(tx, of).await?;
    super::ledger::take_over(tx, &target, &rows).await?;
    for (model, ids) in by_model(rows.iter().map(|row| (row.model.as_str(), row.native_id.clone()))) {
        super::ledger::delete(tx, &staged, model, &ids).await?;
    }
    Ok(!rows.is_empty())
}

/// Moves some links; whether there were any.
async fn move_links(tx: &DatabaseTransaction, claim: Claim, of: RunId) -> Result<bool> {
    hold(tx, claim).await?;
    let staged = instance(of);
    let rows = link::Entity::find()
        .filter(link::Column::Target.eq(&staged))
        .order_by_asc(link::Column::Model)
        .order_by_asc(link::Column::SourceId)
        .limit(TOGETHER)
        .all(tx)
        .await
        .map_err(error::of_statement)?;
    let (source, target) = systems(tx, of).await?;
    let links = rows.iter().map(|row| {
        let link = Link { source_id: row.source_id.as_str().into(), target_id: row.target_id.as_str().into() };
        (row.model.as_str(), link)
    });
    for (model, links) in by_model(links) {
        super::link::keep(tx, (&source, &target), model, &links).await?;
        let ids: Vec<_> = links.into_iter().map(|link| String::from(link.target_id)).collect();
        super::link::forget_targets(tx, &staged, model, &ids).await?;
    }
    Ok(!rows.is_empty())
}

/// Takes some of what the run deleted from what is known of the system; after which change to go on, if there may be more.
async fn forget_deleted(tx: &DatabaseTransaction, claim: Claim, of: RunId, after: i64) -> Result<Option<i64>> {
    hold(tx, claim).await?;
    let rows = change::Entity::find()
        .filter(change::Column::RunId.eq(of.0))
        .filter(change::Column::Action.eq(Action::Delete.as_str()))
        .filter(change::Column::Outcome.eq(OutcomeKind::Applied.as_str()))
        .filter(change::Column::Seq.gt(after))
        .order_by_asc(change::Column::Seq)
        .limit(TOGETHER)
        .all(tx)
        .await
        .map_err(error::of_statement)?;
    let (_, target) = systems(tx, of).await?;
    let objects = rows.iter().filter_map(|row| Some((row.model.as_str(), row.native_id.clone()?)));
    for (model, ids) in by_model(objects) {
        super::ledger::delete(tx, &target, model, &ids).await?;
        super::link::forget_targets(tx, &target, model, &ids).await?;
    }
    let hash = |row: &change::Model| super::object::hash(&row.model, &row.key).to_be_bytes().to_vec();
    let mut hashes: Vec<_> = rows.iter().map(hash).collect();
    hashes.sort();
    super::quarantine::forget(tx, of, &hashes).await?;
    Ok(rows.last().map(|row| row.seq))
}

/// Forgets what a run staged.
pub(super) async fn forget(tx: &DatabaseTransaction, run: RunId) -> Result<()> {
    let staged = instance(run);
    let objects = ledger::Entity::delete_many().filter(ledger::Column::Instance.eq(&staged)).exec(tx).await;
    objects.map_err(error::of_statement)?;
    let links = link::Entity::delete_many().filter(link::Column::Target.eq(&staged)).exec(tx).await;
    links.map_err(error::of_statement)?;
    Ok(())
}

/// Sorts things by their models. They come so.
fn by_model<'m, T>(things: impl Iterator<Item = (&'m str, T)>) -> BTreeMap<&'m str, Vec<T>> {
    let mut sorted: BTreeMap<&str, Vec<T>> = BTreeMap::new();
    for (model, thing) in things {
        sorted.entry(model).or_default().push(thing);
    }
    sorted
}
