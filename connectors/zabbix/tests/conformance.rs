//! Both sides of the connector prove themselves over a simulated Zabbix, or a real one (`CONFORMANCE_ZABBIX_URL` and
//! `CONFORMANCE_ZABBIX_TOKEN`): the network of the kit becomes hosts, by rules.

use async_trait::async_trait;
use serde_json::{Value, json};
use syncline_conformance::{BoxError, Broken, Check, Lab, Real, Secret, Settings, Skip, System};
use syncline_connector_zabbix as _;
use syncline_core::ErrorKind;
use syncline_core::native::Native;
use syncline_http::{Client, Credential};
use syncline_testkit::fault_proxy::Seen;
use syncline_testkit::zabbix::{ZabbixOptions, ZabbixSim};

struct Lab70;

struct Zabbix {
    url: String,
    token: Secret,
    wrong_token: Secret,
    community: Secret,
    /// None where it is a real one.
    sim: Option<ZabbixSim>,
}

/// What the rules put into every host as a secret.
const COMMUNITY: &str = "a-c0mmunity-that-is-told-to-nobody";

#[async_trait]
impl Lab for Lab70 {
    fn connector(&self) -> &'static str {
        "zabbix"
    }

    async fn start(&self) -> Result<Box<dyn System>, BoxError> {
        let sim = ZabbixSim::start(ZabbixOptions::version("7.0.9"))?;
        let (url, token) = (sim.url().to_owned(), Secret::new(sim.token())?);
        Ok(Box::new(Zabbix::new(url, token, Some(sim))?))
    }

    async fn connect(&self, real: &Real) -> Result<Box<dyn System>, BoxError> {
        Ok(Box::new(Zabbix::new(real.url().to_owned(), real.secret("TOKEN")?, None)?))
    }

    fn skips(&self) -> &'static [Skip] {
        &[
            Skip {
                check: Check::RefusedRecords,
                reason: "rules make hosts of the records, so that what is refused goes by another key than the record; the connector's \
                         own tests take refused arrays of hosts apart",
            },
            Skip {
                check: Check::Memory,
                reason: "the simulated Zabbix lives in the same process and takes more memory for as many hosts than the read of them may",
            },
        ]
    }
}

impl Zabbix {
    fn new(url: String, token: Secret, sim: Option<ZabbixSim>) -> Result<Self, BoxError> {
        let (wrong_token, community) = (Secret::new(&"0".repeat(64))?, Secret::new(COMMUNITY)?);
        Ok(Self { url, token, wrong_token, community, sim })
    }

    /// Asks the API of a real one.
    async fn ask(&self, method: &str, params: Value) -> Result<(), BoxError> {
        let settings = serde_json::from_value(json!({"url": self.url, "http": {"proxy": "off"}}))?;
        let call = |auth: Value| json!({"jsonrpc": "2.0", "method": method, "params": params, "id": 1, "auth": auth});
        // Before 6.4 the token goes into the body, since 7.2 into the header alone.
        let by_header = Client::new(&settings, Credential::bearer(self.token.value().into()))?;
        let by_body = Client::new(&settings, Credential::none())?;
        let mut call_by_header = call(Value::Null);
        call_by_header.as_object_mut().map(|call| call.remove("auth"));
        let mut refusals = Vec::new();
        for (client, call) in [(by_body, call(self.token.value().into())), (by_header, call_by_header)] {
            let answer: Value = client.post("api_jsonrpc.php").json(&call).send().await?.json()?;
            match answer.get("error") {
                None => return Ok(()),
                Some(error) => refusals.push(error.to_string()),
            }
        }
        Err(format!("`{method}` was refused: {}", refusals.join("; ")).into())
    }

    fn connection(url: &str, token: &Secret) -> Value {
        let http = json!({"proxy": "off", "connect_timeout_seconds": 1, "retry": {"base_delay_ms": 1}});
        json!({"url": url, "token": token.reference(), "http": http, "page_size": 500})
    }
}

#[async_trait]
impl System for Zabbix {
    fn url(&self) -> Option<String> {
        Some(self.url.clone())
    }

    fn settings(&self, url: Option<&str>) -> Settings {
        let hosts = json!({
            "origin": "conformance",
            "groups": [{"name": "Sites/{{ site.slug }}"}, {"name": "Roles/{{ role.slug }}"}],
            "templates": [{"template": "ICMP Ping"}],
            "interfaces": [{"type": "snmp", "address": "{{ site.slug }}-{{ role.slug }}.example", "snmp": {"version": 2}}],
            "tags": [{"tag": "status", "value": "{{ status }}"}, {"tag": "tenant", "value": "{{ tenant.name }}"}],
            "macros": [{"macro": "{$SNMP_COMMUNITY}", "secret": self.community.reference()}],
            "inventory": {"fields": {"serialno_a": "{{ serial }}", "model": "{{ device_type.model }}", "os": "{{ platform.name }}"}},
        });
        let connection = Self::connection(url.unwrap_or(&self.url), &self.token);
        Settings { target: json!({"hosts": hosts}), ..Settings::of(connection) }
    }

    fn secrets(&self) -> Vec<String> {
        vec![self.token.value().to_owned(), COMMUNITY.to_owned()]
    }

    fn broken(&self) -> Vec<Broken> {
        let connection = Self::connection(&self.url, &self.wrong_token);
        vec![Broken { what: "a wrong token", connection, kinds: &[ErrorKind::Unauthenticated, ErrorKind::Forbidden] }]
    }

    fn page_size(&self) -> Option<&'static str> {
        Some("/page_size")
    }

    /// Every call is a POST: its method, which is in the body, tells whether it writes.
    fn is_write(&self, request: &Seen) -> bool {
        let calls = match serde_json::from_slice(&request.body) {
            Ok(Value::Array(calls)) => calls,
            Ok(call) => vec![call],
            Err(_) => Vec::new(),
        };
        let writes = |call: &Value| {
            let method = call["method"].as_str().unwrap_or_default();
            [".create", ".update", ".delete", ".massadd", ".massupdate", ".massremove"]
                .iter()
                .any(|end| method.ends_with(end))
        };
        calls.iter().any(writes)
    }

    async fn meddle(&self, model: &str, native: &Native) -> Result<(), BoxError> {
        if model != "host" {
            return Err(format!("nobody changes a {model}").into());
        }
        let inventory = json!({"serialno_a": "as somebody else has it"});
        let edit = json!({"hostid": &*native.id, "inventory": inventory});
        match &self.sim {
            Some(sim) => Ok(sim.edit_host(edit)?),
            None => self.ask("host.update", edit).await,
        }
    }
}

syncline_conformance::conformance!(Lab70);
