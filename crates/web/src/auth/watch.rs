//! Who may read the metrics: they tell no secrets, and yet how large a network is and how well it does.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use syncline_core::history::Role;

use super::origin::FORWARDED_FOR;
use super::{Auth, Origin, session, token};
use crate::browser::own_name;
use crate::problem::{Problem, ProblemKind};

/// Who may read the metrics where the pages are, when whoever asks has to say who it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Watchers {
    /// Programs on this machine, and whoever may look at everything.
    #[default]
    Known,
    /// Everybody who reaches the server.
    Everybody,
}

/// Lets in who may read the metrics.
pub async fn watch(State(auth): State<Auth>, request: Request, next: Next) -> Response {
    // A name that was made to lead here is that of another site's page, which a browser on this machine lets read what it answers.
    let named = own_name(&auth, &request).map(drop);
    let (parts, body) = request.into_parts();
    let origin = Origin::of(&parts, &auth);
    // What came through a proxy that nobody told of comes from this machine only as it looks.
    let is_forwarded = parts.headers.contains_key(FORWARDED_FOR);
    let is_local = origin.address.is_some_and(|address| address.is_loopback())
        && (!is_forwarded || origin.is_from_proxy(&parts, &auth));
    if let (false, Err(problem)) = (auth.is_on(), &named) {
        return problem.clone().into_response();
    }
    let is_open = !auth.is_on() || auth.0.settings.watchers == Watchers::Everybody;
    if is_open || (is_local && named.is_ok()) {
        return next.run(Request::from_parts(parts, body)).await;
    }
    let known = async {
        if let Some((who, _)) = token::of(&auth, &parts.headers, &origin).await? {
            return Ok(Some(who));
        }
        Ok(session::of(&auth, &parts.headers, &origin).await?.map(|(who, _)| who))
    };
    let judged = known.await.and_then(|who| {
        let detail = "send a token of the role `viewer` as `Authorization: Bearer syn_…`, or let everybody read the metrics with \
                      `web.metrics = \"everybody\"`";
        let who = who.ok_or_else(|| Problem::new(ProblemKind::Unauthenticated, detail))?;
        who.ensure(Role::Viewer)?;
        who.ensure_sync(None)
    });
    match judged {
        Ok(()) => next.run(Request::from_parts(parts, body)).await,
        Err(problem) => problem.into_response(),
    }
}
