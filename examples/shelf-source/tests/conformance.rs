//! The source proves itself over a simulated shelf, or a real one: `CONFORMANCE_SHELF_SOURCE_URL` and `CONFORMANCE_SHELF_SOURCE_TOKEN`.

use async_trait::async_trait;
use serde_json::json;
use syncline_conformance::{BoxError, Lab, Real, Secret, Settings, System};
use syncline_connector_shelf_source as _;
use syncline_testkit::shelf::{Kind, ShelfSim, TOKEN};

struct ShelfLab;

// ANCHOR: system
struct Shelf {
    url: String,
    token: Secret,
    /// None where it is a real one.
    sim: Option<ShelfSim>,
}
// ANCHOR_END: system

// ANCHOR: lab
#[async_trait]
impl Lab for ShelfLab {
    fn connector(&self) -> &'static str {
        "shelf-source"
    }

    async fn start(&self) -> Result<Box<dyn System>, BoxError> {
        let sim = ShelfSim::start().await?;
        for number in 1..=7 {
            let site = json!({"slug": format!("site-{number}"), "name": format!("Site {number}"), "status": "active"});
            sim.put(Kind::Sites, &site);
        }
        Ok(Box::new(Shelf { url: sim.url().to_owned(), token: Secret::new(TOKEN)?, sim: Some(sim) }))
    }

    async fn connect(&self, real: &Real) -> Result<Box<dyn System>, BoxError> {
        Ok(Box::new(Shelf { url: real.url().to_owned(), token: real.secret("TOKEN")?, sim: None }))
    }
}
// ANCHOR_END: lab

#[async_trait]
impl System for Shelf {
    // ANCHOR: settings
    fn url(&self) -> Option<String> {
        Some(self.url.clone())
    }

    fn settings(&self, url: Option<&str>) -> Settings {
        let url = url.unwrap_or(&self.url);
        let http = json!({"proxy": "off", "connect_timeout_seconds": 1, "retry": {"base_delay_ms": 1}});
        Settings::of(json!({"url": url, "token": self.token.reference(), "http": http}))
    }

    fn secrets(&self) -> Vec<String> {
        vec![self.token.value().to_owned()]
    }
    // ANCHOR_END: settings

    // ANCHOR: powers
    async fn shorten(&self) -> bool {
        self.sim.as_ref().map(ShelfSim::shorten).is_some()
    }

    async fn grow(&self, records: u64) -> Result<bool, BoxError> {
        let Some(sim) = &self.sim else { return Ok(false) };
        for number in 100..100 + records {
            let name = format!("Site {number} of many");
            sim.put(Kind::Sites, &json!({"slug": format!("site-{number}"), "name": name, "status": "active"}));
        }
        Ok(true)
    }
    // ANCHOR_END: powers
}

// ANCHOR: conformance
syncline_conformance::conformance!(ShelfLab);
// ANCHOR_END: conformance
