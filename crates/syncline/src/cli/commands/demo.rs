//! `syncline demo`: a made-up network, three simulated systems, and real syncs between them over HTTP.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use chrono::Utc;
use serde_json::json;
use syncline_core::plan::PlanReader;
use syncline_core::run::{RunReport, RunRequest, Runner, Scheduler, SyncBook as _};
use syncline_core::{Error, ErrorKind};
use syncline_testkit::estate::{Estate, EstateOptions};
use syncline_testkit::forward::{ForwardSim, NETWORK};
use syncline_testkit::netbox::{NetBoxOptions, NetBoxSim};
use syncline_testkit::zabbix::{ZabbixOptions, ZabbixSim};

use super::run::{Shown, exit, followed, show_plan, show_run, write_plan};
use crate::cli::args::Demo;
use crate::cli::console::{DIM, GOOD, NAME, clean, paint};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::session::Session;
use crate::cli::view::number::{count, things};
use crate::{Book, config};

/// The sync that a person runs.
const SYNC: &str = "forward-to-netbox";
/// The sync that follows it.
const FOLLOWER: &str = "netbox-to-zabbix";

/// What becomes a host in Zabbix, and how.
const HOSTS: &str = r#"
[syncs.netbox-to-zabbix.target_parameters.hosts]
groups = [{ name = "Sites/{{ site.name }}" }, { name = "Roles/{{ role.name }}" }]
templates = [{ template = "ICMP Ping" }]
interfaces = [{ type = "snmp", address = "{{ name | lower }}.example.net", snmp = { version = 2 } }]
tags = [{ tag = "site", value = "{{ site.slug }}" }]
inventory = { fields = { serialno_a = "{{ serial }}", model = "{{ device_type.model }}" } }
"#;

/// The syncs, and what runs them.
struct Stage<'a> {
    session: &'a Session,
    runner: Runner,
    book: Book,
    file: PathBuf,
}

/// Plans, applies the plan and sees the second sync follow, runs again to find nothing to do, and once more after the network changed.
pub async fn run(session: &Session, options: &Demo) -> Result<Exit, Failure> {
    let mut estate = Estate::generate(estate_options(options));
    let counts = estate.counts();
    say(session, "A made-up network");
    session.console.note(&format!(
        "  {}, {}, {}, {} (seed {})",
        things(counts.devices, "device", "devices"),
        things(counts.interfaces, "interface", "interfaces"),
        things(counts.mac_addresses, "MAC address", "MAC addresses"),
        things(counts.ip_addresses, "IP address", "IP addresses"),
        options.seed,
    ));
    let forward = ForwardSim::with_estate(estate.clone()).await.map_err(|error| unstarted("Forward", error))?;
    let netbox = NetBoxSim::start(NetBoxOptions::default()).map_err(|error| unstarted("NetBox", error))?;
    let zabbix = ZabbixSim::start(ZabbixOptions::default()).map_err(|error| unstarted("Zabbix", error))?;
    session.console.note(&format!("  a simulated Forward that knows it: {}", forward.url()));
    session.console.note(&format!("  a simulated, empty NetBox:         {}", netbox.url()));
    session.console.note(&format!("  a simulated, fresh Zabbix:         {}", zabbix.url()));
    let file = configure(&options.folder, &forward, &netbox, &zabbix)?;
    session.console.note(&format!("  their configuration:               {}", file.display()));
    let stage = Stage::open(session, file).await?;

    say(session, "1. What would be changed: `syncline plan`");
    let planned = stage.run(true).await?;
    let exit_code = show_plan(session, SYNC, &planned, Shown::default())?;
    if !matches!(exit_code, Exit::Pending | Exit::Done) {
        return Ok(exit_code);
    }

    say(session, "2. Exactly that plan is applied: `syncline apply`");
    let applied = stage.apply(&planned).await?;
    if exit(&applied) != Exit::Done {
        return Ok(exit(&applied));
    }
    session.console.note(&format!(
        "  NetBox took {} in {}",
        things(netbox.written_objects() as u64, "object", "objects"),
        things(netbox.write_requests() as u64, "request", "requests")
    ));

    say(session, "3. Zabbix follows by itself, as NetBox is filled: `after = \"forward-to-netbox\"`");
    zabbix.forget_requests();
    let followed = stage.follow().await?;
    let exit_code = show_run(session, &stage.runner, &followed).await?;
    if exit_code != Exit::Done {
        return Ok(exit_code);
    }
    session.console.note(&format!(
        "  Zabbix took {} in {}; what it had before is nobody's of this sync, and stays",
        things(zabbix.written_objects() as u64, "object", "objects"),
        things(zabbix.write_requests() as u64, "request", "requests")
    ));

    say(session, "4. Once more, to see that nothing is left to do: `syncline run`");
    netbox.forget_requests();
    zabbix.forget_requests();
    let again = stage.run(false).await?;
    let exit_code = show_run(session, &stage.runner, &again).await?;
    if exit_code != Exit::Done {
        return Ok(exit_code);
    }
    say_more(session, "… and Zabbix follows");
    let followed = stage.follow().await?;
    let exit_code = show_run(session, &stage.runner, &followed).await?;
    if exit_code != Exit::Done {
        return Ok(exit_code);
    }
    let changes = again.summary.to_apply() + followed.summary.to_apply();
    let (to_netbox, to_zabbix) = (netbox.write_requests() as u64, zabbix.write_requests() as u64);
    session.console.note(&format!(
        "  {} changes, {} write requests to NetBox, {} to Zabbix",
        count(changes),
        count(to_netbox),
        count(to_zabbix)
    ));
    if changes + to_netbox + to_zabbix > 0 {
        let message = "the second run was not empty: both sides do not agree on how a value is written";
        return Err(Error::new(ErrorKind::Internal, message).into());
    }

    say(session, "5. The network changes, Forward collects it, and both follow: `syncline run`");
    for line in change_network(&mut estate) {
        session.console.note(&format!("  {}", clean(&line)));
    }
    forward.add_snapshot(estate);
    let changed = stage.run(false).await?;
    let exit_code = stage.show_with_plan(&changed).await?;
    if exit_code != Exit::Done {
        return Ok(exit_code);
    }
    say_more(session, "… and Zabbix follows");
    let followed = stage.follow().await?;
    let exit_code = stage.show_with_plan(&followed).await?;

    stage.farewell(options.keep_serving);
    if options.keep_serving {
        session.console.note("\nThe simulated systems keep running; Ctrl-C stops them.");
        session.cancel().cancelled().await;
    }
    forward.stop().await;
    Ok(exit_code)
}

