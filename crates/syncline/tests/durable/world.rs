//! A simulated Forward, a simulated NetBox, and a configuration for both.

use std::fmt::Write as _;
use std::path::Path;

use syncline::config::{Configuration, check, load};
use syncline_core::history::{Run, RunFilter};
use syncline_core::run::{Runner, SyncDefinition};
use syncline_testkit::estate::{Estate, EstateOptions};
use syncline_testkit::forward::{ForwardSim, NETWORK};
use syncline_testkit::netbox::{NetBoxOptions, NetBoxSim};
use tempfile::TempDir;

/// The sync that most tests have.
pub const SYNC: &str = "lab";

/// What lets everything pass that a test changes; deletes of devices still need a person.
pub const POLICY: &str = r#"
deletes = "apply"
quarantine = { runs = 0, hours = 0 }
[syncs.lab.policy.guards]
deletes_always_allowed = 1000
updates_always_allowed = 1000
nulled_needs_approval_percent = 100
source_shrank_percent = 100
scope_collapsed_percent = 100
"#;

/// Two systems, a folder to work in, and this process's own eyes on them.
pub struct World {
    pub forward: ForwardSim,
    pub netbox: NetBoxSim,
    pub estate: Estate,
    pub folder: TempDir,
    pub configuration: Configuration,
    pub runner: Runner,
}

/// The text of a configuration.
pub struct Text(String);

impl Text {
    /// Where the history is kept: in a file, when no database is named.
    pub fn new(history: Option<&str>) -> Self {
        let mut text = String::new();
        if let Some(url) = history {
            write!(text, "[data]\nhistory = \"{url}\"\n").unwrap();
        }
        Self(text)
    }

    /// A connection to a network of a simulated Forward.
    pub fn forward(mut self, name: &str, sim: &ForwardSim, network: &str, folder: &Path) -> Self {
        std::fs::write(folder.join("access-key"), sim.access_key()).unwrap();
        std::fs::write(folder.join("secret"), sim.secret()).unwrap();
        write!(
            self.0,
            r#"
            [connections.{name}]
            connector = "forward"
            url = "{}"
            access_key = "file:{folder}/access-key"
            secret = "file:{folder}/secret"
            network = "{network}"
            http = {{ retry = {{ attempts = 2, base_delay_ms = 1 }} }}
            "#,
            sim.url(),
            folder = folder.display(),
        )
        .unwrap();
        self
    }

    /// A connection to a simulated NetBox, which is written to in batches of this size.
    pub fn netbox(mut self, name: &str, sim: &NetBoxSim, folder: &Path, settings: &str) -> Self {
        std::fs::write(folder.join("token"), sim.token()).unwrap();
        write!(
            self.0,
            r#"
            [connections.{name}]
            connector = "netbox"
            url = "{}"
            token = "file:{folder}/token"
            {settings}
            http = {{ retry = {{ attempts = 2, base_delay_ms = 1 }} }}
            "#,
            sim.url(),
            folder = folder.display(),
        )
        .unwrap();
        self
    }

    /// A sync, with more keys.
    pub fn sync(mut self, name: &str, source: &str, target: &str, more: &str) -> Self {
        write!(self.0, "\n[syncs.{name}]\nsource = \"{source}\"\ntarget = \"{target}\"\n{more}\n").unwrap();
        self
    }

    /// Writes the configuration into a folder, and opens what it names.
    pub async fn save(self, folder: &Path) -> (Configuration, Runner) {
        let file = folder.join("syncline.toml");
        std::fs::write(&file, self.0).unwrap();
        let configuration = check(&load(Some(&file), []).unwrap(), &syncline::registry().unwrap()).unwrap();
        let runner = syncline::runner(&configuration).await.unwrap();
        (configuration, runner)
    }
}

impl World {
    /// A network in Forward, an empty NetBox, and a sync whose history is in a file or in the database.
    pub async fn new(options: EstateOptions, history: Option<&str>, settings: &str, policy: &str) -> Self {
        let estate = Estate::generate(options);
        let forward = ForwardSim::with_estate(estate.clone()).await.unwrap();
        let netbox = NetBoxSim::start(NetBoxOptions::default()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let (configuration, runner) = Text::new(history)
            .forward("forward", &forward, NETWORK, folder.path())
            .netbox("netbox", &netbox, folder.path(), settings)
            .sync(SYNC, "forward", "netbox", &format!("[syncs.{SYNC}.policy]\n{policy}"))
            .save(folder.path())
            .await;
        Self { forward, netbox, estate, folder, configuration, runner }
    }

    /// The sync.
    pub fn sync(&self) -> SyncDefinition {
        self.configuration.definition(SYNC).unwrap()
    }

    /// The runs that are not over.
    pub async fn unfinished(&self) -> Vec<Run> {
        self.runs().await.into_iter().filter(|run| !run.status.is_final()).collect()
    }

    /// All runs, newest first.
    pub async fn runs(&self) -> Vec<Run> {
        self.runner.history().runs(&RunFilter::default(), None, 100_000).await.unwrap().items
    }
}
