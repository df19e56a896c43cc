//! The host: connectors, configuration and history put together, and the command line on top.
//!
//! - [`registry`], [`runner`]: the connectors that this build links, and what runs syncs with them.
//! - [`config`]: the configuration file, its checks and its schema.
//! - [`cli`]: the commands.
//! - [`recording`]: what a run asks of its systems kept in a folder, and plans made of it.
//! - [`telemetry`]: log lines, traces, metrics.
//!
//! A host of one's own is a program that links connectors and calls [`main`]:
//!
//! ```text
//! use syncline_connector_acme as _;
//!
//! fn main() -> std::process::ExitCode {
//!     syncline::main()
//! }
//! ```

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
pub use wiring::{open_history, registry, runner};

/// Runs the command line with the arguments of this program, and the connectors that it links: all that the `main` of a host does.
pub fn main() -> std::process::ExitCode {
    cli::main(std::env::args_os(), &memory::AllocatorMeter)
}
