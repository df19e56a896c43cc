//! Finds by a name, a number or a part of a text: syncs, systems, runs and objects.

use std::collections::BTreeSet;

use askama::Template;
use axum::extract::State;
use axum::response::{Html, IntoResponse, Redirect, Response};
use chrono::Utc;
use syncline_core::Result;
use syncline_core::history::{Role, RunFilter, RunId, SyncLogFilter};
use syncline_model::AnyKey;

use super::PageProblem;
use super::form::{Fields, link};
use super::frame::{Frame, Section, Visit, html};
use super::object::{label, object_href};
use super::overview::Link;
use super::run_line::{self, NUMBERS, RunLine, sync_href};
use super::show::clean;
use super::side::side_href;
use crate::ApiState;
use crate::input::SearchText;

/// How many runs are listed, and how many objects.
const RUNS: u64 = 10;
const OBJECTS: usize = 25;
/// How many changes are looked through for objects that are not listed twice.
const CHANGES: u64 = 500;

/// What was found.
#[derive(Template)]
#[template(path = "search.html")]
struct SearchPage {
    frame: Frame,
    text: String,
    /// Syncs, sources and targets.
    places: Vec<Place>,
    runs: Vec<RunLine>,
    all_runs: String,
    objects: Vec<Object>,
    /// The changes among which there are more.
    all_changes: String,
    /// Not all changes were looked at.
    is_partial: bool,
}

struct Place {
    what: &'static str,
    link: Link,
}

struct Object {
    model: String,
    link: Link,
}

/// `GET /search?text=core-1`: the page of a run if it is its number, else what there is.
pub async fn page(State(state): State<ApiState>, visit: Visit, fields: Fields) -> Result<Response, PageProblem> {
    let text = fields.parsed::<SearchText>("text")?.map(|text| text.0);
    if let Some(id) = text.as_deref().and_then(number)
        && state.runner.history().run(id).await?.is_some()
    {
        return Ok(Redirect::to(&format!("/runs/{id}")).into_response());
    }
    let page = match text {
        None => SearchPage::empty(visit.frame("Search", Section::None)),
        Some(text) => SearchPage::of(&state, visit.frame("Search", Section::None), text).await?,
    };
    Ok(Html::into_response(html(&page)?))
}

/// The run that a text is the number of: `17`, `run 17`, `#17`.
fn number(text: &str) -> Option<RunId> {
    let text = text.trim().trim_start_matches("run").trim_start().trim_start_matches('#');
    text.parse().ok().map(RunId::new)
}

impl SearchPage {
    fn empty(frame: Frame) -> Self {
        Self {
            frame,
            text: String::new(),
            places: Vec::new(),
            runs: Vec::new(),
            all_runs: String::new(),
            objects: Vec::new(),
            all_changes: String::new(),
            is_partial: false,
        }
    }

    async fn of(state: &ApiState, frame: Frame, text: String) -> Result<Self> {
        let history = state.runner.history();
        let filter = RunFilter { text: Some(text.clone()), ..RunFilter::default() };
        let runs = history.runs(&filter, None, RUNS).await?.items;
        let filter = SyncLogFilter { text: Some(text.clone()), ..SyncLogFilter::default() };
        let found = history.all_changes(&filter, None, CHANGES).await?;
        let mut seen: BTreeSet<(&str, &AnyKey)> = BTreeSet::new();
        let changes = found.items.iter().map(|entry| &entry.change);
        let objects: Vec<_> = changes.filter(|change| seen.insert((&change.model, &change.key))).collect();
        Ok(Self {
            frame,
            places: places(state, &text).await?,
            runs: run_line::lines(history, &runs, Utc::now()).await?,
            all_runs: link("/runs", [("text", text.as_str())]),
            is_partial: found.next.is_some() || objects.len() > OBJECTS,
            objects: objects
                .into_iter()
                .take(OBJECTS)
                .map(|change| Object {
                    model: label(&change.model),
                    link: Link { name: clean(&change.key.to_string()), href: object_href(&change.model, &change.key) },
                })
                .collect(),
            all_changes: link("/logs/changes", [("text", text.as_str())]),
            text: clean(&text),
        })
    }

    fn is_nothing(&self) -> bool {
        self.places.is_empty() && self.runs.is_empty() && self.objects.is_empty()
    }
}

/// The syncs and the systems whose names have the text in them, in either case.
async fn places(state: &ApiState, text: &str) -> Result<Vec<Place>> {
    let text = text.to_lowercase();
    let mut places: BTreeSet<(&'static str, String, String)> = BTreeSet::new();
    for (name, sync) in state.syncs.syncs().await? {
        if let Ok(sync) = sync {
            let (source, target) = (sync.definition.source.connection_name, sync.definition.target.connection_name);
            places.insert(("Source", side_href(true, &source), source));
            places.insert(("Target", side_href(false, &target), target));
        }
        places.insert(("Sync", sync_href(&name), name));
    }
    let found = places.into_iter().filter(|(_, _, name)| name.to_lowercase().contains(&text));
    Ok(found.map(|(what, href, name)| Place { what, link: Link { name: clean(&name), href } }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_called_by_its_number() {
        for text in ["17", " 17 ", "run 17", "#17", "run #17"] {
            assert_eq!(number(text), Some(RunId::new(17)), "{text}");
        }
        for text in ["core-17", "", "run", "1 7"] {
            assert_eq!(number(text), None, "{text}");
        }
    }
}
