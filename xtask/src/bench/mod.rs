//! `cargo xtask bench`: what it costs, and whether that is within the budgets.

mod diffsync;
mod engine;
mod table;

use clap::Subcommand;
use xshell::Shell;

use crate::Outcome;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The engine alone: load, diff and plan of estates up to 1.2 million records a side
    Engine(engine::Arguments),
}

pub(crate) fn run(shell: &Shell, command: &Command) -> anyhow::Result<Outcome> {
    match command {
        Command::Engine(arguments) => engine::run(shell, arguments),
    }
}
