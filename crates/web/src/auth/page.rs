//! The page on which people log in, and the forms for it.

use axum::extract::{DefaultBodyLimit, Query, State};
use axum::http::{HeaderMap, header};
use axum::middleware::from_fn_with_state;
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Form, Router};
use maud::{DOCTYPE, Markup, html};
use serde::Deserialize;

use super::password::Password;
use super::{Answers, Gate, LoggedIn, Origin, Who, authenticate, local_path, login};
use crate::{ApiState, MOST_BYTES, Problem, browser};

/// Where somebody goes after the login.
#[derive(Debug, Deserialize)]
struct Then {
    next: Option<String>,
}

/// What the form sends.
#[derive(Debug, Deserialize)]
struct LoginForm {
    #[serde(default)]
    name: String,
    password: Password,
    next: Option<String>,
}

/// `GET /login?next=/path`, `POST /login` and `POST /logout`, for browsers. They stand at the root of the server.
pub fn pages(state: ApiState) -> Router {
    let gate = Gate { auth: state.auth.clone(), answers: Answers::Login };
    Router::new()
        .route("/logout", post(log_out))
        .layer(from_fn_with_state(gate, authenticate))
        .route("/login", get(show).post(log_in))
        .layer(DefaultBodyLimit::max(MOST_BYTES))
        .layer(from_fn_with_state(state.auth.clone(), browser::protect_pages))
        .with_state(state)
}

/// `GET /login`: the form. Who need not log in goes on at once.
async fn show(State(state): State<ApiState>, Query(then): Query<Then>) -> Response {
    let next = local_path(then.next.as_deref());
    if !state.auth.is_on() {
        return Redirect::to(next).into_response();
    }
    Html(form(next, None).into_string()).into_response()
}

/// `POST /login` `name=…&password=…&next=/path`: goes to `next` with the cookie of a session, or shows the form again (401, 429).
async fn log_in(
    State(state): State<ApiState>,
    origin: Origin,
    headers: HeaderMap,
    Form(given): Form<LoginForm>,
) -> Response {
    let next = local_path(given.next.as_deref());
    if !state.auth.is_on() {
        return Redirect::to(next).into_response();
    }
    match login::begin(&state.auth, &origin, &headers, given.name.trim(), &given.password).await {
        Ok((_, _, cookie)) => ([(header::SET_COOKIE, cookie)], Redirect::to(next)).into_response(),
        Err(problem) => {
            let (status, wait) = (problem.status(), problem.retry_after());
            let again = Html(form(next, Some(problem.detail())).into_string());
            let mut response = (status, again).into_response();
            if let Some(wait) = wait {
                response.headers_mut().insert(header::RETRY_AFTER, wait.into());
            }
            response
        }
    }
}

/// `POST /logout`: ends the session, and goes to the login.
async fn log_out(
    State(state): State<ApiState>,
    who: Who,
    logged_in: Option<LoggedIn>,
) -> Result<impl IntoResponse, Problem> {
    let cookie = login::end(&state.auth, &who, logged_in).await?;
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to("/login")))
}

fn form(next: &str, wrong: Option<&str>) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "Log in · Syncline" }
            }
            body {
                main {
                    h1 { "Syncline" }
                    form method="post" action="/login" {
                        @if let Some(wrong) = wrong {
                            p role="alert" { (wrong) }
                        }
                        input type="hidden" name="next" value=(next);
                        p {
                            label for="name" { "Name" } br;
                            input id="name" name="name" autocomplete="username" autocapitalize="none" required autofocus;
                        }
                        p {
                            label for="password" { "Password" } br;
                            input id="password" name="password" type="password" autocomplete="current-password" required;
                        }
                        p { button type="submit" { "Log in" } }
                    }
                }
            }
        }
    }
}
