//! Absent objects that wait before they are deleted: what runs note of them, and what people decide.
//!
//! A row is what the state machine of [`crate::quarantine`] makes of it; every step reads and writes it in one transaction, so
//! that a person and a run that meet both have their say.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use futures::FutureExt;
use schemars::JsonSchema;
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    Value,
};
use serde::{Deserialize, Serialize};
use syncline_model::AnyKey;

use super::entity::quarantine;
use super::insert::Insert;
use super::lease::Claim;
use super::run_write::hold;
use super::{History, Quarantined, RunId, SyncId, error, object, text};
use crate::policy::Quarantine as Policy;
use crate::quarantine::{Decision, Sighting, State, Streak};
use crate::source::Absence;
use crate::{Error, ErrorKind, Result};

/// How many keys one statement asks for.
const KEYS: usize = 500;

/// An object that a run does not find in the source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Sighted {
    /// The model.
    pub model: String,
    /// The record.
    #[schemars(with = "Vec<serde_json::Value>")]
    pub key: AnyKey,
    /// The object's id in the target.
    pub native_id: Option<String>,
    /// Why it is absent. None when the run proves nothing about it: it is still absent, and that is all.
    pub evidence: Option<Absence>,
}

/// A mark that an absent object got in the target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct MarkMade {
    /// The run whose plan it is in.
    pub run: RunId,
    /// When.
    pub at: DateTime<Utc>,
    /// The fields that it is in.
    pub fields: Vec<MarkedField>,
}

/// A field that has a part of a mark.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MarkedField {
    /// Its name.
    pub field: String,
    /// The value that the object got, or the key of the tag.
    pub value: serde_json::Value,
    /// The value that it had; null for a tag.
    pub replaced: serde_json::Value,
}

impl MarkMade {
    /// What a field got of the mark.
    pub fn of(&self, field: &str) -> Option<&MarkedField> {
        self.fields.iter().find(|marked| marked.field == field)
    }
}

/// An object that waits no more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dismissed {
    /// The model.
    pub model: String,
    /// The record.
    pub key: AnyKey,
    /// How long it was absent, and what was decided, which goes with it.
    pub streak: Streak,
}

/// The part of a mark that is kept as JSON.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
enum StoredMark {
    Fields(Vec<MarkedField>),
    /// As it was kept when a mark was one field.
    One(MarkedField),
}

const ROWS: Insert<22> = Insert {
    table: "quarantine",
    columns: [
        "sync_id",
        "key_hash",
        "model",
        "key",
        "native_id",
        "since",
        "seen_at",
        "seen_by",
        "counted_by",
        "runs",
        "needs_runs",
        "due_at",
        "counts",
        "evidence",
        "returned",
        "decision",
        "decided_by",
        "decided_reason",
        "decided_at",
        "mark_run",
        "mark",
        "mark_at",
    ],
    tail: r#"ON CONFLICT ("sync_id", "key_hash") DO UPDATE SET "native_id" = excluded."native_id", "since" = excluded."since", "seen_at" = excluded."seen_at", "seen_by" = excluded."seen_by", "counted_by" = excluded."counted_by", "runs" = excluded."runs", "needs_runs" = excluded."needs_runs", "due_at" = excluded."due_at", "counts" = excluded."counts", "evidence" = excluded."evidence", "returned" = excluded."returned", "decision" = excluded."decision", "decided_by" = excluded."decided_by", "decided_reason" = excluded."decided_reason", "decided_at" = excluded."decided_at", "mark_run" = excluded."mark_run", "mark" = excluded."mark", "mark_at" = excluded."mark_at""#,
};

impl History {
    /// Notes which objects a run did not find in the source. Each run counts once, however often it is noted. `at` is one time for
    /// all that the run saw, `sync` its sync.
    pub async fn note_absent(
        &self,
        claim: Claim,
        sync: SyncId,
        sighted: &[Sighted],
        at: DateTime<Utc>,
        policy: &Policy,
    ) -> Result<()> {
        for sighted in sighted.chunks(KEYS) {
            self.store
                .write(move |tx, _| {
                    async move {
                        hold(tx, claim).await?;
                        let before = locked(tx, sync, sighted.iter().map(|seen| (&*seen.model, &seen.key))).await?;
                        let rows: Result<Vec<_>> = sighted
                            .iter()
                            .filter_map(|seen| after(claim.run, sync, seen, &before, at, policy).transpose())
                            .collect();
                        ROWS.run(tx, &rows?, |_, row| values(row)).await
                    }
                    .boxed()
                })
                .await?;
        }
        Ok(())
    }

