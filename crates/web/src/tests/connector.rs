//! A connector whose systems are lists of sites in the settings, each a slug or `slug=name`. What is written to one is forgotten.

use async_trait::async_trait;
use serde::Deserialize;
use syncline_core::Result;
use syncline_core::bindings::Bindings;
use syncline_core::connector::{ConnectContext, ConnectSource, ConnectTarget, Connector, ConnectorDescriptor, erased};
use syncline_core::describe::{CheckReport, ConfigItem, DataMapping, ObjectLink};
use syncline_core::fields::ModelFields;
use syncline_core::native::Native;
use syncline_core::permit::WritePermit;
use syncline_core::read::ReadRequest;
use syncline_core::settings::{NoSettings, schema};
use syncline_core::snapshot::SnapshotSink;
use syncline_core::source::DataSource;
use syncline_core::target::{Batch, BatchError, Capabilities, DataTarget, TargetWriter, Written};
use syncline_model::models::{Site, SiteStatus};
use syncline_model::{AnyKey, Text};

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

#[derive(Clone, Deserialize, schemars::JsonSchema)]
struct Sites {
    sites: Vec<String>,
}

impl Connector for Sites {
    const ID: &'static str = "sites";
    const LABEL: &'static str = "Sites";
    const DESCRIPTION: &'static str = "A list of sites.";
    type Connection = Self;
}

#[async_trait]
impl ConnectSource for Sites {
    type Parameters = NoSettings;
    type Source = Self;

    fn source_mappings(_: &NoSettings) -> Vec<DataMapping> {
        vec![DataMapping::model("site", "lines"), DataMapping::field("site", "name", "behind `=`")]
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
        vec![DataMapping::model("site", "lines"), DataMapping::field("site", "name", "behind `=`")]
    }

    fn target_capabilities(_: &Self, _: &NoSettings) -> Capabilities {
        Capabilities { batch_size: 10, concurrency: 1, preconditions: false, deletes: true, staging: false }
    }

    async fn connect_target(connection: Self, _: NoSettings, _: ConnectContext) -> Result<Self> {
        Ok(connection)
    }
}

impl Sites {
    async fn read(&self, sink: &SnapshotSink) -> Result<()> {
        let mut sites = sink.open::<Site>()?;
        for site in &self.sites {
            let (slug, name) = site.split_once('=').unwrap_or((site, site));
            let name = Text::new(name).unwrap();
            let site = Site { slug: slug.parse().unwrap(), name, status: SiteStatus::Active, physical_address: None };
            sites.push(&site, Some(&Native::new(slug))).await?;
        }
        sites.complete().await
    }
}

#[async_trait]
impl DataSource for Sites {
    fn knows(&self) -> ModelFields {
        ModelFields::new().only::<Site>(&["name"])
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

    async fn lookup_object(&self, _: &str, key: &AnyKey, native: Option<&Native>) -> Result<Option<ObjectLink>> {
        let Some(native) = native else { return Ok(None) };
        let url = format!("https://sites.example/{}", native.id).parse().unwrap();
        Ok(Some(ObjectLink { label: key.to_string(), url }))
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
        Ok(batch.changes.iter().map(|change| Written::applied(Native::new(change.key.to_string()), None)).collect())
    }

    async fn settle(&self, batch: &Batch<'_>, _: &Bindings) -> Result<Vec<Option<Written>>> {
        Ok(batch.changes.iter().map(|_| None).collect())
    }
}
