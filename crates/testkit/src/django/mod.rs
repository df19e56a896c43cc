//! What the simulated NetBox and the simulated Nautobot have in common: both systems are made of Django and its REST
//! framework, and the second began as a copy of the first.

mod faults;
pub(crate) mod interface_types;
pub(crate) mod page;
pub(crate) mod python;
pub(crate) mod server;
mod traffic;

pub use faults::{Effect, Fault, Refuse};
pub use traffic::RequestRecord;

pub(crate) use faults::{DEADLOCK, Fate};

/// A value that a field takes, and the label that is read beside it.
pub(crate) type Choice = (&'static str, &'static str);
