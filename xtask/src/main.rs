//! Developer commands: `cargo xtask <command>`.
//!
//! Everything here needs nothing but cargo; what needs more (Python, a database) says so and is skipped without it.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line")]

mod bench;
mod cargo;
mod ci;
mod deploy;
mod handbook;
mod integration;
mod new_connector;
mod python;
mod tidy;

use std::path::Path;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use xshell::Shell;

/// Developer commands of the Syncline workspace.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Measure, print tables and check budgets
    #[command(subcommand)]
    Bench(bench::Command),
    /// Run against programs that nobody here wrote
    Integration(integration::Arguments),
    /// Write a connector to begin with: it compiles, registers itself and proves itself over a simulated system
    NewConnector(new_connector::Arguments),
    /// Check the workspace's own rules (also part of `cargo test`)
    Tidy,
    /// Check what `deploy/` holds, as far as that is possible without starting it
    Deploy,
    /// Make the book of `docs/` and check its links; `matrix` makes its table of what connectors have proved
    Handbook(handbook::Arguments),
    /// Run everything that a change must pass, with a summary of times
    Ci(ci::Arguments),
}

/// How a command that ran to its end turned out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Good,
    Bad,
}

fn main() -> ExitCode {
    match run(&Cli::parse().command) {
        Ok(Outcome::Good) => ExitCode::SUCCESS,
        Ok(Outcome::Bad) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: &Command) -> anyhow::Result<Outcome> {
    let shell = Shell::new()?;
    shell.change_dir(root());
    match command {
        Command::Bench(command) => bench::run(&shell, command),
        Command::Integration(arguments) => Ok(integration::run(&shell, arguments)),
        Command::NewConnector(arguments) => new_connector::run(&shell, arguments),
        Command::Tidy => tidy::run(root()),
        Command::Deploy => deploy::run(&shell, root()),
        Command::Handbook(arguments) => handbook::run(&shell, arguments),
        Command::Ci(arguments) => Ok(ci::run(&shell, arguments)),
    }
}

/// The folder of the workspace.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask is a folder of the workspace")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The words of a line of a manual that begins with `cargo xtask`; nothing for another line.
    fn words(line: &str) -> Option<Vec<&str>> {
        let line = line.trim_start().trim_start_matches("$ ");
        let command = line.strip_prefix("cargo xtask ")?.split(['#', '|', '>']).next()?;
        Some(["cargo xtask"].into_iter().chain(command.split_whitespace()).collect())
    }

    /// What the manuals tell people to type, on a line of its own or between backticks, is a command.
    #[test]
    fn the_manuals_name_commands_that_there_are() {
        let mut known = 0;
        let mut wrong = Vec::new();
        for (path, text) in tidy::manuals(root()).unwrap() {
            // A command in a sentence may go on in the next line, and leave its arguments out.
            let sentences = text.replace('\n', " ");
            let in_prose = sentences.split('`').skip(1).step_by(2).filter_map(words).map(|words| (words, true));
            for (words, may_lack) in text.lines().filter_map(words).map(|words| (words, false)).chain(in_prose) {
                known += 1;
                let Err(error) = Cli::try_parse_from(&words) else { continue };
                let lacks = matches!(
                    error.kind(),
                    clap::error::ErrorKind::MissingRequiredArgument
                        | clap::error::ErrorKind::MissingSubcommand
                        | clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
                );
                if error.use_stderr() && !(may_lack && lacks) {
                    wrong.push(format!("{path}: {}\n{error}", words.join(" ")));
                }
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        assert!(known > 10, "only {known} commands were found");
    }
}
