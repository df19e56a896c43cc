//! The target proves itself over a simulated Zabbix, whose hosts are made of the kit's devices.

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
    secrets: tempfile::TempDir,
}

#[async_trait]
impl Lab for Lab70 {
    fn connector(&self) -> &'static str {
        "zabbix"
    }

    async fn start(&self) -> Result<Box<dyn System>, BoxError> {
        let sim = ZabbixSim::start(ZabbixOptions::version("7.0.22"))?;
        let secrets = tempfile::tempdir()?;
        std::fs::write(secrets.path().join("token"), sim.token())?;
        std::fs::write(secrets.path().join("wrong"), "0".repeat(64))?;
        std::fs::write(secrets.path().join("community"), "s3cret-community")?;
        Ok(Box::new(Zabbix { sim, secrets }))
    }

    fn skips(&self) -> &'static [Skip] {
        &[Skip {
            check: Check::RefusedRecords,
            reason: "hosts are made by rules, so that no single device of the kit is refused",
        }]
    }
}

impl Zabbix {
    fn file(&self, name: &str) -> String {
        format!("file:{}", self.secrets.path().join(name).display())
    }

    fn connection(&self, url: &str, token: &str) -> Value {
        let http = json!({"proxy": "off", "connect_timeout_seconds": 1, "retry": {"base_delay_ms": 1}});
        json!({"url": url, "token": self.file(token), "http": http, "page_size": 500})
    }
}

#[async_trait]
impl System for Zabbix {
    fn url(&self) -> Option<String> {
        Some(self.sim.url().to_owned())
    }

    fn settings(&self, url: Option<&str>) -> Settings {
        let hosts = json!({
            "groups": [{"name": "Sites/{{ site.name }}"}, {"name": "Roles/{{ role.name }}"}],
            "templates": [{"template": "ICMP Ping"}],
            "interfaces": [{"type": "snmp", "address": "{{ primary_ip or '192.0.2.1' }}", "snmp": {"version": 2}}],
            "tags": [{"tag": "site", "value": "{{ site.slug }}"}, {"tag": "tenant", "value": "{{ tenant.name }}"}],
            "macros": [{"macro": "{$SNMP_COMMUNITY}", "secret": self.file("community")}],
            "inventory": {"fields": {"serialno_a": "{{ serial }}", "model": "{{ device_type.model }}"}},
        });
        let connection = self.connection(url.unwrap_or(self.sim.url()), "token");
        Settings { target: json!({"hosts": hosts}), ..Settings::of(connection) }
    }

    fn secrets(&self) -> Vec<String> {
        vec![self.sim.token().to_owned(), "s3cret-community".to_owned()]
    }

    fn broken(&self) -> Vec<Broken> {
        let connection = self.connection(self.sim.url(), "wrong");
        vec![Broken { what: "a wrong token", connection, kinds: &[ErrorKind::Unauthenticated] }]
    }

    fn page_size(&self) -> Option<&'static str> {
        Some("/page_size")
    }

    /// Every call is sent by POST; its method tells what it does.
    fn is_write(&self, request: &Seen) -> bool {
        let body = String::from_utf8_lossy(&request.body);
        [".create\"", ".update\"", ".delete\"", ".massadd\"", ".massupdate\"", ".massremove\""]
            .iter()
            .any(|verb| body.contains(verb))
    }

    async fn meddle(&self, model: &str, native: &Native) -> Result<(), BoxError> {
        if model != "host" {
            return Err(format!("nobody changes the {model} {}", native.id).into());
        }
        Ok(self.sim.edit_host(json!({"hostid": &*native.id, "description": "as somebody else describes it"}))?)
    }
}

syncline_conformance::conformance!(Lab70);