    /// Notes the marks that the plan of a run gives to absent objects.
    pub async fn note_marks(&self, claim: Claim, sync: SyncId, marks: &[(String, AnyKey, MarkMade)]) -> Result<()> {
        for marks in marks.chunks(KEYS) {
            self.store
                .write(move |tx, _| {
                    async move {
                        hold(tx, claim).await?;
                        let mut rows = locked(tx, sync, marks.iter().map(|(model, key, _)| (&**model, key))).await?;
                        for (model, key, mark) in marks {
                            let Some(row) = rows.get_mut(&object::hash(model, key.as_str())) else { continue };
                            let MarkMade { run, at, fields } = mark.clone();
                            row.mark_run = Some(run.0);
                            row.mark_at = Some(text::micros(at));
                            row.mark = Some(text::to_json(&StoredMark::Fields(fields))?);
                        }
                        let rows: Vec<_> = rows.into_values().collect();
                        ROWS.run(tx, &rows, |_, row| values(row)).await
                    }
                    .boxed()
                })
                .await?;
        }
        Ok(())
    }

    /// Dismisses some of the objects of a model that were not seen absent at `at`, when a complete comparison looked: the source
    /// has them again, or the target has them no more. None when there were no such objects: it is called until then.
    ///
    /// Those of `still_marked`, hashes of model and key as [`crate::bindings::hash`] makes them, are back, but the target still
    /// has their mark; they stay until it is gone, with nothing counted.
    pub async fn dismiss_from_quarantine(
        &self,
        claim: Claim,
        sync: SyncId,
        model: &str,
        at: DateTime<Utc>,
        still_marked: &std::collections::HashSet<u128>,
    ) -> Result<Option<Vec<Dismissed>>> {
        let at = text::micros(at);
        self.store
            .write(move |tx, _| {
                async move {
                    hold(tx, claim).await?;
                    let rows = quarantine::Entity::find()
                        .filter(quarantine::Column::SyncId.eq(sync.0))
                        .filter(quarantine::Column::Model.eq(model))
                        .filter(
                            Condition::any()
                                .add(quarantine::Column::SeenAt.ne(at))
                                .add(quarantine::Column::SeenBy.ne(claim.run.0)),
                        )
                        .order_by_asc(quarantine::Column::Key)
                        .limit(KEYS as u64)
                        .lock_exclusive()
                        .all(tx)
                        .await
                        .map_err(error::of_statement)?;
                    if rows.is_empty() {
                        return Ok(None);
                    }
                    let is_marked = |row: &quarantine::Model| {
                        row.mark.is_some() && still_marked.contains(&crate::bindings::hash(&row.model, &row.key))
                    };
                    let (marked, gone): (Vec<_>, Vec<_>) = rows.into_iter().partition(is_marked);
                    let hashes: Vec<_> = gone.iter().map(|row| row.key_hash.clone()).collect();
                    remove(tx, sync.0, &hashes).await?;
                    let mut dismissed = Vec::new();
                    for row in gone.into_iter().chain(marked.iter().cloned()).filter(|row| !row.returned) {
                        dismissed.push(Dismissed {
                            model: row.model.clone(),
                            key: AnyKey::from_canonical(&row.key),
                            streak: streak(&row)?,
                        });
                    }
                    let back = |row: quarantine::Model| quarantine::Model {
                        seen_at: at,
                        seen_by: claim.run.0,
                        counted_by: None,
                        runs: 0,
                        returned: true,
                        decision: None,
                        decided_by: None,
                        decided_reason: None,
                        decided_at: None,
                        ..row
                    };
                    let marked: Vec<_> = marked.into_iter().map(back).collect();
                    ROWS.run(tx, &marked, |_, row| values(row)).await?;
                    Ok(Some(dismissed))
                }
                .boxed()
            })
            .await
    }

