//! Keeps the pages of other sites out. Why and how is told in the documentation of the crate.

use std::net::Ipv6Addr;

use axum::extract::Request;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::problem::{Problem, ProblemKind};

pub(crate) const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
pub(crate) const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// Refuses what another site's page may have sent, and keeps answers to those who asked.
pub async fn protect(request: Request, next: Next) -> Response {
    let mut response = match judge(&request) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    };
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"),
    );
    headers.insert(RESOURCE_POLICY, HeaderValue::from_static("same-origin"));
    response
}

fn judge(request: &Request) -> Result<(), Problem> {
    let host = own_name(request)?;
    let method = request.method();
    if matches!(*method, Method::GET | Method::HEAD) {
        return Ok(());
    }
    let headers = request.headers();
    ensure_own_page(headers, &host)?;
    let asks_first = *method == Method::DELETE;
    if asks_first || is_json(headers) {
        return Ok(());
    }
    Err(Problem::new(ProblemKind::NotJson, format!("send `{method}` with `Content-Type: application/json`")))
}

/// The name and port that was asked for, if it is a name of this machine for itself.
pub(crate) fn own_name(request: &Request) -> Result<Authority, Problem> {
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
    if same && !authority.as_str().contains('@') && is_loopback(authority.host()) {
        return Ok(authority);
    }
    let detail = format!("this server answers to `localhost` and to loopback addresses, not to `{}`", authority.host());
    Err(foreign(detail))
}

fn is_loopback(host: &str) -> bool {
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

fn is_json(headers: &HeaderMap) -> bool {
    let content = headers.get(header::CONTENT_TYPE).and_then(|content| content.to_str().ok()).unwrap_or_default();
    let kind = content.split(';').next().unwrap_or_default();
    kind.trim().eq_ignore_ascii_case("application/json")
}
