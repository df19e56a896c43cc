//! The REST API, which the host serves with [`router`] below `/api/v1`, and the pages for people, which it serves with [`dashboard`]
//! at `/`. What follows is about the API.
//!
//! | route | what |
//! |---|---|
//! | `GET /syncs`, `POST /syncs` | the syncs that there are; a new one |
//! | `GET`, `PUT`, `DELETE /syncs/{name}` | one of them |
//! | `POST /syncs/{name}/pause`, `…/unpause` | whether its schedules rest |
//! | `POST /syncs/{name}/runs` | asks for a run; asking twice is asking once |
//! | `POST /hooks/{sync}` | another system tells that something happened there: see [`routes::hooks`] |
//! | `GET /schedules` | when syncs run by themselves |
//! | `GET /runs` | runs, newest first |
//! | `GET`, `DELETE /runs/{id}` | a run with its phases, models and decisions; its end in the history |
//! | `GET /runs/export` | the same as a file |
//! | `GET /runs/{id}/changes`, `…/log` | what it did, what it said |
//! | `GET /runs/{id}/events`, `…/progress` | what happens in it, as it happens, and how far it is |
//! | `GET /events` | how runs stand, as it changes |
//! | `GET /runs/{id}/plan` | the file of its plan |
//! | `GET`, `POST /runs/{id}/comments` | what people said about its plan; something more to be said |
//! | `POST /runs/{id}/approve`, `…/reject` | a decision about its plan |
//! | `POST /runs/{id}/cancel`, `…/pause`, `…/resume` | what a person wants of it |
//! | `POST /runs/{id}/undo`, `…/rerun` | asks for a run that takes it back, or tries again what failed |
//! | `GET /queue` | the runs that wait, and what each waits for |
//! | `GET /findings`, `GET /findings/{id}`, `POST …/acknowledge` | drift, flapping and ambiguous records; that somebody looked at one |
//! | `GET /quarantine`, `POST /quarantine` | records that sources no longer have; what becomes of one |
//! | `GET /runs/{id}/compare/{other}`, `…/differences` | two runs beside each other |
//! | `GET /log`, `GET /log/export` | what all runs said |
//! | `GET /changes`, `GET /changes/export` | what all runs changed, a row for each object |
//! | `GET /objects` | what happened to an object in all runs |
//! | `GET /connectors`, `GET /connectors/{name}` | what this build can talk to, and the schemas of its settings |
//! | `GET /syncs/{name}/objects` | where the systems of a sync show a record to people; needs an operator, as the systems are asked |
//! | `POST /syncs/{name}/check` | whether both sides answer, what they can do, and what becomes what |
//! | `POST /login`, `POST /logout`, `GET /me`, `/accounts`, `/tokens`, `/audit` | who asks, and who may: see [`auth`] |
//! | `GET /openapi.json` | all of this, for programs: OpenAPI 3.1 |
//!
//! What each takes and answers is told where it is: [`routes`], and in one place, from which the router and the document come:
//! [`routes::endpoints`]. Everywhere:
//!
//! - Answers have the shapes that the commands print with `--json`. A list is `{"items": […], "next": …}`, `next` being what
//!   the next page is asked for with, or null when there is none.
//! - Bodies are JSON objects, at most [`MOST_BYTES`] long. An empty one is `{}`. A key that is not known is refused, because
//!   a mistyped `dry_run` would be a real run.
//! - Errors are problem details (RFC 9457): see [`Problem`].
//! - Who asks is known by a session or a token, if the host wants to know: see [`auth`]. No other header is believed about it.
//!
//! # Who can ask
//!
//! Without [authentication](auth::Authentication) the host listens on a loopback address only: whoever may run programs on the machine
//! may use the API. With it, whoever has a session or a token may do what its role allows. Either way that leaves the pages of other sites
//! in a browser, which can send requests here as well. They are kept out by what no page can forge:
//!
//! - **The name that was asked for.** A `Host` that is not `localhost`, in `127.0.0.0/8`, `[::1]` or one of the configured names is refused
//!   (421). A page whose name was made to lead here (DNS rebinding) still sends its own name.
//! - **The kind of content.** `POST` and `PUT` are taken as `application/json` only (415), also without content. A browser
//!   sends that to another site only after asking, and nobody here answers such a question. The same goes for `DELETE`.
//! - **Where it comes from.** What changes something is refused (403) if `Sec-Fetch-Site` says that another site sends it.
//!   From browsers that do not say that, an `Origin` has to be the name and port that was asked for.
//! - **Who may read.** Answers name no other site that may read them, and forbid to be embedded, sniffed or stored.
//!
//! A proxy before the server leaves `Host` as it is, or sends a loopback name, and leaves `Sec-Fetch-Site` as it is.

pub mod auth;
mod browser;
mod cursor;
pub mod endpoint;
mod export;
mod input;
mod list;
pub mod live;
pub mod openapi;
mod pages;
mod problem;
mod reason;
pub mod routes;
pub mod settings_form;
mod store;
pub mod timetable;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use axum::{Json, Router};
use syncline_core::history::Retention;
use syncline_core::run::Runner;

use crate::auth::{Answers, Auth, Gate};
use crate::live::Live;
pub use list::List;
pub use pages::dashboard;
pub use problem::{Problem, ProblemKind, SettingProblem};
pub use store::{Draft, NamedSecret, Offer, OfferedConnection, StoreError, SyncStore, SyncView};

/// How long a body may be, in bytes. The settings of a sync take a few thousand.
pub const MOST_BYTES: usize = 256 * 1024;

/// Where the host puts the API.
pub const BELOW: &str = "/api/v1";

/// What the API works with. Cloning it gives another handle to the same.
#[derive(Clone)]
pub struct ApiState {
    /// Makes runs, and knows the history.
    pub runner: Arc<Runner>,
    /// The syncs that there are.
    pub syncs: Arc<dyn SyncStore>,
    /// Knows who asks.
    pub auth: Auth,
    /// What runs do, as they do it.
    pub live: Live,
    /// How much of the past the host keeps.
    pub retention: Retention,
}

/// The routes, with all that protects them. They can be nested below any path.
pub fn router(state: ApiState) -> Router {
    let gate = Gate { auth: state.auth.clone(), answers: Answers::Problem };
    let auth = state.auth.clone();
    let endpoints = routes::endpoints();
    let cookie = auth.is_on().then(|| auth::session::name(&auth));
    let document = Arc::new(openapi::document(&endpoints, BELOW, cookie));
    let (open, known): (Vec<_>, Vec<_>) = endpoints.into_iter().partition(|endpoint| endpoint.access.is_none());
    let known = known.into_iter().fold(Router::new(), |router, endpoint| endpoint.put_into(router, &state));
    let open = open.into_iter().fold(Router::new(), |router, endpoint| endpoint.put_into(router, &state));
    let open = open.method_not_allowed_fallback(problem::wrong_method);
    known
        .route("/openapi.json", get(|| async move { Json(document) }))
        .fallback(problem::no_route)
        .method_not_allowed_fallback(problem::wrong_method)
        .layer(from_fn_with_state(gate, auth::authenticate))
        .merge(open)
        .layer(DefaultBodyLimit::max(MOST_BYTES))
        .layer(from_fn_with_state(auth, browser::protect))
        .with_state(state)
}
