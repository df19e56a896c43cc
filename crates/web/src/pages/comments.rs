//! What people say about the plan of a run, for whoever decides.

use askama::Template;
use askama::filters::HtmlSafe;
use axum::extract::State;
use axum::response::Redirect;
use chrono::{DateTime, Utc};
use syncline_core::Result;
use syncline_core::history::{CommentText, History, Role, Run, RunStatus};

use super::PageProblem;
use super::form::{Posted, RunNumber};
use super::frame::Frame;
use super::show::{When, clean};
use crate::ApiState;
use crate::auth::Who;

/// What was said, and the form to say something.
#[derive(Template)]
#[template(path = "parts/comments.html")]
pub struct Comments {
    run: i64,
    said: Vec<Said>,
    /// What the form sends along that shows that it is ours; none where nothing can be said.
    csrf: Option<String>,
    most: usize,
}

impl HtmlSafe for Comments {}

/// What somebody said.
struct Said {
    by: String,
    at: When,
    /// Line by line.
    lines: Vec<String>,
}

impl Comments {
    /// What was said about a run, for whoever looks at a page.
    pub async fn of(history: &History, run: &Run, frame: &Frame, now: DateTime<Utc>) -> Result<Self> {
        let may = run.status == RunStatus::AwaitingReview && frame.may(Role::Operator);
        let said = history.comments(run.id).await?.into_iter().map(|comment| Said {
            by: clean(&comment.by),
            at: When::new(comment.at, now),
            lines: comment.text.lines().map(clean).collect(),
        });
        Ok(Self {
            run: run.id.number(),
            said: said.collect(),
            csrf: may.then(|| frame.csrf_field().to_string()),
            most: CommentText::LETTERS,
        })
    }

    /// Whether there is something to see.
    pub fn is_empty(&self) -> bool {
        self.said.is_empty() && self.csrf.is_none()
    }
}

/// `POST /runs/{id}/comment`.
pub async fn add(
    State(state): State<ApiState>,
    who: Who,
    RunNumber(id): RunNumber,
    Posted(fields): Posted,
) -> Result<Redirect, PageProblem> {
    fields.only(&["text"])?;
    let said: CommentText = fields.required("text")?;
    state.runner.history().comment(id, &who.name, &said).await?;
    Ok(Redirect::to(&format!("/runs/{id}/plan#comments")))
}
