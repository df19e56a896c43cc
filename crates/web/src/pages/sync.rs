//! The syncs, and one of them: how it is configured, when it runs, and what it did.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{Html, Redirect};
use chrono::{DateTime, Utc};
use serde_json::Value;
use syncline_core::Result;
use syncline_core::history::{History, Purpose, Role, Run, RunFilter, RunId, SyncOwner, WaitsFor};
use syncline_core::models::ModelMode;
use syncline_core::run::{Automation, ConfiguredSync};
use syncline_core::schedule::CatchUp;
use syncline_render::words;

use super::PageProblem;
use super::chart::{ChartLine, charts};
use super::form::{Fields, Pressed, link};
use super::frame::{Command, Frame, Pager, Section, Visit, html};
use super::overview::{Link, SyncLine, schedule, syncs};
use super::pick::quoted;
use super::run_line::{self, NUMBERS, RunLine, Square, sync_href};
use super::settings::{Setting, settings};
use super::show::{Icon, Prose, When, clean};
use super::side::side_href;
use crate::routes::syncs::view;
use crate::{ApiState, SyncView};

/// How many runs a page has.
const RUNS: u64 = 25;
/// Among so many runs is looked for those between which the configuration changed.
const LOOKED_AT: u64 = 200;
/// Of so many runs is drawn what they read.
const CHARTED: u64 = 20;
/// How many runs are a row of squares.
const SQUARES: usize = 10;

/// The syncs.
#[derive(Template)]
#[template(path = "syncs.html")]
struct SyncsPage {
    frame: Frame,
    syncs: Vec<SyncLine>,
    command: Command,
}

/// A sync.
#[derive(Template)]
#[template(path = "sync.html")]
struct SyncPage {
    frame: Frame,
    name: String,
    href: String,
    source: Option<Link>,
    target: Option<Link>,
    squares: Vec<Square>,
    owner: &'static str,
    paused: bool,
    error: Option<String>,
    warnings: Vec<Prose>,
    times: Vec<Time>,
    source_parameters: Vec<Setting>,
    /// The queries of its own; none where the source knows no queries.
    queries: Option<Vec<Setting>>,
    target_parameters: Vec<Setting>,
    rules: Vec<Setting>,
    models: Vec<ModelLine>,
    /// The run that tells what is done with each model; none before the first.
    seen_in: Option<i64>,
    /// How many records the last runs read.
    charts: Vec<ChartLine>,
    tab: Tab,
    tabs: Vec<TabLink>,
    runs: Vec<RunLine>,
    pager: Pager,
    versions: Vec<Version>,
    jobs: Vec<Job>,
    command: Command,
}

/// What a page of a sync shows below.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
enum Tab {
    Runs,
    Configuration,
    Jobs,
}

#[derive(Debug)]
struct TabLink {
    label: &'static str,
    href: String,
    current: bool,
}

/// Something about when a sync runs.
#[derive(Debug)]
struct Time {
    name: &'static str,
    value: String,
    next: Option<When>,
}

/// What is done with a model.
#[derive(Debug)]
struct ModelLine {
    name: String,
    asked: &'static str,
    done: Option<&'static str>,
    /// It is read although it is off, because others refer to it.
    needed: bool,
    href: Option<String>,
}

/// The runs that had one configuration.
#[derive(Debug)]
struct Version {
    hash: String,
    first: i64,
    last: i64,
    began: When,
    runs: usize,
    current: bool,
}

/// A run that is not over.
#[derive(Debug)]
struct Job {
    id: i64,
    kind: String,
    position: Option<u64>,
    waits_for: String,
}

/// `GET /syncs`.
pub async fn list(State(state): State<ApiState>, visit: Visit) -> Result<Html<String>, PageProblem> {
    let lines = syncs(&state, Utc::now()).await?.lines;
    let command = Command("syncline sync list".to_owned());
    html(&SyncsPage { frame: visit.frame("Syncs", Section::Syncs), syncs: lines, command })
}

