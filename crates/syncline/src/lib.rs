//! The host: connectors, configuration and history put together, and the command line on top.
//!
//! - [`registry`]: the connectors that this build links.
//! - [`config`]: the configuration file, its checks and its schema.
//! - [`cli`]: the commands.

pub mod cli;
pub mod config;
mod connectors;
pub mod run_stub;
mod wiring;

pub use wiring::registry;
