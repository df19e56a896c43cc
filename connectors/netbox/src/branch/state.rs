//! Where a branch stands.

use std::fmt;

/// Where a branch stands, as the plugin says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// It was asked for, and no worker took it yet.
    New,
    /// Its tables are being copied.
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
    /// What it had is in main; its tables may be gone.
    Merged,
    /// NetBox was upgraded, and the branch was not.
    PendingMigrations,
    /// It could not be made, or not be migrated.
    Failed,
    /// Something that this connector does not know.
    Unknown,
}

impl State {
    /// Reads what the plugin says.
    pub fn parse(text: Option<&str>) -> Self {
        match text {
            Some("new") => Self::New,
            Some("provisioning") => Self::Provisioning,
            Some("ready") => Self::Ready,
            Some("syncing") => Self::Syncing,
            Some("migrating") => Self::Migrating,
            Some("merging") => Self::Merging,
            Some("reverting") => Self::Reverting,
            Some("merged" | "archived") => Self::Merged,
            Some("pending-migrations") => Self::PendingMigrations,
            Some("failed") => Self::Failed,
            _ => Self::Unknown,
        }
    }

    /// Whether waiting makes it ready.
    pub fn becomes_ready(self) -> bool {
        matches!(self, Self::New | Self::Provisioning | Self::Syncing)
    }

    /// Whether a job is at work on it. Such a branch takes no requests and cannot be deleted.
    pub fn is_at_work(self) -> bool {
        matches!(self, Self::Provisioning | Self::Syncing | Self::Migrating | Self::Merging | Self::Reverting)
    }

    /// What that means for who wants to use the branch, and what to do.
    pub fn remedy(self) -> &'static str {
        match self {
            Self::New | Self::Provisioning => "is not ready yet: wait for NetBox's worker",
            Self::Ready => "is ready",
            Self::Syncing => "takes over changes of main: wait until that is done",
            Self::Migrating => "is being migrated to NetBox's version: wait until that is done",
            Self::Merging => "is being merged: wait until that is done",
            Self::Reverting => "is being reverted in NetBox: wait until that is done",
            Self::Merged => "is merged already and takes no more changes: run the sync again",
            Self::PendingMigrations => {
                "was made by an older NetBox: migrate it in NetBox, or delete it and run the sync again"
            }
            Self::Failed => "failed in NetBox and cannot be used: look there why, delete it and run the sync again",
            Self::Unknown => {
                "is in a state that this connector does not know: look at it in NetBox; the plugin was tried in version 1.1"
            }
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::New => "new",
            Self::Provisioning => "being made ready",
            Self::Ready => "still open",
            Self::Syncing => "taking over changes of main",
            Self::Migrating => "being migrated",
            Self::Merging => "being merged",
            Self::Reverting => "being reverted",
            Self::Merged => "merged",
            Self::PendingMigrations => "waiting to be migrated",
            Self::Failed => "failed",
            Self::Unknown => "in an unknown state",
        })
    }
}
