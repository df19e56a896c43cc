//! The source proves itself over a simulated Forward Enterprise, or a real one: `CONFORMANCE_FORWARD_URL`, `…_ACCESS_KEY`, `…_SECRET` and
//! `…_NETWORK`.

use async_trait::async_trait;
use serde_json::{Value, json};
use syncline_conformance::{BoxError, Broken, Lab, Real, Secret, Settings, System};
use syncline_connector_forward as _;
use syncline_core::ErrorKind;
use syncline_testkit::estate::{Estate, EstateOptions};
use syncline_testkit::fault_proxy::Seen;
use syncline_testkit::forward::{ForwardSim, NETWORK};

struct ForwardLab;

struct Forward {
    url: String,
    network: String,
    access_key: Secret,
    secret: Secret,
    wrong: Secret,
    /// None where it is a real one.
    sim: Option<ForwardSim>,
}

const WRONG: &str = "not the secret";

#[async_trait]
impl Lab for ForwardLab {
    fn connector(&self) -> &'static str {
        "forward"
    }

    async fn start(&self) -> Result<Box<dyn System>, BoxError> {
        // The oddities of real estates have tests of their own: some of them are reported, as they should be.
        let estate = Estate::generate(EstateOptions { edge_cases: false, ..EstateOptions::small() });
        let sim = ForwardSim::with_estate(estate).await?;
        let (access_key, secret, wrong) =
            (Secret::new(&sim.access_key())?, Secret::new(&sim.secret())?, Secret::new(WRONG)?);
        Ok(Box::new(Forward { url: sim.url(), network: NETWORK.to_owned(), access_key, secret, wrong, sim: Some(sim) }))
    }

    async fn connect(&self, real: &Real) -> Result<Box<dyn System>, BoxError> {
        let (access_key, secret) = (real.secret("ACCESS_KEY")?, real.secret("SECRET")?);
        let (url, network) = (real.url().to_owned(), real.variable("NETWORK")?.to_owned());
        let wrong = Secret::new(WRONG)?;
        Ok(Box::new(Forward { url, network, access_key, secret, wrong, sim: None }))
    }
}

impl Forward {
    fn connection(&self, url: &str, secret: &Secret) -> Value {
        let http = json!({"proxy": "off", "connect_timeout_seconds": 1, "retry": {"base_delay_ms": 1}});
        json!({
            "url": url, "access_key": self.access_key.reference(), "secret": secret.reference(), "network": self.network,
            "http": http, "execution": "sync", "page_size": 1000,
        })
    }
}

#[async_trait]
impl System for Forward {
    fn url(&self) -> Option<String> {
        Some(self.url.clone())
    }

    fn settings(&self, url: Option<&str>) -> Settings {
        Settings::of(self.connection(url.unwrap_or(&self.url), &self.secret))
    }

    fn secrets(&self) -> Vec<String> {
        vec![self.secret.value().to_owned()]
    }

    fn broken(&self) -> Vec<Broken> {
        let connection = self.connection(&self.url, &self.wrong);
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
        let Some(sim) = &self.sim else { return Ok(false) };
        let options = EstateOptions::small();
        let (devices_per_site, interfaces_per_device) = (20, 64);
        let sites = u32::try_from(records)? / (devices_per_site * interfaces_per_device) + 1;
        let options = EstateOptions { sites, devices_per_site, interfaces_per_device, edge_cases: false, ..options };
        sim.add_snapshot(Estate::generate(options));
        Ok(true)
    }
}

syncline_conformance::conformance!(ForwardLab);
