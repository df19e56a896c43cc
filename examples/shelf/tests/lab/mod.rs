//! A simulated shelf, and how it is reached.

use async_trait::async_trait;
use serde_json::{Value, json};
use syncline_conformance::{BoxError, Lab, Real, Secret, Settings, System};
use syncline_core::native::Native;
use syncline_testkit::shelf::{Kind, REFUSED, ShelfSim, TOKEN};

pub struct ShelfLab;

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
        "shelf"
    }

    async fn start(&self) -> Result<Box<dyn System>, BoxError> {
        let sim = ShelfSim::start().await?;
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

    // ANCHOR: meddle
    async fn meddle(&self, model: &str, native: &Native) -> Result<(), BoxError> {
        let kind = if model == "site" { Kind::Sites } else { Kind::Vlans };
        let Some(sim) = &self.sim else { return Err("nobody changes a real shelf from here".into()) };
        sim.edit(kind, native.id.parse()?, "name", json!("as somebody else calls it"));
        Ok(())
    }
    // ANCHOR_END: meddle

    // ANCHOR: powers
    async fn shorten(&self) -> bool {
        self.sim.as_ref().map(ShelfSim::shorten).is_some()
    }
    // ANCHOR_END: powers

    // ANCHOR: refused
    fn refused(&self) -> Option<(&'static str, Value)> {
        Some(("site", json!({"slug": REFUSED, "name": REFUSED, "status": "active", "physical_address": null})))
    }
    // ANCHOR_END: refused

    // ANCHOR: grow
    async fn grow(&self, records: u64) -> Result<bool, BoxError> {
        let Some(sim) = &self.sim else { return Ok(false) };
        for number in 0..records {
            let name = format!("Site {number} of many");
            sim.put(
                Kind::Sites,
                &json!({"slug": format!("site-{number}"), "name": name, "status": "active", "address": null}),
            );
        }
        Ok(true)
    }
    // ANCHOR_END: grow
}
