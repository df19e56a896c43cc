//! What stands around every page.

use std::convert::Infallible;

use askama::Template;
use askama::filters::HtmlSafe;
use axum::extract::{FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{Extensions, Method, Uri};
use axum::response::Html;
use chrono::Utc;
use syncline_core::history::{How, Role};
use syncline_core::{Error, ErrorKind};

use super::show::When;
use super::{PageProblem, assets};
use crate::auth::{LoggedIn, Who};

/// Who looks at a page, and at which. The one place where what a login knows comes into the pages.
#[derive(Debug, Clone, Default)]
pub struct Visit {
    who: Option<String>,
    role: Option<Role>,
    csrf: String,
    path: String,
}

/// What stands around a page: its title, where it is in the whole, who looks at it.
#[derive(Debug, Clone)]
pub struct Frame {
    /// The title, before the name of the program.
    pub title: String,
    /// The part of the dashboard.
    pub section: Section,
    /// The name of whoever looks; none without a login.
    pub who: Option<String>,
    /// What that one may do; none without a login.
    pub role: Option<Role>,
    /// What every form sends along, to show that a page of ours sent it; empty without a login.
    pub csrf: String,
    /// The path and the query of the page, to load it again; empty for what was posted.
    pub path: String,
    /// When the page was made.
    pub made: When,
    /// The path of the style sheet.
    pub style: String,
    /// The path of the script.
    pub script: String,
    /// The path of the icon.
    pub icon: String,
}

/// The parts of the dashboard, as the navigation has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// The first page.
    Overview,
    /// What belongs to a sync.
    Syncs,
    /// What belongs to a run.
    Runs,
    /// What all runs said and changed.
    Logs,
    /// What runs found and somebody should look at.
    Drift,
    /// What the source no longer has.
    Quarantine,
    /// Who may do what, and what this program is.
    Settings,
    /// None of them.
    None,
}

/// The hidden field of a form that shows that a page of ours sent it.
#[derive(Debug, Template)]
#[template(ext = "html", source = r#"<input type="hidden" name="csrf" value="{{ self.0 }}">"#)]
pub struct CsrfField<'a>(&'a str);

impl HtmlSafe for CsrfField<'_> {}

/// Another page of a list.
#[derive(Debug, Template)]
#[template(path = "parts/pager.html")]
pub struct Pager {
    /// The first page; none when this is it.
    pub first: Option<String>,
    /// The next page; none when this is the last one.
    pub next: Option<String>,
    /// What the next page has, for people: `older`.
    pub word: &'static str,
}

impl HtmlSafe for Pager {}

/// The command that shows the same as a page.
#[derive(Debug, Template)]
#[template(path = "parts/command.html")]
pub struct Command(pub String);

impl HtmlSafe for Command {}

impl Visit {
    /// Of a page at a path, by what is known of a request, or of its answer, about who asks.
    pub fn of(path: String, known: &Extensions) -> Self {
        // Where nobody is asked, everybody is the same, and has no name worth showing.
        let who = known.get::<Who>().filter(|who| who.how != How::Local);
        let csrf = known.get::<LoggedIn>().map(|session| session.csrf.expose().to_owned());
        Self {
            who: who.map(|who| who.name.clone()),
            role: who.map(|who| who.role),
            csrf: csrf.unwrap_or_default(),
            path,
        }
    }

    /// The frame of a page.
    pub fn frame(&self, title: impl Into<String>, section: Section) -> Frame {
        Frame {
            title: title.into(),
            section,
            who: self.who.clone(),
            role: self.role,
            csrf: self.csrf.clone(),
            path: self.path.clone(),
            made: When::of(Utc::now()),
            style: assets::style(),
            script: assets::script(),
            icon: assets::icon(),
        }
    }

    /// Whose name goes into the history with what is done.
    pub fn by(&self) -> &str {
        self.who.as_deref().unwrap_or("dashboard")
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Visit {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(path_of(&parts.method, &parts.uri), &parts.extensions))
    }
}

impl Frame {
    /// Whether whoever looks may do what a role may: a page need not show the others forms that are refused to them.
    pub fn may(&self, needed: Role) -> bool {
        self.role.is_none_or(|role| role.may(needed))
    }

    /// The hidden field that every form has.
    pub fn csrf_field(&self) -> CsrfField<'_> {
        CsrfField(&self.csrf)
    }
}

/// The path at which the answer to a request can be loaded again.
pub fn shown_path(request: &Request) -> String {
    path_of(request.method(), request.uri())
}

/// None for what was posted: there may be nothing that can be looked at.
fn path_of(method: &Method, uri: &Uri) -> String {
    let path = uri.path_and_query().filter(|_| matches!(*method, Method::GET | Method::HEAD));
    path.map(ToString::to_string).unwrap_or_default()
}

/// A page as an answer.
pub fn html(page: &impl Template) -> Result<Html<String>, PageProblem> {
    let text =
        page.render().map_err(|cause| Error::new(ErrorKind::Internal, "the page was not made").caused_by(cause))?;
    Ok(Html(text))
}
