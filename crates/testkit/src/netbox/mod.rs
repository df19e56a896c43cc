//! A NetBox to test against: a real HTTP server that keeps its objects, checks them as NetBox does and breaks on
//! demand.
//!
//! It answers REST (`/api/…`) and GraphQL (`/graphql/`) in the shapes of NetBox 4.6, which were recorded from a real
//! server: URLs, nested references, pages, error texts, ETags, the change log. Clients are not expected to notice a
//! difference for the kinds of [`Kind`].
//!
//! ```
//! use syncline_testkit::netbox::{Kind, NetBoxOptions, NetBoxSim};
//!
//! let netbox = NetBoxSim::start(NetBoxOptions::default())?;
//! let site = netbox.seed(Kind::Site, serde_json::json!({"name": "Bern", "slug": "bern"}))?;
//! assert_eq!(netbox.object(Kind::Site, site).unwrap()["status"]["value"], "active");
//! println!("{} {}", netbox.url(), netbox.token());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod access;
mod branching;
mod changes;
mod choices;
mod errors;
mod faults;
mod filter;
mod graphql;
mod input;
mod interface_types;
mod kinds;
mod ordering;
mod page;
mod render;
mod rest;
mod schema;
mod server;
mod sim;
mod state;
#[cfg(test)]
mod tests;
mod text;
mod validate;
mod write;

pub use access::TokenVersion;
pub use branching::{BranchRecord, BranchStatus};
pub use changes::{Action, ChangeRecord};
pub use faults::{Effect, Fault, Faults, Refuse};
pub use schema::Kind;
pub use sim::{NetBoxOptions, NetBoxSim, SeedError, StartError};

pub use crate::django::RequestRecord;
