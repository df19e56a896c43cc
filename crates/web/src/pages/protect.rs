//! Keeps the pages of other sites out of the dashboard's, as `browser` does for the API. A form is sent by any page without a
//! question, so a posted one has to say that it comes from here: every browser does, by `Sec-Fetch-Site` or `Origin`.

use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::PageProblem;
use crate::browser::{FETCH_SITE, RESOURCE_POLICY, ensure_own_page, own_name};
use crate::problem::{Problem, ProblemKind};

/// What a page may do: load its own style and script, ask its own server, post its own forms. Nothing within the page runs.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
const REFERRER: HeaderName = HeaderName::from_static("referrer-policy");

/// Refuses what another site's page may have sent, and says what a browser may do with the answer.
pub async fn protect(request: Request, next: Next) -> Response {
    let mut response = match judge(&request) {
        Ok(()) => next.run(request).await,
        Err(problem) => PageProblem::from(problem).into_response(),
    };
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(REFERRER, HeaderValue::from_static("same-origin"));
    headers.insert(RESOURCE_POLICY, HeaderValue::from_static("same-origin"));
    response
}

fn judge(request: &Request) -> Result<(), Problem> {
    let host = own_name(request)?;
    if matches!(*request.method(), Method::GET | Method::HEAD) {
        return Ok(());
    }
    let headers = request.headers();
    if !headers.contains_key(FETCH_SITE) && !headers.contains_key(header::ORIGIN) {
        let detail =
            "the request does not say which page sends it (`Sec-Fetch-Site`, `Origin`); programs use `/api/v1`";
        return Err(Problem::new(ProblemKind::ForeignPage, detail));
    }
    ensure_own_page(headers, &host)
}
