//! `cargo xtask handbook`: makes the book of `docs/`, and checks it.

mod links;
pub(crate) mod matrix;
mod mdbook;
mod sources;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use xshell::{Shell, cmd};

use crate::{Outcome, root};

/// Where the book is made. The same stands in `docs/book.toml`.
const BOOK: &str = "target/handbook";

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write the table of what the connectors have proved, from a run of their conformance tests
    Matrix {
        /// Take the reports that are in this folder, and run nothing
        #[arg(long, value_name = "FOLDER")]
        reports: Option<PathBuf>,
        /// Only tell whether the table that is there is the right one
        #[arg(long)]
        check: bool,
    },
}

pub(crate) fn run(shell: &Shell, arguments: &Arguments) -> anyhow::Result<Outcome> {
    match &arguments.command {
        None => build(shell),
        Some(Command::Matrix { reports, check }) => match reports {
            Some(reports) => matrix::run(root(), reports, *check),
            None => {
                let reports = root().join(matrix::REPORTS);
                matrix::forget(&reports)?;
                println!(
                    "trying what every connector promises, those of the examples too, and compiling what that takes: some minutes"
                );
                cmd!(shell, "cargo test --workspace --test conformance").env(matrix::WHERE, &reports).run()?;
                matrix::run(root(), &reports, *check)
            }
        },
    }
}

/// Makes the book and checks it; without mdBook and a way to get it, an error.
pub(crate) fn build(shell: &Shell) -> anyhow::Result<Outcome> {
    let mdbook = mdbook::get(shell)?;
    let complaints = mdbook::build(shell, &mdbook)?;
    let mut findings = sources::findings(&root().join("docs/src"))?;
    findings.extend(complaints);
    findings.extend(links::findings(&root().join(BOOK))?);
    for finding in &findings {
        println!("{finding}");
    }
    if !findings.is_empty() {
        println!("the handbook has {} mistakes", findings.len());
        return Ok(Outcome::Bad);
    }
    println!("the handbook is in {BOOK}/index.html");
    Ok(Outcome::Good)
}
