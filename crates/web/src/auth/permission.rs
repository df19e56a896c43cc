//! What each role may do, and what is noted of it.
//!
//! Decided by the method and the end of the route, for all routes in one place. What is not named here is for admins.

use axum::extract::{MatchedPath, Query, Request, State};
use axum::http::{HeaderMap, Method, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use syncline_core::history::{AuditAction, Role, RunId};

use super::Who;
use crate::{ApiState, Problem};

/// What a request is about, for tokens that are good for some syncs only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// The sync that is named in the path behind `syncs`.
    Sync,
    /// The run that is named in the path behind `runs`.
    Run,
    /// A list: what of it belongs to the sync that the query names.
    Listed,
    /// Whoever asks.
    Oneself,
    /// Nothing of these.
    Everything,
}

/// The role that a route needs. `path` has the names of its parts, as `/syncs/{name}/runs`, below whatever.
pub fn role(method: &Method, path: &str) -> Role {
    if about(method, path) == About::Oneself {
        return Role::Viewer;
    }
    match path.rsplit('/').next().unwrap_or_default() {
        "accounts" | "tokens" | "audit" => Role::Admin,
        _ if is_reading(method) => Role::Viewer,
        _ if *method != Method::POST => Role::Admin,
        "runs" | "cancel" | "pause" | "unpause" | "resume" | "acknowledge" | "check" | "describe" => Role::Operator,
        "approve" | "reject" | "quarantine" => Role::Approver,
        _ => Role::Admin,
    }
}

/// What a route is about.
pub fn about(method: &Method, path: &str) -> About {
    match ending(path) {
        ["me" | "logout", ..] | ["password", "me", _] => About::Oneself,
        ["{name}", "syncs", _] | [_, "{name}", "syncs"] => About::Sync,
        ["{id}", "runs", _] | [_, "{id}", "runs"] => About::Run,
        ["runs" | "findings" | "quarantine", ..] if is_reading(method) => About::Listed,
        _ => About::Everything,
    }
}

/// The last three parts of a path, from its end.
fn ending(path: &str) -> [&str; 3] {
    let mut parts = path.rsplit('/');
    std::array::from_fn(|_| parts.next().unwrap_or_default())
}

/// What the audit log says of a request that changed something; none when it changes nothing, or whoever does it says it.
pub fn action(method: &Method, path: &str) -> Option<AuditAction> {
    if is_reading(method) {
        return None;
    }
    Some(match ending(path) {
        ["logout" | "accounts" | "tokens", ..]
        | ["password", "me", _]
        | [_, "tokens", _]
        | [_, "{name}", "accounts"]
        // These connect and look.
        | ["check" | "describe", "{name}", "syncs"] => return None,
        ["syncs", ..] => AuditAction::SyncCreate,
        ["{name}", "syncs", _] if *method == Method::DELETE => AuditAction::SyncRemove,
        ["{name}", "syncs", _] => AuditAction::SyncChange,
        ["pause", "{name}", "syncs"] => AuditAction::SyncPause,
        ["unpause", "{name}", "syncs"] => AuditAction::SyncUnpause,
        ["runs", "{name}", "syncs"] => AuditAction::RunTrigger,
        ["cancel", "{id}", "runs"] => AuditAction::RunCancel,
        ["pause", "{id}", "runs"] => AuditAction::RunPause,
        ["resume", "{id}", "runs"] => AuditAction::RunResume,
        ["approve", "{id}", "runs"] => AuditAction::RunApprove,
        ["reject", "{id}", "runs"] => AuditAction::RunReject,
        ["acknowledge", "{id}", "findings"] => AuditAction::FindingAcknowledge,
        ["quarantine", ..] => AuditAction::QuarantineDecide,
        _ => AuditAction::Change,
    })
}