/// `GET /syncs/{name}?tab=runs|configuration|jobs&before=17`.
pub async fn page(
    State(state): State<ApiState>,
    visit: Visit,
    Path(name): Path<String>,
    fields: Fields,
) -> Result<Html<String>, PageProblem> {
    let sync = view(&state, &name).await?;
    let tab = fields.named("tab")?.unwrap_or(Tab::Runs);
    let before = fields.parsed("before")?.map(RunId::new);
    html(&sync_page(&state, &visit, sync, tab, before, Utc::now()).await?)
}

/// `POST /syncs/{name}/pause`: lets its schedules rest.
pub async fn pause(
    State(state): State<ApiState>,
    Path(name): Path<String>,
    _: Pressed,
) -> Result<Redirect, PageProblem> {
    set_paused(&state, &name, true).await
}

/// `POST /syncs/{name}/unpause`: lets its schedules go on.
pub async fn unpause(
    State(state): State<ApiState>,
    Path(name): Path<String>,
    _: Pressed,
) -> Result<Redirect, PageProblem> {
    set_paused(&state, &name, false).await
}

async fn set_paused(state: &ApiState, name: &str, paused: bool) -> Result<Redirect, PageProblem> {
    view(state, name).await?;
    state.syncs.pause(name, paused).await?;
    Ok(Redirect::to(&sync_href(name)))
}

async fn sync_page(
    state: &ApiState,
    visit: &Visit,
    sync: SyncView,
    tab: Tab,
    before: Option<RunId>,
    now: DateTime<Utc>,
) -> Result<SyncPage> {
    let history = state.runner.history();
    let configured = state.syncs.sync(&sync.name).await.ok();
    let shown = configured.as_ref().and_then(|sync| sync.definition.shown(state.runner.registry()).ok());
    let part = |path: &str| shown.as_ref().and_then(|shown| shown.pointer(path)).cloned().unwrap_or(Value::Null);
    let (queries, source_parameters): (Vec<_>, Vec<_>) =
        settings(&part("/source/parameters")).into_iter().partition(|setting| setting.key.starts_with("queries"));
    let connector = configured.as_ref().and_then(|sync| {
        let connector = state.runner.registry().get(&sync.definition.source.connector).ok()?;
        Some((connector.source.as_ref()?.parameters_schema)())
    });
    let has_queries = connector.is_some_and(|schema| schema.pointer("/properties/queries").is_some());
    let mut rules = settings(&part("/policy"));
    let auto_merge = if part("/auto_merge") == false { "no: every plan waits for a person" } else { "yes" };
    rules.insert(0, Setting { key: "auto_merge".to_owned(), value: auto_merge.to_owned() });
    let filter = RunFilter { sync: Some(sync.name.clone()), ..RunFilter::default() };
    let found = history.runs(&filter, before, RUNS).await?;
    let newest = if before.is_none() { found.items.clone() } else { history.runs(&filter, None, RUNS).await?.items };
    let (models, seen_in) = models(history, configured.as_ref(), newest.iter().map(|run| run.id)).await?;
    let href = sync_href(&sync.name);
    let listed: &[Run] = if tab == Tab::Runs { &found.items } else { &[] };
    let runs = run_line::lines(history, listed, now).await?;
    let next = found.next.filter(|_| tab == Tab::Runs);
    let next = next.map(|next| link(&href, [("before", next.to_string().as_str())]) + "#runs");
    let side = |is_source: bool, name: &str| Link { name: clean(name), href: side_href(is_source, name) };
    let sides = configured.as_ref().map(|sync| (&sync.definition.source, &sync.definition.target));
    let tabs = [
        (Tab::Runs, "Runs", "runs"),
        (Tab::Configuration, "Changes of the configuration", "configuration"),
        (Tab::Jobs, "Jobs", "jobs"),
    ];
    Ok(SyncPage {
        frame: visit.frame(clean(&sync.name), Section::Syncs),
        source: sides.map(|(source, _)| side(true, &source.connection_name)),
        target: sides.map(|(_, target)| side(false, &target.connection_name)),
        squares: newest.iter().take(SQUARES).map(|run| Square::of(run, now)).collect(),
        owner: match sync.owner {
            Some(SyncOwner::File) => "the configuration file: it is changed there",
            Some(SyncOwner::Stored) => "the history: it is changed here, or through the API",
            None => "nobody any more",
        },
        paused: sync.paused,
        error: sync.error.as_deref().map(clean),
        warnings: warnings(state, &sync).await,
        times: times(history, &sync, configured.as_ref(), now).await?,
        source_parameters,
        queries: has_queries.then_some(queries),
        target_parameters: settings(&part("/target/parameters")),
        rules,
        models,
        seen_in,
        charts: charts(&history.record_counts(&sync.name, CHARTED).await?),
        tab,
        tabs: tabs
            .into_iter()
            .map(|(one, label, name)| TabLink {
                label,
                href: link(&href, [("tab", name)]) + "#runs",
                current: one == tab,
            })
            .collect(),
        runs,
        pager: Pager { first: before.map(|_| href.clone() + "#runs"), next, word: "Older" },
        versions: if tab == Tab::Configuration { versions(history, &filter, now).await? } else { Vec::new() },
        jobs: if tab == Tab::Jobs { jobs(history, &sync.name).await? } else { Vec::new() },
        command: Command(format!("syncline sync show {}", quoted(&sync.name))),
        name: clean(&sync.name),
        href,
    })
}

