//! The people who may log in.

use askama::Template;
use axum::extract::State;
use axum::response::{Html, Redirect, Response};
use chrono::Utc;
use syncline_core::history::{Account, Role};

use super::PageProblem;
use super::form::{Fields, Posted, PostedSecrets, Pressed, segment};
use super::frame::{Command, Frame, Section, Visit, html};
use super::returned::{Returned, Sent, answer};
use super::show::{Icon, When, clean};
use super::system::{Tab, Tabs};
use crate::ApiState;
use crate::auth::Who;
use crate::auth::access::{self, AccountWish, Named, PasswordWish, RoleWish};
use crate::auth::password::{FEWEST, MOST};
use crate::input::{Body, Nothing};

/// Where the page is.
const PATH: &str = "/settings/accounts";
/// What can be wrong with a field.
const FIELDS: &[&str] = &["name", "role", "password"];

#[derive(Template)]
#[template(path = "accounts.html")]
struct AccountsPage {
    frame: Frame,
    tabs: Tabs,
    is_on: bool,
    accounts: Vec<AccountLine>,
    /// The form that was sent, where that is not to be taken.
    returned: Returned,
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

/// `GET /settings/accounts`.
pub async fn page(State(state): State<ApiState>, visit: Visit) -> Result<Html<String>, PageProblem> {
    html(&accounts_page(&state, &visit, Returned::default()).await?)
}

/// `POST /settings/accounts`: makes an account. Without a password it gets one later.
pub async fn create(
    State(state): State<ApiState>,
    visit: Visit,
    who: Who,
    given: PostedSecrets,
) -> Result<Response, PageProblem> {
    let made = make(&state, who, &given).await;
    back(&state, &visit, made, Sent { to: PATH.to_owned(), fields: given.fields, about: "name" }).await
}

/// `POST /settings/accounts/{name}/role`.
pub async fn set_role(
    State(state): State<ApiState>,
    visit: Visit,
    who: Who,
    name: Named,
    Posted(fields): Posted,
) -> Result<Response, PageProblem> {
    let sent = Sent { to: path(&name, "role"), fields, about: "role" };
    let wish = sent.fields.only(&["role"]).and_then(|()| Ok(RoleWish { role: sent.fields.required("role")? }));
    let done = match wish {
        Ok(wish) => access::set_role(State(state.clone()), who, name, Body(wish)).await.map_err(PageProblem::from),
        Err(problem) => Err(problem),
    };
    back(&state, &visit, done, sent).await
}

/// `POST /settings/accounts/{name}/password`: the sessions of the account end.
pub async fn set_password(
    State(state): State<ApiState>,
    visit: Visit,
    who: Who,
    name: Named,
    given: PostedSecrets,
) -> Result<Response, PageProblem> {
    given.only(&[], &["password"])?;
    let sent = Sent { to: path(&name, "password"), fields: Fields::EMPTY, about: "password" };
    let wish = PasswordWish { password: given.password("password") };
    let done = access::set_password(State(state.clone()), who, name, Body(wish)).await;
    back(&state, &visit, done.map_err(PageProblem::from), sent).await
}

/// `POST /settings/accounts/{name}/disable`: the sessions of the account end.
pub async fn disable(
    State(state): State<ApiState>,
    visit: Visit,
    who: Who,
    name: Named,
    _: Pressed,
) -> Result<Response, PageProblem> {
    let sent = Sent { to: path(&name, "disable"), fields: Fields::EMPTY, about: "" };
    let done = access::disable(State(state.clone()), who, name, Body(Nothing {})).await;
    back(&state, &visit, done.map_err(PageProblem::from), sent).await
}

/// `POST /settings/accounts/{name}/enable`.
pub async fn enable(
    State(state): State<ApiState>,
    visit: Visit,
    who: Who,
    name: Named,
    _: Pressed,
) -> Result<Response, PageProblem> {
    let sent = Sent { to: path(&name, "enable"), fields: Fields::EMPTY, about: "" };
    let done = access::enable(State(state.clone()), who, name, Body(Nothing {})).await;
    back(&state, &visit, done.map_err(PageProblem::from), sent).await
}

async fn make(state: &ApiState, who: Who, given: &PostedSecrets) -> Result<(), PageProblem> {
    given.only(&["name", "role"], &["password"])?;
    let (name, role) = (given.fields.required("name")?, given.fields.required("role")?);
    let password = Some(given.password("password")).filter(|password| !password.is_empty());
    let _ = access::create_account(State(state.clone()), who, Body(AccountWish { name, role, password })).await?;
    Ok(())
}

/// The list, or the form that was sent to it.
async fn back<T>(
    state: &ApiState,
    visit: &Visit,
    done: Result<T, PageProblem>,
    sent: Sent<'_>,
) -> Result<Response, PageProblem> {
    let done = done.map(|_| Redirect::to(PATH));
    answer(done, sent, async |returned| accounts_page(state, visit, returned).await).await
}

async fn accounts_page(state: &ApiState, visit: &Visit, returned: Returned) -> Result<AccountsPage, PageProblem> {
    let now = Utc::now();
    let accounts = state.auth.history().accounts().await?;
    let frame = visit.frame("Accounts", Section::Settings);
    Ok(AccountsPage {
        tabs: Tabs::of(&frame, Tab::Accounts),
        frame,
        is_on: state.auth.is_on(),
        accounts: accounts.iter().map(|account| AccountLine::of(account, now)).collect(),
        returned,
        command: Command("syncline account list".to_owned()),
    })
}

fn path(Named(name): &Named, what: &str) -> String {
    format!("{PATH}/{}/{what}", segment(name.as_str()))
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
