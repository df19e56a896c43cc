//! What came of the checks.
//!
//! Each verdict is kept as a file in the folder that `CONFORMANCE_REPORTS` names, if it does: `netbox/K5.json`. The capability matrix of
//! the handbook is made of them.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::check::Check;

/// What a check showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// The promise is kept; what was tried, in words.
    Shown(String),
    /// The promise is none of this connector's, with the reason: a source does not write.
    NotMeant(&'static str),
}

/// Why a promise could not be tried with a real system as it is: no fault of the connector's.
#[derive(Debug)]
pub struct Untried(pub String);

impl fmt::Display for Untried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Untried {}

/// What came of one promise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", content = "why", rename_all = "snake_case")]
pub enum Verdict {
    /// It is kept; what was tried, in words.
    Proven(String),
    /// It is none of this connector's.
    NotMeant(String),
    /// It was not tried.
    Skipped(String),
    /// It is broken.
    Broken(String),
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Proven(what) => write!(f, "proven: {what}"),
            Self::NotMeant(why) => write!(f, "not meant: {why}"),
            Self::Skipped(why) => write!(f, "SKIPPED: {why}"),
            Self::Broken(why) => write!(f, "BROKEN: {why}"),
        }
    }
}

/// A verdict as it is kept, beside what was promised.
#[derive(Debug, Serialize)]
struct Report<'a> {
    promise: &'static str,
    #[serde(flatten)]
    verdict: &'a Verdict,
}

/// Keeps a verdict where reports are wanted. A report that cannot be written fails the matrix, not the connector.
#[expect(clippy::print_stderr, reason = "it is told where the test is")]
pub(crate) fn keep(connector: &str, check: Check, verdict: &Verdict) {
    let Some(folder) = std::env::var_os("CONFORMANCE_REPORTS") else { return };
    let folder = std::path::Path::new(&folder).join(connector);
    let written = std::fs::create_dir_all(&folder).and_then(|()| {
        let text = serde_json::to_string_pretty(&Report { promise: check.promise(), verdict })?;
        std::fs::write(folder.join(format!("{}.json", check.id())), text)
    });
    if let Err(error) = written {
        eprintln!("the report of {check} was not written to `{}`: {error}", folder.display());
    }
}
