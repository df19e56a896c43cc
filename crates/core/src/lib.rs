//! The connector contract and the engine.
//!
//! - The contract: [`connector`], [`source`], [`target`], [`settings`], [`fields`], [`snapshot`] (where a read goes).
//! - The engine, synchronous and pure but for files: [`diff`], [`guard`], [`plan`].
//! - When a run may start, pure and without a clock: `schedule` (feature `runtime`).
//! - Writing: [`apply`], which alone is given a [`permit::WritePermit`].
//!
//! This crate knows no system by name and no HTTP.

pub mod applied;
pub mod apply;
pub mod bindings;
pub mod change;
pub mod connector;
pub mod describe;
pub mod diff;
pub mod error;
pub mod event;
pub mod expression;
pub mod fields;
pub mod guard;
#[cfg(feature = "runtime")]
pub mod history;
pub mod ignore;
pub mod mapping;
pub mod metrics;
pub mod models;
pub mod native;
pub mod outcome;
pub mod permit;
pub mod places;
pub mod plan;
pub mod policy;
pub mod prelude;
pub mod quarantine;
#[cfg(feature = "runtime")]
pub mod queue;
pub mod read;
pub mod registry;
pub mod requests;
#[cfg(feature = "runtime")]
pub mod run;
#[cfg(feature = "runtime")]
pub mod schedule;
pub mod scope;
pub mod settings;
pub mod side;
pub mod similar;
pub mod site;
pub mod snapshot;
pub mod source;
pub mod stop;
pub mod surroundings;
pub mod table;
pub mod target;
#[cfg(feature = "runtime")]
mod undo;
pub mod version;

pub use error::{Error, ErrorKind, ErrorReport, ErrorStatus, Result};
