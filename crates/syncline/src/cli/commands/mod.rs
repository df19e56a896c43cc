//! The commands, one file each.

pub mod about;
pub mod account;
pub mod audit;
pub mod catalogue;
pub mod check;
pub mod config;
pub mod connectors;
#[cfg(feature = "demo")]
pub mod demo;
pub mod drift;
pub mod export;
pub mod findings;
pub mod history;
pub mod ignore;
pub mod notify;
pub mod quarantine;
pub mod queue;
pub mod retention;
pub mod review;
pub mod run;
pub mod schema;
pub mod serve;
pub mod states;
pub mod sync;
pub mod token;
pub mod upkeep;
