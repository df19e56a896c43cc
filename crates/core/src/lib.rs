//! The connector contract and the engine.
//!
//! - The contract: [`connector`], [`source`], [`target`], [`settings`], [`fields`], [`snapshot`] (where a read goes).
//! - The engine, synchronous and pure but for files: [`diff`].
//! - Writing: [`apply`], which alone is given a [`permit::WritePermit`].
//!
//! This crate knows no system by name and no HTTP.

// The macro `register_connector!` names this crate by its full path, also in its own tests.
extern crate self as syncline_core;

pub mod apply;
pub mod bindings;
pub mod change;
pub mod connector;
pub mod describe;
pub mod diff;
pub mod error;
pub mod event;
pub mod fields;
pub mod models;
pub mod native;
pub mod outcome;
pub mod permit;
pub mod read;
pub mod registry;
pub mod settings;
pub mod snapshot;
pub mod source;
pub mod target;

pub use error::{Error, ErrorKind, ErrorStatus, Result};
