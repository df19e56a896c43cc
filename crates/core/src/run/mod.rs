//! One run from beginning to end: connect, read both sides, compare, save the plan, ask the guards, apply, remember.

mod applying;
mod definition;
mod keeper;
pub mod measure;
mod memory;
mod phases;
mod planning;
mod reading;
mod record;
mod remembered;
mod report;
mod request;
mod retention;
mod runner;
mod work;

pub use definition::{SideDefinition, SyncDefinition};
pub use memory::MemoryMeter;
pub use report::{ReadSummary, RunReport};
pub use request::RunRequest;
pub use runner::Runner;

#[cfg(test)]
mod tests;
