//! `syncline check`: do both systems of a sync answer, and will the sync work.

use std::fmt::Write as _;

use syncline_core::event::Side;
use syncline_core::run::CheckedSync;

use crate::cli::console::{GOOD, NAME, WARN, clean, paint};
use crate::cli::exit::Exit;
use crate::cli::failure::{Failure, report_text};
use crate::cli::session::Session;

/// Checks both sides; a failure of one does not keep the other from being told. Exit code 1 when a side failed.
pub async fn run(session: &Session, name: &str) -> Result<Exit, Failure> {
    let sync = session.sync(name).await?.definition;
    let checked = CheckedSync::ask(&crate::registry()?, &sync).await;
    session.console.show(&checked, text)?;
    if !session.console.is_json() {
        for error in checked.sides.iter().filter_map(|side| side.error.as_ref()) {
            session.console.error(&report_text(error));
        }
    }
    Ok(if checked.ok { Exit::Done } else { Exit::Error })
}

fn text(checked: &CheckedSync) -> String {
    let mut text = String::new();
    for side in &checked.sides {
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
