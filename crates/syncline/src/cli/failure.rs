//! Errors as a person sees them: once, with what caused them and what to do about it.

use std::fmt::Write as _;

use serde_json::{Value, json};
use syncline_core::error::{ErrorReport, causes};
use syncline_core::{Error, ErrorKind};
use syncline_render::RenderError;

use super::console::{BAD, DIM, clean, paint};
use super::exit::Exit;
use crate::config::ConfigError;

/// Why a command failed.
#[derive(Debug)]
pub enum Failure {
    /// The configuration is missing or wrong.
    Config(ConfigError),
    /// Anything else.
    Error(Error),
    /// Nobody reads what is printed any more: no failure to tell anybody of.
    Output(std::io::Error),
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::Config(error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl From<crate::book::BookError> for Failure {
    fn from(error: crate::book::BookError) -> Self {
        match error {
            crate::book::BookError::Settings(error) => error.into(),
            crate::book::BookError::History(error) => error.into(),
        }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Output(error)
    }
}

impl From<RenderError> for Failure {
    fn from(error: RenderError) -> Self {
        match error {
            RenderError::Plan(error) => Self::Error(error),
            RenderError::Output(error) => Self::Output(error),
        }
    }
}

impl Failure {
    /// A wrong argument.
    pub(crate) fn argument(message: impl Into<String>) -> Self {
        Self::Error(Error::new(ErrorKind::Settings, message))
    }

    /// The exit code.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Error(error) => exit_of(error),
            Self::Output(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Exit::Done,
            Self::Config(_) | Self::Output(_) => Exit::Error,
        }
    }

    /// The failure for people: one block, no stop at the end of its lines. Empty when there is nobody to read it.
    pub fn text(&self) -> String {
        match self {
            Self::Config(error) => config_text(error),
            Self::Error(error) => error_text(error),
            Self::Output(error) if error.kind() == std::io::ErrorKind::BrokenPipe => String::new(),
            Self::Output(error) => format!("{}: cannot print: {error}\n", paint(BAD, "error[output]")),
        }
    }

    /// The failure for programs: `{"error": {kind, status, message, context, causes, remedy, problems}}`.
    pub fn json(&self) -> Value {
        match self {
            Self::Error(error) => json!({"error": error.in_full()}),
            Self::Config(error) => {
                let problems = match error {
                    ConfigError::Invalid(problems) => problems.as_slice(),
                    _ => &[],
                };
                json!({"error": {
                    "kind": "settings",
                    "status": "permanent",
                    "message": error.to_string(),
                    "causes": causes(error),
                    "remedy": config_remedy(error),
                    "problems": problems,
                }})
            }
            Self::Output(error) => json!({"error": {"kind": "output", "message": error.to_string()}}),
        }
    }
}

/// The exit code that an error alone asks for.
pub fn exit_of(error: &Error) -> Exit {
    match error.kind() {
        ErrorKind::Guard => Exit::Refused,
        ErrorKind::Stale => Exit::Stale,
        _ => Exit::Error,
    }
}

/// An error for people.
pub fn error_text(error: &Error) -> String {
    in_full(&error.to_string(), &error.in_full())
}

/// An error that was told in full, for people.
pub fn report_text(error: &ErrorReport) -> String {
    in_full(&error.to_string(), error)
}

fn in_full(message: &str, error: &ErrorReport) -> String {
    let mut text = headline(error.kind.name(), message);
    for cause in &error.causes {
        let _ = writeln!(text, "  {} {}", paint(DIM, "because:"), clean(cause));
    }
    if let Some(remedy) = error.remedy {
        let _ = writeln!(text, "  {} {remedy}", paint(DIM, "help:"));
    }
    text
}

fn config_text(error: &ConfigError) -> String {
    let mut text = headline("settings", &error.to_string());
    for cause in causes(error) {
        let _ = writeln!(text, "  {} {}", paint(DIM, "because:"), clean(&cause));
    }
    if let ConfigError::Invalid(problems) = error {
        for problem in problems {
            let _ = write!(text, "  {}: ", clean(&problem.origin));
            if !problem.key.is_empty() {
                let _ = write!(text, "`{}`: ", clean(&problem.key));
            }
            let _ = writeln!(text, "{}", clean(&problem.message));
            if let Some(remedy) = &problem.remedy {
                let _ = writeln!(text, "    {} {}", paint(DIM, "help:"), clean(remedy));
            }
        }
    }
    if let Some(remedy) = config_remedy(error) {
        let _ = writeln!(text, "  {} {remedy}", paint(DIM, "help:"));
    }
    text
}

fn headline(code: &str, message: &str) -> String {
    format!("{} {}\n", paint(BAD, &format!("error[{code}]:")), clean(message))
}

fn config_remedy(error: &ConfigError) -> Option<&'static str> {
    match error {
        ConfigError::Missing { .. } => {
            Some("`syncline config example > syncline.toml` writes one to begin with; `--config` names another file")
        }
        ConfigError::Malformed { .. } => Some("`syncline config example` shows how it should look"),
        ConfigError::Unreadable { .. } | ConfigError::Invalid(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_told_with_causes_and_remedy() {
        let cause = std::io::Error::other("connection refused");
        let error = Error::new(ErrorKind::Unreachable, "cannot reach `netbox.example`")
            .with("attempts", 4)
            .temporary()
            .persistent()
            .caused_by(cause);
        insta::assert_snapshot!(anstream::adapter::strip_str(&error_text(&error)));
        insta::assert_snapshot!(serde_json::to_value(error.in_full()).unwrap());
    }

    #[test]
    fn what_comes_from_outside_cannot_command_the_terminal() {
        let error = Error::new(ErrorKind::Refused, "name \u{1b}[2J\u{7} is bad");
        assert!(!anstream::adapter::strip_str(&error_text(&error)).to_string().contains('\u{7}'));
        assert!(error_text(&error).contains("name \\u{1b}[2J\\u{7} is bad"));
    }
}
