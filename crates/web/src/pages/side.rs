//! A source or a target: how it is configured, what of it becomes what, what it can, and whether it answers.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{Html, Redirect};
use chrono::{DateTime, Utc};
use serde_json::Value;
use syncline_core::describe::{ConfigItem, SideDescription};
use syncline_core::event::Side;
use syncline_core::history::{Role, Run, RunFilter};
use syncline_core::run::{CheckedSide, ConfiguredSync, SideDefinition};

use super::PageProblem;
use super::ability::abilities;
use super::form::{Fields, Posted, link, segment};
use super::frame::{Command, Frame, Section, Visit, html};
use super::mapping::{MappingGroup, Mappings};
use super::overview::Link;
use super::pick::quoted;
use super::run_line::{self, NUMBERS, RunLine, Square, sync_href};
use super::settings::{Setting, settings};
use super::show::{Fault, Icon, Prose, When, clean};
use super::system_icon::SystemIcon;
use crate::ApiState;

/// How many runs are a row of squares, and how many are listed.
const SQUARES: usize = 10;
const RUNS: u64 = 15;
/// Among how many runs the last complete read of a model is looked for.
const READS: u64 = 20;

/// A source or a target.
#[derive(Template)]
#[template(path = "side.html")]
struct SidePage {
    frame: Frame,
    is_source: bool,
    name: String,
    href: String,
    connector: String,
    icon: SystemIcon,
    description: String,
    version: String,
    instance: String,
    /// The syncs that use it so; the page shows it as the chosen one does.
    syncs: Vec<SyncLink>,
    chosen: String,
    squares: Vec<Square>,
    connection: Vec<Setting>,
    parameters: Vec<Setting>,
    checked: Option<CheckedView>,
    abilities: Vec<Setting>,
    /// The name of the connector on the other side.
    other: String,
    mappings: Vec<MappingGroup>,
    /// Why the mappings cannot be told.
    unmapped: Option<Fault>,
    runs: Vec<RunLine>,
    command: Command,
}

#[derive(Debug)]
struct SyncLink {
    link: Link,
    /// This page, as that sync uses the system.
    as_used: String,
    chosen: bool,
}

/// What a check found, as it is shown.
#[derive(Debug)]
struct CheckedView {
    at: When,
    error: Option<Fault>,
    report: Option<ReportView>,
    configuration: Vec<Setting>,
}

#[derive(Debug)]
struct ReportView {
    system: String,
    facts: Vec<Setting>,
    warnings: Vec<Prose>,
}

/// What the last checks found, in this process: a system is asked only when somebody asks for it, because that may take its time.
#[derive(Debug, Clone, Default)]
pub struct Checks(Arc<Mutex<BTreeMap<Asked, Checked>>>);

/// A side of a sync.
type Asked = (bool, String);

/// What a check found.
#[derive(Debug, Clone)]
struct Checked {
    at: DateTime<Utc>,
    found: CheckedSide,
}

/// The page of a source or a target.
pub fn side_href(is_source: bool, connection: &str) -> String {
    format!("/{}/{}", if is_source { "sources" } else { "targets" }, segment(connection))
}

/// `GET /sources/{name}?sync=lab`.
pub async fn source(
    State(state): State<ApiState>,
    State(checks): State<Checks>,
    visit: Visit,
    Path(name): Path<String>,
    fields: Fields,
) -> Result<Html<String>, PageProblem> {
    page(&state, &checks, &visit, true, &name, fields.text("sync")).await
}

/// `GET /targets/{name}?sync=lab`.
pub async fn target(
    State(state): State<ApiState>,
    State(checks): State<Checks>,
    visit: Visit,
    Path(name): Path<String>,
    fields: Fields,
) -> Result<Html<String>, PageProblem> {
    page(&state, &checks, &visit, false, &name, fields.text("sync")).await
}

/// `POST /sources/{name}/check`: asks the system whether it answers, and what it is.
pub async fn check_source(
    State(state): State<ApiState>,
    State(checks): State<Checks>,
    Path(name): Path<String>,
    Posted(fields): Posted,
) -> Result<Redirect, PageProblem> {
    check(&state, &checks, true, &name, &fields).await
}

/// `POST /targets/{name}/check`: see [`check_source`].
pub async fn check_target(
    State(state): State<ApiState>,
    State(checks): State<Checks>,
    Path(name): Path<String>,
    Posted(fields): Posted,
) -> Result<Redirect, PageProblem> {
    check(&state, &checks, false, &name, &fields).await
}

/// The syncs that use a connection on one side, by name. None is an answer as well: that there is no such page.
async fn users(state: &ApiState, is_source: bool, name: &str) -> Result<Vec<(String, ConfiguredSync)>, PageProblem> {
    let all = state.syncs.syncs().await?.into_iter();
    let configured = all.filter_map(|(sync, configured)| Some((sync, configured.ok()?)));
    let users: Vec<_> = configured.filter(|(_, sync)| side(is_source, sync).connection_name == name).collect();
    if users.is_empty() {
        let role = if is_source { "source" } else { "target" };
        return Err(PageProblem::not_found(format!(
            "No sync has the {role} `{name}`: the overview shows those that there are."
        )));
    }
    Ok(users)
}

fn side(is_source: bool, sync: &ConfiguredSync) -> &SideDefinition {
    if is_source { &sync.definition.source } else { &sync.definition.target }
}

