//! What programs ask with.

use std::collections::BTreeSet;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{Html, Redirect, Response};
use chrono::{DateTime, NaiveDate, Utc};
use syncline_core::history::{Role, Token, TokenState};

use super::PageProblem;
use super::form::{Fields, Posted, Pressed, segment};
use super::frame::{Command, Frame, Section, Visit, html};
use super::returned::{Returned, Sent, answer};
use super::show::{Icon, When, clean};
use super::system::{Tab, Tabs};
use crate::ApiState;
use crate::auth::Who;
use crate::auth::access::{self, Named, TokenWish};

/// Where the page is.
const PATH: &str = "/settings/tokens";
/// What can be wrong with a field. What is wrong with the syncs is wrong with all that are ticked.
const FIELDS: &[&str] = &["name", "role", "expires", "syncs"];

#[derive(Template)]
#[template(path = "tokens.html")]
struct TokensPage {
    frame: Frame,
    tabs: Tabs,
    is_on: bool,
    /// The one that was just made, with its secret.
    made: Option<Made>,
    tokens: Vec<TokenLine>,
    /// The syncs that a token can be good for.
    syncs: Vec<String>,
    /// The form that was sent, where that is not to be taken.
    returned: Returned,
    command: Command,
}

#[derive(Debug)]
struct Made {
    name: String,
    secret: String,
}

#[derive(Debug)]
struct TokenLine {
    name: String,
    href: String,
    prefix: String,
    role: Role,
    /// Those that it may touch; none for all.
    syncs: Option<String>,
    created_by: String,
    created: When,
    expires: Option<When>,
    last_used: Option<When>,
    state: TokenState,
}

/// `GET /settings/tokens`.
pub async fn page(State(state): State<ApiState>, visit: Visit) -> Result<Html<String>, PageProblem> {
    html(&tokens_page(&state, &visit, None, Returned::default()).await?)
}

/// `POST /settings/tokens`: makes a token, and answers with the page that tells its secret this once.
pub async fn create(
    State(state): State<ApiState>,
    visit: Visit,
    who: Who,
    Posted(fields): Posted,
) -> Result<Response, PageProblem> {
    let done = match make(&state, &who, &fields).await {
        Ok(made) => {
            let page = tokens_page(&state, &visit, Some(made), Returned::default()).await?;
            Ok((StatusCode::CREATED, html(&page)?))
        }
        Err(problem) => Err(problem),
    };
    let sent = Sent { to: PATH.to_owned(), fields, about: "name" };
    answer(done, sent, async |returned| tokens_page(&state, &visit, None, returned).await).await
}

/// `POST /settings/tokens/{name}/revoke`.
pub async fn revoke(State(state): State<ApiState>, who: Who, name: Named, _: Pressed) -> Result<Redirect, PageProblem> {
    let _ = access::revoke_token(State(state), who, name).await?;
    Ok(Redirect::to(PATH))
}

async fn make(state: &ApiState, who: &Who, fields: &Fields) -> Result<Made, PageProblem> {
    fields.only(&["name", "role", "expires", "sync"])?;
    let syncs: BTreeSet<_> = fields.all("sync").map(str::to_owned).collect();
    let ends: Option<NaiveDate> = fields.parsed("expires")?;
    let wish = TokenWish {
        name: fields.required("name")?,
        role: fields.required("role")?,
        syncs: Some(syncs).filter(|syncs| !syncs.is_empty()),
        expires: ends.and_then(|day| day.and_hms_opt(0, 0, 0)).map(|midnight| midnight.and_utc()),
    };
    let made = access::make_token(state, who, wish).await?;
    Ok(Made { name: clean(made.token.name.as_str()), secret: made.secret })
}

async fn tokens_page(
    state: &ApiState,
    visit: &Visit,
    made: Option<Made>,
    returned: Returned,
) -> Result<TokensPage, PageProblem> {
    let now = Utc::now();
    let tokens = state.auth.history().tokens().await?;
    let syncs = state.syncs.list().await?;
    let frame = visit.frame("Tokens", Section::Settings);
    Ok(TokensPage {
        tabs: Tabs::of(&frame, Tab::Tokens),
        frame,
        is_on: state.auth.is_on(),
        made,
        tokens: tokens.iter().map(|token| TokenLine::of(token, now)).collect(),
        syncs: syncs.into_iter().map(|sync| sync.name).collect(),
        returned,
        command: Command("syncline token list".to_owned()),
    })
}

impl TokenLine {
    fn of(token: &Token, now: DateTime<Utc>) -> Self {
        let syncs =
            token.syncs.as_ref().map(|syncs| syncs.iter().map(|sync| clean(sync)).collect::<Vec<_>>().join(", "));
        Self {
            name: clean(token.name.as_str()),
            href: format!("{PATH}/{}", segment(token.name.as_str())),
            prefix: clean(&token.prefix),
            role: token.role,
            syncs,
            created_by: clean(&token.created_by),
            created: When::new(token.created, now),
            expires: token.expires.map(|ends| When::new(ends, now)),
            last_used: token.last_used.map(|used| When::new(used, now)),
            state: token.state(now),
        }
    }
}
