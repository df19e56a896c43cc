//! What drift checks found of the parts of a record that is left alone: with it, they neither come nor go.

use std::collections::{HashMap, HashSet};

use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select};
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

/// A finding: its number, its key, its field, and the run that found it last.
type Found = (i64, String, String, i64);

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
        let mut found = Vec::new();
        for part in belonging.models(model) {
            let is_told = belonging.is_told_by_key(part);
            let (mut after_key, mut after_field) = (String::new(), String::new());
            loop {
                let rows: Vec<Found> = Self::parts_after(sync, part, (&after_key, &after_field))
                    .into_tuple()
                    .all(self.store.db())
                    .await
                    .map_err(|error| self.store.read_error(error))?;
                let Some((_, key, field, _)) = rows.last() else { break };
                (after_key, after_field) = (key.clone(), field.clone());
                let (told, open): (Vec<_>, Vec<_>) =
                    rows.into_iter().partition(|(_, key, ..)| belonging.by_key(part, key));
                found.extend(told.iter().map(|(id, ..)| *id));
                if is_told {
                    continue;
                }
                let kept = self.kept_changes(part, &open).await?;
                let belongs = |(_, key, _, run): &&Found| {
                    kept.get(&(*run, &**key)).is_some_and(|fields| belonging.by_fields(part, fields))
                };
                found.extend(open.iter().filter(belongs).map(|(id, ..)| *id));
            }
        }
        Ok(found)
    }

    /// The next drift findings of a model that stand and come or go, after a key and a field.
    ///
    /// One model at a time and in this order they are a stretch of the index that keeps each finding once. In any other order the
    /// database would read all findings of the model for each page of them.
    pub(super) fn parts_after(sync: i64, model: &str, (key, field): (&str, &str)) -> Select<finding::Entity> {
        let place = Expr::tuple([Expr::col(finding::Column::Key), Expr::col(finding::Column::Field)]);
        finding::Entity::find()
            .select_only()
            .columns([finding::Column::Id, finding::Column::Key, finding::Column::Field, finding::Column::LastRun])
            .filter(finding::Column::SyncId.eq(sync))
            .filter(finding::Column::Kind.eq(FindingKind::Drift.as_str()))
            .filter(finding::Column::Model.eq(model))
            .filter(place.gt(Expr::tuple([Expr::value(key), Expr::value(field)])))
            .filter(finding::Column::State.ne(FindingState::Resolved.as_str()))
            .filter(finding::Column::Action.is_in([Action::Create, Action::Delete].map(Action::as_str)))
            .order_by_asc(finding::Column::Key)
            .order_by_asc(finding::Column::Field)
            .limit(TOGETHER)
    }

    /// The fields of the changes of a model that checks kept with findings, by run and key.
    async fn kept_changes<'f>(
        &self,
        model: &str,
        findings: &'f [Found],
    ) -> Result<HashMap<(i64, &'f str), Vec<FieldChange>>> {
        let mut wanted = HashMap::new();
        if findings.is_empty() {
            return Ok(wanted);
        }
        let runs: HashSet<i64> = findings.iter().map(|(.., run)| *run).collect();
        let hashes = findings.iter().map(|(_, key, ..)| object::half(object::hash(model, key)));
        let rows: Vec<(i64, String, String)> = change::Entity::find()
            .select_only()
            .columns([change::Column::RunId, change::Column::Key, change::Column::Fields])
            .filter(change::Column::KeyHash.is_in(hashes))
            .filter(change::Column::RunId.is_in(runs))
            .filter(change::Column::Model.eq(model))
            .into_tuple()
            .all(self.store.db())
            .await
            .map_err(|error| self.store.read_error(error))?;
        let mut kept: HashMap<(i64, String), String> =
            rows.into_iter().map(|(run, key, fields)| ((run, key), fields)).collect();
        for (_, key, _, run) in findings {
            let Some(fields) = kept.remove(&(*run, key.clone())) else { continue };
            let fields = serde_json::from_str(&fields).map_err(|error| {
                Error::new(ErrorKind::Storage, "the history holds a change that cannot be read").caused_by(error)
            })?;
            wanted.insert((*run, key.as_str()), fields);
        }
        Ok(wanted)
    }
}
