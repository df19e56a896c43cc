//! What is known of a change.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use syncline_model::AnyKey;

use super::entity::change;
use super::run::RunId;
use super::text;
use crate::change::{Action, Change, FieldChange, HoldRule, KeptField};
use crate::outcome::Outcome;

/// What became of a change, without its reason: what counters and filters tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeKind {
    /// Nothing yet: a dry run, or a plan that waits for its review.
    Planned,
    /// The target has it now.
    Applied,
    /// The target had it already.
    Unchanged,
    /// Not tried, for a reason that is no failure.
    Skipped,
    /// Not tried, as the plan said.
    Held,
    /// Tried and refused.
    Failed,
    /// Not tried: the record moved after it was read.
    Stale,
}

/// A change with its outcome, on its way into the history.
#[derive(Debug, Clone, Copy)]
pub struct RecordedChange<'a> {
    /// The change.
    pub change: &'a Change,
    /// What became of it; none in a dry run.
    pub outcome: Option<&'a Outcome>,
    /// The id of the record in the target, when a create has just got one. Else the id is the change's own.
    pub native_id: Option<&'a str>,
    /// When that happened.
    pub at: DateTime<Utc>,
    /// The place of the change in its plan.
    pub place: Option<u64>,
    /// What the target said of a record before it was deleted.
    pub image: Option<&'a serde_json::Value>,
}

/// A change as the history has it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct StoredChange {
    /// Its place among the changes of its run, in the order they were recorded.
    pub seq: u64,
    /// Names the same change in every plan.
    pub change_id: String,
    /// The model.
    pub model: String,
    /// The record.
    #[schemars(with = "Vec<serde_json::Value>")]
    pub key: AnyKey,
    /// What was done to it.
    pub action: Action,
    /// The values before and after.
    pub fields: Vec<FieldChange>,
    /// The fields that differ and were left to the target, because the sync's policy gives them to it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub kept: Vec<KeptField>,
    /// What became of it.
    pub outcome: OutcomeKind,
    /// The rule that held it back.
    pub rule: Option<HoldRule>,
    /// The field that the target refused.
    pub field: Option<String>,
    /// Why it came to nothing, in the system's own words where it spoke.
    pub reason: Option<String>,
    /// The record's id in the target.
    pub native_id: Option<String>,
    /// The target's id for the request.
    pub request_id: Option<String>,
    /// When it was dealt with.
    pub at: DateTime<Utc>,
}

/// Which changes of a run are wanted. An empty filter wants all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChangeFilter {
    /// Of this model.
    pub model: Option<String>,
    /// With this action.
    pub action: Option<Action>,
    /// With one of these outcomes; none for any.
    pub outcome: Vec<OutcomeKind>,
    /// Held back by this rule.
    pub rule: Option<HoldRule>,
}

/// How many changes of a run have the same model, action and outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ChangeCount {
    /// The model.
    pub model: String,
    /// The action.
    pub action: Action,
    /// What became of them.
    pub outcome: OutcomeKind,
    /// How many.
    pub count: u64,
}

/// How many changes have each outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OutcomeCounts {
    /// Nothing happened to it yet.
    pub planned: u64,
    /// The target has it now.
    pub applied: u64,
    /// The target had it already.
    pub unchanged: u64,
    /// Not tried, for a reason that is no failure.
    pub skipped: u64,
    /// Not tried, as the plan said.
    pub held: u64,
    /// Tried and refused.
    pub failed: u64,
    /// Not tried: the record moved after it was read.
    pub stale: u64,
}

/// What happened to an object in one run.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct TimelineEntry {
    /// The run.
    pub run: RunId,
    /// The name of its sync.
    pub sync: String,
    /// The system that was written to.
    pub instance: String,
    /// What happened.
    pub change: StoredChange,
}

/// Where the next page of a timeline starts: behind this run and place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TimelineCursor {
    /// The run.
    pub run: RunId,
    /// The place within it.
    pub seq: u64,
}

impl StoredChange {
    /// It took the record away.
    pub fn is_deleted(&self) -> bool {
        self.action == Action::Delete && self.outcome == OutcomeKind::Applied
    }
}

impl OutcomeKind {
    /// Every kind.
    pub const ALL: [Self; 7] =
        [Self::Planned, Self::Applied, Self::Unchanged, Self::Skipped, Self::Held, Self::Failed, Self::Stale];

    /// The kind of an outcome.
    pub fn of(outcome: Option<&Outcome>) -> Self {
        match outcome {
            None => Self::Planned,
            Some(Outcome::Applied { .. }) => Self::Applied,
            Some(Outcome::Unchanged) => Self::Unchanged,
            Some(Outcome::Skipped { .. }) => Self::Skipped,
            Some(Outcome::Held { .. }) => Self::Held,
            Some(Outcome::Failed { .. }) => Self::Failed,
            Some(Outcome::Stale { .. }) => Self::Stale,
        }
    }

