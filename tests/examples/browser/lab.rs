//! The product's own server, with simulated systems behind it that this program changes.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::json;
use syncline_testkit::estate::{Estate, EstateOptions};
use syncline_testkit::forward::{ForwardSim, NETWORK};
use syncline_testkit::netbox::{Kind, NetBoxOptions, NetBoxSim};
use tokio::runtime::Runtime;

/// What everybody logs in with.
pub const PASSWORD: &str = "correct horse battery";
/// The serial number that a replaced device has.
pub const SERIAL: &str = "LAB12345";
/// What an interface is described as.
pub const DESCRIPTION: &str = "moved to rack 12";

/// What the server says when it can be asked, before its address.
const LISTENING: &str = "listening on ";

/// A server that asks who one is, and what it syncs.
pub struct Lab {
    pub site: String,
    pub estate: Estate,
    pub forward: ForwardSim,
    pub netbox: NetBoxSim,
    syncline: PathBuf,
    configuration: PathBuf,
    /// Ended before the systems are.
    server: Option<Child>,
    _runtime: Runtime,
}

/// The devices that something happens to.
pub struct Changed {
    /// It has another serial number.
    pub replaced: String,
    /// One of the interfaces of each has another description, all the same one.
    pub described: Vec<String>,
}

impl Lab {
    /// Starts all of it, and makes an account for every role.
    pub fn start(syncline: &Path, folder: &Path) -> Result<Self> {
        let runtime = Runtime::new()?;
        let estate = Estate::generate(EstateOptions::small());
        let forward = runtime.block_on(ForwardSim::with_estate(estate.clone()))?;
        let netbox = NetBoxSim::start(NetBoxOptions::default())?;
        let configuration = configure(folder, &forward, &netbox)?;
        let mut lab = Self {
            site: String::new(),
            estate,
            forward,
            netbox,
            syncline: syncline.to_owned(),
            configuration,
            server: None,
            _runtime: runtime,
        };
        let password = folder.join("password");
        fs::write(&password, PASSWORD)?;
        for role in ["viewer", "operator", "approver", "admin"] {
            let password = password.to_string_lossy();
            lab.command(&["account", "add", role, "--role", role, "--password-file", &password])?;
        }
        lab.serve()?;
        Ok(lab)
    }

    fn serve(&mut self) -> Result<()> {
        let mut server = Command::new(&self.syncline)
            .args(["serve", "--listen", "127.0.0.1:0", "--config"])
            .arg(&self.configuration)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("`{}` did not start", self.syncline.display()))?;
        let said = server.stderr.take().context("a process without its standard error output")?;
        self.server = Some(server);
        let mut said = BufReader::new(said);
        let mut all = String::new();
        loop {
            let mut line = String::new();
            if said.read_line(&mut line)? == 0 {
                bail!("the server ended:\n{all}");
            }
            if let Some((_, address)) = line.split_once(LISTENING) {
                address.trim().clone_into(&mut self.site);
                break;
            }
            all.push_str(&line);
        }
        // What it says later goes nowhere, but it must be able to say it.
        std::thread::spawn(move || std::io::copy(&mut said.take(u64::MAX), &mut std::io::sink()));
        Ok(())
    }

    fn command(&self, arguments: &[&str]) -> Result<()> {
        let done = Command::new(&self.syncline).args(arguments).arg("--config").arg(&self.configuration).output()?;
        ensure!(
            done.status.success(),
            "`syncline {}`: {}",
            arguments.join(" "),
            String::from_utf8_lossy(&done.stderr).trim()
        );
        Ok(())
    }

    /// The network changes, and Forward collects it.
    pub fn change_source(&mut self) -> Result<Changed> {
        let ports = self.estate.devices().filter_map(|device| {
            let port = device.interfaces.iter().find(|port| port.description.as_deref() == Some("management"))?;
            Some((device.name.clone(), port.name.clone()))
        });
        let ports: Vec<_> = ports.take(3).collect();
        ensure!(ports.len() == 3, "the estate is too small");
        // One that is in no stack: its serial number is nobody else's business.
        let core = self.estate.devices().find(|device| device.name.to_lowercase().contains("core"));
        let replaced = &core.context("an estate without core")?.name;
        self.estate.set_serial(replaced, Some(SERIAL)).map_err(|error| anyhow::anyhow!("{error:?}"))?;
        for (device, port) in &ports {
            ensure!(self.estate.describe_interface(device, port, Some(DESCRIPTION)), "{device} has no {port}");
        }
        let described = ports.iter().map(|(device, _)| device.clone()).collect();
        let changed = Changed { replaced: replaced.clone(), described };
        self.forward.add_snapshot(self.estate.clone());
        Ok(changed)
    }

    /// A device goes away, and Forward collects that.
    pub fn lose_device(&mut self) -> Result<String> {
        let last = self.estate.devices().last().context("an estate without devices")?.name.clone();
        self.estate.remove_device(&last).map_err(|error| anyhow::anyhow!("{error:?}"))?;
        self.forward.add_snapshot(self.estate.clone());
        Ok(last)
    }

    /// Somebody edits a device in NetBox by hand.
    pub fn edit_target(&self, device: &str) -> Result<()> {
        let devices = self.netbox.objects(Kind::Device);
        let found = devices.iter().find(|object| object["name"] == device).context("NetBox has no such device")?;
        let id = found["id"].as_u64().context("a device without id")?;
        self.netbox.edit(Kind::Device, id, &json!({ "serial": "BYHAND" })).map_err(|error| anyhow::anyhow!("{error:?}"))
    }

    /// How long every answer of NetBox takes.
    pub fn slow_down(&self, latency: Option<Duration>) {
        self.netbox.faults().latency = latency;
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if let Some(server) = &mut self.server {
            // It may have ended by itself.
            let _ = server.kill();
            let _ = server.wait();
        }
    }
}

/// Writes a configuration that has connections, and no sync.
fn configure(folder: &Path, forward: &ForwardSim, netbox: &NetBoxSim) -> Result<PathBuf> {
    let secret = |name: &str, value: &str| {
        let file = folder.join(name);
        fs::write(&file, value)?;
        // A JSON text is a TOML text.
        anyhow::Ok(json!(format!("file:{}", file.display())))
    };
    let text = format!(
        "[data]\nfolder = \"data\"\n\n[web]\nauthentication = \"users\"\n\n\
         [connections.forward]\nconnector = \"forward\"\nurl = {}\naccess_key = {}\nsecret = {}\nnetwork = {}\n\n\
         [connections.netbox]\nconnector = \"netbox\"\nurl = {}\ntoken = {}\n",
        json!(forward.url()),
        secret("access-key", &forward.access_key())?,
        secret("secret", &forward.secret())?,
        json!(NETWORK),
        json!(netbox.url()),
        secret("token", netbox.token())?,
    );
    let file = folder.join("syncline.toml");
    fs::write(&file, text)?;
    Ok(file)
}