    /// Decides about an absent object. Gives it as it is now.
    pub async fn decide_absent(
        &self,
        sync: &str,
        model: &str,
        key: &AnyKey,
        decision: &Decision,
    ) -> Result<Quarantined> {
        let missing = || {
            let label = syncline_model::models::by_name(model).map_or(model, |schema| schema.label);
            let message = format!("the {label} `{key}` of `{sync}` is not in quarantine: it was not seen absent");
            Error::new(ErrorKind::NotFound, message)
        };
        let id = self.sync(sync).await?.ok_or_else(missing)?.id;
        let hash = object::hash(model, key.as_str());
        let row = self
            .store
            .write(move |tx, _| {
                async move {
                    let Some(row) = locked(tx, id, [(model, key)]).await?.remove(&hash) else { return Ok(None) };
                    if row.returned {
                        let message =
                            format!("`{key}` is back in the source: there is nothing to decide about its absence");
                        return Err(Error::new(ErrorKind::Refused, message));
                    }
                    let waits = row.due_at - row.since;
                    let mut row = put(row.clone(), streak(&row)?.decided(decision.clone()));
                    row.due_at = row.since + waits;
                    ROWS.run(tx, std::slice::from_ref(&row), |_, row| values(row)).await?;
                    Ok(Some(row))
                }
                .boxed()
            })
            .await?;
        Quarantined::of(row.ok_or_else(missing)?, sync.to_owned(), Utc::now())
    }
}

/// The rows of some objects, which nobody else changes until the transaction is over.
async fn locked<'k>(
    tx: &DatabaseTransaction,
    sync: SyncId,
    objects: impl IntoIterator<Item = (&'k str, &'k AnyKey)>,
) -> Result<HashMap<u128, quarantine::Model>> {
    let hashes = objects.into_iter().map(|(model, key)| object::hash(model, key.as_str()).to_be_bytes().to_vec());
    let rows = quarantine::Entity::find()
        .filter(quarantine::Column::SyncId.eq(sync.0))
        .filter(quarantine::Column::KeyHash.is_in(hashes))
        .lock_exclusive()
        .all(tx)
        .await
        .map_err(error::of_statement)?;
    Ok(rows.into_iter().map(|row| (object::hash(&row.model, &row.key), row)).collect())
}

/// What a sighting makes of a row; none when there was none and nothing is proven.
fn after(
    run: RunId,
    sync: SyncId,
    seen: &Sighted,
    before: &HashMap<u128, quarantine::Model>,
    at: DateTime<Utc>,
    policy: &Policy,
) -> Result<Option<quarantine::Model>> {
    let hash = object::hash(&seen.model, seen.key.as_str());
    // Another id is another object, about which nothing is known.
    let before = before.get(&hash).filter(|row| row.native_id == seen.native_id);
    if before.is_none() && seen.evidence.is_none() {
        return Ok(None);
    }
    let sighting = Sighting { run: run.0, at, evidence: seen.evidence, counts: true };
    let next = Streak::absent(before.map(streak).transpose()?, sighting, policy);
    let row = quarantine::Model {
        sync_id: sync.0,
        key_hash: hash.to_be_bytes().to_vec(),
        model: seen.model.clone(),
        key: seen.key.as_str().to_owned(),
        native_id: seen.native_id.clone(),
        since: 0,
        seen_at: text::micros(at),
        seen_by: run.0,
        counted_by: None,
        runs: 0,
        needs_runs: i64::from(policy.runs),
        due_at: text::micros(next.due_at(policy)),
        counts: policy.counts(next.evidence),
        evidence: String::new(),
        returned: false,
        decision: None,
        decided_by: None,
        decided_reason: None,
        decided_at: None,
        mark_run: before.and_then(|row| row.mark_run),
        mark: before.and_then(|row| row.mark.clone()),
        mark_at: before.and_then(|row| row.mark_at),
    };
    Ok(Some(put(row, next)))
}

