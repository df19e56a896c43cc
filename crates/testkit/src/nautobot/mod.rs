//! A Nautobot to test against: a real HTTP server that keeps its objects, checks them as Nautobot does and breaks on
//! demand.
//!
//! It answers REST (`/api/…`) and GraphQL (`/api/graphql/`) in the shapes of Nautobot 3.2, which were recorded from a
//! real server: references, pages, error texts, what hangs on what, the change log. A list is named as in REST:
//! `dcim/devices`.
//!
//! ```
//! use serde_json::json;
//! use syncline_testkit::nautobot::{NautobotOptions, NautobotSim};
//!
//! let nautobot = NautobotSim::start(NautobotOptions::default())?;
//! let site = json!({"name": "Site", "content_types": ["dcim.device"]});
//! let site = nautobot.seed("dcim/location-types", &site)?;
//! let bern = json!({"name": "Bern", "location_type": site, "status": {"name": "Active"}});
//! let bern = nautobot.seed("dcim/locations", &bern)?;
//! assert_eq!(nautobot.object("dcim/locations", &bern).unwrap()["display"], "Bern");
//! println!("{} {}", nautobot.url(), nautobot.token());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod access;
mod address;
mod changes;
mod check;
mod choices;
mod defaults;
mod delete;
mod errors;
mod faults;
mod filter;
mod graphql;
mod how;
mod input;
mod interface_types;
mod kinds;
mod log;
mod lookup;
mod names;
mod nets;
mod options;
mod ordering;
mod page;
mod render;
mod rest;
mod route;
mod schema;
mod server;
mod sim;
mod state;
#[cfg(test)]
mod tests;
mod tree;
mod unique;
mod value;
mod write;

pub use faults::{Effect, Fault, Faults, Refuse};
pub use sim::{ChangeRecord, NautobotOptions, NautobotSim, SeedError, StartError};

pub use crate::django::RequestRecord;
