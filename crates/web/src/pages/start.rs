//! The form that starts a run.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse, Redirect, Response};
use syncline_core::history::{Role, RunKind, RunSettings};
use syncline_core::run::{RunRequest, ScopeCounter};

use super::estimate::{Estimate, estimates};
use super::form::{Fields, Posted};
use super::frame::{Command, Frame, Section, Visit, html};
use super::overview::Link;
use super::pick::quoted;
use super::returned::{Returned, Sent, answer};
use super::run::to_run;
use super::run_line::sync_href;
use super::scope::{Picker, picked};
use super::settings::{Setting, settings};
use super::show::{Icon, clean};
use super::{PageProblem, count};
use crate::ApiState;
use crate::routes::syncs::view;

/// The form.
#[derive(Template)]
#[template(path = "start.html")]
struct StartPage {
    frame: Frame,
    sync: Link,
    error: Option<String>,
    scope: Vec<Setting>,
    models: Vec<Setting>,
    picker: Picker,
    estimates: Vec<Estimate>,
    auto_merge: bool,
    /// The form that was sent, where that is not to be taken.
    returned: Returned,
    /// How many records are picked, where that was asked.
    counted: Vec<String>,
    command: Command,
}

/// The fields of the form.
const FIELDS: &[&str] = &["what", "record", "model", "sites", "minutes", "reason", "request_id"];

/// What a run is started for.
#[derive(Debug, Clone, Copy, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
enum What {
    Dry,
    Drift,
    Real,
}

/// `GET /syncs/{name}/run?model=device&key=[["site"],"name"]`: the form; with a record picked, or a model where no key is given.
pub async fn page(
    State(state): State<ApiState>,
    visit: Visit,
    Path(name): Path<String>,
    fields: Fields,
) -> Result<Html<String>, PageProblem> {
    html(&start_page(&state, &visit, &name, &fields, Returned::default()).await?)
}

/// `POST /syncs/{name}/run/count`: the form as it was sent, with how many records it picks.
pub async fn count(
    State(state): State<ApiState>,
    State(counter): State<ScopeCounter>,
    visit: Visit,
    Path(name): Path<String>,
    Posted(fields): Posted,
) -> Result<Response, PageProblem> {
    fields.only(FIELDS)?;
    view(&state, &name).await?;
    let counted = count::lines(&state, &counter, &name, &fields).await;
    let (picked, to) = (fields.clone(), String::new());
    match counted {
        Ok(counted) => {
            let page = start_page(&state, &visit, &name, &picked, Returned::with(fields)).await?;
            Ok(html(&StartPage { counted, ..page })?.into_response())
        }
        Err(problem) => {
            let (done, sent) = (Err::<Redirect, _>(problem), Sent { to, fields, about: "" });
            answer(done, sent, async |returned| start_page(&state, &visit, &name, &picked, returned).await).await
        }
    }
}

async fn start_page(
    state: &ApiState,
    visit: &Visit,
    name: &str,
    fields: &Fields,
    returned: Returned,
) -> Result<StartPage, PageProblem> {
    let sync = view(state, name).await?;
    let history = state.runner.history();
    let picker = Picker::of(history, name, fields).await?;
    let configured = state.syncs.sync(name).await.ok();
    let shown = configured.as_ref().and_then(|sync| sync.definition.shown(state.runner.registry()).ok());
    let part = |path: &str| shown.as_ref().and_then(|shown| shown.pointer(path)).map(settings).unwrap_or_default();
    Ok(StartPage {
        frame: visit.frame(format!("New run of {}", clean(name)), Section::Syncs),
        sync: Link { name: clean(name), href: sync_href(name) },
        error: sync.error.as_deref().map(clean),
        scope: part("/source/parameters"),
        models: part("/models"),
        auto_merge: configured.is_some_and(|sync| sync.definition.auto_merge),
        returned,
        counted: Vec::new(),
        estimates: estimates(history, name).await?,
        command: Command(match &picker.record {
            Some(record) => format!("syncline plan {} --record {}", quoted(name), quoted(&record.value)),
            None => format!("syncline plan {}", quoted(name)),
        }),
        picker,
    })
}

/// `POST /syncs/{name}/run`: a dry run, unless something else is said.
pub async fn start(
    State(state): State<ApiState>,
    visit: Visit,
    Path(name): Path<String>,
    Posted(fields): Posted,
) -> Result<Response, PageProblem> {
    let done = triggered(&state, &visit, &name, &fields).await;
    let picked = fields.clone();
    let sent = Sent { to: String::new(), fields, about: "" };
    answer(done, sent, async |returned| start_page(&state, &visit, &name, &picked, returned).await).await
}

async fn triggered(state: &ApiState, visit: &Visit, name: &str, fields: &Fields) -> Result<Redirect, PageProblem> {
    fields.only(FIELDS)?;
    view(state, name).await?;
    let sync = state.syncs.sync(name).await?;
    let max_duration_s = match fields.parsed::<u64>("minutes")? {
        None => None,
        Some(minutes @ 1..=100_000) => Some(minutes * 60),
        Some(_) => return Err(PageProblem::value("minutes", "is a number of minutes from 1 to 100000")),
    };
    let what = fields.named("what")?.unwrap_or(What::Dry);
    let asked = match (what, picked(fields, &sync.definition)?) {
        (What::Drift, Some(_)) => {
            let message = "a drift check is about everything: choose a dry run, or pick nothing";
            return Err(PageProblem::value("what", message));
        }
        (What::Drift, None) => RunRequest::drift(),
        (What::Dry | What::Real, Some(scope)) => RunRequest::part(scope),
        (What::Dry | What::Real, None) => RunRequest::default(),
    };
    let request = RunRequest {
        dry_run: !matches!(what, What::Real),
        kind: RunKind::Adhoc,
        by: visit.by().to_owned(),
        reason: fields.text("reason").map(str::to_owned),
        request_id: fields.parsed("request_id")?,
        settings: RunSettings { max_duration_s, ..asked.settings },
        ..asked
    };
    let triggered = state.runner.trigger(&sync.definition, &request).await?;
    Ok(to_run(triggered.run().number()))
}
