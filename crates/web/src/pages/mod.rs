//! The dashboard: pages for people, made on the server.
//!
//! One file a page: a struct that holds exactly what the page shows, the function that takes it from the history, and the handler.
//! The templates are in `templates/`, checked when they are compiled, and escape every text.
//!
//! - A page reads and works without JavaScript: filters are forms that are fetched, paging is a link with the history's own
//!   cursor, and what changes something is a form that is posted.
//! - No page holds anything in its URL but what it shows, so that a link shows somebody else the same.
//! - No page costs more when the history is larger, or the plan longer: what is counted was counted before, lists come by the
//!   page, and of a plan's file only the part that is shown is read.
//! - Nothing stands in a page that could run: no script, no style, no handler. [`protect`] forbids it besides.

mod assets;
mod change_row;
mod facets;
mod form;
mod frame;
mod object;
pub(crate) mod outcome;
mod overview;
mod pick;
mod plan;
mod problem;
mod protect;
mod run;
mod run_line;
mod runs;
mod settings;
mod show;
mod side;
mod start;
mod sync;

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, FromRef};
use axum::http::Uri;
use axum::routing::{get, post};
use axum::{Router, middleware};
use syncline_core::history::{Run, RunId};
use syncline_core::plan::PlanExcerpt;
use syncline_core::{Error, ErrorKind, Result};

use crate::problem::{Problem, ProblemKind};
use crate::{ApiState, MOST_BYTES};

pub use problem::PageProblem;

/// What the pages work with: what the API does, and what the last checks of systems found.
#[derive(Clone)]
struct Dashboard {
    api: ApiState,
    checks: side::Checks,
}

impl FromRef<Dashboard> for ApiState {
    fn from_ref(dashboard: &Dashboard) -> Self {
        dashboard.api.clone()
    }
}

impl FromRef<Dashboard> for side::Checks {
    fn from_ref(dashboard: &Dashboard) -> Self {
        dashboard.checks.clone()
    }
}

/// The pages, with all that protects them. The host serves them at `/`, with the API below `/api/v1`.
pub fn dashboard(state: ApiState) -> Router {
    Router::new()
        .route("/", get(overview::page))
        .route("/runs", get(runs::page))
        .route("/runs/{id}", get(run::page))
        .route("/runs/{id}/cancel", post(run::cancel))
        .route("/runs/{id}/pause", post(run::pause))
        .route("/runs/{id}/resume", post(run::resume))
        .route("/runs/{id}/plan", get(plan::page))
        .route("/runs/{id}/plan.md", get(plan::markdown))
        .route("/runs/{id}/plan.html", get(plan::document))
        .route("/runs/{id}/approve", post(plan::approve))
        .route("/runs/{id}/reject", post(plan::reject))
        .route("/objects/{model}/{*key}", get(object::page))
        .route("/syncs", get(sync::list))
        .route("/syncs/{name}", get(sync::page))
        .route("/syncs/{name}/run", get(start::page).post(start::start))
        .route("/syncs/{name}/pause", post(sync::pause))
        .route("/syncs/{name}/unpause", post(sync::unpause))
        .route("/sources/{name}", get(side::source))
        .route("/sources/{name}/check", post(side::check_source))
        .route("/targets/{name}", get(side::target))
        .route("/targets/{name}/check", post(side::check_target))
        .route("/assets/{name}", get(assets::asset))
        .fallback(nothing)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(MOST_BYTES))
        .layer(middleware::from_fn(protect::protect))
        .with_state(Dashboard { api: state, checks: side::Checks::default() })
}

/// What is answered where there is no page.
async fn nothing(uri: Uri) -> PageProblem {
    PageProblem::not_found(format!("There is no page at `{}`.", uri.path()))
}

/// A run; a page that says so where there is none with this number.
async fn run(state: &ApiState, id: RunId) -> Result<Run, PageProblem> {
    state.runner.history().run(id).await?.ok_or_else(|| PageProblem::no_run(id))
}

/// What is answered to a form that was fetched, or to a page that was posted to.
async fn wrong_method(uri: Uri) -> PageProblem {
    Problem::new(
        ProblemKind::WrongMethod,
        format!("`{}` is not asked for in this way; go back and try again", uri.path()),
    )
    .into()
}

/// What stands around the changes of a run's plan, where its file is on this machine.
async fn glance(state: &ApiState, run: &Run) -> Result<Option<PlanExcerpt>> {
    if run.plan.is_none() {
        return Ok(None);
    }
    let (runner, run) = (Arc::clone(&state.runner), run.clone());
    let looked = tokio::task::spawn_blocking(move || runner.glance_at(&run)).await;
    looked.map_err(|cause| Error::new(ErrorKind::Internal, "the plan was not looked at").caused_by(cause))
}
