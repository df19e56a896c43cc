//! From devices to hosts.

mod desired;
pub(crate) mod facts;
pub(crate) mod host;
pub(crate) mod interface;
pub(crate) mod inventory;
pub(crate) mod macros;
pub(crate) mod managed;
pub(crate) mod name;
mod problems;
pub mod rules;
mod unknown;
pub(crate) mod window;

pub(crate) use self::desired::Desired;
pub(crate) use self::problems::problems;
pub(crate) use self::unknown::unknown;
