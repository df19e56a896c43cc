//! Logging in at a provider.

use std::time::Duration;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Redirect, Response};
use syncline_core::history::{AuditAction, How};

use super::PageProblem;
use super::login::Then;
use crate::ApiState;
use crate::auth::oidc::{Back, Pending, Provider, forget};
use crate::auth::{Auth, Origin, local_path, login};
use crate::problem::{Problem, ProblemKind};

/// `GET /login/oidc?next=/path`: to the provider.
pub async fn begin(
    State(state): State<ApiState>,
    origin: Origin,
    Query(then): Query<Then>,
) -> Result<Response, PageProblem> {
    let auth = &state.auth;
    let provider = provider(auth, &origin)?;
    let (url, pending) = provider.begin(local_path(then.next.as_deref())).await.inspect_err(|error| {
        tracing::warn!(error = %error, "nobody can log in at the provider");
    })?;
    Ok(([(header::SET_COOKIE, pending.cookie(auth))], Redirect::to(url.as_str())).into_response())
}

/// `GET /login/oidc/back`: from the provider, to where somebody wanted to go. The cookie of the login is taken back, whatever came of it.
pub async fn back(
    State(state): State<ApiState>,
    origin: Origin,
    headers: HeaderMap,
    back: Result<Query<Back>, QueryRejection>,
) -> Response {
    let entered = match back {
        Ok(Query(back)) => entered(&state.auth, &origin, &headers, back).await,
        Err(_) => Err(PageProblem::unread()),
    };
    let (mut response, session) = match entered {
        Ok((next, session)) => (Redirect::to(&next).into_response(), Some(session)),
        Err(problem) => (problem.into_response(), None),
    };
    let cookies = session.into_iter().chain([forget(&state.auth)]).map(|cookie| (header::SET_COOKIE, cookie));
    response.headers_mut().extend(cookies);
    response
}

async fn entered(
    auth: &Auth,
    origin: &Origin,
    headers: &HeaderMap,
    back: Back,
) -> Result<(String, HeaderValue), PageProblem> {
    let provider = provider(auth, origin)?;
    // Anybody can come here, with a cookie of his own making.
    let refused = async |who: &str, why: &str| {
        provider.refusal(origin.address).map_err(too_many)?;
        let actor = origin.actor(who, How::Session);
        auth.history().audit(&actor, AuditAction::LoginFailed, None, Some(why)).await.map_err(Problem::from)
    };
    let (known, next) = match provider.finish(back, Pending::of(auth, headers)).await {
        Ok(known) => known,
        Err(error) => {
            tracing::warn!(error = %error, "a login at the provider was refused");
            refused("unknown", &error.to_string()).await?;
            return Err(Problem::from(error).into());
        }
    };
    let actor = origin.actor(known.name.as_str(), How::Session);
    let account = match auth.history().account_of(&known, &actor).await {
        Ok(account) => account,
        Err(error) => {
            refused("unknown", &error.to_string()).await?;
            return Err(Problem::from(error).into());
        }
    };
    if account.disabled {
        refused(account.name.as_str(), "the account is disabled").await?;
        let detail = format!("the account `{}` is disabled: an admin lets it log in again", account.name);
        return Err(Problem::new(ProblemKind::Forbidden, detail).into());
    }
    let (_, _, session) = login::enter(auth, origin, headers, &account).await?;
    Ok((next, session))
}

/// The provider, for somebody who does not ask too often.
fn provider<'a>(auth: &'a Auth, origin: &Origin) -> Result<&'a Provider, PageProblem> {
    let provider = auth.provider().filter(|_| auth.is_on());
    let provider = provider.ok_or_else(|| PageProblem::not_found("Nobody logs in elsewhere here."))?;
    provider.check(origin.address).map_err(too_many)?;
    Ok(provider)
}

fn too_many(wait: Duration) -> Problem {
    let detail = "too many tries to log in: wait for as long as `Retry-After` says";
    Problem::new(ProblemKind::TooMany, detail).again_after(wait)
}
