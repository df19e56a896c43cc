//! `cargo xtask bench`: what it costs, and whether that is within the budgets.

mod diffsync;
mod engine;
mod live;
mod pages;
mod table;

use clap::Subcommand;
use xshell::Shell;

use crate::{Outcome, integration};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The engine alone: load, diff and plan of estates up to 1.2 million records a side
    Engine(engine::Arguments),
    /// A sync of 100,000 changes that 200 readers and 20 followers look at, beside one that nobody looks at
    Live(live::Arguments),
    /// Every page of the dashboard with a history of 1,000 runs and 5 million changes, on SQLite and PostgreSQL
    Pages(pages::Arguments),
    /// Filling real Zabbix servers with 2,000 hosts, beside the best that bare calls of their API reach
    Zabbix,
}

pub(crate) fn run(shell: &Shell, command: &Command) -> anyhow::Result<Outcome> {
    match command {
        Command::Engine(arguments) => engine::run(shell, arguments),
        Command::Live(arguments) => live::run(shell, arguments),
        Command::Pages(arguments) => pages::run(shell, arguments),
        Command::Zabbix => Ok(integration::measure_zabbix(shell)),
    }
}
