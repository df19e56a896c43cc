//! A Zabbix to test against: a real HTTP server that speaks the API of Zabbix 6.0 to 7.4, keeps its objects, checks them
//! as Zabbix does and breaks on demand.
//!
//! It answers JSON-RPC, single and in batches, at `/api_jsonrpc.php`. Texts and codes of errors, shapes and order of checks
//! were recorded from real servers 6.0.14 and 7.0.9; what is told of other versions comes from their documentation. Linking a
//! template puts its items on the host, so interfaces come into use, keys clash, and what is unlinked leaves orphans.
//!
//! ```
//! use syncline_testkit::zabbix::{ZabbixOptions, ZabbixSim};
//! use serde_json::json;
//!
//! let zabbix = ZabbixSim::start(ZabbixOptions::version("7.0.22"))?;
//! let group = zabbix.seed_group(json!({"name": "Sites/Bern"}))?;
//! zabbix.seed_host(json!({"host": "sw1", "groups": [{"groupid": group}]}))?;
//! assert_eq!(zabbix.host("sw1").unwrap()["hostgroups"][0]["name"], "Sites/Bern");
//! println!("{} {}", zabbix.url(), zabbix.token());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod access;
mod accounts;
mod check;
mod dialect;
mod faults;
mod groups;
mod hosts;
mod interfaces;
mod inventory;
mod items;
mod link;
mod macros;
mod maintenance;
mod methods;
mod php;
mod proxies;
mod query;
mod refusal;
mod rpc;
mod server;
mod sim;
mod state;
mod stock;
mod templates;
#[cfg(test)]
mod tests;
mod traffic;
mod users;

pub use access::{Access, Role};
pub use faults::{Effect, Fault, Faults, Refuse};
pub use sim::{SeedError, StartError, UserSeed, ZabbixOptions, ZabbixSim};
pub use traffic::{CallRecord, Credentials, RequestRecord};
