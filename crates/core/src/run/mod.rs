//! One run from beginning to end: connect, read both sides, compare, save the plan, ask the guards, apply, remember.

mod applying;
mod book;
mod check;
mod compare_reads;
mod connect;
mod count;
mod definition;
mod doubt;
mod event_log;
mod findings;
mod keeper;
mod limits;
mod look_up;
pub mod measure;
mod memory;
mod part;
mod phases;
mod planning;
mod quarantine;
mod reading;
mod record;
mod remembered;
mod report;
mod request;
mod rerun;
mod retention;
mod runner;
mod scheduler;
mod second_thoughts;
mod staging;
mod tidy;
mod try_mapping;
mod undo;
mod webhook;
mod whole;
mod work;
mod worker;

pub use book::{Automation, ConfiguredSync, SyncBook};
pub use check::{CheckedSide, CheckedSync};
pub use compare_reads::{KeptRead, ReadDifferences, ReadPair};
pub use count::{ModelCount, ScopeCount, ScopeCounter};
pub use definition::{SideDefinition, SyncDefinition};
pub use findings::{Drift, DriftVerdict};
pub use look_up::LookedUp;
pub use memory::MemoryMeter;
pub use report::{ReadSummary, RunReport};
pub use request::{Consent, RunRequest};
pub use runner::Runner;
pub use scheduler::Scheduler;
pub use tidy::Tidied;
pub use try_mapping::{MappingTrial, TriedModel};
pub use webhook::Webhook;
pub use worker::{Follower, Worker};

#[cfg(test)]
mod doubt_tests;
#[cfg(test)]
mod durable_tests;
#[cfg(test)]
mod event_tests;
#[cfg(test)]
mod tests;
