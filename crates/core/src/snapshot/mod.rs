//! Snapshots: one complete read of one side, kept as immutable files.
//!
//! Per model, records are projected to the fields that the sync compares, written in their canonical form, sorted by key
//! and compressed (`zstdcat FILE | jq` reads them). A file is named after the hash of its content, so equal reads are
//! stored once. Memory does not grow with the number of records: a [`ModelSink`] sorts what fits into its buffer, spills
//! it as a run, and the runs are merged when the model ends.

mod adjust;
mod align;
mod filled;
mod line;
mod reader;
mod recognise;
mod remade;
mod renamed;
mod run;
mod sink;
#[cfg(feature = "runtime")]
mod sorted;
mod translation;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use syncline_model::AnyKey;

pub use adjust::Prefixes;
pub use align::{Aligned, PassedOn, align};
#[cfg(feature = "runtime")]
pub(crate) use align::{ordered, rename};
pub use filled::Filled;
pub use line::Line;
pub use reader::SnapshotReader;
pub use recognise::{Ambiguities, Bound, Links, Recognised, RecognisedBy};
pub use remade::Remade;
pub use renamed::Renamed;
#[cfg(feature = "runtime")]
pub(crate) use run::kept_file;
pub use sink::{ModelSink, NoRecord, SnapshotSink};
#[cfg(feature = "runtime")]
pub(crate) use sorted::Sorted;
pub use translation::Translation;

use crate::event::Side;

/// How a read of a model ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum ReadVerdict {
    /// Everything that there is was read: what is not in the snapshot is not in the system.
    Complete,
    /// Something may be missing. Absence proves nothing, so nothing is deleted for it.
    Partial {
        /// Why, in words a person can act on.
        reason: String,
    },
}

impl ReadVerdict {
    /// Whether the read proves absence.
    pub fn is_complete(&self) -> bool {
        matches!(self, Self::Complete)
    }
}

/// A record that a side holds but that could not be taken over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Rejection {
    /// The record as the system names it.
    pub record: String,
    /// Which field, or which rule of the target, is at fault; empty when none alone.
    pub field: String,
    /// What is wrong with it.
    pub message: String,
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { record, field, message } = self;
        if field.is_empty() { write!(f, "{record}: {message}") } else { write!(f, "{record}: {field}: {message}") }
    }
}

/// The records of one model that one side holds but that could not be taken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Rejected<'a> {
    /// The side. Of the source, also those that the target could not make of what was read.
    pub side: Side,
    /// The model.
    pub model: &'a str,
    /// How many there are.
    pub rejected: u64,
    /// The first of them, up to 100.
    pub rejections: &'a [Rejection],
}

impl<'a> Rejected<'a> {
    /// Those of a read; none when there are none.
    pub fn of(side: Side, model: &'a str, rejected: u64, rejections: &'a [Rejection]) -> Option<Self> {
        (rejected > 0).then_some(Self { side, model, rejected, rejections })
    }
}

/// The stored read of one model.
#[derive(Debug, Clone)]
pub struct ModelSnapshot {
    /// The model.
    pub model: &'static str,
    /// The file.
    pub path: PathBuf,
    /// Hash of the uncompressed content: equal content has an equal digest.
    pub digest: String,
    /// Number of different keys.
    pub records: u64,
    /// Size of the uncompressed content in bytes.
    pub bytes: u64,
    /// How the read ended.
    pub verdict: ReadVerdict,
    /// Known benign input that was left out, by rule, with its count.
    pub skipped: BTreeMap<&'static str, u64>,
    /// Number of records that could not be taken over. As long as there are any, absence proves nothing.
    pub rejected: u64,
    /// The same of the models that a target made this one of: what would have been made of them is not known. Zero of what was read.
    pub rejected_origins: u64,
    /// The first of them.
    pub rejections: Vec<Rejection>,
    /// Number of keys that more than one different record has.
    pub duplicates: u64,
    /// The first of those keys.
    pub duplicate_keys: Vec<AnyKey>,
    /// In how many records which field has a value.
    pub filled: Filled,
}

impl ModelSnapshot {
    /// Why absence from this read proves nothing; none when it does.
    pub fn doubt(&self) -> Option<String> {
        match &self.verdict {
            ReadVerdict::Partial { reason } => Some(reason.clone()),
            ReadVerdict::Complete => {
                let rejected = self.rejected + self.rejected_origins;
                (rejected > 0).then(|| not_taken_over(rejected))
            }
        }
    }

    /// How many records could not be taken over, with the first of them; none when all could.
    pub fn rejected_text(&self) -> Option<String> {
        rejected_text(self.rejected, self.rejections.first())
    }
}

/// How many records could not be taken over, with the first of them; none when all could.
pub(crate) fn rejected_text(rejected: u64, first: Option<&Rejection>) -> Option<String> {
    let first = first.map_or_else(String::new, |first| format!(": {first}"));
    (rejected > 0).then(|| format!("{}{first}", not_taken_over(rejected)))
}

fn not_taken_over(records: u64) -> String {
    match records {
        1 => "1 record could not be taken over".to_owned(),
        _ => format!("{records} records could not be taken over"),
    }
}

/// The stored read of one side.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// Which side.
    pub side: Side,
    /// The models that were read.
    pub models: BTreeMap<&'static str, ModelSnapshot>,
    /// Facts about the read that history keeps: the Forward snapshot, the version of the system.
    pub notes: BTreeMap<String, String>,
}

impl Snapshot {
    /// Number of records over all models.
    pub fn records(&self) -> u64 {
        self.models.values().map(|model| model.records).sum()
    }

    /// How many records could not be taken over, over all models, with the first of them; none when all could.
    pub fn rejected_text(&self) -> Option<String> {
        let rejected = self.models.values().map(|model| model.rejected).sum();
        rejected_text(rejected, self.models.values().find_map(|model| model.rejections.first()))
    }
}
