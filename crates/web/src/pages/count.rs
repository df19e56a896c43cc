//! How many records a run would be about, before it is started: for the form that picks them.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use serde::Serialize;
use syncline_core::event::Phase;
use syncline_core::history::Run;
use syncline_core::run::{ScopeCount, ScopeCounter};
use syncline_core::scope::Scope;
use syncline_core::{Error, ErrorKind};
use syncline_model::models;

use super::PageProblem;
use super::form::Fields;
use super::scope::{last_planned, picked};
use super::show::{Count, When, clean};
use crate::ApiState;
use crate::routes::syncs::view;

/// The fields of the form that say what a run is about.
const FIELDS: [&str; 3] = ["record", "model", "sites"];
/// So many things that could not be counted are named.
const NAMED: usize = 10;

/// What a form picks, counted: sentences, one a line.
#[derive(Debug, Serialize)]
pub struct Counted {
    lines: Vec<String>,
}

/// `GET /syncs/{name}/run/count?model=device&sites=atl`: how many records that is, for the script of the form. What cannot be counted
/// because it cannot be picked is told in the same way: it is no fault while somebody types.
pub async fn fragment(
    State(state): State<ApiState>,
    State(counter): State<ScopeCounter>,
    Path(name): Path<String>,
    fields: Fields,
) -> Result<Json<Counted>, PageProblem> {
    fields.only(&FIELDS)?;
    view(&state, &name).await?;
    match lines(&state, &counter, &name, &fields).await {
        Ok(lines) => Ok(Json(Counted { lines })),
        Err(problem) => {
            let problem = problem.into_problem();
            if !problem.status().is_client_error() {
                return Err(problem.into());
            }
            Ok(Json(Counted { lines: vec![format!("Not counted: {}", plain(problem.detail()))] }))
        }
    }
}

/// How many records the source had of what a form picks, in the last run of a sync that tells; in sentences. No system is asked.
pub async fn lines(
    state: &ApiState,
    counter: &ScopeCounter,
    sync: &str,
    fields: &Fields,
) -> Result<Vec<String>, PageProblem> {
    let definition = state.syncs.sync(sync).await?.definition;
    let Some(scope) = picked(fields, &definition)? else {
        return Ok(vec!["Nothing is picked: the run is about all that the sync is about.".to_owned()]);
    };
    let Some(run) = last_planned(state.runner.history(), sync).await? else {
        return Ok(vec![
            "No run of the sync has read anything yet: the first one tells how many records there are.".to_owned(),
        ]);
    };
    let phases = state.runner.history().phases(run.id).await?;
    let read = phases.iter().find(|phase| phase.phase == Phase::LoadSource).map(|phase| phase.started);
    let at = When::of(read.or(run.started).unwrap_or(run.created));
    let counted = counted(state, counter, &run, &scope).await?;
    let Some(counted) = counted else {
        let text = format!(
            "Not counted: the last plan is that of run {}. Its plan is not on this machine any more, or was never here: start a dry run \
             here to count again.",
            run.id
        );
        return Ok(vec![text]);
    };
    Ok(told(&counted, &scope, &run, at))
}

async fn counted(
    state: &ApiState,
    counter: &ScopeCounter,
    run: &Run,
    scope: &Scope,
) -> Result<Option<ScopeCount>, PageProblem> {
    let (runner, counter, run, scope) = (Arc::clone(&state.runner), counter.clone(), run.clone(), scope.clone());
    let counted = tokio::task::spawn_blocking(move || runner.count_scope(&counter, &run, &scope)).await;
    let counted =
        counted.map_err(|cause| Error::new(ErrorKind::Internal, "the records were not counted").caused_by(cause));
    Ok(counted.flatten()?)
}

/// A count in sentences.
fn told(count: &ScopeCount, scope: &Scope, run: &Run, at: When) -> Vec<String> {
    let known = || count.models.iter().filter_map(|model| Some((model.model.as_str(), model.records?)));
    let total = known().map(|(_, records)| records).sum::<u64>() + count.records;
    let mut parts: Vec<_> =
        known().filter(|(_, records)| *records > 0).map(|(model, records)| things(model, records)).collect();
    if count.records > 0 && !parts.is_empty() {
        parts.push(format!("{} picked by name", Count(count.records)));
    }
    let is_whole = count.gone.is_empty() && count.models.iter().all(|model| !model.is_partial);
    let least = if is_whole { "" } else { "at least " };
    let which = if parts.len() > 1 { format!(": {}", parts.join(", ")) } else { String::new() };
    let of = match &parts[..] {
        [only] if count.records == 0 => only.clone(),
        _ => Count(total).of("record", "records"),
    };
    let mut lines = vec![
        format!("{} of the source{which}.", capital(&format!("{least}{of}"))),
        format!(
            "As run {} read it {} ({}). What they need comes along and is not counted.",
            run.id,
            at.told(),
            at.full()
        ),
    ];
    let mut line = |names: Vec<String>, says: &dyn Fn(&str) -> String| {
        if !names.is_empty() {
            lines.push(says(&listed(names)));
        }
    };
    let missing = count.missing.iter().map(|record| clean(&record.to_string())).collect();
    line(missing, &|names| format!("The source had no {names}."));
    let partial = count.models.iter().filter(|model| model.is_partial).map(|model| plural(&model.model)).collect();
    line(partial, &|names| format!("The read of {names} tells not of all of them."));
    let gone = count.gone.iter().map(|model| plural(model)).collect();
    line(gone, &|names| format!("The read of {names} is not kept any more: a new run of the sync has it again."));
    if scope.has_sites() && total == 0 && is_whole {
        let sites = scope.sites().map(ToString::to_string).collect();
        line(sites, &|names| format!("Nothing of it stands at {names}: look at the spelling of the slugs."));
    }
    lines
}

/// So many records of a model.
fn things(model: &str, records: u64) -> String {
    match models::by_name(model) {
        Some(known) => Count(records).of(known.label, known.plural),
        None => format!("{} {}", Count(records), clean(model)),
    }
}

fn plural(model: &str) -> String {
    models::by_name(model).map_or_else(|| clean(model), |known| known.plural.to_owned())
}

/// Names in a line; of many the first.
fn listed(mut names: Vec<String>) -> String {
    let more = names.len().saturating_sub(NAMED);
    names.truncate(NAMED);
    let named = names.join(", ");
    if more == 0 { named } else { format!("{named} and {more} more") }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// Without the marks of code.
fn plain(text: &str) -> String {
    clean(text).replace('`', "")
}
