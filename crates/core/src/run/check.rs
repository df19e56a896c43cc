//! Whether both sides of a sync answer, what they are, and what becomes what.

use std::time::Duration;

use futures::future::join;
use schemars::JsonSchema;
use serde::Serialize;

use super::{SideDefinition, SyncDefinition};
use crate::describe::{CheckReport, ConfigItem, DataMapping, SideDescription};
use crate::error::ErrorReport;
use crate::event::{Events, Side};
use crate::registry::Registry;
use crate::target::Capabilities;
use crate::{Error, ErrorKind, Result};

/// How long a side may take to answer a check, its own retries included.
const LIMIT: Duration = Duration::from_mins(1);

/// What was found of the sides of a sync.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct CheckedSync {
    /// The sync.
    pub sync: String,
    /// Both sides answer.
    pub ok: bool,
    /// The source, and the target.
    pub sides: Vec<CheckedSide>,
}

/// What was found of one side.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct CheckedSide {
    /// Which.
    pub side: Side,
    /// The name of its connection.
    pub connection: String,
    /// Its connector.
    pub connector: String,
    /// What it told; null when it does not pass.
    pub report: Option<CheckReport>,
    /// Why it does not pass.
    pub error: Option<ErrorReport>,
    /// What it can do; null for a source.
    pub capabilities: Option<Capabilities>,
    /// How it is set, without secrets.
    pub configuration: Vec<ConfigItem>,
    /// What becomes what.
    pub data_mappings: Vec<DataMapping>,
}

impl CheckedSync {
    /// Asks both sides at once. That one does not pass keeps the other from nothing.
    pub async fn ask(registry: &Registry, sync: &SyncDefinition) -> Self {
        let (source, target) = join(
            CheckedSide::ask(registry, Side::Source, &sync.source),
            CheckedSide::ask(registry, Side::Target, &sync.target),
        )
        .await;
        let sides = vec![source, target];
        Self { sync: sync.name.clone(), ok: sides.iter().all(CheckedSide::passes), sides }
    }
}

impl CheckedSide {
    /// Connects to a side, and asks it for its version, its rights and what will not work.
    pub async fn ask(registry: &Registry, side: Side, definition: &SideDefinition) -> Self {
        let mut told = Self {
            side,
            connection: definition.connection_name.clone(),
            connector: definition.connector.clone(),
            report: None,
            error: None,
            capabilities: None,
            configuration: Vec::new(),
            data_mappings: Vec::new(),
        };
        let asked = tokio::time::timeout(LIMIT, told.learn(registry, definition)).await;
        let late = || format!("`{}` did not answer within {} s", definition.connection_name, LIMIT.as_secs());
        match asked.unwrap_or_else(|_| Err(Error::new(ErrorKind::Unreachable, late()))) {
            Ok(report) => told.report = Some(report),
            Err(error) => told.error = Some(error.in_full()),
        }
        told
    }

    /// It answers.
    pub fn passes(&self) -> bool {
        self.report.is_some()
    }

    async fn learn(&mut self, registry: &Registry, definition: &SideDefinition) -> Result<CheckReport> {
        let events = Events::new();
        let SideDescription { data_mappings, capabilities } = registry.describe(self.side, definition)?;
        (self.data_mappings, self.capabilities) = (data_mappings, capabilities);
        match self.side {
            Side::Source => {
                let source = registry.connect_source(definition, &events).await?;
                self.configuration = source.config_information();
                source.check().await
            }
            Side::Target => {
                let target = registry.connect_target(definition, &events).await?;
                self.configuration = target.config_information();
                target.check().await
            }
        }
    }
}
