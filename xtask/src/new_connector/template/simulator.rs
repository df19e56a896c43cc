//! The simulated system by itself, with some records, to look at it and to try syncs with. It says where it is, and runs until Ctrl-C.

#![expect(clippy::print_stdout, reason = "people read where it is")]

#[allow(dead_code, unused_imports, reason = "the tests use more of it")]
#[path = "../tests/conformance/simulator/mod.rs"]
mod simulator;

use serde_json::json;
use syncline_testkit::shelf::{Kind, ShelfSim, TOKEN};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let sim = ShelfSim::start().await?;
    // ANCHOR: records
    sim.put(Kind::Sites, &json!({"slug": "atlanta", "name": "Atlanta", "status": "active"}));
    sim.put(Kind::Sites, &json!({"slug": "boston", "name": "Boston", "status": "planned"}));
    // ANCHOR: writes
    // Atlanta has the id 1.
    sim.put(Kind::Vlans, &json!({"site": 1, "vid": 100, "name": "Users", "status": "active"}));
    // ANCHOR_END: writes
    // ANCHOR_END: records
    println!("URL:   {}\ntoken: {TOKEN}", sim.url());
    tokio::signal::ctrl_c().await
}
