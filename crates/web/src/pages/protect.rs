//! Keeps the pages of other sites out of the dashboard's, as `browser` does for the API. A form is sent by any page without a
//! question, so a posted one has to say that it comes from here: every browser does, by `Sec-Fetch-Site` or `Origin`. That of somebody who
//! logged in brings the secret of the session besides.

use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::frame::{Visit, shown_path};
use super::{PageProblem, problem};
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
    if is_unread(&response) {
        let met = std::mem::take(response.extensions_mut());
        response = PageProblem::unread().into_response();
        response.extensions_mut().extend(met);
    }
    // What went wrong is told as to programs until here; whoever looks at a page gets a page.
    let visit = Visit::of(path, response.extensions());
    problem::show(&mut response, &visit);
    secure(&auth, &mut response, POLICY);
    response
}

/// What reads the parts of an address answers in a line of its own where it cannot.
fn is_unread(response: &Response) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    response.status() == StatusCode::BAD_REQUEST && kind.starts_with("text/plain")
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
