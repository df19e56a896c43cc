//! What a sync is.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use crate::mapping::Mapping;
use crate::models::ModelMode;
use crate::policy::Policy;
use crate::registry::Registry;
use crate::{Error, ErrorKind, Result, settings};

/// A configured pairing of a source and a target.
#[derive(Debug, Clone)]
pub struct SyncDefinition {
    /// Its name.
    pub name: String,
    /// What is read as truth.
    pub source: SideDefinition,
    /// What is made to agree.
    pub target: SideDefinition,
    /// What to do with models; those not named are synced.
    pub models: BTreeMap<String, ModelMode>,
    /// What is made of the source's records before they are compared.
    pub mapping: Mapping,
    /// What may be done without asking.
    pub policy: Policy,
    /// Apply a plan as soon as its guards let it pass. If not, every plan waits for a person.
    pub auto_merge: bool,
}

/// One side of a sync.
#[derive(Debug, Clone, Serialize)]
pub struct SideDefinition {
    /// The connection's name.
    pub connection_name: String,
    /// The connector's id.
    pub connector: String,
    /// How to reach the system: the connector's connection settings. Secrets in it are references.
    pub connection: Value,
    /// What this sync asks of the system.
    pub parameters: Value,
}

impl SyncDefinition {
    /// Hash of all that decides what the sync reads and how it maps: both sides' settings, the models, the connectors'
    /// versions. A plan is bound to it, and the first run after it changed deletes nothing. The policy is no part of it.
    pub fn digest(&self, registry: &Registry) -> Result<String> {
        let version = |side: &SideDefinition| registry.get(&side.connector).map(|connector| connector.version);
        let definition = (&self.source, version(&self.source)?, &self.target, version(&self.target)?, &self.models);
        // A definition without rules is the one that it was before there were any.
        let definition = match self.mapping.is_empty() {
            true => serde_json::to_vec(&definition),
            false => serde_json::to_vec(&(definition, &self.mapping)),
        };
        let definition = definition.map_err(|error| {
            Error::new(ErrorKind::Internal, format!("the definition of `{}` cannot be written", self.name))
                .caused_by(error)
        })?;
        Ok(blake3::hash(&definition).to_hex()[..32].to_owned())
    }

    /// Hash of what a plan means: which systems it is about, what is asked of them, and the models. How a system is reached, the
    /// credentials, the size of batches and the connectors' versions are no part of it: a plan that was begun can be gone on with
    /// when they have changed.
    pub fn meaning(&self) -> Result<String> {
        let side = |side: &SideDefinition| (side.connector.clone(), side.instance(), side.parameters.clone());
        let meaning = (side(&self.source), side(&self.target), &self.models);
        let meaning = match self.mapping.is_empty() {
            true => serde_json::to_vec(&meaning),
            false => serde_json::to_vec(&(meaning, &self.mapping)),
        };
        let meaning = meaning.map_err(|error| {
            Error::new(ErrorKind::Internal, format!("the definition of `{}` cannot be written", self.name))
                .caused_by(error)
        })?;
        Ok(blake3::hash(&meaning).to_hex()[..32].to_owned())
    }

    /// The definition as people and the history may see it: what the connectors' schemas mark as secret is hidden.
    pub fn shown(&self, registry: &Registry) -> Result<Value> {
        let side = |side: &SideDefinition, parameters: Option<Value>| -> Result<Value> {
            let connection = (registry.get(&side.connector)?.connection_schema)();
            Ok(json!({
                "connection_name": side.connection_name,
                "connector": side.connector,
                "connection": settings::redact(&connection, &side.connection),
                "parameters": parameters.map(|schema| settings::redact(&schema, &side.parameters)),
            }))
        };
        let source = registry.get(&self.source.connector)?.source.as_ref().map(|side| (side.parameters_schema)());
        let target = registry.get(&self.target.connector)?.target.as_ref().map(|side| (side.parameters_schema)());
        let mut shown = json!({
            "source": side(&self.source, source)?,
            "target": side(&self.target, target)?,
            "models": self.models,
            "policy": self.policy,
            "auto_merge": self.auto_merge,
        });
        if !self.mapping.is_empty() {
            shown["mapping"] = json!(self.mapping);
        }
        Ok(shown)
    }
}

impl SideDefinition {
    /// The system behind the connection, without credentials: its URL where it has one, else the connection's name.
    pub fn instance(&self) -> String {
        let url = self.connection.get("url").and_then(Value::as_str).and_then(|url| url::Url::parse(url).ok());
        let Some(url) = url else { return self.connection_name.clone() };
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        let path = url.path().trim_end_matches('/');
        format!("{}://{}{port}{path}", url.scheme(), url.host_str().unwrap_or_default())
    }
}
