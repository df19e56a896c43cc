//! Branches, as the plugin `netbox_branching` 1.1 keeps them: copies of all objects that requests reach by a header, and that
//! jobs make ready and merge.
//!
//! Jobs take a step whenever somebody looks at them or at their branch, so that nothing here depends on time.

mod api;
mod diff;
mod merge;

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use chrono::{DateTime, Utc};

use super::errors::Refusal;
use super::schema::Kind;
use super::server::Shared;
use super::state::Store;
use crate::http::lock;

pub(super) use self::api::{Call, answer};

/// Version of the plugin that is simulated.
pub(super) const PLUGIN_VERSION: &str = "1.1.2";

/// What a request hears that names a branch which is not ready.
pub(super) const NOT_READY: &str = "'HttpResponseBadRequest' object has no attribute 'schema_name'";

/// Where a branch stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BranchStatus {
    /// It was asked for, and nothing was done yet.
    New,
    /// Its copy is being made.
    Provisioning,
    /// It takes requests.
    Ready,
    /// It takes over what changed in main.
    Syncing,
    /// Its tables are brought to NetBox's version.
    Migrating,
    /// What it has is taken over into main.
    Merging,
    /// Its merge is being taken back.
    Reverting,
    /// What it had is in main.
    Merged,
    /// It is merged, and its copy is gone.
    Archived,
    /// NetBox was upgraded, and the branch was not.
    PendingMigrations,
    /// It could not be made, or not be migrated.
    Failed,
}

impl BranchStatus {
    /// The value that NetBox writes.
    pub fn value(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Provisioning => "provisioning",
            Self::Ready => "ready",
            Self::Syncing => "syncing",
            Self::Migrating => "migrating",
            Self::Merging => "merging",
            Self::Reverting => "reverting",
            Self::Merged => "merged",
            Self::Archived => "archived",
            Self::PendingMigrations => "pending-migrations",
            Self::Failed => "failed",
        }
    }

    /// The label that NetBox shows.
    fn label(self) -> &'static str {
        match self {
            Self::New => "New",
            Self::Provisioning => "Provisioning",
            Self::Ready => "Ready",
            Self::Syncing => "Syncing",
            Self::Migrating => "Migrating",
            Self::Merging => "Merging",
            Self::Reverting => "Reverting",
            Self::Merged => "Merged",
            Self::Archived => "Archived",
            Self::PendingMigrations => "Pending Migrations",
            Self::Failed => "Failed",
        }
    }

    /// Whether a job is at work on the branch. Such a branch is not deleted.
    fn is_passing(self) -> bool {
        matches!(self, Self::Provisioning | Self::Syncing | Self::Migrating | Self::Merging | Self::Reverting)
    }
}

/// A branch, for tests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BranchRecord {
    /// Its id.
    pub id: u64,
    /// Its name.
    pub name: String,
    /// What the header `X-NetBox-Branch` names it by.
    pub schema_id: String,
    /// Where it stands.
    pub status: BranchStatus,
}

/// A branch.
pub(super) struct Branch {
    pub record: BranchRecord,
    description: String,
    comments: String,
    created: DateTime<Utc>,
    updated: DateTime<Utc>,
    last_sync: Option<DateTime<Utc>>,
    merged: Option<DateTime<Utc>>,
    /// The copy of all objects, once it is made.
    store: Option<Arc<RwLock<Store>>>,
    /// Fields that main had changed when the branch changed the same object. A later change of main is not noted, as in the
    /// plugin up to 1.1.
    conflicts: BTreeMap<(Kind, u64), Vec<&'static str>>,
}

/// What a job does with its branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Task {
    Provision,
    Merge { commit: bool },
}

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    Pending,
    Running,
    Completed,
    Errored,
}

/// A job of a worker.
struct Job {
    id: u64,
    branch: u64,
    task: Task,
    progress: Progress,
    created: DateTime<Utc>,
    error: String,
    log: Vec<String>,
}

/// All branches and their jobs.
#[derive(Default)]
pub(super) struct Branching {
    branches: BTreeMap<u64, Branch>,
    jobs: BTreeMap<u64, Job>,
    last_branch: u64,
    last_job: u64,
}

/// The objects that a request sees: everybody's, or those of the branch that its header names.
pub(super) fn place(shared: &Shared, path: &str, header: Option<&str>) -> Result<Arc<RwLock<Store>>, Refusal> {
    let Some(schema_id) = header.filter(|_| shared.options.branching && path != "/api/status/") else {
        return Ok(Arc::clone(&shared.store));
    };
    let branching = lock(&shared.branching);
    let branch = branching.branches.values().find(|branch| branch.record.schema_id == schema_id);
    let branch = branch.ok_or_else(|| Refusal::Text(400, "Invalid branch identifier".to_owned()))?;
    // The plugin's own objects are everybody's.
    if path.starts_with("/api/plugins/") || path.starts_with("/api/core/jobs/") {
        return Ok(Arc::clone(&shared.store));
    }
    match (&branch.store, branch.record.status) {
        (Some(store), BranchStatus::Ready) => Ok(Arc::clone(store)),
        // The plugin stumbles over its own refusal.
        _ => Err(Refusal::Database { exception: "AttributeError", message: NOT_READY.to_owned() }),
    }
}

/// Notes what main and the branch have both changed, after a write to the branch.
pub(super) fn note_conflicts(shared: &Shared, schema_id: &str) {
    let mut branching = lock(&shared.branching);
    let branch = branching.branches.values_mut().find(|branch| branch.record.schema_id == schema_id);
    let Some((branch, store)) = branch.and_then(|branch| branch.store.clone().map(|store| (branch, store))) else {
        return;
    };
    let main = shared.store.read().unwrap_or_else(PoisonError::into_inner);
    let copy = store.read().unwrap_or_else(PoisonError::into_inner);
    branch.conflicts = diff::of(&main, &copy)
        .into_iter()
        .map(|diff| {
            let object = (diff.kind, diff.object_id);
            let known = branch.conflicts.get(&object).filter(|_| Some(diff.last_change) <= copy.noted);
            (object, known.cloned().unwrap_or_else(|| diff.conflicts()))
        })
        .collect();
    drop(copy);
    let mut copy = store.write().unwrap_or_else(PoisonError::into_inner);
    copy.noted = copy.changes.last().map(|change| change.id);
}

impl Branching {
    /// Every branch, for tests.
    pub fn records(&self) -> Vec<BranchRecord> {
        self.branches.values().map(|branch| branch.record.clone()).collect()
    }

    /// Sets where a branch stands, for tests.
    pub fn set_status(&mut self, id: u64, status: BranchStatus) {
        if let Some(branch) = self.branches.get_mut(&id) {
            branch.record.status = status;
        }
    }

    /// The objects of a branch, for tests.
    pub fn store(&self, id: u64) -> Option<Arc<RwLock<Store>>> {
        self.branches.get(&id)?.store.clone()
    }

    fn enqueue(&mut self, branch: u64, task: Task, created: DateTime<Utc>) -> u64 {
        self.last_job += 1;
        let id = self.last_job;
        let progress = Progress::Pending;
        self.jobs.insert(id, Job { id, branch, task, progress, created, error: String::new(), log: Vec::new() });
        id
    }
}
