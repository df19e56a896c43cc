//! `syncline schema`: what the documents look like, for programs.

use syncline_core::plan;

use crate::cli::args::Document;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::session::Session;
use crate::config;

/// Runs the command.
pub fn run(session: &Session, document: Document) -> Result<Exit, Failure> {
    let schema = match document {
        Document::Plan => plan::schema(),
        Document::Config => config::schema(&crate::registry()?),
    };
    session.console.json(&schema)?;
    Ok(Exit::Done)
}
