//! `syncline quarantine`: records that the source no longer has, and what people decide about them.

use chrono::Utc;
use serde::Serialize;
use syncline_core::history::{AuditAction, History, QuarantineFilter, Quarantined};
use syncline_core::plan::Selector;
use syncline_core::quarantine::{Decision, State, Verdict};
use syncline_core::run::RunRequest;
use syncline_core::similar;
use syncline_core::{Error, ErrorKind};
use syncline_model::AnyKey;

use super::account::note;
use super::history::{ensure_sync, open};
use super::review::ensure_reason;
use crate::cli::args::{Absent, Decide, QuarantineCommand};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::session::Session;
use crate::cli::view;

/// An absent record, for programs.
#[derive(Debug, Serialize)]
struct Row<'a> {
    /// The record as `keep`, `delete` and `restore` take it.
    record: String,
    #[serde(flatten)]
    absent: &'a Quarantined,
}

/// Runs the command.
pub async fn run(session: &Session, command: &QuarantineCommand) -> Result<Exit, Failure> {
    match command {
        QuarantineCommand::List { sync, model, state, limit } => {
            list(session, sync.as_deref(), model.as_deref(), *state, *limit).await
        }
        QuarantineCommand::Keep(decide) => decided(session, decide, Verdict::Keep).await,
        QuarantineCommand::Delete(decide) => decided(session, decide, Verdict::DeleteNow).await,
        QuarantineCommand::Restore(decide) => decided(session, decide, Verdict::Restore).await,
    }
}

/// `syncline quarantine list`: `[{"record", "sync", "model", "key", "state", "streak", …}, …]`, by sync, model and key.
async fn list(
    session: &Session,
    sync: Option<&str>,
    model: Option<&str>,
    state: Option<Absent>,
    limit: u64,
) -> Result<Exit, Failure> {
    if let Some(model) = model.filter(|model| syncline_model::models::by_name(model).is_none()) {
        let known = syncline_model::models::ALL.iter().map(|schema| schema.name);
        let remedy = similar::remedy(model, known);
        return Err(Failure::argument(format!("there is no model `{model}`; {remedy}")));
    }
    let history = open(session).await?;
    if let Some(sync) = sync {
        ensure_sync(session, &history, sync).await?;
    }
    let filter = QuarantineFilter {
        sync: sync.map(str::to_owned),
        state: state.map(State::from),
        model: model.map(str::to_owned),
    };
    let page = history.quarantine(&filter, None, limit).await?;
    if page.items.is_empty() && !session.console.is_json() {
        session.console.note("nothing is in quarantine");
        return Ok(Exit::Done);
    }
    let rows: Vec<_> = page.items.iter().map(row).collect();
    session.console.show(&rows, |_| view::quarantine::list(&page.items))?;
    if page.next.is_some() {
        session.console.note(&format!("these are the first {limit}; `--limit` lists more"));
    }
    Ok(Exit::Done)
}

/// `syncline quarantine keep`, `delete` and `restore`: the record as it is now.
async fn decided(session: &Session, decide: &Decide, verdict: Verdict) -> Result<Exit, Failure> {
    ensure_reason(&decide.reason)?;
    let (model, key) = record(&decide.record)?;
    let history = open(session).await?;
    let sync = match &decide.sync {
        Some(sync) => {
            ensure_sync(session, &history, sync).await?;
            sync.clone()
        }
        None => sync_of(&history, &model, &key).await?,
    };
    let decision = Decision { verdict, by: RunRequest::default().by, reason: decide.reason.clone(), at: Utc::now() };
    let absent = history.decide_absent(&sync, &model, &key, &decision).await?;
    let detail = format!("{sync}: {}", decision.reason);
    note(&history, AuditAction::QuarantineDecide, &view::quarantine::record(&absent), Some(&detail)).await?;
    session.console.show(&row(&absent), |_| view::quarantine::decided(&absent, verdict))?;
    Ok(Exit::Done)
}

fn row(absent: &Quarantined) -> Row<'_> {
    Row { record: view::quarantine::record(absent), absent }
}

/// The one record that a person names.
fn record(text: &str) -> Result<(String, AnyKey), Failure> {
    let selector: Selector = text.parse().map_err(|error: Error| Failure::argument(error.to_string()))?;
    let message = match selector {
        Selector::Record(model, key) => return Ok((model, key)),
        Selector::Model(model) => format!("`{model}` is a model: name one record of it, `{model}:[\"part\",…]`"),
        Selector::Change(_) => format!("`{text}` is a change: name a record, `device:[\"site\",\"name\"]`"),
    };
    Err(Failure::argument(format!("{message}; `syncline quarantine list` has those that are absent")))
}

/// The sync that does not find a record, when it is the only one.
async fn sync_of(history: &History, model: &str, key: &AnyKey) -> Result<String, Failure> {
    let mut syncs = Vec::new();
    for sync in history.syncs().await? {
        if history.absent(sync.id, model, [key]).await?.contains_key(key) {
            syncs.push(sync.name);
        }
    }
    let record = Selector::Record(model.to_owned(), key.clone());
    match syncs.as_slice() {
        [only] => Ok(only.clone()),
        [] => {
            let message = format!("`{record}` is not in quarantine: `syncline quarantine list` has what is");
            Err(Error::new(ErrorKind::NotFound, message).into())
        }
        many => {
            let names: Vec<_> = many.iter().map(|name| format!("`--sync {name}`")).collect();
            let message =
                format!("`{record}` is absent in {} syncs: say which is meant, {}", many.len(), names.join(" or "));
            Err(Failure::argument(message))
        }
    }
}
