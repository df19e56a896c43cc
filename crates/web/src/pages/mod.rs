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

mod ability;
mod accounts;
mod again;
mod agreement;
mod assets;
mod audit;
mod change_row;
mod chart;
mod comments;
mod compare;
mod compare_reads;
mod count;
mod drift;
mod edit;
mod estimate;
mod exchange;
mod facets;
mod finding;
mod forget;
mod form;
mod frame;
mod ignore;
mod ignored;
mod last_seen;
mod login;
mod logs;
mod mapping;
mod mapping_lab;
mod object;
#[cfg(feature = "oidc")]
mod oidc;
mod open;
mod openness;
pub(crate) mod outcome;
mod overview;
mod own_password;
mod pick;
mod plan;
mod plan_part;
mod problem;
mod protect;
mod quarantine;
mod remove;
mod returned;
mod review;
mod run;
mod run_line;
mod runs;
mod schedules;
mod scope;
mod search;
mod secrets;
mod settings;
pub(crate) mod settings_view;
mod show;
mod side;
mod start;
mod sync;
mod system;
mod system_icon;
mod table_sizes;
mod ticks;
mod tokens;

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRef};
use axum::http::{Method, Uri};
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, get, post};
use syncline_core::history::{AuditAction, Role, Run, RunId};
use syncline_core::plan::PlanExcerpt;
use syncline_core::run::ScopeCounter;
use syncline_core::{Error, ErrorKind, Result};

use crate::auth::permission::{About, Access, enforce};
use crate::auth::{Answers, Gate, authenticate};
use crate::problem::{Problem, ProblemKind};
use crate::{ApiState, MOST_BYTES};

pub use problem::PageProblem;

/// What the pages work with: what the API does, what the last checks of systems found, what was counted of reads, and how large tables are.
#[derive(Clone)]
struct Dashboard {
    api: ApiState,
    checks: side::Checks,
    counter: ScopeCounter,
    sizes: table_sizes::TableSizes,
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

impl FromRef<Dashboard> for ScopeCounter {
    fn from_ref(dashboard: &Dashboard) -> Self {
        dashboard.counter.clone()
    }
}

impl FromRef<Dashboard> for table_sizes::TableSizes {
    fn from_ref(dashboard: &Dashboard) -> Self {
        dashboard.sizes.clone()
    }
}

/// The pages, with all that protects them. The host serves them at `/`, with the API below `/api/v1`.
pub fn dashboard(state: ApiState) -> Router {
    let gate = Gate { auth: state.auth.clone(), answers: Answers::Login };
    let auth = state.auth.clone();
    let known = routes().into_iter().fold(Router::new(), |router, (path, by, notes, handler)| {
        // Of a form, what is behind the `?` says nothing.
        let method = if notes.is_some() { Method::POST } else { Method::GET };
        let access = Access { role: by, about: About::of(&method, path), notes };
        router.route(path, handler.route_layer(from_fn_with_state((state.clone(), access), enforce)))
    });
    let known = known
        .route("/logout", post(login::log_out))
        .fallback(nothing)
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn_with_state(gate, authenticate))
        .route("/login", get(login::page).post(login::log_in));
    #[cfg(feature = "oidc")]
    let known = known.route("/login/oidc", get(oidc::begin)).route("/login/oidc/back", get(oidc::back));
    known
        .route("/assets/{name}", get(assets::asset))
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(MOST_BYTES))
        .layer(from_fn_with_state(auth, protect::protect))
        .with_state(Dashboard {
            api: state,
            checks: side::Checks::default(),
            counter: ScopeCounter::default(),
            sizes: table_sizes::TableSizes::default(),
        })
}

