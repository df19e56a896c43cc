//! The source proves itself over a simulated shelf.

use async_trait::async_trait;
use serde_json::json;
use syncline_conformance::{BoxError, Lab, Settings, System};
use syncline_connector_shelf_source as _;
use syncline_testkit::shelf::{Kind, ShelfSim, TOKEN};

struct ShelfLab;

struct Shelf {
    sim: ShelfSim,
    token: tempfile::NamedTempFile,
}

#[async_trait]
impl Lab for ShelfLab {
    fn connector(&self) -> &'static str {
        "shelf-source"
    }

    async fn start(&self) -> Result<Box<dyn System>, BoxError> {
        let sim = ShelfSim::start().await?;
        for number in 1..=7 {
            sim.put(
                Kind::Sites,
                &json!({"slug": format!("site-{number}"), "name": format!("Site {number}"), "status": "active"}),
            );
        }
        let token = tempfile::NamedTempFile::new()?;
        std::fs::write(token.path(), TOKEN)?;
        Ok(Box::new(Shelf { sim, token }))
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
        Settings::of(json!({"url": url, "token": format!("file:{}", self.token.path().display()), "http": http}))
    }

    fn secrets(&self) -> Vec<String> {
        vec![TOKEN.to_owned()]
    }

    async fn shorten(&self) -> bool {
        self.sim.shorten();
        true
    }

    async fn grow(&self, records: u64) -> Result<bool, BoxError> {
        for number in 100..100 + records {
            let site =
                json!({"slug": format!("site-{number}"), "name": format!("Site {number} of many"), "status": "active"});
            self.sim.put(Kind::Sites, &site);
        }
        Ok(true)
    }
}

syncline_conformance::conformance!(ShelfLab);
