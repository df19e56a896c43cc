//! The syncs that there are, as the host keeps them.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use syncline_core::history::SyncOwner;
use syncline_core::run::SyncBook;
use syncline_core::{Error, Result};

use crate::problem::SettingProblem;

/// Where syncs are kept and changed. Those of a configuration file are changed there only: what is asked of one is
/// refused with [`syncline_core::ErrorKind::Refused`].
#[async_trait]
pub trait SyncStore: SyncBook {
    /// Every sync, by name.
    async fn list(&self) -> Result<Vec<SyncView>>;

    /// A sync; none when there is none with this name.
    async fn get(&self, name: &str) -> Result<Option<SyncView>>;

    /// Makes a sync. Gives warnings about it.
    async fn create(&self, name: &str, settings: &Value) -> Result<Vec<String>, StoreError>;

    /// Replaces the settings of a sync. Gives warnings about it.
    async fn change(&self, name: &str, settings: &Value) -> Result<Vec<String>, StoreError>;

    /// Ends a sync. What it did stays in the history.
    async fn remove(&self, name: &str) -> Result<()>;

    /// Lets the schedules of a sync rest, or go on.
    async fn pause(&self, name: &str, paused: bool) -> Result<()>;
}

/// A sync, for programs.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct SyncView {
    /// Its name.
    pub name: String,
    /// `file` when a configuration file keeps it, `stored` when the history does.
    pub owner: Option<SyncOwner>,
    /// Its schedules rest.
    pub paused: bool,
    /// When it runs, in words.
    pub schedule: Option<String>,
    /// When it runs next, as far as a scheduler has seen.
    pub next: Option<DateTime<Utc>>,
    /// What is configured. Secrets are references.
    pub settings: Option<Value>,
    /// Why it cannot run.
    pub error: Option<String>,
}

/// Why a sync was not taken over.
#[derive(Debug)]
pub enum StoreError {
    /// Its settings are wrong.
    Settings {
        /// That they are, in words.
        message: String,
        /// Everything that is wrong with them.
        problems: Vec<SettingProblem>,
    },
    /// Anything else.
    Failed(Error),
}

impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}
