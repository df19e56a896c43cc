//! What goes into a bundle.

use std::collections::BTreeMap;

use chrono::Utc;
use secrecy::SecretString;
use serde_json::{Value, json};
use syncline_core::history::{History, Run, RunFilter, StoredEvent};
use syncline_core::plan::PlanReader;
use syncline_core::registry::Registry;
use syncline_core::run::Runner;
use syncline_core::settings::SecretRef;
use syncline_core::{Error, Result};
use syncline_http::Secrets;

use super::Collected;
use crate::cli::RunView;
use crate::config::{self, Configuration, Loaded};
use crate::connectors::EXPECTED;

/// How many events are fetched at once, and how many pages of them are kept.
const PAGE: u64 = 1000;
const PAGES: usize = 20;

/// What is wanted in a bundle.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// These runs, as people call them; `last` is the newest.
    pub runs: Vec<String>,
    /// So many of the newest runs, where none is named.
    pub newest: u64,
    /// The plans with every change and value.
    pub with_plan: bool,
}

/// Collects what a maintainer wants to know. What cannot be had is noted; what was named and is not there is an error.
pub async fn collect(loaded: &Loaded, registry: &Registry, wanted: &Wanted) -> Result<Collected> {
    let judged = config::check(loaded, registry);
    let written = loaded.written();
    let references = references(&written);
    let mut named: Vec<_> = references.clone();
    if let Ok(configuration) = &judged {
        named.extend(configuration.secrets(registry)?.into_iter().map(|named| named.secret));
    }
    // What cannot be had here is in nothing that is kept here either.
    let known: Vec<(SecretRef, SecretString)> =
        named.into_iter().filter_map(|reference| Some((reference.clone(), reference.resolve().ok()?))).collect();
    let secrets = Secrets::new(known, references.iter().map(ToString::to_string));
    let mut collected = Collected::new(secrets, Utc::now());
    about(&mut collected, registry);
    collected.add("configuration.json", "the configuration as it is read, without secrets", &written);
    let configuration = match judged {
        Ok(configuration) => configuration,
        Err(error) => {
            collected.add_text("problems.txt", "what is wrong with the configuration", &problems(&error));
            collected.miss("the history: the configuration has problems".to_owned());
            return Ok(collected);
        }
    };
    if !configuration.warnings.is_empty() {
        let text: String = configuration.warnings.iter().flat_map(|line| [line.as_str(), "\n"]).collect();
        collected.add_text("problems.txt", "what in the configuration is hardly meant so", &text);
    }
    match crate::runner(&configuration).await {
        Ok(runner) => history(&mut collected, &runner, &configuration, wanted).await?,
        Err(error) => collected.miss(format!("the history: {}", error.report())),
    }
    Ok(collected)
}

/// The program and the machine.
fn about(collected: &mut Collected, registry: &Registry) {
    let connectors: Vec<_> = registry
        .iter()
        .map(|connector| {
            json!({
                "id": connector.id,
                "package": connector.package,
                "version": connector.version,
                "source": connector.source.is_some(),
                "target": connector.target.is_some(),
            })
        })
        .collect();
    let features: Vec<_> =
        [("demo", cfg!(feature = "demo")), ("oidc", cfg!(feature = "oidc")), ("otlp", cfg!(feature = "otlp"))]
            .into_iter()
            .filter_map(|(name, is_on)| is_on.then_some(name))
            .collect();
    let about = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "system": std::env::consts::OS,
        "architecture": std::env::consts::ARCH,
        "processors": std::thread::available_parallelism().map_or(0, usize::from),
        "features": features,
        "linked": EXPECTED,
        "connectors": connectors,
    });
    collected.add("about.json", "the program, its connectors, and the kind of machine", &about);
}

