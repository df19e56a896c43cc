//! The quarantine: where an absent record waits before a delete may be planned, as a state machine without I/O.
//!
//! ```text
//!  present ──absent──► waiting ──(runs and hours)──► due          a person says:  keep ► kept, delete now ► released,
//!     ▲                   │                           │                           restore ► waiting, from nothing
//!     └──── the source has it again, or it is gone ───┘
//! ```
//!
//! - Only a run whose reads prove the absence counts, and each run once.
//! - Evidence that the source still has the object starts the count anew: a record that could not be collected for a week and is
//!   then gone was not absent for a week.
//! - The count lives in records of its own. Nothing that the first absence changes takes it away.

#[cfg(test)]
mod tests;

use std::fmt::Write as _;

use chrono::{DateTime, TimeDelta, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::policy::Quarantine;
use crate::source::Absence;

/// How long a record has been absent, and what was decided about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Streak {
    /// Since when it is absent: when the first run of the streak saw it.
    pub since: DateTime<Utc>,
    /// How many runs counted it.
    pub runs: u32,
    /// The last run that counted it.
    pub counted_by: Option<i64>,
    /// Why it is absent, as the last run knew that could tell.
    pub evidence: Absence,
    /// What a person decided last.
    pub decision: Option<Decision>,
    /// It is back, and only the mark that it got has to go.
    pub returned: bool,
}

/// What a person decided about an absent record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "AbsenceDecision")]
pub struct Decision {
    /// What.
    pub verdict: Verdict,
    /// Who.
    pub by: String,
    /// Why.
    pub reason: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// What a person can say about an absent record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "AbsenceVerdict")]
pub enum Verdict {
    /// It is not deleted as long as it is absent.
    Keep,
    /// It need not wait any longer. Guards, ownership and what refers to it have their say all the same.
    DeleteNow,
    /// What was counted is forgotten, and what was decided with it.
    Restore,
}

/// Where an absent record is in the quarantine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "QuarantineState")]
pub enum State {
    /// It was not absent long enough, or the source still has it.
    Waiting,
    /// It may be deleted.
    Due,
    /// A person wants it kept.
    Kept,
    /// A person wants it deleted.
    Released,
    /// It is back; its mark is being taken back.
    Returned,
}

/// A run that sees a record absent.
#[derive(Debug, Clone, Copy)]
pub struct Sighting {
    /// The run.
    pub run: i64,
    /// When it looked.
    pub at: DateTime<Utc>,
    /// Why the record is absent; none when that could not be found out, so that the absence proves nothing.
    pub evidence: Option<Absence>,
    /// Whether the run counts: dry runs and checks do not.
    pub counts: bool,
}

impl Streak {
    /// The streak of a record that is absent in a run, from what it was before.
    pub fn absent(before: Option<Self>, sighting: Sighting, policy: &Quarantine) -> Self {
        let Sighting { run, at, evidence, counts } = sighting;
        let begun = |evidence| Self { since: at, runs: 0, counted_by: None, evidence, decision: None, returned: false };
        let Some(evidence) = evidence else {
            return before.filter(|before| !before.returned).unwrap_or_else(|| begun(Absence::Unknown));
        };
        let mut streak = match before {
            Some(before) if !before.returned => before,
            _ => begun(evidence),
        };
        if policy.counts(streak.evidence) != policy.counts(evidence) {
            // What was decided about one that seemed to be gone says nothing about one that is there.
            let kept = streak.decision.take().filter(|decision| decision.verdict == Verdict::Keep);
            streak = Self { decision: kept, ..begun(evidence) };
        }
        streak.evidence = evidence;
        if counts && policy.counts(evidence) && streak.counted_by != Some(run) {
            if streak.runs == 0 {
                streak.since = at;
            }
            streak.runs = streak.runs.saturating_add(1);
            streak.counted_by = Some(run);
        }
        streak
    }

    /// The streak after a decision.
    pub fn decided(self, decision: Decision) -> Self {
        match decision.verdict {
            Verdict::Keep | Verdict::DeleteNow => Self { decision: Some(decision), ..self },
            Verdict::Restore => {
                Self { since: decision.at, runs: 0, counted_by: None, decision: Some(decision), ..self }
            }
        }
    }

    /// Where the record is now.
    pub fn state(&self, policy: &Quarantine, now: DateTime<Utc>) -> State {
        match &self.decision {
            _ if self.returned => State::Returned,
            Some(Decision { verdict: Verdict::Keep, .. }) => State::Kept,
            Some(Decision { verdict: Verdict::DeleteNow, .. }) => State::Released,
            _ if self.is_due(policy, now) => State::Due,
            _ => State::Waiting,
        }
    }

    fn is_due(&self, policy: &Quarantine, now: DateTime<Utc>) -> bool {
        policy.counts(self.evidence) && self.runs >= policy.runs && self.due_at(policy) <= now
    }

    /// When enough hours have passed.
    pub fn due_at(&self, policy: &Quarantine) -> DateTime<Utc> {
        self.since + TimeDelta::hours(i64::from(policy.hours))
    }

    /// How far it is, for people.
    pub fn words(&self, policy: &Quarantine, now: DateTime<Utc>) -> String {
        let since = self.since.format("%Y-%m-%d");
        let words = self.evidence.words();
        if policy.counts(self.evidence) {
            let hours = (now - self.since).num_hours().max(0);
            let (runs, of_runs, of_hours) = (self.runs, policy.runs, policy.hours);
            let mut text = format!("absent since {since} ({runs} of {of_runs} runs, {hours} of {of_hours} hours)");
            // Which run will be the last that it takes is not known before it is asked for.
            let due = self.due_at(policy);
            if due > now {
                let _ = write!(text, ", due {} at the earliest", due.format("%Y-%m-%d"));
            }
            return words.map_or_else(|| text.clone(), |words| format!("{text}: {words}"));
        }
        let mut text = format!("not read since {since}, but not gone: {}", words.unwrap_or("the source has it"));
        if matches!(self.evidence, Absence::OutOfScope | Absence::Filtered) {
            text.push_str(" (`policy.quarantine.out_of_scope = \"as_gone\"` deletes it all the same)");
        }
        text
    }

    /// Whether it was counted often enough to be marked.
    pub fn is_to_be_marked(&self, policy: &Quarantine) -> bool {
        let kept = self.decision.as_ref().is_some_and(|decision| decision.verdict == Verdict::Keep);
        self.runs > 0 && self.runs >= policy.runs && policy.counts(self.evidence) && !kept
    }
}

impl Verdict {
    /// The name in the history and the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::DeleteNow => "delete_now",
            Self::Restore => "restore",
        }
    }
}

impl State {
    /// Every state.
    pub const ALL: [Self; 5] = [Self::Waiting, Self::Due, Self::Kept, Self::Released, Self::Returned];

    /// The name in the history, in notes and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Due => "due",
            Self::Kept => "kept",
            Self::Released => "released",
            Self::Returned => "returned",
        }
    }
}
