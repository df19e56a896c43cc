//! Every command that a manual shows is one that the product takes.

use clap::Parser as _;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::blocks::{blocks, code_in_prose};
use super::manuals;
use crate::cli::args::Arguments;

/// The command on a line of a block, as its words; none where the line is no command of ours.
///
/// What a shell does with the rest (comments, redirections, pipes) ends it.
fn command(line: &str) -> Option<Result<Vec<String>, &'static str>> {
    let line = line.trim_start();
    let line = line.strip_prefix("$ ").unwrap_or(line);
    line.starts_with("syncline ").then(|| words(line))
}

fn words(line: &str) -> Result<Vec<String>, &'static str> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match (quote, letter) {
            (Some(end), letter) if letter == end => quote = None,
            (Some('"') | None, '\\') => word.get_or_insert_default().extend(letters.next()),
            (None, '\'' | '"') => {
                word.get_or_insert_default();
                quote = Some(letter);
            }
            (None, '>' | '|' | ';' | '&') => break,
            (None, '#') if word.is_none() => break,
            (None, letter) if letter.is_whitespace() => words.extend(word.take()),
            (_, letter) => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    if quote.is_some() { Err("a quote is not closed") } else { Ok(words) }
}

/// The commands of a text with their lines; one that goes on behind a `\` counts as one.
fn commands(text: &str) -> Vec<(usize, String)> {
    let mut commands = Vec::new();
    let in_shell = |info: &str| matches!(info, "" | "console" | "sh");
    for block in blocks(text).into_iter().filter(|block| in_shell(block.language())) {
        let mut lines = (block.line..).zip(block.text.lines());
        while let Some((number, line)) = lines.next() {
            let mut whole = line.to_owned();
            while let Some(begun) = whole.strip_suffix('\\') {
                whole = format!("{begun} {}", lines.next().map_or("", |(_, line)| line));
            }
            commands.push((number, whole));
        }
    }
    commands
}

/// What is written in capitals stands for a value: `syncline ignore end SYNC ID`.
fn is_about_a_placeholder(error: &clap::Error) -> bool {
    let Some(ContextValue::String(value)) = error.get(ContextKind::InvalidValue) else { return false };
    !value.is_empty() && value.chars().all(|letter| letter.is_ascii_uppercase() || letter == '_')
}

/// Why a command is none; nothing where it is one.
fn refusal(words: Result<Vec<String>, &'static str>) -> Option<(ErrorKind, String)> {
    match words {
        // Help and version are answers.
        Ok(words) => Arguments::try_parse_from(words)
            .err()
            .filter(clap::Error::use_stderr)
            .filter(|error| !is_about_a_placeholder(error))
            .map(|error| (error.kind(), error.to_string())),
        Err(reason) => Some((ErrorKind::Format, reason.to_owned())),
    }
}

#[test]
fn what_the_manuals_tell_people_to_type_is_understood() {
    let mut known = 0;
    let mut wrong = Vec::new();
    for manual in manuals() {
        for (line, text) in commands(&manual.text) {
            let Some(words) = command(&text) else { continue };
            known += 1;
            if let Some((_, refused)) = refusal(words) {
                wrong.push(format!("{}:{line}: {}\n{refused}", manual.path, text.trim()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // The reader of pages is no use when it finds nothing.
    assert!(known > 60, "only {known} commands were found");
}

/// In a sentence a command may stand without its arguments: `syncline resume`.
#[test]
fn what_the_manuals_speak_of_exists() {
    let left_out = [
        ErrorKind::MissingRequiredArgument,
        ErrorKind::MissingSubcommand,
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand,
    ];
    let mut known = 0;
    let mut wrong = Vec::new();
    for manual in manuals() {
        for (line, text) in code_in_prose(&manual.text) {
            let Some(words) = command(&text) else { continue };
            known += 1;
            if let Some((_, refused)) = refusal(words).filter(|(kind, _)| !left_out.contains(kind)) {
                wrong.push(format!("{}:{line}: {text}\n{refused}", manual.path));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(known > 50, "only {known} commands were found");
}

#[test]
fn placeholders_stand_for_values_and_nothing_else() {
    let refused = |line: &str| refusal(words(line)).map(|(kind, _)| kind);
    assert_eq!(refused("syncline ignore end SYNC ID"), None);
    assert_eq!(refused("syncline ignore end SYNC id"), Some(ErrorKind::ValueValidation));
    assert_eq!(refused("syncline COMMAND"), Some(ErrorKind::InvalidSubcommand));
    assert_eq!(refused("syncline show RUN --chnages"), Some(ErrorKind::UnknownArgument));
}

#[test]
fn lines_are_read_as_a_shell_reads_them() {
    let read = |line| command(line).map(Result::unwrap);
    assert_eq!(read("cargo run"), None);
    assert_eq!(read("$ syncline show last   # why").unwrap(), ["syncline", "show", "last"]);
    assert_eq!(
        read("  syncline quarantine keep 'device:[\"a\",\"b\"]' --reason \"it's \\\"x\\\"\" > out").unwrap(),
        ["syncline", "quarantine", "keep", "device:[\"a\",\"b\"]", "--reason", "it's \"x\""]
    );
    assert_eq!(read("syncline export last#1 '' | jq .").unwrap(), ["syncline", "export", "last#1", ""]);
    assert!(command("syncline show 'last").unwrap().is_err());
    assert_eq!(
        commands("```sh\nsyncline run \\\n  a\n```\n```json\nsyncline no\n```\n"),
        [(2, "syncline run    a".to_owned())]
    );
}
