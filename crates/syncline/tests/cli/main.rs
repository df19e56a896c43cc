//! The command as a person or a script meets it: the binary itself, its two outputs and its exit code.

#![expect(clippy::unwrap_used, reason = "tests")]

mod command;
mod help;
#[cfg(all(feature = "connector-forward", feature = "connector-netbox"))]
mod input;
#[cfg(feature = "demo")]
mod runs;
#[cfg(feature = "demo")]
mod world;
