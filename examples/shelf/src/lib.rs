//! Shelf, a small inventory with a REST API, as a data source and a data target: its sites and VLANs.

mod read;
mod write;

use syncline_core::prelude::*;
use syncline_http::{Client, TokenConnection};
use syncline_model::models::{Site, Vlan};

/// The connector.
pub struct Shelf;

/// A shelf, on either side of a sync.
pub struct ShelfSide {
    http: Client,
}

/// One request writes one record; four at once are fine. A write carries the version that was read.
const CAPABILITIES: Capabilities =
    Capabilities { batch_size: 20, concurrency: 4, preconditions: true, deletes: true, staging: false };

impl Connector for Shelf {
    const ID: &'static str = "shelf";
    const LABEL: &'static str = "Shelf";
    const DESCRIPTION: &'static str = "A small inventory: sites and VLANs.";
    type Connection = TokenConnection;
}

#[async_trait]
impl ConnectSource for Shelf {
    type Parameters = NoSettings;
    type Source = ShelfSide;

    fn source_mappings(_: &NoSettings) -> Vec<DataMapping> {
        mappings()
    }

    async fn connect_source(connection: TokenConnection, _: NoSettings, context: ConnectContext) -> Result<ShelfSide> {
        ShelfSide::open(&connection, &context)
    }
}

#[async_trait]
impl ConnectTarget for Shelf {
    type Parameters = NoSettings;
    type Target = ShelfSide;

    fn target_mappings(_: &NoSettings) -> Vec<DataMapping> {
        mappings()
    }

    fn target_capabilities(_: &TokenConnection, _: &NoSettings) -> Capabilities {
        CAPABILITIES
    }

    async fn connect_target(connection: TokenConnection, _: NoSettings, context: ConnectContext) -> Result<ShelfSide> {
        ShelfSide::open(&connection, &context)
    }
}

fn mappings() -> Vec<DataMapping> {
    vec![
        DataMapping::model("site", "sites"),
        DataMapping::field("site", "physical_address", "address"),
        DataMapping::model("vlan", "vlans"),
    ]
}

impl ShelfSide {
    fn open(connection: &TokenConnection, context: &ConnectContext) -> Result<Self> {
        Ok(Self { http: connection.client(context)? })
    }

    fn fields() -> ModelFields {
        ModelFields::new().all::<Site>().all::<Vlan>()
    }

    fn config(&self) -> Vec<ConfigItem> {
        vec![ConfigItem::new("URL", self.http.url())]
    }
}

#[async_trait]
impl DataSource for ShelfSide {
    fn knows(&self) -> ModelFields {
        Self::fields()
    }

    async fn check(&self) -> Result<CheckReport> {
        self.test().await
    }

    async fn load(&self, request: &ReadRequest, sink: &SnapshotSink) -> Result<()> {
        self.read(request, sink).await
    }

    fn config_information(&self) -> Vec<ConfigItem> {
        self.config()
    }
}

#[async_trait]
impl DataTarget for ShelfSide {
    fn holds(&self) -> ModelFields {
        Self::fields()
    }

    fn capabilities(&self) -> Capabilities {
        CAPABILITIES
    }

    async fn check(&self) -> Result<CheckReport> {
        self.test().await
    }

    async fn load(&self, request: &ReadRequest, sink: &SnapshotSink) -> Result<()> {
        self.read(request, sink).await
    }

    async fn writer(&self, permit: &WritePermit) -> Result<Box<dyn TargetWriter>> {
        // A run that was taken over by another runner sends nothing any more.
        let validity = permit.validity().clone();
        Ok(Box::new(Self { http: self.http.clone().on_condition(move || validity.ensure()) }))
    }

    fn config_information(&self) -> Vec<ConfigItem> {
        self.config()
    }
}

register_connector!(Shelf, source, target);
