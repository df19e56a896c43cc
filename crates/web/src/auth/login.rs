//! Logging in and out, for programs. Pages do the same: see [`page`](super::page).

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::IntoResponse;
use schemars::JsonSchema;
use serde::Deserialize;
use syncline_core::history::{Account, AccountName, AuditAction, How};

use super::access::Me;
use super::password::{FEWEST, MOST, Password};
use super::{Auth, LoggedIn, Origin, Who, session};
use crate::ApiState;
use crate::input::{Body, Nothing};
use crate::problem::{Problem, ProblemKind};

/// What somebody logs in with.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Login {
    /// The name of an account.
    pub name: String,
    /// Its password.
    pub password: Password,
}

/// Another password of one's own.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OwnPassword {
    /// The one that it was: whoever finds a browser open does not know it.
    pub current: Password,
    /// The one that it is to be.
    #[schemars(extend("minLength" = FEWEST, "maxLength" = MOST))]
    pub password: Password,
}

/// `POST /login` `{"name", "password"}`: what `GET /me` gives, with the cookie of a session. 401 when it is not the password of an
/// account that may log in, 429 with `Retry-After` after too many tries.
pub async fn log_in(
    State(state): State<ApiState>,
    origin: Origin,
    headers: HeaderMap,
    Body(login): Body<Login>,
) -> Result<impl IntoResponse, Problem> {
    let auth = &state.auth;
    if !auth.is_on() {
        let detail = "nobody has to log in here: set `web.authentication = \"users\"` to have accounts";
        return Err(Problem::new(ProblemKind::Conflict, detail));
    }
    let (who, logged_in, cookie) = begin(auth, &origin, &headers, &login.name, &login.password).await?;
    Ok(([(header::SET_COOKIE, cookie)], Json(Me::new(who, Some(logged_in)))))
}

/// `POST /logout`: 204; ends the session that asks. Tokens are revoked instead.
pub async fn log_out(
    State(state): State<ApiState>,
    who: Who,
    logged_in: Option<LoggedIn>,
    Body(Nothing {}): Body<Nothing>,
) -> Result<impl IntoResponse, Problem> {
    let cookie = end(&state.auth, &who, logged_in).await?;
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie)]))
}

/// `PUT /me/password` `{"current", "password"}`: 204. All sessions of the account end, this one too. 422 when it is not the password, 403 for
/// who is not logged in with one, 429 as for the login.
pub async fn set_own_password(
    State(state): State<ApiState>,
    who: Who,
    logged_in: Option<LoggedIn>,
    Body(wish): Body<OwnPassword>,
) -> Result<impl IntoResponse, Problem> {
    let cookie = change_own_password(&state.auth, &who, logged_in, &wish).await?;
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie)]))
}

/// Gives whoever is logged in another password, and ends the sessions. Gives the header that takes the cookie back.
pub(crate) async fn change_own_password(
    auth: &Auth,
    who: &Who,
    logged_in: Option<LoggedIn>,
    wish: &OwnPassword,
) -> Result<HeaderValue, Problem> {
    let name: Option<AccountName> = who.name.parse().ok();
    let (Some(name), Some(_)) = (name, logged_in) else {
        let detail = format!("`{}` has no password: it is not logged in with one", who.name);
        return Err(Problem::new(ProblemKind::Forbidden, detail));
    };
    wish.password.ensure_good().map_err(|bad| Problem::value("password", bad.to_string()))?;
    ensure_not_often(auth, &who.origin, Some(&name))?;
    let credential = auth.history().credential(&name).await?;
    if let Some(issuer) = credential.as_ref().and_then(|credential| credential.account.issuer.as_ref()) {
        let detail = format!("`{name}` has no password here: it logs in at {issuer}");
        return Err(Problem::new(ProblemKind::Forbidden, detail));
    }
    let hash = credential.and_then(|credential| credential.password);
    if !auth.0.passwords.is(&wish.current, hash).await? {
        let actor = who.actor();
        auth.history().audit(&actor, AuditAction::LoginFailed, None, Some("not the current password")).await?;
        return Err(Problem::value("current", "is not the password"));
    }
    let hash = auth.0.passwords.hash(&wish.password).await?;
    auth.history().set_password(&name, &hash, &who.actor()).await?;
    Ok(session::forget(auth))
}

