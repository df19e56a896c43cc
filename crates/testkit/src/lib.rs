//! Simulated systems over real HTTP, the estate generator, fault injection.

mod django;
pub mod estate;
mod fault;
pub mod fault_proxy;
pub mod forward;
mod graphql;
mod http;
pub mod nautobot;
pub mod netbox;
pub mod postgres;
pub mod shelf;
mod transaction;
pub mod watch;
pub mod zabbix;

pub use fault::Fault;
