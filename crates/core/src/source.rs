//! The side that is read as truth.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use syncline_model::AnyKey;

use crate::Result;
use crate::describe::{CheckReport, ConfigItem, ObjectLink};
use crate::fields::ModelFields;
use crate::native::Native;
use crate::read::ReadRequest;
use crate::snapshot::SnapshotSink;

/// Why a record is not in what a source gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Absence {
    /// The system has no such object any more.
    Gone,
    /// The system has it, outside of the sites, tags or whatever else a sync is restricted to.
    OutOfScope,
    /// The system has it, of a kind that is never read.
    Filtered,
    /// The system has it, but knows nothing current about it: it could not be collected.
    Stale,
    /// The source does not tell.
    Unknown,
}

/// A system that can be read as truth.
///
/// A connector knows no database, no scheduler and no retry loop, and spawns no task: whoever calls owns them.
#[async_trait]
pub trait DataSource: Send + Sync {
    /// Which models and fields this source can tell of, with the settings it was made with.
    fn knows(&self) -> ModelFields;

    /// Tests the connection: reachable, authenticated, authorised, a version that works.
    async fn check(&self) -> Result<CheckReport>;

    /// Reads every model of the request into the sink.
    ///
    /// # Behavior
    ///
    /// - Models are independent as far as the system allows: one that fails ends as
    ///   [`partial`](crate::snapshot::ModelSink::partial) with the reason, the others go on.
    /// - A model ends as [`complete`](crate::snapshot::ModelSink::complete) only if the system's own count, or the end of its
    ///   paging, proves it. An empty answer alone is no proof.
    /// - An error returned from here fails the run: the system is unreachable, the credential is refused.
    async fn load(&self, request: &ReadRequest, sink: &SnapshotSink) -> Result<()>;

    /// Why records are not in what [`load`](Self::load) gave, in the order of `keys`.
    ///
    /// # Behavior
    ///
    /// - It is asked after a complete read, by the source that read, for records that the target has and that may be deleted.
    ///   `keys` are at most 1,000; there may be several calls.
    /// - Whether the system still has the object is what matters: [`Absence::Gone`] only if the system itself says so.
    /// - An error means that nobody knows, and the absence does not count.
    async fn explain_absence(&self, model: &str, keys: &[AnyKey]) -> Result<Vec<Absence>> {
        let _ = model;
        Ok(vec![Absence::Unknown; keys.len()])
    }

    /// The configuration for people, without secrets.
    fn config_information(&self) -> Vec<ConfigItem>;

    /// Where a person sees a record in the system's own interface; none when it has no page for it.
    async fn lookup_object(&self, model: &str, key: &AnyKey, native: Option<&Native>) -> Result<Option<ObjectLink>> {
        let _ = (model, key, native);
        Ok(None)
    }
}

impl Absence {
    /// Every value, from the surest.
    pub const ALL: [Self; 5] = [Self::Gone, Self::OutOfScope, Self::Filtered, Self::Stale, Self::Unknown];

    /// The name in the history, in notes and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Gone => "gone",
            Self::OutOfScope => "out_of_scope",
            Self::Filtered => "filtered",
            Self::Stale => "stale",
            Self::Unknown => "unknown",
        }
    }

    /// What it says about the object, for people; none when it says nothing.
    pub fn words(self) -> Option<&'static str> {
        match self {
            Self::Gone => Some("the source no longer has it"),
            Self::OutOfScope => Some("the source has it, outside of what the sync reads"),
            Self::Filtered => Some("the source has it, of a kind that is not read"),
            Self::Stale => Some("the source has it, but could not collect it"),
            Self::Unknown => None,
        }
    }
}
