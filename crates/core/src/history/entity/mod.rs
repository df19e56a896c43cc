//! The rows of the tables. See the migrations for keys and indexes.
//!
//! In the plain form of entities: the form with relations writes code that opens transactions its own way.

#![expect(clippy::struct_field_names, reason = "a row is called `Model`, and has a column `model`")]

pub(super) mod account;
pub(super) mod audit;
pub(super) mod batch;
pub(super) mod change;
pub(super) mod comment;
pub(super) mod decision;
pub(super) mod finding;
pub(super) mod ignore;
pub(super) mod kept_count;
pub(super) mod ledger;
pub(super) mod link;
pub(super) mod notification;
pub(super) mod plan;
pub(super) mod plan_part;
pub(super) mod quarantine;
pub(super) mod run;
pub(super) mod run_event;
pub(super) mod run_log;
pub(super) mod run_model;
pub(super) mod run_outcome;
pub(super) mod run_phase;
pub(super) mod schedule;
pub(super) mod session;
pub(super) mod sync;
pub(super) mod token;
