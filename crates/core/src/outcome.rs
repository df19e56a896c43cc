//! What became of a change.

use serde::{Deserialize, Serialize};

use crate::Error;

/// What became of a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// The target has it now.
    Applied {
        /// The system's id for the request, to find it in the system's own log.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        request_id: Option<String>,
    },
    /// The target had it already.
    Unchanged,
    /// Not tried, for a reason that is no failure.
    Skipped {
        /// Why, naming what it waits for or what still refers to the record.
        reason: String,
    },
    /// Not tried, as the plan said.
    Held {
        /// Why.
        reason: String,
    },
    /// Tried and refused.
    Failed {
        /// Which field, when the system names one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        field: Option<String>,
        /// The system's own words.
        reason: String,
    },
    /// Not tried: the record moved after it was read.
    Stale {
        /// What moved.
        reason: String,
    },
}

impl Outcome {
    /// The name in history, metrics and the API.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Applied { .. } => "applied",
            Self::Unchanged => "unchanged",
            Self::Skipped { .. } => "skipped",
            Self::Held { .. } => "held",
            Self::Failed { .. } => "failed",
            Self::Stale { .. } => "stale",
        }
    }

    /// Why, where there is something to say.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Applied { .. } | Self::Unchanged => None,
            Self::Skipped { reason } | Self::Held { reason } | Self::Failed { reason, .. } | Self::Stale { reason } => {
                Some(reason)
            }
        }
    }

    /// Whether the target now is as the change wanted it.
    pub fn is_done(&self) -> bool {
        matches!(self, Self::Applied { .. } | Self::Unchanged)
    }

    /// The outcome of a change that failed with an error.
    pub fn failed(error: &Error) -> Self {
        Self::Failed { field: None, reason: error.report() }
    }
}
