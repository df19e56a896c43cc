//! `syncline history` and `syncline show`: what runs did.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::time::Duration;

use serde::Serialize;
use syncline_core::change::{Change, Hold};
use syncline_core::history::{ChangeFilter, History, OutcomeKind, Run, RunFilter, RunId, RunStatus, StoredChange};
use syncline_core::native::Native;
use syncline_core::similar;
use syncline_core::{Error, ErrorKind};
use syncline_render::Extent;

use crate::cli::console::{BAD, DIM, clean, data_writer, paint};
use crate::cli::exit::Exit;
use crate::cli::failure::{Failure, error_text};
use crate::cli::session::Session;
use crate::cli::view::plan::{self, write_change};
use crate::cli::view::report::{RunView, decisions, run_table};

/// How many changes are fetched at once.
const PAGE: u64 = 1000;

/// `syncline history`: `[run, …]` for programs, newest first.
pub async fn list(session: &Session, filter: RunFilter, limit: u64) -> Result<Exit, Failure> {
    let history = open(session).await?;
    let runs = history.runs(&filter, None, limit).await?.items;
    if runs.is_empty() && !session.console.is_json() {
        let sync = filter.sync.map(|sync| format!(" of `{sync}`")).unwrap_or_default();
        let request = filter.request_id.map(|id| format!(" with the request `{id}`")).unwrap_or_default();
        session.console.note(&format!("no runs{sync}{request} yet"));
    } else {
        let waited = waited(&history, &runs).await?;
        session.console.show(&runs, |runs| run_table(runs, &waited))?;
    }
    Ok(Exit::Done)
}

/// How long runs waited between their phases.
async fn waited(history: &History, runs: &[Run]) -> Result<BTreeMap<RunId, Duration>, Error> {
    let mut waited = BTreeMap::new();
    for run in runs.iter().filter(|run| run.finished.is_some()) {
        waited.insert(run.id, run.waited(&history.phases(run.id).await?));
    }
    Ok(waited)
}

/// A run for programs, with its changes when they are asked for.
#[derive(Debug, Serialize)]
struct Shown {
    #[serde(flatten)]
    run: RunView,
    #[serde(skip_serializing_if = "Option::is_none")]
    changes: Option<Vec<StoredChange>>,
}

/// `syncline show`.
pub async fn show(session: &Session, wanted: &str, changes: bool) -> Result<Exit, Failure> {
    let history = open(session).await?;
    let run = find(&history, wanted).await?;
    let id = run.id;
    let reviewed = (run.status == RunStatus::AwaitingReview).then(|| run.clone());
    let view = RunView::load(&history, run).await?;
    if session.console.is_json() {
        let changes = if changes { Some(all_changes(&history, id).await?) } else { None };
        session.console.json(&Shown { run: view, changes })?;
        return Ok(Exit::Done);
    }
    session.console.data(&view.text(false))?;
    match reviewed {
        // The history has the changes of plans that were applied.
        Some(run) => show_review(session, &run, changes).await?,
        None if changes => write_changes(session, &history, id).await?,
        None => {}
    }
    Ok(Exit::Done)
}

/// What a run would do that waits for a person, and how that person says so.
async fn show_review(session: &Session, run: &Run, all: bool) -> Result<(), Failure> {
    match session.open().await?.runner.plan_of(run).await {
        Ok(plan) => {
            session.console.data("\n")?;
            let extent = if all { Extent::Full } else { Extent::Short };
            let more = format!("`syncline show {} --changes` shows every change with every value", run.id);
            plan::write_plan_with(&plan, extent, &more, &mut data_writer())?;
        }
        // Who waits can be told all the same.
        Err(error) => session.console.error(&error_text(&error)),
    }
    session.console.data(&decisions(run))?;
    Ok(())
}

/// The history alone, for what needs no runner.
pub async fn open(session: &Session) -> Result<History, Failure> {
    Ok(crate::open_history(&session.configuration()?).await?)
}

/// Refuses a sync that neither the configuration nor the history knows: nothing of it is not the same as nothing.
pub async fn ensure_sync(session: &Session, history: &History, name: &str) -> Result<(), Failure> {
    let mut known: Vec<_> = session.configuration()?.syncs.into_keys().collect();
    known.extend(history.syncs().await?.into_iter().map(|sync| sync.name));
    if known.iter().any(|known| known == name) {
        return Ok(());
    }
    known.sort();
    known.dedup();
    let remedy = similar::remedy(name, known.iter().map(String::as_str));
    Err(Error::new(ErrorKind::NotFound, format!("there is no sync `{name}`; {remedy}")).into())
}

