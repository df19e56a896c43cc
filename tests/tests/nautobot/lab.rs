//! A simulated Forward, two Nautobots, a simulated NetBox, and the syncs between them.

use std::collections::BTreeMap;
use std::fs;
use std::time::Instant;

use serde_json::{Value, json};
use syncline_core::change::Change;
use syncline_core::event::{Events, Phase};
use syncline_core::history::{ChangeFilter, History, OutcomeKind};
use syncline_core::plan::PlanReader;
use syncline_core::policy::Policy;
use syncline_core::run::{RunReport, RunRequest, Runner, SideDefinition, SyncDefinition};
use syncline_testkit::estate::{Estate, EstateOptions};
use syncline_testkit::forward::{self, ForwardSim};
use syncline_testkit::netbox::{NetBoxOptions, NetBoxSim};
use syncline_testkit::zabbix::{ZabbixOptions, ZabbixSim};
use tokio::sync::{Mutex, MutexGuard};
use tokio_util::sync::CancellationToken;

use crate::server::Server;

/// The models that an estate has.
pub const EVERY_MODEL: [&str; 14] = [
    "tag",
    "site",
    "manufacturer",
    "device_type",
    "device_role",
    "platform",
    "vrf",
    "vlan",
    "prefix",
    "virtual_chassis",
    "device",
    "interface",
    "mac_address",
    "ip_address",
];

pub struct Lab {
    pub estate: Estate,
    pub first: Server,
    forward: ForwardSim,
    pub netbox: NetBoxSim,
    _zabbix: ZabbixSim,
    _second: Server,
    sides: BTreeMap<&'static str, SideDefinition>,
    runner: Runner,
    _folder: tempfile::TempDir,
    _turn: MutexGuard<'static, ()>,
}

/// Real servers are there once.
static TURN: Mutex<()> = Mutex::const_new(());

