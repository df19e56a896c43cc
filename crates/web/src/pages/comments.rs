//! What people say about the plan of a run, for whoever decides.

use askama::Template;
use askama::filters::HtmlSafe;
use axum::extract::State;
use axum::response::{Redirect, Response};
use chrono::{DateTime, Utc};
use syncline_core::Result;
use syncline_core::history::{CommentText, History, Role, Run, RunId, RunStatus};

use super::PageProblem;
use super::form::{Fields, Posted, RunNumber};
use super::frame::{Frame, Visit};
use super::plan::{View, path, plan_page};
use super::returned::{Returned, Sent, answer};
use super::show::{Icon, When, clean};
use crate::ApiState;
use crate::auth::Who;

/// What the form is called where it comes back.
pub const FORM: &str = "comment";

/// What was said, and the form to say something.
#[derive(Template)]
#[template(path = "parts/comments.html")]
pub struct Comments {
    run: i64,
    said: Vec<Said>,
    /// What the form sends along that shows that it is ours; none where nothing can be said.
    csrf: Option<String>,
    most: usize,
    /// The page of the plan as it is asked for; empty elsewhere.
    back: String,
    /// The form that was sent, where that is not to be taken.
    returned: Returned,
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
    /// What was said about a run, for whoever looks at a page. The form leads back to that of the plan, as it is asked for by `fields`.
    pub async fn of(
        history: &History,
        run: &Run,
        frame: &Frame,
        fields: &Fields,
        returned: &Returned,
        now: DateTime<Utc>,
    ) -> Result<Self> {
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
            back: fields.query(),
            returned: returned.of(FORM, "").clone(),
        })
    }

    /// Whether there is something to see.
    pub fn is_empty(&self) -> bool {
        self.said.is_empty() && self.csrf.is_none() && !self.returned.is_back()
    }

    /// The field of the form, where there is one.
    pub fn field(&self) -> Option<&'static str> {
        self.csrf.as_ref().map(|_| "text")
    }

    /// What was typed, line by line, where the form is not there any more that could have it.
    fn unsaid(&self) -> impl Iterator<Item = String> {
        let text = if self.csrf.is_none() { self.returned.value("text") } else { "" };
        text.lines().map(clean)
    }
}

/// `POST /runs/{id}/comment`.
pub async fn add(
    State(state): State<ApiState>,
    visit: Visit,
    who: Who,
    RunNumber(id): RunNumber,
    Posted(fields): Posted,
) -> Result<Response, PageProblem> {
    let behind = fields.behind();
    let done = said(&state, &who, id, &fields).await;
    let done = done.map(|()| Redirect::to(&format!("{}#comments", behind.link(&path(id)))));
    let page = async |returned| plan_page(&state, &visit, id, View::of(behind)?.with(returned)).await;
    answer(done, Sent { to: FORM.to_owned(), fields, about: "" }, page).await
}

async fn said(state: &ApiState, who: &Who, id: RunId, fields: &Fields) -> Result<(), PageProblem> {
    fields.only(&["text", "back"])?;
    let said: CommentText = fields.required("text")?;
    state.runner.history().comment(id, &who.name, &said).await?;
    Ok(())
}
