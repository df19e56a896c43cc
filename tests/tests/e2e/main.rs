//! Whole syncs over real HTTP: a simulated Forward Enterprise, the connectors, the engine, a simulated NetBox.

#![expect(clippy::unwrap_used, reason = "what goes wrong here fails the test")]

mod bad_input;
mod faults;
mod files;
mod foreign;
mod lab;
mod ledger;
mod left_alone;
mod mapping;
mod quarantine;
mod reads;
mod review;
mod undo;
mod whole;
