//! What drift checks found of the parts of a record that is left alone: with it, they neither come nor go.

use std::collections::{HashMap, HashSet};

use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use syncline_model::{AnyKey, FieldSet, models};

use super::entity::{change, finding};
use super::{FindingKind, FindingState, History, object};
use crate::change::{Action, FieldChange};
use crate::fields::ModelFields;
use crate::ignore::Ignored;
use crate::plan::Belonging;
use crate::{Error, ErrorKind, Result};

/// How many findings are looked at together.
const TOGETHER: u64 = 500;

impl History {
    /// The numbers of the drift findings that stand of records which would come or go and belong to a record, or to a part of it.
    ///
    /// What the key does not tell, such as the interface of an address, is in the change that the check kept. Where the history has
    /// that no longer, the finding stands until the next check.
    pub(super) async fn drift_of_parts(&self, sync: i64, model: &str, key: &AnyKey) -> Result<Vec<i64>> {
        let fields = models::ALL.iter().fold(ModelFields::new(), |all, schema| all.insert(schema, FieldSet::ALL));
        let mut whole = Ignored::default();
        whole.add(model, key, None, String::new());
        let belonging = Belonging { fields: &fields, whole: &whole };
        let parts = belonging.models(model);
        let comes_or_goes = [Action::Create, Action::Delete].map(Action::as_str);
        let (mut found, mut after) = (Vec::new(), 0);
        while !parts.is_empty() {
            let rows = finding::Entity::find()
                .filter(finding::Column::SyncId.eq(sync))
                .filter(finding::Column::Kind.eq(FindingKind::Drift.as_str()))
                .filter(finding::Column::State.ne(FindingState::Resolved.as_str()))
                .filter(finding::Column::Model.is_in(parts.iter().copied()))
                .filter(finding::Column::Action.is_in(comes_or_goes))
                .filter(finding::Column::Id.gt(after))
                .order_by_asc(finding::Column::Id)
                .limit(TOGETHER)
                .all(self.store.db())
                .await
                .map_err(|error| self.store.read_error(error))?;
            let Some(last) = rows.last() else { break };
            after = last.id;
            let (told, open): (Vec<_>, Vec<_>) =
                rows.into_iter().partition(|row| belonging.by_key(&row.model, &row.key));
            found.extend(told.iter().map(|row| row.id));
            let kept = self.kept_changes(&open).await?;
            let belongs = |row: &&finding::Model| {
                let change = kept.get(&(row.last_run, &*row.model, &*row.key));
                change.is_some_and(|fields| belonging.by_fields(&row.model, fields))
            };
            found.extend(open.iter().filter(belongs).map(|row| row.id));
        }
        Ok(found)
    }

    /// The fields of the changes that checks kept with findings, by run, model and key.
    async fn kept_changes<'f>(
        &self,
        findings: &'f [finding::Model],
    ) -> Result<HashMap<(i64, &'f str, &'f str), Vec<FieldChange>>> {
        let mut wanted: HashMap<(i64, &str, &str), Vec<FieldChange>> = HashMap::new();
        if findings.is_empty() {
            return Ok(wanted);
        }
        let runs: HashSet<i64> = findings.iter().map(|row| row.last_run).collect();
        let hashes = findings.iter().map(|row| object::half(object::hash(&row.model, &row.key)));
        let rows: Vec<(i64, String, String, String)> = change::Entity::find()
            .select_only()
            .columns([change::Column::RunId, change::Column::Model, change::Column::Key, change::Column::Fields])
            .filter(Condition::all().add(change::Column::KeyHash.is_in(hashes)).add(change::Column::RunId.is_in(runs)))
            .into_tuple()
            .all(self.store.db())
            .await
            .map_err(|error| self.store.read_error(error))?;
        let mut kept: HashMap<(i64, String, String), String> =
            rows.into_iter().map(|(run, model, key, fields)| ((run, model, key), fields)).collect();
        for row in findings {
            let Some(fields) = kept.remove(&(row.last_run, row.model.clone(), row.key.clone())) else { continue };
            let fields = serde_json::from_str(&fields).map_err(|error| {
                Error::new(ErrorKind::Storage, "the history holds a change that cannot be read").caused_by(error)
            })?;
            wanted.insert((row.last_run, &row.model, &row.key), fields);
        }
        Ok(wanted)
    }
}
