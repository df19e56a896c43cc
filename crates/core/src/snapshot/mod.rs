//! Snapshots: one complete read of one side, kept as immutable files.
//!
//! Per model, records are projected to the fields that the sync compares, written in their canonical form, sorted by key
//! and compressed (`zstdcat FILE | jq` reads them). A file is named after the hash of its content, so equal reads are
//! stored once. Memory does not grow with the number of records: a [`ModelSink`] sorts what fits into its buffer, spills
//! it as a run, and the runs are merged when the model ends.

mod align;
mod line;
mod reader;
mod recognise;
mod run;
mod sink;
#[cfg(feature = "runtime")]
mod sorted;
mod translation;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use syncline_model::AnyKey;

pub use align::{Aligned, PassedOn, align};
#[cfg(feature = "runtime")]
pub(crate) use align::{ordered, rename};
pub use line::Line;
pub use reader::SnapshotReader;
pub use recognise::{Ambiguities, Bound, Links, Recognised, RecognisedBy};
pub use sink::{ModelSink, SnapshotSink};
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejection {
    /// The record as the system names it.
    pub record: String,
    /// Which field is at fault; empty when none alone.
    pub field: String,
    /// What is wrong with it.
    pub message: String,
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
    /// The first of them.
    pub rejections: Vec<Rejection>,
    /// Number of keys that more than one different record has.
    pub duplicates: u64,
    /// The first of those keys.
    pub duplicate_keys: Vec<AnyKey>,
}

impl ModelSnapshot {
    /// Why absence from this read proves nothing; none when it does.
    pub fn doubt(&self) -> Option<String> {
        match &self.verdict {
            ReadVerdict::Partial { reason } => Some(reason.clone()),
            ReadVerdict::Complete if self.rejected > 0 => {
                Some(format!("{} records could not be taken over", self.rejected))
            }
            ReadVerdict::Complete => None,
        }
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
}
