//! The people who may log in.

use askama::Template;
use axum::Form;
use axum::extract::State;
use axum::extract::rejection::FormRejection;
use axum::response::{Html, Redirect};
use chrono::Utc;
use serde::Deserialize;
use syncline_core::history::{Account, Role};

use super::PageProblem;
use super::form::{Posted, segment};
use super::frame::{Command, Frame, Section, Visit, html};
use super::show::{Icon, When, clean};
use super::system::{Tab, Tabs};
use crate::ApiState;
use crate::auth::Who;
use crate::auth::access::{self, AccountWish, Named, PasswordWish, RoleWish};
use crate::auth::password::{FEWEST, MOST, Password};
use crate::input::{Body, Nothing};
use crate::problem::{Problem, ProblemKind};

/// Where the page is.
const PATH: &str = "/settings/accounts";

#[derive(Template)]
#[template(path = "accounts.html")]
struct AccountsPage {
    frame: Frame,
    tabs: Tabs,
    is_on: bool,
    accounts: Vec<AccountLine>,
    command: Command,
}

#[derive(Debug)]
struct AccountLine {
    name: String,
    href: String,
    role: Role,
    disabled: bool,
    has_password: bool,
    /// Where it logs in, when that is not here: then its role and its password are not changed here.
    issuer: Option<String>,
    created: When,
    last_seen: Option<When>,
}

/// What the form for a new account sends. Passwords are taken as they are, with the blanks around them.
#[derive(Debug, Deserialize)]
pub struct NewAccountForm {
    #[serde(default)]
    name: String,
    #[serde(default)]
    role: String,
    password: Option<Password>,
}

/// What the form for another password sends.
#[derive(Debug, Deserialize)]
pub struct PasswordForm {
    password: Option<Password>,
}

/// `GET /settings/accounts`.
pub async fn page(State(state): State<ApiState>, visit: Visit) -> Result<Html<String>, PageProblem> {
    let now = Utc::now();
    let accounts = state.auth.history().accounts().await?;
    let frame = visit.frame("Accounts", Section::Settings);
    html(&AccountsPage {
        tabs: Tabs::of(&frame, Tab::Accounts),
        frame,
        is_on: state.auth.is_on(),
        accounts: accounts.iter().map(|account| AccountLine::of(account, now)).collect(),
        command: Command("syncline account list".to_owned()),
    })
}

/// `POST /settings/accounts`: makes an account. Without a password it gets one later.
pub async fn create(
    State(state): State<ApiState>,
    who: Who,
    form: Result<Form<NewAccountForm>, FormRejection>,
) -> Result<Redirect, PageProblem> {
    let NewAccountForm { name, role, password } = form_of(form)?;
    let name = name.trim().parse().map_err(|error| PageProblem::value("name", format!("{error}")))?;
    let role = role.parse().map_err(|error| PageProblem::value("role", format!("{error}")))?;
    let password = password.filter(|password| !password.is_empty());
    let _ = access::create_account(State(state), who, Body(AccountWish { name, role, password })).await?;
    Ok(Redirect::to(PATH))
}

/// `POST /settings/accounts/{name}/role`.
pub async fn set_role(
    State(state): State<ApiState>,
    who: Who,
    name: Named,
    Posted(fields): Posted,
) -> Result<Redirect, PageProblem> {
    let role = fields.required("role")?;
    let _ = access::set_role(State(state), who, name, Body(RoleWish { role })).await?;
    Ok(Redirect::to(PATH))
}

/// `POST /settings/accounts/{name}/password`: the sessions of the account end.
pub async fn set_password(
    State(state): State<ApiState>,
    who: Who,
    name: Named,
    form: Result<Form<PasswordForm>, FormRejection>,
) -> Result<Redirect, PageProblem> {
    let password = form_of(form)?.password.unwrap_or_else(|| Password::new(""));
    let _ = access::set_password(State(state), who, name, Body(PasswordWish { password })).await?;
    Ok(Redirect::to(PATH))
}

/// `POST /settings/accounts/{name}/disable`: the sessions of the account end.
pub async fn disable(State(state): State<ApiState>, who: Who, name: Named, _: Posted) -> Result<Redirect, PageProblem> {
    let _ = access::disable(State(state), who, name, Body(Nothing {})).await?;
    Ok(Redirect::to(PATH))
}

/// `POST /settings/accounts/{name}/enable`.
pub async fn enable(State(state): State<ApiState>, who: Who, name: Named, _: Posted) -> Result<Redirect, PageProblem> {
    let _ = access::enable(State(state), who, name, Body(Nothing {})).await?;
    Ok(Redirect::to(PATH))
}

/// What a form with passwords sent. What is wrong with it is not repeated: it may have a password in it.
pub(super) fn form_of<T>(form: Result<Form<T>, FormRejection>) -> Result<T, PageProblem> {
    let unread = |_| Problem::new(ProblemKind::Malformed, "the form could not be read: go back and send it again");
    Ok(form.map_err(unread)?.0)
}

impl AccountLine {
    fn of(account: &Account, now: chrono::DateTime<Utc>) -> Self {
        Self {
            name: clean(account.name.as_str()),
            href: format!("{PATH}/{}", segment(account.name.as_str())),
            role: account.role,
            disabled: account.disabled,
            has_password: account.has_password,
            issuer: account.issuer.as_deref().map(clean),
            created: When::new(account.created, now),
            last_seen: account.last_seen.map(|seen| When::new(seen, now)),
        }
    }
}