fn is_reading(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

/// Lets those do something who may, and notes who did.
pub(crate) async fn enforce(State(state): State<ApiState>, who: Who, request: Request, next: Next) -> Response {
    // Where there is no route, there is nothing to be done.
    let Some(route) = request.extensions().get::<MatchedPath>().cloned() else { return next.run(request).await };
    let (method, uri) = (request.method().clone(), request.uri().clone());
    let allowed = match who.ensure(role(&method, route.as_str())) {
        Ok(()) => ensure_sync(&state, &who, about(&method, route.as_str()), &uri).await,
        refused => refused,
    };
    if let Err(problem) = allowed {
        return problem.into_response();
    }
    let response = next.run(request).await;
    let noted = action(&method, route.as_str()).filter(|_| response.status().is_success());
    if let Some(action) = noted {
        let (object, detail) = told(action, uri.path(), response.headers());
        let noted = state.auth.history().audit(&who.actor(), action, Some(&object), detail.as_deref()).await;
        if let Err(error) = noted {
            // It is done: the answer must not say otherwise.
            tracing::error!(who = who.name, action = %action, object, error = %error.report(), "the audit log misses a row");
        }
    }
    response
}

/// Refuses a token that is good for some syncs only what is not about one of them.
async fn ensure_sync(state: &ApiState, who: &Who, about: About, uri: &Uri) -> Result<(), Problem> {
    if who.syncs.is_none() || about == About::Oneself {
        return Ok(());
    }
    let sync = match about {
        About::Sync => behind(uri.path(), "syncs").map(str::to_owned),
        About::Listed => Query::<OfSync>::try_from_uri(uri).ok().and_then(|query| query.0.sync),
        About::Run => {
            let id = behind(uri.path(), "runs").and_then(|id| id.parse().ok()).map(RunId::new);
            let run = match id {
                Some(id) => state.runner.history().run(id).await?,
                None => None,
            };
            // Where there is no such run, the token is told what it is told of the runs of others: nothing.
            run.map(|run| run.sync)
        }
        About::Oneself | About::Everything => None,
    };
    who.ensure_sync(sync.as_deref())
}

#[derive(Deserialize)]
struct OfSync {
    sync: Option<String>,
}

/// The part of a path behind another.
fn behind<'a>(path: &'a str, name: &str) -> Option<&'a str> {
    let mut parts = path.split('/').skip_while(|part| *part != name);
    parts.nth(1).filter(|part| !part.is_empty())
}

/// What was changed, and what came of it.
fn told(action: AuditAction, path: &str, answered: &HeaderMap) -> (String, Option<String>) {
    let made = answered.get(header::LOCATION).and_then(|made| made.to_str().ok()?.rsplit('/').next());
    let run = |id: &str| format!("run {id}");
    match action {
        AuditAction::SyncCreate => (made.unwrap_or("syncs").to_owned(), None),
        AuditAction::FindingAcknowledge => (format!("finding {}", behind(path, "findings").unwrap_or(path)), None),
        AuditAction::QuarantineDecide | AuditAction::Change => (path.to_owned(), None),
        AuditAction::RunCancel
        | AuditAction::RunPause
        | AuditAction::RunResume
        | AuditAction::RunApprove
        | AuditAction::RunReject => (run(behind(path, "runs").unwrap_or(path)), None),
        AuditAction::RunTrigger => (behind(path, "syncs").unwrap_or(path).to_owned(), made.map(run)),
        _ => (behind(path, "syncs").unwrap_or(path).to_owned(), None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_has_its_role() {
        let routes = [
            ("GET", "/syncs"),
            ("POST", "/syncs"),
            ("GET", "/syncs/{name}"),
            ("PUT", "/syncs/{name}"),
            ("DELETE", "/syncs/{name}"),
            ("POST", "/syncs/{name}/pause"),
            ("POST", "/syncs/{name}/unpause"),
            ("POST", "/syncs/{name}/runs"),
            ("GET", "/runs"),
            ("GET", "/runs/{id}"),
            ("GET", "/runs/{id}/changes"),
            ("GET", "/runs/{id}/log"),
            ("GET", "/runs/{id}/plan"),
            ("POST", "/runs/{id}/approve"),
            ("POST", "/runs/{id}/reject"),
            ("POST", "/runs/{id}/cancel"),
            ("POST", "/runs/{id}/pause"),
            ("POST", "/runs/{id}/resume"),
            ("GET", "/queue"),
            ("GET", "/findings"),
            ("GET", "/findings/{id}"),
            ("POST", "/findings/{id}/acknowledge"),
            ("GET", "/quarantine"),
            ("POST", "/quarantine"),
            ("GET", "/objects"),
            ("POST", "/syncs/{name}/check"),
            ("POST", "/syncs/{name}/describe"),
            ("GET", "/me"),
            ("PUT", "/me/password"),
            ("POST", "/logout"),
            ("GET", "/accounts"),
            ("POST", "/accounts"),
            ("PUT", "/accounts/{name}/role"),
            ("PUT", "/accounts/{name}/password"),
            ("POST", "/accounts/{name}/disable"),
            ("GET", "/tokens"),
            ("DELETE", "/tokens/{name}"),
            ("GET", "/audit"),
            ("POST", "/something/else"),
            ("PATCH", "/runs/{id}"),
        ];
        let told = routes.map(|(method, path)| {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            let path = format!("/api/v1{path}");
            let (role, about) = (role(&method, &path), about(&method, &path));
            let action = action(&method, &path).map_or("-", AuditAction::as_str);
            let (method, role, about) = (method.as_str(), role.as_str(), format!("{about:?}"));
            format!("{method:<6} {:<26} {role:<8} {about:<10} {action}", &path[7..])
        });
        insta::assert_snapshot!(told.join("\n"));
    }

    #[test]
    fn what_is_behind_a_part_of_a_path() {
        assert_eq!(behind("/api/v1/syncs/lab/runs", "syncs"), Some("lab"));
        assert_eq!(behind("/runs/17", "runs"), Some("17"));
        assert_eq!(behind("/runs", "runs"), None);
        assert_eq!(behind("/syncs/", "syncs"), None);
    }
}
