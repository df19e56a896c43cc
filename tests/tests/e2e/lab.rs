//! One source, one target, and a sync between them.

use std::collections::BTreeMap;
use std::fs;

use serde_json::{Value, json};
use syncline_core::apply::OutcomeCounts;
use syncline_core::change::Change;
use syncline_core::event::Events;
use syncline_core::history::History;
use syncline_core::plan::PlanReader;
use syncline_core::policy::Policy;
use syncline_core::run::{RunReport, RunRequest, Runner, SideDefinition, SyncDefinition};
use syncline_testkit::estate::{Estate, EstateOptions};
use syncline_testkit::forward::{self, ForwardSim};
use syncline_testkit::netbox::{Kind, NetBoxOptions, NetBoxSim};
use tokio_util::sync::CancellationToken;

/// The kinds of NetBox that the models become.
pub const EVERY_KIND: [Kind; 14] = [
    Kind::Site,
    Kind::Manufacturer,
    Kind::DeviceType,
    Kind::DeviceRole,
    Kind::Platform,
    Kind::Device,
    Kind::VirtualChassis,
    Kind::Interface,
    Kind::MacAddress,
    Kind::Vlan,
    Kind::Vrf,
    Kind::Prefix,
    Kind::IpAddress,
    Kind::Tag,
];

/// A simulated Forward with an estate, a simulated NetBox, and what syncs the one to the other.
pub struct Lab {
    pub estate: Estate,
    pub forward: ForwardSim,
    pub netbox: NetBoxSim,
    pub sync: SyncDefinition,
    pub runner: Runner,
    folder: tempfile::TempDir,
}

impl Lab {
    /// A small estate and an empty NetBox.
    pub async fn new() -> Self {
        Self::with(Estate::generate(EstateOptions::small())).await
    }

    pub async fn with(estate: Estate) -> Self {
        Self::with_netbox(estate, NetBoxOptions::default()).await
    }

    /// A small estate and an empty NetBox that has the plugin for branches, into which the sync writes.
    pub async fn with_branches() -> Self {
        let options = NetBoxOptions { branching: true, ..NetBoxOptions::default() };
        let mut lab = Self::with_netbox(Estate::generate(EstateOptions::small()), options).await;
        lab.sync.target.parameters = json!({"review": "branch"});
        lab
    }

    async fn with_netbox(estate: Estate, options: NetBoxOptions) -> Self {
        let forward = ForwardSim::with_estate(estate.clone()).await.unwrap();
        let netbox = NetBoxSim::start(options).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let secret = |name: &str, value: &str| {
            let path = folder.path().join(name);
            fs::write(&path, value).unwrap();
            format!("file:{}", path.display())
        };
        // Retries are tested where they live; here they only cost time.
        let http = json!({"retry": {"base_delay_ms": 1, "max_delay_seconds": 1}});
        let source = SideDefinition {
            connection_name: "forward".to_owned(),
            connector: "forward".to_owned(),
            connection: json!({
                "url": forward.url(),
                "access_key": secret("access-key", &forward.access_key()),
                "secret": secret("secret", &forward.secret()),
                "network": forward::NETWORK,
                "http": http,
            }),
            parameters: json!({}),
        };
        let target = SideDefinition {
            connection_name: "netbox".to_owned(),
            connector: "netbox".to_owned(),
            connection: json!({"url": netbox.url(), "token": secret("token", netbox.token()), "http": http}),
            parameters: json!({}),
        };
        let sync = SyncDefinition {
            name: "main".to_owned(),
            source,
            target,
            models: BTreeMap::new(),
            mapping: syncline_core::mapping::Mapping::default(),
            policy: Policy::default(),
            auto_merge: true,
        };
        let history = History::in_memory().await.unwrap();
        let runner = Runner::new(syncline::registry().unwrap(), history, folder.path());
        Self { estate, forward, netbox, sync, runner, folder }
    }

    /// The same with a time of its own, by which absences are judged.
    pub fn with_clock(self, clock: impl Fn() -> chrono::DateTime<chrono::Utc> + Send + Sync + 'static) -> Self {
        Self { runner: self.runner.with_clock(clock), ..self }
    }

    /// The way from this lab's NetBox to another, empty one.
    pub fn onwards(&self) -> (NetBoxSim, SyncDefinition) {
        let other = NetBoxSim::start(NetBoxOptions::default()).unwrap();
        let token = self.folder.path().join("other-token");
        fs::write(&token, other.token()).unwrap();
        let mut source = self.sync.target.clone();
        "first".clone_into(&mut source.connection_name);
        let mut target = source.clone();
        "second".clone_into(&mut target.connection_name);
        target.connection["url"] = json!(other.url());
        target.connection["token"] = json!(format!("file:{}", token.display()));
        (other, SyncDefinition { name: "onwards".to_owned(), source, target, ..self.sync.clone() })
    }

    /// Where the test may leave files.
    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// Runs the sync for real.
    pub async fn run(&self) -> RunReport {
        self.run_with(RunRequest::default()).await
    }

    pub async fn run_with(&self, request: RunRequest) -> RunReport {
        self.runner.run(&self.sync, request, &Events::new(), &CancellationToken::new()).await.unwrap()
    }

    /// Runs the sync and expects that it completes.
    #[track_caller]
    pub fn completed(report: &RunReport) {
        let error = report.error.as_ref().map(syncline_core::Error::report);
        assert_eq!((report.status.as_str(), error), ("completed", None));
    }

    /// Edits the estate and lets Forward take a new snapshot of it.
    pub fn edit(&mut self, edit: impl FnOnce(&mut Estate)) {
        edit(&mut self.estate);
        self.forward.add_snapshot(self.estate.clone());
    }
}

/// The changes of a run's plan.
pub fn changes(report: &RunReport) -> Vec<Change> {
    let plan = PlanReader::open(report.plan.as_ref().unwrap()).unwrap();
    plan.changes().unwrap().map(Result::unwrap).collect()
}

/// Changes in words: action, model, key, fields or hold.
pub fn shown(changes: &[Change]) -> Vec<String> {
    let show = |change: &Change| {
        let fields: Vec<_> = change.fields.iter().map(|field| format!("{}={}", field.name, field.after)).collect();
        let hold = change.hold.as_ref().map(|hold| format!(" held({})", hold.rule.as_str())).unwrap_or_default();
        let fields = if hold.is_empty() { format!(" {}", fields.join(" ")) } else { String::new() };
        format!("{} {} {}{fields}{hold}", change.action, change.model, change.key)
    };
    changes.iter().map(show).collect()
}

/// Outcomes of which only these are expected.
pub fn applied(applied: u64) -> OutcomeCounts {
    OutcomeCounts { applied, ..OutcomeCounts::default() }
}

/// A field of the first object with a name.
pub fn find<'a>(objects: &'a [Value], field: &str, value: &str) -> Option<&'a Value> {
    objects.iter().find(|object| object[field] == value)
}
