//! What people say about plans, for whoever decides.

use chrono::{DateTime, Utc};
use futures::FutureExt;
use schemars::JsonSchema;
use sea_orm::{ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder};
use serde::{Deserialize, Serialize};

use super::entity::{comment, run};
use super::{History, RunId, RunStatus, error, text};
use crate::{Error, ErrorKind, Result};

/// How many letters a comment has at most.
const LETTERS: usize = 1_000;
/// How many comments a run has at most: all of them are shown.
const COMMENTS: u64 = 100;

/// The number of a comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct CommentId(i64);

/// What somebody said about the plan of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Comment {
    /// Its number.
    pub id: CommentId,
    /// Who said it.
    pub by: String,
    /// When.
    pub at: DateTime<Utc>,
    /// What.
    pub text: String,
}

/// The words of a comment: some, and no more than 1,000 letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommentText(String);

/// Why a text is no comment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoComment {
    /// Nothing was said.
    #[error("wants words: whoever decides about the plan reads them")]
    Empty,
    /// Too much was said.
    #[error("has {0} letters, and a comment has at most 1,000: say it shorter, or in several")]
    TooLong(usize),
    /// A database cannot keep it.
    #[error("has a NUL character, which cannot be kept: leave it out")]
    Nul,
}

impl CommentText {
    /// The most letters that one has.
    pub const LETTERS: usize = LETTERS;

    /// The words.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for CommentText {
    type Err = NoComment;

    fn from_str(text: &str) -> Result<Self, NoComment> {
        // Forms send line breaks as two characters.
        let text = text.replace("\r\n", "\n");
        let text = text.trim();
        let letters = text.chars().count();
        match text {
            "" => Err(NoComment::Empty),
            _ if letters > LETTERS => Err(NoComment::TooLong(letters)),
            _ if text.contains('\0') => Err(NoComment::Nul),
            _ => Ok(Self(text.to_owned())),
        }
    }
}

impl History {
    /// Adds what somebody says about a plan that waits for a decision. A run takes 100 comments.
    pub async fn comment(&self, run: RunId, by: &str, said: &CommentText) -> Result<Comment> {
        self.store
            .write(move |tx, _| {
                async move {
                    let waits = run::Entity::find_by_id(run.0).one(tx).await.map_err(error::of_statement)?;
                    let Some(row) = waits else {
                        return Err(Error::new(ErrorKind::NotFound, format!("there is no run {run}")));
                    };
                    if row.status != RunStatus::AwaitingReview.as_str() {
                        let message = format!("run {run} waits for no decision: it is `{}`", row.status);
                        return Err(Error::new(ErrorKind::Refused, message));
                    }
                    let there = comment::Entity::find().filter(comment::Column::RunId.eq(run.0)).count(tx).await;
                    if there.map_err(error::of_statement)? >= COMMENTS {
                        let message =
                            format!("run {run} has {COMMENTS} comments, which is the most: decide about its plan");
                        return Err(Error::new(ErrorKind::Refused, message));
                    }
                    let row = comment::ActiveModel {
                        run_id: Set(run.0),
                        written_by: Set(by.to_owned()),
                        at: Set(text::now()),
                        text: Set(said.as_str().to_owned()),
                        ..Default::default()
                    };
                    Ok(row.insert(tx).await.map_err(error::of_statement)?.into())
                }
                .boxed()
            })
            .await
    }

    /// What was said about the plan of a run, in order.
    pub async fn comments(&self, run: RunId) -> Result<Vec<Comment>> {
        let rows = comment::Entity::find()
            .filter(comment::Column::RunId.eq(run.0))
            .order_by_asc(comment::Column::Id)
            .all(self.store.db())
            .await
            .map_err(|error| self.store.read_error(error))?;
        Ok(rows.into_iter().map(Comment::from).collect())
    }
}

impl From<comment::Model> for Comment {
    fn from(row: comment::Model) -> Self {
        Self { id: CommentId(row.id), by: row.written_by, at: text::time(row.at), text: row.text }
    }
}
