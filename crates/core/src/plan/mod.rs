//! Plans: the ordered changes that a run computed, saved and applied exactly as saved.
//!
//! A plan is one JSON document with one change a line, so that it is read by any JSON tool and, line by line, in memory that
//! does not grow with it:
//!
//! ```json
//! {"format":"syncline.plan/1",
//! "header":{…},
//! "bindings":[
//! …],
//! "adopted":[
//! …],
//! "changes":[
//! …],
//! "summary":{…},
//! "hash":"blake3:…"}
//! ```
//!
//! `adopted` is only there when there is something in it. The hash covers every byte before its own line. Creates and updates come parents first, deletes children first. The
//! fields marked `deferred` are written in a second pass, after every create and update and before any delete. Updates that clear a
//! reference, so that what it referred to can change, come before everything else.
//!
//! [`schema`] is the JSON schema of the document. A field that is added has a default, so that plans from before it are read;
//! whatever else changes is a new number in [`FORMAT`].

mod absence;
mod circles;
mod draft;
mod excerpt;
mod facets;
mod left_out;
mod marks;
mod memory;
mod output;
mod owner;
mod passed_on;
mod reader;
mod referenced;
mod release;
mod schema;
mod selection;
mod spool;
mod whole;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use syncline_model::AnyKey;

use crate::change::{Action, HoldRule};
use crate::diff::DiffCounts;
use crate::event::Side;
use crate::guard::{Demand, Verdict};
use crate::models::ModelMode;
use crate::scope::Scope;
use crate::snapshot::{Rejected, Rejection};

pub use absence::Evidence;
pub use draft::{Background, PlanDraft, SavedPlan};
pub use excerpt::{PartFilter, PlanExcerpt, PlanPart};
pub use facets::{HeldCounts, SiteCounts, SiteSummary};
pub use left_out::LeftOut;
pub use marks::{Unmark, UnmarkedField};
pub use memory::{AllOurs, Memory, id_hash};
pub use reader::PlanReader;
pub use schema::{PlanDocument, schema};
pub use selection::{Selection, Selector};

#[cfg(feature = "runtime")]
pub(crate) use spool::Spool;
#[cfg(feature = "runtime")]
pub(crate) use whole::Belonging;
pub(crate) use whole::wholes_of;

/// The format that this version writes and reads.
pub const FORMAT: &str = "syncline.plan/1";

/// What a plan was made from, and for whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlanHeader {
    /// The sync.
    pub sync: String,
    /// Hash of the sync's definition; a plan is only applied to the definition that it was made for.
    pub definition: String,
    /// Hash of what the plan means: the systems, what is asked of them, and the models. A plan that is being applied is only bound
    /// to this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meaning: Option<String>,
    /// The number of the run that computed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<i64>,
    /// Where the truth was read.
    pub source: PlanSide,
    /// What is made to agree.
    pub target: PlanSide,
    /// When it was computed.
    pub created_at: DateTime<Utc>,
    /// When it may no longer be applied.
    pub valid_until: DateTime<Utc>,
    /// What the sync does with each model.
    pub models: BTreeMap<String, ModelMode>,
    /// The fields that were compared, by model.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, Vec<String>>,
    /// The number of the run that the plan takes back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undoes: Option<i64>,
    /// The number of the run whose unfinished changes the plan tries again: it is about their records and what those need, and
    /// about nothing else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reruns: Option<i64>,
    /// The part of the sync that the plan is about, with what that needs; none for all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<Scope>,
    /// The plan was made by a drift check: to be looked at.
    #[serde(default, skip_serializing_if = "is_false")]
    pub drift: bool,
    /// Records that both sides have become Syncline's own when the plan is applied (`policy.adopt = "matched"`).
    #[serde(default, skip_serializing_if = "is_false")]
    pub adopts: bool,
    /// Why the plan is not the whole truth: a read that did not come to its end. A run that applies it fails all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partial: Option<String>,
    /// Hash of the sync's policy: a plan that was made under another one is not begun any more. None in plans from before it was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// When what was compared was recorded, of a plan that was made from recordings instead of the systems: to be looked at, and never
    /// applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replays: Option<DateTime<Utc>>,
}

impl PlanHeader {
    /// The records that could not be taken over, by side and model.
    pub fn rejected(&self) -> impl Iterator<Item = Rejected<'_>> {
        // An undo compares the target with itself.
        let source = self.undoes.is_none().then_some((Side::Source, &self.source));
        let sides = source.into_iter().chain([(Side::Target, &self.target)]);
        sides.flat_map(|(side, reads)| {
            let reads = reads.reads.iter();
            reads.filter_map(move |(model, read)| Rejected::of(side, model, read.rejected, &read.rejections))
        })
    }
}

