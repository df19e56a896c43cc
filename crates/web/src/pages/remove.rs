//! A sync is ended: a page that asks for its name.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{Html, Redirect, Response};
use syncline_core::history::SyncOwner;

use super::PageProblem;
use super::form::{Fields, Posted};
use super::frame::{Command, Frame, Section, Visit, html};
use super::overview::Link;
use super::pick::quoted;
use super::returned::{Returned, Sent, answer};
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
    /// The form that was sent, where that is not to be taken.
    returned: Returned,
    command: Command,
}

/// The fields of the form.
const FIELDS: &[&str] = &["name"];

/// `GET /syncs/{name}/remove`.
pub async fn page(
    State(state): State<ApiState>,
    visit: Visit,
    Path(name): Path<String>,
) -> Result<Html<String>, PageProblem> {
    html(&remove_page(&state, &visit, &name, Returned::default()).await?)
}

/// `POST /syncs/{name}/remove`: ends the sync whose name was typed.
pub async fn remove(
    State(state): State<ApiState>,
    visit: Visit,
    Path(name): Path<String>,
    Posted(fields): Posted,
) -> Result<Response, PageProblem> {
    let done = removed(&state, &name, &fields).await.map(|()| Redirect::to("/syncs"));
    let sent = Sent { to: String::new(), fields, about: "" };
    answer(done, sent, async |returned| remove_page(&state, &visit, &name, returned).await).await
}

async fn removed(state: &ApiState, name: &str, fields: &Fields) -> Result<(), PageProblem> {
    fields.only(FIELDS)?;
    match fields.text("name") {
        Some(typed) if typed == name => {}
        Some(typed) => {
            let message = format!("`{}` is not its name; type `{name}`", typed.replace('`', "'"));
            return Err(PageProblem::value("name", message));
        }
        None => return Err(PageProblem::value("name", format!("nothing was typed; type `{name}`"))),
    }
    view(state, name).await?;
    Ok(state.syncs.remove(name).await?)
}

async fn remove_page(
    state: &ApiState,
    visit: &Visit,
    name: &str,
    returned: Returned,
) -> Result<RemovePage, PageProblem> {
    let sync = view(state, name).await?;
    Ok(RemovePage {
        frame: visit.frame(format!("End {}", clean(name)), Section::Syncs),
        sync: Link { name: clean(name), href: sync_href(name) },
        filed: sync.owner == Some(SyncOwner::File),
        returned,
        command: Command(format!("syncline sync delete {}", quoted(name))),
    })
}