    /// The outcome of this kind with a reason, as far as it has one.
    pub(super) fn with(self, reason: String) -> Outcome {
        match self {
            Self::Applied => Outcome::Applied { request_id: None },
            Self::Planned | Self::Unchanged => Outcome::Unchanged,
            Self::Skipped => Outcome::Skipped { reason },
            Self::Held => Outcome::Held { reason },
            Self::Failed => Outcome::Failed { field: None, reason },
            Self::Stale => Outcome::Stale { reason },
        }
    }

    /// The name in the history, metrics and the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Applied => "applied",
            Self::Unchanged => "unchanged",
            Self::Skipped => "skipped",
            Self::Held => "held",
            Self::Failed => "failed",
            Self::Stale => "stale",
        }
    }
}

impl OutcomeCounts {
    /// The number of changes with an outcome.
    pub fn of(&self, kind: OutcomeKind) -> u64 {
        match kind {
            OutcomeKind::Planned => self.planned,
            OutcomeKind::Applied => self.applied,
            OutcomeKind::Unchanged => self.unchanged,
            OutcomeKind::Skipped => self.skipped,
            OutcomeKind::Held => self.held,
            OutcomeKind::Failed => self.failed,
            OutcomeKind::Stale => self.stale,
        }
    }

    /// Counts changes with an outcome.
    pub fn add(&mut self, kind: OutcomeKind, count: u64) {
        let counter = match kind {
            OutcomeKind::Planned => &mut self.planned,
            OutcomeKind::Applied => &mut self.applied,
            OutcomeKind::Unchanged => &mut self.unchanged,
            OutcomeKind::Skipped => &mut self.skipped,
            OutcomeKind::Held => &mut self.held,
            OutcomeKind::Failed => &mut self.failed,
            OutcomeKind::Stale => &mut self.stale,
        };
        *counter += count;
    }

    /// The number of changes.
    pub fn total(&self) -> u64 {
        OutcomeKind::ALL.into_iter().map(|kind| self.of(kind)).sum()
    }
}

impl<'a> RecordedChange<'a> {
    /// A change that was dealt with just now.
    pub fn now(change: &'a Change, outcome: Option<&'a Outcome>) -> Self {
        Self { change, outcome, native_id: None, at: Utc::now(), place: None, image: None }
    }

    /// Adds the place of the change in its plan.
    pub fn at_place(self, place: u64) -> Self {
        Self { place: Some(place), ..self }
    }

    /// Adds what the target said of a deleted record.
    pub fn with_image(self, image: Option<&'a serde_json::Value>) -> Self {
        Self { image, ..self }
    }

    /// Adds the id that the target gave to a created record.
    pub fn with_native_id(self, native_id: Option<&'a str>) -> Self {
        Self { native_id, ..self }
    }
}

/// The parts of an outcome that have columns of their own.
#[derive(Debug, Clone, Default)]
pub(super) struct OutcomeColumns<'a> {
    pub(super) rule: Option<HoldRule>,
    pub(super) field: Option<&'a str>,
    pub(super) reason: Option<Cow<'a, str>>,
    pub(super) request_id: Option<&'a str>,
}

impl<'a> OutcomeColumns<'a> {
    /// Takes an outcome apart. A planned change that will be held back says so too.
    pub(super) fn of(change: &'a Change, outcome: Option<&'a Outcome>) -> Self {
        let mut columns = Self::default();
        let is_held = matches!(outcome, None | Some(Outcome::Held { .. }));
        if let Some(hold) = change.hold.as_ref().filter(|_| is_held) {
            columns.rule = Some(hold.rule);
            columns.reason = Some(hold.reason.as_str().into());
        }
        if let Some(outcome) = outcome {
            columns.reason = outcome.reason().map(Cow::Borrowed);
        }
        match outcome {
            Some(Outcome::Applied { request_id }) => columns.request_id = request_id.as_deref(),
            Some(Outcome::Failed { field, .. }) => columns.field = field.as_deref(),
            _ => {}
        }
        columns
    }
}

impl TryFrom<change::Model> for StoredChange {
    type Error = crate::Error;

    fn try_from(row: change::Model) -> crate::Result<Self> {
        Ok(Self {
            seq: text::count(row.seq),
            change_id: row.change_id,
            key: AnyKey::from_canonical(&row.key),
            action: text::parse("change.action", &row.action)?,
            fields: text::parse_json("change.fields", &row.fields)?,
            kept: row.kept.map(|kept| text::parse_json("change.kept", &kept)).transpose()?.unwrap_or_default(),
            outcome: text::parse("change.outcome", &row.outcome)?,
            rule: row.hold_rule.map(|rule| text::parse("change.hold_rule", &rule)).transpose()?,
            field: row.error_field,
            reason: row.reason,
            native_id: row.native_id,
            request_id: row.request_id,
            at: text::time(row.at),
            model: row.model,
        })
    }
}