/// What is odd about a sync that the history keeps. Of those of a file the server tells it when it starts.
async fn warnings(state: &ApiState, sync: &SyncView) -> Vec<Prose> {
    let Some(settings) = sync.settings.as_ref().filter(|_| sync.owner == Some(SyncOwner::Stored)) else {
        return Vec::new();
    };
    // Why it cannot run is told besides.
    let draft = state.syncs.draft(&sync.name, settings).await;
    draft.map(|draft| draft.warnings.iter().map(|warning| Prose::of(warning)).collect()).unwrap_or_default()
}

/// When a sync runs by itself, and when it may not.
async fn times(
    history: &History,
    sync: &SyncView,
    configured: Option<&ConfiguredSync>,
    now: DateTime<Utc>,
) -> Result<Vec<Time>> {
    let ticks = match history.sync(&sync.name).await? {
        Some(stored) => history.schedules(stored.id).await?,
        None => Vec::new(),
    };
    let next = |purpose: Purpose| {
        let found = ticks.iter().find(|(of, _)| *of == purpose)?;
        found.1.next.filter(|_| !sync.paused).map(|at| When::new(at, now))
    };
    let mut times = vec![Time { name: "Runs", value: schedule(sync, configured), next: next(Purpose::Sync) }];
    let Some(ConfiguredSync { automation, .. }) = configured else { return Ok(times) };
    let Automation { drift, catch_up, windows, max_minutes, .. } = automation;
    let mut time = |name, value: String, next| times.push(Time { name, value, next });
    if !drift.is_manual() {
        time("Looks for drift", drift.describe(), next(Purpose::Drift));
    }
    let missed = match catch_up {
        CatchUp::Once => "one run at once, however many were missed",
        CatchUp::Skip => "no run before the next time",
    };
    time("Times that were missed", missed.to_owned(), None);
    for window in &windows.windows {
        time("Window", window.to_string(), None);
    }
    if !windows.windows.is_empty() {
        let over = if windows.overrun { "may finish what they write" } else { "stop after the batches under way" };
        time("When a window closes", format!("runs {over}"), None);
    }
    if let Some(minutes) = max_minutes {
        time("Writes at most", format!("{minutes} min at a time"), None);
    }
    Ok(times)
}

