//! Runs are taken out of the history: a page that asks first.

use askama::Template;
use axum::extract::State;
use axum::response::{Html, Redirect};
use chrono::Utc;
use syncline_core::history::{Role, RunId};

use super::PageProblem;
use super::form::{Fields, Posted, link};
use super::frame::{Frame, Section, Visit, html};
use super::run_line::{self, NUMBERS, RunLine};
use crate::ApiState;
use crate::auth::Who;
use crate::routes::runs::remove_all;

/// The page that asks, and that tells what stays.
#[derive(Template)]
#[template(path = "forget.html")]
struct ForgetPage {
    frame: Frame,
    runs: Vec<RunLine>,
    /// Some were to go, and stay.
    stay: bool,
}

/// `GET /runs/remove?run=3&run=4`. With `stay=on`, these are those that stayed.
pub async fn page(State(state): State<ApiState>, visit: Visit, fields: Fields) -> Result<Html<String>, PageProblem> {
    let history = state.runner.history();
    let mut runs = Vec::new();
    for id in ticked(&fields)? {
        runs.extend(history.run(id).await?);
    }
    html(&ForgetPage {
        frame: visit.frame("Remove runs", Section::Runs),
        runs: run_line::lines(history, &runs, Utc::now()).await?,
        stay: fields.is_set("stay"),
    })
}

/// `POST /runs/remove`: removes those that were ticked, and shows those that stay.
pub async fn remove(State(state): State<ApiState>, who: Who, Posted(fields): Posted) -> Result<Redirect, PageProblem> {
    fields.only(&["run"])?;
    let wanted = ticked(&fields)?;
    let gone = remove_all(&state, &who, &wanted).await?;
    let stay: Vec<_> = wanted.iter().filter(|run| !gone.contains(run)).map(ToString::to_string).collect();
    if stay.is_empty() {
        return Ok(Redirect::to("/runs"));
    }
    let stay = stay.iter().map(|run| ("run", run.as_str())).chain([("stay", "on")]);
    Ok(Redirect::to(&link("/runs/remove", stay)))
}

fn ticked(fields: &Fields) -> Result<Vec<RunId>, PageProblem> {
    let number =
        |text: &str| text.parse().map(RunId::new).map_err(|_| PageProblem::value("run", "is the number of a run"));
    fields.all("run").map(number).collect()
}
