//! The host: connectors, configuration and history put together, and the command line on top.
//!
//! - [`registry`], [`runner`]: the connectors that this build links, and what runs syncs with them.
//! - [`config`]: the configuration file, its checks and its schema.
//! - [`cli`]: the commands.
//! - [`recording`]: what a run asks of its systems kept in a folder, and plans made of it.
//! - [`telemetry`]: log lines, traces, metrics.

mod book;
pub mod cli;
pub mod config;
mod connectors;
#[cfg(all(
    test,
    feature = "demo",
    feature = "connector-files",
    feature = "connector-forward",
    feature = "connector-netbox",
    feature = "connector-zabbix"
))]
mod handbook;
mod memory;
pub mod notify;
pub mod recording;
mod support;
pub mod telemetry;
mod wiring;

pub use book::Book;
pub use memory::AllocatorMeter;
pub use wiring::{open_history, registry, runner};