impl Lab {
    /// An estate, and everything else empty. With real Nautobots, which take some 20 objects a second, it has one site, unless
    /// `SYNCLINE_NAUTOBOT_ESTATE` is `small`.
    pub async fn new() -> Self {
        let turn = TURN.lock().await;
        let (first, second) = match (Server::real("").await, Server::real("SECOND_").await) {
            (Some(first), Some(second)) => (first, second),
            (None, None) => (Server::simulated().await, Server::simulated().await),
            _ => panic!("it takes two real servers, or none"),
        };
        let small = EstateOptions::small();
        let is_small = first.is_simulated() || std::env::var("SYNCLINE_NAUTOBOT_ESTATE").is_ok_and(|it| it == "small");
        let options = match is_small {
            true => small,
            false => EstateOptions { sites: 1, interfaces_per_device: 6, vlans_per_site: 4, vrfs: 2, ..small },
        };
        let estate = Estate::generate(options);
        let forward = ForwardSim::with_estate(estate.clone()).await.unwrap();
        let netbox = NetBoxSim::start(NetBoxOptions::default()).unwrap();
        let zabbix = ZabbixSim::start(ZabbixOptions::default()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let secret = |name: &str, value: &str| {
            let path = folder.path().join(name);
            fs::write(&path, value).unwrap();
            format!("file:{}", path.display())
        };
        let side = |name: &str, connector: &str, connection: Value| SideDefinition {
            connection_name: name.to_owned(),
            connector: connector.to_owned(),
            connection,
            parameters: json!({}),
        };
        let by_token = |name: &str, connector: &str, url: &str, token: &str| {
            side(name, connector, json!({"url": url, "token": secret(name, token), "http": {"proxy": "off"}}))
        };
        let keys = json!({
            "url": forward.url(),
            "access_key": secret("access-key", &forward.access_key()),
            "secret": secret("secret", &forward.secret()),
            "network": forward::NETWORK,
        });
        let sides = BTreeMap::from([
            ("forward", side("forward", "forward", keys)),
            ("first", by_token("first", "nautobot", &first.url, &first.token)),
            ("netbox", by_token("netbox", "netbox", netbox.url(), netbox.token())),
            ("zabbix", by_token("zabbix", "zabbix", zabbix.url(), zabbix.token())),
            ("second", by_token("second", "nautobot", &second.url, &second.token)),
        ]);
        let history = History::in_memory().await.unwrap();
        let runner = Runner::new(syncline::registry().unwrap(), history, folder.path());
        Self {
            estate,
            first,
            forward,
            netbox,
            _zabbix: zabbix,
            _second: second,
            sides,
            runner,
            _folder: folder,
            _turn: turn,
        }
    }

    async fn run(&self, name: &str, request: RunRequest) -> RunReport {
        let (source, target) = name.split_once("-to-").unwrap();
        let sync = SyncDefinition {
            name: name.to_owned(),
            source: self.sides[source].clone(),
            target: self.sides[target].clone(),
            models: BTreeMap::new(),
            mapping: syncline_core::mapping::Mapping::default(),
            policy: Policy::default(),
            auto_merge: true,
        };
        let began = Instant::now();
        let report = self.runner.run(&sync, request, &Events::new(), &CancellationToken::new()).await.unwrap();
        let took = began.elapsed().as_secs_f64();
        println!("{name}: {} in {took:.1} s, {} written", report.status.as_str(), report.total().applied);
        let error = report.error.as_ref().map(syncline_core::Error::report);
        assert_eq!((report.status.as_str(), error), ("completed", None), "{name}");
        report
    }

    /// Runs a sync for real, of which each change has to go through. The changes.
    pub async fn completes(&self, name: &str) -> Vec<Change> {
        let report = self.run(name, RunRequest::default()).await;
        let changes = self.runner.history().changes(report.run, &ChangeFilter::default(), None, 100_000).await.unwrap();
        let bad =
            changes.items.iter().filter(|change| ![OutcomeKind::Applied, OutcomeKind::Held].contains(&change.outcome));
        let bad: Vec<_> = bad
            .map(|change| format!("{} {} {} {:?}", change.model, change.key, change.outcome.as_str(), change.reason))
            .collect();
        assert_eq!(bad, [""; 0], "{name}");
        planned(&report)
    }

    /// Runs a sync of which some changes may not go through. What became of each change of a model.
    pub async fn outcomes(&self, name: &str, model: &str) -> Vec<String> {
        let report = self.run(name, RunRequest::default()).await;
        let changes = self.runner.history().changes(report.run, &ChangeFilter::default(), None, 100_000).await.unwrap();
        let of_model = changes.items.iter().filter(|change| change.model == model);
        of_model.map(|change| format!("{} {}", change.key, change.outcome.as_str())).collect()
    }

    /// Runs a sync that has nothing to write any more.
    pub async fn writes_nothing(&self, name: &str) {
        assert_eq!(shown(&self.completes(name).await), [""; 0], "{name}");
    }

    /// What a sync would do.
    pub async fn plan(&self, name: &str) -> Vec<Change> {
        planned(&self.run(name, RunRequest { dry_run: true, ..RunRequest::default() }).await)
    }

    /// Runs a sync, without writing where that is not the phase. The seconds that it spent with a model in a phase.
    pub async fn took(&self, name: &str, phase: Phase, model: &str) -> f64 {
        let dry_run = phase != Phase::ExecuteSync;
        let report = self.run(name, RunRequest { dry_run, ..RunRequest::default() }).await;
        let phases = self.runner.history().phases(report.run).await.unwrap();
        let streams = phases.iter().filter(|one| one.phase == phase).flat_map(|phase| &phase.streams);
        let stream = streams.into_iter().find(|stream| stream.model == model).unwrap();
        (stream.ended - stream.started).as_seconds_f64()
    }

    /// Changes settings of the connection to a side.
    pub fn set(&mut self, side: &str, settings: &Value) {
        let connection = self.sides.get_mut(side).unwrap().connection.as_object_mut().unwrap();
        connection.extend(settings.as_object().unwrap().clone());
    }

    /// Edits the estate and lets Forward take a new snapshot of it.
    pub fn edit(&mut self, edit: impl FnOnce(&mut Estate)) {
        edit(&mut self.estate);
        self.forward.add_snapshot(self.estate.clone());
    }
}

fn planned(report: &RunReport) -> Vec<Change> {
    let plan = PlanReader::open(report.plan.as_ref().unwrap()).unwrap();
    plan.changes().unwrap().map(Result::unwrap).filter(|change| change.hold.is_none()).collect()
}

/// Changes in words.
pub fn shown(changes: &[Change]) -> Vec<String> {
    let show = |change: &Change| {
        let fields: Vec<_> =
            change.fields.iter().map(|field| format!("{}: {} -> {}", field.name, field.before, field.after)).collect();
        format!("{} {} {} {}", change.action, change.model, change.key, fields.join(", "))
    };
    changes.iter().map(show).collect()
}