/// A page or what a form does: its path, who may, what the audit log says of it, and what does it.
type PageRoute = (&'static str, Role, Option<AuditAction>, MethodRouter<Dashboard>);

/// What those meet who are known.
fn routes() -> Vec<PageRoute> {
    let page = |path, handler| (path, Role::Viewer, None, handler);
    let does = |path, by, notes, handler| (path, by, Some(notes), handler);
    vec![
        page("/", get(overview::page)),
        page("/runs", get(runs::page)),
        // Each run that goes has a row in the audit log.
        ("/runs/remove", Role::Admin, None, get(forget::page).post(forget::remove)),
        page("/runs/{id}", get(run::page)),
        page("/compare", get(compare::page)),
        page("/compare/reads", get(compare_reads::page)),
        page("/logs", get(logs::lines)),
        page("/logs/changes", get(logs::changes)),
        does("/runs/{id}/cancel", Role::Operator, AuditAction::RunCancel, post(run::cancel)),
        does("/runs/{id}/pause", Role::Operator, AuditAction::RunPause, post(run::pause)),
        does("/runs/{id}/resume", Role::Operator, AuditAction::RunResume, post(run::resume)),
        does("/runs/{id}/undo", Role::Operator, AuditAction::RunTrigger, post(again::undo)),
        does("/runs/{id}/rerun", Role::Operator, AuditAction::RunTrigger, post(again::rerun)),
        page("/runs/{id}/plan", get(plan::page)),
        page("/runs/{id}/plan.md", get(plan::markdown)),
        page("/runs/{id}/plan.html", get(plan::document)),
        does("/runs/{id}/approve", Role::Approver, AuditAction::RunApprove, post(review::approve)),
        // What is ticked is in the address that this leads to, and nowhere else.
        ("/runs/{id}/tick", Role::Approver, None, post(review::tick)),
        does("/runs/{id}/comment", Role::Operator, AuditAction::RunComment, post(comments::add)),
        does("/runs/{id}/reject", Role::Approver, AuditAction::RunReject, post(review::reject)),
        page("/objects/{model}/{*key}", get(object::page)),
        page("/drift", get(drift::page)),
        page("/findings/{id}", get(finding::page)),
        does("/findings/{id}/acknowledge", Role::Operator, AuditAction::FindingAcknowledge, post(finding::acknowledge)),
        page("/quarantine", get(quarantine::page)),
        ("/quarantine/decide", Role::Approver, None, post(quarantine::decide)),
        page("/schedules", get(schedules::page)),
        page("/search", get(search::page)),
        page("/syncs", get(sync::list)),
        ("/syncs/new", Role::Admin, None, get(edit::new)),
        does("/syncs/new", Role::Admin, AuditAction::SyncCreate, post(edit::save)),
        ("/syncs/new/check", Role::Admin, None, post(edit::check)),
        page("/syncs/{name}", get(sync::page)),
        ("/syncs/{name}/edit", Role::Admin, None, get(edit::page)),
        does("/syncs/{name}/edit", Role::Admin, AuditAction::SyncChange, post(edit::save)),
        ("/syncs/{name}/edit/check", Role::Admin, None, post(edit::check)),
        ("/syncs/{name}/remove", Role::Admin, None, get(remove::page)),
        does("/syncs/{name}/remove", Role::Admin, AuditAction::SyncRemove, post(remove::remove)),
        // What is left alone has its row in the audit log, with the record.
        ("/syncs/{name}/ignore", Role::Viewer, None, get(ignore::page)),
        ("/syncs/{name}/ignores", Role::Operator, None, post(ignore::make)),
        ("/syncs/{name}/ignores/{id}/end", Role::Operator, None, post(ignore::end)),
        page("/syncs/{name}/run", get(start::page)),
        // Nothing is done but tried.
        ("/syncs/{name}/mapping", Role::Operator, None, get(mapping_lab::page).post(mapping_lab::try_rules)),
        // Nothing is done but counted.
        ("/syncs/{name}/run/count", Role::Operator, None, get(count::fragment).post(start::count)),
        does("/syncs/{name}/run", Role::Operator, AuditAction::RunTrigger, post(start::start)),
        does("/syncs/{name}/pause", Role::Operator, AuditAction::SyncPause, post(sync::pause)),
        does("/syncs/{name}/unpause", Role::Operator, AuditAction::SyncUnpause, post(sync::unpause)),
        // A system is asked, as by a check.
        ("/syncs/{name}/open/{side}", Role::Operator, None, get(open::open)),
        page("/sources/{name}", get(side::source)),
        ("/sources/{name}/check", Role::Operator, None, post(side::check_source)),
        page("/targets/{name}", get(side::target)),
        ("/targets/{name}/check", Role::Operator, None, post(side::check_target)),
        page("/settings", get(system::page)),
        page("/settings/password", get(own_password::page).post(own_password::change)),
        // The history itself notes who changed accounts and tokens.
        ("/settings/accounts", Role::Admin, None, get(accounts::page).post(accounts::create)),
        ("/settings/accounts/{name}/role", Role::Admin, None, post(accounts::change)),
        ("/settings/accounts/{name}/password", Role::Admin, None, post(accounts::change)),
        ("/settings/accounts/{name}/disable", Role::Admin, None, post(accounts::change)),
        ("/settings/accounts/{name}/enable", Role::Admin, None, post(accounts::change)),
        ("/settings/tokens", Role::Admin, None, get(tokens::page).post(tokens::create)),
        ("/settings/tokens/{name}/revoke", Role::Admin, None, post(tokens::revoke)),
        ("/settings/audit", Role::Admin, None, get(audit::page)),
    ]
}

/// Every path with the role that it needs.
#[cfg(test)]
pub(crate) fn roles() -> Vec<(&'static str, Role)> {
    routes().into_iter().map(|(path, role, ..)| (path, role)).collect()
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
