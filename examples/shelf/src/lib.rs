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

// ANCHOR: capabilities
/// One request writes one record; four at once are fine. A write carries the version that was read.
const CAPABILITIES: Capabilities =
    Capabilities { batch_size: 20, concurrency: 4, preconditions: true, deletes: true, staging: false };
// ANCHOR_END: capabilities

// ANCHOR: connector
impl Connector for Shelf {
    const ID: &'static str = "shelf";
    const LABEL: &'static str = "Shelf";
    const DESCRIPTION: &'static str = "A small inventory: sites and VLANs.";
    type Connection = TokenConnection;
}
// ANCHOR_END: connector

// ANCHOR: source
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
// ANCHOR_END: source

// ANCHOR: target
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
// ANCHOR_END: target

// ANCHOR: mappings
fn mappings() -> Vec<DataMapping> {
    vec![
        DataMapping::model("site", "sites"),
        DataMapping::field("site", "physical_address", "address"),
        DataMapping::model("vlan", "vlans"),
    ]
}
// ANCHOR_END: mappings

// ANCHOR: side
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
// ANCHOR_END: side

// ANCHOR: source
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
// ANCHOR_END: source

// ANCHOR: data_target
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

    // ANCHOR: writer
    async fn writer(&self, permit: &WritePermit) -> Result<Box<dyn TargetWriter>> {
        // A run that was taken over by another runner sends nothing any more.
        let validity = permit.validity().clone();
        Ok(Box::new(Self { http: self.http.clone().on_condition(move || validity.ensure()) }))
    }
    // ANCHOR_END: writer

    fn config_information(&self) -> Vec<ConfigItem> {
        self.config()
    }
}
// ANCHOR_END: data_target

// ANCHOR: register
register_connector!(Shelf, source, target);
// ANCHOR_END: register
