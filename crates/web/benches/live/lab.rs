//! A sync between two systems in memory: the one has sites, the other has none and takes all.

use std::time::Duration;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Value, json};
use syncline_core::bindings::Bindings;
use syncline_core::connector::{ConnectContext, ConnectSource, ConnectTarget, Connector, ConnectorDescriptor, erased};
use syncline_core::describe::{CheckReport, ConfigItem, DataMapping};
use syncline_core::fields::ModelFields;
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

/// The name of the sync.
pub const NAME: &str = "lab";

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

/// The one sync that there is.
pub struct Lab {
    pub sites: u64,
    pub batch_ms: u64,
}

#[async_trait]
impl SyncBook for Lab {
    async fn syncs(&self) -> Result<Vec<(String, Result<ConfiguredSync>)>> {
        Ok(vec![(NAME.to_owned(), self.sync(NAME).await)])
    }

    async fn sync(&self, name: &str) -> Result<ConfiguredSync> {
        let side = |sites: u64| SideDefinition {
            connection_name: format!("sites-{sites}"),
            connector: Sites::ID.to_owned(),
            connection: json!({"sites": sites, "batch_ms": self.batch_ms}),
            parameters: json!({}),
        };
        let definition = SyncDefinition {
            name: name.to_owned(),
            source: side(self.sites),
            target: side(0),
            models: std::collections::BTreeMap::new(),
            policy: Policy::default(),
            auto_merge: true,
        };
        Ok(ConfiguredSync { definition, automation: Automation::default() })
    }
}

fn fixed<T, E: From<Error>>() -> Result<T, E> {
    Err(Error::new(ErrorKind::Refused, "the sync of the benchmark stays as it is").into())
}

#[async_trait]
impl SyncStore for Lab {
    async fn list(&self) -> Result<Vec<SyncView>> {
        Ok(Vec::new())
    }

    async fn get(&self, _: &str) -> Result<Option<SyncView>> {
        Ok(None)
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
    sites: u64,
    batch_ms: u64,
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
    async fn read(&self, sink: &SnapshotSink) -> Result<()> {
        let mut sites = sink.open::<Site>()?;
        let nameless = || Error::new(ErrorKind::Internal, "a site has no name");
        for number in 0..self.sites {
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
        Ok(batch.changes.iter().map(|change| Written::applied(Native::new(change.key.to_string()), None)).collect())
    }

    async fn settle(&self, batch: &Batch<'_>, _: &Bindings) -> Result<Vec<Option<Written>>> {
        Ok(batch.changes.iter().map(|_| None).collect())
    }
}
