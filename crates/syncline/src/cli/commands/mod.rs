//! The commands, one file each.

pub mod check;
pub mod config;
pub mod connectors;
#[cfg(feature = "demo")]
pub mod demo;
pub mod export;
pub mod history;
pub mod queue;
pub mod review;
pub mod run;
pub mod schema;
pub mod serve;
pub mod sync;