async fn history(
    collected: &mut Collected,
    runner: &Runner,
    configuration: &Configuration,
    wanted: &Wanted,
) -> Result<()> {
    let history = runner.history();
    let size = history.size().await;
    let size = size.map_err(|error| collected.miss(format!("the size of the history: {}", error.report()))).ok();
    let facts = json!({
        "kept_in": if configuration.data.history.is_some() { "a database of its own" } else { "the folder for data" },
        "migrations": history.migrations().await?,
        "size": size,
        "runs": history.run_counts().await?.into_iter().collect::<BTreeMap<_, _>>(),
    });
    collected.add("history.json", "the tables of the history, their size, and how many runs there are", &facts);
    let mut syncs = Vec::new();
    for sync in history.syncs().await? {
        let schedules = history.schedules(sync.id).await?;
        syncs.push(json!({"sync": sync, "schedules": schedules}));
    }
    collected.add("syncs.json", "the syncs as they are known, and where their schedules stand", &syncs);
    collected.add("queue.json", "the runs that wait", &history.queue().await?);
    collected.add("findings.json", "how many findings there are", &history.finding_counts(None).await?);
    for found in runs(history, wanted).await? {
        run(collected, runner, found, wanted.with_plan).await?;
    }
    Ok(())
}

/// The runs that are wanted.
async fn runs(history: &History, wanted: &Wanted) -> Result<Vec<Run>> {
    if wanted.runs.is_empty() {
        return Ok(history.runs(&RunFilter::default(), None, wanted.newest).await?.items);
    }
    let mut found = Vec::new();
    for name in &wanted.runs {
        found.push(crate::cli::find_run(history, name).await?);
    }
    Ok(found)
}

async fn run(collected: &mut Collected, runner: &Runner, run: Run, with_plan: bool) -> Result<()> {
    let (history, id) = (runner.history(), run.id);
    let plan = if run.plan.is_some() { Some(runner.plan_of(&run).await) } else { None };
    let mut view = RunView::load(history, run).await?;
    if !with_plan {
        // Which records they are about, and why they came to nothing, without what they would have written.
        view.problems.iter_mut().for_each(|problem| problem.fields.clear());
    }
    let what = format!("run {id} of `{}`: how it went, its log, what came to nothing and why", view.run.sync);
    collected.add(&format!("runs/{id}/run.json"), &what, &view);
    let events = events(history, &view.run).await?;
    let lines: Vec<_> = events.iter().map(serde_json::to_string).collect::<Result<_, _>>().map_err(unwritten)?;
    collected.add_text(
        &format!("runs/{id}/events.ndjson"),
        &format!("what happened in run {id}"),
        &(lines.join("\n") + "\n"),
    );
    match plan {
        None => {}
        Some(Err(error)) => collected.miss(format!("the plan of run {id}: {}", error.report())),
        Some(Ok(plan)) => add_plan(collected, &plan, &id.to_string(), with_plan)?,
    }
    Ok(())
}

fn add_plan(collected: &mut Collected, plan: &PlanReader, id: &str, whole: bool) -> Result<()> {
    if whole {
        let text = std::fs::read_to_string(plan.path()).map_err(unwritten)?;
        collected.add_text(&format!("runs/{id}/plan.json"), &format!("the plan of run {id}, with every value"), &text);
    } else {
        let summary = json!({"hash": plan.hash(), "header": plan.header(), "summary": plan.summary()});
        collected.add(&format!("runs/{id}/plan.json"), &format!("what the plan of run {id} amounts to"), &summary);
    }
    Ok(())
}

async fn events(history: &History, run: &Run) -> Result<Vec<StoredEvent>> {
    let mut events = Vec::new();
    let mut after = 0;
    for _ in 0..PAGES {
        let page = history.events(run.id, after, PAGE).await?;
        events.extend(page.items);
        match page.next {
            Some(next) => after = next,
            None => break,
        }
    }
    Ok(events)
}

/// Everything in a configuration that is written as a reference to a secret.
fn references(written: &Value) -> Vec<SecretRef> {
    match written {
        Value::String(text) => text.parse().into_iter().collect(),
        Value::Array(items) => items.iter().flat_map(references).collect(),
        Value::Object(fields) => fields.values().flat_map(references).collect(),
        _ => Vec::new(),
    }
}

fn problems(error: &config::ConfigError) -> String {
    match error {
        config::ConfigError::Invalid(problems) => {
            problems.iter().flat_map(|problem| [problem.to_string(), "\n".to_owned()]).collect()
        }
        error => format!("{error}\n"),
    }
}

fn unwritten(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(syncline_core::ErrorKind::Storage, "a part of the bundle cannot be written").caused_by(error)
}
