//! What a request needs of whoever makes it, and what is noted of it.

use axum::extract::{Query, Request, State};
use axum::http::{HeaderMap, Method, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use syncline_core::history::{AuditAction, FindingId, Role, RunId};

use super::Who;
use crate::{ApiState, Problem};

/// What a route needs, and what the audit log says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Access {
    /// The role.
    pub role: Role,
    /// About what it is.
    pub about: About,
    /// What it changes; none when it changes nothing, or says so itself.
    pub notes: Option<AuditAction>,
}

/// What a request is about, for tokens that are good for some syncs only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// The sync that is named in the path behind `syncs`.
    Sync,
    /// The run that is named in the path behind `runs`.
    Run,
    /// The sync of the finding that is named in the path behind `findings`.
    Finding,
    /// The sync that the query names; without one, nothing of these.
    Query,
    /// The sync that what is sent names. Nobody here has read that: whoever does asks [`Who::ensure_sync`].
    Sent,
    /// Whoever asks.
    Oneself,
    /// Nothing of these.
    Everything,
}

impl About {
    /// What a route is about. Its path has the names of its parts, as `/syncs/{name}/runs`.
    pub fn of(method: &Method, path: &str) -> Self {
        let parts: Vec<_> = path.trim_start_matches('/').split('/').collect();
        match parts.as_slice() {
            ["syncs", "{name}", ..] => Self::Sync,
            ["runs", "{id}", ..] => Self::Run,
            ["findings", "{id}", ..] => Self::Finding,
            ["quarantine", "decide"] => Self::Sent,
            ["quarantine"] if *method == Method::POST => Self::Sent,
            ["runs" | "log" | "changes", "export"] | ["logs"] | ["logs", "changes"] => Self::Query,
            ["runs" | "findings" | "drift" | "quarantine" | "log" | "changes" | "schedules"]
                if *method == Method::GET =>
            {
                Self::Query
            }
            _ => Self::Everything,
        }
    }
}

/// Lets those do something who may, and notes who did.
pub(crate) async fn enforce(
    State((state, access)): State<(ApiState, Access)>,
    who: Who,
    request: Request,
    next: Next,
) -> Response {
    let uri = request.uri().clone();
    if let Err(problem) = ensure(&state, &who, access, &uri).await {
        return problem.into_response();
    }
    let response = next.run(request).await;
    let is_done = response.status().is_success() || response.status().is_redirection();
    if let Some(action) = access.notes.filter(|_| is_done) {
        let (object, detail) = told(action, uri.path(), response.headers());
        state.auth.note(&who.actor(), action, &object, detail.as_deref()).await;
    }
    response
}

async fn ensure(state: &ApiState, who: &Who, need: Access, uri: &Uri) -> Result<(), Problem> {
    who.ensure(need.role)?;
    if who.syncs.is_none() || matches!(need.about, About::Oneself | About::Sent) {
        return Ok(());
    }
    let (history, number) = (state.runner.history(), |name| behind(uri.path(), name).and_then(|id| id.parse().ok()));
    let sync = match need.about {
        About::Sync => behind(uri.path(), "syncs").map(str::to_owned),
        About::Query => Query::<OfSync>::try_from_uri(uri).ok().and_then(|query| query.0.sync),
        About::Run => match number("runs").map(RunId::new) {
            Some(id) => history.run(id).await?.map(|run| run.sync),
            None => None,
        },
        About::Finding => match number("findings").map(FindingId::new) {
            Some(id) => history.finding(id).await?.map(|finding| finding.sync),
            None => None,
        },
        About::Oneself | About::Sent | About::Everything => None,
    };
    // Of a run of another sync, the token is told what it is told where there is no such run: nothing, and not its sync.
    let is_asked_by_name = matches!(need.about, About::Sync | About::Query);
    who.ensure_sync(sync.as_deref().filter(|sync| is_asked_by_name || who.sees(sync)))
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
        AuditAction::Change => (path.to_owned(), None),
        AuditAction::FindingAcknowledge => (format!("finding {}", behind(path, "findings").unwrap_or(path)), None),
        AuditAction::RunCancel
        | AuditAction::RunPause
        | AuditAction::RunResume
        | AuditAction::RunApprove
        | AuditAction::RunReject
        | AuditAction::RunComment => (run(behind(path, "runs").unwrap_or(path)), None),
        AuditAction::RunTrigger => match (behind(path, "syncs"), behind(path, "runs")) {
            // What takes a run back, or tries it again.
            (None, Some(id)) => {
                let what = path.rsplit('/').next().unwrap_or_default();
                (run(id), made.map(|made| format!("{what}: {}", run(made))))
            }
            (sync, _) => (sync.unwrap_or(path).to_owned(), made.map(run)),
        },
        _ => (behind(path, "syncs").unwrap_or(path).to_owned(), None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routes::endpoints;

    /// Who may do what, for people to look over.
    #[test]
    fn every_route_has_its_role() {
        let told = endpoints().into_iter().map(|endpoint| {
            let (method, path) = (endpoint.method.as_str(), endpoint.path);
            match endpoint.access {
                Some(Access { role, about, notes }) => {
                    let notes = notes.map_or("-", AuditAction::as_str);
                    format!("{method:<6} {path:<28} {:<8} {:<10} {notes}", role.as_str(), format!("{about:?}"))
                }
                None => format!("{method:<6} {path:<28} anybody"),
            }
        });
        insta::assert_snapshot!(told.collect::<Vec<_>>().join("\n"));
    }

    #[test]
    fn what_is_behind_a_part_of_a_path() {
        assert_eq!(behind("/api/v1/syncs/lab/runs", "syncs"), Some("lab"));
        assert_eq!(behind("/runs/17", "runs"), Some("17"));
        assert_eq!(behind("/runs", "runs"), None);
        assert_eq!(behind("/syncs/", "syncs"), None);
    }
}
