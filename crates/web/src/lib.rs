//! The REST API. The host serves [`router`] below `/api/v1`.
//!
//! | route | what |
//! |---|---|
//! | `GET /syncs`, `POST /syncs` | the syncs that there are; a new one |
//! | `GET`, `PUT`, `DELETE /syncs/{name}` | one of them |
//! | `POST /syncs/{name}/pause`, `…/unpause` | whether its schedules rest |
//! | `POST /syncs/{name}/runs` | asks for a run; asking twice is asking once |
//! | `GET /runs` | runs, newest first |
//! | `GET /runs/{id}` | a run with its phases, models and decisions |
//! | `GET /runs/{id}/changes`, `…/log` | what it did, what it said |
//! | `GET /runs/{id}/events`, `…/progress` | what happens in it, as it happens, and how far it is |
//! | `GET /events` | how runs stand, as it changes |
//! | `GET /runs/{id}/plan` | the file of its plan |
//! | `POST /runs/{id}/approve`, `…/reject` | a decision about its plan |
//! | `POST /runs/{id}/cancel`, `…/pause`, `…/resume` | what a person wants of it |
//! | `GET /queue` | the runs that wait, and what each waits for |
//!
//! What each takes and answers is told where it is: [`routes`]. Everywhere:
//!
//! - Answers have the shapes that the commands print with `--json`. A list is `{"items": […], "next": …}`, `next` being what
//!   the next page is asked for with, or null when there is none.
//! - Bodies are JSON objects, at most [`MOST_BYTES`] long. An empty one is `{}`. A key that is not known is refused, because
//!   a mistyped `dry_run` would be a real run.
//! - Errors are problem details (RFC 9457): see [`Problem`].
//! - What is asked for here is done by `api`. There is no login yet, and no header is believed about who asks.
//!
//! # Who can ask
//!
//! There is no login, so the host listens on a loopback address only: whoever may run programs on the machine may use the
//! API. That leaves the pages of other sites in a browser on the machine, which can send requests to a loopback address as
//! well. They are kept out by what no page can forge:
//!
//! - **The name that was asked for.** A `Host` that is not `localhost`, in `127.0.0.0/8` or `[::1]` is refused (421). A page
//!   whose name was made to lead here (DNS rebinding) still sends its own name.
//! - **The kind of content.** `POST` and `PUT` are taken as `application/json` only (415), also without content. A browser
//!   sends that to another site only after asking, and nobody here answers such a question. The same goes for `DELETE`.
//! - **Where it comes from.** What changes something is refused (403) if `Sec-Fetch-Site` says that another site sends it.
//!   From browsers that do not say that, an `Origin` has to be the name and port that was asked for.
//! - **Who may read.** Answers name no other site that may read them, and forbid to be embedded, sniffed or stored.
//!
//! A proxy that adds a login sends a loopback name as `Host` and leaves `Sec-Fetch-Site` as it is.

mod browser;
mod input;
mod list;
pub mod live;
mod problem;
pub mod routes;
mod store;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use axum::{Router, middleware};
use syncline_core::run::Runner;

use crate::live::Live;
use crate::routes::{events, plan, queue, review, runs, stop, syncs, trigger};

pub use list::List;
pub use problem::{Problem, ProblemKind, SettingProblem};
pub use store::{StoreError, SyncStore, SyncView};

/// How long a body may be, in bytes. The settings of a sync take a few thousand.
pub const MOST_BYTES: usize = 256 * 1024;

/// Who asks for what the API does, until there is a login.
const BY: &str = "api";

/// What the API works with. Cloning it gives another handle to the same.
#[derive(Clone)]
pub struct ApiState {
    /// Makes runs, and knows the history.
    pub runner: Arc<Runner>,
    /// The syncs that there are.
    pub syncs: Arc<dyn SyncStore>,
    /// What runs do, as they do it.
    pub live: Live,
}

/// The routes, with all that protects them. They can be nested below any path.
pub fn router(state: ApiState) -> Router {
    Router::new()
        .route("/syncs", get(syncs::list).post(syncs::create))
        .route("/syncs/{name}", get(syncs::show).put(syncs::change).delete(syncs::remove))
        .route("/syncs/{name}/pause", post(syncs::pause))
        .route("/syncs/{name}/unpause", post(syncs::unpause))
        .route("/syncs/{name}/runs", post(trigger::trigger))
        .route("/runs", get(runs::list))
        .route("/runs/{id}", get(runs::show))
        .route("/runs/{id}/changes", get(runs::changes))
        .route("/runs/{id}/log", get(runs::log))
        .route("/runs/{id}/events", get(events::of_run))
        .route("/runs/{id}/progress", get(events::progress))
        .route("/events", get(events::of_statuses))
        .route("/runs/{id}/plan", get(plan::plan))
        .route("/runs/{id}/approve", post(review::approve))
        .route("/runs/{id}/reject", post(review::reject))
        .route("/runs/{id}/cancel", post(stop::cancel))
        .route("/runs/{id}/pause", post(stop::pause))
        .route("/runs/{id}/resume", post(stop::resume))
        .route("/queue", get(queue::list))
        .fallback(problem::no_route)
        .method_not_allowed_fallback(problem::wrong_method)
        .layer(DefaultBodyLimit::max(MOST_BYTES))
        .layer(middleware::from_fn(browser::protect))
        .with_state(state)
}
