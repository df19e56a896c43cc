//! The people who may log in.

use askama::Template;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::response::{Html, Redirect, Response};
use chrono::Utc;
use syncline_core::history::{Account, Role};

use super::PageProblem;
use super::form::{PostedSecrets, segment};
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

/// What is done to an account, as the end of a path says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It may do something else.
    Role,
    /// It gets another password.
    Password,
    /// It logs in no more.
    Disable,
    /// It logs in again.
    Enable,
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

/// `POST /settings/accounts/{name}/role`, `…/password`, `…/disable`, `…/enable`. The sessions of an account end with its password, and when
/// it is disabled.
pub async fn change(
    State(state): State<ApiState>,
    visit: Visit,
    who: Who,
    Named(name): Named,
    change: Change,
    given: PostedSecrets,
) -> Result<Response, PageProblem> {
    let to = format!("{PATH}/{}/{}", segment(name.as_str()), change.path());
    let done = changed(&state, who, Named(name), change, &given).await;
    back(&state, &visit, done, Sent { to, fields: given.fields, about: change.field() }).await
}

async fn changed(
    state: &ApiState,
    who: Who,
    name: Named,
    change: Change,
    given: &PostedSecrets,
) -> Result<(), PageProblem> {
    let own = [change.field()];
    let (fields, secrets): (&[_], &[_]) = match change {
        Change::Role => (&own, &[]),
        Change::Password => (&[], &own),
        Change::Disable | Change::Enable => (&[], &[]),
    };
    given.only(fields, secrets)?;
    let state = State(state.clone());
    let _ = match change {
        Change::Role => {
            let wish = RoleWish { role: given.fields.required("role")? };
            access::set_role(state, who, name, Body(wish)).await?
        }
        Change::Password => {
            let wish = PasswordWish { password: given.password("password") };
            access::set_password(state, who, name, Body(wish)).await?
        }
        Change::Disable => access::disable(state, who, name, Body(Nothing {})).await?,
        Change::Enable => access::enable(state, who, name, Body(Nothing {})).await?,
    };
    Ok(())
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

impl Change {
    const ALL: [Self; 4] = [Self::Role, Self::Password, Self::Disable, Self::Enable];

    /// The end of its path.
    fn path(self) -> &'static str {
        match self {
            Self::Role => "role",
            Self::Password => "password",
            Self::Disable => "disable",
            Self::Enable => "enable",
        }
    }

    /// The field of its form; empty for a button.
    fn field(self) -> &'static str {
        match self {
            Self::Role | Self::Password => self.path(),
            Self::Disable | Self::Enable => "",
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Change {
    type Rejection = PageProblem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, PageProblem> {
        let end = parts.uri.path().rsplit('/').next().unwrap_or_default();
        Self::ALL.into_iter().find(|change| change.path() == end).ok_or_else(PageProblem::unread)
    }
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
