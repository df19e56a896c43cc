//! What is known of a run.

use std::fmt;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::change::OutcomeCounts;
use super::request_id::RequestId;
use super::run_outcome::RunOutcome;
use super::sync::SyncId;
use crate::requests::SideRequests;
use crate::scope::Scope;
use crate::{Error, ErrorKind};

/// The number of a run, counted up in one history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct RunId(pub(super) i64);

/// What started a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlanRef {
    /// The hash of its content.
    pub hash: String,
    /// Where its file is.
    pub path: String,
}

/// What a run is for. Whatever it is, it ends in a plan, and the plan in an apply or a review.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Reads both sides and makes the target agree.
    Sync,
    /// Applies a plan that was saved earlier.
    Apply,
    /// Tells how the target differs from the source: a dry run whose findings are compared with the last ones.
    Drift,
    /// Takes back what another run did.
    Undo,
    /// Tries again what another run did not get done.
    Rerun,
    /// Makes a part of the target agree: a run about a [scope](RunSettings::scope).
    Part,
}

/// How far a run came. A runner that takes it over goes on from here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RunStage {
    /// Nothing that lasts was done: it starts at its beginning.
    Begun,
    /// Its plan is saved.
    Planned,
    /// Changes may have been written.
    Applying,
    /// Every change has its outcome, in a place of the target's own that waits for its merge.
    Staged,
}

/// How one run differs from others of its sync.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunSettings {
    /// After how many seconds of writing the run pauses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_duration_s: Option<u64>,
    /// Takes back what a run did that was to be done as a whole: nobody is asked.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub takes_back: bool,
    /// The part of the sync that the run is about; none for all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<Scope>,
}

/// What a person wants of a run that is not over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StopRequest {
    /// To what end.
    pub stop: Stop,
    /// Who.
    pub by: String,
    /// Why; empty when nothing was said.
    #[serde(default)]
    pub reason: String,
}

/// To what end a run is stopped, after the batches under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stop {
    /// For good.
    Cancel,
    /// To go on later.
    Pause,
}

/// How the reason of a run begins that paused because it had written for as long as it may. What a person pauses names the person.
pub(crate) const OUT_OF_TIME: &str = "its time is over";

/// A run that begins.
#[derive(Debug, Clone, PartialEq)]
pub struct NewRun {
    /// Whose run it is.
    pub sync: SyncId,
    /// What started it.
    pub kind: RunKind,
    /// Whether it only computes what it would do.
    pub dry: bool,
    /// The hash of the sync's definition as it is now: mapping and scope. The policy has a hash of its own, in the plan.
    pub definition_hash: String,
    /// Where it reads.
    pub source: Endpoint,
    /// Where it writes.
    pub target: Endpoint,
    /// Who started it: a user, a schedule, a token's name.
    pub triggered_by: String,
    /// What that one said about it; none when nothing.
    pub request: Option<String>,
    /// What that one calls the request; none when it was given no name.
    pub request_id: Option<RequestId>,
    /// A run of the sync with this request id is the answer, also when it is over: whoever repeats a request gets no second run.
    pub once: bool,
    /// A run that has begun to read is no answer: it may have read before that happened which it is asked for.
    pub reads_anew: bool,
    /// What it is for.
    pub purpose: Purpose,
    /// The run that it is about, when it takes back or tries again; the run whose plan it applies, when that is about a part.
    pub subject: Option<RunId>,
    /// How it differs from others.
    pub options: RunSettings,
    /// The tick of the schedule that makes it: of one tick there is one run.
    pub tick: Option<DateTime<Utc>>,
    /// When it may be taken; none for at once.
    pub not_before: Option<DateTime<Utc>>,
    /// The plan that it applies, when there is one already.
    pub plan: Option<PlanRef>,
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunError {
    /// The class, as [`ErrorKind`] is written in JSON, or `interrupted`.
    pub kind: String,
    /// The whole chain, on one line.
    pub message: String,
}

/// How many records a run read, found to differ, and dealt with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
    /// Records of the source that could not be taken over, and those that the target could not make of what was.
    #[serde(default)]
    pub rejected: u64,
    /// What became of the changes.
    pub outcomes: OutcomeCounts,
}

/// A run.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
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
    /// What that one calls the request.
    pub request_id: Option<RequestId>,
    /// The machine that worked on it.
    pub host: String,
    /// What it is for.
    pub purpose: Purpose,
    /// The run that it is about.
    pub subject: Option<RunId>,
    /// How far it came.
    pub stage: RunStage,
    /// How it differs from others of its sync.
    pub options: RunSettings,
    /// How often a runner took it.
    pub attempt: u64,
    /// The runner that has it, while one has.
    pub worker: Option<String>,
    /// Until when that runner has it; it goes on asking for more time as long as it lives.
    pub lease_until: Option<DateTime<Utc>>,
    /// When it may be taken; none for at once.
    pub not_before: Option<DateTime<Utc>>,
    /// Why it waits for somebody to let it go on; none when it does not.
    pub paused: Option<String>,
    /// What somebody wants of it.
    pub stop: Option<StopRequest>,
    /// The tick of the schedule that made it.
    pub tick: Option<DateTime<Utc>>,
    /// The target's id of the place where its changes wait for their merge.
    pub staged_as: Option<String>,
    /// Why it waits for its time, where that has a reason: what it sent last is in doubt, and the target cannot be asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiting: Option<String>,
    /// What it asked of its systems.
    pub requests: SideRequests,
    /// Under which id it is traced, where there is a collector of traces: that of its last attempt.
    pub trace_id: Option<String>,
    /// How often in a row it was put back for that reason.
    #[serde(skip)]
    pub waits: u64,
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
    /// For this.
    pub purpose: Option<Purpose>,
    /// Asked for under this id.
    pub request_id: Option<RequestId>,
    /// Dry runs only, or real ones only.
    pub dry: Option<bool>,
    /// Of which one of these came; none for any.
    pub outcome: Vec<RunOutcome>,
    /// That read by this connection.
    pub source: Option<String>,
    /// That wrote by this connection.
    pub target: Option<String>,
    /// With this text in the name of who asked for it, in why, in the id of the request, or in the error that ended it.
    pub text: Option<String>,
    /// Made at this time or later.
    pub since: Option<DateTime<Utc>>,
    /// Made before this time.
    pub until: Option<DateTime<Utc>>,
}

impl Run {
    /// Whether the run paused because it had written for as long as it may, and goes on at the next tick of its schedule.
    pub fn is_out_of_time(&self) -> bool {
        self.paused.as_ref().is_some_and(|reason| reason.starts_with(OUT_OF_TIME))
    }

    /// Whether its plan was about everything: what takes a run back, tries again what it left, or is about a part says nothing of the rest.
    pub fn compared_everything(&self) -> bool {
        let is_whole = matches!(self.purpose, Purpose::Sync | Purpose::Apply | Purpose::Drift);
        is_whole && self.plan.is_some() && self.subject.is_none()
    }
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

impl Purpose {
    /// The name in the history, metrics and the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sync => "sync",
            Self::Apply => "apply",
            Self::Drift => "drift",
            Self::Undo => "undo",
            Self::Rerun => "rerun",
            Self::Part => "part",
        }
    }
}

impl RunStage {
    /// The name in the history and the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Begun => "begun",
            Self::Planned => "planned",
            Self::Applying => "applying",
            Self::Staged => "staged",
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
