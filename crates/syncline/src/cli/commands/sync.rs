//! `syncline sync`: the syncs that there are.

use std::path::Path;

use serde_json::{Map, Value};
use syncline_core::history::{AuditAction, StoredSync, SyncOwner};
use syncline_core::run::SyncBook as _;
use syncline_core::{Error, ErrorKind};
use syncline_web::SyncStore as _;

use super::account::note;
use crate::cli::args::SyncCommand;
use crate::cli::console::{DIM, WARN, paint};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::session::{Opened, Session};
use crate::cli::view::table::Columns;
use crate::config;

/// Runs the command.
pub async fn run(session: &Session, command: &SyncCommand) -> Result<Exit, Failure> {
    let opened = session.open().await?;
    opened.book.provision().await?;
    let history = opened.runner.history();
    match command {
        SyncCommand::List => list(session, &opened).await?,
        SyncCommand::Show { name } => show(session, &opened, name).await?,
        SyncCommand::Create { name, file, set } => {
            let settings = settings(Map::new(), file.as_deref(), set)?;
            let (_, warnings) = opened.book.create(name, &settings).await?;
            note(history, AuditAction::SyncCreate, name, None).await?;
            warn(session, &warnings);
            told(session, name, "created")?;
        }
        SyncCommand::Set { name, file, set } => {
            let known = stored(&opened, name).await?;
            let settings = settings(object(known.settings), file.as_deref(), set)?;
            let warnings = opened.book.change(name, &settings).await?;
            note(history, AuditAction::SyncChange, name, None).await?;
            warn(session, &warnings);
            told(session, name, "changed")?;
        }
        SyncCommand::Delete { name } => {
            history.remove_sync(name).await?;
            note(history, AuditAction::SyncRemove, name, None).await?;
            told(session, name, "deleted; what it did stays in the history")?;
        }
        SyncCommand::Pause { name } => {
            history.pause_sync(name, true).await?;
            note(history, AuditAction::SyncPause, name, None).await?;
            told(session, name, "paused: its schedules rest")?;
        }
        SyncCommand::Unpause { name } => {
            history.pause_sync(name, false).await?;
            note(history, AuditAction::SyncUnpause, name, None).await?;
            told(session, name, "unpaused")?;
        }
    }
    Ok(Exit::Done)
}

/// `{"sync", "message"}`.
fn told(session: &Session, name: &str, what: &str) -> Result<(), Failure> {
    let view = serde_json::json!({"sync": name, "message": what});
    session.console.show(&view, |_| format!("`{name}` is {what}\n"))?;
    Ok(())
}

fn warn(session: &Session, warnings: &[String]) {
    for warning in warnings {
        session.console.note(&paint(WARN, warning));
    }
}

async fn stored(opened: &Opened, name: &str) -> Result<StoredSync, Failure> {
    let known = opened.runner.history().sync(name).await?.filter(|sync| sync.owner.is_some());
    match known {
        Some(known) => Ok(known),
        // The error names those that there are.
        None => Err(opened.book.sync(name).await.err().unwrap_or_else(|| lost(name)).into()),
    }
}

fn lost(name: &str) -> Error {
    Error::new(ErrorKind::NotFound, format!("there is no sync `{name}`"))
}

async fn list(session: &Session, opened: &Opened) -> Result<(), Failure> {
    let views = opened.book.list().await?;
    session.console.show(&views, |views| {
        let mut table = Columns::new(&["sync", "kept in", "source", "target", "runs", "next"]);
        for view in views {
            let setting = |name: &str| {
                let settings = view.settings.as_ref();
                settings.and_then(|settings| settings.get(name)?.as_str()).unwrap_or_default().to_owned()
            };
            let kept_in = if view.owner == Some(SyncOwner::File) { "file" } else { "history" };
            let next = view.next.map(|next| next.format("%Y-%m-%d %H:%M:%S UTC").to_string()).unwrap_or_default();
            let runs = match (&view.error, view.paused) {
                (Some(_), _) => "broken".to_owned(),
                (None, true) => "paused".to_owned(),
                (None, false) => view.schedule.clone().unwrap_or_default(),
            };
            table.row(&[view.name.clone(), kept_in.to_owned(), setting("source"), setting("target"), runs, next]);
        }
        table.text()
    })?;
    Ok(())
}

async fn show(session: &Session, opened: &Opened, name: &str) -> Result<(), Failure> {
    let view = opened.book.view(stored(opened, name).await?).await?;
    session.console.show(&view, |view| {
        let kept_in = if view.owner == Some(SyncOwner::File) { "the configuration file" } else { "the history" };
        let mut text = format!("{name}, kept in {kept_in}\n");
        if let Some(schedule) = &view.schedule {
            text = format!("{text}runs {schedule}\n");
        }
        if view.paused {
            text.push_str("paused: its schedules rest\n");
        }
        if let Some(error) = &view.error {
            text.push_str(&paint(WARN, &format!("cannot run: {error}\n")));
        }
        let settings = serde_json::to_string_pretty(&view.settings).unwrap_or_default();
        text.push_str(&paint(DIM, &format!("{settings}\n")));
        text
    })?;
    Ok(())
}

/// Settings as they are, with those of a file and single ones laid over them.
fn settings(mut settings: Map<String, Value>, file: Option<&Path>, single: &[String]) -> Result<Value, Failure> {
    if let Some(file) = file {
        settings.extend(config::read_table(file)?);
    }
    for text in single {
        let Some((key, value)) = text.split_once('=') else {
            let message =
                format!("`--set {text}` has no value: write it as `KEY=VALUE`, for example `auto_merge=false`");
            return Err(Failure::argument(message));
        };
        // What is no JSON is a text.
        let value = serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned()));
        let key: Vec<_> = key.split('.').collect();
        set(&mut settings, &key, value);
    }
    Ok(Value::Object(settings))
}

/// Sets a key of a tree; null takes it out.
fn set(tree: &mut Map<String, Value>, key: &[&str], value: Value) {
    match key {
        [] => {}
        [last] if value.is_null() => {
            tree.remove(*last);
        }
        [last] => {
            tree.insert((*last).to_owned(), value);
        }
        [first, rest @ ..] => {
            let below = tree.entry((*first).to_owned()).or_insert_with(|| Value::Object(Map::new()));
            if !below.is_object() {
                *below = Value::Object(Map::new());
            }
            if let Value::Object(below) = below {
                set(below, rest, value);
            }
        }
    }
}

fn object(settings: Option<Value>) -> Map<String, Value> {
    match settings {
        Some(Value::Object(settings)) => settings,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn single_settings_are_laid_over_what_is_there() {
        let there = object(Some(json!({"source": "a", "models": {"vlan": "off"}, "policy": {"deletes": "hold"}})));
        let single = ["models.device=lookup", "auto_merge=false", "policy.deletes=apply", "models.vlan=null"];
        let set = settings(there, None, &single.map(str::to_owned)).unwrap();
        let expected = json!({
            "source": "a", "auto_merge": false, "models": {"device": "lookup"}, "policy": {"deletes": "apply"},
        });
        assert_eq!(set, expected);
    }
}
