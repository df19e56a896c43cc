//! What came of a run, in one word.

use schemars::JsonSchema;
use sea_orm::{ColumnTrait, Condition};
use serde::{Deserialize, Serialize};

use super::entity::run;
use super::{Run, RunStatus};

/// How [`RunError::kind`](super::RunError::kind) is written of a plan that a guard refused.
const GUARD: &str = "guard";

/// What came of a run. The five at the end are those of a run that is over; the status alone does not tell them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
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

impl RunOutcome {
    /// Every outcome.
    pub const ALL: [Self; 9] = [
        Self::Waiting,
        Self::Working,
        Self::Review,
        Self::Cancelled,
        Self::Clean,
        Self::Changed,
        Self::Partial,
        Self::Refused,
        Self::Failed,
    ];

    /// What came of a run.
    pub fn of(run: &Run) -> Self {
        let (counts, outcomes) = (&run.counts, &run.counts.outcomes);
        match run.status {
            RunStatus::New | RunStatus::Queued => Self::Waiting,
            RunStatus::Syncing => Self::Working,
            RunStatus::AwaitingReview => Self::Review,
            RunStatus::Cancelled => Self::Cancelled,
            RunStatus::Failed if run.error.as_ref().is_some_and(|error| error.kind == GUARD) => Self::Refused,
            RunStatus::Failed => Self::Failed,
            RunStatus::Completed if outcomes.failed + outcomes.stale + counts.rejected > 0 => Self::Partial,
            RunStatus::Completed if run.dry && counts.create + counts.update + counts.delete > 0 => Self::Changed,
            RunStatus::Completed if outcomes.applied > 0 => Self::Changed,
            RunStatus::Completed => Self::Clean,
        }
    }

    /// The name in the API.
    pub fn as_str(self) -> &'static str {
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

    /// The word for people: of a dry run the same as of a real one, which has made the changes besides.
    pub fn word(self) -> &'static str {
        match self {
            Self::Working => "under way",
            Self::Review => "awaiting review",
            Self::Changed => "changes",
            other => other.as_str(),
        }
    }

    /// The rows of the runs of which this came: what [`Self::of`] says, for the database.
    pub(super) fn condition(self) -> Condition {
        use run::Column;

        let status = |status: RunStatus| Condition::all().add(Column::Status.eq(status.as_str()));
        let completed = || status(RunStatus::Completed);
        let undone = || {
            let columns = [Column::OutcomeFailed, Column::OutcomeStale, Column::SourceRejected];
            columns.into_iter().fold(Condition::any(), |any, column| any.add(column.gt(0)))
        };
        let changed = || {
            let found = [Column::DiffCreate, Column::DiffUpdate, Column::DiffDelete];
            let found = found.into_iter().fold(Condition::any(), |any, column| any.add(column.gt(0)));
            Condition::any()
                .add(Condition::all().add(Column::Dry.eq(true)).add(found))
                .add(Column::OutcomeApplied.gt(0))
        };
        match self {
            Self::Waiting => Condition::any().add(status(RunStatus::New)).add(status(RunStatus::Queued)),
            Self::Working => status(RunStatus::Syncing),
            Self::Review => status(RunStatus::AwaitingReview),
            Self::Cancelled => status(RunStatus::Cancelled),
            Self::Refused => status(RunStatus::Failed).add(Column::ErrorKind.eq(GUARD)),
            Self::Failed => status(RunStatus::Failed)
                .add(Condition::any().add(Column::ErrorKind.is_null()).add(Column::ErrorKind.ne(GUARD))),
            Self::Partial => completed().add(undone()),
            Self::Changed => completed().add(undone().not()).add(changed()),
            Self::Clean => completed().add(undone().not()).add(changed().not()),
        }
    }
}
