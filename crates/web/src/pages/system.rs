//! What this program is: its connectors, its syncs, and how large its history is.

use askama::Template;
use askama::filters::HtmlSafe;
use axum::extract::State;
use axum::response::Html;
use syncline_core::history::{Role, SyncOwner};

use super::PageProblem;
use super::form::Fields;
use super::frame::{Command, Frame, Section, Visit, html};
use super::overview::Link;
use super::run_line::sync_href;
use super::show::{Bytes, clean};
use crate::ApiState;
use crate::routes::connectors::Connector;

/// The pages of the settings, as tabs.
#[derive(Debug, Template)]
#[template(path = "parts/settings_tabs.html")]
pub struct Tabs {
    current: Tab,
    /// Whoever looks may see the pages of admins.
    is_admin: bool,
    /// Whoever looks has logged in.
    is_known: bool,
}

/// A page of the settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tab {
    /// This program.
    System,
    /// The people who may log in.
    Accounts,
    /// What programs ask with.
    Tokens,
    /// Who did what.
    Audit,
    /// One's own password.
    Password,
}

#[derive(Template)]
#[template(path = "system.html")]
struct SystemPage {
    frame: Frame,
    tabs: Tabs,
    version: &'static str,
    connectors: Vec<Connector>,
    syncs: Vec<SyncLine>,
    size: Bytes,
    /// By table, the largest first; none where nobody asked for it.
    tables: Option<Vec<(String, Bytes)>>,
    command: Command,
}

#[derive(Debug)]
struct SyncLine {
    link: Link,
    owner: &'static str,
    error: Option<String>,
}

impl HtmlSafe for Tabs {}

impl Tabs {
    /// The tabs of a page.
    pub fn of(frame: &Frame, current: Tab) -> Self {
        // Where nobody is asked, everybody may do everything.
        let is_admin = frame.role.is_none_or(|role| role.may(Role::Admin));
        Self { current, is_admin, is_known: frame.who.is_some() }
    }
}

/// `GET /settings?tables=on`: with how much each table takes, which is looked for page by page.
pub async fn page(State(state): State<ApiState>, visit: Visit, fields: Fields) -> Result<Html<String>, PageProblem> {
    let history = state.runner.history();
    let (size, tables) = if fields.is_set("tables") {
        let size = history.size().await?;
        let mut tables: Vec<_> = size.tables.into_iter().map(|(name, bytes)| (clean(&name), bytes)).collect();
        tables.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
        (size.total, Some(tables.into_iter().map(|(name, bytes)| (name, Bytes(bytes))).collect()))
    } else {
        (history.bytes().await?, None)
    };
    let syncs = state.syncs.list().await?.into_iter().map(|sync| SyncLine {
        link: Link { name: clean(&sync.name), href: sync_href(&sync.name) },
        owner: match sync.owner {
            Some(SyncOwner::File) => "a configuration file",
            Some(SyncOwner::Stored) => "the history",
            None => "nobody any more",
        },
        error: sync.error.as_deref().map(clean),
    });
    let frame = visit.frame("Settings", Section::Settings);
    html(&SystemPage {
        tabs: Tabs::of(&frame, Tab::System),
        frame,
        version: env!("CARGO_PKG_VERSION"),
        connectors: state.runner.registry().iter().map(Connector::of).collect(),
        syncs: syncs.collect(),
        size: Bytes(size),
        tables,
        command: Command("syncline connectors".to_owned()),
    })
}
