//! What a configuration says.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use syncline_core::history::Retention;
use syncline_core::mapping::Mapping;
use syncline_core::models::ModelMode;
use syncline_core::policy::Policy;
use syncline_core::run::{Automation, ConfiguredSync, SideDefinition, SyncDefinition, Webhook};
use syncline_core::schedule::{CatchUp, Schedule, Window, Windows};
use syncline_core::similar;
use syncline_core::{Error, ErrorKind};

use super::{ChannelSettings, WebSettings};

/// A configuration without known problems.
#[derive(Debug, Clone)]
pub struct Configuration {
    /// The file that it comes from; none when everything comes from the environment.
    pub file: Option<PathBuf>,
    /// Where runs, plans and history are kept.
    pub data: DataSettings,
    /// The folder for plans, snapshots and the history: absolute, as the history keeps paths of plans that others open, from wherever they were
    /// started.
    pub data_folder: PathBuf,
    /// How the server is reached, and by whom.
    pub web: WebSettings,
    /// Who is told of what came of runs, by name.
    pub notify: BTreeMap<String, ChannelSettings>,
    /// The systems, by name.
    pub connections: BTreeMap<String, Connection>,
    /// The syncs, by name.
    pub syncs: BTreeMap<String, SyncSettings>,
    /// The syncs as they are written, by name.
    pub written: BTreeMap<String, Value>,
    /// What works, but is hardly meant so.
    pub warnings: Vec<String>,
}

/// How to reach a system.
#[derive(Debug, Clone)]
pub struct Connection {
    /// The connector, a known one.
    pub connector: String,
    /// The connector's settings; checked, secrets still references.
    pub settings: Value,
}

/// Where runs, plans and history are kept.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DataSettings {
    /// The folder for plans, snapshots and the history; relative to the configuration file. Default: `syncline-data` beside it.
    #[serde(default)]
    pub folder: Option<PathBuf>,
    /// The database of the history: a path, `sqlite:///path/history.sqlite` or `postgres://user@host/database`. Default:
    /// `history.sqlite` in the folder. A password is never part of it; see `history_password`.
    #[serde(default)]
    pub history: Option<String>,
    /// The password of the history's database.
    #[serde(default)]
    pub history_password: Option<syncline_core::settings::SecretRef>,
    /// How much of the past is kept; a very large number is no limit. Runs that later ones need stay whatever is said here.
    #[serde(default)]
    pub retention: Retention,
}

/// A pairing of two systems.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SyncSettings {
    /// The connection that is read as truth.
    pub source: String,
    /// The connection whose system is made to agree.
    pub target: String,
    /// What this sync asks of the source: scope, which stored state to read. The source's connector defines the keys.
    #[serde(default = "empty")]
    #[schemars(schema_with = "table")]
    pub source_parameters: Value,
    /// What this sync asks of the target. The target's connector defines the keys.
    #[serde(default = "empty")]
    #[schemars(schema_with = "table")]
    pub target_parameters: Value,
    /// What is done with each model: `sync`, `lookup` (read for references, never written) or `off`. Models that are not
    /// named are synced.
    #[serde(default)]
    pub models: BTreeMap<String, ModelMode>,
    /// What is made of the source's records before they are compared: rules that set fields, or leave records out.
    #[serde(default)]
    pub mapping: Mapping,
    /// What the sync may do, and when a person is asked first.
    #[serde(default)]
    pub policy: Policy,
    /// Apply a plan as soon as the guards let it pass. If false, every plan waits for a person who approves it.
    #[serde(default = "yes")]
    pub auto_merge: bool,
    /// When the sync runs by itself. Nothing: only when somebody starts it.
    #[serde(default)]
    pub schedule: Schedule,
    /// The sync after whose completed runs this one runs: NetBox is filled first, then Zabbix follows it. Instead of a schedule.
    #[serde(default)]
    pub after: Option<String>,
    /// When the sync looks for drift by itself, which writes nothing.
    #[serde(default)]
    pub drift: Schedule,
    /// What becomes of times that passed while Syncline did not run.
    #[serde(default)]
    pub catch_up: CatchUp,
    /// The times in which runs may write, or may not. None: always.
    #[serde(default)]
    pub windows: Vec<Window>,
    /// A run that is under way when its window closes may finish. If false, it stops after the batches under way, and goes on
    /// when the window opens again.
    #[serde(default = "yes")]
    pub overrun: bool,
    /// What another system calls to have the sync run: `POST /api/v1/hooks/NAME`. None: nobody may.
    #[serde(default)]
    pub webhook: Option<Webhook>,
    /// After how many minutes of writing a run pauses. It goes on at the next tick of the schedule.
    #[serde(default)]
    pub max_minutes: Option<NonZeroU32>,
}

fn yes() -> bool {
    true
}

fn empty() -> Value {
    Value::Object(serde_json::Map::new())
}

fn table(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({"type": "object"})
}

impl DataSettings {
    /// The folder, beside the file that says this or else where the process was started; as it stands where nobody knows where that is.
    pub(super) fn absolute_folder(&self, file: Option<&Path>) -> PathBuf {
        let folder = self.folder.clone().unwrap_or_else(|| PathBuf::from("syncline-data"));
        let folder = file.and_then(Path::parent).map_or_else(|| folder.clone(), |beside| beside.join(&folder));
        std::path::absolute(&folder).unwrap_or(folder)
    }
}

impl Configuration {
    /// A sync as the engine takes it; the error lists the syncs that there are.
    pub fn definition(&self, name: &str) -> syncline_core::Result<SyncDefinition> {
        let sync = self.syncs.get(name).ok_or_else(|| {
            let remedy = similar::remedy(name, self.syncs.keys().map(String::as_str).collect::<Vec<_>>());
            Error::new(ErrorKind::Settings, format!("there is no sync `{name}`; {remedy}"))
        })?;
        self.definition_of(name, sync)
    }

    /// A sync as runners take it, by its settings.
    pub fn configured(&self, name: &str, sync: &SyncSettings, paused: bool) -> syncline_core::Result<ConfiguredSync> {
        let windows = Windows { windows: sync.windows.clone(), overrun: sync.overrun };
        let automation = Automation {
            schedule: sync.schedule.clone(),
            after: sync.after.clone(),
            drift: sync.drift.clone(),
            catch_up: sync.catch_up,
            windows,
            max_minutes: sync.max_minutes,
            webhook: sync.webhook.clone(),
            paused,
        };
        Ok(ConfiguredSync { definition: self.definition_of(name, sync)?, automation })
    }

    fn definition_of(&self, name: &str, sync: &SyncSettings) -> syncline_core::Result<SyncDefinition> {
        Ok(SyncDefinition {
            name: name.to_owned(),
            source: self.side(&sync.source, &sync.source_parameters)?,
            target: self.side(&sync.target, &sync.target_parameters)?,
            models: sync.models.clone(),
            mapping: sync.mapping.clone(),
            policy: sync.policy.clone(),
            auto_merge: sync.auto_merge,
        })
    }

    fn side(&self, name: &str, parameters: &Value) -> syncline_core::Result<SideDefinition> {
        let connection = self
            .connections
            .get(name)
            .ok_or_else(|| Error::new(ErrorKind::Settings, format!("there is no connection `{name}`")))?;
        Ok(SideDefinition {
            connection_name: name.to_owned(),
            connector: connection.connector.clone(),
            connection: connection.settings.clone(),
            parameters: parameters.clone(),
        })
    }
}
