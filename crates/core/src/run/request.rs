//! What is asked of a runner.

use chrono::{DateTime, Utc};

use crate::history::{Purpose, RequestId, RunId, RunKind, RunSettings};
use crate::scope::Scope;

/// A run that somebody asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunRequest {
    /// What asks.
    pub kind: RunKind,
    /// Who asks: a user, a schedule, a token's name.
    pub by: String,
    /// What that one says about it.
    pub reason: Option<String>,
    /// What that one calls the request.
    pub request_id: Option<RequestId>,
    /// A run of the sync that was asked for under this id is the answer, also when it is over.
    pub once: bool,
    /// A run that has begun to read is no answer: it may have read before that happened which this one is asked for.
    pub reads_anew: bool,
    /// What for.
    pub purpose: Purpose,
    /// The run to take back or to try again.
    pub subject: Option<RunId>,
    /// Stop at the saved plan.
    pub dry_run: bool,
    /// How the run differs from others.
    pub settings: RunSettings,
    /// The tick of the schedule.
    pub tick: Option<DateTime<Utc>>,
    /// When it may begin; none for at once.
    pub not_before: Option<DateTime<Utc>>,
}

/// A person's word that a plan may pass its guards. It is good for one plan, and once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consent {
    /// Why.
    pub reason: String,
    /// Also what a guard refuses shall be done.
    pub overrides_guards: bool,
}

impl From<&str> for Consent {
    /// Consent to what the guards want a person to look at.
    fn from(reason: &str) -> Self {
        Self { reason: reason.to_owned(), overrides_guards: false }
    }
}

impl RunRequest {
    /// A run that stops at its saved plan.
    pub fn dry() -> Self {
        Self { dry_run: true, ..Self::default() }
    }

    /// A run that only tells how the target differs from the source.
    pub fn drift() -> Self {
        Self { purpose: Purpose::Drift, dry_run: true, ..Self::default() }
    }

    /// A run that tries again what another one did not get done.
    pub fn rerun(run: RunId) -> Self {
        Self { purpose: Purpose::Rerun, subject: Some(run), ..Self::default() }
    }

    /// A run about a part of the sync.
    pub fn part(scope: Scope) -> Self {
        let settings = RunSettings { scope: Some(scope), ..RunSettings::default() };
        Self { purpose: Purpose::Part, settings, ..Self::default() }
    }

    /// A run that takes another one back.
    pub fn undo(run: RunId) -> Self {
        Self { purpose: Purpose::Undo, subject: Some(run), ..Self::default() }
    }
}

impl RunRequest {
    /// Whether the run writes nothing: a drift check does not, whoever asks for it.
    pub(super) fn is_dry(&self) -> bool {
        self.dry_run || self.purpose == Purpose::Drift
    }
}

impl Default for RunRequest {
    /// A real run that the user of this process asks for.
    fn default() -> Self {
        Self {
            kind: RunKind::Adhoc,
            by: user(),
            reason: None,
            request_id: None,
            once: false,
            reads_anew: false,
            purpose: Purpose::Sync,
            subject: None,
            dry_run: false,
            settings: RunSettings::default(),
            tick: None,
            not_before: None,
        }
    }
}

/// The name of the user of this process; of one without a name, its number.
fn user() -> String {
    let named = ["USER", "LOGNAME", "USERNAME"].into_iter().filter_map(|name| std::env::var(name).ok());
    let named = named.into_iter().find(|name| !name.is_empty());
    named.unwrap_or_else(|| number().map_or_else(|| "unknown".to_owned(), |number| format!("user {number}")))
}

/// Read from the proc file system: Linux only.
fn number() -> Option<String> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let ids = status.lines().find_map(|line| line.strip_prefix("Uid:"))?;
    ids.split_whitespace().next().map(str::to_owned)
}
