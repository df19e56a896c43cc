//! Shelf, a small inventory with a REST API, as a data source: its sites.

// ANCHOR: state
use syncline_core::prelude::*;
use syncline_http::{Client, TokenConnection};
use syncline_model::{Model as _, models::Site};

/// The connector, and the source that it opens.
pub struct Shelf(Client);
// ANCHOR_END: state

// ANCHOR: page
/// How many sites are asked for at once. A page with fewer is the last one, or something got lost.
const PAGE: usize = 500;

/// What the shelf answers to `GET /sites`.
#[derive(serde::Deserialize)]
struct Page {
    total: usize,
    items: Vec<Value>,
}
// ANCHOR_END: page

// ANCHOR: connector
impl Connector for Shelf {
    const ID: &'static str = "shelf-source";
    const LABEL: &'static str = "Shelf";
    const DESCRIPTION: &'static str = "A small inventory: sites.";
    type Connection = TokenConnection;
}
// ANCHOR_END: connector

// ANCHOR: connect
#[async_trait]
impl ConnectSource for Shelf {
    type Parameters = NoSettings;
    type Source = Self;

    fn source_mappings(_: &NoSettings) -> Vec<DataMapping> {
        vec![DataMapping::model("site", "sites")]
    }

    async fn connect_source(connection: TokenConnection, _: NoSettings, context: ConnectContext) -> Result<Self> {
        Ok(Self(connection.client(&context)?))
    }
}
// ANCHOR_END: connect

#[async_trait]
impl DataSource for Shelf {
    // ANCHOR: knows
    fn knows(&self) -> ModelFields {
        ModelFields::new().only::<Site>(&["name", "status"])
    }
    // ANCHOR_END: knows

    // ANCHOR: check
    async fn check(&self) -> Result<CheckReport> {
        let page: Page = self.0.get("sites").query("limit", 1).send().await?.json()?;
        Ok(CheckReport { system: format!("Shelf with {} sites", page.total), ..CheckReport::default() })
    }
    // ANCHOR_END: check

    // ANCHOR: load
    async fn load(&self, request: &ReadRequest, sink: &SnapshotSink) -> Result<()> {
        let mut sites = sink.open_any(Site::SCHEMA)?;
        let mut read = 0;
        loop {
            request.ensure_running()?;
            let page = self.0.get("sites").query("offset", read).query("limit", PAGE);
            let Page { total, items } = page.send().await?.json()?;
            for site in &items {
                sites.push_object(&site["id"], site, None).await?;
            }
            read += items.len();
            if read >= total {
                return sites.complete().await;
            }
            if items.len() < PAGE {
                return sites.partial(format!("{read} of {total} sites came")).await;
            }
        }
    }
    // ANCHOR_END: load

    // ANCHOR: shown
    fn config_information(&self) -> Vec<ConfigItem> {
        vec![ConfigItem::new("URL", self.0.url())]
    }
    // ANCHOR_END: shown
}

// ANCHOR: register
register_connector!(Shelf, source);
// ANCHOR_END: register
