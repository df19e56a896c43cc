//! The source proves itself over a simulated Forward Enterprise.

use async_trait::async_trait;
use serde_json::{Value, json};
use syncline_conformance::{BoxError, Broken, Lab, Settings, System};
use syncline_connector_forward as _;
use syncline_core::ErrorKind;
use syncline_testkit::estate::{Estate, EstateOptions};
use syncline_testkit::fault_proxy::Seen;
use syncline_testkit::forward::{ForwardSim, NETWORK};

struct ForwardLab;

struct Forward {
    sim: ForwardSim,
    secrets: tempfile::TempDir,
}

#[async_trait]
impl Lab for ForwardLab {
    fn connector(&self) -> &'static str {
        "forward"
    }

    async fn start(&self) -> Result<Box<dyn System>, BoxError> {
        // The oddities of real estates have tests of their own: some of them are reported, as they should be.
        let estate = Estate::generate(EstateOptions { edge_cases: false, ..EstateOptions::small() });
        let (sim, secrets) = (ForwardSim::with_estate(estate).await?, tempfile::tempdir()?);
        std::fs::write(secrets.path().join("access-key"), sim.access_key())?;
        std::fs::write(secrets.path().join("secret"), sim.secret())?;
        std::fs::write(secrets.path().join("wrong"), "not the secret")?;
        Ok(Box::new(Forward { sim, secrets }))
    }
}

impl Forward {
    fn connection(&self, url: &str, secret: &str) -> Value {
        let file = |name: &str| format!("file:{}", self.secrets.path().join(name).display());
        let http = json!({"proxy": "off", "connect_timeout_seconds": 1, "retry": {"base_delay_ms": 1}});
        json!({
            "url": url, "access_key": file("access-key"), "secret": file(secret), "network": NETWORK, "http": http,
            "execution": "sync", "page_size": 1000,
        })
    }
}

#[async_trait]
impl System for Forward {
    fn url(&self) -> Option<String> {
        Some(self.sim.url())
    }

    fn settings(&self, url: Option<&str>) -> Settings {
        Settings::of(self.connection(url.unwrap_or(&self.sim.url()), "secret"))
    }

    fn secrets(&self) -> Vec<String> {
        vec![self.sim.secret()]
    }

    fn broken(&self) -> Vec<Broken> {
        let connection = self.connection(&self.sim.url(), "wrong");
        vec![Broken { what: "a wrong secret", connection, kinds: &[ErrorKind::Unauthenticated] }]
    }

    fn page_size(&self) -> Option<&'static str> {
        Some("/page_size")
    }

    /// Queries are sent by POST.
    fn is_write(&self, request: &Seen) -> bool {
        request.method != "GET" && !request.path.contains("/nqe")
    }

    async fn grow(&self, records: u64) -> Result<bool, BoxError> {
        let options = EstateOptions::small();
        let (devices_per_site, interfaces_per_device) = (20, 64);
        let sites = u32::try_from(records)? / (devices_per_site * interfaces_per_device) + 1;
        let options = EstateOptions { sites, devices_per_site, interfaces_per_device, edge_cases: false, ..options };
        self.sim.add_snapshot(Estate::generate(options));
        Ok(true)
    }
}

syncline_conformance::conformance!(ForwardLab);
