//! `syncline ignore`: differences that no run is to write, until a day or until somebody ends it.

use chrono::Utc;
use syncline_core::Error;
use syncline_core::history::{AuditAction, History, Ignore, IgnoreFilter, IgnoreId, NewIgnore, NotIgnored};
use syncline_core::plan::Selector;
use syncline_core::run::RunRequest;
use syncline_model::AnyKey;

use super::account::note;
use super::history::{ensure_sync, open};
use super::review::ensure_reason;
use crate::cli::args::{IgnoreCommand, LeaveAlone};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::session::Session;
use crate::cli::view;

/// Runs the command.
pub async fn run(session: &Session, command: &IgnoreCommand) -> Result<Exit, Failure> {
    match command {
        IgnoreCommand::List { sync, all, limit } => list(session, sync.as_deref(), *all, *limit).await,
        IgnoreCommand::Add(wish) => add(session, wish).await,
        IgnoreCommand::End { sync, id } => end(session, sync, *id).await,
    }
}

/// `syncline ignore list`: `[{"id", "sync", "model", "key", "field", "until", "by", "reason", "at", "ended"}, …]`, newest first.
async fn list(session: &Session, sync: Option<&str>, all: bool, limit: u64) -> Result<Exit, Failure> {
    let history = open(session).await?;
    if let Some(sync) = sync {
        ensure_sync(session, &history, sync).await?;
    }
    let now = Utc::now();
    let filter =
        IgnoreFilter { sync: sync.map(str::to_owned), in_force: (!all).then_some(now), ..IgnoreFilter::default() };
    let page = history.ignores(&filter, None, limit).await?;
    if page.items.is_empty() && !session.console.is_json() {
        let what = if all { "nothing was ever left alone" } else { "nothing is left alone; `--all` lists what was" };
        session.console.note(what);
        return Ok(Exit::Done);
    }
    session.console.show(&page.items, |ignores| view::ignore::list(ignores, now))?;
    if page.next.is_some() {
        session.console.note(&format!("these are the newest {limit}; `--limit` lists more"));
    }
    Ok(Exit::Done)
}

/// `syncline ignore add`: what is left alone.
async fn add(session: &Session, wish: &LeaveAlone) -> Result<Exit, Failure> {
    ensure_reason(&wish.reason)?;
    let (model, key) = record(&wish.record)?;
    let history = open(session).await?;
    ensure_sync(session, &history, &wish.sync).await?;
    let new = NewIgnore {
        sync: wish.sync.clone(),
        model,
        key,
        field: wish.field.clone(),
        until: wish.until,
        by: RunRequest::default().by,
        reason: wish.reason.clone(),
    };
    let made = history.ignore(&new, Utc::now()).await.map_err(|refused| match refused {
        NotIgnored::Failed(error) => Failure::from(error),
        refused => Failure::argument(refused.to_string()),
    })?;
    told(&history, AuditAction::IgnoreMake, &made).await?;
    session.console.show(&made, view::ignore::made)?;
    Ok(Exit::Done)
}

/// `syncline ignore end`: what was left alone.
async fn end(session: &Session, sync: &str, id: i64) -> Result<Exit, Failure> {
    let history = open(session).await?;
    ensure_sync(session, &history, sync).await?;
    let ended = history.end_ignore(sync, IgnoreId::new(id), &RunRequest::default().by, Utc::now()).await?;
    told(&history, AuditAction::IgnoreEnd, &ended).await?;
    session.console.show(&ended, view::ignore::ended)?;
    Ok(Exit::Done)
}

async fn told(history: &History, action: AuditAction, ignore: &Ignore) -> Result<(), Failure> {
    let field = ignore.field.as_ref().map(|field| format!(", `{field}`")).unwrap_or_default();
    let detail = format!("{}{field}: {}", ignore.sync, ignore.words());
    note(history, action, &view::ignore::record(ignore), Some(&detail)).await
}

/// The one record that a person names.
fn record(text: &str) -> Result<(String, AnyKey), Failure> {
    let selector: Selector = text.parse().map_err(|error: Error| Failure::argument(error.to_string()))?;
    let message = match selector {
        Selector::Record(model, key) => return Ok((model, key)),
        Selector::Model(model) => format!(
            "`{model}` is a model: name one record of it, `{model}:[\"part\",…]`; whole fields are given to the target by `policy.fields`"
        ),
        Selector::Change(_) => format!("`{text}` is a change: name a record, `device:[\"site\",\"name\"]`"),
    };
    Err(Failure::argument(message))
}
