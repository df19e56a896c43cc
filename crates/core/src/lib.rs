//! The connector contract and the engine: registry, snapshots, diff, plan, guards, apply, runner, history.

pub mod error;

pub use error::{Error, ErrorKind, ErrorStatus, Result};
