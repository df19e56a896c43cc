//! The secret that a session's forms and scripts send along with what changes something, and that no other page knows.

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderName, header};
use syncline_core::history::Secret;
use url::form_urlencoded;

use crate::MOST_BYTES;
use crate::problem::{Problem, ProblemKind};

const HEADER: HeaderName = HeaderName::from_static("x-csrf-token");

/// The name of the field.
const FIELD: &str = "csrf";

/// Refuses a request that does not bring the secret, in the header or in the form that it is. Gives the request as it was.
pub(super) async fn ensure(request: Request, csrf: &Secret) -> Result<Request, Problem> {
    let header = request.headers().get(HEADER).and_then(|value| value.to_str().ok()).map(Secret::from);
    let (brought, request) = match header {
        Some(header) => (Some(header), request),
        None if is_form(&request) => field(request).await?,
        None => (None, request),
    };
    if brought.is_some_and(|brought| brought.is(csrf)) {
        return Ok(request);
    }
    let detail = "a session changes something only with its CSRF secret: send `csrf` of `GET me` as the header `X-CSRF-Token`, or as \
                  the field `csrf` of a form; or ask with a token";
    Err(Problem::new(ProblemKind::Csrf, detail))
}

fn is_form(request: &Request) -> bool {
    let content = request.headers().get(header::CONTENT_TYPE).and_then(|content| content.to_str().ok());
    let kind = content.unwrap_or_default().split(';').next().unwrap_or_default();
    kind.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

async fn field(request: Request) -> Result<(Option<Secret>, Request), Problem> {
    let (parts, body) = request.into_parts();
    let bytes = to_bytes(body, MOST_BYTES).await.map_err(|_| {
        Problem::new(ProblemKind::TooLarge, format!("a form has {MOST_BYTES} bytes at most, and comes to its end"))
    })?;
    let brought =
        form_urlencoded::parse(&bytes).find(|(name, _)| name == FIELD).map(|(_, value)| Secret::from(&*value));
    Ok((brought, Request::from_parts(parts, Body::from(bytes))))
}
