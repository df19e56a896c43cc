//! A NetBox, a Zabbix, and a sync between them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::{Arc, LazyLock};

use serde_json::{Value, json};
use syncline_core::connector::ConnectContext;
use syncline_core::event::Events;
use syncline_core::history::{Approval, Decision, History, RunId, RunStatus};
use syncline_core::policy::Policy;
use syncline_core::registry::Registry;
use syncline_core::run::{RunReport, RunRequest, Runner, SideDefinition, SyncDefinition};
use syncline_testkit::netbox::{Kind, NetBoxOptions, NetBoxSim};
use syncline_testkit::zabbix::{ZabbixOptions, ZabbixSim};
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio_util::sync::CancellationToken;

use crate::client::ReadClient;
use crate::settings::Connection;

/// The environment variables that name a real Zabbix, which is written to.
const REAL: (&str, &str) = ("TEST_ZABBIX_URL", "TEST_ZABBIX_TOKEN");

/// Two writers of a real Zabbix get in each other's way (6.0 takes one id for two new groups): one test at a time writes.
static TURN: LazyLock<Arc<Mutex<()>>> = LazyLock::new(Arc::default);

pub(super) struct Lab {
    pub netbox: NetBoxSim,
    /// None when a real one is used.
    pub sim: Option<ZabbixSim>,
    pub sync: SyncDefinition,
    pub runner: Runner,
    /// What tells this test's objects from those of others in one Zabbix.
    pub mark: String,
    pub api: ReadClient,
    folder: tempfile::TempDir,
    _turn: Option<OwnedMutexGuard<()>>,
}

