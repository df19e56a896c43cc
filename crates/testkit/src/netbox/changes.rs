//! The change log: who did what to which object, with the data before and after.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::schema::Kind;
use super::state::Object;

/// What was done to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// It came to be.
    Create,
    /// It was changed.
    Update,
    /// It was deleted, by itself or along with another.
    Delete,
}

impl Action {
    /// The value that NetBox writes: `create`, `update` or `delete`.
    pub fn value(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }

    /// The label that NetBox shows: `Created`, `Updated` or `Deleted`.
    pub fn label(self) -> &'static str {
        match self {
            Self::Create => "Created",
            Self::Update => "Updated",
            Self::Delete => "Deleted",
        }
    }
}

/// One entry of the change log.
#[derive(Clone, Debug)]
pub(super) struct Change {
    pub id: u64,
    pub time: DateTime<Utc>,
    pub request_id: String,
    pub user: String,
    pub action: Action,
    pub kind: Kind,
    pub object_id: u64,
    /// How the object showed itself at that time.
    pub repr: String,
    pub message: String,
    pub before: Option<Arc<Object>>,
    pub after: Option<Arc<Object>>,
}

/// One entry of the change log, for tests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeRecord {
    /// Number of the entry; grows with time.
    pub id: u64,
    /// `X-Request-ID` of the answer to the request that made the change.
    pub request_id: String,
    /// What was done.
    pub action: Action,
    /// Kind of the object.
    pub kind: Kind,
    /// Id of the object.
    pub object_id: u64,
    /// How the object showed itself at that time.
    pub display: String,
    /// `changelog_message` of the request.
    pub message: String,
}
