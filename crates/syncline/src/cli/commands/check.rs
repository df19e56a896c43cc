//! `syncline check`: do both systems of a sync answer, and will the sync work.

use std::fmt::Write as _;

use futures::future::join;
use serde::Serialize;
use serde_json::Value;
use syncline_core::Result;
use syncline_core::describe::CheckReport;
use syncline_core::event::{Events, Side};
use syncline_core::registry::Registry;
use syncline_core::run::SyncDefinition;

use crate::cli::console::{GOOD, NAME, WARN, clean, paint};
use crate::cli::exit::Exit;
use crate::cli::failure::{Failure, error_json, error_text};
use crate::cli::session::{Session, connect_source, connect_target};

/// What the check of a sync found.
#[derive(Debug, Serialize)]
struct Found {
    sync: String,
    ok: bool,
    sides: Vec<FoundSide>,
}

/// What the check of one side found: a report, or an error.
#[derive(Debug, Serialize)]
struct FoundSide {
    side: Side,
    connection: String,
    connector: String,
    report: Option<CheckReport>,
    error: Option<Value>,
    #[serde(skip)]
    error_text: String,
}

/// Checks both sides; a failure of one does not keep the other from being told. Exit code 1 when a side failed.
pub async fn run(session: &Session, name: &str) -> Result<Exit, Failure> {
    let sync = session.sync(name).await?.definition;
    let registry = crate::registry()?;
    let events = Events::new();
    let (source, target) = join(source(&registry, &sync, &events), target(&registry, &sync, &events)).await;
    let side = |side, definition: &syncline_core::run::SideDefinition, result: Result<CheckReport>| FoundSide {
        side,
        connection: definition.connection_name.clone(),
        connector: definition.connector.clone(),
        error: result.as_ref().err().map(error_json),
        error_text: result.as_ref().err().map(error_text).unwrap_or_default(),
        report: result.ok(),
    };
    let sides = vec![side(Side::Source, &sync.source, source), side(Side::Target, &sync.target, target)];
    let found = Found { sync: sync.name, ok: sides.iter().all(|side| side.report.is_some()), sides };
    session.console.show(&found, text)?;
    if !session.console.is_json() {
        for side in &found.sides {
            session.console.error(&side.error_text);
        }
    }
    Ok(if found.ok { Exit::Done } else { Exit::Error })
}

async fn source(registry: &Registry, sync: &SyncDefinition, events: &Events) -> Result<CheckReport> {
    let connector = registry.get(&sync.source.connector)?;
    connect_source(connector, &sync.source, events).await?.check().await
}

async fn target(registry: &Registry, sync: &SyncDefinition, events: &Events) -> Result<CheckReport> {
    let connector = registry.get(&sync.target.connector)?;
    connect_target(connector, &sync.target, events).await?.check().await
}

fn text(found: &Found) -> String {
    let mut text = String::new();
    for side in &found.sides {
        let title = format!("{} `{}`", if side.side == Side::Source { "Source" } else { "Target" }, side.connection);
        let Some(report) = &side.report else {
            let _ = writeln!(text, "{}: {} does not pass", paint(NAME, &title), side.connector);
            continue;
        };
        let _ = writeln!(text, "{}: {} {}", paint(NAME, &title), clean(&report.system), paint(GOOD, "answers"));
        for fact in &report.facts {
            let _ = writeln!(text, "  {}: {}", clean(&fact.name), clean(&fact.value));
        }
        for warning in &report.warnings {
            let _ = writeln!(text, "  {} {}", paint(WARN, "warning:"), clean(warning));
        }
    }
    text
}
