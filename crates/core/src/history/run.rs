//! What is known of a run.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::change::OutcomeCounts;
use super::sync::SyncId;
use crate::{Error, ErrorKind};

/// The number of a run, counted up in one history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(pub(super) i64);

/// What started a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunKind {
    /// A person, by a command or a button.
    Adhoc,
    /// A schedule.
    Scheduled,
    /// Another system.
    Webhook,
}

/// Where a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// Known, not started.
    New,
    /// Waits for its turn.
    Queued,
    /// Works.
    Syncing,
    /// Waits for a person who approves its plan.
    AwaitingReview,
    /// Ended: everything was read, and every change has an outcome.
    Completed,
    /// Ended by an error.
    Failed,
    /// Ended because somebody wanted it to.
    Cancelled,
}

/// One end of a run: through which connection it reached which system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// The connector, for example `netbox`.
    pub connector: String,
    /// The connection's name in the configuration.
    pub connection: String,
    /// The system behind it, for example its URL without credentials. What Syncline created belongs to the system: a
    /// connection that is pointed elsewhere does not inherit it.
    pub instance: String,
}

/// A saved plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanRef {
    /// The hash of its content.
    pub hash: String,
    /// Where its file is.
    pub path: String,
}

/// A run that begins.
#[derive(Debug, Clone, PartialEq)]
pub struct NewRun {
    /// Whose run it is.
    pub sync: SyncId,
    /// What started it.
    pub kind: RunKind,
    /// Whether it only computes what it would do.
    pub dry: bool,
    /// The hash of the sync's definition as it is now: mapping, scope and policy.
    pub definition_hash: String,
    /// Where it reads.
    pub source: Endpoint,
    /// Where it writes.
    pub target: Endpoint,
    /// Who started it: a user, a schedule, a token's name.
    pub triggered_by: String,
    /// What that one said about it; none when nothing.
    pub request: Option<String>,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunResult {
    /// `completed`, `failed` or `cancelled`.
    pub status: RunStatus,
    /// Why it did not complete.
    pub error: Option<RunError>,
}

/// The error that ended a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunError {
    /// The class, as [`ErrorKind`] is written in JSON, or `interrupted`.
    pub kind: String,
    /// The whole chain, on one line.
    pub message: String,
}

/// How many records a run read, found to differ, and dealt with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunCounts {
    /// Records read from the source.
    pub source_records: u64,
    /// Records read from the target.
    pub target_records: u64,
    /// Only the source has it.
    pub create: u64,
    /// Both have it, with other values.
    pub update: u64,
    /// Only the target has it.
    pub delete: u64,
    /// Both have it with the same values.
    pub unchanged: u64,
    /// More than one record answers to the key.
    pub ambiguous: u64,
    /// What became of the changes.
    pub outcomes: OutcomeCounts,
}

/// A run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Run {
    /// Its number.
    pub id: RunId,
    /// The name of its sync.
    pub sync: String,
    /// What started it.
    pub kind: RunKind,
    /// Whether it only computed what it would do.
    pub dry: bool,
    /// Where it is.
    pub status: RunStatus,
    /// The hash of the sync's definition when it began.
    pub definition_hash: String,
    /// Its plan, once saved.
    pub plan: Option<PlanRef>,
    /// Where it read.
    pub source: Endpoint,
    /// Where it wrote.
    pub target: Endpoint,
    /// When it was made.
    pub created: DateTime<Utc>,
    /// When it began to work.
    pub started: Option<DateTime<Utc>>,
    /// When it ended.
    pub finished: Option<DateTime<Utc>>,
    /// Why it did not complete.
    pub error: Option<RunError>,
    /// Counts so far.
    pub counts: RunCounts,
    /// What connectors had to say about it, for example the id of the Forward snapshot: a JSON object.
    pub notes: serde_json::Value,
    /// Who started it.
    pub triggered_by: String,
    /// What that one said about it.
    pub request: Option<String>,
    /// The machine that worked on it.
    pub host: String,
}

/// Which runs are wanted. An empty filter wants all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunFilter {
    /// Of the sync with this name.
    pub sync: Option<String>,
    /// With one of these statuses; none for any.
    pub status: Vec<RunStatus>,
    /// Started by this.
    pub kind: Option<RunKind>,
    /// Dry runs only, or real ones only.
    pub dry: Option<bool>,
    /// Made at this time or later.
    pub since: Option<DateTime<Utc>>,
    /// Made before this time.
    pub until: Option<DateTime<Utc>>,
}

impl RunId {
    /// The run with a number.
    pub fn new(number: i64) -> Self {
        Self(number)
    }

    /// The number.
    pub fn number(self) -> i64 {
        self.0
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl RunKind {
    /// The name in the history, metrics and the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Adhoc => "adhoc",
            Self::Scheduled => "scheduled",
            Self::Webhook => "webhook",
        }
    }
}

impl RunStatus {
    /// The name in the history, metrics and the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Queued => "queued",
            Self::Syncing => "syncing",
            Self::AwaitingReview => "awaiting_review",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether a run with this status is over.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}

impl fmt::Display for RunStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl RunResult {
    /// The end of a run that did its work.
    pub fn completed() -> Self {
        Self { status: RunStatus::Completed, error: None }
    }

    /// The end of a run that an error stopped: cancelled when that is the error, failed otherwise.
    pub fn stopped_by(error: &Error) -> Self {
        let status = match error.kind() {
            ErrorKind::Cancelled => RunStatus::Cancelled,
            _ => RunStatus::Failed,
        };
        Self { status, error: Some(RunError::from(error)) }
    }
}

impl From<&Error> for RunError {
    fn from(error: &Error) -> Self {
        let kind = serde_json::to_value(error.kind()).ok();
        let kind = kind.as_ref().and_then(|kind| kind.as_str()).unwrap_or("internal").to_owned();
        Self { kind, message: error.report() }
    }
}