/// The run that a person means; `last` is the newest.
pub async fn find(history: &History, wanted: &str) -> Result<Run, Error> {
    if wanted != "last" {
        return history.find_run(wanted).await;
    }
    let newest = history.runs(&RunFilter::default(), None, 1).await?.items.pop();
    newest.ok_or_else(|| Error::new(ErrorKind::NotFound, "there are no runs yet; `syncline run SYNC` makes one"))
}

async fn all_changes(history: &History, run: RunId) -> Result<Vec<StoredChange>, Error> {
    let mut all = Vec::new();
    let mut after = None;
    loop {
        let page = history.changes(run, &ChangeFilter::default(), after, PAGE).await?;
        all.extend(page.items);
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(all),
        }
    }
}

/// Writes the changes page by page: a run may have a million.
async fn write_changes(session: &Session, history: &History, run: RunId) -> Result<(), Failure> {
    let mut after = None;
    let mut model = String::new();
    loop {
        let page = history.changes(run, &ChangeFilter::default(), after, PAGE).await?;
        let mut text = Vec::new();
        for change in page.items {
            if change.model != model {
                model.clone_from(&change.model);
                writeln!(text, "\n{}", clean(&model))?;
            }
            write_stored(&mut text, change)?;
        }
        session.console.data(&String::from_utf8_lossy(&text))?;
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(()),
        }
    }
}

fn write_stored(text: &mut Vec<u8>, stored: StoredChange) -> std::io::Result<()> {
    let reason = stored.reason.clone().unwrap_or_default();
    // What no rule of the plan held was held when the plan was applied: the reason says it all.
    let rule = stored.rule.filter(|_| stored.outcome == OutcomeKind::Held);
    let hold = rule.map(|rule| Hold { rule, reason: reason.clone() });
    let held = hold.is_some();
    let change = Change {
        id: stored.change_id,
        model: stored.model,
        key: stored.key,
        action: stored.action,
        site: None,
        native: stored.native_id.map(Native::new),
        fields: stored.fields,
        hold,
        kept: stored.kept,
        source_id: None,
        waits_for: None,
        // What became of it is told below.
        refusal: None,
        image: None,
    };
    write_change(text, &change)?;
    match stored.outcome {
        OutcomeKind::Failed | OutcomeKind::Stale | OutcomeKind::Skipped | OutcomeKind::Held if !held => {
            let outcome = serde_json::to_value(stored.outcome)?;
            let field = stored.field.map(|field| format!(" `{}`", clean(&field))).unwrap_or_default();
            let line = format!("{}{field}: {}", outcome.as_str().unwrap_or_default(), clean(&reason));
            writeln!(text, "      {}", paint(BAD, &line))
        }
        OutcomeKind::Planned => writeln!(text, "      {}", paint(DIM, "planned")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use syncline_core::applied::Cause;
    use syncline_core::change::{Action, FieldChange, KeptField};
    use syncline_core::policy::FieldRule;
    use syncline_model::AnyKey;

    use super::*;

    /// What was written, what was left to the target, and what was held when the plan was applied.
    #[test]
    fn a_change_of_the_past_says_what_was_kept() {
        let change = |action, outcome, reason: Option<&str>| StoredChange {
            seq: 1,
            change_id: "c".to_owned(),
            model: "site".to_owned(),
            key: AnyKey::from_value(&json!(["atl"])).unwrap(),
            action,
            fields: Vec::new(),
            kept: Vec::new(),
            outcome,
            rule: None,
            field: None,
            reason: reason.map(str::to_owned),
            native_id: Some("7".to_owned()),
            request_id: None,
            at: chrono::DateTime::UNIX_EPOCH,
        };
        let kept = KeptField {
            name: "name".to_owned(),
            source: json!("Atlanta"),
            target: json!("ATL"),
            rule: FieldRule::TargetWins,
            ignored: None,
            cause: Cause::TargetDrifted,
        };
        let update = StoredChange {
            fields: vec![FieldChange::new("status", json!("planned"), json!("active"))],
            kept: vec![kept],
            ..change(Action::Update, OutcomeKind::Applied, None)
        };
        let mut text = Vec::new();
        write_stored(&mut text, update).unwrap();
        write_stored(&mut text, change(Action::Delete, OutcomeKind::Held, Some("kept by kim: it moves"))).unwrap();
        insta::assert_snapshot!(anstream::adapter::strip_str(&String::from_utf8(text).unwrap()), @r#"
~ atl
    status: planned -> active
    name: ATL  stays: the target owns it (`target_wins`); the source says Atlanta  (the target drifted)
- atl
    held: kept by kim: it moves
"#);
    }
}
