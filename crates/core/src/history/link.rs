//! Which object of a target a record of a source is, by the ids that both systems gave them.

use std::collections::HashMap;

use futures::FutureExt;
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QuerySelect};

use super::entity::link;
use super::insert::Insert;
use super::ledger::IDS;
use super::{History, error, text};
use crate::Result;

const LINKS: Insert<6> = Insert {
    table: "link",
    columns: ["source", "target", "model", "source_id", "target_id", "at"],
    tail: r#"ON CONFLICT ("source", "target", "model", "source_id") DO UPDATE SET "target_id" = excluded."target_id", "at" = excluded."at""#,
};

/// A record of a source and the object of a target that it is, both by id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The source's id.
    pub source_id: Box<str>,
    /// The target's id.
    pub target_id: Box<str>,
}

/// Keeps links of a model between two systems.
pub(super) async fn keep(
    tx: &DatabaseTransaction,
    (source, target): (&str, &str),
    model: &str,
    links: &[Link],
) -> Result<()> {
    let now = text::now();
    LINKS
        .run(tx, links, |_, link| {
            [source.into(), target.into(), model.into(), (*link.source_id).into(), (*link.target_id).into(), now.into()]
        })
        .await
}

/// Forgets the links to objects of a target that are gone.
pub(super) async fn forget_targets(tx: &DatabaseTransaction, target: &str, model: &str, ids: &[String]) -> Result<()> {
    for ids in ids.chunks(IDS) {
        link::Entity::delete_many()
            .filter(link::Column::Target.eq(target))
            .filter(link::Column::Model.eq(model))
            .filter(link::Column::TargetId.is_in(ids.iter().map(String::as_str)))
            .exec(tx)
            .await
            .map_err(error::of_statement)?;
    }
    Ok(())
}

impl History {
    /// Keeps which objects of a target records of a source are. A record's former link is replaced.
    pub async fn link(&self, source: &str, target: &str, model: &str, links: &[Link]) -> Result<()> {
        self.store.write(move |tx, _| async move { keep(tx, (source, target), model, links).await }.boxed()).await
    }

    /// Which objects of a target the records of a source are, of one model: the target's ids by the source's.
    pub async fn links(&self, source: &str, target: &str, model: &str) -> Result<HashMap<Box<str>, Box<str>>> {
        let rows = link::Entity::find()
            .filter(link::Column::Source.eq(source))
            .filter(link::Column::Target.eq(target))
            .filter(link::Column::Model.eq(model))
            .select_only()
            .columns([link::Column::SourceId, link::Column::TargetId])
            .into_tuple::<(String, String)>()
            .all(self.store.db())
            .await
            .map_err(|error| self.store.read_error(error))?;
        Ok(rows.into_iter().map(|(source, target)| (source.into(), target.into())).collect())
    }
}
