//! `syncline catalogue`: what a target has that rules and settings can name. Read when asked for, so that nothing goes stale.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde::Serialize;
use serde_json::json;
use syncline_core::describe::Catalogue;
use syncline_core::event::Events;
use syncline_core::run::SideDefinition;
use syncline_core::similar;
use syncline_core::{Error, ErrorKind};

use crate::cli::console::{DIM, NAME, WARN, clean, paint};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::session::Session;
use crate::cli::view::number::count;
use crate::cli::view::table::Columns;

/// What a target has.
#[derive(Debug, Serialize)]
struct Found {
    connection: String,
    connector: String,
    catalogues: Vec<Catalogue>,
}

/// Runs the command: `{"connection", "connector", "catalogues": [{"name", "entries": [{"id", "name", "note"}], "unreadable"}]}`. `of` is
/// a sync, whose target is asked, or a connection.
pub async fn run(session: &Session, of: &str, wanted: Option<&str>) -> Result<Exit, Failure> {
    let side = side(session, of).await?;
    let registry = crate::registry()?;
    let connector = registry.get(&side.connector)?;
    let mut catalogues = registry.connect_target(&side, &Events::new()).await?.catalogues().await?;
    if catalogues.is_empty() {
        let message = format!("{} has no catalogues that Syncline knows", connector.label);
        return Err(Error::new(ErrorKind::Unsupported, message).into());
    }
    if let Some(wanted) = wanted {
        let names: Vec<_> = catalogues.iter().map(|catalogue| catalogue.name).collect();
        if !names.contains(&wanted) {
            let remedy = similar::remedy(wanted, names);
            let message = format!("{} has no catalogue `{wanted}`; {remedy}", connector.label);
            return Err(Error::new(ErrorKind::NotFound, message).into());
        }
        catalogues.retain(|catalogue| catalogue.name == wanted);
    }
    let found = Found { connection: side.connection_name.clone(), connector: side.connector.clone(), catalogues };
    session.console.show(&found, text)?;
    Ok(Exit::Done)
}

/// The target of a sync, or a connection of which no sync need know yet.
async fn side(session: &Session, of: &str) -> Result<SideDefinition, Failure> {
    let configuration = session.configuration()?;
    if configuration.syncs.contains_key(of) {
        return Ok(session.sync(of).await?.definition.target);
    }
    if let Some(connection) = configuration.connections.get(of) {
        return Ok(SideDefinition {
            connection_name: of.to_owned(),
            connector: connection.connector.clone(),
            connection: connection.settings.clone(),
            parameters: json!({}),
        });
    }
    let stored: Vec<_> = session.open().await?.book.stored().await?.into_iter().map(|sync| sync.name).collect();
    if stored.iter().any(|name| name == of) {
        return Ok(session.sync(of).await?.definition.target);
    }
    // Those of the file are stored too.
    let syncs: BTreeSet<&String> = configuration.syncs.keys().chain(&stored).collect();
    let known = configuration.connections.keys().chain(syncs);
    let remedy = similar::remedy(of, known.map(String::as_str).collect::<Vec<_>>());
    Err(Error::new(ErrorKind::NotFound, format!("there is no connection or sync `{of}`; {remedy}")).into())
}

fn text(found: &Found) -> String {
    let mut text = String::new();
    for catalogue in &found.catalogues {
        if !text.is_empty() {
            text.push('\n');
        }
        let title = catalogue.name.replace('_', " ");
        let _ = writeln!(text, "{} {}", paint(NAME, &title), paint(DIM, &count(catalogue.entries.len() as u64)));
        if let Some(why) = &catalogue.unreadable {
            let _ = writeln!(text, "  {} {}", paint(WARN, "cannot be read:"), clean(why));
        }
        if catalogue.entries.is_empty() {
            continue;
        }
        let mut columns = Columns::new(&["id#", "name", "note"]);
        for entry in &catalogue.entries {
            columns.row(&[entry.id.clone(), entry.name.clone(), entry.note.clone()]);
        }
        text += &columns.text();
    }
    text
}
