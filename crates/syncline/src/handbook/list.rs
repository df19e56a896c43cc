//! The list of commands is made of the commands.

use std::fmt::Write as _;

use clap::CommandFactory as _;

use super::holds;
use crate::cli::args::Arguments;

/// An argument as it is typed; none for an option that can be left out.
fn argument(argument: &clap::Arg) -> Option<String> {
    let value = argument.get_value_names().and_then(|names| names.first()).map_or("", |name| name.as_str());
    let takes_value = argument.get_action().takes_values();
    match (argument.get_long(), argument.is_required_set()) {
        (None, true) => Some(format!(" {value}")),
        (None, false) => argument.is_positional().then(|| format!(" [{value}]")),
        (Some(name), true) if takes_value => Some(format!(" --{name} {value}")),
        (Some(name), true) => Some(format!(" --{name}")),
        (Some(_), false) => None,
    }
}

/// A row for a command, and those of what is below it.
fn rows(command: &clap::Command, path: &str, text: &mut String) {
    for inner in command.get_subcommands().filter(|inner| inner.get_name() != "help") {
        let path = format!("{path} {}", inner.get_name());
        if inner.get_subcommands().next().is_none() || !inner.is_subcommand_required_set() {
            let about = inner.get_about().map(ToString::to_string).unwrap_or_default();
            let usage: String = inner.get_arguments().filter_map(argument).collect();
            let usage = format!("{path}{usage}");
            let _ = writeln!(text, "| `{}` | {about} |", usage.replace('|', "\\|"));
        }
        rows(inner, &path, text);
    }
}

#[test]
fn every_command_is_listed() {
    let mut text = "\n| command | what it does |\n|---|---|\n".to_owned();
    rows(&Arguments::command(), "syncline", &mut text);
    holds("command-list.md", &text);
}