async fn page(
    state: &ApiState,
    checks: &Checks,
    visit: &Visit,
    is_source: bool,
    name: &str,
    wanted: Option<&str>,
) -> Result<Html<String>, PageProblem> {
    let now = Utc::now();
    let users = users(state, is_source, name).await?;
    let chosen = users.iter().find(|(sync, _)| wanted == Some(sync)).or(users.first());
    let Some((chosen, sync)) = chosen else { return Err(PageProblem::not_found("There is no such sync.")) };
    let definition = side(is_source, sync);
    let shown = sync.definition.shown(state.runner.registry())?;
    let shown = &shown[if is_source { "source" } else { "target" }];
    let connector = state.runner.registry().get(&definition.connector)?;
    let history = state.runner.history();
    let mut runs: Vec<Run> = Vec::new();
    for (sync, _) in &users {
        let filter = RunFilter { sync: Some(sync.clone()), ..RunFilter::default() };
        runs.extend(history.runs(&filter, None, RUNS).await?.items);
    }
    runs.sort_by_key(|run| std::cmp::Reverse(run.id));
    runs.truncate(usize::try_from(RUNS).unwrap_or(usize::MAX));
    let href = side_href(is_source, name);
    let sync_link = |sync: &String| SyncLink {
        link: Link { name: clean(sync), href: sync_href(sync) },
        as_used: link(&href, [("sync", sync.as_str())]),
        chosen: sync == chosen,
    };
    let (which, opposite) = if is_source { (Side::Source, Side::Target) } else { (Side::Target, Side::Source) };
    let other = side(!is_source, sync);
    let registry = state.runner.registry();
    let (described, unmapped) = match registry.describe(which, definition) {
        Ok(described) => (described, None),
        Err(error) => {
            (SideDescription { data_mappings: Vec::new(), capabilities: None }, Some(Fault::of(&error.in_full())))
        }
    };
    // What is wrong with the other side is told on its own page.
    let others = registry.describe(opposite, other).map(|other| other.data_mappings).unwrap_or_default();
    let filled = history.filled_fields(chosen, which, READS).await?;
    let mappings = Mappings {
        own: &described.data_mappings,
        others: &others,
        policy: &sync.definition.policy,
        modes: &sync.definition.models,
        filled: &filled,
        now,
    };
    let title = format!("{} {}", if is_source { "Source" } else { "Target" }, clean(name));
    html(&SidePage {
        frame: visit.frame(title, Section::None),
        is_source,
        name: clean(name),
        connector: connector.label.to_owned(),
        icon: SystemIcon::of(connector.icon),
        description: connector.description.to_owned(),
        version: connector.version.to_owned(),
        instance: clean(&definition.instance()),
        syncs: users.iter().map(|(sync, _)| sync_link(sync)).collect(),
        chosen: chosen.clone(),
        squares: runs.iter().take(SQUARES).map(|run| Square::of(run, now)).collect(),
        connection: settings(&shown["connection"]),
        parameters: settings(shown.get("parameters").unwrap_or(&Value::Null)),
        checked: checks.last(&(is_source, chosen.clone())).map(|checked| CheckedView::of(&checked, now)),
        abilities: if unmapped.is_none() { abilities(&described, &definition.connection) } else { Vec::new() },
        other: registry.get(&other.connector).map_or_else(|_| clean(&other.connector), |other| other.label.to_owned()),
        mappings: mappings.groups(),
        unmapped,
        runs: run_line::lines(history, &runs, now).await?,
        command: Command(format!("syncline check {}", quoted(chosen))),
        href,
    })
}

async fn check(
    state: &ApiState,
    checks: &Checks,
    is_source: bool,
    name: &str,
    fields: &Fields,
) -> Result<Redirect, PageProblem> {
    fields.only(&["sync"])?;
    let users = users(state, is_source, name).await?;
    let wanted = fields.text("sync");
    let chosen = users.iter().find(|(sync, _)| wanted == Some(sync)).or(users.first());
    let Some((chosen, sync)) = chosen else { return Err(PageProblem::not_found("There is no such sync.")) };
    let which = if is_source { Side::Source } else { Side::Target };
    let found = CheckedSide::ask(state.runner.registry(), which, side(is_source, sync)).await;
    checks.keep((is_source, chosen.clone()), Checked { at: Utc::now(), found });
    Ok(Redirect::to(&(link(&side_href(is_source, name), [("sync", chosen.as_str())]) + "#check")))
}

impl Checks {
    fn last(&self, asked: &Asked) -> Option<Checked> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(asked).cloned()
    }

    fn keep(&self, asked: Asked, checked: Checked) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(asked, checked);
    }
}

impl CheckedView {
    fn of(checked: &Checked, now: DateTime<Utc>) -> Self {
        let found = &checked.found;
        let report = found.report.as_ref().map(|report| ReportView {
            system: clean(&report.system),
            facts: items(&report.facts),
            warnings: report.warnings.iter().map(|warning| Prose::of(warning)).collect(),
        });
        let error = found.error.as_ref().map(Fault::of);
        Self { at: When::new(checked.at, now), error, report, configuration: items(&found.configuration) }
    }
}

fn items(items: &[ConfigItem]) -> Vec<Setting> {
    items.iter().map(|item| Setting { key: clean(&item.name), value: clean(&item.value) }).collect()
}
