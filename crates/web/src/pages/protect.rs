//! Keeps the pages of other sites out of the dashboard's, as `browser` does for the API. A form is sent by any page without a
//! question, so a posted one has to say that it comes from here: every browser does, by `Sec-Fetch-Site` or `Origin`. That of somebody who
//! logged in brings the secret of the session besides.

use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::frame::{Visit, shown_path};
use super::problem;
use crate::auth::Auth;
use crate::browser::{FETCH_SITE, ensure_own_page, own_name, secure};
use crate::problem::{Problem, ProblemKind};

/// What a page may do: load its own style and script, ask its own server, post its own forms. Nothing within the page runs.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; \
     frame-ancestors 'none'",
);

/// Refuses what another site's page may have sent, and says what a browser may do with the answer.
pub async fn protect(State(auth): State<Auth>, request: Request, next: Next) -> Response {
    let path = shown_path(&request);
    let mut response = match judge(&auth, &request) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    };
    if let Some(problem) = unread(&response) {
        let parts = problem.into_response().into_parts().0;
        *response.status_mut() = parts.status;
        response.extensions_mut().extend(parts.extensions);
    }
    // What went wrong is told as to programs until here; whoever looks at a page gets a page.
    let visit = Visit::of(path, response.extensions());
    problem::show(&mut response, &visit);
    secure(&auth, &mut response, POLICY);
    response
}

/// What reads the parts of an address, or a form, answers in a line of its own where it cannot. That is not told on: it can have in it what was typed.
fn unread(response: &Response) -> Option<Problem> {
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let is_line = kind.starts_with("text/plain") && response.extensions().get::<Problem>().is_none();
    match response.status() {
        StatusCode::BAD_REQUEST if is_line => Some(Problem::new(
            ProblemKind::NotFound,
            "The address cannot be read: it was cut off, a part of it is no text, or something stands there twice.",
        )),
        status if is_line && status.is_client_error() => {
            Some(Problem::new(ProblemKind::Malformed, "what was sent could not be read: go back and send it again"))
        }
        _ => None,
    }
}

fn judge(auth: &Auth, request: &Request) -> Result<(), Problem> {
    let host = own_name(auth, request)?;
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
