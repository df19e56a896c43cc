//! What came of a run, in one word and one symbol.

use askama::Template;
use askama::filters::HtmlSafe;
use syncline_core::history::{Run, RunStatus};

use super::show::{Count, Icon};

/// What came of a run. The five at the end are those of a run that is over; the status alone does not tell them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunOutcome {
    /// It waits for its turn, its time, or to be let go on.
    Waiting,
    /// It is under way.
    Working,
    /// Its plan waits for a person.
    Review,
    /// Somebody ended it.
    Cancelled,
    /// Both sides agree: there was nothing to do.
    Clean,
    /// It changed something; a dry one found something to change.
    Changed,
    /// It did not get everything done.
    Partial,
    /// A guard refused its plan.
    Refused,
    /// An error ended it.
    Failed,
}

/// The outcome of a run as it stands in a row: symbol, word, and whether the run was a dry one.
#[derive(Debug, Clone, PartialEq, Eq, Template)]
#[template(path = "parts/badge.html")]
pub struct Badge {
    /// What came of it.
    pub outcome: RunOutcome,
    /// The run wrote nothing, and was not to.
    pub dry: bool,
    /// What was not done, where something was not: `3 failed, 1 not taken over`.
    pub but: String,
}

impl HtmlSafe for Badge {}

impl RunOutcome {
    /// What came of a run.
    pub fn of(run: &Run) -> Self {
        let (counts, outcomes) = (&run.counts, &run.counts.outcomes);
        match run.status {
            RunStatus::New | RunStatus::Queued => Self::Waiting,
            RunStatus::Syncing => Self::Working,
            RunStatus::AwaitingReview => Self::Review,
            RunStatus::Cancelled => Self::Cancelled,
            RunStatus::Failed if run.error.as_ref().is_some_and(|error| error.kind == "guard") => Self::Refused,
            RunStatus::Failed => Self::Failed,
            RunStatus::Completed if outcomes.failed + outcomes.stale + counts.rejected > 0 => Self::Partial,
            RunStatus::Completed if run.dry && counts.create + counts.update + counts.delete > 0 => Self::Changed,
            RunStatus::Completed if outcomes.applied > 0 => Self::Changed,
            RunStatus::Completed => Self::Clean,
        }
    }

    /// The word for it.
    pub fn word(self, dry: bool) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Working => "under way",
            Self::Review => "awaiting review",
            Self::Cancelled => "cancelled",
            Self::Clean => "clean",
            Self::Changed if dry => "differs",
            Self::Changed => "changed",
            Self::Partial => "partial",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }

    /// The name of its symbol and of its class.
    pub fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Working => "working",
            Self::Review => "review",
            Self::Cancelled => "cancelled",
            Self::Clean => "clean",
            Self::Changed => "changed",
            Self::Partial => "partial",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}

impl Badge {
    /// The badge of a run.
    pub fn of(run: &Run) -> Self {
        let (outcomes, rejected) = (&run.counts.outcomes, run.counts.rejected);
        let parts = [(outcomes.failed, "failed"), (outcomes.stale, "stale"), (rejected, "not taken over")];
        let parts = parts.into_iter().filter(|(number, _)| *number > 0);
        let parts: Vec<_> = parts.map(|(number, what)| format!("{} {what}", Count(number))).collect();
        Self { outcome: RunOutcome::of(run), dry: run.dry, but: parts.join(", ") }
    }

    /// The word.
    pub fn word(&self) -> &'static str {
        self.outcome.word(self.dry)
    }

    /// The symbol.
    pub fn icon(&self) -> Icon {
        Icon(self.outcome.name())
    }
}
