//! Whole syncs over real HTTP: a simulated Forward Enterprise, the connectors, the engine, a simulated NetBox.

mod bad_input;
mod foreign;
mod lab;
mod reads;
mod whole;