impl Lab {
    /// A NetBox with a site, a role and a type, and no device; a Zabbix of a version, unless a real one is there.
    pub async fn new(version: &str) -> Self {
        // The source is linked for its registration.
        let _ = syncline_connector_netbox::NetBox;
        let netbox = NetBoxSim::start(NetBoxOptions::default()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let secret = |name: &str, value: &str| {
            let path = folder.path().join(name);
            fs::write(&path, value).unwrap();
            format!("file:{}", path.display())
        };
        let mut turn = None;
        let (sim, url, token) = match (std::env::var(REAL.0), std::env::var(REAL.1)) {
            (Ok(url), Ok(token)) => {
                turn = Some(TURN.clone().lock_owned().await);
                (None, url, token)
            }
            _ => {
                let sim = ZabbixSim::start(ZabbixOptions { version: version.to_owned(), ..ZabbixOptions::default() })
                    .unwrap();
                let (url, token) = (sim.url().to_owned(), sim.token().to_owned());
                (Some(sim), url, token)
            }
        };
        let http = json!({"retry": {"base_delay_ms": 1, "max_delay_seconds": 1}});
        let connection = json!({"url": url, "token": secret("zabbix-token", &token), "http": http});
        let mark = format!("t{}", &uuid_like());
        let group = |name: &str| json!({"name": format!("{mark}/{name}")});
        let hosts = json!({
            "origin": mark,
            "groups": [group("Sites/{{ site.name }}"), group("Roles/{{ role.name }}")],
            "templates": [{"template": "ICMP Ping"}],
            "interfaces": [{"type": "snmp", "address": "{{ name | lower }}.example", "snmp": {"version": 2}}],
            "tags": [{"tag": "site", "value": "{{ site.slug }}"}, {"tag": "serial", "value": "{{ serial }}"}],
            "macros": [{"macro": "{$SNMP_COMMUNITY}", "secret": secret("community", "s3cret")}],
            "inventory": {"fields": {"serialno_a": "{{ serial }}", "model": "{{ device_type.model }}"}},
        });
        let side = |name: &str, connector: &str, connection: Value, parameters: Value| SideDefinition {
            connection_name: name.to_owned(),
            connector: connector.to_owned(),
            connection,
            parameters,
        };
        let netbox_connection =
            json!({"url": netbox.url(), "token": secret("netbox-token", netbox.token()), "http": http});
        let sync = SyncDefinition {
            name: "monitoring".to_owned(),
            source: side("netbox", "netbox", netbox_connection, json!({})),
            target: side("zabbix", "zabbix", connection.clone(), json!({"hosts": hosts})),
            models: BTreeMap::new(),
            mapping: syncline_core::mapping::Mapping::default(),
            policy: Policy::default(),
            auto_merge: true,
        };
        let history = History::in_memory().await.unwrap();
        let runner = Runner::new(Registry::linked().unwrap(), history, folder.path());
        let connection: Connection = serde_json::from_value(connection).unwrap();
        let api = ReadClient::connect(&connection, &ConnectContext::default()).await.unwrap();
        let lab = Self { netbox, sim, sync, runner, mark, api, folder, _turn: turn };
        lab.seed(Kind::Site, &json!({"name": "Bern", "slug": "bern"}));
        lab.seed(Kind::Manufacturer, &json!({"name": "Cisco", "slug": "cisco"}));
        lab.seed(Kind::DeviceType, &json!({"manufacturer": 1, "model": "C9300", "slug": "c9300"}));
        lab.seed(Kind::DeviceRole, &json!({"name": "Access", "slug": "access", "color": "00ff00"}));
        lab.seed(Kind::DeviceRole, &json!({"name": "Core", "slug": "core", "color": "00ff00"}));
        lab
    }

    pub fn seed(&self, kind: Kind, body: &Value) -> u64 {
        self.netbox.seed(kind, body.clone()).unwrap()
    }

    /// Adds a device to NetBox, under a name of this test's own.
    pub fn device(&self, name: &str) -> u64 {
        let name = self.named(name);
        let body = json!({"name": name, "site": 1, "device_type": 1, "role": 1, "status": "active", "serial": format!("S-{name}")});
        self.seed(Kind::Device, &body)
    }

    /// Keeps a secret in a file; the reference to it.
    pub fn secret(&self, name: &str, value: &str) -> String {
        let path = self.folder.path().join(name);
        fs::write(&path, value).unwrap();
        format!("file:{}", path.display())
    }

    /// A name of this test's own.
    pub fn named(&self, name: &str) -> String {
        format!("{}-{name}", self.mark)
    }

    pub async fn run(&self) -> RunReport {
        let cancel = CancellationToken::new();
        self.runner.run(&self.sync, RunRequest::default(), &Events::new(), &cancel).await.unwrap()
    }

    /// Runs the sync; a person approves what is asked about.
    pub async fn approved(&self) -> RunReport {
        let waiting = self.run().await;
        if waiting.status == RunStatus::AwaitingReview { self.approve(&waiting).await } else { waiting }
    }

    /// Takes back what a run did; a person approves that.
    pub async fn undone(&self, run: RunId) -> RunReport {
        let cancel = CancellationToken::new();
        let undo = self.runner.run(&self.sync, RunRequest::undo(run), &Events::new(), &cancel).await.unwrap();
        if undo.status == RunStatus::AwaitingReview { self.approve(&undo).await } else { undo }
    }

    /// Approves the plan of a run that waits, and goes on with it.
    pub async fn approve(&self, waiting: &RunReport) -> RunReport {
        let decision = Decision {
            plan_hash: waiting.plan_hash.clone().unwrap(),
            verdict: Approval::Approved,
            by: "kim".to_owned(),
            reason: "looked at".to_owned(),
            selection: None,
            overrides_guards: true,
            at: chrono::Utc::now(),
        };
        self.runner.history().decide(waiting.run, &decision).await.unwrap();
        self.runner.go_on(waiting.run, &self.sync, &Events::new(), &CancellationToken::new()).await.unwrap()
    }

    /// Asks Zabbix.
    pub async fn ask(&self, method: &'static str, params: Value) -> Value {
        self.api.call(method, params).await.unwrap()
    }

    /// A host of this test's as Zabbix has it; none if it has none.
    pub async fn host(&self, name: &str) -> Option<Value> {
        let dialect = self.api.dialect();
        let query = json!({
            "output": "extend",
            "filter": {"host": [self.named(name)]},
            "selectInterfaces": "extend",
            "selectTags": ["tag", "value"],
            "selectMacros": ["macro", "value", "type"],
            "selectInventory": ["serialno_a", "model", "location"],
            "selectParentTemplates": ["host"],
            (dialect.host_groups.0): ["groupid", "name"],
        });
        let mut hosts: Vec<Value> = serde_json::from_value(self.ask("host.get", query).await).unwrap();
        let mut host = hosts.pop()?;
        if let Some(groups) = host.as_object_mut().unwrap().remove("hostgroups") {
            host["groups"] = groups;
        }
        Some(host)
    }

    /// How `host.get` is asked for groups.
    pub fn groups_of_hosts(&self) -> &'static str {
        self.api.dialect().host_groups.0
    }

    /// The names of the groups of a host, without the test's own beginning.
    pub fn groups(&self, host: &Value) -> BTreeSet<String> {
        let names = host["groups"].as_array().unwrap().iter().map(|group| group["name"].as_str().unwrap());
        names.map(|name| name.trim_start_matches(&format!("{}/", self.mark)).to_owned()).collect()
    }

    /// Changes something in Zabbix as a person would.
    pub async fn by_hand(&self, method: &'static str, params: Value) -> Value {
        self.ask(method, params).await
    }

    /// Makes a host by hand, with a name that a device of this test's has, and gives its id.
    pub async fn taken_by_hand(&self, name: &str) -> Value {
        let group = self.by_hand("hostgroup.create", json!([{"name": format!("{}-theirs", self.mark)}])).await;
        let groups = json!([{"groupid": group["groupids"][0]}]);
        let made = self.by_hand("host.create", json!({"host": self.named(name), "groups": groups})).await;
        made["hostids"][0].clone()
    }
}

/// The tags of a host as texts.
pub(super) fn tags(host: &Value) -> BTreeSet<String> {
    let tags = host["tags"].as_array().unwrap().iter();
    tags.map(|tag| format!("{}={}", tag["tag"].as_str().unwrap(), tag["value"].as_str().unwrap())).collect()
}

/// A few letters that no other test has.
fn uuid_like() -> String {
    let time = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos();
    format!("{:x}{:x}", time % 0xfff_ffff, std::process::id())
}
