//! One run from beginning to end: connect, read both sides, compare, save the plan, ask the guards, apply, remember.

mod definition;
mod memory;
mod phases;
mod record;
mod report;
mod retention;
mod runner;

pub use definition::{SideDefinition, SyncDefinition};
pub use memory::MemoryMeter;
pub use report::{ReadSummary, RunReport};
pub use runner::{RunOptions, Runner};

#[cfg(test)]
mod tests;