/// What is asked for each model, and what the newest run with a comparison did with it.
async fn models(
    history: &History,
    configured: Option<&ConfiguredSync>,
    newest: impl Iterator<Item = RunId>,
) -> Result<(Vec<ModelLine>, Option<i64>)> {
    let mut done = BTreeMap::new();
    let mut seen_in = None;
    for run in newest {
        let records = history.models(run).await?;
        if !records.is_empty() {
            done = records.into_iter().map(|record| (record.model, record.mode)).collect();
            seen_in = Some(run.number());
            break;
        }
    }
    let asked = configured.map(|sync| sync.definition.models.clone()).unwrap_or_default();
    let mut names: Vec<&String> = done.keys().chain(asked.keys()).collect();
    names.sort();
    names.dedup();
    let word = |mode: ModelMode| match mode {
        ModelMode::Sync => "sync",
        ModelMode::Lookup => "lookup",
        ModelMode::Off => "off",
    };
    let line = |name: &String| {
        let (asked, mode) = (asked.get(name).copied().unwrap_or(ModelMode::Sync), done.get(name).copied());
        // A run keeps nothing of what it leaves alone.
        let mode = mode.or(seen_in.map(|_| ModelMode::Off));
        let href = seen_in.filter(|_| done.contains_key(name));
        ModelLine {
            name: words::plural_of(name),
            asked: word(asked),
            done: mode.map(word),
            needed: mode.is_some_and(|mode| mode != asked && asked == ModelMode::Off),
            href: href.map(|run| link(&format!("/runs/{run}/plan"), [("model", name.as_str())])),
        }
    };
    Ok((names.into_iter().map(line).collect(), seen_in))
}

/// The configurations that the last runs had, newest first.
async fn versions(history: &History, filter: &RunFilter, now: DateTime<Utc>) -> Result<Vec<Version>> {
    let mut versions: Vec<Version> = Vec::new();
    for run in history.runs(filter, None, LOOKED_AT).await?.items {
        let (id, began) = (run.id.number(), When::new(run.created, now));
        match versions.last_mut().filter(|version| version.hash == run.definition_hash) {
            Some(version) => {
                (version.first, version.began) = (id, began);
                version.runs += 1;
            }
            None => {
                let current = versions.is_empty();
                versions.push(Version { hash: run.definition_hash, first: id, last: id, began, runs: 1, current });
            }
        }
    }
    Ok(versions)
}

/// The runs of a sync that wait or are under way.
async fn jobs(history: &History, sync: &str) -> Result<Vec<Job>> {
    use syncline_core::history::RunStatus::{AwaitingReview, Syncing};

    let waiting = history.waiting().await?.into_iter().filter(|waiting| waiting.run.sync == sync);
    let mut jobs: Vec<_> = waiting
        .map(|waiting| Job {
            id: waiting.run.id.number(),
            kind: run_line::kind(&waiting.run),
            position: waiting.position,
            waits_for: match waiting.waits_for {
                WaitsFor::Worker => "a worker that is free".to_owned(),
                WaitsFor::Run { run, .. } => format!("run {run}"),
                WaitsFor::Person { reason } => format!("a person: {}", clean(&reason)),
                WaitsFor::Time { until, .. } => until.format("%Y-%m-%d %H:%M:%S UTC").to_string(),
            },
        })
        .collect();
    let filter =
        RunFilter { sync: Some(sync.to_owned()), status: vec![Syncing, AwaitingReview], ..RunFilter::default() };
    for run in history.runs(&filter, None, RUNS).await?.items {
        let waits_for =
            if run.status == Syncing { "nothing: it is under way" } else { "a person who looks at its plan" };
        let kind = run_line::kind(&run);
        jobs.insert(0, Job { id: run.id.number(), kind, position: None, waits_for: waits_for.to_owned() });
    }
    Ok(jobs)
}
