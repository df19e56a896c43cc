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
mod form;
mod frame;
mod login;
mod outcome;
mod overview;
mod problem;
mod protect;
mod run_line;
mod show;
mod side;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{Method, Uri};
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, get, post};
use syncline_core::history::Role;

use crate::auth::permission::{About, Access, enforce};
use crate::auth::{Answers, Gate, authenticate};
use crate::{ApiState, MOST_BYTES};

pub use problem::PageProblem;

/// The pages, with all that protects them. The host serves them at `/`, with the API below `/api/v1`.
pub fn dashboard(state: ApiState) -> Router {
    let gate = Gate { auth: state.auth.clone(), answers: Answers::Login };
    let page = |path: &'static str, handler: MethodRouter<ApiState>| {
        let access = Access { role: Role::Viewer, about: About::of(&Method::GET, path), notes: None };
        (path, handler.route_layer(from_fn_with_state((state.clone(), access), enforce)))
    };
    let known = [page("/", get(overview::page))];
    let known = known.into_iter().fold(Router::new(), |router, (path, handler)| router.route(path, handler));
    known
        .route("/logout", post(login::log_out))
        .fallback(nothing)
        .layer(from_fn_with_state(gate, authenticate))
        .route("/login", get(login::page).post(login::log_in))
        .route("/assets/{name}", get(assets::asset))
        .layer(DefaultBodyLimit::max(MOST_BYTES))
        .layer(from_fn_with_state(state.auth.clone(), protect::protect))
        .with_state(state)
}

/// What is answered where there is no page.
async fn nothing(uri: Uri) -> PageProblem {
    PageProblem::not_found(format!("There is no page at `{}`.", uri.path()))
}
