//! A simulated shelf, and how it is reached.

use async_trait::async_trait;
use serde_json::{Value, json};
use syncline_conformance::{BoxError, Lab, Settings, Skip, System};
use syncline_core::native::Native;
use syncline_testkit::shelf::{Kind, REFUSED, ShelfSim, TOKEN};

pub struct ShelfLab {
    pub connector: &'static str,
    /// The parameters of either side.
    pub parameters: Value,
    pub skips: &'static [Skip],
}

struct Shelf {
    sim: ShelfSim,
    token: tempfile::NamedTempFile,
    parameters: Value,
}

#[async_trait]
impl Lab for ShelfLab {
    fn connector(&self) -> &'static str {
        self.connector
    }

    async fn start(&self) -> Result<Box<dyn System>, BoxError> {
        let token = tempfile::NamedTempFile::new()?;
        std::fs::write(token.path(), TOKEN)?;
        Ok(Box::new(Shelf { sim: ShelfSim::start().await?, token, parameters: self.parameters.clone() }))
    }

    fn skips(&self) -> &'static [Skip] {
        self.skips
    }
}

#[async_trait]
impl System for Shelf {
    fn url(&self) -> Option<String> {
        Some(self.sim.url().to_owned())
    }

    fn settings(&self, url: Option<&str>) -> Settings {
        let url = url.unwrap_or(self.sim.url());
        let http = json!({"proxy": "off", "connect_timeout_seconds": 1, "retry": {"base_delay_ms": 1}});
        let connection = json!({"url": url, "token": format!("file:{}", self.token.path().display()), "http": http});
        Settings { connection, source: self.parameters.clone(), target: self.parameters.clone() }
    }

    fn secrets(&self) -> Vec<String> {
        vec![TOKEN.to_owned()]
    }

    async fn meddle(&self, model: &str, native: &Native) -> Result<(), BoxError> {
        let kind = if model == "site" { Kind::Sites } else { Kind::Vlans };
        self.sim.edit(kind, native.id.parse()?, "name", json!("as somebody else calls it"));
        Ok(())
    }

    async fn shorten(&self) -> bool {
        self.sim.shorten();
        true
    }

    fn refused(&self) -> Option<(&'static str, Value)> {
        Some(("site", json!({"slug": REFUSED, "name": REFUSED, "status": "active", "physical_address": null})))
    }

    async fn grow(&self, records: u64) -> Result<bool, BoxError> {
        for number in 0..records {
            let site = json!({"slug": format!("site-{number}"), "name": format!("Site {number} of many"), "status": "active", "address": null});
            self.sim.put(Kind::Sites, &site);
        }
        Ok(true)
    }
}
