//! `syncline states`: of each record, whether the target has it as the source says. As the last drift check found it, which a schedule
//! may have made.

use syncline_core::change::Action;
use syncline_core::history::{Finding, History, Purpose, Run, RunFilter, RunStatus};
use syncline_core::run::{RunRequest, SyncBook as _};
use syncline_core::{Error, ErrorKind, Result as CoreResult};

use super::drift::of_sync;
use super::history::ensure_sync;
use super::run::{followed, tell_error};
use crate::cli::args::StatesArguments;
use crate::cli::exit::Exit;
use crate::cli::failure::{Failure, exit_of};
use crate::cli::session::{Opened, Session};
use crate::cli::view;
use crate::cli::view::states::{Check, ModelStates, RecordState, State, States};

/// Runs the command: `{"sync", "check": {"run", "at", "outdated_by"}, "models", "records"}`. Exit code 2 when a record is not
/// in sync, 1 when a model was not compared.
pub async fn run(session: &Session, options: &StatesArguments) -> Result<Exit, Failure> {
    let StatesArguments { sync: name, model, refresh, full } = options;
    let Opened { book, runner } = session.open().await?;
    let history = runner.history();
    ensure_sync(session, history, name).await?;
    if *refresh {
        let (running, sync) = (&runner, book.sync(name).await?.definition);
        let report = followed(session, |events, cancel| async move {
            running.run(&sync, RunRequest::drift(), &events, &cancel).await
        })
        .await?;
        if let Some(error) = &report.error {
            tell_error(session, &report);
            return Ok(exit_of(error));
        }
    }
    let states = states(history, name, model.as_deref()).await?;
    session.console.show(&states, |states| view::states::text(states, *full))?;
    Ok(exit(&states))
}

/// Nobody knows how the records of a model stand that was not compared: that is not "in sync".
fn exit(states: &States) -> Exit {
    let differs = |model: &ModelStates| model.drifted + model.missing > 0;
    if !states.records.is_empty() || states.models.iter().any(differs) {
        Exit::Pending
    } else if states.models.iter().any(|model| model.not_compared.is_some()) {
        Exit::Error
    } else {
        Exit::Done
    }
}

async fn states(history: &History, sync: &str, model: Option<&str>) -> CoreResult<States> {
    let check = last_check(history, sync).await?;
    let is_wanted = |name: &str| model.is_none_or(|model| model == name);
    let models = history.models(check.id).await?.into_iter().filter(|found| is_wanted(&found.model));
    let models: Vec<_> = models
        .filter_map(|found| {
            let diff = found.diff?;
            if let Some(reason) = found.doubt() {
                let not_compared = Some(reason);
                return Some(ModelStates { model: found.model, not_compared, ..ModelStates::default() });
            }
            Some(ModelStates {
                model: found.model,
                in_sync: diff.unchanged,
                drifted: diff.update,
                missing: diff.create,
                only_in_target: diff.delete,
                ambiguous: diff.ambiguous,
                not_compared: None,
            })
        })
        .collect();
    if let Some(model) = model.filter(|_| models.is_empty()) {
        let message = format!("the check of `{sync}` did not compare `{model}`; `syncline drift {sync}` tells why");
        return Err(Error::new(ErrorKind::NotFound, message));
    }
    let found = of_sync(history, sync).await?.into_iter().filter(|found| is_wanted(&found.model));
    let at = check.finished.unwrap_or(check.created);
    let later = history.last_completed(sync).await?.filter(|(_, ended)| *ended > at);
    Ok(States {
        sync: sync.to_owned(),
        check: Check { run: check.id, at, outdated_by: later.map(|(run, _)| run) },
        models,
        records: by_record(found),
    })
}

async fn last_check(history: &History, sync: &str) -> CoreResult<Run> {
    let filter = RunFilter {
        sync: Some(sync.to_owned()),
        status: vec![RunStatus::Completed],
        purpose: Some(Purpose::Drift),
        ..RunFilter::default()
    };
    let check = history.runs(&filter, None, 1).await?.items.pop();
    check.ok_or_else(|| {
        let message = format!(
            "nobody has looked yet how the records of `{sync}` stand: `syncline states {sync} --refresh` does, and `drift` of the sync \
             does by a schedule"
        );
        Error::new(ErrorKind::NotFound, message)
    })
}

/// The differences of one record are one state. They come by model and record.
fn by_record(found: impl Iterator<Item = Finding>) -> Vec<RecordState> {
    let mut records: Vec<RecordState> = Vec::new();
    for finding in found {
        let Finding { model, key, field, since_run, last, acknowledged, .. } = finding;
        match records.last_mut().filter(|record| record.model == model && record.key == key) {
            Some(record) => {
                record.fields.extend(field);
                record.since_run = record.since_run.min(since_run);
                record.acknowledged &= acknowledged.is_some();
            }
            None => records.push(RecordState {
                model,
                key,
                state: match finding.action {
                    Action::Create => State::Missing,
                    Action::Update => State::Drifted,
                    Action::Delete => State::OnlyInTarget,
                },
                fields: field.into_iter().collect(),
                since_run,
                checked: last,
                acknowledged: acknowledged.is_some(),
            }),
        }
    }
    records
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_compared_is_not_in_sync() {
        let check = || Check { run: syncline_core::history::RunId::new(1), at: chrono::Utc::now(), outdated_by: None };
        let of = |models| exit(&States { sync: "lab".to_owned(), check: check(), models, records: Vec::new() });
        let doubted = || ModelStates { not_compared: Some("a page is missing".to_owned()), ..ModelStates::default() };
        let drifted = || ModelStates { drifted: 1, ..ModelStates::default() };
        assert_eq!(of(vec![ModelStates::default()]), Exit::Done);
        assert_eq!(of(vec![ModelStates::default(), doubted()]), Exit::Error);
        assert_eq!(of(vec![drifted(), doubted()]), Exit::Pending);
    }
}
