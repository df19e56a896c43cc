//! The cookie of a session.

use axum::http::{HeaderMap, HeaderValue, header};
use chrono::{TimeDelta, Utc};
use cookie::{Cookie, SameSite};
use syncline_core::history::{AccountId, Actor, NewSession, Secret};

use super::{Auth, LoggedIn, Origin, Who};
use crate::Problem;
use syncline_core::history::How;

/// How long a session lasts without a request.
pub const IDLE: TimeDelta = TimeDelta::hours(2);
/// How long a session lasts in any case.
pub const LASTS: TimeDelta = TimeDelta::hours(12);

/// The cookie's name where browsers reach the server by TLS: they take it from this very host and by TLS only.
const SECURE: &str = "__Host-syncline";
/// The cookie's name on a machine of its own.
const PLAIN: &str = "syncline";

/// Begins a session. Gives it with the header that sets its cookie.
pub(super) async fn begin(auth: &Auth, account: AccountId, actor: &Actor) -> Result<(LoggedIn, HeaderValue), Problem> {
    let (secret, csrf) = (Secret::random("")?, Secret::random("")?);
    let new = NewSession { account, id: secret.hash(), csrf: csrf.clone(), expires: Utc::now() + LASTS };
    auth.history().begin_session(&new, actor).await?;
    // Without an age: the browser forgets it when it is closed, the history sooner.
    Ok((LoggedIn { id: new.id, csrf }, cookie(auth, secret.expose(), false)))
}

/// The header that takes the cookie back.
pub(super) fn forget(auth: &Auth) -> HeaderValue {
    cookie(auth, "", true)
}

fn cookie(auth: &Auth, value: &str, is_over: bool) -> HeaderValue {
    let mut cookie = Cookie::build((name(auth), value.to_owned()))
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(auth.is_secure())
        .path("/")
        .build();
    if is_over {
        cookie.set_max_age(cookie::time::Duration::ZERO);
    }
    // A name and a value of letters and digits.
    let mut header = HeaderValue::try_from(cookie.to_string()).unwrap_or_else(|_| HeaderValue::from_static(""));
    header.set_sensitive(true);
    header
}

/// The name of the cookie.
pub fn name(auth: &Auth) -> &'static str {
    if auth.is_secure() { SECURE } else { PLAIN }
}

/// The session that a request belongs to, with who it is; none when it brings no cookie, or that of a session that has ended.
pub(super) async fn of(auth: &Auth, headers: &HeaderMap, origin: &Origin) -> Result<Option<(Who, LoggedIn)>, Problem> {
    let Some(secret) = secret(auth, headers) else { return Ok(None) };
    let id = secret.hash();
    let Some(session) = auth.history().session(id, IDLE).await? else { return Ok(None) };
    let who = Who {
        name: session.account.name.to_string(),
        role: session.account.role,
        how: How::Session,
        syncs: None,
        origin: origin.clone(),
    };
    Ok(Some((who, LoggedIn { id, csrf: session.csrf })))
}

/// What the cookie says. Of several of one name, none is to be trusted.
pub(super) fn secret(auth: &Auth, headers: &HeaderMap) -> Option<Secret> {
    let texts = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let cookies = texts.flat_map(Cookie::split_parse).filter_map(Result::ok);
    let mut own = cookies.filter(|cookie| cookie.name() == name(auth));
    match (own.next(), own.next()) {
        (Some(cookie), None) => Some(Secret::from(cookie.value())),
        _ => None,
    }
}
