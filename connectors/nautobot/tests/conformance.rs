//! Both sides of the connector prove themselves over a simulated Nautobot, or a real one: `CONFORMANCE_NAUTOBOT_URL` and
//! `CONFORMANCE_NAUTOBOT_TOKEN`.

use async_trait::async_trait;
use serde_json::{Value, json};
use syncline_conformance::{BoxError, Broken, Lab, Network, Real, Secret, Settings, System};
use syncline_connector_nautobot as _;
use syncline_core::ErrorKind;
use syncline_core::native::Native;
use syncline_http::{Client, Credential, Path};
use syncline_testkit::fault_proxy::Seen;
use syncline_testkit::nautobot::{NautobotOptions, NautobotSim};

struct Lab3;

struct Nautobot {
    url: String,
    token: Secret,
    wrong_token: Secret,
    /// None where it is a real one.
    sim: Option<NautobotSim>,
}

/// A token of the right form, which nobody has.
const WRONG_TOKEN: &str = "ffffffffffffffffffffffffffffffffffffffff";

#[async_trait]
impl Lab for Lab3 {
    fn connector(&self) -> &'static str {
        "nautobot"
    }

    async fn start(&self) -> Result<Box<dyn System>, BoxError> {
        let sim = NautobotSim::start(NautobotOptions::default())?;
        let (url, token) = (sim.url().to_owned(), Secret::new(sim.token())?);
        let nautobot = Nautobot { url, token, wrong_token: Secret::new(WRONG_TOKEN)?, sim: Some(sim) };
        nautobot.prepare().await?;
        Ok(Box::new(nautobot))
    }

    /// Nautobot keeps no short names.
    fn network(&self) -> Network {
        Network::sample().called_by_name()
    }

    async fn connect(&self, real: &Real) -> Result<Box<dyn System>, BoxError> {
        let (url, token) = (real.url().to_owned(), real.secret("TOKEN")?);
        let nautobot = Nautobot { url, token, wrong_token: Secret::new(WRONG_TOKEN)?, sim: None };
        if real.may_write() {
            nautobot.prepare().await?;
        }
        Ok(Box::new(nautobot))
    }
}

impl Nautobot {
    fn connection(url: &str, token: &Secret) -> Value {
        let http = json!({"proxy": "off", "connect_timeout_seconds": 1, "retry": {"base_delay_ms": 1}});
        json!({"url": url, "token": token.reference(), "http": http, "page_size": 500})
    }

    fn client(&self) -> Result<Client, BoxError> {
        let settings = serde_json::from_value(json!({"url": self.url, "http": {"proxy": "off"}}))?;
        Ok(Client::new(&settings, Credential::token(self.token.value().into()))?)
    }

    /// The location type that sites have: people make it, once.
    async fn prepare(&self) -> Result<(), BoxError> {
        let client = self.client()?;
        let types = Path::from(["api", "dcim", "location-types"]).slash();
        let found: Value = client.get(types.clone()).query("name", "Site").send().await?.json()?;
        if found["count"] == 0 {
            let kinds = json!(["dcim.device", "ipam.prefix", "ipam.vlan"]);
            client.post(types).json(&json!({"name": "Site", "content_types": kinds})).send().await?;
        }
        Ok(())
    }
}

#[async_trait]
impl System for Nautobot {
    fn url(&self) -> Option<String> {
        Some(self.url.clone())
    }

    fn settings(&self, url: Option<&str>) -> Settings {
        Settings::of(Self::connection(url.unwrap_or(&self.url), &self.token))
    }

    fn secrets(&self) -> Vec<String> {
        vec![self.token.value().to_owned()]
    }

    fn broken(&self) -> Vec<Broken> {
        let connection = Self::connection(&self.url, &self.wrong_token);
        vec![Broken { what: "a wrong token", connection, kinds: &[ErrorKind::Unauthenticated] }]
    }

    fn page_size(&self) -> Option<&'static str> {
        Some("/page_size")
    }

    /// Queries of GraphQL are sent by POST.
    fn is_write(&self, request: &Seen) -> bool {
        !matches!(request.method.as_str(), "GET" | "OPTIONS") && !request.path.starts_with("/api/graphql/")
    }

    async fn meddle(&self, model: &str, native: &Native) -> Result<(), BoxError> {
        let list = match model {
            "tag" => ["api", "extras", "tags"],
            "site" => ["api", "dcim", "locations"],
            _ => return Err(format!("the lab does not say where a Nautobot keeps a {model}").into()),
        };
        let object = self.client()?.patch(Path::from(list).segment(&native.id).slash());
        object.json(&json!({"description": "as somebody else calls it"})).send().await?;
        Ok(())
    }

    async fn shorten(&self) -> bool {
        self.sim.as_ref().is_some_and(|sim| {
            sim.shorten("dcim/interfaces");
            true
        })
    }

    async fn grow(&self, records: u64) -> Result<bool, BoxError> {
        let Some(sim) = &self.sim else { return Ok(false) };
        let site = |number| json!({"name": format!("Site {number} of many"), "location_type": {"name": "Site"}, "status": {"name": "Active"}});
        sim.seed_all("dcim/locations", &(0..records).map(site).collect::<Vec<_>>())?;
        Ok(true)
    }

    /// A name that is longer than Nautobot takes.
    fn refused(&self) -> Option<(&'static str, Value)> {
        let name = "a".repeat(256);
        Some(("site", json!({"slug": "refused", "name": name, "status": "active", "physical_address": null})))
    }
}

syncline_conformance::conformance!(Lab3);
