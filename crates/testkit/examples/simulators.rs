//! Starts one simulator as a process of its own, for clients that are not written in Rust.
//!
//! `simulators forward [RECORDS]`, `simulators nautobot [VERSION]`, `simulators netbox [VERSION]` or `simulators zabbix [VERSION]`
//! prints one line of JSON with URL and credentials, and runs until standard input ends.

#![expect(clippy::print_stdout, reason = "the line on standard output is what callers read")]

use std::error::Error;
use std::io::{Read, Write};

use syncline_testkit::estate::{Estate, EstateOptions};
use syncline_testkit::forward::{ForwardOptions, ForwardSim, NETWORK};
use syncline_testkit::nautobot::{NautobotOptions, NautobotSim};
use syncline_testkit::netbox::{NetBoxOptions, NetBoxSim};
use syncline_testkit::zabbix::{ZabbixOptions, ZabbixSim};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["forward"] => forward(EstateOptions::small()).await,
        ["forward", records] => forward(EstateOptions::with_records(records.parse()?)).await,
        ["nautobot"] => nautobot(NautobotOptions::default()).await,
        ["nautobot", version] => {
            nautobot(NautobotOptions { version: (*version).to_owned(), ..NautobotOptions::default() }).await
        }
        ["netbox"] => netbox(NetBoxOptions::default()).await,
        ["netbox", version] => {
            netbox(NetBoxOptions { version: (*version).to_owned(), ..NetBoxOptions::default() }).await
        }
        ["zabbix"] => zabbix(ZabbixOptions::default()).await,
        ["zabbix", version] => zabbix(ZabbixOptions::version(version)).await,
        _ => {
            Err("usage: simulators forward [RECORDS] | nautobot [VERSION] | netbox [VERSION] | zabbix [VERSION]".into())
        }
    }
}

/// Two Forward snapshots: the second one has a device less and a description changed.
async fn forward(options: EstateOptions) -> Result<(), Box<dyn Error>> {
    let sim = ForwardSim::start(ForwardOptions::default()).await?;
    let before = Estate::generate(options);
    let mut after = before.clone();
    let queryable = || before.devices().filter(|device| device.is_queryable() && device.stack_serials.is_empty());
    let changed = queryable().next().ok_or("the estate has no device")?;
    let removed = queryable().last().ok_or("the estate has no device")?;
    after.describe_interface(&changed.name, &changed.interfaces[0].name, Some("changed in the second snapshot"));
    after.remove_device(&removed.name)?;
    let snapshots = [sim.add_snapshot(before.clone()), sim.add_snapshot(after)];
    announce(&serde_json::json!({
        "simulator": "forward",
        "url": sim.url(),
        "access_key": sim.access_key(),
        "secret": sim.secret(),
        "network": NETWORK,
        "snapshots": snapshots,
        "changed": [changed.name, changed.interfaces[0].name],
        "removed": removed.name,
    }))?;
    until_input_ends().await?;
    sim.stop().await;
    Ok(())
}

/// A fresh Nautobot.
async fn nautobot(options: NautobotOptions) -> Result<(), Box<dyn Error>> {
    let mut sim = NautobotSim::start(options)?;
    announce(&serde_json::json!({"simulator": "nautobot", "url": sim.url(), "token": sim.token()}))?;
    until_input_ends().await?;
    sim.stop();
    Ok(())
}

/// An empty NetBox.
async fn netbox(options: NetBoxOptions) -> Result<(), Box<dyn Error>> {
    let mut sim = NetBoxSim::start(options)?;
    announce(&serde_json::json!({
        "simulator": "netbox",
        "url": sim.url(),
        "token": sim.token(),
        "v1_token": sim.v1_token(),
        "read_only_token": sim.read_only_token(),
    }))?;
    until_input_ends().await?;
    sim.stop();
    Ok(())
}

/// A fresh Zabbix.
async fn zabbix(options: ZabbixOptions) -> Result<(), Box<dyn Error>> {
    let mut sim = ZabbixSim::start(options)?;
    let (user, password) = sim.login();
    announce(&serde_json::json!({
        "simulator": "zabbix",
        "url": sim.url(),
        "token": sim.token(),
        "user": user,
        "password": password,
    }))?;
    until_input_ends().await?;
    sim.stop();
    Ok(())
}

fn announce(line: &serde_json::Value) -> std::io::Result<()> {
    println!("{line}");
    std::io::stdout().flush()
}

async fn until_input_ends() -> std::io::Result<()> {
    tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()).map(|_| ())).await?
}
