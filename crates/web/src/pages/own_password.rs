//! One's own password.

use askama::Template;
use axum::Form;
use axum::extract::State;
use axum::extract::rejection::FormRejection;
use axum::http::header;
use axum::response::{Html, IntoResponse, Redirect};
use serde::Deserialize;

use super::PageProblem;
use super::accounts::form_of;
use super::frame::{Command, Frame, Section, Visit, html};
use super::pick::quoted;
use super::system::{Tab, Tabs};
use crate::ApiState;
use crate::auth::login::{self, OwnPassword};
use crate::auth::password::{FEWEST, MOST, Password};
use crate::auth::{LoggedIn, Who};

#[derive(Template)]
#[template(path = "own_password.html")]
struct OwnPasswordPage {
    frame: Frame,
    tabs: Tabs,
    /// Whoever looks has logged in with a password.
    has_one: bool,
    /// None where nobody is logged in.
    command: Option<Command>,
}

/// What the form sends.
#[derive(Debug, Deserialize)]
pub struct OwnPasswordForm {
    current: Option<Password>,
    password: Option<Password>,
}

/// `GET /settings/password`.
pub async fn page(visit: Visit, logged_in: Option<LoggedIn>) -> Result<Html<String>, PageProblem> {
    let frame = visit.frame("Password", Section::Settings);
    let has_one = logged_in.is_some();
    let name = frame.who.as_deref().filter(|_| has_one);
    let command = name.map(|name| Command(format!("syncline account password {}", quoted(name))));
    html(&OwnPasswordPage { tabs: Tabs::of(&frame, Tab::Password), frame, has_one, command })
}

/// `POST /settings/password`: all sessions of the account end, so this goes to the login.
pub async fn change(
    State(state): State<ApiState>,
    who: Who,
    logged_in: Option<LoggedIn>,
    form: Result<Form<OwnPasswordForm>, FormRejection>,
) -> Result<impl IntoResponse, PageProblem> {
    let OwnPasswordForm { current, password } = form_of(form)?;
    let given = |password: Option<Password>| password.unwrap_or_else(|| Password::new(""));
    let wish = OwnPassword { current: given(current), password: given(password) };
    let cookie = login::change_own_password(&state.auth, &who, logged_in, &wish).await?;
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to("/login?next=/settings")))
}
