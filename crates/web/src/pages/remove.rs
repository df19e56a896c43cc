//! A sync is ended: a page that asks for its name.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};
use syncline_core::history::SyncOwner;

use super::PageProblem;
use super::form::Posted;
use super::frame::{Command, Frame, Section, Visit, html};
use super::overview::Link;
use super::pick::quoted;
use super::run_line::sync_href;
use super::show::{Icon, clean};
use crate::ApiState;
use crate::routes::syncs::view;

/// The page that asks.
#[derive(Template)]
#[template(path = "remove.html")]
struct RemovePage {
    frame: Frame,
    sync: Link,
    /// A configuration file keeps it.
    filed: bool,
    /// What was typed, where it is not the name.
    typed: Option<String>,
    command: Command,
}

/// `GET /syncs/{name}/remove`.
pub async fn page(
    State(state): State<ApiState>,
    visit: Visit,
    Path(name): Path<String>,
) -> Result<Html<String>, PageProblem> {
    ask(&state, &visit, &name, None).await
}

/// `POST /syncs/{name}/remove`: ends the sync whose name was typed.
pub async fn remove(
    State(state): State<ApiState>,
    visit: Visit,
    Path(name): Path<String>,
    Posted(fields): Posted,
) -> Result<Response, PageProblem> {
    let typed = fields.text("name").unwrap_or_default();
    if typed != name {
        let page = ask(&state, &visit, &name, Some(typed)).await?;
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response());
    }
    view(&state, &name).await?;
    state.syncs.remove(&name).await?;
    Ok(Redirect::to("/syncs").into_response())
}

async fn ask(state: &ApiState, visit: &Visit, name: &str, typed: Option<&str>) -> Result<Html<String>, PageProblem> {
    let sync = view(state, name).await?;
    html(&RemovePage {
        frame: visit.frame(format!("End {}", clean(name)), Section::Syncs),
        sync: Link { name: clean(name), href: sync_href(name) },
        filed: sync.owner == Some(SyncOwner::File),
        typed: typed.map(clean),
        command: Command(format!("syncline sync delete {}", quoted(name))),
    })
}
