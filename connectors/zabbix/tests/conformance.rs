//! Both sides of the connector prove themselves over a simulated Zabbix: the network of the kit becomes hosts, by rules.

use async_trait::async_trait;
use serde_json::{Value, json};
use syncline_conformance::{BoxError, Broken, Check, Lab, Settings, Skip, System};
use syncline_connector_zabbix as _;
use syncline_core::ErrorKind;
use syncline_core::native::Native;
use syncline_testkit::fault_proxy::Seen;
use syncline_testkit::zabbix::{ZabbixOptions, ZabbixSim};

struct Lab70;

struct Zabbix {
    sim: ZabbixSim,
    token: tempfile::NamedTempFile,
    wrong_token: tempfile::NamedTempFile,
    community: tempfile::NamedTempFile,
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
        let file = |text: &str| -> Result<tempfile::NamedTempFile, BoxError> {
            let file = tempfile::NamedTempFile::new()?;
            std::fs::write(file.path(), text)?;
            Ok(file)
        };
        let (token, wrong_token, community) = (file(sim.token())?, file(&"0".repeat(64))?, file(COMMUNITY)?);
        Ok(Box::new(Zabbix { sim, token, wrong_token, community }))
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

fn reference(file: &tempfile::NamedTempFile) -> String {
    format!("file:{}", file.path().display())
}

impl Zabbix {
    fn connection(url: &str, token: &tempfile::NamedTempFile) -> Value {
        let http = json!({"proxy": "off", "connect_timeout_seconds": 1, "retry": {"base_delay_ms": 1}});
        json!({"url": url, "token": reference(token), "http": http, "page_size": 500})
    }
}

#[async_trait]
impl System for Zabbix {
    fn url(&self) -> Option<String> {
        Some(self.sim.url().to_owned())
    }

    fn settings(&self, url: Option<&str>) -> Settings {
        let hosts = json!({
            "origin": "conformance",
            "groups": [{"name": "Sites/{{ site.slug }}"}, {"name": "Roles/{{ role.slug }}"}],
            "templates": [{"template": "ICMP Ping"}],
            "interfaces": [{"type": "snmp", "address": "{{ site.slug }}-{{ role.slug }}.example", "snmp": {"version": 2}}],
            "tags": [{"tag": "status", "value": "{{ status }}"}, {"tag": "tenant", "value": "{{ tenant.name }}"}],
            "macros": [{"macro": "{$SNMP_COMMUNITY}", "secret": reference(&self.community)}],
            "inventory": {"fields": {"serialno_a": "{{ serial }}", "model": "{{ device_type.model }}", "os": "{{ platform.name }}"}},
        });
        let connection = Self::connection(url.unwrap_or(self.sim.url()), &self.token);
        Settings { target: json!({"hosts": hosts}), ..Settings::of(connection) }
    }

    fn secrets(&self) -> Vec<String> {
        vec![self.sim.token().to_owned(), COMMUNITY.to_owned()]
    }

    fn broken(&self) -> Vec<Broken> {
        let connection = Self::connection(self.sim.url(), &self.wrong_token);
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
        Ok(self.sim.edit_host(json!({"hostid": &*native.id, "inventory": inventory}))?)
    }
}

syncline_conformance::conformance!(Lab70);