/// A row with another streak.
fn put(row: quarantine::Model, streak: Streak) -> quarantine::Model {
    let Streak { since, runs, counted_by, evidence, decision, returned } = streak;
    let (mut verdict, mut by, mut reason, mut at) = (None, None, None, None);
    if let Some(decision) = decision {
        verdict = Some(decision.verdict.as_str().to_owned());
        (by, reason, at) = (Some(decision.by), Some(decision.reason), Some(text::micros(decision.at)));
    }
    quarantine::Model {
        since: text::micros(since),
        runs: i64::from(runs),
        counted_by,
        evidence: evidence.as_str().to_owned(),
        returned,
        decision: verdict,
        decided_by: by,
        decided_reason: reason,
        decided_at: at,
        ..row
    }
}

/// The streak of a row.
pub(super) fn streak(row: &quarantine::Model) -> Result<Streak> {
    let decision = row.decision.as_ref().map(|verdict| {
        Ok::<_, Error>(Decision {
            verdict: text::parse("quarantine.decision", verdict)?,
            by: row.decided_by.clone().unwrap_or_default(),
            reason: row.decided_reason.clone().unwrap_or_default(),
            at: text::time(row.decided_at.unwrap_or_default()),
        })
    });
    Ok(Streak {
        since: text::time(row.since),
        runs: u32::try_from(row.runs).unwrap_or_default(),
        counted_by: row.counted_by,
        evidence: text::parse("quarantine.evidence", &row.evidence)?,
        decision: decision.transpose()?,
        returned: row.returned,
    })
}

/// The mark of a row.
pub(super) fn mark(row: &quarantine::Model) -> Result<Option<MarkMade>> {
    let (Some(run), Some(mark)) = (row.mark_run, &row.mark) else { return Ok(None) };
    let fields = match text::parse_json("quarantine.mark", mark)? {
        StoredMark::Fields(fields) => fields,
        StoredMark::One(field) => vec![field],
    };
    let at = text::time(row.mark_at.unwrap_or_default());
    Ok(Some(MarkMade { run: RunId(run), at, fields }))
}

fn values(row: &quarantine::Model) -> [Value; 22] {
    let row = row.clone();
    [
        row.sync_id.into(),
        row.key_hash.into(),
        row.model.into(),
        row.key.into(),
        row.native_id.into(),
        row.since.into(),
        row.seen_at.into(),
        row.seen_by.into(),
        row.counted_by.into(),
        row.runs.into(),
        row.needs_runs.into(),
        row.due_at.into(),
        row.counts.into(),
        row.evidence.into(),
        row.returned.into(),
        row.decision.into(),
        row.decided_by.into(),
        row.decided_reason.into(),
        row.decided_at.into(),
        row.mark_run.into(),
        row.mark.into(),
        row.mark_at.into(),
    ]
}

/// Forgets what a run deleted.
pub(super) async fn forget(tx: &DatabaseTransaction, run: RunId, hashes: &[Vec<u8>]) -> Result<()> {
    if hashes.is_empty() {
        return Ok(());
    }
    let sync = Query::select().column("sync_id").from("run").and_where(Expr::col("id").eq(run.0)).to_owned();
    let sync = tx.query_one(&sync).await.map_err(error::of_statement)?;
    let Some(sync) = sync else { return Ok(()) };
    remove(tx, sync.try_get("", "sync_id").map_err(error::of_statement)?, hashes).await
}

async fn remove(tx: &DatabaseTransaction, sync: i64, hashes: &[Vec<u8>]) -> Result<()> {
    for hashes in hashes.chunks(KEYS) {
        quarantine::Entity::delete_many()
            .filter(quarantine::Column::SyncId.eq(sync))
            .filter(quarantine::Column::KeyHash.is_in(hashes.iter().cloned()))
            .exec(tx)
            .await
            .map_err(error::of_statement)?;
    }
    Ok(())
}

/// Where the object of a row is, by the policy with which it was seen last.
pub(super) fn state(row: &quarantine::Model, now: DateTime<Utc>) -> State {
    let is_due = row.counts && row.runs >= row.needs_runs && row.due_at <= text::micros(now);
    match row.decision.as_deref() {
        _ if row.returned => State::Returned,
        Some("keep") => State::Kept,
        Some("delete_now") => State::Released,
        _ if is_due => State::Due,
        _ => State::Waiting,
    }
}
