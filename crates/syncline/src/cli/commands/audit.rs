//! `syncline audit`: who did what.

use syncline_core::history::AuditFilter;

use super::history::open;
use crate::cli::args::AuditArguments;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::session::Session;
use crate::cli::view;

/// Runs the command: `[{"id", "at", "who", "how", "action", "object", "detail", "address", "request_id"}, …]`, newest first.
pub async fn run(session: &Session, options: &AuditArguments) -> Result<Exit, Failure> {
    let history = open(session).await?;
    let filter = AuditFilter {
        who: options.who.clone(),
        action: options.action.clone(),
        object: options.object.clone(),
        since: None,
    };
    let page = history.audit_log(&filter, None, options.limit).await?;
    if page.items.is_empty() && !session.console.is_json() {
        session.console.note("nothing of the kind was done");
        return Ok(Exit::Done);
    }
    session.console.show(&page.items, |rows| view::access::audit(rows))?;
    if page.next.is_some() {
        session.console.note(&format!("these are the newest {}; `--limit` lists more", options.limit));
    }
    Ok(Exit::Done)
}
