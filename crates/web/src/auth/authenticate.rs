//! Finds out who asks, before anything else is done.

use axum::extract::{OriginalUri, Request, State};
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use url::form_urlencoded;

use super::{Auth, LoggedIn, Origin, Standing, Who, csrf, session, token};
use crate::problem::{Problem, ProblemKind};

/// What is answered to those who are not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answers {
    /// A problem document (401): for programs.
    Problem,
    /// The way to the login, and back from there: for pages. What is no page that a browser shows gets a problem document.
    Login,
}

/// Lets in those who are known.
#[derive(Debug, Clone)]
pub struct Gate {
    /// Knows them.
    pub auth: Auth,
    /// What is answered to others.
    pub answers: Answers,
}

/// Puts who asks ([`Who`] and [`Standing`], and [`LoggedIn`] where that is a session) among the extensions of the request, or refuses it. The
/// answer has who asked among its own, for what makes a page of an error.
pub async fn authenticate(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    let request = match known(&gate, request).await {
        Ok(request) => request,
        Err(refusal) => return refusal,
    };
    let (who, logged_in) = (request.extensions().get().cloned(), request.extensions().get().cloned());
    let mut response = next.run(request).await;
    name(&mut response, who, logged_in);
    response
}

/// Says of an answer whom it answers.
fn name(response: &mut Response, who: Option<Who>, logged_in: Option<LoggedIn>) {
    if let Some(who) = who {
        response.extensions_mut().insert(who);
    }
    if let Some(logged_in) = logged_in {
        response.extensions_mut().insert(logged_in);
    }
}

async fn known(gate: &Gate, request: Request) -> Result<Request, Response> {
    let (parts, body) = request.into_parts();
    let origin = Origin::of(&parts, &gate.auth);
    let mut request = Request::from_parts(parts, body);
    if !gate.auth.is_on() {
        request.extensions_mut().insert(Who::local(origin));
        request.extensions_mut().insert(Standing::Open);
        return Ok(request);
    }
    let refuse = Problem::into_response;
    if let Some((who, token)) = token::of(&gate.auth, request.headers(), &origin).await.map_err(refuse)? {
        request.extensions_mut().insert(who);
        request.extensions_mut().insert(Standing::Token(token));
        return Ok(request);
    }
    let Some((who, logged_in)) = session::of(&gate.auth, request.headers(), &origin).await.map_err(refuse)? else {
        return Err(unknown(gate, &request));
    };
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        request = csrf::ensure(request, &logged_in.csrf).await.map_err(|problem| {
            let mut refusal = refuse(problem);
            name(&mut refusal, Some(who.clone()), Some(logged_in.clone()));
            refusal
        })?;
    }
    request.extensions_mut().insert(who);
    request.extensions_mut().insert(Standing::Session(logged_in.id));
    request.extensions_mut().insert::<LoggedIn>(logged_in);
    Ok(request)
}

fn unknown(gate: &Gate, request: &Request) -> Response {
    if gate.answers == Answers::Login && *request.method() == Method::GET && is_page(request.headers()) {
        let uri = request.extensions().get::<OriginalUri>().map_or_else(|| request.uri(), |uri| &uri.0);
        let next = uri.path_and_query().map_or("/", |path| path.as_str());
        let query = form_urlencoded::Serializer::new(String::new()).append_pair("next", next).finish();
        return Redirect::to(&format!("/login?{query}")).into_response();
    }
    let detail = "log in with `POST /api/v1/login`, or send a token as `Authorization: Bearer syn_…`";
    Problem::new(ProblemKind::Unauthenticated, detail).into_response()
}

fn is_page(headers: &HeaderMap) -> bool {
    let accepts = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepts.flat_map(|value| value.split(',')).any(|kind| kind.trim().starts_with("text/html"))
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::Body;
    use axum::http::StatusCode;
    use axum::middleware::from_fn_with_state;
    use axum::routing::any;
    use syncline_core::history::History;
    use tower::ServiceExt as _;

    use super::*;
    use crate::auth::{AuthSettings, Authentication};

    #[tokio::test]
    async fn pages_lead_to_the_login_and_back() {
        let settings = AuthSettings { authentication: Authentication::On, ..AuthSettings::default() };
        let auth = Auth::new(History::in_memory().await.unwrap(), settings);
        let gate = Gate { auth, answers: Answers::Login };
        let inner = Router::new().route("/{id}", any(async || "here"));
        let router = Router::new().nest("/runs", inner).layer(from_fn_with_state(gate, authenticate));
        let ask = async |method: Method, accept: &str| {
            let request = Request::builder().method(method).uri("/runs/17?tab=log&x=1").header(header::ACCEPT, accept);
            router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
        };
        let shown = ask(Method::GET, "text/html,application/xhtml+xml;q=0.9").await;
        assert_eq!(shown.status(), StatusCode::SEE_OTHER);
        assert_eq!(shown.headers()[header::LOCATION], "/login?next=%2Fruns%2F17%3Ftab%3Dlog%26x%3D1");
        for (method, accept) in [(Method::GET, "application/json"), (Method::POST, "text/html")] {
            assert_eq!(ask(method, accept).await.status(), StatusCode::UNAUTHORIZED);
        }
    }
}
