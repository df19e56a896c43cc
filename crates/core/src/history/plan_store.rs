//! Saved plans in the database, so that a run can be reviewed, and gone on with, by another machine than the one that made
//! its plan. What is kept is the plan's file itself, compressed and cut into parts.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

use chrono::{DateTime, Utc};
use futures::FutureExt;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};

use super::entity::{plan, plan_part};
use super::{History, error, text};
use crate::plan::PlanReader;
use crate::{Error, ErrorKind, Result};

/// The size of a part. A row of a megabyte is no burden for either database.
const PART: usize = 1 << 20;

/// A plan that is in the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPlan {
    /// Its hash.
    pub hash: String,
    /// The sync.
    pub sync: String,
    /// When it was made.
    pub created: DateTime<Utc>,
    /// Until when it may be applied.
    pub valid_until: DateTime<Utc>,
    /// The size of its file in bytes.
    pub bytes: u64,
}

impl History {
    /// Keeps a plan. One that is kept already is left as it is: it has the same content.
    pub async fn store_plan(&self, plan: &PlanReader) -> Result<()> {
        if self.stored_plan(plan.hash()).await?.is_some() {
            return Ok(());
        }
        let path = plan.path().to_owned();
        let unreadable = |cause: std::io::Error| {
            Error::new(ErrorKind::Storage, "the plan cannot be read to be kept in the history").caused_by(cause)
        };
        let bytes = tokio::fs::metadata(&path).await.map_err(unreadable)?.len();
        // Compressed once into a file nobody else sees, and sent from there part by part.
        let compressed = tokio::task::spawn_blocking(move || compress(&path)).await;
        let mut compressed = compressed
            .map_err(|cause| Error::new(ErrorKind::Internal, "the plan was not compressed").caused_by(cause))?
            .map_err(unreadable)?;
        let stored_bytes = compressed.metadata().map_err(unreadable)?.len();
        let hash = plan.hash();
        let mut part = 0_i64;
        loop {
            let mut content = Vec::with_capacity(PART);
            Read::by_ref(&mut compressed).take(PART as u64).read_to_end(&mut content).map_err(unreadable)?;
            if content.is_empty() {
                break;
            }
            let content = &content;
            self.store
                .write(move |tx, _| {
                    async move {
                        if part == 0 {
                            // A plan is there when its last part is: until then its size is not told.
                            let row = row(plan, 0, 0);
                            let again = OnConflict::column(plan::Column::Hash).do_nothing().to_owned();
                            plan::Entity::insert(row)
                                .on_conflict(again)
                                .exec_without_returning(tx)
                                .await
                                .map_err(error::of_statement)?;
                        }
                        let row = plan_part::ActiveModel {
                            hash: Set(hash.to_owned()),
                            part: Set(part),
                            content: Set(content.clone()),
                        };
                        let again = OnConflict::columns([plan_part::Column::Hash, plan_part::Column::Part])
                            .update_column(plan_part::Column::Content)
                            .to_owned();
                        plan_part::Entity::insert(row)
                            .on_conflict(again)
                            .exec_without_returning(tx)
                            .await
                            .map_err(error::of_statement)?;
                        Ok(())
                    }
                    .boxed()
                })
                .await?;
            part += 1;
        }
        self.store
            .write(move |tx, _| {
                async move {
                    let whole = plan::Entity::update_many()
                        .col_expr(plan::Column::Bytes, text::stored(bytes).into())
                        .col_expr(plan::Column::StoredBytes, text::stored(stored_bytes).into())
                        .filter(plan::Column::Hash.eq(hash));
                    whole.exec(tx).await.map_err(error::of_statement)?;
                    Ok(())
                }
                .boxed()
            })
            .await
    }

    /// What is known of a kept plan; none when it is not kept, or not to its end.
    pub async fn stored_plan(&self, hash: &str) -> Result<Option<StoredPlan>> {
        let row = plan::Entity::find_by_id(hash).one(self.store.db()).await;
        let row = row.map_err(|error| self.store.read_error(error))?;
        Ok(row.filter(|row| row.bytes > 0).map(|row| StoredPlan {
            hash: row.hash,
            sync: row.sync,
            created: text::time(row.created_at),
            valid_until: text::time(row.valid_until),
            bytes: text::count(row.bytes),
        }))
    }

    /// Writes a kept plan to a file, checks that it is whole, and opens it.
    pub async fn fetch_plan(&self, hash: &str, path: &Path) -> Result<PlanReader> {
        let Some(_) = self.stored_plan(hash).await? else {
            let message = format!("the plan `{hash}` is not in the history any more; make a new plan");
            return Err(Error::new(ErrorKind::NotFound, message));
        };
        let failed = |cause: std::io::Error| {
            Error::new(ErrorKind::Storage, format!("cannot write the plan `{}`", path.display())).caused_by(cause)
        };
        let folder = path.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder).map_err(failed)?;
        let file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
        let mut content = zstd::stream::write::Decoder::new(file).map_err(failed)?;
        let mut part = 0_i64;
        while let Some(row) = plan_part::Entity::find_by_id((hash.to_owned(), part))
            .one(self.store.db())
            .await
            .map_err(|error| self.store.read_error(error))?
        {
            content.write_all(&row.content).map_err(failed)?;
            part += 1;
        }
        content.flush().map_err(failed)?;
        content.into_inner().persist(path).map_err(|error| failed(error.error))?;
        let plan = PlanReader::open(path)?;
        if plan.hash() == hash {
            Ok(plan)
        } else {
            Err(Error::new(ErrorKind::Storage, format!("the history holds another plan as `{hash}`; make a new plan")))
        }
    }
}

fn compress(path: &Path) -> std::io::Result<File> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut encoder = zstd::stream::write::Encoder::new(tempfile::tempfile_in(folder)?, 3)?;
    std::io::copy(&mut File::open(path)?, &mut encoder)?;
    let mut file = encoder.finish()?;
    std::io::Seek::rewind(&mut file)?;
    Ok(file)
}

fn row(plan: &PlanReader, bytes: u64, stored_bytes: u64) -> plan::ActiveModel {
    let header = plan.header();
    plan::ActiveModel {
        hash: Set(plan.hash().to_owned()),
        sync: Set(header.sync.clone()),
        created_at: Set(text::micros(header.created_at)),
        valid_until: Set(text::micros(header.valid_until)),
        bytes: Set(text::stored(bytes)),
        stored_bytes: Set(text::stored(stored_bytes)),
    }
}