impl<'a> Stage<'a> {
    /// Reads the configuration as every other command does.
    async fn open(session: &'a Session, file: PathBuf) -> Result<Self, Failure> {
        let loaded = config::load(Some(&file), [])?;
        let configuration = config::check(&loaded, &crate::registry()?)?;
        let runner = crate::runner(&configuration).await?.with_memory_meter(session.memory);
        let book = Book::new(loaded, configuration, runner.history().clone());
        book.provision().await?;
        let stage = Self { session, runner, book, file };
        // From now on it is known that one sync follows the other.
        stage.look().await?;
        Ok(stage)
    }

    /// Looks at the schedules once, as `syncline serve` does all the time.
    async fn look(&self) -> Result<(), Failure> {
        Scheduler::new(&self.runner, &self.book).pass(Utc::now()).await?;
        Ok(())
    }

    /// Does what the schedules made of the end of a run, as a worker does.
    async fn follow(&self) -> Result<RunReport, Failure> {
        self.look().await?;
        let waiting = self.runner.history().queue().await?;
        let Some(run) = waiting.into_iter().find(|run| run.sync == FOLLOWER).map(|run| run.id) else {
            return Err(Error::new(ErrorKind::Internal, format!("no run of `{FOLLOWER}` followed")).into());
        };
        let (runner, sync) = (&self.runner, &self.book.sync(FOLLOWER).await?.definition);
        Ok(followed(self.session, |events, cancel| async move { runner.go_on(run, sync, &events, &cancel).await })
            .await?)
    }

    /// Shows what a run did, and behind it what it came to.
    async fn show_with_plan(&self, report: &RunReport) -> Result<Exit, Failure> {
        let console = &self.session.console;
        if let Some(plan) = report.plan.as_deref().filter(|_| !console.is_json()) {
            write_plan(&PlanReader::open(plan)?, false)?;
            console.data("\n")?;
        }
        show_run(self.session, &self.runner, report).await
    }

    async fn run(&self, dry_run: bool) -> Result<RunReport, Failure> {
        let request = RunRequest { dry_run, ..RunRequest::default() };
        let (runner, sync) = (&self.runner, &self.book.sync(SYNC).await?.definition);
        Ok(followed(self.session, |events, cancel| async move { runner.run(sync, request, &events, &cancel).await })
            .await?)
    }

    async fn apply(&self, planned: &RunReport) -> Result<RunReport, Failure> {
        let plan = planned.plan.as_deref().ok_or_else(|| Error::new(ErrorKind::Internal, "a dry run left no plan"))?;
        let request = RunRequest::default();
        let (runner, sync) = (&self.runner, &self.book.sync(SYNC).await?.definition);
        let report = followed(self.session, |events, cancel| async move {
            runner.apply(sync, plan, None, request, &events, &cancel).await
        })
        .await?;
        show_run(self.session, runner, &report).await?;
        Ok(report)
    }

