//! The connector proves itself over a simulated shelf, whose VLANs name their sites by id.

use async_trait::async_trait;
use serde_json::{Value, json};
use syncline_conformance::{BoxError, Lab, Secret, Settings, System};
use syncline_connector_rest as _;
use syncline_testkit::shelf::{Kind, ShelfSim, TOKEN};

struct RestLab;

struct Shelf {
    sim: ShelfSim,
    token: Secret,
}

#[async_trait]
impl Lab for RestLab {
    fn connector(&self) -> &'static str {
        "rest"
    }

    async fn start(&self) -> Result<Box<dyn System>, BoxError> {
        let sim = ShelfSim::start().await?;
        for number in 1..=7 {
            let site = json!({"slug": format!("site-{number}"), "name": format!("Site {number}"), "status": "active"});
            let id = sim.put(Kind::Sites, &site);
            sim.put(Kind::Vlans, &json!({"site": id, "vid": 100 + number, "name": "Users", "status": "active"}));
        }
        Ok(Box::new(Shelf { sim, token: Secret::new(TOKEN)? }))
    }
}

/// What becomes of the shelf's lists.
fn models() -> Value {
    let list = |path: &str, fields: Value| {
        json!({
            "path": path, "items": "items", "total": "total", "id": "{{ id }}", "paging": {"by": "offset", "size": 500},
            "fields": fields,
        })
    };
    json!({
        "site": list("sites", json!({"slug": "{{ slug }}", "name": "{{ name }}", "status": "{{ status }}"})),
        "vlan": list("vlans", json!({"site": "{{ site }}", "vid": "{{ vid }}", "name": "{{ name }}", "status": "{{ status }}"})),
    })
}

#[async_trait]
impl System for Shelf {
    fn url(&self) -> Option<String> {
        Some(self.sim.url().to_owned())
    }

    fn settings(&self, url: Option<&str>) -> Settings {
        let url = url.unwrap_or(self.sim.url());
        let http = json!({"proxy": "off", "connect_timeout_seconds": 1, "retry": {"base_delay_ms": 1}});
        let connection = json!({"url": url, "token": self.token.reference(), "http": http});
        Settings { source: json!({"models": models()}), ..Settings::of(connection) }
    }

    fn secrets(&self) -> Vec<String> {
        vec![self.token.value().to_owned()]
    }

    async fn shorten(&self) -> bool {
        self.sim.shorten();
        true
    }

    async fn grow(&self, records: u64) -> Result<bool, BoxError> {
        for number in 100..100 + records {
            let name = format!("Site {number} of many");
            self.sim.put(Kind::Sites, &json!({"slug": format!("site-{number}"), "name": name, "status": "active"}));
        }
        Ok(true)
    }
}

syncline_conformance::conformance!(RestLab);
