//! The rows of the tables. See the migrations for keys and indexes.

pub(super) mod binding;
pub(super) mod change;
pub(super) mod run;
pub(super) mod run_log;
pub(super) mod run_model;
pub(super) mod run_outcome;
pub(super) mod run_phase;
pub(super) mod sync;
