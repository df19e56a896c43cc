//! A simulated Forward, a simulated NetBox, and a configuration for both.

use std::path::PathBuf;

use syncline_testkit::estate::{Estate, EstateOptions};
use syncline_testkit::forward::{ForwardSim, NETWORK};
use syncline_testkit::netbox::{NetBoxOptions, NetBoxSim};
use tempfile::TempDir;

use crate::command::{Ended, command, interrupt, syncline_with};

/// Two systems and a folder to work in.
pub struct World {
    pub forward: ForwardSim,
    pub netbox: NetBoxSim,
    pub estate: Estate,
    pub folder: TempDir,
}

impl World {
    /// A small network in Forward, an empty NetBox.
    pub async fn new() -> Self {
        let options =
            EstateOptions { sites: 1, devices_per_site: 6, interfaces_per_device: 12, ..EstateOptions::small() };
        let estate = Estate::generate(options);
        let forward = ForwardSim::with_estate(estate.clone()).await.unwrap();
        let netbox = NetBoxSim::start(NetBoxOptions::default()).unwrap();
        let world = Self { forward, netbox, estate, folder: tempfile::tempdir().unwrap() };
        world.configure("");
        world
    }

    /// Writes the configuration, with more text at its end: keys of the sync's policy.
    pub fn configure(&self, policy: &str) {
        let text = format!(
            r#"
            [connections.forward]
            connector = "forward"
            url = "{}"
            access_key = "env:ACCESS_KEY"
            secret = "env:SECRET"
            network = "{NETWORK}"
            http = {{ retry = {{ attempts = 2, base_delay_ms = 1 }} }}
            [connections.netbox]
            connector = "netbox"
            url = "{}"
            token = "env:TOKEN"
            http = {{ retry = {{ attempts = 2, base_delay_ms = 1 }} }}
            [syncs.lab]
            source = "forward"
            target = "netbox"
            [syncs.lab.policy]
            {policy}
            "#,
            self.forward.url(),
            self.netbox.url(),
        );
        std::fs::write(self.folder.path().join("syncline.toml"), text).unwrap();
    }

    /// Replaces a text of the configuration.
    pub fn replace(&self, from: &str, to: &str) {
        let file = self.path("syncline.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, text.replace(from, to)).unwrap();
    }

    /// Gives Forward a new snapshot of the changed network.
    pub fn change(&mut self, change: impl FnOnce(&mut Estate)) {
        change(&mut self.estate);
        self.forward.add_snapshot(self.estate.clone());
    }

    /// Runs the command, with the credentials in its environment.
    pub fn run(&self, arguments: &[&str]) -> Ended {
        self.run_with(&[], arguments)
    }

    /// Runs the command with more variables.
    pub fn run_with(&self, variables: &[(&str, &str)], arguments: &[&str]) -> Ended {
        let (access_key, secret) = (self.forward.access_key(), self.forward.secret());
        let mut all = self.credentials(&access_key, &secret);
        all.extend_from_slice(variables);
        // The simulators need this thread's runtime meanwhile.
        tokio::task::block_in_place(|| syncline_with(self.folder.path(), &all, arguments))
    }

    /// Runs the command and interrupts it, as Ctrl-C does, once it says something on the standard error output.
    #[cfg(unix)]
    pub fn interrupted(&self, arguments: &[&str], says: &str) -> Ended {
        tokio::task::block_in_place(|| interrupt(self.command(arguments), says))
    }

    /// The command, not yet started, with the credentials in its environment.
    pub fn command(&self, arguments: &[&str]) -> std::process::Command {
        let (access_key, secret) = (self.forward.access_key(), self.forward.secret());
        command(self.folder.path(), &self.credentials(&access_key, &secret), arguments)
    }

    fn credentials<'a>(&'a self, access_key: &'a str, secret: &'a str) -> Vec<(&'a str, &'a str)> {
        vec![("ACCESS_KEY", access_key), ("SECRET", secret), ("TOKEN", self.netbox.token())]
    }

    /// A file in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}
