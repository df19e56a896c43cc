//! Both sides of the connector prove themselves over a simulated NetBox, or a real one: `CONFORMANCE_NETBOX_URL` and
//! `CONFORMANCE_NETBOX_TOKEN`.

use async_trait::async_trait;
use serde_json::{Value, json};
use syncline_conformance::{BoxError, Broken, Lab, Real, Secret, Settings, System};
use syncline_connector_netbox as _;
use syncline_core::ErrorKind;
use syncline_core::native::Native;
use syncline_http::{Client, Credential, Path};
use syncline_testkit::fault_proxy::Seen;
use syncline_testkit::netbox::{Kind, NetBoxOptions, NetBoxSim};

struct Lab46;

struct NetBox {
    url: String,
    token: Secret,
    wrong_token: Secret,
    /// None where it is a real one.
    sim: Option<NetBoxSim>,
}

/// A token of the right form, which nobody has.
const WRONG_TOKEN: &str = "nbt_abcdefghijkl.0123456789012345678901234567890123456789";

#[async_trait]
impl Lab for Lab46 {
    fn connector(&self) -> &'static str {
        "netbox"
    }

    async fn start(&self) -> Result<Box<dyn System>, BoxError> {
        let sim = NetBoxSim::start(NetBoxOptions::default())?;
        let (url, token) = (sim.url().to_owned(), Secret::new(sim.token())?);
        Ok(Box::new(NetBox { url, token, wrong_token: Secret::new(WRONG_TOKEN)?, sim: Some(sim) }))
    }

    async fn connect(&self, real: &Real) -> Result<Box<dyn System>, BoxError> {
        let (url, token) = (real.url().to_owned(), real.secret("TOKEN")?);
        Ok(Box::new(NetBox { url, token, wrong_token: Secret::new(WRONG_TOKEN)?, sim: None }))
    }
}

impl NetBox {
    fn connection(url: &str, token: &Secret) -> Value {
        let http = json!({"proxy": "off", "connect_timeout_seconds": 1, "retry": {"base_delay_ms": 1}});
        json!({"url": url, "token": token.reference(), "http": http, "page_size": 500})
    }
}

impl NetBox {
    async fn meddle_with_real(&self, model: &str, native: &Native) -> Result<(), BoxError> {
        let list = match model {
            "tag" => ["api", "extras", "tags"],
            "site" => ["api", "dcim", "sites"],
            _ => return Err(format!("the lab does not say where a real NetBox keeps a {model}").into()),
        };
        let settings = serde_json::from_value(json!({"url": self.url, "http": {"proxy": "off"}}))?;
        let client = Client::new(&settings, Credential::token(self.token.value().into()))?;
        let object = client.patch(Path::from(list).segment(&native.id).slash());
        object.json(&json!({"name": "as somebody else calls it"})).send().await?;
        Ok(())
    }
}

#[async_trait]
impl System for NetBox {
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
        vec![Broken { what: "a wrong token", connection, kinds: &[ErrorKind::Unauthenticated, ErrorKind::Forbidden] }]
    }

    fn page_size(&self) -> Option<&'static str> {
        Some("/page_size")
    }

    /// Queries of GraphQL are sent by POST.
    fn is_write(&self, request: &Seen) -> bool {
        !matches!(request.method.as_str(), "GET" | "OPTIONS") && !request.path.starts_with("/graphql/")
    }

    async fn meddle(&self, model: &str, native: &Native) -> Result<(), BoxError> {
        if self.sim.is_none() {
            return self.meddle_with_real(model, native).await;
        }
        let kind = Kind::ALL.into_iter().find(|kind| format!("{kind:?}").to_lowercase() == model.replace('_', ""));
        let kind = kind.ok_or_else(|| format!("there is no `{model}`"))?;
        let sim = self.sim.as_ref().ok_or("there is no simulator")?;
        Ok(sim.edit(kind, native.id.parse()?, &json!({"name": "as somebody else calls it"}))?)
    }

    /// A name that is longer than NetBox takes.
    fn refused(&self) -> Option<(&'static str, Value)> {
        let name = "a".repeat(101);
        Some(("site", json!({"slug": "refused", "name": name, "status": "active", "physical_address": null})))
    }

    async fn grow(&self, records: u64) -> Result<bool, BoxError> {
        let Some(sim) = &self.sim else { return Ok(false) };
        let site = |number| json!({"slug": format!("site-{number}"), "name": format!("Site {number} of many")});
        sim.seed_all(Kind::Site, &(0..records).map(site).collect::<Vec<_>>())?;
        Ok(true)
    }
}

syncline_conformance::conformance!(Lab46);
