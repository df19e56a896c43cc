//! One's own password.

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{Html, Redirect, Response};

use super::PageProblem;
use super::form::{Fields, PostedSecrets};
use super::frame::{Command, Frame, Section, Visit, html};
use super::pick::quoted;
use super::returned::{Returned, Sent, answer};
use super::system::{Tab, Tabs};
use crate::ApiState;
use crate::auth::login::{self, OwnPassword};
use crate::auth::password::{FEWEST, MOST};
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
    returned: Returned,
}

/// Where the page is.
const PATH: &str = "/settings/password";
/// What can be wrong with a field.
const FIELDS: &[&str] = &["current", "password"];

/// `GET /settings/password`.
pub async fn page(visit: Visit, logged_in: Option<LoggedIn>) -> Result<Html<String>, PageProblem> {
    html(&own_password_page(&visit, logged_in.is_some(), Returned::default()))
}

/// `POST /settings/password`: all sessions of the account end, so this goes to the login.
pub async fn change(
    State(state): State<ApiState>,
    visit: Visit,
    who: Who,
    logged_in: Option<LoggedIn>,
    given: PostedSecrets,
) -> Result<Response, PageProblem> {
    let has_one = logged_in.is_some();
    let changed = changed(&state, &who, logged_in, &given).await;
    let done = changed.map(|cookie| ([(header::SET_COOKIE, cookie)], Redirect::to("/login?next=/settings")));
    let sent = Sent { to: PATH.to_owned(), fields: Fields::EMPTY, about: "" };
    answer(done, sent, async |returned| Ok(own_password_page(&visit, has_one, returned))).await
}

async fn changed(
    state: &ApiState,
    who: &Who,
    logged_in: Option<LoggedIn>,
    given: &PostedSecrets,
) -> Result<HeaderValue, PageProblem> {
    given.only(&[], FIELDS)?;
    let wish = OwnPassword { current: given.password("current"), password: given.password("password") };
    Ok(login::change_own_password(&state.auth, who, logged_in, &wish).await?)
}

fn own_password_page(visit: &Visit, has_one: bool, returned: Returned) -> OwnPasswordPage {
    let frame = visit.frame("Password", Section::Settings);
    let name = frame.who.as_deref().filter(|_| has_one);
    let command = name.map(|name| Command(format!("syncline account password {}", quoted(name))));
    OwnPasswordPage { tabs: Tabs::of(&frame, Tab::Password), frame, has_one, command, returned }
}
