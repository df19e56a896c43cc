//! What a run changed in its target, for whoever takes it back.

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use syncline_model::AnyKey;

use super::entity::{change, run};
use super::{History, OutcomeKind, RunId, text};
use crate::Result;
use crate::change::{Action, FieldChange};

/// A change that reached the target, or of which a part may have.
#[derive(Debug, Clone, PartialEq)]
pub struct AppliedChange {
    /// Its place among the changes of its run.
    pub number: u64,
    /// The model.
    pub model: String,
    /// The record.
    pub key: AnyKey,
    /// What was done to it.
    pub action: Action,
    /// The values before and after.
    pub fields: Vec<FieldChange>,
    /// The record's id in the target.
    pub native_id: Option<String>,
    /// All of it reached the target. If not, the target has to be looked at, field by field.
    pub whole: bool,
    /// What the target said of the record before it was deleted.
    pub image: Option<serde_json::Value>,
}

/// One part of what a run changed.
#[derive(Debug, Clone, PartialEq)]
pub struct AppliedPage {
    /// The changes, in the order in which they were recorded.
    pub changes: Vec<AppliedChange>,
    /// Where the next part starts; none when this is the last one. A part can be empty and not be the last one.
    pub next: Option<u64>,
}

impl History {
    /// The changes of a run that reached the target, or may have in part: those among the `limit` changes after the number
    /// `after`.
    pub async fn applied_changes(&self, run: RunId, after: u64, limit: u64) -> Result<AppliedPage> {
        let last = run::Entity::find_by_id(run.0).one(self.store.db()).await;
        let last = last.map_err(|error| self.store.read_error(error))?.map_or(0, |row| text::count(row.last_change));
        let reached = after.saturating_add(limit);
        let rows = change::Entity::find()
            .filter(change::Column::RunId.eq(run.0))
            .filter(change::Column::Seq.gt(text::stored(after)))
            .filter(change::Column::Seq.lte(text::stored(reached)))
            .filter(change::Column::Outcome.is_in([OutcomeKind::Applied.as_str(), OutcomeKind::Failed.as_str()]))
            .order_by_asc(change::Column::Seq)
            .all(self.store.db())
            .await
            .map_err(|error| self.store.read_error(error))?;
        let changes: Result<Vec<_>> = rows.into_iter().map(AppliedChange::try_from).collect();
        Ok(AppliedPage { changes: changes?, next: (last > reached).then_some(reached) })
    }
}

impl TryFrom<change::Model> for AppliedChange {
    type Error = crate::Error;

    fn try_from(row: change::Model) -> Result<Self> {
        Ok(Self {
            number: text::count(row.seq),
            key: AnyKey::from_canonical(&row.key),
            action: text::parse("change.action", &row.action)?,
            fields: text::parse_json("change.fields", &row.fields)?,
            whole: row.outcome == OutcomeKind::Applied.as_str(),
            native_id: row.native_id,
            image: row.image.map(|image| text::parse_json("change.image", &image)).transpose()?,
            model: row.model,
        })
    }
}