fn ensure_not_often(auth: &Auth, origin: &Origin, name: Option<&AccountName>) -> Result<(), Problem> {
    auth.0.limits.check(name, origin.address).map_err(|wait| {
        let detail = "too many tries to log in: wait for as long as `Retry-After` says";
        Problem::new(ProblemKind::TooMany, detail).again_after(wait)
    })
}

/// Begins a session for whoever knows a password.
pub(crate) async fn begin(
    auth: &Auth,
    origin: &Origin,
    headers: &HeaderMap,
    name: &str,
    password: &Password,
) -> Result<(Who, LoggedIn, HeaderValue), Problem> {
    if !auth.takes_passwords() {
        let detail = format!("people log in at {}, and not with a password", auth.elsewhere().unwrap_or("a provider"));
        return Err(Problem::new(ProblemKind::Forbidden, detail));
    }
    let name: Option<AccountName> = name.parse().ok();
    ensure_not_often(auth, origin, name.as_ref())?;
    let credential = match &name {
        Some(name) => auth.history().credential(name).await?,
        None => None,
    };
    let (account, hash) = credential.map(|credential| (credential.account, credential.password)).unzip();
    // Also for nobody, and for those who may not: how long it takes tells nothing.
    let is_known = auth.0.passwords.is(password, hash.flatten()).await?;
    let account = match account {
        Some(account) if is_known && !account.disabled => account,
        account => {
            let why = match &account {
                None => "there is no such account",
                Some(account) if account.disabled => "the account is disabled",
                Some(_) => "not the password",
            };
            // A name that is nobody's is not kept: people type passwords there.
            let who = account.map_or_else(|| "unknown".to_owned(), |account| account.name.to_string());
            let actor = origin.actor(who, How::Session);
            auth.history().audit(&actor, AuditAction::LoginFailed, None, Some(why)).await?;
            return Err(Problem::new(ProblemKind::Unauthenticated, "the name or the password is wrong"));
        }
    };
    enter(auth, origin, headers, &account).await
}

/// Begins a session for whoever is known. A session that the browser has ends: it may be somebody else's.
pub(crate) async fn enter(
    auth: &Auth,
    origin: &Origin,
    headers: &HeaderMap,
    account: &Account,
) -> Result<(Who, LoggedIn, HeaderValue), Problem> {
    let who = Who {
        name: account.name.to_string(),
        role: account.role,
        how: How::Session,
        syncs: None,
        origin: origin.clone(),
    };
    if let Some(before) = session::secret(auth, headers) {
        auth.history().end_session(before.hash(), &who.actor()).await?;
    }
    let (logged_in, cookie) = session::begin(auth, account.id, &who.actor()).await?;
    Ok((who, logged_in, cookie))
}

/// Ends a session. Gives the header that takes its cookie back.
pub(crate) async fn end(auth: &Auth, who: &Who, logged_in: Option<LoggedIn>) -> Result<HeaderValue, Problem> {
    if let Some(logged_in) = logged_in {
        auth.history().end_session(logged_in.id, &who.actor()).await?;
    }
    Ok(session::forget(auth))
}

/// How long a path may be that somebody goes to after the login, in bytes.
const LONGEST: usize = 2_000;

/// Where somebody goes after the login: a path of this server, or its beginning when `next` is none.
///
/// One that is longer than any of ours is none: it travels in a cookie, and browsers drop what is too long.
///
/// Browsers take `//other.example` and `/\other.example` for another server, and leave tabs and line ends out.
pub fn local_path(next: Option<&str>) -> &str {
    let is_local = |next: &&str| {
        next.len() <= LONGEST
            && next.starts_with('/')
            && !next.starts_with("//")
            && next.bytes().all(|letter| letter.is_ascii_graphic() && letter != b'\\')
    };
    next.filter(is_local).unwrap_or("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_path_of_this_server_is_next() {
        for good in ["/", "/runs/17?tab=log&x=%2F", "/a//b"] {
            assert_eq!(local_path(Some(good)), good);
        }
        for bad in [
            "",
            "runs",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "/\t/evil.example",
            "\n/x",
            "/x y",
            "javascript:alert(1)",
        ] {
            assert_eq!(local_path(Some(bad)), "/", "{bad:?}");
        }
        assert_eq!(local_path(None), "/");
    }
}
