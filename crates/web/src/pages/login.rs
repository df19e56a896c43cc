//! The page on which people log in.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::PageProblem;
use super::form::{PostedSecrets, link};
use super::frame::{Frame, Section, Visit, html};
use crate::ApiState;
use crate::auth::{Auth, LoggedIn, Origin, Who, local_path, login};

/// Where somebody goes after the login.
#[derive(Debug, Deserialize)]
pub struct Then {
    pub(super) next: Option<String>,
}

#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage<'a> {
    frame: Frame,
    next: &'a str,
    wrong: Option<&'a str>,
    /// Where people log in elsewhere: its name, and the way there.
    elsewhere: Option<(&'a str, String)>,
    takes_passwords: bool,
}

impl<'a> LoginPage<'a> {
    fn new(auth: &'a Auth, next: &'a str, wrong: Option<&'a str>) -> Self {
        Self {
            frame: Visit::default().frame("Log in", Section::None),
            next,
            wrong,
            elsewhere: auth.elsewhere().map(|label| (label, link("/login/oidc", [("next", next)]))),
            takes_passwords: auth.takes_passwords(),
        }
    }
}

/// `GET /login?next=/path`: the form. Who need not log in goes on at once.
pub async fn page(State(state): State<ApiState>, Query(then): Query<Then>) -> Result<Response, PageProblem> {
    let next = local_path(then.next.as_deref());
    if !state.auth.is_on() {
        return Ok(Redirect::to(next).into_response());
    }
    Ok(html(&LoginPage::new(&state.auth, next, None))?.into_response())
}

/// `POST /login` `name=…&password=…&next=/path`: goes to `next` with the cookie of a session, or shows the form again (401, 429).
pub async fn log_in(
    State(state): State<ApiState>,
    origin: Origin,
    headers: HeaderMap,
    given: PostedSecrets,
) -> Result<Response, PageProblem> {
    given.only(&["name", "next"], &["password"])?;
    let next = local_path(given.fields.text("next"));
    if !state.auth.is_on() {
        return Ok(Redirect::to(next).into_response());
    }
    let name = given.fields.text("name").unwrap_or_default();
    match login::begin(&state.auth, &origin, &headers, name, &given.password("password")).await {
        Ok((_, _, cookie)) => Ok(([(header::SET_COOKIE, cookie)], Redirect::to(next)).into_response()),
        Err(problem) if problem.status() == StatusCode::UNAUTHORIZED || problem.retry_after().is_some() => {
            let (status, wait) = (problem.status(), problem.retry_after());
            let mut response =
                (status, html(&LoginPage::new(&state.auth, next, Some(problem.detail())))?).into_response();
            if let Some(wait) = wait {
                response.headers_mut().insert(header::RETRY_AFTER, wait.into());
            }
            Ok(response)
        }
        Err(problem) => Err(problem.into()),
    }
}

/// `POST /logout`: ends the session, and goes to the login.
pub async fn log_out(
    State(state): State<ApiState>,
    who: Who,
    logged_in: Option<LoggedIn>,
) -> Result<impl IntoResponse, PageProblem> {
    let cookie = login::end(&state.auth, &who, logged_in).await?;
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to("/login")))
}
