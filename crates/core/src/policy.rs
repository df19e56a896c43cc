//! What a sync may do without asking.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use crate::guard::{Canary, Guards, ModelLimits, SiteLimits};
use crate::source::Absence;

/// What a sync may do without asking, and what makes it stop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// What happens to records that the source no longer has.
    pub deletes: Deletes,
    /// Delete only records that Syncline created.
    pub only_own: bool,
    /// What a run does when a read is not complete.
    pub partial_read: PartialRead,
    /// For how many hours a saved plan may be applied.
    pub plan_valid_hours: u32,
    /// How long a record must be absent before it may be deleted.
    pub quarantine: Quarantine,
    /// The limits at which a plan needs a person.
    pub guards: Guards,
    /// A change that so many runs in a row had to make is reported as flapping. 0 and 1 report none.
    pub flapping_runs: u32,
    /// Who owns which field, by `model.field`, or `model.*` for all others of a model: `source_wins` where nothing is said.
    pub fields: BTreeMap<String, FieldRule>,
    /// Which objects that were in the target already become Syncline's own, and may be deleted like those that it created.
    pub adopt: Adopt,
    /// When a change of a run fails, everything that the run changed is taken back at once, by an undo that asks nobody. The rest is done
    /// nevertheless: until then nobody knows which change fails. Not where
    /// writes are staged for review: there, nothing is changed before somebody merges it.
    pub all_or_nothing: bool,
}

impl Policy {
    /// Hash of all that it says.
    pub fn digest(&self) -> String {
        // Plain data with text keys always serialises.
        let written = serde_json::to_vec(self).unwrap_or_default();
        blake3::hash(&written).to_hex()[..32].to_owned()
    }
}

/// Who owns a field of a record that both sides have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FieldRule {
    /// The target gets what the source says.
    #[default]
    SourceWins,
    /// What people put into the target stays: a value that is not the one that Syncline applied last.
    TargetWins,
    /// It is written only where the target has nothing.
    OnlyIfEmpty,
    /// It is compared and never written. A create still sets what a record cannot be without.
    ReportOnly,
}

impl FieldRule {
    /// The name in settings, plans and the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SourceWins => "source_wins",
            Self::TargetWins => "target_wins",
            Self::OnlyIfEmpty => "only_if_empty",
            Self::ReportOnly => "report_only",
        }
    }
}

/// Which objects that were in the target already become Syncline's own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Adopt {
    /// None: they are updated, and never deleted.
    #[default]
    None,
    /// Those that the source speaks of too.
    Matched,
}

/// What happens to records that the source no longer has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Deletes {
    /// They are shown in the plan, and held back.
    Hold,
    /// They are deleted, if the evidence holds and the guards agree.
    Apply,
}

/// What a run does when a read is not complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PartialRead {
    /// It fails before it writes anything.
    Stop,
    /// It goes on with what was read, deletes nothing of that model, and ends as failed.
    Continue,
}

/// How long a record must be absent before it may be deleted: in so many runs and for so many hours, both. With 0 of both an
/// absent record may be deleted at once. What belongs to a record, such as the interfaces of a device, goes when it goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Quarantine {
    /// In how many runs in a row a record must be absent. Only real runs count whose reads all came to their end.
    pub runs: u32,
    /// For how many hours a record must be absent.
    pub hours: u32,
    /// What a record gets that was absent in that many runs, while the hours still pass: `"none"`, `{ tag = "…" }` or
    /// `{ status = "…" }`. It is taken back when the record reappears; what a person does with it stays. A target can have a mark of its own
    /// besides, such as the graveyard of a Zabbix.
    pub mark: Mark,
    /// What becomes of a record that the source still has, but outside of what the sync reads.
    pub out_of_scope: OutOfScope,
}

/// What an absent record gets in the target, where its model has the field.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// Nothing.
    #[default]
    None,
    /// A tag, by its slug. It must exist in the target.
    Tag(String),
    /// A status, on records of models that have it among their standard ones.
    Status(String),
}

/// What becomes of a record that the source still has, but outside of what the sync reads.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OutOfScope {
    /// It is held back.
    #[default]
    Hold,
    /// It is treated like one that is gone.
    AsGone,
}

impl Policy {
    /// The rule for a field of a model.
    pub fn rule_of(&self, model: &str, field: &str) -> FieldRule {
        if self.fields.is_empty() {
            return FieldRule::SourceWins;
        }
        let rule = |field: &str| self.fields.get(&format!("{model}.{field}")).copied();
        rule(field).or_else(|| rule("*")).unwrap_or_default()
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            deletes: Deletes::Hold,
            only_own: true,
            partial_read: PartialRead::Stop,
            plan_valid_hours: 24,
            quarantine: Quarantine::default(),
            guards: Guards::default(),
            flapping_runs: 3,
            fields: BTreeMap::new(),
            adopt: Adopt::None,
            all_or_nothing: false,
        }
    }
}

impl Default for Quarantine {
    fn default() -> Self {
        Self { runs: 3, hours: 72, mark: Mark::None, out_of_scope: OutOfScope::Hold }
    }
}

impl Quarantine {
    /// What is absent may be deleted at once.
    pub fn off() -> Self {
        Self { runs: 0, hours: 0, ..Self::default() }
    }

    /// Whether an absence of this kind counts. What the source still has is not gone, however long a sync does not see it.
    pub fn counts(&self, evidence: Absence) -> bool {
        match evidence {
            Absence::Gone | Absence::Unknown => true,
            Absence::Stale => false,
            Absence::OutOfScope | Absence::Filtered => self.out_of_scope == OutOfScope::AsGone,
        }
    }
}
