//! A login that is under way, in a cookie of the browser that began it.

use axum::http::{HeaderMap, HeaderValue, header};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use cookie::{Cookie, SameSite};
use serde::{Deserialize, Serialize};
use syncline_core::history::Secret;

use crate::auth::Auth;

/// How long somebody may take to log in at the provider.
const LASTS: TimeDelta = TimeDelta::minutes(10);

/// The cookie's name where browsers reach the server by TLS: they take it from this very host and by TLS only.
const SECURE: &str = "__Host-syncline-login";
/// The cookie's name on a machine of its own.
const PLAIN: &str = "syncline-login";

/// What a login is known by, that the browser brings back.
#[derive(Serialize, Deserialize)]
pub struct Pending {
    /// What the provider hands back with the code.
    pub state: String,
    /// What stands in the token.
    pub nonce: String,
    /// What the code is good with.
    pub verifier: String,
    /// Where the person goes after it.
    pub next: String,
    /// When it began.
    pub at: DateTime<Utc>,
}

impl Pending {
    /// The login that a browser began; none when there is none, or it is too old.
    pub fn of(auth: &Auth, headers: &HeaderMap) -> Option<Self> {
        let texts = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let cookies = texts.flat_map(Cookie::split_parse).filter_map(Result::ok);
        let mut own = cookies.filter(|cookie| cookie.name() == name(auth));
        // Of several of one name, none is to be trusted.
        let (Some(cookie), None) = (own.next(), own.next()) else { return None };
        let json = BASE64_URL_SAFE_NO_PAD.decode(cookie.value()).ok()?;
        let pending: Self = serde_json::from_slice(&json).ok()?;
        let age = Utc::now() - pending.at;
        (age >= -TimeDelta::minutes(1) && age <= LASTS).then_some(pending)
    }

    /// Whether what the provider hands back belongs to it.
    pub fn is(&self, state: &str) -> bool {
        Secret::from(state).is(&Secret::from(self.state.as_str()))
    }

    /// The header that sets its cookie.
    pub fn cookie(&self, auth: &Auth) -> HeaderValue {
        let json = serde_json::to_vec(self).unwrap_or_default();
        cookie(auth, BASE64_URL_SAFE_NO_PAD.encode(json), LASTS.num_seconds())
    }
}

/// The header that takes the cookie back: a login is under way once.
pub fn forget(auth: &Auth) -> HeaderValue {
    cookie(auth, String::new(), 0)
}

fn name(auth: &Auth) -> &'static str {
    if auth.is_secure() { SECURE } else { PLAIN }
}

fn cookie(auth: &Auth, value: String, seconds: i64) -> HeaderValue {
    let cookie = Cookie::build((name(auth), value))
        .http_only(true)
        // It comes along when the provider sends the browser back.
        .same_site(SameSite::Lax)
        .secure(auth.is_secure())
        .path("/")
        .max_age(cookie::time::Duration::seconds(seconds));
    // A name and a value of letters and digits.
    let mut header = HeaderValue::try_from(cookie.build().to_string()).unwrap_or_else(|_| HeaderValue::from_static(""));
    header.set_sensitive(true);
    header
}
