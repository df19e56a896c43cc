//! Syncs as a host would keep them: in the history.

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use syncline_core::history::{History, StoredSync};
use syncline_core::policy::Policy;
use syncline_core::run::{Automation, ConfiguredSync, SideDefinition, SyncBook, SyncDefinition};
use syncline_core::{Error, ErrorKind, Result};

use crate::{Draft, NamedSecret, Offer, OfferedConnection, SettingProblem, StoreError, SyncStore, SyncView};

/// A system that nobody may write to.
pub const WALLED: &str = "walled";

pub struct Shelf {
    pub history: History,
}

impl Shelf {
    async fn stored(&self) -> Result<Vec<StoredSync>> {
        Ok(self.history.syncs().await?.into_iter().filter(|sync| sync.owner.is_some()).collect())
    }
}

fn judge(settings: &Value) -> Result<Vec<String>, StoreError> {
    let problem = |key: &str, remedy: Option<&str>| SettingProblem {
        key: key.to_owned(),
        message: "is missing".to_owned(),
        remedy: remedy.map(str::to_owned),
    };
    let mut problems = Vec::new();
    if !settings["sites"].is_array() {
        problems.push(problem("sites", Some("write a list")));
    }
    if !settings["target"].is_string() {
        problems.push(problem("target", None));
    }
    if settings["target"] == WALLED {
        problems
            .push(SettingProblem { message: "is behind a wall".to_owned(), ..problem("target", Some("go around")) });
    }
    if problems.is_empty() {
        let none = settings["sites"].as_array().is_some_and(Vec::is_empty);
        return Ok(none.then(|| "there are no sites".to_owned()).into_iter().collect());
    }
    Err(StoreError::Settings { message: format!("the sync has {} problems", problems.len()), problems })
}

fn kept(stored: &StoredSync) -> ConfiguredSync {
    configured(&stored.name, stored.settings.as_ref().unwrap(), stored.paused)
}

fn configured(name: &str, settings: &Value, paused: bool) -> ConfiguredSync {
    let side = |name: &str, sites: &Value| SideDefinition {
        connection_name: name.to_owned(),
        connector: "sites".to_owned(),
        connection: json!({"sites": sites}),
        parameters: json!({}),
    };
    let definition = SyncDefinition {
        name: name.to_owned(),
        source: side("truth", &settings["sites"]),
        // What it has before.
        target: side(settings["target"].as_str().unwrap(), settings.get("there").unwrap_or(&json!([]))),
        mapping: syncline_core::mapping::Mapping::default(),
        models: BTreeMap::new(),
        policy: Policy::default(),
        auto_merge: settings["auto_merge"] != false,
    };
    let automation = Automation {
        schedule: part(settings, "schedule"),
        after: part(settings, "after"),
        drift: part(settings, "drift"),
        windows: part(settings, "windows"),
        webhook: part(settings, "webhook"),
        paused,
        ..Automation::default()
    };
    ConfiguredSync { definition, automation }
}

/// What the settings say about something; the usual where they say nothing.
fn part<T: Default + DeserializeOwned>(settings: &Value, name: &str) -> T {
    settings.get(name).map_or_else(T::default, |value| serde_json::from_value(value.clone()).unwrap())
}

fn view(stored: StoredSync) -> SyncView {
    let StoredSync { name, owner, paused, settings, .. } = stored;
    SyncView { name, owner, paused, schedule: None, next: None, settings, error: None }
}

#[async_trait]
impl SyncBook for Shelf {
    async fn syncs(&self) -> Result<Vec<(String, Result<ConfiguredSync>)>> {
        Ok(self.stored().await?.iter().map(|sync| (sync.name.clone(), Ok(kept(sync)))).collect())
    }

    async fn sync(&self, name: &str) -> Result<ConfiguredSync> {
        let there = self.stored().await?;
        let found = there.iter().find(|sync| sync.name == name);
        let names: Vec<_> = there.iter().map(|sync| format!("`{}`", sync.name)).collect();
        let message = format!("there is no sync `{name}`; there are {}", names.join(", "));
        found.map(kept).ok_or_else(|| Error::new(ErrorKind::Settings, message))
    }
}

#[async_trait]
impl SyncStore for Shelf {
    async fn list(&self) -> Result<Vec<SyncView>> {
        Ok(self.stored().await?.into_iter().map(view).collect())
    }

    async fn get(&self, name: &str) -> Result<Option<SyncView>> {
        Ok(self.stored().await?.into_iter().find(|sync| sync.name == name).map(view))
    }

    fn offer(&self) -> Offer {
        let connection = |name: &str| OfferedConnection { name: name.to_owned(), connector: "sites".to_owned() };
        let texts = json!({"type": "array", "items": {"type": "string"}});
        let schema = json!({
            "type": "object",
            "additionalProperties": false,
            "properties": {
                "source": {"type": "string"},
                "target": {"type": "string"},
                "source_parameters": {"type": "object"},
                "target_parameters": {"type": "object"},
                "sites": texts,
                "there": texts,
                "auto_merge": {"type": "boolean", "default": true, "description": "Nobody is asked."},
                "limits": {
                    "type": "object",
                    "additionalProperties": false,
                    "properties": {"deletes": {"type": "integer", "minimum": 1, "maximum": 9, "default": 3}},
                },
            },
            "required": ["source", "target", "sites"],
        });
        Offer { connections: ["truth", "copy", "other", WALLED].map(connection).into(), schema }
    }

    async fn draft(&self, name: &str, settings: &Value) -> Result<Draft, StoreError> {
        let warnings = judge(settings)?;
        Ok(Draft { sync: configured(name, settings, false), warnings })
    }

    async fn create(&self, name: &str, settings: &Value) -> Result<Vec<String>, StoreError> {
        let warnings = judge(settings)?;
        self.history.create_sync(name, settings).await?;
        Ok(warnings)
    }

    async fn change(&self, name: &str, settings: &Value) -> Result<Vec<String>, StoreError> {
        let warnings = judge(settings)?;
        self.history.change_sync(name, settings).await?;
        Ok(warnings)
    }

    async fn remove(&self, name: &str) -> Result<()> {
        self.history.remove_sync(name).await
    }

    async fn pause(&self, name: &str, paused: bool) -> Result<()> {
        self.history.pause_sync(name, paused).await
    }

    async fn secrets(&self) -> Result<Vec<NamedSecret>> {
        let webhook = |(name, sync): (String, Result<ConfiguredSync>)| {
            let webhook = sync.ok()?.automation.webhook?;
            Some(NamedSecret { key: format!("syncs.{name}.webhook.secret"), secret: webhook.secret })
        };
        Ok(self.syncs().await?.into_iter().filter_map(webhook).collect())
    }
}
