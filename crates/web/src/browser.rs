//! Keeps the pages of other sites out. Why and how is told in the documentation of the crate.

use std::net::Ipv6Addr;

use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::auth::Auth;
use crate::problem::{Problem, ProblemKind};

pub(crate) const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// What a page in an answer of the API may load.
const NO_CONTENT: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
/// For a year, as browsers that remember such servers ask for.
const TLS_ONLY: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// Refuses what another site's page may have sent to the API, and keeps answers to those who asked.
pub async fn protect(State(auth): State<Auth>, request: Request, next: Next) -> Response {
    let mut response = match judge(&auth, &request) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    };
    // Streams too, which by themselves ask for less.
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    secure(&auth, &mut response, NO_CONTENT);
    response
}

/// Says what a browser may do with an answer, and what a page in it may load.
pub(crate) fn secure(auth: &Auth, response: &mut Response, content: HeaderValue) {
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(header::CONTENT_SECURITY_POLICY, content);
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(RESOURCE_POLICY, HeaderValue::from_static("same-origin"));
    if auth.is_secure() {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, TLS_ONLY);
    }
}

fn judge(auth: &Auth, request: &Request) -> Result<(), Problem> {
    let host = own_name(auth, request)?;
    let method = request.method();
    if matches!(*method, Method::GET | Method::HEAD) {
        return Ok(());
    }
    let headers = request.headers();
    ensure_own_page(headers, &host)
}

/// Refuses what was not sent as JSON: a browser sends that to another site only after asking. For routes that do something.
pub async fn only_json(request: Request, next: Next) -> Response {
    if is_kind(request.headers(), "application/json") {
        return next.run(request).await;
    }
    let method = request.method();
    let detail = format!("send `{method}` with `Content-Type: application/json`");
    Problem::new(ProblemKind::NotJson, detail).into_response()
}

/// The name and port that was asked for, if it is a name by which the server is known.
pub(crate) fn own_name(auth: &Auth, request: &Request) -> Result<Authority, Problem> {
    let foreign = |detail: String| Problem::new(ProblemKind::ForeignName, detail);
    let mut named = request.headers().get_all(header::HOST).iter();
    let host = match (named.next(), named.next()) {
        (Some(host), None) => host.as_bytes(),
        (None, _) => return Err(foreign("the request names no host".to_owned())),
        (Some(_), Some(_)) => return Err(foreign("the request names more than one host".to_owned())),
    };
    let authority = Authority::try_from(host).map_err(|_| foreign("the host of the request is no name".to_owned()))?;
    // A target that is a whole URL names a host too, and only one of the two was looked at by a browser.
    let same = request.uri().authority().is_none_or(|other| *other == authority);
    if same && !authority.as_str().contains('@') && auth.answers_to(&authority) {
        return Ok(authority);
    }
    let detail = format!(
        "this server answers to `localhost`, to loopback addresses and to the names in `web.hosts`, not to `{}`",
        authority.host()
    );
    Err(foreign(detail))
}

/// Whether a name is one of a machine for itself.
pub(crate) fn is_loopback(host: &str) -> bool {
    if host.eq_ignore_ascii_case("localhost") {
        return true;
    }
    match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(address) => address.parse::<Ipv6Addr>().is_ok_and(|address| address.is_loopback()),
        None => host.parse::<std::net::Ipv4Addr>().is_ok_and(|address| address.is_loopback()),
    }
}

/// Refuses what another site sends. What says nothing about it was sent by no browser of the last years.
pub(crate) fn ensure_own_page(headers: &HeaderMap, host: &Authority) -> Result<(), Problem> {
    let foreign = |detail: &str| Err(Problem::new(ProblemKind::ForeignPage, detail));
    let sites: Vec<_> = headers.get_all(FETCH_SITE).iter().map(HeaderValue::as_bytes).collect();
    if !sites.is_empty() {
        let own = sites.iter().all(|site| matches!(*site, b"same-origin" | b"none"));
        return if own { Ok(()) } else { foreign("`Sec-Fetch-Site` says that another site sends this") };
    }
    for origin in headers.get_all(header::ORIGIN) {
        let origin = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
        let own = origin.is_some_and(|(scheme, authority)| {
            matches!(scheme, "http" | "https") && Authority::try_from(authority).is_ok_and(|origin| origin == *host)
        });
        if !own {
            return foreign("`Origin` says that another site sends this");
        }
    }
    Ok(())
}

fn is_kind(headers: &HeaderMap, wanted: &str) -> bool {
    let content = headers.get(header::CONTENT_TYPE).and_then(|content| content.to_str().ok()).unwrap_or_default();
    let kind = content.split(';').next().unwrap_or_default();
    kind.trim().eq_ignore_ascii_case(wanted)
}
