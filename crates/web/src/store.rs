//! The syncs that there are, as the host keeps them.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use syncline_core::history::SyncOwner;
use syncline_core::run::{ConfiguredSync, SyncBook};
use syncline_core::settings::SecretRef;
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

    /// What a sync can name and say, for forms.
    fn offer(&self) -> Offer;

    /// Judges the settings of a sync as [`Self::create`] and [`Self::change`] do, and keeps nothing.
    async fn draft(&self, name: &str, settings: &Value) -> Result<Draft, StoreError>;

    /// Makes a sync. Gives warnings about it.
    async fn create(&self, name: &str, settings: &Value) -> Result<Vec<String>, StoreError>;

    /// Replaces the settings of a sync. Gives warnings about it.
    async fn change(&self, name: &str, settings: &Value) -> Result<Vec<String>, StoreError>;

    /// Ends a sync. What it did stays in the history.
    async fn remove(&self, name: &str) -> Result<()>;

    /// Lets the schedules of a sync rest, or go on.
    async fn pause(&self, name: &str, paused: bool) -> Result<()>;

    /// The secrets that the host's configuration and the syncs refer to.
    async fn secrets(&self) -> Result<Vec<NamedSecret>>;
}

/// A secret that a setting refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedSecret {
    /// The setting: `connections.netbox.token`.
    pub key: String,
    /// Where it is kept.
    pub secret: SecretRef,
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

/// What a sync can name and say.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Offer {
    /// The systems, by name.
    pub connections: Vec<OfferedConnection>,
    /// The JSON schema of a sync's settings, with its parts inlined. The host and the connectors share a sync's settings: what stands
    /// in `source_parameters` and `target_parameters` is said by the connectors of the sides.
    pub schema: Value,
}

/// A system that a sync can name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfferedConnection {
    /// Its name.
    pub name: String,
    /// The id of its connector.
    pub connector: String,
}

/// What settings make.
#[derive(Debug, Clone)]
pub struct Draft {
    /// The sync.
    pub sync: ConfiguredSync,
    /// What is odd about it.
    pub warnings: Vec<String>,
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
