//! What is left alone: beside the findings, as a page of the drift.

use askama::Template;
use axum::response::Html;
use chrono::{DateTime, Utc};
use syncline_core::Result;
use syncline_core::history::{IgnoreFilter, IgnoreId, Role};

use super::PageProblem;
use super::form::{Fields, link};
use super::frame::{Command, Frame, Pager, Section, Visit, html};
use super::ignore::Left;
use super::overview::Link;
use super::pick::quoted;
use super::show::{Count, clean};
use crate::ApiState;

/// How many of them a page has.
const PAGE: u64 = 50;

/// What [`super::drift`] is asked for by `view`, where this page is meant.
pub const VIEW: &str = "ignored";

#[derive(Template)]
#[template(path = "ignored.html")]
struct IgnoredPage {
    frame: Frame,
    /// The findings of the same sync.
    findings: String,
    /// How much is left alone in the sync that is shown, or in all of them.
    count: Count,
    /// How much each sync leaves alone.
    syncs: Vec<(Link, Count)>,
    /// The page without a sync; none when none was chosen.
    every: Option<String>,
    /// The page with those that are over, or without them.
    other: String,
    /// Those too are shown that are over.
    all: bool,
    left: Vec<Left>,
    /// What the forms lead back to.
    back: String,
    pager: Pager,
    command: Command,
}

/// The page of what a sync leaves alone, or all of them.
pub fn ignored_href(sync: Option<&str>) -> String {
    link("/drift", [("view", VIEW)].into_iter().chain(sync.map(|sync| ("sync", sync))))
}

/// `GET /drift?view=ignored&sync=lab&all=1&before=42`: those in force, unless all are asked for.
pub async fn page(state: &ApiState, visit: &Visit, fields: &Fields) -> Result<Html<String>, PageProblem> {
    let before = fields.parsed("before")?.map(IgnoreId::new);
    html(&ignored_page(state, visit, fields, before, Utc::now()).await?)
}

async fn ignored_page(
    state: &ApiState,
    visit: &Visit,
    fields: &Fields,
    before: Option<IgnoreId>,
    now: DateTime<Utc>,
) -> Result<IgnoredPage> {
    let history = state.runner.history();
    let (sync, all) = (fields.text("sync"), fields.is_set("all"));
    let filter =
        IgnoreFilter { sync: sync.map(str::to_owned), in_force: (!all).then_some(now), ..IgnoreFilter::default() };
    let found = history.ignores(&filter, before, PAGE).await?;
    // Who asks for one sync is told of no other.
    let counts: Vec<_> = history.ignore_counts(now).await?.into_iter().collect();
    let counts: Vec<_> = counts.into_iter().filter(|(name, _)| sync.is_none_or(|sync| sync == name)).collect();
    let next = found.next.map(|next| fields.with("/drift", "before", Some(&next.to_string()), &[]));
    let option = sync.map(|sync| format!(" {}", quoted(sync))).unwrap_or_default();
    Ok(IgnoredPage {
        frame: visit.frame("Left alone", Section::Drift),
        findings: link("/drift", sync.map(|sync| ("sync", sync))),
        count: Count(counts.iter().map(|(_, count)| count).sum()),
        syncs: counts
            .iter()
            .map(|(name, count)| (Link { name: clean(name), href: ignored_href(Some(name)) }, Count(*count)))
            .collect(),
        every: sync.map(|_| ignored_href(None)),
        other: fields.with("/drift", "all", (!all).then_some("1"), &["before"]),
        all,
        left: found.items.iter().map(|ignore| Left::of(ignore, now)).collect(),
        back: fields.query(),
        pager: Pager { first: before.map(|_| fields.with("/drift", "before", None, &[])), next, word: "Older" },
        command: Command(format!("syncline ignore list{option}{}", if all { " --all" } else { "" })),
    })
}
