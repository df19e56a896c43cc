//! `syncline findings`: what runs found and somebody should look at.

use syncline_core::history::{AuditAction, Finding, FindingFilter, FindingId, FindingKind, FindingState};
use syncline_core::run::RunRequest;

use super::account::note;
use super::history::{ensure_sync, open};
use super::review::ensure_reason;
use crate::cli::args::{FindingsArguments, FindingsCommand};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::session::Session;
use crate::cli::view;

/// Runs the command.
pub async fn run(session: &Session, options: &FindingsArguments) -> Result<Exit, Failure> {
    match &options.command {
        Some(FindingsCommand::Acknowledge { id, reason }) => acknowledge(session, *id, reason).await,
        None => list(session, options).await,
    }
}

/// `syncline findings`: `[finding, …]`, the newest first.
async fn list(session: &Session, options: &FindingsArguments) -> Result<Exit, Failure> {
    let history = open(session).await?;
    if let Some(sync) = &options.sync {
        ensure_sync(session, &history, sync).await?;
    }
    let filter = FindingFilter {
        sync: options.sync.clone(),
        kind: options.kind.map(FindingKind::from),
        state: if options.all { Vec::new() } else { vec![FindingState::Open] },
        ..FindingFilter::default()
    };
    let page = history.findings(&filter, None, options.limit).await?;
    let findings: Vec<Finding> = page.items;
    if findings.is_empty() && !session.console.is_json() {
        let what = if options.all { "no findings" } else { "no open findings; `--all` lists the others too" };
        session.console.note(what);
        return Ok(Exit::Done);
    }
    session.console.show(&findings, |findings| view::finding::list(findings))?;
    if page.next.is_some() {
        session.console.note(&format!("these are the newest {}; `--limit` lists more", options.limit));
    }
    Ok(Exit::Done)
}

/// `syncline findings acknowledge`: the finding.
async fn acknowledge(session: &Session, id: i64, reason: &str) -> Result<Exit, Failure> {
    ensure_reason(reason)?;
    let history = open(session).await?;
    let finding = history.acknowledge(FindingId::new(id), &RunRequest::default().by, reason).await?;
    note(&history, AuditAction::FindingAcknowledge, &format!("finding {id}"), None).await?;
    session.console.show(&finding, view::finding::one)?;
    Ok(Exit::Done)
}
