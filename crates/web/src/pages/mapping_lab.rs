//! The lab of mapping rules: what other rules would make of what the last run read. No system is asked, and nothing is kept.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Html;
use syncline_core::change::Action;
use syncline_core::history::Run;
use syncline_core::mapping::{Mapping, Rules};
use syncline_core::run::{MappingTrial, TriedModel};
use syncline_core::{Error, ErrorKind};
use syncline_render::{Limits, words};

use super::PageProblem;
use super::change_row::Row;
use super::form::{Fields, Posted};
use super::frame::{Command, Frame, Section, Visit, html};
use super::overview::Link;
use super::pick::quoted;
use super::run_line::sync_href;
use super::scope::last_planned;
use super::show::{Count, Icon, Prose, When, clean};
use crate::ApiState;
use crate::routes::syncs::view;

/// How many differences of a model are told.
const LIMIT: usize = 25;
/// How much of a record is shown of it.
const SHORT: Limits = Limits { fields: Some(12), value: Some(120), name: Some(200), reason: Some(300), ..Limits::NONE };

/// The form, and what came of the rules in it.
#[derive(Template)]
#[template(path = "mapping_lab.html")]
struct LabPage {
    frame: Frame,
    sync: Link,
    here: String,
    /// The rules in the form, as JSON.
    rules: String,
    /// What is wrong with them.
    problems: Vec<Prose>,
    /// Whose read they are tried on; none where no run read anything yet.
    run: Option<TriedOn>,
    outcome: Option<Outcome>,
    command: Command,
}

#[derive(Debug)]
struct TriedOn {
    run: i64,
    at: When,
}

/// What came of trying.
#[derive(Debug)]
enum Outcome {
    /// The read is not on this machine.
    NotHere,
    Tried {
        models: Vec<ModelLine>,
        gone: Option<Prose>,
        is_equal: bool,
    },
}

#[derive(Debug)]
struct ModelLine {
    name: String,
    /// By the rules as they are, and by those that were tried.
    records: [Count; 2],
    /// What is told beside the records: what was left out, and why.
    left_out: Vec<String>,
    rejected: Option<Count>,
    rejections: Vec<Prose>,
    rows: Vec<DifferenceLine>,
    has_more: bool,
}

#[derive(Debug)]
struct DifferenceLine {
    word: &'static str,
    change: Row,
}

/// `GET /syncs/{name}/mapping`: the rules as they are.
pub async fn page(
    State(state): State<ApiState>,
    visit: Visit,
    Path(name): Path<String>,
    fields: Fields,
) -> Result<Html<String>, PageProblem> {
    fields.only(&[])?;
    let now = mapping_of(&state, &name).await?;
    let rules = serde_json::to_string_pretty(&now).unwrap_or_default();
    show(&state, &visit, &name, rules, Vec::new(), None).await
}

/// `POST /syncs/{name}/mapping`: what the rules in the form would make of the last read.
pub async fn try_rules(
    State(state): State<ApiState>,
    visit: Visit,
    Path(name): Path<String>,
    Posted(fields): Posted,
) -> Result<Html<String>, PageProblem> {
    fields.only(&["rules"])?;
    let now = mapping_of(&state, &name).await?;
    let text = fields.text("rules").unwrap_or("[]").to_owned();
    let tried = match understood(&text) {
        Ok(tried) => tried,
        Err(problems) => return show(&state, &visit, &name, text, problems, None).await,
    };
    let outcome = match last_planned(state.runner.history(), &name).await? {
        Some(run) => Some(outcome(&state, run, &now, tried).await?),
        None => None,
    };
    show(&state, &visit, &name, text, Vec::new(), outcome).await
}

async fn mapping_of(state: &ApiState, name: &str) -> Result<Mapping, PageProblem> {
    view(state, name).await?;
    Ok(state.syncs.sync(name).await?.definition.mapping)
}

/// The rules of a form, or what is wrong with them.
fn understood(text: &str) -> Result<Rules, Vec<Prose>> {
    let mapping: Mapping = serde_json::from_str(text).map_err(|error| {
        vec![Prose::of(&clean(&format!("The rules are a list in JSON, as in the settings of a sync: {error}.")))]
    })?;
    let told = |misfits: Vec<_>| {
        misfits.iter().map(|misfit: &syncline_core::mapping::Misfit| Prose::of(&clean(&misfit.to_string()))).collect()
    };
    mapping.rules().map_err(told)
}

async fn outcome(state: &ApiState, run: Run, now: &Mapping, tried: Rules) -> Result<Outcome, PageProblem> {
    let now = now.rules().map_err(|misfits| {
        let misfits: Vec<_> = misfits.iter().map(ToString::to_string).collect();
        Error::new(ErrorKind::Settings, format!("the rules of the sync cannot be understood: {}", misfits.join("; ")))
    })?;
    let runner = Arc::clone(&state.runner);
    let trial = tokio::task::spawn_blocking(move || runner.try_mapping(&run, &now, &tried, LIMIT)).await;
    let trial = trial.map_err(|cause| Error::new(ErrorKind::Internal, "the rules were not tried").caused_by(cause));
    Ok(trial.flatten()?.map_or(Outcome::NotHere, Outcome::of))
}

async fn show(
    state: &ApiState,
    visit: &Visit,
    name: &str,
    rules: String,
    problems: Vec<Prose>,
    outcome: Option<Outcome>,
) -> Result<Html<String>, PageProblem> {
    let run = last_planned(state.runner.history(), name).await?;
    html(&LabPage {
        frame: visit.frame(format!("Mapping of {}", clean(name)), Section::Syncs),
        sync: Link { name: clean(name), href: sync_href(name) },
        here: format!("{}/mapping", sync_href(name)),
        rules,
        problems,
        run: run.map(|run| TriedOn { run: run.id.number(), at: When::of(run.started.unwrap_or(run.created)) }),
        outcome,
        command: Command(format!("syncline plan {} --replay FOLDER", quoted(name))),
    })
}

impl Outcome {
    fn of(trial: MappingTrial) -> Self {
        let is_equal = trial.models.iter().all(|model| model.changes.is_empty() && model.rejected == 0);
        let told = |model: &TriedModel| !model.changes.is_empty() || model.rejected > 0 || !model.left_out.is_empty();
        let models = trial.models.iter().filter(|model| told(model)).map(ModelLine::of).collect();
        let gone: Vec<_> = trial.gone.iter().map(|model| words::plural_of(model)).collect();
        let gone = (!gone.is_empty()).then(|| {
            Prose::of(&format!("Not kept any more, and so not tried: {}. A dry run reads them again.", gone.join(", ")))
        });
        Self::Tried { models, gone, is_equal }
    }
}

impl ModelLine {
    fn of(model: &TriedModel) -> Self {
        Self {
            name: words::plural_of(&model.model),
            records: model.records.map(Count),
            left_out: model.left_out.iter().map(|(rule, count)| format!("{}: {rule}", Count(*count))).collect(),
            rejected: (model.rejected > 0).then_some(Count(model.rejected)),
            rejections: model.rejections.iter().take(LIMIT).map(|one| Prose::of(&clean(&one.to_string()))).collect(),
            rows: model.changes.iter().map(DifferenceLine::of).collect(),
            has_more: model.has_more,
        }
    }
}

impl DifferenceLine {
    fn of(change: &syncline_core::change::Change) -> Self {
        let word = match change.action {
            Action::Create => "comes",
            Action::Update => "changes",
            Action::Delete => "goes",
        };
        Self { word, change: Row::planned(change, &SHORT) }
    }
}
