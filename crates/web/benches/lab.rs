//! Syncs between two systems in memory: the one has sites, the other has none and takes them.

use std::time::Duration;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Value, json};
use syncline_core::bindings::Bindings;
use syncline_core::change::Change;
use syncline_core::connector::{ConnectContext, ConnectSource, ConnectTarget, Connector, ConnectorDescriptor, erased};
use syncline_core::describe::{CheckReport, ConfigItem, DataMapping};
use syncline_core::fields::ModelFields;
use syncline_core::history::SyncOwner;
use syncline_core::native::Native;
use syncline_core::permit::WritePermit;
use syncline_core::policy::Policy;
use syncline_core::read::ReadRequest;
use syncline_core::run::{Automation, ConfiguredSync, SideDefinition, SyncBook, SyncDefinition};
use syncline_core::settings::{NoSettings, schema};
use syncline_core::snapshot::SnapshotSink;
use syncline_core::source::DataSource;
use syncline_core::target::{Batch, BatchError, Capabilities, DataTarget, TargetWriter, Written};
use syncline_core::{Error, ErrorKind, Result};
use syncline_model::Text;
use syncline_model::models::{Site, SiteStatus};
use syncline_web::{Draft, NamedSecret, Offer, StoreError, SyncStore, SyncView};

pub static DESCRIPTOR: ConnectorDescriptor = ConnectorDescriptor {
    id: Sites::ID,
    label: Sites::LABEL,
    description: Sites::DESCRIPTION,
    icon: Sites::ICON,
    package: "syncline-web",
    version: "1",
    connection_schema: schema::<Sites>,
    validate: erased::validate::<Sites>,
    source: Some(erased::source::<Sites>()),
    target: Some(erased::target::<Sites>()),
};

/// The syncs that there are: all of them alike.
pub struct Lab {
    pub names: Vec<String>,
    pub systems: Systems,
}

/// What is synced.
#[derive(Debug, Clone, Copy, Default)]
pub struct Systems {
    /// How many sites the source has.
    pub sites: u64,
    /// The number of the first one.
    pub first: u64,
    /// How long the target takes for a batch, in milliseconds.
    pub batch_ms: u64,
    /// The target refuses each so manieth site; none for 0.
    pub refuses: u64,
}

impl Systems {
    /// A sync of them.
    pub fn definition(&self, name: &str) -> SyncDefinition {
        let side = |connection_name: &str, number: u64| SideDefinition {
            connection_name: connection_name.to_owned(),
            connector: Sites::ID.to_owned(),
            connection: json!({
                "number": number, "first": self.first, "batch_ms": self.batch_ms, "refuses": self.refuses
            }),
            parameters: json!({}),
        };
        SyncDefinition {
            name: name.to_owned(),
            source: side("truth", self.sites),
            target: side(&format!("copy-of-{name}"), 0),
            mapping: syncline_core::mapping::Mapping::default(),
            models: std::collections::BTreeMap::new(),
            policy: Policy::default(),
            auto_merge: true,
        }
    }
}

impl Lab {
    fn view(name: &str) -> SyncView {
        SyncView {
            name: name.to_owned(),
            owner: Some(SyncOwner::File),
            paused: false,
            schedule: None,
            next: None,
            settings: Some(json!({"source": "truth", "target": format!("copy-of-{name}")})),
            error: None,
        }
    }
}

#[async_trait]
impl SyncBook for Lab {
    async fn syncs(&self) -> Result<Vec<(String, Result<ConfiguredSync>)>> {
        let mut syncs = Vec::new();
        for name in &self.names {
            syncs.push((name.clone(), self.sync(name).await));
        }
        Ok(syncs)
    }

    async fn sync(&self, name: &str) -> Result<ConfiguredSync> {
        Ok(ConfiguredSync { definition: self.systems.definition(name), automation: Automation::default() })
    }
}

fn fixed<T, E: From<Error>>() -> Result<T, E> {
    Err(Error::new(ErrorKind::Refused, "the sync of the benchmark stays as it is").into())
}

#[async_trait]
impl SyncStore for Lab {
    async fn list(&self) -> Result<Vec<SyncView>> {
        Ok(self.names.iter().map(|name| Self::view(name)).collect())
    }

    async fn get(&self, name: &str) -> Result<Option<SyncView>> {
        Ok(self.names.iter().find(|known| *known == name).map(|name| Self::view(name)))
    }

    fn offer(&self) -> Offer {
        Offer::default()
    }

    async fn draft(&self, _: &str, _: &Value) -> Result<Draft, StoreError> {
        fixed()
    }

    async fn create(&self, _: &str, _: &Value) -> Result<Vec<String>, StoreError> {
        fixed()
    }

    async fn change(&self, _: &str, _: &Value) -> Result<Vec<String>, StoreError> {
        fixed()
    }

