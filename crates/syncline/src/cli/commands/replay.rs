//! `syncline plan --replay`: a plan that is made of recordings. It leaves nothing in the history.

use std::path::Path;

use syncline_core::run::RunRequest;

use super::run::{Shown, followed_on, show_plan};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::session::Session;
use crate::recording::Replays;

/// Plans a sync of what was recorded.
pub async fn run(
    session: &Session,
    name: &str,
    folder: &Path,
    shown: Shown<'_>,
    request: RunRequest,
) -> Result<Exit, Failure> {
    let sync = session.sync(name).await?.definition;
    let registry = crate::registry()?;
    let replays = Replays::open(folder, &registry, &sync)?;
    for note in &replays.notes {
        session.console.note(note);
    }
    let runner = replays.runner(registry, &session.configuration()?).await?;
    let running = &runner;
    let report = followed_on(session, replays.events(), |events, cancel| async move {
        running.run(&sync, request, &events, &cancel).await
    })
    .await?;
    if report.error.is_none() {
        replays.ensure_whole()?;
    }
    let exit = show_plan(session, name, &report, shown);
    runner.history().clone().close().await?;
    exit
}