    fn farewell(&self, keeps_serving: bool) {
        let file = self.file.display();
        let console = &self.session.console;
        say(self.session, "What is left to look at");
        console.note(&format!("  syncline history --config {file}"));
        console.note(&format!("  syncline show last --changes --config {file}"));
        let while_it_runs = if keeps_serving { "" } else { "; its runs need `syncline demo --keep-serving`" };
        console.note(&format!(
            "  syncline serve --config {file}   # the dashboard, at http://127.0.0.1:8420{while_it_runs}"
        ));
    }
}

fn say(session: &Session, title: &str) {
    session.console.note(&format!("\n{} {}", paint(GOOD, "▌"), paint(NAME, title)));
}

fn say_more(session: &Session, title: &str) {
    session.console.note(&format!("\n{} {}", paint(GOOD, "▌"), paint(DIM, title)));
}

fn estate_options(options: &Demo) -> EstateOptions {
    let demo = EstateOptions::demo();
    let devices_per_site = demo.devices_per_site.min(options.devices);
    EstateOptions { seed: options.seed, sites: options.devices.div_ceil(devices_per_site), devices_per_site, ..demo }
}

/// One description, one serial number, one interface less.
fn change_network(estate: &mut Estate) -> Vec<String> {
    let devices: Vec<_> = estate.devices().filter(|device| device.interfaces.len() > 3).take(3).collect();
    let mut lines = Vec::new();
    if let Some(device) = devices.first()
        && let Some(interface) = device.interfaces.first()
        && estate.describe_interface(&device.name, &interface.name, Some("moved to rack 12"))
    {
        lines.push(format!("{} {} gets a description", device.name, interface.name));
    }
    if let Some(device) = devices.get(1)
        && estate.set_serial(&device.name, Some("DEMO12345")).is_ok()
    {
        lines.push(format!("{} is replaced: it has another serial number", device.name));
    }
    if let Some(device) = devices.get(2)
        && let Some(interface) = device.interfaces.last()
        && estate.remove_interface(&device.name, &interface.name).is_ok()
    {
        lines.push(format!("{} {} is gone", device.name, interface.name));
    }
    lines
}

/// Writes a configuration for the three systems, with the credentials in files of their own.
fn configure(folder: &Path, forward: &ForwardSim, netbox: &NetBoxSim, zabbix: &ZabbixSim) -> Result<PathBuf, Failure> {
    let unwritable = |error: io::Error| {
        Error::new(ErrorKind::Storage, format!("cannot write to the folder `{}`", folder.display())).caused_by(error)
    };
    let file = folder.join("syncline.toml");
    let secrets = std::path::absolute(folder.join("secrets")).map_err(unwritable)?;
    fs::create_dir_all(&secrets).map_err(unwritable)?;
    for (name, secret) in [
        ("forward-access-key", forward.access_key()),
        ("forward-secret", forward.secret()),
        ("netbox-token", netbox.token().to_owned()),
        ("zabbix-token", zabbix.token().to_owned()),
    ] {
        write_secret(&secrets.join(name), &secret).map_err(unwritable)?;
    }
    // A JSON text is a TOML text.
    let reference = |name: &str| json!(format!("file:{}", secrets.join(name).display()));
    let text = format!(
        "# Written by `syncline demo`. The systems answer while the demonstration runs (`--keep-serving`).\n\n\
         [data]\nfolder = \"data\"\n\n\
         [connections.forward]\nconnector = \"forward\"\nurl = {}\naccess_key = {}\nsecret = {}\nnetwork = {}\n\n\
         [connections.netbox]\nconnector = \"netbox\"\nurl = {}\ntoken = {}\n\n\
         [connections.zabbix]\nconnector = \"zabbix\"\nurl = {}\ntoken = {}\n\n\
         [syncs.{SYNC}]\nsource = \"forward\"\ntarget = \"netbox\"\n\n\
         [syncs.{FOLLOWER}]\nsource = \"netbox\"\ntarget = \"zabbix\"\nafter = \"{SYNC}\"\n{HOSTS}",
        json!(forward.url()),
        reference("forward-access-key"),
        reference("forward-secret"),
        json!(NETWORK),
        json!(netbox.url()),
        reference("netbox-token"),
        json!(zabbix.url()),
        reference("zabbix-token"),
    );
    fs::write(&file, text).map_err(unwritable)?;
    Ok(file)
}

/// Writes a file that only its owner can read.
fn write_secret(file: &Path, secret: &str) -> io::Result<()> {
    use io::Write as _;

    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file)?.write_all(secret.as_bytes())
}

fn unstarted(system: &str, error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(ErrorKind::Internal, format!("the simulated {system} cannot be started")).caused_by(error)
}