    async fn remove(&self, _: &str) -> Result<()> {
        fixed()
    }

    async fn pause(&self, _: &str, _: bool) -> Result<()> {
        fixed()
    }

    async fn secrets(&self) -> Result<Vec<NamedSecret>> {
        Ok(Vec::new())
    }
}

#[derive(Clone, Deserialize, schemars::JsonSchema)]
struct Sites {
    number: u64,
    first: u64,
    batch_ms: u64,
    refuses: u64,
}

impl Connector for Sites {
    const ID: &'static str = "sites";
    const LABEL: &'static str = "Sites";
    const DESCRIPTION: &'static str = "So many sites.";
    type Connection = Self;
}

#[async_trait]
impl ConnectSource for Sites {
    type Parameters = NoSettings;
    type Source = Self;

    fn source_mappings(_: &NoSettings) -> Vec<DataMapping> {
        Vec::new()
    }

    async fn connect_source(connection: Self, _: NoSettings, _: ConnectContext) -> Result<Self> {
        Ok(connection)
    }
}

#[async_trait]
impl ConnectTarget for Sites {
    type Parameters = NoSettings;
    type Target = Self;

    fn target_mappings(_: &NoSettings) -> Vec<DataMapping> {
        Vec::new()
    }

    fn target_capabilities(_: &Self, _: &NoSettings) -> Capabilities {
        Capabilities { batch_size: 100, concurrency: 4, preconditions: false, deletes: true, staging: false }
    }

    async fn connect_target(connection: Self, _: NoSettings, _: ConnectContext) -> Result<Self> {
        Ok(connection)
    }
}

impl Sites {
    /// Whether the target refuses a site, by the number in its slug.
    fn takes_no(&self, change: &Change) -> bool {
        let number: Option<u64> = change.key.to_string().rsplit('-').next().and_then(|number| number.parse().ok());
        number.is_some_and(|number| number % self.refuses == 0)
    }

    async fn read(&self, sink: &SnapshotSink) -> Result<()> {
        let mut sites = sink.open::<Site>()?;
        let nameless = || Error::new(ErrorKind::Internal, "a site has no name");
        for number in self.first..self.first + self.number {
            let slug = format!("site-{number:06}");
            let name = Text::new(&format!("Site {number} of the network")).ok_or_else(nameless)?;
            let slug = slug.parse().map_err(|cause| nameless().caused_by(cause))?;
            let site = Site { slug, name, status: SiteStatus::Active, physical_address: None };
            sites.push(&site, None).await?;
        }
        sites.complete().await
    }
}

#[async_trait]
impl DataSource for Sites {
    fn knows(&self) -> ModelFields {
        ModelFields::new().only::<Site>(&["name", "status"])
    }

    async fn check(&self) -> Result<CheckReport> {
        Ok(CheckReport::default())
    }

    async fn load(&self, _: &ReadRequest, sink: &SnapshotSink) -> Result<()> {
        self.read(sink).await
    }

    fn config_information(&self) -> Vec<ConfigItem> {
        Vec::new()
    }
}

#[async_trait]
impl DataTarget for Sites {
    fn holds(&self) -> ModelFields {
        ModelFields::new().all::<Site>()
    }

    fn capabilities(&self) -> Capabilities {
        Self::target_capabilities(self, &NoSettings {})
    }

    async fn check(&self) -> Result<CheckReport> {
        Ok(CheckReport::default())
    }

    async fn load(&self, _: &ReadRequest, sink: &SnapshotSink) -> Result<()> {
        self.read(sink).await
    }

    async fn writer(&self, _: &WritePermit) -> Result<Box<dyn TargetWriter>> {
        Ok(Box::new(self.clone()))
    }

    fn config_information(&self) -> Vec<ConfigItem> {
        Vec::new()
    }
}

#[async_trait]
impl TargetWriter for Sites {
    async fn write(&self, batch: &Batch<'_>, _: &Bindings) -> Result<Vec<Written>, BatchError> {
        if self.batch_ms > 0 {
            tokio::time::sleep(Duration::from_millis(self.batch_ms)).await;
        }
        if self.refuses > 0
            && let Some(refused) = batch.changes.iter().find(|change| self.takes_no(change))
        {
            let error = Error::new(ErrorKind::Refused, format!("{} is not wanted here", refused.key));
            return Err(BatchError::Refused { field: Some("name".to_owned()), error });
        }
        Ok(batch.changes.iter().map(|change| Written::applied(Native::new(change.key.to_string()), None)).collect())
    }

    async fn settle(&self, batch: &Batch<'_>, _: &Bindings) -> Result<Vec<Option<Written>>> {
        Ok(batch.changes.iter().map(|_| None).collect())
    }
}
