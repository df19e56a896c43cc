//! What is wrong with a configuration, in words that name file, key and remedy.

use std::fmt;
use std::path::PathBuf;

use serde::Serialize;

/// One thing that is wrong with a configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConfigProblem {
    /// Where the value comes from: a file, or an environment variable.
    pub origin: String,
    /// The key, as a path: `connections.netbox.url`. Empty for the file as a whole.
    pub key: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it, when the message does not say so itself.
    pub remedy: Option<String>,
}

impl fmt::Display for ConfigProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.origin)?;
        if !self.key.is_empty() {
            write!(f, "`{}`: ", self.key)?;
        }
        f.write_str(&self.message)?;
        if let Some(remedy) = &self.remedy {
            write!(f, "; {remedy}")?;
        }
        Ok(())
    }
}

/// Why there is no configuration to work with.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Nothing is configured.
    #[error("there is no configuration: none of {} exists", list(.tried))]
    Missing {
        /// Where it was looked for.
        tried: Vec<PathBuf>,
    },
    /// The file cannot be read.
    #[error("cannot read the configuration `{}`", .file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why.
        #[source]
        error: std::io::Error,
    },
    /// The file is no TOML or YAML, or absurd.
    #[error("the configuration `{}` cannot be understood: {reason}", .file.display())]
    Malformed {
        /// The file.
        file: PathBuf,
        /// Why, with line and column where the format's reader tells them.
        reason: String,
    },
    /// The file can be read, and what it says is wrong.
    #[error("the configuration has {}", count(.0.len()))]
    Invalid(Vec<ConfigProblem>),
}

fn list(paths: &[PathBuf]) -> String {
    let paths: Vec<_> = paths.iter().map(|path| format!("`{}`", path.display())).collect();
    paths.join(", ")
}

fn count(problems: usize) -> String {
    if problems == 1 { "a problem".to_owned() } else { format!("{problems} problems") }
}