/// One side of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlanSide {
    /// The connector.
    pub connector: String,
    /// The connection's name.
    pub connection: String,
    /// The read of each model.
    pub reads: BTreeMap<String, PlanRead>,
    /// Facts about the read.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub notes: BTreeMap<String, String>,
}

/// The read that a plan was made from, of one model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlanRead {
    /// Digest of the snapshot.
    pub digest: String,
    /// Number of records.
    pub records: u64,
    /// How many the source gave, where the target keeps another number of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given: Option<u64>,
    /// Digest of what was read of the source, where mapping rules made something else of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_read: Option<String>,
    /// Why the read proves no absence; none when it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doubt: Option<String>,
    /// Records that could not be taken over; of what the target makes of the source's, those that it could not make.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub rejected: u64,
    /// The first of them, up to 100.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rejections: Vec<Rejection>,
}

/// A record of the target that a change refers to, with its id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Binding {
    /// The model.
    pub model: String,
    /// The record.
    #[schemars(with = "Vec<serde_json::Value>")]
    pub key: AnyKey,
    /// The target's id.
    pub id: String,
}

/// What a plan amounts to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlanSummary {
    /// Counts by model, in the order of the plan.
    pub models: Vec<ModelSummary>,
    /// The guards that object.
    pub verdicts: Vec<Verdict>,
    /// Counts by site: the 200 sites with the most changes. Records that stand at no site are not in them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sites: Vec<SiteSummary>,
    /// How many sites with changes there are beside those.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub more_sites: u64,
    /// How many updates there are of each field, by model.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, BTreeMap<String, u64>>,
}

/// What a plan amounts to for one model.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ModelSummary {
    /// The model.
    pub model: String,
    /// What the comparison found; of a plan that is about some of the records only, what it found of those.
    pub found: DiffCounts,
    /// Changes to be applied, by action.
    pub create: u64,
    /// Changes to be applied, by action.
    pub update: u64,
    /// Changes to be applied, by action.
    pub delete: u64,
    /// Updates to be applied that only clear a reference, because something else in the plan needs it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub release: u64,
    /// Changes to be applied that the target would refuse as things are.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub refused: u64,
    /// Changes that are held back, by rule.
    pub held: BTreeMap<String, u64>,
    /// Changes that are held back, by rule and action. Nothing in plans from before that was counted.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub held_actions: BTreeMap<String, HeldCounts>,
    /// Records that both sides have and that are not Syncline's: with `policy.adopt = "matched"` they become its own. Counted in the
    /// first run, and where the sync adopts.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub adopt: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_false(value: &bool) -> bool {
    !*value
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl ModelSummary {
    /// Changes to be applied.
    pub fn to_apply(&self) -> u64 {
        self.create + self.update + self.delete + self.release
    }

    /// Changes that are held back.
    pub fn held(&self) -> u64 {
        self.held.values().sum()
    }

    /// Those that a rule holds back, by action; none where nobody counted.
    pub fn held_by(&self, rule: &str) -> Option<HeldCounts> {
        let counts = self.held_actions.get(rule).copied().unwrap_or_default();
        (counts.total() == self.held.get(rule).copied().unwrap_or_default()).then_some(counts)
    }

    fn hold(&mut self, rule: HoldRule, action: Action) {
        *self.held.entry(rule.as_str().to_owned()).or_default() += 1;
        self.held_actions.entry(rule.as_str().to_owned()).or_default().count(action);
    }

    fn count(&mut self, action: Action) {
        match action {
            Action::Create => self.create += 1,
            Action::Update => self.update += 1,
            Action::Delete => self.delete += 1,
        }
    }
}

impl PlanSummary {
    /// Changes to be applied.
    pub fn to_apply(&self) -> u64 {
        self.models.iter().map(ModelSummary::to_apply).sum()
    }

    /// Changes to be applied that the target would refuse as things are.
    pub fn refused(&self) -> u64 {
        self.models.iter().map(|model| model.refused).sum()
    }

    /// Records that both sides have and that are not Syncline's.
    pub fn to_adopt(&self) -> u64 {
        self.models.iter().map(|model| model.adopt).sum()
    }

    /// Changes that are held back.
    pub fn held(&self) -> u64 {
        self.models.iter().map(ModelSummary::held).sum()
    }

    /// What the guards demand at most; none when they let the plan pass.
    pub fn demand(&self) -> Option<Demand> {
        self.verdicts.iter().map(|verdict| verdict.demand).max()
    }

    /// The guards' objections in one line.
    pub fn objections(&self) -> String {
        let lines: Vec<_> =
            self.verdicts.iter().map(|verdict| format!("{}: {}", verdict.model, verdict.reason)).collect();
        lines.join("; ")
    }
}

#[cfg(test)]
mod ledger_tests;
#[cfg(test)]
mod tests;
