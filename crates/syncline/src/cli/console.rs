//! Where words go: data to the standard output, everything else to the standard error output. And how they look: every
//! style and every cleaning of outside text is here.

use std::borrow::Cow;
use std::io::{self, IsTerminal as _, Write as _};

use anstyle::{AnsiColor, Style};
use indicatif::MultiProgress;
use serde::Serialize;

use super::args::{Color, Global};

/// A thing's name.
pub const NAME: Style = Style::new().bold();
/// What matters less.
pub const DIM: Style = Style::new().dimmed();
/// What is well, or is created.
pub const GOOD: Style = AnsiColor::Green.on_default();
/// What should be looked at, or changes.
pub const WARN: Style = AnsiColor::Yellow.on_default();
/// What failed, or is deleted.
pub const BAD: Style = AnsiColor::Red.on_default().bold();

/// A text in a style. Whoever prints it leaves the style out where it cannot be shown.
pub fn paint(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// A text from outside, made unable to command the terminal: control characters are written out.
pub fn clean(text: &str) -> Cow<'_, str> {
    let bad = |c: char| (c.is_control() && c != '\n' && c != '\t') || ('\u{202a}'..='\u{202e}').contains(&c);
    if !text.contains(bad) {
        return Cow::Borrowed(text);
    }
    let written = text.chars().map(|c| if bad(c) { c.escape_unicode().to_string() } else { c.to_string() });
    Cow::Owned(written.collect())
}

/// The two outputs.
#[derive(Debug, Clone)]
pub struct Console {
    json: bool,
    quiet: bool,
    bars: MultiProgress,
}

impl Console {
    /// The console that the arguments ask for. Colors are a matter of the whole process.
    pub fn new(global: &Global) -> Self {
        match global.color {
            Color::Auto => anstream::ColorChoice::Auto.write_global(),
            Color::Always => anstream::ColorChoice::AlwaysAnsi.write_global(),
            Color::Never => anstream::ColorChoice::Never.write_global(),
        }
        Self { json: global.json, quiet: global.quiet, bars: MultiProgress::new() }
    }

    /// Whether data is wanted as JSON.
    pub fn is_json(&self) -> bool {
        self.json
    }

    /// Whether only data and errors are wanted.
    pub fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Whether progress can be drawn.
    pub fn is_live(&self) -> bool {
        !self.quiet && io::stderr().is_terminal()
    }

    /// Where bars are drawn; words must pass around them.
    pub fn bars(&self) -> &MultiProgress {
        &self.bars
    }

    /// Prints data for people, as it is.
    pub fn data(&self, text: &str) -> io::Result<()> {
        self.bars.suspend(|| {
            let mut out = anstream::stdout().lock();
            out.write_all(text.as_bytes())?;
            out.flush()
        })
    }

    /// Prints data for programs.
    pub fn json(&self, value: &impl Serialize) -> io::Result<()> {
        let mut text = serde_json::to_string_pretty(value)?;
        text.push('\n');
        self.data(&text)
    }

    /// Prints data: as JSON when that is wanted, as text otherwise.
    pub fn show<T: Serialize>(&self, value: &T, text: impl FnOnce(&T) -> String) -> io::Result<()> {
        if self.json { self.json(value) } else { self.data(&text(value)) }
    }

    /// Says something to the person, unless only data is wanted.
    pub fn note(&self, text: &str) {
        if !self.quiet {
            self.error(&format!("{text}\n"));
        }
    }

    /// Writes to the standard error output, as it is.
    pub fn error(&self, text: &str) {
        // Where even the error output is gone there is nobody to tell.
        let _ = self.bars.suspend(|| anstream::stderr().lock().write_all(text.as_bytes()));
    }
}

/// The output for data that comes piece by piece. No bars may be drawn meanwhile.
pub fn data_writer() -> impl io::Write {
    io::BufWriter::new(anstream::stdout())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_written_out() {
        assert_eq!(clean("plain\ttext\n"), "plain\ttext\n");
        assert_eq!(clean("\u{1b}[31mred\u{202e}"), "\\u{1b}[31mred\\u{202e}");
    }
}
